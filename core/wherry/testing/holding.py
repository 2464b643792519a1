"""What a target holds of an item, in numbers that can be compared, and what it should hold: worked out by the kit from
the item's canonical body, so that a sink cannot be its own judge."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
from msgspec import Struct

from wherry.money import exact, text, times
from wherry.records import Item

PENNIES = (1, 29, 115, 435, 1_001, 100_000, 12_345_678_901)
"""Amounts in minor units that a binary fraction cannot hold, or whose hundredfold it misses."""
JOURNAL = "journal_entry"
OTHER: Mapping[str, Literal["debit", "credit"]] = {"debit": "credit", "credit": "debit"}


class Line(Struct, frozen=True, order=True):
    """A line: the account or product (its target id, or whatever the body names it by), on which side, how much."""

    what: str
    side: Literal["", "debit", "credit"]
    minor: int


class Holding(Struct, frozen=True, kw_only=True):
    """A document as a target holds it. ``lines`` in whatever order, ``total`` in minor units: of a journal entry the
    sum of its debits. What the target does not say is None."""

    total: int
    lines: tuple[Line, ...] | None = None
    date: str | None = None
    currency: str | None = None
    party: str | None = None


def expected(item: Item) -> Holding:
    """What a target should hold once the item is written. Needs a body with lines."""
    body = item.body
    currency = currency_of(body)
    if item.entity == JOURNAL:
        lines = [_booked(one) for one in body["lines"]]
        total = sum(line.minor for line in lines if line.side == "debit")
        return Holding(total=total, lines=tuple(sorted(lines)), date=body["date"], currency=currency)
    lines = [Line(str(one.get("product") or ""), "", worth(one, currency)) for one in body["lines"]]
    total = sum(line.minor for line in lines)
    party = str(body.get("customer") or "")
    return Holding(total=total, lines=tuple(sorted(lines)), date=body["date"], currency=currency, party=party)


def _booked(line: Mapping[str, Any]) -> Line:
    """A line of an entry; one below zero is booked on the other side."""
    minor, side = line["amount"]["minor"], line["side"]
    return Line(str(line["account"]), side if minor >= 0 else OTHER[side], abs(minor))


def differs(held: Holding | None, wanted: Holding) -> str:
    """What of it is otherwise than it should be; empty where nothing is."""
    if held is None:
        return "the target holds nothing of it"
    told = {**msgspec.structs.asdict(held), "lines": held.lines and tuple(sorted(held.lines))}
    pairs = [(name, told[name], value) for name, value in msgspec.structs.asdict(wanted).items()]
    wrong = [f"{name} is {held}, not {value}" for name, held, value in pairs if held is not None and held != value]
    return "; ".join(wrong)


def currency_of(body: Mapping[str, Any]) -> str:
    """The currency of a body's amounts."""
    parts: Sequence[Mapping[str, Any]] = [body, *body.get("lines", ())]
    found = [part[name]["currency"] for part in parts for name in ("total", "amount") if part.get(name)]
    return str(found[0]) if found else str(body.get("currency") or "")


def priced(item: Item, minor: int) -> dict[str, Any]:
    """The body with that amount on each line, and the total that goes with it."""
    body = copy.deepcopy(item.body)
    currency = currency_of(body)
    money = {"minor": minor, "currency": currency}
    for line in body["lines"]:
        line["amount"] = dict(money)
        if item.entity != JOURNAL:
            line |= {"quantity": "1", "rate": text(minor, currency)}
    if body.get("total"):
        body["total"] = {"minor": minor * len(body["lines"]), "currency": currency}
    return body


def worth(line: Mapping[str, Any], currency: str) -> int:
    """A line of a sale in minor units: as it says, else quantity times rate."""
    if line.get("amount"):
        return int(line["amount"]["minor"])
    return times(exact(str(line.get("quantity", "1"))), exact(str(line.get("rate", "0"))), currency)[0].minor
