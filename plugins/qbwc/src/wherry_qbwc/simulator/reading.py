"""Reading a message set as QuickBooks' parser does: the least thing out of order, and the whole set is refused.

Structure is the parser's (0x80040400 for the set); the form of a value is the request's own (a status of 30xx).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field

from lxml import etree

from . import shapes
from .refusals import VERSION, HResult, Status, unparsed
from .shapes import MIXED, Field, Shape
from .values import Obj, checked, kept

NEWEST = (16, 0)
NO_ITERATOR = ("Account", "Class", "Currency", "SalesTaxCode", "GeneralSummary", "Host", "Company", "Pref")
_VERSION = re.compile(r"<\?qbxml\s+version\s*=\s*[\"'](\d{1,2})\.(\d)[\"']\s*\?>")
_ATTRIBUTES = frozenset({"requestID", "metaData", "iterator", "iteratorID"})
_SET_ATTRIBUTES = frozenset({"onError", "newMessageSetID", "oldMessageSetID"})
ORDERED = "(in order)"
"""Under this name stand the fields that may be mixed, as (name, value), in the order they came in."""


@dataclass(slots=True)
class Asked:
    """One request: its name without Rq, its attributes, its body; `wrong` when a value had no right form."""

    name: str
    attributes: dict[str, str]
    body: Obj = field(default_factory=dict)
    wrong: Status | None = None
    lossy: list[str] = field(default_factory=list)

    @property
    def id(self) -> str:
        """Its requestID, or nothing."""
        return self.attributes.get("requestID", "")


@dataclass(slots=True)
class MessageSet:
    """`checksum` is of what was asked, whatever the ids."""

    version: tuple[int, int]
    on_error: str
    new_id: str | None
    old_id: str | None
    requests: list[Asked]
    checksum: str


def read(text: str) -> MessageSet:
    """A message set. Raises HResult for anything the parser does not take."""
    version = _version(text)
    root = _root(text)
    if root.tag != "QBXML" or len(root) != 1 or root[0].tag != "QBXMLMsgsRq" or root.attrib:
        raise unparsed("QBXML with one QBXMLMsgsRq is expected")
    inside = root[0]
    told = {str(name): str(value) for name, value in inside.attrib.items()}
    if told.get("onError") not in ("stopOnError", "continueOnError") or set(told) - _SET_ATTRIBUTES:
        raise unparsed("onError must be stopOnError or continueOnError")
    _blank(inside)
    requests = [_request(one) for one in _children(inside)]
    new, old = told.get("newMessageSetID"), told.get("oldMessageSetID")
    return MessageSet(version, told["onError"], new, old, requests, _checksum(inside))


def _version(text: str) -> tuple[int, int]:
    found = _VERSION.search(text)
    if found is None:
        raise unparsed("the qbxml processing instruction with its version is missing")
    version = (int(found[1]), int(found[2]))
    if not (1, 0) <= version <= NEWEST:
        raise HResult(VERSION, f"The version of qbXML that was requested ({version[0]}.{version[1]}) is not supported.")
    return version


def _root(text: str) -> etree._Element:
    # The text is a string of letters by now: what its first line says of bytes is no longer of any meaning.
    plain = re.sub(r"^\s*<\?xml[^>]*\?>", "", text, count=1)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    if "<!DOCTYPE" in plain:
        raise unparsed("a document type is not expected")
    try:
        return etree.fromstring(plain.encode(), parser)
    except etree.XMLSyntaxError as wrong:
        raise unparsed(str(wrong)) from None


def _checksum(inside: etree._Element) -> str:
    bare = [etree.tostring(one, method="c14n") for one in inside]
    return hashlib.sha256(b"".join(bare)).hexdigest()


def _children(node: etree._Element) -> list[etree._Element]:
    return [child for child in node if isinstance(child.tag, str)]


def _blank(node: etree._Element) -> None:
    around = [node.text, *(child.tail for child in node)]
    if any(text and text.strip() for text in around):
        raise unparsed(f"text is not expected in {node.tag}")


def _request(node: etree._Element) -> Asked:
    name = str(node.tag)
    shape = shapes.request(name.removesuffix("Rq")) if name.endswith("Rq") else None
    attributes = {str(key): str(value) for key, value in node.attrib.items()}
    if shape is None or set(attributes) - _ATTRIBUTES:
        raise unparsed(f"{name} or one of its attributes is not known to this company file")
    asked = Asked(name.removesuffix("Rq"), attributes)
    if ("iterator" in attributes) and ("Query" not in name or name.startswith(NO_ITERATOR)):
        raise unparsed(f"{name} takes no iterator")
    if attributes.get("iterator", "Start") not in ("Start", "Continue", "Stop"):
        raise unparsed("iterator must be Start, Continue or Stop")
    if len(asked.id) > 50:
        asked.wrong = Status(1060, f'The request ID "{asked.id[:60]}" is invalid. The maximum is 50 characters.')
    asked.body = _body(node, shape, asked)
    return asked


def _body(node: etree._Element, shape: Shape, asked: Asked) -> Obj:
    """The children of an element, in the shape's order or not at all."""
    _blank(node)
    body: Obj = {}
    at = 0
    for child in _children(node):
        at = _place(child, shape, at, str(node.tag))
        one = shape[at]
        if one.name in body and not one.many:
            raise unparsed(f"{one.name} comes twice in {node.tag}")
        value = _value(child, one, asked)
        if one.mixed:
            body.setdefault(ORDERED, []).append((one.name, value))
        elif one.many:
            body.setdefault(one.name, []).append(value)
        else:
            body[one.name] = value
    _complete(body, shape, str(node.tag))
    return body


