"""How a file writes numbers and days, where that differs by country: said by whoever imports it, never guessed."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace
from wherry import money

PLAIN = "1234.50"
NUMBERS: dict[str, tuple[str, str]] = {PLAIN: ("", "."), "1,234.50": (",", "."), "1.234,50": (".", ",")}
"""How 1234.5 is written → the separator of thousands and the decimal sign."""
DAYS: dict[str, str] = {"year-month-day": "", "day-month-year": "%d-%m-%Y", "month-day-year": "%m-%d-%Y"}
"""How a day is written, whatever stands between its parts → the same for ``strptime``."""

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_BRACKETS = re.compile(r"\(\s*([^()+-]+?)\s*\)")
_PARTS = re.compile(
    r"(?P<day>[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{4})(?:[ T]+(?P<time>[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?))?"
)
_SEPARATED = re.compile(r"\(?[+-]?[0-9][0-9.,]*\)?")
"""What may be a number in one spelling or another."""
_UTC = re.compile(r"\s+(UTC|GMT)\Z")


class Spelling(Struct, frozen=True):
    """``zone`` is where days are cut, ``clock`` the zone of moments that name none."""

    zone: ZoneInfo
    clock: ZoneInfo
    numbers: str = PLAIN
    days: str = "year-month-day"


def number(text: str, spelling: Spelling) -> Decimal:
    """An exact number. Raises ValueError for what is not written as said; ``(5)`` is -5 where a spelling was said.

    A number in the plain spelling has no separators and no brackets: nothing is guessed.
    """
    plain = text.strip()
    thousands, point = NUMBERS[spelling.numbers]
    if not thousands:
        try:
            return money.exact(plain)
        except ValueError as error:
            told = "; write it as 1234.50" if _SEPARATED.fullmatch(plain) else ""
            raise ValueError(f"{error}{told}") from None
    bracketed = _BRACKETS.fullmatch(plain)
    found = _grouped(thousands, point).fullmatch(bracketed[1] if bracketed else plain)
    if found is None:
        raise ValueError(f"{text!r} is not a number as in {spelling.numbers}")
    value = money.exact(found[0].replace(thousands, "").replace(point, "."))
    return -value if bracketed else value


@lru_cache(maxsize=8)
def _grouped(thousands: str, point: str) -> re.Pattern[str]:
    return re.compile(
        rf"[+-]?(?:[0-9]{{1,3}}(?:{re.escape(thousands)}[0-9]{{3}})+|[0-9]+)(?:{re.escape(point)}[0-9]+)?"
    )


@lru_cache(maxsize=8192)
def day(text: str, spelling: Spelling) -> tuple[str, str]:
    """The accounting day of a day or a moment, and the moment as it was told (ISO 8601; empty for a day).

    A moment falls on the day that it is in ``zone``. Raises ValueError for what is neither.
    """
    plain = text.strip()
    try:
        if _DAY.fullmatch(plain):
            return dt.date.fromisoformat(plain).isoformat(), ""
        moment = _moment(plain, spelling)
        if isinstance(moment, dt.datetime):
            told = moment if moment.tzinfo else moment.replace(tzinfo=spelling.clock)
            return told.astimezone(spelling.zone).date().isoformat(), told.isoformat()
        return moment.isoformat(), ""
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is not a day or moment {_wanted(plain, spelling)}") from None


def _wanted(text: str, spelling: Spelling) -> str:
    if DAYS[spelling.days]:
        return f"as in {spelling.days}"
    return "such as 2026-01-31 or 2026-01-31T08:26:00Z"


class Fitting:
    """Which spellings fit all that was met: every day of a column, every number of a file."""

    def __init__(self, spelling: Spelling) -> None:
        self._said = spelling
        self._days = [form for form, pattern in DAYS.items() if pattern]
        self._numbers = list(NUMBERS)

    def meet(self, days: Iterable[str], numbers: Iterable[str]) -> None:
        """Cells of one row. What is in no spelling at all says nothing."""
        for text in days:
            if _PARTS.fullmatch(text):
                fitting = [form for form, told in DAYS.items()
                           if told and _fits(day, text, replace(self._said, days=form))]  # fmt: skip
                self._days = _narrowed(self._days, fitting)
        for text in numbers:
            if _SEPARATED.fullmatch(text):
                fitting = [form for form in NUMBERS if _fits(number, text, replace(self._said, numbers=form))]
                self._numbers = _narrowed(self._numbers, fitting)

    def of_days(self, text: str) -> str:
        """What to say of a cell that is no day as the file was said to write them."""
        return _advice("--days", "day", self._days, self._said.days) if _PARTS.fullmatch(text) else ""

    def of_numbers(self, text: str) -> str:
        """What to say of a cell that is no number as the file was said to write them."""
        return _advice("--numbers", "number", self._numbers, self._said.numbers) if _SEPARATED.fullmatch(text) else ""


def _narrowed(forms: list[str], fitting: Sequence[str]) -> list[str]:
    """What is right in no form, such as the 32nd of a month, rules none out."""
    return [form for form in forms if form in fitting] if fitting else forms


def _fits(read: Callable[[str, Spelling], object], text: str, spelling: Spelling) -> bool:
    try:
        read(text, spelling)
    except ValueError:
        return False
    return True


def _advice(option: str, what: str, forms: Sequence[str], said: str) -> str:
    fitting = [form for form in forms if form != said]
    if not fitting:
        return f"; no {option} fits every {what} of the file: its rows are written in several ways"
    if len(fitting) == 1:
        return f"; every {what} of the file fits {option} {fitting[0]}"
    return f"; every {what} of the file fits {' and '.join(fitting)} alike: find out which it is, and say {option}"


def _moment(text: str, spelling: Spelling) -> dt.datetime | dt.date:
    found, form = _PARTS.fullmatch(text), DAYS[spelling.days]
    if found is None:
        return dt.datetime.fromisoformat(_UTC.sub("+00:00", text))
    if not form:
        raise ValueError("its day and month cannot be told apart")
    plain = dt.datetime.strptime(re.sub(r"[/.]", "-", found["day"]), form)  # noqa: DTZ007 - its zone comes later
    return dt.datetime.combine(plain, dt.time.fromisoformat(_clock(found["time"]))) if found["time"] else plain.date()


def _clock(text: str) -> str:
    return text if text[1:2] != ":" else f"0{text}"
