"""The words of the contract: operations, what each is told and answers. Facts: Intuit's WSDL of the Web Connector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

TNS = "http://developer.intuit.com/"
SOAP11, SOAP12 = "http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"

Version = Literal["1.1", "1.2"]
Kind = Literal["string", "int", "strings"]
Value = str | int
Result = str | int | list[str]


class Operation(Struct, frozen=True):
    """``parameters``: name → kind, in the order of the contract. Those of kind int must be there."""

    name: str
    parameters: Mapping[str, Kind]
    result: Kind = "string"

    @property
    def action(self) -> str:
        """What the SOAPAction header says of it."""
        return f"{TNS}{self.name}"


def _strings(*names: str) -> dict[str, Kind]:
    return dict.fromkeys(names, "string")


OPERATIONS: Mapping[str, Operation] = {
    one.name: one
    for one in (
        Operation("serverVersion", {}),
        Operation("clientVersion", _strings("strVersion")),
        Operation("authenticate", _strings("strUserName", "strPassword"), "strings"),
        Operation("connectionError", _strings("ticket", "hresult", "message")),
        Operation(
            "sendRequestXML",
            {
                **_strings("ticket", "strHCPResponse", "strCompanyFileName", "qbXMLCountry"),
                "qbXMLMajorVers": "int",
                "qbXMLMinorVers": "int",
            },
        ),
        Operation("receiveResponseXML", _strings("ticket", "response", "hresult", "message"), "int"),
        Operation("getLastError", _strings("ticket")),
        Operation("closeConnection", _strings("ticket")),
    )
}
