"""Charges as rows of a file: each read exactly, each row that cannot be told by its number and the reason."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

from msgspec import Struct, field
from wherry import money
from wherry.matching import name_key

from wherry_workspace.bodies import Refusal
from wherry_workspace.day_order import read
from wherry_workspace.layouts import Layout
from wherry_workspace.names import folded
from wherry_workspace.rows import Bad, bad
from wherry_workspace.table import Row, read_table


class Charge(Struct, frozen=True):
    """One row: a quantity of something at a rate, on an invoice. ``rest`` is what rounding the amount cut."""

    row: int
    invoice: str
    sku: str
    description: str
    quantity: str
    rate: str
    amount: money.Money
    rest: Decimal
    date: str
    time: str
    customer: str
    country: str


class Survey(Struct):
    """What a first reading of the file tells: how many charges an invoice has, and whom and what they speak of."""

    counts: dict[str, int] = field(default_factory=dict)
    heads: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Invoice → its customer and date, by its first charge."""
    skus: dict[str, str] = field(default_factory=dict)
    """Folded SKU → as it was first spelt."""
    names: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Folded SKU → the best name so far, and how good it is (0 is best)."""
    countries: dict[str, str] = field(default_factory=dict)
    """Customer → country, by its first charge."""
    bad: list[Bad] = field(default_factory=list)
    skipped: set[int] = field(default_factory=set)
    order: str = ""
    """The order in which the days were read."""
    days: dict[str, int] = field(default_factory=dict)
    """Every day as it is written → the first row that has it."""


def survey(path: Path, layout: Layout, currency: str, order: str = "") -> Survey:
    """The first of two readings, so that the second can let go of each invoice once it is whole; ``order`` is that of
    the days, the layout's own where left out.

    Raises NotFound for the file, ConfigError for one that is no such table. Bad rows are in the answer.
    """
    found = Survey(order=order or layout.days)
    day = layout.columns["date"]
    for row in read_table(path, layout.columns.values(), layout.legacy).rows:
        found.days.setdefault(row.cells.get(day, "").strip(), row.number)
        try:
            _note(found, layout, charge(layout, row, currency, found.order))
        except Refusal as refusal:
            found.bad.append(bad(row.number, refusal))
            found.skipped.add(row.number)
    return found


def charges(path: Path, layout: Layout, currency: str, first: Survey) -> Iterator[list[Charge]]:
    """The charges of each invoice, as soon as its last one was read."""
    open_: dict[str, list[Charge]] = {}
    for row in read_table(path, layout.columns.values(), layout.legacy).rows:
        if row.number in first.skipped:
            continue
        one = charge(layout, row, currency, first.order)
        group = open_.setdefault(one.invoice, [])
        group.append(one)
        if len(group) == first.counts[one.invoice]:
            yield open_.pop(one.invoice)


def charge(layout: Layout, row: Row, currency: str, order: str) -> Charge:
    """The row's charge, its day written in that order. Raises Refusal that names the column."""
    cells = {name: row.cells.get(column, "").strip() for name, column in layout.columns.items()}
    if row.problem:
        known = len(row.cells) > 1 and cells["invoice"]
        raise Refusal("", row.problem + (f" Invoice {cells['invoice']} is without it" if known else ""))
    if not cells["invoice"]:
        raise Refusal(layout.columns["invoice"], "says no invoice")
    amount, rest = _amount(layout, cells["quantity"], cells["rate"], currency)
    date, time = _moment(layout, order, cells["date"])
    return Charge(
        row.number, cells["invoice"], cells["sku"], cells["description"], cells["quantity"], cells["rate"],
        amount, rest, date, time, cells["customer"], cells["country"],
    )  # fmt: skip


@lru_cache(maxsize=8192)
def _amount(layout: Layout, quantity: str, rate: str, currency: str) -> tuple[money.Money, Decimal]:
    """Quantity times rate, rounded once, and what that cut. Many charges share both, so each pair is reckoned once."""
    try:
        factors = _number(layout, "quantity", quantity), _number(layout, "rate", rate)
        return money.times(*factors, currency)
    except Refusal:
        raise
    except ValueError as error:
        raise Refusal(layout.columns["rate"], f"quantity times rate: {error}") from None


def _number(layout: Layout, name: str, text: str) -> Decimal:
    try:
        return money.exact(text)
    except ValueError as error:
        raise Refusal(layout.columns[name], str(error)) from None


def _moment(layout: Layout, order: str, text: str) -> tuple[str, str]:
    """Day and time as they stand in the file: in its own local time, never moved."""
    found = read(layout.moments[order], text)
    if found is None:
        shape = dt.datetime(2026, 1, 31, 8, 26).strftime(layout.moments[order][0])  # noqa: DTZ001 - only how it looks
        raise Refusal(layout.columns["date"], f"{text!r} is not a day such as {shape}")
    return found


def _note(found: Survey, layout: Layout, one: Charge) -> None:
    """Raises Refusal for a charge that does not go with the first one of its invoice."""
    customer, date = found.heads.setdefault(one.invoice, (one.customer, one.date))
    if customer != one.customer:
        said = f"is {one.customer or 'empty'}, but invoice {one.invoice} began with {customer or 'none'}"
        raise Refusal(layout.columns["customer"], said)
    if date != one.date:
        raise Refusal(layout.columns["date"], f"is {one.date}, but invoice {one.invoice} began on {date}")
    found.counts[one.invoice] = found.counts.get(one.invoice, 0) + 1
    if one.customer:
        found.countries.setdefault(one.customer, one.country)
    if one.sku:
        _note_product(found, layout, one)


def _note_product(found: Survey, layout: Layout, one: Charge) -> None:
    key = folded(one.sku)
    found.skus.setdefault(key, one.sku)
    worth = _worth(one.description, layout.capitals)
    if worth is not None and (key not in found.names or worth < found.names[key][0]):
        found.names[key] = worth, one.description


@lru_cache(maxsize=8192)
def _worth(text: str, capitals: bool) -> int | None:
    """How good a description is as a name, 0 is best; None for a note such as "?" or "damages"."""
    letters = [letter for letter in text if letter.isalpha()]
    if not letters:
        return None
    if not capitals or sum(map(str.isupper, letters)) * 2 >= len(letters):
        return 0
    return 1 if letters[0].isupper() else None


def product_name(sku: str, described: str, taken: set[str]) -> str:
    """A name that no other product has: the description, with the SKU where another is described alike."""
    for name in (described, f"{described} ({sku})" if described else "", sku, f"product {sku}"):
        if name and name_key(name) not in taken:
            taken.add(name_key(name))
            return name
    return sku
