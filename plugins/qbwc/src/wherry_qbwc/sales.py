"""Sales orders, invoices and estimates: from the body of an item to QuickBooks' own document.

Facts: a number has 11 characters at most; a price five decimals; the amount of a line is its quantity times its rate
(3210); a line with an amount needs an item (3290).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace
from wherry.errors import Rejected
from wherry.money import exact, rounded, text
from wherry.records import Item

from .books import Books, held
from .names import numbered, stamped
from .words import amounts

Obj = dict[str, Any]
ZERO = Decimal(0)
NEW_LINE = "-1"


class Line(Struct, frozen=True, kw_only=True):
    """A line as it is sent. ``rate`` is None where the amount is said in its place."""

    product: str
    description: str
    quantity: Decimal
    amount: Decimal
    rate: Decimal | None = None


class Sale(Struct, frozen=True, kw_only=True):
    """A document, whatever it becomes."""

    date: str
    number: str
    customer: str
    due_date: str
    memo: str
    currency: str
    total: Decimal
    lines: Sequence[Line] = field(default=())


def sale(item: Item, books: Books) -> Sale:
    """The document of an item. Raises Rejected, and nothing of it is sent."""
    body, currency = item.body, currency_of(item, books)
    lines = [_line(item, n, line, currency) for n, line in enumerate(body.get("lines", ()))]
    if not lines:
        raise held(item, "it has no lines", "lines", "add its lines at the source", "WHERRY-4855")
    total = sum((line.amount for line in lines), ZERO)
    _adds_up(item, total, currency)
    return Sale(
        date=str(body["date"]), number=numbered(str(body.get("number") or "")), customer=_customer(item),
        due_date=str(body.get("due_date") or ""), memo=str(body.get("memo") or ""), currency=currency, total=total,
        lines=lines,
    )  # fmt: skip


def added(item: Item, books: Books, kind: str) -> Obj:
    """The body of its Add."""
    made = sale(item, books)
    return {**_head(item, made), f"{kind}LineAdd": [_said(line) for line in made.lines]}


def changed(item: Item, books: Books, kind: str) -> Obj:
    """The body of its Mod, but for its address. Lines are told anew if any of them changed, else left alone, since
    people may have put classes to them; what only the last body named is emptied."""
    made, old = sale(item, books), _before(item, books)
    body = _head(item, made)
    if old is not None and old.due_date and not made.due_date:
        body["DueDate"] = made.date
    if old is None or list(old.lines) != list(made.lines):
        body[f"{kind}LineMod"] = [{"TxnLineID": NEW_LINE, **_said(line)} for line in made.lines]
    return body


def currency_of(item: Item, books: Books) -> str:
    """The one currency of all amounts of a body. Raises Rejected for several, or another than the company file's."""
    body = item.body
    parts = [body, *body.get("lines", ())]
    amounts_told = [part.get(name) for part in parts for name in ("total", "amount", "tax")]
    found = {str(money["currency"]) for money in amounts_told if money}
    found |= {str(body["currency"])} if body.get("currency") else set()
    own = books.settings.currency
    if len(found) > 1:
        raise held(
            item, f"its amounts are in {' and '.join(sorted(found))}", "lines",
            "one document has one currency: split it at the source", "WHERRY-4858",
        )  # fmt: skip
    currency = next(iter(found), own)
    if (own and currency != own) or (books.company.multicurrency and not own):
        why = f"the company file is kept in {own}" if own else "the company file keeps several currencies"
        raise held(
            item, f"it is in {currency}, and {why}", "total",
            "set currency of the connection to the company file's own; documents in another are entered by hand",
            "WHERRY-4353",
        )  # fmt: skip
    return currency


def amount(money: Obj) -> Decimal:
    """An amount of a body (minor units and currency) in major units."""
    return Decimal(text(int(money["minor"]), str(money["currency"])))


