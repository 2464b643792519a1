"""What a record of NetSuite comes to, in words that ours and theirs can be compared by (``records.Facts``).

What NetSuite adds by itself is left out, such as its own ids and tax lines: what those come to shows in the total. So
is what neither this body of an item names nor the last one. What is named and not there is an empty text.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from wherry.errors import Rejected
from wherry.posting.bodies import total_of
from wherry.posting.entries import OTHER
from wherry.posting.facts import TAKEN_BACK, money, names, names_on_lines, plain
from wherry.posting.texts import clean
from wherry.records import Facts, Item

from .amounts import currency_of
from .books import Books
from .client import Obj
from .documents import KINDS
from .journals import side_total
from .texts import taken_back

_CUSTOMER = {"email": "email", "phone": "phone", "website": "url", "description": "comments"}


def of_item(item: Item, books: Books) -> Facts:
    """What NetSuite would hold once the item is written; nothing where that cannot be said (any more)."""
    if item.action == "void":
        return dict(TAKEN_BACK)
    try:
        return of_record(item, _expected(item, books), books)
    except Rejected:
        return {}


def _expected(item: Item, books: Books) -> Obj:
    made = KINDS[item.entity].build(item, books)
    if "item" in made:
        currency = currency_of(item, books)
        made["total"] = total_of(item, [line["amount"] for line in made["item"]["items"]], currency)
    return made


def of_record(item: Item, held: Obj, books: Books) -> Facts:
    """What NetSuite holds, of what the item speaks of."""
    if item.entity == "customer":
        return _customer(item, held, books)
    if item.entity == "product":
        return _product(item, held)
    if is_taken_back(item.entity, held):
        return dict(TAKEN_BACK)
    return {"state": "stands", **_document(item, held, books)}


def is_taken_back(entity: str, held: Obj) -> bool:
    """Whether a document was emptied or closed. A journal entry does not show that it was reversed."""
    lines = _lines(held, "item")
    if entity == "sales_order":
        return bool(lines) and all(line.get("isClosed") is True for line in lines)
    return entity != "journal_entry" and taken_back(held.get("memo")) and not Decimal(held.get("total") or 0)


def _customer(item: Item, held: Obj, books: Books) -> Facts:
    told = {field: clean(held.get(name)) for field, name in _CUSTOMER.items() if names(item, field)}
    if names(item, "number"):
        by = "entityId" if books.settings.customer_ids == "number" else "accountNumber"
        told["number"] = clean(held.get(by))
    return {"name": clean(held.get("companyName")), **_inactive(held), **told}


def _product(item: Item, held: Obj) -> Facts:
    told = {
        "sku": clean(held.get("itemId")), "description": clean(held.get("salesDescription")),
        "price": plain(held.get("rate")),
    }  # fmt: skip
    named = {field: value for field, value in told.items() if names(item, field)}
    return {"name": clean(held.get("displayName")), **_inactive(held), **named}


def _inactive(held: Obj) -> Facts:
    return {"state": "inactive"} if held.get("isInactive") is True else {}


def _document(item: Item, held: Obj, books: Books) -> Facts:
    currency = currency_word(held, books)
    journal = item.entity == "journal_entry"
    lines = _lines(held, KINDS[item.entity].sublist)
    total = side_total(lines, "debit") if journal else held.get("total")
    own = books.settings.numbers == "wherry"
    told = {"date": str(held.get("tranDate") or "")[:10], "total": money(total, currency), "lines": str(len(lines))}
    if names(item, "memo") or not own:
        told["memo"] = clean(held.get("memo"))
    if not journal:
        told["customer"] = _ref(held, "entity")
    if own and names(item, "number"):
        told["number"] = clean(held.get("tranId"))
    if item.entity == "invoice" and names(item, "due_date"):
        told["due_date"] = str(held.get("dueDate") or "")[:10]
    if names(item, "exchange_rate"):
        told["exchange rate"] = plain(held.get("exchangeRate") or 1)
    line = _journal_line if journal else _sales_line
    return told | {f"line {n}": line(item, one, currency) for n, one in enumerate(lines, start=1)}


def currency_word(held: Obj, books: Books) -> str:
    """The currency of a record by its code; NetSuite's id of one that the connection does not name."""
    return code_of(_ref(held, "currency"), books)


def code_of(id: str, books: Books) -> str:
    """The code of a currency by its id; the base currency where there is none, or only that one is kept."""
    by_id = {number: code for code, number in books.settings.currencies.items() if number}
    return by_id.get(id, id if id and by_id else books.settings.home)


def _lines(held: Obj, sublist: str) -> list[Obj]:
    told = held.get(sublist)
    items = told.get("items") if isinstance(told, dict) else None
    return [line for line in items if isinstance(line, dict)] if isinstance(items, list) else []


def _sales_line(item: Item, line: Obj, currency: str) -> str:
    what = f"{plain(line.get('quantity'))} x item {_ref(line, 'item')} = {money(line.get('amount'), currency)}"
    return what + _placed(item, line) + _described(item, line.get("description"))


def _journal_line(item: Item, line: Obj, currency: str) -> str:
    side = next((side for side in OTHER if line.get(side)), "debit")
    party = _ref(line, "entity")
    whom = f", {party}" if party else ""
    what = f"{side} account {_ref(line, 'account')} = {money(line.get(side), currency)}{whom}"
    return what + _placed(item, line) + _described(item, line.get("memo"))


def _placed(item: Item, line: Obj) -> str:
    if not names_on_lines(item, "dimensions"):
        return ""
    return "".join(f", {name} {_ref(line, name)}" for name in ("class", "department", "location") if _ref(line, name))


def _described(item: Item, text: Any) -> str:
    told = clean(text) if names_on_lines(item, "description") else ""
    return f": {told}" if told else ""


def _ref(held: Obj, name: str) -> str:
    told = held.get(name)
    return str(told.get("id") or told.get("externalId") or "") if isinstance(told, dict) else ""
