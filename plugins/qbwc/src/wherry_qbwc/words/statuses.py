"""What QuickBooks' codes mean for a write, read from ``statuses.toml``.

Facts: below 500 a request was done, from 500 it was done with a warning, from 1000 nothing was returned (Intuit's table
of codes). A code that is not listed is judged by its range, and where that leaves a doubt, what was sent is looked up.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, Literal, cast

from msgspec import Struct

Fate = Literal["done", "refused", "unknown", "queued", "stale", "taken", "missing"]
_HEX = re.compile(r"(?:0x)?([0-9A-Fa-f]{8})").fullmatch
_DECIMAL = re.compile(r"-?[0-9]{1,10}").fullmatch


class Status(Struct, frozen=True):
    """``word`` names the case for programs, ``meaning`` for people; ``fix`` is what they do next, empty for nothing."""

    code: int
    word: str
    fate: Fate
    meaning: str
    fix: str = ""


def meaning(code: int, message: str = "") -> Status:
    """A request's statusCode, or a message set's. ``message``: QuickBooks' own words, which tell some cases apart."""
    statuses, ranges = _table("statuses"), _table("ranges")
    code_of_words = next((other for words, other in _by_words(code) if words.search(message)), code)
    listed = statuses.get(code_of_words)
    return _status(code, listed or ranges[max((start for start in ranges if start <= code), default=1000)])


def of_hresult(text: str) -> Status:
    """A code that comes instead of an answer, as the Web Connector writes it: ``0x80040400``, or as a signed number."""
    code = _hresult(text.strip())
    listed = _table("hresults").get(code)
    return _status(
        code,
        listed or ("connection-error", "unknown", _unlisted(text), "QWCLog.txt beside the Web Connector tells more"),
    )


Line = tuple[str, str, str, str]


def _unlisted(text: str) -> str:
    return f"QuickBooks or the Web Connector failed with {text.strip()[:20] or 'no code'}"


def _hresult(text: str) -> int:
    if found := _HEX(text):
        return int(found[1], 16)
    return int(text) & 0xFFFFFFFF if _DECIMAL(text) else 0


def _status(code: int, line: Line) -> Status:
    word, fate, said, fix = line
    return Status(code, word, cast(Fate, fate), said, fix)


@cache
def _by_words(code: int) -> list[tuple[re.Pattern[str], int]]:
    """The words in a message by which a general code is read as a particular one."""
    told = _read()["words"]
    return [(re.compile(words, re.IGNORECASE), int(other)) for words, other in told.get(str(code), [])]


@cache
def _table(name: str) -> Mapping[int, Line]:
    return {int(code, 0): (line[0], line[1], line[2], line[3]) for code, line in _read()[name].items()}


@cache
def _read() -> dict[str, dict[str, list[Any]]]:
    source = resources.files(__package__) / "statuses.toml"
    return tomllib.loads(source.read_text("utf-8"))
