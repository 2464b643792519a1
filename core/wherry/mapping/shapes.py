"""What a canonical shape says of its fields, in the words that a map's check needs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import msgspec.inspect as look
from msgspec import Struct

from wherry.entities import Entity
from wherry.money import Money
from wherry.records import Ref

_SORTS: Mapping[type[look.Type], str] = {
    look.DateType: "date",
    look.DecimalType: "decimal",
    look.IntType: "integer",
    look.BoolType: "boolean",
    look.StrType: "text",
    look.LiteralType: "text",
}
_STRUCTS: Mapping[type, str] = {Money: "money", Ref: "reference"}
_TEXT = frozenset({"text", "path", "any"})
TAKES: Mapping[str, frozenset[str]] = {
    "text": _TEXT | {"date"},
    "date": _TEXT | {"date"},
    "decimal": _TEXT | {"decimal", "integer"},
    "integer": frozenset({"integer", "path", "any"}),
    "boolean": frozenset({"boolean", "path", "any"}),
    "money": frozenset({"money", "any"}),
    "reference": frozenset({"reference", "any"}),
    "custom": _TEXT | {"date", "decimal", "integer", "boolean"},
    "other": frozenset({"any"}),
}
"""Sort of a target field → results of expressions that can end there."""

REMEDY: Mapping[str, str] = {
    "text": "wrap it in text(…)",
    "date": "wrap it in date(…)",
    "decimal": "wrap it in decimal(…)",
    "integer": "wrap it in integer(…)",
    "boolean": "wrap it in yes_no(…)",
    "money": "use money(amount, currency), or round_money where digits may be cut",
    "reference": "use ref(entity) with an entity of this map",
    "custom": "custom fields hold text, whole numbers and yes or no: wrap it in text(…)",
    "other": "this field is not set by a map",
}


class Target(Struct, frozen=True):
    """One field of a shape. ``lines`` is the shape of its elements where the field is a list of things."""

    name: str
    sort: str
    required: bool
    elements: type[Entity] | None = None


@cache
def targets(shape: type[Entity]) -> dict[str, Target]:
    """Field name → what may be put there; ``custom`` is left out, it takes any name below it."""
    described = look.type_info(shape)
    assert isinstance(described, look.StructType)
    return {
        field.name: Target(field.name, _sort(field.type), field.required, _elements(field.type))
        for field in described.fields
        if field.name != "custom"
    }


def _sort(kind: look.Type) -> str:
    members = kind.types if isinstance(kind, look.UnionType) else (kind,)
    structs = [_STRUCTS.get(member.cls, "other") for member in members if isinstance(member, look.StructType)]
    if structs:
        return structs[0]
    return next((_SORTS[type(member)] for member in members if type(member) in _SORTS), "other")


def _elements(kind: look.Type) -> type[Entity] | None:
    if not isinstance(kind, look.ListType) or not isinstance(kind.item_type, look.StructType):
        return None
    shape = kind.item_type.cls
    return shape if issubclass(shape, Entity) else None
