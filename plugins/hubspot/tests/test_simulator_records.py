"""How the stand-in keeps records: batches, merges, archives, values, associations, lists."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from wherry.simulator import Clock, serve
from wherry_hubspot.simulator import HubSpotSimulator

DEALS = "/crm/objects/2026-03/deals"
BEARER = {"authorization": "Bearer x"}


@pytest.fixture
def sim() -> HubSpotSimulator:
    return HubSpotSimulator(clock=Clock("2026-03-01T12:00:00"), association_page=3)


@pytest.fixture
def api(sim: HubSpotSimulator) -> Iterator[httpx.Client]:
    with serve(sim.app()) as url, httpx.Client(base_url=url, headers=BEARER, verify=False) as http:
        yield http


def listed(api: httpx.Client, path: str, **query: Any) -> list[str]:
    ids: list[str] = []
    after = "0"
    while after:
        page = api.get(path, params={**query, "after": after}).json()
        ids += [r["id"] for r in page["results"]]
        after = page.get("paging", {}).get("next", {}).get("after", "")
    return ids


def test_a_list_pages_through_every_record_once(sim: HubSpotSimulator, api: httpx.Client) -> None:
    ids = sim.create("deals", 25, dealname="D{n}")
    assert listed(api, DEALS) == ids
    assert listed(api, DEALS, limit=7) == ids


@pytest.mark.parametrize(
    "query",
    [{"limit": 101}, {"limit": 0}, {"limit": "ten"}, {"limit": 51, "propertiesWithHistory": "amount"}, {"after": "x"}],
)
def test_a_list_refuses_a_page_it_does_not_serve(api: httpx.Client, query: dict[str, str]) -> None:
    """case_B9, case_B19"""
    answer = api.get(DEALS, params=query)
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")


def test_a_record_inserted_or_archived_between_pages_disturbs_no_other(
    sim: HubSpotSimulator, api: httpx.Client
) -> None:
    """case_B4"""
    ids = sim.create("deals", 6)
    first = api.get(DEALS, params={"limit": 3}).json()
    api.delete(f"{DEALS}/{ids[0]}")
    added = sim.create("deals")
    rest = api.get(DEALS, params={"limit": 10, "after": first["paging"]["next"]["after"]}).json()
    assert [r["id"] for r in rest["results"]] == ids[3:] + added


def test_only_asked_properties_return_and_unknown_names_are_left_out(sim: HubSpotSimulator, api: httpx.Client) -> None:
    """case_B17"""
    (deal,) = sim.create("deals", dealname="A", amount=5)
    asked = api.get(f"{DEALS}/{deal}", params={"properties": "amount,nonsense,description"}).json()["properties"]
    assert set(asked) == {"amount", "description", "createdate", "hs_lastmodifieddate", "hs_object_id"}
    assert (asked["amount"], asked["description"]) == ("5", None)
    api.delete("/crm/properties/2026-03/deals/description")
    assert "description" not in api.get(f"{DEALS}/{deal}", params={"properties": "description"}).json()["properties"]


def test_empty_null_and_missing_are_three_things(api: httpx.Client) -> None:
    """case_B20"""
    properties = {"dealname": "", "amount": None}
    deal = api.post(DEALS, json={"properties": properties}).json()["id"]
    read = api.get(f"{DEALS}/{deal}", params={"properties": "dealname,amount,description"}).json()["properties"]
    assert (read["dealname"], read["amount"], read["description"]) == ("", "", None)
    assert "closedate" not in read


def test_values_are_text_and_stamps_leave_out_a_zero_fraction(api: httpx.Client) -> None:
    """case_B8"""
    properties = {"amount": 12.5, "closedate": 1767225600000, "createdate": "2025-12-01T08:00:00.250Z"}
    made = api.post(DEALS, json={"properties": properties}).json()
    assert made["properties"]["amount"] == "12.5"
    assert made["properties"]["closedate"] == "2026-01-01T00:00:00Z"
    assert made["createdAt"] == "2025-12-01T08:00:00.250Z"
    assert made["updatedAt"] == made["properties"]["hs_lastmodifieddate"] == "2026-03-01T12:00:00Z"


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        ({"nonsense": "1"}, "PROPERTY_DOESNT_EXIST"),
        ({"amount": "much"}, "INVALID_NUMBER"),
        ({"closedate": "soon"}, "INVALID_DATE"),
        ({"dealstage": "dreaming"}, "INVALID_OPTION"),
        ({"pipeline": "none", "dealstage": "closedwon"}, "INVALID_OPTION"),
    ],
)
def test_a_wrong_value_is_refused_by_name(api: httpx.Client, properties: dict[str, str], code: str) -> None:
    answer = api.post(DEALS, json={"properties": properties})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, code)


def test_a_stage_decides_whether_a_deal_is_won(api: httpx.Client) -> None:
    """case_B13"""
    deal = api.post(DEALS, json={"properties": {"dealstage": "closedwon"}}).json()["id"]
    path, asked = f"{DEALS}/{deal}", {"properties": "hs_is_closed_won,hs_is_closed,pipeline"}
    won = api.get(path, params=asked).json()["properties"]
    assert (won["hs_is_closed_won"], won["hs_is_closed"], won["pipeline"]) == ("true", "true", "default")
    api.patch(path, json={"properties": {"dealstage": "qualifiedtobuy"}})
    assert api.get(path, params=asked).json()["properties"]["hs_is_closed_won"] == "false"


def test_a_batch_names_the_ids_it_misses(sim: HubSpotSimulator, api: httpx.Client) -> None:
    ids = sim.create("deals", 2)
    inputs = [{"id": i} for i in (*ids, "77", ids[0])]
    answer = api.post(f"{DEALS}/batch/read", json={"inputs": inputs})
    body = answer.json()
    assert answer.status_code == 207
    assert {r["id"] for r in body["results"]} == set(ids)
    assert [e["context"]["ids"] for e in body["errors"]] == [["77"]]


def test_a_batch_of_more_than_a_hundred_is_refused(api: httpx.Client) -> None:
    answer = api.post(f"{DEALS}/batch/read", json={"inputs": [{"id": str(n)} for n in range(101)]})
    assert answer.status_code == 400


def test_trace_ids_tell_results_and_errors_apart(api: httpx.Client) -> None:
    inputs = [{"objectWriteTraceId": f"t{n}", "properties": {"dealname": f"D{n}"}} for n in range(3)]
    inputs[1]["properties"] = {"nonsense": "1"}
    answer = api.post(f"{DEALS}/batch/create", json={"inputs": inputs})
    body = answer.json()
    named = {r["objectWriteTraceId"]: r["properties"]["dealname"] for r in body["results"]}
    assert (answer.status_code, named) == (207, {"t0": "D0", "t2": "D2"})
    assert body["errors"][0]["context"]["objectWriteTraceId"] == ["t1"]


def test_without_trace_ids_one_bad_input_refuses_the_batch(api: httpx.Client) -> None:
    inputs = [{"properties": {"dealname": "A"}}, {"properties": {"nonsense": "1"}}]
    assert api.post(f"{DEALS}/batch/create", json={"inputs": inputs}).status_code == 400
    assert listed(api, DEALS) == []


def test_a_unique_property_finds_updates_and_refuses_a_double(api: httpx.Client) -> None:
    new = {"name": "our_key", "label": "Key", "type": "string", "fieldType": "text", "hasUniqueValue": True}
    api.post("/crm/properties/2026-03/deals", json={**new, "groupName": "dealinformation"})
    inputs = [{"idProperty": "our_key", "id": "K1", "properties": {"dealname": n}} for n in ("A", "B")]
    made = [api.post(f"{DEALS}/batch/upsert", json={"inputs": [i]}).json()["results"][0] for i in inputs]
    assert [m["new"] for m in made] == [True, False]
    assert made[0]["id"] == made[1]["id"]
    assert api.get(f"{DEALS}/K1", params={"idProperty": "our_key"}).json()["properties"]["dealname"] == "B"
    assert api.post(DEALS, json={"properties": {"our_key": "k1"}}).status_code == 409
    assert api.get(f"{DEALS}/B", params={"idProperty": "dealname"}).status_code == 400


def test_an_archived_deal_is_listed_apart_and_keeps_its_stamp(sim: HubSpotSimulator, api: httpx.Client) -> None:
    """case_B12"""
    (deal,) = sim.create("deals", dealname="A")
    sim.clock.advance(60)
    assert api.delete(f"{DEALS}/{deal}").status_code == 204
    assert api.delete(f"{DEALS}/{deal}").status_code == 204
    assert api.get(f"{DEALS}/{deal}").status_code == 404
    (archived,) = api.get(DEALS, params={"archived": "true"}).json()["results"]
    assert archived["updatedAt"] == "2026-03-01T12:00:00Z"
    assert archived["archivedAt"] == "2026-03-01T12:01:00Z"
    sim.restore("deals", deal)
    assert api.get(f"{DEALS}/{deal}").json()["updatedAt"] == "2026-03-01T12:01:00Z"


def test_a_merged_deal_answers_as_its_survivor(sim: HubSpotSimulator, api: httpx.Client) -> None:
    """case_B12"""
    survivor, loser = sim.create("deals", 2, dealname="D{n}")
    (item,) = sim.create("line_items", name="x")
    sim.link("deals", loser, "line_items", item, 19)
    sim.clock.advance(60)
    api.post(f"{DEALS}/merge", json={"primaryObjectId": survivor, "objectIdToMerge": loser})
    read = api.get(f"{DEALS}/{loser}", params={"properties": "hs_merged_object_ids,dealname"}).json()
    assert (read["id"], read["properties"]["dealname"]) == (survivor, "D0")
    assert read["properties"]["hs_merged_object_ids"] == loser
    assert read["updatedAt"] == "2026-03-01T12:01:00Z"
    batch = api.post(f"{DEALS}/batch/read", json={"inputs": [{"id": loser}]})
    assert [r["id"] for r in batch.json()["results"]] == [survivor]
    assert listed(api, DEALS) == [survivor]
    linked = api.get(f"{DEALS}/{survivor}/associations/line_items").json()["results"]
    assert [r["toObjectId"] for r in linked] == [item]


def test_a_primary_link_brings_the_plain_one_and_is_read_from_both_ends(
    sim: HubSpotSimulator, api: httpx.Client
) -> None:
    old, new = sim.create("companies", 2)
    (deal,) = sim.create("deals")
    pair = "/crm/associations/2026-03/deals/companies/batch/create"
    for company in (old, new):
        spec = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 5}]
        api.post(pair, json={"inputs": [{"from": {"id": deal}, "to": {"id": company}, "types": spec}]})
    linked = api.get(f"{DEALS}/{deal}/associations/companies").json()["results"]
    types = {r["toObjectId"]: {t["typeId"] for t in r["associationTypes"]} for r in linked}
    assert types == {old: {341}, new: {5, 341}}
    back = api.get(f"/crm/objects/2026-03/companies/{new}/associations/deals").json()["results"]
    assert {t["typeId"] for t in back[0]["associationTypes"]} == {6, 342}
    inline = api.get(f"{DEALS}/{deal}", params={"associations": "companies"}).json()["associations"]
    assert {(r["id"], r["type"]) for r in inline["companies"]["results"]} == {
        (old, "deal_to_company_unlabeled"),
        (new, "deal_to_company_unlabeled"),
        (new, "deal_to_company"),
    }


def test_old_data_may_hold_two_primary_companies(sim: HubSpotSimulator, api: httpx.Client) -> None:
    """case_B15"""
    companies = sim.create("companies", 2)
    (deal,) = sim.create("deals")
    for company in companies:
        sim.link("deals", deal, "companies", company, 5)
    linked = api.get(f"{DEALS}/{deal}/associations/companies").json()["results"]
    assert all(5 in {t["typeId"] for t in r["associationTypes"]} for r in linked)
    assert len(linked) == 2


def test_many_links_come_in_pages(sim: HubSpotSimulator, api: httpx.Client) -> None:
    (deal,) = sim.create("deals")
    items = sim.create("line_items", 7)
    for item in items:
        sim.link("deals", deal, "line_items", item, 19)
    inline = api.get(f"{DEALS}/{deal}", params={"associations": "line_items"}).json()["associations"]["line items"]
    assert [r["id"] for r in inline["results"]] == items[:3]
    assert inline["paging"]["next"]["after"] == items[2]
    found: list[str] = []
    after = "0"
    while after:
        asked = {"inputs": [{"id": deal, "after": after}]}
        (page,) = api.post("/crm/v4/associations/deals/line_items/batch/read", json=asked).json()["results"]
        found += [r["toObjectId"] for r in page["to"]]
        after = page.get("paging", {}).get("next", {}).get("after", "")
    assert found == items


def test_records_without_links_come_back_as_errors(sim: HubSpotSimulator, api: httpx.Client) -> None:
    (deal,) = sim.create("deals")
    answer = api.post("/crm/associations/2026-03/deals/notes/batch/read", json={"inputs": [{"id": deal}]})
    assert (answer.status_code, answer.json()["results"]) == (207, [])
    assert answer.json()["errors"][0]["context"]["fromObjectId"] == [deal]


def test_a_changed_line_item_leaves_the_deals_stamp_alone(sim: HubSpotSimulator, api: httpx.Client) -> None:
    """case_B14"""
    (deal,), (item,) = sim.create("deals"), sim.create("line_items", quantity=2, price=3)
    sim.link("deals", deal, "line_items", item, 19)
    before = api.get(f"{DEALS}/{deal}").json()["updatedAt"]
    sim.clock.advance(60)
    changed = api.patch(f"/crm/objects/2026-03/line_items/{item}", json={"properties": {"quantity": "5"}}).json()
    assert changed["updatedAt"] > before
    assert api.get(f"{DEALS}/{deal}").json()["updatedAt"] == before
    assert sim.record("line_items", item).properties["amount"] == "15"


def test_a_line_item_made_from_a_product_is_its_copy(sim: HubSpotSimulator, api: httpx.Client) -> None:
    (product,) = sim.create("products", name="Rope", price="4", hs_sku="R1")
    path = "/crm/objects/2026-03/line_items"
    item = api.post(path, json={"properties": {"hs_product_id": product, "quantity": "2"}}).json()["id"]
    api.patch(f"/crm/objects/2026-03/products/{product}", json={"properties": {"name": "Cord"}})
    read = api.get(f"{path}/{item}", params={"properties": "name,hs_sku,amount"}).json()["properties"]
    assert (read["name"], read["hs_sku"], read["amount"]) == ("Rope", "R1", "8")


def test_two_types_may_use_the_same_id(sim: HubSpotSimulator) -> None:
    """case_B18"""
    assert sim.create("deals") == sim.create("companies")
