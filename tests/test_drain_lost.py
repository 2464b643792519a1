"""Lost answers and crashes: whatever happens to a call, its effect is there once, and is known of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .drained import Books, books, crash

THIRD = 2
"""Customer and product go first: the invoice is the third write."""


@pytest.fixture
def desk(tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Books]:
    """On both databases."""
    with books(tmp_path, store_url, monkeypatch) as made:
        yield made


def is_written_once(desk: Books, total: str = "12.50") -> None:
    assert desk.done() == [("created", total)]
    assert desk.items() == {}
    link = desk.link()
    assert link is not None
    assert link.target == desk.number("1")["id"]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "lost"},
        {"kind": "truncated"},
        {"kind": "status", "status": 500, "committed": True},
        {"kind": "status", "status": 502, "committed": True},
        {"kind": "status", "status": 504, "committed": True},
        {"kind": "html", "committed": True},
        {"kind": "empty", "committed": True},
    ],
    ids=lambda fault: "-".join(map(str, fault.values())),
)
def test_whatever_comes_back_for_what_the_target_did_it_is_looked_for_and_found(
    desk: Books, fault: dict[str, Any]
) -> None:
    """case_A5, case_A8, case_A9, I2, I3, I4"""
    desk.bill("1", "12.50")
    desk.fault(**fault, after=THIRD)
    assert desk.run().exit_code == 0
    is_written_once(desk)
    assert len(desk.writes()) == 3


@pytest.mark.parametrize("kind", ["dropped", "html", "empty"])
def test_what_is_proved_not_to_be_there_is_sent_once_more_under_a_new_stamp(desk: Books, kind: str) -> None:
    """case_A6, case_A9"""
    desk.bill("1", "12.50")
    desk.fault(kind, after=THIRD)
    assert desk.run().exit_code == 0
    is_written_once(desk)
    first, second = [row.call.items[0] for row in desk.sent()][-2:]
    assert first != second
    assert desk.stamps() == [second]


def test_nobody_looks_before_the_target_has_settled(desk: Books) -> None:
    """case_A7: a call that is carried out late is one call, as long as that is within ``settle``"""
    desk.bill("1", "12.50")
    desk.fault("late", after=THIRD)
    desk.clock.at(29.0, desk.target.stage.release)
    assert desk.run().exit_code == 0
    is_written_once(desk)
    assert desk.clock.waited >= desk.settle


@pytest.mark.parametrize(
    ("place", "where"),
    [
        ("before", "_advance"),
        ("inside", "_advance"),
        ("after", "_advance"),
        ("before", "_send"),
        ("inside", "_send"),
        ("after", "_send"),
    ],
)
def test_a_process_that_dies_round_a_send_leaves_one_effect_behind_its_successor(
    desk: Books, place: str, where: str
) -> None:
    """case_A1, case_A2, case_A3, case_A4, I2"""
    desk.bill("1", "12.50")
    desk.crash(place, where, nth=4 if where == "_advance" else 3)
    desk.died()
    assert desk.run().exit_code == 0
    is_written_once(desk)


def test_an_answer_that_was_stored_but_not_settled_is_settled_without_asking_anybody(desk: Books) -> None:
    """case_A3"""
    desk.bill("1", "12.50")
    desk.crash("after", "_send", nth=3)
    desk.died()
    asked = len(desk.target.stage.history.requests("^/things"))
    assert desk.run().exit_code == 0
    is_written_once(desk)
    assert len(desk.target.stage.history.requests("^/things")) == asked


def test_a_second_death_during_the_recovery_from_the_first_changes_nothing(desk: Books) -> None:
    """case_A25"""
    desk.bill("1", "12.50")
    desk.crash("after", "_advance", nth=4)
    desk.died()
    for place in ("before", "inside", "after"):
        desk.crash(place, "_recover")
        desk.died()
        desk.crash(place, "_conclude")
        desk.died()
    assert desk.run().exit_code == 0
    is_written_once(desk)


def test_a_crash_while_waiting_does_not_begin_the_wait_anew(desk: Books) -> None:
    """The moment is kept: a process that is started every ten seconds and dies after nine comes to an end, too."""
    desk.bill("1", "12.50")
    desk.crash("after", "_advance", nth=4)
    desk.died()
    began = desk.clock.tide.now()
    for _ in range(3):
        desk.clock.at(10.0, crash)
        desk.died()
    assert desk.run().exit_code == 0
    is_written_once(desk)
    assert desk.clock.tide.now() - began == pytest.approx(desk.settle, abs=1.0)
