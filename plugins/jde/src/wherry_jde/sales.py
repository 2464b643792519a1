"""Invoices as sales orders, credit memos as credit orders: from the body of an item to head and lines.

Facts: an order has type, branch plant and sold-to, a line item, quantity and price override (API.md). What of that is
always the same at a site stands in ``fixed``. Tax is what JD Edwards works out by its own areas and rates.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from wherry.money import exact
from wherry.posting.bodies import (
    ZERO,
    Line,
    adds_up,
    currency_of,
    customer_of,
    known_tax,
    lines_of,
    rate_of,
    refusal,
    worth_of,
)
from wherry.posting.facts import plain
from wherry.posting.texts import clean, cut
from wherry.records import Item

from .books import Books
from .lines import Fields, beside, fitting
from .texts import DESCRIPTION, NUMBER


def order(item: Item, books: Books) -> tuple[Fields, list[Fields]]:
    """Head and lines. Raises Rejected, and nothing of the item is sent."""
    body, currency, lines = item.body, currency_of(item, books.home), lines_of(item)
    _untaxed(item, books, lines)
    nets = [worth_of(item, n, line, currency) for n, line in enumerate(lines)]
    adds_up(item, nets, currency)
    head = {
        "customer": customer_of(item), "date": str(body["date"]), "due_date": str(body.get("due_date") or ""),
        "number": fitting(item, "number", NUMBER), "memo": cut(body.get("memo"), DESCRIPTION), "currency": currency,
        "total": plain(sum(nets, ZERO)),
    }  # fmt: skip
    return head, [_line(item, books, n, line, nets[n]) for n, line in enumerate(lines)]


def _untaxed(item: Item, books: Books, lines: Sequence[Line]) -> None:
    """Raises Rejected for tax that would be left out without anybody having said so."""
    if books.settings.tax == "held" and (known_tax(item) or any(rate_of(line) for line in lines)):
        raise refusal(
            item, "it has tax, and JD Edwards works out its own", "tax" if item.body.get("tax") else "lines",
            'write tax = "left" under the connection, so that orders go without and JD Edwards taxes them',
            "WHERRY-4952",
        )  # fmt: skip


def _line(item: Item, books: Books, n: int, line: Line, net: Decimal) -> Fields:
    product, rate = clean(line.get("product")), line.get("rate")
    if not product:
        raise refusal(
            item, f"line {n + 1} names no item of JD Edwards", f"lines[{n}].product",
            "match the line's product or service, then try it again", "WHERRY-4956",
        )  # fmt: skip
    return {
        "product": product, "quantity": plain(exact(line.get("quantity", 1))),
        "rate": "" if rate is None else plain(exact(rate)), "amount": format(net, "f"),
        **beside(item, books, n, line),
    }  # fmt: skip
