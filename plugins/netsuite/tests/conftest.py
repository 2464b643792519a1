"""An account of NetSuite on loopback, whose clock only moves when a test says so."""

from __future__ import annotations

import pytest
from wherry.simulator import Clock
from wherry_netsuite.simulator import NetSuiteSimulator

START = "2026-03-31T17:00:00+00:00"


@pytest.fixture
def sim() -> NetSuiteSimulator:
    return NetSuiteSimulator(clock=Clock(START))
