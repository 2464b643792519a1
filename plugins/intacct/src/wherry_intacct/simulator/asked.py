"""Questions to the stand-in: filters, pages and aggregates of ``query``, and the older ``readByQuery``.

Facts: xsd/query.xsd; the older form quotes texts with ``'``, a quote in them as ``\\'`` (Sage's page on queries).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal, InvalidOperation
from fnmatch import translate
from typing import Any

from ..texts import iso
from .shapes import COLUMNS, Obj, Refused, several

Row = dict[str, str]
_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "lessthan": lambda a, b: a < b, "lessthanorequalto": lambda a, b: a <= b, "greaterthan": lambda a, b: a > b,
    "greaterthanorequalto": lambda a, b: a >= b,
}  # fmt: skip
_TERM = re.compile(
    r"\s*([\w.]+)\s*(=|in)\s*(\((?:[^()']|'(?:\\.|[^'\\])*')*\)|'(?:\\.|[^'\\])*'|\d+)\s*", re.IGNORECASE
)
_TEXT = re.compile(r"'((?:\\.|[^'\\])*)'|(\d+)")


class Question:
    """One ``query``: what it selects, of what, in which order."""

    def __init__(self, body: Obj) -> None:
        self.object = str(body.get("object", ""))
        if self.object not in COLUMNS:
            raise Refused(f"Object definition {self.object} not found", "Query Failed")
        self._known = {"RECORDNO", *COLUMNS[self.object].split()}
        self.fields = [self._field(one) for one in several(body.get("select"), "field")]
        self.sums = [self._field(one) for one in several(body.get("select"), "sum")]
        if not self.fields and not self.sums:
            raise Refused("The select element has no field.", "Query Failed")
        self._fold = several(body.get("options"), "caseinsensitive") == ["true"]
        self._filter = body.get("filter")
        self._order = [self._field(one.get("field")) for one in several(body.get("orderby"), "order")]
        self.size, self.offset = _whole(body.get("pagesize", "100"), 1, 2000), _whole(body.get("offset", "0"), 0, 10**9)

    def _field(self, name: Any) -> str:
        if not isinstance(name, str) or name not in self._known:
            raise Refused(f"Field {str(name)[:40]} not found in {self.object}", "Query Failed")
        return name

    def rows(self, records: Iterable[Row]) -> list[Row]:
        """All that match, in order."""
        tests = self._filter or {}
        found = [one for one in records if all(self._holds(one, *pair) for pair in _conditions(tests))]
        for field in reversed(self._order):
            found.sort(key=lambda one: _value(one.get(field, "")))
        if self.sums:
            return self._summed(found)
        return [{name: one.get(name, "") for name in self.fields} for one in found]

    def _summed(self, found: Sequence[Row]) -> list[Row]:
        groups: dict[tuple[str, ...], list[Row]] = {}
        for one in found:
            groups.setdefault(tuple(one.get(name, "") for name in self.fields), []).append(one)
        return [
            {**dict(zip(self.fields, key, strict=True)),
             **{name: str(sum(Decimal(one.get(name) or 0) for one in group)) for name in self.sums}}
            for key, group in groups.items()
        ]  # fmt: skip

    def _holds(self, row: Row, word: str, content: Any) -> bool:
        if word in ("and", "or"):
            inside = [self._holds(row, *pair) for pair in _conditions(content)]
            if len(inside) < 2:
                raise Refused(f"{word} takes two conditions at least.", "Query Failed")
            return all(inside) if word == "and" else any(inside)
        own = row.get(self._field(content.get("field") if isinstance(content, dict) else None), "")
        return self._compared(word, own, [str(one) for one in several(content, "value")])

    def _compared(self, word: str, own: str, values: list[str]) -> bool:
        if word in ("isnull", "isnotnull"):
            return (own == "") == (word == "isnull")
        if not 1 <= len(values) <= (1000 if word in ("in", "notin") else 2 if word == "between" else 1):
            raise Refused(f"{word} does not take {len(values)} values.", "Query Failed")
        if word == "between":
            return bool(own) and _value(values[0]) <= _value(own) <= _value(values[1])
        if word in _COMPARED:
            return bool(own) and _COMPARED[word](_value(own), _value(values[0]))
        if self._fold:
            own, values = own.casefold(), [one.casefold() for one in values]
        if word in ("like", "notlike"):
            form = translate(values[0].replace("%", "*").replace("_", "?"))
            return bool(re.match(form, own)) == (word == "like")
        if word in ("equalto", "in"):
            return own in values
        if word in ("notequalto", "notin"):
            return own not in values
        raise Refused(f"Operator {word[:40]} is not known.", "Query Failed")


def _conditions(content: Any) -> list[tuple[str, Any]]:
    if not isinstance(content, dict):
        raise Refused("The filter is not valid.", "Query Failed")
    return [(word, one) for word in content for one in several(content, word)]


def _value(text: str) -> tuple[int, Any]:
    """So that numbers and dates are in their order."""
    day = iso(text)
    try:
        return (0, Decimal(text)) if text else (2, "")
    except InvalidOperation:
        return (1, day) if day else (2, text)


def _whole(value: Any, least: int, most: int) -> int:
    text = str(value)
    if not (text.isascii() and text.isdecimal() and len(text) < 11 and least <= int(text) <= most):
        raise Refused(f"{text[:20]} is out of range.", "Query Failed")
    return int(text)


def older(body: Obj) -> tuple[str, list[str], Callable[[Row], bool], int]:
    """Object, fields, filter and page size of a ``readByQuery``: conditions joined by AND, with = and IN."""
    object = str(body.get("object", ""))
    if object not in COLUMNS:
        raise Refused(f"Object definition {object[:40]} not found", "Query Failed")
    known = ["RECORDNO", *COLUMNS[object].split()]
    fields = str(body.get("fields") or "*").split(",")
    wanted, text, terms = known if fields == ["*"] else fields, str(body.get("query") or "").strip(), []
    while text:
        found = _TERM.match(text)
        if found is None or found[1] not in known:
            raise Refused("There is a syntax error in the query.", "Query Failed")
        values = [re.sub(r"\\(.)", r"\1", one or digits) for one, digits in _TEXT.findall(found[3])]
        terms.append((found[1], values))
        text = re.sub(r"(?i)^and\s", "", text[found.end() :])
    if set(wanted) - set(known):
        raise Refused("A field was not found.", "Query Failed")
    return (
        object,
        wanted,
        lambda row: all(row.get(name, "") in values for name, values in terms),
        _whole(body.get("pagesize", "100"), 1, 1000),
    )
