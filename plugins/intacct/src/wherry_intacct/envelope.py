"""The frame of requests and answers, with its three levels of status. Knows no records.

Facts: the order in ``control`` is fixed; ``uniqueid`` has the gateway refuse a function whose ``controlid`` was
completed before, and is always said; ``transaction`` false lets each function stand alone. Where the level of control
or of authentication fails no function was executed; the words are in ``description2``, with a Support ID behind them
(API.md; Sage's page on error handling).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from lxml import etree
from msgspec import Struct, field
from wherry.redaction import scrub

from .xml import Obj, element, parsed, text, unreadable, written

PATH = "ia/xml/xmlgw.phtml"
HEADERS = {"Content-Type": "application/xml", "Accept": "application/xml"}
THROTTLED = "GW-0010"
NOBODY, SIGN = b"<senderid/><password/>", b"<authentication/>"
"""What a request has in the places of its credentials, until it is signed."""
_FINE = 300
_TRACE = re.compile(r"\s*\[(?:Support|Request) ID: [^\]]*\]")


class Fault(Struct, frozen=True):
    """The errors of one level: the number of the first, the words of all."""

    number: str
    text: str = ""
    correction: str = ""


class Result(Struct, kw_only=True):
    """What became of one function. ``rows`` are the records of its ``data``, field → text."""

    status: str
    control: str
    key: str = ""
    rows: list[dict[str, str]] = field(default_factory=list)
    remaining: int = 0
    fault: Fault = Fault("")


class Told(Struct, kw_only=True):
    """An answer. ``failed`` is the level that failed, empty where the functions were come to."""

    failed: str = ""
    fault: Fault = Fault("")
    company: str = ""
    entity: str = ""
    results: list[Result] = field(default_factory=list)


def framed(functions: Iterable[tuple[str, Obj]], *, control: str, unique: bool) -> bytes:
    """A request of functions (control ID, content), its credentials left out: what is kept of it has no secret."""
    content = [{"@controlid": id, **function} for id, function in functions]
    told = {
        "control": {
            "senderid": {}, "password": {}, "controlid": control, "uniqueid": "true" if unique else "false",
            "dtdversion": "3.0", "includewhitespace": "false",
        },
        "operation": {"@transaction": "false", "authentication": {}, "content": {"function": content}},
    }  # fmt: skip
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + written(element("request", told))


def signed(body: bytes, sender: str, password: str, sign: Obj) -> bytes:
    """The request with its credentials."""
    who = written(element("x", {"senderid": sender, "password": password}))[3:-4]
    return body.replace(NOBODY, who, 1).replace(SIGN, written(element("authentication", sign)), 1)


def told(content: bytes) -> Told:
    """What an answer says. Raises TryAgain for what is none."""
    root = parsed(content)
    control, operation = root.find("control"), root.find("operation")
    if root.tag != "response" or control is None:
        raise unreadable(f"it is a <{str(root.tag)[:40]}>")
    if text(control, "status") != "success":
        return Told(failed="control", fault=_fault(root))
    if operation is None:
        raise unreadable("it has no operation")
    whose = operation.find("authentication")
    if text(whose, "status") != "success":
        return Told(failed="authentication", fault=_fault(operation))
    return Told(
        company=text(whose, "companyid"), entity=text(whose, "locationid"),
        results=[_result(one) for one in operation.findall("result")],
    )  # fmt: skip


def _result(one: etree._Element) -> Result:
    data = one.find("data")
    rows = [] if data is None else [{str(part.tag): text(part, ".") for part in row} for row in data]
    left: Any = "0" if data is None else data.get("numremaining") or "0"
    return Result(
        status=text(one, "status"), control=text(one, "controlid"), key=text(one, "key"), rows=rows,
        remaining=int(left) if left.isdecimal() else 0, fault=_fault(one),
    )  # fmt: skip


def _fault(part: etree._Element) -> Fault:
    errors = part.findall("errormessage/error")
    words = [text(one, "description2") or text(one, "description") for one in errors]
    plain = [told for one in words if (told := _TRACE.sub("", one).strip())]
    number = text(errors[0], "errorno") if errors else ""
    hint = next((told for one in errors if (told := text(one, "correction"))), "")
    # It may say anything, and is shown to people.
    return Fault(number, scrub(" ".join(dict.fromkeys(plain)))[:_FINE], scrub(hint)[:_FINE])
