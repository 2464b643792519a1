"""Books for tests of the drain: the kit's platform and target, one clock for both, and processes that die on request.

Every run opens the project anew, as a command does. What was done is told by the target's own history.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from wherry.hub import Hub, Report
from wherry.protocol import flight, rows, writing
from wherry.protocol.drain import Drain
from wherry.protocol.steps import Lane
from wherry.records import Answer, Ref
from wherry.simulator import Clock, serve
from wherry.store import Store, calls, ledger
from wherry.store import tables as t
from wherry.store.calls import CallRow, OpenItem
from wherry.store.database import Tx
from wherry.store.ledger import ItemRow, LinkRow, Route
from wherry.testing import target_sink
from wherry.testing.services import SharedClock
from wherry.testing.shelf import Shelf
from wherry.testing.target import Ability, Target
from wherry.testing.target_sink import TargetSink

START = "2026-07-06T09:00:00Z"
TOKEN = "drain-canary-41c7"
PROJECT = """
version = 1
[project]
name = "drained"
timezone = "Europe/London"
currency = "GBP"
[plugins]
enabled = ["kit-source", "kit-target"]
[store]
url = "{store}"
[connections.shelf]
plugin = "kit-source"
folder = "{folder}"
chunk = 50
[connections.books]
plugin = "kit-target"
base_url = "{url}"
ability = "{ability}"
batch = {batch}
settle = {settle}
auth = {{ kind = "token", token = {{ env = "BOOKS_TOKEN" }} }}
{flows}
"""
FLOW = """
[flows.{name}]
source = "shelf"
sink = "books"
kinds = ["invoice"]
repeat = "always"
{more}
"""
Row = dict[str, Any]
ROUTE = Route(1, 2)


class Crash(BaseException):
    """The process is gone: whatever it had not committed or sent never was."""


def crash() -> None:
    """Die here."""
    raise Crash


class Tide(SharedClock):
    """The clock of target and hub. Whoever sleeps moves it; what is to happen on the way happens at its moment."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.tide, self.slept = clock, list[float]()
        self._coming: list[tuple[float, Callable[[], object]]] = []

    def at(self, seconds: float, event: Callable[[], object]) -> None:
        """Let something happen so many seconds from now."""
        self._coming.append((self.tide.now() + seconds, event))

    def forget(self, event: Callable[[], object]) -> None:
        """It does not happen after all."""
        self._coming = [one for one in self._coming if one[1] is not event]

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        until = self.tide.now() + max(0.0, seconds)
        for one in sorted(self._coming, key=lambda one: one[0]):
            if one[0] <= until and one in self._coming:
                self._coming.remove(one)
                self.tide.advance(max(0.0, one[0] - self.tide.now()))
                one[1]()
        self.tide.advance(max(0.0, until - self.tide.now()))

    @property
    def waited(self) -> float:
        """Seconds slept in all."""
        return sum(self.slept)


