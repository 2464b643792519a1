"""The kit's suite for sinks, on the stand-in: for each entity that is written."""

from __future__ import annotations

import copy
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
from wherry.testing.services import SharedClock, services
from wherry.testing.sinks import SinkSuite, SinkTrial, stamp_of
from wherry.testing.sinks_bodies import Bodies
from wherry.testing.sinks_books import Telling
from wherry.testing.sinks_changing import Arriving, Changing
from wherry.testing.sinks_edges import Edges
from wherry.testing.sinks_fields import Fields
from wherry.testing.sinks_lost import Asking
from wherry.testing.sinks_saying import Saying
from wherry_jde.client import Client
from wherry_jde.settings import JdeSettings
from wherry_jde.simulator import JdeSimulator
from wherry_jde.sink import sink as sink_of

PASSWORD = "kit-canary-jde-51c7"
ORDERS = ("invoice", "credit_memo")
IGNORED: dict[str, tuple[str, ...]] = {
    "invoice": (),
    "credit_memo": (),
    "journal_entry": ("lines.customer",),
    "customer": ("domain", "website", "industry", "description"),
    "product": ("type", "unit"),
}
"""What the template has no input for; the page says so."""
ADDS = {
    "customer": "HUB_AddCustomer", "product": "HUB_AddItem", "invoice": "HUB_AddSalesOrder",
    "credit_memo": "HUB_AddCreditOrder", "journal_entry": "HUB_AddJournalEntry",
}  # fmt: skip


def settings(url: str, **more: Any) -> JdeSettings:
    told = {"base_url": url, "username": "HUBSVC", "password": PASSWORD, "environment": "JDV920", "company": "00001"}
    made: dict[str, dict[str, str]] = {entity: {} for entity in ADDS}
    made["invoice"]["void"], made["credit_memo"]["void"] = "HUB_CancelSalesOrder", "HUB_CancelCreditOrder"
    every = {"orchestrations": made, "ledger": "HUB_ReadLedger"}
    return JdeSettings.model_validate({**told, **every, **more})


@contextmanager
def trial_of(sim: JdeSimulator, url: str, folder: Path, entity: str, **more: Any) -> Iterator[SinkTrial]:
    """A trial of the sink for one entity."""
    said = settings(url, **more)
    with services(folder, clock=SharedClock(sim.clock), secret=PASSWORD) as core:

        def make() -> CallSinkWriter:
            told = said.model_copy(update={"environment": sim.environment})
            sink = sink_of(Client(core, told), told)
            sink.check()
            return sink

        def move() -> None:
            sim.environment = "JPD920"

        yield SinkTrial(
            make=make,
            stage=sim.stage,
            items=lambda count: [thing(entity, number) for number in range(count)],
            changed=changed,
            wait=sim.clock.advance,
            effects=lambda item: effects(sim, item),
            latest=float(said.timeout),
            rejected=unsaid(thing(entity, 0)),
            refused=refused(thing(entity, 1)),
            holds=(lambda item: held(sim, item)) if entity in (*ORDERS, "journal_entry") else None,
            close=sim.close if entity in (*ORDERS, "journal_entry") else None,
            move=move,
            twin=lambda item: sim.run(ADDS[entity], inputs_of(make(), item)),
            ignored=IGNORED[entity],
            updates=False,
            voids=entity in (*ORDERS, "journal_entry"),
            pays=(lambda target: shipped(sim, target)) if entity in ORDERS else None,
            gone="999999/SO" if entity == "invoice" else "",
            writes="POST",
            secret=PASSWORD,
            echo=lambda text: {"message": text, "status": "ERROR"},
        )


def thing(entity: str, number: int) -> Item:
    """The n-th thing to write, always the same."""
    body: dict[str, Any] = {"number": f"N-{number}", "date": "2026-01-05", "memo": "from the yard"}
    if entity == "journal_entry":
        sides = [("debit", "1.1210"), ("credit", "1.5010")]
        body["lines"] = [{"account": a, "side": s, "amount": money(100 + number)} for s, a in sides]
    elif entity in ORDERS:
        rates = [f"{number}.25", "10"]
        lines = [{"product": "220", "quantity": "2", "rate": rate, "description": "Oak"} for rate in rates]
        body |= {"customer": "4242", "lines": lines, "total": money(2 * (100 * number + 25) + 2000)}
    elif entity == "customer":
        body = {"name": f"Thing {number}", "email": f"{number}@example.com", "number": f"C-{number}"}
    else:
        body = {"name": f"Thing {number}", "sku": f"T-{number}"}
    return Item(entity=entity, key=f"id:{number}", body=body, stamp=stamp_of(f"{entity} {number}"))


