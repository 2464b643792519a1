"""Bodies the straight way: what nearly every record needs, taken from the fields of many records to plain JSON values
at one go, a target after the other: so the loops are the interpreter's own.

A body is filled here already in the form that ``entities.check`` gives it. Whatever is not as usual (a number where
text belongs, a required field that is empty, a transform that refuses) raises, whatever it raises: its record is marked
as odd and mapped the careful way, line by line and checked against its shape, which finds the value a form or the words
for what is wrong. A property test compares the two.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from itertools import chain
from typing import Any, Literal, TypeGuard, get_args, get_origin

from msgspec import Struct
from msgspec.structs import FieldInfo, fields

from wherry.entities import Entity, Pointer
from wherry.expressions import Expression
from wherry.money import Money, plain
from wherry.records import Ref
from wherry.scopes import Column, Scope

Take = Callable[[Sequence[Any]], Sequence[Any]]
"""What the source or a transform gave, row by row → the plain values as they stand in bodies; None where that is the
default."""
Tables = list[dict[str, Any]]

_DIGITS = re.compile(r"-?(?:0|[1-9][0-9]{0,13})(?:\.[0-9]{1,12})?").fullmatch
"""A number as a body holds it: what matches has one spelling, few enough digits and is in range."""
_HELD = frozenset({str, int, bool, type(None)})
TEXTS, _TEXT = frozenset({str, type(None)}), frozenset({str})


class UnusualError(Exception):
    """Not for the straight way."""


class Straight(Struct, frozen=True):
    """How bodies are filled: the targets in the order of the shape, each with what gives its values; None: a list."""

    columns: tuple[tuple[str, Column | None], ...]
    required: frozenset[str]

    def fill(self, scope: Scope, lists: Mapping[str, Sequence[Tables | None]]) -> Tables:
        """The bodies with these lists, what holds its default left out."""
        bodies: Tables = [{} for _ in scope.own]
        for name, column in self.columns:
            values = scope.values(column) if column is not None else lists.get(name)
            if values is None:
                continue
            for row in (
                (row for row, value in enumerate(values) if not _is_said(value)) if name in self.required else ()
            ):
                scope.mark(row, UnusualError(name))
            for body, value in zip(bodies, values, strict=True):
                if value is not None:
                    body[name] = value
        return bodies


def straight(shape: type[Entity], lines: Mapping[str, Expression], lists: tuple[str, ...]) -> Straight | None:
    """The straight way of a body: ``lines`` are its own by field, those below ``custom`` by ``custom.<name>``;
    ``lists`` the fields that are filled from lists. None for a shape that says more of a field than its type."""
    known = {info.encode_name: info for info in fields(shape)}
    own = {name: line for name, line in lines.items() if name in known}
    takes = {name: take for name in own if (take := _take(known[name].type, known[name].default))}
    if hasattr(shape, "__post_init__") or len(takes) < len(own):
        return None
    columns: dict[str, Column | None] = {name: _column(line, known[name], takes[name]) for name, line in own.items()}
    columns |= dict.fromkeys(lists)
    if customs := {name.removeprefix("custom."): line for name, line in lines.items() if name not in known}:
        columns["custom"] = _custom(customs)
    return Straight(
        tuple((name, columns[name]) for name in known if name in columns),
        frozenset(name for name in own if known[name].required),
    )


def _column(line: Expression, info: FieldInfo, take: Take) -> Column:
    """What gives a target's values. Where a field of the source is all that is read an empty one is as good as none."""
    path = line.text_of if _is_text(info) else line.number_of if take is _numbers else None
    if is_field(path):
        return _read(path, _texts if _is_text(info) else _numbers)
    return lambda scope: take(line.evaluate(scope))


def _read(path: tuple[str, str], take: Take) -> Column:
    kind, field = path

    def column(scope: Scope) -> Sequence[Any]:
        values = [found.get(field) for found in scope.fields(kind)]
        return take([None if value == "" else value for value in values] if "" in values else values)

    return column


# -- what is below custom --------------------------------------------------------------------------------------------


def _custom(lines: Mapping[str, Expression]) -> Column:
    """What is below ``custom``. What was not sent stays unset; sent as null it is null."""
    paths = {name: line.path for name, line in lines.items()}
    sent = [_sent(kind, pairs) for kind, pairs in _by_kind(paths).items()]
    others = [(name, line.evaluate) for name, line in lines.items() if not is_field(paths[name])]

    def column(scope: Scope) -> Sequence[Any]:
        tables: Tables = sent[0](scope) if sent else [{} for _ in scope.own]
        for more in sent[1:]:
            for table, held in zip(tables, more(scope), strict=True):
                table.update(held)
        for name, evaluate in others:
            for table, value in zip(tables, evaluate(scope), strict=True):
                if value is not None:
                    table[name] = value
        return [_held(table) for table in tables]

    return column


def _by_kind(paths: Mapping[str, tuple[str, str] | None]) -> dict[str, dict[str, str]]:
    """Record kind → target → source field."""
    found: dict[str, dict[str, str]] = {}
    for name, path in paths.items():
        if is_field(path):
            found.setdefault(path[0], {})[name] = path[1]
    return found


