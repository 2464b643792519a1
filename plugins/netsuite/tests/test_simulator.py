"""The stand-in, and what the sink sends, beside the contract: names of fields, forms of answers, its samples."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from wherry.simulator import serve
from wherry_netsuite.documents import KINDS
from wherry_netsuite.refusals import CODES
from wherry_netsuite.simulator import NetSuiteSimulator
from wherry_netsuite.simulator.oauth import PATH
from wherry_netsuite.simulator.shapes import SHAPES

from .test_sink import sink_of

CONTRACT = Path(__file__).resolve().parents[4] / "shared" / "contracts" / "netsuite"
LIKE = {"invoice": "salesOrder", "creditMemo": "salesOrder"}
"""The contract leaves them out: they have the style of a sales order (SOURCE.md)."""
REST = "/services/rest"
BEYOND = {"CONCURRENCY_LIMIT_EXCEEDED", "INVALID_CONTENT", "NONEXISTENT_ID"}
"""Codes of REST alone, named by API.md and the samples."""


def read(name: str) -> Any:
    path = CONTRACT / name
    if not path.is_file():
        pytest.skip(f"needs the contract at {path}")
    return json.loads(path.read_text("utf-8"))


def schema(name: str) -> dict[str, Any]:
    """A schema of the contract that knows the others, and takes no name that is not in it."""
    parts = read("rest-subset.openapi.json")["components"]["schemas"]
    closed = {**parts[name], "additionalProperties": False}
    return {"components": {"schemas": parts}, **closed}


@pytest.fixture
def api(sim: NetSuiteSimulator) -> Iterator[httpx.Client]:
    with serve(sim.app()) as url:
        yield httpx.Client(base_url=url + REST, headers={"authorization": "Bearer x"})


@pytest.mark.parametrize("type", SHAPES)
def test_a_record_has_the_fields_of_the_contract(type: str) -> None:
    parts, name = read("rest-subset.openapi.json")["components"]["schemas"], LIKE.get(type, type)
    assert SHAPES[type].fields.keys() - parts[name]["properties"].keys() == set()
    if (line := f"{name}-{SHAPES[type].sublist}Element") in parts:
        assert SHAPES[type].line.keys() - parts[line]["properties"].keys() == set()


def test_the_samples_of_the_contract_are_taken_and_read_as_it_says(sim: NetSuiteSimulator, api: httpx.Client) -> None:
    for id, type, body in (
        ("87", "customer", {"companyName": "Acme", "externalId": "HUB-CUST-1001", "subsidiary": {"id": "1"}}),
        ("412", "serviceSaleItem", {"itemId": "Phase", "incomeAccount": {"id": "54"}}),
        ("413", "serviceSaleItem", {"itemId": "Panel", "externalId": "SKU-PANEL", "incomeAccount": {"id": "55"}}),
    ):
        sim.account._next = int(id)
        sim.make(type, body)
    for name in ("journal-entry-upsert", "sales-order-upsert"):
        sample = read(f"samples/{name}.request.json")
        method, path = sample.pop("_http").split()
        headers = {"X-NetSuite-PropertyNameValidation": "Error"}
        answer = api.request(method, path.removeprefix(REST), json=sample, headers=headers)
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["location"].startswith(
            "https://1234567.suitetalk.api.netsuite.com/services/rest/record/v1/"
        )
        again = api.request(method, path.removeprefix(REST), json=sample, params={"replace": "line,item"})
        assert again.headers["location"] == answer.headers["location"]
        held = api.get(path.removeprefix(REST), params={"expandSubResources": "true"}).json()
        jsonschema.validate(held, schema(path.split("/")[-2]))


def test_questions_are_answered_as_the_contract_says(sim: NetSuiteSimulator, api: httpx.Client) -> None:
    sample = read("samples/suiteql.request.json")
    assert api.post("/query/v1/suiteql", json={"q": sample["q"]}).status_code == 400, "Prefer: transient is mandatory"
    told = api.post(
        "/query/v1/suiteql", json={"q": sample["q"]}, headers={"Prefer": "transient"}, params={"limit": "5"}
    )
    jsonschema.validate(told.json(), schema("suiteqlResponse"))
    assert told.json()["hasMore"] is True
    assert all(isinstance(value, str) for row in told.json()["items"] for name, value in row.items() if name != "links")
    row = next(row for row in told.json()["items"] if row["id"] == "54")
    assert row == {**read("samples/suiteql.response.json")["items"][0], **row}
    jsonschema.validate(api.get("/record/v1/salesOrder").json(), schema("salesOrderCollection"))


def test_errors_have_the_form_and_the_codes_of_the_samples(sim: NetSuiteSimulator, api: httpx.Client) -> None:
    answers = {
        "error-not-found": api.get("/record/v1/salesOrder/999"),
        "error-invalid-content": api.put("/record/v1/salesOrder/eid:x", json={"tranDate": 5}),
        "error-validation": api.put("/record/v1/salesOrder/eid:x", json={"memo": "nobody's"}),
        "error-login": httpx.get(f"{api.base_url}/record/v1/customer"),
    }
    for name, answer in answers.items():
        wanted, told = read(f"samples/{name}.json"), answer.json()
        jsonschema.validate(told, schema("nsError"))
        assert told["status"] == answer.status_code == wanted["status"]
        assert told["o:errorDetails"][0]["o:errorCode"] == wanted["o:errorDetails"][0]["o:errorCode"]


def test_a_token_is_given_for_an_assertion_alone(sim: NetSuiteSimulator, api: httpx.Client) -> None:
    """What the sweep signs in with is taken; what is no assertion is not."""
    form = {"grant_type": "client_credentials", "client_assertion_type": "x", "client_assertion": "a.b.c"}
    url = str(api.base_url).removesuffix(f"{REST}/") + PATH
    told = [httpx.post(url, data=form | more) for more in (
        {}, {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"})]  # fmt: skip
    assert [(one.status_code, one.json()["error"]) for one in told] == [(400, "invalid_grant")] * 2


def test_codes_of_refusals_are_netsuites_own() -> None:
    assert CODES.keys() - set(read("status-detail-codes.json")["status_detail_codes"]) - BEYOND == set()


@pytest.mark.parametrize("entity", KINDS)
def test_what_is_sent_is_what_the_contract_knows(entity: str, tmp_path: Path, sim: NetSuiteSimulator) -> None:
    kind = KINDS[entity]
    with sink_of(sim, tmp_path, approved=True, tax_schedule="1") as (sink, thing):
        [call] = sink.encode([thing(entity, dimensions={"class": "3"}, currency="EUR")])
    body = json.loads(call.body)
    jsonschema.validate(body, schema(LIKE.get(kind.record, kind.record)))
    assert call.headers["X-NetSuite-PropertyNameValidation"] == "Error"
    assert call.params == ({"replace": kind.sublist} if kind.sublist in body else {})
