"""With what things that are ready leave: the next run, or whatever comes for them where a system calls us."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wherry.hub import Hub

RUN = "the next run"


def calls_us(hub: Hub, connection: str) -> bool:
    """Whether nothing can be sent there from here: its system comes for what is ready."""
    return with_what(hub, connection) != RUN


def with_what(hub: Hub, connection: str) -> str:
    """As it ends a sentence: ``the next run``, or ``the next update of the Web Connector``."""
    table = hub.project.connections.get(connection)
    manifest = hub.plugins.manifests.get(table.plugin) if table is not None else None
    return (manifest.leaves_with if manifest is not None else "") or RUN


def fetched(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """With what → how many things leave, of flows into systems that call us. ``rows``: a ``leaves_with``, and what is
    open, state → kind → number, less what waits for approval."""
    found: dict[str, int] = {}
    for row in rows:
        held = row.get("for_approval", {}).get("states", {}).get("queued", {})
        ready = sum(row.get("waiting", {}).get("queued", {}).values()) - sum(held.values())
        if ready > 0 and row.get("leaves_with", RUN) != RUN:
            found[row["leaves_with"]] = found.get(row["leaves_with"], 0) + ready
    return found
