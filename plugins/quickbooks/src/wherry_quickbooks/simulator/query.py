"""The query language: one entity, AND alone, no joins; a hand-written reader of it.

Facts: startposition counts from 1, maxresults is 100 unless said and 1,000 at most, inactive entries show only when
asked for, an empty page carries no entity key. Without ``orderby`` the order is nobody's promise: here it is the newest
first for transactions and the name for lists.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from .answers import QboFault
from .company import Company
from .kinds import INDEXED, KINDS, TXN, Kind
from .values import Obj, moment

DEFAULT_PAGE, LARGEST_PAGE = 100, 1000
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^'\\]|\\.)*')|(?P<op><=|>=|!=|<|>|=)|(?P<sign>[(),*])|(?P<word>[A-Za-z_][\w.]*)"
    r"|(?P<number>-?\d+(?:\.\d+)?))"
)
_ESCAPE = re.compile(r"\\(.)")
COMPUTED = frozenset({"Balance", "CurrentBalance"})
"""What customers and accounts owe is known when they are shown."""
_TAIL = ("orderby", "order", "startposition", "maxresults")


@dataclass(slots=True)
class Condition:
    """One comparison; `values` holds one for all operators but ``in``."""

    field: str
    operator: str
    values: list[str]


@dataclass(slots=True)
class Query:
    """A statement, read."""

    kind: Kind
    fields: list[str] = field(default_factory=list)
    count: bool = False
    where: list[Condition] = field(default_factory=list)
    order: list[tuple[str, bool]] = field(default_factory=list)
    start: int = 1
    most: int = DEFAULT_PAGE


class _Reader:
    """Tokens of one statement, taken from the left."""

    def __init__(self, text: str) -> None:
        self._tokens = list(self._split(text))
        self._at = 0

    def _split(self, text: str) -> Iterator[tuple[str, str]]:
        position = 0
        while text[position:].strip():
            match = _TOKEN.match(text, position)
            if match is None:
                raise _unreadable(text[position:].strip()[:20])
            yield str(match.lastgroup), match.group(str(match.lastgroup))
            position = match.end()

    @property
    def word(self) -> str:
        """The next word in lower case; empty when something else comes."""
        kind, text = self.peek
        return text.lower() if kind == "word" else ""

    @property
    def peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def take(self, *kinds: str) -> str:
        kind, text = self.peek
        if kind not in kinds:
            raise _unreadable(text or "the end")
        self._at += 1
        return text

    def skip(self, word: str) -> bool:
        """Take a keyword or sign if it is next."""
        found = self.peek[1].lower() == word and self.peek[0] != "text"
        self._at += found
        return found

    def expect(self, word: str) -> None:
        if not self.skip(word):
            raise _unreadable(self.peek[1] or "the end")


def _unreadable(near: str) -> QboFault:
    return QboFault("4000", f"QueryParserError: Encountered {near!r} where something else was expected")


def read(text: str) -> Query:
    """Read a statement; raises QboFault 4000 or 4001."""
    reader = _Reader(text.strip().rstrip(";"))
    reader.expect("select")
    fields, count = _projection(reader)
    reader.expect("from")
    name = reader.take("word")
    kind = next((k for k in KINDS.values() if k.name.lower() == name.lower()), None)
    if kind is None:
        raise QboFault("4001", f"QueryValidationError: {name} is not a queryable entity")
    query = Query(kind, fields, count)
    if reader.skip("where"):
        query.where = list(_conditions(reader))
    _tail(reader, query)
    if reader.peek[0] != "end":
        raise _unreadable(reader.peek[1])
    _validate(query)
    return query


def _projection(reader: _Reader) -> tuple[list[str], bool]:
    if reader.word == "count":
        reader.take("word")
        for sign in "(*)":
            reader.expect(sign)
        return [], True
    fields: list[str] = []
    while True:
        fields.append(reader.take("word", "sign"))
        if not reader.skip(","):
            return ([] if "*" in fields else fields), False


def _conditions(reader: _Reader) -> Iterator[Condition]:
    while True:
        name = reader.take("word")
        if reader.skip("in"):
            yield Condition(name, "in", list(_several(reader)))
        elif reader.skip("like"):
            yield Condition(name, "like", [_literal(reader)])
        else:
            yield Condition(name, reader.take("op"), [_literal(reader)])
        if not reader.skip("and"):
            return


def _several(reader: _Reader) -> Iterator[str]:
    reader.expect("(")
    while True:
        yield _literal(reader)
        if not reader.skip(","):
            break
    reader.expect(")")


def _literal(reader: _Reader) -> str:
    if reader.word in ("true", "false"):
        return reader.take("word").lower()
    text = reader.take("text", "number")
    return _ESCAPE.sub(r"\1", text[1:-1]) if text.startswith("'") else text


def _tail(reader: _Reader, query: Query) -> None:
    while reader.word in _TAIL:
        word = reader.take("word").lower()
        if word in ("orderby", "order"):
            if word == "order":
                reader.expect("by")
            query.order = list(_orders(reader))
        elif word == "startposition":
            query.start = _whole(reader)
        else:
            query.most = min(_whole(reader), LARGEST_PAGE)


def _orders(reader: _Reader) -> Iterator[tuple[str, bool]]:
    while True:
        name = reader.take("word")
        down = reader.skip("desc")
        if not down:
            reader.skip("asc")
        yield name, down
        if not reader.skip(","):
            return


def _whole(reader: _Reader) -> int:
    number = reader.take("number")
    if not number.isdigit() or int(number) < 1:
        raise QboFault("4001", f"QueryValidationError: {number} must be a whole number from 1 on")
    return int(number)


def _validate(query: Query) -> None:
    for name in [c.field for c in query.where] + [name for name, _ in query.order]:
        if name not in query.kind.asked:
            raise QboFault("4001", f"QueryValidationError: property {name} of {query.kind.name} cannot be queried")
    for condition in query.where:
        if condition.operator == "!=":
            raise QboFault("4001", "QueryValidationError: != is not supported")


def run(company: Company, query: Query) -> Obj:
    """Answer a statement: the content of QueryResponse."""
    hidden = query.kind.hideable and all(c.field != "Active" for c in query.where)
    candidates = _candidates(company, query)
    if COMPUTED & {c.field for c in query.where} | COMPUTED & {name for name, _ in query.order}:
        candidates = [company.shown(query.kind.name, body) for body in candidates]
    found = [
        body for body in candidates
        if not (hidden and body.get("Active") is False) and all(_holds(body, c) for c in query.where)
    ]  # fmt: skip
    if query.count:
        return {"totalCount": len(found)}
    page = _ordered(found, query)[query.start - 1 : query.start - 1 + query.most]
    if not page:
        return {}
    rows = [_projected(company.shown(query.kind.name, body), query.fields) for body in page]
    return {query.kind.name: rows, "startPosition": query.start, "maxResults": len(rows)}


def _candidates(company: Company, query: Query) -> Iterable[Obj]:
    """All objects, or what an index leaves of them."""
    kind = query.kind.name
    for condition in query.where:
        if condition.operator not in ("=", "in"):
            continue
        if condition.field == "Id":
            found = (company.find(kind, value) for value in condition.values)
            return [body for body in found if body is not None]
        if condition.field in INDEXED:
            return [body for value in condition.values for body in company.having(kind, condition.field, value)]
    return company.objects[kind].values()


def _ordered(found: list[Obj], query: Query) -> list[Obj]:
    if not query.order:
        newest = query.kind.group == TXN
        label = query.kind.unique or "Id"
        key: Callable[[Obj], Any] = (
            (lambda body: -int(body["Id"])) if newest else (lambda body: str(body.get(label, "")).casefold())
        )
        return sorted(found, key=key)
    for name, down in reversed(query.order):
        found = sorted(found, key=lambda body, name=name: _sortable(_of(body, name)), reverse=down)  # type: ignore[misc]
    return found


def _of(body: Obj, name: str) -> Any:
    value: Any = body
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value["value"] if isinstance(value, dict) and "value" in value else value


def _sortable(value: Any) -> tuple[int, Any]:
    if isinstance(value, str) and not value.isdigit():
        return 2, value.casefold()
    return (0, 0) if value is None else (1, Decimal(value))


def _holds(body: Obj, condition: Condition) -> bool:
    value = _of(body, condition.field)
    if value is None:
        return False
    if condition.operator == "like":
        return bool(_pattern(condition.values[0]).fullmatch(str(value)))
    return any(COMPARE[condition.operator](*_pair(value, told)) for told in condition.values)


def _pair(value: Any, told: str) -> tuple[Any, Any]:
    """Both sides in one type: numbers, moments, truth values, or text without case."""
    if isinstance(value, bool):
        return value, told == "true"
    if isinstance(value, Decimal | int):
        try:
            return value, Decimal(told)
        except InvalidOperation:
            raise QboFault("4001", f"QueryValidationError: {told!r} is not a number") from None
    if "T" in value and (moments := _moments(value, told)):
        return moments
    return value.casefold(), told.casefold()


@lru_cache(maxsize=4096)
def _moments(value: str, told: str) -> tuple[Any, Any] | None:
    one, other = moment(value), moment(told)
    return (one, other) if one and other else None


@lru_cache(maxsize=256)
def _pattern(like: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in like.split("%")), re.IGNORECASE | re.DOTALL)


COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "in": lambda a, b: a == b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}


def _projected(body: Obj, fields: list[str]) -> Obj:
    if not fields:
        return body
    top = {name.partition(".")[0] for name in fields}
    kept = {name: value for name, value in body.items() if name in top}
    return {"domain": "QBO", "sparse": True, **kept}
