"""The kit's suites of mappers and stand-ins: what an opportunity becomes, and the org that it is read from."""

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
from wherry_salesforce.simulator import SalesforceSimulator

from .conftest import DATA

STAGES = (Stage("Closed Won", "Closed Won", "1", True), Stage("Prospecting", "Prospecting", "0.1", False))
DEALS = Description(pipelines=(Pipeline("default", "all opportunities", STAGES),))
TOKEN = "kit-canary-token-1f7c"
BEARER = {"authorization": f"Bearer {TOKEN}"}


def record(kind: str, id: str, relatives: Mapping[str, list[Record]] | None = None, **fields: Any) -> Record:
    made = Record(kind=kind, id=id, version="1", payload=json.dumps(fields).encode())
    made.relatives = dict(relatives or {})
    return made


def deal(stage: str = "Closed Won") -> Record:
    line = {"Quantity": 2, "UnitPrice": 527.05, "TotalPrice": 1054.1, "product_name": "GTX Pro", "sku": "GTX-PRO"}
    plain = {"Name": "Rail Ballast", "TotalPrice": 0.01, "Product2Id": "01t2", "Description": "loose"}
    account = {"Name": "Acme", "Website": "acme.example", "Phone": "1", "Industry": "Rail", "BillingStreet": "Jetty 1",
               "BillingCity": "Portland", "BillingState": "ME", "BillingPostalCode": "04109", "BillingCountry": "US",
               "Description": "a\nb", "PersonEmail": "a@acme.example", "PersonMailingCity": "Bath"}  # fmt: skip
    near = {
        "company": [record("company", "0011", **account)],
        "line_item": [record("line_item", "00k1", **line), record("line_item", "00k2", **plain)],
        "owner": [record("owner", "0051", Name="Ann Lee")],
        "file": [record("file", "0681", name="a.pdf", media_type="application/pdf", size=3)],
    }
    return record("deal", "0061", near, Name="Rail", Amount=1054.1, CurrencyIsoCode="USD", pipeline="default",
                  StageName=stage, CloseDate="2026-03-02", Description="a\nb")  # fmt: skip


class TestSalesforceDeals(MapperSuite):
    @pytest.fixture
    def trial(self) -> MapperTrial:
        flow = {"pipelines": ({"id": "default", "stages": ("won",)},)}
        return MapperTrial(
            make=lambda: default_mapper("salesforce", "deal", timezone="America/Chicago", description=DEALS, **flow),
            records=lambda: [deal()],
            left_out=lambda: [deal("Prospecting")],
        )


def is_list_of_errors(answer: httpx.Response) -> None:
    if answer.status_code >= 400:
        assert all({"errorCode", "message"} <= set(one) for one in answer.json()), answer.text


class TestSalesforce(SimulatorSuite):
    @pytest.fixture
    def trial(self) -> SimulatorTrial:
        def make(clock: Clock, **options: Any) -> SalesforceSimulator:
            return SalesforceSimulator(clock=clock, **options)

        def account(n: int) -> Exchange:
            return Exchange(method="POST", path=f"{DATA}/sobjects/Account", body={"Name": f"Acme {n}"})

        return SimulatorTrial(
            system="salesforce", make=make, headers=BEARER, secrets=(TOKEN,), write=account,
            read=Exchange(path=f"{DATA}/query", params={"q": "SELECT Id, Name FROM User ORDER BY Id LIMIT 2"}),
            strict=lambda clock: make(clock, tokens={TOKEN}), valid=is_list_of_errors,
        )  # fmt: skip
