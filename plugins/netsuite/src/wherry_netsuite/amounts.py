"""Amounts of a body as numbers of major units, and the currency of a document as NetSuite knows it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from wherry.money import decimals, exact, rounded, text
from wherry.records import Item

from .books import Books, held
from .client import Obj

ZERO = Decimal(0)
PLACES = 2
"""Decimals of an amount in NetSuite."""


def amount(money: dict[str, Any]) -> Decimal:
    """An amount of a body (minor units and currency)."""
    return Decimal(text(int(money["minor"]), str(money["currency"])))


def times(quantity: Decimal, price: Decimal, currency: str) -> Decimal:
    """What so many come to, rounded once."""
    whole = rounded(quantity * price, currency)[0]
    return amount({"minor": whole.minor, "currency": currency})


def currency_of(item: Item, books: Books) -> str:
    """The one currency of all amounts of a body; the base currency where there is none. Raises Rejected for several,
    for one that the connection does not name, and for one with more decimals than NetSuite's amounts have."""
    body = item.body
    told = [
        body.get("total"),
        body.get("tax"),
        *(line.get(n) for line in body.get("lines", ()) for n in ("amount", "tax")),
    ]
    found = {money["currency"] for money in told if money} | ({body["currency"]} if body.get("currency") else set())
    if len(found) > 1:
        raise held(
            item, f"its amounts are in {' and '.join(sorted(found))}", "lines",
            "one document has one currency: split it at the source", "WHERRY-4792",
        )  # fmt: skip
    currency = str(next(iter(found), books.settings.home))
    if currency in books.settings.currencies and decimals(currency) <= PLACES:
        return currency
    why, fix = "which the connection does not name", "add its internal id to currencies of the connection"
    if currency in books.settings.currencies:
        why, fix = "whose amounts have more than two decimals", "leave it out of the flow: NetSuite takes two"
    raise held(
        item, f"it is in {currency}, {why}", "total" if body.get("total") else "currency", fix, "WHERRY-4793"
    )  # fmt: skip


def currency_ref(books: Books, currency: str) -> Obj:
    """What a record says of its currency; nothing in an account that keeps one alone."""
    number = books.settings.currencies[currency]
    return {"currency": {"id": number}} if number else {}


def known_tax(item: Item) -> Decimal | None:
    """The tax that the source names: of the whole document, else of its lines; None where it names none."""
    if told := item.body.get("tax"):
        return amount(told)
    parts = [amount(line["tax"]) for line in item.body.get("lines", ()) if line.get("tax")]
    return sum(parts, ZERO) if parts else None


def rate_of(line: dict[str, Any]) -> Decimal | None:
    """The tax rate of a line, in percent."""
    told = line.get("tax_rate")
    return None if told is None else exact(told)


def reckoned_tax(item: Item, nets: list[Decimal], currency: str) -> Decimal:
    """The tax by the rates of the lines, rounded once for each rate."""
    bases: dict[Decimal, Decimal] = {}
    for line, net in zip(item.body.get("lines", ()), nets, strict=True):
        if rate := rate_of(line):
            bases[rate] = bases.get(rate, ZERO) + net
    return sum((times(base, rate / 100, currency) for rate, base in bases.items()), ZERO)


def plain(value: Any) -> str:
    """A number without zeros that say nothing: 2 for 2.0, 100 for 1E+2."""
    number = value if isinstance(value, Decimal) else Decimal(str(value)) if value else ZERO
    return format(number.normalize() + 0, "f")


def money(value: Any, currency: str) -> str:
    """An amount in words: ``12.50 USD``."""
    number = value if isinstance(value, Decimal) else Decimal(str(value or 0))
    places = max(decimals(currency), -int(number.normalize().as_tuple().exponent))
    return f"{format(number, f'.{places}f')} {currency}"
