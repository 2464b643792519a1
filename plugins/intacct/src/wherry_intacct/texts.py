"""Texts as Sage Intacct takes them, our stamps, and its dates.

Facts: generic functions have dates as ``MM/DD/YYYY``, legacy ones in three elements (API.md). How long texts may be the
contract does not say: the lengths are general knowledge, of a title that of the import screen.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import re
from typing import Any

CUSTOMER_ID, ITEM_ID, NAME, TITLE, TEXT = 20, 30, 100, 80, 1000
is_stamp = re.compile(r"[a-z2-7]{26}").fullmatch
"""Whether a reference is one of ours."""


def short(text: str, longest: int) -> str:
    """A name that stays its own where it is too long: its beginning, and a hash of the whole."""
    if len(text) <= longest:
        return text
    mark = base64.b32encode(hashlib.blake2b(text.encode(), digest_size=5).digest()).decode().lower()
    return f"{text[: longest - len(mark) - 1].rstrip()}~{mark}"


def american(iso: str) -> str:
    """A day as generic functions have it."""
    return dt.date.fromisoformat(iso).strftime("%m/%d/%Y")


def parts(iso: str) -> dict[str, Any]:
    """A day as legacy functions have it."""
    year, month, day = iso.split("-")
    return {"year": year, "month": month, "day": day}


def iso(text: object) -> str:
    """A day of an answer; empty where there is none that can be read."""
    try:
        month, day, year = str(text or "")[:10].split("/")
        return dt.date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return ""
