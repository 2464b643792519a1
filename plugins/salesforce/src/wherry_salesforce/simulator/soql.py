"""A part of SOQL: fields and parents' fields, conditions, an IN with a list or another query, order and limit.

Hand-written from the SOQL reference: no functions, no grouping, no queries inside the field list. Literals of moments
and ids are told by their form, as Salesforce does it; a text in the place of a moment is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

Row = dict[str, Any]
Test = Callable[[Row], bool]
T = TypeVar("T")
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^'\\]|\\.)*')|(?P<moment>\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:?\d\d))?)"
    r"|(?P<number>-?\d+(?:\.\d+)?)|(?P<op><=|>=|!=|<>|<|>|=)|(?P<sign>[(),])|(?P<word>[A-Za-z_][\w.]*))"
)
_ESCAPED = re.compile(r"\\(.)")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a is not None and a < b,
    "<=": lambda a, b: a is not None and a <= b,
    ">": lambda a, b: a is not None and a > b,
    ">=": lambda a, b: a is not None and a >= b,
}
QUOTED = frozenset({"id", "reference", "string", "textarea", "picklist", "phone", "url", "email", "base64"})
"""Types whose values stand in quotes."""


class Malformed(Exception):
    """A statement that cannot be read: its code and what Salesforce would say."""

    def __init__(self, message: str, code: str = "MALFORMED_QUERY") -> None:
        super().__init__(message)
        self.code = code


@dataclass(slots=True)
class Condition:
    """One comparison; ``values`` holds one for all operators but ``IN``, ``inner`` the query of an IN that has one."""

    field: str
    operator: str
    values: list[tuple[str, Any]]
    inner: Query | None = None


@dataclass(slots=True)
class Query:
    """A statement, read. ``where`` is a tree: a condition, or ("and" | "or", parts)."""

    object: str
    fields: list[str]
    where: Any = None
    order: list[tuple[str, bool]] = field(default_factory=list)
    limit: int | None = None

    def conditions(self) -> Iterator[Condition]:
        """Every condition of the statement."""
        yield from _conditions(self.where)


def _conditions(tree: Any) -> Iterator[Condition]:
    if isinstance(tree, Condition):
        yield tree
    elif tree is not None:
        for part in tree[1]:
            yield from _conditions(part)


def read(text: str) -> Query:
    """Read a statement. Raises Malformed."""
    if len(text) > 100_000:
        raise Malformed("SOQL statements cannot be longer than 100000 characters", "QUERY_TOO_COMPLICATED")
    reader = _Reader(text)
    query = reader.query()
    if reader.kind != "end":
        raise reader.unexpected()
    return query


class _Reader:
    """Tokens of one statement, taken from the left."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._at = 0

    @property
    def kind(self) -> str:
        return self._tokens[self._at][0]

    @property
    def word(self) -> str:
        """The next keyword or sign in lower case."""
        kind, value = self._tokens[self._at]
        return value.lower() if kind in ("word", "sign") else ""

    def unexpected(self) -> Malformed:
        return Malformed(f"unexpected token: {self._tokens[self._at][1] or '<EOF>'}")

    def take(self, *kinds: str) -> str:
        kind, value = self._tokens[self._at]
        if kind not in kinds:
            raise self.unexpected()
        self._at += 1
        return value

    def skip(self, word: str) -> bool:
        found = self.word == word
        self._at += found
        return found

    def expect(self, word: str) -> None:
        if not self.skip(word):
            raise self.unexpected()

    def query(self) -> Query:
        self.expect("select")
        fields = self.several(lambda: self.take("word"))
        self.expect("from")
        query = Query(self.take("word"), fields)
        if self.skip("where"):
            query.where = self.either()
        if self.skip("order"):
            self.expect("by")
            query.order = self.several(self.sorting)
        if self.skip("limit"):
            query.limit = int(Decimal(self.take("number")))
        return query

    def several(self, one: Callable[[], T]) -> list[T]:
        found = [one()]
        while self.skip(","):
            found.append(one())
        return found

    def sorting(self) -> tuple[str, bool]:
        name = self.take("word")
        down = self.skip("desc")
        if not down:
            self.skip("asc")
        return name, down

    def either(self) -> Any:
        """AND and OR are not mixed without parentheses: Salesforce refuses it."""
        parts, joined = [self.one()], ""
        while self.word in ("and", "or"):
            if joined and self.word != joined:
                raise self.unexpected()
            joined = self.word
            self.skip(joined)
            parts.append(self.one())
        return (joined, parts) if joined else parts[0]

    def one(self) -> Any:
        if self.skip("("):
            found = self.either()
            self.expect(")")
            return found
        name = self.take("word")
        if self.skip("in"):
            return self.within(name)
        operator = self.take("op").replace("<>", "!=")
        return Condition(name, operator, [self.value()])

    def within(self, name: str) -> Condition:
        self.expect("(")
        if self.word == "select":
            inner = self.query()
            self.expect(")")
            return Condition(name, "in", [], inner)
        values = self.several(self.value)
        self.expect(")")
        return Condition(name, "in", values)

    def value(self) -> tuple[str, Any]:
        kind = self.kind
        said = self.take("text", "moment", "number", "word")
        if kind == "text":
            return kind, _ESCAPED.sub(r"\1", said[1:-1])
        if kind == "word":
            if said.lower() not in ("null", "true", "false"):
                raise Malformed(f"unexpected token: {said}")
            return kind, {"null": None, "true": True, "false": False}[said.lower()]
        return kind, Decimal(said) if kind == "number" else said


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    position, text = 0, text.strip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise Malformed(f"unexpected token: {text[position:].strip()[:20]}")
        yield str(match.lastgroup), match.group(str(match.lastgroup))
        position = match.end()
    yield "end", ""


def fits(kind: str, type: str) -> bool:
    """Whether a literal of that kind may be compared with a field of that type."""
    if kind == "word":
        return True
    if type in QUOTED:
        return kind == "text"
    return kind == {"datetime": "moment", "date": "moment", "boolean": "word"}.get(type, "number")


def test_of(tree: Any, get: Callable[[Row, str], Any], values: Callable[[Condition], Any]) -> Test:
    """The condition as a function. ``get`` reads a field of a row, ``values`` says what a condition compares with."""
    if tree is None:
        return lambda row: True
    if isinstance(tree, Condition):
        name, wanted = tree.field, values(tree)
        if tree.operator == "in":
            return lambda row: get(row, name) in wanted
        compare = _COMPARE[tree.operator]
        return lambda row: compare(get(row, name), wanted)
    tests = [test_of(part, get, values) for part in tree[1]]
    joined = all if tree[0] == "and" else any
    return lambda row: joined(test(row) for test in tests)
