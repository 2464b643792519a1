"""SOQL as text. Whatever comes from outside is quoted here or checked by name before (case G15)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence

_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?\Z")
_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def select(fields: Iterable[str], object: str, where: str = "", tail: str = "") -> str:
    """A statement; empty parts are left out."""
    parts = [f"SELECT {', '.join(dict.fromkeys(fields))} FROM {object}", where and f"WHERE {where}", tail]
    return " ".join(part for part in parts if part)


def quoted(text: str) -> str:
    """A text as SOQL has it."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def among(field: str, ids: Sequence[str]) -> str:
    """The condition that a field holds one of these ids."""
    return f"{field} IN ({','.join(map(quoted, ids))})"


def moment(ms: int) -> str:
    """A moment as a literal, which has no quotes."""
    at = dt.datetime.fromtimestamp(ms // 1_000, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{at}.{ms % 1_000:03d}Z"


def is_id(text: str) -> bool:
    """Whether it has the form of a record's id; anything else makes a query fail."""
    return bool(_ID.match(text))


def long_id(text: str) -> str:
    """The id of 18 characters, which answers give, for one of 15, which links of older pages have: three characters
    more say which letters are capitals, five at a time."""
    if len(text) != 15 or not is_id(text):
        return text
    groups = (text[start : start + 5] for start in range(0, 15, 5))
    return text + "".join(_CHECK[sum(letter.isupper() << n for n, letter in enumerate(group))] for group in groups)
