"""Organisations of Xero on loopback, whose clock only moves when a test says so."""

from __future__ import annotations

import pytest
from wherry.simulator import Clock
from wherry_xero.simulator import XeroSimulator

START = "2026-03-31T17:00:00+00:00"


@pytest.fixture
def sim() -> XeroSimulator:
    return XeroSimulator(clock=Clock(START), currency="USD")
