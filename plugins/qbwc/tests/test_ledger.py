"""Balances of a company file: read from its report, by account, whatever fiscal years a time lies in."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from wherry.accounting import HeldDocument
from wherry.errors import ConfigError, ContractBroken, TryAgain
from wherry.hub import Hub
from wherry_qbwc import ledger, mirror, statements
from wherry_qbwc.books import Books
from wherry_qbwc.company import Company
from wherry_qbwc.settings import QbwcSettings
from wherry_qbwc.words.reports import trial_balance

from .company_bench import desktop
from .test_sink import Bench, item, money, order

DAY = dt.date(2026, 3, 31)


def entry(bench: Bench, date: dt.date, minor: int, debit: str = "10100", credit: str = "40100") -> None:
    lines = [{"side": side, "account": account, "amount": money(minor)}
             for side, account in (("debit", debit), ("credit", credit))]  # fmt: skip
    bench.written(item("journal_entry", {"number": "", "date": date.isoformat(), "lines": lines}))


def told(bench: Bench, first: dt.date | None, last: dt.date) -> dict[str, int]:
    rows = [one.row for one in bench.lists["account"]]
    asked = ledger.days(first, last, bench.books.company.year_from)
    found = {
        one.last: statements.read(lambda content: bench.sim.execute(content.decode()), one, "13.0", 1) for one in asked
    }
    return {one.code: one.debit - one.credit for one in ledger.balances(found, rows, bench.books, first, last)}


def test_invoices_credit_memos_and_entries_come_to_the_trial_balance() -> None:
    bench = Bench(desktop(sales_tax=True), [("7.75", "San Tomas")], currency="USD")
    body = order(bench)
    body["lines"] = [{**body["lines"][0], "tax_rate": "7.75"}]
    bench.written(item("invoice", {**body, "total": money(3297)}))
    bench.written(item("credit_memo", {**body, "number": "C-1", "total": money(3297)}))
    entry(bench, DAY, 500)
    bench.written(item("invoice", {**body, "number": "INV-2", "total": money(3297)}))
    assert told(bench, None, DAY) == {"11000": 3297, "25500": -237, "40200": -3060, "10100": 500, "40100": -500}
    assert told(bench, None, DAY - dt.timedelta(days=1)) == {}


@given(st.lists(st.tuples(st.dates(dt.date(2024, 1, 1), dt.date(2026, 12, 31)), st.integers(1, 10**9)), max_size=6),
       st.dates(dt.date(2024, 1, 1), dt.date(2026, 6, 30)), st.integers(0, 500))  # fmt: skip
def test_what_moved_is_what_was_booked_on_these_days_and_nothing_of_other_years(
    booked: list[tuple[dt.date, int]], first: dt.date, length: int
) -> None:
    """Income begins anew in January: what it came to before stands in the retained earnings, and did not move."""
    last = first + dt.timedelta(days=length)
    rows = [{"ListID": number, "AccountNumber": number, "FullName": number, "AccountType": kind,
             "SpecialAccountType": "RetainedEarnings" if number == "32000" else ""}
            for number, kind in (("10100", "Bank"), ("40100", "Income"), ("32000", "Equity"))]  # fmt: skip
    books = Books(company=Company(id="1", name="A"), settings=QbwcSettings(currency="USD"))
    found = {one.last: _report(booked, one.last) for one in ledger.days(first, last, 1)}
    moved = {one.code: one.debit - one.credit for one in ledger.balances(found, rows, books, first, last)}
    worth = sum(minor for day, minor in booked if first <= day <= last)
    assert moved == ({"10100": worth, "40100": -worth} if worth else {})


def _report(booked: list[tuple[dt.date, int]], day: dt.date) -> list[dict[str, Any]]:
    """A trial balance of sales for cash, as QuickBooks makes it."""
    old = sum(minor for date, minor in booked if date.year < day.year)
    new = sum(minor for date, minor in booked if date.year == day.year and date <= day)
    sides: Mapping[str, tuple[int, int]] = {"10100": (old + new, 0), "32000": (0, old), "40100": (0, new)}
    rows = [*sides.items(), ("", (old + new, old + new))]
    return [
        {
            "account": name,
            **{side: f"{Decimal(minor) / 100:.2f}" for side, minor in zip(("debit", "credit"), two, strict=True)},
        }
        for name, two in rows
    ]


def test_a_report_whose_rows_miss_its_total_is_not_believed() -> None:
    bench = Bench(desktop(), currency="USD")
    spoilt = [
        {"account": "Checking", "debit": "5.00", "credit": ""},
        {"account": "", "debit": "6.00", "credit": "6.00"},
    ]
    with pytest.raises(ContractBroken) as caught:
        ledger.balances({DAY: spoilt}, [], bench.books, None, DAY)
    assert caught.value.code == "WHERRY-1855"


def test_balances_of_a_file_whose_currency_nobody_told_say_what_to_set() -> None:
    bench = Bench(desktop())
    entry(bench, DAY, 500)
    with pytest.raises(ConfigError) as caught:
        told(bench, None, DAY)
    assert caught.value.code == "WHERRY-2857"


def test_the_report_of_the_stand_in_is_valid(complaints: Callable[[bytes], list[str]]) -> None:
    bench = Bench(desktop())
    entry(bench, DAY, 500)
    seen: list[str] = []

    def ask(content: bytes) -> str:
        seen.append(bench.sim.execute(content.decode()))
        return seen[-1]

    statements.read(ask, statements.balance(DAY), "13.0", 1)
    statements.read(ask, statements.entries(None, DAY), "13.0", 1)
    statements.read(ask, statements.documents(DAY, DAY), "13.0", 1)
    statements.read(ask, statements.documents(DAY.replace(day=1), DAY.replace(day=2)), "13.0", 1)
    assert [complaint for text in seen for complaint in complaints(text.encode())] == []
    earlier = statements.balance(DAY.replace(day=1))
    assert statements.read_all(lambda _: seen[0], [earlier], "13.0", 1)[0] == {}, "an answer to another day's question"
    rows, total = trial_balance(seen[0])
    assert [(one.account, one.debit, one.credit) for one in rows] == [
        ("Checking", "5.00", ""), ("Services Income", "", "5.00"),
    ]  # fmt: skip
    assert total is not None
    assert (total.account, total.debit, total.credit) == ("", "5.00", "5.00")


@pytest.mark.parametrize("text", ["<QBXML/>", "no", "<QBXML><ReportRet/></QBXML>"])
def test_what_is_no_report_is_told(text: str) -> None:
    with pytest.raises(ContractBroken) as caught:
        trial_balance(text)
    assert caught.value.code == "WHERRY-1852"


# -- documents ---------------------------------------------------------------------------------------------------------


def listed(bench: Bench, first: dt.date, last: dt.date, *codes: str) -> list[HeldDocument]:
    rows = [one.row for one in bench.lists["account"]]
    told = statements.read(
        lambda content: bench.sim.execute(content.decode()), statements.documents(first, last), "13.0", 1
    )
    return list(ledger.documents(told, set(codes), rows, bench.books))


def test_documents_tell_type_number_day_and_what_they_booked_on_the_accounts_that_were_asked_for() -> None:
    """b_000_03"""
    bench = Bench(desktop(sales_tax=True), [("7.75", "San Tomas")], currency="USD")
    body = order(bench)
    body["lines"] = [{**body["lines"][0], "tax_rate": "7.75"}]
    bench.written(item("invoice", {**body, "total": money(3297)}))
    bench.written(item("credit_memo", {**body, "number": "C-1", "total": money(3297)}))
    bench.written(item("invoice", {**body, "number": "INV-2", "total": money(3297)}))
    entry(bench, DAY, 500, "10100", "40200")
    invoice, credit, second, journal = listed(bench, dt.date(2026, 3, 1), DAY, "40200", "25500")
    assert [(one.kind, one.number) for one in (invoice, credit, second, journal)] == [
        ("Invoice", body["number"]), ("Credit Memo", "C-1"), ("Invoice", "INV-2"), ("General Journal", "")
    ]  # fmt: skip
    assert sorted((line.account, line.side, line.minor) for line in invoice.postings) == [
        ("25500", "credit", 237), ("40200", "credit", 3060)]  # fmt: skip
    assert [(line.account, line.side, line.minor) for line in journal.postings] == [("40200", "credit", 500)]
    moved = Counter[str]()
    for line in (line for one in (invoice, credit, second, journal) for line in one.postings):
        moved[line.account] += line.minor if line.side == "debit" else -line.minor
    balances = told(bench, dt.date(2026, 3, 1), DAY)
    assert moved == {code: balances[code] for code in ("40200", "25500")}
    assert listed(bench, dt.date(2026, 3, 1), DAY - dt.timedelta(days=20), "40200") == []


def test_an_account_is_known_by_its_full_name_with_numbers_or_by_its_last_part_where_only_one_has_it() -> None:
    rows = [{"FullName": "Income", "AccountNumber": "40000"}, {"FullName": "Income:Storage", "AccountNumber": "40100"},
            {"FullName": "Rent"}, {"FullName": "Other:Rent", "AccountNumber": "9"}]  # fmt: skip
    names = ledger._Names(rows)
    shown = ["Income:Storage", "40000 · Income:40100 · Storage", "40100 · Storage", "income:storage", "Rent", "Gone"]
    assert [names.code(one) for one in shown] == ["40100", "40100", "40100", "40100", "Rent", "Gone"]


# -- questions ---------------------------------------------------------------------------------------------------------


def test_an_answer_counts_until_the_next_session_which_tells_it_anew_for_a_day(tmp_path: Path) -> None:
    """Of an answer that nobody asked for lately, and that a later session left out, nothing is believed."""
    now, asked = dt.datetime(2026, 4, 1, tzinfo=dt.UTC), [statements.balance(DAY)]
    (tmp_path / "wherry.toml").write_text('version = 1\n[project]\nname = "a"\ncurrency = "USD"\n', "utf-8")
    with Hub.open(tmp_path, environ={}) as hub, hub.store.documents("qbwc") as held:

        def session(hours: float, rows: list[dict[str, Any]]) -> None:
            at = now + dt.timedelta(hours=hours)
            open_now = statements.open_questions(held, "books", at)
            statements.keep(held, "books", dict.fromkeys(open_now, rows), at)

        def answer(hours: float) -> list[list[dict[str, Any]]] | None:
            return statements.answers(held, "books", asked, (), now + dt.timedelta(hours=hours))

        assert answer(0) is None
        session(1, [{"n": 1}])
        assert answer(1) == [[{"n": 1}]]
        session(2, [{"n": 2}])
        assert answer(2) == [[{"n": 2}]]
        session(30, [{"n": 3}])
        assert answer(30) is None
        session(31, [{"n": 4}])
        assert answer(31) == [[{"n": 4}]]
        session(31 + 24 * 40, [])
        assert held.count(statements.KIND) == 0


@pytest.mark.parametrize("rows", ["", "<CustomerRet><ListID>1</ListID></CustomerRet>"])
def test_what_promises_more_and_never_comes_to_its_end_is_given_up(rows: str) -> None:
    """case_B10: a session would go on for ever, and nothing would be sent."""
    asked: list[str] = []

    def ask(content: bytes) -> str:
        request = etree.fromstring(content)[0][0]
        asked.append(name := str(request.tag).removesuffix("Rq"))
        told = f'requestID="{request.get("requestID")}" statusCode="0" iteratorRemainingCount="9" iteratorID="a"'
        assert len(asked) < 20, "without end"
        return f"<QBXML><QBXMLMsgsRs><{name}Rs {told}>{rows}</{name}Rs></QBXMLMsgsRs></QBXML>"

    with pytest.raises(TryAgain, match=r"does not tell its list .* or never"):
        mirror.read(ask, "13.0", ["customer"])
    with pytest.raises(TryAgain, match="promises more and more"):
        statements.read(ask, statements.entries(None, DAY), "13.0", 1)
