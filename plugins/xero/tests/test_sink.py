"""What the sink says to Xero, and what it makes of its answers."""

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
from wherry_xero.client import Client
from wherry_xero.settings import XeroSettings
from wherry_xero.simulator import App, XeroSimulator
from wherry_xero.sink import XeroSink
from wherry_xero.texts import day

Thing = Callable[..., Item]
SETTINGS: dict[str, Any] = {"auth": {"kind": "token", "token": {"env": "BOOKS_TOKEN"}}}


@contextmanager
def sink_of(
    sim: XeroSimulator, folder: Path, *, tables: dict[str, Any] | None = None, check: bool = True, **settings: Any
) -> Iterator[tuple[XeroSink, Thing]]:  # fmt: skip
    """The sink of an organisation that has a contact and an item, and what makes things for it."""
    if not sim.org.records["Contacts"]:
        sim.write("Contacts", {"Name": "Acme Rail"})
        sim.write("Items", {"Code": "SLEEPER", "SalesDetails": {"UnitPrice": 7, "AccountCode": "200"}})
    [customer], [item] = sim.org.records["Contacts"], sim.org.records["Items"].values()

    def thing(entity: str = "invoice", currency: str = "USD", **more: Any) -> Item:
        body: dict[str, Any] = {
            "name": "Oak",
            "number": "C-1",
            "phone": "020 7946",
            "street": "1 Dock",
            "country": "GB",
        }
        worth = {"minor": 1250, "currency": currency}
        if entity == "product":
            body = {"name": "Oak", "sku": "OAK-1", "price": "12.50"}
        elif entity == "journal_entry":
            sides = (("debit", "469"), ("credit", "200"))
            lines = [{"account": account, "side": side, "amount": worth} for side, account in sides]
            body = {"number": "J-1", "date": "2026-01-31", "memo": "January", "lines": lines}
        elif entity != "customer":
            lines = [{"product": f"{item['ItemID']}/SLEEPER", "quantity": "1", "rate": "12.50"}]
            body = {"number": "I-1", "date": "2026-01-31", "due_date": "2026-02-28", "customer": customer}
            body |= {"lines": lines, "total": worth}
        return Item(entity=entity, key="id:1", body=body | more, stamp=stamp_of(f"{entity} 1"))

    with serve(sim.app()) as url, services(folder, clock=SharedClock(sim.clock)) as core:
        core = msgspec.structs.replace(core, table=lambda path: (tables or {}).get(path, []))
        told = XeroSettings.model_validate({**SETTINGS, "base_url": url, **settings})
        sink = XeroSink(Client(core, told), told, core)
        if check:
            sink.check()
        yield sink, thing


Sinks = Callable[..., Any]


@pytest.fixture
def sinks(sim: XeroSimulator, tmp_path: Path) -> Sinks:
    return lambda **told: sink_of(sim, tmp_path, **told)


def body_of(sink: XeroSink, item: Item) -> dict[str, Any]:
    [call] = sink.encode([item])
    [[body]] = json.loads(call.body).values()
    return dict(body)


def lines(**more: Any) -> Callable[[Item], None]:
    return lambda item: item.body["lines"][0].update(more)


