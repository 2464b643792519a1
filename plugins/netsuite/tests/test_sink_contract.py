"""The kit's suite for sinks, on the stand-in: for each entity that is written."""

from __future__ import annotations

import hashlib
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
from wherry.simulator import Entry, serve
from wherry.testing.holding import Holding, Line
from wherry.testing.samples import changed, for_nobody, sample, unsaid
from wherry.testing.services import SECRET, SharedClock, services
from wherry.testing.sinks import BriefSinkSuite, SinkSuite, SinkTrial
from wherry.testing.sinks_books import Telling
from wherry.testing.sinks_changing import Arriving, Changing
from wherry.testing.sinks_fields import Fields
from wherry.testing.sinks_lost import Asking
from wherry_netsuite.client import Client
from wherry_netsuite.documents import KINDS
from wherry_netsuite.settings import NetSuiteSettings
from wherry_netsuite.simulator import NetSuiteSimulator
from wherry_netsuite.sink import NetSuiteSink

POSTING = ("invoice", "credit_memo", "journal_entry")
DOCUMENTS = (*POSTING, "sales_order")
SETTINGS = {
    "account": "1234567", "subsidiary": "1", "currencies": {"USD": "1", "EUR": "4", "JPY": "6"},
    "auth": {"kind": "token", "token": {"env": "BOOKS_TOKEN"}},
}  # fmt: skip


@contextmanager
def trial_of(sim: NetSuiteSimulator, url: str, folder: Path, entity: str) -> Iterator[SinkTrial]:
    """A trial of the sink for one entity."""
    reached = [NetSuiteSettings.model_validate({**SETTINGS, "base_url": url})]
    customer = sim.make("customer", {"companyName": "Acme Rail", "subsidiary": {"id": "1"}})["id"]
    sold = sim.make("serviceSaleItem", {"itemId": "Sleeper", "incomeAccount": {"id": "54"}})["id"]
    record = KINDS[entity].record

    def thing(number: int) -> Item:
        return sample(entity, number, customer, sold, debit="1100", credit="4000")

    with services(folder, clock=SharedClock(sim.clock)) as core:

        def make() -> CallSinkWriter:
            sink = NetSuiteSink(Client(core, reached[-1]), reached[-1], core)
            sink.check()
            return sink

        def edit(target: str, **fields: str) -> None:
            field = {"customer": "comments", "product": "salesDescription"}.get(entity, "memo")
            sim.change(record, target, fields or {field: "looked at"})

        def move() -> None:
            sim.account.id = "7654321"
            reached.append(reached[-1].model_copy(update={"account": "7654321"}))

        yield SinkTrial(
            make=make,
            stage=sim.stage,
            items=lambda count: [thing(number) for number in range(count)],
            changed=changed,
            wait=sim.clock.advance,
            effects=lambda item: effects(sim, make(), item),
            latest=600.0,
            rejected=unsaid(thing(0)),
            refused=for_nobody(thing(1), "99999") if entity in DOCUMENTS else None,
            gone="99999",
            holds=(lambda item: held(sim, item)) if entity in DOCUMENTS else None,
            close=sim.account.close if entity in POSTING else None,
            move=move,
            clash=(lambda item: sim.make(record, by_hand(make(), item))) if entity == "product" else None,
            enter=lambda item: str(sim.make(record, by_hand(make(), item))["id"]),
            edit=edit,
            renumber=(lambda id: edit(id, tranId="R-1")) if entity in DOCUMENTS else None,
            voids=entity in DOCUMENTS,
            writes="PUT|PATCH",
            secret=SECRET,
            echo=lambda text: {"o:errorDetails": [{"detail": text, "o:errorCode": "USER_ERROR"}]},
        )


def held(sim: NetSuiteSimulator, item: Item) -> Holding | None:
    """What the account holds of a document, by its own words."""
    kind = KINDS[item.entity]
    key = item.target or f"eid:{item.stamp}"
    row = sim.account.find(kind.record, key)
    if row is None:
        return None
    lines = [line_of(sim, line) for line in row[kind.sublist]]
    debits = sum(line.minor for line in lines if line.side == "debit")
    currency = {number: code for code, number in SETTINGS["currencies"].items()}[row["currency"]["id"]]  # type: ignore[attr-defined]
    journal = item.entity == "journal_entry"
    return Holding(
        total=debits if journal else pennies(row["total"], currency), lines=tuple(lines), date=row["tranDate"],
        currency=currency, party=None if journal else row["entity"]["id"],
    )  # fmt: skip


def line_of(sim: NetSuiteSimulator, row: dict[str, Any]) -> Line:
    if "account" in row:
        side = "debit" if row.get("debit") else "credit"
        return Line(sim.account.accounts[row["account"]["id"]]["acctnumber"], side, pennies(row[side]))  # type: ignore[arg-type]
    return Line(row["item"]["id"], "", pennies(row["amount"]))


def pennies(amount: Any, currency: str = "USD") -> int:
    return int(Decimal(str(amount)) * (1 if currency == "JPY" else 100))


def by_hand(sink: Any, item: Item) -> dict[str, Any]:
    """What a person would enter: the same, and no external id."""
    [call] = sink.encode([item])
    return dict(json.loads(call.body, parse_float=Decimal))


def effects(sim: NetSuiteSimulator, sink: Any, item: Item) -> Sequence[Entry]:
    """What the bytes of its call did, to what has its external id or is its target."""
    [call] = sink.encode([msgspec.structs.replace(item, memo="")])
    cause = hashlib.sha256(call.body).hexdigest()
    mine = [e for e in sim.history.effects() if e.detail["cause"] == cause]
    return [e for e in mine if e.detail["external"] == item.stamp or e.detail["id"] == item.target]


class TestSink(SinkSuite):
    @pytest.fixture(params=["invoice", "journal_entry"])
    def trial(self, request: pytest.FixtureRequest, tmp_path: Path, sim: NetSuiteSimulator) -> Iterator[SinkTrial]:
        with serve(sim.app()) as url, trial_of(sim, url, tmp_path, request.param) as trial:
            yield trial


class TestCustomers(BriefSinkSuite):
    @pytest.fixture
    def trial(self, tmp_path: Path, sim: NetSuiteSimulator) -> Iterator[SinkTrial]:
        with serve(sim.app()) as url, trial_of(sim, url, tmp_path, "customer") as trial:
            yield trial


class TestCreditMemos(Changing, Arriving, Telling):
    """They are built as invoices are: what becomes of them, and what they book."""

    @pytest.fixture
    def trial(self, tmp_path: Path, sim: NetSuiteSimulator) -> Iterator[SinkTrial]:
        with serve(sim.app()) as url, trial_of(sim, url, tmp_path, "credit_memo") as trial:
            yield trial


class TestItems(Fields, Changing, Asking):
    """The ID of an item is its SKU, or its name, and unique."""

    @pytest.fixture
    def trial(self, tmp_path: Path, sim: NetSuiteSimulator) -> Iterator[SinkTrial]:
        with serve(sim.app()) as url, trial_of(sim, url, tmp_path, "product") as trial:
            yield trial
