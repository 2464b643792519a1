"""The targets whose names come nearest to a name: rare trigrams find them, one score puts them in order.

What is rare, and so what tells products apart, is learnt from the catalogue itself; there are no word lists.
Trigrams run over the name without its spaces, so that "KX-TG9372B" and "KXTG9372B" are alike.
"""

from __future__ import annotations

import math
from array import array
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace
from rapidfuzz import fuzz, process

from wherry.matching.likeness import likeness
from wherry.matching.text import words

_GRAM = 3
_POSTINGS = 2000
"""How many postings one look-up visits, the rarest trigrams first. It bounds the time, whatever the catalogue."""
_POOL = 40
_WEIGHED = 8
"""How many of those that look most alike are weighed word by word."""
_SHORT = 3.0
"""The rarity of a word without a trigram of its own, such as a unit: one in twenty names may have it."""
_POOL_CUT = 0.1
_WORDS_SHARE = 1 / 3
_CODE_SHARE = 0.5
_FULL_EVIDENCE = 5
"""A shared code is full evidence when its trigrams tell as much as this many that occur once each."""
_BEGINNING = 0.8
"""What the beginning of a code counts against the whole of it."""
_CODE_LENGTH, _CODE_WORDS, _CODE_PIECE = 4, 4, 6


class Near(Struct, frozen=True):
    """How near a target came: its position in the index, the likeness of the names, the code they share (whole, or
    the beginning of one), and the score made of both. Likeness and score go from 0 to 1."""

    position: int
    names: float
    score: float
    code: str = ""
    whole: bool = False


class _Code(Struct, frozen=True):
    """A code of the asked name, or the beginning of one, and the evidence (0 to 1) that sharing it would be."""

    text: str
    evidence: float
    whole: bool


class _Asked(Struct, frozen=True):
    """What a look-up asks for: words, trigrams with their weights and the sum of these, codes with their evidence."""

    words: str
    weights: dict[str, float]
    total: float
    codes: list[_Code]


def _best(near: Near) -> tuple[float, int]:
    return -near.score, near.position


