"""Texts as Xero takes them, our stamps in them, and its dates.

Facts: dates come back as ``/Date(1552521600000+0000)/``, milliseconds since 1970 in UTC, and a plain date is midnight
(API.md); where another offset stands behind it, midnight there (general knowledge). Names have 255 characters, codes of
items 30, their names 50, a narration as much as its import takes.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import re

NARRATION, REFERENCE, DESCRIPTION = 4000, 255, 4000
CODE, ITEM_NAME = 30, 50
SIGN = "wherry:"
"""What stands before the stamp in the reference of a credit note."""
_STAMP = re.compile(r"(?:/|wherry:|\A)([a-z2-7]{26})\Z")
_DATE = re.compile(r"/Date\((-?\d{1,15})([+-]\d{4})?\)/\Z")
_BEGIN = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def short(text: str, longest: int) -> str:
    """A name that stays its own where it is too long: its beginning, and a hash of the whole."""
    if len(text) <= longest:
        return text
    mark = base64.b32encode(hashlib.blake2b(text.encode(), digest_size=5).digest()).decode().lower()
    return f"{text[: longest - len(mark) - 1].rstrip()}~{mark}"


def stamp_in(text: object) -> str:
    """The stamp that a link, a reference or a contact number ends in; empty where it has none."""
    found = _STAMP.search(str(text or ""))
    return found[1] if found else ""


def day(text: object) -> dt.date | None:
    """The day of a date of Xero, or of one in ISO 8601; None where it is neither."""
    told = str(text or "")
    found = _DATE.match(told)
    try:
        return _moment(*found.groups()).date() if found else dt.date.fromisoformat(told[:10])
    except (ValueError, OverflowError):
        return None


def _moment(ms: str, offset: str | None) -> dt.datetime:
    """By the clock of the place whose offset stands behind it."""
    away = dt.datetime.strptime(offset or "+0000", "%z").utcoffset() or dt.timedelta()
    return _BEGIN + dt.timedelta(milliseconds=int(ms)) + away


def iso(text: object) -> str:
    """The same as text; empty where there is none."""
    found = day(text)
    return found.isoformat() if found else ""


def when(date: dt.date) -> str:
    """A day as lists are filtered by it."""
    return f"DateTime({date.year},{date.month:02},{date.day:02})"
