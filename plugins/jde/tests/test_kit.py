"""The kit's suite for stand-ins: the site that is written to."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from wherry.roles import Simulator
from wherry.simulator import Clock
from wherry.testing.simulators import Exchange, SimulatorSuite, SimulatorTrial
from wherry_jde.simulator import JdeSimulator

TOKEN, COOKIE = "AIS-TOKEN-1==", "cookie!1!2"


class TestJde(SimulatorSuite):
    @pytest.fixture
    def trial(self) -> SimulatorTrial:
        def make(clock: Clock, **options: Any) -> Simulator:
            sim = JdeSimulator(clock=clock, **options)
            sim.sessions[TOKEN] = {"device": "kit", "cookie": COOKIE, "used": clock.now()}
            return sim

        def customer(n: int) -> Exchange:
            body = {"LongAddressNumber": f"KIT{n}", "AlphaName": f"Acme {n}"}
            return Exchange(method="POST", path="/jderest/v3/orchestrator/HUB_AddCustomer", body=body)

        signed = {"jde-AIS-Auth": TOKEN, "jde-AIS-Auth-Device": "kit", "Cookie": f"aisSessionCookie={COOKIE}"}
        return SimulatorTrial(
            system="jde", make=make, headers=signed, secrets=(TOKEN,), valid=is_error,
            read=Exchange(path="/jderest/discover"), write=customer, strict=lambda clock: make(clock),
        )  # fmt: skip


def is_error(answer: httpx.Response) -> None:
    """An error has the form of the vendor's."""
    if answer.status_code >= 400:
        assert {"message", "exception", "status", "timeStamp"} <= set(answer.json()), answer.text
