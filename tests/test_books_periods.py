"""Days: each in one period and one bucket, whatever the zone, the week's first day, and where periods end."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import openpyxl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from wherry.accounting import Bucket, Period
from wherry.books.periods import Calendar, Group, local_day, month_of, months, read_periods
from wherry.errors import ConfigError, Rejected

DAY = dt.timedelta(days=1)
DAYS = st.dates(dt.date(1950, 1, 1), dt.date(2150, 12, 31))
GROUPS: list[Group] = ["none", "day", "week", "month"]


def weeks_445(first: dt.date, years: int = 2) -> list[Period]:
    """Fiscal months of 4, 4 and 5 weeks; the last one of the first year has 6, as in a year of 53 weeks."""
    periods = []
    for year in range(years):
        for month in range(12):
            length = 7 * ((4, 4, 5)[month % 3] + (1 if year == 0 and month == 11 else 0))
            periods.append(Period(f"FY{year}-P{month + 1:02d}", first, first + dt.timedelta(days=length - 1)))
            first += dt.timedelta(days=length)
    return periods


FISCAL = weeks_445(dt.date(2025, 2, 2))
QUARTERS = [Period(f"Q{n}", month_of(dt.date(2026, 3 * n - 2, 1)).first, month_of(dt.date(2026, 3 * n, 1)).last)
            for n in (1, 2, 3, 4)]  # fmt: skip


@st.composite
def tables(draw: st.DrawFn) -> list[Period]:
    """Periods of any lengths, from one day to a year."""
    first, periods = draw(DAYS), []
    for n, length in enumerate(draw(st.lists(st.integers(1, 9) | st.integers(1, 400), min_size=1, max_size=12))):
        periods.append(Period(f"P{n}", first, first + dt.timedelta(days=length - 1)))
        first += dt.timedelta(days=length)
    return periods


# -- buckets -----------------------------------------------------------------------------------------------------------


def judge(calendar: Calendar, days: list[dt.date], group: Group, week_start: int) -> None:
    """Consecutive days: buckets hold their own days, no others, cross no period's end, and share no name."""
    buckets = [calendar.bucket_of(day, group, week_start) for day in days]
    for day, bucket in zip(days, buckets, strict=True):
        assert bucket.first <= day <= bucket.last
        period = calendar.period_of(day)
        assert period.first <= bucket.first
        assert bucket.last <= period.last
        assert bucket.period == period.name
        assert calendar.bucket_of(bucket.first, group, week_start) == bucket
        assert calendar.bucket_of(bucket.last, group, week_start) == bucket
    for (_, before), (_, bucket) in pairwise(zip(days, buckets, strict=True)):
        assert bucket == before or (bucket.first == before.last + DAY and bucket.name != before.name)
    assert len({bucket.name for bucket in buckets}) == len(set(buckets))


@given(DAYS, st.sampled_from(GROUPS), st.integers(0, 6))
@example(dt.date(2026, 12, 1), "week", 0)
@example(dt.date(2024, 2, 1), "week", 6)
@settings(max_examples=60, deadline=None)
def test_each_day_is_in_exactly_one_bucket(first: dt.date, group: Group, week_start: int) -> None:
    """case_C15, I11, b_004_15"""
    judge(Calendar(), [first + n * DAY for n in range(100)], group, week_start)


@given(tables(), st.sampled_from(GROUPS), st.integers(0, 6))
@settings(max_examples=60, deadline=None)
def test_each_day_is_in_exactly_one_bucket_of_any_fiscal_year(
    periods: list[Period], group: Group, week_start: int
) -> None:
    """case_C13, case_C15: no bucket crosses a fiscal period."""
    whole = (periods[-1].last - periods[0].first).days + 1
    judge(Calendar(periods), [periods[0].first + n * DAY for n in range(whole)], group, week_start)


@given(tables(), st.integers(0, 6), st.integers(1, 40))
@example([Period("only", dt.date(2026, 1, 1), dt.date(2026, 1, 28))], 0, 30)
@settings(max_examples=60, deadline=None)
def test_a_table_that_grows_renames_no_bucket(periods: list[Period], week_start: int, more: int) -> None:
    after = Period("after", periods[-1].last + DAY, periods[-1].last + more * DAY)
    before, grown = Calendar(periods), Calendar([*periods, after])
    for day in (periods[-1].last - n * DAY for n in range((periods[-1].last - periods[-1].first).days + 1)):
        assert before.bucket_of(day, "week", week_start) == grown.bucket_of(day, "week", week_start)


