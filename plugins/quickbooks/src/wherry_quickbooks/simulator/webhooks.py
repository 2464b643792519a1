"""Webhooks in both body shapes, signed over their bytes. They carry ids only, and may come twice."""

import base64
import datetime as dt
import hashlib
import hmac
import uuid
from collections.abc import Iterable, Mapping

from .company import PAST, Change
from .values import Obj, encoded

OPERATIONS = {"Create": "Create", "Update": "Update", "Delete": "Delete", "Void": "Void"}
SHAPES = ("legacy", "cloudevents")


def signature(verifier: str, body: bytes) -> str:
    """The value of ``intuit-signature``: base64 of an HMAC-SHA256 over the raw body."""
    return base64.b64encode(hmac.new(verifier.encode(), body, hashlib.sha256).digest()).decode()


def delivery(changes: Mapping[str, Iterable[Change]], shape: str, verifier: str) -> tuple[bytes, dict[str, str]]:
    """Body and headers of one delivery: company → its changes."""
    if shape not in SHAPES:
        raise ValueError(f"unknown shape {shape!r}; known: {', '.join(SHAPES)}")
    body = encoded(_legacy(changes) if shape == "legacy" else _events(changes))
    return body, {"content-type": "application/json", "intuit-signature": signature(verifier, body)}


def _legacy(changes: Mapping[str, Iterable[Change]]) -> Obj:
    return {
        "eventNotifications": [
            {"realmId": realm, "dataChangeEvent": {"entities": [_entity(change) for change in own]}}
            for realm, own in changes.items()
        ]
    }


def _entity(change: Change) -> Obj:
    when = _utc(change.at).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"name": change.kind, "id": change.id, "operation": OPERATIONS[change.operation], "lastUpdated": when}


def _events(changes: Mapping[str, Iterable[Change]]) -> list[Obj]:
    return [_event(realm, change) for realm, own in changes.items() for change in own]


def _event(realm: str, change: Change) -> Obj:
    return {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": "intuit.simulator",
        "type": f"qbo.{change.kind.lower()}.{PAST[change.operation]}.v1",
        "datacontenttype": "application/json",
        # Nine digits of fraction, as Intuit sends them: Python's datetime cannot read them.
        "time": _utc(change.at).strftime("%Y-%m-%dT%H:%M:%S.%f") + "333Z",
        "intuitentityid": change.id,
        "intuitaccountid": realm,
        "data": {},
    }


def _utc(at: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(at, dt.UTC)
