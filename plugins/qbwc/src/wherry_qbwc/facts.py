"""What an object of QuickBooks comes to, in words that ours and theirs can be compared by (``records.Facts``).

Left out is what QuickBooks adds by itself: rates it works out, its own ids, templates and addresses.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from msgspec.structs import replace
from wherry.errors import Rejected
from wherry.money import exact
from wherry.posting.bodies import ZERO
from wherry.posting.facts import names
from wherry.records import Facts, Item

from . import journals, lists, sales
from .books import Books
from .documents import KINDS, LISTED
from .names import NAME_LENGTHS, VOIDED, numbered, plain, stamp_of, stamped, unmarked
from .words.replies import many

Row = dict[str, Any]
TAKEN_BACK: Facts = {"state": "taken back"}
"""All there is to say of a document that books nothing any more."""


def of_item(item: Item, books: Books) -> Facts:
    """What QuickBooks would hold once the item is written; nothing where that cannot be said (any more)."""
    if item.action == "void":
        return dict(TAKEN_BACK)
    try:
        if item.entity in LISTED:
            return _of_body(item, books)
        return _entry(item, books) if item.entity == "journal_entry" else _sale(item, books)
    except Rejected:
        return {}


def of_row(item: Item, row: Row) -> Facts:
    """What QuickBooks holds, of what the item speaks of."""
    if item.entity == "customer":
        return _customer(item, row, str(row.get("Name") or ""))
    if item.entity == "product":
        return _product(item, row)
    if taken_back(item, row):
        return dict(TAKEN_BACK)
    return _held_entry(item, row) if item.entity == "journal_entry" else _held_sale(item, row)


def taken_back(item: Item, row: Row) -> bool:
    """Whether a document was voided or closed. An entry shows it by its lines, which have nothing in them any more."""
    if item.entity == "sales_order":
        return row.get("IsManuallyClosed") == "true"
    if item.entity == "estimate":
        return row.get("IsActive") == "false"
    if item.entity == "journal_entry":
        lines = [*many(row, "JournalDebitLine"), *many(row, "JournalCreditLine")]
        return bool(lines) and not any(_number(line.get("Amount")) for line in lines)
    return not total_of(row) and str(row.get("Memo") or "").startswith(VOIDED)


def stamps(row: Row) -> set[str]:
    """Those that it carries, an entry in its lines."""
    lines = [*many(row, "JournalDebitLine"), *many(row, "JournalCreditLine")]
    texts = (row.get("Memo"), row.get("Notes"), *(line.get("Memo") for line in lines))
    return {stamp for text in texts if (stamp := stamp_of(text))}


def total_of(row: Row) -> Decimal:
    """What a document comes to; invoices tell it in two parts."""
    if row.get("TotalAmount"):
        return _number(row["TotalAmount"])
    return _number(row.get("Subtotal")) + _number(row.get("SalesTaxTotal"))


# -- lists ------------------------------------------------------------


def _of_body(item: Item, books: Books) -> Facts:
    """The same words as of a row, from what would be sent but for marks in its name."""
    bare = replace(item, memo="")
    if item.entity == "product":
        return _product(item, lists.product(bare, books))
    made = lists.customer(bare, books)
    return _customer(item, made, str(made["Name"]))


def _customer(item: Item, row: Row, name: str) -> Facts:
    told = {
        "email": str(row.get("Email") or "").casefold(),
        "phone": "".join(one for one in str(row.get("Phone") or "") if one.isdigit() or one == "+"),
        "number": plain(row.get("AccountNumber")),
        "notes": plain(row.get("Notes")),
    }
    fields = {"email": "email", "phone": "phone", "number": "number", "notes": "description"}
    named = {fact: value for fact, value in told.items() if names(item, fields[fact])}
    return {"name": unmarked(name, NAME_LENGTHS["customer"]), **_inactive(row), **named}


def _product(item: Item, row: Row) -> Facts:
    side = row.get("SalesOrPurchase") or {}
    told: Facts = {}
    if names(item, "description"):
        told["description"] = plain(side.get("Desc"))
    if names(item, "price"):
        told["price"] = _bare(_number(side.get("Price")))
    return {"name": unmarked(str(row.get("Name") or ""), NAME_LENGTHS["product"]), **_inactive(row), **told}


def _inactive(row: Row) -> Facts:
    return {"state": "inactive"} if row.get("IsActive") == "false" else {}


# -- sales ------------------------------------------------------------


def _sale(item: Item, books: Books) -> Facts:
    made = sales.sale(item, books)
    lines = [
        _line(item, n, one.product, one.quantity if one.product else None, one.amount, one.description)
        + _at(item, one.place)
        for n, one in enumerate(made.lines)
    ]
    told = _document(
        item, made.date, made.customer, made.total, stamped(made.memo, item.stamp), made.number, made.due_date, lines
    )
    name = books.currencies.get(made.currency)
    return told | ({"currency": name} if name else {})


def _held_sale(item: Item, row: Row) -> Facts:
    rows = [line for name in KINDS.values() for line in many(row, f"{name}LineRet")]
    lines = [
        _line(item, n, _ref(one, "ItemRef"), _quantity(one), _number(one.get("Amount")), str(one.get("Desc") or ""))
        + _at(item, _ref(one, "ClassRef"))
        for n, one in enumerate(rows)
    ]
    told = _document(
        item, str(row.get("TxnDate") or ""), _ref(row, "CustomerRef"), total_of(row), str(row.get("Memo") or ""),
        str(row.get("RefNumber") or ""), str(row.get("DueDate") or ""), lines,
    )  # fmt: skip
    name = str((row.get("CurrencyRef") or {}).get("FullName") or "")
    return told | ({"currency": name} if name else {})


def _quantity(line: Row) -> Decimal | None:
    if not _ref(line, "ItemRef"):
        return None
    return _number(line.get("Quantity") or "1")


def _document(
    item: Item, date: str, customer: str, total: Decimal, memo: str, number: str, due: str, lines: Iterable[str]
) -> Facts:
    told = {"state": "stands", "date": date[:10], "customer": customer, "total": _money(total), "memo": plain(memo)}
    if names(item, "number"):
        told["number"] = number
    if names(item, "due_date") and item.entity != "credit_memo":
        told["due_date"] = due[:10]
    shown = list(lines)
    return told | {"lines": str(len(shown))} | {f"line {n}": line for n, line in enumerate(shown, 1)}


def _line(item: Item, n: int, product: str, quantity: Decimal | None, worth: Decimal, described: str) -> str:
    """The text of a line, unless none of ours has one: QuickBooks then takes the item's own."""
    bodies = (item.body, item.before or {})
    ours = any(line.get("description") for body in bodies for line in body.get("lines", ())[n : n + 1])
    text = f": {plain(described)}" if ours else ""
    many_of = "" if quantity is None else f"{_bare(quantity)} x item {product} = "
    return f"{many_of}{_money(worth)}{text}"


