"""The layers of a map: a plugin's default, then the flow's own lines, then the named map of a pipeline.

A layer is entity → target field → expression; ``False`` drops the field, or the entity. Fields of custom data
and of lists have a dot in them (``custom.po_number``, ``lines.quantity``); nested tables say the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from wherry.errors import ConfigError
from wherry.expressions import did_you_mean

HEADER = frozenset(
    {"from", "key", "optional", "each", "root", "reference", "label", "file", "fields"}
    | {"document", "when", "skip", "void"}
)
TRIGGER = "trigger"
PLUGIN = "plugin default"


class Line(Struct, frozen=True):
    """One line of a map: an expression (None: the field is dropped), where it comes from, and its key path."""

    text: str | None
    origin: str
    key: str


class Layer(Struct, frozen=True):
    """What one place says: ``origin`` in words for people, ``key`` the path that its lines hang under."""

    entities: Mapping[str, Any]
    origin: str
    key: str


class Outline(Struct, frozen=True, kw_only=True):
    """An entity of a default map without its fields: where it comes from and what identifies it."""

    name: str
    kind: str
    key: str
    each: bool
    root: bool
    reference: bool
    optional: bool
    label: str
    file: str
    lists: Mapping[str, str]
    """List field → the record kind that gives one element each."""
    fields: Mapping[str, str]
    documents: tuple[str, ...] = ()
    """The words of a flow's ``document`` for which it is made; empty: whatever that is."""
    when: str = ""
    skip: str = ""
    void: str = ""

    @property
    def expressions(self) -> tuple[str, ...]:
        """Everything that is said about it but its lists, as text."""
        said = (self.key, self.label, self.file, self.when, self.skip, self.void, *self.fields.values())
        return tuple(text for text in said if text)


def outlines(kind: str, default_map: Mapping[str, Any]) -> list[Outline]:
    """The entities of a default map, roots last. Raises ConfigError where the map cannot be read as one."""
    found = [_outline(kind, name, said) for name, said in default_map.items() if name != TRIGGER]
    for document in documents_of(found) or ("",):
        _check_roots(kind, [one for one in found if one.root and (not one.documents or document in one.documents)])
    return sorted(found, key=lambda outline: outline.root)


def documents_of(found: Sequence[Outline]) -> tuple[str, ...]:
    """The documents that a record may become, the usual one first."""
    return tuple(dict.fromkeys(document for outline in found for document in outline.documents))


def _check_roots(kind: str, roots: Sequence[Outline]) -> None:
    """One root is made of a record: the first whose condition holds, else the last, which has none."""
    if not roots:
        raise _bad_map(kind, "an entity must say root = true")
    if bare := [root.name for root in roots[:-1] if not root.when]:
        raise _bad_map(f"{kind}.{bare[0]}", f"it is a root beside {roots[-1].name}, so it must say when")
    if roots[-1].when:
        raise _bad_map(f"{kind}.{roots[-1].name}", "the last root is made where no other is, so it must not say when")


def is_for_books(kind: str, default_map: Mapping[str, Any]) -> bool:
    """Whether records of this kind become nothing but journals."""
    return documents_of(outlines(kind, default_map)) == ("journal",)


def of_document(found: Sequence[Outline], kind: str, said: str | None, key: str, *, strict: bool) -> list[Outline]:
    """The entities of the flow's ``document``. Raises ConfigError for one that the map cannot make; a flow of
    several kinds (not ``strict``) may have a kind that becomes no document."""
    known = documents_of(found)
    if said is None or (not known and not strict):
        document = known[0] if known else ""
    elif said in known:
        document = said
    else:
        raise ConfigError(
            f"{key}: the source's map of {kind} makes no {said}{did_you_mean(said, known)}",
            fix=f"it makes: {', '.join(known)}" if known else "remove the key: this kind becomes no document",
            code="WHERRY-2212",
            key=key,
            allowed=list(known),
        )
    return [outline for outline in found if not outline.documents or document in outline.documents]


