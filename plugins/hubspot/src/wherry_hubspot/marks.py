"""The mark between two runs: how far each object type was read, in ms of HubSpot's own clock."""

from __future__ import annotations

import msgspec
from msgspec import Struct, field
from wherry.decoding import decoder
from wherry.errors import ContractBroken

SECOND = 1_000


class Position(Struct, omit_defaults=True):
    """How far one object type was read: every change before ``at``. What lies at or after it will be read again; ``n``
    records of it were read, the last of them stamped ``newest``. ``n`` is 0 where nobody counted."""

    at: int = 0
    n: int = 0
    newest: int = 0


class Mark(Position, omit_defaults=True, tag_field="v", tag=1):
    """The position of the heads, and of the ``relatives`` whose changes touch them, by object type; one that is not
    named was read as far as the heads. ``list`` is the cursor of a full read under way, ``bound`` when that began."""

    relatives: dict[str, Position] = field(default_factory=dict)
    list: str = ""
    bound: int | None = None

    def __str__(self) -> str:
        return msgspec.json.encode(self).decode()


def mark_at(heads: Position, relatives: dict[str, Position]) -> str:
    """The mark to save once everything before these positions was handed on."""
    return str(Mark(heads.at, heads.n, heads.newest, relatives))


def mark_of(text: str) -> Mark:
    """The mark as it was saved. Raises ContractBroken when it is none of ours."""
    try:
        mark: Mark = decoder(Mark).decode(text)
        return mark
    except msgspec.DecodeError:
        raise ContractBroken(
            "the saved mark of this flow is none that this version of the HubSpot plugin wrote",
            fix="install the plugin version that wrote it, or have the flow read from the start again",
            code="WHERRY-1702",
        ) from None


class Bound(Struct):
    """The moment a run read up to, by HubSpot's clock, frozen by the first answer; ``lag`` is how long (ms) its search
    index may need to show a change. The clock is told in whole seconds, rounded down."""

    lag: int
    ms: int | None = None

    def note(self, server_time: int | None) -> None:
        """Freeze the bound, by the first answer that tells the time."""
        if self.ms is None:
            self.ms = server_time

    def shown(self, newest: int = 0) -> int:
        """What is older than this the index shows for good: here the next run begins. Without any clock of HubSpot's,
        the lag before the newest stamp."""
        return max(0, (newest if self.ms is None else self.ms) - self.lag)

    def passed(self, stamp: int) -> bool:
        """Whether a stamp is later than this run began."""
        return self.ms is not None and stamp >= self.ms + SECOND

    def overlaps(self, stamp: int) -> bool:
        """Whether a record of this stamp will be read again by the next run."""
        return self.ms is not None and stamp >= self.shown()

    def may_hide(self, known: Position) -> bool:
        """Whether the index may still hide changes as old as those read last. Not when HubSpot's clock went back."""
        return self.ms is not None and known.at <= self.shown() and abs(self.ms - known.newest) <= self.lag
