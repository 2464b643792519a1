"""The kit's suites of mappers and stand-ins: what an entry becomes, and the company that it is read from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from wherry.records import Record
from wherry.roles import Simulator
from wherry.simulator import Clock
from wherry.testing.mappers import MapperSuite, MapperTrial, default_mapper
from wherry.testing.simulators import Exchange, SimulatorSuite, SimulatorTrial

TOKEN = "kit-canary-token-1f7c"
BEARER = {"authorization": f"Bearer {TOKEN}"}
APP_KEY = "kit-canary-app-9d20"


def record(kind: str, id: str = "901", relatives: Mapping[str, list[Record]] | None = None, **fields: Any) -> Record:
    made = Record(kind=kind, id=id, version="1", payload=json.dumps(fields).encode())
    made.relatives = dict(relatives or {})
    return made


def entry() -> Record:
    lines = [record("accounting_entry_line", f"1:{side}", side=side, account=account, amount="12.50")
             for side, account in (("debit", "5600"), ("credit", "1010"))]  # fmt: skip
    return record("accounting_entry", "1001", {"accounting_entry_line": lines}, amount="12.50", currency="DKK",
                  date="2026-01-31 00:00:00", text="Faktura 10017")  # fmt: skip


def is_error(answer: httpx.Response, *names: str) -> None:
    """An error of JSON has the names that the vendor's errors have."""
    if answer.status_code >= 400:
        assert set(names) <= set(answer.json()), answer.text


class TestTraedeEntries(MapperSuite):
    @pytest.fixture
    def trial(self) -> MapperTrial:
        return MapperTrial(
            make=lambda: default_mapper("traede", "accounting_entry", currency="DKK", timezone="Europe/Copenhagen",
                                        document="journal"),
            records=lambda: [entry()],
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
