"""The named transforms of field maps: plain functions from source values to canonical values.

Three kinds of nothing (case B20): ``None`` is a field that is null or was not sent, ``""`` is a field that
the source says is empty. Transforms to numbers, money and dates give ``None`` for both; those on text hand
both through as they came. A value that cannot be read exactly raises ValueError, or Rejected where there is a
remedy worth naming. Amounts never pass through a float (case C1).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from wherry import money as exactly
from wherry.errors import ConfigError, Rejected
from wherry.matching.text import product_key

Transform = Callable[..., Any]
Residue = dict[str, Decimal]
"""Currency → unrounded minus rounded, in major units."""

_DIGITS = 28
_USUAL = re.compile(r"(-?[0-9]{1,14})(?:\.([0-9]{1,4}))?").fullmatch
"""Below what a store holds, in any currency."""
_DECIMAL_FIX = "the source must send plain decimal text such as 1234.50: no separators, brackets or exponents"
_YES_NO = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_COMPACT_DATE = 8


def zone_of(name: str, key: str = "project.timezone") -> ZoneInfo:
    """The time zone of an IANA name. Raises ConfigError with the key that named it."""
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        raise ConfigError(
            f"{key}: {name!r} is not a time zone",
            fix="use a name of the IANA database, such as America/Chicago or UTC",
            code="WHERRY-2230",
            key=key,
        ) from None


def number(value: Any) -> Decimal | None:
    """An exact number; None for nothing. Refuses floats and more digits than arithmetic keeps exact (28)."""
    if value is None or value == "":
        return None
    try:
        found = exactly.exact(value)
    except ValueError as error:
        raise Rejected(str(error), fix=_DECIMAL_FIX, code="WHERRY-4202") from None
    if (not isinstance(value, str) or len(value) > _DIGITS) and len(found.as_tuple().digits) > _DIGITS:
        raise ValueError(f"{value!r} has more than {_DIGITS} digits")
    return found


def integer(value: Any) -> int | None:
    """A whole number; ``3.0`` is one, ``3.5`` is refused."""
    found = number(value)
    if found is None:
        return None
    if found != found.to_integral_value():
        raise ValueError(f"{value!r} is not a whole number")
    return int(found)


def text(value: Any) -> str | None:
    """A value as text: numbers as plain digits, yes and no as ``true`` and ``false``."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return exactly.plain(value)
    if isinstance(value, int | float):
        return str(value)
    raise ValueError(f"a {type(value).__name__} is not text")


def _on_text(change: Callable[[str], str]) -> Transform:
    def transform(value: Any) -> str | None:
        plain = text(value)
        return None if plain is None else change(plain)

    return transform


lower, upper, strip, title = (
    _on_text(str.lower),
    _on_text(str.upper),
    _on_text(str.strip),
    _on_text(str.title),
)


def default(value: Any, instead: Any) -> Any:
    """The value, or the other where the source sent none. An empty text is a value: see ``first``."""
    return instead if value is None else value


def first(value: Any, *others: Any) -> Any:
    """The first value that is neither missing nor empty; the last one if there is none."""
    for found in (value, *others):
        if found is not None and found != "":
            return found
    return others[-1] if others else value


def join(separator: str, *values: Any) -> str | None:
    """What is there, with the separator between; None if nothing is."""
    parts = [plain for value in values if (plain := value if value.__class__ is str else text(value))]
    return text(separator or "").join(parts) if parts else None  # type: ignore[union-attr]


def yes_no(value: Any) -> bool | None:
    """True or False from a boolean or from true/false, yes/no, 1/0."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return value
    try:
        return _YES_NO[str(value).strip().lower()]
    except KeyError:
        raise ValueError(f"{value!r} is neither yes nor no") from None


def identity(value: Any, *more: Any) -> str | None:
    """A draft's key from source ids, ``id:4711`` or ``id:17/4711``; None if one of them is missing."""
    if not more:
        return f"id:{plain}" if (plain := text(value)) else None
    parts = [text(part) for part in (value, *more)]
    if not all(parts):
        return None
    return "id:" + "/".join(str(part).replace("%", "%25").replace("/", "%2F") for part in parts)


def product(id: Any = None, sku: Any = None, name: Any = None) -> str | None:
    """A product's key: its id, else its SKU, else its normalised name; None if it has none of them."""
    if id.__class__ is sku.__class__ is name.__class__ is str:
        return _product_key(id, sku, name) or None
    return _product_key(text(id) or "", text(sku) or "", text(name) or "") or None


_product_key = lru_cache(maxsize=2048)(product_key)
"""Few products stand on many lines, and normalising a name costs more than mapping the line it stands on."""


def _as_usual(value: Any, currency: Any, own: str) -> dict[str, Any] | None:
    """An amount as nearly all are written, such as ``1054.00``; None leaves it to Decimal, which takes four times as
    long. A run spends more on amounts than on any other field."""
    usual = _USUAL(value) if isinstance(value, str) else None
    if usual is None:
        return None
    whole, part = usual.groups("")
    code = _currency(currency, own)
    places = exactly.DECIMALS[code]
    return {"minor": int(whole + part.ljust(places, "0")), "currency": code} if len(part) <= places else None


