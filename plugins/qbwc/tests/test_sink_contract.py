"""The kit's suite for polled sinks, on the stand-in's company file: orders, entries, customers and items."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from wherry.records import Item
from wherry.roles import Connection, Services
from wherry.simulator import Entry, History, Stage
from wherry.testing.holding import Holding, Line
from wherry.testing.polled import PolledSinkSuite, PolledTrial
from wherry.testing.samples import changed, sample
from wherry.testing.services import SharedClock, services
from wherry.testing.sinks import BriefSinkSuite, stamp_of
from wherry_qbwc import company, documents, mirror, statements
from wherry_qbwc.line import Heard, Wire, line_of
from wherry_qbwc.settings import QbwcSettings
from wherry_qbwc.simulator import HResult, QbwcSimulator
from wherry_qbwc.sink import QbwcSink

from .company_bench import desktop

NAME = "books"
WAIT = 5.0
ONCE = ("journal_entry", "product")
"""What is written once."""
NOTED = {"customer": "CompanyName", "product": "ManufacturerPartNumber"}


class Changes(History):
    """The stand-in's history without what is no change to the company file."""

    def __init__(self, real: History) -> None:
        super().__init__()
        self.entries = real.entries

    def effects(self, what: str = "") -> list[Entry]:
        return [one for one in super().effects(what) if one.what not in ("set", "lossy")]


class Desk(Stage):
    """The stand-in's clock and history; its faults befall what the Web Connector carries."""

    def __init__(self, sim: QbwcSimulator) -> None:
        super().__init__(sim.clock)
        self.history, self.lock, self.sim = Changes(sim.history), sim.stage.lock, sim
        self._late: list[str] = []
        self._wire: Wire | None = None

    def arrive(self, services: Services) -> None:
        """The Web Connector comes: whose thread this is has the session."""
        wire = self._wire = Wire()
        line_of(services.folder, NAME).admit(wire)
        threading.Thread(target=self._carry, args=(wire,), daemon=True).start()

    def leave(self, services: Services) -> None:
        """It goes."""
        assert self._wire is not None
        line_of(services.folder, NAME).leave(self._wire)
        self._wire.end()

    def release(self) -> int:
        late, self._late = self._late, []
        for content in late:
            self.sim.execute(content)
        return len(late)

    def _carry(self, wire: Wire) -> None:
        while not wire.over:
            if wire.wait(WAIT) != "request":
                continue
            content = wire.take().decode()
            fault = self.faults.take("GET" if "QueryRq" in content else "POST", "/qbxml")
            if fault is None:
                wire.hear(self._heard(content))
                continue
            if fault.takes_effect:
                self.sim.execute(content)
            if fault.kind == "late":
                self._late.append(content)
            wire.end()

    def _heard(self, content: str) -> Heard:
        try:
            return Heard(self.sim.execute(content))
        except HResult as wrong:
            return Heard(hresult=wrong.code, message=str(wrong))


class Always:
    """A line on which the Web Connector comes again after each session that broke off, as it does in earnest."""

    def __init__(self, desk: Desk, services: Services) -> None:
        self._desk, self._services, self._line = desk, services, line_of(services.folder, NAME)
        self.stays_away = False

    @property
    def present(self) -> bool:
        self._come()
        return self._line.present

    def send(self, call: Any) -> Any:
        self._come()
        return self._line.send(call)

    def read(self, *given: Any, **told: Any) -> Any:
        self._come()
        return self._line.read(*given, **told)

    def _come(self) -> None:
        if not self.stays_away and not self._line.present:
            self._desk.arrive(self._services)


def trial_of(folder: Path, entity: str) -> Iterator[PolledTrial]:
    """A trial of the sink for one entity."""
    sim = desktop()
    desk, settings = Desk(sim), QbwcSettings(currency="USD")
    with services(folder, connection=NAME, clock=SharedClock(sim.clock)) as made:
        core = msgspec.structs.replace(made, folder=folder)
        line, connection = Always(desk, core), Connection(NAME, "qbwc", settings)

        def make() -> QbwcSink:
            read(sim, core)
            sink = QbwcSink(connection, core)
            sink._visits._line = line  # type: ignore[assignment]
            sink.check()
            return sink

        def away() -> None:
            line.stays_away = True
            desk.leave(core)

        ids = {
            str(one["FullName"]): str(one["id"]) for kind in ("Customer", "ItemService") for one in sim.records(kind)
        }
        kind = documents.KINDS.get(entity, "ItemNonInventory")
        line.present  # noqa: B018 - the first session begins
        yield PolledTrial(
            make=make,  # type: ignore[arg-type]
            stage=desk,
            items=lambda count: [thing(entity, number, ids) for number in range(count)],
            changed=changed,
            wait=sim.clock.advance,
            effects=lambda item: effects(sim, item),
            latest=60.0,
            rejected=bad(thing(entity, 0, ids)),
            refused=None,
            gone="7FFFFFFF-1" if entity == "customer" else "FFFF-1",
            holds=(lambda item: held(sim, kind, item)) if entity not in NOTED else None,
            close=(lambda day: setattr(sim.company(), "closing", day)) if entity in documents.POSTING else None,
            tells=lambda: told(sim, core),
            move=sim.computer.swap,
            clash=(lambda item: sim.enter("Vendor", Name=item.body["name"])) if entity == "customer" else None,
            enter=(lambda item: enter(sim, kind, item, make())) if entity not in ONCE else None,
            edit=None if entity in ONCE else lambda id: sim.change(id, **{NOTED.get(entity, "Memo"): "looked at"}),
            updates=entity not in ONCE,
            voids=entity not in NOTED,
            ignored=("website",),
            away=away,
            back=lambda: setattr(line, "stays_away", False),
        )  # fmt: skip
        desk.leave(core)


