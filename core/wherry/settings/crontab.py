"""Crontab lines as crontab(5) reads them: 0 and 7 are Sunday, 1 is Monday. APScheduler alone counts from Monday = 0."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apscheduler.triggers.cron import CronTrigger

FIX = "write five fields: minute hour day month weekday, such as 0 6 * * mon-fri"
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")
_PART = re.compile(r"(\*|[0-7]|[a-z]{3})(?:-([0-7]|[a-z]{3}))?(?:/([1-7]))?\Z")


def trigger(line: str, zone: dt.tzinfo) -> CronTrigger:
    """The moments of a line in a time zone. Raises ValueError for what is no line, or could mean two things."""
    from apscheduler.triggers.cron import CronTrigger

    fields = line.split()
    if len(fields) != 5:
        raise ValueError(f"it has {len(fields)} fields, not 5")
    minute, hour, day, month, weekday = fields
    if weekday != "*" and day != "*":
        raise ValueError("it names a day of the month and a weekday: crontab takes either, people mean both")
    return CronTrigger(
        minute=minute, hour=hour, day=day, month=month, day_of_week=_weekdays(weekday.lower()), timezone=zone
    )


def next_moment(line: str, zone: dt.tzinfo, after: dt.datetime) -> dt.datetime | None:
    """The first moment of a line from ``after`` on. What is written for an hour of the day comes once where the clocks
    go back and that hour comes twice, as cron(8) has it; what is written for every hour, or every so many minutes, in
    both."""
    minute, hour, *_ = line.split()
    once, moments = not minute.startswith("*") and not hour.startswith("*"), trigger(line, zone)
    found: dt.datetime | None = moments.get_next_fire_time(None, after)
    while found is not None and once and found.fold:
        found = moments.get_next_fire_time(None, found.astimezone(dt.UTC) + dt.timedelta(microseconds=1))
    return found


def _weekdays(field: str) -> str:
    """The field with names for numbers."""
    if field == "*":
        return field
    found = {name for part in field.split(",") for name in _days_of(part)}
    return ",".join(name for name in _DAYS[:7] if name in found)


def _days_of(part: str) -> list[str]:
    """``1-5``, ``fri-mon``, ``*/2`` or ``7`` as the names of its days."""
    match = _PART.match(part)
    if match is None:
        raise ValueError(f"{part!r} is no weekday")
    first, last, step = match.groups()
    if first == "*":
        start, end = 0, 6
    else:
        start = _number(first)
        end = _number(last) if last else start if step is None else 6
    if end < start and last is not None:
        end += 7  # a range over the end of the week: fri-mon
    return [_DAYS[number % 7] for number in range(start, end + 1, int(step or 1))]


def _number(said: str) -> int:
    if said.isdecimal():
        return int(said)
    if said not in _DAYS:
        raise ValueError(f"{said!r} is no weekday")
    return _DAYS.index(said)
