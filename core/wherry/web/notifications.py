"""What systems told of changes by webhook: kept once each, a bounded number, until a run has read what they hint at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from wherry.hub import Hub
from wherry.store import Store, registry
from wherry.store.database import Tx
from wherry.store.documents import DocumentView
from wherry.web.routes import Notification

NAMESPACE, KIND = "web", "notification"
MOST = 10_000
"""Notifications kept, the latest: a flood must not fill the store, and what they hint at is read anyway."""


def keep(store: Store, told: Sequence[Notification], most: int = MOST) -> int:
    """Keep what is new of these, drop the oldest beyond ``most``; how many were new. Durable when it returns."""
    by_id = {f"{one.connection}/{one.id}": one for one in told}
    with store.documents(NAMESPACE) as documents:
        known = documents.get(KIND, by_id)
        received = store.now()
        fresh = [
            (id, {**msgspec.structs.asdict(one), "received": received}) for id, one in by_id.items() if id not in known
        ]
        documents.put(KIND, fresh)
        surplus = documents.count(KIND) - most if fresh else 0
        if surplus > 0:
            documents.remove(KIND, [id for _, id, _ in documents.changed(KIND, 0, surplus)])
    return len(fresh)


def listed(hub: Hub, limit: int = 100, skip: int = 0) -> list[dict[str, Any]]:
    """The latest first, each with ``read``: when a run began that has read what it hints at, empty until then.

    Where several flows read from a connection, the one that lags most counts. A run that failed may have read nothing.
    """
    with hub.store.read() as tx:
        documents = DocumentView(tx, NAMESPACE)
        rows = [body for _, body in documents.each(KIND)][::-1][skip : skip + limit]
        began = {name: _last_read(tx, name) for name in hub.project.flows}
    sources = {name: flow.source for name, flow in hub.project.flows.items()}
    by_source = {
        source: min(at for name, at in began.items() if sources[name] == source) for source in set(sources.values())
    }
    return [{**body, "read": _after(body["received"], by_source.get(body["connection"], ""))} for body in rows]


def _last_read(tx: Tx, flow: str) -> str:
    """When the last run began that read the source, or reads it now; empty where there was none of late."""
    runs = registry.find_runs(tx, flow=flow, limit=20, whole=True)
    return next((run.started_at for run in runs if run.state in ("ok", "running")), "")


def _after(received: str, began: str) -> str:
    return began if began >= received else ""
