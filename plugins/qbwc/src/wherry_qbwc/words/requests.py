"""Requests in qbXML, built as trees: no text of a record can ever close an element or open another.

Children come out in the schema's order whatever the order of the body, since QuickBooks refuses a whole message set for
one element out of place, and says no more than that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from lxml import etree
from wherry.errors import ContractBroken, Rejected

from . import shapes, values
from .shapes import Field, Request, Shape

LONGEST_ID = 50
_SHOWN = 60
_ITERATOR, _ITERATOR_ID = "iterator", "iteratorID"
_STEPS = ("Start", "Continue", "Stop")


def request(
    name: str, body: Mapping[str, Any], *, id: str = "", attributes: Mapping[str, str] | None = None
) -> etree._Element:
    """A request such as ``SalesOrderAdd``, ready for a message set; ``id`` is its requestID.

    ``body`` names elements: a mapping for an element with children, a list for one that comes several times, None for
    one that is left out. An empty text is left out too, but in a Mod it empties the field. References are
    ``{"ListID": …}`` or ``{"FullName": …}``. ``attributes``: ``iterator`` and ``iteratorID`` of a query.

    Raises Rejected (WHERRY-4850 a value, WHERRY-4851 something missing) for what cannot be said of this record, and
    ContractBroken (WHERRY-1850) for what no record can make right, such as an unknown element.
    """
    return _Writer(name).request(body, id, attributes or {})


class _Writer:
    """Writes one request."""

    def __init__(self, name: str) -> None:
        try:
            self.told: Request = shapes.requests()[name]
        except KeyError:
            raise _broken(f"there is no request {name} in qbXML that this plugin can make", request=name) from None

    def request(self, body: Mapping[str, Any], id: str, attributes: Mapping[str, str]) -> etree._Element:
        made = etree.Element(f"{self.told.name}Rq", self._attributes(id, attributes))
        inside = etree.SubElement(made, self.told.body) if self.told.body else made
        if attributes.get(_ITERATOR) != "Stop" or body:
            self._fill(inside, self.told.shape, body, ())
        return made

    def _attributes(self, id: str, attributes: Mapping[str, str]) -> dict[str, str]:
        if len(id) > LONGEST_ID:
            raise _broken(f"a request id has at most {LONGEST_ID} characters, {id[:_SHOWN]!r} has {len(id)}")
        if unknown := set(attributes) - ({_ITERATOR, _ITERATOR_ID} if self.told.iterated else set()):
            raise _broken(f"{self.told.name} has no attribute {', '.join(sorted(unknown))}", request=self.told.name)
        step = attributes.get(_ITERATOR, "")
        if attributes and (step not in _STEPS or (step == "Start") == (_ITERATOR_ID in attributes)):
            raise _broken(f"an iterator is started, or continued or stopped by its id, not {dict(attributes)!r}")
        return {"requestID": id, **attributes} if id else dict(attributes)

    def _fill(self, into: etree._Element, shape: Shape, body: Mapping[str, Any], path: tuple[str, ...]) -> None:
        if not isinstance(body, Mapping):
            raise _broken(
                f"{_place(path)} of {self.told.name} has elements of its own, not a value", request=self.told.name
            )
        self._check(shape, body, path)
        for field in _in_order(shape, body):
            for number, value in enumerate(found := _several(body[field.name]), 1):
                self._element(into, field, value, (*path, field.name + (f" {number}" if len(found) > 1 else "")))
        for names in _needed(shape):
            if all(into.find(name) is None for name in names):
                raise self._missing((*path, " or ".join(names)))

    def _check(self, shape: Shape, body: Mapping[str, Any], path: tuple[str, ...]) -> None:
        known = {field.name: field for field in shape}
        for name, value in body.items():
            if name not in known:
                raise _broken(f"{_place((*path, name))} is no element of {self.told.name}", element=name)
            if len(_several(value)) > 1 and not known[name].many:
                raise _broken(f"{_place((*path, name))} of {self.told.name} comes only once", element=name)
        branches: dict[str, Field] = {}
        for field in shape:
            for group, branch in field.groups if _several(body.get(field.name)) and field.groups else ():
                other = branches.setdefault(group, field)
                if group != "mixed" and dict(other.groups)[group] != branch:
                    raise _broken(f"{self.told.name} takes {other.name} or {field.name}, not both", element=field.name)

    def _element(self, into: etree._Element, field: Field, value: Any, path: tuple[str, ...]) -> None:
        if field.kind == "ref":
            self._reference(into, field, value, path)
        elif field.kind[0].isupper():
            child = etree.SubElement(into, field.name)
            self._fill(child, shapes.shape(field.kind), value, path)
            if not len(child):
                into.remove(child)
        else:
            self._leaf(into, field, value, path)

    def _reference(self, into: etree._Element, field: Field, value: Any, path: tuple[str, ...]) -> None:
        child = etree.SubElement(into, field.name)
        self._fill(child, (Field("ListID", "key", 36), Field("FullName", "name", field.most)), value, path)
        if not len(child):
            raise self._missing(path)

    def _leaf(self, into: etree._Element, field: Field, value: Any, path: tuple[str, ...]) -> None:
        empties = self.told.clears and values.emptied(field)
        if value == "" and not empties:
            return
        try:
            written = "" if value == "" else values.said(field, value)
        except ValueError as why:
            raise self._refused(path, value, str(why)) from None
        if written or empties:
            etree.SubElement(into, field.name).text = written

    def _refused(self, path: tuple[str, ...], value: Any, why: str) -> Rejected:
        shown = repr(value) if len(repr(value)) <= _SHOWN else f"{repr(value)[:_SHOWN]}…"
        return Rejected(
            f"QuickBooks Desktop does not take {shown} as {_place(path)}: {why}",
            fix="correct the record or the map, then try it again", code="WHERRY-4850",
            request=self.told.name, field=path[-1].split()[0],
        )  # fmt: skip

    def _missing(self, path: tuple[str, ...]) -> Rejected:
        return Rejected(
            f"QuickBooks Desktop needs {_place(path)} in {self.told.name}, and the record gives none",
            fix="correct the record or the map, then try it again", code="WHERRY-4851",
            request=self.told.name, field=path[-1].split()[0],
        )  # fmt: skip


def _in_order(shape: Shape, body: Mapping[str, Any]) -> Iterator[Field]:
    """The fields that a body gives: in the schema's order, and where that leaves them free, in the body's own."""
    given = [field for field in shape if _several(body.get(field.name))]
    mixed = iter(sorted((field for field in given if _is_mixed(field)), key=lambda field: list(body).index(field.name)))
    for field in given:
        yield next(mixed) if _is_mixed(field) else field


@cache
def _needed(shape: Shape) -> tuple[tuple[str, ...], ...]:
    """The names of which one must be there: each that is needed, and those of a group together."""
    found: dict[str, list[str]] = {}
    for field in shape:
        if field.needed:
            group = field.name if _is_mixed(field) or not field.groups else field.groups[0][0]
            found.setdefault(group, []).append(field.name)
    return tuple(tuple(names) for names in found.values())


def _is_mixed(field: Field) -> bool:
    return any(group == "mixed" for group, _ in field.groups)


def _several(value: Any) -> Sequence[Any]:
    if value is None:
        return ()
    return [one for one in value if one is not None] if isinstance(value, list | tuple) else (value,)


def _place(path: Sequence[str]) -> str:
    return " of ".join(reversed(path)) or "the body"


def _broken(message: str, **where: Any) -> ContractBroken:
    return ContractBroken(
        f"qbXML: {message}", fix="this is a fault of the plugin: report it", code="WHERRY-1850", **where
    )
