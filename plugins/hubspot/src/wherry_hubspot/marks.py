"""The mark between two runs: how far each object type was read, in ms of HubSpot's own clock."""

from __future__ import annotations

import msgspec
from msgspec import Struct, field
from wherry import marks

SECOND = 1_000


class Position(Struct, omit_defaults=True):
    """How far one object type was read: every change before ``at``. What lies at or after it will be read again; ``n``
    records of it were read, the last of them stamped ``newest``. ``n`` is 0 where nobody counted."""

    at: int = 0
    n: int = 0
    newest: int = 0


class Mark(Position, omit_defaults=True, tag_field="v", tag=1):
    """The position of the heads, and of the ``relatives`` whose changes touch them, by object type; one that is not
    named was read up to ``near``, or as far as the heads. ``list`` is the cursor of a full read under way, ``bound``
    when that began."""

    relatives: dict[str, Position] = field(default_factory=dict)
    near: int = 0
    list: str = ""
    bound: int | None = None

    def __str__(self) -> str:
        return msgspec.json.encode(self).decode()


def mark_at(heads: Position, relatives: dict[str, Position]) -> str:
    """The mark to save once everything before these positions was handed on."""
    return str(Mark(heads.at, heads.n, heads.newest, relatives))


def mark_of(text: str) -> Mark:
    """The mark as it was saved. Raises ContractBroken when it is none of ours."""
    return marks.saved_mark(Mark, text, "HubSpot", "WHERRY-1702")


class Bound(marks.Bound):
    """The moment a run read up to, in ms. ``overlap`` is how long HubSpot's search index may need to show a change."""

    def overlaps(self, stamp: int) -> bool:
        """Whether a record of this stamp will be read again by the next run."""
        return self.early is not None and stamp >= self.settled()

    def may_hide(self, known: Position) -> bool:
        """Whether the index may still hide changes as old as those read last. Not when HubSpot's clock went back."""
        began = self.early
        return began is not None and known.at <= self.settled() and abs(began - known.newest) <= self.overlap
