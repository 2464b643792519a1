"""Mistakes in a project file: collected first, then told all at once, each with key, place, reason and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct
from pydantic_core import PydanticCustomError

from wherry.errors import ConfigError
from wherry.settings.locate import KeyPath, spelled

OWN = "wherry"
"""The type of our own validation errors, which carry a ``fix`` for the reader."""

NO_PROJECT, UNREADABLE, SYNTAX = "WHERRY-2001", "WHERRY-2002", "WHERRY-2003"
UNKNOWN_KEY, WRONG_VALUE, MISSING_KEY = "WHERRY-2010", "WHERRY-2011", "WHERRY-2012"
UNKNOWN_NAME, CYCLE, TOO_OFTEN, BAD_NAME = "WHERRY-2013", "WHERRY-2014", "WHERRY-2015", "WHERRY-2016"
UNSET_VARIABLE, UNSET_SECRET, LITERAL_SECRET = "WHERRY-2020", "WHERRY-2021", "WHERRY-2022"
SECRET_UNREADABLE = "WHERRY-2023"


class Mistake(Struct, frozen=True):
    """One thing that is wrong with the project's settings. ``says`` is the reason without key and place."""

    path: KeyPath
    says: str
    fix: str = ""
    code: str = WRONG_VALUE


class Place(Struct, frozen=True):
    """Where a setting was written: a file with its line, or an environment variable, or a flag."""

    source: str
    line: int | None = None

    def __str__(self) -> str:
        return f"{self.source}, line {self.line}" if self.line else self.source


def problem(mistake: Mistake, place: Place) -> dict[str, Any]:
    """One entry of a ConfigError's ``problems``: key, file, line, message, fix, code."""
    key = spelled(mistake.path)
    message = f"{key}: {mistake.says} ({place})" if key else f"{place}: {mistake.says}"
    shown = {"key": key, "file": place.source, "line": place.line, "message": message}
    return {**shown, "fix": mistake.fix, "code": mistake.code}


def error_of(problems: Sequence[dict[str, Any]]) -> ConfigError:
    """One error for all problems of a project: the first one in full, and how many more there are."""
    first = problems[0]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return ConfigError(
        first["message"] + more,
        fix=first["fix"],
        code=first["code"],
        key=first["key"],
        file=first["file"],
        line=first["line"],
        problems=list(problems),
    )


def nearest(word: str, options: Iterable[str]) -> str | None:
    """The option that a misspelt word most likely means, or None."""
    plain = {option.lower().replace("-", "_"): option for option in options}
    found = difflib.get_close_matches(word.lower().replace("-", "_"), plain, n=1, cutoff=0.6)
    return plain[found[0]] if found else None


def suggestion(word: object, options: Iterable[str], *, none: str = "") -> str:
    """``did you mean X? allowed: X, Y, Z``, as far as there is something to say."""
    allowed = list(options)
    close = nearest(word, allowed) if isinstance(word, str) else None
    guess = f"did you mean {close}? " if close else ""
    return guess + (f"allowed: {', '.join(allowed)}" if allowed else none)


def wrong(says: str, fix: str = "") -> PydanticCustomError:
    """What a validator raises: a sentence about the value and what to do. Braces need no escaping."""
    return PydanticCustomError(OWN, "{says}", {"says": says, "fix": fix})
