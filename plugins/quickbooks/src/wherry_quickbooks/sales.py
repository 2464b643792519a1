"""Invoices, estimates and credit memos: from the body of an item to QuickBooks' own document.

Facts: a document number has 21 characters at most, and is QuickBooks' own affair unless the company writes custom
numbers; the amount of a line is its quantity times its price (fault 6070); lines need an item (6440).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from wherry.money import exact, rounded
from wherry.records import Item

from .books import Books, held
from .client import Obj
from .lists import limited, spoken
from .names import DESCRIPTION, NOTE, VOIDED, cut, stamped
from .places import placed
from .taxes import ZERO, amount, known_tax, reckoned_tax, taxed

LONGEST_NUMBER = 21
PRICE = Decimal("0.0000001")
"""The steps in which QuickBooks keeps a price that it works out itself."""
POSTING = frozenset({"invoice", "credit_memo", "journal_entry"})


def sale(item: Item, books: Books) -> Obj:
    """An Invoice, Estimate or CreditMemo. Raises Rejected, and nothing of the item is sent."""
    currency = spoken(item, books, currency_of(item, books), "total")
    made = untaxed(item, books)
    lines: list[Obj] = made["Line"]
    if not any("Amount" in line for line in lines):
        raise held(item, "it has no line with an amount", "lines", "add its lines at the source", "WHERRY-4733")
    _adds_up(item, lines, currency)
    return {**made, **taxed(item, books, lines)}


def untaxed(item: Item, books: Books) -> Obj:
    """The document but for its tax, which is all that there is to compare by."""
    currency = currency_of(item, books)
    made = head(item, books, currency, custom=books.company.custom_numbers)
    made["CustomerRef"] = {"value": _customer(item)}
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
    raise held(
        item, f"it is dated {date}, and the books are closed up to {closed}", "date",
        f"in QuickBooks, set the closing date before {old if there else new}{later}; then try it again",
        "WHERRY-4741",
    )  # fmt: skip


def _customer(item: Item) -> str:
    told = item.body.get("customer")
    if isinstance(told, str) and told:
        return told
    raise held(
        item, "it has no customer", "customer", "say at the source whom it is for, then try it again", "WHERRY-4744"
    )


def _due(item: Item) -> str:
    """The due date. One that was taken back becomes the document's own: QuickBooks has no way to say none."""
    told = item.body.get("due_date") or ""
    if not told and (item.before or {}).get("due_date"):
        return str(item.body["date"])
    return "" if item.entity == "credit_memo" else str(told)


def currency_of(item: Item, books: Books) -> str:
    """The one currency of all amounts of a body; the company's own where there is none. Raises Rejected for several."""
    body = item.body
    told = [
        body.get("total"),
        body.get("tax"),
        *(line.get(n) for line in body.get("lines", ()) for n in ("amount", "tax")),
    ]
    found = {money["currency"] for money in told if money} | ({body["currency"]} if body.get("currency") else set())
    if len(found) > 1:
        raise held(
            item, f"its amounts are in {' and '.join(sorted(found))}", "lines",
            "one document has one currency: split it at the source", "WHERRY-4743",
        )  # fmt: skip
    return str(next(iter(found), books.company.currency))


# -- lines ------------------------------------------------------------


def _line(item: Item, books: Books, currency: str, n: int, line: dict[str, Any]) -> Obj:
    told = cut(str(line.get("description") or ""), DESCRIPTION)
    described = {"Description": told} if told else {}
    total = _amount(item, n, line, currency)
    if not line.get("product"):
        if total == 0 and told:
            return {"DetailType": "DescriptionOnly", **described, "DescriptionLineDetail": {}}
        name = line.get("service") or told or "no name"
        raise held(
            item, f"line {n + 1} ({name}) names no product or service of QuickBooks", f"lines[{n}].product",
            "match the line's product or service, then try it again", "WHERRY-4732",
        )  # fmt: skip
    where = placed(item, books, n, line, {"class"})
    detail = {"ItemRef": {"value": str(line["product"])}, **_priced(line, total, currency), **where}
    return {"DetailType": "SalesItemLineDetail", "Amount": total, **described, "SalesItemLineDetail": detail}


def _amount(item: Item, n: int, line: dict[str, Any], currency: str) -> Decimal:
    if line.get("amount"):
        return amount(line["amount"])
    if line.get("rate") is not None:
        return _times(_quantity(line), exact(line["rate"]), currency)
    if not line.get("product"):
        return ZERO
    raise held(
        item, f"line {n + 1} has neither an amount nor a rate", f"lines[{n}].amount",
        "add one of them at the source", "WHERRY-4733",
    )  # fmt: skip


def _quantity(line: dict[str, Any]) -> Decimal:
    return exact(line.get("quantity", 1))


def _times(quantity: Decimal, price: Decimal, currency: str) -> Decimal:
    whole = rounded(quantity * price, currency)[0]
    return amount({"minor": whole.minor, "currency": currency})


def _priced(line: dict[str, Any], total: Decimal, currency: str) -> Obj:
    """Quantity and price, which must come to the amount: where the source's rate does not, the amount stands and the
    price is worked out from it, as QuickBooks does when somebody types over an amount."""
    quantity = _quantity(line)
    told = exact(line["rate"]) if line.get("rate") is not None else None
    worked_out = (total / quantity).quantize(PRICE, ROUND_HALF_UP).normalize() if quantity else None
    for price in (told, worked_out):
        if price is not None and _times(quantity, price, currency) == total:
            return {"Qty": quantity, "UnitPrice": Decimal(format(price, "f"))}
    return {}


# -- totals ------------------------------------------------------------


def total_of(item: Item, lines: Sequence[Obj], currency: str) -> Decimal:
    """What a document comes to by its source: as it says, else its lines with their tax."""
    if told := item.body.get("total"):
        return amount(told)
    tax = known_tax(item)
    return _net(lines) + (reckoned_tax(item, lines, currency) if tax is None else tax)


def _net(lines: Sequence[Obj]) -> Decimal:
    return sum((line.get("Amount", ZERO) for line in lines), ZERO)


def _adds_up(item: Item, lines: Sequence[Obj], currency: str) -> None:
    """Raises Rejected where total and lines of the source disagree, or the total is below zero.

    Tax that is known by its rate only is QuickBooks' to work out: what it makes of it is compared afterwards.
    """
    total, tax = total_of(item, lines, currency), known_tax(item)
    rated = any(exact(line["tax_rate"]) for line in item.body.get("lines", ()) if line.get("tax_rate") is not None)
    if (tax is not None or not rated) and total != _net(lines) + (tax or ZERO):
        raise held(
            item, f"its total is {total} {currency}, its lines and tax come to {_net(lines) + (tax or ZERO)}", "total",
            "correct the lines or the total at the source, then try it again", "WHERRY-4736",
        )  # fmt: skip
    if total < 0:
        raise held(
            item, f"its total is {total} {currency}, and QuickBooks takes none below zero", "total",
            "make it a credit memo, or correct its lines", "WHERRY-4737",
        )  # fmt: skip
