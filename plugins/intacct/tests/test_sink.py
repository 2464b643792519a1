"""What the sink says to Sage Intacct, and what it makes of its answers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from lxml import etree
from pydantic import ValidationError
from wherry.errors import AccessLost, ConfigError, ContractBroken, Rejected, TryAgain, WherryError
from wherry.records import Call, Item, Reply
from wherry.simulator import serve
from wherry.testing.samples import money, sample
from wherry.testing.services import SharedClock, services
from wherry.testing.sink_trial import ask, stamp_of, write
from wherry_intacct import envelope
from wherry_intacct.client import Client
from wherry_intacct.settings import IntacctSettings
from wherry_intacct.simulator import CELL, IntacctSimulator, Login, _dressed
from wherry_intacct.sink import IntacctSink
from wherry_intacct.xml import element, parsed, written

from .test_sink_contract import SETTINGS, furnished

Thing = Callable[..., Item]
DAY = dt.date(2026, 1, 31)


@contextmanager
def sink_of(
    sim: IntacctSimulator, folder: Path, *, tables: dict[str, Any] | None = None, check: bool = True, **settings: Any
) -> Iterator[tuple[IntacctSink, Thing]]:  # fmt: skip
    """The sink of a company that has a customer and an item, and what makes things for it."""
    customer, sold = furnished(sim)

    def thing(entity: str = "invoice", lines: dict[str, Any] | None = None, **more: Any) -> Item:
        item = sample(entity, 1, customer, sold, debit="6000", credit="4000")
        item.body |= more
        for line in item.body.get("lines", ()):
            line.pop("customer", None)
            line.update(lines or {})
        return item

    with serve(sim.app()) as url, services(folder, clock=SharedClock(sim.clock)) as core:
        core = msgspec.structs.replace(core, table=lambda path: (tables or {}).get(path, []))
        told = IntacctSettings.model_validate({**SETTINGS, "base_url": url, **settings})
        sink = IntacctSink(Client(core, told), told, core)
        if check:
            sink.check()
        yield sink, thing


Sinks = Callable[..., Any]


@pytest.fixture
def sinks(sim: IntacctSimulator, tmp_path: Path) -> Sinks:
    return lambda **told: sink_of(sim, tmp_path, **told)


def function_in(call: Call) -> etree._Element:
    [function] = parsed(call.body).iter("function")
    return function


def said(sink: IntacctSink, item: Item) -> etree._Element:
    [call] = sink.encode([item])
    return function_in(call)[0]


# -- what is held back ------------------------------------------------------------

HELD: list[tuple[str, dict[str, Any], str]] = [
    ("journal_entry", {"lines": {"account": "1"}}, "has no account 1"),
    ("journal_entry", {"lines": {"account": "6950"}}, "is inactive"),
    ("journal_entry", {"lines": {"account": "6100"}}, "wants a department"),
    ("journal_entry", {"lines": {"side": "debit"}}, "debits are"),
    ("journal_entry", {"lines": {"dimensions": {"tax": "x"}}}, "has the tax x, which Sage Intacct does not take"),
    ("journal_entry", {"exchange_rate": "1.08512", "lines": {"amount": money(100, "EUR")}}, "more than four decimals"),
    ("invoice", {"total": money(1)}, "its total is 0.01 USD"),
    ("invoice", {"customer": None}, "has no customer"),
    ("invoice", {"tax": money(100), "total": money(2350)}, "by its lines it would be 0"),
    ("sales_order", {"lines": {"product": None, "service": "Storage"}}, "line 1 (Storage) names no item"),
    ("sales_order", {"lines": {"quantity": "3", "rate": None, "amount": money(1000)}, "total": None}, "no price times"),
    ("sales_order", {"tax": money(100), "total": money(2350)}, "which subtotal"),
    ("product", {"currency": "EUR", "price": "1"}, "prices of items are in USD"),
    ("customer", {"currency": "CHF"}, "which the connection does not name"),
    ("customer", {"name": "x" * 101}, "takes 100"),
]


@pytest.mark.parametrize(("entity", "more", "why"), HELD)
def test_what_sage_intacct_would_not_take_is_held_back(entity: str, more: Any, why: str, sinks: Sinks) -> None:
    """case_C16"""
    with sinks() as (sink, thing), pytest.raises(Rejected) as caught:
        sink.encode([thing(entity, **more)])
    assert why in caught.value.message
    assert caught.value.fix


def test_an_invoice_that_is_due_at_no_day_needs_a_term(sinks: Sinks) -> None:
    with sinks(term=None) as (sink, thing):
        with pytest.raises(Rejected, match="names no payment term"):
            sink.encode([thing()])
        for entity in ("invoice", "sales_order"):
            assert said(sink, thing(entity, due_date="2026-02-28")).findtext("datedue/day") == "28"


def test_lines_are_changed_by_number_and_added_and_never_fewer(sim: IntacctSimulator, sinks: Sinks) -> None:
    with sinks() as (sink, thing):
        item = thing()
        first = write(sink, [item])[item.stamp]
        step = msgspec.structs.replace(item, target=first.target, before=item.body, stamp=stamp_of("more"))
        step.body = {**item.body, "lines": [*item.body["lines"], item.body["lines"][1]], "total": money(4250)}
        answer = write(sink, [step])[step.stamp]
        assert (answer.fate, answer.facts) == ("updated", sink.facts(step))
        less = msgspec.structs.replace(step, body=item.body, before=step.body, stamp=stamp_of("less"))
        with pytest.raises(Rejected, match="takes no lines away"):
            sink.encode([less])
        old = thing("sales_order")
        renumbered = msgspec.structs.replace(old, target="x", before=old.body, body=old.body | {"number": "9"})
        with pytest.raises(Rejected, match="its number has changed"):
            sink.encode([renumbered])


# -- what is said ------------------------------------------------------------


def test_every_request_says_whether_it_is_unique_and_its_secrets_only_as_it_leaves(sinks: Sinks) -> None:
    """I14"""
    with sinks() as (sink, thing):
        item = thing()
        [write_call], [look] = sink.encode([item]), sink.ask([item])
        assert b"<uniqueid>true" in write_call.body and b"<uniqueid>false" in look.body  # noqa: PT018
        assert function_in(write_call).get("controlid") == item.stamp
        for call in (write_call, look):
            assert b"<senderid/><password/>" in call.body
            assert b"<authentication/>" in call.body


def test_what_invoices_become_is_set_by_company(sim: IntacctSimulator, sinks: Sinks) -> None:
    """b_003_11: an Order Entry definition, by the name that it has there."""
    with sinks(invoices="Sales Invoice", credits="Sales Credit Memo", tax_subtotal="Sales Tax") as (sink, thing):
        item, credit = thing(tax=money(100), total=money(2350)), thing("credit_memo")
        assert said(sink, item).findtext("transactiontype") == "Sales Invoice"
        told = write(sink, [item, credit])
        assert told[item.stamp].target == "Sales Invoice-N-1"
        assert told[item.stamp].facts == sink.facts(item)
        assert told[credit.stamp].target == "Sales Credit Memo-N-1"
        assert {one.code: one.debit - one.credit for one in sink.balances(None, DAY)} == {"1200": 100, "2200": -100}
        void = msgspec.structs.replace(item, action="void", target="Sales Invoice-N-1", stamp=stamp_of("v"))
        with pytest.raises(Rejected, match="taken back by another one"):
            sink.encode([void])


def test_tax_goes_on_lines_by_the_table_to_the_cent(sim: IntacctSimulator, sinks: Sinks) -> None:
    tables = {"tables/intacct-tax.csv": [{"rate": "20", "detail": "Standard"}]}
    with sinks(tables=tables) as (sink, thing):
        item = thing(lines={"tax_rate": "20"}, total=money(2701))
        entries = said(sink, item).iter("taxentry")
        assert [(one.findtext("detailid"), one.findtext("trx_tax")) for one in entries] == [
            ("Standard", "0.50"), ("Standard", "4.01"),
        ]  # fmt: skip
        answer = write(sink, [item])[item.stamp]
        assert answer.facts == sink.facts(item)
        with pytest.raises(Rejected, match="names no tax detail"):
            sink.encode([thing(lines={"tax_rate": "5"}, total=None)])


def test_a_price_is_the_sources_own_where_half_a_cent_is_rounded_up(sinks: Sinks) -> None:
    with sinks() as (sink, thing):
        for quantity in ("2.5", "4.5"):
            order = said(
                sink, thing("sales_order", lines={"quantity": quantity, "rate": "0.01", "amount": None}, total=None)
            )
            assert order.findtext("sotransitems/sotransitem/price") == "0.01"


def test_a_line_of_nothing_in_a_credit_memo_is_read_back_as_that(sinks: Sinks) -> None:
    with sinks() as (sink, thing):
        item = thing("credit_memo", lines={"amount": money(0), "rate": None}, total=money(0))
        assert write(sink, [item])[item.stamp].facts == sink.facts(item)


def test_only_what_says_so_is_taken_back(sim: IntacctSimulator, sinks: Sinks) -> None:
    with sinks() as (sink, thing):
        item = thing("credit_memo")
        item.target = write(sink, [item])[item.stamp].target
        sim.company.tables["ARADJUSTMENT"][str(item.target)]["STATE"] = ""
        assert [hit.facts for hit in ask(sink, [item])[item.stamp]] == [sink.facts(item)]


@pytest.mark.parametrize("entity", ["invoice", "sales_order", "journal_entry"])
def test_a_line_that_is_moved_out_of_its_department_is_in_none(entity: str, sinks: Sinks) -> None:
    with sinks() as (sink, thing):
        item = thing(entity, lines={"dimensions": {"department": "D1"}})
        first = write(sink, [item])[item.stamp]
        step = msgspec.structs.replace(thing(entity), target=first.target, before=item.body, stamp=stamp_of("moved"))
        for line in step.body["lines"]:
            line.pop("dimensions", None)
        assert write(sink, [step])[step.stamp].facts == sink.facts(step)


@pytest.mark.parametrize("form", ["ar", "Sales Invoice"])
def test_tax_that_is_no_longer_there_is_held_as_nothing_takes_it_away(form: str, sinks: Sinks) -> None:
    tables = {"tables/intacct-tax.csv": [{"rate": "20", "detail": "Standard"}]}
    with sinks(tables=tables, invoices=form, tax_subtotal="Sales Tax") as (sink, thing):
        taxed = thing(lines={"tax_rate": "20"}, total=money(2701)).body
        step = msgspec.structs.replace(thing(), target="1", before=taxed)
        with pytest.raises(Rejected, match="takes no tax away"):
            sink.encode([step])
        sink.encode([msgspec.structs.replace(step, body=taxed, before=thing().body)])


@pytest.mark.parametrize(("given", "id"), [("wherry", "C-7"), ("intacct", None)])
def test_a_customer_is_numbered_by_whom_the_connection_says(given: str, id: str | None, sinks: Sinks) -> None:
    with sinks(customer_ids=given) as (sink, thing):
        item = thing("customer", number="C-7", country="us", city="Ely")
        made = said(sink, item)
        assert made.findtext("CUSTOMER/CUSTOMERID") == id
        assert made.findtext("CUSTOMER/DISPLAYCONTACT/MAILADDRESS/ISOCOUNTRYCODE") == "US"
        answer = write(sink, [item])[item.stamp]
        assert (answer.fate, answer.target) == ("created", id or answer.target)
        assert [(hit.target, hit.ours) for hit in ask(sink, [item])[item.stamp]] == [(answer.target, True)]
        other = thing("customer", number="C-7", email="else@example.com")
        assert [(hit.ours, hit.alike) for hit in ask(sink, [other])[other.stamp]] == [(False, True)]


def test_a_name_is_a_text_to_a_question_whatever_stands_in_it(sim: IntacctSimulator, sinks: Sinks) -> None:
    """case_G15, case_F18, case_D5"""
    with sinks() as (sink, thing):
        item = thing("customer", name="O'Brien' or 1=1 <value>&amp;</value> \x00\ufffe")
        answer = write(sink, [item])[item.stamp]
        assert answer.facts == sink.facts(item)
        assert [hit.target for hit in ask(sink, [item])[item.stamp]] == [answer.target]
        placed = said(sink, thing(lines={"dimensions": {"department": "D & <1>\x01\ud800"}}))
        assert placed.findtext("invoiceitems/lineitem/departmentid") == "D & <1>"


# -- journals ------------------------------------------------------------


def test_a_journal_entry_is_posted_and_told_in_both_currencies(sim: IntacctSimulator, sinks: Sinks) -> None:
    """b_000_06: with its number, its rate, its dimensions, and in the trial balance."""
    with sinks() as (sink, thing):
        item = thing("journal_entry", exchange_rate="1.25", home="USD",
                     lines={"amount": money(1250, "EUR"), "dimensions": {"department": "D1"}})  # fmt: skip
        batch = said(sink, item).find("GLBATCH")
        assert batch is not None
        assert [batch.findtext(name) for name in ("JOURNAL", "BATCH_DATE", "REFERENCENO", "STATE")] == [
            "GJ", "01/05/2026", "N-1", "Posted",
        ]  # fmt: skip
        line = batch.find("ENTRIES/GLENTRY")
        assert line is not None
        assert {one.tag: one.text for one in line} == {
            "DOCUMENT": item.stamp, "ACCOUNTNO": "6000", "CURRENCY": "EUR", "EXCHANGE_RATE": "1.25",
            "TRX_AMOUNT": "12.50", "TR_TYPE": "1", "DEPARTMENT": "D1", "LOCATION": "100",
        }  # fmt: skip
        first = write(sink, [item])[item.stamp]
        assert first.facts == sink.facts(item)
        [entry] = sink.journal_entries(None, DAY)
        assert (entry.id, entry.number, entry.currency, entry.stamp) == (first.target, "N-1", "EUR", item.stamp)
        told = [(line.account, line.side, line.minor, line.home) for line in entry.lines]
        assert told == [("6000", "debit", 1250, 1563), ("4000", "credit", 1250, 1563)]
        for first_day in (None, dt.date(2026, 1, 5)):
            found = {one.code: one.debit - one.credit for one in sink.balances(first_day, DAY)}
            assert found == {"6000": 1563, "4000": -1563}
        assert sink.balances(dt.date(2026, 1, 6), DAY) == []


def test_a_draft_is_there_and_books_nothing(sinks: Sinks) -> None:
    with sinks(status="draft", check=False) as (sink, thing):
        assert sink.balances(None, DAY) == [], "the books can be read by whoever does not write"
        item = thing("journal_entry")
        assert write(sink, [item])[item.stamp].facts == sink.facts(item)
        assert [entry.lines for entry in sink.journal_entries(DAY.replace(day=1), DAY)] == [[]]
        assert said(sink, thing()).findtext("action") == "Draft"
        assert said(sink, thing("sales_order")).findtext("state") == "Draft"
        later = msgspec.structs.replace(item, target="1", before=item.body)
        assert said(sink, later).find("GLBATCH/STATE") is None, "whoever has posted it meanwhile is not overruled"


def test_a_journal_is_taken_back_by_another_that_stands_beside_it(sinks: Sinks) -> None:
    """b_000_15"""
    with sinks() as (sink, thing):
        item = thing("journal_entry")
        first = write(sink, [item])[item.stamp]
        void = msgspec.structs.replace(item, action="void", before=item.body, target=first.target, stamp=stamp_of("v"))
        answer = write(sink, [void])[void.stamp]
        assert (answer.fate, answer.target) == ("reversed", first.target)
        assert [entry.number for entry in sink.journal_entries(None, DAY)] == ["N-1", "N-1R"]
        assert sink.balances(None, DAY) == []
        anew = msgspec.structs.replace(item, stamp=stamp_of("anew"))
        assert ask(sink, [anew])[anew.stamp] == [], "what was taken back is not the same again"


# -- what is answered ------------------------------------------------------------


def failed(item: Item, number: str, words: str, status: str = "failure") -> bytes:
    error = {"errorno": number, "description": "", "description2": f"{words} [Support ID: x1]", "correction": ""}
    told = {
        "control": {"status": "success"},
        "operation": {
            "authentication": {"status": "success", "companyid": "acme-sandbox"},
            "result": {"status": status, "controlid": item.stamp, "errormessage": {"error": error}},
        },
    }
    return written(element("response", told))


@pytest.mark.parametrize(("number", "words", "fate", "code"), [
    ("BL01001973", "The customer is not valid", "refused", "BL01001973"),
    ("BL01001973", "The period is closed for 01/05/2026", "refused", "period closed"),
    ("BL01001973", "Account 1200 is closed for direct posting", "refused", "BL01001973"),
    ("BL34000061", "Another invoice with this number already exists", "unknown", ""),
    ("XL00000000", "This control ID was used before", "unknown", ""),
    ("GW-0010", "Rate limit reached", "queued", ""), ("XL03000006", "You have no permission", "refused", "XL03000006"),
])  # fmt: skip
def test_an_error_is_told_for_what_it_means_without_its_trace(
    number: str, words: str, fate: str, code: str, sinks: Sinks
) -> None:  # fmt: skip
    """case_A10, case_C12"""
    with sinks() as (sink, thing):
        item = thing()
        [call] = sink.encode([item])
        told = sink.decode(call, [item], Reply(status=200, body=failed(item, number, words)))[item.stamp]
        assert (told.fate, told.code) == (fate, code)
        assert "Support ID" not in told.reason
        assert told.fix or fate != "refused"
        aborted = Reply(status=200, body=failed(item, "XL03000009", "rolled back", "aborted"))
        assert sink.decode(call, [item], aborted)[item.stamp].fate == "queued"


def test_what_was_completed_before_is_refused_and_looked_up(sim: IntacctSimulator, sinks: Sinks) -> None:
    """case_A5: the same request arrives twice; the second is told what it is, and leads to the first."""
    with sinks() as (sink, thing):
        item = thing("journal_entry")
        [call] = sink.encode([item])
        for _ in range(2):
            answer = sink.decode(call, [item], sink.http.send(call))[item.stamp]
        assert (answer.fate, answer.after) == ("unknown", 0.0)
        [hit] = ask(sink, [item])[item.stamp]
        item.memo = hit.memo
        assert hit.ours
        assert write(sink, [item])[item.stamp].facts == sink.facts(item)
        assert len(sim.history.effects("GLBATCH.created")) == 1


def test_one_bad_record_among_many_is_refused_alone(sim: IntacctSimulator, sinks: Sinks) -> None:
    """case_A10"""
    with sinks() as (sink, thing):
        items = [thing("journal_entry"), thing(customer="nobody"), thing("sales_order")]
        calls = sink.encode(items)
        assert len(calls) == 1
        told = write(sink, items)
        assert [told[item.stamp].fate for item in items] == ["created", "refused", "created"]


def test_a_session_that_has_ended_is_opened_anew_once_and_nothing_is_done_twice(
    sim: IntacctSimulator, sinks: Sinks
) -> None:
    """What was turned away for its session was not executed."""
    with sinks() as (sink, thing):
        item = thing("journal_entry")
        sim.clock.advance(7300)
        before = len(sim.history.requests())
        [call] = sink.encode([item])
        answer = sink.decode(call, [item], sink.http.send(call))[item.stamp]
        assert answer.fate == "queued" and answer.target  # noqa: PT018
        assert [one.path for one in sim.history.requests()[before:]] == [CELL, f"/{envelope.PATH}", CELL]
        sim.company.id = "another"
        sim.forget()
        with pytest.raises(AccessLost, match="does not let this connection in"):
            sink.http.send(sink.encode([thing("sales_order")])[0])


def test_who_signs_in_wrongly_is_told_by_which_level(sim: IntacctSimulator, sinks: Sinks) -> None:
    for login, why in (
        (Login("other", "x", "gateway", "x"), "sender"),
        (Login("wherry", "x", "other", "x"), "let this"),
    ):
        sim.login = login
        with sinks(check=False) as (sink, _):
            if "let" in why:
                sim.login = msgspec.structs.replace(login, sender_password="kit-canary-7c1f3a9d2b")
            with pytest.raises(AccessLost, match=why) as caught:
                sink.check()
        assert caught.value.fix
        sim.company.tables["CUSTOMER"].clear()
        sim.company.tables["ITEM"].clear()


def test_who_is_shut_out_in_mid_run_is_told_so_and_what_was_to_be_written_has_not_left(
    sim: IntacctSimulator, sinks: Sinks
) -> None:  # fmt: skip
    with sinks() as (sink, thing):
        sim.login = Login("wherry", "another", "gateway", "x")
        with pytest.raises(AccessLost, match="sender"):
            sink.http.send(sink.encode([thing("journal_entry")])[0])


def test_what_is_not_let_be_read_back_stays_what_was_written(sim: IntacctSimulator, sinks: Sinks) -> None:
    """Put off it would get another stamp, and nobody would find it by that."""
    with sinks() as (sink, thing):
        item = msgspec.structs.replace(thing("journal_entry"), memo="read 1001")
        told = Reply(status=200, body=_dressed(503).body)
        assert sink.decode(sink.encode([item])[0], [item], told) == {}


def test_another_company_is_no_company_of_ours(sim: IntacctSimulator, sinks: Sinks) -> None:
    """I12"""
    with sinks(entity="200", check=False) as (sink, thing):
        with pytest.raises(ContractBroken):
            sink.encode([thing()])
        assert sink.check().id == "acme-sandbox/200"
        sim.company.id = "another"
        with pytest.raises(ConfigError, match="another"):
            sink.check()


@pytest.mark.parametrize(("status", "body", "error"), [
    (404, None, ConfigError), (429, None, TryAgain), (500, None, TryAgain), (200, b"<html/>", TryAgain),
    (200, b'<!DOCTYPE x [<!ENTITY a "b">]><response/>', TryAgain), (200, b"junk", TryAgain), (200, b"", TryAgain),
])  # fmt: skip
def test_what_is_no_answer_is_told_as_that(
    status: int, body: bytes | None, error: type[WherryError], sim: IntacctSimulator, sinks: Sinks
) -> None:  # fmt: skip
    """case_A9, case_F10"""
    with sinks() as (sink, thing):
        sim.faults.add("status", status=status, body=body or _dressed(status).body, times=99)
        with pytest.raises(error):
            sink.check()
        [call] = sink.encode([thing()])
        assert sink.decode(call, [thing()], Reply(status=status, body=body or b"")) == {}


def test_a_long_list_is_read_behind_its_last_number(sim: IntacctSimulator, sinks: Sinks) -> None:
    with sinks() as (sink, _):
        for n in range(2001):
            row = {"RECORDNO": str(5000 + n), "CUSTOMERID": f"L{n}", "NAME": f"L{n}", "STATUS": "active"}
            sim.company.tables["CUSTOMER"][row["RECORDNO"]] = row
        sim.company.tables["CUSTOMER"]["5000"]["STATUS"] = "inactive"
        assert len({one.id for one in sink.listing("customer")}) == 2001
        assert [(one.id.partition("/")[2], one.sku) for one in sink.listing("product")] == [("SLEEPER", "SLEEPER")]
        with pytest.raises(Rejected):
            list(sink.listing("invoice"))


# -- settings ------------------------------------------------------------


@pytest.mark.parametrize("more", [{"currency": ""}, {"currencies": ["XXZ"]}, {"company": ""}, {"batch": 101}])
def test_settings_that_can_mean_nothing_are_refused(more: Any) -> None:
    with pytest.raises(ValidationError):
        IntacctSettings.model_validate({**SETTINGS, **more})


def test_what_lines_sell_to_is_an_income_account(sinks: Sinks) -> None:
    with (
        sinks(sales_account="Rent", check=False) as (sink, _),
        pytest.raises(ConfigError, match="is no income account"),
    ):
        sink.check()
    assert IntacctSettings.model_validate(SETTINGS).url == "https://api.intacct.com"
