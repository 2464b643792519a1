"""One value of a record as the text of one element, or the reason why it cannot be said."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from . import amounts, text
from .shapes import Field

_GUID = re.compile(r"0|\{[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\}").fullmatch
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII).fullmatch
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:[+-]\d\d:\d\d)?)?", re.ASCII).fullmatch
_PROSE = {"text": False, "lines": True}
_EMPTIED = {"text", "lines", "name", "date"}


def emptied(field: Field) -> bool:
    """Whether an empty text empties the field, where a request changes something."""
    return field.kind in _EMPTIED and not field.needed


def said(field: Field, value: Any) -> str:
    """The text of an element. Raises ValueError with the reason."""
    if field.kind in _PROSE:
        return text.cleaned(_string(value), field.most, lines=_PROSE[field.kind])[0]
    if field.kind in ("name", "title"):
        return _name(field, _string(value))
    return _KINDS[field.kind](field, value)


def _string(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ValueError("it is no text")
    return str(value)


def _name(field: Field, value: str) -> str:
    if gone := text.lost(value):
        raise ValueError(f"QuickBooks Desktop has no letters such as {gone[:3]}")
    kept, _ = text.cleaned(value)
    if field.kind == "title" and ":" in kept:
        raise ValueError("it has a colon, which stands between a name and the one above it in the list")
    if field.most and len(kept) > field.most:
        raise ValueError(f"it has {len(kept)} characters, and {field.most} is the most; a name must not be cut")
    return kept


def _key(field: Field, value: Any) -> str:
    found = _string(value)
    if text.cleaned(found) != (found, ()) or not found:
        raise ValueError("an id must be given letter for letter")
    if field.most and len(found) > field.most:
        raise ValueError(f"it has {len(found)} characters, and {field.most} is the most")
    return found


def _guid(field: Field, value: Any) -> str:
    if not isinstance(value, str) or not _GUID(value):
        raise ValueError("it is no GUID in braces")
    return value


def _bool(field: Field, value: Any) -> str:
    if not isinstance(value, bool):
        raise ValueError("it is neither true nor false")
    return "true" if value else "false"


def _date(field: Field, value: Any) -> str:
    """A plain date: a moment is none, since the day it falls on depends on where one stands."""
    if isinstance(value, str) and _DAY(value):
        return date.fromisoformat(value).isoformat()
    if isinstance(value, datetime) or not isinstance(value, date):
        raise ValueError("it is no plain date such as 2026-01-31")
    return value.isoformat()


def _datetime(field: Field, value: Any) -> str:
    """A moment; without a zone it is the time of the computer that QuickBooks runs on."""
    moment = value.replace(microsecond=0).isoformat() if isinstance(value, datetime) else value
    if not isinstance(moment, str) or not _MOMENT(moment):
        raise ValueError("it is no moment such as 2026-01-31T09:00:00-08:00")
    datetime.fromisoformat(moment)
    return moment


def _count(field: Field, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError("it is no whole number from 1")
    return str(value)


def _one(field: Field, value: Any) -> str:
    if value not in field.words:
        raise ValueError(f"it may be {', '.join(field.words)}")
    return str(value)


def _number(write: Callable[[amounts.Number], str]) -> Callable[[Field, Any], str]:
    return lambda field, value: write(value)


_KINDS: Mapping[str, Callable[[Field, Any], str]] = {
    "key": _key,
    "guid": _guid,
    "bool": _bool,
    "date": _date,
    "datetime": _datetime,
    "count": _count,
    "one": _one,
    "amount": _number(amounts.amount),
    "price": _number(amounts.price),
    "quantity": _number(amounts.quantity),
    "percent": _number(amounts.quantity),
    "rate": _number(amounts.rate),
}
