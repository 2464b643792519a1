"""What a new body changes in the one that is held, and what it may not change because it was edited here.

Lines are compared by the id of their source, so that a changed line is one change and not a new list. A field
that the new body does not mention is left alone, unless the same source had filled it before: then it was
emptied there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct, field
from wherry.records import Change

from wherry_workspace.bodies import full, short
from wherry_workspace.kinds import KINDS, Kind

KEPT = "edited here"
_ABSENT: Any = object()


class Merged(Struct):
    """The body to hold, what changed in it, and what was kept against the new body."""

    fields: dict[str, Any]
    changes: list[Change] = field(default_factory=list)

    @property
    def written(self) -> list[Change]:
        return [change for change in self.changes if not change.kept]


class Mentioned(Struct, frozen=True):
    """The names of the fields that a body speaks of, in order; and what this list of them is kept as."""

    id: str
    names: tuple[str, ...]


def mentioned(kind: Kind, body: dict[str, Any]) -> Mentioned:
    """The fields a body speaks of; those of ``custom`` one by one."""
    return _mentioned(kind.name, tuple(body), tuple(body.get("custom") or ()))


@lru_cache(1024)
def _mentioned(kind: str, fields: tuple[str, ...], custom: tuple[str, ...]) -> Mentioned:
    """Most bodies of a kind speak of the same fields."""
    own = [name for name in fields if name in KINDS[kind].fields and name != "custom"]
    names = tuple(sorted([*own, *[f"custom.{name}" for name in custom]]))
    return Mentioned(hashlib.blake2b(msgspec.json.encode(names), digest_size=8).hexdigest(), names)


def merge(kind: Kind, held: dict[str, Any], new: dict[str, Any], names: Iterable[str], local: Iterable[str]) -> Merged:
    """``new`` over ``held`` in the fields ``names``, except for paths in ``local``. Both bodies canonical."""
    kept, before, after = frozenset(local), full(kind, held), full(kind, new)
    result = {**before, "custom": dict(before["custom"])}
    merged = Merged(result)
    for name in names:
        if name == "lines" and kind.line:
            result["lines"] = _lines(kind.line, before["lines"], after["lines"], kept, merged.changes)
        elif name.startswith("custom."):
            key = name.removeprefix("custom.")
            old, value = (_ABSENT if (one := side["custom"].get(key)) is None else one for side in (before, after))
            _place(result["custom"], key, name, old, value, kept, merged.changes)
        elif not same(kind, name, before[name], after[name]):
            _place(result, name, name, before[name], after[name], kept, merged.changes)
    merged.fields = short(kind, result)
    return merged


def _place(
    into: dict[str, Any],
    key: str,
    path: str,
    old: Any,
    value: Any,
    kept: frozenset[str],
    changes: list[Change],
) -> None:
    """Write one value, or keep the old one, and note it. ``_ABSENT`` is a key that is not there."""
    if old is value or (old == value and type(old) is type(value)):
        return
    why = KEPT if path in kept else ""
    changes.append(Change(path, None if old is _ABSENT else old, None if value is _ABSENT else value, why))
    if why:
        return
    if value is _ABSENT:
        into.pop(key, None)
    else:
        into[key] = value


def same(kind: Kind, name: str, one: Any, other: Any) -> bool:
    """Whether two plain values mean the same: numbers by value, so that 1.50 is 1.5."""
    if kind.fields[name].type == "decimal" and one is not None and other is not None:
        return Decimal(one) == Decimal(other)
    return bool(one == other)


def labels(lines: list[dict[str, Any]]) -> list[str]:
    """A name for each line: the id of its source, else its position; a repeated one gets a number."""
    sources = {line.get("source") for line in lines}
    seen: dict[str, int] = {}
    names = []
    for position, line in enumerate(lines):
        name = line.get("source") or (f"#{position}" if str(position) in sources else str(position))
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return names


def _lines(
    shape: Kind,
    held: list[dict[str, Any]],
    new: list[dict[str, Any]],
    kept: frozenset[str],
    changes: list[Change],
) -> list[dict[str, Any]]:
    before, after = dict(zip(labels(held), held, strict=True)), dict(zip(labels(new), new, strict=True))
    result: dict[str, dict[str, Any]] = {}
    for label, line in after.items():
        path = f"lines[{label}]"
        if label in before:
            result[label] = _line(shape, path, before[label], line, kept, changes)
        elif path in kept:
            changes.append(Change(path, None, line, KEPT))
        else:
            changes.append(Change(path, None, line))
            result[label] = line
    for label, line in before.items():
        if label not in after:
            _gone(f"lines[{label}]", label, line, kept, changes, result)
    common = [label for label in result if label in before]
    if common != [label for label in before if label in result]:
        changes.append(Change("lines", list(before), list(result)))
    return list(result.values())


def _line(
    shape: Kind,
    path: str,
    held: dict[str, Any],
    new: dict[str, Any],
    kept: frozenset[str],
    changes: list[Change],
) -> dict[str, Any]:
    result = dict(held)
    for name in shape.fields:
        where = f"{path}.{name}"
        if not same(shape, name, held[name], new[name]):
            _place(result, name, where, held[name], new[name], kept, changes)
    return result


def _gone(
    path: str,
    label: str,
    line: dict[str, Any],
    kept: frozenset[str],
    changes: list[Change],
    result: dict[str, Any],
) -> None:
    """A line the source no longer has leaves, unless somebody made it or worked on it here."""
    if path in kept or any(mark.startswith(f"{path}.") for mark in kept):
        result[label] = line
        if path not in kept:
            changes.append(Change(path, line, None, KEPT))
        return
    changes.append(Change(path, line, None))
