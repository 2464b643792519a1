"""The polled path under the kill sweep, in its short form. ``make sweep`` carries out many plans, ``--whole`` all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from wherry.testing import plans
from wherry.testing.sweep import EVERYTHING, Benches, rigs_of, tried

[RIG, ORDERS] = rigs_of([str(Path(__file__).with_name("sweep_rig.py"))])
LAST = "play first; kill commit.before@drain._keep_replies#5"
"""The last invoice is in QuickBooks, its answer has come and is not stored."""


@pytest.fixture(scope="module")
def bench() -> Iterator[Any]:
    with Benches(RIG, "sqlite", 1) as benches:
        yield lambda plan: next(benches.carry_out([(plan, "")]))


@pytest.mark.skipif(not EVERYTHING, reason="make sweep carries them out; WHERRY_SWEEP_ALL=1 does here")
def test_whatever_crashes_everything_is_there_once() -> None:
    """case_A1, case_A2, case_A4, I2, I3, I4, I12"""
    assert tried(RIG, 0) == []


def test_every_commit_and_every_call_of_the_web_connector_is_a_point(bench: Any) -> None:
    """case_A1"""
    outcome = bench(plans.undisturbed(RIG))
    assert (outcome.wrong, outcome.missed) == ([], [])
    passed = [point for points in outcome.passed.values() for point in points]
    assert len(passed) >= 400
    assert {"commit.inside@drain._keep_replies#5", "call.answered@POST /hooks/qbwc/{connection}#30"} <= set(passed)
    drills = plans.drills(RIG, "sqlite", outcome.passed, 1)
    tried = {step.split()[1] for plan in drills for step in plan.split("; ") if step.startswith("disturb")}
    assert tried == {*RIG.disturbances, *RIG.mishaps}


@pytest.mark.parametrize(
    "plan",
    [
        "play first; kill call.before@POST /hooks/qbwc/{connection}#27; calm; judge",
        "play first; kill commit.after@drain._advance#4; calm; judge; play void; "
        "kill commit.inside@drain._keep_replies#1; calm; judge",
        f"{LAST}; wait 90000; calm; judge",
        f"{LAST}; twin INV-3; calm; judge invoice/id:3=decide",
        "play first; disturb deaf-alone 31; disturb stranger 40; calm; judge",
        "play first; disturb rival 31; calm; judge; play update; disturb crowd 6; calm; judge",
        "play first; disturb twice 26; disturb twice 27; disturb unstored 4; calm; judge",
        "play first; disturb wrong-file 1; disturb hresult-done 12; calm; judge",
        "play first; disturb asleep 30; calm; judge; play void; disturb asleep-day 6; calm; judge",
        "play first; run; reach T-2; play update; run; reach T-1; calm; judge",
    ],
)
def test_a_plan_of_each_sort_leaves_everything_there_once(bench: Any, plan: str) -> None:
    """case_A2, case_A4, case_F6, I2, I3, I4, I12"""
    outcome = bench(plan)
    assert (outcome.wrong, outcome.missed) == ([], [])


def test_orders_are_changed_and_closed_once(bench: Any) -> None:
    """b_003_10, I2: the way of orders, whose every point make sweep tries."""
    with Benches(ORDERS, "sqlite", 1) as benches:
        [outcome] = benches.carry_out([(f"{plans.UNDISTURBED}; judge strict", "")])
    assert (outcome.wrong, outcome.missed) == ([], [])