def _outline(kind: str, name: str, said: Mapping[str, Any]) -> Outline:
    if unknown := sorted(set(said) - HEADER):
        raise _bad_map(f"{kind}.{name}", f"{unknown[0]!r} is not known{did_you_mean(unknown[0], HEADER)}")
    if "key" not in said or "fields" not in said:
        raise _bad_map(f"{kind}.{name}", "an entity needs a key and fields")
    lists = {
        field: text["each"] for field, text in said["fields"].items() if isinstance(text, Mapping) and "each" in text
    }
    fields = {
        path: text
        for field, value in said["fields"].items()
        for path, text in _flat(field, value["fields"] if field in lists else value)
    }
    if lists and said.get("each"):
        raise _bad_map(f"{kind}.{name}", "an entity made from each of several relatives cannot have lists")
    return Outline(
        name=name, kind=said.get("from", kind), key=said["key"], lists=lists, fields=fields,
        each=bool(said.get("each")), root=bool(said.get("root")), reference=bool(said.get("reference")),
        optional=bool(said.get("optional")), label=said.get("label", ""), file=said.get("file", ""),
        documents=_words(said.get("document", ())), when=said.get("when", ""), skip=said.get("skip", ""),
        void=said.get("void", ""),
    )  # fmt: skip


def _words(said: str | Sequence[str]) -> tuple[str, ...]:
    return (said,) if isinstance(said, str) else tuple(said)


def _bad_map(where: str, problem: str) -> ConfigError:
    return ConfigError(
        f"the default map of {where} cannot be used: {problem}",
        fix="this is for the author of the source's plugin; the shape of a map is in the reference",
        code="WHERRY-2211",
        key=where,
    )


def dropped(outline: Outline, layers: Sequence[Layer]) -> bool:
    """Whether a layer leaves the whole entity out."""
    saying = [layer for layer in layers if layer.entities.get(outline.name) is False]
    if saying and outline.root:
        raise ConfigError(
            f"{saying[0].key}.{outline.name}: every other draft belongs to the {outline.name}, so it cannot be dropped",
            fix="drop single fields, or leave the record kind out of the flow's kinds",
            code="WHERRY-2209",
            key=f"{saying[0].key}.{outline.name}",
        )
    return bool(saying)


def check_entities(layers: Sequence[Layer], known: Sequence[str], everywhere: frozenset[str]) -> None:
    """Refuse a layer that names an entity which neither this map nor another kind's map makes."""
    for layer in layers:
        for name in layer.entities:
            if name not in known and name not in everywhere:
                raise ConfigError(
                    f"{layer.key}.{name}: the source's map makes no {name!r}{did_you_mean(name, known)}",
                    fix=f"it makes: {', '.join(known)}",
                    code="WHERRY-2209",
                    key=f"{layer.key}.{name}",
                    allowed=list(known),
                )


def lines_of(outline: Outline, kind: str, layers: Sequence[Layer]) -> dict[str, Line]:
    """Target field → the line that counts, the last layer that has one. Dropping a list drops its fields."""
    found = {
        path: Line(text, PLUGIN, f"default map {kind}.{outline.name}.{path}") for path, text in outline.fields.items()
    }
    for layer in layers:
        for path, value in _flat_entity(layer.entities.get(outline.name)):
            key = f"{layer.key}.{outline.name}.{path}"
            if value is False and path in outline.lists:
                _drop_list(found, path, Line(None, layer.origin, key))
            else:
                found[path] = Line(_text(value, key), layer.origin, key)
    return found


def _drop_list(found: dict[str, Line], path: str, line: Line) -> None:
    for below in [name for name in found if name.startswith(f"{path}.")]:
        found[below] = line


def _flat_entity(said: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(said, Mapping):
        for field, value in said.items():
            yield from _flat(field, value)


def _flat(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for field, below in value.items():
            yield from _flat(f"{path}.{field}", below)
    else:
        yield path, value


def _text(value: Any, key: str) -> str | None:
    if value is False:
        return None
    if isinstance(value, str):
        return value
    raise ConfigError(
        f"{key}: {value!r} is not an expression",
        fix='write an expression in quotes, such as "deal.dealname" or "\'fixed text\'", or false to drop the field',
        code="WHERRY-2201",
        key=key,
    )