class NameIndex:
    """Trigram postings over names and SKUs; positions count from 0 in the order of ``add``."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._compact: list[str] = []
        self._postings: defaultdict[str, array[int]] = defaultdict(lambda: array("I"))
        self._worths, self._rarities = _Worths(self), _Rarities(self)

    def __len__(self) -> int:
        return len(self._names)

    def add(self, name: str, sku: str = "") -> None:
        """Enters the next target."""
        position, text, code = len(self._names), words(name), "".join(words(sku))
        self._worths.clear()
        self._rarities.clear()
        compact = "".join(text)
        self._names.append(" ".join(text))
        self._compact.append(f"{compact} {code}" if code else compact)
        postings = self._postings
        for gram in {*_ordered_grams(compact), *_ordered_grams(code)}:
            postings[gram].append(position)

    def nearest(self, name: str, sku: str = "", limit: int = 5, also: Collection[int] = ()) -> list[Near]:
        """The nearest targets, best first; the positions in ``also`` are judged and returned however far they are."""
        text, code = words(name), "".join(words(sku))
        grams = _grams("".join(text))
        weights = {gram: self._rarities[gram] ** 2 for gram in grams}
        asked = _Asked(" ".join(text), weights, sum(weights.values()) or 1.0, self._codes_of(text, code))
        pool = {*self._pool({*grams, *_grams(code)}), *also}
        judged = sorted(self._judged(asked, pool), key=_best)
        told = max(limit, _WEIGHED)
        weighed = [
            self._weighed(asked.words, near)
            for place, near in enumerate(judged)
            if place < told or near.position in also
        ]
        ranked = enumerate(sorted(weighed, key=_best))
        return [near for place, near in ranked if place < limit or near.position in also]

    def _weighed(self, text: str, near: Near) -> Near:
        """With what both names say counted word by word: one half of the score."""
        alike = likeness(text, self._names[near.position], self._worths)
        return replace(near, score=(near.score + alike) / 2)

    def _pool(self, grams: Iterable[str]) -> list[int]:
        found = sorted((len(postings), gram) for gram in grams if (postings := self._postings.get(gram)))
        sums: dict[int, float] = {}
        known = sums.get
        room = _POSTINGS
        for count, gram in found:
            weight = self._rarities[gram] ** 2
            for position in self._postings[gram][:room]:
                sums[position] = known(position, 0.0) + weight
            room -= count
            if room <= 0:
                break
        least = max(sums.values(), default=0.0) * _POOL_CUT
        near = [at for at, weight in sums.items() if weight >= least]
        return sorted(near, key=sums.__getitem__, reverse=True)[:_POOL]

    def _judged(self, asked: _Asked, pool: Collection[int]) -> Iterator[Near]:
        names = {at: self._names[at] for at in pool}
        weights = asked.weights.items()
        for _, worded, at in process.extract(asked.words, names, scorer=fuzz.token_sort_ratio, limit=None):
            compact = self._compact[at]
            covered = sum([weight for gram, weight in weights if gram in compact]) / asked.total
            yield self._judge(asked, at, covered * (1 - _WORDS_SHARE) + worded / 100 * _WORDS_SHARE)

    def _judge(self, asked: _Asked, position: int, names: float) -> Near:
        compact = self._compact[position]
        for code in asked.codes:
            if code.text in compact:
                score = names + (1 - names) * _CODE_SHARE * code.evidence
                return Near(position, names, score, code.text, code.whole)
        return Near(position, names, names)

    def _codes_of(self, text: list[str], sku: str) -> list[_Code]:
        """What of the asked codes the catalogue may hold, the best evidence first."""
        found: dict[str, _Code] = {}
        for code in sorted(codes(text) | ({sku} if is_code(sku) else set())):
            for part in self._parts(code):
                if part.text not in found or found[part.text].evidence < part.evidence:
                    found[part.text] = part
        return sorted(found.values(), key=lambda part: (-part.evidence, part.text))

    def _parts(self, code: str) -> Iterator[_Code]:
        full, told = _FULL_EVIDENCE * self._rarities[""], 0.0
        for start, gram in enumerate(_ordered_grams(code)):
            if gram not in self._postings:
                return
            told += self._rarities[gram]
            part = code[: start + _GRAM]
            if is_code(part):
                whole = part == code
                yield _Code(part, min(1.0, told / full) * (1.0 if whole else _BEGINNING), whole)

    def rarest(self, grams: Iterable[str]) -> float:
        """The rarity of the rarest of those that the catalogue has."""
        return max((self._rarities[gram] for gram in grams if gram in self._postings), default=_SHORT)

    def rarity(self, gram: str) -> float:
        postings = self._postings.get(gram)
        return math.log1p(len(self._names) / (len(postings) if postings else 1))


class _Worths(dict[str, float]):
    """Word → what it tells, by the rarest trigram of it that the catalogue has; worked out once for each."""

    def __init__(self, index: NameIndex) -> None:
        self._index = index

    def __missing__(self, word: str) -> float:
        found = self[word] = self._index.rarest(_ordered_grams(word)) ** 2
        return found


class _Rarities(dict[str, float]):
    """Trigram → its rarity, of those that were asked for."""

    def __init__(self, index: NameIndex) -> None:
        self._index = index

    def __missing__(self, gram: str) -> float:
        found = self[gram] = self._index.rarity(gram)
        return found


def _ordered_grams(text: str) -> list[str]:
    return [text[k : k + _GRAM] for k in range(len(text) - _GRAM + 1)] if len(text) > _GRAM else [text] * bool(text)


def _grams(text: str) -> list[str]:
    """Each trigram once, in order: sums over them come out the same in every process."""
    return list(dict.fromkeys(_ordered_grams(text)))


def is_code(text: str) -> bool:
    """Whether a folded word may be a model number: four characters or more, a digit among them."""
    return len(text) >= _CODE_LENGTH and not text.isalpha()


def codes(text: list[str]) -> set[str]:
    """What may be a model number in these words: a word with a digit, or up to four short neighbours run together."""
    found = {word for word in text if is_code(word)}
    for count in range(2, _CODE_WORDS + 1):
        for start in range(len(text) - count + 1):
            run = text[start : start + count]
            if all(len(word) <= _CODE_PIECE for word in run) and is_code("".join(run)):
                found.add("".join(run))
    return found
