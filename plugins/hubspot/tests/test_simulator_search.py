"""Search as HubSpot does it: filters, ties, the cap, and an index that lags."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from wherry.simulator import Clock, serve
from wherry_hubspot.simulator import HubSpotSimulator

SEARCH = "/crm/objects/2026-03/deals/search"
STAMP = "hs_lastmodifieddate"
BEARER = {"authorization": "Bearer x"}
BY_STAMP = [{"propertyName": STAMP, "direction": "ASCENDING"}]


@pytest.fixture
def sim() -> HubSpotSimulator:
    return HubSpotSimulator(clock=Clock("2026-03-01T12:00:00"))


@pytest.fixture
def api(sim: HubSpotSimulator) -> Iterator[httpx.Client]:
    with serve(sim.app()) as url, httpx.Client(base_url=url, headers=BEARER, timeout=30, verify=False) as http:
        yield http


def one(name: str, operator: str, **value: Any) -> dict[str, Any]:
    return {"propertyName": name, "operator": operator, **value}


def found(api: httpx.Client, *filters: dict[str, Any], **more: Any) -> list[str]:
    body = {"filterGroups": [{"filters": list(filters)}], "limit": 200, **more}
    answer = api.post(SEARCH, json=body)
    assert answer.status_code == 200, answer.text
    return [r["id"] for r in answer.json()["results"]]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (one("amount", "EQ", value="10"), [1]),
        (one("amount", "EQ", value="10.0"), [1]),
        (one("amount", "NEQ", value="10"), [0, 2, 3]),
        (one("amount", "LT", value="10"), [0]),
        (one("amount", "LTE", value="10"), [0, 1]),
        (one("amount", "GT", value="9"), [1, 2]),
        (one("amount", "GTE", value="100"), [2]),
        (one("amount", "BETWEEN", value="9", highValue="10"), [0, 1]),
        (one("amount", "IN", values=["9", "100"]), [0, 2]),
        (one("amount", "NOT_IN", values=["9", "100"]), [1, 3]),
        (one("amount", "HAS_PROPERTY"), [0, 1, 2]),
        (one("amount", "NOT_HAS_PROPERTY"), [3]),
        (one("dealname", "CONTAINS_TOKEN", value="quay*"), [0, 3]),
        (one("dealname", "IN", values=["quay wall"]), [0]),
        (one("dealname", "IN", values=["Quay wall"]), []),
        (one("dealstage", "EQ", value="closedwon"), [1]),
        (one("closedate", "LT", value="1767225600000"), [2]),
        (one("closedate", "GTE", value="2026-01-01"), [0]),
    ],
)
def test_each_operator_keeps_what_it_should(
    sim: HubSpotSimulator, api: httpx.Client, given: dict[str, Any], expected: list[int]
) -> None:
    rows: list[dict[str, Any]] = [
        {"dealname": "Quay wall", "amount": 9, "closedate": "2026-01-01T00:00:00Z"},
        {"dealname": "Berth", "amount": 10, "dealstage": "closedwon"},
        {"dealname": "Mole", "amount": 100, "closedate": "2025-12-31T23:59:59Z"},
        {"dealname": "Old quay", "amount": ""},
    ]
    ids = [sim.create("deals", **row)[0] for row in rows]
    assert found(api, given) == [ids[n] for n in expected]


def test_groups_are_alternatives_and_filters_add_up(sim: HubSpotSimulator, api: httpx.Client) -> None:
    ids = sim.create("deals", 4, dealname="D{n}", amount="{n}")
    groups = [
        {"filters": [one("amount", "GTE", value="1"), one("amount", "LT", value="2")]},
        {"filters": [one("dealname", "EQ", value="d3")]},
    ]
    answer = api.post(SEARCH, json={"filterGroups": groups}).json()
    assert ([r["id"] for r in answer["results"]], answer["total"]) == ([ids[1], ids[3]], 2)


@pytest.mark.parametrize("sorts", [[{"propertyName": "amount", "direction": "DESCENDING"}], ["-amount"]])
def test_a_sort_may_be_an_object_or_text(sim: HubSpotSimulator, api: httpx.Client, sorts: list[Any]) -> None:
    ids = [sim.create("deals", amount=amount)[0] for amount in (9, 100, 10)]
    assert found(api, sorts=sorts) == [ids[1], ids[2], ids[0]]


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 201},
        {"limit": 200, "after": "9900"},
        {"after": "x"},
        {"query": "x" * 3_000},
        {"sorts": ["amount", "dealname"]},
        {"filterGroups": [{"filters": [one("amount", "LIKE", value="1")]}]},
        {"filterGroups": [{"filters": [one("amount", "EQ")]}]},
        {"filterGroups": [{"filters": [one("amount", "BETWEEN", value="1")]}]},
        {"filterGroups": [{"filters": [one("amount", "EQ", value="1")]}] * 6},
        {"filterGroups": [{"filters": [one("amount", "EQ", value="1")] * 7}]},
        {"filterGroups": [{"filters": [one("amount", "EQ", value="1")] * 5}] * 4},
    ],
)
def test_a_search_beyond_the_limits_is_refused(api: httpx.Client, body: dict[str, Any]) -> None:
    """case_B19"""
    answer = api.post(SEARCH, json=body)
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")


def test_search_ends_at_ten_thousand_and_an_id_cut_goes_on(sim: HubSpotSimulator, api: httpx.Client) -> None:
    """case_B1, case_B2: more records share one stamp than search reaches by offset."""
    ids = sim.create("deals", 10_050, dealname="D{n}")
    last = api.post(SEARCH, json={"limit": 200, "after": "9800", "sorts": BY_STAMP}).json()
    assert (last["total"], last["paging"]["next"]["after"]) == (10_050, "10000")
    assert api.post(SEARCH, json={"limit": 1, "after": "10000", "sorts": BY_STAMP}).status_code == 400
    stamp = sim.record("deals", ids[0]).modified
    seen: list[str] = []
    while page := found(
        api,
        one(STAMP, "EQ", value=str(stamp)),
        one("hs_object_id", "GT", value=seen[-1] if seen else "0"),
        sorts=[{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
    ):
        seen += page
    assert seen == ids


def test_ties_on_the_stamp_keep_one_order_over_pages(sim: HubSpotSimulator, api: httpx.Client) -> None:
    """case_B1"""
    ids = sim.create("deals", 30)
    seen = [found(api, sorts=BY_STAMP, limit=7, after=str(n)) for n in range(0, 30, 7)]
    assert [i for page in seen for i in page] == ids


def test_a_changed_record_moves_to_its_new_stamp(sim: HubSpotSimulator, api: httpx.Client) -> None:
    """case_B3"""
    ids = sim.create("deals", 3)
    sim.clock.advance(5)
    api.patch(f"/crm/objects/2026-03/deals/{ids[0]}", json={"properties": {"amount": "1"}})
    assert found(api, sorts=BY_STAMP) == [ids[1], ids[2], ids[0]]
    assert found(api, one(STAMP, "GT", value=str(sim.record("deals", ids[1]).modified))) == [ids[0]]


def test_a_stamp_can_be_forced_into_the_past(sim: HubSpotSimulator, api: httpx.Client) -> None:
    """case_B6"""
    early, late = sim.create("deals", 2)
    sim.touch("deals", late, "2026-01-01T00:00:00Z")
    assert found(api, sorts=BY_STAMP) == [late, early]
    assert found(api, one(STAMP, "BETWEEN", value="2026-01-01", highValue="2026-01-02")) == [late]


def test_the_index_lags_behind_the_true_moment_of_a_write(api: httpx.Client, sim: HubSpotSimulator) -> None:
    """case_B5, case_B16"""
    sim.portal.index_lag = 30
    (old,) = sim.create("deals")
    sim.clock.advance(31)
    (new,) = sim.create("deals")
    sim.touch("deals", new, "2026-01-01T00:00:00Z")
    assert found(api) == [old]
    assert api.get(f"/crm/objects/2026-03/deals/{new}").status_code == 200
    sim.clock.advance(30)
    assert set(found(api)) == {old, new}


def test_archived_and_merged_records_never_appear(api: httpx.Client, sim: HubSpotSimulator) -> None:
    """case_B12"""
    kept, archived, merged = sim.create("deals", 3)
    api.delete(f"/crm/objects/2026-03/deals/{archived}")
    merge = {"primaryObjectId": kept, "objectIdToMerge": merged}
    api.post("/crm/objects/2026-03/deals/merge", json=merge)
    assert found(api) == [kept]
    sim.restore("deals", archived)
    assert set(found(api)) == {kept, archived}


def test_contacts_are_searched_by_their_own_stamp(api: httpx.Client, sim: HubSpotSimulator) -> None:
    (contact,) = sim.create("contacts", email="a@x.example")
    body = {"filterGroups": [{"filters": [one("lastmodifieddate", "GTE", value="0")]}]}
    (answer,) = api.post("/crm/v3/objects/contacts/search", json=body).json()["results"]
    assert (answer["id"], answer["properties"]["lastmodifieddate"]) == (contact, "2026-03-01T12:00:00Z")


def test_filters_on_many_records_agree_with_filters_on_few(api: httpx.Client, sim: HubSpotSimulator) -> None:
    """The kept results of a large type answer like a fresh walk, and notice a change."""
    ids = sim.create("deals", 2_500, amount="{n}")
    wanted = one("amount", "GTE", value="2400")
    bound = one(STAMP, "GTE", value="0")
    assert found(api, wanted, bound, sorts=BY_STAMP) == ids[2_400:]
    api.patch(f"/crm/objects/2026-03/deals/{ids[0]}", json={"properties": {"amount": "9999"}})
    assert set(found(api, wanted, bound, sorts=BY_STAMP)) == {*ids[2_400:], ids[0]}
