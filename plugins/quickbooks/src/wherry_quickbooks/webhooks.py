"""Webhooks of QuickBooks Online: whether a delivery is Intuit's, and what it tells. Pure functions over its raw bytes.

Facts: the header ``intuit-signature`` is base64 of an HMAC-SHA256 over the raw body, keyed with the app's verifier
token. Two shapes are in use: ``eventNotifications`` and, since 2025, an array of CloudEvents. A delivery may speak of
several companies, come twice and out of order, and carries ids only: what it names is read again.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec import Struct
from wherry.errors import Rejected

HEADER = "intuit-signature"
MOST = 1 << 20
"""Bytes: a delivery that is longer is none."""
_CASES = (
    "Account", "Bill", "BillPayment", "Budget", "Class", "CompanyCurrency", "CompanyInfo", "CreditMemo", "Currency",
    "Customer", "Department", "Deposit", "Employee", "Estimate", "ExchangeRate", "Invoice", "Item", "JournalCode",
    "JournalEntry", "Payment", "PaymentMethod", "Preferences", "Purchase", "PurchaseOrder", "RefundReceipt",
    "SalesReceipt", "TaxAgency", "TaxCode", "TaxRate", "Term", "TimeActivity", "Transfer", "Vendor", "VendorCredit",
)  # fmt: skip
ENTITIES = {name.lower(): name for name in _CASES}
"""CloudEvents name entities in lower case; here is how they are spelt everywhere else."""
OPERATIONS = {
    "create": "created", "update": "updated", "delete": "deleted", "merge": "merged", "void": "voided",
    "emailed": "emailed",
}  # fmt: skip
"""What happened, in the words of the older shape and of ours, which are those of CloudEvents."""
_TYPE = re.compile(r"qbo\.(?P<entity>[a-z0-9_]+)\.(?P<operation>[a-z_]+)\.v\d+", re.IGNORECASE)


class Event(Struct, frozen=True):
    """One thing that changed. ``id`` tells a repeated delivery: Intuit's own where it sends one, else made of the rest.

    ``operation`` is ``created``, ``updated``, ``deleted``, ``merged``, ``voided`` or ``emailed``, else Intuit's word in
    lower case. ``time`` is aware, UTC, in microseconds.
    """

    id: str
    realm: str
    entity: str
    entity_id: str
    operation: str
    time: dt.datetime


def verify(body: bytes, signature: str, tokens: Iterable[str]) -> bool:
    """Whether one of the verifier tokens signed these raw bytes. Two are live while one is being replaced.

    Takes the same time for every signature of a length: all tokens are tried. Raises nothing, whatever the header is.
    """
    given = _unpacked(signature)
    good = False
    for token in tokens:
        if token:
            good |= hmac.compare_digest(hmac.digest(token.encode(), body, "sha256"), given)
    return good


def _unpacked(signature: str) -> bytes:
    try:
        return base64.b64decode(signature.strip().encode("ascii"), validate=True)
    except (ValueError, binascii.Error):
        return b""


def events(body: bytes) -> list[Event]:
    """What a delivery tells, in its order, each event once. Call ``verify`` on the same bytes before.

    Raises Rejected where the body is neither of the two shapes, or an event of it names no company, entity or time.
    """
    if len(body) > MOST:
        raise _strange(f"it has {len(body)} bytes")
    try:
        said = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _strange("it is no JSON") from None
    found = _of_clouds(said) if isinstance(said, list) else _of_notifications(said)
    return list({event.id: event for event in found}.values())


def _of_clouds(said: list[Any]) -> Iterator[Event]:
    for one in said:
        kind = _TYPE.fullmatch(_text(one, "type"))
        if kind is None:
            raise _strange(f"an event has the type {_text(one, 'type')[:60]!r}")
        entity = ENTITIES.get(kind["entity"].lower(), kind["entity"])
        yield _event(
            _text(one, "id", needed=False), _text(one, "intuitaccountid"), entity, _text(one, "intuitentityid"),
            kind["operation"], _text(one, "time"),
        )  # fmt: skip


def _of_notifications(said: Any) -> Iterator[Event]:
    for company in _list(said, "eventNotifications"):
        realm = _text(company, "realmId")
        for one in _list(company.get("dataChangeEvent"), "entities"):
            yield _event(
                "", realm, _text(one, "name"), _text(one, "id"), _text(one, "operation"), _text(one, "lastUpdated")
            )


def _event(id: str, realm: str, entity: str, entity_id: str, operation: str, time: str) -> Event:
    done = OPERATIONS.get(operation.lower(), operation.lower())
    key = id or hashlib.sha256("\n".join((realm, entity, entity_id, done, time)).encode()).hexdigest()[:32]
    return Event(key, realm, entity, entity_id, done, moment(time))


def moment(text: str) -> dt.datetime:
    """An ISO 8601 time, its fraction of any length cut to microseconds, as aware UTC. Raises Rejected."""
    try:
        if "T" not in text.upper():
            raise ValueError(text)
        found = dt.datetime.fromisoformat(text.strip())
        return (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise _strange(f"{text[:40]!r} is no time") from None


def _text(said: Any, name: str, *, needed: bool = True) -> str:
    value = said.get(name) if isinstance(said, dict) else None
    if isinstance(value, str) and value:
        return value
    if needed or value not in (None, ""):
        raise _strange(f"an event has no {name}")
    return ""


def _list(said: Any, name: str) -> list[Any]:
    value = said.get(name) if isinstance(said, dict) else None
    if not isinstance(value, list):
        raise _strange(f"{name} is missing")
    return value


def _strange(why: str) -> Rejected:
    return Rejected(
        f"a webhook delivery is not one of QuickBooks Online: {why}",
        fix="nothing was lost: the next run reads what changed; if it stays, look for a newer QuickBooks plugin",
        code="WHERRY-4752",
    )  # fmt: skip
