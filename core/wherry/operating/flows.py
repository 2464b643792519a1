"""Flows as operators handle them: list, show, activate, pause; and every change of their settings in the audit log."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import msgspec
from msgspec import Struct

from wherry import plugins
from wherry.books import stuck
from wherry.entities import FORMS
from wherry.errors import AccessLost, ConfigError, NotFound, WherryError
from wherry.hub import Hub
from wherry.mapping import MapMapper, Row, explain
from wherry.mapping.layers import documents_of, outlines
from wherry.mapping.shapes import targets
from wherry.operating import barring
from wherry.project import config_log, unheeded
from wherry.project.defaults import Defaults
from wherry.project.wiring import Wiring
from wherry.protocol import blaming, boundary
from wherry.protocol.tally import plain
from wherry.records import Record, Skip
from wherry.roles import Fetches, FieldMapper, Narrows
from wherry.runs import dying, formers
from wherry.settings import Flow
from wherry.settings.load import refuse
from wherry.settings.mistakes import SECRET_UNREADABLE, UNKNOWN_NAME, UNSET_SECRET, Mistake, suggestion
from wherry.store import audit, homes, inquiries, leavings, ledger, registry
from wherry.store.ledger import Route
from wherry.store.registry import FlowState
from wherry.wording import a


def listed(hub: Hub) -> list[dict[str, Any]]:
    """Every flow with its state, its last run and what waits."""
    return [summary(hub, name) for name in sorted(hub.project.flows)]


def summary(hub: Hub, name: str) -> dict[str, Any]:
    flow = hub.wiring.flow(name)
    with hub.store.read() as tx:
        state, last = registry.flow_state(tx, name), registry.find_runs(tx, flow=name, limit=1)
        waiting, seen = ledger.count_open(tx, name), ledger.count_seen(tx, name)
        records = ledger.count_waiting(tx, name)
        approval = inquiries.for_approval(tx).get(name, inquiries.ForApproval())
        marks = {mark.kind: mark.saved_at for mark in registry.all_marks(tx) if mark.flow == name}
        blocked, kept = stuck.blocked(tx, flow), leavings.count_kept(tx, name)
    return {
        "flow": name, "source": flow.source, "sink": flow.sink, "state": state.state,
        "since": str(flow.changed_since or ""),
        "reason": state.reason, "by": state.by, "kinds": list(flow.kinds), "waiting": waiting,
        "records_waiting": records, "seen": plain(seen), "kept": kept,
        "approval": approval.number, "for_approval": msgspec.to_builtins(approval),
        "blocked": blocked, "last_sync": marks,
        "schedule": flow.schedule.model_dump(exclude_none=True) if flow.schedule else None,
        "last_run": {"run": last[0].id, "state": dying.state(hub.store, last[0]), "started": last[0].started_at,
                     "finished": last[0].finished_at, "exit_code": last[0].exit_code,
                     "error": last[0].summary.get("error")} if last else None,
    }  # fmt: skip


def show(hub: Hub, name: str) -> dict[str, Any]:
    """The summary, the settings in full, and the pipelines with what became of their stages."""
    flow = hub.wiring.flow(name)
    settings = flow.model_dump(mode="json", exclude_defaults=True, warnings=False)
    for shown, pipeline in zip(settings.get("pipelines", ()), flow.pipelines, strict=False):
        shown.setdefault("stages", list(pipeline.stages))
    return {**summary(hub, name), "settings": settings}


def check(hub: Hub, name: str) -> dict[str, Any]:
    """Whether a flow is fully configured: both ends answer, map and trigger compile. Raises what is wrong."""
    record_settings(hub)
    refuse(hub.project, list(_unknown_entities(hub, name)))
    wired = hub.wiring.wire(name, "check")
    return {"flow": name, "kinds": sorted(wired.mappers), "source": wired.lane.route.source}


class Checked(Struct, frozen=True):
    """Of settings that are in order, in words: what could not be checked, and what stands in a target in a form that
    its flow no longer makes."""

    not_checked: list[str]
    former: list[str]


def check_settings(hub: Hub) -> Checked:
    """Whether every flow's words are known and its maps, conditions and match rules compile; asks nobody outside.

    Raises ConfigError with every mistake.
    """
    refuse(hub.project, [mistake for name in hub.project.flows for mistake in _unknown_entities(hub, name)])
    defaults = Defaults()
    loaded = plugins.load(hub.project.plugins.enabled, hub.project.plugins.versions, defaults=[defaults])
    offline = defaults.wiring = _Offline(hub.project, loaded, hub.store, hub.clock)
    offline.unset = []
    found, open_ends = [], []
    for name in sorted(hub.project.flows):
        try:
            open_ends += list(_compiled(offline, name))
        except ConfigError as error:
            found.append(error)
    found += [*unheeded.unused(hub.project), *barring.mistakes(hub, offline)]
    rivals = [] if found else list(_rivals(offline))
    found += [two.error() for two in rivals if two.always]
    open_ends += [str(two) for two in rivals if not two.always]
    if found:
        raise _together(found)
    former = [said for name in sorted(hub.project.flows) for said in _former(offline, name)]
    return Checked([*dict.fromkeys(offline.unset), *open_ends], former)


def _former(wiring: Wiring, name: str) -> Iterator[str]:
    """What stands in the target in a form that the flow no longer makes."""
    flow = wiring.flow(name)
    with wiring.store.read() as tx:
        ends = [registry.connection(tx, end) for end in (flow.source, flow.sink)]
        if flow.books_journals or ends[0] is None or ends[1] is None:
            return
        route = Route(ends[0].id, ends[1].id)
        if any(homes.count(tx, route, name, kind, tuple(FORMS)) for kind in wiring.kinds(flow)):
            others = wiring.project.flows.keys() - {name}
            found = formers.of_flow(tx, route, flow, wiring.mappers(flow), others)
            yield from [found.says] if found is not None else []


class _Silent(Struct):
    """A source that nobody has asked yet: what it can be asked for, and nothing that it would have to look up."""

    kinds: Sequence[str]


class _Offline(Wiring):
    """A wiring that asks no account: what an account describes is not known. ``unset`` tells of missing secrets."""

    unset: list[str]

    def source(self, name: str) -> Any:
        try:
            return _Silent(super().source(name).kinds)
        except WherryError as error:
            if error.code not in (UNSET_SECRET, SECRET_UNREADABLE) and not isinstance(error, AccessLost):
                raise
            self.unset.append(f"signing in to {name}: {error.message}")
            return _Silent(self.plugins.require(self.project.connections[name].plugin).kinds)


def _compiled(wiring: Wiring, name: str) -> Iterator[str]:
    """Compile what a flow says; yields what only its account can tell."""
    flow = wiring.flow(name)
    origin = wiring.connection(flow.source)
    made = wiring.mappers(flow)
    unheeded.refuse(flow, made, wiring.plugins.manifests[origin.plugin].maps, barring.sink_of(wiring, flow.sink))
    mappers = list(made.values())
    for entity in flow.match:
        wiring.plugins.matcher(flow, origin, entity)
    described = [mapper for mapper in mappers if isinstance(mapper, MapMapper)]
    if described:
        yield f"fields, pipelines and stages of {name}: only {flow.source} can tell; wherry flow activate asks it"
    if len(described) < len(mappers):
        yield f"the maps of {name} that a plugin makes by itself"


class _Rivals(Struct, frozen=True):
    """Two flows between the same connections that make different things of a kind which both take."""

    one: Flow
    other: Flow
    kind: str

    @property
    def always(self) -> bool:
        """Whether one of them would leave out everything that it takes."""
        return _conditions(self.one) == _conditions(self.other)

    def error(self) -> ConfigError:
        return ConfigError(
            f"flows.{self.one.name} and flows.{self.other.name} both take every {self.kind.replace('_', ' ')} of "
            f"{self.one.source} into {self.one.sink}, where each goes once: as {self._once}",
            fix="take the kind out of one of them, or give them conditions that exclude each other, by when or filter",
            code="WHERRY-2651", key=f"flows.{self.other.name}.kinds",
        )  # fmt: skip

    @property
    def _once(self) -> str:
        return "a document or as a journal" if self.one.books_journals or self.other.books_journals else "one document"

    def __str__(self) -> str:
        kind = a(self.kind.replace("_", " "))
        return (f"which of {self.one.name} and {self.other.name} has {kind}: the first that takes it; none "
                f"goes into {self.one.sink} twice")  # fmt: skip


def _rivals(wiring: Wiring) -> Iterator[_Rivals]:
    flows = [flow for _, flow in sorted(wiring.project.flows.items())]
    kinds = {flow.name: wiring.kinds(flow) for flow in flows}
    for one, other in combinations(flows, 2):
        if (one.source, one.sink) == (other.source, other.sink):
            both = sorted(set(kinds[one.name]) & set(kinds[other.name]))
            yield from (_Rivals(one, other, kind) for kind in both if _differ(wiring, one, other, kind))


def _differ(wiring: Wiring, one: Flow, other: Flow, kind: str) -> bool:
    """Whether what a flow has made of a record keeps the other from it."""
    forms = {_form(wiring, flow, kind) for flow in (one, other)}
    return one.books_journals or other.books_journals or (len(forms) > 1 and "" not in forms)


def _form(wiring: Wiring, flow: Flow, kind: str) -> str:
    default = wiring.plugins.manifests[wiring.connection(flow.source).plugin].maps.get(kind)
    known = documents_of(outlines(kind, default)) if default else ()
    return (flow.document or known[0]) if known else ""


def _conditions(flow: Flow) -> tuple[Any, ...]:
    """What a record must be for a flow to take it."""
    return flow.when, flow.filter, flow.pipelines, flow.changed_since


def _unknown_entities(hub: Hub, name: str) -> Iterator[Mistake]:
    """Entities in tables by entity that no plugin of the project knows."""
    flow, known = hub.wiring.flow(name), hub.plugins.shapes()
    for key, table in (("repeat", flow.repeat), ("match", flow.match)):
        for entity in table:
            if entity and entity not in known:
                says = f"{entity!r} is nothing that can be made"
                yield Mistake(("flows", name, key, entity), says, suggestion(entity, known), UNKNOWN_NAME)


def _together(errors: Sequence[ConfigError]) -> ConfigError:
    """One error for those of several flows."""
    if len(errors) == 1:
        return errors[0]
    problems = [one for error in errors for one in error.where.get("problems") or [error.as_data()]]
    first = errors[0]
    message = f"{first.message} (and {len(errors) - 1} more)"
    return ConfigError(message, fix=first.fix, code=first.code, problems=problems)


def activate(hub: Hub, name: str, since: dt.date | None = None) -> dict[str, Any]:
    """Put the flow on its schedule; only when it is fully configured (behaviour 001.45). Ends a pause.

    ``since`` must be ``changed_since`` of the project file, where the start date is kept.
    """
    flow = hub.wiring.flow(name)
    start = flow.changed_since.date() if isinstance(flow.changed_since, dt.datetime) else flow.changed_since
    if since is not None and start != since:
        raise ConfigError(
            f"flows.{name}.changed_since is {flow.changed_since or 'not set'}, not {since}",
            fix=f"write changed_since = {since} in the project file: state never overrules settings",
            code="WHERRY-2080",
            key=f"flows.{name}.changed_since",
        )  # fmt: skip
    check(hub, name)
    return _change(hub, name, "active", since=str(flow.changed_since or ""))


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
        if not (old.state == state == "active" and new.since == old.since):  # else a script that says it once more
            registry.save_flow(tx, new)
            audit.write(tx, now, f"flow.{state}", name, {"before": old.state, "reason": reason, "since": new.since})
    return summary(hub, name)


def record_settings(hub: Hub) -> list[str]:
    """Note in the audit log which sections of the project file changed since they were last looked at."""
    return config_log.record(hub.store, hub.project, hub.wiring)


def state(hub: Hub, name: str) -> FlowState:
    with hub.store.read() as tx:
        return registry.flow_state(tx, name)


def check_fields(hub: Hub, name: str, fields: Sequence[str]) -> None:
    """Whether the fields that a re-sync names are fields of what the flow makes. Raises ConfigError with the nearest.

    ``custom.NAME`` is a custom field that the flow's map fills.
    """
    if not fields:
        return
    mappers = hub.wiring.mappers(hub.wiring.flow(name)).values()
    known = [field for mapper in mappers for field in _fields_of(hub, mapper)]
    for field in fields:
        if field not in known:
            raise ConfigError(f"flow {name} makes nothing with a field {field!r}", code="WHERRY-2084", flow=name,
                              fix=suggestion(field, dict.fromkeys(known)))  # fmt: skip


def _fields_of(hub: Hub, mapper: Any) -> list[str]:
    """The fields of a mapper's root, with the custom ones that a map as data fills."""
    root = str(mapper.root) if isinstance(mapper, Narrows) else ""
    shape = hub.plugins.shapes().get(root)
    rows = explain(mapper) if isinstance(mapper, MapMapper) else []
    custom = [row.target.removeprefix(f"{root}.") for row in rows if row.target.startswith(f"{root}.custom.")]
    return [*(targets(shape) if shape else ()), *custom]