HELD: list[tuple[str, Callable[[Item], Any], str]] = [
    ("journal_entry", lines(account="1"), "has no account 1"),
    ("journal_entry", lines(account="470"), "is archived"),
    ("journal_entry", lines(account="610"), "takes no manual journals: set clearing on the flow"),
    ("journal_entry", lines(account="090"), "takes no manual journals"),
    ("journal_entry", lines(amount={"minor": 1, "currency": "USD"}), "debits are 0.01 and credits 12.50 USD"),
    ("journal_entry", lines(amount={"minor": 1250, "currency": "EUR"}), "line 1 is in EUR, and entries are in USD"),
    ("journal_entry", lines(dimensions={"tax": "x"}), "has no tracking category for that"),
    ("journal_entry", lines(dimensions={"region": "Old North"}), "no active option of Region"),
    ("invoice", lambda item: item.body.update(total={"minor": 1, "currency": "USD"}), "its total is 0.01 USD"),
    ("invoice", lambda item: item.body.update(tax={"minor": 0, "currency": "EUR"}), "in EUR and USD"),
    ("invoice", lambda item: item.body.update(tax={"minor": 5, "currency": "USD"}), "at which rate"),
    ("invoice", lambda item: item.body.update(customer=None), "has no customer"),
    ("invoice", lambda item: item.body.update(number="9" * 256), "Xero takes 255"),
    ("invoice", lines(product=None), "names no item"),
    ("invoice", lines(rate=None), "neither an amount nor a rate"),
    ("invoice", lines(quantity="0", amount={"minor": 1250, "currency": "USD"}), "at a quantity of nothing"),
    ("invoice", lines(tax_rate="0.07"), "no tax rate for sales"),
    ("product", lambda item: item.body.update(currency="EUR"), "prices of items are in USD"),
    ("customer", lambda item: item.body.update(currency="CHF"), "does not use"),
    ("customer", lambda item: item.body.update(phone="0" * 51), "Xero takes 50"),
    ("customer", lambda item: setattr(item, "action", "void"), "are not taken back"),
    ("customer", lambda item: setattr(item, "memo", "taken"), "has its name or number already"),
]  # fmt: skip


@pytest.mark.parametrize(("entity", "spoil", "why"), HELD)
def test_what_xero_would_not_take_is_held_back(entity: str, spoil: Any, why: str, sinks: Sinks) -> None:
    """case_C16, case_C1"""
    with sinks() as (sink, thing):
        item = thing(entity)
        spoil(item)
        with pytest.raises(Rejected) as caught:
            sink.encode([item])
    assert why in caught.value.message
    assert caught.value.fix


def test_journals_are_posted_many_in_one_call(sim: XeroSimulator, sinks: Sinks) -> None:
    """b_000_07, b_000_03: and what they book is told by the trial balance, also over the end of a year."""
    with sinks() as (sink, thing):
        days = ("2025-12-31", "2026-01-31", "2026-02-28")
        items = [msgspec.structs.replace(thing("journal_entry", number=f"J-{n}", date=day), stamp=stamp_of(f"{n}"))
                 for n, day in enumerate(days)]  # fmt: skip
        [call] = sink.encode(items)
        assert {answer.fate for answer in write(sink, items).values()} == {"created"}
        assert [one["Status"] for one in json.loads(call.body)["ManualJournals"]] == ["POSTED"] * 3
        first, last = dt.date(2025, 12, 1), dt.date(2026, 2, 28)
        moved = [(one.code, one.debit, one.credit) for one in sink.balances(first, last)]
        assert moved == [("200", 0, 3750), ("469", 3750, 0)]
        stand = [(one.code, one.debit, one.credit) for one in sink.balances(None, last)]
        assert stand == [("200", 0, 2500), ("469", 2500, 0)], "a year begins with income and expense at nothing"
        told = [(one.number, one.date, one.stamp, len(one.lines)) for one in sink.journal_entries(first, last)]
        assert told == [(f"J-{n}", dt.date.fromisoformat(day), items[n].stamp, 2) for n, day in enumerate(days)]


def test_the_books_can_be_read_by_whoever_does_not_write(sinks: Sinks) -> None:
    """The trial balance is asked for before anything was looked at: that is done then."""
    with sinks(check=False) as (sink, _):
        assert sink.balances(None, dt.date(2026, 1, 31)) == []


def test_an_entry_in_another_currency_goes_by_its_home_amounts(sinks: Sinks) -> None:
    """With what rounding left as a line of its own."""
    with sinks() as (sink, thing):
        item = thing("journal_entry", currency="EUR", exchange_rate="1.085", home="USD")
        for line, home in zip(item.body["lines"], (1357, 1356), strict=True):
            line["home"] = {"minor": home, "currency": "USD"}
        item.body |= {"rounding": {"minor": -1, "currency": "USD"}, "rounding_account": "425"}
        assert [line["LineAmount"] for line in body_of(sink, item)["JournalLines"]] == [13.57, -13.56, -0.01]


