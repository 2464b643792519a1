"""The currency of a document as Sage Intacct takes it, the tax of its lines, and numbers of answers.

Facts: amounts have two decimals, more are rounded (Sage's reference, Create Invoice).
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from wherry.money import decimals, exact
from wherry.posting import bodies
from wherry.posting.bodies import ZERO, amount, known_tax, rate_of, reckoned_tax, refusal, tax_of_lines, times
from wherry.records import Item

from .books import Books
from .xml import unreadable

PLACES = 2
"""Decimals of an amount in Sage Intacct."""


def currency_of(item: Item, books: Books) -> str:
    """The one currency of all amounts of a body. Raises Rejected for several, for one that the connection does not
    name, and for one with more decimals than amounts have there."""
    currency = bodies.currency_of(item, books.home)
    known = (books.home, *books.settings.currencies)
    if currency in known and decimals(currency) <= PLACES:
        return currency
    why, fix = "which the connection does not name", "add it to currencies of the connection"
    if currency in known:
        why, fix = "whose amounts have more than two decimals", "leave it out of the flow: Sage Intacct takes two"
    raise refusal(
        item, f"it is in {currency}, {why}", "total" if item.body.get("total") else "currency", fix, "WHERRY-4714"
    )  # fmt: skip


def tax_of(item: Item, nets: list[Decimal], currency: str) -> Decimal:
    """The tax of a document: as the source says it; else what its total leaves, or what the rates come to."""
    told = known_tax(item)
    if told is None and item.body.get("total") and any(rate_of(line) for line in item.body.get("lines", ())):
        return amount(item.body["total"]) - sum(nets, ZERO)
    return reckoned_tax(item, nets, currency) if told is None else told


def shared(item: Item, tax: Decimal, nets: list[Decimal], currency: str) -> list[Decimal]:
    """The tax of a document on its lines, as they say it, else by their rates, and what rounding leaves on the largest.
    Raises Rejected for a tax that does not go with the lines."""
    lines = item.body.get("lines", ())
    by_rate = tax_of_lines(item) is None
    if by_rate:
        told = [times(net, (rate_of(line) or ZERO) / 100, currency) for net, line in zip(nets, lines, strict=True)]
    else:
        told = [amount(line["tax"]) if line.get("tax") else ZERO for line in lines]
    left = tax - sum(told, ZERO)
    if abs(left) > (sum(map(bool, told)) * Decimal(1).scaleb(-decimals(currency)) if by_rate else ZERO):
        raise refusal(
            item, f"its tax is {tax} {currency}, and by its lines it would be {sum(told, ZERO)}",
            "tax" if item.body.get("tax") else "total",
            "add tax_rate to the lines, or correct tax, rates or total at the source; then try it again", "WHERRY-4716",
        )  # fmt: skip
    told[max(range(len(told)), key=lambda n: abs(told[n]))] += left
    return told


def number(value: object) -> Decimal:
    """A number of an answer; zero for an empty one. Raises TryAgain."""
    try:
        return exact(str(value).strip()) if str(value or "").strip() else ZERO
    except (ValueError, InvalidOperation):
        raise unreadable(f"{str(value)[:40]!r} where a number should be") from None
