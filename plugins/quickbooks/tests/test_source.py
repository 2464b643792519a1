"""The source on a company whose clock stands still: what is gone, what shares a second, and what a map makes of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from wherry.entities import check
from wherry.errors import ContractBroken, TryAgain
from wherry.mapping import build
from wherry.records import Record
from wherry.roles import Query
from wherry.simulator import Clock, serve
from wherry.testing.services import SharedClock, services
from wherry_quickbooks.client import PAGE, Client
from wherry_quickbooks.fields import FIELDS, payload, value_of
from wherry_quickbooks.mapping import MAPS, MATCH, product_type
from wherry_quickbooks.settings import QuickBooksSettings
from wherry_quickbooks.simulator import QuickBooksSimulator
from wherry_quickbooks.source import QuickBooksSource
from wherry_quickbooks.walk import LAG, Mark, mark_of, seconds

START = "2026-03-31T17:00:00+00:00"
REALM = "123146000000001"
SERVICE = {"Type": "Service", "IncomeAccountRef": {"value": "79"}}


class Books(Struct):
    """A company and the source that reads it; nobody waits in earnest."""

    sim: QuickBooksSimulator
    make: Callable[[], QuickBooksSource]

    def read(self, kind: str, after: str | None = None, fields: tuple[str, ...] = ()) -> tuple[list[Record], str]:
        pages = list(self.make().read(Query(kind=kind, after=after, fields=fields)))
        return [record for page in pages for record in page.records], pages[-1].mark

    def item(self, name: str, **more: Any) -> str:
        return str(self.sim.write("Item", {"Name": name, **SERVICE, **more})["Id"])

    def put(self, kind: str, key: str, **more: Any) -> None:
        """An edit that asks no rule."""
        with self.sim.stage.lock:
            company = self.sim.company()
            company.put(kind, {**company.objects[kind][key], **more}, "Update")


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    clock = Clock(START)
    sim = QuickBooksSimulator(clock=clock, companies=(REALM,), limits="none")
    with serve(sim.app()) as url, services(tmp_path, clock=SharedClock(clock)) as kit:
        auth = {"kind": "token", "token": {"env": "BOOKS_TOKEN"}}
        said = {"base_url": url, "environment": "simulator", "realm": REALM, "auth": auth}
        settings = QuickBooksSettings.model_validate(said)
        yield Books(sim, lambda: QuickBooksSource(Client(kit, settings), settings))


# -- what is there and what is gone ------------------------------------------------------------------------------------


def test_the_account_is_the_company_with_its_currency(books):
    account = books.make().check()
    assert (account.id, account.details) == (REALM, {"currency": "USD", "country": "US", "tax": "none"})


def test_inactive_products_and_customers_are_archived_and_stay_known(books):
    """I7"""
    item = books.item("Old work")
    customer = str(books.sim.write("Customer", {"DisplayName": "Gone Ltd"})["Id"])
    books.put("Item", item, Active=False)
    books.put("Customer", customer, Active=False)
    for kind, key in (("product", item), ("customer", customer)):
        [read] = [record for record in books.read(kind)[0] if record.id == key]
        [fetched] = books.make().fetch(kind, [key], ())
        [swept] = books.make().sweep(kind, [key], ())
        assert [read.gone, fetched.gone, swept.gone] == ["archived"] * 3


def test_an_account_that_is_closed_is_a_record_that_says_so(books):
    books.put("Account", "86", Active=False)
    [record] = [record for record in books.read("account", fields=("Active",))[0] if record.id == "86"]
    assert (record.gone, record.fields) == ("", {"Active": False})


def test_a_change_to_inactive_is_noticed_by_the_next_read(books):
    """I7"""
    item = books.item("Work")
    books.sim.clock.advance(LAG + 1)
    _, mark = books.read("product")
    books.sim.clock.advance(5)
    books.put("Item", item, Active=False)
    [record] = books.read("product", mark)[0]
    assert (record.id, record.gone) == (item, "archived")


def test_headings_over_items_are_no_products(books):
    there, heading = books.item("Work"), books.item("Services")
    books.put("Item", heading, Type="Category")
    assert [record.id for record in books.read("product")[0]] == [there]
    assert books.make().fetch("product", [heading], ()) == []


def test_a_sweep_over_more_ids_than_one_question_names_answers_for_each(books):
    ids = [books.item(f"Item {n}") for n in range(450)]
    asked = [*ids[::-1], "99999"]
    swept = list(books.make().sweep("product", asked, ("Name",)))
    assert [record.id for record in swept] == asked
    assert [record.gone for record in swept] == [""] * 450 + ["deleted"]


def test_an_unknown_kind_is_the_flows_fault_and_named(books):
    for call in (lambda s: list(s.read(Query(kind="invoice"))), lambda s: s.fetch("deal", ["1"], ())):
        with pytest.raises(ContractBroken, match=r"invoice|deal"):
            call(books.make())


# -- time --------------------------------------------------------------------------------------------------------------


def test_two_edits_in_one_second_are_two_versions(books):
    item = books.item("Work")
    [first] = books.read("product")[0]
    books.put("Item", item, Description="new")
    [second] = books.read("product")[0]
    assert first.version.split()[0] == second.version.split()[0]
    assert first.version != second.version


def test_a_bulk_import_of_one_second_is_read_whole_although_rows_leave_it_meanwhile(books):
    """case_B4, I6"""
    ids = [books.item(f"Item {n}") for n in range(3 * PAGE)]
    books.sim.clock.advance(5)
    walk, seen = books.make().read(Query(kind="product")), set[str]()
    for turn, page in enumerate(walk):
        seen |= {record.id for record in page.records}
        for n in range(3):
            # Rows that were read already leave the second: all others move up.
            books.put("Item", ids[10 * turn + n], Description=f"edited {turn}")
        assert turn < 50
    assert seen == set(ids)


def test_a_second_that_never_rests_ends_with_try_again(books, monkeypatch):
    for n in range(PAGE + 5):
        books.item(f"Item {n}")
    source, page = books.make(), Client.page
    swapped = iter(range(10_000))

    def moving(self: Client, entity: str, where: str, order: str, start: int, most: int = PAGE) -> Any:
        rows, time = page(self, entity, where, order, start, most)
        return ([{**rows[0], "Id": f"x{next(swapped)}"}, *rows[1:]] if start > 1 else rows), time

    monkeypatch.setattr(Client, "page", moving)
    with pytest.raises(TryAgain) as caught:
        list(source.read(Query(kind="product")))
    assert caught.value.code == "WHERRY-6756"


def test_an_order_that_is_not_kept_to_is_not_trusted(books, monkeypatch):
    first = books.item("One")
    books.sim.clock.advance(5)
    books.item("Two")
    page = Client.page
    monkeypatch.setattr(Client, "page", lambda *given: (lambda rows, time: (rows[::-1], time))(*page(*given)))
    with pytest.raises(TryAgain) as caught:
        list(books.make().read(Query(kind="product")))
    assert caught.value.code == "WHERRY-6754"
    assert first


def test_the_mark_stays_behind_quickbooks_own_clock(books):
    """I6: what is stamped now and shows later is read by the next run."""
    _, mark = books.read("product")
    assert mark_of(mark).at == seconds(START) - LAG


def test_the_mark_never_goes_back(books):
    _, mark = books.read("product", str(Mark(seconds(START) - 10)))
    assert mark_of(mark).at == seconds(START) - 10


def test_a_clock_that_went_back_loses_nothing(books):
    books.sim.clock.advance(3600)
    _, mark = books.read("product")
    books.sim.clock.advance(-3600)
    item = books.item("Made by the older clock")
    assert [record.id for record in books.read("product", mark)[0]] == [item]


def test_a_mark_of_another_make_is_refused(books):
    for strange in ("", "7", '{"v":2,"at":1}', '{"v":1}', "{"):
        if strange:
            with pytest.raises(ContractBroken) as caught:
                books.read("product", strange)
            assert caught.value.code == "WHERRY-1752"
    assert mark_of(str(Mark(17))) == Mark(17)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2026-03-31T10:00:00-07:00", 1774976400), ("2026-03-31T17:00:00Z", 1774976400),
        ("2026-03-31T17:00:00.999Z", 1774976400), ("2026-03-31T17:00:00.123456789Z", 1774976400), ("", 0),
    ],
)  # fmt: skip
def test_a_moment_is_read_in_every_form_that_quickbooks_writes(text, told):
    assert seconds(text) == told


def test_a_moment_that_is_none_is_not_taken_for_the_beginning():
    with pytest.raises(TryAgain):
        seconds("yesterday")


# -- fields ------------------------------------------------------------------------------------------------------------


def test_nested_fields_are_flat_and_what_is_not_there_is_empty(books):
    body = {
        "DisplayName": "Acme", "BillAddr": {"Line1": "1 Quay", "City": "Harbour"},
        "PrimaryEmailAddr": {"Address": "a@example.com"},
    }  # fmt: skip
    books.sim.write("Customer", body)
    fields = ("BillAddr_City", "PrimaryEmailAddr_Address", "WebAddr_URI", "ParentRef_value", "Active")
    [record] = books.read("customer", fields=fields)[0]
    assert record.fields == {
        "BillAddr_City": "Harbour", "PrimaryEmailAddr_Address": "a@example.com", "WebAddr_URI": None,
        "ParentRef_value": None, "Active": True,
    }  # fmt: skip


def test_a_payload_holds_what_was_asked_for_and_nothing_that_moves_by_itself(books):
    customer = str(books.sim.write("Customer", {"DisplayName": "Acme"})["Id"])
    item = books.item("Work")
    before = books.read("customer", fields=("DisplayName",))[0][0]
    line = {"DetailType": "SalesItemLineDetail", "Amount": 10, "SalesItemLineDetail": {"ItemRef": {"value": item}}}
    books.sim.write("Invoice", {"CustomerRef": {"value": customer}, "Line": [line]})
    after = books.read("customer", fields=("DisplayName",))[0][0]
    assert (before.version, before.payload) == (after.version, after.payload)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=None))
def test_numbers_keep_every_digit_on_their_way(number):
    """I8: no float on any path an amount takes."""
    written = payload({"UnitPrice": number}, ("UnitPrice",))
    told = json.loads(written, parse_float=Decimal, parse_int=Decimal)["UnitPrice"]
    assert told == number
    assert Decimal(Record(kind="product", id="1", version="", payload=written).fields["UnitPrice"]) == number


def test_every_field_a_default_map_names_is_described(books):
    source = books.make()
    for kind in source.kinds:
        infos = source.describe(kind).fields
        assert {info.name for info in infos} == set(FIELDS[kind])
        assert set(mapper(kind).fields[kind]) <= set(FIELDS[kind])
        assert all(info.type and info.label and info.group for info in infos)


def test_fields_that_are_described_are_there_in_what_the_company_answers(books):
    """Names that Intuit does not have would be empty for ever, and nobody would notice."""
    books.item("Work", Sku="W-1", UnitPrice=10, Description="x")
    [row] = [row for row in books.sim.objects("Item") if row["Name"] == "Work"]
    for name in ("Name", "Sku", "UnitPrice", "Description", "Type", "Active", "IncomeAccountRef_value", "SyncToken"):
        assert value_of(row, name) is not None


# -- what the default maps make of it ----------------------------------------------------------------------------------


def mapper(kind: str) -> Any:
    """The default map of a kind, as for a flow that says nothing of its own."""
    flow = SimpleNamespace(
        name="books", kinds=(kind,), pipelines=(), filter=None, changed_since=None, map={}, files=True, document=None,
        when={},
    )  # fmt: skip
    return build(
        flow, kind, MAPS[kind], transforms={"quickbooks_product_type": product_type}, currency="USD",
        timezone="America/Chicago",
    )  # fmt: skip


def mapped(books: Books, kind: str, key: str) -> dict[str, Any]:
    """The canonical body of one record, read through the source."""
    [record] = books.make().fetch(kind, [key], mapper(kind).fields[kind])
    [draft] = mapper(kind).map(record)
    assert (draft.key, draft.root) == (f"id:{key}", True)
    return check(draft.entity, draft.body)


def test_an_item_becomes_a_product_with_its_price_exact(books):
    item = books.item("GTX Pro", Sku="GTX-1", UnitPrice=1054.1, Description="A box")
    body = mapped(books, "product", item)
    assert body == {
        "name": "GTX Pro", "sku": "GTX-1", "type": "service", "price": "1054.1", "description": "A box"
    }  # fmt: skip


def test_an_item_without_price_has_none_and_one_for_nothing_costs_nothing():
    for told, price in ((None, None), (Decimal(0), "0"), (Decimal("0.005"), "0.005")):
        [draft] = mapper("product").map(Record(kind="product", id="7", version="v", decoded={"UnitPrice": told}))
        assert check("product", draft.body).get("price") == price


@pytest.mark.parametrize(
    ("told", "type"),
    [
        ("Inventory", "product"),
        ("NonInventory", "part"),
        ("Service", "service"),
        ("Group", "product"),
        (None, "product"),
    ],
)
def test_types_of_items_are_types_of_products(told, type):
    assert product_type(told) == type


def test_a_customer_becomes_a_customer_with_where_to_find_him(books):
    body = {
        "DisplayName": "Acme Rail", "Notes": "Pays late", "PrimaryPhone": {"FreeFormNumber": "555 1234"},
        "BillAddr": {"Line1": "1 Quay", "Line2": "Dock 4", "City": "Harbour", "CountrySubDivisionCode": "ME",
                     "PostalCode": "04109", "Country": "US"},
    }  # fmt: skip
    key = str(books.sim.write("Customer", body)["Id"])
    assert mapped(books, "customer", key) == {
        "name": "Acme Rail", "description": "Pays late", "phone": "555 1234", "street": "1 Quay, Dock 4",
        "city": "Harbour", "region": "ME", "postal_code": "04109", "country": "US", "currency": "USD",
    }  # fmt: skip


def test_an_account_carries_its_code_type_and_whether_it_is_open(books):
    books.put("Account", "86", Active=False)
    body = mapped(books, "account", "86")
    assert (body["code"], body["name"], body["type"]) == ("86", "Discounts given", "Income")
    assert body["active"] is False
    assert body["custom"]["classification"] == "Revenue"
    assert "active" not in mapped(books, "account", "79"), "open is what an account is unless it says otherwise"


def test_an_accounts_number_is_its_code_and_its_heading_its_parent(books):
    with books.sim.stage.lock:
        prefs = books.sim.company().preferences
        used = {**prefs["AccountingInfoPrefs"], "UseAccountNumbers": True}
        books.sim.company().put("Preferences", {**prefs, "AccountingInfoPrefs": used}, "Update")
    body = {"Name": "Travel", "AcctNum": "6400", "AccountType": "Expense", "ParentRef": {"value": "8"}}
    key = str(books.sim.write("Account", {**body, "SubAccount": True})["Id"])
    told = mapped(books, "account", key)
    assert (told["code"], told["parent"], told["custom"]["quickbooks_id"]) == ("6400", "8", key)


def test_what_matches_nothing_is_asked_about_but_accounts_are_made():
    """b_001_81"""
    assert MATCH["product"] == {"order": ["link", "sku", "name"], "unmatched": "triage"}
    assert {entity: rules["unmatched"] for entity, rules in MATCH.items()} == {
        "product": "triage", "customer": "triage", "account": "create"
    }  # fmt: skip
