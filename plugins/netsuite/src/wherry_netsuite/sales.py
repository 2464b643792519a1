"""Invoices, sales orders and credit memos: from the body of an item to NetSuite's own record.

Facts: a line has an item, quantity, rate and amount, and the price level -1 where its price is its own; codes of taxes
stand on lines where there is no SuiteTax (API.md). ``invoice`` and ``creditMemo`` have the style of ``salesOrder``
(SOURCE.md).
"""

from __future__ import annotations

from typing import Any

from wherry.money import exact
from wherry.posting.bodies import ZERO, adds_up, called, customer_of, lines_of, rate_of, refusal, worth_of
from wherry.posting.texts import clean, cut
from wherry.records import Item

from .amounts import currency_of, currency_ref
from .books import Books
from .client import Obj
from .places import placed
from .texts import LONGEST, VOIDED

CUSTOM_PRICE = {"id": "-1"}


def sale(item: Item, books: Books) -> Obj:
    """The record. Raises Rejected, and nothing of the item is sent."""
    currency = currency_of(item, books)
    lines = [_line(item, books, currency, n, line) for n, line in enumerate(lines_of(item))]
    adds_up(item, [line["amount"] for line in lines], currency)
    made = {**head(item, books), **currency_ref(books, currency), "entity": {"id": customer_of(item)}}
    if item.entity == "invoice" and item.body.get("due_date"):
        made["dueDate"] = item.body["due_date"]
    return {**made, "item": {"items": lines}}


def emptied(item: Item, books: Books) -> Obj:
    """What takes a document back: the same lines with nothing in them. Those of an order are closed."""
    made = sale(item, books)
    lines = [{**line, **_nothing(item, line)} for line in made["item"]["items"]]
    memo = cut(f"{VOIDED}. {made['memo'] or ''}", LONGEST)
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
    return {**made, "memo": cut(memo, LONGEST) or None}


def _line(item: Item, books: Books, currency: str, n: int, line: dict[str, Any]) -> Obj:
    if not line.get("product"):
        raise refusal(
            item, f"line {n + 1} ({called(line)}) names no item of NetSuite", f"lines[{n}].product",
            "match the line's product or service, then try it again", "WHERRY-4796",
        )  # fmt: skip
    made: Obj = {
        "item": {"id": str(line["product"])},
        "quantity": exact(line.get("quantity", 1)),
        "price": CUSTOM_PRICE,
    }
    if line.get("rate") is not None:
        made["rate"] = exact(line["rate"])
    made["amount"] = worth_of(item, n, line, currency)
    if told := cut(line.get("description"), LONGEST):
        made["description"] = told
    return {**made, **_taxed(item, books, n, line), **placed(item, n, line)}


def _taxed(item: Item, books: Books, n: int, line: dict[str, Any]) -> Obj:
    """The tax code of a line, where any line of the document has a rate."""
    rate, any_rate = rate_of(line), any(rate_of(one) is not None for one in item.body.get("lines", ()))
    if not any_rate:
        return {}
    code = books.taxes.get(rate, "")
    if code or not (rate or books.taxes):
        return {"taxCode": {"id": code}} if code else {}
    told = f"has the tax rate {rate} %" if rate is not None else "has no tax rate while others have one"
    table = books.settings.tax_table
    raise refusal(
        item, f"line {n + 1} {told}, and {table} names no tax code of NetSuite for that",
        f"lines[{n}].tax_rate", f"add a row for it to {table} (columns rate, code), then try it again", "WHERRY-4797",
    )  # fmt: skip
