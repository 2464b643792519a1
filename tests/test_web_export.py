"""The export API of accounting entries over real HTTP: what is offered to whom, and what marking does."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from wherry.records import Item
from wherry.testing.clock import FakeClock
from wherry_workspace import export_api
from wherry_workspace.sink import WorkspaceSink

from .serving import Served, served

EXPORT, MARK = "/v10/accounting-entries/export", "/v10/accounting-entries/mark-as-exported"
START = dt.datetime(2026, 1, 5, 9, 0, tzinfo=dt.UTC)


class Api:
    """The workspace behind its API, called as ``erp``."""

    def __init__(self, site: Served, clock: FakeClock) -> None:
        self.site, self.clock = site, clock
        self.http = httpx.Client(base_url=site.url, headers=site.key(), timeout=30, verify=False)

    def book(self, minor: int = 1250, currency: str = "USD", debit: str = "6100", credit: str = "1010",
             **fields: Any) -> int:  # fmt: skip
        body = {"date": "2026-01-31", "amount": {"minor": minor, "currency": currency}, "debit": debit,
                "credit": credit, "description": "fee", **fields}  # fmt: skip
        store = self.site.hub.store
        with store.documents("workspace") as documents:
            sink = WorkspaceSink(lambda: store.documents("workspace"), self.clock, "x")
            [answer] = sink.apply(documents, [Item(entity="ledger_transaction", key=f"id:{id(body)}", body=body)])
        assert answer.target
        return int(answer.target.removeprefix("TX-"))

    def get(self, **asked: Any) -> httpx.Response:
        return self.http.get(EXPORT, params=asked)

    def ids(self, system: str = "erp-1", **asked: Any) -> list[int]:
        found = self.get(system_id=system, **asked)
        assert found.status_code == 200, found.text
        return [one["id"] for one in found.json()["accounting_entries"]]

    def mark(self, *ids: int, system: str = "erp-1", note: str = "") -> httpx.Response:
        lines = [{"accounting_entry_id": one, "system_id": system, "note": note} for one in ids]
        return self.http.post(MARK, json={"accounting_entries": lines})


@pytest.fixture
def api(tmp_path: Path, clock: FakeClock) -> Iterator[Api]:
    with served(tmp_path, clock=clock) as site:
        yield Api(site, clock)


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """One API with one entry, 1001, for all calls that change nothing: they are refused."""
    clock = FakeClock()
    with served(tmp_path_factory.mktemp("strict"), clock=clock) as site:
        made = Api(site, clock)
        assert made.book() == 1001
        yield made
        assert made.ids() == [1001]


def test_entries_are_offered_until_they_are_marked(api: Api) -> None:
    """b_002_01"""
    first, second = api.book(), api.book()
    assert api.ids() == [first, second]
    assert api.ids() == [first, second]  # fetching alone changes nothing
    assert api.mark(first).status_code == 200
    assert api.ids() == [second]


@pytest.mark.parametrize("value", [None, "", "  ", "x" * 101, "a\nb"])
def test_a_system_id_is_required_and_is_text(strict: Api, value: str | None) -> None:
    """b_002_02"""
    found = strict.get(**({} if value is None else {"system_id": value}))
    assert found.status_code == 422
    assert found.json()["error"]["code"] == "WHERRY-4860"
    assert "system_id" in found.json()["error"]["message"]


def test_an_entry_is_tracked_separately_for_each_system(api: Api) -> None:
    """b_002_03"""
    entry = api.book()
    api.mark(entry, system="erp-1")
    assert (api.ids("erp-1"), api.ids("erp-2")) == ([], [entry])
    api.mark(entry, system="erp-2/a")  # a name may hold what separates names elsewhere
    assert (api.ids("erp-2"), api.ids("erp-2/a")) == ([entry], [])


def test_a_since_time_brings_back_what_was_exported_since(api: Api) -> None:
    """b_002_04"""
    early, late, never = api.book(), api.book(), api.book()
    api.mark(early)
    api.clock.advance(3600)
    api.mark(late)
    assert api.ids() == [never]
    between = (START + dt.timedelta(minutes=30)).isoformat().replace("+00:00", "Z")
    assert api.ids(not_exported_since=between) == [late, never]
    assert api.ids(not_exported_since="2026-01-01") == [early, late, never]
    assert api.ids(not_exported_since="2030-01-01T00:00:00Z") == [never]  # as now, which is the default
    assert api.ids(not_exported_since="2026-01-05T10:00:00.000Z") == [late, never]  # the very moment counts


def test_a_since_time_with_an_offset_is_understood_even_where_its_plus_became_a_blank(api: Api) -> None:
    """b_002_04"""
    entry = api.book()
    api.mark(entry)
    assert api.http.get(f"{EXPORT}?system_id=erp-1&not_exported_since=2026-01-05T10:00:00+01:00").json()[
        "accounting_entries"]  # fmt: skip
    assert not api.http.get(f"{EXPORT}?system_id=erp-1&not_exported_since=2026-01-05T10:00:01+01:00").json()[
        "accounting_entries"]  # fmt: skip


@pytest.mark.parametrize("spelling", ["not_exported_since", "not_export_since"])
def test_both_spellings_of_the_since_parameter_are_one(api: Api, spelling: str) -> None:
    """b_002_06"""
    entry = api.book()
    api.mark(entry)
    assert api.ids(**{spelling: "2026-01-01T00:00:00Z"}) == [entry]


def test_two_spellings_that_contradict_each_other_are_refused(strict: Api) -> None:
    """b_002_06"""
    same = {"not_exported_since": "2026-01-01", "not_export_since": "2026-01-01"}
    assert strict.get(system_id="x", **same).status_code == 200
    assert strict.get(system_id="x", **{**same, "not_export_since": "2026-01-02"}).status_code == 422


@pytest.mark.parametrize("value", ["yesterday", "2026-13-01", "1767571200", "20260105", "9999-12-31T23:59:59-12:00"])
def test_a_since_time_that_is_none_is_refused(strict: Api, value: str) -> None:
    """b_002_04"""
    assert strict.get(system_id="x", not_exported_since=value).status_code == 422


def test_filters_are_optional_and_narrow_what_is_offered(api: Api) -> None:
    """b_002_05"""
    first = api.book()
    api.clock.advance(86_400)
    second = api.book()
    asked = {
        "filter_groups[0][filters][0][key]": "created_at", "filter_groups[0][filters][0][operator]": "gte",
        "filter_groups[0][filters][0][value]": "2026-01-06",
    }  # fmt: skip
    assert api.ids() == [first, second]
    assert api.ids(**asked) == [second]
    assert api.ids(**asked, **{"filter_groups[0][filters][0][not]": "true"}) == [first]
    short = json.dumps(
        [{"or": True, "filters": [["created_at", "lt", "2026-01-06"], ["updated_at", "sw", "2026-01-06"]]}]
    )
    assert api.ids(filter_groups=short) == [first, second]


@pytest.mark.parametrize("key", ["amount", "id", "date", "system_id", "exported_at", ""])
def test_nothing_but_the_two_times_can_be_filtered(strict: Api, key: str) -> None:
    """b_002_06"""
    found = strict.get(system_id="x", filter_groups=json.dumps([{"filters": [[key, "eq", "2026-01-01"]]}]))
    assert found.status_code == 422
    assert "created_at or updated_at" in found.json()["error"]["message"]


@pytest.mark.parametrize(
    "groups",
    ["[", "{}x", '"text"', '[["created_at"]]', '[{"filters":{}}]', '[{"filters":[["created_at","like","2026"]]}]',
     '[{"filters":[["created_at","bt","2026-01-01"]]}]', '[{"filters":[["created_at","bt",["2026-01-01"]]]}]',
     '[{"filters":[["created_at","gt",["2026-01-01"]]]}]', '[{"filters":[["created_at","gt","soon"]]}]',
     '[{"filters":[["created_at","gt","2026-01-01","maybe"]]}]', '[{"or":"perhaps"}]', '[{"filter":[]}]',
     json.dumps([{"filters": [["created_at", "gt", "2026-01-01"]] * 51}]), "[" * 5000],
)  # fmt: skip
def test_filters_that_cannot_be_read_are_refused_and_never_left_out(strict: Api, groups: str) -> None:
    """b_002_06"""
    found = strict.get(system_id="x", filter_groups=groups)
    assert found.status_code == 422, found.text
    assert "filter_groups" in found.json()["error"]["message"]


def test_a_parameter_that_nobody_reads_is_refused_with_the_nearest(strict: Api) -> None:
    """b_002_06"""
    found = strict.get(system_id="x", not_exported_sinc="2026-01-01").json()["error"]
    assert found["fix"] == "did you mean not_exported_since?"


def test_the_answer_has_the_array_of_entries_in_full(api: Api) -> None:
    """b_002_07"""
    entry = api.book(-1250, debit="6100", credit="0101", description="Refund £")
    [found] = json.loads(api.get(system_id="x").text, parse_float=Decimal)["accounting_entries"]
    assert found == {
        "id": entry, "currency": "USD", "amount": Decimal("-12.50"), "account": 6100, "contra_account": "0101",
        "date": "2026-01-31", "text": "Refund £", "created_at": "2026-01-05T09:00:00.000Z",
        "updated_at": "2026-01-05T09:00:00.000Z",
    }  # fmt: skip


def test_amounts_are_exact_numbers_with_the_decimals_of_their_currency(api: Api) -> None:
    """b_002_07, case_C1, case_C5"""
    cases = [
        (1, "USD", "0.01"), (-5, "USD", "-0.05"), (10, "USD", "0.10"), (1000, "JPY", "1000"), (12_345, "KWD", "12.345"),
        (999_999_999_999_999, "USD", "9999999999999.99"), (30, "USD", "0.30"), (0, "USD", "0.00"),
    ]  # fmt: skip
    for minor, currency, _ in cases:
        api.book(minor, currency)
    written = re.findall(r'"amount":([^,]+),', api.get(system_id="x").text)
    assert written == [one for *_, one in cases]


def test_the_integer_id_of_an_entry_never_changes_and_no_two_share_one(api: Api) -> None:
    """b_002_09"""
    names = ["TX-7", "TX-07", "TX-007", "TX-0", "TX-00", "TX-123456789012345678", "TX-000000000000000042"]
    with api.site.hub.store.documents("workspace") as documents:
        at, fields = "2026-01-05T09:00:00.000Z", {"date": "2026-01-31", "amount": {"minor": 1, "currency": "USD"}}
        fields |= {"debit": "1", "credit": "2"}
        template = {"fields": fields, "created": at, "changed": at, "local": {}, "origin": {"by": "x", "written": {}}}
        documents.put("ledger_transaction", [(name, template) for name in names])
    ids = api.ids()
    assert len(set(ids)) == len(names)
    assert [export_api.id_of(one) for one in ids] == names
    assert api.mark(*ids).status_code == 200
    assert api.ids() == []


def test_an_entry_without_both_accounts_is_held_back_and_counted_until_it_has_them(api: Api) -> None:
    """b_002_01, b_004_08"""
    api.book(debit="", category="fees")
    found = api.get(system_id="x").json()
    assert found["accounting_entries"] == []
    assert found["meta"]["left_out"] == {"without_accounts": 1}


def test_at_most_ten_entries_are_marked_in_one_call(api: Api) -> None:
    """b_002_08"""
    ids = [api.book() for _ in range(11)]
    refused = api.mark(*ids)
    assert refused.status_code == 422
    assert "at most 10" in refused.json()["error"]["message"]
    assert api.ids() == ids
    assert api.mark(*ids[:10]).status_code == 200
    assert api.ids() == ids[10:]
    assert api.mark().status_code == 422


def test_marking_is_all_or_nothing(api: Api) -> None:
    """b_002_08, b_002_09"""
    entry = api.book()
    refused = api.mark(entry, 999_999)
    assert refused.status_code == 422
    assert "999999" in refused.json()["error"]["message"]
    assert api.ids() == [entry]
    assert api.http.get(f"/v10/accounting-entries/{entry}/timeline").json() == {"timeline": []}
    assert api.site.audit("workspace.export.mark") == []


@pytest.mark.parametrize(
    "line",
    [{"system_id": "x"}, {"accounting_entry_id": "1001", "system_id": "x"},
     {"accounting_entry_id": True, "system_id": "x"}, {"accounting_entry_id": 1001.0, "system_id": "x"},
     {"accounting_entry_id": -1001, "system_id": "x"},
     {"accounting_entry_id": 10**18 + 11001, "system_id": "x"}, {"accounting_entry_id": 2**80, "system_id": "x"}],
)  # fmt: skip
def test_a_line_names_its_entry_by_an_integer(strict: Api, line: dict[str, Any]) -> None:
    """b_002_09"""
    assert strict.http.post(MARK, json={"accounting_entries": [line]}).status_code == 422
    assert strict.ids() == [1001]


@pytest.mark.parametrize("line", [{"accounting_entry_id": 1001}, {"accounting_entry_id": 1001, "system_id": ""},
                                  {"accounting_entry_id": 1001, "system_id": 5}])  # fmt: skip
def test_a_line_names_its_system(strict: Api, line: dict[str, Any]) -> None:
    """b_002_10"""
    assert strict.http.post(MARK, json={"accounting_entries": [line]}).status_code == 422


def test_a_note_is_shown_in_the_timeline_of_its_entry(api: Api) -> None:
    """b_002_11"""
    entry = api.book()
    api.mark(entry, note="posted as 4711")
    api.clock.advance(60)
    api.mark(entry, system="erp-2")
    assert api.http.get(f"/v10/accounting-entries/{entry}/timeline").json()["timeline"] == [
        {"at": "2026-01-05T09:00:00.000Z", "what": "exported", "system_id": "erp-1", "by": "token erp",
         "note": "posted as 4711"},
        {"at": "2026-01-05T09:01:00.000Z", "what": "exported", "system_id": "erp-2", "by": "token erp", "note": ""},
    ]  # fmt: skip
    assert api.mark(entry, note="x" * 1001).status_code == 422
    assert api.mark(entry, note="\x00").status_code == 422
    for number in (5, 10**30, "x", "9" * 5000):
        assert api.http.get(f"/v10/accounting-entries/{number}/timeline").status_code == 404


def test_the_core_api_reads_entries_untracked(api: Api) -> None:
    """b_002_12"""
    first, second, third = (api.book() for _ in range(3))
    api.mark(second)

    def read(**asked: str) -> list[int]:
        found = api.http.get("/v10/accounting-entries", params=asked)
        assert found.status_code == 200, found.text
        return [one["id"] for one in found.json()["accounting_entries"]]

    assert read() == [first, second, third]  # what was exported too
    assert read(filter_groups=json.dumps([{"filters": [["id", "in", [third, second, 5]]]}])) == [second, third]
    by_id = {f"filter_groups[0][filters][0][{name}]": value for name, value in
             {"key": "id", "operator": "eq", "value": str(first)}.items()}  # fmt: skip
    assert read(**by_id) == [first]
    assert read(**by_id, **{"filter_groups[0][filters][0][not]": "1"}) == [second, third]
    assert api.ids() == [first, third]  # and nothing is tracked
    assert api.http.get("/v10/accounting-entries?system_id=x").status_code == 422


def test_entries_come_in_the_order_that_is_asked_for(api: Api) -> None:
    """b_002_06: ``sort`` is part of the filter syntax."""
    first = api.book()
    api.clock.advance(60)
    second, third = api.book(), api.book()
    newest = {"sort[0][key]": "created_at", "sort[0][direction]": "DESC", "sort[1][key]": "id"}
    assert api.ids(**newest) == [second, third, first]
    assert api.ids(sort='[{"key":"id","direction":"desc"}]') == [third, second, first]
    assert [api.ids(**newest, limit=1, page=page) for page in range(4)] == [[second], [third], [first], []]
    api.mark(second)
    assert api.ids(**newest) == [third, first]
    for wrong in ("[1]", '[{"key":"amount"}]', '[{"key":"id","direction":"up"}]', '{"key":"id"}', '[{"kez":"id"}]'):
        assert api.get(system_id="x", sort=wrong).status_code == 422, wrong
    assert api.get(system_id="x", cursor="1", **newest).status_code == 422


def test_each_mark_is_in_the_audit_log_with_who_made_it(api: Api) -> None:
    """b_002_08, b_000_15"""
    first, second = api.book(), api.book()
    api.mark(first, second, note="n")
    rows = api.site.audit("workspace.export.mark")
    assert [(row["actor"], row["object"]) for row in rows] == [
        ("token erp", f"ledger_transaction/TX-{second}"), ("token erp", f"ledger_transaction/TX-{first}"),
    ]  # fmt: skip
    assert rows[0]["detail"]["system_id"] == "erp-1"


def test_marking_again_keeps_the_first_time_and_moves_the_last(api: Api) -> None:
    """b_002_04"""
    entry = api.book()
    api.mark(entry)
    api.clock.advance(3600)
    assert api.mark(entry).status_code == 200
    assert api.ids(not_exported_since="2026-01-05T09:30:00Z") == [entry]
    with api.site.hub.store.documents("workspace") as documents:
        held = documents.get(export_api.MARK, [f"TX-{entry}/erp-1"])[f"TX-{entry}/erp-1"]
    assert (held["first"], held["at"], held["times"]) == ("2026-01-05T09:00:00.000Z", "2026-01-05T10:00:00.000Z", 2)


def test_an_entry_that_is_edited_after_its_export_is_not_offered_again_by_itself(api: Api) -> None:
    """b_002_01"""
    from wherry_workspace import work

    first, second = api.book(), api.book()
    api.mark(first, second)
    with api.site.hub.store.documents("workspace") as documents:
        work.edit(documents, "ledger_transaction", f"TX-{first}", {"description": "other"})
    third = api.book()
    assert api.ids() == [third]


def test_a_backlog_of_pages_is_walked_by_confirming_tens(api: Api) -> None:
    """b_002_08: fetch, take, confirm in tens, fetch again, until nothing is left; each is offered to be taken once."""
    ids = [api.book() for _ in range(37)]
    taken: list[int] = []
    while page := api.ids(limit=15):
        taken += page
        for start in range(0, len(page), 10):
            assert api.mark(*page[start : start + 10]).status_code == 200
    assert taken == ids


@pytest.mark.parametrize(
    ("name", "value"),
    [("limit", "0"), ("limit", "1001"), ("limit", "-1"), ("limit", "x"), ("page", "-1"), ("page", "1e3"),
     ("cursor", "abc"), ("page", "9" * 30)],
)  # fmt: skip
def test_a_page_is_bounded(strict: Api, name: str, value: str) -> None:
    """case_B19"""
    assert strict.get(system_id="x", **{name: value}).status_code == 422


# -- who may call ------------------------------------------------------------------------------------------------------


def test_the_token_alone_is_not_enough_the_app_key_must_be_its_own(api: Api) -> None:
    """b_002_01, case_G1"""
    own, other = api.site.key("a"), api.site.key("b")
    for sent, status in [
        ({}, 401), ({"x-app-key": own["x-app-key"]}, 401), ({"authorization": own["authorization"]}, 401),
        ({**own, "x-app-key": other["x-app-key"]}, 401), (own, 200),
        ({"authorization": own["authorization"], "x-traede-app-key": own["x-app-key"]}, 200),
    ]:  # fmt: skip
        assert httpx.get(f"{api.site.url}{EXPORT}?system_id=x", headers=sent).status_code == status, sent


def test_a_reader_cannot_mark(api: Api) -> None:
    """case_G2"""
    entry = api.book()
    reader = api.site.key("reader", "export:read")
    body = {"accounting_entries": [{"accounting_entry_id": entry, "system_id": "erp-1"}]}
    refused = httpx.post(api.site.url + MARK, headers=reader, json=body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "WHERRY-5061")
    assert api.ids() == [entry]


def test_marking_takes_json_only_and_never_by_get(api: Api) -> None:
    """case_G3"""
    entry = api.book()
    body = json.dumps({"accounting_entries": [{"accounting_entry_id": entry, "system_id": "erp-1"}]})
    for media in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        assert api.http.post(MARK, content=body, headers={"content-type": media}).status_code == 422
    assert api.http.get(MARK).status_code == 405
    assert api.ids() == [entry]
