"""Customers and items: from the body of an item to QuickBooks' own object.

Facts: lengths are those of Intuit's API reference; a service or an item that is not counted needs an income account.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from wherry.posting.bodies import refusal
from wherry.records import Item

from .books import Books
from .client import Obj
from .memo import read
from .names import CUSTOMER_NOTE, DESCRIPTION, NAME_LENGTHS, clean, cut, fitted, mark_of, marked, stamped, units

ADDRESS = {
    "street": "Line1",
    "city": "City",
    "region": "CountrySubDivisionCode",
    "postal_code": "PostalCode",
    "country": "Country",
}
_STREET_LINES = 5
NUMBER = "Number: "
"""How the line of a customer's notes begins that holds the number which the source knows it by: QuickBooks Online has
no field for it."""


def customer(item: Item, books: Books) -> Obj:
    """A Customer. Raises Rejected for a field that QuickBooks could not hold."""
    body, name = item.body, _name(item, books)
    made: Obj = {"DisplayName": name, "CompanyName": cut(fitted(str(body["name"]), 500), 100, lines=False)}
    for field, names, longest in (
        ("email", ("PrimaryEmailAddr", "Address"), 100),
        ("phone", ("PrimaryPhone", "FreeFormNumber"), 30),
        ("website", ("WebAddr", "URI"), 1000),
    ):
        if told := limited(item, field, longest):
            made[names[0]] = {names[1]: told}
    if address := _address(item):
        made["BillAddr"] = address
    made["Notes"] = stamped(_notes(body), item.stamp, CUSTOMER_NOTE)
    currency = str(body.get("currency") or "")
    if currency and item.target is None:
        made["CurrencyRef"] = {"value": spoken(item, books, currency, "currency")}
    return made


def _notes(body: dict[str, Any]) -> str:
    number = clean(str(body.get("number") or ""))
    told = cut(str(body.get("description") or ""), 1500)
    return "\n".join(part for part in (told, f"{NUMBER}{number}" if number else "") if part)


def _address(item: Item) -> Obj:
    made: Obj = {}
    for field, name in ADDRESS.items():
        if field == "street":
            lines = [part for part in clean(str(item.body.get(field) or ""), lines=True).split("\n") if part.strip()]
            kept = [*lines[: _STREET_LINES - 1], ", ".join(lines[_STREET_LINES - 1 :])]
            made |= {f"Line{n}": cut(part, 500) for n, part in enumerate(kept, start=1) if part}
        elif told := limited(item, field, 30 if field == "postal_code" else 255):
            made[name] = told
    return made


def product(item: Item, books: Books) -> Obj:
    """An Item of QuickBooks: a service, or something sold that is not counted."""
    body = item.body
    made: Obj = {"Name": _name(item, books)}
    if item.target is None:
        made["Type"] = "Service" if body.get("type") == "service" else books.item_type
        made["IncomeAccountRef"] = {"value": _income(item, books)}
    if sku := limited(item, "sku", 100):
        made["Sku"] = sku
    if told := cut(str(body.get("description") or ""), DESCRIPTION):
        made["Description"] = told
    if body.get("price") is not None:
        spoken(item, books, str(body.get("currency") or books.company.currency), "currency", home=True)
        made["UnitPrice"] = Decimal(body["price"])
    return made


def _income(item: Item, books: Books) -> str:
    if books.income:
        return books.income
    raise refusal(
        item, "it needs an account that its sales are booked to, and the QuickBooks company has no income account", "",
        "add an income account in QuickBooks, then try it again", "WHERRY-4746",
    )  # fmt: skip


# -- parts ------------------------------------------------------------


def _name(item: Item, books: Books) -> str:
    longest = NAME_LENGTHS[item.entity]
    name = fitted(str(item.body.get("name") or ""), longest)
    if not name:
        raise refusal(item, "it has no name", "name", "give it a name at the source, then try it again", "WHERRY-4730")
    taken = read(item.memo).taken
    if not taken:
        return name
    if books.name_taken == "suffix":
        return marked(name, mark_of(item.stamp), longest)
    other = "something else" if taken == "?" else f"the customer, vendor, employee or item with the id {taken}"
    same = "ID" if taken == "?" else taken
    raise refusal(
        item, f"{other} in QuickBooks has the name {name} already", "name",
        f"where that is this {item.entity}: wherry errors resolve E-N --link {same}; else rename one of the two, or "
        'set name_taken = "suffix" for this connection, then: wherry errors retry E-N', "WHERRY-4742",
    )  # fmt: skip


def said(item: Item, field: str) -> str:
    """A field as it is sent: in one line, each run of blanks as one."""
    return " ".join(clean(str(item.body.get(field) or "")).split())


def limited(item: Item, field: str, longest: int) -> str:
    """A field that must not be cut, cleaned. Raises Rejected where it is too long for QuickBooks."""
    told = said(item, field)
    if units(told) > longest:
        raise refusal(
            item, f"its {field.replace('_', ' ')} has {units(told)} characters, QuickBooks takes {longest}", field,
            "shorten it at the source, then try it again", "WHERRY-4731",
        )  # fmt: skip
    return told


def spoken(item: Item, books: Books, currency: str, field: str, *, home: bool = False) -> str:
    """A currency, if the company can use it. Raises Rejected. ``home``: only the company's own will do."""
    company = books.company
    if currency == company.currency or (company.multicurrency and not home):
        return currency
    why = "prices of items are in its own currency" if company.multicurrency else "multicurrency is switched off"
    switch = "" if home else ", or switch multicurrency on in QuickBooks"
    raise refusal(
        item, f"it is in {currency}, the QuickBooks company keeps its books in {company.currency} and {why}", field,
        f"send what is in {currency} to another connection{switch}", "WHERRY-4734",
    )  # fmt: skip
