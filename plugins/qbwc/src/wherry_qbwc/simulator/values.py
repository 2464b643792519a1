"""Values of qbXML: what a format error says of each, money as Decimal, moments in the company's zone."""

from __future__ import annotations

import datetime as dt
import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from .refusals import Status

Obj = dict[str, Any]
ZONE = dt.timezone(dt.timedelta(hours=-8))
"""QuickBooks prints the offset of the computer's zone, and takes no notice of summer time."""
CENT = Decimal("0.01")
_GUID = re.compile(r"(\{[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\}|0)?")
_RULES: dict[str, tuple[int, str, re.Pattern[str]]] = {
    "id": (3000, "object ID", re.compile(r".{1,36}")),
    "bool": (3010, "boolean", re.compile(r"true|false|1|0|")),
    "amount": (3040, "amount", re.compile(r"([+-]?[0-9]{1,13}(\.[0-9]{2})?)?")),
    "price": (3045, "price", re.compile(r"([+-]?[0-9]{1,10}(\.[0-9]{1,5})?)?")),
    "percent": (3050, "percent", re.compile(r"([+-]?[0-9]{1,10}(\.[0-9]{1,5})?)?")),
    "quantity": (3060, "quantity", re.compile(r"([+-]?[0-9]{1,10}(\.[0-9]{1,5})?)?")),
    "rate": (3040, "exchange rate", re.compile(r"([+-]?[0-9]+(\.[0-9]+)?)?")),
    "int": (3090, "number", re.compile(r"[+-]?[0-9]{1,9}")),
    "guid": (3080, "GUID", _GUID),
    "time": (3020, "date and time", re.compile(
        r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(T[0-9]{1,2}(:[0-9]{1,2}(:[0-9]{1,2}([+-][0-9]{1,2}:[0-9]{1,2})?)?)?)?")),
}  # fmt: skip


def checked(kind: str, name: str, text: str) -> str:
    """A value as it is kept. Raises Status with the code of a format error."""
    if kind.isdigit():
        if len(text) > int(kind):
            raise Status(3070, f'The string "{text[:60]}" in the field "{name}" is too long. The maximum is {kind}.')
        return text
    if kind == "date":
        return _date(name, text)
    if rule := _RULES.get(kind):
        code, word, pattern = rule
        if not pattern.fullmatch(text):
            raise Status(code, f'There was an error when converting the {word} value "{text}" in the field "{name}".')
    return {"1": "true", "0": "false"}.get(text, text) if kind == "bool" else text


def kept(text: str) -> str:
    """What QuickBooks keeps of a text: Windows-1252; any other letter becomes a question mark."""
    return text.encode("cp1252", "replace").decode("cp1252")


def money(text: str) -> Decimal:
    """An amount, price or quantity as a number; empty is nothing."""
    return Decimal(text or "0")


def cents(value: Decimal) -> Decimal:
    """Rounded to whole cents, halves away from nothing."""
    return value.quantize(CENT, ROUND_HALF_UP)


def amount(value: Decimal) -> str:
    """As an amount is written: two decimals always."""
    return f"{cents(value):f}"


def price(value: Decimal) -> str:
    """As a price or quantity is written: two decimals at least, five at most."""
    text = f"{value.quantize(Decimal('0.00001'), ROUND_HALF_UP):f}".rstrip("0")
    whole, _, rest = text.partition(".")
    return f"{whole}.{rest:0<2}"


def quantity(value: Decimal) -> str:
    """As a quantity is written: without zeros that say nothing."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def moment(seconds: float) -> str:
    """A moment as QuickBooks prints it."""
    return dt.datetime.fromtimestamp(int(seconds), ZONE).isoformat()


def day(seconds: float) -> str:
    """The date in the company's zone."""
    return dt.datetime.fromtimestamp(int(seconds), ZONE).date().isoformat()


def told_moment(text: str, *, end: bool = False) -> float:
    """The moment of a filter: local time whatever its offset says; a bare date is its whole day."""
    date, _, clock = re.sub(r"[+-]\d{1,2}:\d{1,2}$", "", text).partition("T")
    parts = [int(part) for part in clock.split(":")] if clock else [23, 59, 59] if end else []
    hour, minute, second = [*parts, 0, 0, 0][:3]
    year, month, number = (int(part) for part in date.split("-"))
    try:
        return dt.datetime(year, month, number, hour, minute, second, tzinfo=ZONE).timestamp()
    except ValueError:
        raise Status(3020, f'There was an error when converting the date value "{text}".') from None


def _date(name: str, text: str) -> str:
    wrong = Status(3020, f'There was an error when converting the date value "{text}" in the field "{name}".')
    if not text:
        return text
    if not re.fullmatch(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}", text):
        raise wrong
    try:
        return dt.date(*(int(part) for part in text.split("-"))).isoformat()
    except ValueError:
        raise wrong from None
