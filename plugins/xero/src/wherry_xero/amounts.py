"""The currency of a document as Xero takes it, and the tax of its lines.

Facts: Xero works out tax line by line, and takes another amount for a line that is told it (``TaxAmount``). So every
line is told its tax, and the document comes to what the source says (faults C3).
"""

from __future__ import annotations

from decimal import Decimal

from wherry.money import decimals
from wherry.posting import bodies
from wherry.posting.bodies import ZERO, amount, known_tax, rate_of, reckoned_tax, refusal, tax_of_lines, times
from wherry.records import Item

from .books import Books

PLACES = 2
"""Decimals of an amount in Xero."""
UNIT_PLACES = 4
"""Decimals of a unit price with ``unitdp=4``."""


def currency_of(item: Item, books: Books) -> str:
    """The one currency of a document. Raises Rejected for several, and for one that Xero does not take."""
    return taken(item, bodies.currency_of(item, books.home), books)


def taken(item: Item, currency: str, books: Books) -> str:
    """The same currency. Raises Rejected where Xero does not take its amounts: it would cut them to two decimals."""
    why, fix = "which the organisation does not use", "add the currency in Xero, then try it again"
    if currency in books.currencies | {books.home}:
        if decimals(currency) <= PLACES:
            return currency
        why, fix = "whose amounts have more than two decimals", "leave it out of the flow"
    field = "total" if item.body.get("total") else "currency"
    raise refusal(item, f"it is in {currency}, {why}", field, fix, "WHERRY-4574")


def taxes_of(item: Item, nets: list[Decimal], currency: str) -> list[Decimal] | None:
    """The tax of each line; None where nothing is said of tax.

    As the lines say it; else what the document says, or what its total leaves, on the lines by their rates; else worked
    out, rounded once for each rate. Raises Rejected for a tax that does not go with the lines.
    """
    lines, body = item.body.get("lines", ()), item.body
    if all(rate_of(line) is None for line in lines):
        if any(one.get("tax") and int(one["tax"]["minor"]) for one in (body, *lines)):
            raise refusal(
                item, "it has tax, and none of its lines says at which rate", "lines",
                "add tax_rate to the lines at the source or in the map", "WHERRY-4576",
            )  # fmt: skip
        return None
    worth = [net * (rate_of(line) or ZERO) / 100 for net, line in zip(nets, lines, strict=True)]
    told, expected = known_tax(item), tax_of_lines(item)
    by_rate = expected is None
    expected = reckoned_tax(item, nets, currency) if expected is None else expected
    if told is None:
        told = amount(body["total"]) - sum(nets) if body.get("total") else expected
    if abs(told - expected) > (sum(map(bool, worth)) * Decimal(1).scaleb(-decimals(currency)) if by_rate else ZERO):
        raise refusal(
            item, f"its tax is {told} {currency}, and by its lines it would be {expected}",
            "tax" if body.get("tax") else "total", "correct tax, rates or total at the source, then try it again",
            "WHERRY-4576",
        )  # fmt: skip
    if by_rate:
        return _shared(told, worth, currency)
    return [amount(line["tax"]) if line.get("tax") else ZERO for line in lines]


def _shared(total: Decimal, worth: list[Decimal], currency: str) -> list[Decimal]:
    """A tax on the lines: each rounded by itself, and what that leaves on the largest."""
    parts = [times(Decimal(1), one, currency) for one in worth]
    largest = max(range(len(parts)), key=lambda n: abs(worth[n]))
    parts[largest] += total - sum(parts)
    return parts
