"""Asking the stand-in's company file, and taking its answers apart; used by the tests of both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lxml import etree
from wherry.simulator import Clock
from wherry_qbwc.simulator import QbwcSimulator
from wherry_qbwc.simulator.program import Session

NOON = "2026-04-01T20:00:00+00:00"
"""Noon in the zone of the company file."""


def desktop(**told: Any) -> QbwcSimulator:
    """A computer whose clock stands still."""
    return QbwcSimulator(clock=Clock(NOON), **told)


def set_of(*requests: str, version: str = "13.0", on_error: str = "stopOnError", **ids: str) -> str:
    """A message set of requests that are written out."""
    told = "".join(f' {name}="{value}"' for name, value in ids.items())
    return (f'<?xml version="1.0" encoding="utf-8"?><?qbxml version="{version}"?>'
            f'<QBXML><QBXMLMsgsRq onError="{on_error}"{told}>{"".join(requests)}</QBXMLMsgsRq></QBXML>')  # fmt: skip


def answers(told: str) -> etree._Element:
    """The QBXMLMsgsRs of a response."""
    return etree.fromstring(told.encode())[0]


def ask(session: Session | QbwcSimulator, *requests: str, **told: str) -> list[etree._Element]:
    """The answers to requests."""
    return list(answers(session.execute(set_of(*requests, **told))))


def one(session: Session | QbwcSimulator, request: str) -> etree._Element:
    """The answer to one request."""
    (answer,) = ask(session, request)
    return answer


def code(answer: etree._Element) -> tuple[int, str]:
    """Status and severity."""
    return int(answer.get("statusCode", "")), answer.get("statusSeverity", "")


def row(answer: etree._Element) -> etree._Element:
    """The first row of an answer that went well."""
    assert answer.get("statusCode") == "0", answer.get("statusMessage")
    return answer[0]


def xml(name: str, told: Mapping[str, Any] | str) -> str:
    """An element from plain data: a mapping holds children, a list repeats the element."""
    if isinstance(told, list):
        return "".join(xml(name, each) for each in told)
    inside = told if isinstance(told, str) else "".join(xml(key, value) for key, value in told.items())
    return f"<{name}>{inside}</{name}>"


def rq(name: str, told: Mapping[str, Any], attributes: str = 'requestID="1"') -> str:
    """A request; an Add or Mod gets its wrapper."""
    body = xml(name, told) if name.endswith(("Add", "Mod")) else "".join(xml(key, each) for key, each in told.items())
    return f"<{name}Rq {attributes}>{body}</{name}Rq>"


def order(**told: Any) -> dict[str, Any]:
    """The body of a sales order of two lines, 349.90 together."""
    return {
        "CustomerRef": {"FullName": "Cook, Brian"},
        "TxnDate": "2026-03-31",
        "RefNumber": "INV-1042",
        "Memo": "stamp-1",
        **told,
        "SalesOrderLineAdd": [
            {"ItemRef": {"FullName": "Consulting"}, "Quantity": "1"},
            {"ItemRef": {"FullName": "Panel"}, "Desc": "Roof", "Quantity": "2", "Rate": "99.95"},
        ],
    }
