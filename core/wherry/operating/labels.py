"""What people call the things that a list of events is about: the number of a document, the name of the rest."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from wherry.hub import Hub
from wherry.records import Ref
from wherry.store import exported, ledger, movements, registry
from wherry.store.database import Tx
from wherry.store.ledger import Event, LinkRow, Route


def labelled(hub: Hub, tx: Tx, events: Iterable[Event]) -> list[dict[str, Any]]:
    """The events as data, each with the ``label`` of its thing as it is called now; empty where nothing tells."""
    rows = list(events)
    names: dict[str, dict[Ref, str]] = {flow: _labels(hub, tx, flow, rows) for flow in {row.flow for row in rows}}
    return [{**msgspec.to_builtins(row), "label": names[row.flow].get(Ref(row.entity, row.key), "")} for row in rows]


def _labels(hub: Hub, tx: Tx, flow: str, rows: Iterable[Event]) -> dict[Ref, str]:
    refs = {Ref(row.entity, row.key) for row in rows if row.flow == flow and row.entity}
    found: dict[Ref, str] = {}
    for route in _routes(hub, tx, flow):
        found |= {ref: _called(tx, link) for ref, link in ledger.find_links(tx, route, refs).items()}
        found |= {ref: item.label for ref, item in ledger.find_items(tx, route, refs).items()}
    return found


def _routes(hub: Hub, tx: Tx, flow: str) -> list[Route]:
    """Where a flow's things are kept: at its target, and in the subledger of what it books there."""
    settings = hub.project.flows.get(flow)
    ends = [registry.connection(tx, name) for name in (settings.source, settings.sink)] if settings else []
    ids = [end.id for end in ends if end is not None]
    return [Route(ids[0], ids[1]), Route(ids[0], -ids[1])] if len(ids) == 2 else []


def _called(tx: Tx, link: LinkRow) -> str:
    if link.entity == "movement":
        return movements.reference_of(tx, link.target) if link.target else ""
    return exported.said(link, "name") or exported.said(link, "number")
