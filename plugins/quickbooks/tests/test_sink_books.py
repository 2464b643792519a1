"""What a bookkeeper needs of QuickBooks: chart, closing date, trial balance, entries, and where a line may go."""

from __future__ import annotations

import datetime as dt
import importlib.util
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wherry.errors import ContractBroken, Rejected, TryAgain
from wherry.roles import HasAccounts, HasBalances, HasPeriods
from wherry_quickbooks import balances

_spec = importlib.util.spec_from_file_location("quickbooks_books_bench", Path(__file__).with_name("test_sink.py"))
assert _spec is not None
assert _spec.loader is not None
_bench = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_bench)
item, made = _bench.item, _bench.made

FULL = {"chart": "full", "currency": "USD"}
JANUARY, MARCH = (dt.date(2026, 1, 1), dt.date(2026, 1, 31)), (dt.date(2026, 3, 1), dt.date(2026, 3, 31))


def usd(minor: int) -> dict[str, Any]:
    return {"minor": minor, "currency": "USD"}


def entry(*lines: tuple[Any, ...], **head: Any) -> dict[str, Any]:
    """A body; a line is (side, account, minor) and what else it says."""
    told = [{"side": side, "account": account, "amount": usd(minor), **(more[0] if more else {})}
            for side, account, minor, *more in lines]  # fmt: skip
    return {"number": "W-1", "date": "2026-03-31", "currency": "USD", "lines": told, **head}


@pytest.fixture
def bench(made: Any) -> Any:
    return made(None, FULL)


def booked(sim: Any, day: str, debit: str, credit: str, amount: str, **more: Any) -> dict[str, Any]:
    """An entry that a person makes in the browser."""
    lines = [{"DetailType": "JournalEntryLineDetail", "Amount": Decimal(amount),
              "JournalEntryLineDetail": {"PostingType": side, "AccountRef": {"value": account}}}
             for side, account in (("Debit", debit), ("Credit", credit))]  # fmt: skip
    return dict(sim.write("JournalEntry", {"TxnDate": day, "Line": lines, **more}))


def held_for(bench: Any, body: dict[str, Any]) -> Rejected:
    before = len(bench.sim.history.requests())
    with pytest.raises(Rejected) as caught:
        bench.sink.encode([item("journal_entry", body)])
    assert len(bench.sim.history.requests()) == before
    return caught.value


def test_it_plays_the_roles_of_a_target_that_keeps_books(bench: Any) -> None:
    assert isinstance(bench.sink, HasAccounts)
    assert isinstance(bench.sink, HasPeriods)
    assert isinstance(bench.sink, HasBalances)


# -- the chart ------------------------------------------------------------


def test_the_chart_comes_whole_with_codes_as_they_are_written(bench: Any) -> None:
    """b_004_02, b_004_06: zeros in front stay, one without a number goes by its name, inactive ones are there."""
    chart = {account.id: account for account in bench.sink.accounts()}
    assert len(chart) == 69
    assert sum(not account.active for account in chart.values()) == 5
    bank, bitcoin, card, unnumbered = chart["35"], chart["105"], chart["121"], chart["155"]
    assert (bank.code, bank.name, bank.type, bank.posting, bank.currency) == ("01010", "Checking", "bank", True, "")
    assert (bitcoin.code, bitcoin.name, bitcoin.type, bitcoin.parent) == ("01210", "Bitcoin", "asset", "104")
    assert (card.code, card.name, card.type, card.active) == ("21010", "Cancelled Card", "liability", False)
    assert unnumbered.code == "Ask My Accountant"
    assert {account.type for account in chart.values()} == {
        "bank", "receivable", "payable", "asset", "liability", "equity", "income", "expense",
    }  # fmt: skip


def test_without_numbers_accounts_go_by_their_full_names(made: Any) -> None:
    bench = made(None, {"currency": "USD"})
    above = bench.sim.write("Account", {"Name": "Crypto", "AccountType": "Bank"})
    below = {"Name": "Hot", "AccountType": "Bank", "SubAccount": True, "ParentRef": {"value": above["Id"]}}
    hot = bench.sim.write("Account", below)
    gone = bench.sim.write("Account", {"Name": "Cold", "AccountType": "Bank"})
    bench.sim.write("Account", {**gone, "Active": False}, "update")
    codes = {account.code: account for account in bench.sink.accounts()}
    assert codes["Crypto:Hot"].parent == above["Id"]
    assert not codes["Cold"].active
    bench.sim.write("Account", {"Name": "Cold", "AccountType": "Bank"})
    codes = {account.code: account.active for account in bench.sink.accounts()}
    assert (codes["Cold"], codes["Cold (deleted)"], hot["Id"] in codes) == (True, False, False)


