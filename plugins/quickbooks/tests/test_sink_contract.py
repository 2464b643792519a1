"""The kit's suite for sinks, on the stand-in: for each entity that is written, one by one and in batches."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from wherry.records import Item
from wherry.roles import CallSinkWriter
from wherry.simulator import Clock, Entry, serve
from wherry.testing.holding import Holding, Line
from wherry.testing.samples import changed, for_nobody, sample
from wherry.testing.services import SECRET, SharedClock, services
from wherry.testing.sink_trial import ask, asking
from wherry.testing.sinks import BriefSinkSuite, SinkSuite, SinkTrial, stamp_of
from wherry_quickbooks.client import Client
from wherry_quickbooks.documents import KINDS
from wherry_quickbooks.settings import QuickBooksSettings
from wherry_quickbooks.simulator import QuickBooksSimulator
from wherry_quickbooks.sink import QuickBooksSink

REALM, OTHER = "123146000000001", "123146000000002"
AUTH = {"kind": "token", "token": {"env": "BOOKS_TOKEN"}}
TRIALS: list[tuple[str, int]] = [("invoice", 5), ("journal_entry", 5), ("customer", 5)]
BRIEF: list[tuple[str, int]] = [("invoice", 1), ("credit_memo", 5), ("estimate", 1), ("journal_entry", 1)]


@contextmanager
def trial_of(sim: QuickBooksSimulator, url: str, folder: Path, entity: str, batch: int) -> Iterator[SinkTrial]:
    """A trial of the sink for one entity."""
    settings = QuickBooksSettings.model_validate(
        {"auth": AUTH, "environment": "simulator", "base_url": url, "realm": REALM, "batch": batch}
    )
    without_places(sim)
    customer = sim.write("Customer", {"DisplayName": "Acme Rail"})["Id"]
    sold = sim.write("Item", {"Name": "Sleeper", "Type": "Service", "IncomeAccountRef": {"value": "1"}})["Id"]
    clock = SharedClock(sim.clock)

    def thing(number: int) -> Item:
        return sample(entity, number, customer, sold, debit="84", credit="79")

    name = KINDS[entity].name
    with services(folder, clock=clock) as core:
        reached = [settings]

        def make() -> CallSinkWriter:
            sink = QuickBooksSink(Client(core, reached[-1]), reached[-1], core)
            sink.check()
            return sink

        def edit(target: str, **fields: str) -> None:
            [old] = [body for body in sim.objects(name) if body["Id"] == target]
            field = {"Customer": "CompanyName", "Item": "PurchaseDesc"}.get(name, "PrivateNote")
            body = {"Id": target, "SyncToken": old["SyncToken"], "sparse": True, **(fields or {field: "looked at"})}
            sim.write(name, body, "update")

        yield SinkTrial(
            make=make,
            stage=sim.stage,
            items=lambda count: [thing(number) for number in range(count)],
            changed=changed,
            wait=sim.clock.advance,
            effects=lambda item: effects(sim, item),
            latest=60.0,
            rejected=too_long(thing(0)),
            refused=for_nobody(thing(1), "99999") if entity in STAMPED else None,
            gone="99999",
            holds=(lambda item: held(sim, item)) if entity in STAMPED else None,
            close=sim.close_books if entity in POSTING else None,
            move=lambda: reached.append(settings.model_copy(update={"realm": OTHER})),
            clash=lambda item: sim.write(name, by_hand(make(), item)),
            enter=lambda item: str(sim.write(name, by_hand(make(), item))["Id"]),
            twin=(lambda item: copied(sim, make(), item)) if entity in STAMPED else None,
            edit=edit,
            renumber=(lambda id: edit(id, **{KINDS[entity].unique: "R-1"})) if KINDS[entity].note else None,
            muddle=lambda: muddle(sim),
            voids=entity not in ("customer", "product"),
            secret=SECRET,
            echo=lambda text: {"Fault": {"Error": [{"Message": text, "Detail": text, "code": "2010"}]}},
        )


def without_places(sim: QuickBooksSimulator) -> None:
    """The company tracks no classes and locations, whose lists each check would read: nothing on trial names one."""
    company = sim.company()
    kept = company.preferences["AccountingInfoPrefs"]
    told = {**kept, "TrackDepartments": False, "ClassTrackingPerTxnLine": False}
    company.put("Preferences", {**company.preferences, "AccountingInfoPrefs": told}, "Update")


POSTING = ("invoice", "credit_memo", "journal_entry")
STAMPED = ("invoice", "estimate", "credit_memo", "journal_entry")


def muddle(sim: QuickBooksSimulator) -> None:
    # Answers come backwards, and the one to the first item is left out.
    sim.mishaps.reverse, sim.mishaps.leave_out = True, 1


def too_long(item: Item) -> Item:
    field = "number" if item.entity in STAMPED else "name"
    value = "9" * 22 if field == "number" else " "
    return Item(entity=item.entity, key="id:bad", body={**item.body, field: value}, stamp=stamp_of("bad"))


def held(sim: QuickBooksSimulator, item: Item) -> Holding | None:
    """What the company holds of a document, by its own words."""
    rows = [row for row in sim.objects(KINDS[item.entity].name) if item.stamp in str(row.get("PrivateNote"))]
    if not rows:
        return None
    [row] = rows
    lines = [line for one in row["Line"] if (line := line_of(one)) is not None]
    debits = sum(line.minor for line in lines if line.side == "debit")
    journal = item.entity == "journal_entry"
    return Holding(
        total=debits if journal else pennies(row["TotalAmt"]), lines=tuple(lines), date=row["TxnDate"],
        currency=(row.get("CurrencyRef") or {}).get("value"), party=None if journal else row["CustomerRef"]["value"],
    )  # fmt: skip


def line_of(row: dict[str, Any]) -> Line | None:
    """A line that a person entered; QuickBooks' own subtotals are none."""
    if told := row.get("JournalEntryLineDetail"):
        return Line(told["AccountRef"]["value"], told["PostingType"].lower(), pennies(row["Amount"]))
    if told := row.get("SalesItemLineDetail"):
        return Line(told["ItemRef"]["value"], "", pennies(row["Amount"]))
    return None


