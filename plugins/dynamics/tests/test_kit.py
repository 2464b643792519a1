"""The kit's suites of mappers and stand-ins: what an opportunity becomes, and the environment that it is read from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from wherry.records import Description, Pipeline, Record, Stage
from wherry.simulator import Clock
from wherry.testing.mappers import MapperSuite, MapperTrial, default_mapper
from wherry.testing.simulators import Exchange, SimulatorSuite, SimulatorTrial
from wherry_dynamics.simulator import DATA, DynamicsSimulator

STAGES = (Stage("3", "Won", "1", True), Stage("1", "In Progress", "", False))
DEALS = Description(pipelines=(Pipeline("default", "all opportunities", STAGES),))
TOKEN = "kit-canary-token-1f7c"
BEARER = {"authorization": f"Bearer {TOKEN}", "prefer": "return=representation"}


def record(kind: str, id: str, relatives: Mapping[str, list[Record]] | None = None, **fields: Any) -> Record:
    made = Record(kind=kind, id=id, version="1", payload=json.dumps(fields).encode())
    made.relatives = dict(relatives or {})
    return made


def deal(status: int = 3) -> Record:
    line = {"quantity": 2, "priceperunit": 527.05, "extendedamount": 1054.1, "productid": "p1",
            "product_name": "GTX Pro", "sku": "GTX-PRO"}  # fmt: skip
    write_in = {"product_name": "Survey", "extendedamount": 0.01, "description": "loose"}
    account = {"name": "Acme", "websiteurl": "acme.example", "telephone1": "1", "industrycodename": "Wholesale",
               "emailaddress1": "a@acme.example", "address1_line1": "Jetty 1", "address1_line2": "Gate 2",
               "address1_city": "Portland", "address1_stateorprovince": "ME", "address1_postalcode": "04109",
               "address1_country": "US", "description": "a\nb"}  # fmt: skip
    near = {
        "company": [record("company", "a1", **account)],
        "line_item": [record("line_item", "l1", **line), record("line_item", "l2", **write_in)],
        "file": [record("file", "n1", name="a.pdf", media_type="application/pdf", size=3)],
    }
    return record("deal", "d1", near, name="Rail", actualvalue=1054.1, currency="USD", pipeline="default",
                  statuscode=status, statuscodename="Won", actualclosedate="2026-03-02", owneridname="Ann Lee",
                  description="a\nb")  # fmt: skip


class TestDynamicsDeals(MapperSuite):
    @pytest.fixture
    def trial(self) -> MapperTrial:
        flow = {"pipelines": ({"id": "default", "stages": ("won",)},)}
        return MapperTrial(
            make=lambda: default_mapper("dynamics", "deal", timezone="America/Chicago", description=DEALS, **flow),
            records=lambda: [deal()],
            left_out=lambda: [deal(1)],
        )


def is_an_error(answer: httpx.Response) -> None:
    if answer.status_code >= 400:
        assert {"code", "message"} <= set(answer.json()["error"]), answer.text


class TestDynamics(SimulatorSuite):
    @pytest.fixture
    def trial(self) -> SimulatorTrial:
        def make(clock: Clock, **options: Any) -> DynamicsSimulator:
            return DynamicsSimulator(clock=clock, **options)

        def account(n: int) -> Exchange:
            return Exchange(method="POST", path=f"{DATA}/accounts", body={"name": f"Acme {n}"})

        return SimulatorTrial(
            system="dynamics", make=make, headers=BEARER, secrets=(TOKEN,), write=account,
            read=Exchange(path=f"{DATA}/systemusers", params={"$select": "fullname"}),
            strict=lambda clock: make(clock, tokens={TOKEN}), valid=is_an_error,
            throttled=lambda clock: make(clock, limit=3), patient=301.0,
        )  # fmt: skip
