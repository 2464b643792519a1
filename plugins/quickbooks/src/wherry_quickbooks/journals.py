"""Journal entries: from the body of an item to QuickBooks' own entry, and the entry that reverses one.

Facts: at least two lines, debits equal credits, amounts positive (faults 2250, 2300, 2290); a line on receivables needs
a customer, one on payables a vendor, and an entry takes one of them only.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec.structs import replace
from wherry.books.numbering import reversing as reversing
from wherry.errors import Rejected
from wherry.posting.bodies import ZERO, amount, refusal
from wherry.posting.entries import balanced, exchange_rate, turned
from wherry.records import Item

from .books import PAYABLE, RECEIVABLE, Books, PostingAccount
from .client import Obj
from .lists import said, spoken
from .names import DESCRIPTION, cut
from .places import misplaced as misplaced
from .places import placed
from .sales import currency_of, head

SIDES = {"debit": "Debit", "credit": "Credit"}
OTHER = {"Debit": "Credit", "Credit": "Debit"}


def journal(item: Item, books: Books) -> Obj:
    """A JournalEntry. Raises Rejected, and nothing of the item is sent."""
    currency = spoken(item, books, currency_of(item, books), "currency")
    told = enumerate(item.body.get("lines", ()))
    lines = [made for n, line in told if (made := _line(item, books, n, line)) is not None]
    balanced(item, side_total(lines, "Debit"), side_total(lines, "Credit"), len(lines), currency)
    _one_party(item, books)
    return {**head(item, books, currency, custom=True), **_exchanged(item, books, currency), "Line": lines}


def _exchanged(item: Item, books: Books, currency: str) -> Obj:
    """The rate of an entry in another currency than the company's. What rounding leaves of its lines at home is booked
    by QuickBooks itself, on the account for exchange gains and losses."""
    rate = exchange_rate(item, currency, books.company.currency)
    return {} if rate is None else {"ExchangeRate": rate}


def reversal(item: Item, books: Books) -> Obj:
    """The entry that takes back what an entry books: its sides changed over, on the same day.

    QuickBooks has no void for journal entries; its own "Reverse" makes such an entry too, with an R behind the number.
    """
    number = said(item, "number")  # as it is looked for by
    made = journal(turned(replace(item, body={**item.body, "number": number})), books)
    return {**made, "Line": [_turned(line) for line in made["Line"]]}


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
    """The account of a line, whom it concerns, and where it belongs."""
    account = books.chart.account(str(line["account"]), item, f"lines[{n}].account")
    customer = line.get("customer") or ""
    _currency_taken(item, books, n, account)
    if account.type == PAYABLE or (account.type == RECEIVABLE and not customer):
        raise _without_party(item, n, account)
    made: Obj = {"AccountRef": {"value": account.id}, **placed(item, books, n, line)}
    if customer:
        made["Entity"] = {"Type": "Customer", "EntityRef": {"value": str(customer)}}
    return made


def _without_party(item: Item, n: int, account: PostingAccount) -> Rejected:
    """Wherry writes no vendors, and does not guess whose receivable a line is."""
    clearing = "set clearing on the flow to the code of a clearing account, which takes such lines instead"
    if account.type == PAYABLE:
        return refusal(
            item, f"line {n + 1} is on {account.name}, where QuickBooks wants a vendor, which Wherry does not write",
            f"lines[{n}].account", f"{clearing}, or map the line to another account", "WHERRY-4772",
        )  # fmt: skip
    return refusal(
        item, f"line {n + 1} is on {account.name}, where QuickBooks wants a customer", f"lines[{n}].customer",
        f"name the customer in the map or in the table of accounts, or {clearing}", "WHERRY-4740",
    )  # fmt: skip


def _one_party(item: Item, books: Books) -> None:
    """Raises Rejected for receivables of several customers: QuickBooks takes one in an entry."""
    told = {
        str(line.get("customer") or "")
        for n, line in enumerate(item.body.get("lines", ()))
        if books.chart.account(str(line["account"]), item, f"lines[{n}].account").type == RECEIVABLE
    }
    if len(told) > 1:
        raise refusal(
            item, f"its lines on receivables name {len(told)} customers, and QuickBooks takes one in an entry", "lines",
            "split it at the source, a record for each customer, or set clearing on the flow", "WHERRY-4776",
        )  # fmt: skip


def _currency_taken(item: Item, books: Books, n: int, account: PostingAccount) -> None:
    """Raises Rejected for an account that is kept in a foreign currency, and not in the entry's."""
    currency, home = currency_of(item, books), books.company.currency
    if account.currency in ("", home, currency):
        return
    raise refusal(
        item, f"line {n + 1} is on {account.name}, which is kept in {account.currency}; the entry is in {currency}",
        f"lines[{n}].account", f"map the line to an account in {currency} or {home}", "WHERRY-4773",
    )  # fmt: skip


def side_total(lines: list[Obj], side: str) -> Decimal:
    """The sum of one side of an entry, of ours or of QuickBooks'."""
    return sum(
        (line["Amount"] for line in lines if line.get("JournalEntryLineDetail", {}).get("PostingType") == side), ZERO
    )  # fmt: skip
