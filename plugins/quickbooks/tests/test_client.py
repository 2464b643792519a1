"""The client against the stand-in over loopback: paging, quoting, whose books, change data capture, limits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from msgspec import Struct
from wherry.errors import AccessLost, ConfigError, ContractBroken, TryAgain, WherryError
from wherry.roles import Services
from wherry.simulator import Clock, serve
from wherry.testing.services import SECRET, SharedClock, services
from wherry_quickbooks.client import CDC, PAGE, SIGN_IN, Client, decoded, quoted
from wherry_quickbooks.settings import QuickBooksSettings
from wherry_quickbooks.simulator import QuickBooksSimulator

START = "2026-03-31T17:00:00+00:00"
REALM = "123146000000001"
OAUTH = {"kind": "oauth2", "client_id": "app-1", "client_secret": {"env": "BOOKS_CLIENT_SECRET"}}


class Books(Struct):
    """A company, and what makes a client of it."""

    sim: QuickBooksSimulator
    kit: Services
    url: str

    def client(self, realm: str | None = REALM, **said: Any) -> Client:
        given = {"base_url": self.url, "environment": "simulator", "auth": OAUTH, **said}
        settings = QuickBooksSettings.model_validate(given | ({"realm": realm} if realm else {}))
        return Client(self.kit, settings)

    def customers(self, count: int, name: str = "Customer") -> list[str]:
        return [str(self.sim.write("Customer", {"DisplayName": f"{name} {n}"})["Id"]) for n in range(count)]

    @property
    def now(self) -> dt.datetime:
        return self.sim.clock.date()


Standing = Callable[..., Books]


@pytest.fixture
def standing(tmp_path: Path) -> Iterator[Standing]:
    with ExitStack() as stack:

        def make(**options: Any) -> Books:
            clock = Clock(START)
            sim = QuickBooksSimulator(clock=clock, companies=(REALM,), tokens={SECRET}, **options)
            url = stack.enter_context(serve(sim.app()))
            return Books(sim, stack.enter_context(services(tmp_path, clock=SharedClock(clock))), url)

        yield make


@pytest.fixture
def books(standing: Standing) -> Books:
    return standing()


# -- which company -----------------------------------------------------------------------------------------------------


def test_the_company_is_the_one_that_the_sign_in_came_back_with(books):
    books.kit.cache.set(SIGN_IN, {"realmId": REALM})
    assert books.client(realm=None).company().id == REALM


def test_a_company_that_nobody_named_is_asked_for_with_the_way_to_name_it(books):
    with pytest.raises(ConfigError) as caught:
        books.client(realm=None).company()
    assert (caught.value.code, caught.value.where["key"]) == ("WHERRY-2752", "realm")
    assert "wherry connect" in caught.value.fix
    assert books.sim.history.entries == []


def test_settings_that_name_another_company_than_the_sign_in_stop_before_anything_is_asked(books):
    """I12"""
    books.kit.cache.set(SIGN_IN, {"realmId": "999"})
    with pytest.raises(ConfigError, match="999") as caught:
        books.client().company()
    assert caught.value.code == "WHERRY-2753"
    assert books.sim.history.entries == []


def test_a_bare_token_goes_by_the_settings_whatever_an_older_sign_in_left_behind(books):
    books.kit.cache.set(SIGN_IN, {"realmId": "999"})
    token = {"kind": "token", "token": {"env": "BOOKS_TOKEN"}}
    assert books.client(auth=token).company().id == REALM


@pytest.mark.parametrize(
    ("options", "tax", "country"),
    [
        ({}, "none", "US"),
        ({"tax": "us-automatic"}, "us-automatic", "US"),
        ({"tax": "us-manual"}, "us-manual", "US"),
        ({"tax": "uk", "currency": "GBP", "multicurrency": True}, "other", "GB"),
    ],
)
def test_a_company_tells_the_rules_its_books_are_kept_by(standing, options, tax, country):
    books = standing(**options)
    books.sim.close_books("2026-02-28")
    company = books.client().company()
    assert (company.tax, company.country) == (tax, country)
    assert company.currency == options.get("currency", "USD")
    assert company.multicurrency is options.get("multicurrency", False)
    assert company.close_date == dt.date(2026, 2, 28)
    assert company.custom_numbers is True
    assert company.name == f"Company {REALM}"


def test_a_company_is_read_once(books):
    client = books.client()
    assert client.company() is client.company()
    assert sum(client.http.counts.values()) == 2


# -- the query language ------------------------------------------------------------------------------------------------


def test_a_query_reads_all_rows_in_pages_each_once_and_numbers_exactly(books):
    ids = books.customers(2 * PAGE + 1)
    client = books.client()
    rows = list(client.query("Customer"))
    assert [row["Id"] for row in rows] == ids
    assert client.http.counts == {"POST /v3/company/{id}/query": 3}
    assert all(isinstance(row["Balance"], Decimal) for row in rows)
    assert client.count("Customer") == len(ids)
    assert books.sim.history.entries[-1].detail == {"query": "minorversion=75"}


def test_a_full_last_page_is_followed_by_a_look_for_more(books):
    books.customers(PAGE)
    client = books.client()
    assert len(list(client.query("Customer"))) == PAGE
    assert client.http.counts == {"POST /v3/company/{id}/query": 2}


def test_an_empty_answer_is_no_rows(books):
    client = books.client()
    assert list(client.query("Customer", f"DisplayName = {quoted('nobody')}")) == []
    assert client.count("Customer", "Active = false") == 0


def test_inactive_entries_come_only_when_they_are_asked_for(books):
    [gone, there] = books.customers(2)
    books.sim.write("Customer", {"Id": gone, "SyncToken": "0", "sparse": True, "Active": False}, "update")
    client = books.client()
    assert [row["Id"] for row in client.query("Customer")] == [there]
    assert [row["Id"] for row in client.query("Customer", "Active in (true, false)")] == [gone, there]


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp")), min_size=1, max_size=40)


def test_whatever_a_name_holds_it_is_found_by_it_and_by_nothing_else(books):
    client = books.client()

    met: set[str] = set()

    @hypothesis_settings(max_examples=60, deadline=None, derandomize=True)
    @given(name=NAMES.map(lambda text: text.replace(":", "").strip()).filter(bool))
    @example("O'Brien")
    @example("back\\slash")
    @example("\\'")
    @example("a' and Active = 'true")
    @example("100 % like '%'")
    def holds(name: str) -> None:
        assume(name.casefold() not in met)
        met.add(name.casefold())
        made = books.sim.write("Customer", {"DisplayName": name})
        [row] = client.query("Customer", f"DisplayName = {quoted(name)}")
        assert (row["Id"], row["DisplayName"]) == (made["Id"], name)
        others = list(client.query("Customer", f"DisplayName = {quoted(name + chr(39))}"))
        assert made["Id"] not in [other["Id"] for other in others]

    holds()


def test_a_question_that_cannot_be_read_is_the_plugins_fault(books):
    with pytest.raises(ContractBroken) as caught:
        list(books.client().query("Customer", "Notes = 'x' or"))
    assert (caught.value.code, caught.value.where["fault"]) == ("WHERRY-1751", "4000")


# -- change data capture -----------------------------------------------------------------------------------------------


def test_changes_come_by_entity_with_what_was_deleted(books, api_invoice):
    since = books.now
    customer, item = books.customers(1)[0], api_invoice.item(books)
    kept, gone = (api_invoice(books, customer, item) for _ in range(2))
    books.sim.write("Invoice", {"Id": gone, "SyncToken": "0"}, "delete")
    found = books.client().changes(["Customer", "Invoice"], since)
    assert [row["Id"] for row in found.rows["Customer"]] == [customer]
    assert [row["Id"] for row in found.rows["Invoice"]] == [kept]
    assert (list(found.deleted["Invoice"]), found.hidden) == ([gone], frozenset())
    assert dt.datetime.fromisoformat(found.until) == books.now


def test_a_full_answer_is_narrowed_to_entities_and_what_is_still_full_is_queried(books):
    since = books.now - dt.timedelta(days=1)
    ids = books.customers(PAGE + 5)
    vendor = str(books.sim.write("Vendor", {"DisplayName": "A vendor"})["Id"])
    with books.sim.stage.lock:
        old = books.sim.company().objects["Customer"][ids[0]]
        books.sim.company().put("Customer", {**old, "Active": False}, "Update")
    client = books.client()
    found = client.changes(["Customer", "Vendor"], since)
    assert [row["Id"] for row in found.rows["Customer"]] == ids
    assert [row["Id"] for row in found.rows["Vendor"]] == [vendor]
    assert found.hidden == {"Customer"}
    assert client.http.counts == {"GET /v3/company/{id}/cdc": 3, "POST /v3/company/{id}/query": 2}


def test_deletions_that_a_full_answer_holds_are_told_beside_the_rows_queried(books):
    answer = {
        "CDCResponse": [{"QueryResponse": [{"Invoice": [
            {"domain": "QBO", "status": "Deleted", "Id": str(n), "MetaData": {"LastUpdatedTime": "t"}}
            for n in range(1000)
        ]}]}],
        "time": "2026-03-31T10:00:01.123-07:00",
    }  # fmt: skip
    books.sim.faults.add("status", path="/cdc", status=200, body=answer)
    found = books.client().changes(["Invoice"], books.now)
    assert (found.rows, len(found.deleted["Invoice"]), found.hidden) == ({"Invoice": []}, 1000, {"Invoice"})


def test_more_than_30_days_back_is_refused_before_anything_is_asked(books):
    client = books.client()
    with pytest.raises(ConfigError) as caught:
        client.changes(["Customer"], books.now - dt.timedelta(days=30, seconds=1))
    assert (caught.value.code, caught.value.fix) == ("WHERRY-2754", "read everything instead")
    assert client.http.counts == {}
    assert isinstance(client.changes(["Customer"], books.now - dt.timedelta(days=29)), CDC)


# -- limits and faults -------------------------------------------------------------------------------------------------


def test_reading_keeps_to_intuits_real_limits_without_one_refusal(books):
    client = books.client()
    begun = books.sim.clock.now()
    for _ in range(600):
        client.count("Customer")
    assert client.http.refused == 0
    assert 60 <= books.sim.clock.now() - begun < 90


def test_a_refusal_for_too_many_calls_rests_for_a_minute(books):
    books.sim.faults.add("status", status=429, times=1)
    begun = books.sim.clock.now()
    assert books.client().count("Customer") == 0
    assert 60 <= books.sim.clock.now() - begun < 62


@pytest.mark.parametrize("status", [401, 403])
def test_access_that_is_lost_is_told_with_intuits_own_words_and_trace(books, status):
    books.sim.faults.add("status", status=status, times=10, headers={"intuit_tid": "1-abc"})
    with pytest.raises(AccessLost) as caught:
        books.client().company()
    assert caught.value.where["correlation"] == "1-abc"
    assert "wherry connect" in caught.value.fix


def test_a_fault_under_a_good_status_is_a_fault(books):
    body = {"Fault": {"Error": [{"Message": "Feature", "code": "5030"}], "type": "ValidationFault"}, "time": "x"}
    books.sim.faults.add("status", status=200, body=body)
    with pytest.raises(ConfigError) as caught:
        books.client().company()
    assert (caught.value.code, caught.value.where["fault"]) == ("WHERRY-2751", "5030")


@pytest.mark.parametrize("body", [{"time": "x"}, {"QueryResponse": 7}, {"QueryResponse": None}])
def test_an_answer_without_what_was_asked_for_is_not_taken_for_nothing(books, body):
    books.sim.faults.add("status", status=200, body=body)
    with pytest.raises(TryAgain) as caught:
        list(books.client().query("Customer"))
    assert caught.value.code == "WHERRY-6753"


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_every_number_of_an_answer_is_exact(number):
    """I8: no float on any path an amount takes."""
    told = decoded(f'{{"Amount": {number}, "Line": [{{"Amount": {number}}}], "Qty": 3}}'.encode())
    numbers = [told["Amount"], told["Line"][0]["Amount"], told["Qty"]]
    assert numbers == [number, number, 3]
    assert {type(one) for one in numbers} == {Decimal}


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b"[" * 100_000, b'{"a": NaN'])
def test_bytes_that_are_no_answer_are_temporary_trouble(content):
    with pytest.raises(TryAgain):
        decoded(content)


def test_an_outage_ends_with_try_again(books):
    books.sim.faults.add("status", status=503, times=1000)
    with pytest.raises(WherryError) as caught:
        books.client().company()
    assert isinstance(caught.value, TryAgain)


@pytest.fixture
def api_invoice() -> Any:
    class Invoices:
        def item(self, books: Books) -> str:
            body = {"Name": "Work", "Type": "Service", "IncomeAccountRef": {"value": "79"}}
            return str(books.sim.write("Item", body)["Id"])

        def __call__(self, books: Books, customer: str, item: str) -> str:
            line = {
                "DetailType": "SalesItemLineDetail", "Amount": 10, "SalesItemLineDetail": {"ItemRef": {"value": item}}
            }  # fmt: skip
            body = {"CustomerRef": {"value": customer}, "Line": [line]}
            return str(books.sim.write("Invoice", body)["Id"])

    return Invoices()
