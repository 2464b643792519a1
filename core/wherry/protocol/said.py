"""What a person said an item is in its target, while that could not be asked: looked up before anything relies on it.

The word is the item's evidence until then. Source: write-protocol.md, section 3.2 (I3: nothing is taken unseen).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct

from wherry.protocol import halfway, sinks
from wherry.protocol.steps import differing, in_words
from wherry.records import Answer, Found, Item
from wherry.roles import CallSinkWriter
from wherry.store.ledger import ItemRow
from wherry.wording import CHOICES, spelled

_SAID = "said"
_TELLING = frozenset({"number", "name", "date", "total", "currency", "customer", "party", "state"})
"""Facts by which people tell one document from another; what else differs is shown when it is to be written over."""


class Word(Struct, frozen=True, kw_only=True):
    """That it is ``target``, by whom, and why."""

    target: str
    by: str
    note: str = ""
    what: str = _SAID


_word = msgspec.json.Decoder(Word).decode


def give(row: ItemRow, word: Word) -> None:
    """The item waits for a look."""
    row.evidence, row.state, row.call, row.tries = msgspec.json.encode(word).decode(), "unknown", 0, 0
    row.reason, row.fix = f"{word.by} said that it is {word.target}; it is looked up there before that counts", ""


def of(row: ItemRow | None) -> Word | None:
    """What was said of the item and nobody has looked at yet."""
    if row is None or not row.evidence or msgspec.json.decode(row.evidence).get("what") != _SAID:
        return None
    return _word(row.evidence)


def aim(asked: Iterable[tuple[ItemRow, Item]]) -> None:
    """The items are looked for by what was said."""
    for row, item in asked:
        item.target = word.target if (word := of(row)) is not None else item.target


def unseen(word: Word) -> Answer:
    """Of what its target has no words to be asked for: nobody can look, so what was said counts."""
    return Answer(fate="linked", target=word.target, reason=word.note or f"{word.by} said so; nobody can look")


def judged(
    sink: CallSinkWriter, name: str, word: Word, row: ItemRow, item: Item, hits: Sequence[Found], now: str
) -> Answer:  # fmt: skip
    """What a look in the target of that name says to it. Where it is something else a person sees that first."""
    hit = next((hit for hit in hits if hit.target == word.target), None)
    changes = differing(sinks.facts(sink, item), hit.facts) if hit is not None else ()
    telling = tuple(change for change in changes if change.field in _TELLING)
    if hit is not None and not telling:
        return Answer(fate="linked", target=hit.target, token=hit.token, reason=word.note or "a person said so",
                      facts=hit.facts, changes=changes)  # fmt: skip
    row.evidence = halfway.seen(row, "look", now, word.target, hits)
    what = f"{spelled(item.entity)} {word.target}"
    if hit is None:
        return Answer(
            fate="decide", reason=f"{name} holds no {what}, which {word.by} said it is; nothing was linked",
            fix=CHOICES,
        )  # fmt: skip
    return Answer(
        fate="decide", reason=f"{what}, which {word.by} said it is, differs: {in_words(telling, 'here')}",
        fix=f"where it is that all the same: wherry errors resolve E-N --link {word.target}; else {CHOICES}",
    )  # fmt: skip
