"""The stand-in is filled through HubSpot's own API: by the sample data, and by a loader that knows nothing of it."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import httpx
import pytest
from rapidfuzz import fuzz
from wherry.simulator import serve
from wherry_hubspot import demo
from wherry_hubspot.simulator import HubSpotSimulator

ROOT = Path(__file__).resolve().parents[3]
LOADER = Path(os.environ.get("WHERRY_SHARED", ROOT / ".." / "shared")) / "tools" / "load_crm.py"
BEARER = {"authorization": "Bearer x"}

Records = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def api() -> Iterator[httpx.Client]:
    sim = HubSpotSimulator(limits="pro")
    with serve(sim.app()) as url, httpx.Client(base_url=url, headers=BEARER, verify=False) as http:
        demo.fill(url, "x")
        yield http


def records(api: httpx.Client, kind: str, properties: str, associations: str = "") -> Records:
    query: dict[str, str | int] = {"limit": 100, "properties": properties, "associations": associations}
    found = api.get(f"/crm/objects/2026-03/{kind}", params=query).json()["results"]
    return {r["id"]: r for r in found}


def linked(record: dict[str, Any], kind: str) -> list[str]:
    page = record.get("associations", {}).get(kind, {"results": []})
    return list(dict.fromkeys(r["id"] for r in page["results"]))


def won(api: httpx.Client) -> Records:
    deals = records(api, "deals", "dealname,pipeline,dealstage", "companies,line_items,notes,emails")
    return {
        i: d
        for i, d in deals.items()
        if (d["properties"]["pipeline"], d["properties"]["dealstage"]) == ("default", "closedwon")
    }


def test_the_sample_has_the_size_it_promises(api: httpx.Client) -> None:
    sizes = {kind: len(records(api, kind, "")) for kind in ("companies", "deals", "products", "tickets", "emails")}
    assert sizes == {"companies": 12, "deals": 40, "products": 15, "tickets": 3, "emails": 3}
    owners = Counter(d["properties"]["hubspot_owner_id"] for d in records(api, "deals", "hubspot_owner_id").values())
    assert sorted(owners.values()) == [20, 20]
    pipelines = api.get("/crm/pipelines/2026-03/deals").json()["results"]
    assert [p["label"] for p in pipelines] == ["Sales Pipeline", demo.SERVICE_PIPELINE]


def test_projects_customers_and_files_are_as_expected(api: httpx.Client) -> None:
    deals = won(api)
    primary = {
        r["id"]
        for d in deals.values()
        for r in d["associations"]["companies"]["results"]
        if r["type"] == "deal_to_company"
    }
    activities = {**records(api, "notes", "hs_attachment_ids")}
    mails = {**records(api, "emails", "hs_attachment_ids")}
    attached = [activities[n] for d in deals.values() for n in linked(d, "notes")]
    attached += [mails[n] for d in deals.values() for n in linked(d, "emails")]
    files = [i for a in attached for i in (a["properties"]["hs_attachment_ids"] or "").split(";") if i]
    assert len(deals) == demo.EXPECTED["project"] == 18
    assert len(primary) == demo.EXPECTED["customer"]
    assert len(files) == demo.EXPECTED["file"]
    for number in files:
        url = api.get(f"/files/2026-03/files/{number}/signed-url").json()["url"]
        assert httpx.get(url).content


def test_exactly_one_product_name_needs_a_person(api: httpx.Client) -> None:
    items = records(api, "line_items", "name,hs_sku,hs_product_id")
    products = records(api, "products", "name,hs_sku")
    skus = {p["properties"]["hs_sku"] for p in products.values()}
    names = {folded(p["properties"]["name"]) for p in products.values()}

    def matches(item: dict[str, Any]) -> bool:
        held = item["properties"]
        return held["hs_product_id"] in products or held["hs_sku"] in skus or folded(held["name"]) in names

    open_names = [
        (deal, folded(items[i]["properties"]["name"]))
        for deal, d in won(api).items()
        for i in linked(d, "line items")
        if not matches(items[i])
    ]
    assert {name for _, name in open_names} == {folded(demo.UNKNOWN_PRODUCT)}
    assert len({deal for deal, _ in open_names}) == demo.EXPECTED["waiting"] == 3
    assert demo.EXPECTED["triage"] == 1


def folded(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())


def test_the_unknown_product_resembles_one_product_and_no_two_products_each_other() -> None:
    names = {sku: name.lower() for sku, (name, _) in demo.PRODUCTS.items()}
    near = {sku: fuzz.ratio(demo.UNKNOWN_PRODUCT.lower(), name) for sku, name in names.items()}
    assert max(near, key=lambda sku: near[sku]) == demo.MEANT
    assert 80 < near[demo.MEANT] < 100
    assert max(score for sku, score in near.items() if sku != demo.MEANT) < 60
    assert max(fuzz.ratio(a, b) for a, b in combinations(names.values(), 2)) < 60


def test_every_product_is_sold_in_a_won_deal() -> None:
    assert demo.EXPECTED["product"] == len(demo.PRODUCTS) == 15


def test_deals_that_wait_for_the_answer_come_last() -> None:
    waiting = [any(demo.UNKNOWN_PRODUCT.lower() in line.lower() for line in d.lines) for d in demo.DEALS]
    assert waiting == [False] * (len(waiting) - 3) + [True] * 3


def test_the_sample_files_are_what_their_names_say() -> None:
    assert demo.content("a.png").startswith(b"\x89PNG\r\n")
    assert demo.content("a.pdf").startswith(b"%PDF-1.4")
    assert json.loads(demo.content("a.json"))["survey"] == "a"


@pytest.mark.skipif(not LOADER.is_file(), reason="the loader of the CRM data set is not at hand")
@pytest.mark.parametrize("api_version", ["2026-03", "2026-09"])
def test_a_loader_that_knows_only_hubspot_fills_the_stand_in(api_version: str) -> None:
    sim = HubSpotSimulator(limits="free")
    with serve(sim.app()) as url:
        command = [sys.executable, str(LOADER), "--base", url, "--limit", "300", "--api", api_version]
        told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        created = {kind: len(sim.portal.shelves[kind].records) for kind in told["created"]}
        body = {"filterGroups": [{"filters": [{"propertyName": "dealstage", "operator": "EQ", "value": "closedwon"}]}]}
        search = httpx.post(f"{url}/crm/objects/{api_version}/deals/search", json=body, headers=BEARER)
    assert created == told["created"]
    assert search.json()["total"] == told["won"]["projects"]
    amounts = [r.properties for r in sim.portal.shelves["deals"].records.values()]
    won_amount = sum(int(p["amount"] or 0) for p in amounts if p["dealstage"] == "closedwon")
    assert won_amount == told["won"]["amount"]
