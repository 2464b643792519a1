"""A Salesforce org on loopback, whose clock only moves when a test says so, and sources that read it."""

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
from wherry_salesforce import client
from wherry_salesforce.settings import SalesforceSettings
from wherry_salesforce.simulator import SalesforceSimulator
from wherry_salesforce.source import SalesforceSource

START = "2026-02-02T09:00:00+00:00"
PAGE = 8
AUTH = {"kind": "client", "client_id": "sim-client", "client_secret": {"env": "SF_SECRET"}}
DATA = "/services/data/v67.0"


class Standing:
    """A stand-in behind loopback HTTP, and the sources that read it: each made as a run makes it, the cache kept."""

    def __init__(self, sim: SalesforceSimulator, url: str, kit: Services) -> None:
        self.sim, self.url, self._kit = sim, url, kit
        headers = {"authorization": f"Bearer {SECRET}"}
        self.http = httpx.Client(base_url=url, headers=headers, verify=False, timeout=30)

    def source(self, **said: Any) -> SalesforceSource:
        settings = SalesforceSettings.model_validate({"base_url": self.url, "auth": AUTH, **said})
        return SalesforceSource(Connection("crm", "salesforce", settings), self._kit)

    def calls(self) -> dict[str, int]:
        """Requests since the last look, by route."""
        found = dict(self.sim.history.stats()["by_route"])
        self.sim.history.reset_stats()
        return {route.replace("/services/data/v{api}", ""): times for route, times in found.items()}

    def soql(self, text: str) -> list[dict[str, Any]]:
        """Rows of a query, by httpx alone."""
        answer = self.http.get(f"{DATA}/query", params={"q": text})
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["records"]
        return found


Orgs = Callable[..., Standing]


@pytest.fixture
def orgs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Orgs]:
    """Makes stand-ins with the simulator's options; a page is a few rows, on both sides."""
    monkeypatch.setattr(client, "PAGE", PAGE)
    with ExitStack() as stack:

        def make(**options: Any) -> Standing:
            sim = SalesforceSimulator(**{"clock": Clock(START), "tokens": {SECRET}, "page": PAGE, **options})
            url = stack.enter_context(serve(sim.app()))
            folder = tmp_path / str(sim.org.id) / str(len(list(tmp_path.iterdir())))
            folder.mkdir(parents=True)
            kit = stack.enter_context(services(folder, clock=SharedClock(sim.clock)))
            made = Standing(sim, url, kit)
            stack.callback(made.http.close)
            return made

        yield make


@pytest.fixture
def org(orgs: Orgs) -> Standing:
    return orgs()
