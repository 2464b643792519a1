"""Calls read, answers and faults written. The body's one child decides what is meant, and the header must agree."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.message import Message
from typing import NoReturn

from lxml import etree
from msgspec import Struct
from wherry.errors import Guarded

from wherry_qbwc.soap import guard
from wherry_qbwc.soap.words import OPERATIONS, SOAP11, SOAP12, TNS, Kind, Operation, Result, Value, Version

MEDIA: Mapping[Version, str] = {"1.1": "text/xml; charset=utf-8", "1.2": "application/soap+xml; charset=utf-8"}
_SPACES: Mapping[Version, str] = {"1.1": SOAP11, "1.2": SOAP12}
_TYPES: Mapping[str, Version] = {"text/xml": "1.1", "application/soap+xml": "1.2"}
_NUMBER = re.compile(r"[+-]?[0-9]{1,9}").fullmatch
_UNWRITABLE = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Asked(Struct, frozen=True):
    """A call as it was meant: every parameter of the operation is there, texts empty where nothing was said."""

    version: Version
    operation: str
    given: Mapping[str, Value]

    def text(self, name: str) -> str:
        value = self.given[name]
        return value if isinstance(value, str) else str(value)

    def number(self, name: str) -> int:
        return int(self.given[name])


class _Head(Struct, frozen=True):
    version: Version
    charset: str
    action: str | None


def version_of(headers: Mapping[str, str]) -> Version:
    """The version that a fault is told in where nothing else of a call can be read."""
    return _TYPES.get(_typed(headers).get_content_type(), "1.1")


def read(headers: Mapping[str, str], body: bytes) -> Asked:
    """A call. ``headers``: names in lower case. Raises Guarded: WHERRY-7350 for what is no call, WHERRY-7351 for one
    that contradicts itself or the contract."""
    head = _head(headers)
    root = guard.envelope(body, head.charset)
    element = _child(root, _SPACES[head.version])
    operation = OPERATIONS.get(etree.QName(element).localname)
    if operation is None or etree.QName(element).namespace != TNS:
        _wrong("it asks for an operation that there is not")
    if head.action is not None and head.action != operation.action:
        _wrong("its header asks for another operation than its body")
    return Asked(head.version, operation.name, _given(operation, element))


def answer(version: Version, operation: str, result: Result) -> bytes:
    """The envelope with ``<operation>Result``, valid against the contract's schema whatever the texts hold."""
    root, body = _envelope(version)
    response = etree.SubElement(body, _q(TNS, f"{operation}Response"), nsmap={None: TNS})  # type: ignore[dict-item]
    told = etree.SubElement(response, _q(TNS, f"{operation}Result"))
    if isinstance(result, list):
        for text in result:
            etree.SubElement(told, _q(TNS, "string")).text = _writable(text)
    else:
        told.text = _writable(str(result))
    return _bytes(root)


def fault(version: Version, message: str) -> bytes:
    """An answer that says what was wrong with a call."""
    root, body = _envelope(version)
    space = _SPACES[version]
    told = etree.SubElement(body, _q(space, "Fault"))
    if version == "1.1":
        etree.SubElement(told, "faultcode").text = "soap:Client"
        etree.SubElement(told, "faultstring").text = _writable(message)
    else:
        code = etree.SubElement(told, _q(space, "Code"))
        etree.SubElement(code, _q(space, "Value")).text = "soap:Sender"
        reason = etree.SubElement(told, _q(space, "Reason"))
        text = etree.SubElement(reason, _q(space, "Text"))
        text.set("{http://www.w3.org/XML/1998/namespace}lang", "en")
        text.text = _writable(message)
    return _bytes(root)


# -- reading -----------------------------------------------------------------------------------------------------------


def _typed(headers: Mapping[str, str]) -> Message:
    typed = Message()
    typed["content-type"] = headers.get("content-type", "").replace("\n", " ").replace("\r", " ")[:500]
    return typed


def _head(headers: Mapping[str, str]) -> _Head:
    typed = _typed(headers)
    version = _TYPES.get(typed.get_content_type()) if "content-type" in headers else None
    if version is None:
        raise guard.refused("its content type is neither text/xml nor application/soap+xml")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise guard.refused("it is compressed")
    said = _parameter(typed, "action") if version == "1.2" else headers.get("soapaction", "")
    return _Head(version, _parameter(typed, "charset") or "", None if said is None else said.strip().strip('"'))


def _parameter(typed: Message, name: str) -> str | None:
    value = typed.get_param(name)
    return value if value is None or isinstance(value, str) else value[2]


def _child(root: etree._Element, space: str) -> etree._Element:
    """The one child of the one body."""
    if root.tag != _q(space, "Envelope"):
        _wrong("it is not the envelope that its content type promises")
    parts = [child.tag for child in root]
    if parts not in ([_q(space, "Body")], [_q(space, "Header"), _q(space, "Body")]):
        _wrong("it has not one body, after at most one header")
    if len(parts) > 1 and any(_insists(header, space) for header in root[0]):
        _wrong("it insists on a header that is not understood here")
    body = root[-1]
    if len(body) != 1:
        _wrong("its body has not one child")
    _no_text(root, body)
    return body[0]


def _insists(header: etree._Element, space: str) -> bool:
    return header.get(_q(space, "mustUnderstand"), "0").strip() in ("1", "true")


def _given(operation: Operation, element: etree._Element) -> dict[str, Value]:
    told: dict[str, str] = {}
    _no_text(element)
    for child in element:
        name = etree.QName(child)
        if name.namespace != TNS or name.localname not in operation.parameters or name.localname in told:
            _wrong(f"{operation.name} has a parameter twice, or one that there is not")
        if len(child):
            _wrong(f"{name.localname} is not plain text")
        told[name.localname] = child.text or ""
    return {name: _valued(name, kind, told.get(name)) for name, kind in operation.parameters.items()}


def _valued(name: str, kind: Kind, told: str | None) -> Value:
    if kind != "int":
        return told or ""
    number = (told or "").strip()
    if not _NUMBER(number):
        _wrong(f"{name} is no number")
    return int(number)


def _no_text(*elements: etree._Element) -> None:
    for element in elements:
        if (element.text or "").strip() or any((child.tail or "").strip() for child in element):
            _wrong("it has text between its tags")


def _wrong(why: str) -> NoReturn:
    raise Guarded(
        f"this call does not follow the Web Connector's contract: {why}",
        fix="take the newest version of the Web Connector; the contract is this address with ?wsdl",
        code="WHERRY-7351",
    )


# -- writing -----------------------------------------------------------------------------------------------------------


def _q(space: str, name: str) -> str:
    return f"{{{space}}}{name}"


def _envelope(version: Version) -> tuple[etree._Element, etree._Element]:
    space = _SPACES[version]
    root = etree.Element(_q(space, "Envelope"), nsmap={"soap": space})
    return root, etree.SubElement(root, _q(space, "Body"))


def _writable(text: str) -> str:
    return _UNWRITABLE.sub(" ", text)


def _bytes(root: etree._Element) -> bytes:
    return etree.tostring(root, encoding="utf-8", xml_declaration=True)
