"""The part of OData that the stand-in understands: conditions, order, and what is expanded."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

Row = dict[str, Any]
Test = Callable[[Row], bool]
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<list>\[[^\]]*\])|(?P<guid>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})"
    r"|(?P<moment>\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d))?)|(?P<number>-?\d+(?:\.\d+)?)|(?P<name>[A-Za-z_][\w.]*)"
    r"|(?P<mark>[(),=]))"
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: bool(a == b), "ne": lambda a, b: bool(a != b),
    "gt": lambda a, b: a is not None and b is not None and bool(a > b),
    "ge": lambda a, b: a is not None and b is not None and bool(a >= b),
    "lt": lambda a, b: a is not None and b is not None and bool(a < b),
    "le": lambda a, b: a is not None and b is not None and bool(a <= b),
}  # fmt: skip
_FITS = {
    "text": {"String", "Memo", "EntityName"}, "guid": {"Uniqueidentifier", "Lookup", "Customer", "Owner"},
    "moment": {"DateTime"}, "number": {"Money", "Decimal", "Integer", "BigInt", "Picklist", "State", "Status"},
}  # fmt: skip
_EDM = {"text": "Edm.String", "guid": "Edm.Guid", "moment": "Edm.DateTimeOffset", "number": "Edm.Int32"}
_CONSTANTS = {"true": True, "false": False, "null": None}


class Malformed(Exception):
    """A query that cannot be answered, in the words of the Web API."""


@dataclass
class Query:
    """What is asked of one table."""

    select: list[str] = field(default_factory=list)
    where: str = ""
    order: list[tuple[str, bool]] = field(default_factory=list)
    expand: dict[str, Query] = field(default_factory=dict)
    top: int | None = None


def query_of(options: dict[str, str]) -> Query:
    """A query from its options, ``$select`` and so on. Raises Malformed."""
    order = [part.split() for part in filter(None, options.get("$orderby", "").split(","))]
    for name in options:
        if name == "$skip":
            raise Malformed("The query parameter $skip is not supported")
    top = options.get("$top")
    return Query(
        [name.strip() for name in options.get("$select", "").split(",") if name.strip()],
        options.get("$filter", ""),
        [(name, bool(way and way[0] == "desc")) for name, *way in order],
        dict(_expanded(part) for part in _parts(options.get("$expand", ""), ",")),
        int(top) if top and top.isdigit() else None,
    )


def _expanded(part: str) -> tuple[str, Query]:
    name, _, inner = part.partition("(")
    return name.strip(), query_of(dict(one.split("=", 1) for one in _parts(inner.removesuffix(")"), ";")))


def _parts(text: str, mark: str) -> list[str]:
    """Split at a mark that stands in no brackets."""
    parts, depth = [""], 0
    for sign in text:
        depth += (sign == "(") - (sign == ")")
        if sign == mark and not depth:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts if part.strip()]


class Condition:
    """Reads a ``$filter`` into a test. ``types`` are the columns as the Web API names them, ``attributes`` as the table
    does."""

    def __init__(self, text: str, types: dict[str, str], attributes: dict[str, str], kind: str) -> None:
        self._types, self._attributes, self._kind = types, attributes, kind
        self._tokens, self._at = _tokens(text), 0

    def test(self) -> Test:
        found = self._either()
        if self._at < len(self._tokens):
            raise Malformed(f"Syntax error at position {self._at} in the filter.")
        return found

    def _either(self) -> Test:
        tests = [self._both()]
        while self._take("or"):
            tests.append(self._both())
        return tests[0] if len(tests) == 1 else lambda row: any(test(row) for test in tests)

    def _both(self) -> Test:
        tests = [self._one()]
        while self._take("and"):
            tests.append(self._one())
        return tests[0] if len(tests) == 1 else lambda row: all(test(row) for test in tests)

    def _one(self) -> Test:
        if self._take("not"):
            inner = self._one()
            return lambda row: not inner(row)
        if self._take("("):
            inner = self._either()
            self._must(")")
            return inner
        name = self._next("name")
        if name == "Microsoft.Dynamics.CRM.In":
            return self._among()
        return self._compared(name)

    def _compared(self, name: str) -> Test:
        column, type = name, self._type(name)
        operator = self._next("name")
        if operator not in _COMPARE:
            raise Malformed(f"Syntax error: a comparison is expected after '{name}'.")
        kind, said = self._value()
        if kind in _FITS and type not in _FITS[kind]:
            raise Malformed(
                "A binary operator with incompatible types was detected. Found operand types "
                f"'{type}' and '{_EDM[kind]}' for operator kind '{operator}'."
            )
        compare, plain = _COMPARE[operator], type not in _FITS["text"] | _FITS["guid"]
        return lambda row: compare(row.get(column) if plain else alike(row.get(column)), said)

    def _among(self) -> Test:
        """It goes by the names of attributes, not by those of the Web API."""
        self._must("(", "PropertyName", "=")
        name = str(self._value()[1])
        self._must(",", "PropertyValues", "=")
        values = {alike(one) for one in json.loads(self._next("list").replace("'", '"'))}
        self._must(")")
        type = self._attributes.get(name)
        if type is None:
            raise Malformed(f"'{self._kind}' entity doesn't contain attribute with Name = '{name}'")
        column = next(one for one in (name, f"_{name}_value") if one in self._types)
        return lambda row: str(alike(row.get(column))) in values

    def _type(self, name: str) -> str:
        if name not in self._types:
            raise unknown(name, self._kind)
        return self._types[name]

    def _value(self) -> tuple[str, Any]:
        if self._at >= len(self._tokens):
            raise Malformed("Expression expected at the end of the filter.")
        kind, text = self._tokens[self._at]
        self._at += 1
        if kind == "name" and text in _CONSTANTS:
            return "constant", _CONSTANTS[text]
        if kind == "text":
            return kind, text[1:-1].replace("''", "'").lower()
        if kind == "number":
            return kind, Decimal(text)
        if kind in ("guid", "moment"):
            return kind, text.lower() if kind == "guid" else text
        raise Malformed(f"Syntax error at '{text}' in the filter.")

    def _take(self, word: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at][1] == word:
            self._at += 1
            return True
        return False

    def _must(self, *words: str) -> None:
        for word in words:
            if not self._take(word):
                raise Malformed(f"Syntax error: '{word}' expected in the filter.")

    def _next(self, kind: str) -> str:
        if self._at >= len(self._tokens) or self._tokens[self._at][0] != kind:
            raise Malformed("Syntax error in the filter.")
        self._at += 1
        return self._tokens[self._at - 1][1]


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise Malformed(f"There is an unterminated literal at position {at} in '{text}'.")
        found.append((str(match.lastgroup), match[match.lastgroup or 0]))
        at = match.end()
    return found


def unknown(name: str, kind: str) -> Malformed:
    return Malformed(f"Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.{kind}'.")


def alike(value: Any) -> Any:
    """Texts compare without case."""
    return value.lower() if isinstance(value, str) else value
