"""When a near name is sure enough to link without a person: a model number says so and nothing speaks against it.

Sizes, colours and models of one make differ by a character, so likeness alone never links. What links is a model number
that exactly one target carries, where one of the two names says nothing beside it that the other does not say.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from msgspec import Struct
from rapidfuzz import fuzz

from wherry.matching.text import fold, words
from wherry.records import Candidate

_MODEL = re.compile(r"(?=.{5})(?=.*[^\W\d_])(?=.*\d.*\d)[^\W_]+")
"""Five characters or more, with a letter and at least two digits: AM53BK, 9763A001."""
_MEASURE = re.compile(r"\d.*[^\W\d_]|.*\dx\d.*")
"""1080p, 45x45cm, 12V5A, M12x40: a size that many things have, not the model of one."""
_DECIMAL = re.compile(r"\d[.,]\d")
_SAME_WORD = 80
_SAME_SERIES = 4
"""Two codes that begin with this many equal characters and go on differently name two models of one series."""


class _Name(Struct, frozen=True):
    models: frozenset[str]
    numbers: frozenset[str]
    words: frozenset[str]


def sure(name: str, candidates: Sequence[Candidate]) -> str:
    """Why the first candidate is the thing that is asked for; empty if a person must say.

    ``candidates`` are the nearest targets, best first, ten or so: none but the first may carry the model number.
    """
    if not candidates:
        return ""
    best, others = candidates[0], candidates[1:]
    asked, held = _read(name), _read(best.name)
    model = max(asked.models & held.models, key=lambda code: (len(code), code), default="")
    if not model or any(model in "".join(words(f"{other.name} {other.sku}")) for other in others):
        return ""
    if _other_model(asked, held) or not (_says_all(asked, held) or _says_all(held, asked)):
        return ""
    return f'"{name}" and "{best.name}" share the model number {model.upper()}, which no other target has'


@lru_cache(maxsize=4096)
def _read(name: str) -> _Name:
    models, rest = set(), []
    for chunk in fold(name).split():
        parts = words(chunk)
        if _is_model(code := "".join(parts)) and not _DECIMAL.search(chunk):
            models.add(code)
        else:
            rest += parts
    numbers = frozenset(word for word in rest if not word.isalpha())
    return _Name(frozenset(models), numbers, frozenset(rest) - numbers)


def _is_model(code: str) -> bool:
    return _MODEL.fullmatch(code) is not None and _MEASURE.fullmatch(code) is None


def _other_model(asked: _Name, held: _Name) -> bool:
    """Both name a model that the other does not, and the two are of one series."""
    return any(
        one[:_SAME_SERIES] == other[:_SAME_SERIES]
        for one in asked.models - held.models
        for other in held.models - asked.models
    )


def _says_all(fuller: _Name, shorter: _Name) -> bool:
    """Whether the first name says, up to spelling, all that the second does, and not much more.

    Much more is how an accessory names the product it is for: "Case for X100" is no X100.
    """
    if len(shorter.words) < max(2, len(fuller.words) / 2) or not shorter.numbers <= fuller.numbers:
        return False
    return all(any(_same_word(word, other) for other in fuller.words) for word in shorter.words)


def _same_word(one: str, other: str) -> bool:
    return one == other or (min(len(one), len(other)) > 3 and fuzz.ratio(one, other) >= _SAME_WORD)
