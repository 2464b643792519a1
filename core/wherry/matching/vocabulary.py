"""The words that the names of a catalogue are made of: where each stands, what it tells, and which are alike.

What is rare, and so what tells products apart, is learnt from the catalogue itself; there are no word lists. A misspelt
word is sought among the words, which are few, and not among the names.
"""

from __future__ import annotations

import math
import re
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache, partial
from itertools import islice

from rapidfuzz import fuzz, process

from wherry.matching.text import fold

_PIECE = re.compile(r"\d+(?:[.,/]\d+)+|[^\W_]+")
"""A word, or a number with what stands between its digits: 1/2 and 2.5 are no 12 and no 25."""
_LONGEST = 60
"""Words of a name that are looked at: what goes on beyond is a text, and would take seconds to weigh."""
CODE_LENGTH = 4
"""Characters that a model number has at least."""
_ALIKE, _SAME_WORD = 5, 70
"""How many words may be meant by a misspelt one, and how alike (of 100) they are to it."""
_LOOKED_AT, _REMEMBERED = 2000, 1000
_UNKNOWN = 9.0
"""What a word tells that is like no other: as much as one that one name in twenty has."""
_DENSE = 64
"""The places of a word that one name in so many has take less memory as a row of bits than as a list."""
_LAST = "\U0010ffff"


def spoken(text: str) -> list[str]:
    """The words of a name, in order. What stands together and has letters and digits is one: KX-TG9372B, 16-port."""
    chunks = fold(text).replace("&", " and ").split()
    if "".join(chunks).isalnum():
        return chunks[:_LONGEST]  # as below, in a third of the time
    found = list[str]()
    for chunk in chunks:
        if chunk.isalnum():
            found.append(chunk)
        else:
            found += _pieces(chunk)
    return found[:_LONGEST]


@lru_cache(_REMEMBERED)
def _pieces(chunk: str) -> list[str]:
    parts = _PIECE.findall(chunk)
    code = "".join(parts)
    return [code] if is_code(code) and not code.isdecimal() else parts


def is_code(text: str) -> bool:
    """Whether a folded word may be a model number: four characters or more, a digit among them."""
    return len(text) >= CODE_LENGTH and text.isalnum() and not text.isalpha()


class Vocabulary:
    """The words of the names that were added; places count from 0, in that order."""

    def __init__(self) -> None:
        self.size = 0
        self.worth = _Worths(self)
        """Word → what it tells: much where few names have it."""
        self._places: defaultdict[str, array[int]] = defaultdict(partial(array, "I"))
        self._bits: dict[str, int] = {}
        """The places of the commonest words that were asked for, as rows of bits."""
        self._alike: dict[str, list[str]] = {}
        self._sorted = list[str](), list[str]()
        """The words, and the words written backwards."""

    def known(self, words: set[str]) -> set[str]:
        """Those of the words that any name has."""
        return words & self._places.keys()

    def add(self, said: Iterable[str]) -> None:
        """Enters the words of the next name."""
        place = self.size
        self.size += 1
        if self.worth or self._alike:
            self.worth.clear()
            self._alike.clear()
        known, rows = self._places, self._bits
        for word in set(said):
            known[word].append(place)
            if rows and word in rows:
                rows[word] |= 1 << place

    def places(self, word: str) -> Sequence[int]:
        """The places of the names that have the word."""
        return self._places.get(word, ())

    def bits(self, word: str) -> int:
        """The same as a row of bits: of common words, what several have is found at once."""
        if (found := self._bits.get(word)) is not None:
            return found
        places, row = self.places(word), bytearray(self.size // 8 + 1)
        for place in places:
            row[place >> 3] |= 1 << (place & 7)
        found = int.from_bytes(row, "little")
        if len(places) * _DENSE > self.size:
            self._bits[word] = found
        return found

    def tells(self, word: str) -> float:
        """A word that no name has tells what the one does that may be meant."""
        if places := self._places.get(word):
            return math.log1p(self.size / len(places)) ** 2
        alike = self.alike(word)
        return self.worth[alike[0]] if alike else _UNKNOWN

    def rarity(self, beginning: str) -> float:
        """From 0 to 1: how few words begin so."""
        forwards, _ = self._in_order()
        words = max(1, len(forwards))
        return math.log1p(words / max(1, len(_begun(forwards, beginning)))) / math.log1p(words)

    def alike(self, word: str) -> list[str]:
        """The words that may be meant by a misspelt one, the likest first: a slip of the pen leaves one half whole."""
        if (known := self._alike.get(word)) is None:
            if len(self._alike) >= _REMEMBERED:
                self._alike.clear()
            found = self._with_a_half(word) if len(word) >= CODE_LENGTH else []
            known = self._alike[word] = list(dict.fromkeys([other for _, other in sorted(found)]))[:_ALIKE]
        return known

    def _with_a_half(self, word: str) -> list[tuple[float, str]]:
        """Words that begin or end as this one does, each behind how unlike it is."""
        forwards, backwards = self._in_order()
        half, turned = len(word) // 2, word[::-1]
        begun, ended = _begun(forwards, word[:half]), _begun(backwards, turned[: len(word) - half])
        return [*_near(word, begun), *[(unlike, other[::-1]) for unlike, other in _near(turned, ended)]]

    def _in_order(self) -> tuple[list[str], list[str]]:
        forwards, backwards = self._sorted
        if len(forwards) < len(self._places):
            new = list(islice(self._places, len(forwards), None))
            forwards += new
            backwards += [word[::-1] for word in new]
            forwards.sort()
            backwards.sort()
        return self._sorted


class _Worths(dict[str, float]):
    """Worked out once for each word."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary

    def __missing__(self, word: str) -> float:
        found = self[word] = self._vocabulary.tells(word)
        return found


def _begun(words: list[str], beginning: str) -> list[str]:
    """Those of the sorted words that begin so, not too many of them."""
    start, end = bisect_left(words, beginning), bisect_left(words, beginning + _LAST)
    return words[start:end][:_LOOKED_AT]


def _near(word: str, others: list[str]) -> list[tuple[float, str]]:
    found = process.extract(word, others, scorer=fuzz.ratio, score_cutoff=_SAME_WORD, limit=_ALIKE)
    return [(-score, other) for other, score, _ in found]
