"""Manual journals: from the body of an item to Xero's own.

Facts: a manual journal has no number, no customers and no other currency than the organisation's; debits are positive
and credits negative, and come to zero; it goes to no bank or control account (API.md). So its number begins the
narration, and an entry in another currency goes by its home amounts.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from msgspec.structs import replace
from wherry.posting import entries
from wherry.posting.bodies import amount, refusal
from wherry.posting.texts import clean, cut
from wherry.records import Item

from .amounts import taken
from .books import Books
from .client import Obj
from .places import tracked
from .texts import DESCRIPTION, NARRATION

BEHIND = ": "
"""What stands in the narration between number and memo."""


def journal(item: Item, books: Books) -> Obj:
    """A manual journal. Raises Rejected, and nothing of the item is sent."""
    taken(item, books.home, books)
    lines = [_line(item, books, n, line) for n, line in enumerate(_lines(item, books)) if line["amount"]["minor"]]
    total = sum(line["LineAmount"] for line in lines)
    if total or len(lines) < 2:
        why = f"debits and credits differ by {total} {books.home}" if total else "it has no two lines"
        raise refusal(
            item, why, "lines", "correct the entry at its source or in the map, then try it again", "WHERRY-4583"
        )
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
    """Number and memo; never empty, since Xero wants one."""
    number, memo = clean(item.body.get("number")), clean(item.body.get("memo"))
    told = f"{number}{BEHIND}{memo}" if number and memo else number or memo or f"Journal {item.body['date']}"
    return cut(told, NARRATION)


def number_in(text: str) -> str:
    """The number that a narration of ours begins with."""
    return text.partition(BEHIND)[0]


def _lines(item: Item, books: Books) -> Iterator[dict[str, Any]]:
    """The lines in the organisation's currency, with what rounding left to it as a line of its own."""
    for n, line in enumerate(item.body.get("lines", ())):
        told = line["amount"] if line["amount"]["currency"] == books.home else line.get("home")
        if not told or told["currency"] != books.home:
            raise refusal(
                item, f"line {n + 1} is in {line['amount']['currency']}, and manual journals of Xero are in "
                f"{books.home}", f"lines[{n}].amount",
                f"set currency of the project to {books.home}, and name a rate for the day in the table of rates",
                "WHERRY-4584",
            )  # fmt: skip
        yield {**line, "amount": told}
    left, account = item.body.get("rounding"), item.body.get("rounding_account")
    if left and account:
        yield {"account": account, "side": "debit", "amount": left, "description": "Rounding"}


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
