"""What a process of a sweep does: one run of a flow, its clock costing nothing, and a note of what it then claims."""

from __future__ import annotations

import datetime as dt
import json
import logging
import mmap
import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa
import structlog
from msgspec import Struct, convert, field, to_builtins

from wherry.books.frozen import ENTITY
from wherry.entities import FORMS
from wherry.errors import TryAgain, WherryError
from wherry.http import pacing
from wherry.hub import Hub, Report
from wherry.operating import approvals, deciding
from wherry.plugins import loading
from wherry.plugins.installed import catalogue_of_installed
from wherry.settings import PROJECT_FILE
from wherry.simulator import Clock as SimulatorClock
from wherry.store import engines, ledger, locks, movements, registry
from wherry.store.database import Database, Tx
from wherry.store.tables import links
from wherry.testing.crashing import Crash, Probe, watch, watch_calls
from wherry.testing.scenario import FLOW

START = dt.datetime(2026, 7, 6, 9, 0, tzinfo=dt.UTC)


_WRITTEN = sa.select(links.c.entity, links.c.key, links.c.target).where(
    links.c.sink == sa.bindparam("sink"), links.c.target != ""
)
_PATIENCE = 3_000
"""Milliseconds that a writer waits for its turn: one whose process stands still keeps its turn for as long."""
LOG = "log"
"""The file of a bench's folder that its processes log to."""


class Document(Struct, frozen=True):
    """A document of a plugin."""

    plugin: str
    kind: str
    id: str
    body: dict[str, Any]


class Errand(Struct, kw_only=True):
    """The job of one process."""

    folder: str
    environ: dict[str, str]
    time: str
    """The file that holds the time all processes share."""
    note: str
    """The file in which the process says at its end what it claims."""
    flow: str = FLOW
    crashes: list[Crash] = field(default_factory=list)
    mutation: str = ""
    approves: bool = False
    """Whether a person approves, after the run, whatever waits for it."""
    thing: str = ""
    """What a person looked for, ``entity/key``."""
    target: str = ""
    """What he found of it; empty where there was nothing."""
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What is entered on the platform in the hub's own store: id → fields."""
    door: str = ""
    """Where a system that calls us is asked to come; empty where the target is sent calls by the run itself."""
    documents: list[Document] = field(default_factory=list)
    """What setting the sink up has left in its documents."""


class SharedTime:
    """Seconds since ``START`` in a file: whoever sleeps moves the time of all, simulators too."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(struct.pack("d", 0.0))
        with path.open("r+b") as handle:
            self._memory = mmap.mmap(handle.fileno(), 8)

    def passed(self) -> float:
        """Seconds since the beginning."""
        return float(struct.unpack("d", self._memory[:8])[0])

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._memory[:8] = struct.pack("d", self.passed() + seconds)

    def reset(self) -> None:
        """Back to the beginning."""
        self._memory[:8] = struct.pack("d", 0.0)


class HubClock:
    """``roles.Clock`` on the shared time. Nobody waits in earnest."""

    def __init__(self, time: SharedTime) -> None:
        self._time = time

    def now(self) -> dt.datetime:
        """Aware, UTC."""
        return START + dt.timedelta(seconds=self._time.passed())

    def monotonic(self) -> float:
        return self._time.passed()

    def sleep(self, seconds: float) -> None:
        self._time.advance(max(0.0, seconds))


class TargetClock(SimulatorClock):
    """A simulator's clock on the shared time."""

    def __init__(self, time: SharedTime) -> None:
        super().__init__(START)
        self._time = time
        self.moment: float | None = None
        """The moment at which something is done that was held back, although it is later already."""

    def now(self) -> float:
        return START.timestamp() + self._time.passed() if self.moment is None else self.moment

    def advance(self, seconds: float) -> float:
        self._time.advance(seconds)
        return self.now()


class Member(Struct, frozen=True):
    """A movement in the entry of that id in the target; ``minor`` is below zero where it takes another back."""

    target: str
    category: str
    minor: int


