"""Journal entries under the rules of the desktop editions.

Facts: an entry has no memo of its own, so that its lines carry our stamp; amounts are positive and debits equal
credits; one line at most is on receivables or payables, names a customer or a vendor, and comes first.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from wherry.money import exact
from wherry.posting.bodies import ZERO, amount, refusal
from wherry.posting.entries import OTHER, balanced, turned
from wherry.records import Item

from .books import Books, PostingAccount, class_of
from .names import numbered, stamped
from .sales import currency_of

Obj = dict[str, Any]
SIDES = {"debit": "JournalDebitLine", "credit": "JournalCreditLine"}
RECEIVABLE, PAYABLE, NON_POSTING = "AccountsReceivable", "AccountsPayable", "NonPosting"


class Side(Struct, frozen=True, kw_only=True):
    """A line of an entry."""

    side: str
    account: str
    amount: Decimal
    description: str
    customer: str = ""
    place: str = ""
    """The id of its class."""
    party: bool = False
    """Whether it is on receivables."""


def sides(item: Item, books: Books) -> list[Side]:
    """The lines of an entry, that on receivables first. Raises Rejected."""
    currency = currency_of(item, books)
    told = enumerate(item.body.get("lines", ()))
    lines = [made for n, line in told if (made := _side(item, books, n, line)) is not None]
    debits, credits = (sum((one.amount for one in lines if one.side == side), ZERO) for side in SIDES)
    balanced(item, debits, credits, len(lines), currency)
    if sum(one.party for one in lines) > 1:
        raise refusal(
            item, "more than one of its lines is on receivables, and QuickBooks takes one in an entry", "lines",
            "split it at the source, a record for each customer, or set clearing on the flow", "WHERRY-4349",
        )  # fmt: skip
    return sorted(lines, key=lambda one: not one.party)


def reversal(item: Item) -> Item:
    """The item of the entry that takes one back: its sides changed over, on the same day."""
    body = turned(replace(item, body=item.before or item.body)).body
    lines = [{**line, "side": OTHER[line["side"]]} for line in body.get("lines", ())]
    return replace(item, body={**body, "lines": lines}, action="write")


def added(item: Item, books: Books) -> Obj:
    """The body of a JournalEntryAdd."""
    made: Obj = {"TxnDate": item.body["date"], "RefNumber": numbered(str(item.body.get("number") or ""))}
    made |= _exchanged(item, books)
    memo = str(item.body.get("memo") or "")
    for one in sides(item, books):
        said: Obj = {
            "AccountRef": {"ListID": one.account}, "Amount": one.amount,
            "Memo": stamped(one.description or memo, item.stamp),
        }  # fmt: skip
        if one.customer:
            said["EntityRef"] = {"ListID": one.customer}
        if one.place:
            said["ClassRef"] = {"ListID": one.place}
        made.setdefault(SIDES[one.side], []).append(said)
    return {name: value for name, value in made.items() if value}


def _exchanged(item: Item, books: Books) -> Obj:
    """Currency and rate of an entry in another currency than the file's own. What rounding leaves of its lines at home
    is booked by QuickBooks itself. Raises Rejected."""
    currency, own = currency_of(item, books), books.currency
    if not books.company.multicurrency or currency == own:
        return {}
    if (home := str(item.body.get("home") or own)) != own:
        raise refusal(
            item, f"its exchange rate is to {home}, and the company file is kept in {own}", "exchange_rate",
            f"set currency of the project to {own}, or book into a company file that is kept in {home}", "WHERRY-4368",
        )  # fmt: skip
    told = item.body.get("exchange_rate")
    rate = {"ExchangeRate": exact(str(told))} if told else {}
    return {"CurrencyRef": {"FullName": books.currencies[currency]}, **rate}


def _side(item: Item, books: Books, n: int, line: Obj) -> Side | None:
    """A line; None for one of zero, which books nothing."""
    worth = amount(line["amount"])
    if worth == 0:
        return None
    account = books.account(str(line["account"]), item, f"lines[{n}].account")
    customer = str(line.get("customer") or "")
    _posts(item, n, account, customer)
    _of_its_currency(item, books, n, account)
    side = line["side"] if worth > 0 else OTHER[line["side"]]
    return Side(side=side, account=account.id, amount=abs(worth), description=str(line.get("description") or ""),
                customer=customer, place=class_of(item, books, n, line), party=account.type == RECEIVABLE)  # fmt: skip


def _of_its_currency(item: Item, books: Books, n: int, account: PostingAccount) -> None:
    """Raises Rejected for an account that is kept in a foreign currency, and not in the entry's."""
    its = books.currencies.get(currency_of(item, books), "")
    if account.currency in ("", books.company.home, its):
        return
    raise refusal(
        item, f"line {n + 1} is on {account.name}, which is kept in {account.currency}", f"lines[{n}].account",
        f"map the line to an account in {its} or {books.company.home}", "WHERRY-4863",
    )  # fmt: skip


def _posts(item: Item, n: int, account: PostingAccount, customer: str) -> None:
    """Raises Rejected for an account that the line cannot be booked to."""
    wants = {PAYABLE: "a vendor, which Wherry does not write", NON_POSTING: "no bookings"}.get(account.type, "")
    if account.type == RECEIVABLE and not customer:
        wants = "a customer"
    if wants:
        raise refusal(
            item, f"line {n + 1} is on {account.name}, where QuickBooks wants {wants}", f"lines[{n}].account",
            "set clearing on the flow to the code of a clearing account, or map the line to another account",
            "WHERRY-4350",
        )  # fmt: skip
