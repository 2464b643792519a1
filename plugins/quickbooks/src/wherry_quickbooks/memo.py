"""What the sink notes for itself between two calls for one item (``Answer.memo`` → ``Item.memo``)."""

from __future__ import annotations

from msgspec import Struct

ALONE = "alone"
_TAKEN = "taken="


class Memo(Struct, frozen=True):
    """``alone``: the item goes in a call of its own, since a batch that held it was refused as a whole.

    ``taken`` is the id of what has the item's name or number in QuickBooks already; ``?`` where QuickBooks did not say.
    """

    alone: bool = False
    taken: str = ""

    def __bool__(self) -> bool:
        return self.alone or bool(self.taken)

    def __str__(self) -> str:
        return " ".join(([ALONE] if self.alone else []) + ([f"{_TAKEN}{self.taken}"] if self.taken else []))


def read(text: str) -> Memo:
    """A memo from its text; words it does not know are passed over."""
    words = text.split()
    taken = next((word.removeprefix(_TAKEN) for word in words if word.startswith(_TAKEN)), "")
    return Memo(ALONE in words, taken)
