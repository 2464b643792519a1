"""How far a source has read: where a read of changes ends, and the mark that is saved between two.

A read goes through what changed, oldest change first, and ends with what had changed when it began: a system that never
rests would hold it for ever. A long transaction or a slow index shows a change after its stamp, so the next read begins
an overlap earlier; what it reads twice, the core drops.

When a read began only the system's own clock can say, and an answer's ``Date`` may be a proxy's. A mark ahead of the
system's clock passes over changes for good, one behind it reads them twice; an end behind it puts them off. So the
earlier of ``Date`` and our own clock counts for the mark, the later one for the end. Both may be ahead: the stamps that
were read are the system's own for sure, so no mark is saved further than just behind the newest of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec
from msgspec import Struct

from wherry.clock import date_of
from wherry.decoding import decoder
from wherry.errors import ContractBroken
from wherry.roles import Clock

M = TypeVar("M")


def saved_mark(type: type[M], saved: str, system: str, code: str) -> M:
    """A mark as it was saved. Raises ContractBroken (``code``) for one that this version of the plugin did not write;
    ``system`` is what people call the system."""
    try:
        mark: M = decoder(type).decode(saved)
        return mark
    except msgspec.DecodeError:
        raise ContractBroken(
            f"the saved mark of this flow is none that this version of the {system} plugin wrote",
            fix="install the plugin version that wrote it, or have the flow read from the start again",
            code=code,
        ) from None


class Mark(Struct, frozen=True, omit_defaults=True, tag_field="v", tag=1):
    """Every row up to (``at``, ``id``) was read, by the system's own stamps. ``near``: up to when changes of relatives
    were looked for; 0: as far as the rows themselves."""

    at: int = 0
    id: str = ""
    near: int = 0

    def __str__(self) -> str:
        return msgspec.json.encode(self).decode()


class Bound(Struct):
    """When a read began, which is how far it goes; frozen by its first answer. Moments count as the system's stamps."""

    clock: Clock
    """Our own."""
    overlap: int
    """How long a change may take to show."""
    second: int = 1
    """What a second is in stamps: 1,000 where they are milliseconds."""
    early: int | None = None
    """When it began, at the earliest; None where no answer told the time."""
    late: int | None = None
    """The same, at the latest."""

    def note(self, headers: Mapping[str, str]) -> None:
        """Freeze it by the headers of an answer; those of later answers change nothing."""
        if self.early is None and self.late is None:
            ours, told = self.clock.now(), date_of(headers.get("date", ""))
            self.late = int(max(ours, told or ours).timestamp()) * self.second
            self.early = int(min(ours, told).timestamp()) * self.second if told else None

    def settled(self, newest: int = 0) -> int:
        """Before this moment nothing can turn up any more: here the next read begins. Where no answer told the time,
        the overlap before the newest stamp that was read."""
        return max(0, (newest if self.early is None else self.early) - self.overlap)

    def reached(self, newest: int) -> int:
        """The same, and no further than behind the newest stamp that was read: what comes later has a later one."""
        return min(self.settled(newest), newest + 1)

    def passed(self, stamp: int) -> bool:
        """Whether a stamp is later than the read began."""
        return self.late is not None and stamp >= self.late + self.second

    def went_back(self, at: int) -> bool:
        """Whether the clock went back since a mark was saved: what changed since then has earlier stamps."""
        return self.early is not None and at > self.settled()


class Span(Bound):
    """The same of a read that goes on from a ``Mark``, row by row."""

    start: Mark = Mark()
    newest: int = 0
    beside: int = 0
    """The newest stamp of relatives that was read."""

    @property
    def near(self) -> int:
        """From when on changes of relatives matter. What a first read gives has its relatives as they are now."""
        return self.start.near or self.start.at or self.settled(self.newest)

    def turned_back(self) -> bool:
        """Begin earlier, where the clock went back since the mark was saved; whether it did."""
        if not self.went_back(max(self.start.at, self.start.near)):
            return False
        at = min(self.start.at, self.settled())
        self.start = Mark(at, self.start.id if at == self.start.at else "", min(self.start.near, self.settled()))
        return True

    def mark(self, at: int, id: str = "") -> Mark:
        """What to save behind a row: never closer than the overlap to the clock, nor behind where the read began."""
        self.newest = max(self.newest, at)
        settled = self.settled(self.newest)
        if at >= settled:
            at, id = settled, ""
        if at < self.start.at:
            at, id = self.start.at, self.start.id
        return Mark(at, id, self.near)

    def end(self) -> Mark:
        """What to save after everything, relatives included."""
        at = max(self.start.at, self.reached(self.newest))
        near = max(self.near, self.reached(max(self.newest, self.beside)))
        return Mark(at, self.start.id if at == self.start.at else "", near)
