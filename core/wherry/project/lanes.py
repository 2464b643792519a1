"""Where things are settled and sent: the lanes of a project's flows, and the targets that drains send to."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from wherry.books.frozen import ENTITY
from wherry.errors import ConfigError
from wherry.http import Limit
from wherry.protocol.flight import Target
from wherry.protocol.steps import Approval, Lane, Outcome
from wherry.protocol.tally import Tally, plain
from wherry.records import Ref
from wherry.roles import AtomicSinkWriter, CallSinkWriter, Polled, SinkWriter
from wherry.settings import Flow, Project
from wherry.store import Store, audit, registry
from wherry.store.database import Tx
from wherry.store.ledger import ItemRow, Route

Settled = Callable[[int, Mapping[Ref, Outcome]], None]


class Lanes:
    """Makes lanes and targets of one project."""

    def __init__(self, project: Project, store: Store) -> None:
        self.project, self.store = project, store
        self.waits: Callable[[str, float], None] = lambda why, seconds: None
        """Told before a drain sleeps, and before a call waits long for its turn."""
        self.settled: Callable[[str, str, Mapping[str, Mapping[str, int]]], None] = lambda flow, run, fates: None
        """Told what a drain has settled of a flow: its records, kind → fate → number."""

    def held_up(self, connection: str, seconds: float, limit: Limit | None) -> None:
        """A call of a connection waits for its turn: what has used it up, for how long, until when."""
        zone = zoneinfo.ZoneInfo(self.project.timezone)
        until = (self.store.clock.now() + dt.timedelta(seconds=seconds)).astimezone(zone)
        why = f"asks to be left alone for {seconds:.0f} s" if limit is None else (
            f"takes {limit.count} such calls in {limit.seconds:.0f} s, and they are used up; waits {seconds:.0f} s"
        )  # fmt: skip
        self.waits(f"{connection} {why}, until {until:%H:%M:%S} …", seconds)

    def lane(
        self, flow: str, run: str, route: Route, sink: AtomicSinkWriter | CallSinkWriter, plugin: str
    ) -> Lane:  # fmt: skip
        """Where the items of a route are settled, with what of each flow needs a person's word."""
        if isinstance(sink, AtomicSinkWriter):
            return Lane(flow=flow, run=run, route=route, sink=sink, plugin=plugin)
        with self.store.read() as tx:
            bound = {row.id: f"{row.plugin}:{row.account_id}" for row in registry.all_connections(tx)}
            zone = self.project.timezone
            approvals = {name: approval_of(tx, one, zone) for name, one in self.project.flows.items()}
        identity = f"{bound.get(route.source, '')}>{bound.get(route.sink, '')}"
        return Lane(flow=flow, run=run, route=route, sink=sink, plugin=plugin, identity=identity, approvals=approvals)

    def subledger(self, flow: Flow, posting: Lane) -> Lane:
        """Where the movements of a flow that books are kept. Raises ConfigError where its sink keeps no journals."""
        from wherry.books import subledger
        from wherry.books.subledger import Subledger

        if posting.atomic is not None or ENTITY not in posting.sink.entities:
            raise ConfigError(
                f"flows.{flow.name}: {flow.sink} keeps no journals",
                fix='leave document = "journal" out, or choose another sink', code="WHERRY-2078",
                key=f"flows.{flow.name}.document",
            )  # fmt: skip
        kept, route = Subledger(flow.name, posting.route, posting.run, self.store.now), subledger.of(posting.route)
        return Lane(flow=posting.flow, run=posting.run, route=route, sink=kept, plugin=subledger.NAMESPACE)

    def target(self, name: str, run: str, sink: SinkWriter, settled: Settled, *, away: bool = False) -> Target | None:
        """Where the drain of a connection sends; None for a sink that is sent nothing, was never reached, or calls us
        and is not there now, unless ``away`` says that this does not matter."""
        if isinstance(sink, Polled) and not sink.present and not away:
            return None
        with self.store.read() as tx:
            row = registry.connection(tx, name)
        if row is None or not isinstance(sink, CallSinkWriter):
            return None
        made: dict[int, Lane] = {}

        def lane(source: int) -> Lane:
            if source not in made:
                made[source] = self.lane("", run, Route(source, row.id), sink, row.plugin)
            return made[source]

        def told(source: int, outcomes: Mapping[Ref, Outcome], items: Sequence[ItemRow]) -> None:
            settled(source, outcomes)
            self._told(run, outcomes, items)

        return Target(
            name=name, sink_id=row.id, account=row.account_id, sink=sink, store=self.store, lane=lane,
            beside=self.project.folder / ".wherry" / "calls-sent", settled=told, waits=self.waits,
        )  # fmt: skip

    def _told(self, run: str, outcomes: Mapping[Ref, Outcome], items: Sequence[ItemRow]) -> None:
        """Outside of runs an item is of the run that prepared it."""
        found: defaultdict[tuple[str, str], Tally] = defaultdict(Tally)
        for item in items:
            if item.root and item.ref in outcomes:
                found[item.flow, run or item.run].records[item.record_kind][outcomes[item.ref].fate] += 1
        for (flow, of_run), tally in found.items():
            self.settled(flow, of_run, plain(tally.records))


def approval_of(tx: Tx, flow: Flow, timezone: str) -> Approval:
    """The books begin on the day that the project file names, else on the one the flow was first activated, in the
    project's time zone: a pause that ends does not begin them anew."""
    books_from = flow.books_from.isoformat() if flow.books_from else _first_day(tx, flow.name, timezone)
    return Approval(required=flow.needs_approval, books_from=books_from)


def _first_day(tx: Tx, flow: str, timezone: str) -> str:
    """Empty for a flow that was never activated."""
    state = registry.flow_state(tx, flow)
    at = audit.first(tx, "flow.active", flow) or (state.at if state.state == "active" else "")
    return dt.datetime.fromisoformat(at).astimezone(zoneinfo.ZoneInfo(timezone)).date().isoformat() if at else ""
