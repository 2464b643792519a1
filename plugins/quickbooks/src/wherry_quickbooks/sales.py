"""Invoices, estimates and credit memos: from the body of an item to QuickBooks' own document.

Facts: a document number has 21 characters at most, and is QuickBooks' own affair unless the company writes custom
numbers; the amount of a line is its quantity times its price (fault 6070); lines need an item (6440).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from wherry.books.rates import COLUMNS
from wherry.money import exact
from wherry.posting import bodies
from wherry.posting.bodies import ZERO, adds_up, called, customer_of, refusal, times, worth_of
from wherry.records import Item

from .books import Books
from .client import Obj
from .lists import limited, spoken
from .names import DESCRIPTION, NOTE, VOIDED, cut, stamped
from .places import placed
from .taxes import taxed

LONGEST_NUMBER = 21
PRICE = Decimal("0.0000001")
"""The steps in which QuickBooks keeps a price that it works out itself."""
POSTING = frozenset({"invoice", "credit_memo", "journal_entry"})
SALES = frozenset({"invoice", "credit_memo", "estimate", "sales_order"})


def sale(item: Item, books: Books) -> Obj:
    """An Invoice, Estimate or CreditMemo. Raises Rejected, and nothing of the item is sent."""
    currency = spoken(item, books, currency_of(item, books), "total")
    made = untaxed(item, books)
    lines: list[Obj] = made["Line"]
    if not any("Amount" in line for line in lines):
        raise refusal(item, "it has no line with an amount", "lines", "add its lines at the source", "WHERRY-4733")
    adds_up(item, nets_of(lines), currency)
    return {**made, **taxed(item, books, lines)}


def untaxed(item: Item, books: Books) -> Obj:
    """The document but for its tax, which is all that there is to compare by."""
    currency = currency_of(item, books)
    made = head(item, books, currency, custom=books.company.custom_numbers)
    made["CustomerRef"] = {"value": customer_of(item)}
    if due := _due(item):
        made["DueDate"] = due
    parts = (item, books, currency)
    return {**made, "Line": [_line(*parts, n, line) for n, line in enumerate(item.body.get("lines", ()))]}


def voided(item: Item, books: Books) -> Obj:
    """A credit memo taken back: the same lines with nothing in them, as when it is voided by hand."""
    made = sale(item, books)
    lines = [_emptied(line) for line in made["Line"]]
    tax = {"TxnTaxDetail": {"TotalTax": ZERO}} if "TxnTaxDetail" in made else {}
    note = stamped(f"{VOIDED} - {item.body.get('memo') or ''}".removesuffix(" - "), item.stamp, NOTE)
    return {"Line": lines, "PrivateNote": note, **tax}


def _emptied(line: Obj) -> Obj:
    if "Amount" not in line:
        return line
    detail = {name: value for name, value in line["SalesItemLineDetail"].items() if name != "UnitPrice"}
    return {**line, "Amount": ZERO, "SalesItemLineDetail": {**detail, "Qty": ZERO}}


# -- the head ------------------------------------------------------------


def head(item: Item, books: Books, currency: str, *, custom: bool) -> Obj:
    """Number, date, currency and note. Without ``custom`` numbers ours stands in the note."""
    number = limited(item, "number", LONGEST_NUMBER)
    note = str(item.body.get("memo") or "")
    made: Obj = {"TxnDate": item.body["date"], "CurrencyRef": {"value": currency}}
    if number and custom:
        made["DocNumber"] = number
    elif number:
        note = f"Number {number}. {note}".strip()
    return {**made, "PrivateNote": stamped(note, item.stamp, NOTE)}


def exchanged(item: Item, books: Books, made: Obj) -> Obj:
    """The rate of a new document (``made``) in another currency than the company's, of which QuickBooks else counts one
    unit as one of its own. Only at first: what a person sets there stays. Raises Rejected where the table has none."""
    if item.entity not in SALES:
        return {}
    home, currency = books.company.currency, str(made["CurrencyRef"]["value"])
    if currency == home:
        return {}
    day = str(item.body["date"])
    if rate := books.rates.find(dt.date.fromisoformat(day), currency, home):
        return {"ExchangeRate": rate.rate}
    raise refusal(
        item, f"it is in {currency}, and {books.rate_table} has no rate from {currency} to {home} for {day} or the "
        f"seven days before it; QuickBooks would count 1 {currency} as 1 {home}", "date",
        f"add the rate to {books.rate_table} (columns {', '.join(COLUMNS)}), then try it again", "WHERRY-4777",
    )  # fmt: skip


def open_period(item: Item, books: Books) -> None:
    """Raises Rejected for a date in closed books, old or new; QuickBooks would answer 6200 or 6210."""
    closed = books.company.close_date
    if closed is None or item.entity not in POSTING:
        return
    old, new = str((item.before or {}).get("date") or ""), str(item.body["date"])
    if min(old or new, new) > closed.isoformat():
        return
    there = "" < old <= closed.isoformat()
    date, later = (f"{old} there", "") if there else (new, ", or give it a later date")
    raise refusal(
        item, f"it is dated {date}, and the books are closed up to {closed}", "date",
        f"in QuickBooks, set the closing date before {old if there else new}{later}; then try it again",
        "WHERRY-4741",
    )  # fmt: skip


def _due(item: Item) -> str:
    """The due date. One that was taken back becomes the document's own: QuickBooks has no way to say none."""
    told = item.body.get("due_date") or ""
    if not told and (item.before or {}).get("due_date"):
        return str(item.body["date"])
    return "" if item.entity == "credit_memo" else str(told)


