"""What the company file reads and writes and in which order, from ``shapes.toml``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

_TOKEN = re.compile(r"(?P<name>\w+)(?P<marks>[!*]*):(?P<kind>[\w|]+)(?P<groups>(?:/\w+\.\w+)*)").fullmatch
MIXED = "mixed"
"""The group whose fields may come in any order among themselves."""


@dataclass(frozen=True, slots=True)
class Field:
    """One element; `groups` is group → branch, and of a group only one branch may be given."""

    name: str
    kind: str
    needed: bool = False
    many: bool = False
    groups: tuple[tuple[str, str], ...] = ()

    @property
    def mixed(self) -> bool:
        """Whether it may come between others of its group."""
        return any(group == MIXED for group, _ in self.groups)


Shape = tuple[Field, ...]


@cache
def shapes() -> Mapping[str, Shape]:
    """Every shape by its name."""
    told = tomllib.loads((resources.files(__package__) / "shapes.toml").read_text("utf-8"))["shapes"]
    return {name: tuple(_fields(text, told)) for name, text in told.items()}


@cache
def request(name: str) -> Shape | None:
    """The shape of a request (``SalesOrderAdd``, without Rq), None for one that the company file does not know."""
    if name not in shapes() or not name.endswith(("Add", "Mod", "Query", "Void", "Del")) or "Line" in name:
        return None
    if name.endswith(("Add", "Mod")):
        return (Field(name, name, needed=True), Field("IncludeRetElement", "50", many=True))
    return shapes()[name]


def _fields(text: str, told: Mapping[str, str]) -> Iterator[Field]:
    for token in text.split():
        if token.startswith("="):
            yield from _fields(told[token[1:]], told)
        else:
            yield _field(token)


def _field(token: str) -> Field:
    found = _TOKEN(token)
    if found is None:
        raise ValueError(f"shapes.toml: {token!r} is no field")
    groups = tuple((group, branch) for group, _, branch in (g.partition(".") for g in found["groups"].split("/")[1:]))
    marks = found["marks"]
    return Field(found["name"], found["kind"], needed="!" in marks, many="*" in marks, groups=groups)
