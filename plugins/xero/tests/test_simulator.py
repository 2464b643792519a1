"""The stand-in, and what the sink sends, beside the contract: fields, forms of answers, its samples, sign-in."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from wherry.simulator import serve
from wherry_xero.documents import KINDS
from wherry_xero.simulator import App, XeroSimulator
from wherry_xero.simulator.options import simulator

from .test_sink import sink_of

CONTRACT = Path(__file__).resolve().parents[4] / "shared" / "contracts" / "xero" / "openapi" / "xero_accounting.yaml"
BASIC = {"authorization": "Basic " + base64.b64encode(b"abc:s3cret").decode()}


_KEY = re.compile(r"( *)([$\w-]+):(?: (.*))?\Z")
_ENTRY = re.compile(r" *- (.*)\Z")
_KINDS = {"string": str, "number": int | float, "integer": int, "boolean": bool, "array": list}
_BESIDE = {"DateString", "DueDateString"}
"""In Xero's own samples, and not in its schemas."""


@cache
def schemas() -> dict[str, Any]:
    """The schemas of the contract: keys by their indentation, lists of words below ``-``. No more of YAML is needed."""
    if not CONTRACT.is_file():
        pytest.skip(f"needs the contract at {CONTRACT}")
    root: dict[str, Any] = {}
    stack: list[tuple[int, dict[str, Any]]] = [(-1, root)]
    for line in CONTRACT.read_text("utf-8").partition("\n  schemas:\n")[2].splitlines():
        if found := _KEY.match(line):
            while stack[-1][0] >= len(found[1]):
                stack.pop()
            stack[-1][1][found[2]] = node = found[3].strip("\"'") if found[3] else {}
            if isinstance(node, dict):
                stack.append((len(found[1]), node))
        elif found := _ENTRY.match(line):
            stack[-1][1].setdefault("-", []).append(found[1])
    return root


def judged(value: Any, schema: dict[str, Any], place: str = "") -> None:
    """Raises where a value is not as a schema of the contract says, or has a field that it does not know."""
    schema = {**schemas()[schema["$ref"].rpartition("/")[2]], **schema} if "$ref" in schema else schema
    known = schema.get("properties", {})
    if "type" in schema and schema["type"] != "object" and value is not None:
        assert isinstance(value, _KINDS[schema["type"]]), f"{place}: {value!r} is no {schema['type']}"
    if "maxLength" in schema:
        assert len(value) <= int(schema["maxLength"]), f"{place} is too long"
    if "enum" in schema and isinstance(schema["enum"], dict):
        assert value in {word.strip("\"'") for word in schema["enum"]["-"]}, f"{place}: {value!r} is none of its words"
    for n, one in enumerate(value if isinstance(value, list) else ()):
        judged(one, schema["items"], f"{place}[{n}]")
    if isinstance(value, dict) and known:
        assert value.keys() - known.keys() <= _BESIDE, f"{place}: {value.keys() - known.keys()}"
        for name in value.keys() & known.keys():
            judged(value[name], known[name], f"{place}.{name}")


def whole(body: dict[str, Any], name: str) -> None:
    """The same of an answer, or of a call, whose elements stand below their name."""
    told = {field: value for field, value in body.items() if field in (name, "pagination")}
    judged(told, {"$ref": name, "properties": {**schemas()[name]["properties"], "pagination": {"$ref": "Pagination"}}})
    assert name in body


def parameters(path: str, method: str) -> set[str]:
    """The names of what an operation of the contract takes."""
    paths = CONTRACT.read_text("utf-8").partition("\npaths:\n")[2]
    operation = (
        paths.partition(f"\n  {path}:\n")[2].partition(f"\n    {method}:\n")[2].partition("\n      responses:")[0]
    )
    return set(re.findall(r"#/components/parameters/(\w+)", operation)) | set(re.findall(r"name: (\w+)", operation))


@pytest.fixture
def api(sim: XeroSimulator) -> Iterator[httpx.Client]:
    headers = {"authorization": "Bearer x", "xero-tenant-id": sim.org.id}
    with serve(sim.app()) as url, httpx.Client(base_url=f"{url}/api.xro/2.0", headers=headers) as client:
        yield client


@pytest.mark.parametrize("entity", KINDS)
def test_what_is_sent_and_answered_is_what_the_contract_knows(entity: str, tmp_path: Path, sim: XeroSimulator) -> None:
    name = KINDS[entity].name
    with sink_of(sim, tmp_path) as (sink, thing):
        [call] = sink.encode([thing(entity)])
        whole(json.loads(call.body), name)
        assert len(call.headers["Idempotency-Key"]) <= 128
        assert call.params.keys() <= parameters(f"/{name}", "put")
        reply = sink.http.send(call)
        whole(json.loads(reply.body), name)
        listed = sink.http.read("GET", f"api.xro/2.0/{name}", params={"page": "1"}, headers=call.headers)
        whole(listed.json(), name)


