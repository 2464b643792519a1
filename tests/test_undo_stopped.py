"""Taking back a run that was stopped half way: what it wrote, what it may have written, and what it had not sent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from wherry.operating import deciding, overview, undoing
from wherry.operating.desk import number
from wherry.operating.undoing import Undo, Undone
from wherry.records import Answer
from wherry.store import tables as t

from .drained import Books, books


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Books]:
    """Books that hold INV-0; the run of three more is to be stopped."""
    with books(tmp_path, f"sqlite:///{tmp_path / 'store' / 'wherry.db'}", monkeypatch) as made:
        made.bill("0", "0.50")
        made.run()
        made.bills(3)
        yield made


def undo(desk: Books) -> tuple[Undo, Undone]:
    """Take the newest run back: what was said before, and what came of it."""
    with desk.stored() as store, store.read() as tx:
        run = [str(row[0]) for row in tx.rows(sa.select(t.runs.c.id).order_by(t.runs.c.started_at))][-1]
    with desk.open() as hub:
        return undoing.prepare(hub, run), undoing.undo(hub, run)


def test_undo_of_a_stopped_run_takes_back_what_may_be_there_and_withdraws_the_rest(desk: Books) -> None:
    """I2, I3: INV-1 is written, the answer of INV-2 is lost, INV-3 waits"""
    desk.crash("after", "_send", nth=2)
    desk.died()
    assert desk.states() == {"invoice/id:2": "unknown", "invoice/id:3": "queued"}
    said, done = undo(desk)
    assert [[row["label"] for row in rows] for rows in (said.items, said.unsure, said.unsent)] == [
        ["INV-1"], ["INV-2"], ["INV-3"],
    ]  # fmt: skip
    assert {row["label"]: row["state"] for row in done.items} == {
        "INV-1": "reversed", "INV-2": "reversed", "INV-3": "skipped",
    }  # fmt: skip
    assert desk.items() == {}
    assert [desk.done(id)[-1][0] for id in "12"] == ["voided", "voided"]
    assert desk.done("3") == []
    assert [one["status"] for one in desk.target.things.values() if one["number"] == "INV-0"] == ["open"]


def test_what_was_withdrawn_comes_again_only_once_its_record_changes(desk: Books) -> None:
    desk.crash("before", "_send", nth=1)
    desk.died()
    said, done = undo(desk)
    assert (said.items, len(said.unsure), len(said.unsent)) == ([], 1, 2)
    assert "was taken back before it was sent" in done.items[-1]["reason"]
    before = len(desk.writes())
    assert desk.run().exit_code == 0
    assert len(desk.writes()) == before
    desk.bill("3", "3.30")
    assert desk.run().exit_code == 0
    assert desk.done("3") == [("created", "3.30")]


def test_what_never_reached_the_target_is_not_made_to_be_taken_back(desk: Books) -> None:
    desk.fault("dropped")
    desk.dies_waiting()
    desk.died()
    assert desk.states() == {"invoice/id:1": "unknown"}
    _, done = undo(desk)
    assert {row["label"]: row["state"] for row in done.items} == {
        "INV-1": "skipped", "INV-2": "reversed", "INV-3": "reversed",
    }  # fmt: skip
    assert desk.done("1") == []
    assert desk.items() == {}


def test_a_document_that_a_person_links_after_an_undo_is_not_taken_back(desk: Books) -> None:
    """C20: what is there under the number was entered by hand"""
    desk.fault("dropped")
    desk.dies_waiting()
    desk.died()
    by_hand = desk.target.enter(kind="invoice", number="INV-1", total="1.10", currency="GBP")
    desk.clock.tide.advance(600)
    _, done = undo(desk)
    assert {row["label"]: row["state"] for row in done.items}["INV-1"] == "decide"
    desk.answer(Answer(fate="linked", target=by_hand))
    assert desk.run().exit_code == 0
    assert desk.number("1")["status"] == "open"
    assert desk.items() == {}


def test_a_document_that_a_person_linked_in_the_run_stays_when_the_run_is_taken_back(desk: Books) -> None:
    """C20: it was there before the run, and is not the run's to reverse"""
    desk.fault("dropped")
    desk.dies_waiting()
    desk.died()
    by_hand = desk.target.enter(kind="invoice", number="INV-1", total="1.10", currency="GBP")
    desk.clock.tide.advance(600)
    assert desk.run().exit_code == 4
    with desk.open() as hub:
        [waits] = [row for row in overview.open_items(hub) if row["state"] == "decide"]
        deciding.adopt(hub, number(waits["id"]), by_hand)
    before, done = undo(desk)
    assert [(row["label"], row["why"]) for row in before.left if row["target"] == by_hand] == [
        ("INV-1", "it was there before")
    ]
    assert by_hand not in [row["target"] for row in done.items]
    assert desk.number("1")["status"] == "open"
