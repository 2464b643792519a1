"""The two ways through HubSpot's records: everything by list, and what changed by search; and the mark between runs.

A search is walked by keys, never by offset: each request starts at the last stamp that was read. So an edit while we
page cannot shift a record past us, and the 10,000 results that a search can reach are never used up. Where one stamp
fills a whole page, the records of that stamp are walked by id.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
from msgspec import Struct, field
from wherry.errors import ContractBroken, TryAgain

from .client import (
    BATCH,
    MODIFIED,
    OBJECT_ID,
    SEARCH_PAGE,
    Client,
    Filter,
    Thing,
    Things,
    fits,
    search_body,
    stamp_ms,
)
from .errors import no_progress

SECOND = 1_000
PATIENCE = 3


class Mark(Struct, omit_defaults=True, tag_field="v", tag=1):
    """From where reading goes on; times in ms of HubSpot's clock. ``list`` is the cursor of a full read under way
    and ``bound`` when it began; ``child`` is how far the relatives were looked at, where that is less than ``at``."""

    at: int = 0
    child: int | None = None
    list: str = ""
    bound: int | None = None

    def __str__(self) -> str:
        return msgspec.json.encode(self).decode()


def mark_of(text: str) -> Mark:
    """The mark as it was saved. Raises ContractBroken when it is none of ours."""
    try:
        return msgspec.json.decode(text, type=Mark)
    except msgspec.DecodeError:
        raise ContractBroken(
            "the saved mark of this flow is none that this version of the HubSpot plugin wrote",
            fix="install the plugin version that wrote it, or have the flow read from the start again",
            code="WHERRY-1702",
        ) from None


class Bound(Struct):
    """The moment a run read up to, by HubSpot's clock, frozen by the first answer; ``lag`` is how long (ms) its search
    index may need to show a change. What is newer than ``settled`` is read again by the next run."""

    lag: int
    ms: int | None = None

    def note(self, server_time: int | None) -> None:
        """Freeze the bound, by the first answer that tells the time."""
        if self.ms is None:
            self.ms = server_time

    def settled(self, newest: int = 0) -> int:
        """Where the next run has to begin; without any clock of HubSpot's, the lag before the newest stamp."""
        return max(0, (newest if self.ms is None else self.ms) - self.lag)

    def reached(self, read_to: int, start: int) -> int:
        """What a run that ended here may save: all was read up to ``read_to``, but the index may lag behind."""
        return max(start, read_to - self.lag) if self.ms is None else min(read_to, self.settled())

    def final(self, read_to: int, start: int) -> int:
        """What a run that read to the end may save."""
        return self.reached(read_to if self.ms is None else self.ms, start)

    def passed(self, stamp: int) -> bool:
        """Whether a stamp is later than this run began. The clock is told in whole seconds: rounded outwards."""
        return self.ms is not None and stamp >= self.ms + SECOND


class Props(Struct):
    """What the walk itself needs of a record's properties."""

    hs_lastmodifieddate: str | None = None
    hs_merged_object_ids: str | None = None
    dealstage: str | None = None


class Head(Struct):
    """A record with its modified stamp: the text HubSpot gave, and ms."""

    thing: Thing
    stamp: str
    ms: int
    merged: str = ""
    stage: str = ""

    @property
    def id(self) -> str:
        return self.thing.id


def head_of(thing: Thing) -> Head:
    """The head of a record; the stamp is the property where it was sent, else ``updatedAt``."""
    props = msgspec.json.decode(thing.properties, type=Props)
    stamp = props.hs_lastmodifieddate or thing.updatedAt
    return Head(thing, stamp, stamp_ms(stamp), props.hs_merged_object_ids or "", props.dealstage or "")


