"""Sales orders, invoices, estimates and credit memos: from the body of an item to QuickBooks' own document.

Facts: a number has 11 characters at most; a price five decimals; the amount of a line is its quantity times its rate
(3210); a line with an amount needs an item (3290). A document is in its customer's currency, whatever it says.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace
from wherry.errors import Rejected
from wherry.money import exact, rounded
from wherry.posting import bodies
from wherry.posting.bodies import ZERO, called, comes_to, customer_of, lines_of, refusal, worth_of
from wherry.records import Item

from .books import Books, class_of
from .names import numbered, stamped
from .taxes import taxed
from .words import amounts

Obj = dict[str, Any]
NEW_LINE = "-1"


class SaleLine(Struct, frozen=True, kw_only=True):
    """A line as it is sent. ``rate`` is None where the amount is said in its place."""

    product: str
    description: str
    quantity: Decimal
    amount: Decimal
    rate: Decimal | None = None
    tax_code: str = ""
    place: str = ""
    """The id of its class."""


class Sale(Struct, frozen=True, kw_only=True):
    """A document, whatever it becomes."""

    date: str
    number: str
    customer: str
    due_date: str
    memo: str
    currency: str
    total: Decimal
    lines: Sequence[SaleLine] = field(default=())
    tax: Obj = field(default_factory=dict)
    """What its head says of tax."""


def sale(item: Item, books: Books) -> Sale:
    """The document of an item. Raises Rejected, and nothing of it is sent."""
    body, currency = item.body, currency_of(item, books)
    lines = [_line(item, books, n, line, currency) for n, line in enumerate(lines_of(item))]
    tax = taxed(item, books, [line.amount for line in lines])
    total = sum((line.amount for line in lines), ZERO) + tax.total
    comes_to(item, total, currency)
    customer = customer_of(item)
    _of_his_currency(item, books, customer, currency)
    return Sale(
        date=str(body["date"]), number=numbered(str(body.get("number") or "")), customer=customer,
        due_date=_due(item), memo=str(body.get("memo") or ""), currency=currency, total=total, tax=tax.head,
        lines=[replace(one, tax_code=code if one.product else "") for one, code in zip(lines, tax.codes, strict=True)],
    )  # fmt: skip


def _due(item: Item) -> str:
    """The due date. One that was taken back becomes the document's own; a credit memo is due when it is used."""
    if item.entity == "credit_memo":
        return ""
    taken_back = item.body["date"] if (item.before or {}).get("due_date") else ""
    return str(item.body.get("due_date") or taken_back)


def added(item: Item, books: Books, kind: str) -> Obj:
    """The body of its Add."""
    made = sale(item, books)
    return {**_head(item, made), f"{kind}LineAdd": [_said(line) for line in made.lines]}


def changed(item: Item, books: Books, kind: str) -> Obj:
    """The body of its Mod, but for its address. Lines are told anew if any of them changed, else left alone, since
    people may have put classes to them; what only the last body named is emptied."""
    made, old = sale(item, books), _before(item, books)
    body = _head(item, made)
    if old is None or list(old.lines) != list(made.lines):
        body[f"{kind}LineMod"] = [{"TxnLineID": NEW_LINE, **_said(line)} for line in made.lines]
    return body


def currency_of(item: Item, books: Books) -> str:
    """The one currency of all amounts of a body. Raises Rejected for several, or one that the file does not keep."""
    currency = bodies.currency_of(item, books.currency)
    _kept(item, books, currency)
    return currency


def _kept(item: Item, books: Books, currency: str) -> None:
    """Raises Rejected for a currency that the company file does not keep."""
    if books.company.multicurrency:
        if currency not in books.currencies:
            raise refusal(
                item, f"it is in {currency}, which is not among the currencies of the company file", "total",
                f"make {currency} active in QuickBooks (Lists > Currency List) and update again, then try it again",
                "WHERRY-4366",
            )  # fmt: skip
    elif books.currency not in ("", currency):
        raise refusal(
            item, f"it is in {currency}, and the company file is kept in {books.currency}", "total",
            "set currency of the connection to the company file's own; documents in another are entered by hand, or "
            "switch several currencies on in QuickBooks", "WHERRY-4353",
        )  # fmt: skip


def _of_his_currency(item: Item, books: Books, customer: str, currency: str) -> None:
    """Raises Rejected for a customer who is kept in another currency: the amounts would be taken to be in his."""
    his, its = books.customers.get(customer, ""), books.currencies.get(currency, "")
    if his and his != its:
        raise refusal(
            item, f"it is in {currency}, and its customer is kept in {his}", "customer",
            f"in QuickBooks a customer has one currency: link it to a customer in {currency}, or make one, then try it "
            "again", "WHERRY-4348",
        )  # fmt: skip


def _head(item: Item, made: Sale) -> Obj:
    told = {
        "CustomerRef": {"ListID": made.customer}, "TxnDate": made.date, "RefNumber": made.number,
        "DueDate": made.due_date, "Memo": stamped(made.memo, item.stamp), **made.tax,
    }  # fmt: skip
    return {name: value for name, value in told.items() if value}


def _said(line: SaleLine) -> Obj:
    told: Obj = {"Desc": line.description} if line.description else {}
    if not line.product:
        return told
    price = {"Amount": line.amount} if line.rate is None else {"Rate": line.rate}
    refs = {"SalesTaxCodeRef": line.tax_code, "ClassRef": line.place}
    more = {name: {"ListID": id} for name, id in refs.items() if id}
    return {"ItemRef": {"ListID": line.product}, **told, "Quantity": line.quantity, **price, **more}


def _before(item: Item, books: Books) -> Sale | None:
    try:
        return sale(replace(item, body=item.before), books) if item.before else None
    except Rejected:
        return None  # what could be said then cannot be said any more: nothing to compare


def _line(item: Item, books: Books, n: int, line: Obj, currency: str) -> SaleLine:
    product, told = str(line.get("product") or ""), str(line.get("description") or "")
    quantity = exact(line.get("quantity", 1))
    worth = _worth(item, n, line, currency)
    if not product and (worth or not told):
        raise refusal(
            item, f"line {n + 1} ({called(line)}) names no item of QuickBooks",
            f"lines[{n}].product", "match the line's product or service, then try it again", "WHERRY-4355",
        )  # fmt: skip
    rate = exact(line["rate"]) if line.get("rate") is not None else None
    if rate is None or not _has_room(rate) or rounded(quantity * rate, currency)[0].minor != _minor(worth, currency):
        rate = None
    place = class_of(item, books, n, line) if product else ""
    return SaleLine(product=product, description=told, quantity=quantity, amount=worth, rate=rate, place=place)


def _worth(item: Item, n: int, line: Obj, currency: str) -> Decimal:
    said = line.get("product") or line.get("amount") or line.get("rate") is not None
    return worth_of(item, n, line, currency) if said else ZERO


def _minor(worth: Decimal, currency: str) -> int:
    return rounded(worth, currency)[0].minor


def _has_room(rate: Decimal) -> bool:
    try:
        amounts.price(rate)
    except ValueError:
        return False
    return True
