"""The kit's suite for sinks, on the stand-in: for each entity that is written."""

from __future__ import annotations

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
from wherry.testing.sink_trial import created, update_of, write
from wherry.testing.sinks import BriefSinkSuite, SinkSuite, SinkTrial
from wherry.testing.sinks_books import Telling
from wherry.testing.sinks_changing import Arriving, Changing
from wherry.testing.sinks_lost import Asking
from wherry_intacct.client import Client
from wherry_intacct.documents import FORMS, form_of, function_of
from wherry_intacct.settings import IntacctSettings
from wherry_intacct.simulator import IntacctSimulator
from wherry_intacct.sink import IntacctSink
from wherry_intacct.texts import iso

POSTING = ("invoice", "credit_memo", "journal_entry")
DOCUMENTS = (*POSTING, "sales_order")
SETTINGS: dict[str, Any] = {
    "company": "acme-sandbox", "currency": "USD", "currencies": ["EUR", "JPY"], "location": "100", "term": "Net 30",
    "sender": "wherry", "user": "gateway",
    "sender_password": {"env": "BOOKS_SENDER"}, "password": {"env": "BOOKS_PASSWORD"},
}  # fmt: skip


@contextmanager
def trial_of(sim: IntacctSimulator, url: str, folder: Path, entity: str, **more: Any) -> Iterator[SinkTrial]:
    """A trial of the sink for one entity."""
    settings = IntacctSettings.model_validate({**SETTINGS, "base_url": url, **more})
    reached = [settings]
    customer, sold = furnished(sim)

    def thing(number: int) -> Item:
        return sample(entity, number, customer, sold, debit="1200", credit="4000")

    with services(folder, clock=SharedClock(sim.clock)) as core:

        def make() -> CallSinkWriter:
            sink = IntacctSink(Client(core, reached[-1]), reached[-1], core)
            sink.check()
            return sink

        form = form_of(entity, make()._books)  # type: ignore[attr-defined]

        def edit(target: str, **fields: str) -> None:
            edited(sim, form.object, target, fields)

        def move() -> None:
            sim.company.id = "another"
            reached.append(settings.model_copy(update={"company": "another"}))

        by_hand = entered(sim, make)
        yield SinkTrial(
            make=make,
            stage=sim.stage,
            items=lambda count: [thing(number) for number in range(count)],
            changed=changed,
            wait=sim.clock.advance,
            effects=lambda item: effects(sim, item),
            latest=300.0,
            rejected=unsaid(thing(0)),
            refused=for_nobody(thing(1), "99999") if entity in DOCUMENTS else None,
            gone="Sales Order-none" if form.object == "SODOCUMENT" else "99999",
            holds=(lambda item: held(sim, form.object, item)) if entity in DOCUMENTS else None,
            close=(lambda day: setattr(sim.company, "closed", day)) if entity in POSTING else None,
            move=move,
            clash=by_hand if entity == "product" else None,
            enter=by_hand if entity in DOCUMENTS else None,
            edit=edit,
            renumber=(lambda id: edit(id, number="R-1")) if entity in DOCUMENTS else None,
            voids=entity in DOCUMENTS,
            ignored=() if entity in ("sales_order", "customer", "product") else ("lines.quantity", "lines.rate"),
            secret=SECRET,
            echo=lambda text: f"<response><control><status>failure</status></control><errormessage><error><errorno>X"
            f"</errorno><description2>{text}</description2></error></errormessage></response>",
        )  # fmt: skip


def furnished(sim: IntacctSimulator) -> tuple[str, str]:
    """A customer and an item, by their targets."""
    customer = sim.make({"create": {"CUSTOMER": {"CUSTOMERID": "C-1", "NAME": "Acme Rail",
                                                 "DISPLAYCONTACT": {"PRINTAS": "Acme Rail"}}}})  # fmt: skip
    sold = sim.make({"create": {"ITEM": {"ITEMID": "SLEEPER", "NAME": "Sleeper", "ITEMTYPE": "Non-Inventory"}}})
    return customer, f"{sold}/SLEEPER"


def entered(sim: IntacctSimulator, make: Any) -> Any:
    """What a person enters: the same, and no stamp; its target."""

    def enter(item: Item) -> str:
        function = without(function_of(item, make()._books), ("externalid", "DOCUMENT"))
        key = sim.make(function)
        return f"{key}/{sim.company.tables['ITEM'][key]['ITEMID']}" if item.entity == "product" else key

    return enter


def without(content: Any, names: tuple[str, ...]) -> Any:
    if isinstance(content, dict):
        return {name: without(value, names) for name, value in content.items() if name not in names}
    return [without(one, names) for one in content] if isinstance(content, list) else content


def edited(sim: IntacctSimulator, object: str, target: str, fields: dict[str, str]) -> None:
    """A person changes a text of a record."""
    form, key = FORMS[object], target.partition("/")[0]
    row = sim.company.find(object, **{form.key: key})
    assert row is not None
    texts = {"CUSTOMER": "COMMENTS", "ITEM": "EXTENDED_DESCRIPTION", "GLBATCH": "BATCH_TITLE", "SODOCUMENT": "MESSAGE"}
    names = {"number": form.name, "name": "NAME", "description": texts.get(object, "DESCRIPTION"),
             "memo": texts.get(object, "DESCRIPTION")}  # fmt: skip
    for name, value in (fields or {"memo": "looked at"}).items():
        row[names[name]] = value


