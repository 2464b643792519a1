"""Sales documents and journal entries: tax, currency, totals, numbers, and facts that compare equal."""

from __future__ import annotations

import importlib.util
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from wherry import money
from wherry.errors import ConfigError, Rejected

_spec = importlib.util.spec_from_file_location("quickbooks_sink_bench", Path(__file__).with_name("test_sink.py"))
assert _spec is not None
assert _spec.loader is not None
_bench = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_bench)
item, update, gbp, made, bench = _bench.item, _bench.update, _bench.gbp, _bench.made, _bench.bench

UK = [{"rate": "20", "code": "20.0% S"}, {"rate": "5.00%", "code": "3"}, {"rate": "0", "code": "4"}]


def usd(minor: int) -> dict[str, Any]:
    return {"minor": minor, "currency": "USD"}


def line(product: str, minor: int, **more: Any) -> dict[str, Any]:
    return {"product": product, "amount": gbp(minor), "rate": money.text(minor, "GBP"), **more}


def held_for(bench: Any, one: Any) -> Rejected:
    """The reason why an item is held; nothing was sent."""
    before = len(bench.sim.history.requests())
    with pytest.raises(Rejected) as caught:
        bench.send(one)
    assert len(bench.sim.history.requests()) == before
    assert caught.value.where["item"] == one.stamp
    assert caught.value.fix
    return caught.value


# -- tax --------------------------------------------------------------------------------------------------------------


def test_vat_rates_go_as_the_codes_of_the_table_and_the_total_comes_back_as_ours(made: Any) -> None:
    bench = made(UK, {"tax": "uk"})
    what = bench.product()
    lines = [line(what, 1000, tax_rate="20"), line(what, 500, tax_rate="5.0"), line(what, 300, tax_rate="0")]
    body = bench.invoice(lines=lines, total=gbp(2025), tax=gbp(225))
    bench.written(item("invoice", body))
    kept = bench.held("Invoice")
    told = [one["SalesItemLineDetail"]["TaxCodeRef"]["value"] for one in kept["Line"][:3]]
    assert (told, kept["TotalAmt"], kept["GlobalTaxCalculation"]) == (["2", "3", "4"], Decimal("20.25"), "TaxExcluded")


def test_a_rate_that_the_table_lacks_holds_the_record_and_names_rate_and_table(made: Any) -> None:
    bench = made(UK, {"tax": "uk"}, tax_table="tables/vat.csv")
    body = bench.invoice()
    body["lines"][0]["tax_rate"] = "17.5"
    error = held_for(bench, item("invoice", body))
    assert (error.code, error.where["field"]) == ("WHERRY-4735", "lines[0].tax_rate")
    assert "17.5" in error.message
    assert "tables/vat.csv" in error.message


def test_without_any_rate_nothing_is_said_of_tax(made: Any) -> None:
    bench = made(UK, {"tax": "uk"})
    bench.written(item("invoice", bench.invoice()))
    assert bench.held("Invoice")["GlobalTaxCalculation"] == "NotApplicable"


