"""Money as integer minor units of an ISO 4217 currency. No float on any path an amount takes.

The number of decimals per currency follows ISO 4217 (list one); a currency that is not on it is refused, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal, InvalidOperation

from msgspec import Struct

_CODES = {
    2: (
        "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF "
        "CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL "
        "HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP "
        "MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD "
        "SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS "
        "VED VES WST XCD XCG YER ZAR ZMW ZWG "
    ),
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
DECIMALS: dict[str, int] = {code: places for places, codes in _CODES.items() for code in codes.split()}
"""Currency → how many decimals its minor unit has."""
_LARGEST, _MOST_DIGITS = 10**15, 300
_USUAL = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,20})?").fullmatch
"""Nearly every number there is; what matches is in range and needs no further look."""
LARGEST_MINOR = 10**18
"""Minor units that every store holds: its whole numbers have 64 bits."""
_WIDE = Context(prec=400)
"""The default context would cut digits beyond the 28th without a word."""


class Money(Struct, frozen=True, order=True):
    """An amount in minor units (cents, yen, fils) of ``currency``."""

    minor: int
    currency: str

    def __str__(self) -> str:
        return text(self.minor, self.currency)


def decimals(currency: str) -> int:
    """How many decimals the currency has. Raises ValueError for a code that ISO 4217 does not list."""
    try:
        return DECIMALS[currency]
    except KeyError:
        raise ValueError(f"unknown currency {currency!r}") from None


def exact(value: str | int | Decimal) -> Decimal:
    """A number as Decimal. Takes plain decimal text; refuses floats, exponents, NaN, thousands separators, brackets."""
    if isinstance(value, str) and _USUAL(value):
        return Decimal(value)
    if isinstance(value, bool | float) or not isinstance(value, str | int | Decimal):
        raise ValueError(f"{value!r} is not an exact number")
    if isinstance(value, str) and not value.strip().lstrip("+-").replace(".", "", 1).isdecimal():
        raise ValueError(f"{value!r} is not a plain decimal number")
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise ValueError(f"{value!r} is not a plain decimal number") from None
    if not number.is_finite() or abs(number.adjusted()) > _MOST_DIGITS or abs(number) > _LARGEST:
        raise ValueError(f"{value!r} is out of range")
    if len(number.as_tuple().digits) > _MOST_DIGITS:
        raise ValueError(f"{value!r} is out of range")
    return number


def plain(number: Decimal) -> str:
    """A number in plain digits. Raises ValueError where they would be hundreds: 1e9999999999 fills the memory."""
    if abs(number.adjusted()) > _MOST_DIGITS:
        raise ValueError(f"{number} is out of range")
    return format(number, "f")


def parse(value: str | int | Decimal, currency: str) -> Money:
    """An amount from decimal text. Digits beyond the currency's decimals are refused: nothing is cut silently."""
    scaled = exact(value).scaleb(decimals(currency), _WIDE)
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{value} has more than {decimals(currency)} decimals of {currency}")
    return _held(int(scaled), currency)


def rounded(value: str | int | Decimal, currency: str, *, bankers: bool = False) -> tuple[Money, Decimal]:
    """An amount rounded once, and the residue (unrounded minus rounded, in major units) for whoever counts it."""
    places = decimals(currency)
    number = exact(value)
    whole = number.scaleb(places, _WIDE).quantize(Decimal(1), ROUND_HALF_EVEN if bankers else ROUND_HALF_UP, _WIDE)
    return _held(int(whole), currency), _WIDE.subtract(number, whole.scaleb(-places, _WIDE))


def times(one: Decimal, other: Decimal, currency: str) -> tuple[Money, Decimal]:
    """The same of a product, of which no digit is cut before: a quantity at its price, an amount at its rate."""
    return rounded(_WIDE.multiply(one, other), currency)


def _held(minor: int, currency: str) -> Money:
    if abs(minor) > LARGEST_MINOR:
        raise ValueError(f"{text(minor, currency)} {currency} is out of range")
    return Money(minor, currency)


def text(minor: int, currency: str) -> str:
    """Minor units as decimal text with the currency's own number of decimals, such as ``-12.50``."""
    places = decimals(currency)
    if not places:
        return f"{minor:d}"
    digits = f"{abs(minor):d}".zfill(places + 1)
    return f"{'-' if minor < 0 else ''}{digits[:-places]}.{digits[-places:]}"


def figure(minor: int, currency: str) -> str:
    """The same for people: ``1,054.00``."""
    return f"{Decimal(text(minor, currency)):,f}"


def allocate(total: int, weights: Sequence[int]) -> list[int]:
    """Split minor units by weights, largest remainder first: the parts add up to the total, always."""
    whole = sum(weights)
    if whole <= 0 or min(weights) < 0:
        raise ValueError("weights must not be negative and must not all be zero")
    sign = -1 if total < 0 else 1
    shares = [divmod(abs(total) * weight, whole) for weight in weights]
    parts = [share for share, _ in shares]
    by_remainder = sorted(range(len(parts)), key=lambda n: (-shares[n][1], n))
    for n in by_remainder[: abs(total) - sum(parts)]:
        parts[n] += 1
    return [sign * part for part in parts]
