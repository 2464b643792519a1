"""The two ways through HubSpot's records: everything by list, and what changed by search.

A search is walked by keys, never by offset: each request starts at the last stamp that was read. So an edit while we
page cannot shift a record past us, and the 10,000 results that a search can reach are never used up. Where one stamp
fills a whole page, the records of that stamp are walked by id.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct, field
from wherry.errors import TryAgain

from .client import (
    MODIFIED,
    OBJECT_ID,
    SEARCH_PAGE,
    SEARCH_REACH,
    Client,
    Filter,
    fits,
    search_body,
)
from .errors import no_progress
from .marks import Bound, Mark, Position
from .objects import Head, head_of
from .reading import Reader
from .shapes import Objects

PATIENCE = 3


class Step(Struct):
    """Heads not met before in this walk, and the stamp up to which all was read; 0 where there was nothing."""

    heads: list[Head]
    at: int
    total: int | None = None


class Stall(Struct):
    """Counts answers that promise more and bring nothing new."""

    what: str
    count: int = 0

    def note(self, progress: bool) -> None:
        """Raises TryAgain after three answers in a row without progress."""
        self.count = 0 if progress else self.count + 1
        if self.count >= PATIENCE:
            raise no_progress(self.what, self.count)


class Changes(Struct):
    """A walk over the records of one type that changed at or after ``start``, oldest change first. ``position`` is how
    far it went: all that was yielded so far lies before it, or will be read again from there."""

    reader: Reader
    type_name: str
    start: Position
    fields: Sequence[str]
    bound: Bound
    filters: list[Filter] = field(default_factory=list)
    position: Position = field(default_factory=Position)
    _first: Objects | None = None
    _overlap: dict[str, int] = field(default_factory=dict)

    def steps(self) -> Iterator[Step]:
        """Raises TryAgain when HubSpot's paging does not advance."""
        self.position = self.start
        if self._looks_unchanged():
            return
        at = 0
        for step in self._walk():
            at = max(at, step.at)
            self.position = Position(max(self.start.at, min(at, self._shown(at))))
            yield step
        self.position = Position(self._shown(at), len(self._overlap), max(self._overlap.values(), default=0))

    def _looks_unchanged(self) -> bool:
        """One search that spares reading the overlap again: are there still as many records in it, and is the newest of
        them the one that was read?

        That proves nothing. A record that was read may have changed since, and may show up under its new stamp before
        the newest: the count and the newest stay the same. So the answer may put the reading off, but never stands for
        it: the position stays where it is, and once the index can hide nothing that old any more, the overlap is read.
        """
        known = self.start
        if not 0 < known.n <= SEARCH_REACH - SEARCH_PAGE:
            return False
        offset = max(0, known.n - SEARCH_PAGE)
        page = self._page([_since(known.at), *self.filters], MODIFIED, offset)
        # A page from the middle is not read from: what was edited meanwhile has moved others past its edge.
        self._first = None if offset else page
        newest = head_of(page.results[-1]).ms if page.results else 0
        return (page.total, newest) == (known.n, known.newest) and self.bound.may_hide(known)

    def _shown(self, at: int) -> int:
        return max(self.start.at, self.bound.reached(at))

    def _walk(self) -> Iterator[Step]:
        at, seen, stall = self.start.at, frozenset[str](), Stall(self.type_name)
        while True:
            page, self._first = self._first or self._page([_since(at), *self.filters], MODIFIED), None
            if self.bound.went_back(self.start.at):
                self.start, at = Position(self.bound.settled()), self.bound.settled()
                continue
            heads = [head_of(found) for found in page.results]
            fresh = [h for h in heads if h.ms > at or (h.ms == at and h.id not in seen)]
            last = max(at, heads[-1].ms) if heads else at
            yield self._step(fresh, last if heads else 0, page.total)
            if not page.after or self.bound.passed(last):
                return
            stall.note(bool(fresh) or last > at)
            if heads and heads[0].ms == last:
                yield from self._tie(last, {h.id for h in heads} | seen)
                at, seen = last + 1, frozenset()
            else:
                seen = frozenset(h.id for h in heads if h.ms == last) | (seen if last == at else frozenset())
                at = last

    def _tie(self, stamp: int, seen: set[str]) -> Iterator[Step]:
        """All records of one stamp, by id: a bulk import can give more of them than a search reaches."""
        after, stall = 0, Stall(self.type_name)
        same = {"propertyName": MODIFIED, "operator": "EQ", "value": str(stamp)}
        while True:
            above = {"propertyName": OBJECT_ID, "operator": "GT", "value": str(after)}
            page = self._page([same, above, *self.filters], OBJECT_ID)
            heads = [head_of(found) for found in page.results]
            yield self._step([h for h in heads if h.id not in seen], stamp)
            if not page.after:
                return
            last = max((int(h.id) for h in heads), default=after)
            stall.note(last > after)
            after = max(after, last)

    def _step(self, heads: list[Head], at: int, total: int | None = None) -> Step:
        self._overlap.update((head.id, head.ms) for head in heads if self.bound.overlaps(head.ms))
        return Step(self._whole(heads), at, total)

    def _page(self, filters: list[Filter], sort: str, offset: int = 0) -> Objects:
        page, headers = self.reader.client.search(self.type_name, filters, sort, self._asked, offset)
        self.bound.note(headers)
        return page

    @property
    def _asked(self) -> Sequence[str]:
        """The fields, or only the stamp where naming all would make the body of a search too long."""
        return self.fields if self._short else (MODIFIED,)

    @property
    def _short(self) -> bool:
        # The longest body of a walk has two filters of its own, each with a value of 20 characters at most.
        value = {"propertyName": MODIFIED, "operator": "GTE", "value": "9" * 20}
        return fits(search_body([value, value, *self.filters], MODIFIED, self.fields, SEARCH_REACH))

    def _whole(self, heads: list[Head]) -> list[Head]:
        """The heads with all fields: as found, or read by id where the search could not name them."""
        if self._short:
            return heads
        ids = [head.id for head in heads]
        return [head for head in self.reader.heads(self.type_name, ids, self.fields) if head.id in ids]


