"""The contract as it is served: a WSDL of our own writing, made from the table of operations."""

from __future__ import annotations

from functools import lru_cache

from lxml import etree

from wherry_qbwc.soap.words import OPERATIONS, TNS, Kind, Operation

WSDL, XSD = "http://schemas.xmlsoap.org/wsdl/", "http://www.w3.org/2001/XMLSchema"
BINDINGS = {"": "http://schemas.xmlsoap.org/wsdl/soap/", "12": "http://schemas.xmlsoap.org/wsdl/soap12/"}
"""Of SOAP 1.1 and 1.2: what their ports' names end with → the words that describe them."""
SERVICE = "QBWebConnectorSvc"
PORT = f"{SERVICE}Soap"
_SPACES = {"wsdl": WSDL, "xsd": XSD, "tns": TNS, "soap": BINDINGS[""], "soap12": BINDINGS["12"]}
_TYPES: dict[Kind, str] = {"string": "xsd:string", "int": "xsd:int", "strings": "tns:ArrayOfString"}


@lru_cache(16)
def wsdl(address: str) -> bytes:
    """The contract of the service at an address."""
    root = etree.Element(f"{{{WSDL}}}definitions", {"name": SERVICE, "targetNamespace": TNS}, nsmap=_SPACES)
    root.append(_types())
    for operation in OPERATIONS.values():
        for way, element in (("In", operation.name), ("Out", f"{operation.name}Response")):
            message = _add(root, "message", name=f"{operation.name}{way}")
            _add(message, "part", name="parameters", element=f"tns:{element}")
    _port(_add(root, "portType", name=PORT))
    for ending in BINDINGS:
        _binding(root, ending)
    _service(root, address)
    return etree.tostring(root, encoding="utf-8", xml_declaration=True, pretty_print=True)


def schema() -> etree._Element:
    """The schema of every call and answer."""
    root = etree.Element(
        f"{{{XSD}}}schema", {"targetNamespace": TNS, "elementFormDefault": "qualified"}, nsmap={"xsd": XSD, "tns": TNS}
    )
    strings = etree.SubElement(
        etree.SubElement(root, f"{{{XSD}}}complexType", name="ArrayOfString"), f"{{{XSD}}}sequence"
    )
    told = {"name": "string", "type": "xsd:string", "minOccurs": "0", "maxOccurs": "unbounded", "nillable": "true"}
    etree.SubElement(strings, f"{{{XSD}}}element", told)
    for operation in OPERATIONS.values():
        _element(root, operation.name, dict(operation.parameters))
        _element(root, f"{operation.name}Response", {f"{operation.name}Result": operation.result})
    return root


def _types() -> etree._Element:
    types = etree.Element(f"{{{WSDL}}}types")
    types.append(schema())
    return types


def _element(root: etree._Element, name: str, parts: dict[str, Kind]) -> None:
    element = etree.SubElement(root, f"{{{XSD}}}element", name=name)
    inside = etree.SubElement(element, f"{{{XSD}}}complexType")
    sequence = etree.SubElement(inside, f"{{{XSD}}}sequence") if parts else inside
    for part, kind in parts.items():
        least = "1" if kind == "int" else "0"
        etree.SubElement(sequence, f"{{{XSD}}}element", name=part, type=_TYPES[kind], minOccurs=least)


def _add(parent: etree._Element, tag: str, space: str = WSDL, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{space}}}{tag}", attributes)


def _port(port: etree._Element) -> None:
    for operation in OPERATIONS.values():
        one = _add(port, "operation", name=operation.name)
        _add(one, "input", message=f"tns:{operation.name}In")
        _add(one, "output", message=f"tns:{operation.name}Out")


def _binding(root: etree._Element, ending: str) -> None:
    words = BINDINGS[ending]
    binding = _add(root, "binding", name=PORT + ending, type=f"tns:{PORT}")
    _add(binding, "binding", words, transport="http://schemas.xmlsoap.org/soap/http")
    for operation in OPERATIONS.values():
        _bound(binding, words, operation)


def _bound(binding: etree._Element, words: str, operation: Operation) -> None:
    one = _add(binding, "operation", name=operation.name)
    _add(one, "operation", words, soapAction=operation.action, style="document")
    for way in ("input", "output"):
        _add(_add(one, way), "body", words, use="literal")


def _service(root: etree._Element, address: str) -> None:
    service = _add(root, "service", name=SERVICE)
    for ending, words in BINDINGS.items():
        port = _add(service, "port", name=PORT + ending, binding=f"tns:{PORT}{ending}")
        _add(port, "address", words, location=address)
