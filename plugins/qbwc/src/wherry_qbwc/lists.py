"""Customers and items: from the body of an item to QuickBooks' own entry of a list."""

from __future__ import annotations

from typing import Any

from wherry.money import exact
from wherry.posting.bodies import refusal
from wherry.records import Item

from .books import Books
from .names import NAME_LENGTHS, fitted, marked, stamped
from .words.text import cleaned

Obj = dict[str, Any]
TAKEN = "taken"
"""What is noted of an item whose name QuickBooks called taken, and which a look did not find there."""
COMPANY = 41


def customer(item: Item, books: Books) -> Obj:
    """The body of a CustomerAdd or CustomerMod. Raises Rejected."""
    body = item.body
    made: Obj = {
        "Name": name_of(item, books),
        "CompanyName": _cut(str(body.get("name") or ""), COMPANY),
        "BillAddress": _address(body),
        "Phone": str(body.get("phone") or ""),
        "Email": str(body.get("email") or ""),
        "AccountNumber": str(body.get("number") or ""),
        "Notes": stamped(str(body.get("description") or ""), item.stamp),
        "CurrencyRef": _currency(item, books),
    }
    return {name: value for name, value in made.items() if value}


def _currency(item: Item, books: Books) -> Obj:
    """The currency of a new customer, where the file keeps several; it cannot be another later. Raises Rejected."""
    told = str(item.body.get("currency") or "")
    if item.target is not None or not books.company.multicurrency or not told:
        return {}
    name = books.currencies.get(told, "")
    if not name:
        raise refusal(
            item, f"its currency {told} is not among those of the company file", "currency",
            f"make {told} active in QuickBooks (Lists > Currency List) and update again, then try it again",
            "WHERRY-4367",
        )  # fmt: skip
    return {"FullName": name}


def product(item: Item, books: Books) -> Obj:
    """The body of an ItemServiceAdd or ItemNonInventoryAdd. Raises Rejected."""
    body = item.body
    side: Obj = {"Desc": _cut(str(body.get("description") or ""), 4095), "AccountRef": {"ListID": _income(item, books)}}
    if body.get("price") is not None:
        side["Price"] = exact(str(body["price"]))
    told = {name: value for name, value in side.items() if value not in ("", None)}
    made: Obj = {"Name": name_of(item, books), "SalesOrPurchase": told}
    if element_of(item, books) == "ItemNonInventory" and body.get("sku"):
        made["ManufacturerPartNumber"] = fitted(str(body["sku"]), 31)
    return made


def element_of(item: Item, books: Books) -> str:
    """Which sort of item a product becomes."""
    if item.body.get("type") == "service" or books.settings.item_type == "Service":
        return "ItemService"
    return "ItemNonInventory"


def name_of(item: Item, books: Books) -> str:
    """The name as it is sent. Raises Rejected without one, and for one that is taken unless it may be marked."""
    longest = NAME_LENGTHS[item.entity]
    name = fitted(str(item.body.get("name") or ""), longest)
    if not name:
        raise refusal(item, "it has no name", "name", "give it a name at the source, then try it again", "WHERRY-4854")
    if item.memo != TAKEN:
        return name
    if books.settings.name_taken == "suffix":
        return marked(name, item.stamp, longest)
    raise refusal(
        item, f"something else in QuickBooks has the name {name} already", "name",
        f"where that is this {item.entity}: wherry errors resolve E-N --link ID; else rename one of the two, or set "
        'name_taken = "suffix" for this connection, then: wherry errors retry E-N', "WHERRY-4859",
    )  # fmt: skip


def _income(item: Item, books: Books) -> str:
    if books.income:
        return books.income
    raise refusal(
        item, "it needs an account that its sales are booked to, and no income account of QuickBooks is known here", "",
        "add an income account in QuickBooks and update again in the Web Connector, then try it again", "WHERRY-4352",
    )  # fmt: skip


def _address(body: Obj) -> Obj:
    street = [line.strip() for line in str(body.get("street") or "").splitlines() if line.strip()]
    lines = [*street[:4], ", ".join(street[4:])] if len(street) > 5 else street
    made = {f"Addr{n}": line for n, line in enumerate(lines, 1) if line}
    parts = {"City": "city", "State": "region", "PostalCode": "postal_code", "Country": "country"}
    return {**made, **{name: str(body[field]) for name, field in parts.items() if body.get(field)}}


def _cut(text: str, most: int) -> str:
    return cleaned(text, most, lines=most > COMPANY)[0]
