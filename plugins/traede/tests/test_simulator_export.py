"""The stand-in's list of entries to be exported, by httpx alone: what is offered, to whom, in which pages."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

CORE = "/v10/accounting-entries"
EXPORT, SYSTEM = f"{CORE}/export", "wherry-books"
Api = Any
Standing = Any


def said(answer: httpx.Response, status: int = 422) -> str:
    """The first sentence of an error in Traede's shape."""
    assert answer.status_code == status, answer.text
    first: dict[str, Any] = answer.json()["errors"][0]
    assert first["status"] == status
    assert isinstance(first["code"], int)
    return str(first["detail"])


# -- who is let in -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["", "Bearer nobody", "Basic abc"])
def test_nobody_is_let_in_without_a_token_that_is_known(api: Api, token: str) -> None:
    said(api.http.get(EXPORT, params={"system_id": SYSTEM}, headers={"authorization": token}), 401)


@pytest.mark.parametrize("key", ["", "another"])
def test_a_token_without_the_key_of_an_app_is_refused(api: Api, key: str) -> None:
    said(api.http.get(EXPORT, params={"system_id": SYSTEM}, headers={"x-traede-app-key": key}), 403)


def test_a_token_may_stand_in_the_query_as_well(api: Api) -> None:
    token = api.http.headers["authorization"].partition(" ")[2]
    answer = api.http.get(EXPORT, params={"system_id": SYSTEM, "access_token": token}, headers={"authorization": ""})
    assert answer.status_code == 200


def test_a_path_that_is_not_there_is_not_found(api: Api) -> None:
    said(api.asked("/v10/accounting-entries/unknown"), 404)


# -- what is offered ---------------------------------------------------------------------------------------------------


def test_what_was_not_exported_yet_is_offered_as_an_array_of_entries(api: Api) -> None:
    """b_002_01 b_002_07"""
    first = api.sim.add(amount="-12.50", account=5600, contra_account=1010, text="Kreditnota 7", date="2026-01-31")
    second = api.sim.add(currency="EUR", amount="100.00")
    assert api.asked().headers["content-type"] == "application/json"
    found = api.entries()
    assert [entry["id"] for entry in found] == [first, second]
    moment = "2026-02-02 09:00:00"
    assert found[0] == {
        "id": first, "currency": "DKK", "amount": pytest.approx(-12.5), "account": 5600, "contra_account": 1010,
        "date": "2026-01-31 00:00:00", "text": "Kreditnota 7", "created_at": moment, "updated_at": moment,
    }  # fmt: skip
    assert '"amount":100,' in api.asked().text, "as PHP writes a float that is whole"
    assert api.mark(first).status_code == 200
    assert api.ids() == [second]


@pytest.mark.parametrize("params", [{"system_id": ""}, {"system_id": None}, {"system_id[]": "a"}])
def test_a_system_must_be_named(api: Api, params: dict[str, Any]) -> None:
    """b_002_02"""
    asked = {name: value for name, value in params.items() if value is not None}
    assert "system id" in said(api.http.get(EXPORT, params=asked))


def test_each_system_has_its_own_word_for_what_was_exported(api: Api) -> None:
    """b_002_03"""
    one, other = api.sim.add(), api.sim.add()
    api.mark(one, system="economic")
    api.mark(other, system="navision")
    assert api.ids(system_id="economic") == [other]
    assert api.ids(system_id="navision") == [one]
    assert api.ids(system_id="third") == [one, other]


@pytest.mark.parametrize("spelling", ["not_exported_since", "not_export_since"])
def test_exported_entries_come_back_from_a_moment_on_in_either_spelling(api: Api, spelling: str) -> None:
    """b_002_04 b_002_06"""
    early, late, never = (api.sim.add() for _ in range(3))
    api.mark(early)
    api.sim.clock.advance(3600)
    api.mark(late)
    assert api.ids() == [never], "without the parameter it is as if it said now"
    assert api.ids(**{spelling: "2026-02-02 10:00:01"}) == [never]
    assert api.ids(**{spelling: "2026-02-02 10:00:00"}) == [late, never]
    assert api.ids(**{spelling: "2026-02-02T11:00:00+02:00"}) == [early, late, never]
    assert api.ids(**{spelling: "2026-02-02 09:00:00"}) == [early, late, never], "what has no zone is UTC"
    assert "date" in said(api.asked(**{spelling: "yesterday"}))


