"""What must not stay as it is: an answer that cannot be stored yet, a target that somebody else sends to, what was sent
again and plainly refused, a reversal that waits behind what nobody knows, what was refused and entered by hand.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from wherry.errors import Busy, Guarded
from wherry.operating import correcting, deciding, undoing
from wherry.operating import desk as desks
from wherry.protocol import drain, flight, watching
from wherry.records import Answer, Call, Item
from wherry.store import engines
from wherry.store import tables as t
from wherry.testing.target_sink import AskingSink

from .drained import Books, books

REFUSED: dict[str, Any] = {"status": 422, "body": {"error": {"code": "bad-amount", "message": "period closed"}}}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Books]:
    with books(tmp_path, f"sqlite:///{tmp_path / 'store' / 'wherry.db'}", monkeypatch) as made:
        made.bill("1")
        made.run()
        yield made


@pytest.fixture
def upsert(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Books]:
    """Books on a target that recognises what comes again for ever, and cannot be asked."""
    with books(tmp_path, f"sqlite:///{tmp_path / 'store' / 'wherry.db'}", monkeypatch, "upsert") as made:
        made.bill("1")
        made.run()
        yield made


# -- an answer in hand -------------------------------------------------------------------------------------------------


def test_an_answer_is_kept_while_another_process_holds_the_store(desk: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody can be asked it would be lost for good"""
    monkeypatch.setattr(engines, "_PATIENCE", 20)
    other = sqlite3.connect(desk.folder / "store" / "wherry.db", isolation_level=None)
    real, told = flight.exchange, list[str]()

    def exchange(target: flight.Target, one: flight.Exchange) -> flight.Exchange:
        done = real(target, one)
        other.execute("BEGIN IMMEDIATE")
        return done

    def waits(why: str, seconds: float) -> None:
        told.append(why)
        other.execute("COMMIT")

    monkeypatch.setattr(flight, "exchange", exchange)
    desk.bill("2")
    looks = desk.reads()
    with desk.open() as opened:
        opened.wiring.lanes.waits = waits
        assert opened.run("invoices").exit_code == 0
    other.close()
    assert len(told) == 1
    assert "what books has answered is stored as soon as it can be" in told[0]
    assert (desk.done("2"), desk.states(), desk.reads()) == ([("created", "10.00")], {}, looks)


@pytest.mark.parametrize("ends", [False, True])
def test_an_answer_is_kept_although_the_session_that_holds_the_lock_has_died(
    tmp_path: Path, postgres_tables: str, monkeypatch: pytest.MonkeyPatch, ends: bool
) -> None:
    """The database's server took over elsewhere while the answer came; nobody can be asked for it again. Nor is it
    given up where the process is to end."""
    with books(tmp_path, postgres_tables, monkeypatch, "none") as mute:
        mute.bill("1")
        mute.run()
        real, engine = (
            flight.exchange,
            sa.create_engine(sa.make_url(postgres_tables).set(drivername="postgresql+psycopg")),
        )

        def exchange(target: flight.Target, one: flight.Exchange) -> flight.Exchange:
            done = real(target, one)
            with engine.connect() as connection:
                gone = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
                connection.exec_driver_sql(f"SELECT pg_terminate_backend(pid) {gone}")
            return done

        mute.bill("2")
        with monkeypatch.context() as patch:
            patch.setattr(flight, "exchange", exchange)
            patch.setattr(drain, "is_stopping", lambda: ends)
            report = mute.run()
        engine.dispose()
        assert report.exit_code == 6
        assert mute.run().exit_code == 0
        assert (mute.done("2"), mute.states()) == ([("created", "10.00")], {})


def test_while_somebody_else_sends_to_its_target_a_run_reads_its_source(
    desk: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain, "_WAIT", 0.0)
    desk.bill("2")
    with desk.stored() as store, store.lock("drain:2"):
        desk.bill("3")
        report = desk.run()
    assert isinstance(report.error, Busy)
    assert "another process is still sending to books" in report.error.message
    assert {"invoice/id:2": "queued", "invoice/id:3": "queued"}.items() <= desk.states().items()
    assert desk.run().exit_code == 0


