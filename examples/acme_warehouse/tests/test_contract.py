"""The kit's suites: what every source and every matcher must keep to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from acme_warehouse.matcher import PartMatcher
from acme_warehouse.simulator import AcmeSimulator
from acme_warehouse.source import AcmeSource
from wherry.matching import RuleMatcher
from wherry.records import Draft
from wherry.roles import Matcher
from wherry.testing.matchers import MatcherSuite
from wherry.testing.services import SECRET, SharedClock
from wherry.testing.sources import SourceSuite, Trial


class TestShipments(SourceSuite):
    @pytest.fixture
    def trial(
        self, simulator: AcmeSimulator, make: Callable[[], AcmeSource], post: Callable[..., dict[str, Any]]
    ) -> Trial:
        part = post("POST", "/api/v1/parts", name="Bolt M8", number="B-8")["id"]

        def create(count: int) -> Sequence[str]:
            body = {"customer": "Acme Rail", "status": "sent", "lines": [{"part": part, "quantity": 4}]}
            return [post("POST", "/api/v1/shipments", number=f"SH-{n}", **body)["id"] for n in range(count)]

        return Trial(
            make=make,
            kind="shipment",
            fields=("customer", "lines", "number", "status"),
            relatives={"part": ("name",)},
            create=create,
            change=lambda name: post("PATCH", f"/api/v1/shipments/{name}", number=f"SH-{simulator.stage.clock.now()}"),
            wait=simulator.stage.clock.advance,
            clock=SharedClock(simulator.stage.clock),
            page=100,
            overlap=1.0,
            faults=simulator.stage.faults,
            secret=SECRET,
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
