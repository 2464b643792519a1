"""The kit's suite for stand-ins: the account that is written to."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from wherry.roles import Simulator
from wherry.simulator import Clock
from wherry.testing.simulators import Exchange, SimulatorSuite, SimulatorTrial
from wherry_netsuite.simulator import NetSuiteSimulator

TOKEN = "kit-canary-token-1f7c"


class TestNetSuite(SimulatorSuite):
    @pytest.fixture
    def trial(self) -> SimulatorTrial:
        def make(clock: Clock, **options: Any) -> Simulator:
            return NetSuiteSimulator(clock=clock, **options)

        def customer(n: int) -> Exchange:
            path = f"/services/rest/record/v1/customer/eid:kit-{n}"
            return Exchange(method="PUT", path=path, body={"companyName": f"Acme {n}"})

        return SimulatorTrial(
            system="netsuite", make=make, headers={"authorization": f"Bearer {TOKEN}"}, secrets=(TOKEN,),
            valid=is_error,
            read=Exchange(path="/services/rest/record/v1/customer", params={"limit": "10"}), write=customer,
            strict=lambda clock: make(clock, tokens={TOKEN}),
        )  # fmt: skip


def is_error(answer: httpx.Response) -> None:
    """An error has the form of the vendor's."""
    if answer.status_code >= 400:
        assert {"type", "title", "status", "o:errorDetails"} <= set(answer.json()), answer.text