def test_a_journal_of_an_organisation_with_three_decimals_is_held(tmp_path: Path) -> None:
    """Xero would cut each line to two."""
    with (
        sink_of(XeroSimulator(currency="KWD"), tmp_path) as (sink, thing),
        pytest.raises(Rejected, match="two decimals"),
    ):
        sink.encode([thing("journal_entry", currency="KWD")])


def test_a_locked_date_is_told_before_anything_is_sent_and_after(sim: XeroSimulator, sinks: Sinks) -> None:
    """case_C12"""
    with sinks() as (sink, thing):
        item = thing()
        assert sink.closed_until() is None
        [call] = sink.encode([item])
        sim.close("2026-01-31")
        answer = sink.decode(call, [item], sink.http.send(call))[item.stamp]
        assert (answer.fate, answer.field, answer.code) == ("refused", "date", "period closed")
        sink.check()
        assert sink.closed_until() == dt.date(2026, 1, 31)
        with pytest.raises(Rejected, match="locked up to 2026-01-31"):
            sink.encode([item])


# -- amounts and tax ------------------------------------------------------------


def test_a_unit_price_goes_along_where_nothing_is_rounded(sinks: Sinks) -> None:
    """case_C4: 4 decimals are kept; with more, or where a source rounded otherwise, the amount stands."""
    with sinks() as (sink, thing):
        for rate, amount, unit in (("1.2345", 12345, 1.2345), ("1.23456", 12346, None), ("1.2345", 12346, None)):
            item = thing(total=None)
            item.body["lines"][0] |= {"quantity": "100", "rate": rate, "amount": {"minor": amount, "currency": "USD"}}
            made = body_of(sink, item)["LineItems"][0]
            assert (made.get("UnitAmount"), made["LineAmount"]) == (unit, amount / 100)
        written = write(sink, [item])[item.stamp]
        assert (written.fate, written.facts) == ("created", sink.facts(item))


@pytest.mark.parametrize(("told", "taxes"), [
    ({}, [2.29, 2.29, 2.29]), ({"total": 4118}, [2.28, 2.29, 2.29]), ({"tax": 687, "total": 4119}, [2.29] * 3),
])  # fmt: skip
def test_tax_comes_to_what_the_source_says(told: dict[str, int], taxes: list[float], sinks: Sinks) -> None:
    """case_C3: three lines of 11.44 at 20 % are 6.87 line by line, and 6.86 on the whole."""
    tables = {"tables/xero-tax.csv": [{"rate": "20 %", "type": "OUTPUT2"}, {"rate": "", "type": "NONE"}]}
    with sinks(tables=tables) as (sink, thing):
        item = thing(**{"total": None, **{name: {"minor": n, "currency": "USD"} for name, n in told.items()}})
        item.body["lines"] = [
            {**item.body["lines"][0], "rate": "11.44", "tax_rate": "20", **({"tax": {"minor": 229, "currency": "USD"}}
             if not told else {})}
            for _ in range(3)
        ]  # fmt: skip
        made = body_of(sink, item)
        assert [line["TaxAmount"] for line in made["LineItems"]] == taxes
        assert {line["TaxType"] for line in made["LineItems"]} == {"OUTPUT2"}
        answer = write(sink, [item])[item.stamp]
        assert (answer.fate, answer.facts) == ("created", sink.facts(item))
        item.body |= {"tax": {"minor": 900, "currency": "USD"}, "total": None}
        with pytest.raises(Rejected, match=r"its tax is 9\.00 USD, and by its lines it would be 6\.8"):
            sink.encode([item])


