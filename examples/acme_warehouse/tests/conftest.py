"""The simulator behind loopback HTTP, and sources that read it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from acme_warehouse.settings import AcmeSettings
from acme_warehouse.simulator import AcmeSimulator
from acme_warehouse.source import AcmeSource
from wherry.roles import Connection, Services
from wherry.simulator import Clock, serve
from wherry.testing.services import SECRET, SharedClock, services

START = "2026-01-05T09:00:00Z"


@pytest.fixture
def simulator() -> AcmeSimulator:
    return AcmeSimulator(clock=Clock(START), keys=frozenset({SECRET}))


@pytest.fixture
def url(simulator: AcmeSimulator) -> Iterator[str]:
    with serve(simulator.app()) as url:
        yield url


@pytest.fixture
def post(url: str) -> Iterator[Callable[..., dict[str, Any]]]:
    """Fills the system through its own API."""
    headers = {"Authorization": f"Bearer {SECRET}"}
    with httpx.Client(base_url=url, headers=headers, verify=False) as client:  # in clear: no certificate is looked at

        def call(method: str, path: str, **body: Any) -> dict[str, Any]:
            answer = client.request(method, path, json=body or None).raise_for_status()
            made: dict[str, Any] = answer.json() if answer.content else {}
            return made

        yield call


@pytest.fixture
def kit(simulator: AcmeSimulator, tmp_path: Path) -> Iterator[Services]:
    with services(tmp_path, clock=SharedClock(simulator.stage.clock)) as made:
        yield made


@pytest.fixture
def make(kit: Services, url: str) -> Callable[[], AcmeSource]:
    """Makes a source, as each run does."""
    said = {"base_url": url, "auth": {"kind": "token", "token": {"env": "ACME_KEY"}}}
    settings = AcmeSettings.model_validate(said)
    return lambda: AcmeSource(Connection("warehouse", "acme-warehouse", settings), kit)
