"""Through what changed, oldest change first, and the mark between two runs.

Rows are asked for in order of (modifiedon, id), and page by page by Dataverse's own links. The end is Dataverse's own
time, or this machine's where that is earlier, frozen by the first answer. The saved mark stays ``overlap`` behind it,
since a long transaction shows its rows under an earlier stamp. Stamps are whole seconds: a mark means its second and
all later ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
from msgspec import Struct
from wherry.decoding import decoder
from wherry.errors import ContractBroken

from .client import Row, moment
from .errors import no_progress
from .objects import STAMP, stamp_of

Asked = Callable[[str], Iterator[tuple[list[Row], int]]]
"""Pages of the rows that meet a condition, in order, with Dataverse's own time in seconds."""


class Mark(Struct, frozen=True, omit_defaults=True, tag_field="v", tag=1):
    """How far was read: every row up to ``at``, in seconds of Dataverse's own clock. ``near``: up to when changes of
    relatives were looked for; 0: as far as the rows themselves."""

    at: int = 0
    near: int = 0

    def __str__(self) -> str:
        return msgspec.json.encode(self).decode()


def mark_of(saved: str) -> Mark:
    """The mark as it was saved. Raises ContractBroken when it is none of ours."""
    try:
        mark: Mark = decoder(Mark).decode(saved)
        return mark
    except msgspec.DecodeError:
        raise ContractBroken(
            "the saved mark of this flow is none that this version of the Dynamics plugin wrote",
            fix="install the plugin version that wrote it, or have the flow read from the start again",
            code="WHERRY-1721",
        ) from None


def changed(since: int) -> str:
    """The condition that a row changed at or after a moment."""
    return f"{STAMP} ge {moment(since)}" if since else ""


class Walk:
    """All rows of one table that changed at or after ``start``."""

    def __init__(self, ask: Asked, start: Mark, since: int, overlap: int, what: str) -> None:
        self._ask, self._from, self._since, self._overlap, self._what = ask, start, since, overlap, what
        self._bound = 0

    @property
    def settled(self) -> int:
        """Before this moment nothing can turn up any more."""
        return max(0, self._bound - self._overlap)

    @property
    def near(self) -> int:
        """From when on changes of relatives matter. What a first read gives has its relatives as they are now."""
        return self._from.near or self._from.at or self.settled

    def pages(self) -> Iterator[tuple[list[Row], Mark]]:
        """Rows and the mark behind them, until what changed after this walk began. Raises TryAgain when Dataverse's
        paging does not advance."""
        place = max(self._from.at, self._since)
        for rows, now in self._ask(changed(place)):
            if not self._bound:
                self._bound = now
                if self._from.at > self.settled:
                    # Dataverse's clock went back since the mark was saved: what changed since has earlier stamps.
                    self._from = Mark(self.settled, min(self._from.near, self.settled))
                    yield from self.pages()
                    return
            last = stamp_of(rows[-1]) if rows else place
            if last < place:
                raise no_progress(self._what)
            place = last
            yield rows, self._mark(place)
            if place > self._bound:
                return

    def end(self) -> Mark:
        """The mark after everything, relatives included."""
        at = max(self._from.at, self.settled)
        return Mark(at, at)

    def _mark(self, place: int) -> Mark:
        """Never closer than the overlap to Dataverse's clock, nor behind where this walk began."""
        return Mark(max(min(place, self.settled), self._from.at), self.near)
