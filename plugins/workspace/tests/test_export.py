"""The calls of the export API as their handlers answer them: what is marked, what is refused, what an entry is told of.

Over real HTTP, with tokens and the audit log on a store, they are tried in the core's tests.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from wherry.errors import NotFound, Rejected
from wherry.testing.clock import FakeClock
from wherry.web.routes import HttpRequest, HttpResponse, HttpRoute
from wherry_workspace import export_api

from .test_export_paging import Documents, book

EXPORT, MARK = f"{export_api.PATH}/export", f"{export_api.PATH}/mark-as-exported"
TIMELINE = f"{export_api.PATH}/{{id}}/timeline"


class Api(Documents):
    """A host with documents in a list; ``audited`` is what it was told to write down."""

    def __init__(self) -> None:
        super().__init__()
        self.clock, self.audited = FakeClock(), list[tuple[str, str, Any]]()
        made = export_api.routes(cast(Any, SimpleNamespace(clock=self.clock)), cast(Any, self))
        self.routes: dict[str, HttpRoute] = {route.path: route for route in made}

    @contextlib.contextmanager
    def changing(self, by: str) -> Iterator[Any]:
        yield SimpleNamespace(documents=self, audit=lambda *told: self.audited.append((by, *told[:2])))

    def call(
        self, path: str, query: Mapping[str, str] | None = None, sent: Any = b"", **given: str
    ) -> HttpResponse:  # fmt: skip
        body = sent if isinstance(sent, bytes) else msgspec.json.encode(sent)
        return self.routes[path].handle(HttpRequest(
            method=self.routes[path].method, path=path, url=path, query=tuple((query or {}).items()), given=given,
            headers={"content-type": "application/json; charset=utf-8"}, body=body, by="token erp",
        ))  # fmt: skip

    def entries(self, path: str = EXPORT, **query: str) -> list[dict[str, Any]]:
        found = self.call(path, query if path != EXPORT else {"system_id": "s", **query}).data
        return list(msgspec.json.decode(msgspec.json.encode(found))["accounting_entries"])

    def mark(self, *numbers: int, note: str = "") -> HttpResponse:
        lines = [{"accounting_entry_id": one, "system_id": "s", "note": note} for one in numbers]
        return self.call(MARK, sent={"accounting_entries": lines})


@pytest.fixture
def api() -> Api:
    made = Api()
    for number in (7, 8, 9):
        book(made, number)
    return made


def test_a_call_says_which_scope_and_key_its_caller_needs(api: Api) -> None:
    """b_002_01"""
    scopes = {path: (route.method, route.scope, bool(route.app_key)) for path, route in api.routes.items()}
    read, write = ("GET", "export:read", True), ("POST", "export:write", True)
    assert scopes == {EXPORT: read, MARK: write, export_api.PATH: read, TIMELINE: read}


def test_what_was_marked_is_told_with_its_moment_and_written_down_by_whom(api: Api) -> None:
    """b_002_11"""
    done = api.mark(8, 9, note="batch 4").data["accounting_entries"]
    at = "2026-01-05T09:00:00.000Z"
    assert [(one["accounting_entry_id"], one["exported_at"], one["note"]) for one in done] == [
        (8, at, "batch 4"), (9, at, "batch 4")]  # fmt: skip
    assert api.audited == [("token erp", "workspace.export.mark", f"ledger_transaction/TX-{n}") for n in (8, 9)]
    assert [one["id"] for one in api.entries()] == [7]


def test_a_second_mark_moves_the_last_time_and_keeps_the_first(api: Api) -> None:
    api.mark(7)
    api.clock.advance(3600)
    api.mark(7, note="again")
    held = api.get(export_api.MARK, ["TX-7/s"])["TX-7/s"]
    assert (held["first"][11:16], held["at"][11:16], held["times"], held["note"]) == ("09:00", "10:00", 2, "again")
    told = api.call(TIMELINE, id="7").data["timeline"]
    assert [(one["what"], one["by"], one["note"]) for one in told] == [
        ("exported", "token erp", ""), ("exported", "token erp", "again")]  # fmt: skip


def test_an_entry_that_there_is_not_is_named_and_nothing_is_marked(api: Api) -> None:
    """b_002_09"""
    found = api.mark(7, 4711)
    assert found.status == 422
    assert found.error is not None
    assert (found.error.code, found.error.where["entries"]) == ("WHERRY-3860", "4711")
    assert [one["id"] for one in api.entries()] == [7, 8, 9]


@pytest.mark.parametrize("number", ["12", "x", "9" * 30, "-1"])
def test_the_timeline_of_an_entry_that_there_is_not_is_not_found(api: Api, number: str) -> None:
    with pytest.raises(NotFound) as refused:
        api.call(TIMELINE, id=number)
    assert refused.value.where["entries"] == number[:20]


def test_an_entry_that_nobody_marked_has_an_empty_timeline(api: Api) -> None:
    assert api.call(TIMELINE, id="7").data == {"timeline": []}


LINE = {"accounting_entry_id": 7, "system_id": "s"}


@pytest.mark.parametrize(
    ("sent", "names"),
    [(b"", "the body"), (b"[" * 5000, "the body"), ({"accounting_entries": []}, "at least one"),
     ({"accounting_entries": [LINE] * 11}, "at most 10"), ({"accounting_entries": [LINE, LINE]}, "twice"),
     ({"accounting_entries": [{**LINE, "system_id": " "}]}, "accounting_entries[0].system_id"),
     ({"accounting_entries": [{**LINE, "note": "x" * 1001}]}, "accounting_entries[0].note"),
     ({"accounting_entries": [{**LINE, "note": "a\x00"}]}, "accounting_entries[0].note"),
     ({"accounting_entries": [{**LINE, "accounting_entry_id": "7"}]}, "accounting_entry_id"),
     ({"accounting_entries": [{**LINE, "amount": 1}]}, "amount")],
)  # fmt: skip
def test_a_body_that_cannot_be_taken_is_refused_with_what_is_wrong(api: Api, sent: Any, names: str) -> None:
    """b_002_08, b_002_09, b_002_10"""
    with pytest.raises(Rejected) as refused:
        api.call(MARK, sent=sent)
    assert names in refused.value.message
    assert api.audited == []


def test_a_form_is_no_body(api: Api) -> None:
    form = HttpRequest(method="POST", path=MARK, url=MARK, headers={"content-type": "text/plain"}, body=b"{}")
    with pytest.raises(Rejected, match="Content-Type"):
        api.routes[MARK].handle(form)


def test_entries_are_read_by_id_whatever_was_exported(api: Api) -> None:
    api.mark(7, 8, 9)
    assert api.entries() == []
    assert [one["id"] for one in api.entries(export_api.PATH)] == [7, 8, 9]
    asked = '[{"filters": [["id", "in", [9, 7, 4711]]]}]'
    assert [one["id"] for one in api.entries(export_api.PATH, filter_groups=asked)] == [7, 9]


def test_entries_come_largest_first_where_that_is_asked_for(api: Api) -> None:
    asked = {"sort": '[{"key": "id", "direction": "desc"}]', "limit": "2"}
    assert [one["id"] for one in api.entries(**asked)] == [9, 8]
    assert [one["id"] for one in api.entries(**asked, page="1")] == [7]


def test_an_entry_without_an_account_is_held_back_and_counted(api: Api) -> None:
    [body] = api.get("ledger_transaction", ["TX-8"]).values()
    api.put("ledger_transaction", [("TX-8", {**body, "fields": {**body["fields"], "credit": ""}})])
    meta = api.call(EXPORT, {"system_id": "s"}).data["meta"]
    assert meta["left_out"] == {"without_accounts": 1}
    assert [one["id"] for one in api.entries()] == [7, 9]


@pytest.mark.parametrize(
    ("query", "names"),
    [({"system_id": "s", "limit": "0"}, "limit"), ({"system_id": "s", "cursor": "3", "page": "1"}, "cursor"),
     ({"system_id": "s", "sort": '[{"key": "amount"}]'}, "sort[0]"), ({}, "system_id"),
     ({"system_id": "s", "sort": '[{"key": "id", "direction": "up"}]'}, "direction"),
     ({"system_id": "s", "not_exported_since": "2026-01-01", "not_export_since": "2026-01-02"}, "both spellings"),
     ({"system_id": "s", "limits": "3"}, "limits")],
)  # fmt: skip
def test_a_question_that_is_wrong_is_refused_with_the_parameter(api: Api, query: dict[str, str], names: str) -> None:
    """b_002_06"""
    with pytest.raises(Rejected) as refused:
        api.call(EXPORT, query)
    assert names in refused.value.message


def test_what_was_marked_at_a_moment_comes_back_from_that_moment_on(api: Api) -> None:
    """b_002_04"""
    api.mark(7)
    api.clock.advance(60)
    api.mark(8)
    assert [one["id"] for one in api.entries(not_exported_since="2026-01-05T09:00:30Z")] == [8, 9]
    moment = dt.datetime(2026, 1, 5, 11, 0, tzinfo=dt.timezone(dt.timedelta(hours=2))).isoformat()
    assert [one["id"] for one in api.entries(not_exported_since=moment.replace("+", " "))] == [7, 8, 9]