def money(minor: int) -> dict[str, Any]:
    return {"minor": minor, "currency": "USD"}


def changed(item: Item) -> dict[str, Any]:
    """The body with other amounts; of a name, with another way to reach it."""
    body = copy.deepcopy(item.body)
    if item.entity == "customer":
        return {**body, "number": "C-other"}
    if item.entity == "product":
        return {**body, "name": "Another thing"}
    if item.entity == "journal_entry":
        return {**body, "lines": [{**line, "amount": money(4711)} for line in body["lines"]]}
    body["lines"][0] |= {"quantity": "4", "rate": "3"}
    return {**body, "total": money(3200)}


def unsaid(item: Item) -> Item:
    body = {**item.body, "lines": []} if "lines" in item.body else {**item.body, "name": " "}
    return Item(entity=item.entity, key="id:bad", body=body, stamp=stamp_of("bad"))


def refused(item: Item) -> Item | None:
    """What JD Edwards refuses: an order for a customer that is not there."""
    if item.entity not in ORDERS:
        return None
    body = {**item.body, "number": "N-R", "customer": "99999"}
    return msgspec.structs.replace(item, key="id:refused", body=body, stamp=stamp_of("refused"))


def inputs_of(sink: Any, item: Item) -> dict[str, Any]:
    """What was told of an item, by input."""
    [call] = sink.encode([item])
    told: dict[str, Any] = json.loads(call.body)
    return told


def shipped(sim: JdeSimulator, target: str) -> None:
    """It is on its way, and cannot be cancelled any more."""
    row = next(row for row in sim.site.tables["F4201"] if target == f"{row['DOCO']}/{row['DCTO']}")
    row["shipped"] = True


def rows_of(sim: JdeSimulator, item: Item) -> list[dict[str, Any]]:
    table, column = ("F0911", "EXR") if item.entity == "journal_entry" else ("F4201", "VR01")
    rows = [row for row in sim.site.tables[table] if item.stamp.upper().startswith(row[column])]
    return rows


def held(sim: JdeSimulator, item: Item) -> Holding | None:
    """What the site holds of a document, by its own words."""
    rows = rows_of(sim, item)
    if not rows:
        return None
    date = rows[0]["inputs"]["GLDate" if item.entity == "journal_entry" else "OrderDate"]
    if item.entity == "journal_entry":
        lines = [Line(row["account"], "debit" if row["AA"] > 0 else "credit", pennies(abs(row["AA"]))) for row in rows]
        total = sum(line.minor for line in lines if line.side == "debit")
        return Holding(total=total, lines=tuple(lines), date=date, currency="USD")
    [row] = rows
    lines = [Line(one["ItemNumber"], "", pennies(one["ExtendedAmount"])) for one in row["lines"]]
    currency = row["inputs"]["Currency"]
    return Holding(
        total=pennies(row["OTOT"], currency), lines=tuple(lines), date=date, currency=currency, party=row["AN8"]
    )


def pennies(amount: Any, currency: str = "USD") -> int:
    return int(Decimal(str(amount)) * {"JPY": 1, "KWD": 1000, "BHD": 1000, "TND": 1000}.get(currency, 100))


def effects(sim: JdeSimulator, item: Item) -> Sequence[Entry]:
    return [entry for entry in sim.history.effects() if entry.detail["cause"] and is_of(entry, item)]


def is_of(entry: Entry, item: Item) -> bool:
    if not entry.what.startswith(item.entity):
        return False
    stamp = str(entry.detail["stamp"])
    if item.entity == "product":
        return stamp == str(item.body["sku"]).lower()
    return item.stamp.startswith(stamp)


class TestSink(SinkSuite):
    @pytest.fixture
    def trial(self, tmp_path: Path, sim: JdeSimulator) -> Iterator[SinkTrial]:
        with serve(sim.app()) as url, trial_of(sim, url, tmp_path, "invoice") as trial:
            yield trial


class TestJournals(Fields, Bodies, Edges, Saying, Changing, Arriving, Asking, Telling):
    """Signed amounts, a chart of several pages, and what tells of the books."""

    @pytest.fixture
    def trial(self, tmp_path: Path, sim: JdeSimulator) -> Iterator[SinkTrial]:
        with serve(sim.app()) as url, trial_of(sim, url, tmp_path, "journal_entry") as trial:
            yield trial


class TestCustomers(Fields, Asking):
    """Their key stands in the long address number."""

    @pytest.fixture
    def trial(self, tmp_path: Path, sim: JdeSimulator) -> Iterator[SinkTrial]:
        with serve(sim.app()) as url, trial_of(sim, url, tmp_path, "customer") as trial:
            yield trial
