"""Amounts of a body: minor units inside, numbers of major units in what is sent; and the tax of a document's lines.

Facts: Xero works out tax line by line, and takes another amount for a line that is told it (``TaxAmount``). So every
line is told its tax, and the document comes to what the source says (faults C3).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from wherry.money import decimals, exact, rounded, text
from wherry.records import Item

from .books import Books, held

PLACES = 2
"""Decimals of an amount in Xero."""
UNIT_PLACES = 4
"""Decimals of a unit price with ``unitdp=4``."""


def major(minor: int, currency: str) -> Decimal:
    """Minor units as a number of Xero."""
    return Decimal(text(minor, currency))


def currency_of(item: Item, books: Books) -> str:
    """The one currency of a document. Raises Rejected for several, and for one that Xero does not take."""
    body = item.body
    parts = [body.get("total"), body.get("tax")]
    parts += [line.get(name) for line in body.get("lines", ()) for name in ("amount", "tax")]
    found = {money["currency"] for money in parts if money} | ({body["currency"]} if body.get("currency") else set())
    if len(found) > 1:
        raise held(
            item, f"its amounts are in {' and '.join(sorted(found))}", "lines",
            "one document has one currency: split it at the source", "WHERRY-4573",
        )  # fmt: skip
    currency = str(next(iter(found), books.home))
    return taken(item, currency, books)


def taken(item: Item, currency: str, books: Books) -> str:
    """The same currency. Raises Rejected where Xero does not take its amounts: it would cut them to two decimals."""
    why, fix = "which the organisation does not use", "add the currency in Xero, then try it again"
    if currency in books.currencies | {books.home}:
        if decimals(currency) <= PLACES:
            return currency
        why, fix = "whose amounts have more than two decimals", "leave it out of the flow"
    field = "total" if item.body.get("total") else "currency"
    raise held(item, f"it is in {currency}, {why}", field, fix, "WHERRY-4574")


def net_of(item: Item, n: int, line: dict[str, Any], currency: str) -> int:
    """What a line comes to without tax, minor units: as it says, else quantity times rate, rounded once."""
    if line.get("amount"):
        return int(line["amount"]["minor"])
    if line.get("rate") is not None:
        return rounded(exact(line.get("quantity", 1)) * exact(line["rate"]), currency)[0].minor
    raise held(
        item, f"line {n + 1} has neither an amount nor a rate", f"lines[{n}].amount",
        "add one of them at the source", "WHERRY-4575",
    )  # fmt: skip


def rate_of(line: dict[str, Any]) -> Decimal | None:
    """The tax rate of a line, in percent."""
    told = line.get("tax_rate")
    return None if told is None else exact(told)


def taxes_of(item: Item, nets: list[int], currency: str) -> list[int] | None:
    """The tax of each line, minor units; None where nothing is said of tax.

    As the lines say it; else what the document says, or what its total leaves, on the lines by their rates; else worked
    out, rounded once for each rate. Raises Rejected for a tax that does not go with the rates.
    """
    lines, body = item.body.get("lines", ()), item.body
    rates = [rate_of(line) for line in lines]
    if all(rate is None for rate in rates):
        if any(one.get("tax") and int(one["tax"]["minor"]) for one in (body, *lines)):
            raise held(
                item, "it has tax, and none of its lines says at which rate", "lines",
                "add tax_rate to the lines at the source or in the map", "WHERRY-4576",
            )  # fmt: skip
        return None
    if any(line.get("tax") for line in lines):
        return [int(line["tax"]["minor"]) if line.get("tax") else 0 for line in lines]
    worth = [net * (rate or Decimal(0)) / 100 for net, rate in zip(nets, rates, strict=True)]
    reckoned = _reckoned(rates, worth)
    told = reckoned
    if body.get("tax"):
        told = int(body["tax"]["minor"])
    elif body.get("total"):
        told = int(body["total"]["minor"]) - sum(nets)
    if abs(told - reckoned) > sum(map(bool, worth)):
        raise held(
            item, f"its tax is {text(told, currency)} {currency}, and by the rates of its lines it would be "
            f"{text(reckoned, currency)}", "tax" if body.get("tax") else "total",
            "correct tax, rates or total at the source, then try it again", "WHERRY-4576",
        )  # fmt: skip
    return _shared(told, worth)


def _reckoned(rates: list[Decimal | None], worth: list[Decimal]) -> int:
    """The tax by the rates of the lines, rounded once for each rate, half a unit away from zero."""
    sums: dict[Decimal | None, Decimal] = {}
    for rate, one in zip(rates, worth, strict=True):
        sums[rate] = sums.get(rate, Decimal(0)) + one
    return sum(_whole(one) for one in sums.values())


def _whole(value: Decimal) -> int:
    return int(value.to_integral_value("ROUND_HALF_UP"))


def _shared(total: int, worth: list[Decimal]) -> list[int]:
    """A tax on the lines: each rounded by itself, and what that leaves on the largest."""
    parts = [_whole(one) for one in worth]
    largest = max(range(len(parts)), key=lambda n: abs(worth[n]))
    parts[largest] += total - sum(parts)
    return parts


def plain(value: Any) -> str:
    """A number without zeros that say nothing: 2 for 2.0, 100 for 1E+2."""
    number = value if isinstance(value, Decimal) else Decimal(str(value)) if value else Decimal(0)
    return format(number.normalize() + 0, "f")


def money(value: Any, currency: str) -> str:
    """An amount in words: ``12.50 USD``."""
    number = value if isinstance(value, Decimal) else Decimal(str(value or 0))
    places = max(decimals(currency), -int(number.normalize().as_tuple().exponent))
    return f"{format(number, f'.{places}f')} {currency}"
