"""Systems that call us: when each was here last (``contact``), what it was refused, and whether it is silent."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec

from wherry.contact import CONTACT, Contact
from wherry.hub import Hub
from wherry.redaction import clean
from wherry.store.documents import DocumentView


def listed(hub: Hub, name: str = "") -> list[dict[str, Any]]:
    """Each connection whose system calls us, or the one of this name; asks nobody. ``to_do`` is empty where all is
    well."""
    tables = {one: table.plugin for one, table in sorted(hub.project.connections.items()) if name in ("", one)}
    with hub.store.read() as tx:
        kept = {one: DocumentView(tx, plugin).get(CONTACT, [one]).get(one) for one, plugin in tables.items()
                if plugin in hub.plugins.manifests and hub.plugins.manifests[plugin].leaves_with}  # fmt: skip
    return [row for one, body in kept.items() if body is not None and (row := _row(hub, one, body)) is not None]


def _row(hub: Hub, connection: str, body: dict[str, Any]) -> dict[str, Any] | None:
    try:
        contact = msgspec.convert(body, Contact)
    except msgspec.ValidationError:
        return None
    silent = _is_silent(contact, hub.clock.now())
    return {"connection": connection, **clean(msgspec.to_builtins(contact)), "silent": silent,
            "to_do": contact.fix or (contact.see if silent or contact.problem else "")}  # fmt: skip


def _is_silent(contact: Contact, now: dt.datetime) -> bool:
    if not contact.seen_at or not contact.silent_after:
        return False
    return now - dt.datetime.fromisoformat(contact.seen_at) > dt.timedelta(seconds=contact.silent_after)