class Claims(Struct, kw_only=True):
    """What the hub says of its work, in its own words."""

    exit: int
    error: str = ""
    written: dict[str, str] = field(default_factory=dict)
    """``entity/key`` → the id in the target that it was written to."""
    open: dict[str, str] = field(default_factory=dict)
    """``entity/key`` → the state of what is not done."""
    reasons: dict[str, str] = field(default_factory=dict)
    points: list[str] = field(default_factory=list)
    """The crash points that were passed, in order."""
    members: list[Member] = field(default_factory=list)
    """The movements that stand in a written journal entry."""
    held: list[dict[str, Any]] = field(default_factory=list)
    """What the platform in the hub's own store holds, where that is the sink."""


def warm(told: dict[str, Any]) -> int:
    """Run the flow in the warm parent itself, so that its children find built what every process builds anew.

    What it opened is closed again: a child begins without store, lock and thread, as ever. What stays is what a service
    has before its first run: the same project with its plugins and maps, of which each child has its own copy.
    """
    _keep_what_is_built()
    errand = convert({**told, "mutation": ""}, Errand)
    used: list[Hub] = []
    code = _carried_out(errand, used.append)
    if used:
        ready = _ready[_project_of(errand)] = _opened_anew(errand)
        ready.wiring._maps.update(used[0].wiring._maps)
    pacing._shared.clear()
    return code


_ready: dict[str, Hub] = {}
"""Projects as they are before anything of their stores is opened, by what they were read from."""
_built: dict[str, sa.Engine] = {}


def _project_of(errand: Errand) -> str:
    return json.dumps([errand.folder, (Path(errand.folder) / PROJECT_FILE).read_text(), errand.environ, errand.time])


def _opened(errand: Errand) -> Hub:
    """A bug may lie in what reads a project, so it is read anew where one is planted."""
    found = None if errand.mutation or not _ready else _ready.pop(_project_of(errand), None)
    return found or _opened_anew(errand)


def _opened_anew(errand: Errand) -> Hub:
    return Hub.open(errand.folder, environ=errand.environ, clock=HubClock(SharedTime(Path(errand.time))))


def _keep_what_is_built() -> None:
    if _built:
        return
    installed, make = catalogue_of_installed(), Database.make_engine

    def made(self: Database) -> sa.Engine:
        url = self.url.render_as_string(hide_password=False)
        if url not in _built:
            _built[url] = make(self)
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return _built[url]

    Database.make_engine = made  # type: ignore[method-assign]
    vars(engines)["_PATIENCE"] = _PATIENCE
    vars(loading)["catalogue_of_installed"] = lambda wanted=None: installed


def run(told: dict[str, Any]) -> int:
    """Run the flow; the exit code is the run's."""
    return _carried_out(convert(told, Errand))


def _carried_out(errand: Errand, opened: Callable[[Hub], object] = lambda hub: None) -> int:
    _log_beside(Path(errand.folder))
    probe = Probe(errand.crashes)
    watch(probe)
    if errand.mutation:
        from wherry.testing.mutations import plant

        plant(errand.mutation)
    claims = _run(errand, opened)
    claims.points = probe.passed
    Path(errand.note).write_text(json.dumps(_plain(claims)))
    return claims.exit


