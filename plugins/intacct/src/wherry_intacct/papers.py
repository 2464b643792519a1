"""A document as both sides can say it: what ours would be, and what Sage Intacct holds, in one form to be compared.

Documents of Order Entry have items, quantities and prices; of Accounts Receivable lines have an account and an amount;
those of journals are debits (above zero) and credits.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct, field
from wherry.posting.bodies import ZERO
from wherry.posting.facts import money, plain
from wherry.records import Facts


class Line(Struct, kw_only=True):
    """``amount`` is without tax. ``quantity`` is None where a document keeps none, ``detail`` the tax detail."""

    amount: Decimal
    account: str = ""
    item: str = ""
    quantity: Decimal | None = None
    price: Decimal = ZERO
    customer: str = ""
    text: str = ""
    places: dict[str, str] = field(default_factory=dict)
    tax: Decimal = ZERO
    detail: str = ""


class Paper(Struct, kw_only=True):
    """A document. ``tax`` is what goes to a subtotal; ``rate`` that of its currency to the base one, where it brings
    one."""

    date: str
    currency: str
    lines: list[Line]
    total: Decimal
    number: str = ""
    memo: str = ""
    customer: str = ""
    due: str = ""
    rate: str = ""
    tax: Decimal = ZERO


class Words(Struct, frozen=True):
    """What of a document is compared: what people entered beside what we say is theirs."""

    named: frozenset[str]
    places: frozenset[str]
    texts: bool


def words_of(*ours: Paper) -> Words:
    """What our versions of a document speak of."""
    fields = ("number", "memo", "due", "rate")
    lines = [line for one in ours for line in one.lines]
    return Words(
        frozenset(name for name in fields for one in ours if getattr(one, name)),
        frozenset(place for line in lines for place in line.places), any(line.text for line in lines),
    )  # fmt: skip


def facts_of(paper: Paper, words: Words) -> Facts:
    """A document in words that can be compared."""
    told = {"state": "stands", "date": paper.date, "total": money(paper.total, paper.currency)}
    told |= {"lines": str(len(paper.lines)), **({"customer": paper.customer} if paper.customer else {})}
    named = {"number": paper.number, "memo": paper.memo, "due_date": paper.due, "exchange rate": paper.rate}
    keys = {"due_date": "due", "exchange rate": "rate"}
    told |= {name: value for name, value in named.items() if keys.get(name, name) in words.named}
    return told | {f"line {n}": _line(line, paper, words) for n, line in enumerate(paper.lines, start=1)}


def _line(line: Line, paper: Paper, words: Words) -> str:
    amount, side = line.amount, ""
    if not paper.customer:  # a journal entry
        amount, side = abs(line.amount), "debit " if line.amount > 0 else "credit "
    what = f"{side}account {line.account}" + (f", item {line.item}" if line.item else "")
    if line.quantity is not None:
        what = f"{plain(line.quantity)} x item {line.item}"
    whom = f", {line.customer}" if line.customer else ""
    where = "".join(f", {name} {line.places[name]}" for name in sorted(words.places) if line.places.get(name))
    text = f": {line.text}" if words.texts and line.text else ""
    return f"{what} = {money(amount, paper.currency)}{whom}{where}{text}"