def test_a_line_without_a_rate_among_others_takes_the_row_without_one(made: Any) -> None:
    bench = made(UK, {"tax": "uk"})
    what = bench.product()
    body = bench.invoice(lines=[line(what, 1000, tax_rate="20"), line(what, 100)])
    assert "no tax rate while others have one" in held_for(bench, item("invoice", body)).message
    bench = made([*UK, {"rate": "", "code": "No VAT"}], {"tax": "uk"})
    what = bench.product()
    bench.written(item("invoice", bench.invoice(lines=[line(what, 1000, tax_rate="20"), line(what, 100)])))
    assert bench.held("Invoice")["TotalAmt"] == Decimal("13")


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([{"rate": "20", "code": "standard"}], "the code 'standard' is no tax code of QuickBooks"),
        ([{"rate": "a lot", "code": "2"}], "'a lot' is no number"),
        ([{"rate": "20", "code": "2"}, {"rate": "20.0", "code": "3"}], "two codes"),
    ],
)
def test_a_table_that_cannot_be_right_stops_the_flow_and_names_its_line(made: Any, rows: Any, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        made(rows, {"tax": "uk"})
    assert caught.value.where["line"] == len(rows) + 1


def test_a_table_with_other_columns_is_told_by_them(made: Any) -> None:
    with pytest.raises(ConfigError, match="line 1: its columns are rate;code"):
        made([{"rate;code": "20;2"}], {"tax": "uk"})


def test_american_lines_are_taxable_or_not_and_the_document_has_the_code(made: Any) -> None:
    bench = made([{"rate": "8", "code": "California"}], {"tax": "us-manual", "currency": "USD"})
    what = bench.product()
    lines = [
        {"product": what, "amount": usd(1000), "tax_rate": "8"},
        {"product": what, "amount": usd(500), "tax_rate": "0"},
    ]
    first = item("invoice", bench.invoice(lines=lines, total=usd(1580), tax=usd(80)))
    answer = bench.written(first)
    kept = bench.held("Invoice")
    assert [one["SalesItemLineDetail"]["TaxCodeRef"]["value"] for one in kept["Line"][:2]] == ["TAX", "NON"]
    assert kept["TxnTaxDetail"]["TxnTaxCodeRef"]["value"] == "2"
    assert kept["TotalAmt"] == Decimal("15.80")
    for one in lines:
        one["tax_rate"] = "0"
    bench.written(update(first, answer, bench.invoice(lines=lines, total=usd(1500))), "updated")
    assert bench.held("Invoice")["TotalAmt"] == 15


def test_two_rates_in_one_american_document_hold_it(made: Any) -> None:
    bench = made([{"rate": "8", "code": "2"}, {"rate": "9.1", "code": "3"}], {"tax": "us-manual"})
    what = bench.product()
    lines = [line(what, 1000, tax_rate=rate) for rate in ("8", "9.1")]
    assert "one rate for a whole document" in held_for(bench, item("invoice", bench.invoice(lines=lines))).message


def test_a_total_that_quickbooks_makes_something_else_of_is_told(made: Any) -> None:
    """Automated sales tax overrules what the request says."""
    bench = made(None, {"tax": "us-automatic", "currency": "USD"})
    body = bench.invoice(lines=[{"product": bench.product(), "amount": usd(10000), "tax_rate": "8"}])
    one = item("invoice", {**body, "tax": usd(800), "total": usd(10800)})
    answer = bench.one(one)
    ours = bench.sink.facts(one)
    assert {name for name in ours if ours[name] != answer.facts[name]} == {"total"}
    assert (ours["total"], answer.facts["total"]) == ("108.00 USD", "108.25 USD")


def test_taxed_lines_are_held_where_the_company_keeps_no_sales_tax(bench: Any) -> None:
    what = bench.product()
    assert (
        "keeps no sales tax"
        in held_for(bench, item("invoice", bench.invoice(lines=[line(what, 100, tax_rate="20")]))).message
    )
    bench.written(item("invoice", bench.invoice(lines=[line(what, 100, tax_rate="0")])))


# -- currency, numbers, totals ----------------------------------------------------------------------------------------


def test_another_currency_needs_multicurrency(made: Any) -> None:
    bench = made()
    what = bench.product()
    error = held_for(bench, item("invoice", bench.invoice(lines=[{"product": what, "amount": usd(100)}])))
    assert (error.code, "multicurrency" in error.message) == ("WHERRY-4734", True)
    bench = made(None, {"multicurrency": True})
    bench.sim.write("CompanyCurrency", {"Code": "USD"})
    who, what = bench.customer(currency="USD"), bench.product()
    told = bench.invoice(customer=who, lines=[{"product": what, "amount": usd(100)}])
    assert held_for(bench, item("invoice", told)).code == "WHERRY-4777", "all that it lacks is its rate"


def test_amounts_in_two_currencies_hold_the_document(bench: Any) -> None:
    what = bench.product()
    lines = [line(what, 100), {"product": what, "amount": usd(100)}]
    assert "GBP and USD" in held_for(bench, item("invoice", bench.invoice(lines=lines))).message


def test_a_number_longer_than_quickbooks_takes_is_held_with_its_field(bench: Any) -> None:
    error = held_for(bench, item("invoice", bench.invoice(number="9" * 22)))
    assert (error.code, error.where["field"]) == ("WHERRY-4731", "number")
    bench.written(item("invoice", bench.invoice(number="9" * 21)))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"total": gbp(2501)}, "WHERRY-4634"),
        ({"lines": []}, "WHERRY-4733"),
        ({"lines": [{"description": "Carriage", "amount": gbp(100)}]}, "WHERRY-4732"),
        ({"lines": [{"product": "19"}]}, "WHERRY-4633"),
        ({"lines": [{"product": "19", "amount": gbp(-100)}]}, "WHERRY-4635"),
        ({"customer": None}, "WHERRY-4631"),
    ],
)
def test_a_document_that_cannot_be_right_is_held(bench: Any, change: dict[str, Any], code: str) -> None:
    assert held_for(bench, item("invoice", bench.invoice(**change))).code == code


