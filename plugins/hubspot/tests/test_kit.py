"""The kit's suites of mappers and stand-ins: what a deal becomes, and the account that it is read from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from wherry.records import Description, Pipeline, Record, Stage
from wherry.testing.mappers import MapperSuite, MapperTrial, default_mapper
from wherry.testing.simulators import Exchange, SimulatorSuite, SimulatorTrial

from .test_simulator_contract import SPECS, Judge

DEALS = Description(
    pipelines=(
        Pipeline("default", "Sales", (Stage("closedwon", "Won", "1", True), Stage("open", "Open", "0.4", False))),
    )
)
TOKEN = "kit-canary-token-1f7c"
BEARER = {"authorization": f"Bearer {TOKEN}"}


def record(kind: str, id: str = "901", relatives: Mapping[str, list[Record]] | None = None, **fields: Any) -> Record:
    made = Record(kind=kind, id=id, version="1", payload=json.dumps(fields).encode())
    made.relatives = dict(relatives or {})
    return made


def deal(stage: str = "closedwon") -> Record:
    line = {"name": "GTX Pro", "quantity": "2", "price": "527.05", "amount": "1054.10", "hs_sku": "GTX-PRO"}
    file = {"name": "a.pdf", "media_type": "application/pdf", "size": 3, "activity": "note", "activity_id": "4"}
    near = {
        "company": [record("company", "17", name="Acme", domain="acme.example", zip="04109", city="Portland")],
        "line_item": [record("line_item", "5", **line), record("line_item", "6", name="Ballast", amount="0.01")],
        "owner": [record("owner", "1", name="Ann Lee")],
        "file": [record("file", "88", **file)],
    }
    return record("deal", "901", near, dealname="Rail", amount="1054.10", deal_currency_code="USD", pipeline="default",
                  dealstage=stage, closedate="2026-03-02", description="a\nb")  # fmt: skip


def as_described(answer: httpx.Response) -> None:
    """Where the vendor's own descriptions are at hand they judge; an error has the names of its errors in any case."""
    if answer.status_code >= 400:
        assert {"status", "message", "correlationId"} <= set(answer.json()), answer.text
    if SPECS.is_dir():
        Judge("legacy")(answer)


class TestHubSpotDeals(MapperSuite):
    @pytest.fixture
    def trial(self) -> MapperTrial:
        flow = {"pipelines": ({"id": "default", "stages": ("closedwon",)},)}
        return MapperTrial(
            make=lambda: default_mapper("hubspot", "deal", timezone="America/Chicago", description=DEALS, **flow),
            records=lambda: [deal()],
            left_out=lambda: [deal("open")],
        )


class TestHubSpot(SimulatorSuite):
    @pytest.fixture
    def trial(self) -> SimulatorTrial:
        from wherry_hubspot.simulator import HubSpotSimulator

        def company(n: int) -> Exchange:
            body = {"properties": {"name": f"Acme {n}", "domain": f"acme{n}.example"}}
            return Exchange(method="POST", path="/crm/v3/objects/companies", body=body)

        return SimulatorTrial(
            system="hubspot", make=lambda clock: HubSpotSimulator(clock=clock), headers=BEARER, secrets=(TOKEN,),
            read=Exchange(path="/crm/v3/objects/companies", params={"limit": "10", "after": "0"}), write=company,
            strict=lambda clock: HubSpotSimulator(clock=clock, tokens={TOKEN}),
            throttled=lambda clock: HubSpotSimulator(clock=clock, limits="free"),
            valid=as_described,
        )  # fmt: skip
