"""The ``where`` of a list: conditions on elements, joined by AND and OR.

``Status=="DRAFT" AND Date>=DateTime(2026,01,31)``, for one. Texts are compared as they stand. There are neither
brackets nor methods, nor a quotation mark in a text.
"""

from __future__ import annotations

import datetime as dt
import operator
import re
from collections.abc import Callable
from typing import Any

from ..texts import day

Obj = dict[str, Any]
Test = Callable[[Obj], bool]

_CONDITION = re.compile(
    r'\s*([A-Za-z.]+)\s*(==|!=|>=|<=|>|<)\s*(?:(?:guid\(\s*)?"([^"]*)"\)?|DateTime\((\d{4}),\s*(\d{1,2}),\s*(\d{1,2})\)|(true|false))\s*'
)
_JOINT = re.compile(r"(AND|OR|&&|\|\|)", re.IGNORECASE)
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "!=": operator.ne, ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt,
}  # fmt: skip


def parsed(text: str) -> Test:
    """What tells whether a record passes. Raises ValueError for what is no filter."""
    any_of: list[list[Test]] = [[]]
    place = 0
    while True:
        found = _CONDITION.match(text, place)
        if found is None:
            raise ValueError(f"no condition at {text[place : place + 40]!r}")
        any_of[-1].append(_test(found))
        place = found.end()
        if place == len(text):
            return lambda row: any(all(test(row) for test in tests) for tests in any_of)
        joint = _JOINT.match(text, place)
        if joint is None:
            raise ValueError(f"neither AND nor OR at {text[place : place + 40]!r}")
        if joint[1].upper() in ("OR", "||"):
            any_of.append([])
        place = joint.end()


def _test(found: re.Match[str]) -> Test:
    field, sign, text, year, month, date, truth = found.groups()
    compare = _OPERATORS[sign]
    if year is not None:
        wanted = dt.date(int(year), int(month), int(date))
        return lambda row: (told := day(row.get(field))) is not None and compare(told, wanted)
    value = text if truth is None else truth == "true"
    return lambda row: compare(_at(row, field), value) if type(_at(row, field)) is type(value) else sign == "!="


def _at(row: Obj, field: str) -> Any:
    for name in field.split("."):
        row = row.get(name) if isinstance(row, dict) else None  # type: ignore[assignment]
    return row
