"""A whole project against a served simulator: what an operator would have on the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from wherry.hub import Hub
from wherry.simulator import serve
from wherry_hubspot.simulator import HubSpotSimulator

from ..projects import WON_DEALS
from .desk import Crm, Desk, RestlessClock, Watch

TOKEN = "pat-na1-canary-5f2e"


@pytest.fixture
def crm() -> HubSpotSimulator:
    return HubSpotSimulator()


@pytest.fixture
def crm_url(crm: HubSpotSimulator) -> Iterator[str]:
    with serve(crm.app()) as url:
        yield url


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "wherry.toml").write_text(WON_DEALS)
    return tmp_path / "acme"


@pytest.fixture
def environ(crm_url: str) -> dict[str, str]:
    return {"HUBSPOT_URL": crm_url, "HUBSPOT_TOKEN": TOKEN}


OpenHub = Callable[..., Hub]


@pytest.fixture
def open_hub(folder: Path, environ: dict[str, str]) -> Iterator[OpenHub]:
    """Open the project; keyword arguments are flags by key path with ``__`` for dots."""
    opened: list[Hub] = []

    def make(**overrides: object) -> Hub:
        flags = {key.replace("__", "."): value for key, value in overrides.items()}
        opened.append(Hub.open(folder, environ=environ, overrides=flags))
        return opened[-1]

    yield make
    for hub in opened:
        hub.close()


@pytest.fixture
def hub(open_hub: OpenHub) -> Hub:
    return open_hub()


# -- a small CRM, and commands that never really wait ------------------------------------------------------------------


@pytest.fixture
def small_crm() -> Iterator[Crm]:
    """A CRM of its own, empty, served."""
    sim = HubSpotSimulator(currency="USD")
    watch = Watch(sim.app())
    with serve(watch) as url:
        yield Crm(sim, url, watch)


@pytest.fixture
def desk(folder: Path, small_crm: Crm) -> Desk:
    """The issue's project on the small CRM."""
    return Desk(folder, {"HUBSPOT_URL": small_crm.url, "HUBSPOT_TOKEN": TOKEN}, small_crm, RestlessClock())