def test_without_custom_numbers_ours_stands_in_the_note_and_the_document_is_found_by_its_day(bench: Any) -> None:
    """case_C20: a number of ours can be there twice where it is the document's own."""
    assert {"invoice", "credit_memo", "journal_entry"} < set(bench.sink.repeats_numbers)
    old = bench.sim.company().preferences
    prefs = {"SalesFormsPrefs": {"CustomTxnNumbers": False}, "SyncToken": old["SyncToken"], "Id": "1", "sparse": True}
    bench.sim.write("Preferences", prefs, "update")
    bench.sink._client._company = None
    bench.sink.check()
    assert bench.sink.repeats_numbers == ["journal_entry"]
    one = item("invoice", bench.invoice(memo="March"))
    answer = bench.written(one)
    assert bench.held("Invoice")["DocNumber"] == "1001"
    assert bench.held("Invoice")["PrivateNote"].startswith("Number 536365. March\nwherry:")
    twin = item("invoice", bench.invoice(memo="March"), key="id:2")
    found = bench.look(one, twin)
    assert [(hit.target, hit.ours, hit.alike) for hit in found[one.stamp]] == [(answer.target, True, False)]
    assert [(hit.target, hit.ours, hit.alike) for hit in found[twin.stamp]] == [(answer.target, False, True)]


def test_an_amount_that_is_not_quantity_times_rate_stands_and_the_rate_is_worked_out(bench: Any) -> None:
    """Fault 6070 would refuse it; 3 at 3.33 is not 10.00."""
    what = bench.product()
    lines = [{"product": what, "quantity": "3", "rate": "3.33", "amount": gbp(1000)}]
    bench.written(item("invoice", bench.invoice(lines=lines, total=gbp(1000))))
    told = bench.held("Invoice")["Line"][0]
    assert (told["Amount"], told["SalesItemLineDetail"]["Qty"]) == (10, 3)
    assert told["SalesItemLineDetail"]["UnitPrice"] == Decimal("3.3333333")


def test_lines_without_product_and_amount_are_carried_as_text(bench: Any) -> None:
    body = bench.invoice()
    body["lines"].append({"description": "thrown away", "quantity": "-5", "rate": "0"})
    bench.written(item("invoice", body))
    assert bench.held("Invoice")["Line"][1]["DetailType"] == "DescriptionOnly"


# -- journal entries --------------------------------------------------------------------------------------------------


def entry(*lines: tuple[str, str, int], **more: Any) -> dict[str, Any]:
    told = [{"side": side, "account": account, "amount": gbp(minor)} for side, account, minor in lines]
    return {"number": "J-1", "date": "2026-03-31", "lines": told, **more}