class Step(Struct):
    """Heads not met before in this walk, and the stamp up to which all was read."""

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
    """A walk over the records of one type that changed at or after ``start``, oldest change first."""

    client: Client
    type_name: str
    start: int
    fields: Sequence[str]
    bound: Bound
    filters: list[Filter] = field(default_factory=list)

    def steps(self) -> Iterator[Step]:
        """Raises TryAgain when HubSpot's paging does not advance."""
        at, seen, stall = self.start, frozenset[str](), Stall(self.type_name)
        while True:
            page = self._page([_since(at), *self.filters], MODIFIED)
            if at == self.start > self.bound.settled(self.start + self.bound.lag):
                # HubSpot's clock went back since the mark was saved: what changed since then has earlier stamps.
                self.start = at = self.bound.settled()
                continue
            heads = [head_of(thing) for thing in page.results]
            fresh = [h for h in heads if h.ms > at or (h.ms == at and h.id not in seen)]
            last = max(at, heads[-1].ms) if heads else at
            yield Step(self._whole(fresh), last, page.total)
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
            heads = [head_of(thing) for thing in page.results]
            yield Step(self._whole([h for h in heads if h.id not in seen]), stamp)
            if not page.after:
                return
            last = max((int(h.id) for h in heads), default=after)
            stall.note(last > after)
            after = max(after, last)

    def _page(self, filters: list[Filter], sort: str) -> Things:
        page, server_time = self.client.search(self.type_name, filters, sort, self._asked)
        self.bound.note(server_time)
        return page

    @property
    def _asked(self) -> Sequence[str]:
        """The fields, or only the stamp where naming all would make the body of a search too long."""
        return self.fields if self._short else (MODIFIED,)

    @property
    def _short(self) -> bool:
        # The longest body of a walk has two filters of its own, each with a value of 20 characters at most.
        value = {"propertyName": MODIFIED, "operator": "GTE", "value": "9" * 20}
        return fits(search_body([value, value, *self.filters], MODIFIED, self.fields, SEARCH_PAGE))

    def _whole(self, heads: list[Head]) -> list[Head]:
        """The heads with all fields: as found, or read by id where the search could not name them."""
        if self._short or not heads:
            return heads
        found: dict[str, Head] = {}
        for start in range(0, len(heads), BATCH):
            ids = [h.id for h in heads[start : start + BATCH]]
            for thing in self.client.read_batch(self.type_name, ids, self.fields).results:
                found[thing.id] = head_of(thing)
        return [found[h.id] for h in heads if h.id in found]


def _since(at: int) -> Filter:
    return {"propertyName": MODIFIED, "operator": "GTE", "value": str(at)}


class Leaf(Struct):
    """A page of a list, and the cursor after it; none at the end."""

    heads: list[Head]
    after: str


class Everything(Struct):
    """A walk over all records of one type by the list call, in HubSpot's own order (by id)."""

    client: Client
    type_name: str
    fields: Sequence[str]
    bound: Bound
    after: str = ""

    def leaves(self) -> Iterator[Leaf]:
        """Raises TryAgain when HubSpot's paging does not advance or rejects its own cursors."""
        after, restarted, stall = self.after, False, Stall(self.type_name)
        cursors, before = {after}, frozenset[str]()
        while True:
            answer = self.client.list_page(self.type_name, self.fields, after)
            if answer is None:
                self._may_restart(restarted)
                after, restarted, cursors, before = "", True, {""}, frozenset()
                continue
            page, server_time = answer
            self.bound.note(server_time)
            ids = frozenset(thing.id for thing in page.results)
            fresh = not ids <= before
            if fresh or not page.after:
                yield Leaf([head_of(thing) for thing in page.results], page.after)
            if not page.after:
                return
            self._may_follow(page.after, cursors)
            stall.note(fresh)
            cursors.add(page.after)
            after, before = page.after, ids or before

    def _may_restart(self, restarted: bool) -> None:
        if restarted:
            raise TryAgain(
                f"HubSpot twice refused its own page cursor in the list of {self.type_name}", code="WHERRY-6706"
            )

    def _may_follow(self, after: str, cursors: set[str]) -> None:
        if after in cursors:
            raise no_progress(self.type_name)