def read(sim: QbwcSimulator, core: Services) -> None:
    """What every session begins with: whose file this is, and its lists."""
    found = company.read(sim.execute(company.questions(13, 0).decode()), 13, 0)
    lists = mirror.read(lambda content: sim.execute(content.decode()), found.qbxml, found.lists)
    with core.documents() as opened:
        company.save(opened, NAME, found)
        mirror.keep(opened, NAME, lists, core.clock.now())


def told(sim: QbwcSimulator, core: Services) -> None:
    """What a session tells of the books, of what was asked since the one before."""
    now = core.clock.now()
    with core.documents() as opened:
        asked = statements.open_questions(opened, NAME, now)
    answers, refused = statements.read_all(lambda content: sim.execute(content.decode()), asked, "13.0", 1)
    assert refused is None
    with core.documents() as opened:
        statements.keep(opened, NAME, answers, now)


def thing(entity: str, number: int, ids: dict[str, str]) -> Item:
    return sample(entity, number, ids["Cook, Brian"], ids["Consulting"], debit="10100", credit="40100")


def bad(item: Item) -> Item:
    wrong: dict[str, Any] = {"name": " "} if item.entity in NOTED else {"lines": []}
    if item.entity == "journal_entry":
        wrong = {"lines": [{**item.body["lines"][0], "account": "99999"}, item.body["lines"][1]]}
    return msgspec.structs.replace(item, key="id:bad", body={**item.body, **wrong}, stamp=stamp_of("bad"))


def effects(sim: QbwcSimulator, item: Item) -> Sequence[Entry]:
    """By the id of the request, which is the stamp."""
    return [e for e in sim.history.effects() if e.detail.get("request") == item.stamp and e.what != "lossy"]


def held(sim: QbwcSimulator, kind: str, item: Item) -> Holding | None:
    """What the company file holds of a document, by its own words."""
    for one in sim.company().of(kind):
        memos = [one.body.get("Memo", ""), *(line.get("Memo", "") for _, line in one.lines)]
        if any(item.stamp in memo for memo in memos):
            numbers = {row["id"]: row["AccountNumber"] for row in sim.records("Account")}
            lines = tuple(_line(name, line, numbers) for name, line in one.lines)
            debits = sum(line.minor for line in lines if line.side == "debit")
            journal = kind == "JournalEntry"
            return Holding(
                total=debits if journal else sum(line.minor for line in lines), lines=lines, date=one.body["TxnDate"],
                party=None if journal else one.body["CustomerRef"]["ListID"],
            )  # fmt: skip
    return None


ACCOUNTS: dict[str, str] = {}


def _line(name: str, line: dict[str, Any], numbers: dict[str, str]) -> Line:
    minor = int(Decimal(line["Amount"]) * 100)
    if "Debit" in name or "Credit" in name:
        return Line(numbers[line["AccountRef"]["ListID"]], "debit" if "Debit" in name else "credit", minor)
    return Line(line["ItemRef"]["ListID"], "", minor)


def enter(sim: QbwcSimulator, kind: str, item: Item, sink: Any) -> str:
    """What a person would enter: the same words, without the stamp."""
    body = documents.operation(item, sink._books).body
    note = "Notes" if item.entity in NOTED else "Memo"
    return sim.enter(kind, **plain({**body, note: "entered by hand"}))


def plain(value: Any) -> Any:
    """Values as a person types them."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    return [plain(one) for one in value] if isinstance(value, list) else str(value)


@pytest.fixture
def on_trial(tmp_path: Path) -> Iterator[Callable[[str], PolledTrial]]:
    begun: list[Iterator[PolledTrial]] = []

    def begin(entity: str) -> PolledTrial:
        begun.append(trial_of(tmp_path, entity))
        return next(begun[-1])

    yield begin
    for one in begun:
        next(one, None)


class TestSink(PolledSinkSuite):
    @pytest.fixture(params=["sales_order", "journal_entry"])
    def trial(self, request: pytest.FixtureRequest, on_trial: Callable[[str], PolledTrial]) -> PolledTrial:
        return on_trial(request.param)


class TestFurther(BriefSinkSuite):
    """The other entities."""

    @pytest.fixture(params=["invoice", "customer", "product"])
    def trial(self, request: pytest.FixtureRequest, on_trial: Callable[[str], PolledTrial]) -> PolledTrial:
        return on_trial(request.param)