def _sent(kind: str, pairs: Mapping[str, str]) -> Callable[[Scope], Tables]:
    """What the records of a kind were sent with."""
    paths = [*pairs.items()]
    return lambda scope: [{name: one[path] for name, path in paths if path in one} for one in scope.fields(kind)]


def _held(table: dict[str, Any]) -> dict[str, Any] | None:
    """A table as a body holds it: an exact number in it is text."""
    if not _HELD.issuperset(map(type, table.values())):
        table = {name: value if value.__class__ in _HELD else _spelled(value) for name, value in table.items()}
    return table or None


def _spelled(value: Any) -> str:
    try:
        return plain(value)
    except (AttributeError, ValueError):
        raise UnusualError(value) from None


def is_field(path: tuple[str, str] | None) -> TypeGuard[tuple[str, str]]:
    """Whether it is the path of a field that a record was sent with, which its id is not."""
    return path is not None and path[1] != "id"


def _is_text(info: FieldInfo) -> bool:
    """Whether an empty text is as good as none for the field."""
    return info.type is str and (info.required or info.default == "")


# -- what fields take ------------------------------------------------------------------------------------------------


def _take(type: Any, default: Any) -> Take | None:
    """How a field of a shape takes values; None where this is not known here."""
    if type is str:
        return _texts_but(default)
    if get_origin(type) is Literal:
        return _each(_word(get_args(type), default))
    if type in (int, bool):
        return _each(_exactly(type, default))
    return _TAKES.get(type)


def _each(take: Callable[[Any], Any]) -> Take:
    return lambda values: [None if value is None else take(value) for value in values]


def _texts(values: Sequence[Any]) -> Sequence[Any]:
    if not TEXTS.issuperset(map(type, values)):
        raise UnusualError(values)
    return values


def _texts_but(default: Any) -> Take:
    """Texts as a body leaves them out: an empty one by what it is, another default only as it stands there itself."""

    def take(values: Sequence[Any]) -> Sequence[Any]:
        none = "" if default == "" else None
        return [None if value is default or value == none else value for value in _texts(values)]

    return take


def _word(words: tuple[Any, ...], default: Any) -> Callable[[Any], Any]:
    def take(value: Any) -> str | None:
        if value.__class__ is not str or value not in words:
            raise UnusualError(value)
        return None if value == default else value

    return take


def _exactly(type: Any, default: Any) -> Callable[[Any], Any]:
    def take(value: Any) -> Any:
        if value.__class__ is not type:
            raise UnusualError(value)
        return None if value is default else value

    return take


def _numbers(values: Sequence[Any]) -> Sequence[Any]:
    """Numbers as plain digits."""
    said = [value for value in values if value is not None]
    usual = TEXTS.issuperset(map(type, said)) and all(map(_DIGITS, said))
    return values if usual else [None if value is None else _digits(value) for value in values]


def _digits(value: Any) -> str:
    spelled = value if value.__class__ is str else str(value) if value.__class__ in (Decimal, int) else ""
    if not _DIGITS(spelled):
        raise UnusualError(value)
    return spelled


@lru_cache(8192)
def _day(value: str) -> str:
    if dt.date.fromisoformat(value).isoformat() != value:
        raise UnusualError(value)
    return value


def _pairs(first: str, kind: type, second: str) -> Take:
    """Tables of these two: a whole number or a text, and a text. What was stored comes with its names in order."""
    names, stored = (first, second), tuple(sorted((first, second)))

    def turned(one: Any) -> Any:
        if one.__class__ is not dict or (*one,) not in (names, stored):
            raise UnusualError(one)
        if one[first].__class__ is not kind or one[second].__class__ is not str:
            raise UnusualError(one)
        return {name: one[name] for name in names}

    def take(values: Sequence[Any]) -> Sequence[Any]:
        for one in values:  # by no call each: there is hardly a body without amounts and references
            if one is not None and (
                one.__class__ is not dict
                or (*one,) != names
                or one[first].__class__ is not kind
                or one[second].__class__ is not str
            ):
                return turn(values)
        return values

    turn = _each(turned)
    return take


def _texts_by_name(values: Sequence[Any]) -> Sequence[Any]:
    """Tables of texts by name."""
    for one in values:
        if one is not None and (one.__class__ is not dict or not _TEXT.issuperset(map(type, chain(one, one.values())))):
            raise UnusualError(one)
    return [one or None for one in values]


_TAKES: Mapping[Any, Take] = {
    Decimal: _numbers,
    Decimal | None: _numbers,
    dt.date: _each(_day),
    dt.date | None: _each(_day),
    Money: _pairs("minor", int, "currency"),
    Money | None: _pairs("minor", int, "currency"),
    Pointer: _pairs("entity", str, "key"),
    Ref | str: _pairs("entity", str, "key"),
    dict[str, str]: _texts_by_name,
}


def _is_said(value: Any) -> bool:
    return value is not None and (value.__class__ is not str or value.strip() != "")
