"""What is told wrongly is not believed: by a clock, by another company's ids, by a listing, by two people at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from wherry.errors import Guarded
from wherry.operating import deciding, reopening
from wherry.operating import desk as desks
from wherry.protocol import flight
from wherry.records import Answer, Call, Found, Item, Reply
from wherry.store import ledger, tables
from wherry.store.calls import OpenItem
from wherry.store.ledger import Event
from wherry.testing.target_sink import AskingSink, TargetSink

from .drained import Books, books, crash


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Books]:
    with books(tmp_path, f"sqlite:///{tmp_path / 'store' / 'wherry.db'}", monkeypatch) as made:
        yield made


def an_answer_will_be_lost(desk: Books) -> None:
    """One invoice is there; that of the next one is made, and nobody hears of it."""
    desk.bill("1")
    desk.run()
    desk.bill("2")
    desk.fault("lost")


def test_a_time_far_ahead_is_of_a_clock_that_went_wrong_and_holds_nothing_up(desk: Books) -> None:
    an_answer_will_be_lost(desk)
    desk.clock.at(5.0, crash)
    right = desk.clock.now
    desk.clock.now = lambda: right() + dt.timedelta(days=365)  # type: ignore[method-assign]
    desk.died()
    desk.clock.now = right  # type: ignore[method-assign]
    assert desk.item("2").due > "2027"
    desk.clock.tide.advance(3600)
    assert desk.run().exit_code == 0
    assert (desk.states(), desk.done("2")) == ({}, [("created", "10.00")])


def test_trying_it_again_looks_it_up_as_soon_as_its_target_has_settled(desk: Books) -> None:
    an_answer_will_be_lost(desk)
    desk.dies_waiting()
    desk.died()
    with desk.stored() as store, store.write() as tx:
        tx.run(tables.items.update().values(due=flight.later(store, 80_000)))
    with desk.open() as hub:
        deciding.retry(hub, desks.all_of(hub, "unknown"))
    assert (desk.states(), desk.done("2")) == ({}, [("created", "10.00")])


def test_what_was_tried_any_number_of_times_is_put_off_for_a_minute(desk: Books) -> None:
    """case_E9: an outage of weeks is an outage."""
    an_answer_will_be_lost(desk)
    desk.dies_waiting()
    desk.died()
    item = msgspec.structs.replace(desk.item("2"), tries=100_000)
    sent = flight.Flight(open=OpenItem(1, item), item=Item(entity="invoice", key="2", body={}))
    with desk.stored() as store:
        flight.remember(store, sent, Answer(fate="queued"), 60.0)
        assert item.due <= flight.later(store, 60.0)


def test_a_paused_flow_sends_nothing_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with books(tmp_path, f"sqlite:///{tmp_path / 'store' / 'wherry.db'}", monkeypatch, "key") as desk:
        desk.bill("1")
        desk.run()
        desk.bill("2")
        desk.fault("dropped")
        desk.crash("after", "_send")
        desk.died()
        with desk.stored() as store, store.write() as tx:
            tx.many(tables.flows, ("name", "state", "since", "reason", "by", "at"),
                    [("invoices", "paused", "", "wrong customer", "anna", "2026-07-06T09:00:00.000Z")])  # fmt: skip
        with desk.open() as hub:
            hub.drain("books")
        assert desk.done("2") == []


def test_ids_of_another_company_say_nothing_of_a_document_entered_by_hand(desk: Books) -> None:
    """case_C20"""
    mine = desk.target.enter("invoice", number="INV-1", total="10.00", currency="GBP")
    desk.clock.tide.advance(600)
    desk.bill("1")
    with desk.stored() as store, store.write() as tx:
        elsewhere = Event(store.now(), "r", "elsewhere", "invoice", "1", "invoice", "id:1", "created", mine)
        ledger.put_events(tx, [elsewhere])
    assert desk.run().exit_code == 4
    assert desk.states() == {"invoice/id:1": "decide"}


class Repeats(AskingSink):
    """Whatever it finds it names twice, as a listing does whose pages overlap."""

    def found(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, list[Found]]:
        return {stamp: [*hits, *hits] for stamp, hits in super().found(call, items, reply).items()}


def test_a_document_that_is_named_twice_is_one_document(desk: Books) -> None:
    an_answer_will_be_lost(desk)

    def repeating(sink: TargetSink) -> TargetSink:
        sink.__class__ = Repeats
        return sink

    desk.made = repeating
    assert desk.run().exit_code == 0
    assert (desk.states(), desk.done("2")) == ({}, [("created", "10.00")])


def test_two_people_do_not_link_two_records_to_one_document(desk: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    """I2: the second one looked before the first one's word was there."""
    desk.bill("0")
    desk.run()
    desk.bill("1")
    desk.bill("2")
    desk.fault("status", status=422, times=2, body={"error": {"code": "bad-amount", "message": "no"}})
    desk.run()
    hand = desk.target.enter("invoice", number="HAND", total="10.00", currency="GBP")
    desk.clock.tide.advance(600)
    one, two = desk.item("1").id, desk.item("2").id
    look = deciding.look

    def overtaken(*told: Any) -> Any:
        monkeypatch.setattr(deciding, "look", look)
        with desk.open() as other:
            deciding.adopt(other, two, hand)
        return look(*told)

    monkeypatch.setattr(deciding, "look", overtaken)
    with desk.open() as hub, pytest.raises(Guarded, match="is linked to"):
        deciding.adopt(hub, one, hand)
    assert set(desk.states()) == {"invoice/id:1"}


def test_two_people_do_not_open_one_document_twice(desk: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one looked before the first one had opened it."""
    desk.bill("1")
    desk.run()
    del desk.target.things[desk.number("1")["id"]]
    holds = reopening._holds

    def overtaken(*told: Any) -> Any:
        monkeypatch.setattr(reopening, "_holds", holds)
        with desk.open() as other:
            reopening.reopen(other, "INV-1")
        return holds(*told)

    monkeypatch.setattr(reopening, "_holds", overtaken)
    with desk.open() as hub, pytest.raises(Guarded, match="is open already"):
        reopening.reopen(hub, "INV-1")
