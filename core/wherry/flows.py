"""Flows as operators handle them: list, show, activate, pause; and every change of their settings in the audit log."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec

from wherry import boundary, config_log
from wherry.errors import ConfigError, NotFound
from wherry.hub import Hub
from wherry.mapping import MapMapper, explain
from wherry.records import Record
from wherry.roles import Fetches
from wherry.store import audit, ledger, registry
from wherry.store.registry import FlowState
from wherry.tally import plain


def listed(hub: Hub) -> list[dict[str, Any]]:
    """Every flow with its state, its last run and what waits."""
    return [summary(hub, name) for name in sorted(hub.project.flows)]


def summary(hub: Hub, name: str) -> dict[str, Any]:
    flow = hub.wiring.flow(name)
    with hub.store.read() as tx:
        state, last = registry.flow_state(tx, name), registry.find_runs(tx, flow=name, limit=1)
        waiting, seen = ledger.count_open(tx, name), ledger.count_seen(tx, name)
        marks = {mark.kind: mark.saved_at for mark in registry.all_marks(tx) if mark.flow == name}
    return {
        "flow": name, "source": flow.source, "sink": flow.sink, "state": state.state, "since": state.since,
        "reason": state.reason, "by": state.by, "kinds": list(flow.kinds), "waiting": waiting, "seen": plain(seen),
        "last_sync": marks, "schedule": flow.schedule.model_dump(exclude_none=True) if flow.schedule else None,
        "last_run": {"run": last[0].id, "state": last[0].state, "started": last[0].started_at,
                     "finished": last[0].finished_at, "exit_code": last[0].exit_code} if last else None,
    }  # fmt: skip


def show(hub: Hub, name: str) -> dict[str, Any]:
    """The summary, the settings in full, and the pipelines with what became of their stages."""
    settings = hub.wiring.flow(name).model_dump(mode="json", exclude_defaults=True, warnings=False)
    return {**summary(hub, name), "settings": settings}


def check(hub: Hub, name: str) -> dict[str, Any]:
    """Whether a flow is fully configured: both ends answer, map and trigger compile. Raises what is wrong."""
    record_settings(hub)
    wired = hub.wiring.wire(name, "check")
    return {"flow": name, "kinds": sorted(wired.mappers), "source": wired.lane.route.source}


def activate(hub: Hub, name: str, since: dt.date | None = None) -> dict[str, Any]:
    """Put the flow on its schedule; only when it is fully configured (behaviour 001.45). Ends a pause.

    ``since`` must agree with ``changed_since`` of the project file, where the start date is kept.
    """
    flow = hub.wiring.flow(name)
    start = flow.changed_since.date() if isinstance(flow.changed_since, dt.datetime) else flow.changed_since
    if since is not None and start not in (None, since):
        raise ConfigError(
            f"flows.{name}.changed_since is {flow.changed_since}, not {since}",
            fix="change it in the project file: state never overrules settings", code="WHERRY-2080",
            key=f"flows.{name}.changed_since",
        )  # fmt: skip
    check(hub, name)
    return _change(hub, name, "active", since=str(since or flow.changed_since or ""))


def pause(hub: Hub, name: str, reason: str = "") -> dict[str, Any]:
    """Neither the schedule nor ``run`` starts the flow until it is activated again."""
    hub.wiring.flow(name)
    return _change(hub, name, "paused", reason=reason)


def _change(hub: Hub, name: str, state: str, *, since: str = "", reason: str = "") -> dict[str, Any]:
    now = hub.store.now()
    with hub.store.write() as tx:
        old = registry.flow_state(tx, name)
        new = msgspec.structs.replace(
            old, state=state, since=since or old.since, reason=reason, by=audit.actor(), at=now
        )
        registry.save_flow(tx, new)
        audit.write(tx, now, f"flow.{state}", name, {"before": old.state, "reason": reason, "since": new.since})
    return summary(hub, name)


def record_settings(hub: Hub) -> list[str]:
    """Note in the audit log which sections of the project file changed since they were last looked at."""
    return config_log.record(hub.store, hub.project, hub.wiring)


def state(hub: Hub, name: str) -> FlowState:
    with hub.store.read() as tx:
        return registry.flow_state(tx, name)


# -- maps --------------------------------------------------------------------------------------------------------------


def map_rows(hub: Hub, name: str) -> dict[str, list[dict[str, Any]]]:
    """Record kind → every line of its map: target, expression, and where it comes from."""
    flow = hub.wiring.flow(name)
    origin, source = hub.wiring.connection(flow.source), hub.wiring.source(flow.source)
    services = hub.wiring.services(origin)
    mappers = {kind: hub.plugins.mapper(flow, kind, origin, services) for kind in hub.wiring.kinds(flow, source)}
    return {
        kind: [msgspec.structs.asdict(row) for row in explain(mapper)] if isinstance(mapper, MapMapper) else []
        for kind, mapper in mappers.items()
    }


def map_preview(hub: Hub, name: str, record: str, kind: str = "") -> dict[str, Any]:
    """One record as it is read, and the drafts that the map makes of it. Writes nothing. Raises NotFound."""
    wired = hub.wiring.wire(name, "preview")
    kind = kind or next(iter(wired.mappers))
    if kind not in wired.mappers:
        raise NotFound(f"flow {name} reads no {kind}", fix=f"kinds: {', '.join(wired.mappers)}", code="WHERRY-3030")
    mapper, source = wired.mappers[kind], wired.source
    fields = mapper.fields.get(kind, ())
    found = boundary.fetch(source, kind, [record], fields) if isinstance(source, Fetches) else []
    if not found:
        raise NotFound(f"{wired.flow.source} has no {kind} {record}", code="WHERRY-3031", record=record)
    relatives = {k: fields for k, fields in mapper.fields.items() if k != kind}
    [whole] = boundary.complete(source, found, relatives)
    [skip] = boundary.triggers(source, mapper, [whole])
    drafts = boundary.drafts(mapper, whole)
    return {
        "flow": name, "kind": kind, "record": record, "passes": skip is None, "reason": skip.reason if skip else "",
        "fields": whole.fields, "relatives": {k: [_record_data(r) for r in rs] for k, rs in whole.relatives.items()},
        "drafts": [{"entity": d.entity, "key": d.key, "root": d.root, "body": d.body} for d in drafts],
    }  # fmt: skip


def _record_data(record: Record) -> dict[str, Any]:
    return {"id": record.id, **record.fields}
