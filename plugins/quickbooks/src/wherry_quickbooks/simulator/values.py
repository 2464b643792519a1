"""Numbers, moments and references in the form QuickBooks Online writes them. Amounts are Decimal, never float."""

import datetime as dt
import json
import zoneinfo
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any

import msgspec
from wherry.money import decimals

Obj = dict[str, Any]

PACIFIC = zoneinfo.ZoneInfo("America/Los_Angeles")
"""Intuit's servers stamp in the time of the west coast, whatever the company's own zone."""
ZERO = Decimal(0)

_encoder = msgspec.json.Encoder(decimal_format="number")


def encoded(body: Any) -> bytes:
    """JSON with Decimals as numbers, digit by digit."""
    return _encoder.encode(body)


def decoded(body: bytes) -> Any:
    """JSON with numbers as Decimal; ValueError for NaN and for what is no JSON."""
    try:
        return json.loads(body, parse_float=Decimal, parse_int=Decimal, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("too many levels") from None


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is not a number")


def rounded(amount: Decimal, currency: str) -> Decimal:
    """An amount rounded half up to the decimals of its currency."""
    return amount.quantize(Decimal(1).scaleb(-decimals(currency)), ROUND_HALF_UP)


def exact(amount: Decimal, currency: str) -> bool:
    """Whether an amount has no digit beyond the decimals of its currency."""
    return amount == rounded(amount, currency)


@lru_cache(maxsize=4096)
def stamp(second: int) -> str:
    """A moment in seconds since 1970 as MetaData carries it: whole seconds and the offset of the west coast."""
    return dt.datetime.fromtimestamp(second, PACIFIC).isoformat()


def stamp_ms(ms: int) -> str:
    """A moment in ms since 1970 as the `time` of an answer carries it."""
    return dt.datetime.fromtimestamp(ms / 1000, PACIFIC).isoformat(timespec="milliseconds")


def moment(text: str) -> dt.datetime | None:
    """A date or date with time; without an offset the west coast's. None when it is neither."""
    try:
        parsed = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=PACIFIC)


def ref(value: str, name: str = "") -> Obj:
    """A reference to another object."""
    return {"value": value, "name": name} if name else {"value": value}
