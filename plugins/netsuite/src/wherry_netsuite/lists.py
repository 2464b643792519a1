"""Customers and items: from the body of an item to NetSuite's own record.

Facts: the names of their fields are those of contracts/netsuite, which has them from general knowledge; of items for
sale it knows ``serviceSaleItem`` alone, so everything that is made becomes one.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from wherry.posting.bodies import refusal
from wherry.posting.texts import clean, cut
from wherry.records import Item

from .amounts import currency_of, currency_ref
from .books import Books
from .client import Obj
from .texts import LONGEST

ADDRESS = {"street": "addr1", "city": "city", "region": "state", "postal_code": "zip"}


def customer(item: Item, books: Books) -> Obj:
    """A customer that is a company. The address goes along when it is made: later it is people's own."""
    body, name, given = item.body, _name(item), books.settings.customer_ids
    number = clean(body.get("number")) or None
    made: Obj = {
        "companyName": name, "email": clean(body.get("email")) or None, "phone": clean(body.get("phone")) or None,
        "url": clean(body.get("website")) or None, "comments": cut(body.get("description"), LONGEST) or None,
    }  # fmt: skip
    if given != "number":
        made["accountNumber"] = number
    if given != "netsuite":
        made["entityId"] = name if given == "name" else number or name
    if item.target is None:
        made |= {"isPerson": False, **_of_subsidiary(books, several=False), **_addressed(body, name)}
        made |= currency_ref(books, currency_of(item, books))
    return made


def _addressed(body: dict[str, Any], name: str) -> Obj:
    told: Obj = {there: text for ours, there in ADDRESS.items() if (text := clean(body.get(ours)))}
    country = clean(body.get("country"))
    if len(country) == 2 and country.isalpha():
        told["country"] = {"id": country.upper()}
    elif country:
        told["addr2"] = country
    if not told:
        return {}
    entry = {"defaultBilling": True, "addressBookAddress": {"addressee": name, **told}}
    return {"addressBook": {"items": [entry]}}


def product(item: Item, books: Books) -> Obj:
    """An item for sale: its ID is the SKU, or the name where there is none."""
    body, name = item.body, _name(item)
    made: Obj = {
        "itemId": clean(body.get("sku")) or name, "displayName": name,
        "salesDescription": cut(body.get("description"), LONGEST) or None,
        "rate": None if body.get("price") is None else Decimal(body["price"]),
    }  # fmt: skip
    if str(body.get("currency") or books.settings.home) != books.settings.home:
        raise refusal(
            item, f"its price is in {body['currency']}, and prices of items are in {books.settings.home}", "currency",
            "leave its price out of the map", "WHERRY-4781",
        )  # fmt: skip
    if item.target is not None:
        return made
    if not books.income:
        raise refusal(
            item, "it needs an account that its sales are booked to, and NetSuite has no income account", "",
            "add an income account in NetSuite, or name one in income_account; then try it again", "WHERRY-4780",
        )  # fmt: skip
    schedule = {"taxSchedule": {"id": books.settings.tax_schedule}} if books.settings.tax_schedule else {}
    return {**made, "incomeAccount": {"id": books.income}, **schedule, **_of_subsidiary(books, several=True)}


def _of_subsidiary(books: Books, *, several: bool) -> Obj:
    """A customer belongs to one subsidiary, an item to a list of them."""
    told = {"id": books.settings.subsidiary}
    return {} if told["id"] is None else {"subsidiary": {"items": [told]} if several else told}


def _name(item: Item) -> str:
    name = clean(item.body.get("name"))
    if name:
        return name
    raise refusal(item, "it has no name", "name", "give it a name at the source, then try it again", "WHERRY-4786")
