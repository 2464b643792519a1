"""Numbers as qbXML writes them. A digit that has no room is a reason to refuse, never to round.

Facts: an amount has up to 13 digits and exactly two decimals; prices, quantities and percentages have up to 10 digits
and up to five decimals; an exchange rate is any decimal number.
"""

from __future__ import annotations

from decimal import Decimal

from wherry.money import exact

Number = int | str | Decimal
AMOUNT_DIGITS, AMOUNT_PLACES = 13, 2
PRICE_DIGITS, PRICE_PLACES = 10, 5


def amount(value: Number) -> str:
    """``1249.5`` → ``1249.50``. Raises ValueError for a third decimal or a fourteenth digit."""
    return _text(value, AMOUNT_DIGITS, AMOUNT_PLACES, AMOUNT_PLACES)


def price(value: Number) -> str:
    """``125`` → ``125.00``, ``0.33333`` as it is. Raises ValueError for a sixth decimal or an eleventh digit."""
    return _text(value, PRICE_DIGITS, PRICE_PLACES, AMOUNT_PLACES)


def quantity(value: Number) -> str:
    """A quantity or a percentage, without idle zeros: ``2.50`` → ``2.5``. Raises ValueError as ``price``."""
    return _text(value, PRICE_DIGITS, PRICE_PLACES, 0)


def rate(value: Number) -> str:
    """An exchange rate, all its digits. Raises ValueError for what is no number."""
    return _text(value, PRICE_DIGITS, 20, 0)


def _text(value: Number, digits: int, most: int, least: int) -> str:
    number = exact(value)
    whole, _, places = f"{number:f}".lstrip("+-").partition(".")
    whole, places = whole.lstrip("0") or "0", places.rstrip("0")
    if len(whole) > digits:
        raise ValueError(f"it has more than {digits} digits")
    if len(places) > most:
        raise ValueError(f"it has more than {most} decimals")
    places = places.ljust(least, "0")
    return ("-" if number < 0 else "") + whole + (f".{places}" if places else "")
