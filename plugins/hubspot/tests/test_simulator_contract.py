"""The stand-in's answers, judged by the vendor's own published descriptions, and by the vendor's own client."""

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from wherry.simulator import Clock, serve
from wherry_hubspot.simulator import HubSpotSimulator, OAuthApp

ROOT = Path(__file__).resolve().parents[3]
SPECS = Path(os.environ.get("WHERRY_SHARED", ROOT / ".." / "shared")) / "contracts" / "hubspot" / "openapi"
FOLDERS = {"dated": "2026-03", "legacy": "legacy"}
needs_specs = pytest.mark.skipif(not SPECS.is_dir(), reason="the vendor's descriptions are not at hand")

Spec = dict[str, Any]


@cache
def specs(folder: str) -> list[Spec]:
    """The descriptions of one generation; the generic one of objects first, so that any type name fits it."""
    files = sorted((SPECS / folder).glob("*.json"), key=lambda f: (not f.name.startswith("objects"), f.name))
    return [json.loads(file.read_text()) for file in files]


def described(folder: str, method: str, path: str, status: int) -> tuple[Spec, Spec] | None:
    """The schema of an answer and the description it stands in."""
    for spec in specs(folder):
        for template, operations in spec["paths"].items():
            pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
            if re.fullmatch(pattern, path) and method in operations:
                found = operations[method]["responses"].get(str(status), {}).get("content")
                if found:
                    return next(iter(found.values()))["schema"], spec
    return None


def told(value: Any) -> Any:
    """An answer without nulls: HubSpot gives null where its descriptions know only text."""
    if isinstance(value, dict):
        return {k: told(v) for k, v in value.items() if v is not None}
    return [told(v) for v in value] if isinstance(value, list) else value


