"""The ``query`` function: objects, fields and filters as elements, so that no text in them has to be quoted.

Facts: xsd/query.xsd: ``in`` takes up to 1,000 values, ``and`` and ``or`` two conditions at least, a page 2,000 records;
only named fields come back; an aggregate groups by the fields beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .texts import american
from .xml import Obj

PAGE = 2000
Condition = tuple[str, Any]
"""The name of an operator, and its content."""


def query(object: str, fields: Sequence[str], where: Condition | None = None, order: str = "RECORDNO") -> Obj:
    """A question for a page of records, in an order."""
    told: Obj = {"object": object, "select": {"field": list(fields)}}
    if where is not None:
        told["filter"] = dict([where])
    told["orderby"] = {"order": {"field": order, "ascending": {}}}
    # In another case a name is the same to people, and a look may find more than is taken.
    told["options"] = {"caseinsensitive": "true", "returnformat": "xml"}
    return {"query": {**told, "pagesize": str(PAGE), "offset": "0"}}


def equal(field: str, value: str) -> Condition:
    return "equalto", {"field": field, "value": value}


def beyond(field: str, value: str) -> Condition:
    return "greaterthan", {"field": field, "value": value}


def within(field: str, values: Iterable[str]) -> Condition:
    """One of several, each once; at most 1,000 of them."""
    return "in", {"field": field, "value": sorted(set(values))}


def dated(field: str, first: str | None, last: str) -> Condition:
    """Days from the first to the last, ISO 8601; without a first from the beginning."""
    if first is None:
        return "lessthanorequalto", {"field": field, "value": american(last)}
    return "between", {"field": field, "value": [american(first), american(last)]}


def all_of(*conditions: Condition) -> Condition:
    return _joined("and", conditions)


def any_of(*conditions: Condition) -> Condition:
    return _joined("or", conditions)


def _joined(word: str, conditions: Sequence[Condition]) -> Condition:
    if len(conditions) == 1:
        return conditions[0]
    told: dict[str, list[Any]] = {}
    for name, content in conditions:
        told.setdefault(name, []).append(content)
    return word, told
