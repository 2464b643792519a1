"""Journal entries under the rules of the desktop editions.

Facts: an entry has no memo of its own, so that its lines carry our stamp; amounts are positive and debits equal
credits; one line at most is on receivables or payables, and names a customer or a vendor.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec import Struct
from wherry.records import Item

from .books import Books, PostingAccount, held
from .names import numbered, stamped
from .sales import ZERO, amount, currency_of

Obj = dict[str, Any]
SIDES = {"debit": "JournalDebitLine", "credit": "JournalCreditLine"}
OTHER = {"debit": "credit", "credit": "debit"}
RECEIVABLE, PAYABLE, NON_POSTING = "AccountsReceivable", "AccountsPayable", "NonPosting"


class Side(Struct, frozen=True, kw_only=True):
    """A line of an entry."""

    side: str
    account: str
    amount: Decimal
    description: str
    customer: str = ""


def sides(item: Item, books: Books) -> list[Side]:
    """The lines of an entry. Raises Rejected."""
    currency = currency_of(item, books)
    told = enumerate(item.body.get("lines", ()))
    lines = [made for n, line in told if (made := _side(item, books, n, line)) is not None]
    debits, credits = (sum((one.amount for one in lines if one.side == side), ZERO) for side in SIDES)
    if debits != credits or len(lines) < 2:
        why = f"debits are {debits} and credits {credits} {currency}" if debits != credits else "it has no two lines"
        raise held(
            item, why, "lines", "correct the entry at its source or in the map, then try it again", "WHERRY-4358"
        )
    return lines


def added(item: Item, books: Books) -> Obj:
    """The body of a JournalEntryAdd."""
    made: Obj = {"TxnDate": item.body["date"], "RefNumber": numbered(str(item.body.get("number") or ""))}
    memo = str(item.body.get("memo") or "")
    for one in sides(item, books):
        said: Obj = {
            "AccountRef": {"ListID": one.account}, "Amount": one.amount,
            "Memo": stamped(one.description or memo, item.stamp),
        }  # fmt: skip
        if one.customer:
            said["EntityRef"] = {"ListID": one.customer}
        made.setdefault(SIDES[one.side], []).append(said)
    return {name: value for name, value in made.items() if value}


def _side(item: Item, books: Books, n: int, line: Obj) -> Side | None:
    """A line; None for one of zero, which books nothing."""
    worth = amount(line["amount"])
    if worth == 0:
        return None
    if any(str(word).strip() for word in (line.get("dimensions") or {}).values()):
        raise held(
            item, f"line {n + 1} has a class or another dimension, which is not written to QuickBooks Desktop yet",
            f"lines[{n}].dimensions", "leave it out of the table of accounts, or enter it by hand", "WHERRY-4359",
        )  # fmt: skip
    account = books.account(str(line["account"]), item, f"lines[{n}].account")
    customer = str(line.get("customer") or "")
    _posts(item, n, account, customer)
    side = line["side"] if worth > 0 else OTHER[line["side"]]
    return Side(side=side, account=account.id, amount=abs(worth), description=str(line.get("description") or ""),
                customer=customer)  # fmt: skip


def _posts(item: Item, n: int, account: PostingAccount, customer: str) -> None:
    """Raises Rejected for an account that the line cannot be booked to."""
    wants = {PAYABLE: "a vendor, which Wherry does not write", NON_POSTING: "no bookings"}.get(account.type, "")
    if account.type == RECEIVABLE and not customer:
        wants = "a customer"
    if wants:
        raise held(
            item, f"line {n + 1} is on {account.name}, where QuickBooks wants {wants}", f"lines[{n}].account",
            "set clearing on the flow to the code of a clearing account, or map the line to another account",
            "WHERRY-4350",
        )  # fmt: skip