class Books:
    """A project on a platform and a target: what people do on both ends, runs, and what came of them."""

    def __init__(self, folder: Path, store: str, target: Target, url: str) -> None:
        self.folder, self.store_url, self.target, self.url = folder, store, target, url
        self.shelf, self.clock = Shelf(folder), Tide(target.stage.clock)
        self.batch, self.settle, self.flows = 1, 60.0, {"invoices": ""}
        self.made: Callable[[TargetSink], TargetSink] = lambda sink: sink
        """What becomes of the sink before a run gets it."""
        self.commits: list[str] = []
        """The functions whose commits were begun, in order."""
        self._crash: tuple[str, str, int] | None = None

    # -- people --------------------------------------------------------------------------------------------------------

    def bill(self, id: str, total: str = "10.00", **more: Any) -> Row:
        """An invoice is issued, or comes to another total."""
        held = next((row for row in self.shelf.rows() if row["id"] == id), {})
        customer = held.get("customer", {"id": "1", "name": "Acme Rail", "number": "C-1"})
        line = {"id": f"{id}-1", "product": "p1", "name": "Sleeper", "sku": "p1", "quantity": "1", "amount": total}
        blank = {"number": f"INV-{id}", "date": "2026-07-01", "status": "invoiced", "customer": customer}
        row = {**blank, **held, "id": id, "total": total, "lines": [line], **more}
        self.shelf.put([row])
        return row

    def bills(self, count: int) -> None:
        """So many invoices of one customer, with amounts of their own."""
        for number in range(1, count + 1):
            self.bill(str(number), f"{number}.10")

    def number(self, id: str) -> Row:
        """The thing in the target by the invoice's number."""
        [held] = [one for one in self.target.things.values() if one["number"] == f"INV-{id}"]
        return held

    # -- faults --------------------------------------------------------------------------------------------------------

    def fault(self, kind: str, *, path: str = "things|batch", after: int = 0, **told: Any) -> None:
        """Something goes wrong with a write, after so many that go well."""
        if kind == "status":
            told = {"body": {"error": {"code": "trouble", "message": "out of order"}}, **told}
        self.target.stage.faults.add(kind, method="POST|PUT", path=path, after=after, **told)

    def crash(self, place: str, where: str, nth: int = 1) -> None:
        """Die ``before``, ``inside`` or ``after`` the n-th commit from now that such a function (empty: any) makes."""
        self._crash = (place, where, nth)

    def dies_waiting(self) -> None:
        """Die in the next wait for the target to settle: the answer is lost, and nobody has looked yet."""
        self.clock.at(5.0, crash)

    def _pause(self, place: str) -> None:
        names = list(_functions())
        if place == "before":
            self.commits.append(next((name for name in names if name in vars(Drain)), ""))
        if self._crash is not None and place == self._crash[0] and self._crash[1] in ("", *names):
            self._crash = (*self._crash[:2], self._crash[2] - 1)
            if not self._crash[2]:
                self._crash = None
                raise Crash

    # -- runs ----------------------------------------------------------------------------------------------------------

    def open(self, clock: Any = None) -> Hub:
        self.clock.tide.advance(0.01)  # nobody opens it twice in a moment
        flows = "".join(FLOW.format(name=name, more=more) for name, more in self.flows.items())
        told = {"ability": self.target.ability, "batch": self.batch, "settle": self.settle, "flows": flows}
        text = PROJECT.format(store=self.store_url, folder=self.folder, url=self.url, **told)
        (self.folder / "wherry.toml").write_text(text)
        hub = Hub.open(self.folder, environ={"BOOKS_TOKEN": TOKEN}, clock=clock or self.clock)
        hub.store.database.pause = self._pause
        return hub

    def run(self, flow: str = "invoices") -> Report:
        """Run the flow in a fresh hub."""
        with self.open() as hub:
            return hub.run(flow)

    def died(self, flow: str = "invoices") -> None:
        """Run the flow; it dies where it is to."""
        with pytest.raises(Crash):
            self.run(flow)

    @contextlib.contextmanager
    def stored(self) -> Iterator[Store]:
        """The store, as it stands."""
        store = Store(self.store_url, self.clock, self.folder / "files")
        try:
            yield store
        finally:
            store.close()

    def answer(self, answer: Answer, id: str = "1", entity: str = "invoice") -> None:
        """A person decides what is to become of something that waits for one."""
        with self._waiting(entity, id) as (tx, lane, item):
            [one], _ = flight.board(tx, ROUTE.sink, [OpenItem(ROUTE.source, item)], left=True)
            writing.settle(tx, lane, [flight.step_with(one, answer)], item.changed_at, cause="test")

    def again(self, id: str = "1") -> None:
        """A person says that it is not there, and is to be sent."""
        with self._waiting("invoice", id) as (tx, lane, item):
            rows.again(lane, item, by_person=True)
            item.state, item.due = "queued", ""
            ledger.put_items(tx, ROUTE, [item])

    @contextlib.contextmanager
    def _waiting(self, entity: str, id: str) -> Iterator[tuple[Tx, Lane, ItemRow]]:
        ref = Ref(entity, f"id:{id}")
        with self.open() as hub:
            lane = hub.wiring.lanes.lane("invoices", "", ROUTE, hub.wiring.writer("books"), "kit-target")
            with hub.store.write() as tx:
                yield tx, lane, ledger.find_items(tx, ROUTE, [ref])[ref]

    # -- what came of it -----------------------------------------------------------------------------------------------

    def effects(self, kind: str = "invoice") -> list[tuple[str, str, str]]:
        """What was done, in order: what, to which number (of a customer or product: name), total."""
        name = "number" if kind == "invoice" else "name"
        done = [effect for effect in self.target.stage.history.effects() if effect.detail["kind"] == kind]
        return [(one.what, str(one.detail[name]), str(one.detail["total"])) for one in done]

    def done(self, id: str = "1") -> list[tuple[str, str]]:
        """What was done to one invoice: what, total."""
        return [(what, total) for what, number, total in self.effects() if number == f"INV-{id}"]

    def stamps(self, id: str = "1") -> list[str]:
        """The stamps of what was done to one invoice."""
        found = self.target.stage.history.effects()
        return [str(one.detail["stamp"]) for one in found if one.detail["number"] == f"INV-{id}"]

    def writes(self) -> list[str]:
        """The routes of all writes that reached the target."""
        return [one.what for one in self.target.stage.history.requests() if not one.what.startswith("GET")]

    def reads(self) -> list[str]:
        """The paths of all searches."""
        return [one.path for one in self.target.stage.history.requests("^/things") if one.what.startswith("GET")]

    def items(self) -> dict[str, ItemRow]:
        """``entity/key`` → what is open."""
        with self.stored() as store, store.read() as tx:
            return {str(item.ref): item for item in ledger.open_items(tx)}

    def item(self, id: str = "1") -> ItemRow:
        """The open item of an invoice."""
        return self.items()[f"invoice/id:{id}"]

    def states(self) -> dict[str, str]:
        """``entity/key`` → state of what is open."""
        return {ref: item.state for ref, item in self.items().items()}

    def link(self, id: str = "1") -> LinkRow | None:
        """The link of an invoice."""
        with self.stored() as store, store.read() as tx:
            ref = Ref("invoice", f"id:{id}")
            return ledger.find_links(tx, ROUTE, [ref]).get(ref)

    def sent(self) -> list[CallRow]:
        """All calls, oldest first."""
        with self.stored() as store, store.read() as tx:
            ids = [row[0] for row in tx.rows(sa.select(t.calls.c.id))]
            return sorted(calls.calls_by_id(tx, ids).values(), key=lambda row: row.id)

    def fates(self, id: str = "1") -> list[str]:
        """What the history says of an invoice, oldest first."""
        with self.stored() as store, store.read() as tx:
            return [event.fate for event in ledger.events(tx, record=id) if event.entity == "invoice"][::-1]

    # -- backups -------------------------------------------------------------------------------------------------------

    def copy(self, source: str, goal: str) -> None:
        """The database file to or from a backup; nothing that lies beside it."""
        path = self.folder / "store"
        for name in ("wherry.db", "wherry.db-wal", "wherry.db-shm"):
            (path / f"{goal}{name}").unlink(missing_ok=True)
            if (path / f"{source}{name}").exists():
                shutil.copy(path / f"{source}{name}", path / f"{goal}{name}")


