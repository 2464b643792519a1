"""Fiscal years that begin with some month of the calendar, as accounting systems keep them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

_DAY = dt.timedelta(days=1)


def year_of(day: dt.date, first_month: int) -> dt.date:
    """The first day of the fiscal year that a day is in."""
    return dt.date(day.year if day.month >= first_month else day.year - 1, first_month, 1)


def years(first: dt.date, last: dt.date, first_month: int) -> Iterator[tuple[dt.date, dt.date]]:
    """A time in pieces, by their first and last days, of which none crosses the end of a fiscal year."""
    start = first
    while start <= last:
        begun = year_of(start, first_month)
        end = min(last, begun.replace(year=begun.year + 1) - _DAY)
        yield start, end
        start = end + _DAY
