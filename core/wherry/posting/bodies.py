"""What the body of an item says, read the same way by every sink that posts documents.

Amounts are ``{"minor": …, "currency": …}`` in a body (reference/entities) and Decimals of major units here. What cannot
be is raised as ``Rejected`` with the item's stamp: that item is refused with it, and none of it is sent.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from wherry import money
from wherry.errors import Rejected
from wherry.money import exact, text
from wherry.posting.texts import cut
from wherry.records import Item

ZERO = Decimal(0)
Line = dict[str, Any]
_CALLED = 60
"""Characters by which a message calls a line."""


def refusal(item: Item, message: str, field: str, fix: str, code: str) -> Rejected:
    """The error for an item that cannot be said in the target's words. ``message`` goes on after the document's name,
    ``field`` is where in the body it is, ``fix`` what to do."""
    name = item.label or str(item.body.get("number") or item.body.get("name") or item.key)
    return Rejected(
        f"{item.entity.replace('_', ' ')} {name}: {message}", fix=fix, code=code,
        item=item.stamp, entity=item.entity, key=item.key, field=field,
    )  # fmt: skip


def lines_of(item: Item) -> Sequence[Line]:
    """The lines of a document. Raises Rejected where it has none."""
    lines: Sequence[Line] = item.body.get("lines", ())
    if lines:
        return lines
    raise refusal(item, "it has no lines", "lines", "add its lines at the source", "WHERRY-4630")


def called(line: Line) -> str:
    """What a message calls a line: its service, or its text."""
    return cut(line.get("service") or line.get("description"), _CALLED) or "no name"


def customer_of(item: Item) -> str:
    """The target's id of whom a document is for. Raises Rejected where the source does not say."""
    told = item.body.get("customer")
    if isinstance(told, str) and told:
        return told
    raise refusal(
        item, "it has no customer", "customer", "say at the source whom it is for, then try it again", "WHERRY-4631"
    )


def closed_date(item: Item, closed: dt.date | None) -> str:
    """The date of an item, of this body or of the last one, that lies in the closed books; empty where none does."""
    told = min((str(body["date"]) for body in (item.body, item.before or {}) if body.get("date")), default="")
    return told if closed is not None and told and told <= closed.isoformat() else ""


def as_before(item: Item, build: Callable[[Item], dict[str, Any]]) -> dict[str, Any]:
    """What was made of the body that was written last: an update leaves out what did not change, and empties what is
    gone. Nothing where there was none, or where it cannot be said any more."""
    if item.before is None:
        return {}
    try:
        return build(replace(item, body=item.before, before=None, memo=""))
    except Rejected:
        return {}


# -- amounts ------------------------------------------------------------


def amount(money: dict[str, Any]) -> Decimal:
    """An amount of a body in major units."""
    return Decimal(text(int(money["minor"]), str(money["currency"])))


def currency_of(item: Item, home: str) -> str:
    """The one currency of all amounts of a body; ``home`` where it has none. Raises Rejected for several."""
    found = set(_currencies(item.body))
    if len(found) > 1:
        raise refusal(
            item, f"its amounts are in {' and '.join(sorted(found))}", "lines",
            "one document has one currency: split it at the source", "WHERRY-4632",
        )  # fmt: skip
    return next(iter(found), home)


def _currencies(body: dict[str, Any]) -> Iterator[str]:
    if body.get("currency"):
        yield str(body["currency"])
    for part in (body, *body.get("lines", ())):
        yield from (str(part[name]["currency"]) for name in ("total", "amount", "tax") if part.get(name))


def times(quantity: Decimal, price: Decimal, currency: str) -> Decimal:
    """What so many come to, rounded once."""
    return Decimal(str(money.times(quantity, price, currency)[0]))


def worth_of(item: Item, n: int, line: Line, currency: str) -> Decimal:
    """What line ``n`` comes to without tax: as it says, else quantity times rate. Raises Rejected without both."""
    if line.get("amount"):
        return amount(line["amount"])
    if line.get("rate") is not None:
        return times(exact(line.get("quantity", 1)), exact(line["rate"]), currency)
    raise refusal(
        item, f"line {n + 1} has neither an amount nor a rate", f"lines[{n}].amount",
        "add one of them at the source", "WHERRY-4633",
    )  # fmt: skip


# -- tax and total ------------------------------------------------------------


def rate_of(line: Line) -> Decimal | None:
    """The tax rate of a line, in percent."""
    told = line.get("tax_rate")
    return None if told is None else exact(told)


def known_tax(item: Item) -> Decimal | None:
    """The tax that the source names: of the whole document, else of its lines; None where it names none."""
    if told := item.body.get("tax"):
        return amount(told)
    return tax_of_lines(item)


def tax_of_lines(item: Item) -> Decimal | None:
    """The tax that the lines name, added up; None where they name none."""
    parts = [amount(line["tax"]) for line in item.body.get("lines", ()) if line.get("tax")]
    return sum(parts, ZERO) if parts else None


def reckoned_tax(item: Item, nets: Sequence[Decimal], currency: str) -> Decimal:
    """The tax by the rates of the lines, rounded once for each rate. ``nets`` are what the lines come to without it."""
    bases: dict[Decimal, Decimal] = {}
    for line, net in zip(item.body.get("lines", ()), nets, strict=True):
        if rate := rate_of(line):
            bases[rate] = bases.get(rate, ZERO) + net
    return sum((times(base.scaleb(-2), rate, currency) for rate, base in bases.items()), ZERO)


def total_of(item: Item, nets: Sequence[Decimal], currency: str) -> Decimal:
    """What a document comes to by its source: as it says, else its lines with their tax."""
    if told := item.body.get("total"):
        return amount(told)
    tax = known_tax(item)
    return sum(nets, ZERO) + (reckoned_tax(item, nets, currency) if tax is None else tax)


def comes_to(item: Item, made: Decimal, currency: str) -> None:
    """Raises Rejected where the source's total is another than ``made``, which its lines and tax come to, and for one
    below zero."""
    told = amount(item.body["total"]) if item.body.get("total") else made
    if told != made:
        raise refusal(
            item, f"its total is {told} {currency}, its lines and tax come to {made}", "total",
            "correct the lines or the total at the source, then try it again", "WHERRY-4634",
        )  # fmt: skip
    if told < 0:
        raise refusal(
            item, f"its total is {told} {currency}, and none below zero is taken", "total",
            "make it a credit memo, or correct its lines", "WHERRY-4635",
        )  # fmt: skip


def adds_up(item: Item, nets: Sequence[Decimal], currency: str) -> None:
    """The same for a target that works out tax by the rates of the lines: what is known by its rate only is its affair,
    and what it makes of it is compared afterwards."""
    tax = known_tax(item)
    if tax is None and any(rate_of(line) for line in item.body.get("lines", ())):
        comes_to(item, total_of(item, nets, currency), currency)
    else:
        comes_to(item, sum(nets, ZERO) + (tax or ZERO), currency)
