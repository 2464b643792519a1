"""The kit's suites of mappers and stand-ins: what a customer becomes, and the company that it is read from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from wherry.records import Record
from wherry.roles import Simulator
from wherry.simulator import Clock
from wherry.testing.mappers import MapperSuite, MapperTrial, default_mapper
from wherry.testing.simulators import Exchange, SimulatorSuite, SimulatorTrial

TOKEN = "kit-canary-token-1f7c"
BEARER = {"authorization": f"Bearer {TOKEN}"}


def record(kind: str, id: str = "901", relatives: Mapping[str, list[Record]] | None = None, **fields: Any) -> Record:
    made = Record(kind=kind, id=id, version="1", payload=json.dumps(fields).encode())
    made.relatives = dict(relatives or {})
    return made


class TestQuickBooksCustomers(MapperSuite):
    @pytest.fixture
    def trial(self) -> MapperTrial:
        told = {"DisplayName": "Acme Rail", "AcctNum": "C-17", "CurrencyRef_value": "USD", "Notes": "Pays late",
                "BillAddr_Line1": "1 Dock", "BillAddr_City": "Duluth"}  # fmt: skip
        return MapperTrial(
            make=lambda: default_mapper("quickbooks", "customer"), records=lambda: [record("customer", "58", **told)]
        )


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
