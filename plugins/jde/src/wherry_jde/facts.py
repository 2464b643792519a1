"""What an order or a journal comes to, in words that ours and theirs can be compared by (``records.Facts``).

Theirs are the fields, and the lines, that a find orchestration gives back under the names of the inputs; what it does
not name is not compared. A table says less: what somebody moves between lines there is not seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from wherry.errors import Rejected
from wherry.posting.facts import TAKEN_BACK, plain
from wherry.posting.texts import clean
from wherry.records import Facts, Item

from .books import Books
from .documents import said_of
from .kinds import CANCELED, Kind
from .texts import day, number

_NUMBERS = frozenset({"total", "price", "quantity", "rate", "amount"})
STANDS = "stands"
COMPARED = ("name", "number", "date", "due_date", "customer", "currency", "total", "explanation", "memo", "price")


def of_item(item: Item, books: Books) -> Facts:
    """What JD Edwards would hold once the item is written; nothing where that cannot be said."""
    if item.action == "void":
        return dict(TAKEN_BACK)
    kind = books.kinds[item.entity]
    try:
        said = said_of(msgspec.structs.replace(item, target=None), books)
    except Rejected:
        return {}
    facts = {"state": STANDS} if kind.void else {}
    facts |= {name: said.head[name] for name in COMPARED if said.head.get(name) and kind.inputs.get(name)}
    lines = [{kind.line_inputs.get(name, ""): value for name, value in line.items() if value} for line in said.lines]
    return facts | _lines(kind, lines) | ({"sku": said.head["reference"]} if item.entity == "product" else {})


def of_row(item: Item, row: Mapping[str, Any], books: Books) -> Facts:
    """What a find orchestration, or a table, says of the same."""
    kind, found = books.kinds[item.entity], Facts()
    inputs, lines = kind.inputs, row.get(kind.lines)
    if clean(row.get(CANCELED)):
        return dict(TAKEN_BACK)
    if kind.void and CANCELED in row:
        found["state"] = STANDS
    for name in COMPARED:
        there = inputs.get(name)
        if there and clean(row.get(there)):
            found[name] = _worded(name, row[there], books)
    sku = clean(row.get(inputs["reference"])) if item.entity == "product" else ""
    told = [one for one in lines if isinstance(one, dict)] if isinstance(lines, list) else []
    return found | _lines(kind, told) | ({"sku": sku} if sku else {})


def _lines(kind: Kind, lines: Sequence[Mapping[str, Any]]) -> Facts:
    """What each line says, field by field: a site need not tell all of them."""
    names = [(name, there) for name, there in kind.line_inputs.items() if there]
    return {
        f"line {n} {name}": _valued(name, line[there])
        for n, line in enumerate(lines, start=1) for name, there in names if clean(line.get(there))
    }  # fmt: skip


def _valued(name: str, told: Any) -> str:
    try:
        return plain(number(told)) if name in _NUMBERS else clean(told)
    except ValueError:
        return clean(told)


def _worded(name: str, told: Any, books: Books) -> str:
    if name in ("date", "due_date"):
        found = day(told, books.settings.dates, books.settings.zone)
        return found.isoformat() if found else clean(told)
    return _valued(name, told)
