"""The Connector's side of SOAP: document/literal calls in Intuit's namespace, by SOAP 1.1 or 1.2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, cast

import httpx
from lxml import etree

NAMESPACE = "http://developer.intuit.com/"
Soap = Literal["1.1", "1.2"]
_ENVELOPES: dict[str, str] = {
    "1.1": "http://schemas.xmlsoap.org/soap/envelope/",
    "1.2": "http://www.w3.org/2003/05/soap-envelope",
}
_OWN = cast("dict[str, str]", {None: NAMESPACE})
AGENT = "Mozilla/4.0 (compatible; MSIE 6.0; MS Web Services Client Protocol 4.0.30319.42000)"


class Unanswered(Exception):
    """A call came to nothing: no connection, a fault, or an answer that is none. `code` is the Connector's own."""

    def __init__(self, operation: str, why: str) -> None:
        self.code = _CODES.get(operation, "QBWC1042")
        super().__init__(f"{self.code}: {operation}: {why}")
        self.operation, self.why = operation, why


_CODES = {
    "authenticate": "QBWC1012",
    "sendRequestXML": "QBWC1041",
    "receiveResponseXML": "QBWC1042",
    "getLastError": "QBWC1043",
    "closeConnection": "QBWC1044",
    "connectionError": "QBWC1045",
    "clientVersion": "QBWC1036",
}


class Caller:
    """Calls the operations of the service at `url`; one attempt each."""

    def __init__(self, url: str, *, soap: Soap = "1.1", http: httpx.Client | None = None) -> None:
        self.url, self.soap = url, soap
        self.http = http or httpx.Client(timeout=60.0, headers={"user-agent": AGENT})

    def close(self) -> None:
        """Let go of its connections."""
        self.http.close()

    def text(self, operation: str, **told: str | int) -> str:
        """The result of an operation that answers text, and of one that answers a number. Raises Unanswered."""
        result = self._result(operation, told)
        return "" if result is None else result.text or ""

    def texts(self, operation: str, **told: str | int) -> list[str]:
        """The result of an operation that answers several texts. Raises Unanswered."""
        result = self._result(operation, told)
        return [] if result is None else [one.text or "" for one in result.findall(f"{{{NAMESPACE}}}string")]

    def _result(self, operation: str, told: Mapping[str, str | int]) -> etree._Element | None:
        body = self._body(self._answer(operation, told), operation)
        if body.tag != f"{{{NAMESPACE}}}{operation}Response":
            raise Unanswered(operation, f"the answer is {body.tag}")
        return body.find(f"{{{NAMESPACE}}}{operation}Result")

    def _answer(self, operation: str, told: Mapping[str, str | int]) -> bytes:
        action = f"{NAMESPACE}{operation}"
        headers = (
            {"content-type": "text/xml; charset=utf-8", "soapaction": f'"{action}"'}
            if self.soap == "1.1"
            else {"content-type": f'application/soap+xml; charset=utf-8; action="{action}"'}
        )
        try:
            answer = self.http.post(self.url, content=envelope(operation, told, self.soap), headers=headers)
        except httpx.HTTPError as error:
            raise Unanswered(operation, f"no answer ({type(error).__name__})") from None
        if answer.status_code not in (200, 500):
            raise Unanswered(operation, f"HTTP {answer.status_code}")
        return answer.content

    def _body(self, answer: bytes, operation: str) -> etree._Element:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)
        try:
            root = etree.fromstring(answer, parser)
        except etree.XMLSyntaxError as wrong:
            raise Unanswered(operation, f"the answer is not well-formed ({wrong.msg})") from None
        space = _ENVELOPES[self.soap]
        found = root.find(f"{{{space}}}Body")
        if root.tag != f"{{{space}}}Envelope" or found is None or len(found) != 1:
            raise Unanswered(operation, "the answer is no SOAP envelope with one body")
        if found[0].tag == f"{{{space}}}Fault":
            raise Unanswered(operation, "a fault: " + " ".join(str(text) for text in found[0].itertext()).strip())
        return found[0]


def envelope(operation: str, told: Mapping[str, str | int], soap: Soap = "1.1") -> bytes:
    """A call as bytes: the qbXML in it is text, escaped."""
    space = _ENVELOPES[soap]
    root = etree.Element(f"{{{space}}}Envelope", nsmap={"soap": space})
    body = etree.SubElement(root, f"{{{space}}}Body")
    call = etree.SubElement(body, f"{{{NAMESPACE}}}{operation}", nsmap=_OWN)
    for name, value in told.items():
        etree.SubElement(call, f"{{{NAMESPACE}}}{name}").text = str(value)
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")
