"""The books under the kill sweep, in its short form: one entry per group and target, confirmed once it is there.

``make sweep`` carries out everything; ``WHERRY_SWEEP_ALL=1`` has these tests do so.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from wherry.testing import mutations_books
from wherry.testing.errand import Claims, Member
from wherry.testing.hunt import hunted
from wherry.testing.judge_books import BooksCase, judge_books
from wherry.testing.mutations import BUGS
from wherry.testing.rigs import Mark, Post, Rig
from wherry.testing.sweep import EVERYTHING, rigs_of, sweep
from wherry.testing.wallets import Journals, Move, wallets

pytest.importorskip("wherry_quickbooks", reason="needs the plugin that the entries are written with")
pytest.importorskip("wherry_traede", reason="needs the plugin whose entries are confirmed")
pytest.importorskip("wherry_csv", reason="needs the plugin that writes files")
pytest.importorskip("wherry_workspace", reason="needs the plugin whose ledger is read")

RIGS = rigs_of([str(Path(__file__).with_name("books_rig.py"))])
OFTEN = {"journals", "journals-csv-3", "confirmations"}
"""The others differ in batches or target only; ``make sweep`` carries them out."""
SAMPLE = ("members_frozen_after_sending", "confirmed_before_the_answer")


# -- the sweep ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rig", [rig for rig in RIGS if EVERYTHING or rig.name in OFTEN], ids=lambda rig: rig.name)
def test_whatever_crashes_each_group_has_one_entry_and_each_movement_stands_in_one(rig: Rig) -> None:
    """case_A1, case_A2, case_A3, case_A5, case_C11, I2, I3, I4, b_002_08, b_002_11, b_004_15"""
    result = sweep(rig, "sqlite", jobs=1, most=0 if EVERYTHING else 3, deaths=rig.deaths if EVERYTHING else 3)
    assert [(outcome.plan, outcome.wrong) for outcome in result.bad] == []
    assert result.missed == []
    assert result.points >= (200 if EVERYTHING else 2)


def test_planted_bugs_of_the_books_are_caught_by_plans_that_find_nothing_else() -> None:
    """I2, I3, I4, case_C11"""
    mine = [bug for bug in BUGS.values() if bug.plant.__module__ == mutations_books.__name__]
    assert {bug.rig for bug in mine} <= {rig.name for rig in RIGS}
    found = list(hunted(RIGS, [bug for bug in mine if EVERYTHING or bug.name in SAMPLE], 1))
    assert len(found) == (len(mine) if EVERYTHING else len(SAMPLE))
    assert [catch.bug.name for catch in found if catch.sound.wrong] == [], "the plan is wrong, or the books are"
    assert [catch.bug.name for catch in found if not catch.caught] == [], "these were missed"


# -- its parts ---------------------------------------------------------------------------------------------------------


def test_what_has_to_be_there_after_each_phase_follows_from_what_people_did() -> None:
    """Posted groups take nobody in: who comes late goes to the first of the next month; a change is two movements."""
    scene = Journals(changes=wallets())
    after = {phase: scene.expected(scene.phases[: n + 1]) for n, phase in enumerate(scene.phases)}
    assert [sum(map(len, books.entries.values())) for books in after.values()] == [4, 4, 6, 7, 9]
    assert after["first"].waits["f"][0][1].place == 4, "its week has not ended"
    february = "Treasury", "2026-01-26", "2026-02"
    assert after["late"].entries[february] == [{("fee", 3): 1}, {("payout", 5): 1}]
    assert after["change"].entries[february][2] == {("payout", 0): -1, ("payout", 7): 1}
    assert after["back"].entries[february][3] == {("payout", 7): -1, ("payout", 0): 1, ("payout", 2): -1}
    assert after["back"].entries["Treasury", "2026-06-29", "2026-07"] == [{("swap", 8): 1}]
    approved = msgspec.structs.replace(scene, approves=True)
    assert len(approved.expected(["first"]).entries) == 5, "whoever approves need not wait for the end of a week"


A = Move(id="a", date="2026-01-05", category="payout", place=0)
B = Move(id="b", date="2026-01-06", category="payout", place=1)
SCENE = Journals(changes={"first": [A, B]})
POST = Post(id="7", number="JE 2026W02", date="2026-01-11", lines=Counter({"5010": 11, "1000": -11}))
KEY = "journal_entry/journals|2026-W02|Treasury|1"
SAID = Claims(exit=0, written={KEY: "7"}, members=[Member("7", "payout", 1), Member("7", "payout", 10)])
MARKS = [Mark(record=id, note="booked in journal entry 7", there=frozenset({"7"})) for id in "ab"]


def said(**changes: Any) -> list[tuple[str, str]]:
    sound = BooksCase(
        versions=SCENE.versions(), wanted=SCENE.expected(["first"]), posts=[POST], claims=SAID, marks=MARKS
    )
    return [(wrong.kind, wrong.thing) for wrong in judge_books(msgspec.structs.replace(sound, **changes))]


def test_the_judge_finds_nothing_wrong_with_what_is_right() -> None:
    assert said() == []


def test_a_group_that_was_posted_twice_is_a_duplicate() -> None:
    """I2"""
    again = msgspec.structs.replace(POST, id="8")
    told = msgspec.structs.replace(SAID, written={**SAID.written, "journal_entry/other": "8"})
    found = said(posts=[POST, again], claims=told)
    assert ("duplicate", "movement a") in found
    assert ("duplicate", "Treasury 2026-01-05 2026-01") in found


def test_a_member_that_is_missing_is_lost_and_one_in_two_entries_is_doubled() -> None:
    """I3"""
    assert ("lost", "movement b") in said(posts=[msgspec.structs.replace(POST, lines={"5010": 1, "1000": -1})])
    assert ("duplicate", "movement a") in said(posts=[msgspec.structs.replace(POST, lines={"5010": 12, "1000": -12})])
    assert ("lost", "movement a") in said(posts=[], claims=Claims(exit=0), marks=None)


def test_what_was_changed_after_it_was_posted_or_does_not_balance_is_false() -> None:
    """I3, case_C11"""
    for change in ({"spoilt": "it was updated"}, {"lines": {"5010": 11, "1000": -10}}, {"lines": {"9999": 5}}):
        assert ("false", "JE 2026W02") in said(posts=[msgspec.structs.replace(POST, **change)]), change
    moved = msgspec.structs.replace(POST, date="2026-01-25")
    assert ("false", "Treasury 2026-01-19 2026-01") in said(posts=[moved]), "another week"


def test_what_the_hub_says_of_an_entry_has_to_be_so() -> None:
    """I4"""
    unknown = msgspec.structs.replace(SAID, written={}, members=[])
    assert said(claims=unknown) == [("false", "entry 7")]
    other = msgspec.structs.replace(SAID, members=SAID.members[:1])
    assert said(claims=other) == [("false", "entry 7")]
    stuck = msgspec.structs.replace(SAID, open={KEY: "unknown"}, exit=4)
    assert said(claims=stuck) == [("lost", KEY)]
    assert said(claims=msgspec.structs.replace(SAID, exit=6, error="later")) == [("lost", "the run")]


def test_a_record_is_confirmed_once_it_is_there_and_under_its_own_entry() -> None:
    """b_002_08, b_002_11"""
    first, second = MARKS
    assert said(marks=[first]) == [("lost", "record b")]
    assert said(marks=[*MARKS, first]) == [], "told again, it does no harm"
    early = msgspec.structs.replace(second, there=frozenset[str]())
    assert said(marks=[first, early]) == [("false", "record b")]
    astray = Mark(record="b", note="booked in journal entry 9", there=frozenset({"7", "9"}))
    assert said(marks=[*MARKS, astray]) == [("false", "record b")]
