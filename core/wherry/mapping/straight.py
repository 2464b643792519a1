"""Bodies the straight way: what nearly every record needs, taken from its fields to plain JSON values at one go.

A body is filled here already in the form that ``entities.check`` gives it. Whatever is not as usual (a number where
text belongs, a required field that is empty, a transform that refuses) raises, whatever it raises: the record is then
mapped the careful way, field by field and checked against its shape, which finds the value a form or the words for
what is wrong. A property test compares the two.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal, TypeGuard, get_args, get_origin

from msgspec import Struct
from msgspec.structs import FieldInfo, fields

from wherry.entities import Entity, Pointer
from wherry.expressions import Evaluate, Expression, Scope
from wherry.money import Money
from wherry.records import Ref

Take = Callable[[Any], Any]
"""What the source or a transform gave → the plain value as it stands in a body; None where that is its default."""
Give = Callable[[Scope], Any]
Paths = tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
"""Record kind → (target, source field) of what is read there without a call."""
Reading = tuple[str, int | None, str, Give | None]
"""Target, the kind (by its place) and the field that are read there without a call, and what is done with the value:
None leaves a text as it is. Without a kind the value comes from a call; without that, too, from the lists."""

_DIGITS = re.compile(r"-?(?:0|[1-9][0-9]{0,13})(?:\.[0-9]{1,12})?").fullmatch
"""A number as a body holds it: what matches has one spelling, few enough digits and is in range."""
_NOTHING: dict[str, Any] = {}
_HELD = frozenset({str, int, bool, type(None)})


class UnusualError(Exception):
    """Not for the straight way."""


class Straight(Struct, frozen=True):
    """How a body is filled: the record kinds that are read, and the targets in the order of the shape."""

    kinds: tuple[str, ...]
    readings: tuple[Reading, ...]
    required: tuple[str, ...]

    def fill(self, scope: Scope, lists: Mapping[str, list[dict[str, Any]]]) -> dict[str, Any]:
        """The body with these lists, what holds its default left out. Raises anything for what is not as usual."""
        found = [scope.fields.get(kind) or _NOTHING for kind in self.kinds]
        filled: dict[str, Any] = {}
        for name, kind, path, give in self.readings:
            if kind is not None:
                value = found[kind].get(path)
                if value is None or value == "":
                    continue
                if give is not None:
                    value = give(value)
                elif value.__class__ is not str:
                    raise UnusualError(name)
                filled[name] = value
            elif (value := give(scope) if give is not None else lists.get(name)) is not None:
                filled[name] = value
        for name in self.required:
            if not _said(filled.get(name)):
                raise UnusualError(name)
        return filled


class Custom(Struct, frozen=True):
    """How what is below ``custom`` is filled."""

    paths: Paths
    others: tuple[tuple[str, Evaluate], ...]

    def __call__(self, scope: Scope) -> dict[str, Any] | None:
        """What was not sent stays unset; sent as null it is null."""
        custom: dict[str, Any] = {}
        for kind, pairs in self.paths:
            found = scope.fields.get(kind) or _NOTHING
            custom.update([(name, found[path]) for name, path in pairs if path in found])
        for name, evaluate in self.others:
            if (value := evaluate(scope)) is not None:
                custom[name] = value
        if not _HELD.issuperset(map(type, custom.values())):
            custom = {name: value if value.__class__ in _HELD else _held(value) for name, value in custom.items()}
        return custom or None


def straight(shape: type[Entity], lines: Mapping[str, Expression], lists: tuple[str, ...]) -> Straight | None:
    """The straight way of a body: ``lines`` are its own by field, those below ``custom`` by ``custom.<name>``;
    ``lists`` the fields that are filled from lists. None for a shape that says more of a field than its type."""
    known = {info.encode_name: info for info in fields(shape)}
    own = {name: line for name, line in lines.items() if name in known}
    takes = {name: take for name in own if (take := _take(known[name].type, known[name].default))}
    if hasattr(shape, "__post_init__") or len(takes) < len(own):
        return None
    kinds: list[str] = []
    readings = {name: _reading(name, line, known[name], takes[name], kinds) for name, line in own.items()}
    readings |= {name: (name, None, "", None) for name in lists}
    if customs := {name.removeprefix("custom."): line for name, line in lines.items() if name not in known}:
        readings["custom"] = "custom", None, "", _custom(customs)
    return Straight(
        tuple(kinds),
        tuple(readings[name] for name in known if name in readings),
        tuple(name for name in own if known[name].required),
    )


def _reading(name: str, line: Expression, info: FieldInfo, take: Take, kinds: list[str]) -> Reading:
    """How a target is filled; a kind that is read joins ``kinds``."""
    path = line.text_of if _is_text(info) else line.number_of if take is _digits else None
    if not is_field(path):
        return name, None, "", _giving(line.evaluate, take)
    kind, field = path
    if kind not in kinds:
        kinds.append(kind)
    return name, kinds.index(kind), field, _digits if take is _digits else None


def _custom(lines: Mapping[str, Expression]) -> Custom:
    paths = {name: line.path for name, line in lines.items()}
    others = tuple((name, line.evaluate) for name, line in lines.items() if not is_field(paths[name]))
    return Custom(_by_kind(paths), others)


def _by_kind(paths: Mapping[str, tuple[str, str] | None]) -> Paths:
    """Target → path, sorted by the record kind that is read."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name, path in paths.items():
        if is_field(path):
            found.setdefault(path[0], []).append((name, path[1]))
    return tuple((kind, tuple(pairs)) for kind, pairs in found.items())


