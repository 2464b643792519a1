"""What a sink tells of a record in ``records.Facts``, so that ours and the target's can be compared word by word."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from wherry.money import decimals
from wherry.posting.bodies import ZERO
from wherry.records import Facts, Item

TAKEN_BACK: Facts = {"state": "taken back"}
"""All there is to say of a document that books nothing any more. One that stands has another ``state``."""


def names(item: Item, field: str) -> bool:
    """Whether this body or the last one names a field: what people entered beside them is not ours to compare."""
    return bool(item.body.get(field) or (item.before or {}).get(field))


def names_on_lines(item: Item, field: str) -> bool:
    """The same of a field of lines: whether any of them names it."""
    return any(line.get(field) for body in (item.body, item.before or {}) for line in body.get("lines", ()))


def plain(value: Any) -> str:
    """A number without zeros that say nothing: 2 for 2.0, 100 for 1E+2."""
    return format(_number(value).normalize() + 0, "f")


def money(value: Any, currency: str) -> str:
    """An amount in words, with all its decimals: ``12.50 USD``."""
    number = _number(value)
    try:
        places = max(decimals(currency), -int(number.normalize().as_tuple().exponent))
    except ValueError:  # a currency that only the target knows
        return f"{plain(number)} {currency}"
    return f"{format(number, f'.{places}f')} {currency}"


def _number(value: Any) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(str(value)) if value else ZERO