def currency_of(item: Item, books: Books) -> str:
    """The one currency of all amounts of a body; the company's own where there is none. Raises Rejected for several."""
    return bodies.currency_of(item, books.company.currency)


# -- lines ------------------------------------------------------------


def _line(item: Item, books: Books, currency: str, n: int, line: dict[str, Any]) -> Obj:
    told = cut(str(line.get("description") or ""), DESCRIPTION)
    described = {"Description": told} if told else {}
    total = _amount(item, n, line, currency)
    if not line.get("product"):
        if total == 0 and told:
            return {"DetailType": "DescriptionOnly", **described, "DescriptionLineDetail": {}}
        raise refusal(
            item, f"line {n + 1} ({called(line)}) names no product or service of QuickBooks", f"lines[{n}].product",
            "match the line's product or service, then try it again", "WHERRY-4732",
        )  # fmt: skip
    where = placed(item, books, n, line, {"class"})
    detail = {"ItemRef": {"value": str(line["product"])}, **_priced(line, total, currency), **where}
    return {"DetailType": "SalesItemLineDetail", "Amount": total, **described, "SalesItemLineDetail": detail}


def _amount(item: Item, n: int, line: dict[str, Any], currency: str) -> Decimal:
    said = line.get("product") or line.get("amount") or line.get("rate") is not None
    return worth_of(item, n, line, currency) if said else ZERO


def _quantity(line: dict[str, Any]) -> Decimal:
    return exact(line.get("quantity", 1))


def _priced(line: dict[str, Any], total: Decimal, currency: str) -> Obj:
    """Quantity and price, which must come to the amount: where the source's rate does not, the amount stands and the
    price is worked out from it, as QuickBooks does when somebody types over an amount."""
    quantity = _quantity(line)
    told = exact(line["rate"]) if line.get("rate") is not None else None
    worked_out = (total / quantity).quantize(PRICE, ROUND_HALF_UP).normalize() if quantity else None
    for price in (told, worked_out):
        if price is not None and times(quantity, price, currency) == total:
            return {"Qty": quantity, "UnitPrice": Decimal(format(price, "f"))}
    return {}


def nets_of(lines: Sequence[Obj]) -> list[Decimal]:
    """What each line of ours comes to without tax."""
    return [line.get("Amount", ZERO) for line in lines]