def is_field(path: tuple[str, str] | None) -> TypeGuard[tuple[str, str]]:
    """Whether it is the path of a field that a record was sent with, which its id is not."""
    return path is not None and path[1] != "id"


def _is_text(info: FieldInfo) -> bool:
    """Whether an empty text is as good as none for the field."""
    return info.type is str and (info.required or info.default == "")


def _giving(evaluate: Evaluate, take: Take) -> Give:
    def give(scope: Scope) -> Any:
        value = evaluate(scope)
        return None if value is None else take(value)

    return give


# -- what fields take ------------------------------------------------------------------------------------------------


def _take(type: Any, default: Any) -> Take | None:
    """How a field of a shape takes a value; None where this is not known here."""
    if type is str:
        return _text(default)
    if get_origin(type) is Literal:
        return _word(get_args(type), default)
    if type in (int, bool):
        return _exactly(type, default)
    return _TAKES.get(type)


def _text(default: Any) -> Take:
    def take(value: Any) -> str | None:
        if value.__class__ is not str:
            raise UnusualError(value)
        return None if value is default or (not value and default == "") else value

    return take


def _word(words: tuple[Any, ...], default: Any) -> Take:
    def take(value: Any) -> str | None:
        if value.__class__ is not str or value not in words:
            raise UnusualError(value)
        return None if value == default else value

    return take


def _exactly(type: Any, default: Any) -> Take:
    def take(value: Any) -> Any:
        if value.__class__ is not type:
            raise UnusualError(value)
        return None if value is default else value

    return take


def _digits(value: Any) -> str:
    """A number as plain digits."""
    spelled = value if value.__class__ is str else str(value) if value.__class__ in (Decimal, int) else ""
    if not _DIGITS(spelled):
        raise UnusualError(value)
    return spelled


@lru_cache(8192)
def _day(value: str) -> str:
    if dt.date.fromisoformat(value).isoformat() != value:
        raise UnusualError(value)
    return value


def _money(value: Any) -> dict[str, Any]:
    minor, currency = value["minor"], value["currency"]
    if len(value) != 2 or minor.__class__ is not int or currency.__class__ is not str:
        raise UnusualError(value)
    return {"minor": minor, "currency": currency}


def _reference(value: Any) -> dict[str, str]:
    entity, key = value["entity"], value["key"]
    if len(value) != 2 or entity.__class__ is not str or key.__class__ is not str:
        raise UnusualError(value)
    return {"entity": entity, "key": key}


_TAKES: Mapping[Any, Take] = {
    Decimal: _digits,
    Decimal | None: _digits,
    dt.date: _day,
    dt.date | None: _day,
    Money: _money,
    Money | None: _money,
    Pointer: _reference,
    Ref | str: _reference,
}


def _said(value: Any) -> bool:
    return value is not None and (value.__class__ is not str or value.strip() != "")


def _held(value: Any) -> str:
    """An exact number below ``custom`` is text."""
    if value.__class__ is not Decimal:
        raise UnusualError(value)
    return format(value, "f")