def test_a_rate_that_xero_has_once_needs_no_table_and_one_it_has_twice_does(sinks: Sinks) -> None:
    with sinks() as (sink, thing):
        item = thing(total=None)
        item.body["lines"][0]["tax_rate"] = "5"
        assert body_of(sink, item)["LineItems"][0]["TaxType"] == "RROUTPUT"
        item.body["lines"][0]["tax_rate"] = "0"
        with pytest.raises(Rejected, match="NONE, ZERORATEDOUTPUT"):
            sink.encode([item])
        item.body["lines"].append({**item.body["lines"][0], "tax_rate": None})
        item.body["lines"][0]["tax_rate"] = "5"
        with pytest.raises(Rejected, match="while others have one"):
            sink.encode([item])


# -- what is said ------------------------------------------------------------


def test_a_line_without_an_item_goes_by_its_words_and_the_account_of_sales(sinks: Sinks) -> None:
    with sinks(sales_account="Other Revenue", tracking={"class": "Region"}) as (sink, thing):
        item = thing()
        item.body["lines"][0] |= {"product": None, "service": "Storage", "dimensions": {"class": "north"}}
        made = body_of(sink, item)["LineItems"][0]
        assert (made["AccountCode"], made["Description"]) == ("260", "Storage")
        assert made["Tracking"] == [{"Name": "Region", "Option": "North"}]
        assert sink.misplaced("class", "West")[0]
        written = write(sink, [item])[item.stamp]
        assert (written.fate, written.facts) == ("created", sink.facts(item))


def test_drafts_wait_in_xero_and_are_taken_back_as_such(sim: XeroSimulator, sinks: Sinks) -> None:
    with sinks(status="draft") as (sink, thing):
        for n, item in enumerate((thing(), thing("journal_entry"))):
            first = write(sink, [item])[item.stamp]
            void = msgspec.structs.replace(
                item, action="void", before=item.body, target=first.target, stamp=stamp_of(f"v{n}")
            )
            assert sink.balances(None, dt.date(2026, 12, 31)) == []
            # It is there, or somebody would be told that it was deleted, and have it written once more.
            assert [list(one.lines) for one in sink.journal_entries(None, dt.date(2026, 12, 31))] == [[]] * n
            assert write(sink, [void])[void.stamp].fate == "reversed"
            assert [hit.facts for hit in ask(sink, [void])[void.stamp]] == [sink.facts(void)]
        held = [[one["Status"] for one in sim.org.records[name].values()] for name in ("Invoices", "ManualJournals")]
        assert held == [["DELETED"], ["DRAFT", "DRAFT"]]


def test_a_journal_is_taken_back_by_another_that_stands_beside_it(sim: XeroSimulator, sinks: Sinks) -> None:
    """b_000_15"""
    with sinks() as (sink, thing):
        item = thing("journal_entry")
        target = write(sink, [item])[item.stamp].target
        void = msgspec.structs.replace(item, action="void", before=item.body, target=target, stamp=stamp_of("v"))
        assert [hit.ours for hit in ask(sink, [void])[void.stamp]] == [False]
        answer = write(sink, [void])[void.stamp]
        assert (answer.fate, answer.target) == ("reversed", target)
        assert [(hit.ours, hit.facts) for hit in ask(sink, [void])[void.stamp]] == [(True, sink.facts(void))]
        day_one = dt.date(2026, 1, 31)
        told = [(one.number, one.stamp, len(one.lines)) for one in sink.journal_entries(None, day_one)]
        assert told == [("J-1", item.stamp, 2), ("J-1R", void.stamp, 2)]
        assert sink.balances(None, day_one) == []


def test_a_draft_that_somebody_approved_is_voided_and_the_first_refusal_is_told(
    sim: XeroSimulator, sinks: Sinks
) -> None:
    with sinks(status="draft") as (sink, thing):
        item = thing()
        target = write(sink, [item])[item.stamp].target
        sim.write("Invoices", {"Status": "AUTHORISED"}, target)
        void = msgspec.structs.replace(item, action="void", before=item.body, target=target, stamp=stamp_of("v"))
        first = write(sink, [void])[void.stamp]
        assert (first.fate, first.after) == ("queued", 0.0)
        again = msgspec.structs.replace(void, memo=first.memo)
        assert write(sink, [again])[void.stamp].fate == "reversed"
        again.stamp = stamp_of("w")
        assert "cannot become DELETED" in write(sink, [again])[again.stamp].reason


