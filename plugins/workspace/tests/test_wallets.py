"""Wallet transactions: a row becomes a ledger transaction, to the last fraction; the same file twice is no change."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wherry.errors import ConfigError, NotFound
from wherry.roles import Documents
from wherry_workspace import work
from wherry_workspace.bodies import Refusal
from wherry_workspace.csv_import import import_csv
from wherry_workspace.rows import Report
from wherry_workspace.spellings import NUMBERS, Fitting, Spelling, day, number
from wherry_workspace.table import Row
from wherry_workspace.wallet_import import import_wallets
from wherry_workspace.wallets import Reader, is_wallet

NEW_YORK, UTC = ZoneInfo("America/New_York"), ZoneInfo("UTC")
SPELLING = Spelling(NEW_YORK, NEW_YORK)
HEADER = ("Wallet,Date,Asset,Amount,Fiat Value,Fiat Currency,Debit Account,Credit Account,Category,Gain/Loss,"
          "Reference,Description,Type")  # fmt: skip
USUAL = {"wallet": "Hot", "date": "2026-01-31", "asset": "ETH", "amount": "0.5", "fiat_value": "100.00",
         "fiat_currency": "USD", "debit_account": "", "credit_account": "", "category": "staking", "gain/loss": "",
         "reference": "TX-1", "description": "", "type": ""}  # fmt: skip

File = Callable[..., Path]


def row(**said: str) -> str:
    named = {name.replace("gain", "gain/loss") if name == "gain" else name: value for name, value in said.items()}
    return ",".join(f'"{cell}"' for cell in (USUAL | named).values())


@pytest.fixture
def file(tmp_path: Path) -> File:
    def file(*rows: str, header: str = HEADER) -> Path:
        path = tmp_path / "wallets.csv"
        path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        return path

    return file


def taken(documents: Documents, path: Path, spelling: Spelling = SPELLING, **how: Any) -> Report:
    return import_wallets(documents, path, how.pop("currency", "USD"), spelling, **how)


def held(documents: Documents) -> list[dict[str, Any]]:
    return [document["fields"] for _, document in documents.each("ledger_transaction")]


def usd(minor: int) -> dict[str, Any]:
    return {"minor": minor, "currency": "USD"}


# -- what a row becomes ------------------------------------------------------------


def test_a_row_becomes_a_ledger_transaction_with_all_it_says(documents: Documents, file: File) -> None:
    """b_004_01, b_004_08; the wallet and the gain go along."""
    said = row(date="2026-02-01T03:30:00Z", fiat_value="1250.50", debit_account="0105", gain="-12.34",
               type="transaction", description="Reward")  # fmt: skip
    report = taken(documents, file(said))
    assert (report.creates, report.bad, report.totals) == (1, [], {"USD": "1250.50"})
    assert held(documents) == [{
        "date": "2026-01-31", "amount": usd(125050), "gain": usd(-1234), "debit": "0105", "category": "staking",
        "partition": "Hot", "reference": "TX-1", "description": "Reward", "type": "transaction", "asset": "ETH",
        "quantity": "0.5", "custom": {"moment": "2026-02-01T03:30:00+00:00"},
    }]  # fmt: skip


def test_sides_may_have_categories_and_dimensions_of_their_own(documents: Documents, file: File) -> None:
    header = "wallet,date,value,currency,debit_category,credit_category,class,custom.batch"
    taken(documents, file("Hot,2026-01-31,5,USD,fees,cash,West,7", header=header))
    assert held(documents)[0]["custom"] == {
        "debit_category": "fees", "credit_category": "cash", "class": "West", "batch": "7",
    }  # fmt: skip


def test_values_under_the_smallest_coin_are_kept_whole_counted_and_totalled(documents: Documents, file: File) -> None:
    """b_004_04: what is under one cent is not uploaded; what it comes to must be known."""
    rows = [row(fiat_value=value, reference=value) for value in ("0.0042", "-0.009", "0.01", "0.0099999", "0")]
    report = taken(documents, file(*rows))
    assert (report.small, report.small_totals, report.residue) == (3, {"USD": "0.0051999"}, {})
    kept = {fields["reference"]: (fields["amount"]["minor"], fields.get("custom", {})) for fields in held(documents)}
    assert kept == {
        "0.0042": (0, {"fiat_exact": "0.0042"}), "-0.009": (0, {"fiat_exact": "-0.009"}), "0.01": (1, {}),
        "0.0099999": (0, {"fiat_exact": "0.0099999"}), "0": (0, {}),
    }  # fmt: skip


def test_the_smallest_coin_is_that_of_the_currency(documents: Documents, file: File) -> None:
    """case_C5"""
    rows = [row(fiat_value="0.5", fiat_currency="JPY", reference="a"), row(fiat_value="0.005", fiat_currency="KWD")]
    assert taken(documents, file(*rows)).small_totals == {"JPY": "0.5"}
    assert [fields["amount"]["minor"] for fields in held(documents)] == [0, 5]


def test_longer_values_are_rounded_half_to_even_and_the_rest_is_counted(documents: Documents, file: File) -> None:
    rows = [row(fiat_value=value, reference=value) for value in ("1.005", "1.015", "-1.005", "2.0049")]
    report = taken(documents, file(*rows))
    assert [fields["amount"]["minor"] for fields in held(documents)] == [100, 102, -100, 200]
    assert Decimal(report.residue["USD"]) == Decimal("0.005") - Decimal("0.005") - Decimal("0.005") + Decimal("0.0049")


@given(st.lists(st.decimals(-(10**6), 10**6, places=6), min_size=1, max_size=30))
@settings(deadline=None, max_examples=40)
def test_nothing_of_any_value_is_lost(values: list[Decimal]) -> None:
    """Booked, cut by rounding and too small to book: the three add up to the file."""
    reader = Reader({"wallet": "wallet", "date": "date", "value": "value"}, SPELLING, "USD")
    booked, rest, small = 0, Decimal(0), Decimal(0)
    for n, value in enumerate(values, 2):
        one = reader.read(Row(n, {"wallet": "w", "date": "2026-01-31", "value": format(value, "f")}))
        booked, rest, small = booked + one.body["amount"]["minor"], rest + one.rest, small + (one.small or 0)
        assert one.small is None or abs(one.small) < Decimal("0.01")
    assert Decimal(booked) / 100 + rest + small == sum(values)


# -- days ------------------------------------------------------------


@pytest.mark.parametrize(("said", "zone", "booked"), [
    ("2026-01-31", NEW_YORK, "2026-01-31"),
    ("2026-02-01T04:59:59Z", NEW_YORK, "2026-01-31"),
    ("2026-02-01T05:00:00Z", NEW_YORK, "2026-02-01"),
    ("2026-01-01T00:00:00Z", NEW_YORK, "2025-12-31"),
    ("2026-03-08T06:59:59+00:00", NEW_YORK, "2026-03-08"),
    ("2026-03-09T03:59:59Z", NEW_YORK, "2026-03-08"),
    ("2026-11-02T04:59:59Z", NEW_YORK, "2026-11-01"),
    ("2028-02-29 23:30:00 UTC", NEW_YORK, "2028-02-29"),
    ("2026-01-31T10:30:00Z", ZoneInfo("Pacific/Kiritimati"), "2026-02-01"),
    ("2026-01-31T10:30:00Z", ZoneInfo("Etc/GMT+12"), "2026-01-30"),
    ("2026-01-31 23:30", NEW_YORK, "2026-01-31"),
])  # fmt: skip
def test_a_moment_is_booked_on_the_day_that_it_is_in_the_projects_zone(said: str, zone: ZoneInfo, booked: str) -> None:
    """case_C13: also where clocks are changed, and on a leap day."""
    assert day(said, Spelling(zone, zone))[0] == booked


def test_a_moment_without_a_zone_is_in_the_one_that_was_said() -> None:
    assert day("2026-02-01 03:30", Spelling(NEW_YORK, UTC)) == ("2026-01-31", "2026-02-01T03:30:00+00:00")


@given(st.datetimes(min_value=dt.datetime(2000, 1, 1), timezones=st.timezones()), st.timezones())  # noqa: DTZ001
@settings(deadline=None)
def test_every_moment_has_one_day_in_every_zone(moment: dt.datetime, zone: ZoneInfo) -> None:
    told = moment.isoformat()
    assert day(told, Spelling(zone, zone))[0] == dt.datetime.fromisoformat(told).astimezone(zone).date().isoformat()


@pytest.mark.parametrize(("days", "said", "booked"), [
    ("day-month-year", "03/04/2026", "2026-04-03"), ("month-day-year", "03/04/2026", "2026-03-04"),
    ("day-month-year", "3.4.2026 23:59", "2026-04-03"), ("month-day-year", "2026-04-03", "2026-04-03"),
])  # fmt: skip
def test_days_are_read_as_the_file_writes_them(days: str, said: str, booked: str) -> None:
    assert day(said, Spelling(NEW_YORK, NEW_YORK, days=days))[0] == booked


@pytest.mark.parametrize("said", ["03/04/2026", "31/01/2026 08:26", "", "soon", "2026-02-30", "1767225600", "26-01-31"])
def test_a_day_that_could_be_another_is_refused(said: str) -> None:
    with pytest.raises(ValueError, match="is not a day or moment"):
        day(said, SPELLING)


# -- numbers ------------------------------------------------------------


@pytest.mark.parametrize(("spelling", "said", "value"), [
    ("1234.50", "1234.50", "1234.50"), ("1234.50", "-5", "-5"), ("1,234.50", "1,234.50", "1234.50"),
    ("1,234.50", "(1,234.50)", "-1234.50"), ("1,234.50", "1234.5", "1234.5"), ("1.234,50", "1.234,50", "1234.50"),
    ("1.234,50", "(5)", "-5"), ("1.234,50", "-0,0042", "-0.0042"), ("1.234,50", "1.234.567,8", "1234567.8"),
])  # fmt: skip
def test_numbers_are_read_as_the_file_writes_them(spelling: str, said: str, value: str) -> None:
    """case_C18"""
    assert number(said, Spelling(UTC, UTC, numbers=spelling)) == Decimal(value)


@pytest.mark.parametrize(("spelling", "said"), [
    ("1234.50", "1,234.50"), ("1234.50", "1.234,50"), ("1234.50", "(5)"), ("1234.50", "1e-9"), ("1234.50", "NaN"),
    ("1234.50", "Infinity"), ("1234.50", "10000000000000000"), ("1234.50", "$5"), ("1,234.50", "1.234,50"),
    ("1,234.50", "1,23.50"), ("1,234.50", "12,34,567"), ("1,234.50", "(-5)"), ("1,234.50", "1,2345"),
    ("1.234,50", "1,234.50"), ("1.234,50", "1.5"), ("1.234,50", "1e9"), ("1,234.50", "(5"), ("1,234.50", "١٢"),
])  # fmt: skip
def test_a_number_that_is_not_written_so_is_refused(spelling: str, said: str) -> None:
    """case_C18: an explicit spelling or a refusal, never a guess."""
    with pytest.raises(ValueError, match=r"number|range"):
        number(said, Spelling(UTC, UTC, numbers=spelling))


@given(st.decimals(-(10**9), 10**9, places=4), st.sampled_from(list(NUMBERS)))
def test_a_number_means_the_same_however_it_is_written(value: Decimal, spelling: str) -> None:
    thousands, point = NUMBERS[spelling]
    text = f"{value:,}" if thousands else str(value)
    told = text.replace(",", "T").replace(".", point).replace("T", thousands)
    assert number(told, Spelling(UTC, UTC, numbers=spelling)) == value


# -- bad rows ------------------------------------------------------------


@pytest.mark.parametrize(("said", "field", "reason"), [
    ({"wallet": " "}, "wallet", "says no wallet"),
    ({"fiat_value": ""}, "fiat_value", "is empty"),
    ({"fiat_value": "1,234.50"}, "fiat_value", "--numbers"),
    ({"date": "31/01/2026"}, "date", "--days"),
    ({"fiat_currency": "DOGE"}, "fiat_currency", "unknown currency"),
    ({"gain": "(5)"}, "gain/loss", "plain decimal"),
    ({"amount": "lots"}, "amount", "plain decimal"),
])  # fmt: skip
def test_a_bad_row_is_told_by_its_number_and_keeps_all_out_unless_it_may_be_left_out(
    documents: Documents, file: File, said: dict[str, str], field: str, reason: str
) -> None:
    rows = [row(reference="A"), row(**{"reference": "B", **said}), row(reference="C")]
    report = taken(documents, file(*rows))
    assert [(one.row, one.field) for one in report.bad] == [(3, field)]
    assert reason in report.bad[0].reason
    assert (report.applied, held(documents)) == (False, [])
    report = taken(documents, file(*rows), skip_bad=True)
    assert ([(one.row, one.field) for one in report.bad], report.applied) == ([(3, field)], True)
    assert [fields["reference"] for fields in held(documents)] == ["A", "C"]


def test_a_row_that_is_cut_off_is_told_too(documents: Documents, file: File) -> None:
    report = taken(documents, file(row(), "Hot,2026-01-31"), skip_bad=True)
    assert [one.row for one in report.bad] == [3]
    assert len(held(documents)) == 1


@pytest.mark.parametrize(("days", "told"), [
    (("03/04/2026", "10/15/2026"), "every day of the file fits --days month-day-year"),
    (("03/04/2026", "15/10/2026", "2026-01-05"), "every day of the file fits --days day-month-year"),
    (("03/04/2026", "05.06.2026 10:00"), "fits day-month-year and month-day-year alike: find out which it is"),
    (("13/04/2026", "04/13/2026"), "no --days fits every day of the file"),
])  # fmt: skip
def test_how_days_are_written_is_told_by_the_whole_column_and_never_by_one_row(
    documents: Documents, file: File, days: tuple[str, ...], told: str
) -> None:
    """case_C18: following the advice must not store 4 March as 3 April."""
    report = taken(documents, file(*(row(date=said, reference=said) for said in days)))
    wrong = [one for one in report.bad if one.field == "date"]
    assert len(wrong) == sum("2026-01" not in said for said in days)
    assert all(one.reason.endswith(told) or told in one.reason for one in wrong)
    assert held(documents) == []


@pytest.mark.parametrize(("values", "told"), [
    (("1.234,50", "12,00"), "every number of the file fits --numbers 1.234,50"),
    (("1,234.50", "12.00"), "every number of the file fits --numbers 1,234.50"),
    (("1,234", "7"), "fits 1,234.50 and 1.234,50 alike"),
    (("1,234.50", "1.234,50"), "no --numbers fits every number of the file"),
])  # fmt: skip
def test_how_numbers_are_written_is_told_by_the_whole_file(
    documents: Documents, file: File, values: tuple[str, ...], told: str
) -> None:
    """case_C18"""
    rows = [row(fiat_value=value, amount="7", reference=value) for value in values]
    report = taken(documents, file(*rows))
    assert told in report.bad[0].reason


def test_a_wrong_spelling_that_was_said_is_told_by_the_one_that_fits(documents: Documents, file: File) -> None:
    rows = [row(date=said, reference=said) for said in ("03/04/2026", "10/15/2026")]
    report = taken(documents, file(*rows), Spelling(NEW_YORK, NEW_YORK, days="day-month-year"))
    assert [one.row for one in report.bad] == [3]
    assert "every day of the file fits --days month-day-year" in report.bad[0].reason
    assert held(documents) == []


@given(st.lists(st.dates(dt.date(2000, 1, 1), dt.date(2099, 12, 31)), min_size=1, max_size=12),
       st.sampled_from(["%d/%m/%Y", "%m/%d/%Y"]))  # fmt: skip
@settings(deadline=None, max_examples=60)
def test_the_form_a_file_is_written_in_is_never_ruled_out(days: list[dt.date], form: str) -> None:
    fitting, told = Fitting(SPELLING), [one.strftime(form) for one in days]
    for text in told:
        fitting.meet([text], [])
    name = {"%d/%m/%Y": "day-month-year", "%m/%d/%Y": "month-day-year"}[form]
    assert name in fitting.of_days(told[0])


# -- void ------------------------------------------------------------


def test_a_wallet_transaction_has_a_status_by_which_it_is_taken_back(documents: Documents, file: File) -> None:
    header = "wallet,date,value,currency,reference,status"
    taken(documents, file("Hot,2026-01-31,5,USD,A,", header=header))
    report = taken(documents, file("Hot,2026-01-31,5,USD,A,Void", header=header))
    assert [change.field for change in report.updated["TX-1001"]] == ["status"]
    assert held(documents)[0]["status"] == "Void"


# -- spreadsheets ------------------------------------------------------------


def sheet(path: Path, *rows: tuple[Any, ...]) -> Path:
    import openpyxl

    book = openpyxl.Workbook()
    for said in (("Wallet", "Date", "Asset", "Amount", "Fiat value", "Category", "Debit account", "Reference"), *rows):
        book.active.append(said)
    book.save(path)
    return path


def test_a_spreadsheet_is_read_cell_by_cell_to_the_cent(documents: Documents, tmp_path: Path) -> None:
    """case_C18: numbers and days of a spreadsheet are what it shows, whatever its texts are like."""
    moment = dt.datetime(2026, 2, 1, 23, 30)  # noqa: DTZ001 - a spreadsheet knows no zones
    path = sheet(tmp_path / "w.xlsx", ("Hot", dt.datetime(2026, 1, 31), "ETH", 0.1 + 0.2, 1234.5, "fees", "0105", "A"),  # noqa: DTZ001
                 ("Hot", moment, "ETH", "1.000,5", "1.234,50", "fees", None, "'=1"),
                 (None, None, None, None, None, None, None, None),
                 ("Hot", "31.01.2026", None, 7, 12, "fees", "0105", "C"))  # fmt: skip
    report = taken(documents, path, Spelling(NEW_YORK, NEW_YORK, "1.234,50", "day-month-year"))
    assert (report.bad, report.creates) == ([], 3)
    found = {one["reference"]: (one["date"], one["amount"]["minor"], one["quantity"]) for one in held(documents)}
    assert found == {"A": ("2026-01-31", 123450, "0.3"), "=1": ("2026-02-01", 123450, "1000.5"),
                     "C": ("2026-01-31", 1200, "7")}  # fmt: skip


@pytest.mark.parametrize(("cell", "what"), [
    (105, "cell G2 (debit_account) is a number (105), and a text belongs there"),
    ("=1+1", "cell G2 (debit_account) is a formula"),
    (True, "cell G2 (debit_account) is true or false"),
])  # fmt: skip
def test_a_code_that_a_spreadsheet_made_a_number_of_is_told_by_its_cell(
    documents: Documents, tmp_path: Path, cell: object, what: str
) -> None:
    path = sheet(tmp_path / "w.xlsx", ("Hot", "2026-01-31", "ETH", 1, 2, "fees", cell, "A"))
    report = taken(documents, path)
    assert [one.row for one in report.bad] == [2]
    assert report.bad[0].reason.startswith(what)
    assert held(documents) == []


def test_a_spreadsheet_that_is_none_and_one_for_another_import_are_told(documents: Documents, tmp_path: Path) -> None:
    broken = tmp_path / "w.xlsx"
    broken.write_bytes(b"PK no archive")
    with pytest.raises(ConfigError, match="cannot be read as XLSX"):
        taken(documents, broken)
    with pytest.raises(NotFound):
        taken(documents, tmp_path / "none.xlsx")
    with pytest.raises(ConfigError, match=r"spreadsheet \(XLSX\); save it as CSV UTF-8"):
        import_csv(documents, "customer", sheet(tmp_path / "c.xlsx"))


# -- again ------------------------------------------------------------


def test_the_same_file_again_changes_nothing(documents: Documents, file: File) -> None:
    """Rows without a reference that are the same are as many movements as there are."""
    rows = [row(), row(reference=""), row(reference=""), row(reference="", fiat_value="0.001")]
    assert taken(documents, file(*rows)).creates == 4
    report = taken(documents, file(*rows))
    assert (report.creates, report.updated, report.unchanged) == (0, {}, 4)
    assert taken(documents, file(*rows, row(reference=""))).creates == 1


def test_a_row_written_otherwise_is_the_same_row(documents: Documents, file: File) -> None:
    taken(documents, file(row(reference="", fiat_value="1234.50", date="2026-02-01T03:30:00Z")))
    other = Spelling(NEW_YORK, NEW_YORK, "1,234.50")
    report = taken(documents, file(row(reference="", fiat_value="1,234.5", date="2026-02-01T03:30:00+00:00")), other)
    assert (report.creates, report.unchanged) == (0, 1)


def test_a_row_that_changed_updates_its_transaction_but_for_what_was_edited_here(
    documents: Documents, file: File
) -> None:
    taken(documents, file(row(fiat_value="0.004")))
    work.edit(documents, "ledger_transaction", "TX-1001", {"category": "mining"})
    report = taken(documents, file(row(fiat_value="4", category="rewards", type="transaction")))
    assert {change.field for change in report.updated["TX-1001"]} == {"amount", "custom.fiat_exact", "type"}
    [fields] = held(documents)
    assert (fields["amount"], fields["category"], fields.get("custom", {})) == (usd(400), "mining", {})
    taken(documents, file(row(fiat_value="4", type="")))
    assert "type" not in held(documents)[0]


def test_one_reference_may_stand_for_two_assets_but_not_for_two_rows_of_one(documents: Documents, file: File) -> None:
    rows = [row(asset="ETH"), row(asset="USDC"), row(asset="ETH", fiat_value="3.00")]
    report = taken(documents, file(*rows), skip_bad=True)
    assert [(one.row, one.field) for one in report.bad] == [(4, "reference")]
    assert "row 2 has the same wallet, reference and asset" in report.bad[0].reason
    assert len(held(documents)) == 2


def test_a_transaction_that_came_by_another_way_is_known_by_its_reference(documents: Documents, file: File) -> None:
    taken(documents, file(row()))
    [(name, document)] = documents.each("ledger_transaction")
    documents.put("ledger_transaction", [(name, {**document, "origin": {"by": "sync", "written": {"id:1": ""}}})])
    assert taken(documents, file(row())).unchanged == 1


def test_a_dry_run_says_what_it_would_do_and_does_nothing(documents: Documents, file: File) -> None:
    report = taken(documents, file(row(), row(reference="TX-2")), dry_run=True)
    assert (report.creates, report.created, report.applied) == (2, [], False)
    assert held(documents) == []


@given(st.lists(st.tuples(st.sampled_from(["", "A", "B"]), st.integers(0, 3)), max_size=8))
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_importing_twice_is_importing_once(fresh: Any, tmp_path: Path, rows: list[tuple[str, int]]) -> None:
    path, memory = tmp_path / "w.csv", fresh()
    told = [row(reference=reference, fiat_value=str(value)) for reference, value in rows]
    path.write_text("\n".join([HEADER, *told]) + "\n", encoding="utf-8")
    first = taken(memory, path, skip_bad=True)
    before = memory.sequence
    again = taken(memory, path, skip_bad=True)
    assert (again.creates, again.updated, again.unchanged) == (0, {}, first.creates)
    assert memory.sequence == before


# -- the file ------------------------------------------------------------


@pytest.mark.parametrize(("name", "header", "expected"), [
    ("wallet", "anything", True), ("Wallet transactions", "", True), ("ledger-transaction", HEADER, True),
    ("ledger_transaction", "date,amount,category,partition", False), ("charge", HEADER, False),
])  # fmt: skip
def test_a_file_of_wallet_transactions_is_known_by_name_or_by_its_columns(
    file: File, name: str, header: str, expected: bool
) -> None:
    assert is_wallet(name, file(header=header)) is expected


@pytest.mark.parametrize(("header", "told"), [
    ("wallet,date,asset", "no column fiat_value"), ("wallet,date,value,fiat_value", "say the same"),
    ("wallet,date,value,walet", "did you mean 'wallet'"),
])  # fmt: skip
def test_a_file_that_is_no_such_table_is_refused_as_a_whole(
    documents: Documents, file: File, header: str, told: str
) -> None:
    with pytest.raises(ConfigError, match=told):
        taken(documents, file(header=header))


def test_a_file_or_currency_that_is_not_there_is_told(documents: Documents, file: File, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        taken(documents, tmp_path / "none.csv")
    with pytest.raises(ConfigError, match="ISO 4217"):
        taken(documents, file(), currency="XXX")


def test_text_that_a_spreadsheet_would_run_comes_back_as_it_was() -> None:
    """case_D13"""
    reader = Reader({"wallet": "wallet", "date": "date", "value": "value", "description": "note"}, SPELLING, "USD")
    one = reader.read(Row(2, {"wallet": "w", "date": "2026-01-31", "value": "1", "note": "'=1+1"}))
    assert one.body["description"] == "=1+1"
    with pytest.raises(Refusal, match="says no wallet"):
        reader.read(Row(2, {"wallet": "", "date": "2026-01-31", "value": "1", "note": ""}))
