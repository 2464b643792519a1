"""An environment on loopback, whose clock only moves when a test says so, and sources that read it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from wherry.roles import Connection, Services
from wherry.simulator import Clock, serve
from wherry.testing.services import SECRET, SharedClock, services
from wherry_dynamics import client
from wherry_dynamics.settings import DynamicsSettings
from wherry_dynamics.simulator import DATA, DynamicsSimulator
from wherry_dynamics.source import DynamicsSource

START = "2026-02-02T09:00:00+00:00"
PAGE = 8
AUTH = {"kind": "client", "client_id": "sim-client", "client_secret": {"env": "DYNAMICS_SECRET"}}


class Standing:
    """A stand-in behind loopback HTTP, and the sources that read it: each made as a run makes it, the cache kept."""

    def __init__(self, sim: DynamicsSimulator, url: str, kit: Services) -> None:
        self.sim, self.url, self._kit = sim, url, kit
        headers = {"authorization": f"Bearer {SECRET}"}
        self.http = httpx.Client(base_url=url + DATA, headers=headers, verify=False, timeout=30)

    def source(self, **said: Any) -> DynamicsSource:
        told = {"base_url": self.url, "tenant": "sim-tenant", "auth": AUTH, **said}
        return DynamicsSource(Connection("crm", "dynamics", DynamicsSettings.model_validate(told)), self._kit)

    def calls(self) -> dict[str, int]:
        """Requests since the last look, by route; what describes tables is left out."""
        found = dict(self.sim.history.stats()["by_route"])
        self.sim.history.reset_stats()
        plain = {route.replace(DATA, ""): times for route, times in found.items()}
        return {route: times for route, times in plain.items() if "{" not in route}

    def told(self, path: str, **options: str) -> Any:
        """What a GET answers, by httpx alone."""
        answer = self.http.get(path, params={f"${name}": text for name, text in options.items()})
        return answer.json()


Environments = Callable[..., Standing]


@pytest.fixture
def environments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Environments]:
    """Makes stand-ins with the simulator's options; a page is a few rows, on both sides."""
    monkeypatch.setattr(client, "PAGE", PAGE)
    with ExitStack() as stack:

        def make(**options: Any) -> Standing:
            sim = DynamicsSimulator(**{"clock": Clock(START), "tokens": {SECRET}, "page": PAGE, **options})
            url = stack.enter_context(serve(sim.app()))
            folder = tmp_path / str(len(list(tmp_path.iterdir())))
            folder.mkdir()
            kit = stack.enter_context(services(folder, clock=SharedClock(sim.clock)))
            made = Standing(sim, url, kit)
            stack.callback(made.http.close)
            return made

        yield make


@pytest.fixture
def environment(environments: Environments) -> Standing:
    return environments(limit=None)
