"""The kit's suite for sources: on opportunities with all that belongs to them, and on accounts, which can be merged."""

from __future__ import annotations

import json
import uuid
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


def trial_of(one: Standing, kind: str, table: str, create: Callable[[int], Sequence[str]], **more: Any) -> Trial:
    sim, clock = one.sim, one.sim.clock

    def write(id: str, text: str) -> str:
        sim.change(table, id, name=text)
        return str(sim.org.find(table, id)["name"])

    def remove(id: str) -> None:
        with sim.stage.lock:
            sim.org.delete(table, id)

    def move() -> None:
        """From now on the same sign-in opens another environment."""
        sim.org.id = str(uuid.uuid5(uuid.NAMESPACE_DNS, "another"))

    return Trial(
        make=one.source, kind=kind, create=create, change=lambda id: sim.change(table, id, name=f"at {clock.now()}"),
        wait=clock.advance, clock=SharedClock(clock), page=PAGE, overlap=OVERLAP, faults=sim.faults, secret=SECRET,
        stage=sim.stage, write=write, remove=remove, move=move, **more,
    )  # fmt: skip


class TestDeals(SourceSuite):
    @pytest.fixture
    def trial(self, environment: Standing) -> Trial:
        sim = environment.sim
        account = sim.add("account", name="Acme Rail")
        product = sim.add("product", name="Plank", productnumber="PL-1")
        note = sim.add("annotation", filename="plan.txt", documentbody="YSBwbGFu")
        families: dict[str, dict[str, list[str]]] = {}
        lines: list[str] = []

        def create(count: int) -> Sequence[str]:
            named = [{"name": f"Deal {n}", "customerid": account if n < 5 else None} for n in range(count)]
            ids = [sim.add("opportunity", estimatedvalue=Decimal("100.10"), **fields) for fields in named]
            families.update({id: {"company": [account] if n < 5 else []} for n, id in enumerate(ids)})
            if count == FEW:
                more = {"opportunityid": ids[1], "productid": product, "quantity": 1, "priceperunit": Decimal(0)}
                lines[:] = [sim.add("opportunityproduct", **more, lineitemnumber=n) for n in range(LINES)]
                families[ids[1]] |= {"line_item": list(lines), "product": [product]}
            return ids

        def holds(id: str) -> dict[str, Any]:
            row = sim.org.find("opportunity", id)
            return {field: row[field] for field in ("name", "estimatedvalue", "statuscode")}

        def exact(id: str, number: str) -> None:
            sim.change("opportunity", id, estimatedvalue=json.loads(number, parse_float=Decimal))

        return trial_of(
            environment, "deal", "opportunity", create, fields=("name", "estimatedvalue", "statuscode", "currency"),
            relatives={"company": ("name",), "line_item": ("quantity", "product_name"), "product": ("name",)},
            holds=holds, family=lambda id: families[id], file=(note, b"a plan"), exact=("estimatedvalue", exact),
            touch=lambda id: sim.change("opportunityproduct", lines[0], description=f"at {sim.clock.now()}"),
            slow=lambda: setattr(sim.org, "late", OVERLAP - 30.0),
            prompt=lambda: setattr(sim.org, "late", 0.0),
        )  # fmt: skip


class TestCompanies(Beside):
    """Opportunities cannot be merged."""

    @pytest.fixture
    def trial(self, environment: Standing) -> Trial:
        sim = environment.sim

        def create(count: int) -> Sequence[str]:
            return [sim.add("account", name=f"Acme {n}") for n in range(count)]

        def merge(survivor: str, loser: str) -> None:
            with sim.stage.lock:
                sim.org.merge("account", survivor, loser)

        return trial_of(environment, "company", "account", create, fields=("name", "address1_city"), merge=merge,
                        relatives={"owner": ("fullname",)})  # fmt: skip
