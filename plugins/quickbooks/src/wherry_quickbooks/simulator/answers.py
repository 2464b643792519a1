"""Error answers of QuickBooks Online, and the wrapping of good ones.

The numbers are Intuit's published fault codes (developer.intuit.com, "Error codes"); the wording is ours, since
callers must branch on the number. Validation faults come with HTTP 400, or inside a batch with HTTP 200.
"""

import uuid
from typing import Any

from wherry.simulator import Refusal, Reply

from .values import Obj, encoded

MESSAGES: dict[str, str] = {
    "120": "Authorization Failure",
    "500": "Unsupported Operation",
    "610": "Object Not Found",
    "1040": "Batch size exceeds the limit",
    "2000": "Unsupported object name",
    "2010": "Request has an invalid or unsupported property",
    "2020": "Required parameter missing",
    "2030": "Invalid ID",
    "2040": "Invalid string",
    "2050": "Invalid string length",
    "2060": "Invalid date format",
    "2080": "Invalid number format",
    "2100": "Invalid decimal format",
    "2130": "Invalid request id format",
    "2140": "Invalid amount",
    "2170": "Invalid enumeration",
    "2190": "Invalid date range",
    "2220": "Invalid currency",
    "2230": "Invalid boolean",
    "2250": "Lines missing",
    "2260": "Posting type missing",
    "2270": "TaxApplicableOn missing",
    "2280": "Tax amount missing",
    "2290": "Negative amount on a line",
    "2300": "Debits do not equal credits",
    "2500": "Invalid reference id",
    "3001": "message=ThrottleExceeded; errorCode=003001; statusCode=429",
    "3100": "message=ApplicationAuthorizationFailed; errorCode=003100; statusCode=403",
    "3200": "message=AuthenticationFailed; errorCode=003200; statusCode=401",
    "4000": "Error parsing query",
    "4001": "Invalid query",
    "4002": "The query could not be processed",
    "5010": "Stale Object Error",
    "5020": "Permission denied",
    "5030": "Feature not supported",
    "6000": "A business validation error has occurred while processing your request",
    "6010": "Invalid account type or subtype",
    "6070": "Amount calculation incorrect in the request",
    "6080": "No name provided",
    "6100": "Invalid tax code on a line",
    "6140": "Duplicate Document Number Error",
    "6150": "Parent reference required",
    "6160": "Invalid TaxCodeRef",
    "6170": "Invalid TxnTaxDetail",
    "6180": "Too many levels",
    "6190": "Invalid company status",
    "6200": "Account period closed",
    "6210": "Account period closed, password required",
    "6240": "Duplicate Name Exists Error",
    "6250": "Customer missing or inactive",
    "6270": "Transaction dated before the inventory start date",
    "6430": "Account type not allowed here",
    "6440": "Line lacks an item or account",
    "10000": "An application error has occurred",
}


class QboFault(Exception):
    """One fault, raised anywhere below a handler; `status` is that of a call which is not part of a batch."""

    def __init__(
        self,
        code: str,
        detail: str = "",
        element: str = "",
        *,
        message: str = "",
        kind: str = "ValidationFault",
        status: int = 400,
    ) -> None:
        super().__init__(f"{code} {detail}")
        self.code, self.detail, self.element = code, detail, element
        self.message, self.kind, self.status = message or MESSAGES[code], kind, status

    def body(self) -> Obj:
        """The fault as bodies carry it, without the time."""
        error = {"Message": self.message, "Detail": self.detail or self.message, "code": self.code}
        return {"Fault": {"Error": [{**error, "element": self.element}], "type": self.kind}}


def answer(body: Any, status: int = 200) -> Reply:
    """A JSON answer with the header by which Intuit's support finds a call."""
    headers = {"content-type": "application/json;charset=UTF-8", "intuit_tid": f"1-{uuid.uuid4()}"}
    return Reply(status, encoded(body), headers)


def faulty(fault: QboFault, time: str) -> Reply:
    """The answer that tells of a fault."""
    return answer({**fault.body(), "time": time}, fault.status)


def unauthorized(ms: int, detail: str, status: int = 401) -> Refusal:
    """A 401 or 403: the gateway in front writes its fault in lower case."""
    code, kind = ("3200", "AUTHENTICATION") if status == 401 else ("3100", "AUTHORIZATION")
    error = {"message": MESSAGES[code], "detail": detail, "code": code, "element": None}
    body = {"warnings": None, "intuitObject": None, "fault": {"error": [error], "type": kind}}
    return Refusal(answer({**body, "report": None, "requestId": None, "time": ms, "status": None}, status))


def too_many(time: str) -> Reply:
    """A 429; no Retry-After is promised, the advice is to wait a minute."""
    fault = QboFault("3001", "The request limit was reached.", kind="THROTTLE", status=429)
    return faulty(fault, time)


def dressed(status: int, ms: int, time: str) -> Reply:
    """The answer to a scripted fault, worded as the vendor's gateway or service would."""
    if status in (401, 403):
        return unauthorized(ms, "Token expired" if status == 401 else "No access", status).reply
    if status == 429:
        return too_many(time)
    if status >= 502:
        return Reply(status, f"<html><head><title>{status}</title></head><body>Gateway error</body></html>")
    code, kind = ("10000", "SystemFault") if status >= 500 else ("6000", "ValidationFault")
    return faulty(QboFault(code, kind=kind, status=status), time)