def money_in(own: str) -> Transform:
    """``money`` for a project whose own currency is ``own``."""

    def money(value: Any, currency: Any = None) -> dict[str, Any] | None:
        """An amount and its currency; digits beyond the currency's decimals are refused."""
        if value is None or value == "":
            return None
        if (usual := _as_usual(value, currency, own)) is not None:
            return usual
        code = _currency(currency, own)
        found = number(value)
        if found is None:
            return None
        try:
            amount = exactly.parse(found, code)
        except ValueError as error:
            raise Rejected(
                f"{error}",
                fix="use round_money in the map if it is right to round it here; the residue is then counted",
                code="WHERRY-4202",
            ) from None
        return {"minor": amount.minor, "currency": code}

    return money


def round_money_in(own: str) -> Transform:
    """``round_money`` for a project whose own currency is ``own``; its first argument is where residue is
    counted."""

    def round_money(residue: Residue, value: Any, currency: Any = None) -> dict[str, Any] | None:
        """An amount rounded half up to the currency's decimals, and its currency; the residue is counted."""
        if (usual := _as_usual(value, currency, own)) is not None:
            return usual
        found = number(value)
        if found is None:
            return None
        amount, rest = exactly.rounded(found, _currency(currency, own))
        if rest:
            residue[amount.currency] = residue.get(amount.currency, Decimal(0)) + rest
        return {"minor": amount.minor, "currency": amount.currency}

    return round_money


def _currency(value: Any, own: str) -> str:
    code = value or own
    if isinstance(code, str) and code in exactly.DECIMALS:
        return code
    code = str(code).strip().upper()
    if code not in exactly.DECIMALS:
        raise Rejected(
            f"unknown currency {code!r}",
            fix="correct the record's currency at the source: it takes an ISO 4217 code such as USD",
            code="WHERRY-4202",
        )
    return code


def date_in(zone: ZoneInfo) -> Transform:
    """``date`` for a project whose accounting days are those of ``zone``."""

    def date(value: Any, timezone: str | None = None) -> str | None:
        """The accounting date, ISO: of a date as it stands, of an instant (ISO with offset, or epoch
        milliseconds) the day it falls on in the project's time zone, or in the one named. Midnight UTC to
        the millisecond is a plain date: that is how systems without a date type store one."""
        if value is None or value == "":
            return None
        return _day(value, zone if timezone is None else ZoneInfo(timezone))

    return date


def _day(value: Any, zone: ZoneInfo) -> str:
    if isinstance(value, str):
        return _day_of_text(value, zone)
    if isinstance(value, int) and not isinstance(value, bool):
        return _day_of_epoch(value, zone).isoformat()
    raise ValueError(f"{value!r} is not a date")


def _day_of_moment(moment: dt.datetime, zone: ZoneInfo) -> dt.date:
    if moment.tzinfo is None or (moment.utcoffset() == dt.timedelta(0) and moment.time() == dt.time()):
        return moment.date()
    return moment.astimezone(zone).date()


@lru_cache(maxsize=1024)
def _day_of_text(value: str, zone: ZoneInfo) -> str:
    """Many records share a date, so each is read once."""
    plain = value.strip()
    if len(plain) > _COMPACT_DATE and plain.lstrip("-").isdecimal():
        return _day_of_epoch(int(plain), zone).isoformat()
    try:
        if len(plain) <= len("2026-01-31"):
            return dt.date.fromisoformat(plain).isoformat()
        moment = dt.datetime.fromisoformat(plain)
        return _day_of_moment(moment, zone).isoformat()
    except (ValueError, OverflowError):
        raise ValueError(f"{value!r} is not an ISO date or time") from None


def _day_of_epoch(milliseconds: int, zone: ZoneInfo) -> dt.date:
    try:
        moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(milliseconds=milliseconds)
        return _day_of_moment(moment, zone)
    except OverflowError:
        raise ValueError(f"{milliseconds} milliseconds is not a date in the calendar") from None


_ANYWHERE: Mapping[str, Transform] = {
    "decimal": number,
    "integer": integer,
    "text": text,
    "lower": lower,
    "upper": upper,
    "strip": strip,
    "title": title,
    "default": default,
    "first": first,
    "join": join,
    "yes_no": yes_no,
    "id": identity,
    "product": product,
}

RESULTS: Mapping[str, str] = {
    **dict.fromkeys(("text", "lower", "upper", "strip", "title", "join", "id", "product"), "text"),
    **dict.fromkeys(("money", "round_money"), "money"),
    "date": "date",
    "decimal": "decimal",
    "integer": "integer",
    "yes_no": "boolean",
}
"""What a core transform gives; those that are not here give what they get."""


def core(currency: str, zone: ZoneInfo) -> dict[str, Transform]:
    """The transforms of the core for a project's currency and time zone."""
    return {**_ANYWHERE, "money": money_in(currency), "date": date_in(zone)}


def counting(currency: str) -> dict[str, Transform]:
    """The transforms of the core that take, before their arguments, where residue is counted."""
    return {"round_money": round_money_in(currency)}