def test_a_due_date_that_is_taken_back_becomes_the_date(sinks: Sinks) -> None:
    with sinks() as (sink, thing):
        item = thing()
        first = write(sink, [item])[item.stamp]
        body = {name: value for name, value in item.body.items() if name != "due_date"}
        step = msgspec.structs.replace(item, body=body, before=item.body, target=first.target, stamp=stamp_of("due"))
        made = body_of(sink, step)
        assert (made["DueDate"], "LineItems" in made, "Status" in made) == ("2026-01-31", False, False)
        assert write(sink, [step])[step.stamp].facts == sink.facts(step)


def test_two_of_one_name_never_share_a_call_and_codes_that_are_too_long_stay_their_own(sinks: Sinks) -> None:
    with sinks() as (sink, thing):
        long = "x" * 31
        items = [
            msgspec.structs.replace(thing("product", sku=sku), stamp=stamp_of(sku))
            for sku in (long, f"{long}1", "A", "a")
        ]
        calls = sink.encode(items)
        assert [len(call.items) for call in calls] == [3, 1]
        codes = [one["Code"] for call in calls for one in json.loads(call.body)["Items"]]
        assert len(set(codes)) == 4
        assert max(map(len, codes)) == 30


def test_contacts_are_matched_by_number_and_name_and_items_by_code(sim: XeroSimulator, sinks: Sinks) -> None:
    with sinks() as (sink, thing):
        sim.write("Contacts", {"Name": "North", "ContactNumber": "CRM-7"})
        sim.write("Contacts", {"Name": "Gone", "ContactStatus": "ARCHIVED"})
        write(sink, [thing("customer")])
        assert {one.name: one.number for one in sink.listing("customer")} == {
            "Acme Rail": "",
            "North": "CRM-7",
            "Oak": "C-1",
        }
        [item] = sink.listing("product")
        assert (item.id.endswith("/SLEEPER"), item.name, item.sku) == (True, "SLEEPER", "SLEEPER")
        with pytest.raises(Rejected):
            sink.listing("invoice")


def test_a_long_list_is_read_page_by_page_and_each_once(sim: XeroSimulator, sinks: Sinks) -> None:
    with sinks() as (sink, _):
        for n in range(1001):
            sim.write("Contacts", {"Name": f"C{n}"})
        listed = sink.listing("customer")
        first = next(listed)
        sim.write("Contacts", {"ContactStatus": "ARCHIVED"}, first.id)
        assert len(list(listed)) == 1001, "what is archived meanwhile moves nobody to a page that was read already"
        assert first.id not in [one.id for one in sink.listing("customer")]


def test_a_name_with_quotation_marks_is_looked_for_by_its_key_alone(sinks: Sinks) -> None:
    """case_G15, case_D8"""
    with sinks() as (sink, thing):
        item = thing("customer", name='Oak" OR Name!="')
        [call] = sink.ask([item])
        assert call.params["where"] == f'ContactNumber=="{item.stamp}"'
        first = write(sink, [item])[item.stamp]
        assert [(hit.target, hit.ours) for hit in ask(sink, [item])[item.stamp]] == [(first.target, True)]


def test_a_credit_note_is_found_whatever_its_memo_says_even_among_others(sinks: Sinks) -> None:
    """case_D8: what it is asked for by is in its reference, and another's question would have hidden it."""
    with sinks() as (sink, thing):
        item = thing("credit_memo", number=None, memo='the 3\\4" board')
        other = msgspec.structs.replace(thing("credit_memo"), stamp=stamp_of("other"))
        first = write(sink, [item])[item.stamp]
        assert first.facts == sink.facts(item)
        assert [hit.target for hit in ask(sink, [item, other])[item.stamp]] == [first.target]


