"""How much of what two names say is said by both: word by word, each worth what it tells.

Trigrams find what looks alike, and near twins look alike: they differ in a size or a model number. What one name says
and the other does not counts against them here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rapidfuzz import fuzz

_ASKED_SHARE = 2 / 3
"""What the asked name says counts twice what the other says: catalogues are wordier than orders."""
_SAME_WORD = 0.6
"""From here on two words may be one that is misspelt, or shortened."""
_OTHER_NUMBER = 0.6
"""What a number that is off by a digit counts against a word that is off by a letter."""
_RUN = 3
"""So many neighbours may be one word in the other name: "KX TG 9372" is "KXTG9372"."""


def likeness(asked: Sequence[str], held: Sequence[str], worth: Mapping[str, float]) -> float:
    """From 0 to 1. ``worth`` is what a word tells: much where few targets have it."""
    ours, theirs = _run_together(asked, held), _run_together(held, asked)
    shared = _shared(ours, theirs)
    said, heard = sum([worth[word] for word in ours]), sum([worth[word] for word in theirs])
    if not said or not heard:
        return 0.0
    said_both = sum([worth[one] * alike for one, _, alike in shared]) / said
    heard_both = sum([worth[other] * alike for _, other, alike in shared]) / heard
    return _ASKED_SHARE * said_both + (1 - _ASKED_SHARE) * heard_both


def _shared(ours: Sequence[str], theirs: Sequence[str]) -> list[tuple[str, str, float]]:
    """Pairs of words that are one, equal ones first, and how alike they are."""
    left, open, shared = list(theirs), list[str](), list[tuple[str, str, float]]()
    for word in ours:
        if word in left:
            left.remove(word)
            shared.append((word, word, 1.0))
        else:
            open.append(word)
    for word in sorted(open, key=len, reverse=True):
        alike, other = max([(_alike(word, other), other) for other in left], default=(0.0, ""))
        if alike >= _SAME_WORD * (1.0 if word.isalpha() else _OTHER_NUMBER):
            left.remove(other)
            shared.append((word, other, alike))
    return shared


def _alike(one: str, other: str) -> float:
    if one.isalpha() != other.isalpha():
        return 0.0
    return fuzz.ratio(one, other) / 100 * (1.0 if one.isalpha() else _OTHER_NUMBER)


def _run_together(text: Sequence[str], other: Sequence[str]) -> list[str]:
    """Neighbours that are one word in the other name, as that word."""
    known, found, at = set(other), list[str](), 0
    while at < len(text):
        word, end = text[at], at + 1
        if word not in known:
            runs = range(min(at + _RUN, len(text)), end, -1)
            end = next((longer for longer in runs if "".join(text[at:longer]) in known), end)
        found.append("".join(text[at:end]))
        at = end
    return found