def _place(child: etree._Element, shape: Shape, at: int, where: str) -> int:
    found = next((n for n, one in enumerate(shape) if one.name == child.tag), None)
    if found is None:
        raise unparsed(f"{child.tag} is not expected in {where}")
    if found < at and not (shape[found].mixed and shape[at].mixed):
        raise unparsed(f"{child.tag} comes too late in {where}")
    if child.attrib:
        raise unparsed(f"{child.tag} takes no attributes")
    return found


def _complete(body: Obj, shape: Shape, where: str) -> None:
    for one in shape:
        if one.needed and one.name not in body:
            raise unparsed(f"{one.name} is missing in {where}")
    branches: dict[str, set[str]] = {}
    for one in shape:
        for group, branch in one.groups:
            if one.name in body and group != MIXED:
                branches.setdefault(group, set()).add(branch)
    if any(len(found) > 1 for found in branches.values()):
        raise unparsed(f"elements of {where} exclude each other")


def _value(child: etree._Element, one: Field, asked: Asked) -> object:
    if one.kind[0].isupper() and one.kind in shapes.shapes():
        return _body(child, shapes.shapes()[one.kind], asked)
    if one.kind == "ref":
        return _reference(child, asked)
    if len(child):
        raise unparsed(f"{child.tag} holds elements")
    text = kept(child.text or "")
    if text != (child.text or ""):
        asked.lossy.append(f"{child.tag}: {child.text}")
    if "|" in one.kind:
        if text not in one.kind.split("|"):
            raise unparsed(f"{child.tag} cannot be {text!r}")
        return text
    return _formed(one, text, asked)


def _formed(one: Field, text: str, asked: Asked) -> str:
    try:
        return checked(one.kind, one.name, text)
    except Status as wrong:
        asked.wrong = asked.wrong or wrong
        return text


def _reference(child: etree._Element, asked: Asked) -> Obj:
    _blank(child)
    inside = _children(child)
    if not {str(one.tag) for one in inside} <= {"ListID", "FullName"} or len(inside) > 2:
        raise unparsed(f"{child.tag} holds a ListID or a FullName")
    if [one.tag for one in inside] == ["FullName", "ListID"]:
        raise unparsed(f"ListID comes before FullName in {child.tag}")
    told = {str(one.tag): kept(one.text or "") for one in inside}
    for one in inside:
        if kept(one.text or "") != (one.text or ""):
            asked.lossy.append(f"{child.tag}: {one.text}")
    return told
