"""Days, and what they are grouped into: fiscal periods, and the buckets that no period's end runs through."""

from __future__ import annotations

import calendar
import datetime as dt
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from wherry.accounting import Bucket, Period
from wherry.books.keys import SEPARATOR
from wherry.books.tables import Line, records
from wherry.errors import ConfigError, Rejected

Group = Literal["none", "day", "week", "month"]
_COLUMNS = ("name", "first", "last")
_ONE_DAY = dt.timedelta(days=1)
_LONGEST_MONTH = 45
"""Days. A fiscal month has 28 or 35 of them, 42 in a year of 53 weeks; what is longer is a quarter or a year."""
_EARLIEST, _LATEST = dt.date(1900, 1, 1), dt.date(2999, 12, 31)


def local_day(moment: dt.datetime, zone: str | ZoneInfo) -> dt.date:
    """The accounting date of a moment: the day on the wall in ``zone``. ValueError for a time without offset."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no offset: it names no moment")
    return moment.astimezone(ZoneInfo(zone) if isinstance(zone, str) else zone).date()


def month_of(day: dt.date) -> Period:
    """The calendar month of a day, as a period named ``2026-01``."""
    last = calendar.monthrange(day.year, day.month)[1]
    return Period(f"{day.year:04d}-{day.month:02d}", day.replace(day=1), day.replace(day=last))


def months(first: dt.date, last: dt.date) -> list[Period]:
    """The calendar months from the one of ``first`` to the one of ``last``."""
    return list(_months(first, last))


def _months(first: dt.date, last: dt.date) -> Iterator[Period]:
    while first <= last:
        month = month_of(first)
        yield month
        first = month.last + _ONE_DAY


def read_periods(path: Path) -> list[Period]:
    """The table of fiscal periods (name, first, last), in order of their days.

    Raises ConfigError, with ``file``, ``row`` and ``column``, for a gap, an overlap, a name twice, or no date.
    """
    rows = sorted(((_period(path, line), line.row) for line in records(path, _COLUMNS, _COLUMNS, dates=_COLUMNS[1:])),
                  key=lambda pair: pair[0].first)  # fmt: skip
    if not rows:
        raise _wrong(path, 2, "name", "there is no period", "write one row for each period")
    names: dict[str, int] = {}
    for period, row in rows:
        if names.setdefault(period.name.casefold(), row) != row:
            raise _wrong(path, row, "name", f'the period "{period.name}" stands there twice', "name each one its own")
    for (before, _), (period, row) in pairwise(rows):
        expected = before.last + _ONE_DAY
        if period.first != expected:
            word = "overlaps" if period.first < expected else "leaves a gap after"
            raise _wrong(
                path, row, "first", f'"{period.name}" begins on {period.first} and {word} "{before.name}", '
                f"which ends on {before.last}", f"let it begin on {expected}",
            )  # fmt: skip
    return [period for period, _ in rows]


def _period(path: Path, line: Line) -> Period:
    name = line.cells.get("name", "")
    if not name:
        raise _wrong(path, line.row, "name", "the period has no name", "name it as your books do, such as 2026-P01")
    if SEPARATOR in name:
        raise _wrong(path, line.row, "name", f'"{name}" has a {SEPARATOR}, which stands between the parts of a key',
                     f"name it without, such as {name.replace(SEPARATOR, '-')}")  # fmt: skip
    first, last = (_date(path, line, column) for column in _COLUMNS[1:])
    if last < first:
        raise _wrong(path, line.row, "last", f'"{name}" ends before it begins', "swap the two dates")
    return Period(name, first, last)


def _date(path: Path, line: Line, column: str) -> dt.date:
    text = line.cells.get(column, "")
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text or not _EARLIEST <= day <= _LATEST:
        raise _wrong(path, line.row, column, f'"{text}" is no date', "write it as 2026-01-31")
    return day


def _wrong(path: Path, row: int, column: str, what: str, fix: str) -> ConfigError:
    return ConfigError(
        f"{path}, row {row}: {what}", fix=fix, code="WHERRY-2620", file=str(path), row=row, column=column
    )


class Calendar:
    """Which period and which bucket a day belongs to; calendar months where there is no table of periods.

    ``periods`` are in order and without gaps, as ``read_periods`` gives them.
    """

    def __init__(self, periods: Sequence[Period] | None = None) -> None:
        self._periods = list(periods or ())
        self._firsts = [period.first for period in self._periods]

    @property
    def periods(self) -> Sequence[Period]:
        """Those of the table; none where there is no table."""
        return self._periods

    def period_of(self, day: dt.date) -> Period:
        """The period of a day. Raises Rejected for a day before or after all of them."""
        if not _EARLIEST <= day <= _LATEST:
            raise Rejected(
                f"{day} is no accounting date", fix="correct the date at the source", code="WHERRY-4601",
                date=str(day),
            )  # fmt: skip
        if not self._periods:
            return month_of(day)
        found = self._listed(day)
        if found is None:
            raise Rejected(
                f"{day} lies in no period: the table goes from {self._firsts[0]} to {self._periods[-1].last}",
                fix="add its period to the table of periods, or correct the date", code="WHERRY-4602", date=str(day),
            )  # fmt: skip
        return found

    def bucket_of(self, day: dt.date, group: Group, week_start: int = 0) -> Bucket:
        """What the day is grouped into; ``week_start`` is 0 for Monday to 6 for Sunday.

        A week has the name of the ISO week of its middle day, with a, b … where a period's end cuts it. A month is the
        fiscal period itself, unless that is longer than a month: then it is the calendar's, cut at the period's ends.
        """
        period = self.period_of(day)
        if group in ("none", "day"):
            return Bucket(day.isoformat(), day, day, period.name)
        if group == "week":
            first = day - dt.timedelta(days=(day.weekday() - week_start) % 7)
            year, week, _ = (first + 3 * _ONE_DAY).isocalendar()
            return self._cut(f"{year}-W{week:02d}", first, first + 6 * _ONE_DAY, day)
        if (period.last - period.first).days < _LONGEST_MONTH:
            return Bucket(period.name, period.first, period.last, period.name)
        month = month_of(day)
        return self._cut(month.name, month.first, month.last, day)

    def _listed(self, day: dt.date) -> Period | None:
        at = bisect_right(self._firsts, day) - 1
        return self._periods[at] if at >= 0 and day <= self._periods[at].last else None

    def _cut(self, name: str, first: dt.date, last: dt.date, day: dt.date) -> Bucket:
        """The piece of the days from ``first`` to ``last`` that the day is in."""
        period = self.period_of(day)
        cuts = [one for one in _days(first + _ONE_DAY, last) if self._begins(one)]
        piece = sum(one <= day for one in cuts)
        suffix = chr(ord("a") + piece) if cuts else ""
        return Bucket(name + suffix, max(first, period.first), min(last, period.last), period.name)

    def _begins(self, day: dt.date) -> bool:
        """Whether the day before belongs elsewhere. The day after the last period counts: one will be added there."""
        if not self._periods:
            return day.day == 1
        here, before = self._listed(day), self._listed(day - _ONE_DAY)
        return here is not before


def _days(first: dt.date, last: dt.date) -> Iterator[dt.date]:
    return (first + dt.timedelta(days=n) for n in range((last - first).days + 1))