def _functions() -> Iterator[str]:
    """The core's functions on the stack, innermost first, but for those of the store."""
    frame = sys._getframe(2)
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if module.startswith("wherry.") and not module.startswith(("wherry.store", "wherry.testing")):
            yield frame.f_code.co_name
        frame = frame.f_back  # type: ignore[assignment]


@contextlib.contextmanager
def books(
    folder: Path, store: str, patch: pytest.MonkeyPatch, ability: Ability = "query", **told: Any
) -> Iterator[Books]:
    """Books on a target of this ability, served until the block ends."""
    target = Target(ability, clock=Clock(START), **told)
    real = target_sink.make
    _ship(folder / "site")
    patch.syspath_prepend(folder / "site")
    with serve(target.app()) as url:
        made = Books(folder, store, target, url)
        patch.setattr(target_sink, "make", lambda *given, **more: made.made(real(*given, **more)))
        yield made


def _ship(site: Path) -> None:
    """The metadata by which the kit's platform and target are found like installed plugins."""
    for name, module in {"kit-source": "wherry.testing.shelf", "kit-target": "wherry.testing.target_sink"}.items():
        info = site / f"{name.replace('-', '_')}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nRequires-Dist: wherry\n")
        (info / "entry_points.txt").write_text(f"[wherry.plugins]\n{name} = {module}\n")