def test_a_chart_of_several_pages_comes_whole(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wherry_quickbooks.client.PAGE", 20)
    bench = made(None, FULL)
    assert len({account.id for account in bench.sink.accounts()}) == 69


def test_an_account_in_another_currency_says_that_it_takes_no_other(made: Any) -> None:
    bench = made(None, {**FULL, "multicurrency": True})
    bench.sim.write("CompanyCurrency", {"Code": "EUR"})
    euro = bench.sim.write("Account", {"Name": "Konto", "AccountType": "Bank", "CurrencyRef": {"value": "EUR"}})
    chart = {account.id: account.currency for account in bench.sink.accounts()}
    assert (chart[euro["Id"]], chart["84"], chart["35"]) == ("EUR", "USD", "")


# -- where a line may be booked ------------------------------------------------------------


def test_a_code_that_lost_its_zeros_is_held_with_the_one_it_must_be(bench: Any) -> None:
    error = held_for(bench, entry(("debit", "1210", 100), ("credit", "40200", 100)))
    assert (error.code, error.where["field"]) == ("WHERRY-4771", "lines[0].account")
    assert "01210" in error.message
    assert "01210" in error.fix
    bench.written(item("journal_entry", entry(("debit", "01210", 100), ("credit", "40200", 100))))


def test_an_id_that_is_a_code_without_its_zeros_is_not_taken_for_the_account(bench: Any) -> None:
    """Account 101 is another one than 00101: posting to the wrong one is the worse end."""
    bench.sim.write("Account", {"Name": "Vault", "AccountType": "Bank", "AcctNum": "00101"})
    bench.sink.check()
    assert held_for(bench, entry(("debit", "101", 100), ("credit", "40200", 100))).code == "WHERRY-4771"


def test_an_inactive_account_is_held_as_such(bench: Any) -> None:
    """case_C16"""
    error = held_for(bench, entry(("debit", "01040", 100), ("credit", "40200", 100)))
    assert error.code == "WHERRY-4770"
    assert "account 01040 (Old Checking) is inactive" in error.message
    assert held_for(bench, entry(("debit", "Old Checking", 1), ("credit", "40200", 1))).code == "WHERRY-4770"


def test_payables_and_receivables_of_nobody_are_held_and_name_the_clearing_account(bench: Any) -> None:
    payable = held_for(bench, entry(("debit", "61000", 100), ("credit", "20000", 100)))
    owed = held_for(bench, entry(("debit", "01100", 100), ("credit", "40200", 100)))
    assert (payable.code, owed.code) == ("WHERRY-4772", "WHERRY-4740")
    assert "clearing" in payable.fix
    assert "clearing" in owed.fix
    assert "vendor" in payable.message
    who = bench.customer()
    bench.written(item("journal_entry", entry(("debit", "01100", 100, {"customer": who}), ("credit", "40200", 100))))


def test_an_account_in_a_third_currency_is_held(made: Any) -> None:
    """case_C16"""
    bench = made(None, {**FULL, "multicurrency": True})
    for code in ("EUR", "GBP"):
        bench.sim.write("CompanyCurrency", {"Code": code})
    bench.sim.write("Account", {"Name": "Konto", "AccountType": "Bank", "CurrencyRef": {"value": "EUR"}})
    bench.sink.check()
    error = held_for(bench, entry(("debit", "Konto", 100), ("credit", "40200", 100)))
    assert error.code == "WHERRY-4773"
    assert "kept in EUR; the entry is in USD" in error.message


# -- classes and departments ------------------------------------------------------------


def dims(**said: str) -> dict[str, Any]:
    return {"dimensions": said}


def test_class_and_department_of_a_line_go_along_and_compare_equal(bench: Any) -> None:
    west = bench.sim.write("Class", {"Name": "West"})
    coast = bench.sim.write("Class", {"Name": "Coast", "ParentRef": {"value": west["Id"]}, "SubClass": True})
    yard = bench.sim.write("Department", {"Name": "Yard"})
    bench.sink.check()
    body = entry(("debit", "61000", 100, dims(**{"class": "west:coast", "location": "Yard"})),
                 ("credit", "01010", 100, dims(**{"class": "West", "department": "yard"})))  # fmt: skip
    answer = bench.written(item("journal_entry", body))
    told = [line["JournalEntryLineDetail"] for line in bench.held("JournalEntry")["Line"]]
    assert [one["ClassRef"]["value"] for one in told] == [coast["Id"], west["Id"]]
    assert [one["DepartmentRef"]["value"] for one in told] == [yard["Id"]] * 2
    assert answer.facts == bench.sink.facts(item("journal_entry", body))
    assert f"class {west['Id']}, department {yard['Id']}" in answer.facts["line 2"]


def test_the_class_of_a_line_of_a_sale_goes_along_and_its_department_is_held(bench: Any) -> None:
    west = bench.sim.write("Class", {"Name": "West"})
    bench.sim.write("Department", {"Name": "Yard"})
    bench.sink.check()
    body = bench.invoice()
    body["lines"][0] |= dims(**{"class": "west"})
    answer = bench.written(item("invoice", body))
    assert bench.held("Invoice")["Line"][0]["SalesItemLineDetail"]["ClassRef"]["value"] == west["Id"]
    assert answer.facts == bench.sink.facts(item("invoice", body))
    body["lines"][0] |= dims(department="Yard")
    with pytest.raises(Rejected, match="such a document has as a whole") as caught:
        bench.sink.encode([item("invoice", body)])
    assert caught.value.code == "WHERRY-4774"


def test_what_people_add_to_a_line_without_dimensions_is_not_compared(bench: Any) -> None:
    body = entry(("debit", "61000", 100), ("credit", "01010", 100))
    bench.written(item("journal_entry", body))
    held = bench.held("JournalEntry")
    north = bench.sim.write("Class", {"Name": "North"})
    held["Line"][0]["JournalEntryLineDetail"]["ClassRef"] = {"value": north["Id"]}
    bench.sim.write("JournalEntry", held, "update")
    [call] = bench.sink.ask([one := item("journal_entry", body)])
    [found] = bench.sink.found(call, [one], bench.sink.http.send(call))[one.stamp]
    assert found.facts == bench.sink.facts(one)


@pytest.mark.parametrize(("said", "told"), [
    ({"class": "Wst"}, "does not have; near it: west"),
    ({"department": "Quay"}, "does not have"),
    ({"subsidiary": "Inc"}, "does not take on lines"),
    ({"tax": "20"}, "does not take on lines"),
    ({"department": "Yard", "location": "Pier"}, "a department and another location"),
])  # fmt: skip
def test_a_dimension_that_the_books_do_not_have_is_held(bench: Any, said: dict[str, str], told: str) -> None:
    """case_C16"""
    bench.sim.write("Class", {"Name": "West"})
    for name in ("Yard", "Pier"):
        bench.sim.write("Department", {"Name": name})
    bench.sink.check()
    error = held_for(bench, entry(("debit", "61000", 100, dims(**said)), ("credit", "01010", 100)))
    assert (error.code, error.where["field"]) == ("WHERRY-4774", "lines[0].dimensions")
    assert told in error.message


def test_a_dimension_that_the_company_does_not_track_is_held(made: Any) -> None:
    bench = made(None, FULL)
    bench.sim.write("Class", {"Name": "West"})
    off = {"AccountingInfoPrefs": {"ClassTrackingPerTxnLine": False, "TrackDepartments": False}}
    bench.sim.write("Preferences", {**off, "Id": "1", "SyncToken": "0", "sparse": True}, "update")
    bench = fresh(made, bench)
    error = held_for(bench, entry(("debit", "61000", 100, dims(**{"class": "West"})), ("credit", "01010", 100)))
    assert "does not track classes" in error.message
    bench.written(
        item("journal_entry", entry(("debit", "61000", 100, dims(**{"class": " "})), ("credit", "01010", 1_00)))
    )


def fresh(made: Any, bench: Any) -> Any:
    """A sink that has not yet read the company."""
    from wherry_quickbooks.client import Client
    from wherry_quickbooks.sink import QuickBooksSink

    old = bench.sink
    bench.sink = QuickBooksSink(Client(old._services, old._settings), old._settings, old._services)
    bench.sink.check()
    return bench


# -- periods ------------------------------------------------------------


def test_the_closing_date_is_read_as_it_is_now(bench: Any) -> None:
    """case_C12"""
    assert bench.sink.closed_until() is None
    bench.sim.close_books("2026-02-28")
    assert bench.sink.closed_until() == dt.date(2026, 2, 28)
    bench.sim.close_books("")
    assert bench.sink.closed_until() is None


# -- the trial balance ------------------------------------------------------------


def net(bench: Any, first: dt.date | None, last: dt.date) -> dict[str, int]:
    found = bench.sink.balances(first, last)
    assert sum(row.debit for row in found) == sum(row.credit for row in found)
    assert all(row.currency == "USD" and (row.debit == 0) != (row.credit == 0) for row in found)
    return {row.code: row.debit - row.credit for row in found}


def test_the_trial_balance_is_told_by_code_to_the_cent(bench: Any) -> None:
    """b_004_16, b_000_03"""
    booked(bench.sim, "2025-12-31", "35", "1", "1000.10")
    booked(bench.sim, "2026-01-31", "142", "105", "0.01")
    booked(bench.sim, "2026-02-01", "35", "133", "250.00")
    assert net(bench, None, JANUARY[1]) == {"01010": 100010, "32000": -100010, "60210": 1, "01210": -1}
    assert net(bench, *JANUARY) == {"60210": 1, "01210": -1}
    assert net(bench, dt.date(2026, 2, 1), dt.date(2026, 2, 1)) == {"01010": 25000, "40310": -25000}
    assert net(bench, *MARCH) == {}


def test_what_moved_over_the_end_of_a_year_is_told_by_account(bench: Any) -> None:
    """The report carries income over to the retained earnings; what was booked is what counts for a tie-out."""
    booked(bench.sim, "2024-06-30", "35", "1", "7.00")
    booked(bench.sim, "2025-12-31", "35", "1", "10.00")
    booked(bench.sim, "2026-01-01", "35", "1", "5.00")
    first, last = dt.date(2025, 12, 31), dt.date(2026, 1, 1)
    assert net(bench, first, last) == {"01010": 1500, "40200": -1500}
    assert net(bench, dt.date(2024, 1, 1), last) == {"01010": 2200, "40200": -2200}
    assert net(bench, None, last) == {"01010": 2200, "40200": -500, "32000": -1700}


def test_a_fiscal_year_may_begin_in_any_month(bench: Any) -> None:
    prefs = {"AccountingInfoPrefs": {"FirstMonthOfFiscalYear": "April"}, "Id": "1", "SyncToken": "0", "sparse": True}
    bench.sim.write("Preferences", prefs, "update")
    bench = fresh(None, bench)
    booked(bench.sim, "2026-03-31", "35", "1", "10.00")
    booked(bench.sim, "2026-04-01", "35", "1", "5.00")
    assert net(bench, None, dt.date(2026, 3, 31)) == {"01010": 1000, "40200": -1000}
    assert net(bench, None, dt.date(2026, 4, 1)) == {"01010": 1500, "40200": -500, "32000": -1000}
    assert net(bench, dt.date(2026, 3, 31), dt.date(2026, 4, 1)) == {"01010": 1500, "40200": -1500}


DAYS = st.dates(dt.date(2024, 11, 1), dt.date(2026, 2, 28))
ACCOUNTS = {"35": "01010", "1": "40200", "133": "40310", "142": "60210", "105": "01210", "34": "30000", "121": "21010"}


@given(st.lists(st.tuples(DAYS, st.sampled_from([*ACCOUNTS]), st.sampled_from([*ACCOUNTS]), st.integers(1, 10**7)),
                max_size=8), st.tuples(DAYS, DAYS), st.sampled_from(["January", "April", "October"]))  # fmt: skip
@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_moved_is_what_was_booked_whatever_the_days_and_years(
    made: Any, entries: list[Any], days: tuple[dt.date, dt.date], month: str
) -> None:
    """I8"""
    bench = made(None, FULL)
    prefs = {"AccountingInfoPrefs": {"FirstMonthOfFiscalYear": month}, "Id": "1", "SyncToken": "0", "sparse": True}
    bench.sim.write("Preferences", prefs, "update")
    bench.sim.write("Account", {**next(a for a in bench.sim.objects("Account") if a["Id"] == "121"), "Active": True},
                    "update")  # fmt: skip
    bench = fresh(made, bench)
    first, last = min(days), max(days)
    expected: defaultdict[str, int] = defaultdict(int)
    for day, debit, credit, cents in entries:
        booked(bench.sim, day.isoformat(), debit, credit, str(Decimal(cents) / 100))
        if first <= day <= last:
            expected[ACCOUNTS[debit]] += cents
            expected[ACCOUNTS[credit]] -= cents
    assert net(bench, first, last) == {code: minor for code, minor in expected.items() if minor}


def report(*rows: Any, total: tuple[str, str] | None = None, columns: int = 2) -> dict[str, Any]:
    told = [{"ColTitle": "", "ColType": "Account"}, *[{"ColTitle": "x", "ColType": "Money"}] * columns]
    foot = [] if total is None else [{"group": "GrandTotal", "type": "Section", "Summary": {
        "ColData": [{"value": "TOTAL"}, {"value": total[0]}, {"value": total[1]}]}}]  # fmt: skip
    return {"Header": {"Currency": "USD"}, "Columns": {"Column": told}, "Rows": {"Row": [*rows, *foot]}}


def data(name: str, debit: str, credit: str) -> dict[str, Any]:
    return {"ColData": [{"value": name, "id": name}, {"value": debit}, {"value": credit}]}


def test_a_report_in_sections_is_read_to_its_last_account() -> None:
    inner = {"Header": {"ColData": [{"value": "Bank", "id": "9"}, {"value": "1.00"}, {"value": ""}]},
             "Rows": {"Row": [data("8", "2.50", "")]}, "type": "Section",
             "Summary": {"ColData": [{"value": "Total Bank"}, {"value": "3.50"}, {"value": ""}]}}  # fmt: skip
    told = report(inner, data("7", "", "3.50"), total=("3.50", "3.50"))
    assert balances.standing(told, "USD") == {"9": 100, "8": 250, "7": -350}
    assert balances.standing({"Columns": report()["Columns"], "Rows": {}}, "USD") == {}


@pytest.mark.parametrize(("told", "error"), [
    (report(data("7", "1.00", ""), total=("2.00", "0.00")), ContractBroken),
    (report(data("7", "1.005", "")), TryAgain),
    (report(data("7", "one", "")), TryAgain),
    (report(data("7", "1.00", ""), columns=3), TryAgain),
    ({}, TryAgain),
])  # fmt: skip
def test_a_report_that_cannot_be_read_exactly_is_not_compared_at_all(told: dict[str, Any], error: type) -> None:
    with pytest.raises(error):
        balances.standing(told, "USD")


# -- entries ------------------------------------------------------------


def test_entries_are_listed_with_our_sign_or_without(bench: Any) -> None:
    """What was edited, re-dated, doubled or made by hand shows in a tie-out."""
    who = bench.customer()
    one = item("journal_entry", entry(("debit", "01100", 700, {"customer": who, "description": "June"}),
                                      ("credit", "40310", 700), memo="Week 5"))  # fmt: skip
    answer = bench.written(one)
    byhand = booked(bench.sim, "2026-03-01", "35", "133", "0.05", DocNumber="X", PrivateNote="by hand")
    booked(bench.sim, "2026-04-01", "35", "133", "9.00")
    booked(bench.sim, "2026-02-28", "35", "133", "9.00")
    listed = {found.id: found for found in bench.sink.journal_entries(*MARCH)}
    assert set(listed) == {answer.target, byhand["Id"]}
    ours, theirs = listed[answer.target], listed[byhand["Id"]]
    assert (ours.number, ours.date, ours.currency) == ("W-1", dt.date(2026, 3, 31), "USD")
    assert (ours.stamp, ours.note) == (one.stamp, "Week 5")
    assert [(line.account, line.side, line.minor, line.party) for line in ours.lines] == [
        ("01100", "debit", 700, who), ("40310", "credit", 700, ""),
    ]  # fmt: skip
    assert (theirs.stamp, theirs.note, theirs.lines[0].minor) == ("", "by hand", 5)
    assert len(list(bench.sink.journal_entries(None, MARCH[1]))) == 3


def test_an_entry_in_another_currency_is_told_in_both(made: Any) -> None:
    bench = made(None, {**FULL, "multicurrency": True})
    bench.sim.write("CompanyCurrency", {"Code": "EUR"})
    booked(bench.sim, "2026-03-01", "35", "133", "33.33", CurrencyRef={"value": "EUR"}, ExchangeRate=Decimal("1.085"))
    [found] = bench.sink.journal_entries(*MARCH)
    assert found.currency == "EUR"
    assert [(line.minor, line.home) for line in found.lines] == [(3333, 3616)] * 2
    assert net(bench, *MARCH) == {"01010": 3616, "40310": -3616}