def test_a_journal_entry_names_accounts_by_id_number_or_name(bench: Any) -> None:
    old = bench.sim.company().preferences
    prefs = {"AccountingInfoPrefs": {"UseAccountNumbers": True}, "SyncToken": old["SyncToken"], "Id": "1"}
    bench.sim.write("Preferences", {**prefs, "sparse": True}, "update")
    bench.sim.write("Account", {"Name": "Till", "AccountType": "Bank", "AcctNum": "1000"})
    bench.sink.check()
    lines = [("debit", "1000", 300), ("debit", "checking", 100), ("credit", "79", 450), ("credit", "Services", -50)]
    bench.written(item("journal_entry", entry(*lines, memo="March")))
    told = bench.held("JournalEntry")["Line"]
    assert [(one["JournalEntryLineDetail"]["PostingType"], one["Amount"]) for one in told] == [
        ("Debit", 3), ("Debit", 1), ("Credit", Decimal("4.5")), ("Debit", Decimal("0.5")),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([("debit", "Checking", 100), ("credit", "Services", 99)], "WHERRY-4636"),
        ([("debit", "Checking", 0), ("credit", "Services", 0)], "WHERRY-4636"),
        ([("debit", "Chequing", 100), ("credit", "Services", 100)], "WHERRY-4738"),
        ([("debit", "84", 100), ("credit", "Services", 100)], "WHERRY-4740"),
        ([("debit", "Checking", 100), ("credit", "33", 100)], "WHERRY-4772"),
    ],
)
def test_an_entry_that_quickbooks_would_refuse_is_held(bench: Any, lines: list[Any], code: str) -> None:
    error = held_for(bench, item("journal_entry", entry(*lines)))
    assert error.code == code
    assert "checking" in error.message or "Chequing" not in str(lines)


def test_an_account_word_that_means_two_accounts_holds_the_entry(bench: Any) -> None:
    """An id and a number of another account may be the same digits: posting to the wrong one is the worse end."""
    old = bench.sim.company().preferences
    prefs = {"AccountingInfoPrefs": {"UseAccountNumbers": True}, "SyncToken": old["SyncToken"], "Id": "1"}
    bench.sim.write("Preferences", {**prefs, "sparse": True}, "update")
    bench.sim.write("Account", {"Name": "Till", "AccountType": "Bank", "AcctNum": "79"})
    bench.sink.check()
    error = held_for(bench, item("journal_entry", entry(("debit", "79", 100), ("credit", "Services", 100))))
    assert "Till" in error.message
    assert "Sales of Product Income" in error.message


# -- property: what is written is what was meant ----------------------------------------------------------------------

QUANTITY = st.decimals("-50", "500", places=3)
RATE = st.decimals("0", "2000", places=4)
TEXT = st.text(max_size=30)


@st.composite
def bodies(draw: Any) -> dict[str, Any]:
    lines, total = [], 0
    for _ in range(draw(st.integers(1, 4))):
        quantity, rate = draw(QUANTITY), draw(RATE)
        amount = money.rounded(quantity * rate, "GBP")[0].minor + draw(st.sampled_from([0, 0, 0, 1]))
        told = {"product": "19", "quantity": format(quantity, "f"), "rate": format(rate, "f"), "amount": gbp(amount)}
        lines.append({**told, **({"description": text} if (text := draw(TEXT)) else {})})
        total += amount
    assume(total >= 0)
    return {"lines": lines, "total": gbp(total), "memo": draw(TEXT)}


def test_random_invoices_come_back_as_they_were_sent_created_and_updated(bench: Any) -> None:
    """I3, I8: facts are equal after create and update, and the total is ours to the penny."""
    head = {"date": "2026-03-31", "customer": bench.customer()}
    assert bench.product() == "19"
    count = iter(range(10_000))

    @settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(first=bodies(), second=bodies())
    def check(first: dict[str, Any], second: dict[str, Any]) -> None:
        number = f"N{next(count)}"
        one = item("invoice", {**head, "number": number, **first}, key=number)
        answer = bench.written(one)
        two = update(one, answer, {**head, "number": number, **second})
        answer = bench.written(two, "updated")
        kept = bench.held("Invoice", answer.target)
        assert kept["TotalAmt"] * 100 == second["total"]["minor"]
        [hit] = bench.look(two)[two.stamp]
        assert hit.facts == bench.sink.facts(two)
        before = bench.sink.facts(msgspec.structs.replace(two, body=one.body))
        assert first["total"] == second["total"] or before["total"] != hit.facts["total"]

    check()