def test_a_question_never_makes_an_address_too_long(sinks: Sinks) -> None:
    with sinks() as (sink, thing):
        items = [msgspec.structs.replace(thing("credit_memo", number=f"C-{n}", memo="x" * 300), stamp=stamp_of(str(n)))
                 for n in range(8)]  # fmt: skip
        entry = thing("journal_entry", memo="x" * 5000)
        calls = sink.ask([*items, entry])
        assert [len(call.items) for call in calls] == [4, 4, 1]
        assert "Narration" not in calls[-1].params["where"]
        first = write(sink, [items[0]])[items[0].stamp]
        assert [(hit.target, hit.ours) for hit in ask(sink, items)[items[0].stamp]] == [(first.target, True)]


# -- what is answered ------------------------------------------------------------


def refusal(words: str) -> bytes:
    told = {"ErrorNumber": 10, "Type": "ValidationException", "Message": "A validation exception occurred"}
    return msgspec.json.encode({**told, "Elements": [{"ValidationErrors": [{"Message": words}]}]})


@pytest.mark.parametrize(("status", "body", "fate"), [
    (400, refusal("The contact could not be found."), "refused"),
    (400, refusal("Invoice # must be unique."), "unknown"),
    (400, refusal("The document date is before the lock date"), "refused"), (429, b"", "queued"),
    (401, refusal("x"), ""), (403, refusal("x"), ""), (404, refusal("x"), ""), (500, refusal("x"), ""), (503, b"", ""),
    (400, b"<html>", ""), (200, b'{"Invoices": [{"InvoiceID": "1", "ValidationErrors": [{"Message": "odd"}]}]}', ""),
])  # fmt: skip
def test_an_answer_is_told_for_what_it_means(status: int, body: bytes, fate: str, sinks: Sinks) -> None:
    with sinks() as (sink, thing):
        item = thing()
        [call] = sink.encode([item])
        headers = {"retry-after": "7", "x-rate-limit-problem": "minute"}
        answer = sink.decode(call, [item], Reply(status=status, body=body, headers=headers)).get(item.stamp)
    assert (answer.fate if answer else "") == fate
    if answer and fate == "refused":
        assert answer.reason and answer.fix  # noqa: PT018
    if answer and fate == "queued":
        assert (answer.after, answer.reason) == (7.0, "Xero takes no more calls a minute")


def test_of_a_call_that_is_refused_as_a_whole_each_goes_by_itself(sinks: Sinks) -> None:
    with sinks() as (sink, thing):
        items = [thing(), msgspec.structs.replace(thing(number="I-2"), stamp=stamp_of("2"))]
        [call] = sink.encode(items)
        told = sink.decode(call, items, Reply(status=400, body=refusal("JSON for post data was invalid")))
        assert {(answer.fate, answer.after) for answer in told.values()} == {("queued", 0.0)}
        for item in items:
            item.memo = told[item.stamp].memo
        assert [len(call.items) for call in sink.encode(items)] == [1, 1]


def test_one_bad_element_leaves_the_others_done(sinks: Sinks) -> None:
    with sinks() as (sink, thing):
        items = [thing(), msgspec.structs.replace(thing(number="I-2", customer="nobody"), stamp=stamp_of("2"))]
        told = write(sink, items)
        assert [told[item.stamp].fate for item in items] == ["created", "refused"]
        assert told[items[1].stamp].field == "customer"


def test_what_was_sent_is_found_although_the_connections_link_is_another_since(
    sim: XeroSimulator, sinks: Sinks
) -> None:
    """An invoice that Xero numbers itself was looked for by its whole link alone, and would have been sent twice."""
    with sinks() as (sink, thing):
        sent = thing(number="")
        write(sink, [sent])
        write(sink, [thing(number="I-2")])
    sent.sent = True
    with sinks(link="https://new.example/documents") as (sink, _):
        [hit] = ask(sink, [sent])[sent.stamp]
        assert (hit.ours, hit.facts) == (True, sink.facts(sent))


