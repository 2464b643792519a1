"""What the workspace holds: its kinds, and the type of every field.

Read off the canonical shapes of ``wherry.entities``, so that a field added there is known here.
"""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Literal, get_args, get_origin

import msgspec
from msgspec import Struct
from wherry import entities
from wherry.entities import Custom, Entity, Pointer
from wherry.errors import ConfigError, NotFound
from wherry.money import Money
from wherry.records import Ref
from wherry.wording import a

READABLE = ("invoice", "charge", "customer", "project", "product", "location", "ticket", "ledger_transaction",
            "journal_entry", "account")  # fmt: skip
"""Kinds that can be read as records."""

Type = Literal["text", "choice", "reference", "decimal", "money", "date", "int", "bool", "lines", "custom"]


class Field(Struct, frozen=True, kw_only=True):
    """One field of a kind. ``default`` is a plain JSON value: what the field holds when nothing was said."""

    name: str
    type: Type
    default: Any = None
    required: bool = False
    choices: tuple[str, ...] = ()


class Kind(Struct, frozen=True, kw_only=True):
    """One kind of document. ``keys`` find a document without its id, strongest first; ``title`` names it."""

    name: str
    prefix: str
    title: str
    fields: dict[str, Field]
    keys: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    """Further fields by which a reference may name it."""
    line: Kind | None = None
    texts: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    amounts: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    counts: tuple[str, ...] = ()
    spoken: tuple[str, ...] = ()
    """Text fields that are never empty, because nothing said means their default."""

    def field(self, name: str) -> Field:
        """Raises ConfigError with the nearest name."""
        if name in self.fields:
            return self.fields[name]
        near = difflib.get_close_matches(name, [*self.fields, "id"], 1)
        raise ConfigError(
            f"{a(self.spelled)} has no field {name!r}",
            fix=f"did you mean {near[0]!r}?" if near else f"its fields are: {', '.join(self.fields)}",
            code="WHERRY-2810",
            key=name,
        )

    @property
    def spelled(self) -> str:
        """The name for people: ``ledger transaction``."""
        return self.name.replace("_", " ")

    def is_id(self, text: str) -> bool:
        return re.fullmatch(rf"{self.prefix}-[0-9]{{1,18}}", text) is not None


def _type(annotation: Any, name: str) -> Type:
    plain: dict[Any, Type] = {str: "text", int: "int", bool: "bool", dt.date: "date", Decimal: "decimal",
                              Money: "money", Pointer: "reference", Ref | str: "text", Custom: "custom",
                              dict[str, str]: "custom"}  # fmt: skip
    if annotation in plain:
        return plain[annotation]
    if get_origin(annotation) is Literal:
        return "choice"
    if get_origin(annotation) is list:
        return "lines"
    inner = [part for part in get_args(annotation) if part is not type(None)]
    if len(inner) == 1:
        return _type(inner[0], name)
    raise TypeError(f"field {name} has a type the workspace cannot hold: {annotation}")


def _ordered(shape: type[Entity]) -> list[msgspec.structs.FieldInfo]:
    """The shape's own fields before inherited ones, ``custom`` last: the order of columns."""
    by_name = {info.name: info for info in msgspec.structs.fields(shape)}
    names = [name for base in shape.__mro__ if issubclass(base, Entity) for name in base.__annotations__]
    return [by_name[name] for name in names if name in by_name]


def _field(info: msgspec.structs.FieldInfo) -> Field:
    kind_of = _type(info.type, info.name)
    default: Any = None
    if info.default is not msgspec.NODEFAULT:
        default = msgspec.to_builtins(info.default)
    elif kind_of in ("lines", "custom"):
        default = [] if kind_of == "lines" else {}
    choices = get_args(info.type) if kind_of == "choice" else ()
    return Field(name=info.name, type=kind_of, default=default, required=info.required, choices=choices)


def _kind(name: str, shape: type[Entity], prefix: str, title: str, keys: str = "", also: str = "") -> Kind:
    infos = _ordered(shape)
    fields = {info.name: _field(info) for info in infos}
    lines = [get_args(info.type)[0] for info in infos if fields[info.name].type == "lines"]

    def named(*types: str) -> tuple[str, ...]:
        return tuple(field.name for field in fields.values() if field.type in types)

    return Kind(
        name=name, prefix=prefix, title=title, fields=fields,
        keys=tuple(keys.split()), also=tuple(also.split()),
        line=_kind(f"{name}_line", lines[0], "", "") if lines else None, texts=named("text"),
        numbers=named("decimal"), amounts=named("money"), references=named("reference"), counts=named("int"),
        spoken=tuple(f.name for f in fields.values() if f.type == "text" and f.default),
    )  # fmt: skip


KINDS: dict[str, Kind] = {
    name: _kind(name, entities.SHAPES[name], *facts)
    for name, facts in {
        "account": ("A", "name", "code", "name"),
        "customer": ("C", "name", "number name"),
        "location": ("L", "name", "name", "gl_number"),
        "product": ("I", "name", "sku name"),
        "project": ("P", "name", "name"),
        "ticket": ("T", "subject"),
        "file": ("F", "name"),
        "invoice": ("INV", "number", "number"),
        "charge": ("CH", "service"),
        "ledger_transaction": ("TX", "description"),
        "journal_entry": ("JE", "number", "number"),
    }.items()
}
"""Kind name → kind, every kind after those it refers to: the order in which files can be imported."""

UNIQUE: frozenset[str] = frozenset({"number", "sku", "code"})
"""Keys that two documents should never share; a name may be shared."""


def kind_of(name: str) -> Kind:
    """The kind called so, also with hyphens or in the plural. Raises NotFound with the nearest name."""
    plain = name.strip().lower().replace("-", "_").replace(" ", "_")
    for candidate in (plain, plain.removesuffix("s")):
        if candidate in KINDS:
            return KINDS[candidate]
    near = difflib.get_close_matches(plain, KINDS, 1)
    raise NotFound(
        f"the workspace has no kind {name!r}",
        fix=f"did you mean {near[0]!r}?" if near else f"its kinds are: {', '.join(sorted(KINDS))}",
        code="WHERRY-3810",
    )


def by_number(ids: Iterable[str]) -> list[str]:
    """Ids in the order in which they were given out: C-999 before C-1000."""
    return sorted(ids, key=lambda name: (*_parts(name), name))


def _parts(name: str) -> tuple[str, int]:
    prefix, _, number = name.rpartition("-")
    return (prefix, int(number)) if number.isascii() and number.isdigit() else (name, -1)
