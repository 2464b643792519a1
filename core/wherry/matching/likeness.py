"""How much of what two names say is said by both: word by word, each worth what it tells.

Trigrams find what looks alike, and near twins look alike: they differ in a size or a model number. What one name says
and the other does not counts against them here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rapidfuzz import fuzz, process

_ASKED_SHARE = 2 / 3
"""What the asked name says counts twice what the other says: catalogues are wordier than orders."""
_SAME_WORD = 60
"""Of 100: from here on two words may be one that is misspelt, or shortened."""
_OTHER_NUMBER = 0.6
"""What a number that is off by a digit counts against a word that is off by a letter."""
_RUN = 3
"""So many neighbours may be one word in the other name: "KX TG 9372" is "KXTG9372"."""


def likeness(asked: str, held: str, worth: Mapping[str, float]) -> float:
    """From 0 to 1, of two names in words. ``worth`` is what a word tells: much where few targets have it."""
    ours, theirs = _run_together(asked, held), _run_together(held, asked)
    shared = _shared(ours, theirs)
    said, heard = sum([worth[word] for word in ours]), sum([worth[word] for word in theirs])
    if not said or not heard:
        return 0.0
    said_both = sum([worth[one] * alike for one, _, alike in shared]) / said
    heard_both = sum([worth[other] * alike for _, other, alike in shared]) / heard
    return _ASKED_SHARE * said_both + (1 - _ASKED_SHARE) * heard_both


def _shared(ours: Sequence[str], theirs: Sequence[str]) -> list[tuple[str, str, float]]:
    """Pairs of words that are one, equal ones first, and how alike they are. A number is never a word."""
    left, open, shared = list(theirs), list[str](), list[tuple[str, str, float]]()
    for word in ours:
        if word in left:
            left.remove(word)
            shared.append((word, word, 1.0))
        else:
            open.append(word)
    plain, coded = [word for word in left if word.isalpha()], [word for word in left if not word.isalpha()]
    for word in sorted(open, key=len, reverse=True):
        some, counts = (plain, 1.0) if word.isalpha() else (coded, _OTHER_NUMBER)
        if near := some and process.extractOne(word, some, scorer=fuzz.ratio, score_cutoff=_SAME_WORD):
            other, alike, at = near
            del some[at]
            shared.append((word, other, alike / 100 * counts))
    return shared


def _run_together(name: str, other: str) -> list[str]:
    """The words of a name; neighbours that are one word in the other name, as that word."""
    text, spaced, found, at = name.split(), f" {other} ", list[str](), 0
    while at < len(text):
        word, end = text[at], at + 1
        if f" {word}" in spaced and f" {word} " not in spaced:
            runs = range(min(at + _RUN, len(text)), end, -1)
            end = next((longer for longer in runs if f" {''.join(text[at:longer])} " in spaced), end)
        found.append(word if end == at + 1 else "".join(text[at:end]))
        at = end
    return found
