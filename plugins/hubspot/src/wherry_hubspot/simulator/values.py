"""Values as HubSpot keeps them (all text) and as its search compares them."""

import datetime as dt
from functools import lru_cache
from typing import Any

from .errors import instant, invalid

Comparable = tuple[int, float, str]


def stored(name: str, value: Any, kind: str) -> str | None:
    """A given value as text; null clears like the empty string, which reads back as the empty string."""
    if value is None or value == "":
        return ""
    text = {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
    if kind == "number" and _number(text) is None:
        raise invalid(f"{text} was not a valid number.", "INVALID_NUMBER", propertyName=[name])
    if kind == "datetime":
        moment = to_ms(text)
        if moment is None:
            raise invalid(f"{text} was not a valid date.", "INVALID_DATE", propertyName=[name])
        return instant(moment)
    return text


@lru_cache(maxsize=100_000)
def to_ms(text: str | None) -> int | None:
    """Epoch milliseconds or an ISO moment as milliseconds since 1970; None when it is neither."""
    if not text:
        return None
    if text.lstrip("-").isdigit():
        return int(text)
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return round(aware.timestamp() * 1000)


@lru_cache(maxsize=100_000)
def comparable(text: str, kind: str) -> Comparable:
    """A key that orders values of one property: numbers and dates by size, all else as text without case."""
    if kind in ("datetime", "date"):
        moment = to_ms(text)
        if moment is not None:
            return (0, float(moment), "")
    if kind in ("number", "id"):
        number = _number(text)
        if number is not None:
            return (0, number, "")
    return (1, 0.0, text.lower())


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