@pytest.mark.parametrize(
    ("day", "week_start", "name", "first", "last"),
    [
        ("2026-01-28", 0, "2026-W05a", "2026-01-26", "2026-01-31"),
        ("2026-02-01", 0, "2026-W05b", "2026-02-01", "2026-02-01"),
        ("2026-01-14", 0, "2026-W03", "2026-01-12", "2026-01-18"),
        ("2026-01-18", 6, "2026-W04", "2026-01-18", "2026-01-24"),
        ("2026-02-03", 6, "2026-W06", "2026-02-01", "2026-02-07"),
        ("2026-12-31", 0, "2026-W53a", "2026-12-28", "2026-12-31"),
        ("2027-01-01", 0, "2026-W53b", "2027-01-01", "2027-01-03"),
        ("2025-12-30", 0, "2026-W01a", "2025-12-29", "2025-12-31"),
        ("2024-02-29", 0, "2024-W09a", "2024-02-26", "2024-02-29"),
        ("2024-03-01", 0, "2024-W09b", "2024-03-01", "2024-03-03"),
        ("2021-01-02", 5, "2021-W01", "2021-01-02", "2021-01-08"),
    ],
)
def test_a_week_is_named_by_its_middle_day_and_cut_where_a_month_ends(
    day: str, week_start: int, name: str, first: str, last: str
) -> None:
    """case_C15: a week across a month's end, across a year's end, week 53, a leap day."""
    bucket = Calendar().bucket_of(dt.date.fromisoformat(day), "week", week_start)
    told = bucket.name, bucket.first.isoformat(), bucket.last.isoformat(), bucket.period
    assert told == (name, first, last, day[:7])


def test_a_month_is_the_fiscal_one_where_the_books_have_such() -> None:
    """4-4-5 works, in a year of 53 weeks as well; quarters are cut into months of the calendar."""
    fiscal = Calendar(FISCAL)
    assert {fiscal.bucket_of(one.first, "month") for one in FISCAL} == {
        Bucket(one.name, one.first, one.last, one.name) for one in FISCAL
    }
    assert all("a" not in fiscal.bucket_of(one.last, "week", 6).name for one in FISCAL), "whole weeks only"
    quarters = Calendar(QUARTERS)
    assert quarters.bucket_of(dt.date(2026, 5, 5), "month") == Bucket(
        "2026-05", dt.date(2026, 5, 1), dt.date(2026, 5, 31), "Q2"
    )
    halves = Calendar([Period("A", dt.date(2026, 1, 1), dt.date(2026, 5, 15)),
                       Period("B", dt.date(2026, 5, 16), dt.date(2026, 12, 31))])  # fmt: skip
    assert [halves.bucket_of(dt.date(2026, 5, day), "month").name for day in (15, 16)] == ["2026-05a", "2026-05b"]


def test_a_day_outside_the_table_is_refused_and_one_outside_all_reason_too() -> None:
    calendar = Calendar(FISCAL)
    for day in (FISCAL[0].first - DAY, FISCAL[-1].last + DAY):
        with pytest.raises(Rejected, match="lies in no period") as caught:
            calendar.bucket_of(day, "week")
        assert caught.value.where == {"date": str(day)}
    for day in (dt.date.min, dt.date.max):
        with pytest.raises(Rejected, match="no accounting date"):
            Calendar().bucket_of(day, "week")


def test_months_go_from_one_to_the_other() -> None:
    found = months(dt.date(2025, 12, 31), dt.date(2026, 2, 1))
    assert [one.name for one in found] == ["2025-12", "2026-01", "2026-02"]
    assert months(dt.date(2026, 1, 2), dt.date(2026, 1, 1)) == []
    assert month_of(dt.date(2024, 2, 3)).last == dt.date(2024, 2, 29)


# -- the table ---------------------------------------------------------------------------------------------------------


def table(folder: Path, *rows: str) -> Path:
    path = folder / "periods.csv"
    path.write_text("\n".join(["name,first,last", *rows]), "utf-8")
    return path


def test_a_table_of_periods_is_read_in_the_order_of_its_days(tmp_path: Path) -> None:
    rows = [f"{one.name},{one.first},{one.last}" for one in reversed(FISCAL)]
    assert read_periods(table(tmp_path, *rows)) == FISCAL