def _since(at: int) -> Filter:
    return {"propertyName": MODIFIED, "operator": "GTE", "value": str(at)}


class Everything(Struct):
    """A walk over all records of one type by the list call, in HubSpot's own order (by id). ``mark`` is where a read
    that was begun stood, and where this one stands; ``counted`` says that the next search will look for all of them.
    ``linked`` are object types whose associations the list shall tell."""

    client: Client
    type_name: str
    fields: Sequence[str]
    bound: Bound
    mark: Mark
    counted: bool = True
    linked: Sequence[str] = ()

    def pages(self) -> Iterator[list[Head]]:
        """Raises TryAgain when HubSpot's paging does not advance or rejects its own cursors."""
        after, restarted, stall = self.mark.list, False, Stall(self.type_name)
        cursors, before = {after}, frozenset[str]()
        while True:
            answer = self.client.list_page(self.type_name, self.fields, after, self.linked)
            if answer is None:
                self._may_restart(restarted)
                after, restarted, cursors, before = "", True, {""}, frozenset()
                continue
            page, headers = answer
            self.bound.note(headers)
            ids = frozenset(found.id for found in page.results)
            fresh = not ids <= before
            if fresh or not page.after:
                heads = [head_of(found, self.linked) for found in page.results]
                self.mark = self._mark_after(heads, page.after)
                yield heads
            if not page.after:
                return
            self._may_follow(page.after, cursors)
            stall.note(fresh)
            cursors.add(page.after)
            after, before = page.after, ids or before

    def _mark_after(self, heads: list[Head], cursor: str) -> Mark:
        n = self.mark.n + sum(self.bound.overlaps(head.ms) for head in heads) if self.counted else 0
        newest = max([self.mark.newest, *(head.ms for head in heads)])
        if cursor:
            return Mark(n=n, newest=newest, list=cursor, bound=self.bound.early)
        at, near = self.bound.reached(newest), self.bound.settled(newest)
        return Mark(at, n, newest if n else 0, near=near if near != at else 0)

    def _may_restart(self, restarted: bool) -> None:
        if restarted:
            raise TryAgain(
                f"HubSpot twice refused its own page cursor in the list of {self.type_name}", code="WHERRY-6706"
            )

    def _may_follow(self, after: str, cursors: set[str]) -> None:
        if after in cursors:
            raise no_progress(self.type_name)
