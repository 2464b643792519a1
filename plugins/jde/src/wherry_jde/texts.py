"""Texts, keys, days and amounts as JD Edwards takes and gives them.

Facts: texts come back padded with blanks; tables hold days as CYYDDD (126090 is 2026-03-31), orchestrations take ISO
8601, the user's own form, or milliseconds since 1970; amounts go as text with the user's decimal sign (API.md). That
the dataservice may give a day as 20260331 is general knowledge.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from wherry.posting.texts import clean

EXPLANATION, DESCRIPTION, NAME, NUMBER = 30, 30, 40, 25
"""Letters that JD Edwards has room for (general knowledge: EXA, DSC1, ALPH, VR01)."""
_STAMP = re.compile(r"[a-z2-7]{26}")
_WORDS = {"yyyy": "%Y", "yy": "%y", "MM": "%m", "dd": "%d"}


def key_of(stamp: str, letters: int) -> str:
    """Our key of a write, in capitals: nobody need know which fields keep small letters."""
    return stamp[:letters].upper()


def stamp_in(text: object) -> str:
    """The stamp that a field holds as a whole; empty where it holds something else."""
    told = clean(text).lower()
    return told if _STAMP.fullmatch(told) else ""


def said_day(iso: str, form: str, zone: str = "UTC") -> str:
    """A day as the orchestrations of the site take it."""
    if form == "iso":
        return iso
    date = dt.date.fromisoformat(iso)
    if form == "epoch":
        return str(int(dt.datetime.combine(date, dt.time(), ZoneInfo(zone)).timestamp()) * 1000)
    return date.strftime(_form(form))


def _form(pattern: str) -> str:
    return re.sub("yyyy|yy|MM|dd", lambda word: _WORDS[word[0]], pattern)


def day(told: object, form: str = "iso", zone: str = "UTC") -> dt.date | None:
    """The day of a text or number of JD Edwards, in whichever of its forms; None where it is none."""
    text = clean(told)
    try:
        if form not in ("iso", "epoch") and not text.isdecimal():
            return dt.datetime.strptime(f"{text} +0000", f"{_form(form)} %z").date()
        if not text.isdecimal():
            return dt.date.fromisoformat(text[:10])
        if len(text) <= 6:
            return julian(int(text))
        if len(text) == 8:
            return dt.date.fromisoformat(f"{text[:4]}-{text[4:6]}-{text[6:]}")
        return dt.datetime.fromtimestamp(int(text) // 1000, ZoneInfo(zone)).date()
    except (ValueError, OverflowError, OSError):
        return None


def julian(told: int) -> dt.date:
    """The day that CYYDDD means: centuries since 1900, year, day of the year. Raises ValueError."""
    years, days = divmod(told, 1000)
    if not 1 <= days <= 366:
        raise ValueError(f"{told} is no day")
    date = dt.date(1900 + years, 1, 1) + dt.timedelta(days=days - 1)
    if date.year != 1900 + years:
        raise ValueError(f"{told} is no day")
    return date


def number(told: Any) -> Decimal:
    """A number of JD Edwards, blank for none; a minus may stand behind. Raises ValueError."""
    text = clean(told).replace(",", "")
    text = f"-{text[:-1]}" if text.endswith("-") else text
    try:
        found = Decimal(text or "0")
    except ArithmeticError:
        raise ValueError(f"{text[:40]!r} is no number") from None
    if not found.is_finite():
        raise ValueError(f"{text[:40]!r} is no number")
    return found
