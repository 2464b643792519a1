"""Through what changed, oldest change first, and the mark between two runs.

Rows are walked by (SystemModstamp, Id), never by offset or cursor: each query starts behind the last row that was read.
So an edit while we page moves nothing past us, a stamp that a bulk load gave to more rows than a page holds ends like
any other, and a run that breaks off goes on from its last page. The end is Salesforce's own time, frozen by the first
answer; the saved mark stays ``overlap`` behind it, since a long transaction shows its rows under an earlier stamp.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
from msgspec import Struct
from wherry.decoding import decoder
from wherry.errors import ContractBroken

from . import client
from .client import Found, Row
from .errors import no_progress
from .objects import STAMP, ms_of, text
from .soql import moment, quoted

Ask = Callable[[str, str], tuple[Found, int]]
"""Asks for the rows that meet a condition, with the end of the statement; and Salesforce's own time in ms."""


class Mark(Struct, frozen=True, omit_defaults=True, tag_field="v", tag=1):
    """How far was read: every row up to (``at``, ``id``), in ms of Salesforce's own clock. ``near``: up to when
    changes of relatives were looked for; 0: as far as the rows themselves."""

    at: int = 0
    id: str = ""
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
            "the saved mark of this flow is none that this version of the Salesforce plugin wrote",
            fix="install the plugin version that wrote it, or have the flow read from the start again",
            code="WHERRY-1761",
        ) from None


class Walk:
    """All rows of one object that changed at or after ``start``; those of its very moment behind its id."""

    def __init__(self, ask: Ask, start: Mark, since: int, overlap: int, what: str) -> None:
        self._ask, self._overlap, self._what = ask, overlap, what
        self._from, self._since = start, since
        self._start = (start.at, start.id) if start.at >= since else (since, "")
        self._bound: int | None = None

    @property
    def settled(self) -> int:
        """Before this moment nothing can turn up any more."""
        return max(0, (self._bound or 0) - self._overlap)

    @property
    def near(self) -> int:
        """From when on changes of relatives matter. What a first read gives has its relatives as they are now."""
        return self._from.near or self._from.at or self.settled

    def pages(self) -> Iterator[tuple[list[Row], Mark]]:
        """Rows and the mark behind them. Raises TryAgain when Salesforce's paging does not advance."""
        place = self._start
        while True:
            found, now = self._ask(self._where(place), f"ORDER BY {STAMP}, Id LIMIT {client.PAGE}")
            rows = found.records
            if self._bound is None:
                self._bound = now
                if self._from.at > self.settled:
                    # Salesforce's clock went back since the mark was saved: what changed since has earlier stamps.
                    place = (max(self.settled, self._since), "")
                    self._from = Mark(self.settled, near=min(self._from.near, self.settled))
                    continue
            if rows:
                last = ms_of(rows[-1]), text(rows[-1]["Id"])
                if last == place or last[0] < place[0]:  # how ids are ordered is Salesforce's own affair
                    raise no_progress(self._what)
                place = last
            elif not found.done:
                raise no_progress(self._what)
            yield rows, self._mark(place)
            if found.done and len(rows) < client.PAGE:
                return

    def end(self) -> Mark:
        """The mark after everything, relatives included."""
        at = max(self._from.at, self.settled)
        return Mark(at, self._from.id if at == self._from.at else "", at)

    def _mark(self, place: tuple[int, str]) -> Mark:
        """Never closer than the overlap to Salesforce's clock, nor behind where this walk began."""
        at, id = place if place[0] < self.settled else (self.settled, "")
        if at < self._from.at:
            at, id = self._from.at, self._from.id
        return Mark(at, id, self.near)

    def _where(self, place: tuple[int, str]) -> str:
        at, id = place
        parts = [f"{STAMP} >= {moment(at)}"] if at else []
        parts += [f"({STAMP} > {moment(at)} OR Id > {quoted(id)})"] if id else []
        parts += [f"{STAMP} <= {moment(self._bound)}"] if self._bound is not None else []
        return " AND ".join(parts)
