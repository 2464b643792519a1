"""The targets whose names come nearest to a name: its rarest words find them, one score puts them in order."""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Collection, Iterator, Sequence
from itertools import accumulate

from msgspec import Struct
from rapidfuzz import fuzz, process

from wherry.matching.likeness import likeness
from wherry.matching.places import Index, enter, places
from wherry.matching.text import code_of
from wherry.matching.vocabulary import CODE_LENGTH, Vocabulary, is_code, spoken

_RARE = 300
"""How many targets the rarest words lead to, at most."""
_TOGETHER = 12
"""How many the other words lead to together, at most."""
_PART = (1 << 8192) - 1
"""So many places are counted first: to count them all takes longer than everything else that is done with them."""
_WEIGHED, _FAR = 12, 0.7
"""How many of those that look most alike are weighed word by word, and what share of the likest is too far for it."""
_FEW = 3
"""So many targets that have the model number are weighed, however unlike they look."""
_RUN = 4
"""So many neighbours may be one word: "KX TG 9372 B"."""
_PIECES = re.compile(r"\d\d+|[^\W\d_]{2,}").findall
"""And one word may be so many of them: "GTK500" is "GTK 500"."""
_WORDS_SHARE = 0.6
_CODE_SHARE = 0.8
_FULL_EVIDENCE = 12
"""A shared code of so many characters is full evidence, if no other word begins like it."""
_BEGINNING = 0.8
"""What the beginning of a code counts against the whole of it."""


class Near(Struct, frozen=True):
    """How near a target came: its position in the index, the likeness of the names, the code they share (whole, or
    the beginning of one), and the score made of both. Likeness and score go from 0 to 1."""

    position: int
    names: float
    score: float
    code: str = ""
    whole: bool = False


class _Asked(Struct, frozen=True):
    """What a look-up asks for: the words of a name, which words (these, run together or taken apart, and the SKU) the
    catalogue has, and what may be a model number."""

    said: list[str]
    known: set[str]
    codes: list[str]


def _best(near: Near) -> tuple[float, int]:
    return -near.score, near.position


class NameIndex:
    """Names and SKUs; positions count from 0 in the order of ``add``."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._codes: list[str] = []
        self._skus: Index = {}
        """By their SKUs, each as one word."""
        self._vocabulary = Vocabulary()

    def __len__(self) -> int:
        return len(self._names)

    def add(self, name: str, sku: str = "") -> None:
        """Enters the next target."""
        said, code = spoken(name), code_of(sku)
        self._names.append(" ".join(said))
        self._codes.append(code)
        self._vocabulary.add(said)
        if code:
            enter(self._skus, code, len(self._codes) - 1)

    def nearest(self, name: str, sku: str = "", limit: int = 5, also: Collection[int] = ()) -> list[Near]:
        """The nearest targets, best first; the positions in ``also`` are judged and returned however far they are."""
        asked = self._asked(name, sku)
        sure = {*self._coded(asked), *also}
        pool = sorted({*self._pool(asked), *sure})
        names = [self._names[at] for at in pool]
        alike = process.extract(" ".join(asked.said), names, scorer=fuzz.token_set_ratio, limit=None)
        least, told = alike[0][1] * _FAR if alike else 0.0, max(limit, _WEIGHED)
        weighed = [
            self._weighed(asked, held, look, pool[which])
            for place, (held, look, which) in enumerate(alike)
            if (place < told and look >= least) or pool[which] in sure
        ]
        ranked = enumerate(sorted(weighed, key=_best))
        return [near for place, near in ranked if place < limit or near.position in also]

    def _asked(self, name: str, sku: str) -> _Asked:
        said, code = spoken(name), code_of(sku)
        lengths = range(2, _RUN + 1)
        runs = ["".join(said[at : at + length]) for length in lengths for at in range(len(said) - length + 1)]
        pieces = [piece for word in said if is_code(word) for piece in _PIECES(word)]
        words = {*said, *runs, *pieces, code}
        known = self._vocabulary.known(words) | (words & self._skus.keys())
        return _Asked(said, known, sorted({word for word in (*said, *known, code) if is_code(word)}))

    def _coded(self, asked: _Asked) -> Iterator[int]:
        """The targets that have the model number, or one that it may be a misspelling of, where they are few."""
        for code in asked.codes:
            yield from places(self._skus, code)[:_FEW]
        for word in asked.said:
            if not word.isalpha():
                meant = [word] if word in asked.known else self._vocabulary.alike(word)[:1]
                for having in map(self._vocabulary.places, meant):
                    yield from having if len(having) <= _FEW else ()

    def _pool(self, asked: _Asked) -> set[int]:
        """The targets of the rarest words, and those that the others lead to together."""
        meant = set(asked.known)
        for word in asked.said:
            if word not in asked.known or is_code(word):
                meant.update(self._vocabulary.alike(word))
        found = sorted([(len(self._vocabulary.places(word)), word) for word in meant])
        rare = bisect(list(accumulate([count for count, _ in found])), _RARE)
        pool = set(self._together([word for _, word in found[rare:]]))
        return pool.union(*[self._vocabulary.places(word) for _, word in found[:rare]])

    def _together(self, common: Sequence[str]) -> Iterator[int]:
        """The targets that have most of the words, the rarest first: a word that leaves none is passed over."""
        both = -1
        for word in common:
            both = both & self._vocabulary.bits(word) or both
            if (both & _PART).bit_count() <= _TOGETHER and both.bit_count() <= _TOGETHER:
                break
        for _ in range(_TOGETHER if common else 0):
            if both:
                yield (last := both.bit_length() - 1)
                both ^= 1 << last

    def _weighed(self, asked: _Asked, held: str, alike: float, at: int) -> Near:
        """How alike two names look, and what both say; a shared model number makes up for much of what is missing."""
        said_both = likeness(asked.said, held.split(), self._vocabulary.worth, asked.known)
        names = said_both * _WORDS_SHARE + alike / 100 * (1 - _WORDS_SHARE)
        shared = self._shared(asked.codes, f"{held.replace(' ', '')} {self._codes[at]}")
        evidence, code, whole = max(shared, default=(0.0, "", False))
        return Near(at, names, names + (1 - names) * _CODE_SHARE * evidence, code, whole)

    def _shared(self, codes: Sequence[str], held: str) -> Iterator[tuple[float, str, bool]]:
        """The codes, or beginnings of one, that the other has too, each behind the evidence (0 to 1) that it is."""
        for code in codes:
            if is_code(part := _begun(code, held)):
                evidence = self._vocabulary.rarity(part) * min(1.0, len(part) / _FULL_EVIDENCE)
                yield evidence * (1.0 if part == code else _BEGINNING), part, part == code


def _begun(code: str, held: str) -> str:
    """As much of the beginning of a code as the other has; empty for less than a code has at least."""
    end = CODE_LENGTH
    while end <= len(code) and code[:end] in held:
        end += 1
    return code[: end - 1] if end > CODE_LENGTH else ""
