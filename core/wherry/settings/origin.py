"""Which origin won for every key, and what it hid: the screen of ``config show --origin``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct
from pydantic import BaseModel

from wherry.roles import Connection
from wherry.settings.layers import DEFAULT, DOTENV, Layer, Winner, leaves
from wherry.settings.load import secrets_in
from wherry.settings.locate import KeyPath, spelled
from wherry.settings.models import Project
from wherry.settings.secret import SecretRef, Stored, is_reference, looks_secret

_USER = re.compile(r"://[^/@\s]*@")
_NOT_SECRET = ("plugin", "base_url", "kind")


class Hidden(Struct, frozen=True):
    """A value that another one hid, and where it was written."""

    value: str
    source: str


class Origin(Struct, frozen=True):
    """A key path, its value as it may be shown, where that was written, and what it hid."""

    key: str
    value: str
    source: str
    hidden: tuple[Hidden, ...] = ()


def origin(
    project: Project, connections: Mapping[str, Connection] | None = None, stored: Stored | None = None
) -> list[Origin]:
    """Every key that is set or has a default, in order of the file. Secrets show as ``set (env)`` or ``not set``.

    ``connections``, as ``compose`` made them, add the plugins' defaults and tell which keys are secret.
    """
    known = connections or {}
    found = [found for name, one in known.items() for found in secrets_in(one.settings, ("connections", name))]
    shown = _Shown(project, dict(found), frozenset(known), stored)
    rows = [
        (
            path,
            Origin(
                spelled(path),
                shown.value(path, winner.value, winner.layer),
                _written(winner, path),
                tuple(
                    Hidden(shown.value(path, value, layer), str(layer.place(path))) for layer, value in winner.hidden
                ),
            ),
        )
        for path, winner in project._stack.winners.items()
    ]
    taken = {row.key for _, row in rows}
    rows += [(path, row) for path, row in _defaults(project, known, shown) if not _within(row.key, taken)]
    return [row for _, row in sorted(rows, key=lambda pair: _rank(project, pair[0]))]


def _written(winner: Winner, path: KeyPath) -> str:
    """Where a value was written, and which variables of ``.env`` are in it."""
    place = str(winner.layer.place(path))
    return f"{place}, with {', '.join(winner.filled)} of {DOTENV}" if winner.filled else place


def _rank(project: Project, path: KeyPath) -> tuple[int, int]:
    """Sections in the order of the models, named tables in the order of the file."""
    section = list(Project.model_fields).index(str(path[0]))
    named = getattr(project, str(path[0]))
    return section, list(named).index(path[1]) if isinstance(named, dict) and path[1] in named else 0


def _within(key: str, taken: set[str]) -> bool:
    """Whether this key, a part of it, or a table around it was set: then its default does not stand."""
    return key in taken or any(
        other.startswith((f"{key}.", f"{key}[")) or key.startswith((f"{other}.", f"{other}[")) for other in taken
    )


class _Shown(Struct, frozen=True):
    project: Project
    secrets: dict[KeyPath, SecretRef]
    composed: frozenset[str]
    stored: Stored | None

    def value(self, path: KeyPath, value: Any, layer: Layer) -> str:
        if is_reference(value) and path[0] == "connections":
            return self._reference(path, value)
        if self._is_secret(path, layer):
            return f"set ({_short(layer)})"
        return _USER.sub("://…@", _plain(value))

    def _reference(self, path: KeyPath, value: dict[str, Any]) -> str:
        stack = self.project._stack
        names = tuple(str(part) for part in path)
        return SecretRef.model_validate(value).bound(names, stack.folder, stack.environ).state(self.stored)

    def _is_secret(self, path: KeyPath, layer: Layer) -> bool:
        if path[0] != "connections" or len(path) < 3:
            return False
        if path in self.secrets or any(looks_secret(str(part)) for part in path[2:]):
            return True
        return path[1] not in self.composed and not layer.is_file and path[-1] not in _NOT_SECRET


def _short(layer: Layer) -> str:
    return {"environment": "env"}.get(layer.name, "file" if layer.is_file else layer.name)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_inner(key, inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_plain(inner) for inner in value) + "]"
    return str(value)


def _inner(key: str, value: Any) -> str:
    return "…" if looks_secret(key) else _plain(value)


def _defaults(
    project: Project, connections: Mapping[str, Connection], shown: _Shown
) -> Iterator[tuple[KeyPath, Origin]]:
    models: list[tuple[KeyPath, BaseModel]] = [((), project)]
    models += [(("flows", name), flow) for name, flow in project.flows.items()]
    models += [(("connections", name), one.settings) for name, one in connections.items()]
    for at, model in models:
        for path, value in _unset(model, at):
            yield path, Origin(spelled(path), shown.value(path, value, Layer(DEFAULT, {})), DEFAULT)


def _unset(model: Any, at: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    if not isinstance(model, BaseModel):
        return
    for name in type(model).model_fields:
        value, path = getattr(model, name), (*at, name)
        if isinstance(value, BaseModel) and not isinstance(value, SecretRef):
            yield from _unset(value, path)
        elif name not in model.model_fields_set and value not in (None, {}, ()):
            yield from leaves({name: value}, at)