# -- maps --------------------------------------------------------------------------------------------------------------


def map_rows(hub: Hub, name: str) -> dict[str, list[dict[str, Any]]]:
    """Record kind → every line of its map: target, expression, and where it comes from."""
    mappers = hub.wiring.mappers(hub.wiring.flow(name))
    return {kind: [msgspec.structs.asdict(row) for row in _rows(mapper)] for kind, mapper in mappers.items()}


def _rows(mapper: FieldMapper) -> list[Row]:
    """The lines of a map as data; of a plugin's own mapper what it makes, where it says so, and what it reads."""
    if isinstance(mapper, MapMapper):
        return explain(mapper)
    plugin = blaming.maker(mapper)[0]
    made = [Row(entity, "", f"made by plugin {plugin}") for entity in mapper.entities] \
        if isinstance(mapper, Narrows) else []  # fmt: skip
    read = [(f"{kind}.{name}" if name else f"{kind}, whole") for kind, names in mapper.fields.items()
            for name in names or ("",)]  # fmt: skip
    return [*made, *(Row("", field, f"read by plugin {plugin}") for field in read)]


def map_preview(hub: Hub, name: str, record: str, kind: str = "") -> dict[str, Any]:
    """One record as it is read, and the drafts that the map makes of it. Writes nothing. Raises NotFound."""
    wired = hub.wiring.wire(name, "preview")
    kind = kind.replace("-", "_") or next(iter(wired.mappers))
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
    made = boundary.drafts(source, mapper, whole)
    skip, drafts = (made, []) if isinstance(made, Skip) else (skip, made)
    return {
        "flow": name, "kind": kind, "record": record, "passes": skip is None, "reason": skip.reason if skip else "",
        "fields": whole.fields, "relatives": {k: [_record_data(r) for r in rs] for k, rs in whole.relatives.items()},
        "drafts": [{"entity": d.entity, "key": d.key, "root": d.root, "body": d.body} for d in drafts],
    }  # fmt: skip


def _record_data(record: Record) -> dict[str, Any]:
    return {"id": record.id, **record.fields}
