"""Other bodies than the one that is given, each with one thing changed in it: what a plugin must not overlook."""

from __future__ import annotations

import copy
import datetime as dt
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from wherry.records import Item
from wherry.testing.holding import currency_of

OTHERS = {"JPY": 150_012, "KWD": 1_234_567}
"""Currencies without and with three decimals → an amount in minor units."""
SIDES = {"debit": "credit", "credit": "debit"}


def altered(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Copies of a body, each with one of its fields changed, and where that stands. Of a list the first is changed."""
    if isinstance(value, Mapping) and value.keys() == {"minor", "currency"}:
        yield path, {**value, "minor": value["minor"] + 100}
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            for where, other in altered(inner, (*path, name)):
                yield where, {**copy.deepcopy(dict(value)), name: other}
    elif isinstance(value, list) and value:
        for where, other in altered(value[0], (*path, "0")):
            yield where, [other, *copy.deepcopy(value[1:])]
    elif isinstance(value, str) and value:
        yield path, _another(value)


def rich(item: Item) -> Item:
    """The item with what documents usually say, too, where its body does not: memo, due date, what a line is for."""
    body = copy.deepcopy(item.body)
    if body.get("lines") and body.get("date"):
        due = (dt.date.fromisoformat(body["date"]) + dt.timedelta(days=30)).isoformat()
        body = {"memo": "as agreed", **({"due_date": due} if item.entity == "invoice" else {}), **body}
        body["lines"][0].setdefault("description", "What it is for")
    return msgspec.structs.replace(item, body=body)


def foreign(body: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The body in another currency."""
    own = currency_of(body)
    if own:
        yield ("currency",), in_currency("EUR" if own != "EUR" else "USD", body)


def _another(value: str) -> str:
    """Another text of the same form: a side, a day, a decimal number, or words."""
    if value in SIDES:
        return SIDES[value]
    try:
        return (dt.date.fromisoformat(value) + dt.timedelta(days=1)).isoformat()
    except ValueError:
        pass
    return str(Decimal(value) + 1) if re.fullmatch(r"-?\d+(\.\d+)?", value) and len(value) < 9 else f"{value}x"


def in_currency(currency: str, value: Any) -> Any:
    """The body with all amounts in another currency."""
    if isinstance(value, Mapping):
        return {name: currency if name == "currency" else in_currency(currency, inner) for name, inner in value.items()}
    return [in_currency(currency, one) for one in value] if isinstance(value, list) else value
