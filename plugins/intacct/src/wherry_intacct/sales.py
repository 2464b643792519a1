"""Invoices, sales orders and credit memos: from the body of an item to a document.

What they become is set: a document of Accounts Receivable, whose lines have an account and an amount, or one of Order
Entry, whose lines have an item, a quantity and a price, from which Sage Intacct works out the rest.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from wherry.money import exact
from wherry.posting.bodies import ZERO, called, comes_to, customer_of, lines_of, rate_of, refusal, worth_of
from wherry.posting.texts import clean, cut
from wherry.records import Item

from .amounts import currency_of, shared, tax_of
from .books import Books
from .lists import id_of
from .papers import Line, Paper
from .places import placed
from .settings import AR
from .texts import TEXT


def definition(entity: str, books: Books) -> str:
    """The Order Entry definition that an entity is written as; ``ar`` where it is none."""
    told = books.settings
    return {"invoice": told.invoices, "credit_memo": told.credits, "sales_order": told.orders}[entity]


def sale(item: Item, books: Books) -> Paper:
    """The document. Raises Rejected, and nothing of the item is sent."""
    body, currency = item.body, currency_of(item, books)
    lines = lines_of(item)
    nets = [worth_of(item, n, line, currency) for n, line in enumerate(lines)]
    tax = tax_of(item, nets, currency)
    comes_to(item, sum(nets, ZERO) + tax, currency)
    ordered = definition(item.entity, books) != AR
    make = _ordered if ordered else _booked
    made = [make(item, books, n, line, nets[n]) for n, line in enumerate(lines)]
    if tax:
        _subtotalled(item, books) if ordered else _taxed(item, books, made, shared(item, tax, nets, currency))
    falls_due = ordered or item.entity == "invoice"  # an adjustment does not
    due = str(body.get("due_date") or "") if falls_due else ""
    if falls_due and not due and books.settings.term is None:
        raise refusal(
            item, "it has no due date, and the connection names no payment term", "due_date",
            "set term of the connection, or map its due date; then try it again", "WHERRY-4709",
        )  # fmt: skip
    return Paper(
        date=str(body["date"]), currency=currency, lines=made, total=sum(nets, ZERO) + tax,
        number=clean(body.get("number")), memo=cut(body.get("memo"), TEXT), customer=customer_of(item),
        due=due, tax=tax if ordered else ZERO,
    )  # fmt: skip


def _booked(item: Item, books: Books, n: int, line: dict[str, Any], net: Decimal) -> Line:
    """A line of Accounts Receivable: it keeps no quantity and no price."""
    if not books.sales:
        raise refusal(
            item, "its lines need an account, and Sage Intacct has no income account", "lines",
            "add an income account in Sage Intacct, then try it again", "WHERRY-4719",
        )  # fmt: skip
    return Line(
        amount=net, account=books.sales, item=id_of(str(line.get("product") or "")),
        text=cut(line.get("description") or line.get("service"), TEXT),
        places=placed(item, n, line, books.settings.location),
    )  # fmt: skip


def _ordered(item: Item, books: Books, n: int, line: dict[str, Any], net: Decimal) -> Line:
    """A line of Order Entry, which is priced by the unit alone."""
    if not line.get("product"):
        raise refusal(
            item, f"line {n + 1} ({called(line)}) names no item of Sage Intacct", f"lines[{n}].product",
            "match the line's product or service, then try it again", "WHERRY-4719",
        )  # fmt: skip
    quantity = exact(line.get("quantity", 1))
    return Line(
        amount=net, item=id_of(str(line["product"])), quantity=quantity, price=_price(item, n, line, quantity, net),
        text=cut(line.get("description"), TEXT), places=placed(item, n, line, books.settings.location),
    )  # fmt: skip


def _price(item: Item, n: int, line: dict[str, Any], quantity: Decimal, net: Decimal) -> Decimal:
    if line.get("rate") is not None:
        rate = exact(line["rate"])
        if (rate * quantity).quantize(Decimal("0.01"), ROUND_HALF_UP) == net:  # as the core rounds what a line comes to
            return rate
    whole = net / quantity if quantity else ZERO
    if whole * quantity == net and whole == round(whole, 10):
        return whole
    raise refusal(
        item, f"line {n + 1} comes to {net}, which is no price times {quantity}", f"lines[{n}].amount",
        "correct its quantity, rate or amount at the source, then try it again", "WHERRY-4715",
    )  # fmt: skip


def _taxed(item: Item, books: Books, made: list[Line], taxes: list[Decimal]) -> None:
    """Puts a tax detail and its tax on each line that has one."""
    for n, (line, tax) in enumerate(zip(made, taxes, strict=True)):
        rate = rate_of(item.body["lines"][n])
        line.tax, line.detail = tax, books.taxes.get(rate, "")
        if tax and not line.detail:
            path = books.settings.tax_table
            raise refusal(
                item, f"line {n + 1} has the tax rate {rate} %, and {path} names no tax detail for it",
                f"lines[{n}].tax_rate", f"add a row to {path} (columns rate, detail), then try it again", "WHERRY-4670",
            )  # fmt: skip


def _subtotalled(item: Item, books: Books) -> None:
    if books.settings.tax_subtotal is None:
        raise refusal(
            item, "it has tax, and the connection does not say which subtotal of the definition that goes to", "tax",
            "set tax_subtotal of the connection, then try it again", "WHERRY-4713",
        )  # fmt: skip