# -- what does not come back -------------------------------------------------------------------------------------------


class Hangs(AskingSink):
    """It never ends with INV-2."""

    def encode(self, items: Sequence[Item]) -> list[Call]:
        while any(item.body.get("number") == "INV-2" for item in items):
            time.sleep(0.001)
        return super().encode(items)


def test_an_item_that_encode_never_ends_with_is_named_and_alone_refused(
    desk: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I21"""
    monkeypatch.setattr(watching, "SLOW", 0.05)
    monkeypatch.setattr(watching, "ENDLESS", 0.2)
    monkeypatch.setattr(watching, "_LOOK", 0.05)
    desk.made = lambda real: Hangs(real.http, real.ability, batch=real.batch, settle=real.settle)
    desk.bill("2")
    desk.bill("3")
    told = list[str]()
    with desk.open() as opened:
        opened.says = told.append
        opened.run("invoices")
    assert "encode of invoice INV-2 for books" in told[0]
    assert desk.states() == {"invoice/id:2": "refused"}
    assert "encode of invoice INV-2 for books did not come back" in desk.item("2").reason
    assert desk.done("3") == [("created", "10.00")]


def test_what_stands_in_one_group_with_such_an_item_leaves_all_the_same(
    desk: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I21"""
    monkeypatch.setattr(watching, "HELD_UP", 0.2)
    monkeypatch.setattr(watching, "_LOOK", 0.05)
    desk.batch = 3
    desk.made = lambda real: Hangs(real.http, real.ability, batch=real.batch, settle=real.settle)
    for number in ("1", "2", "3", "4", "5", "6"):
        desk.bill(number)
    assert desk.run().exit_code == 4
    assert desk.states() == {"invoice/id:2": "refused"}
    assert [desk.done(number) for number in ("1", "3", "6")] == [[("created", "10.00")]] * 3
    assert max(len(row.call.items) for row in desk.sent()) == 3  # once it is known which, they leave together again


class HangsAsked(AskingSink):
    """It never ends asking for INV-2."""

    def ask(self, items: Sequence[Item]) -> list[Call]:
        while any(item.body.get("number") == "INV-2" for item in items):
            time.sleep(0.001)
        return super().ask(items)


def test_what_stands_in_one_look_with_an_item_that_ask_never_ends_with_leaves_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I21: it ended each run, and nothing left for that target any more"""
    monkeypatch.setattr(watching, "HELD_UP", 0.2)
    monkeypatch.setattr(watching, "_LOOK", 0.05)
    with books(tmp_path, f"sqlite:///{tmp_path / 'store' / 'wherry.db'}", monkeypatch) as fresh:
        fresh.made = lambda real: HangsAsked(real.http, real.ability, batch=real.batch, settle=real.settle)
        for number in ("1", "2", "3"):
            fresh.bill(number)
        assert fresh.run().exit_code == 4
        assert fresh.states() == {"invoice/id:2": "refused"}
        assert [fresh.done(number) for number in ("1", "3")] == [[("created", "10.00")]] * 2


# -- what is sent for ever ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["dropped", "lost"])
def test_what_is_plainly_refused_when_it_is_sent_again_goes_to_a_person(upsert: Books, first: str) -> None:
    """I20: the target recognises it for ever, and cannot be asked; nothing else can be done"""
    upsert.bill("2")
    upsert.fault(first)
    upsert.fault("status", **REFUSED)
    assert upsert.run().exit_code == 4
    assert upsert.states() == {"invoice/id:2": "decide"}
    assert "it may be there since it was sent first" in upsert.item("2").reason
    assert "period closed" in upsert.item("2").reason
    upsert.bill("3")
    assert upsert.run().exit_code == 4
    assert upsert.done("3") == [("created", "10.00")]


# -- what waits behind what nobody knows -------------------------------------------------------------------------------


def undone(desk: Books) -> undoing.Undone:
    with desk.stored() as store, store.read() as tx:
        runs = [str(row[0]) for row in tx.rows(sa.select(t.runs.c.id).order_by(t.runs.c.started_at))]
    with desk.open() as opened:
        return undoing.undo(opened, runs[-1])


def unknown(desk: Books, first: str = "lost") -> None:
    """The answer to INV-2 does not come, and the process dies before it looks; the target is out of order then."""
    desk.bill("2")
    desk.fault(first)
    desk.dies_waiting()
    desk.died()
    desk.fault("status", status=503, path="", times=9)


def in_order_again(desk: Books) -> None:
    desk.target.stage.faults.clear()
    desk.clock.tide.advance(600)


def test_a_reversal_that_waits_behind_an_unknown_has_the_word_of_who_asked_for_it(desk: Books) -> None:
    """The target is out of reach while the run is taken back: what it made is reversed once it is known of"""
    desk.flows = {"invoices": 'approval = "required"'}
    with desk.stored() as store, store.write() as tx:
        tx.run(t.items.update().values(approval="given"))
    desk.bill("2")
    desk.run()
    desk.fault("lost")
    desk.dies_waiting()
    with desk.stored() as store, store.write() as tx:
        tx.run(t.items.update().values(approval="given"))
    desk.died()
    desk.target.stage.faults.add("status", method="GET", path="", times=99, status=503)
    assert undone(desk).error is not None
    assert desk.states() == {"invoice/id:2": "unknown"}
    in_order_again(desk)
    assert desk.run().exit_code == 0
    assert [what for what, _ in desk.done("2")] == ["created", "voided"]


def test_a_document_that_is_linked_long_after_an_undo_is_not_taken_back(desk: Books) -> None:
    """case_C20: the answer was lost when the run was taken back; what is there turns out to be entered by hand"""
    unknown(desk, "dropped")
    desk.target.stage.faults.add("status", method="GET", path="", times=99, status=503)
    undone(desk)
    desk.target.stage.faults.clear()
    by_hand = desk.target.enter(kind="invoice", number="INV-2", total="10.00", currency="GBP")
    desk.clock.tide.advance(600)
    assert desk.run().exit_code == 4
    desk.answer(Answer(fate="linked", target=by_hand), "2")
    assert desk.run().exit_code == 0
    assert desk.number("2")["status"] == "open"


# -- what was entered by hand ------------------------------------------------------------------------------------------


def retry(desk: Books, *changes: tuple[str, str]) -> None:
    with desk.open() as opened:
        for one in desks.all_of(opened, "refused"):
            correcting.edit(opened, one.item.id, changes)
        deciding.retry(opened, desks.all_of(opened, "refused"))


def retried(desk: Books) -> None:
    retry(desk)


def edited(desk: Books) -> None:
    retry(desk, ("memo", "as agreed"))


def corrected_at_its_source(desk: Books) -> None:
    desk.bill("2", "20.00", memo="as agreed")
    desk.run()


@pytest.mark.parametrize("how", [retried, edited, corrected_at_its_source])
def test_what_was_refused_and_entered_by_hand_is_looked_for_before_it_is_sent(
    desk: Books, how: Callable[[Books], None]
) -> None:
    """case_C20: long after the flow's first documents"""
    desk.clock.tide.advance(600)
    desk.bill("2", "20.00")
    desk.fault("status", **REFUSED)
    assert desk.run().exit_code == 4
    desk.target.enter(kind="invoice", number="INV-2", total="20.00", currency="GBP")
    desk.clock.tide.advance(60)
    how(desk)
    assert desk.states() == {"invoice/id:2": "decide"}
    assert desk.done("2") == [("entered", "20.00")]


class Repeating(AskingSink):
    """Its target takes two invoices of one number."""

    repeats_numbers = ("invoice",)


def test_where_a_number_may_be_there_twice_what_is_new_is_always_looked_for(desk: Books) -> None:
    """case_C20: entered by hand long after the flow's first documents"""
    desk.made = lambda real: Repeating(real.http, real.ability, batch=real.batch, settle=real.settle)
    desk.clock.tide.advance(600)
    desk.target.enter(kind="invoice", number="INV-2", total="10.00", currency="GBP")
    desk.clock.tide.advance(60)
    desk.bill("2")
    desk.bill("3")
    assert desk.run().exit_code == 4
    assert (desk.states(), desk.done("3")) == ({"invoice/id:2": "decide"}, [("created", "10.00")])
    looks = len(desk.reads())
    desk.again("2")
    assert desk.run().exit_code == 0
    assert (desk.done("2"), len(desk.reads())) == ([("entered", "10.00"), ("created", "10.00")], looks)


def test_what_has_waited_for_a_day_is_looked_for(desk: Books) -> None:
    """case_C20: its target was out of order, and somebody lost his patience"""
    desk.clock.tide.advance(600)
    desk.target.stage.faults.add("status", method="GET", path="", times=99, status=503)
    desk.bill("2", "20.00")
    desk.run()
    in_order_again(desk)
    desk.target.enter(kind="invoice", number="INV-2", total="20.00", currency="GBP")
    desk.clock.tide.advance(90_000)
    assert desk.run().exit_code == 4
    assert desk.states() == {"invoice/id:2": "decide"}


def test_an_item_that_a_person_said_to_send_can_be_shown(desk: Books) -> None:
    desk.bill("2")
    desk.fault("status", status=429, times=99)
    desk.run()
    with desk.stored() as store, store.write() as tx:
        tx.run(t.items.update().values(evidence='{"what":"person"}'))
    with desk.open() as opened:
        assert desks.shown(opened, desk.item("2").id)["evidence"] is None


# -- what was put off, and by whom -------------------------------------------------------------------------------------


def test_refusals_for_going_too_fast_do_not_count_against_a_change_that_is_stale_later(desk: Books) -> None:
    """It was said of such a change that it keeps changing there"""
    desk.bill("1", "20.00")
    desk.fault("status", status=429, times=8)
    assert desk.run().exit_code == 6
    desk.target.stage.faults.clear()
    desk.target.edit(desk.number("1")["id"])
    desk.clock.tide.advance(600)
    assert desk.run().exit_code == 0
    assert desk.done() == [("created", "10.00"), ("edited", "10.00"), ("updated", "20.00")]


def test_who_takes_back_a_run_of_a_paused_flow_is_told_that_nothing_leaves(desk: Books) -> None:
    with desk.stored() as store, store.write() as tx:
        tx.many(t.flows, ("name", "state", "since", "reason", "by", "at"),
                [("invoices", "paused", "", "wrong customer", "anna", "2026-07-06T09:00:00.000Z")])  # fmt: skip
    error = undone(desk).error
    assert isinstance(error, Guarded)
    assert error.fix == "wherry flow activate invoices"
    assert desk.done() == [("created", "10.00")]


def test_a_note_of_a_clock_that_went_wrong_makes_one_run_s_records_old_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """case_A21: the store was found to be an older copy, and read again, in a year to come; nobody can be asked"""
    with books(tmp_path, f"sqlite:///{tmp_path / 'store' / 'wherry.db'}", monkeypatch, "none") as mute:
        mute.bill("1")
        mute.run()
        (mute.folder / ".wherry" / "calls-sent").unlink()
        right = mute.clock.now
        mute.clock.now = lambda: right() + dt.timedelta(days=365)
        mute.bill("9")
        mute.run()
        mute.clock.now = right
        mute.bill("2")
        mute.run()
        mute.clock.tide.advance(600)
        mute.bill("3")
        mute.run()
        assert mute.done("3") == [("created", "10.00")]


# -- calls of earlier versions -----------------------------------------------------------------------------------------


def test_a_call_whose_parameters_are_no_texts_is_read(desk: Books) -> None:
    """Earlier versions kept them as a plugin gave them"""
    with desk.stored() as store, store.write() as tx:
        tx.run(t.calls.update().values(params='{"minorversion":75,"full":true,"day":null,"a":"b"}'))
    assert desk.sent()[0].call.params == {"minorversion": "75", "full": "true", "day": "", "a": "b"}
