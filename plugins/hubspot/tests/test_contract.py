"""The kit's suite for sources, on deals: what every source must keep to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from wherry.roles import Connection, Services
from wherry.testing.services import SECRET, SharedClock, services
from wherry.testing.sources import SourceSuite, Trial
from wherry_hubspot.settings import HubSpotSettings
from wherry_hubspot.simulator import HubSpotSimulator
from wherry_hubspot.source import HubSpotSource

LARGEST_PAGE, PRIMARY, BESIDE, LINE = 200, 5, 341, 19
FEW = 3
LINES = 503
"""Of one deal: more than a batch of reads, and a page of associations, hold."""


@pytest.fixture
def served(hubspot: Callable[..., Any]) -> Any:
    """An account whose answers tell the time of its own clock, as HubSpot's do: marks hang on it."""
    return hubspot(tokens={SECRET})


@pytest.fixture
def simulator(served: Any) -> HubSpotSimulator:
    found: HubSpotSimulator = served.sim
    return found


@pytest.fixture
def kit(simulator: HubSpotSimulator, tmp_path: Path) -> Iterator[Services]:
    with services(tmp_path, clock=SharedClock(simulator.clock)) as made:
        yield made


@pytest.fixture
def make(kit: Services, served: Any) -> Callable[[], HubSpotSource]:
    said = {"base_url": served.url, "auth": {"kind": "token", "token": {"env": "HUBSPOT_TOKEN"}}}
    settings = HubSpotSettings.model_validate(said)
    return lambda: HubSpotSource(Connection("crm", "hubspot", settings), kit)


class TestDeals(SourceSuite):
    @pytest.fixture
    def trial(self, simulator: HubSpotSimulator, make: Callable[[], HubSpotSource]) -> Trial:
        other, company = simulator.create("companies", 2, name="Acme Rail {n}")
        lines = simulator.create("line_items", LINES, name="Plank {n}")
        families: dict[str, dict[str, list[str]]] = {}

        def create(count: int) -> Sequence[str]:
            ids = simulator.create("deals", count, dealname="Deal {n}", amount="100")
            for name in ids[:1]:
                simulator.link("deals", name, "companies", other, BESIDE)
            for name in ids[:20]:
                simulator.link("deals", name, "companies", company, PRIMARY)
                families[name] = {"company": [company]}
            if count == FEW:
                for line in lines:
                    simulator.link("deals", ids[1], "line_items", line, LINE)
                families[ids[1]]["line_item"] = list(lines)
            return ids

        def put(id: str, kind: str = "deals", **fields: str) -> None:
            with simulator.stage.lock:
                simulator.portal.change(simulator.record(kind, id), fields)

        def write(name: str, text: str) -> str:
            put(name, dealname=text)
            return str(holds(name)["dealname"])

        def holds(name: str) -> dict[str, Any]:
            with simulator.stage.lock:
                return dict(simulator.portal.shown(simulator.record("deals", name), ("dealname", "amount")))

        def remove(name: str) -> None:
            with simulator.stage.lock:
                simulator.portal.archive(simulator.record("deals", name))

        def merge(survivor: str, loser: str) -> None:
            with simulator.stage.lock:
                simulator.portal.merge(simulator.record("deals", survivor), simulator.record("deals", loser))

        return Trial(
            make=make,
            kind="deal",
            fields=("dealname", "amount", "dealstage", "pipeline"),
            relatives={"company": ("name",), "line_item": ("name",)},
            create=create,
            change=lambda name: put(name, dealname=f"at {simulator.clock.now()}"),
            wait=simulator.clock.advance,
            clock=SharedClock(simulator.clock),
            page=LARGEST_PAGE,
            overlap=60.0,
            faults=simulator.faults,
            secret=SECRET,
            file=_file(simulator),
            stage=simulator.stage,
            holds=lambda name: {field: holds(name)[field] for field in ("dealname", "amount")},
            write=write,
            remove=remove,
            merge=merge,
            family=lambda name: families[name],
            exact=("amount", lambda name, text: put(name, amount=text)),
            touch=lambda name: put(lines[0], "line_items", name=f"at {simulator.clock.now()}"),
            move=lambda: setattr(simulator, "portal_id", simulator.portal_id + 1),
            slow=lambda: setattr(simulator.portal, "index_lag", 25.0),
            prompt=lambda: setattr(simulator.portal, "index_lag", 0.0),
        )


def _file(simulator: HubSpotSimulator) -> tuple[str, bytes]:
    stored = simulator.files.add("plan.pdf", b"%PDF- a plan")
    return stored.id, b"%PDF- a plan"
