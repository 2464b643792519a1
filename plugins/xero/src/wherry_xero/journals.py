"""Manual journals: from the body of an item to Xero's own.

Facts: a manual journal has no number, no customers and no other currency than the organisation's; debits are positive
and credits negative, and come to zero; it goes to no bank or control account (API.md). So its number begins the
narration, and an entry in another currency goes by its home amounts.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec.structs import replace
from wherry.posting import entries
from wherry.posting.bodies import amount
from wherry.posting.texts import cut
from wherry.records import Item

from .amounts import taken
from .books import Books
from .client import Obj
from .places import tracked
from .texts import DESCRIPTION, NARRATION


def journal(item: Item, books: Books) -> Obj:
    """A manual journal. Raises Rejected, and nothing of the item is sent."""
    taken(item, books.home, books)
    told = enumerate(entries.lines_at_home(item, books.home))
    lines = [_line(item, books, n, line) for n, line in told if line["amount"]["minor"]]
    debit = debits(lines)
    entries.balanced(item, debit, debit - sum(line["LineAmount"] for line in lines), len(lines), books.home)
    made: Obj = {
        "Narration": narration(item), "Date": item.body["date"], "LineAmountTypes": "NoTax", "JournalLines": lines,
    }  # fmt: skip
    return {**made, "Url": f"{books.settings.link}/{item.stamp}"} if item.target is None else made


def reversal(item: Item, books: Books) -> Obj:
    """The journal that takes one back: its sides turned over, on the same day, under its own stamp."""
    made = journal(turned(item), books)
    return {**made, "JournalLines": [{**line, "LineAmount": -line["LineAmount"]} for line in made["JournalLines"]]}


def turned(item: Item) -> Item:
    """The same, called as the journal that takes it back. That is looked for by its narration, which names no ids."""
    return entries.turned(replace(item, target=None))


def narration(item: Item) -> str:
    """Number and memo, as Xero takes them."""
    return entries.narration(item, NARRATION)


def _line(item: Item, books: Books, n: int, line: dict[str, Any]) -> Obj:
    account = books.chart.account(str(line["account"]), item, f"lines[{n}].account")
    worth = amount(line["amount"])
    made: Obj = {"LineAmount": worth if line["side"] == "debit" else -worth, "AccountCode": account.code}
    if told := cut(line.get("description"), DESCRIPTION):
        made["Description"] = told
    return {**made, **tracked(item, books, n, line)}


def debits(lines: list[Obj]) -> Decimal:
    """What a journal comes to, of ours or of Xero's."""
    amounts = [Decimal(str(line.get("LineAmount") or 0)) for line in lines]
    return sum((amount for amount in amounts if amount > 0), Decimal(0))
