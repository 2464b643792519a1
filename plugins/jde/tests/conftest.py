"""A site of JD Edwards on loopback, whose clock only moves when a test says so."""

from __future__ import annotations

import pytest
from wherry.simulator import Clock
from wherry_jde.simulator import JdeSimulator

START = "2026-03-31T17:00:00+00:00"


@pytest.fixture
def sim() -> JdeSimulator:
    return JdeSimulator(clock=Clock(START), page=4)
