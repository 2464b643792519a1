"""Files of journal entries in other currencies: both amounts, corrections that take back the same, balances."""

from __future__ import annotations

import csv
import datetime as dt
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wherry.accounting import BarsAccounts, BookedLine, Entry
from wherry.books import rates
from wherry.books.drafts import draft_of
from wherry.books.rates import Rate
from wherry.http import Files
from wherry.records import Item
from wherry.testing.sink_trial import created, update_of, void_of, write
from wherry.testing.sinks import stamp_of
from wherry_csv.settings import CsvSettings
from wherry_csv.sink import CsvSinkWithChart

CHART = "code,name,type\n1000,Clearing,asset\n4000,Sales,income\n4010,Fees,income\n7990,Rounding,expense\n"
DAY = dt.date(2026, 1, 31)


class Trial:
    """Just what ``update_of`` needs of a trial."""

    def __init__(self, body: dict[str, Any]) -> None:
        self.changed = lambda item: body


def sink_of(folder: Path, **more: Any) -> CsvSinkWithChart:
    folder.mkdir(exist_ok=True)
    (folder / "accounts.csv").write_text(CHART, "utf-8")
    made = CsvSinkWithChart(Files(folder), CsvSettings.model_validate({"folder": folder, **more}))
    made.check()
    return made


def body(first: int, second: int, rate: str = "1.085") -> dict[str, Any]:
    lines = (
        BookedLine(account="1000", side="debit", minor=first + second),
        BookedLine(account="4000", side="credit", minor=first),
        BookedLine(account="4010", side="credit", minor=second),
    )
    told = Entry(key="k", number="JE 1", date=DAY, period="2026-01", bucket="2026-01", currency="EUR", memo="January",
                 lines=lines, members=(1,))  # fmt: skip
    found = rates.valued(told, Rate(rate=Decimal(rate), source="ECB, 2026-01-30"), "USD")
    more = {"rounding_account": "7990"} if found.rounding else {}
    return {**draft_of("k", found).body, **more}


def item(first: int, second: int, rate: str = "1.085") -> Item:
    return Item(entity="journal_entry", key="k", body=body(first, second, rate), stamp=stamp_of("one"))


def rows(folder: Path) -> list[dict[str, str]]:
    texts = [path.read_text("utf-8-sig") for path in sorted(folder.glob("journal_entry*.csv"))]
    return [row for text in texts for row in csv.DictReader(io.StringIO(text, newline=""))]


def at_home(some: list[dict[str, str]]) -> dict[str, Decimal]:
    """Account → what the files come to at home, debits positive; accounts at zero are left out."""
    found: dict[str, Decimal] = {}
    for row in some:
        worth = Decimal(row["Home Debit"] or 0) - Decimal(row["Home Credit"] or 0)
        found[row["Account"]] = found.get(row["Account"], Decimal(0)) + worth
    return {account: worth for account, worth in found.items() if worth}


def test_a_correction_takes_back_the_home_amounts_too_and_says_the_new_ones(tmp_path: Path) -> None:
    """I8, I9, case_C11"""
    sink = sink_of(tmp_path / "out")
    one = item(3333, 3334)
    [first] = created(sink, [one])
    assert at_home(rows(tmp_path / "out")) == {
        "1000": Decimal("72.34"), "4000": Decimal("-36.16"), "4010": Decimal("-36.17"), "7990": Decimal("-0.01"),
    }  # fmt: skip
    new = update_of(Trial(body(3333, 3334, "1.2")), one, first)  # type: ignore[arg-type]
    second = write(sink, [new])[new.stamp]
    assert at_home(rows(tmp_path / "out")) == {
        "1000": Decimal("80.00"), "4000": Decimal("-40.00"), "4010": Decimal("-40.01"), "7990": Decimal("0.01"),
    }  # fmt: skip
    gone = void_of(new, second)
    write(sink, [gone])
    assert at_home(rows(tmp_path / "out")) == {}


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 10**7), st.integers(1, 10**7), st.decimals("0.1", "9", places=4))
def test_every_file_is_in_balance_in_both_currencies(
    tmp_path_factory: Any, first: int, second: int, rate: Decimal
) -> None:
    """I8"""
    folder = tmp_path_factory.mktemp("books") / "out"
    created(sink_of(folder), [item(first, second, f"{rate:f}")])
    told = rows(folder)
    assert sum(at_home(told).values()) == 0
    assert sum(Decimal(row["Debit"] or 0) - Decimal(row["Credit"] or 0) for row in told) == 0


@pytest.mark.parametrize(("profile", "currency", "minor"), [("generic", "EUR", 6667), ("xero", "USD", 7234)])
def test_balances_are_those_of_what_the_files_say(tmp_path: Path, profile: str, currency: str, minor: int) -> None:
    sink = sink_of(tmp_path / "out", profile=profile)
    created(sink, [item(3333, 3334)])
    found = {(one.code, one.currency): one.debit - one.credit for one in sink.balances(None, DAY)}
    assert found["1000", currency] == minor
    assert sum(found.values()) == 0
    assert {told for _, told in found} == {currency}


def test_it_bars_what_the_import_screen_bars(tmp_path: Path) -> None:
    sink = sink_of(tmp_path / "out", profile="xero")
    assert isinstance(sink, BarsAccounts)
    assert {one.type for one in sink.barred} == {"receivable", "payable", "bank"}
    assert list(sink_of(tmp_path / "out", profile="hledger").barred) == []
