"""The kit's suite of stand-ins, tried on ours: each as its plugin ships it, over HTTP on loopback."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from wherry.roles import Simulator
from wherry.simulator import Clock
from wherry.testing.simulators import Exchange, SimulatorSuite, SimulatorTrial

TOKEN, APP_KEY = "kit-canary-token-1f7c", "kit-canary-app-9d20"
BEARER = {"authorization": f"Bearer {TOKEN}"}


def is_error(answer: httpx.Response, *names: str) -> None:
    """An error of JSON has the names that the vendor's errors have."""
    if answer.status_code >= 400:
        assert set(names) <= set(answer.json()), answer.text


class TestHubSpot(SimulatorSuite):
    @pytest.fixture
    def trial(self) -> SimulatorTrial:
        from wherry_hubspot.simulator import HubSpotSimulator

        def company(n: int) -> Exchange:
            body = {"properties": {"name": f"Acme {n}", "domain": f"acme{n}.example"}}
            return Exchange(method="POST", path="/crm/v3/objects/companies", body=body)

        return SimulatorTrial(
            system="hubspot", make=lambda clock: HubSpotSimulator(clock=clock), headers=BEARER, secrets=(TOKEN,),
            read=Exchange(path="/crm/v3/objects/companies", params={"limit": "10", "after": "0"}), write=company,
            strict=lambda clock: HubSpotSimulator(clock=clock, tokens={TOKEN}),
            throttled=lambda clock: HubSpotSimulator(clock=clock, limits="free"),
            valid=lambda answer: is_error(answer, "status", "message", "correlationId"),
        )  # fmt: skip


class TestQuickBooks(SimulatorSuite):
    @pytest.fixture
    def trial(self) -> SimulatorTrial:
        from wherry_quickbooks.simulator import QuickBooksSimulator

        below = "/v3/company/9130347596842384"

        def make(clock: Clock, **options: Any) -> Simulator:
            return QuickBooksSimulator(clock=clock, **options)

        def customer(n: int) -> Exchange:
            return Exchange(method="POST", path=f"{below}/customer", body={"DisplayName": f"Acme {n}"})

        return SimulatorTrial(
            system="quickbooks", make=make, headers={**BEARER, "accept": "application/json"}, secrets=(TOKEN,),
            read=Exchange(path=f"{below}/query", params={"query": "select * from Customer"}), write=customer,
            strict=lambda clock: make(clock, tokens={TOKEN}), throttled=make,
        )  # fmt: skip


class TestTraede(SimulatorSuite):
    @pytest.fixture
    def trial(self) -> SimulatorTrial:
        from wherry_traede.simulator import TraedeSimulator

        def make(clock: Clock, **options: Any) -> Simulator:
            return TraedeSimulator(clock=clock, entries=30, **options)

        def mark(n: int) -> Exchange:
            marks = [{"accounting_entry_id": 1001 + n, "system_id": "kit"}]
            return Exchange(method="POST", path="/v10/accounting-entries/mark-as-exported",
                            body={"accounting_entries": marks})  # fmt: skip

        return SimulatorTrial(
            system="traede", make=make, headers={**BEARER, "x-traede-app-key": APP_KEY}, secrets=(TOKEN, APP_KEY),
            read=Exchange(path="/v10/accounting-entries/export", params={"system_id": "kit", "limit": "20"}),
            write=mark, strict=lambda clock: make(clock, tokens={TOKEN}, app_keys={APP_KEY}),
            valid=lambda answer: is_error(answer, "errors"),
        )  # fmt: skip


class TestQuickBooksDesktop(SimulatorSuite):
    @pytest.fixture
    def trial(self) -> SimulatorTrial:
        from wherry_qbwc.simulator import QbwcSimulator

        def customer(n: int) -> Exchange:
            told = (
                '<?xml version="1.0"?><?qbxml version="16.0"?><QBXML><QBXMLMsgsRq onError="stopOnError">'
                f"<CustomerAddRq><CustomerAdd><Name>Kit {n}</Name></CustomerAdd></CustomerAddRq></QBXMLMsgsRq></QBXML>"
            )
            return Exchange(method="POST", path="/qbxml", content=told.encode(), headers={"content-type": "text/xml"})

        return SimulatorTrial(
            system="qbwc", make=lambda clock: QbwcSimulator(clock=clock), read=Exchange(path="/records/Customer"),
            write=customer,
        )  # fmt: skip
