"""Other bodies than the one that is given, each with one thing changed in it: what a plugin must not overlook."""

from __future__ import annotations

import copy
import datetime as dt
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from wherry.entities import SHAPES, Pointer
from wherry.money import decimals, rounded, text
from wherry.records import Item
from wherry.testing.holding import JOURNAL, currency_of, priced, worth

OTHERS = {"JPY": 150_012, "KWD": 1_234_567}
"""Currencies without and with three decimals → an amount in minor units."""
SIDES = {"debit": "credit", "credit": "debit"}
_NUMBER = re.compile(r"-?\d{1,5}(\.\d{1,2})?")
_LINES = "lines"


def altered(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Copies of a body, each with one of its fields changed, and where that stands. Lines differ in what they say: a
    quantity makes an amount where there is none, and is a word beside one that is there."""
    if isinstance(value, Mapping) and value.keys() == {"minor", "currency"}:
        yield path, {**value, "minor": value["minor"] + 100}
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            for where, other in altered(inner, (*path, name)):
                yield where, {**copy.deepcopy(dict(value)), name: other}
    elif isinstance(value, list):
        for n, one in enumerate(value):
            for where, other in altered(one, (*path, str(n))):
                yield where, [*copy.deepcopy(value[:n]), other, *copy.deepcopy(value[n + 1 :])]
    elif isinstance(value, str) and value:
        yield from ((path, other) for other in _others(value))


NAMES: Mapping[str, Mapping[str, str]] = {
    "customer": {
        "email": "yard@example.com", "phone": "+44 20 7946 0018", "website": "https://example.com", "street": "1 Dock",
        "city": "Duluth", "region": "MN", "postal_code": "55802", "country": "USA", "description": "Pays late",
    },
    "product": {"price": "12.50", "description": "By the yard"},
}  # fmt: skip
"""What customers and products usually say beside their name."""


def rich(item: Item) -> Item:
    """The item with what such things usually say, too, where its body does not: of a document memo, due date, what a
    line is for; of a customer how to reach him."""
    body = {**NAMES.get(item.entity, {}), **copy.deepcopy(item.body)}
    if item.entity == "product":
        body.setdefault("sku", f"GTX-{item.stamp[:6]}")  # many systems take a number once
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


def _others(value: str) -> Iterator[str]:
    """Other texts of the same form: a side, a day, a number (one more, and half an hour more), or words."""
    if value in SIDES:
        yield SIDES[value]
    elif _NUMBER.fullmatch(value):
        yield from (str(Decimal(value) + more) for more in (1, Decimal("0.5")))
    else:
        try:
            yield (dt.date.fromisoformat(value) + dt.timedelta(days=1)).isoformat()
        except ValueError:
            yield f"{value}x"


def in_currency(currency: str, value: Any) -> Any:
    """The body with all amounts in another currency."""
    if isinstance(value, Mapping):
        return {name: currency if name == "currency" else in_currency(currency, inner) for name, inner in value.items()}
    return [in_currency(currency, one) for one in value] if isinstance(value, list) else value


# -- bodies that an author may not have thought of --------------------------------------------------------------------


def lacking(item: Item) -> Iterator[tuple[str, dict[str, Any]]]:
    """The body without one of the fields that its shape does not ask for, each in turn; of lines the first one's; and
    what such a field is called. At last without any of them."""
    shape = SHAPES.get(item.entity)
    needed = _required(shape) if shape else set(item.body)
    for name in item.body.keys() - needed:
        yield name, {other: value for other, value in item.body.items() if other != name}
    lines = item.body.get(_LINES) or []
    of_line = _required(_line_of(shape)) if shape and lines else set()
    for name in (lines[0].keys() - of_line) if of_line or lines else ():
        first = {other: value for other, value in lines[0].items() if other != name}
        yield f"{_LINES}.{name}", {**item.body, _LINES: [first, *lines[1:]]}
    yield "all that may be missing", {name: value for name, value in item.body.items() if name in needed}


def _required(shape: Any) -> set[str]:
    return {field.name for field in msgspec.structs.fields(shape) if field.required}


def _line_of(shape: Any) -> Any:
    """The shape of a document's lines."""
    (lines,) = [field.type for field in msgspec.structs.fields(shape) if field.name == _LINES]
    return lines.__args__[0]


def seldom(item: Item) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """What journal entries seldom say, and the body with it in two ways."""
    lines = item.body[_LINES]
    for n, line in enumerate(lines):
        told = [[*lines[:n], {**line, "customer": id}, *lines[n + 1 :]] for id in ("71", "72")]
        one, other = ({**item.body, _LINES: some} for some in told)
        yield f"{_LINES}.customer", one, other
    own = currency_of(item.body)
    for _, body in foreign(item.body):
        one, other = ({**body, "exchange_rate": rate, "home": own} for rate in ("1.25", "1.3"))
        yield "exchange_rate", one, other


def pointers(shape: Any, *, lines: bool = False) -> list[str]:
    """The fields of a shape, or of its lines, that refer to another thing by nothing but its id."""
    told = msgspec.structs.fields(_line_of(shape) if lines else shape)
    return [field.name for field in told if field.type == Pointer]


def doubled(item: Item) -> Item:
    """Each line twice."""
    body = copy.deepcopy(item.body)
    body[_LINES] += copy.deepcopy(body[_LINES])
    if body.get("total"):
        body["total"]["minor"] *= 2
    return msgspec.structs.replace(item, body=body)


def below_zero(item: Item) -> Item:
    """With amounts below zero: all those of an entry; of a document one more line, a rebate of 1.00 off 10.00 each."""
    body = priced(item, 1_000)
    if item.entity == JOURNAL:
        for line in body[_LINES]:
            line["amount"]["minor"] *= -1
        return msgspec.structs.replace(item, body=body)
    currency = currency_of(item.body)
    rebate = {**body[_LINES][0], "amount": {"minor": -100, "currency": currency}, "rate": text(-100, currency)}
    body[_LINES].append(rebate)
    if body.get("total"):
        body["total"]["minor"] -= 100
    return msgspec.structs.replace(item, body=body)


def half_a_penny(item: Item) -> Item:
    """A document whose lines each come to half a smallest unit, 17 at 12.345, and say what their source made of it."""
    body, currency = copy.deepcopy(item.body), currency_of(item.body)
    rate = Decimal(12_345).scaleb(-1 - decimals(currency))
    amount = rounded(17 * rate, currency)[0].minor
    for line in body[_LINES]:
        line |= {"quantity": "17", "rate": format(rate, "f"), "amount": {"minor": amount, "currency": currency}}
    if body.get("total"):
        body["total"] = {"minor": amount * len(body[_LINES]), "currency": currency}
    return msgspec.structs.replace(item, body=body)


def unsaid(item: Item) -> Item:
    """The same, with lines that say quantity and rate and leave it to the reader what that comes to."""
    said = half_a_penny(item)
    for line in said.body[_LINES]:
        del line["amount"]
    return said


def moved(body: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """What was moved between the first two lines so that the sums are the same, and the body before and after it."""
    first, second, *rest = copy.deepcopy(body[_LINES])
    if "account" in first:
        other = [{**first, "account": second["account"]}, {**second, "account": first["account"]}]
        if first["account"] != second["account"]:
            yield "other accounts", dict(body), {**body, _LINES: [*other, *rest]}
        turned = [{**first, "side": second["side"]}, {**second, "side": first["side"]}]
        if first["side"] != second["side"]:
            yield "other sides", dict(body), {**body, _LINES: [*turned, *rest]}
        return
    currency = currency_of(body)
    one, two = worth(first, currency), worth(second, currency)
    before, after = (
        {**body, _LINES: [_worth(first, one + more, currency), _worth(second, two - more, currency), *rest]}
        for more in (0, 1)
    )
    yield "a penny from one line to another", before, after


def _worth(line: Mapping[str, Any], minor: int, currency: str) -> dict[str, Any]:
    """The line at another amount."""
    return {**line, "quantity": "1", "rate": text(minor, currency), "amount": {"minor": minor, "currency": currency}}