def test_a_workbook_of_periods_may_hold_true_dates(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.worksheets[0].append(["name", "first", "last"])
    for one in FISCAL:
        book.worksheets[0].append([one.name, one.first, one.last.isoformat()])
    book.save(tmp_path / "periods.xlsx")
    assert read_periods(tmp_path / "periods.xlsx") == FISCAL


@pytest.mark.parametrize(
    ("rows", "row", "column", "says"),
    [
        ([], 2, "name", "no period"),
        (["P1,2026-01-01,2026-01-31", "P2,2026-02-02,2026-02-28"], 3, "first", "gap"),
        (["P1,2026-01-01,2026-01-31", "P2,2026-01-31,2026-02-28"], 3, "first", "overlaps"),
        (["P2,2026-01-31,2026-02-28", "P1,2026-01-01,2026-01-31"], 2, "first", "overlaps"),
        (["P1,2026-01-01,2026-01-31", "p1,2026-02-01,2026-02-28"], 3, "name", "twice"),
        (["P1,2026-01-31,2026-01-01"], 2, "last", "ends before"),
        (["P1,2026-02-29,2026-03-01"], 2, "first", "no date"),
        (["P1,01/02/2026,2026-03-01"], 2, "first", "no date"),
        (["P1,20260101,2026-03-01"], 2, "first", "no date"),
        (["P1,2026-W01-1,2026-03-01"], 2, "first", "no date"),
        ([",2026-01-01,2026-03-01"], 2, "name", "no name"),
        (["P1|26,2026-01-01,2026-03-01"], 2, "name", '"P1|26" has a |'),
        (["P1,2026-01-01,"], 2, "last", "no date"),
    ],
)
def test_what_is_wrong_with_periods_is_told_with_row_and_column(
    tmp_path: Path, rows: list[str], row: int, column: str, says: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read_periods(table(tmp_path, *rows))
    assert says in caught.value.message
    assert caught.value.where == {"file": str(tmp_path / "periods.csv"), "row": row, "column": column}
    assert caught.value.fix


# -- the day of a moment -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "zone", "day"),
    [
        ("2026-01-31T23:59:59+00:00", "America/New_York", "2026-01-31"),
        ("2026-02-01T04:59:59+00:00", "America/New_York", "2026-01-31"),
        ("2026-02-01T05:00:00+00:00", "America/New_York", "2026-02-01"),
        ("2026-03-08T06:59:59+00:00", "America/New_York", "2026-03-08"),
        ("2026-03-09T03:59:59+00:00", "America/New_York", "2026-03-08"),
        ("2026-11-01T04:30:00+00:00", "America/New_York", "2026-11-01"),
        ("2026-11-02T04:59:59+00:00", "America/New_York", "2026-11-01"),
        ("2025-12-31T09:59:59+00:00", "Pacific/Kiritimati", "2025-12-31"),
        ("2025-12-31T10:00:00+00:00", "Pacific/Kiritimati", "2026-01-01"),
        ("2026-01-01T11:59:59+00:00", "Etc/GMT+12", "2025-12-31"),
        ("2024-02-29T23:30:00-05:00", "Europe/Berlin", "2024-03-01"),
        ("2026-03-29T00:30:00+01:00", "Europe/Berlin", "2026-03-29"),
    ],
)
def test_the_day_of_a_moment_is_the_one_on_the_wall_there(moment: str, zone: str, day: str) -> None:
    """case_C13: a DST day of 23 and of 25 hours, +14, -12, 29 February."""
    assert local_day(dt.datetime.fromisoformat(moment), zone).isoformat() == day
    assert local_day(dt.datetime.fromisoformat(moment), ZoneInfo(zone)).isoformat() == day


@given(st.datetimes(dt.datetime(1971, 1, 1), dt.datetime(2100, 1, 1), timezones=st.just(dt.UTC)),  # noqa: DTZ001
       st.sampled_from(sorted(available_timezones())))  # fmt: skip
def test_in_every_zone_a_moment_has_one_day_near_that_of_utc(moment: dt.datetime, zone: str) -> None:
    """case_C13, I11"""
    day = local_day(moment, zone)
    assert abs((day - moment.date()).days) <= 1
    assert local_day(moment.astimezone(dt.timezone(dt.timedelta(hours=-7))), zone) == day, "however it is written"


def test_a_time_without_offset_is_no_moment() -> None:
    with pytest.raises(ValueError, match="no offset"):
        local_day(dt.datetime(2026, 1, 1), "UTC")  # noqa: DTZ001
