"""Journal entries: from the body of an item to a document, and the one that takes it back.

Facts: an entry has two lines at least and balances; BATCH_TITLE is required; with several currencies each line has its
currency and a rate of four decimals, or a type of rate (API.md).
"""

from __future__ import annotations

from typing import Any

import msgspec
from wherry.posting.bodies import ZERO, amount, refusal
from wherry.posting.entries import balanced, exchange_rate, turned
from wherry.posting.texts import clean, cut
from wherry.records import Item

from .amounts import currency_of
from .books import Books
from .papers import Line, Paper
from .places import placed
from .texts import TEXT, TITLE

RATE_PLACES = 4


def journal(item: Item, books: Books) -> Paper:
    """The entry. Raises Rejected, and nothing of the item is sent."""
    currency, told = currency_of(item, books), enumerate(item.body.get("lines", ()))
    lines = [made for n, line in told if (made := _line(item, books, n, line)) is not None]
    debits = sum((line.amount for line in lines if line.amount > 0), ZERO)
    balanced(item, debits, debits - sum((line.amount for line in lines), ZERO), len(lines), currency)
    number = clean(item.body.get("number"))
    return Paper(
        date=str(item.body["date"]), currency=currency, lines=lines, number=number,
        total=debits,
        memo=cut(item.body.get("memo") or number or f"Journal {item.body['date']}", TITLE),
        rate=_rate(item, books, currency),
    )  # fmt: skip


def reversal(item: Item, books: Books) -> Paper:
    """The entry that takes one back: its sides changed over, on the same day."""
    made = journal(turned(item), books)
    return msgspec.structs.replace(
        made, lines=[msgspec.structs.replace(line, amount=-line.amount) for line in made.lines]
    )


def _line(item: Item, books: Books, n: int, line: dict[str, Any]) -> Line | None:
    """A line; None for one of zero, which books nothing."""
    worth = amount(line["amount"])
    if worth == 0:
        return None
    account = books.chart.account(str(line["account"]), item, f"lines[{n}].account")
    places, customer = placed(item, n, line, books.settings.location), str(line.get("customer") or "")
    missing = books.required[account.code] - places.keys() - ({"customer"} if customer else set())
    if missing:
        wants = " and a ".join(sorted(missing))
        raise refusal(
            item, f"line {n + 1} is on {account.code} ({account.name}), which wants a {wants}",
            f"lines[{n}].dimensions", "add it in the table of accounts or in the map, then try it again", "WHERRY-4678",
        )  # fmt: skip
    return Line(
        amount=worth if line["side"] == "debit" else -worth, account=account.code, customer=customer,
        text=cut(line.get("description"), TEXT), places=places,
    )  # fmt: skip


def _rate(item: Item, books: Books, currency: str) -> str:
    """The rate of an entry in another currency than the base one."""
    rate = exchange_rate(item, currency, books.home)
    if rate is None:
        return ""
    if round(rate, RATE_PLACES) == rate:
        return format(rate.normalize(), "f")
    raise refusal(
        item, f"its exchange rate {rate} has more than four decimals", "exchange_rate",
        "round it in the table of rates, then try it again", "WHERRY-4671",
    )  # fmt: skip
