"""The currency of a document as NetSuite knows it."""

from __future__ import annotations

from wherry.money import decimals
from wherry.posting import bodies
from wherry.posting.bodies import refusal
from wherry.records import Item

from .books import Books
from .client import Obj

PLACES = 2
"""Decimals of an amount in NetSuite."""


def currency_of(item: Item, books: Books) -> str:
    """The one currency of all amounts of a body; the base currency where there is none. Raises Rejected for several,
    for one that the connection does not name, and for one with more decimals than NetSuite's amounts have."""
    currency = bodies.currency_of(item, books.settings.home)
    if currency in books.settings.currencies and decimals(currency) <= PLACES:
        return currency
    why, fix = "which the connection does not name", "add its internal id to currencies of the connection"
    if currency in books.settings.currencies:
        why, fix = "whose amounts have more than two decimals", "leave it out of the flow: NetSuite takes two"
    raise refusal(
        item, f"it is in {currency}, {why}", "total" if item.body.get("total") else "currency", fix, "WHERRY-4793"
    )  # fmt: skip


def currency_ref(books: Books, currency: str) -> Obj:
    """What a record says of its currency; nothing in an account that keeps one alone."""
    number = books.settings.currencies[currency]
    return {"currency": {"id": number}} if number else {}
