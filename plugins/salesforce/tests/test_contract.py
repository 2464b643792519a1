"""The kit's suite for sources: on opportunities with all that belongs to them, and on accounts, which can be merged."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pytest
from wherry.testing.services import SECRET, SharedClock
from wherry.testing.sources import SourceSuite, Trial
from wherry.testing.sources_faults import Beside

from .conftest import PAGE, Standing

FEW, LINES = 3, 2 * PAGE + 1
OVERLAP = 300.0


def trial_of(org: Standing, kind: str, object: str, create: Callable[[int], Sequence[str]], **more: Any) -> Trial:
    sim, clock = org.sim, org.sim.clock

    def put(name: str, **fields: Any) -> None:
        sim.change(object, name, **fields)

    def write(name: str, text: str) -> str:
        put(name, Name=text)
        return str(sim.org.find(object, name)["Name"])

    def remove(name: str) -> None:
        with sim.stage.lock:
            sim.org.delete(object, name)

    def move() -> None:
        """From now on the same sign-in opens another org."""
        with sim.stage.lock:
            sim.org.rows["Organization"].clear()
            sim.org.put("Organization", {"Name": "Other"})

    return Trial(
        make=org.source, kind=kind, create=create, change=lambda name: put(name, Name=f"at {clock.now()}"),
        wait=clock.advance, clock=SharedClock(clock), page=PAGE, overlap=OVERLAP, faults=sim.faults, secret=SECRET,
        stage=sim.stage, write=write, remove=remove, move=move, **more,
    )  # fmt: skip


class TestDeals(SourceSuite):
    @pytest.fixture
    def trial(self, org: Standing) -> Trial:
        sim = org.sim
        account = sim.add("Account", Name="Acme Rail")
        product = sim.add("Product2", Name="Plank", ProductCode="PL-1")
        version = sim.add("ContentVersion", PathOnClient="plan.txt", VersionData="YSBwbGFu")
        families: dict[str, dict[str, list[str]]] = {}
        lines: list[str] = []

        def create(count: int) -> Sequence[str]:
            usual = {"StageName": "Prospecting", "CloseDate": "2026-03-31", "Amount": Decimal("100.10")}
            named = [{**usual, "Name": f"Deal {n}", "AccountId": account if n < 5 else None} for n in range(count)]
            ids = [sim.add("Opportunity", **fields) for fields in named]
            families.update({name: {"company": [account] if n < 5 else []} for n, name in enumerate(ids)})
            if count == FEW:
                more = {"OpportunityId": ids[1], "Product2Id": product, "Quantity": 1, "UnitPrice": Decimal(0)}
                lines[:] = [sim.add("OpportunityLineItem", **more, SortOrder=n) for n in range(LINES)]
                families[ids[1]] |= {"line_item": list(lines), "product": [product]}
            return ids

        def holds(name: str) -> dict[str, Any]:
            row = sim.org.find("Opportunity", name)
            return {field: row[field] for field in ("Name", "Amount", "StageName")}

        def exact(name: str, number: str) -> None:
            sim.change("Opportunity", name, Amount=json.loads(number, parse_float=Decimal))

        return trial_of(
            org, "deal", "Opportunity", create, fields=("Name", "Amount", "StageName", "pipeline"),
            relatives={"company": ("Name",), "line_item": ("Name", "product_name"), "product": ("Name",)},
            holds=holds, family=lambda name: families[name], file=(version, b"a plan"), exact=("Amount", exact),
            touch=lambda name: sim.change("OpportunityLineItem", lines[0], Description=f"at {sim.clock.now()}"),
            slow=lambda: setattr(sim.org, "late", OVERLAP - 30.0),
            prompt=lambda: setattr(sim.org, "late", 0.0),
        )  # fmt: skip


class TestCompanies(Beside):
    """Opportunities cannot be merged."""

    @pytest.fixture
    def trial(self, org: Standing) -> Trial:
        sim = org.sim

        def create(count: int) -> Sequence[str]:
            return [sim.add("Account", Name=f"Acme {n}", OwnerId=sim.org.user) for n in range(count)]

        def merge(survivor: str, loser: str) -> None:
            with sim.stage.lock:
                sim.org.merge("Account", survivor, loser)

        return trial_of(org, "company", "Account", create, fields=("Name", "BillingCity"), merge=merge,
                        relatives={"owner": ("Name",)})  # fmt: skip
