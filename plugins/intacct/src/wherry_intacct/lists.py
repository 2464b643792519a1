"""Customers and items: from the body of an item to Sage Intacct's own.

Facts: ``CUSTOMERID`` may be assigned by numbering, ``DISPLAYCONTACT.PRINTAS`` is required; an item has ``ITEMID``,
``NAME`` and ``ITEMTYPE``, and is updated by its record number (API.md, fields/ITEM.json). Both IDs are unique.
"""

from __future__ import annotations

from typing import Any

from wherry.money import exact
from wherry.posting.bodies import refusal
from wherry.posting.texts import clean, cut
from wherry.records import Item

from .amounts import currency_of
from .books import Books
from .texts import CUSTOMER_ID, ITEM_ID, NAME, TEXT, short
from .xml import Obj

ADDRESS = {"street": "ADDRESS1", "city": "CITY", "region": "STATE", "postal_code": "ZIP"}


def customer(item: Item, books: Books) -> Obj:
    """A customer. The address goes along when it is made: later it is people's own."""
    body, name = item.body, _name(item)
    contact: Obj = {
        "PRINTAS": name, "PHONE1": clean(body.get("phone")), "EMAIL1": clean(body.get("email")),
        "URL1": clean(body.get("website")),
    }  # fmt: skip
    if item.target is not None:
        made: Obj = {"CUSTOMERID": item.target, "NAME": name, "DISPLAYCONTACT": contact}
        return {**made, "COMMENTS": cut(body.get("description"), TEXT)}
    currency = currency_of(item, books)
    made = {} if books.settings.customer_ids == "intacct" else {"CUSTOMERID": customer_id(body)}
    if address := _address(body):
        contact["MAILADDRESS"] = address
    made |= {"NAME": name, "DISPLAYCONTACT": contact, "COMMENTS": cut(body.get("description"), TEXT)}
    return {**made, "CURRENCY": currency} if books.settings.currencies else made


def customer_id(body: dict[str, Any]) -> str:
    """Our number, or the name where there is none; longer ones end in a hash."""
    return short(clean(body.get("number")) or clean(body.get("name")), CUSTOMER_ID)


def _address(body: dict[str, Any]) -> Obj:
    made: Obj = {there: text for ours, there in ADDRESS.items() if (text := clean(body.get(ours)))}
    country = clean(body.get("country"))
    if country:
        iso = len(country) == 2 and country.isalpha()
        made |= {"ISOCOUNTRYCODE": country.upper()} if iso else {"COUNTRY": country}
    return made


def product(item: Item, books: Books) -> Obj:
    """An item. Its ID is never changed: lines name it by that."""
    body, name = item.body, _name(item)
    if str(body.get("currency") or books.home) != books.home:
        raise refusal(
            item, f"its price is in {body['currency']}, and prices of items are in {books.home}", "currency",
            "leave its price out of the map", "WHERRY-4676",
        )  # fmt: skip
    price = None if body.get("price") is None else exact(body["price"])
    made: Obj = {"ITEMID": item_id(body)} if item.target is None else {"RECORDNO": record_of(item.target)}
    made |= {"NAME": name}
    if item.target is None:
        made["ITEMTYPE"] = books.settings.item_type
    return {
        **made, "EXTENDED_DESCRIPTION": cut(body.get("description"), TEXT),
        "BASEPRICE": "" if price is None else format(price, "f"),
    }  # fmt: skip


def item_id(body: dict[str, Any]) -> str:
    """The SKU, or the name where there is none; longer ones end in a hash."""
    return short(clean(body.get("sku")) or clean(body.get("name")), ITEM_ID)


def record_of(target: str) -> str:
    """The record number in the target of an item, ``RECORDNO/ITEMID``."""
    return target.partition("/")[0]


def id_of(target: str) -> str:
    """The ID by which lines name an item."""
    return target.partition("/")[2] or target


def _name(item: Item) -> str:
    name = clean(item.body.get("name"))
    if name and len(name) <= NAME:
        return name
    why = f"its name has {len(name)} characters, and Sage Intacct takes {NAME}" if name else "it has no name"
    raise refusal(item, why, "name", "correct its name at the source, then try it again", "WHERRY-4675")
