"""What may be said in qbXML and in which order, read from ``shapes.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources

from msgspec import Struct


class Field(Struct, frozen=True):
    """One element of a shape. ``most`` is its longest text (0: any); ``words`` are those it may say, if only some.

    ``groups``: group → branch. Of a group, only the fields of one branch may be given.
    """

    name: str
    kind: str
    most: int = 0
    words: tuple[str, ...] = ()
    needed: bool = False
    many: bool = False
    groups: tuple[tuple[str, str], ...] = ()


Shape = tuple[Field, ...]


class Request(Struct, frozen=True):
    """``body`` is the element that wraps what is said, or empty; ``clears`` lets an empty text empty its field."""

    name: str
    shape: Shape
    body: str = ""
    clears: bool = False
    iterated: bool = False


@cache
def requests() -> Mapping[str, Request]:
    """Every request that can be made, by name: ``SalesOrderAdd``, ``ItemQuery``."""
    told = _read()["requests"]
    iterated = told["iterated"].split()
    wrapped = [f"{name}Add" for name in told["adds"].split()] + [f"{name}Mod" for name in told["mods"].split()]
    made = [Request(name, shape(name), body=name, clears=name.endswith("Mod")) for name in wrapped]
    made += [Request(name, shape(name), iterated=name in iterated) for name in told["plain"].split()]
    return {request.name: request for request in made}


@cache
def shape(name: str) -> Shape:
    """A shape's fields in their order. Raises KeyError for an unknown shape."""
    return tuple(_fields(_read()["shapes"][name]))


@cache
def _read() -> dict[str, dict[str, str]]:
    source = resources.files(__package__) / "shapes.toml"
    return tomllib.loads(source.read_text("utf-8"))


def _fields(text: str) -> Iterator[Field]:
    for line in text.split("\n"):
        if line.startswith("+"):
            yield from shape(line[1:])
        elif line:
            yield _field(*line.split())


def _field(name: str, kind: str, *more: str) -> Field:
    groups = tuple((group, branch) for group, _, branch in (word.partition("=") for word in more) if branch)
    plain = [word for word in more if "=" not in word]
    return Field(
        name.rstrip("!*"),
        kind,
        most=int(plain[0]) if plain and kind != "one" else 0,
        words=tuple(plain[0].split("|")) if kind == "one" else (),
        needed="!" in name,
        many="*" in name,
        groups=groups,
    )