def test_a_journal_left_as_a_draft_is_told_as_that_where_journals_are_posted(sinks: Sinks) -> None:
    """What takes it back would be booked, and it is not: the core shows a person what differs."""
    with sinks(status="draft") as (sink, thing):
        entry = thing("journal_entry")
        entry.target = write(sink, [entry])[entry.stamp].target
        assert ask(sink, [entry])[entry.stamp][0].facts == sink.facts(entry)
    with sinks() as (sink, _):
        assert ask(sink, [entry])[entry.stamp][0].facts == {**sink.facts(entry), "state": "draft"}


def test_what_was_sent_is_told_on_a_day_of_more_than_a_hundred_invoices(sim: XeroSimulator, sinks: Sinks) -> None:
    """One that Xero numbers itself is looked for by its day, too: a page of a hundred hid it, and it was left open."""
    with sinks() as (sink, thing):
        for _ in range(100):
            line = {"Description": "Oak", "AccountCode": "200", "UnitAmount": 1}
            whom = {"ContactID": thing().body["customer"]}
            sim.write("Invoices", {"Type": "ACCREC", "Contact": whom, "Date": "2026-01-31", "LineItems": [line]})
        sent = thing(number="")
        write(sink, [sent])
        sent.sent = True
        [hit] = ask(sink, [sent])[sent.stamp]
        assert hit.ours
        [call] = sink.ask([sent])
        short = msgspec.structs.replace(call, params={**call.params, "pageSize": "100"})
        assert sink.found(call, [sent], sink.http.send(short)) == {}, (
            "a page may hide it that is shorter than asked for"
        )


def test_a_journal_is_taken_back_and_looked_for_by_what_was_written_last(sinks: Sinks) -> None:
    """A document that became one of another kind is taken back without a body (``runs.merging``)."""
    with sinks() as (sink, thing):
        entry = thing("journal_entry", number="")
        target = write(sink, [entry])[entry.stamp].target
        told = {"body": {}, "before": entry.body, "target": target, "stamp": stamp_of("back")}
        back = msgspec.structs.replace(entry, action="void", **told)
        for state in ("stands", "taken back"):
            [hit] = ask(sink, [back])[back.stamp]
            assert hit.facts["state"] == state
            write(sink, [back])


def test_a_journal_that_was_taken_back_is_known_although_the_link_is_another_since(sinks: Sinks) -> None:
    with sinks() as (sink, thing):
        entry = thing("journal_entry")
        made = write(sink, [entry])[entry.stamp]
        back = Item(**{**msgspec.structs.asdict(entry), "action": "void", "target": made.target, "before": entry.body})
        back.stamp, back.body = stamp_of("back"), {"date": "2026-01-31"}
        write(sink, [back])
    with sinks(link="https://new.example/documents") as (sink, _):
        [hit] = ask(sink, [back])[back.stamp]
        assert (hit.ours, hit.facts["state"]) == (True, "taken back")


def test_a_name_that_is_taken_is_looked_at_and_then_held(sim: XeroSimulator, sinks: Sinks) -> None:
    with sinks() as (sink, thing):
        sim.write("Contacts", {"Name": "OAK"})
        item = thing("customer")
        answer = write(sink, [item])[item.stamp]
        assert (answer.fate, answer.after) == ("unknown", 0.0)
        item.memo = answer.memo
        with pytest.raises(Rejected, match="has its name"):
            sink.encode([item])


@pytest.mark.parametrize(("status", "error"), [
    (401, AccessLost), (403, AccessLost), (400, Rejected), (404, ConfigError), (429, TryAgain), (503, TryAgain),
])  # fmt: skip
def test_a_question_that_is_refused_says_what_to_do(
    status: int, error: type[WherryError], sim: XeroSimulator, sinks: Sinks
) -> None:  # fmt: skip
    with sinks(check=False) as (sink, _):
        sim.faults.add("status", path="Organisation", status=status, times=99, headers={"retry-after": "1"})
        with pytest.raises(error) as caught:
            sink.check()
    assert caught.value.fix


