"""CSV cells: columns of a kind, and text that a spreadsheet must not take for a formula.

A text cell that begins with ``= + - @``, tab, CR, LF or a full-width form of these gets an apostrophe in
front, which spreadsheets take as "this is text"; reading takes it off again. Typed cells (numbers, amounts,
dates) stay as they are.
Source: OWASP, CSV Injection.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from wherry import money

from wherry_workspace.kinds import Field, Kind
from wherry_workspace.values import shown

_ACTIVE = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_MARKED = re.compile("'+[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_TYPED = frozenset({"decimal", "money", "date", "int", "bool"})

CURRENCY = "_currency"
DERIVED: dict[str, tuple[str, ...]] = {
    "file": ("effective_access", "path"),
    "project": ("source",),
    "customer": ("source",),
    "product": ("source",),
}
"""Columns that an export adds for readers and an import passes over."""


def neutral(text: str) -> str:
    """Text as a cell that no spreadsheet runs."""
    return f"'{text}" if _ACTIVE.match(text) else text


def original(cell: str) -> str:
    """The text of a cell that ``neutral`` made; any other cell as it is."""
    return cell[1:] if _MARKED.match(cell) else cell


def columns(kind: Kind) -> list[str]:
    """The kind's columns in order: an amount has its currency beside it, lines have a file of their own."""
    names: list[str] = []
    for field in kind.fields.values():
        if field.type == "money":
            names += [field.name, field.name + CURRENCY]
        elif field.type != "lines":
            names.append(field.name)
    return names


def row(kind: Kind, body: dict[str, Any]) -> list[str]:
    """The cells of a full body, one a column."""
    return [cell for field in kind.fields.values() for cell in _cells(field, body[field.name])]


def _cells(field: Field, value: Any) -> Iterator[str]:
    if field.type == "lines":
        return
    if field.type == "money":
        yield money.text(value["minor"], value["currency"]) if value else ""
        yield value["currency"] if value else ""
        return
    text = shown(field, value)
    yield text if field.type in _TYPED else neutral(text)
