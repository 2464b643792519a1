"""How much of what two names say is said by both: word by word, each worth what it tells.

Near twins look alike: they differ in a size or a model number. What one name says and the other does not counts against
them here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from rapidfuzz import fuzz

_ASKED_SHARE = 2 / 3
"""What the asked name says counts twice what the other says: catalogues are wordier than orders."""
_SAME_WORD = 60
"""Of 100: from here on two words may be one that is misspelt, or shortened."""
_OTHER_NUMBER = 0.6
"""What a number that is off by a digit counts against a word that is off by a letter."""
_RUN = 4
"""So many neighbours may be one word in the other name: "KX TG 9372 B" is "KXTG9372B"."""

Pair = tuple[list[str], list[str], float]
"""Words of the one name, words of the other that are the same, and how alike they are."""


def likeness(
    asked: Sequence[str], held: Sequence[str], worth: Mapping[str, float], known: Collection[str] = ()
) -> float:
    """From 0 to 1, of two names in words. ``worth`` is what a word tells: much where few targets have it. Words that
    are ``known`` to the catalogue are no misspellings of others."""
    ours, theirs = [word for word in asked if word not in held], [word for word in held if word not in asked]
    said, heard = sum([worth[word] for word in asked]), sum([worth[word] for word in held])
    if not said or not heard:
        return 0.0
    said_alone, heard_alone = sum([worth[word] for word in ours]), sum([worth[word] for word in theirs])
    for some, others, alike in _pairs(ours, theirs, known) if ours and theirs else ():
        said_alone -= sum([worth[word] for word in some]) * alike
        heard_alone -= sum([worth[word] for word in others]) * alike
    return 1 - _ASKED_SHARE * said_alone / said - (1 - _ASKED_SHARE) * heard_alone / heard


def _pairs(ours: list[str], theirs: list[str], known: Collection[str]) -> Iterator[Pair]:
    """What is the same of what is not equal; each word is taken once. A number is never a word."""
    for run, word in _runs(ours, theirs):
        yield run, [word], 1.0
    for run, word in _runs(theirs, ours):
        yield [word], run, 1.0
    for word in sorted(ours, key=len, reverse=True):
        if (plain := word.isalpha()) and word in known:
            continue
        near = [(fuzz.ratio(word, other), other) for other in theirs if other.isalpha() == plain]
        if near and (likest := max(near))[0] >= _SAME_WORD:
            theirs.remove(likest[1])
            yield [word], [likest[1]], likest[0] / 100 * (1.0 if plain else _OTHER_NUMBER)


def _runs(text: list[str], others: list[str]) -> Iterator[tuple[list[str], str]]:
    """Takes out neighbours that are one word in the other name, and that word."""
    together, beginnings = "".join(text), tuple(text)
    for word in [other for other in others if other.startswith(beginnings) and other in together]:
        for start in range(len(text) - 1):
            run = next((text[start:end] for end in _ends(start, text) if "".join(text[start:end]) == word), None)
            if run:
                yield run, word
                del text[start : start + len(run)]
                others.remove(word)
                break


def _ends(start: int, text: Sequence[str]) -> range:
    return range(start + 2, min(start + _RUN, len(text)) + 1)
