"""Sage Intacct under the kill sweep, in its short form. ``make sweep`` carries out every plan."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from wherry.testing.rigs import Rig
from wherry.testing.sweep import rigs_of, sweep

EVERYTHING = bool(os.environ.get("WHERRY_SWEEP_ALL"))
RIGS = rigs_of([str(Path(__file__).with_name("sweep_rig.py"))])


@pytest.mark.parametrize("rig", RIGS, ids=lambda rig: rig.name)
def test_whatever_crashes_everything_is_there_once(rig: Rig) -> None:
    """case_A1, case_A2, case_A4, I2, I3, I4"""
    result = sweep(rig, "sqlite", jobs=1, most=0 if EVERYTHING else 2)
    assert [(outcome.plan, outcome.wrong) for outcome in result.bad] == []
    assert result.missed == []
