"""What is recorded of a connection, and played again: whose account it is, what it describes, a page of each kind with
its relatives, and what the maps make of it. Nothing is written anywhere but the cassette.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import msgspec
from msgspec import Struct, field

from wherry.authoring.cassette import Cassette, Player, Recorder, cleaned
from wherry.authoring.cleaning import Cleaner
from wherry.errors import NotFound, Rejected
from wherry.hub import Hub
from wherry.project.wiring import Wiring
from wherry.protocol import boundary
from wherry.records import Draft, Record, Skip
from wherry.roles import (
    Account,
    CallSinkWriter,
    Connection,
    Describes,
    Fetches,
    FieldMapper,
    Lists,
    Query,
    Services,
    SourceConnector,
)
from wherry.settings import Flow, Project, find_project, load

MOST = 20
"""Records of each kind, unless another number was said."""


class Seen(Struct, kw_only=True):
    """A record as it was read, and what its map makes of it."""

    kind: str
    record: Record
    skip: Skip | None = None
    drafts: list[Draft] = field(default_factory=list)


class Session(Struct, kw_only=True):
    """What one session came to. ``listed`` is entity → how many things a target listed."""

    account: Account
    seen: list[Seen] = field(default_factory=list)
    listed: dict[str, int] = field(default_factory=dict)


def visit(wiring: Wiring, name: str, flow: Flow | None, kinds: Sequence[str], most: int) -> Session:
    """One session with a connection: the same calls whenever it is made, recorded or replayed."""
    if "source" not in wiring.plugins.require(wiring.connection(name).plugin).roles:
        return _target(wiring, name, most)
    source = wiring.source(name)
    session = Session(account=source.check())
    for kind in kinds or (wiring.kinds(flow) if flow else source.kinds):
        mapper = _mapper(wiring, name, flow, kind)
        if mapper is None and isinstance(source, Describes):
            source.describe(kind)
        session.seen += _read(source, mapper, kind, most)
    return session


def _target(wiring: Wiring, name: str, most: int) -> Session:
    sink = wiring.sink(name)
    session = Session(account=sink.check())
    if isinstance(sink, CallSinkWriter) and isinstance(sink, Lists):  # the embedded one's listing takes a transaction
        for entity in sink.entities:
            with suppress(Rejected):  # it has no list of documents, as a rule
                session.listed[entity] = len(list(islice(sink.listing(entity), most)))
    return session


def _mapper(wiring: Wiring, name: str, flow: Flow | None, kind: str) -> FieldMapper | None:
    connection = wiring.connection(name)
    return wiring.plugins.mapper(flow, kind, connection, wiring.services(connection)) if flow else None


def _read(source: SourceConnector, mapper: FieldMapper | None, kind: str, most: int) -> Iterator[Seen]:
    """The first records of a kind with their relatives, and each one again by its id, as a preview asks for it."""
    wanted = dict(mapper.fields) if mapper else {}
    relatives = {other: fields for other, fields in wanted.items() if other != kind}
    query = Query(kind=kind, fields=tuple(wanted.get(kind, ())), relatives=relatives)
    heads: list[Record] = []
    for page in boundary.pages(source, query):
        heads += page.records[: most - len(heads)]
        if len(heads) >= most:
            break
    if isinstance(source, Fetches) and heads:
        boundary.fetch(source, kind, [heads[0].id], query.fields)
    for start in range(0, len(heads), max(1, source.chunk)):
        for record in boundary.complete(source, heads[start : start + source.chunk], relatives):
            yield _mapped(source, mapper, kind, record)


def _mapped(source: SourceConnector, mapper: FieldMapper | None, kind: str, record: Record) -> Seen:
    if mapper is None:
        return Seen(kind=kind, record=record)
    [skip] = boundary.triggers(source, mapper, [record])
    made: list[Draft] | Skip = boundary.drafts(source, mapper, record) if skip is None else skip
    if isinstance(made, Skip):
        return Seen(kind=kind, record=record, skip=made)
    return Seen(kind=kind, record=record, drafts=made)


# -- record ------------------------------------------------------------------------------------------------------------


class _Nothing:
    """A cache that keeps nothing: what was asked for before the recording belongs on it too."""

    def get(self, key: str, max_age: float) -> Any | None:
        return None

    def set(self, key: str, value: Any) -> None:
        """Forgets it."""


class _Uncached(Wiring):
    def services(self, connection: Connection) -> Services:
        return msgspec.structs.replace(super().services(connection), cache=_Nothing())


class _Recording(Hub):
    """A project whose plugins remember nothing."""

    @cached_property
    def wiring(self) -> Wiring:
        self._defaults.wiring = made = _Uncached(self.project, self.plugins, self.store, self.clock)
        return made


def record(
    project: Project, name: str, *, flow: str = "", most: int = MOST, hide: Sequence[str] = ()
) -> tuple[Cassette, Session]:
    """A session with the real account, cleaned. Raises what the connection raises."""
    taken: list[tuple[httpx.Request, httpx.Response]] = []
    clean, chosen = Cleaner(hide), flow_of(project, name, flow)
    with _Recording(project) as hub:
        hub.wiring.through = lambda inner: Recorder(inner, taken)
        moment = hub.clock.now()
        session = visit(hub.wiring, name, chosen, (), most)
        plugin = hub.wiring.connection(name).plugin
    made = Cassette(
        plugin=plugin, version=hub.plugins.installed[plugin].version, connection=name, recorded=moment.isoformat(),
        flow=chosen.name if chosen else "", most=most, exchanges=cleaned(taken, clean),
        kinds=list(dict.fromkeys(one.kind for one in session.seen)),
    )  # fmt: skip
    made.replaced = clean.summary()
    return made, session


def flow_of(project: Project, connection: str, flow: str = "") -> Flow | None:
    """The flow that reads the connection: the one that is named, else the first. Raises NotFound."""
    mine = [one for one in project.flows.values() if one.source == connection]
    if not flow:
        return mine[0] if mine else None
    found = next((one for one in mine if one.name == flow), None)
    if found is None:
        known = ", ".join(one.name for one in mine) or "none"
        raise NotFound(f"no flow {flow} reads {connection}", fix=f"flows that do: {known}", code="WHERRY-3111")
    return found


# -- replay ------------------------------------------------------------------------------------------------------------


class StoppedClock:
    """The moment of a recording; it goes on only for those who wait."""

    def __init__(self, moment: dt.datetime) -> None:
        self._moment, self._gone = moment, 0.0

    def now(self) -> dt.datetime:
        """Aware, UTC."""
        return self._moment + dt.timedelta(seconds=self._gone)

    def monotonic(self) -> float:
        return self._gone

    def sleep(self, seconds: float) -> None:
        self._gone += max(0.0, seconds)


class _Offline(Wiring):
    """Connections that sign in nowhere: their calls never leave."""

    def credential(self, connection: Any) -> str:
        return ""

    def _auth(self, connection: Any, profile: Any) -> Any:
        return None


class _Replaying(Hub):
    """A project over a store of its own that is thrown away."""

    @cached_property
    def wiring(self) -> Wiring:
        self._defaults.wiring = made = _Offline(self.project, self.plugins, self.store, self.clock)
        return made


@contextmanager
def offline(cassette: Cassette, where: Path) -> Iterator[tuple[Hub, Player]]:
    """The project at the moment of the recording, behind the cassette. Secrets and variables need not be there."""
    file = find_project(where)
    with tempfile.TemporaryDirectory() as folder:
        kept = {"store.url": f"sqlite:///{folder}/replay.db", "store.files": f"{folder}/files"}
        project = load(file, _filled(file), kept)
        player = Player(cassette)
        with _Replaying(project, clock=StoppedClock(dt.datetime.fromisoformat(cassette.recorded))) as hub:
            hub.wiring.through = lambda inner: player
            yield hub, player


def _filled(file: Path) -> Mapping[str, str]:
    """The environment, with a stand-in for every variable that the project names and nobody set."""
    texts = [one.read_text("utf-8") for one in (file, file.with_name("wherry.local.toml")) if one.is_file()]
    named = re.findall(r"\$\{(\w+)\}|\benv\s*=\s*\"(\w+)\"", "\n".join(texts))
    filled = {
        name: "https://replay.invalid" if "URL" in name else "replayed-secret"
        for pair in named
        for name in pair
        if name
    }
    return {**filled, **{name: value for name, value in os.environ.items() if value}}


def replay(cassette: Cassette, where: Path, flow: str = "") -> tuple[Session, list[str]]:
    """The session again, offline; beside it the places that were asked otherwise than recorded."""
    with offline(cassette, where) as (hub, player):
        chosen = flow_of(hub.project, cassette.connection, flow or cassette.flow)
        session = visit(hub.wiring, cassette.connection, chosen, cassette.kinds, cassette.most)
        return session, list(dict.fromkeys(player.strayed))


def as_data(one: Seen) -> dict[str, Any]:
    """A record and its drafts, as ``map preview`` tells them."""
    related = {
        kind: [{"id": other.id, **other.fields} for other in some] for kind, some in one.record.relatives.items()
    }
    drafts = [{"entity": draft.entity, "key": draft.key, "root": draft.root, "body": msgspec.to_builtins(draft.body)}
              for draft in one.drafts]  # fmt: skip
    return {
        "kind": one.kind, "record": one.record.id, "passes": one.skip is None,
        "reason": one.skip.reason if one.skip else "", "fields": one.record.fields, "relatives": related,
        "drafts": drafts,
    }  # fmt: skip
