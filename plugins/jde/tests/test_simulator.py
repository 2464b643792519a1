"""The stand-in, and what the sink sends, beside the contract: schemas of the AIS server, and its samples."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from wherry.simulator import serve
from wherry_jde.simulator import JdeSimulator
from wherry_jde.simulator.options import simulator

from .test_sink import site
from .test_sink_contract import thing

CONTRACT = Path(__file__).resolve().parents[4] / "shared" / "contracts" / "jde"
_KINDS: dict[str, Any] = {
    "string": str, "number": int | float, "integer": int, "boolean": bool, "array": list, "object": dict,
    "null": type(None),
}  # fmt: skip


def contract(name: str) -> Any:
    path = CONTRACT / name
    if not path.is_file():
        pytest.skip(f"needs the contract at {path}")
    return json.loads(path.read_text("utf-8"))


def schema(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def judged(value: Any, told: dict[str, Any], place: str = "") -> None:
    """Raises where a value is not as a schema of the contract says."""
    if "$ref" in told:
        told = contract("ais-subset.openapi.json")["components"]["schemas"][told["$ref"].rpartition("/")[2]]
    kinds = told.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    assert not kinds or any(isinstance(value, _KINDS[kind]) for kind in kinds), f"{place}: {value!r} is no {kinds}"
    assert value in told.get("enum", [value]), f"{place}: {value!r} is none of its words"
    if isinstance(value, list):
        for n, one in enumerate(value):
            judged(one, told.get("items", {}), f"{place}[{n}]")
    if isinstance(value, dict):
        assert set(told.get("required", ())) <= set(value), f"{place} lacks {told.get('required')}"
        for name in value.keys() & told.get("properties", {}).keys():
            judged(value[name], told["properties"][name], f"{place}.{name}")


def shape(value: Any) -> Any:
    """The names of an object, all the way down; of a list, of its first."""
    if isinstance(value, dict):
        return {name: shape(one) for name, one in value.items() if not name.startswith("_")}
    return [shape(one) for one in value[:1]] if isinstance(value, list) else None


@pytest.fixture
def at(sim: JdeSimulator) -> Iterator[httpx.Client]:
    """Signed in as the samples are."""
    with serve(sim.app()) as url, httpx.Client(base_url=url) as client:
        told = client.post("/jderest/v2/tokenrequest", json=contract("samples/tokenrequest.request.json")).json()
        judged(told, schema("LoginResponse"))
        assert shape(told) == shape(contract("samples/tokenrequest.response.json"))
        client.headers.update({"jde-AIS-Auth": told["userInfo"]["token"], "jde-AIS-Auth-Device": "integration-hub"})
        yield client


def test_sign_in_is_as_the_contract_has_it(sim: JdeSimulator, at: httpx.Client) -> None:
    sim.password = "another"
    refused = at.post("/jderest/v2/tokenrequest", json=contract("samples/tokenrequest.request.json"))
    assert (refused.status_code, shape(refused.json())) == (403, shape(contract("samples/login-403.response.json")))
    token = at.headers["jde-AIS-Auth"]
    for name, value in (("jde-AIS-Auth", "x"), ("jde-AIS-Auth-Device", "x"), ("Cookie", "aisSessionCookie=x")):
        headers = {
            **at.headers,
            "cookie": "; ".join(f"{one}={at.cookies[one]}" for one in at.cookies),
            name.lower(): value,
        }
        ended = httpx.get(f"{at.base_url}/jderest/discover", headers=headers)
        assert (ended.status_code, name) == (444, name)
        assert shape(ended.json()).keys() >= shape(contract("samples/token-invalid-444.response.json")).keys()
    assert at.post("/jderest/v2/tokenrequest/logout", json={"token": token}).status_code == 200
    assert at.get("/jderest/discover").status_code == 444


def test_tables_orchestrations_and_errors_are_as_the_contract_has_them(sim: JdeSimulator, at: httpx.Client) -> None:
    body = {name: value for name, value in contract("samples/dataservice-account-master.request.json").items()
            if name != "_http"}  # fmt: skip
    told = at.post("/jderest/v2/dataservice", json=body).json()
    sample = contract("samples/dataservice.response.json")
    assert shape(told).keys() == shape(sample).keys() | {"links"}, "a page of several"
    assert shape(told["fs_DATABROWSE_F0901"]).keys() == shape(sample["fs_DATABROWSE_F0901"]).keys()
    assert told["fs_DATABROWSE_F0901"]["data"]["gridData"]["summary"] == {"records": 4, "moreRecords": True}
    judged(at.get("/jderest/discover").json(), schema("OrchestrationDiscoveryResponse"))
    entry = {name: value for name, value in contract("samples/orchestration-generic.request.json").items()
             if name != "_http"}  # fmt: skip
    done = at.post("/jderest/v3/orchestrator/HUB_AddJournalEntry", json=entry)
    judged(done.json(), schema("OrchestrationResponse"))
    assert set(contract("samples/orchestration-ok.response.json")) <= set(done.json())
    entry["Lines"][0]["Account"] = "1.99"
    failed = at.post("/jderest/v3/orchestrator/HUB_AddJournalEntry", json=entry)
    error = contract("samples/orchestration-error.response.json")
    assert failed.status_code == 500
    assert failed.json()["message"]["HUB_AddJournalEntry"] == error["message"]["AddJE"]
    assert set(failed.json()) | {"userDefinedErrorText"} == set(error)


@pytest.mark.parametrize("form", ["generic", "standard"])
def test_what_the_sink_sends_is_as_the_contract_has_it(form: str, tmp_path: Path) -> None:
    """Journals and orders; the login; the question to a table."""
    sim = JdeSimulator(form=form)
    with site(sim, tmp_path, form=form) as sink:
        sink.check()
        entry, order = (json.loads(sink.encode([thing(name, 1)])[0].body) for name in ("journal_entry", "invoice"))
    if form == "standard":
        for body in (entry, order):
            judged(body, schema("StandardInput"))
            assert shape(body) == shape(contract("samples/orchestration-standard.request.json"))
        assert [one["name"] for one in order["detailInputs"]] == ["GridData"]
    else:
        sample = contract("samples/orchestration-generic.request.json")
        assert set(entry) >= {name for name in sample if name != "_http"}
        assert set(entry["Lines"][0]) <= set(sample["Lines"][0])
        assert [line["Amount"] for line in entry["Lines"]] == ["1.01", "-1.01"]


def test_the_question_to_a_table_is_as_the_contract_has_it(sim: JdeSimulator, tmp_path: Path) -> None:
    from wherry_jde.client import question

    told = json.loads(question("F0901", ("AID", "CO"), {"CO": "00001"}, 1000))
    judged(told, schema("DataRequest"))
    sample = contract("samples/dataservice-account-master.request.json")
    for name in ("query", "targetName", "targetType", "dataServiceType", "maxPageSize", "outputType"):
        assert told[name] == sample[name]


def test_options_say_what_the_stand_in_is_to_be() -> None:
    sim = simulator({"currency": "EUR", "company": "00050", "decimals": ",", "form": "standard", "page": "7",
                     "dates": "user"})  # fmt: skip
    told = sim.site.tables["F0010"][0]
    assert (told["CRCD"], told["CO"], sim.decimals, sim.form, sim.page, sim.site.dates) == (
        "EUR", "00050", ",", "standard", 7, "user",
    )  # fmt: skip