# -- journal entries ------------------------------------------------------------


def _entry(item: Item, books: Books) -> Facts:
    lines = [(one.side, one.account, one.amount, one.customer, one.place) for one in journals.sides(item, books)]
    return _booked(str(item.body["date"]), numbered(str(item.body.get("number") or "")), lines)


def _held_entry(item: Item, row: Row) -> Facts:
    lines = [
        (side, _ref(line, "AccountRef"), _number(line.get("Amount")), _ref(line, "EntityRef"),
         _ref(line, "ClassRef") if _classed(item) else "")
        for side, name in journals.SIDES.items()
        for line in many(row, name)
    ]  # fmt: skip
    return _booked(str(row.get("TxnDate") or ""), str(row.get("RefNumber") or ""), lines)


def _at(item: Item, place: str) -> str:
    return f", class {place}" if place and _classed(item) else ""


def _classed(item: Item) -> bool:
    """Whether a line of ours is at a class: what people entered there is not ours to compare."""
    return any(line.get("dimensions") for body in (item.body, item.before or {}) for line in body.get("lines", ()))


def _booked(date: str, number: str, lines: list[tuple[str, str, Decimal, str, str]]) -> Facts:
    debits = sum((line[2] for line in lines if line[0] == "debit"), ZERO)
    told = sorted(f"{side} account {account} = {_money(worth)}" + (f", customer {who}" if who else "")
                  + (f", class {place}" if place else "") for side, account, worth, who, place in lines)  # fmt: skip
    head = {"state": "stands", "date": date[:10], "total": _money(debits), "lines": str(len(told))}
    return head | ({"number": number} if number else {}) | {f"line {n}": line for n, line in enumerate(told, 1)}


# -- values ------------------------------------------------------------


def _ref(row: Row, name: str) -> str:
    found = row.get(name)
    return str(found.get("ListID") or "") if isinstance(found, dict) else ""


def _number(value: Any) -> Decimal:
    """A number as QuickBooks writes it, or as ours."""
    return value if isinstance(value, Decimal) else exact(str(value).replace(",", "")) if value else ZERO


def _bare(number: Decimal) -> str:
    return format(number.normalize() + 0, "f")


def _money(number: Decimal) -> str:
    return format(number, ".2f")