def pennies(amount: Any) -> int:
    return int(Decimal(str(amount)) * 100)


def by_hand(sink: Any, item: Item) -> dict[str, Any]:
    """What a person would enter."""
    [call] = sink.encode([item])
    note = KINDS[item.entity].note
    return {**json.loads(call.body, parse_float=Decimal), **({note: "entered by hand"} if note else {})}


def copied(sim: QuickBooksSimulator, sink: Any, item: Item) -> object:
    """The same document once more, note and number and all."""
    sim.company().warn_duplicates = False
    [call] = sink.encode([item])
    return sim.write(KINDS[item.entity].name, json.loads(call.body, parse_float=Decimal))


def effects(sim: QuickBooksSimulator, item: Item) -> Sequence[Entry]:
    """By the key of the call or by the note; items have no note, and a batch's are known by their name."""
    found = [e for e in sim.history.effects() if item.stamp in (e.detail["note"] + e.detail.get("requestid", ""))]
    if item.entity == "product" and item.target is None and not found:
        found = [e for e in sim.history.effects("Item.created") if e.detail["name"] == item.body["name"]]
    return found


@pytest.fixture
def sim() -> QuickBooksSimulator:
    return QuickBooksSimulator(clock=Clock("2026-03-31T17:00:00+00:00"), limits="none", companies=(REALM, OTHER))


class TestSink(SinkSuite):
    @pytest.fixture(params=TRIALS, ids=lambda told: "-".join(map(str, told)))
    def trial(self, request: pytest.FixtureRequest, tmp_path: Path, sim: QuickBooksSimulator) -> Iterator[SinkTrial]:
        with serve(sim.app()) as url, trial_of(sim, url, tmp_path, *request.param) as trial:
            yield trial


class TestFurther(BriefSinkSuite):
    """The other documents, and those that go by themselves."""

    @pytest.fixture(params=BRIEF, ids=lambda told: "-".join(map(str, told)))
    def trial(self, request: pytest.FixtureRequest, tmp_path: Path, sim: QuickBooksSimulator) -> Iterator[SinkTrial]:
        with serve(sim.app()) as url, trial_of(sim, url, tmp_path, *request.param) as trial:
            yield trial


class TestProducts(SinkSuite):
    """Items of QuickBooks have no place for a stamp, but only one can have a name: what has it, and all else that was
    to be written, is the thing itself."""

    @pytest.fixture
    def trial(self, tmp_path: Path, sim: QuickBooksSimulator) -> Iterator[SinkTrial]:
        with serve(sim.app()) as url, trial_of(sim, url, tmp_path, "product", 5) as trial:
            yield trial

    def test_a_thing_entered_by_hand_is_alike_not_ours(self, trial: SinkTrial) -> None:
        """The same name, and everything else the same: it is linked. With anything else in it, a person says."""
        sink, (item, other) = asking(trial), trial.items(2)
        assert trial.enter is not None
        same = trial.enter(item)
        differs = trial.enter(msgspec.structs.replace(other, body={**other.body, "description": "another"}))
        found = ask(sink, [item, other])
        assert [(hit.target, hit.ours, hit.alike) for hit in found[item.stamp]] == [(same, True, False)]
        assert [(hit.target, hit.ours, hit.alike) for hit in found[other.stamp]] == [(differs, False, True)]