def test_lists_are_as_the_contract_says(api: httpx.Client) -> None:
    for name in ("Accounts", "TaxRates", "TrackingCategories", "Currencies"):
        whole(api.get(f"/{name}").json(), name)
    whole(api.get("/Organisation").json(), "Organisations")


def test_one_bad_element_fails_all_unless_the_call_says_otherwise(sim: XeroSimulator, api: httpx.Client) -> None:
    """The contract's own sample of a refusal: a name that another contact has."""
    two = {"Contacts": [{"Name": "Buzz Lightyear"}, {"Name": "buzz lightyear"}]}
    each = api.put("/Contacts", json=two, params={"summarizeErrors": "false"})
    assert each.status_code == 200
    assert [one["StatusAttributeString"] for one in each.json()["Contacts"]] == ["OK", "ERROR"]
    third = {"Contacts": [{"Name": "Woody"}, {"Name": "Buzz Lightyear"}]}
    refused = api.put("/Contacts", json=third)
    assert (refused.status_code, refused.json()["ErrorNumber"], refused.json()["Type"]) == (
        400,
        10,
        "ValidationException",
    )
    told = refused.json()["Elements"][0]["ValidationErrors"][0]["Message"]
    assert told.startswith("The contact name Buzz Lightyear is already assigned to another contact.")
    assert [entry.detail["name"] for entry in sim.history.effects()] == ["Buzz Lightyear"]


def test_a_key_is_known_for_half_a_day_and_unit_prices_have_two_decimals_unless_four_are_asked_for(
    sim: XeroSimulator, api: httpx.Client
) -> None:  # fmt: skip
    item = {"Items": [{"Code": "A", "SalesDetails": {"UnitPrice": 1.2345}}]}
    told = [api.put("/Items", json=item, headers={"Idempotency-Key": "k"}).json() for _ in range(2)]
    assert told[0] == told[1]
    assert told[0]["Items"][0]["SalesDetails"]["UnitPrice"] == 1.23
    sim.clock.advance(13 * 3600)
    again = api.put("/Items", json=item, headers={"Idempotency-Key": "k"})
    assert "already exists" in again.text
    item["Items"][0]["Code"] = "B"
    four = api.put("/Items", json=item, params={"unitdp": "4"}).json()
    assert four["Items"][0]["SalesDetails"]["UnitPrice"] == 1.2345
    assert api.get("/Items", headers={"xero-tenant-id": ""}).status_code == 403


def test_pages_and_filters_tell_what_they_leave_out(sim: XeroSimulator, api: httpx.Client) -> None:
    for n in range(3):
        sim.write("Contacts", {"Name": f"C{n}"})
        sim.clock.advance(60)
    page = api.get("/Contacts", params={"page": "2", "pageSize": "2"}).json()
    assert (page["pagination"], len(page["Contacts"])) == (
        {"page": 2, "pageSize": 2, "pageCount": 2, "itemCount": 3}, 1)  # fmt: skip
    named = api.get("/Contacts", params={"where": 'Name=="C1" OR Name=="C2"'}).json()["Contacts"]
    since = sim.clock.date().replace(tzinfo=None).isoformat(timespec="seconds")
    assert [one["Name"] for one in named] == ["C1", "C2"]
    assert api.get("/Contacts", headers={"If-Modified-Since": since}).json()["Contacts"] == []
    assert api.get("/Contacts", params={"where": "Name.Contains(C)"}).status_code == 400


def test_a_refresh_token_is_used_once_and_for_half_an_hour_more() -> None:
    strict = XeroSimulator(app=App("abc", "s3cret"))
    with serve(strict.app()) as url, httpx.Client(base_url=url) as web:
        asked = {"client_id": "abc", "response_type": "code", "redirect_uri": "http://localhost/x", "state": "s"}
        answer = web.get("/identity/connect/authorize", params=asked)
        code = re.search(r"code=([^&]+)", answer.headers["location"])
        assert code is not None

        def token(form: dict[str, str], headers: dict[str, str] | None = None) -> httpx.Response:
            return web.post("/connect/token", data=form, headers=BASIC if headers is None else headers)

        form = {"grant_type": "authorization_code", "code": code[1], "redirect_uri": "http://localhost/x"}
        first = token(form).json()
        assert (first["expires_in"], first["token_type"]) == (1800, "Bearer")
        renew = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
        assert token(renew).json()["refresh_token"] != first["refresh_token"]
        assert token(renew).status_code == 200
        strict.clock.advance(1801)
        assert token(renew).json() == {"error": "invalid_grant"}
        assert token({"grant_type": "client_credentials"}).json() == {"error": "unauthorized_client"}
        assert token(form, {"authorization": "Basic eDp5"}).json() == {"error": "invalid_client"}
        there = {"authorization": f"Bearer {first['access_token']}"}
        assert web.get("/connections", headers=there).status_code == 401, "it has expired"


def test_the_stand_in_is_made_by_options() -> None:
    made = simulator({"tenants": "North,South", "currency": "NZD", "limits": "none"})
    assert [(org.name, org.currency) for org in made.orgs.values()] == [("North", "NZD"), ("South", "NZD")]
