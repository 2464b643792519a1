"""What becomes of movements whose entry was reversed, or given up: nothing is booked twice, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from wherry.bookkeeping import trail
from wherry.books import unbooked
from wherry.errors import TryAgain
from wherry.hub import Hub
from wherry.testing.clock import hurried

from .treasury import Treasury, named_treasury

FLOW, NUMBER = "wallet-journals", "'JE W1 2026W02'"
REFUSED = {"Fault": {"Error": [{"Message": "no", "Detail": "no", "code": "6000"}], "type": "ValidationFault"}}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Treasury]:
    """A treasury where waiting takes no time."""
    with named_treasury(tmp_path, monkeypatch, capsys) as made:
        hurried(monkeypatch, wall=True)
        yield made


def moves(desk: Treasury, *rows: str) -> None:
    lines = ["id,date,amount,category,partition,reference", *rows]
    (desk.folder / "moves.csv").write_text("\n".join(lines) + "\n", "utf-8")
    desk.does("workspace import ledger-transaction moves.csv")


def refuse(desk: Treasury, times: int = 1) -> None:
    desk.books.stage.faults.add("status", method="POST", path="journalentry", times=times, status=400, body=REFUSED)


def fail(desk: Treasury, times: int = 3) -> None:
    desk.books.stage.faults.add("status", method="POST", path="journalentry|batch", times=times, status=503)


def booked(desk: Treasury) -> list[tuple[str, str]]:
    """What the books hold once everything is approved that waits for it: number and amount."""
    desk.type(f"approve {FLOW} --all --yes")
    return [(str(one["DocNumber"]), str(one["Line"][0]["Amount"])) for one in desk.journals()]


def told(desk: Treasury, word: str) -> str:
    [one] = desk.ask(f"explain {word}")["items"]
    return str(one["sentence"])


def wishes(desk: Treasury) -> list[str]:
    """Entries with whose reversal something was asked for that is not done."""
    with Hub.open(desk.folder) as hub, hub.store.read() as tx:
        route = trail.route_of(tx, hub.project.flows[FLOW])
        assert route is not None
        return list(unbooked.of_flow(tx, route.sink, FLOW))


def open_number(desk: Treasury) -> str:
    [one] = desk.ask("errors list")["items"]
    return str(one["id"])


@pytest.fixture
def posted(desk: Treasury) -> Treasury:
    """One entry of one movement is posted."""

    def post() -> None:
        moves(desk, "TX-1,2026-01-05,100.00 USD,payout,W1,p1")
        desk.ask(f"run {FLOW}")
        desk.does(f"approve {FLOW} --all --yes")

    desk.once("posted", post)
    return desk


# -- reversed ----------------------------------------------------------------------------------------------------------


def test_movements_are_held_although_the_reversal_was_refused_first_and_went_through_when_tried_again(
    posted: Treasury,
) -> None:
    """b_000_15"""
    refuse(posted)
    posted.type(f"journal reverse {FLOW} {NUMBER} --note 'wrong wallet' --yes")
    assert "is in books" in told(posted, "p1")
    assert told(posted, NUMBER).startswith("Journal entry JE W1 2026W02 of 1 movement is in books")
    assert "; its reversal was refused" in told(posted, NUMBER)
    [entry] = posted.ask(f"explain {NUMBER}")["items"]
    assert [(one["record"], one["minor"]) for one in entry["members"]] == [("ledger_transaction TX-1", 10_000)]
    posted.does(f"errors retry {open_number(posted)}")
    held = "its entry was reversed (JE W1 2026W02): wrong wallet"
    assert held in told(posted, "p1")
    posted.type(f"run {FLOW}")
    assert held in told(posted, "p1")
    assert booked(posted) == [("JE W1 2026W02", "100.00"), ("JE W1 2026W02R", "100.00")]


def test_held_movements_stay_held_when_a_run_books_while_the_reversal_is_under_way(
    posted: Treasury, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(posted)
    posted.type(f"journal reverse {FLOW} {NUMBER} --yes")
    moves(posted, "TX-2,2026-02-15,1.00 USD,payout,W1,p2")
    with monkeypatch.context() as patch:  # the target is still out of order while this run books
        patch.setattr(Hub, "_tried", lambda self, job: TryAgain("out of order", code="WHERRY-6057"))
        posted.type(f"run {FLOW}")
    for _ in range(2):
        posted.type(f"run {FLOW}")
    found = booked(posted)
    assert [number for number, _ in found] == ["JE W1 2026W02", "JE W1 2026W02R", "JE W1 2026W07"]
    assert "its entry was reversed (JE W1 2026W02)" in told(posted, "p1")


def test_what_was_to_be_booked_anew_is_although_a_run_came_between(
    posted: Treasury, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(posted)
    posted.type(f"journal reverse {FLOW} {NUMBER} --repost --yes")
    moves(posted, "TX-2,2026-02-15,1.00 USD,payout,W1,p2")
    with monkeypatch.context() as patch:
        patch.setattr(Hub, "_tried", lambda self, job: TryAgain("out of order", code="WHERRY-6057"))
        posted.type(f"run {FLOW}")
    for _ in range(2):
        posted.type(f"run {FLOW}")
    assert sorted(amount for _, amount in booked(posted)) == ["1.00", "100.00", "100.00", "100.00"]


def test_a_reversal_that_a_later_run_finds_refused_leaves_its_entry_as_it_was(posted: Treasury) -> None:
    fail(posted)
    posted.type(f"journal reverse {FLOW} {NUMBER} --yes")
    refuse(posted)
    for _ in range(2):
        posted.type(f"run {FLOW}")
    assert [number for number, _ in booked(posted)] == ["JE W1 2026W02"]
    said = told(posted, "p1")
    assert "is in books" in said
    assert "was reversed" not in said


def test_what_was_wished_with_a_reversal_that_was_given_up_is_forgotten(posted: Treasury) -> None:
    """It holds nothing when the entry is taken back in another way."""
    refuse(posted)
    posted.type(f"journal reverse {FLOW} {NUMBER} --yes")
    assert wishes(posted) == ["wallet-journals|2026-W02|W1|2026-W02/USD///1"]
    posted.type(f"run {FLOW}")
    assert len(wishes(posted)) == 1
    posted.does(f"errors resolve {open_number(posted)} --abandon --note x")
    posted.type(f"run {FLOW}")
    assert wishes(posted) == []


def test_held_movements_are_booked_anew_on_a_persons_word_before_any_run(posted: Treasury) -> None:
    refuse(posted)
    posted.type(f"journal reverse {FLOW} {NUMBER} --yes")
    posted.does(f"errors retry {open_number(posted)}")
    posted.does(f"journal reverse {FLOW} {NUMBER} --repost --yes")
    posted.type(f"run {FLOW}")
    assert len(booked(posted)) == 3


def test_what_is_booked_anew_is_not_late_for_a_group_of_which_another_entry_stands(desk: Treasury) -> None:
    """case_C11: it stood in that group, and its period is open."""
    moves(desk, "TX-1,2026-01-05,100.00 USD,payout,W1,p1", "TX-2,2026-01-08,7.00 USD,payout,W1,p2")
    desk.does(f"journal post {FLOW} --to 2026-01-06 --yes")
    desk.does(f"journal post {FLOW} --yes")
    [first] = [one["DocNumber"] for one in desk.journals() if one["Line"][0]["Amount"] == 100]
    desk.does(f"journal reverse {FLOW} '{first}' --yes")
    desk.does(f"journal reverse {FLOW} '{first}' --repost --yes")
    desk.does(f"journal post {FLOW} --yes")
    assert len(desk.journals()) == 4
    assert {one["TxnDate"] for one in desk.journals()} == {"2026-01-11"}


def test_a_selection_that_leaves_held_movements_out_does_not_free_them(desk: Treasury) -> None:
    moves(desk, "TX-1,2026-01-05,100.00 USD,payout,W1,p1", "TX-2,2026-01-06,7.00 USD,payout,W1,p2")
    desk.ask(f"run {FLOW}")
    desk.does(f"approve {FLOW} --all --yes")
    refuse(desk)
    desk.type(f"journal reverse {FLOW} {NUMBER} --yes")
    desk.does(f"errors retry {open_number(desk)}")
    moves(desk, "TX-3,2026-01-07,1.00 USD,payout,W1,p3")
    desk.type(f"journal post {FLOW} --from 2026-01-06 --to 2026-01-11 --yes")
    desk.type(f"run {FLOW}")
    assert sorted(amount for _, amount in booked(desk)) == ["1.00", "107.00", "107.00"]


def test_what_takes_a_held_movement_back_is_held_with_it(posted: Treasury, monkeypatch: pytest.MonkeyPatch) -> None:
    """I10: the new version alone is booked, not the difference."""
    fail(posted)
    posted.type(f"journal reverse {FLOW} {NUMBER} --yes")
    moves(posted, "TX-1,2026-01-05,150.00 USD,payout,W1,p1")
    with monkeypatch.context() as patch:
        patch.setattr(Hub, "_tried", lambda self, job: TryAgain("out of order", code="WHERRY-6057"))
        posted.type(f"run {FLOW}")
    for _ in range(2):
        posted.type(f"run {FLOW}")
    found = booked(posted)
    assert sorted(amount for _, amount in found) == ["100.00", "100.00", "150.00"]


# -- given up ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def given_up(desk: Treasury) -> tuple[Treasury, str]:
    """An entry of two movements was refused and given up, and the number it had among the open things."""
    moves(desk, "TX-1,2026-01-05,100.00 USD,payout,W1,p1", "TX-2,2026-01-06,7.00 USD,payout,W1,p2")
    desk.ask(f"run {FLOW}")
    refuse(desk)
    desk.type(f"approve {FLOW} --all --yes")
    number = open_number(desk)
    desk.does(f"errors resolve {number} --abandon --note x")
    return desk, number


def test_movements_of_an_entry_that_was_given_up_are_held_and_told_so(given_up: tuple[Treasury, str]) -> None:
    desk, number = given_up
    assert "its entry was given up" in told(desk, "p2")
    desk.type(f"run {FLOW}")
    said = told(desk, "p2")
    assert "is not in books" in said
    assert said.endswith(f": its entry was given up ({number})")
    data = desk.ask(f"journal preview {FLOW}")
    [held] = data["left_out"]
    assert (held["detail"], held["movements"], held["minor"]) == (f"its entry was given up ({number})", 2, 10700)
    assert held["fix"] == f"wherry errors reopen {number}"
    assert booked(desk) == []


def test_what_was_given_up_is_taken_up_again_with_all_its_movements(given_up: tuple[Treasury, str]) -> None:
    desk, number = given_up
    desk.type(f"run {FLOW}")
    desk.does(f"errors reopen {number}")
    moves(desk, "TX-1,2026-01-05,150.00 USD,payout,W1,p1")
    desk.type(f"run {FLOW}")
    assert [amount for _, amount in booked(desk)] == ["157.00"]
    desk.type(f"run {FLOW}")
    assert "is in books" in told(desk, "p2")


def test_what_was_given_up_and_is_taken_up_again_unchanged_is_sent_as_it_was(given_up: tuple[Treasury, str]) -> None:
    desk, number = given_up
    desk.type(f"run {FLOW}")
    desk.does(f"errors reopen {number}")
    desk.does(f"errors retry {number}")
    desk.type(f"run {FLOW}")
    assert [amount for _, amount in booked(desk)] == ["107.00"]
    assert "is in books" in told(desk, "p1")


def test_a_change_of_what_was_given_up_books_nothing(given_up: tuple[Treasury, str]) -> None:
    desk, number = given_up
    moves(desk, "TX-1,2026-01-05,150.00 USD,payout,W1,p1")
    for _ in range(2):
        desk.type(f"run {FLOW}")
    assert booked(desk) == []
    for word in ("p1", "p2"):
        assert f"its entry was given up ({number})" in told(desk, word)


def test_what_changed_since_it_was_given_up_is_not_sent_as_it_was(given_up: tuple[Treasury, str]) -> None:
    desk, number = given_up
    moves(desk, "TX-1,2026-01-05,150.00 USD,payout,W1,p1")
    desk.type(f"run {FLOW}")
    desk.does(f"errors reopen {number}")
    desk.type(f"errors retry {number}")
    assert booked(desk) == []
    desk.type(f"run {FLOW}")
    assert [amount for _, amount in booked(desk)] == ["157.00"]


def test_what_comes_into_the_week_of_an_entry_that_was_given_up_is_booked(given_up: tuple[Treasury, str]) -> None:
    desk, number = given_up
    moves(desk, "TX-3,2026-01-07,1.00 USD,payout,W1,p3")
    desk.type(f"run {FLOW}")
    [(name, amount)] = booked(desk)
    assert amount == "1.00"
    assert name != "JE W1 2026W02"
    assert "2026-01-11" in {str(one["TxnDate"]) for one in desk.journals()}
    desk.does(f"errors reopen {number}")
    desk.type(f"run {FLOW}")
    assert sorted(amount for _, amount in booked(desk)) == ["1.00", "107.00"]


def test_what_was_given_up_and_taken_back_at_its_source_is_gone(given_up: tuple[Treasury, str]) -> None:
    desk, number = given_up
    lines = ["id,date,amount,category,partition,reference,status",
             "TX-1,2026-01-05,100.00 USD,payout,W1,p1,void", "TX-2,2026-01-06,7.00 USD,payout,W1,p2,void"]  # fmt: skip
    (desk.folder / "moves.csv").write_text("\n".join(lines) + "\n", "utf-8")
    desk.does("workspace import ledger-transaction moves.csv")
    desk.type(f"run {FLOW}")
    assert "taken back at its source" in told(desk, "p1")
    desk.does(f"errors reopen {number}", code=7)
    desk.type(f"run {FLOW}")
    assert booked(desk) == []


def test_an_entry_that_was_edited_is_told_so_until_its_reversal_went_through(posted: Treasury) -> None:
    """b_000_15, b_000_03"""
    held = posted.number("JE W1 2026W02")
    posted.edited("JE W1 2026W02", Line=[{**line, "Amount": 90} for line in held["Line"]])
    refuse(posted)
    posted.type(f"journal reverse {FLOW} {NUMBER} --yes")
    posted.does(f"errors resolve {open_number(posted)} --abandon --note x")
    [one] = posted.ask(f"reconcile {FLOW}", code=4)["problems"]
    assert (one["what"], "90.00 there, 100.00 was written" in one["says"]) == ("edited", True)
    posted.does(f"journal reverse {FLOW} {NUMBER} --yes")
    assert booked(posted) == [("JE W1 2026W02", "90.00"), ("JE W1 2026W02R", "90.00")]
    assert posted.ask(f"reconcile {FLOW}")["passes"]
