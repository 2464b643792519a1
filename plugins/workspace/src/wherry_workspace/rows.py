"""Rows of a CSV file as values of a kind's fields, and what an import reports of them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct, field
from wherry.money import Money
from wherry.money import parse as parse_money
from wherry.money import text as money_text
from wherry.records import Change

from wherry_workspace.bodies import Refusal
from wherry_workspace.cells import CURRENCY, DERIVED, columns, original
from wherry_workspace.kinds import Kind
from wherry_workspace.names import Names
from wherry_workspace.values import parse


class Bad(Struct):
    """A row that was left out: its number as a spreadsheet counts, the column if it is one, and why."""

    row: int
    reason: str
    field: str = ""


class Report(Struct):
    """What an import did, or would have done. ``applied`` is false when a bad row kept all of them out."""

    kind: str
    creates: int = 0
    created: list[str] = field(default_factory=list)
    updated: dict[str, list[Change]] = field(default_factory=dict)
    unchanged: int = 0
    bad: list[Bad] = field(default_factory=list)
    cleaned: list[Bad] = field(default_factory=list)
    """Rows of which control characters were taken out."""
    applied: bool = False
    others: dict[str, int] = field(default_factory=dict)
    """Kind → how many were created along with it."""
    totals: dict[str, str] = field(default_factory=dict)
    """Currency → what the invoices of the file come to, as decimal text."""
    residue: dict[str, str] = field(default_factory=dict)
    """Currency → what rounding cut, unrounded minus rounded."""
    small: int = 0
    """Movements worth less than the smallest coin of their currency. They are kept, and not uploaded to books."""
    small_totals: dict[str, str] = field(default_factory=dict)
    """Currency → what these come to, exactly."""
    told: str = ""
    """How the file was read, where that could be otherwise."""

    def add(self, total: Money, rest: Decimal) -> None:
        """Counts an invoice's total, and what rounding its lines cut."""
        currency = total.currency
        before = parse_money(self.totals.get(currency, "0"), currency).minor
        self.totals[currency] = money_text(before + total.minor, currency)
        if rest:
            self.residue[currency] = format(Decimal(self.residue.get(currency, "0")) + rest, "f")

    def add_small(self, value: Decimal, currency: str) -> None:
        """Counts a movement worth less than the smallest coin."""
        self.small += 1
        self.small_totals[currency] = format(Decimal(self.small_totals.get(currency, "0")) + value, "f")


class Values(Struct):
    """The values of one row. ``bare`` are amounts whose currency the row does not tell, ``customs`` single
    custom fields."""

    row: int
    id: str
    given: dict[str, Any]
    bare: dict[str, str]
    customs: dict[str, str]


def accepted(kind: Kind) -> list[str]:
    """The columns an import of the kind takes."""
    names = ["id", *columns(kind), *DERIVED.get(kind.name, ())]
    return names if "currency" in names or not kind.amounts else [*names, "currency"]


def values(kind: Kind, row: int, cells: dict[str, str], names: Names, currency: str) -> Values:
    """The row's values; a column that is not there is not mentioned. Raises Refusal that names the column."""
    result = Values(row, original(cells.get("id", "")).strip(), {}, {}, {})
    for column, cell in cells.items():
        if column.startswith("custom."):
            result.customs[column.removeprefix("custom.")] = original(cell)
        elif column in kind.fields:
            _take(kind, column, cells, names, currency, result)
    return result


def _take(kind: Kind, column: str, cells: dict[str, str], names: Names, currency: str, result: Values) -> None:
    field, cell = kind.fields[column], cells[column]
    if field.type == "money":
        named = (cells.get(column + CURRENCY) or cells.get("currency") or "").strip()
        if not (named or currency) and cell.strip() and not cell.strip()[-1:].isalpha():
            result.bare[column] = cell
        else:
            result.given[column] = parse(field, cell, named or currency)
        return
    value = parse(field, original(cell) if field.type in ("text", "reference", "choice", "custom") else cell)
    result.given[column] = names.id_of(field.name, value) if field.type == "reference" and value else value


def laid_over(kind: Kind, held: dict[str, Any], row: Values, currency: str = "") -> dict[str, Any]:
    """A full body with the row's values in it; a bare amount takes the currency of the one it replaces."""
    body = {**held, **row.given}
    for name, cell in row.bare.items():
        there = held[name]["currency"] if held[name] else currency
        body[name] = parse(kind.fields[name], cell, there)
    custom = dict(body["custom"])
    for name, text in row.customs.items():
        if text:
            custom[name] = text
        else:
            custom.pop(name, None)
    return {**body, "custom": custom}


def mentioned_by(row: Values) -> list[str]:
    """The paths a row speaks of."""
    names = [name for name in (*row.given, *row.bare) if name != "custom"]
    return [*names, *(f"custom.{name}" for name in row.customs)]


def bad(row: int, refusal: Refusal) -> Bad:
    return Bad(row, refusal.reason, refusal.field)


def noted(row: int, cleaned: Sequence[str]) -> list[Bad]:
    return [Bad(row, "control characters were taken out", path) for path in cleaned]
