"""A company of Sage Intacct on loopback, whose clock only moves when a test says so."""

from __future__ import annotations

import pytest
from wherry.simulator import Clock
from wherry_intacct.simulator import IntacctSimulator

START = "2026-03-31T17:00:00+00:00"


@pytest.fixture
def sim() -> IntacctSimulator:
    return IntacctSimulator(clock=Clock(START), entities=("100", "200"), currencies=("USD", "EUR", "JPY"))
