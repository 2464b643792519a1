"""Contacts and items: from the body of an item to Xero's own.

Facts: a contact's name is unique among the active ones; its contact number is for other systems, and can be set by the
API alone; an item has a unique code of at most 30 characters and a name of 50; a website cannot be written
(contracts/xero).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from wherry.posting.bodies import refusal
from wherry.posting.texts import clean, cut
from wherry.records import Item

from .books import Books
from .client import Obj
from .texts import CODE, DESCRIPTION, ITEM_NAME, short

ADDRESS = {
    "street": ("AddressLine1", 500), "city": ("City", 255), "region": ("Region", 255),
    "postal_code": ("PostalCode", 50), "country": ("Country", 50),
}  # fmt: skip
LIMITS = {"name": 255, "number": 50, "email": 255, "phone": 50}


def contact(item: Item, books: Books) -> Obj:
    """A contact. Its address goes along when it is made: later it is people's own."""
    told = {field: _fitting(item, field, longest) for field, longest in LIMITS.items()}
    if not told["name"]:
        raise _nameless(item)
    made: Obj = {
        "Name": told["name"], "AccountNumber": told["number"], "EmailAddress": told["email"],
        "Phones": [{"PhoneType": "DEFAULT", "PhoneNumber": told["phone"]}],
    }  # fmt: skip
    if item.target is not None:
        return made
    made["ContactNumber"] = item.stamp
    if currency := clean(item.body.get("currency")):
        if currency not in books.currencies | {books.home}:
            raise refusal(
                item, f"it is in {currency}, which the organisation does not use", "currency",
                "add the currency in Xero, then try it again", "WHERRY-4592",
            )  # fmt: skip
        made["DefaultCurrency"] = currency
    address = {there: cut(item.body.get(ours), most) for ours, (there, most) in ADDRESS.items() if item.body.get(ours)}
    return {**made, "Addresses": [{"AddressType": "POBOX", **address}]} if address else made


def _fitting(item: Item, field: str, longest: int) -> str:
    told = clean(item.body.get(field))
    if len(told) <= longest:
        return told
    raise refusal(
        item, f"its {field} has {len(told)} characters, and Xero takes {longest}", field,
        "shorten it at the source", "WHERRY-4578",
    )  # fmt: skip


def product(item: Item, books: Books) -> Obj:
    """An item for sale that is not counted in stock. Its code is never changed: lines name it by that."""
    body, name = item.body, clean(item.body.get("name"))
    if not name:
        raise _nameless(item)
    if str(body.get("currency") or books.home) != books.home:
        raise refusal(
            item, f"its price is in {body['currency']}, and prices of items are in {books.home}", "currency",
            "leave its price out of the map", "WHERRY-4585",
        )  # fmt: skip
    price = None if body.get("price") is None else Decimal(body["price"])
    emptied = price is None and (item.before or {}).get("price") is not None
    sold: Obj = {"UnitPrice": Decimal(0) if emptied else price} if emptied or price is not None else {}
    made: Obj = {"Name": cut(name, ITEM_NAME), "Description": cut(body.get("description"), DESCRIPTION)}
    if item.target is None:
        if not books.sales:
            raise refusal(
                item, "it needs an account that its sales are booked to, and Xero has no revenue account", "",
                "add a revenue account in Xero, then try it again", "WHERRY-4586",
            )  # fmt: skip
        made, sold = {"Code": code(body), **made}, {**sold, "AccountCode": books.sales}
    return {**made, "SalesDetails": sold} if sold else made


def code(body: dict[str, Any]) -> str:
    """The SKU, or the name where there is none; longer ones end in a hash."""
    return short(clean(body.get("sku")) or clean(body.get("name")), CODE)


def _nameless(item: Item) -> Exception:
    return refusal(item, "it has no name", "name", "give it a name at the source, then try it again", "WHERRY-4587")
