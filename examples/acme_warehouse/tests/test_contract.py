"""The kit's suites: what every source, mapper, matcher and stand-in must keep to."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from acme_warehouse.mapping import ShipmentMapper
from acme_warehouse.matcher import PartMatcher
from acme_warehouse.simulator import AcmeSimulator
from acme_warehouse.source import AcmeSource
from wherry.matching import RuleMatcher
from wherry.records import Draft, Record
from wherry.roles import Matcher
from wherry.testing.mappers import MapperSuite, MapperTrial
from wherry.testing.matchers import MatcherSuite
from wherry.testing.services import SECRET, SharedClock
from wherry.testing.simulators import Exchange, SimulatorSuite, SimulatorTrial
from wherry.testing.sources import SourceSuite, Trial

PAGE, FEW = 6, 3
"""It stands for the hundred that the system gives at once."""


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("acme_warehouse.client.PAGE", PAGE)


class TestShipments(SourceSuite):
    @pytest.fixture
    def trial(
        self, simulator: AcmeSimulator, make: Callable[[], AcmeSource], post: Callable[..., dict[str, Any]]
    ) -> Trial:
        parts = [post("POST", "/api/v1/parts", name=f"Bolt M{n}", number=f"B-{n}")["id"] for n in range(PAGE + 2)]
        part = parts[0]

        def create(count: int) -> Sequence[str]:
            lines = [{"part": one, "quantity": 4} for one in (parts if count == FEW else [part])]
            body = {"customer": "Acme Rail", "status": "sent", "lines": lines}
            return [post("POST", "/api/v1/shipments", number=f"SH-{n}", **body)["id"] for n in range(count)]

        def write(name: str, text: str) -> str:
            return str(post("PATCH", f"/api/v1/shipments/{name}", number=text)["number"])

        def holds(name: str) -> dict[str, Any]:
            told = post("PATCH", f"/api/v1/shipments/{name}", status="sent")
            return {field: told[field] for field in ("number", "customer", "lines", "status")}

        return Trial(
            make=make,
            kind="shipment",
            fields=("number", "customer", "lines", "status"),
            relatives={"part": ("name",)},
            create=create,
            change=lambda name: post("PATCH", f"/api/v1/shipments/{name}", number=f"SH-{simulator.stage.clock.now()}"),
            wait=simulator.stage.clock.advance,
            clock=SharedClock(simulator.stage.clock),
            page=PAGE,
            overlap=1.0,
            faults=simulator.stage.faults,
            secret=SECRET,
            stage=simulator.stage,
            write=write,
            holds=holds,
            remove=lambda name: post("DELETE", f"/api/v1/shipments/{name}"),
            family=lambda name: {"part": [line["part"] for line in holds(name)["lines"]]},
        )


class TestPartMatcher(MatcherSuite):
    @pytest.fixture
    def matcher(self) -> Matcher:
        return PartMatcher(RuleMatcher(("link", "sku", "name"), "create"))

    @pytest.fixture
    def drafts(self) -> list[Draft]:
        rows = [("id:1", "B-9", "B-8"), ("id:2", "B-10", "B-8"), ("id:3", "CP-9", "CP-L"), ("id:4", "CP-10", "CP-L")]
        return [
            Draft(
                entity="product",
                key=key,
                label=number,
                body={"name": number, "sku": number, "custom": {"former_number": former}},
            )
            for key, number, former in rows
        ]


class TestShipmentMapper(MapperSuite):
    @pytest.fixture
    def trial(self) -> MapperTrial:
        return MapperTrial(make=ShipmentMapper, records=lambda: [shipment()], left_out=lambda: [shipment("packed")])


class TestSimulator(SimulatorSuite):
    @pytest.fixture
    def trial(self) -> SimulatorTrial:
        def part(n: int) -> Exchange:
            return Exchange(method="POST", path="/api/v1/parts", body={"name": f"Bolt {n}", "number": f"B-{n}"})

        return SimulatorTrial(
            system="acme-warehouse",
            make=lambda clock: AcmeSimulator(clock=clock),
            strict=lambda clock: AcmeSimulator(clock=clock, keys=frozenset({SECRET})),
            headers={"authorization": f"Bearer {SECRET}"},
            secrets=(SECRET,),
            read=Exchange(path="/api/v1/parts", params={"limit": "10"}),
            write=part,
        )


def shipment(status: str = "sent") -> Record:
    """A shipment with its parts, as the source completes it."""
    fields = {"number": "SH-1", "customer": "Acme Rail", "status": status, "carrier": "Rail", "sent": "2026-01-31",
              "lines": [{"part": "1001", "quantity": 4}]}  # fmt: skip
    record = Record(kind="shipment", id="77", version="1", payload=json.dumps(fields).encode())
    record.relatives = {"part": [Record(kind="part", id="1001", version="1", payload=b'{"name":"Bolt M8"}')]}
    return record
