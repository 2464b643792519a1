"""``filter_groups`` and ``sort``, in the syntax of Bruno, over entries.

Groups must all hold; in a group all filters must, or with ``or`` one of them. A filter is ``{key, operator, value,
not}`` or in short ``[key, operator, value, not]``; a value of ``null`` or nothing asks for null. Everything arrives as
text, in the way PHP spells lists in a query: ``filter_groups[0][filters][0][key]=created_at``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from wherry.money import exact

from .entries import Entry, Obj
from .values import moment, text_of

Predicate = Callable[[Entry], bool]
_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_PART = re.compile(r"\[([^\[\]]*)\]")
_NULL = ("null", "")
_DEEPEST = 6


@dataclass(frozen=True, slots=True)
class Column:
    """What can be filtered by: its value in an entry, and how a filter's text is read to be compared with it."""

    value: Callable[[Entry], Any]
    read: Callable[[str], Any]


COLUMNS: dict[str, Column] = {
    "created_at": Column(lambda entry: text_of(entry.created), lambda said: text_of(moment(said))),
    "updated_at": Column(lambda entry: text_of(entry.updated), lambda said: text_of(moment(said))),
    "date": Column(lambda entry: text_of(entry.date), lambda said: text_of(moment(said))),
    "id": Column(lambda entry: entry.id, int),
    "account": Column(lambda entry: entry.account, int),
    "contra_account": Column(lambda entry: entry.contra_account, int),
    "amount": Column(lambda entry: entry.amount, exact),
    "currency": Column(lambda entry: entry.currency.casefold(), str.casefold),
    "text": Column(lambda entry: None if entry.text is None else entry.text.casefold(), str.casefold),
}
DATES = ("created_at", "updated_at")
"""What entries to be exported can be filtered by."""
_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda held, asked: held == asked,
    "gt": lambda held, asked: held > asked,
    "gte": lambda held, asked: held >= asked,
    "lt": lambda held, asked: held < asked,
    "lte": lambda held, asked: held <= asked,
}
_LIKE = {"ct": "%{}%", "sw": "{}%", "ew": "%{}"}
OPERATORS = (*_LIKE, *_COMPARED, "in", "bt")


def query_of(pairs: Iterable[tuple[str, str]]) -> Obj:
    """A query as PHP reads it: ``a[0][b]=c`` becomes ``{"a": [{"b": "c"}]}``. Raises ValueError for deeper nesting than
    anything here has."""
    found: Obj = {}
    for key, value in pairs:
        match = _KEY.fullmatch(key)
        way = [match[1], *_PART.findall(match[2])] if match else [key]
        if len(way) > _DEEPEST:
            raise ValueError("The query is nested too deeply.")
        _place(found, way, value)
    plain: Obj = {key: _listed(value) for key, value in found.items()}
    return plain


def _place(into: Obj, way: list[str], value: str) -> None:
    for n, part in enumerate(way):
        name = part or str(len(into))
        if n == len(way) - 1:
            into[name] = value
            return
        below = into.setdefault(name, {})
        if not isinstance(below, dict):
            below = into[name] = {}
        into = below


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value and all(key.isdigit() for key in value):
        return [_listed(value[key]) for key in sorted(value, key=int)]
    return {key: _listed(below) for key, below in value.items()}


def predicate(groups: Any, filterable: Collection[str]) -> Predicate:
    """What an entry must be. Raises ValueError for what cannot be read, and for other keys than the ``filterable``."""
    if groups is None or groups == "":
        return lambda entry: True
    if not isinstance(groups, list):
        raise ValueError("The filter groups must be an array.")
    made = [_group(group, filterable) for group in groups]
    return lambda entry: all(holds(entry) for holds in made)


def _group(group: Any, filterable: Collection[str]) -> Predicate:
    if not isinstance(group, dict) or not isinstance(group.get("filters"), list):
        raise ValueError("Filter group does not have the 'filters' key.")
    filters = [_filter(said, filterable) for said in group["filters"]]
    if _yes(group.get("or")):
        return lambda entry: any(holds(entry) for holds in filters)
    return lambda entry: all(holds(entry) for holds in filters)


def _filter(said: Any, filterable: Collection[str]) -> Predicate:
    key, operator, value, negated = _parts(said)
    if key not in filterable:
        raise ValueError(f"The entries cannot be filtered by {key}; they can by {', '.join(filterable)}.")
    column = COLUMNS[key]
    if value in _NULL or value is None:
        return lambda entry: (column.value(entry) is None) != negated
    holds = _comparison(column, operator, value)

    def judged(entry: Entry) -> bool:
        held = column.value(entry)
        # As in SQL, what is null is neither equal nor different.
        return held is not None and holds(held) != negated

    return judged


def _parts(said: Any) -> tuple[str, str, Any, bool]:
    if isinstance(said, dict):
        parts = [said.get(name) for name in ("key", "operator", "value", "not")]
    elif isinstance(said, list) and len(said) >= len(("key", "operator", "value")):
        parts = [*said, None][:4]
    else:
        raise ValueError("A filter needs a key, an operator and a value.")
    key, operator, value, negated = parts
    if operator not in OPERATORS:
        raise ValueError(f"There is no operator {operator}; there are {', '.join(OPERATORS)}.")
    return str(key), operator, value, _yes(negated)


def _comparison(column: Column, operator: str, value: Any) -> Callable[[Any], bool]:
    if operator in ("in", "bt"):
        if not isinstance(value, list) or (operator == "bt" and len(value) != len(("from", "to"))):
            raise ValueError(f"The operator {operator} needs an array of values.")
        asked = [column.read(str(one)) for one in value]
        return (lambda held: held in asked) if operator == "in" else (lambda held: asked[0] <= held <= asked[1])
    if not isinstance(value, str):
        raise ValueError(f"The operator {operator} needs one value.")
    if operator in _LIKE:
        pattern = _pattern(_LIKE[operator].format(value))
        return lambda held: pattern.fullmatch(str(held)) is not None
    read = column.read(value)
    return lambda held: _COMPARED[operator](held, read)


def _pattern(like: str) -> re.Pattern[str]:
    """SQL's LIKE: % stands for anything, _ for one sign, case does not count."""
    wild = {"%": ".*", "_": "."}
    return re.compile("".join(wild.get(sign, re.escape(sign)) for sign in like), re.IGNORECASE | re.DOTALL)


def _yes(said: Any) -> bool:
    return said not in (None, "", "0", "false", False)


def ordered(entries: list[Entry], sort: Any) -> list[Entry]:
    """Entries by the rules of ``sort``, the first counting most; by id where there are none. Raises ValueError."""
    if sort is None:
        return entries
    if not isinstance(sort, list):
        raise ValueError("Sort should be an array.")
    for rule in reversed(sort):
        key, direction = (rule.get("key"), rule.get("direction", "asc")) if isinstance(rule, dict) else (rule, "asc")
        if key not in COLUMNS:
            raise ValueError(f"The entries cannot be sorted by {key}.")
        entries = sorted(entries, key=_order(COLUMNS[key]), reverse=str(direction).lower() != "asc")
    return entries


def _order(column: Column) -> Callable[[Entry], tuple[bool, Any]]:
    """Null comes first, as in MySQL."""

    def order(entry: Entry) -> tuple[bool, Any]:
        value = column.value(entry)
        return value is not None, value

    return order
