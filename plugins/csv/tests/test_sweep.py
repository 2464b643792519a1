"""A folder under the kill sweep: processes die at every point, and at the end each thing is in one file.

Drills that script a vendor's answers are left out: a folder gives none. ``WHERRY_SWEEP_ALL=1`` carries out every plan.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from wherry.testing.plans import UNDISTURBED, drills, kills
from wherry.testing.rigs import Rig
from wherry.testing.sweep import EVERYTHING, SEED, Benches, chosen, rigs_of

RIGS = rigs_of([str(Path(__file__).with_name("folder_rig.py"))])


@pytest.mark.parametrize("rig", RIGS if EVERYTHING else RIGS[-1:], ids=lambda rig: rig.name)
def test_whatever_crashes_everything_is_there_once(rig: Rig) -> None:
    """case_A1, case_A2, case_A4, case_A28, I2, I3, I4"""
    with Benches(rig, "sqlite", 1) as benches:
        (whole,) = benches.carry_out([(UNDISTURBED, "")])
        assert whole.wrong == []
        renames = [point for points in whole.passed.values() for point in points if point.startswith("file.")]
        assert any("@files." in point for point in renames), "files are placed by a rename that the kit sees"
        plans = [plan for plan in drills(rig, "sqlite", whole.passed, SEED) if "; fault " not in plan]
        wanted = chosen([*kills(rig, whole.passed), *plans], 0 if EVERYTHING else 5)
        outcomes = list(benches.carry_out([(plan, "") for plan in wanted]))
        outcomes += benches.carry_out([(plan, "") for outcome in outcomes for plan in outcome.alone])
    assert [(outcome.plan, outcome.wrong) for outcome in outcomes if outcome.wrong] == []
    assert [one.missed for one in outcomes if one.missed and not set(one.alone) - {one.steps}] == []
