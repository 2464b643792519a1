"""What the sink says to NetSuite, and what it makes of its answers."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pydantic import ValidationError
from wherry.errors import AccessLost, ConfigError, ContractBroken, Rejected, TryAgain, WherryError
from wherry.records import Item, Reply
from wherry.simulator import serve
from wherry.testing.services import SharedClock, services
from wherry.testing.sink_trial import ask, stamp_of, write
from wherry_netsuite.client import Client
from wherry_netsuite.settings import NetSuiteSettings
from wherry_netsuite.simulator import NetSuiteSimulator
from wherry_netsuite.simulator.options import simulator
from wherry_netsuite.sink import NetSuiteSink

Thing = Callable[..., Item]
SETTINGS: dict[str, Any] = {
    "account": "1234567", "subsidiary": "1", "currencies": {"USD": "1", "EUR": "4", "KWD": "9"},
    "auth": {"kind": "token", "token": {"env": "BOOKS_TOKEN"}},
}  # fmt: skip


@contextmanager
def sink_of(
    sim: NetSuiteSimulator, folder: Path, *, tables: dict[str, Any] | None = None, check: bool = True, **settings: Any
) -> Iterator[tuple[NetSuiteSink, Thing]]:  # fmt: skip
    """The sink of an account that has a customer and an item, and what makes things for it."""
    customer = sim.make("customer", {"companyName": "Acme Rail", "subsidiary": {"id": "1"}})["id"]
    sold = sim.make("serviceSaleItem", {"itemId": "Sleeper", "incomeAccount": {"id": "54"}})["id"]

    def thing(entity: str = "invoice", currency: str = "USD", dimensions: Any = None, **more: Any) -> Item:
        body: dict[str, Any] = {"name": "Oak", "currency": currency if entity == "customer" else "", "country": "GB"}
        where = {"dimensions": dimensions} if dimensions else {}
        worth = {"minor": 1250, "currency": currency}
        if entity == "product":
            body = {"name": "Oak", "sku": "OAK-1", "price": "12.50"}
        elif entity == "journal_entry":
            sides = (("debit", "6000"), ("credit", "4000"))
            lines = [{"account": account, "side": side, "amount": worth, **where} for side, account in sides]
            body = {"number": "J-1", "date": "2026-01-31", "lines": lines}
        elif entity != "customer":
            lines = [{"product": sold, "quantity": "1", "rate": "12.50", **where}]
            body = {"number": "I-1", "date": "2026-01-31", "due_date": "2026-02-28", "customer": customer}
            body |= {"lines": lines, "total": worth}
        return Item(entity=entity, key="id:1", body=body | more, stamp=stamp_of(f"{entity} 1"))

    with serve(sim.app()) as url, services(folder, clock=SharedClock(sim.clock)) as core:
        core = msgspec.structs.replace(core, table=lambda path: (tables or {}).get(path, []))
        told = NetSuiteSettings.model_validate({**SETTINGS, "base_url": url, **settings})
        sink = NetSuiteSink(Client(core, told), told, core)
        if check:
            sink.check()
        yield sink, thing


Sinks = Callable[..., Any]


@pytest.fixture
def sinks(sim: NetSuiteSimulator, tmp_path: Path) -> Sinks:
    return lambda **told: sink_of(sim, tmp_path, **told)


def body_of(sink: NetSuiteSink, item: Item) -> dict[str, Any]:
    [call] = sink.encode([item])
    return dict(json.loads(call.body))


# -- what is held back ------------------------------------------------------------


def lines(**more: Any) -> Callable[[Item], None]:
    return lambda item: item.body["lines"][0].update(more)


HELD: list[tuple[str, Callable[[Item], Any], str]] = [
    ("journal_entry", lines(account="1"), "has no account 1"),
    ("journal_entry", lines(account="6900"), "is a heading"),
    ("journal_entry", lines(account="6950"), "is inactive"),
    ("journal_entry", lines(account="1100"), "wants a name"),
    ("journal_entry", lines(amount={"minor": 1, "currency": "USD"}), "debits are 0.01 and credits 12.50"),
    ("journal_entry", lines(dimensions={"tax": "x"}), "has the tax x, which NetSuite does not take"),
    ("journal_entry", lines(dimensions={"subsidiary": "2"}), "writes for 1"),
    ("journal_entry", lambda item: item.body.update(exchange_rate="2", home="GBP", lines=[]), "has no two lines"),
    ("invoice", lambda item: item.body.update(total={"minor": 1, "currency": "USD"}), "its total is 0.01 USD"),
    ("invoice", lambda item: item.body.update(tax={"minor": 0, "currency": "EUR"}), "in EUR and USD"),
    ("invoice", lambda item: item.body.update(customer=None), "has no customer"),
    ("invoice", lines(product=None, service="Storage"), "line 1 (Storage) names no item"),
    ("invoice", lines(rate=None), "neither an amount nor a rate"),
    ("invoice", lines(rate="-12.50"), "its lines and tax come to -12.50"),
    ("invoice", lines(tax_rate="20"), "has the tax rate 20 %"),
    ("product", lambda item: item.body.update(currency="EUR"), "prices of items are in USD"),
    ("customer", lambda item: item.body.update(currency="CHF"), "which the connection does not name"),
    ("customer", lambda item: setattr(item, "action", "void"), "are not taken back"),
    ("customer", lambda item: setattr(item, "memo", "taken"), "has its name or number already"),
]  # fmt: skip


@pytest.mark.parametrize(("entity", "spoil", "why"), HELD)
def test_what_netsuite_would_not_take_is_held_back(entity: str, spoil: Any, why: str, sinks: Sinks) -> None:
    """case_C16, case_C1"""
    with sinks() as (sink, thing):
        item = thing(entity)
        spoil(item)
        with pytest.raises(Rejected) as caught:
            sink.encode([item])
    assert why in caught.value.message
    assert caught.value.fix


def test_amounts_have_two_decimals_and_rates_are_to_the_base_currency(sinks: Sinks) -> None:
    with sinks() as (sink, thing):
        with pytest.raises(Rejected, match="more than two decimals"):
            sink.encode([thing(currency="KWD")])
        abroad = thing("journal_entry", currency="EUR", exchange_rate="1.25", home="USD")
        made = body_of(sink, abroad)
        assert (made["currency"], made["exchangeRate"]) == ({"id": "4"}, 1.25)
        with pytest.raises(Rejected, match="kept in USD"):
            sink.encode([thing("journal_entry", currency="EUR", exchange_rate="1.25", home="GBP")])


def test_a_closed_period_is_told_before_anything_is_sent_and_after(sim: NetSuiteSimulator, sinks: Sinks) -> None:
    """case_C12: what NetSuite says of it later, in words that are for people only, is told as what it is."""
    with sinks() as (sink, thing):
        item = thing()
        assert sink.closed_until() is None
        [call] = sink.encode([item])
        sim.account.close("2026-01-31")
        answer = sink.decode(call, [item], sink.http.send(call))[item.stamp]
        assert (answer.fate, answer.field, answer.code) == ("refused", "date", "period closed")
        sink.check()
        assert sink.closed_until() == dt.date(2026, 1, 31)
        with pytest.raises(Rejected, match="closed up to 2026-01-31"):
            sink.encode([item])
        assert sink.encode([thing("sales_order")]), "an order books nothing"
        sim.account.periods[2]["closed"] = "F"
        sim.account.changes += 1
        assert sink.closed_until() == dt.date(2025, 2, 28), "what is closed behind an open one may be written to"


# -- what is said ------------------------------------------------------------


def test_numbers_of_netsuites_own_leave_ours_to_the_memo(sinks: Sinks) -> None:
    with sinks(numbers="netsuite") as (sink, thing):
        made = body_of(sink, thing(memo="from the yard"))
        assert ("tranId" in made, made["memo"]) == (False, "Number I-1. from the yard")
        written = write(sink, [thing()])
        assert {answer.fate for answer in written.values()} == {"created"}


def test_taxes_go_by_the_table_and_what_netsuite_makes_of_them_is_compared(sinks: Sinks) -> None:
    tables = {"tables/netsuite-tax.csv": [{"rate": "20", "code": "11"}, {"rate": "", "code": "12"}]}
    with sinks(tables=tables) as (sink, thing):
        item = thing(total={"minor": 1500, "currency": "USD"})
        item.body["lines"][0]["tax_rate"] = "20"
        answer = write(sink, [item])[item.stamp]
        assert answer.facts == sink.facts(item)
        assert answer.facts["total"] == "15.00 USD"
        item.body |= {"tax": {"minor": 250, "currency": "USD"}}
        assert sink.encode([item])


@pytest.mark.parametrize("row", [{"rate": "a fifth", "code": "11"}, {"rate": "20", "code": "S"}])
def test_a_table_of_taxes_that_cannot_be_read_is_told_by_its_line(row: Any, sinks: Sinks) -> None:
    with (
        sinks(tables={"tables/netsuite-tax.csv": [row]}, check=False) as (sink, _),
        pytest.raises(ConfigError) as caught,
    ):
        sink.check()
    assert caught.value.where["line"] == 2


@pytest.mark.parametrize(("given", "fields"), [
    ("netsuite", {"accountNumber": "C-1"}), ("name", {"accountNumber": "C-1", "entityId": "Oak"}),
    ("number", {"entityId": "C-1"}),
])  # fmt: skip
def test_a_customer_has_his_number_where_the_connection_says(given: str, fields: Any, sinks: Sinks) -> None:
    with sinks(customer_ids=given) as (sink, thing):
        item = thing("customer", number="C-1")
        made = body_of(sink, item)
        assert {name: made[name] for name in ("accountNumber", "entityId") if name in made} == fields
        assert sink.facts(item)["number"] == "C-1"


def test_customers_are_matched_by_number_external_id_and_name(sim: NetSuiteSimulator, sinks: Sinks) -> None:
    with sinks() as (sink, thing):
        sim.make("customer", {"companyName": "North", "externalId": "CRM-7"})
        sim.make("customer", {"companyName": "South", "accountNumber": "C-9", "externalId": "CRM-8"})
        sim.make("customer", {"companyName": "Gone", "isInactive": True})
        write(sink, [thing("customer")])
        told = {one.name: one.number for one in sink.listing("customer")}
        assert told == {"Acme Rail": "", "North": "CRM-7", "South": "C-9", "Oak": ""}
        assert [(one.name, one.sku, one.type) for one in sink.listing("product")] == [("Sleeper", "Sleeper", "service")]
        with pytest.raises(Rejected):
            sink.listing("invoice")


def test_a_long_list_is_read_behind_its_last_id(sim: NetSuiteSimulator, sinks: Sinks) -> None:
    with sinks() as (sink, _):
        for n in range(1001):
            sim.account.records["customer"][str(5000 + n)] = {"id": str(5000 + n), "companyName": f"C{n}"}
        sim.account.changes += 1
        assert len(list(sink.listing("customer"))) == 1002


def test_an_entry_in_another_currency_is_told_in_both(sinks: Sinks) -> None:
    """b_000_04"""
    with sinks() as (sink, thing):
        item = thing("journal_entry", currency="EUR", exchange_rate="1.25", home="USD")
        first = write(sink, [item])[item.stamp]
        day = dt.date(2026, 1, 31)
        [entry] = sink.journal_entries(day, day)
        assert (entry.id, entry.currency, entry.stamp) == (first.target, "EUR", item.stamp)
        told = [(line.account, line.side, line.minor, line.home) for line in entry.lines]
        assert told == [("6000", "debit", 1250, 1562), ("4000", "credit", 1250, 1562)]
        assert sum(one.debit - one.credit for one in sink.balances(None, day)) == 0
        assert list(sink.documents_on([], day, day)) == []


def test_the_books_can_be_read_by_whoever_does_not_write(sinks: Sinks) -> None:
    """The trial balance is asked for before anything was looked at: that is done then."""
    with sinks(check=False) as (sink, _):
        assert sink.balances(None, dt.date(2026, 1, 31)) == []


def test_an_account_of_one_currency_and_one_book_is_not_asked_for_others(
    sim: NetSuiteSimulator, sinks: Sinks
) -> None:  # fmt: skip
    """And a role that may see neither subsidiaries nor periods writes all the same: NetSuite refuses what is closed."""
    with sinks(currencies={"USD": ""}, accounting_book="", check=False) as (sink, thing):
        sim.faults.add(
            "status", path="suiteql", after=1, times=2, status=400, body=json.loads(told("INVALID_PARAMETER"))
        )
        sink.check()
        item = thing("journal_entry")
        assert "currency" not in body_of(sink, item)
        write(sink, [item])
        day = dt.date(2026, 1, 31)
        assert [line.minor for entry in sink.journal_entries(day, day) for line in entry.lines] == [1250, 1250]
        assert [(one.code, one.debit, one.credit) for one in sink.balances(day, day)] == [
            ("4000", 0, 1250),
            ("6000", 1250, 0),
        ]
        sim.faults.add("status", path="suiteql", status=400, body=json.loads(told("INVALID_PARAMETER")))
        with pytest.raises(Rejected):
            sink.closed_until()


def test_an_entry_that_was_taken_back_stands_in_nobodys_way_whatever_blanks_its_number_has(sinks: Sinks) -> None:
    with sinks() as (sink, thing):
        entry = thing("journal_entry", number="J-1 ")
        target = write(sink, [entry])[entry.stamp].target
        write(sink, [msgspec.structs.replace(entry, action="void", target=target, stamp=stamp_of("back"))])
        entry.stamp = stamp_of("another")
        assert ask(sink, [entry]) == {entry.stamp: []}


def test_an_order_is_taken_back_by_closing_its_lines(sim: NetSuiteSimulator, sinks: Sinks) -> None:
    with sinks() as (sink, thing):
        item = thing("sales_order")
        first = write(sink, [item])[item.stamp]
        void = msgspec.structs.replace(item, action="void", before=item.body, target=first.target, stamp=stamp_of("v"))
        answer = write(sink, [void])[void.stamp]
        assert (answer.fate, answer.target, answer.facts) == ("reversed", first.target, sink.facts(void))
        assert [line["isClosed"] for line in sim.account.records["salesOrder"][first.target]["item"]] == [True]
        assert [hit.facts for hit in ask(sink, [void])[void.stamp]] == [sink.facts(void)]


# -- what is answered ------------------------------------------------------------


def told(code: str, detail: str = "words") -> bytes:
    return msgspec.json.encode({"o:errorDetails": [{"detail": detail, "o:errorCode": code, "o:errorPath": "entity"}]})


@pytest.mark.parametrize(("status", "code", "fate"), [
    (400, "USER_ERROR", "refused"), (403, "INSUFFICIENT_PERMISSION", "refused"), (404, "NONEXISTENT_ID", "refused"),
    (400, "SSS_REQUEST_LIMIT_EXCEEDED", "queued"), (429, "CONCURRENCY_LIMIT_EXCEEDED", "queued"),
    (400, "UNIQUE_CUST_ID_REQD", "unknown"), (400, "UNEXPECTED_ERROR", ""), (401, "INVALID_LOGIN", ""),
    (500, "UNEXPECTED_ERROR", ""), (400, "TRAN_PRD_CLOSED", "refused"),
])  # fmt: skip
def test_an_error_is_told_for_what_it_means(status: int, code: str, fate: str, sinks: Sinks) -> None:
    with sinks() as (sink, thing):
        item = thing()
        [call] = sink.encode([item])
        answer = sink.decode(call, [item], Reply(status=status, body=told(code))).get(item.stamp)
    assert (answer.fate if answer else "") == fate
    if answer and answer.fate == "refused":
        assert answer.reason and answer.fix  # noqa: PT018


def test_who_loses_a_race_for_an_external_id_finds_what_the_other_made(sim: NetSuiteSimulator, sinks: Sinks) -> None:
    """Two creations at once: one is told that there is one already, looks, and has it."""
    with sinks() as (sink, thing):
        item = thing()
        [call] = sink.encode([item])
        sink.http.send(call)
        answer = sink.decode(call, [item], Reply(status=400, body=told("DUP_RCRD")))[item.stamp]
        assert (answer.fate, answer.after) == ("unknown", 0.0)
        item.sent, item.memo = True, answer.memo
        assert [hit.ours for hit in ask(sink, [item])[item.stamp]] == [True]


def test_what_a_script_gave_another_external_id_is_not_made_again(sim: NetSuiteSimulator, sinks: Sinks) -> None:
    with sinks() as (sink, thing):
        item = thing()
        [call] = sink.encode([item])
        half = sink.decode(call, [item], sink.http.send(call))[item.stamp]
        sim.change("invoice", half.target, {"externalId": "INV-1"})
        item.memo = half.memo
        [call] = sink.encode([item])
        answer = sink.decode(call, [item], sink.http.send(call))[item.stamp]
    assert (answer.fate, answer.target) == ("differs", half.target)
    assert "INV-1" in answer.reason


def test_what_was_lost_and_given_another_external_id_by_a_script_is_shown_to_a_person(
    sim: NetSuiteSimulator, sinks: Sinks
) -> None:
    """It was proved absent by its external id, and would have been made twice."""
    with sinks() as (sink, thing):
        item = thing()
        [call] = sink.encode([item])
        half = sink.decode(call, [item], sink.http.send(call))[item.stamp]
        item.sent = True
        [hit] = ask(sink, [item])[item.stamp]
        assert (hit.target, hit.ours, hit.facts) == (half.target, True, sink.facts(item))
        sim.change("invoice", half.target, {"externalId": "INV-1"})
        [hit] = ask(sink, [item])[item.stamp]
        assert (hit.target, hit.ours, hit.alike) == (half.target, False, True)


@pytest.mark.parametrize(("numbers", "entities"), [("wherry", 4), ("netsuite", 0)])
def test_documents_are_looked_for_where_netsuite_would_take_their_number_twice(
    numbers: str, entities: int, sim: NetSuiteSimulator, sinks: Sinks
) -> None:
    """case_C20"""
    with sinks(numbers=numbers) as (sink, thing):
        assert len(sink.repeats_numbers) == entities
        there = write(sink, [thing()])[thing().stamp].target
        other = msgspec.structs.replace(thing(), stamp=stamp_of("another"))
        assert [hit.target for hit in ask(sink, [other])[other.stamp] if hit.alike] == [there][:entities]


def test_a_name_is_a_text_to_suiteql_whatever_stands_in_it(sim: NetSuiteSimulator, sinks: Sinks) -> None:
    """case_G15, case_D8"""
    with sinks() as (sink, thing):
        item = thing("customer", name="O'Brien' OR ''='")
        there = sim.make("customer", {"companyName": item.body["name"]})["id"]
        assert [(hit.target, hit.alike) for hit in ask(sink, [item])[item.stamp]] == [(there, True)]
        [call] = sink.encode([item])
        assert call.path.endswith(f"eid:{item.stamp}"), "lower-case base32: NetSuite folds the case of external ids"


def test_an_address_without_suiteql_is_told(sim: NetSuiteSimulator, sinks: Sinks) -> None:
    with sinks(check=False) as (sink, _):
        sim.faults.add("status", status=404, times=9)
        with pytest.raises(ConfigError, match="no SuiteQL"):
            sink.check()


def test_another_account_is_no_account_of_ours(sim: NetSuiteSimulator, sinks: Sinks) -> None:
    """I12"""
    with sinks(check=False) as (sink, thing):
        with pytest.raises(ContractBroken):
            sink.encode([thing()])
        sim.account.id = "7654321_SB1"
        with pytest.raises(ConfigError, match="7654321_SB1"):
            sink.check()


@pytest.mark.parametrize(("status", "code", "error"), [
    (401, "INVALID_LOGIN", AccessLost), (403, "INSUFFICIENT_PERMISSION", AccessLost),
    (400, "INVALID_PARAMETER", Rejected),
    (429, "CONCURRENCY_LIMIT_EXCEEDED", TryAgain), (500, "UNEXPECTED_ERROR", TryAgain),
])  # fmt: skip
def test_a_question_that_is_refused_says_what_to_do(
    status: int, code: str, error: type[WherryError], sim: NetSuiteSimulator, sinks: Sinks
) -> None:  # fmt: skip
    with sinks(check=False) as (sink, _):
        sim.faults.add("status", status=status, body=json.loads(told(code)), times=99)
        with pytest.raises(error) as caught:
            sink.check()
    assert caught.value.fix


@pytest.mark.parametrize("page", [{"items": [], "links": []}, {"items": [5], "links": []}, {"items": []}])
def test_a_page_that_does_not_say_whose_it_is_is_none(page: Any, sim: NetSuiteSimulator, sinks: Sinks) -> None:
    with sinks(check=False) as (sink, _):
        sim.faults.add("status", status=200, body=page, times=99)
        with pytest.raises(TryAgain):
            sink.check()


# -- settings ------------------------------------------------------------


@pytest.mark.parametrize("more", [
    {"account": "no account"}, {"subsidiary": "Main"}, {"currencies": {}}, {"currencies": {"XXZ": "1"}},
    {"currencies": {"USD": "one"}},
])  # fmt: skip
def test_settings_that_can_mean_nothing_are_refused(more: Any) -> None:
    with pytest.raises(ValidationError):
        NetSuiteSettings.model_validate({**SETTINGS, **more})


def test_the_address_is_that_of_the_account() -> None:
    made = NetSuiteSettings.model_validate({**SETTINGS, "account": "1234567-sb1"})
    assert (made.account, made.url) == ("1234567_SB1", "https://1234567-sb1.suitetalk.api.netsuite.com")


@pytest.mark.parametrize(("name", "why"), [("Rent", "is no income account"), ("4010", "")])
def test_what_items_sell_to_is_an_income_account(name: str, why: str, sinks: Sinks) -> None:
    with sinks(income_account=name, check=False) as (sink, thing):
        if why:
            with pytest.raises(ConfigError, match=why):
                sink.check()
        else:
            sink.check()
            assert body_of(sink, thing("product"))["incomeAccount"] == {"id": "55"}


def test_a_connection_is_not_bound_to_a_subsidiary_that_there_is_not(sinks: Sinks) -> None:
    with sinks(subsidiary="77", check=False) as (sink, _), pytest.raises(ConfigError, match="77") as caught:
        sink.check()
    assert "1 (Company 1)" in caught.value.fix


def test_the_stand_in_is_made_by_options() -> None:
    assert simulator({"account": "77", "subsidiaries": ""}).account.subsidiaries == ()