class Judge:
    """Checks every answer of a client, and remembers which were described."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.judged: set[str] = set()

    def __call__(self, response: httpx.Response) -> None:
        response.read()
        request = response.request
        path = re.sub("/2026-09(?=/|$)", "/2026-03", request.url.path)
        if response.status_code >= 400:
            self._check(response.json(), {"$ref": "#/components/schemas/Error"}, specs(self.folder)[0])
            return
        found = described(self.folder, request.method.lower(), path, response.status_code)
        if found and response.content:
            self._check(response.json(), *found)
            self.judged.add(f"{request.method} {path}")
        elif response.content:
            pytest.fail(f"{request.method} {path} {response.status_code} is described nowhere")

    def _check(self, answer: Any, schema: Spec, spec: Spec) -> None:
        whole = {**schema, "components": spec["components"]}
        jsonschema.Draft4Validator(whole, format_checker=jsonschema.FormatChecker()).validate(told(answer))


class Paths:
    """The same endpoint under the legacy and the dated paths."""

    def __init__(self, generation: str, version: str = "2026-03") -> None:
        self.legacy = generation == "legacy"
        self.version = version

    def crm(self, area: str, rest: str = "", legacy: str = "v3") -> str:
        return f"/crm/{legacy}/{area}{rest}" if self.legacy else f"/crm/{area}/{self.version}{rest}"

    def links(self, rest: str) -> str:
        return self.crm("associations", rest, "v4")

    def below(self, rest: str) -> str:
        return self.crm("objects", rest, "v4")

    def other(self, area: str, rest: str, legacy: str = "v3") -> str:
        return f"/{area}/{legacy if self.legacy else self.version}{rest}"


@pytest.fixture(params=["dated", "legacy"])
def generation(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def judge(generation: str) -> Judge:
    return Judge(FOLDERS[generation])


@pytest.fixture
def api(judge: Judge) -> Iterator[httpx.Client]:
    sim = HubSpotSimulator(clock=Clock("2026-03-01T12:00:00"), association_page=2)
    hooks: dict[str, list[Callable[..., Any]]] = {"response": [judge]}
    bearer = {"authorization": "Bearer x"}
    with serve(sim.app()) as url, httpx.Client(base_url=url, headers=bearer, event_hooks=hooks) as http:
        yield http


@needs_specs
def test_objects_answer_as_described(api: httpx.Client, judge: Judge, generation: str) -> None:
    deals = Paths(generation).crm("objects", "/deals")
    made = api.post(deals, json={"properties": {"dealname": "A", "dealstage": "closedwon"}, "associations": []})
    inputs = [{"properties": {"dealname": f"D{n}"}, "objectWriteTraceId": str(n)} for n in range(3)]
    inputs.append({"properties": {"nonsense": "1"}, "objectWriteTraceId": "3"})
    partly = api.post(f"{deals}/batch/create", json={"inputs": inputs})
    ids = [r["id"] for r in partly.json()["results"]]
    api.get(deals, params={"limit": 2, "associations": "companies"})
    api.get(f"{deals}/{made.json()['id']}")
    api.patch(f"{deals}/{ids[0]}", json={"properties": {"amount": "5"}})
    api.post(f"{deals}/batch/read", json={"inputs": [{"id": ids[0]}, {"id": "1"}], "properties": ["amount"]})
    api.post(f"{deals}/batch/update", json={"inputs": [{"id": ids[0], "properties": {"amount": "6"}}]})
    api.post(f"{deals}/search", json={"limit": 1})
    assert partly.status_code == 207
    assert len(judge.judged) == 8
    assert api.delete(f"{deals}/{ids[1]}").status_code == 204
    assert api.get(deals, params={"archived": "true"}).json()["results"][0]["archivedAt"]
    assert api.get(f"{deals}/{ids[1]}").status_code == 404


@needs_specs
def test_an_upsert_and_a_merge_answer_as_described(api: httpx.Client, judge: Judge, generation: str) -> None:
    contacts = Paths(generation).crm("objects", "/contacts")
    inputs = [{"idProperty": "email", "id": f"{n}@x.example", "properties": {"firstname": n}} for n in "ab"]
    ids = [r["id"] for r in api.post(f"{contacts}/batch/upsert", json={"inputs": inputs}).json()["results"]]
    api.post(f"{contacts}/merge", json={"primaryObjectId": ids[0], "objectIdToMerge": ids[1]})
    assert len(judge.judged) == 2


@needs_specs
def test_associations_answer_as_described(api: httpx.Client, judge: Judge, generation: str) -> None:
    paths = Paths(generation)
    objects = paths.crm("objects")
    deal = api.post(f"{objects}/deals", json={"properties": {}}).json()["id"]
    items = [api.post(f"{objects}/line_items", json={"properties": {}}).json()["id"] for _ in range(3)]
    spec = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 19}]
    pair = paths.links("/deals/line_items")
    ends = [{"from": {"id": deal}, "to": {"id": i}} for i in items]
    api.post(f"{pair}/batch/create", json={"inputs": [{**e, "types": spec} for e in ends]})
    api.post(f"{pair}/batch/associate/default", json={"inputs": ends})
    api.post(f"{pair}/batch/read", json={"inputs": [{"id": deal}]})
    api.post(f"{pair}/batch/read", json={"inputs": [{"id": deal}, {"id": "1"}]})
    one = paths.below(f"/deals/{deal}/associations/line_items")
    assert api.get(one).json()["paging"]["next"]["after"] == items[1]
    api.put(f"{one}/{items[0]}", json=spec)
    api.put(paths.below(f"/deals/{deal}/associations/default/line_items/{items[0]}"))
    api.get(f"{objects}/deals", params={"associations": "line_items"})
    api.post(f"{pair}/batch/archive", json={"inputs": [{"from": {"id": deal}, "to": [{"id": items[0]}]}]})
    assert api.delete(f"{one}/{items[1]}").status_code == 204
    assert [r["toObjectId"] for r in api.get(one).json()["results"]] == items[2:]
    assert {path.rpartition("/")[2] for path in judge.judged} >= {"create", "default", "read", "line_items"}


@needs_specs
def test_labels_pipelines_and_properties_answer_as_described(api: httpx.Client, judge: Judge, generation: str) -> None:
    paths = Paths(generation)
    labels = "/crm/associations/v4" if generation == "legacy" else paths.links("")
    pipelines, properties = paths.crm("pipelines", "/deals"), paths.crm("properties", "/deals")
    api.get(f"{labels}/deals/companies/labels")
    api.post(f"{labels}/deals/companies/labels", json={"label": "Payer", "name": "payer"})
    stages = [{"label": "Done", "displayOrder": 0, "metadata": {"probability": "1.0"}}]
    made = api.post(pipelines, json={"label": "Second", "displayOrder": 1, "stages": stages}).json()
    one = f"{pipelines}/{made['id']}"
    stage = f"{one}/stages/{made['stages'][0]['id']}"
    for path in (pipelines, one, f"{one}/stages", stage):
        api.get(path)
    api.patch(one, json={"label": "Third"})
    api.patch(stage, json={"label": "Over", "metadata": {"probability": "0.0"}})
    api.post(f"{one}/stages", json={"label": "More", "displayOrder": 2, "metadata": {"probability": "0.5"}})
    group = api.post(f"{properties}/groups", json={"name": "ours", "label": "Ours"}).json()["name"]
    new = {"name": "yard", "label": "Yard", "type": "string", "fieldType": "text", "groupName": group}
    api.post(properties, json=new)
    for path in (properties, f"{properties}/yard", f"{properties}/groups", f"{properties}/groups/{group}"):
        api.get(path)
    api.patch(f"{properties}/yard", json={"type": "number"})
    assert api.delete(f"{properties}/yard").status_code == 204
    assert len(judge.judged) == 17


@needs_specs
def test_the_rest_answers_as_described(api: httpx.Client, judge: Judge, generation: str) -> None:
    paths = Paths(generation)
    owners = paths.crm("owners")
    first = api.get(owners, params={"limit": 1}).json()
    assert first["paging"]["next"]["after"] == first["results"][0]["id"]
    api.get(f"{owners}/{first['results'][0]['id']}")
    api.get(paths.other("account-info", "/details"))
    schemas = paths.other("crm-object-schemas", "/schemas")
    fields = [{"name": "code", "label": "Code", "type": "string", "fieldType": "text"}]
    schema = {"name": "yard", "labels": {"singular": "Yard"}, "properties": fields, "associatedObjects": ["DEAL"]}
    schema["primaryDisplayProperty"] = "code"
    made = api.post(schemas, json=schema).json()
    api.get(schemas)
    api.get(f"{schemas}/{made['fullyQualifiedName']}")
    yards = paths.crm("objects", f"/{made['objectTypeId']}")
    api.post(yards, json={"properties": {"code": "Y7"}})
    assert api.get(yards).json()["results"][0]["properties"]["code"] == "Y7"
    files = paths.other("files", "/files")
    form = {"options": json.dumps({"access": "PRIVATE"}), "folderPath": "/x"}
    number = api.post(files, data=form, files={"file": ("a.txt", b"abc")}).json()["id"]
    api.get(f"{files}/{number}")
    api.get(f"{files}/{number}/signed-url")
    api.post(files, data=form, files={"file": ("b.txt", b"b")})
    page = api.get(f"{files}/search", params={"limit": 1}).json()
    assert page["paging"]["next"]["after"] == page["results"][0]["id"] == number
    assert len(judge.judged) == 12


@needs_specs
@pytest.mark.parametrize("version", ["v1", "v3", "2026-03"])
def test_token_answers_are_as_described(version: str) -> None:
    folder = "2026-03" if version == "2026-03" else "legacy"
    sim = HubSpotSimulator(oauth=OAuthApp())
    judge = Judge(folder)
    app = {"client_id": "client", "client_secret": "secret"}
    with serve(sim.app()) as url, httpx.Client(base_url=url, event_hooks={"response": [judge]}) as http:
        form = {**app, "grant_type": "authorization_code", "code": sim.oauth.new_code()}
        tokens = http.post(f"/oauth/{version}/token", data=form).json()
        if version == "v1":
            http.get(f"/oauth/v1/access-tokens/{tokens['access_token']}")
            http.get(f"/oauth/v1/refresh-tokens/{tokens['refresh_token']}")
        else:
            for name in ("access_token", "refresh_token"):
                http.post(f"/oauth/{version}/token/introspect", data={**app, "token": tokens[name]})
        assert http.post(f"/oauth/{version}/token", data=app).status_code == 400
    assert len(judge.judged) == (3 if version == "v1" else 2)


@pytest.mark.parametrize(
    "path",
    [
        "/crm/objects/deals",
        "/crm/objects/v3/deals",
        "/crm/v4/objects/deals",
        "/crm/v3/associations/deals/companies/labels",
        "/crm/objects/2025-03/deals",
        "/files/files/1",
    ],
)
def test_a_path_without_a_known_version_in_its_place_leads_nowhere(path: str) -> None:
    with serve(HubSpotSimulator().app()) as url:
        assert httpx.get(url + path, headers={"authorization": "Bearer x"}).status_code == 404


def test_both_date_versions_reach_the_same_records() -> None:
    sim = HubSpotSimulator()
    (deal,) = sim.create("deals", dealname="A")
    with serve(sim.app()) as url, httpx.Client(base_url=url, headers={"authorization": "Bearer x"}) as http:
        answers = [
            http.get(path).json()["id"]
            for path in (
                f"/crm/objects/2026-03/deals/{deal}",
                f"/crm/objects/2026-09/0-3/{deal}",
                f"/crm/v3/objects/deal/{deal}",
            )
        ]
    assert answers == [deal] * 3


# The vendor's own client


@pytest.fixture(scope="module")
def sdk() -> Iterator[tuple[HubSpotSimulator, Any]]:
    hubspot = pytest.importorskip("hubspot", reason="the vendor's client is a development extra")
    sim = HubSpotSimulator()
    with serve(sim.app()) as url:
        yield sim, hubspot.HubSpot(access_token="x", host=url)


def test_the_vendors_client_lists_every_deal(sdk: tuple[HubSpotSimulator, Any]) -> None:
    sim, client = sdk
    made = sim.create("deals", 120, dealname="Deal {n}", dealstage="closedwon")
    listed = client.crm.deals.get_all(properties=["dealname", "hs_is_closed_won"])
    assert {d.id for d in listed} >= set(made)
    assert {d.properties["hs_is_closed_won"] for d in listed} == {"true"}


def test_the_vendors_client_searches_and_reads_batches(sdk: tuple[HubSpotSimulator, Any]) -> None:
    from hubspot.crm.companies import BatchReadInputSimplePublicObjectId, PublicObjectSearchRequest

    sim, client = sdk
    ids = sim.create("companies", 5, name="Yard {n}")
    wanted = {"filters": [{"propertyName": "name", "operator": "EQ", "value": "yard 3"}]}
    found = client.crm.companies.search_api.do_search(PublicObjectSearchRequest(filter_groups=[wanted], limit=10))
    assert [c.id for c in found.results] == [ids[3]]
    asked = BatchReadInputSimplePublicObjectId(
        inputs=[{"id": i} for i in ids], properties=["name"], properties_with_history=[]
    )
    read = client.crm.companies.batch_api.read(asked)
    assert {c.properties["name"] for c in read.results} == {f"Yard {n}" for n in range(5)}


def test_the_vendors_client_creates_and_links(sdk: tuple[HubSpotSimulator, Any]) -> None:
    from hubspot.crm.associations.v4 import BatchInputPublicFetchAssociationsBatchRequest
    from hubspot.crm.deals import SimplePublicObjectInputForCreate

    sim, client = sdk
    (company,) = sim.create("companies", name="Quay")
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 5}]
    new = SimplePublicObjectInputForCreate(
        properties={"dealname": "Linked"}, associations=[{"to": {"id": company}, "types": types}]
    )
    deal = client.crm.deals.basic_api.create(new)
    asked = BatchInputPublicFetchAssociationsBatchRequest(inputs=[{"id": deal.id}])
    (found,) = client.crm.associations.v4.batch_api.get_page("deals", "companies", asked).results
    assert found.to[0].to_object_id == company
    assert {t.type_id for t in found.to[0].association_types} == {5, 341}


def test_the_vendors_client_reads_pipelines_owners_and_files(sdk: tuple[HubSpotSimulator, Any], tmp_path: Path) -> None:
    _, client = sdk
    (pipeline,) = client.crm.pipelines.pipelines_api.get_all("deals").results
    won = {s.id for s in pipeline.stages if s.metadata == {"probability": "1.0", "isClosed": "true"}}
    assert won == {"closedwon"}
    assert [o.email for o in client.crm.owners.get_all()] == ["ines@example.com", "tom@example.com"]
    note = tmp_path / "note.txt"
    note.write_text("hello")
    options = json.dumps({"access": "PRIVATE"})
    made = client.files.files_api.upload(file=str(note), options=options, folder_path="/x")
    assert (made.name, made.extension, made.size) == ("note", "txt", 5)
    url = client.files.files_api.get_signed_url(made.id).url
    assert httpx.get(url).text == "hello"


def test_the_vendors_client_signs_in() -> None:
    hubspot = pytest.importorskip("hubspot", reason="the vendor's client is a development extra")
    sim = HubSpotSimulator(oauth=OAuthApp())
    app = {"client_id": "client", "client_secret": "secret"}
    with serve(sim.app()) as url:
        anonymous = hubspot.HubSpot(host=url)
        code = sim.oauth.new_code("http://127.0.0.1/back")
        tokens = anonymous.oauth.tokens_api.create(
            grant_type="authorization_code", code=code, redirect_uri="http://127.0.0.1/back", **app
        )
        renewed = anonymous.oauth.tokens_api.create(
            grant_type="refresh_token", refresh_token=tokens.refresh_token, **app
        )
        client = hubspot.HubSpot(access_token=renewed.access_token, host=url)
        assert client.crm.deals.basic_api.get_page().results == []
        assert tokens.expires_in == 1800
        assert sim.clock.now() <= time.time()