def _head(item: Item, made: Sale) -> Obj:
    told = {
        "CustomerRef": {"ListID": made.customer}, "TxnDate": made.date, "RefNumber": made.number,
        "DueDate": made.due_date, "Memo": stamped(made.memo, item.stamp),
    }  # fmt: skip
    return {name: value for name, value in told.items() if value}


def _said(line: Line) -> Obj:
    told: Obj = {"Desc": line.description} if line.description else {}
    if not line.product:
        return told
    price = {"Amount": line.amount} if line.rate is None else {"Rate": line.rate}
    return {"ItemRef": {"ListID": line.product}, **told, "Quantity": line.quantity, **price}


def _before(item: Item, books: Books) -> Sale | None:
    try:
        return sale(replace(item, body=item.before), books) if item.before else None
    except Rejected:
        return None  # what could be said then cannot be said any more: nothing to compare


def _customer(item: Item) -> str:
    told = item.body.get("customer")
    if isinstance(told, str) and told:
        return told
    raise held(
        item, "it has no customer", "customer", "say at the source whom it is for, then try it again", "WHERRY-4354"
    )


def _line(item: Item, n: int, line: Obj, currency: str) -> Line:
    product, told = str(line.get("product") or ""), str(line.get("description") or "")
    quantity = exact(line.get("quantity", 1))
    worth = _worth(item, n, line, quantity, currency)
    if not product and (worth or not told):
        raise held(
            item, f"line {n + 1} ({line.get('service') or told or 'no name'}) names no item of QuickBooks",
            f"lines[{n}].product", "match the line's product or service, then try it again", "WHERRY-4355",
        )  # fmt: skip
    rate = exact(line["rate"]) if line.get("rate") is not None else None
    if rate is None or not _has_room(rate) or rounded(quantity * rate, currency)[0].minor != _minor(worth, currency):
        rate = None
    return Line(product=product, description=told, quantity=quantity, amount=worth, rate=rate)


def _worth(item: Item, n: int, line: Obj, quantity: Decimal, currency: str) -> Decimal:
    if line.get("amount"):
        return amount(line["amount"])
    if line.get("rate") is not None:
        whole = rounded(quantity * exact(line["rate"]), currency)[0]
        return Decimal(text(whole.minor, currency))
    if not line.get("product"):
        return ZERO
    raise held(
        item, f"line {n + 1} has neither an amount nor a rate", f"lines[{n}].amount", "add one of them at the source",
        "WHERRY-4856",
    )  # fmt: skip


def _minor(worth: Decimal, currency: str) -> int:
    return rounded(worth, currency)[0].minor


def _has_room(rate: Decimal) -> bool:
    try:
        amounts.price(rate)
    except ValueError:
        return False
    return True


def _adds_up(item: Item, total: Decimal, currency: str) -> None:
    """Raises Rejected where total and lines of the source disagree, for tax, and for a total below zero."""
    body = item.body
    taxes = [body.get("tax"), *(line.get("tax") for line in body.get("lines", ()))]
    rates = [line.get("tax_rate") for line in body.get("lines", ())]
    if any(amount(tax) for tax in taxes if tax) or any(exact(rate) for rate in rates if rate is not None):
        raise held(
            item, "it has tax, which QuickBooks Desktop works out by rules of its own", "tax",
            "enter it by hand, or leave the tax to QuickBooks and out of the record", "WHERRY-4857",
        )  # fmt: skip
    told = amount(body["total"]) if body.get("total") else total
    if told != total:
        raise held(
            item, f"its total is {told} {currency}, its lines come to {total}", "total",
            "correct the lines or the total at the source, then try it again", "WHERRY-4356",
        )  # fmt: skip
    if total < 0:
        raise held(
            item, f"its total is {total} {currency}, and QuickBooks takes none below zero", "total",
            "enter it as a credit memo by hand, or correct its lines", "WHERRY-4357",
        )  # fmt: skip
