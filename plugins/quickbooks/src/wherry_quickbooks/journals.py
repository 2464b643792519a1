"""Journal entries: from the body of an item to QuickBooks' own entry, and the entry that reverses one.

Facts: at least two lines, debits equal credits, amounts positive (faults 2250, 2300, 2290); a line on receivables needs
a customer, one on payables a vendor, and an entry takes one of them only.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
from wherry.records import Item

from .books import PAYABLE, RECEIVABLE, Books, held
from .client import Obj
from .lists import spoken
from .names import DESCRIPTION, cut
from .sales import LONGEST_NUMBER, currency_of, head
from .taxes import ZERO, amount

SIDES = {"debit": "Debit", "credit": "Credit"}
OTHER = {"Debit": "Credit", "Credit": "Debit"}
REVERSES = "Reverses "
"""How the note of an entry begins that reverses another."""


def journal(item: Item, books: Books) -> Obj:
    """A JournalEntry. Raises Rejected, and nothing of the item is sent."""
    currency = spoken(item, books, currency_of(item, books), "currency")
    told = enumerate(item.body.get("lines", ()))
    lines = [made for n, line in told if (made := _line(item, books, n, line)) is not None]
    _balanced(item, lines, currency)
    return {**head(item, books, currency, custom=True), "Line": lines}


def reversal(item: Item, books: Books) -> Obj:
    """The entry that takes back what an entry books: its sides changed over, on the same day.

    QuickBooks has no void for journal entries; its own "Reverse" makes such an entry too, with an R behind the number.
    """
    number, memo = str(item.body.get("number") or ""), str(item.body.get("memo") or "")
    told = {**item.body, "number": reversing(number)}
    told["memo"] = f"{REVERSES}{number or 'entry ' + str(item.target)}. {memo}".strip()
    made = journal(msgspec.structs.replace(item, body=told), books)
    return {**made, "Line": [_turned(line) for line in made["Line"]]}


def reversing(number: str) -> str:
    """The number of the entry that reverses one."""
    return f"{number[: LONGEST_NUMBER - 1]}R" if number else ""


def _turned(line: Obj) -> Obj:
    detail = line["JournalEntryLineDetail"]
    return {**line, "JournalEntryLineDetail": {**detail, "PostingType": OTHER[detail["PostingType"]]}}


def _line(item: Item, books: Books, n: int, line: dict[str, Any]) -> Obj | None:
    """A line of QuickBooks; None for one of zero, which books nothing and would be refused."""
    worth = amount(line["amount"])
    if worth == 0:
        return None
    side = SIDES[line["side"]]
    detail: Obj = {"PostingType": side if worth > 0 else OTHER[side], **_posted(item, books, n, line)}
    told = cut(str(line.get("description") or ""), DESCRIPTION)
    described = {"Description": told} if told else {}
    return {"DetailType": "JournalEntryLineDetail", "Amount": abs(worth), **described, "JournalEntryLineDetail": detail}


def _posted(item: Item, books: Books, n: int, line: dict[str, Any]) -> Obj:
    """The account of a line, and whom it concerns."""
    account = books.chart.account(str(line["account"]), item, f"lines[{n}].account")
    customer = line.get("customer") or ""
    made: Obj = {"AccountRef": {"value": account.id}}
    if account.type == PAYABLE or (account.type == RECEIVABLE and not customer):
        whom = "a customer" if account.type == RECEIVABLE else "a vendor, which Wherry does not write"
        raise held(
            item, f"line {n + 1} is on {account.name}, where QuickBooks wants {whom}", f"lines[{n}].customer",
            "name the customer in the map, or post to another account", "WHERRY-4740",
        )  # fmt: skip
    if customer:
        made["Entity"] = {"Type": "Customer", "EntityRef": {"value": str(customer)}}
    return made


def side_total(lines: list[Obj], side: str) -> Decimal:
    """The sum of one side of an entry, of ours or of QuickBooks'."""
    return sum(
        (line["Amount"] for line in lines if line.get("JournalEntryLineDetail", {}).get("PostingType") == side), ZERO
    )  # fmt: skip


def _balanced(item: Item, lines: list[Obj], currency: str) -> None:
    debits, credits = (side_total(lines, side) for side in OTHER)
    if debits == credits and len(lines) > 1:
        return
    why = f"debits are {debits} and credits {credits} {currency}" if debits != credits else "it has no two lines"
    raise held(item, why, "lines", "correct the entry at its source or in the map, then try it again", "WHERRY-4739")