def _log_beside(folder: Path) -> None:
    """Errors go into a file, which a replay shows; warnings of what a plan does to the hub are as they must be."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.WriteLoggerFactory(file=(folder / LOG).open("a")),
    )


def _plain(claims: Claims) -> dict[str, Any]:
    return {name: to_builtins(getattr(claims, name)) for name in claims.__struct_fields__}


def _run(errand: Errand, opened: Callable[[Hub], object]) -> Claims:
    claims = Claims(exit=0)
    try:
        with _opened(errand) as hub:
            vars(locks)["time"] = hub.clock  # what stands still in another process is not waited for in earnest
            opened(hub)
            _set_up(hub, errand.documents)
            report = _received(hub, errand) if errand.door else hub.run(errand.flow)
            if errand.approves and report.error is None:
                report = _approved(hub, errand.flow, report)
            claims.exit, claims.error = report.exit_code, report.error.message if report.error else ""
            state(hub, errand.flow, claims)
    except WherryError as error:
        claims.exit, claims.error = error.exit_code, error.message
    return claims


def _set_up(hub: Hub, wanted: Sequence[Document]) -> None:
    for one in wanted:
        with hub.store.documents(one.plugin) as documents:
            if not documents.get(one.kind, [one.id]):
                documents.put(one.kind, [(one.id, one.body)])


def _received(hub: Hub, errand: Errand) -> Report:
    """A run, and the visit of the system that it is for. Nobody knows whose it is before it came for the first time."""
    from wherry.testing.visits import receive

    watch_calls()
    report = hub.run(errand.flow)
    receive(hub, errand.flow, errand.door)
    if isinstance(report.error, TryAgain):
        report = hub.run(errand.flow)
        receive(hub, errand.flow, errand.door)
    return report


def _approved(hub: Hub, flow: str, report: Report) -> Report:
    """A person approves what waits for it; the run after it tells the source what was posted."""
    if not approvals.waiting(hub, flow)["items"]:
        return report
    found = approvals.approve(hub, flow)
    return msgspec.structs.replace(report, error=found.error) if found.error else hub.run(flow)


def export(told: dict[str, Any]) -> int:
    """What a fresh process finds: the claims, and the documents of a sink that lives in the store."""
    errand = convert(told, Errand)
    claims = Claims(exit=0)
    with _opened(errand) as hub:
        state(hub, errand.flow, claims)
        plugin = hub.project.connections[hub.wiring.flow(errand.flow).sink].plugin
        with hub.store.documents(plugin) as documents:
            for kind in ("customer", "product", "invoice"):
                claims.held += [{"kind": kind, "id": id, **body["fields"]} for id, body in documents.each(kind)]
    Path(errand.note).write_text(json.dumps(_plain(claims)))
    return 0


def enter(told: dict[str, Any]) -> int:
    """People enter or change ledger transactions on the platform that lies in the hub's own store."""
    errand = convert(told, Errand)
    with _opened(errand) as hub:
        changed = hub.clock.now().isoformat()
        with hub.store.documents("workspace") as documents:
            rows = [(id, {"fields": fields, "changed": changed}) for id, fields in errand.rows.items()]
            documents.put("ledger_transaction", rows)
            documents.put("workspace", [("self", {"id": "sweep"})])  # stamps, and so points, are the same in every plan
    return 0


def resolve(told: dict[str, Any]) -> int:
    """A person who has looked into the target says what became of a thing: it is that one there, or it is not there."""
    errand = convert(told, Errand)
    claims = Claims(exit=0)
    with _opened(errand) as hub:
        with hub.store.read() as tx:
            every = ledger.open_items(tx, flow=errand.flow)
        (item,) = [one for one in every if thing_of(one.entity, one.key) == errand.thing]
        if errand.target:
            deciding.adopt(hub, item.id, errand.target)
        else:
            deciding.send_again(hub, item.id)
        state(hub, errand.flow, claims)
    Path(errand.note).write_text(json.dumps(_plain(claims)))
    return 0


def state(hub: Hub, flow: str, claims: Claims) -> None:
    """What is said to be written, and what is said to be open: as ``wherry explain`` and ``errors list`` would."""
    with hub.store.read() as tx:
        for item in ledger.open_items(tx, flow=flow):
            thing = thing_of(item.entity, item.key)
            claims.open[thing], claims.reasons[thing] = item.state, item.reason
        sink = registry.connection(tx, hub.wiring.flow(flow).sink)
        for entity, key, target in tx.kept(_WRITTEN, {"sink": sink.id if sink else 0}):
            claims.written[thing_of(entity, key)] = str(target)
        claims.members = _members(tx, sink.id if sink else 0, flow, claims.written)


def thing_of(entity: str, key: str) -> str:
    """How plans and judges name a thing: an invoice is that, whatever document it becomes in the target."""
    return f"{'invoice' if entity in FORMS else entity}/{key}"


def _members(tx: Tx, sink: int, flow: str, written: Mapping[str, str]) -> list[Member]:
    """What the subledger of the flow says is in the entries that were written."""
    found = []
    for row in movements.of_flow(tx, sink, flow):
        if target := written.get(f"{ENTITY}/{row.entry}"):
            [debit] = [line for line in msgspec.json.decode(row.body)["lines"] if line["side"] == "debit"]
            found.append(Member(target, debit.get("category") or debit["account"], debit["amount"]["minor"]))
    return found
