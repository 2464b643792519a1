"""Through Traede's list of entries, oldest change first, and the mark between two runs.

The list is walked by the moment of the last change, never by page number: entries leave it while it is read, since they
are confirmed or changed, and push others past a page's edge. A second that fills a page, as an invoice run makes them,
cannot be walked that way: its pages are read until two readings agree. The same is done with the whole list of a
Traede that does not sort it as it was asked to, which nothing in its documentation excludes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count, pairwise

import msgspec
from msgspec import Struct
from wherry.errors import TryAgain
from wherry.marks import Bound, saved_mark

from .client import Row, Window
from .settings import USUAL

LAG = 120
"""Seconds that an entry may take to show: it is stamped when it is made and seen when its transaction is committed."""
MOST_READINGS = 6
Ask = Callable[[Window], tuple[list[Row], Mapping[str, str]]]
"""Lists a window: the entries, and the headers of the answer."""


class Mark(Struct, tag_field="v", tag=1):
    """How far the list was read: every change before ``at``, in seconds since 1970 by Traede's own clock."""

    at: int

    def __str__(self) -> str:
        return msgspec.json.encode(self).decode()


def mark_of(text: str) -> Mark:
    """The mark as it was saved. Raises ContractBroken when it is none of ours."""
    return saved_mark(Mark, text, "Traede", "WHERRY-1841")


class Step(Struct):
    """Entries not met before in this walk, and the mark to go on from after them."""

    rows: list[Row]
    mark: Mark


class Walk:
    """All entries of the list that changed at or after ``start`` (seconds since 1970; 0: all), ``size`` a call."""

    def __init__(self, ask: Ask, bound: Bound, start: int, size: int) -> None:
        self._ask, self._bound, self._start, self._size = ask, bound, start, size
        self._trusted, self._newest = False, 0

    def steps(self) -> Iterator[Step]:
        """Raises TryAgain where the list does not hold still long enough to be read."""
        at, seen = self._start, frozenset[str]()
        while True:
            rows = self._page(Window(first=at, limit=self._size))
            if self._bound.went_back(self._start):
                self._start = at = self._bound.settled()
                continue
            if not self._in_order(rows, at):
                yield from self._sliced([row for row in self._agreed(at) if row.id not in seen])
                return
            last = rows[-1].at if rows else 0
            done = self._is_last(rows) or self._bound.passed(last)
            yield Step([row for row in rows if row.id not in seen], self._mark(last, done))
            if done:
                return
            here = frozenset(row.id for row in rows if row.at == last)
            if rows[0].at == last:
                tied = self._agreed(last, last + 1)
                yield Step([row for row in tied if row.id not in seen | here], self._mark(last, False))
                at, seen = last + 1, frozenset()
            else:
                at, seen = last, here

    def _is_last(self, rows: Sequence[Row]) -> bool:
        """A page that is shorter than was asked for may still be a full one, should Traede lower its limit; one that
        is shorter than the usual limit is not."""
        return len(rows) < min(self._size, USUAL)

    def _in_order(self, rows: Sequence[Row], at: int) -> bool:
        """Whether the list comes as it was asked for. A page may look so by chance; so the first full one is compared
        with the entry at the other end of the list, once a walk. What changed since the walk began proves nothing: an
        unsorted list may have it anywhere."""
        if any(one.at > other.at for one, other in pairwise(rows)):
            return False
        if self._trusted or self._is_last(rows):
            return True
        newest = self._page(Window(first=at, until=self._bound.early or 0, limit=1, newest=True))
        self._trusted = not newest or newest[0].place >= rows[-1].place
        return self._trusted

    def _agreed(self, first: int, until: int = 0) -> list[Row]:
        """All entries of a window, in order, as two readings in a row found them."""
        before: dict[str, int] | None = None
        for _ in range(MOST_READINGS):
            found = {row.id: row for row in self._all(first, until)}
            settled = {row.id: row.at for row in found.values() if not self._bound.passed(row.at)}
            if settled == before:
                return sorted(found.values(), key=lambda row: row.place)
            before = settled
        raise TryAgain("Traede's list of entries does not hold still while it is read", code="WHERRY-6842")

    def _all(self, first: int, until: int) -> Iterator[Row]:
        for page in count():
            rows = self._page(Window(first=first, until=until, page=page, limit=self._size))
            yield from rows
            if self._is_last(rows):
                return

    def _sliced(self, rows: Sequence[Row]) -> Iterator[Step]:
        parts = [rows[n : n + self._size] for n in range(0, len(rows), self._size)] or [rows]
        for n, part in enumerate(parts, 1):
            last = part[-1].at if part else 0
            yield Step(list(part), self._mark(last, n == len(parts)))

    def _page(self, window: Window) -> list[Row]:
        rows, headers = self._ask(window)
        self._bound.note(headers)
        return rows

    def _mark(self, last: int, done: bool) -> Mark:
        """Never closer than the lag to Traede's clock, nor further than was read, nor behind where this walk began."""
        self._newest = max(self._newest, last)
        at = self._bound.reached(self._newest) if done else min(last, self._bound.settled(last))
        return Mark(max(self._start, at))
