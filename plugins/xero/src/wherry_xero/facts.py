"""What a record of Xero comes to, in words that ours and theirs can be compared by (``records.Facts``).

What Xero adds by itself is left out, such as its ids and a line's account. So is what neither this body of an item
names nor the last one. What is named and not there is an empty text.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from wherry.errors import Rejected
from wherry.posting.facts import TAKEN_BACK, money, names, names_on_lines, plain
from wherry.posting.texts import clean
from wherry.records import Facts, Item

from .amounts import currency_of
from .books import Books
from .client import Obj
from .documents import KINDS, UNDONE
from .journals import debits
from .sales import total_of
from .texts import SIGN, iso


def of_item(item: Item, books: Books) -> Facts:
    """What Xero would hold once the item is written; nothing where that cannot be said (any more)."""
    if item.action == "void":
        return dict(TAKEN_BACK)
    try:
        made = KINDS[item.entity].build(item, books)
        if "LineItems" in made:
            made["Total"] = total_of(made)
            made["CurrencyCode"] = currency_of(item, books)
    except Rejected:
        return {}
    return of_record(item, made, books)


def of_record(item: Item, held: Obj, books: Books) -> Facts:
    """What Xero holds, of what the item speaks of."""
    if item.entity == "customer":
        return _contact(item, held)
    if item.entity == "product":
        return _product(item, held)
    if held.get("Status") in UNDONE:
        return dict(TAKEN_BACK)
    told = {"state": _state(item, held, books), "date": iso(held.get("Date"))}
    return told | (_journal(item, held, books) if item.entity == "journal_entry" else _sale(item, held))


def _state(item: Item, held: Obj, books: Books) -> str:
    """A journal that was left as a draft before such are posted at once: what takes it back would be booked, and it is
    not."""
    is_left = held.get("Status") == "DRAFT" and books.settings.status == "approved"
    return "draft" if is_left and item.entity == "journal_entry" else "stands"


def _contact(item: Item, held: Obj) -> Facts:
    told = {
        "number": clean(held.get("AccountNumber")), "email": clean(held.get("EmailAddress")), "phone": _phone(held),
    }  # fmt: skip
    archived = {"state": "archived"} if held.get("ContactStatus") not in (None, "ACTIVE") else {}
    named = {field: value for field, value in told.items() if names(item, field)}
    return {"name": clean(held.get("Name")), **archived, **named}


def _phone(held: Obj) -> str:
    phones = [one for one in held.get("Phones") or () if isinstance(one, dict) and one.get("PhoneType") == "DEFAULT"]
    parts = (phones[0].get(name) for name in ("PhoneCountryCode", "PhoneAreaCode", "PhoneNumber")) if phones else ()
    return " ".join(filter(None, map(clean, parts)))


def _product(item: Item, held: Obj) -> Facts:
    sold = held.get("SalesDetails")
    price = sold.get("UnitPrice") if isinstance(sold, dict) else None
    told = {"description": clean(held.get("Description")), "price": plain(price)}
    named = {field: value for field, value in told.items() if names(item, field)}
    made = {"sku": clean(held.get("Code"))} if item.target is None and "Code" in held else {}
    return {"name": clean(held.get("Name")), **made, **named}


def _sale(item: Item, held: Obj) -> Facts:
    currency, kind = str(held.get("CurrencyCode") or ""), KINDS[item.entity]
    contact = held.get("Contact")
    lines = lines_of(held, kind.lines)
    told = {
        "total": money(held.get("Total"), currency), "lines": str(len(lines)),
        "customer": str(contact.get("ContactID") or "") if isinstance(contact, dict) else "",
    }  # fmt: skip
    if names(item, "memo"):
        told["memo"] = clean(clean(held.get("Reference")).partition(SIGN)[0])
    if names(item, "number"):
        told["number"] = clean(held.get(kind.unique))
    if item.entity == "invoice" and names(item, "due_date"):
        told["due_date"] = iso(held.get("DueDate"))
    return told | {f"line {n}": _sold(item, one, currency) for n, one in enumerate(lines, start=1)}


def lines_of(held: Obj, name: str) -> list[Obj]:
    """The lines of a record that say anything."""
    told = held.get(name)
    lines = [line for line in told if isinstance(line, dict)] if isinstance(told, list) else []
    return [line for line in lines if line.get("IsBlank") is not True]


def _sold(item: Item, line: Obj, currency: str) -> str:
    what = f"{plain(line.get('Quantity'))} x {clean(line.get('ItemCode')) or 'no item'}"
    tax = f" and tax {money(line['TaxAmount'], currency)}" if Decimal(line.get("TaxAmount") or 0) else ""
    return f"{what} = {money(line.get('LineAmount'), currency)}{tax}" + _placed(item, line) + _described(item, line)


def _journal(item: Item, held: Obj, books: Books) -> Facts:
    lines = lines_of(held, "JournalLines")
    told = {
        "narration": clean(held.get("Narration")), "total": money(debits(lines), books.home), "lines": str(len(lines)),
    }  # fmt: skip
    return told | {f"line {n}": _booked(item, one, books) for n, one in enumerate(lines, start=1)}


def _booked(item: Item, line: Obj, books: Books) -> str:
    amount = Decimal(line.get("LineAmount") or 0)
    what = f"{'debit' if amount > 0 else 'credit'} account {clean(line.get('AccountCode'))}"
    return f"{what} = {money(abs(amount), books.home)}" + _placed(item, line) + _described(item, line)


def _placed(item: Item, line: Obj) -> str:
    if not names_on_lines(item, "dimensions"):
        return ""
    told: list[Any] = [one for one in line.get("Tracking") or () if isinstance(one, dict)]
    return "".join(sorted(f", {one.get('Name')} {one.get('Option')}" for one in told))


def _described(item: Item, line: Obj) -> str:
    told = clean(line.get("Description")) if names_on_lines(item, "description") else ""
    return f": {told}" if told else ""
