"""The stand-in's ``mark-as-exported``, its sample month, controls and faults, by httpx alone."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from typing import Any

import httpx
import pytest
from wherry import plugins
from wherry.money import exact
from wherry.simulator import serve
from wherry_traede.simulator import seed
from wherry_traede.simulator.options import simulator

EXPORT, MARK = "/v10/accounting-entries/export", "/v10/accounting-entries/mark-as-exported"
SYSTEM = "wherry-books"
Api = Any
Standing = Any

# -- marking -----------------------------------------------------------------------------------------------------------


def test_ten_entries_are_marked_at_once_and_eleven_not_at_all(api: Api) -> None:
    """b_002_08"""
    ids = [api.sim.add() for _ in range(11)]
    refused = api.mark(*ids)
    assert refused.status_code == 422
    assert "more than 10" in refused.json()["errors"][0]["detail"]
    assert api.ids() == ids, "nothing was marked"
    assert api.mark(*ids[:10]).status_code == 200
    assert api.ids() == ids[10:]


@pytest.mark.parametrize("id", ["1001", 1001.5, None, True, "absent"])
def test_an_entry_is_named_by_its_number(api: Api, id: Any) -> None:
    """b_002_09"""
    api.sim.add()
    mark = {"accounting_entry_id": id, "system_id": SYSTEM}
    if id == "absent":
        del mark["accounting_entry_id"]
    assert api.http.post(MARK, json={"accounting_entries": [mark]}).status_code == 422
    assert api.sim.exported(SYSTEM) == {}


@pytest.mark.parametrize("system", ["", None, 7, "absent"])
def test_every_entry_names_its_system(api: Api, system: Any) -> None:
    """b_002_10"""
    good, bad = api.sim.add(), api.sim.add()
    mark = {"accounting_entry_id": bad, "system_id": system}
    if system == "absent":
        del mark["system_id"]
    both = [{"accounting_entry_id": good, "system_id": SYSTEM}, mark]
    assert api.http.post(MARK, json={"accounting_entries": both}).status_code == 422
    assert api.sim.exported(SYSTEM) == {}, "the other was not marked either"


def test_a_note_stands_in_the_timeline_of_its_entry(api: Api) -> None:
    """b_002_11"""
    one, other = api.sim.add(), api.sim.add()
    api.mark(one, note="QuickBooks JE-2026-W05")
    api.mark(other)
    told = api.http.post("/__sim/timeline", json={"id": one}).json()
    assert [(event["system_id"], event["note"]) for event in told] == [(SYSTEM, "QuickBooks JE-2026-W05")]
    assert [event["note"] for event in api.sim.timeline(other)] == [""], "a note may be left out"


def test_marking_again_does_no_harm(api: Api) -> None:
    id = api.sim.add()
    for _ in range(2):
        assert api.mark(id, note="JE-1").status_code == 200
        api.sim.clock.advance(60)
    assert api.ids() == []
    assert len(api.sim.timeline(id)) == 1
    assert [effect.detail["again"] for effect in api.sim.history.effects("exported")] == [False, True]
    api.mark(id, note="JE-2")
    assert [event["note"] for event in api.sim.timeline(id)] == ["JE-1", "JE-2"]


def test_an_entry_that_is_not_there_spoils_the_whole_call(api: Api) -> None:
    id = api.sim.add()
    refused = api.mark(id, 99_999)
    assert refused.status_code == 422
    assert "99999" in refused.json()["errors"][0]["detail"]
    assert api.ids() == [id]


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"accounting_entries": []}', b'{"accounting_entries": 7}'])
def test_a_call_without_entries_is_refused(api: Api, body: bytes) -> None:
    assert api.http.post(MARK, content=body).status_code == 422


def test_marking_needs_token_and_key_too(api: Api) -> None:
    id = api.sim.add()
    marks = {"accounting_entries": [{"accounting_entry_id": id, "system_id": SYSTEM}]}
    assert api.http.post(MARK, json=marks, headers={"authorization": "Bearer no"}).status_code == 401
    assert api.http.post(MARK, json=marks, headers={"x-traede-app-key": "no"}).status_code == 403
    assert api.ids() == [id]


# -- the sample month --------------------------------------------------------------------------------------------------


def test_the_sample_month_is_the_same_every_time_and_looks_like_a_wholesaler(standing: Standing) -> None:
    api, again = standing(entries=200), standing(entries=200)
    found = [entry for page in range(4) for entry in api.entries(limit=60, page=page)]
    assert found == [entry for page in range(4) for entry in again.entries(limit=60, page=page)]
    assert len(found) == 200
    amounts = [entry["amount"] for entry in found]
    assert min(amounts) < 0
    assert 0 in amounts
    assert all(exact(amount).as_tuple().exponent >= -2 for amount in amounts)  # type: ignore[operator]
    currencies = Counter(entry["currency"] for entry in found)
    assert currencies.most_common(1)[0][0] == "DKK"
    assert set(currencies) == {"DKK", "SEK", "EUR"}
    assert {entry["date"][:7] for entry in found} == {"2026-01"}
    stamps = Counter(entry["updated_at"] for entry in found)
    assert max(stamps.values()) >= 3, "entries of one invoice are made at once"


def test_a_longer_sample_begins_with_the_shorter_one() -> None:
    assert seed.sample(1_000, "DKK")[:200] == seed.sample(200, "DKK")
    assert {one["currency"] for one in seed.sample(200, "NOK")} == {"NOK", "SEK", "EUR"}


# -- controls, options, faults -----------------------------------------------------------------------------------------


def test_entries_are_entered_and_changed_through_the_controls(api: Api) -> None:
    body = [{"amount": "12.50", "account": 1310, "contra_account": 5530, "text": "Vareforbrug"}, {}]
    one, other = api.http.post("/__sim/entries", json=body).json()
    assert api.http.get("/__sim/entries").json() == {"entries": 2}
    assert [(entry["id"], entry["amount"]) for entry in api.entries()] == [(one, Decimal("12.5")), (other, 100)]
    api.sim.clock.advance(60)
    assert api.http.post("/__sim/change", json={"id": one, "amount": "-1.05"}).status_code == 200
    assert api.entries()[0]["updated_at"] == "2026-02-02 09:01:00"
    api.sim.remove(other)
    assert api.ids() == [one]


@pytest.mark.parametrize("fields", [{"amount": 12.5}, {"amount": "1.234,50"}, {"colour": "red"}, {"date": "soon"}])
def test_an_entry_that_cannot_be_is_not_entered(api: Api, fields: dict[str, Any]) -> None:
    """case_C1: an amount as a binary fraction is refused even here."""
    assert api.http.post("/__sim/entries", json=[fields]).status_code == 400
    assert api.ids() == []


def test_the_command_line_s_stand_in_holds_a_month_and_admits_anybody() -> None:
    sim = plugins.load(["traede"]).simulator("traede", {"currency": "EUR"})
    with serve(sim.app()) as url:
        headers = {"authorization": "Bearer x", "x-traede-app-key": "y"}
        answer = httpx.get(f"{url}{EXPORT}", params={"system_id": "s", "limit": 60}, headers=headers)
        assert len(answer.json()["accounting_entries"]) == 60
        assert httpx.get(f"{url}{EXPORT}", params={"system_id": "s"}).status_code == 401
        assert httpx.get(f"{url}/__sim/entries").json() == {"entries": 200}


def test_options_shape_the_stand_in() -> None:
    sim = simulator({"entries": "3", "token": "t", "app_key": "k", "spelling": "not_export_since", "sorts": "no",
                     "moments": "iso", "most": "30"})  # fmt: skip
    assert (len(sim.entries.all()), sim.spelling, sim.sorts, sim.most) == (3, ("not_export_since",), False, 30)
    with serve(sim.app()) as url:
        headers = {"authorization": "Bearer t", "x-traede-app-key": "k"}
        entry = httpx.get(f"{url}{EXPORT}", params={"system_id": "s"}, headers=headers).json()["accounting_entries"][0]
    assert entry["created_at"].endswith(".000000Z")


def test_the_stand_in_fails_on_demand(api: Api) -> None:
    api.sim.add()
    api.sim.faults.add("status", status=429, headers={"Retry-After": "7"})
    refused = api.asked()
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "7")
    assert refused.json()["errors"][0]["detail"]
    api.sim.faults.add("status", status=500)
    assert api.asked().status_code == 500
    api.sim.faults.add("html")
    with pytest.raises(json.JSONDecodeError):
        api.asked().json()
    api.sim.faults.add("truncated")
    with pytest.raises(httpx.RemoteProtocolError):
        api.asked()
    api.sim.faults.add("lost", path=MARK)
    with pytest.raises(httpx.RemoteProtocolError):
        api.mark(1001)
    assert api.ids() == [], "it took effect although the answer was lost"
