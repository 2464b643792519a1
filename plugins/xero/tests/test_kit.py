"""The kit's suite for stand-ins: the organisation that is written to."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from wherry.roles import Simulator
from wherry.simulator import Clock
from wherry.testing.simulators import Exchange, SimulatorSuite, SimulatorTrial
from wherry_xero.simulator import XeroSimulator

TOKEN = "kit-canary-token-2b9e"
BASE = "/api.xro/2.0"


class TestXero(SimulatorSuite):
    @pytest.fixture
    def trial(self) -> SimulatorTrial:
        def make(clock: Clock, **options: Any) -> Simulator:
            return XeroSimulator(clock=clock, **options)

        def contact(n: int) -> Exchange:
            return Exchange(method="PUT", path=f"{BASE}/Contacts", body={"Contacts": [{"Name": f"Acme {n}"}]})

        tenant = XeroSimulator().org.id
        return SimulatorTrial(
            system="xero", make=make, headers={"authorization": f"Bearer {TOKEN}", "xero-tenant-id": tenant},
            secrets=(TOKEN,), valid=is_error, read=Exchange(path=f"{BASE}/Contacts", params={"page": "1"}),
            write=contact, strict=lambda clock: make(clock, tokens={TOKEN}),
            throttled=lambda clock: make(clock, limits="real"),
        )  # fmt: skip


def is_error(answer: httpx.Response) -> None:
    """An error has the form of the vendor's."""
    if answer.status_code == 400:
        assert {"ErrorNumber", "Type", "Message"} <= set(answer.json()), answer.text
    elif answer.status_code > 400 and answer.content:  # of too many calls nothing may be said
        assert {"Type", "Title", "Status", "Detail"} <= set(answer.json()), answer.text