def test_a_stand_in_that_knows_one_spelling_passes_over_the_other(standing: Standing) -> None:
    """b_002_06"""
    api = standing(spelling=("not_export_since",))
    exported, fresh = api.sim.add(), api.sim.add()
    api.mark(exported)
    assert api.ids(not_exported_since="2026-01-01 00:00:00") == [fresh]
    assert api.ids(not_export_since="2026-01-01 00:00:00") == [exported, fresh]


# -- pages and order ---------------------------------------------------------------------------------------------------


def test_pages_begin_at_nought_and_hold_twenty_unless_more_are_asked_for(api: Api) -> None:
    ids = [api.sim.add() for _ in range(65)]
    assert [entry["id"] for entry in api.entries()] == ids[:20]
    assert [entry["id"] for entry in api.entries(page=1)] == ids[20:40]
    assert api.ids(limit=200) == ids[:60], "sixty at most"
    assert api.ids(limit=60, page=1) == ids[60:]
    assert api.ids(page=9) == []
    assert "limit" in said(api.asked(limit="many"))
    assert "page" in said(api.asked(page="-1"))


def test_the_list_is_sorted_as_it_is_asked_to(standing: Standing) -> None:
    api = standing()
    first, second, third = (api.sim.add(amount=amount) for amount in ("3.00", "1.00", "2.00"))
    api.sim.clock.advance(5)
    api.sim.change(first, text="changed")
    changed = {"sort[0][key]": "updated_at", "sort[0][direction]": "ASC"}
    assert api.ids(**changed, **{"sort[1][key]": "id", "sort[1][direction]": "DESC"}) == [third, second, first]
    assert api.ids(**{"sort[0]": "amount"}) == [second, third, first]
    assert "sorted" in said(api.asked(**{"sort[0][key]": "nothing"}))
    unsorted = standing(sorts=False)
    ids = [unsorted.sim.add() for _ in range(2)]
    assert unsorted.ids(**{"sort[0][key]": "id", "sort[0][direction]": "DESC"}) == ids


# -- filters -----------------------------------------------------------------------------------------------------------


def by(key: str, operator: str, value: str) -> dict[str, str]:
    place = "filter_groups[0][filters][0]"
    return {f"{place}[key]": key, f"{place}[operator]": operator, f"{place}[value]": value}


def test_filters_may_be_left_out_or_narrow_the_list(api: Api) -> None:
    """b_002_05 b_002_06"""
    old = api.sim.add()
    api.sim.clock.advance(86_400)
    new = api.sim.add()
    api.sim.change(old, text="touched")
    assert api.ids() == [old, new]
    assert api.ids(**by("created_at", "gte", "2026-02-03 00:00:00")) == [new]
    assert api.ids(**by("updated_at", "gte", "2026-02-03 00:00:00")) == [old, new]
    short = {f"filter_groups[0][filters][0][{n}]": part for n, part in enumerate(("created_at", "sw", "2026-02-02"))}
    assert api.ids(**short) == [old]


@pytest.mark.parametrize("key", ["id", "amount", "account", "text", "date", "system_id", "not_exported_since"])
def test_only_the_two_moments_can_be_filtered_by(api: Api, key: str) -> None:
    """b_002_06"""
    assert "created_at, updated_at" in said(api.asked(**by(key, "eq", "1")))


@pytest.mark.parametrize(
    "params",
    [
        {"filter_groups": "updated_at"},
        {"filter_groups[0][or]": "1"},
        {"filter_groups[0][filters][0][0]": "updated_at"},
        by("updated_at", "like", "x"),
        by("updated_at", "gt", "soon"),
        by("updated_at", "in", "2026-01-01"),
        {"a[b][c][d][e][f][g]": "deep"},
    ],
)
def test_filters_that_cannot_be_read_are_refused_with_a_reason(api: Api, params: dict[str, str]) -> None:
    assert said(api.asked(**params))


# -- the core API ------------------------------------------------------------------------------------------------------


def test_the_core_api_lists_everything_and_tracks_nothing(api: Api) -> None:
    """b_002_12"""
    one, other = api.sim.add(account=1310), api.sim.add()
    api.mark(one, other)
    assert api.ids() == []
    assert [entry["id"] for entry in api.entries(CORE)] == [one, other]
    assert api.ids(CORE, **by("account", "eq", "1310")) == [one]
    place = "filter_groups[0][filters][0]"
    wanted = {f"{place}[key]": "id", f"{place}[operator]": "in", f"{place}[value][]": str(other)}
    assert api.ids(CORE, **wanted) == [other]
    assert api.ids() == [], "looking at them did not bring them back"
