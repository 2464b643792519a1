"""The kit's suite for sinks, on the stand-in: for each entity that is written."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from wherry.records import Item
from wherry.roles import CallSinkWriter
from wherry.simulator import Entry, serve
from wherry.testing.holding import Holding, Line
from wherry.testing.samples import changed, for_nobody, sample, unsaid
from wherry.testing.services import SECRET, SharedClock, services
from wherry.testing.sinks import SinkSuite, SinkTrial
from wherry.testing.sinks_bodies import Bodies
from wherry.testing.sinks_books import Telling
from wherry.testing.sinks_changing import Arriving, Changing
from wherry.testing.sinks_edges import Edges
from wherry.testing.sinks_fields import Fields
from wherry.testing.sinks_lost import Asking
from wherry.testing.sinks_saying import Saying
from wherry_xero.client import Client
from wherry_xero.documents import KINDS, id_of
from wherry_xero.lists import code
from wherry_xero.settings import XeroSettings
from wherry_xero.simulator import XeroSimulator
from wherry_xero.sink import XeroSink

DOCUMENTS = ("invoice", "credit_memo", "journal_entry")
NOBODY = "99999999-0000-4000-8000-000000000000"
SETTINGS = {"auth": {"kind": "token", "token": {"env": "BOOKS_TOKEN"}}}
IGNORED = {
    "customer": ("description", "website"),
    "journal_entry": ("lines.customer",),
    "credit_memo": ("due_date",),
}
"""What Xero has no place for; the page says so."""


@contextmanager
def trial_of(sim: XeroSimulator, url: str, folder: Path, entity: str) -> Iterator[SinkTrial]:
    """A trial of the sink for one entity."""
    settings = XeroSettings.model_validate({**SETTINGS, "base_url": url, "tenant": sim.org.id})
    name = KINDS[entity].name
    customer = sim.write("Contacts", {"Name": "Acme Rail"})["ContactID"]
    item = sim.write("Items", {"Code": "SLEEPER", "Name": "Sleeper", "SalesDetails": {"AccountCode": "200"}})
    sold = f"{item['ItemID']}/SLEEPER"

    def thing(number: int) -> Item:
        return sample(entity, number, customer, sold, debit="469", credit="200")

    with services(folder, clock=SharedClock(sim.clock)) as core:

        def make() -> CallSinkWriter:
            sink = XeroSink(Client(core, settings), settings, core)
            sink.check()
            return sink

        def edit(target: str, **fields: Any) -> None:
            field = {"customer": "TaxNumber", "product": "PurchaseDescription", "credit_memo": "SentToContact"}
            sim.write(name, fields or {field.get(entity, "ExpectedPaymentDate"): "looked at"}, id_of(target))

        def renumber(target: str) -> None:
            edit(target, **{KINDS[entity].unique: "R-1"})

        def move() -> None:
            sim.org.id = "00000000-0000-4000-8000-00000000beef"

        yield SinkTrial(
            make=make,
            stage=sim.stage,
            items=lambda count: [thing(number) for number in range(count)],
            changed=changed,
            wait=sim.clock.advance,
            effects=lambda item: effects(sim, item),
            latest=60.0,
            rejected=unsaid(thing(0)),
            refused=for_nobody(thing(1), NOBODY) if entity in ("invoice", "credit_memo") else None,
            gone=NOBODY,
            holds=(lambda item: held(sim, item)) if entity in DOCUMENTS else None,
            close=sim.close if entity in DOCUMENTS else None,
            move=move,
            clash=(lambda item: sim.write(name, by_hand(make(), item))) if entity == "product" else None,
            enter=lambda item: entered(sim, name, by_hand(make(), item)),
            edit=edit,
            renumber=renumber if entity != "product" else None,
            pays=(lambda target: sim.pay(target)) if entity == "invoice" else None,
            twin=(lambda item: twin(sim, name, make(), item)) if entity == "journal_entry" else None,
            ignored=IGNORED.get(entity, ()),
            voids=entity in DOCUMENTS,
            writes="POST|PUT",
            secret=SECRET,
            echo=lambda text: {"Type": "ValidationException", "Message": text},
        )  # fmt: skip


def row_of(sim: XeroSimulator, item: Item) -> dict[str, Any] | None:
    kind, rows = KINDS[item.entity], sim.org.records[KINDS[item.entity].name]
    if item.target:
        return rows.get(id_of(item.target))
    return next((row for row in rows.values() if str(row.get(kind.stamp) or "").endswith(item.stamp)), None)


def held(sim: XeroSimulator, item: Item) -> Holding | None:
    """What the organisation holds of a document, by its own words."""
    row = row_of(sim, item)
    if row is None:
        return None
    journal = item.entity == "journal_entry"
    lines = [line_of(sim, line) for line in row["JournalLines" if journal else "LineItems"]]
    debits = sum(line.minor for line in lines if line.side == "debit")
    return Holding(
        total=debits if journal else pennies(row["Total"], row["CurrencyCode"]), lines=tuple(lines), date=row["Date"],
        currency="USD" if journal else row["CurrencyCode"], party=None if journal else row["Contact"]["ContactID"],
    )  # fmt: skip


def line_of(sim: XeroSimulator, row: dict[str, Any]) -> Line:
    minor = pennies(row["LineAmount"])
    if "ItemCode" not in row:
        return Line(row["AccountCode"], "debit" if minor >= 0 else "credit", abs(minor))
    item = next(one for one in sim.org.records["Items"].values() if one["Code"] == row["ItemCode"])
    return Line(f"{item['ItemID']}/{item['Code']}", "", minor)


def pennies(amount: Any, currency: str = "USD") -> int:
    return int(Decimal(str(amount)) * (1 if currency == "JPY" else 100))


def by_hand(sink: Any, item: Item) -> dict[str, Any]:
    """What a person would enter: the same, and no key of ours."""
    [call] = sink.encode([item])
    [[body]] = json.loads(call.body, parse_float=Decimal).values()
    if item.entity == "credit_memo":
        body["Reference"] = "from the yard"
    told = {"Url", "ContactNumber", *(("Description",) if item.entity == "product" else ())}
    return {name: value for name, value in body.items() if name not in told}


def entered(sim: XeroSimulator, name: str, body: dict[str, Any]) -> str:
    made = sim.write(name, body)
    id = str(made[f"{name.removesuffix('s')}ID"])
    return f"{id}/{made['Code']}" if name == "Items" else id


def twin(sim: XeroSimulator, name: str, sink: Any, item: Item) -> None:
    sim.write(name, {**by_hand(sink, item), "Url": f"https://wherry.invalid/{item.stamp}"})


def effects(sim: XeroSimulator, item: Item) -> Sequence[Entry]:
    """What its call did; the id of an item with its code behind it, as its target is."""
    mine = [entry for entry in sim.history.effects() if entry.detail.get("cause") and is_of(entry, item)]
    if item.entity != "product":
        return mine
    return [dataclasses.replace(e, detail={**e.detail, "id": f"{e.detail['id']}/{e.detail['code']}"}) for e in mine]


def is_of(entry: Entry, item: Item) -> bool:
    told = entry.detail
    if item.target is not None:
        return bool(told["cause"] == item.stamp)
    by_code = item.entity == "product" and told["code"] == code(item.body)
    return entry.what.endswith(".created") and (told["stamp"] == item.stamp or by_code)


class TestSink(SinkSuite):
    @pytest.fixture
    def trial(self, tmp_path: Path, sim: XeroSimulator) -> Iterator[SinkTrial]:
        with serve(sim.app()) as url, trial_of(sim, url, tmp_path, "invoice") as trial:
            yield trial


class TestJournals(Fields, Bodies, Edges, Saying, Changing, Arriving, Asking, Telling):
    """What depends on the entity: they are built otherwise, and tell what moved the books."""

    @pytest.fixture
    def trial(self, tmp_path: Path, sim: XeroSimulator) -> Iterator[SinkTrial]:
        with serve(sim.app()) as url, trial_of(sim, url, tmp_path, "journal_entry") as trial:
            yield trial


class TestContacts(Fields, Changing, Asking):
    """Their names are unique, and their key stands where only other systems look."""

    @pytest.fixture
    def trial(self, tmp_path: Path, sim: XeroSimulator) -> Iterator[SinkTrial]:
        with serve(sim.app()) as url, trial_of(sim, url, tmp_path, "customer") as trial:
            yield trial


class TestCreditNotes(Changing, Asking):
    """They are built as invoices are: what becomes of them, and how they are found."""

    @pytest.fixture
    def trial(self, tmp_path: Path, sim: XeroSimulator) -> Iterator[SinkTrial]:
        with serve(sim.app()) as url, trial_of(sim, url, tmp_path, "credit_memo") as trial:
            yield trial


class TestItems(Changing, Asking):
    """The code of an item is its SKU, or its name, and unique."""

    @pytest.fixture
    def trial(self, tmp_path: Path, sim: XeroSimulator) -> Iterator[SinkTrial]:
        with serve(sim.app()) as url, trial_of(sim, url, tmp_path, "product") as trial:
            yield trial