@pytest.mark.parametrize(("resource", "body"), [
    ("Organisation", {"Organisations": []}), ("Accounts", {"Accounts": [5]}), ("Currencies", {}),
])  # fmt: skip
def test_an_answer_that_makes_no_sense_is_none(resource: str, body: Any, sim: XeroSimulator, sinks: Sinks) -> None:
    with sinks(check=False) as (sink, _):
        sim.faults.add("status", path=resource, status=200, body=body, times=99)
        with pytest.raises(TryAgain):
            sink.check()


# -- whose books, and settings ------------------------------------------------------------


def test_a_sign_in_that_reaches_several_organisations_has_to_say_which(tmp_path: Path) -> None:
    """I12: every call names the organisation, and nothing is written before it was looked at."""
    sim = XeroSimulator(tenants=("North", "South"), currency="USD")
    with sink_of(sim, tmp_path, check=False) as (sink, thing):
        with pytest.raises(ContractBroken):
            sink.encode([thing()])
        with pytest.raises(ConfigError, match="2 organisations") as caught:
            sink.check()
        south = list(sim.orgs)[1]
        assert f'"{south}" (South)' in caught.value.fix
    with sink_of(sim, tmp_path, tenant=south) as (sink, thing):
        assert sink.check().name == "South"
        [call] = sink.encode([thing("journal_entry")])
        assert call.headers["xero-tenant-id"] == south


def test_limits_are_those_of_xero(sim: XeroSimulator, sinks: Sinks) -> None:
    """case_E7: 60 calls a minute; what is used by others shows in the headers."""
    sim.limits = "real"
    with sinks() as (sink, _):
        began = sim.clock.now()
        for _ in range(70):
            list(sink.accounts())
        assert sim.clock.now() - began >= 60
        assert sim.history.stats()["too_many"] == 0


@pytest.mark.parametrize(("settings", "tables", "why"), [
    ({"sales_account": "Rent"}, {}, "no income account"),
    ({"tracking": {"class": "Colour"}}, {}, "no active tracking"),
    ({}, {"rate": "20", "type": "INPUT2"}, "INPUT2"), ({}, {"rate": "a fifth", "type": "OUTPUT2"}, "line 2"),
])  # fmt: skip
def test_settings_that_the_organisation_does_not_fit_are_told(
    settings: Any, tables: Any, why: str, sinks: Sinks
) -> None:
    rows = {"tables/xero-tax.csv": [tables]} if tables else {}
    with sinks(check=False, tables=rows, **settings) as (sink, _), pytest.raises(ConfigError, match=why):
        sink.check()


@pytest.mark.parametrize("link", ["somewhere", 'https://example.com/"'])
def test_a_link_is_a_web_address_that_can_be_asked_for(link: str) -> None:
    with pytest.raises(ValidationError):
        XeroSettings.model_validate({**SETTINGS, "link": link})


def test_a_custom_connection_needs_no_tenant(tmp_path: Path) -> None:
    sim = XeroSimulator(currency="USD", app=App("abc", "x", custom=True), tokens={"canary"})
    auth = {"kind": "client", "client_id": "abc", "client_secret": {"env": "BOOKS_TOKEN"}}
    sim.oauth.open = True
    with sink_of(sim, tmp_path, auth=auth) as (sink, _):
        assert sink.check().name == "Demo Company (UK)"
    assert sim.history.requests("connections") == []


def test_dates_of_xero_are_read_in_both_forms() -> None:
    """I11"""
    assert day("/Date(1552521600000+0000)/") == day("/Date(1552521600000+1300)/") == day("2019-03-14T00:00:00")
    assert day("/Date(-1)/") == dt.date(1969, 12, 31)
    assert day("/Date(1455447600000+1300)/") == dt.date(2016, 2, 15)
    assert day("/Date(1455447600000+9900)/") is day("soon") is None
