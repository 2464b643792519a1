"""A company's Traede on loopback, whose clock only moves when a test says so."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from wherry.roles import Connection, Services
from wherry.simulator import Clock, serve
from wherry.testing.services import SECRET, SharedClock, services
from wherry_traede.settings import TraedeSettings
from wherry_traede.simulator import TraedeSimulator
from wherry_traede.source import TraedeSource

START = "2026-02-02T09:00:00+00:00"
APP_KEY = "app-key-canary-51d0"
SYSTEM = "wherry-books"
EXPORT, MARK = "/v10/accounting-entries/export", "/v10/accounting-entries/mark-as-exported"


class Api:
    """Calls to the stand-in by httpx alone; numbers come back as Decimal."""

    def __init__(self, sim: TraedeSimulator, http: httpx.Client) -> None:
        self.sim, self.http = sim, http

    def asked(self, path: str = EXPORT, **params: Any) -> httpx.Response:
        return self.http.get(path, params={"system_id": SYSTEM, **params})

    def entries(self, path: str = EXPORT, **params: Any) -> list[dict[str, Any]]:
        answer = self.asked(path, **params)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = json.loads(answer.text, parse_float=Decimal)["accounting_entries"]
        return found

    def ids(self, path: str = EXPORT, **params: Any) -> list[int]:
        return [entry["id"] for entry in self.entries(path, **{"limit": 60, **params})]

    def mark(self, *ids: int, system: str = SYSTEM, **more: Any) -> httpx.Response:
        marks = [{"accounting_entry_id": id, "system_id": system, **more} for id in ids]
        return self.http.post(MARK, json={"accounting_entries": marks})


Standing = Callable[..., Api]


@pytest.fixture
def standing() -> Iterator[Standing]:
    """Makes stand-ins with the options of the simulator."""
    with ExitStack() as stack:

        def make(**options: Any) -> Api:
            sim = TraedeSimulator(**{"clock": Clock(START), "tokens": {SECRET}, "app_keys": {APP_KEY}, **options})
            url = stack.enter_context(serve(sim.app()))
            headers = {"authorization": f"Bearer {SECRET}", "x-traede-app-key": APP_KEY}
            return Api(sim, stack.enter_context(httpx.Client(base_url=url, headers=headers, verify=False)))

        yield make


@pytest.fixture
def api(standing: Standing) -> Api:
    return standing()


Sources = Callable[..., TraedeSource]


@pytest.fixture
def sources(tmp_path: Path) -> Iterator[Sources]:
    """Makes sources over a stand-in, as each run does; what they cached is kept."""
    with ExitStack() as stack:
        kits: dict[int, Services] = {}

        def make(api: Api, **said: Any) -> TraedeSource:
            if id(api) not in kits:
                folder = tmp_path / str(len(kits))
                folder.mkdir()
                kits[id(api)] = stack.enter_context(services(folder, clock=SharedClock(api.sim.clock)))
            told = {
                "base_url": str(api.http.base_url), "auth": {"kind": "token", "token": {"env": "TRAEDE_TOKEN"}},
                "app_key": APP_KEY, "system_id": SYSTEM, **said,
            }  # fmt: skip
            settings = TraedeSettings.model_validate(told)
            return TraedeSource(Connection("shop", "traede", settings), kits[id(api)])

        yield make
