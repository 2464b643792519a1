"""Journal entries: from the body of an item to NetSuite's own, and the entry that takes one back.

Facts: each line has an account and exactly one of debit and credit; an entry balances; two decimals; a line on
receivables or payables needs an entity (API.md).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
from wherry.books.numbering import reversing
from wherry.money import exact
from wherry.records import Item

from .amounts import ZERO, amount, currency_of, currency_ref
from .books import Books, held
from .client import Obj
from .places import placed
from .sales import head
from .texts import REVERSES, clean, cut

OTHER = {"debit": "credit", "credit": "debit"}
CONTROL = ("receivable", "payable")


def journal(item: Item, books: Books) -> Obj:
    """A journalEntry. Raises Rejected, and nothing of the item is sent."""
    currency = currency_of(item, books)
    told = enumerate(item.body.get("lines", ()))
    lines = [made for n, line in told if (made := _line(item, books, n, line)) is not None]
    _balanced(item, lines, currency)
    made = {**head(item, books), **currency_ref(books, currency), **_exchanged(item, books, currency)}
    if books.settings.approved is not None:
        made["approved"] = books.settings.approved
    return {**made, "line": {"items": lines}}


def reversal(item: Item, books: Books) -> Obj:
    """The entry that takes back what an entry books: its sides changed over, on the same day, under its own stamp."""
    number = clean(item.body.get("number"))
    told = {**item.body, "number": reversing(number)}
    told["memo"] = f"{REVERSES}{number or f'entry {item.target}'}. {item.body.get('memo') or ''}"
    made = journal(msgspec.structs.replace(item, body=told), books)
    return {**made, "line": {"items": [_turned(line) for line in made["line"]["items"]]}}


def _turned(line: Obj) -> Obj:
    return {OTHER.get(name, name): value for name, value in line.items()}


def _line(item: Item, books: Books, n: int, line: dict[str, Any]) -> Obj | None:
    """A line of NetSuite; None for one of zero, which books nothing."""
    worth = amount(line["amount"])
    if worth == 0:
        return None
    account = books.chart.account(str(line["account"]), item, f"lines[{n}].account")
    customer = str(line.get("customer") or "")
    if account.type in CONTROL and not customer:
        raise held(
            item, f"line {n + 1} is on {account.name}, where NetSuite wants a name", f"lines[{n}].customer",
            "name the customer in the map or in the table of accounts, or set clearing on the flow to the code of a "
            "clearing account", "WHERRY-4788",
        )  # fmt: skip
    made: Obj = {"account": {"id": account.id}, (line["side"] if worth > 0 else OTHER[line["side"]]): abs(worth)}
    if customer:
        made["entity"] = {"id": customer}
    if told := cut(line.get("description")):
        made["memo"] = told
    return {**made, **placed(item, n, line, books.settings.subsidiary)}


def _exchanged(item: Item, books: Books, currency: str) -> Obj:
    """The rate of an entry in another currency than the base one."""
    rate, own = item.body.get("exchange_rate"), books.settings.home
    if not rate or currency == own:
        return {}
    if (home := str(item.body.get("home") or own)) != own:
        raise held(
            item, f"its exchange rate is to {home}, and the books are kept in {own}", "exchange_rate",
            f"set currency of the project to {own}, or book where the books are kept in {home}", "WHERRY-4789",
        )  # fmt: skip
    return {"exchangeRate": exact(str(rate))}


def side_total(lines: list[Obj], side: str) -> Decimal:
    """The sum of one side of an entry, of ours or of NetSuite's."""
    return sum((Decimal(line[side]) for line in lines if line.get(side)), ZERO)


def _balanced(item: Item, lines: list[Obj], currency: str) -> None:
    debits, credits = (side_total(lines, side) for side in OTHER)
    if debits == credits and len(lines) > 1:
        return
    why = f"debits are {debits} and credits {credits} {currency}" if debits != credits else "it has no two lines"
    raise held(item, why, "lines", "correct the entry at its source or in the map, then try it again", "WHERRY-4787")
