"""Journal entries: from the body of an item to NetSuite's own, and the entry that takes one back.

Facts: each line has an account and exactly one of debit and credit; an entry balances; two decimals; a line on
receivables or payables needs an entity (API.md).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec.structs import replace
from wherry.posting.bodies import ZERO, amount, refusal
from wherry.posting.entries import OTHER, balanced, exchange_rate, turned
from wherry.posting.texts import clean, cut
from wherry.records import Item

from .amounts import currency_of, currency_ref
from .books import Books
from .client import Obj
from .places import placed
from .sales import head
from .texts import LONGEST

CONTROL = ("receivable", "payable")


def journal(item: Item, books: Books) -> Obj:
    """A journalEntry. Raises Rejected, and nothing of the item is sent."""
    currency = currency_of(item, books)
    told = enumerate(item.body.get("lines", ()))
    lines = [made for n, line in told if (made := _line(item, books, n, line)) is not None]
    balanced(item, side_total(lines, "debit"), side_total(lines, "credit"), len(lines), currency)
    made = {**head(item, books), **currency_ref(books, currency), **_exchanged(item, books, currency)}
    if books.settings.approved is not None:
        made["approved"] = books.settings.approved
    return {**made, "line": {"items": lines}}


def reversal(item: Item, books: Books) -> Obj:
    """The entry that takes back what an entry books: its sides changed over, on the same day, under its own stamp."""
    number = clean(item.body.get("number"))  # as it is looked for by
    made = journal(turned(replace(item, body={**item.body, "number": number})), books)
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
        raise refusal(
            item, f"line {n + 1} is on {account.name}, where NetSuite wants a name", f"lines[{n}].customer",
            "name the customer in the map or in the table of accounts, or set clearing on the flow to the code of a "
            "clearing account", "WHERRY-4788",
        )  # fmt: skip
    made: Obj = {"account": {"id": account.id}, (line["side"] if worth > 0 else OTHER[line["side"]]): abs(worth)}
    if customer:
        made["entity"] = {"id": customer}
    if told := cut(line.get("description"), LONGEST):
        made["memo"] = told
    return {**made, **placed(item, n, line, books.settings.subsidiary)}


def _exchanged(item: Item, books: Books, currency: str) -> Obj:
    rate = exchange_rate(item, currency, books.settings.home)
    return {} if rate is None else {"exchangeRate": rate}


def side_total(lines: list[Obj], side: str) -> Decimal:
    """The sum of one side of an entry, of ours or of NetSuite's."""
    return sum((Decimal(line[side]) for line in lines if line.get(side)), ZERO)