def held(sim: IntacctSimulator, object: str, item: Item) -> Holding | None:
    """What the company holds of a document, by its own words."""
    form, company = FORMS[object], sim.company
    if item.target:
        row = company.find(object, **{form.key: item.target})
    elif object == "GLBATCH":
        mine = next((one["BATCHNO"] for one in company.tables["GLENTRY"].values()
                     if one.get("DOCUMENT") == item.stamp), "")  # fmt: skip
        row = company.find(object, RECORDNO=mine)
    else:
        row = company.find(object, EXTERNALID=item.stamp)
    if row is None:
        return None
    rows = company.lines(form.lines, form.parent, row[form.key])
    lines = tuple(line_of(sim, one, object) for one in rows)
    journal = object == "GLBATCH"
    total = sum(line.minor for line in lines if line.side == "debit") if journal else \
        abs(pennies(row.get("TRX_TOTAL") or row.get("TRX_TOTALENTERED"), row["CURRENCY"]))  # fmt: skip
    return Holding(
        total=total, lines=lines, date=iso(row.get("BATCH_DATE") or row.get("WHENCREATED")),
        currency=rows[0]["CURRENCY"] if journal else row["CURRENCY"],
        party=None if journal else row.get("CUSTVENDID") or row.get("CUSTOMERID"),
    )  # fmt: skip


def line_of(sim: IntacctSimulator, row: dict[str, str], object: str) -> Line:
    if object == "GLBATCH":
        side = "debit" if row["TR_TYPE"] == "1" else "credit"
        return Line(row["ACCOUNTNO"], side, pennies(row["TRX_AMOUNT"], row["CURRENCY"]))
    sign = -1 if object == "ARADJUSTMENT" else 1
    item = sim.company.find("ITEM", ITEMID=row["ITEMID"])
    assert item is not None
    return Line(f"{item['RECORDNO']}/{row['ITEMID']}", "", sign * pennies(row.get("TRX_VALUE") or row["TRX_AMOUNT"]))


def pennies(amount: Any, currency: str = "USD") -> int:
    return int(Decimal(str(amount)) * (1 if currency == "JPY" else 100))


def effects(sim: IntacctSimulator, item: Item) -> Sequence[Entry]:
    """What its function did."""
    return [entry for entry in sim.history.effects() if entry.detail["cause"] == item.stamp]


class TestSink(SinkSuite):
    @pytest.fixture(params=["invoice", "journal_entry"])
    def trial(self, request: pytest.FixtureRequest, tmp_path: Path, sim: IntacctSimulator) -> Iterator[SinkTrial]:
        with serve(sim.app()) as url, trial_of(sim, url, tmp_path, request.param) as trial:
            yield trial


class TestCustomers(BriefSinkSuite):
    @pytest.fixture
    def trial(self, tmp_path: Path, sim: IntacctSimulator) -> Iterator[SinkTrial]:
        with serve(sim.app()) as url, trial_of(sim, url, tmp_path, "customer") as trial:
            yield trial


class TestItems(Changing, Asking):
    """Only one can have an ID: what has it, and all else that was said, is taken for the thing itself."""

    @pytest.fixture
    def trial(self, tmp_path: Path, sim: IntacctSimulator) -> Iterator[SinkTrial]:
        with serve(sim.app()) as url, trial_of(sim, url, tmp_path, "product") as trial:
            yield trial

    def test_what_a_body_no_longer_names_is_emptied(self, trial: SinkTrial) -> None:
        """The kit would make several of one SKU, which Sage Intacct does not take."""
        sink, item = trial.make(), trial.items(1)[0]
        item.body |= {"sku": "GTX-1", "price": "12.50"}
        (first,) = created(sink, [item])
        step = update_of(trial, item, first)
        step.body = {"name": item.body["name"], "sku": "GTX-1"}
        answer = write(sink, [step])[step.stamp]
        assert (answer.fate, answer.facts) == ("updated", sink.facts(step))
        assert answer.facts is not None
        assert (answer.facts["description"], answer.facts["price"]) == ("", "0")


class TestOrders(Changing, Arriving, Telling):
    """As documents of Order Entry, which keep their number."""

    @pytest.fixture
    def trial(self, tmp_path: Path, sim: IntacctSimulator) -> Iterator[SinkTrial]:
        with serve(sim.app()) as url, trial_of(sim, url, tmp_path, "sales_order") as trial:
            yield trial


class TestCreditMemos(Changing, Arriving, Telling):
    """As adjustments, with their signs."""

    @pytest.fixture
    def trial(self, tmp_path: Path, sim: IntacctSimulator) -> Iterator[SinkTrial]:
        with serve(sim.app()) as url, trial_of(sim, url, tmp_path, "credit_memo") as trial:
            yield trial
