"""Invoices, sales orders and credit memos: from the body of an item to NetSuite's own record.

Facts: a line has an item, quantity, rate and amount, and the price level -1 where its price is its own; codes of taxes
stand on lines where there is no SuiteTax (API.md). ``invoice`` and ``creditMemo`` have the style of ``salesOrder``
(SOURCE.md).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from wherry.money import exact
from wherry.records import Item

from .amounts import ZERO, amount, currency_of, currency_ref, known_tax, rate_of, reckoned_tax, times
from .books import Books, held
from .client import Obj
from .places import placed
from .texts import VOIDED, clean, cut

CUSTOM_PRICE = {"id": "-1"}


def sale(item: Item, books: Books) -> Obj:
    """The record. Raises Rejected, and nothing of the item is sent."""
    currency = currency_of(item, books)
    lines = [_line(item, books, currency, n, line) for n, line in enumerate(item.body.get("lines", ()))]
    if not lines:
        raise held(item, "it has no lines", "lines", "add its lines at the source", "WHERRY-4794")
    _adds_up(item, [line["amount"] for line in lines], currency)
    made = {**head(item, books), **currency_ref(books, currency), "entity": {"id": _customer(item)}}
    if item.entity == "invoice" and item.body.get("due_date"):
        made["dueDate"] = item.body["due_date"]
    return {**made, "item": {"items": lines}}


def emptied(item: Item, books: Books) -> Obj:
    """What takes a document back: the same lines with nothing in them. Those of an order are closed."""
    made = sale(item, books)
    lines = [{**line, **_nothing(item, line)} for line in made["item"]["items"]]
    memo = cut(f"{VOIDED}. {made['memo'] or ''}")
    return {"memo": memo, "item": {"items": lines}}


def _nothing(item: Item, line: Obj) -> Obj:
    if item.entity == "sales_order":
        return {"isClosed": True}
    return {name: ZERO for name in ("quantity", "rate", "amount") if name in line}


def head(item: Item, books: Books) -> Obj:
    """Number, date, memo and subsidiary. Where NetSuite numbers its documents, ours stands in the memo."""
    number, memo = clean(item.body.get("number")), str(item.body.get("memo") or "")
    made: Obj = {"tranDate": item.body["date"]}
    if number and books.settings.numbers == "wherry":
        made["tranId"] = number
    elif number:
        memo = f"Number {number}. {memo}"
    if books.settings.subsidiary:
        made["subsidiary"] = {"id": books.settings.subsidiary}
    return {**made, "memo": cut(memo) or None}


def _customer(item: Item) -> str:
    told = item.body.get("customer")
    if isinstance(told, str) and told:
        return told
    raise held(
        item, "it has no customer", "customer", "say at the source whom it is for, then try it again", "WHERRY-4795"
    )


def _line(item: Item, books: Books, currency: str, n: int, line: dict[str, Any]) -> Obj:
    if not line.get("product"):
        name = line.get("service") or clean(line.get("description")) or "no name"
        raise held(
            item, f"line {n + 1} ({name}) names no item of NetSuite", f"lines[{n}].product",
            "match the line's product or service, then try it again", "WHERRY-4796",
        )  # fmt: skip
    made: Obj = {
        "item": {"id": str(line["product"])},
        "quantity": exact(line.get("quantity", 1)),
        "price": CUSTOM_PRICE,
    }
    if line.get("rate") is not None:
        made["rate"] = exact(line["rate"])
    made["amount"] = _amount(item, n, line, currency)
    if told := cut(line.get("description")):
        made["description"] = told
    return {**made, **_taxed(item, books, n, line), **placed(item, n, line)}


def _amount(item: Item, n: int, line: dict[str, Any], currency: str) -> Decimal:
    if line.get("amount"):
        return amount(line["amount"])
    if line.get("rate") is not None:
        return times(exact(line.get("quantity", 1)), exact(line["rate"]), currency)
    raise held(
        item, f"line {n + 1} has neither an amount nor a rate", f"lines[{n}].amount",
        "add one of them at the source", "WHERRY-4794",
    )  # fmt: skip


def _taxed(item: Item, books: Books, n: int, line: dict[str, Any]) -> Obj:
    """The tax code of a line, where any line of the document has a rate."""
    rate, any_rate = rate_of(line), any(rate_of(one) is not None for one in item.body.get("lines", ()))
    if not any_rate:
        return {}
    code = books.taxes.codes.get(rate, "")
    if code or not (rate or books.taxes.codes):
        return {"taxCode": {"id": code}} if code else {}
    told = f"has the tax rate {rate} %" if rate is not None else "has no tax rate while others have one"
    raise held(
        item, f"line {n + 1} {told}, and {books.taxes.path} names no tax code of NetSuite for that",
        f"lines[{n}].tax_rate", f"add a row for it to {books.taxes.path} (columns rate, code), then try it again",
        "WHERRY-4797",
    )  # fmt: skip


def total_of(item: Item, nets: list[Decimal], currency: str) -> Decimal:
    """What a document comes to by its source: as it says, else its lines with their tax."""
    if told := item.body.get("total"):
        return amount(told)
    tax = known_tax(item)
    return sum(nets, ZERO) + (reckoned_tax(item, nets, currency) if tax is None else tax)


def _adds_up(item: Item, nets: list[Decimal], currency: str) -> None:
    """Raises Rejected where total and lines of the source disagree, or the total is below zero.

    Tax that is known by its rate only is NetSuite's to work out: what it makes of it is compared afterwards.
    """
    total, tax, net = total_of(item, nets, currency), known_tax(item), sum(nets, ZERO)
    rated = any(rate_of(line) for line in item.body.get("lines", ()))
    if (tax is not None or not rated) and total != net + (tax or ZERO):
        raise held(
            item, f"its total is {total} {currency}, its lines and tax come to {net + (tax or ZERO)}", "total",
            "correct the lines or the total at the source, then try it again", "WHERRY-4798",
        )  # fmt: skip
    if total < 0:
        raise held(
            item, f"its total is {total} {currency}, and NetSuite takes none below zero", "total",
            "make it a credit memo, or correct its lines", "WHERRY-4798",
        )  # fmt: skip
