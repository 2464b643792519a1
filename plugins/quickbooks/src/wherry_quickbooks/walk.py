"""Through one of QuickBooks' lists, oldest change first, and the mark between two runs.

A list is walked by the moment of the last change, never by position: each question starts at the last moment that was
read. So a row that is edited while pages are read cannot push another past their edge. Moments are whole seconds, and
an import gives thousands of rows the same one: where one second fills a page, its rows are walked by id, in pages
that overlap, which shows whether rows have moved meanwhile.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import msgspec
from msgspec import Struct
from wherry.errors import TryAgain
from wherry.marks import saved_mark

from .client import PAGE, Client, quoted

Obj = dict[str, Any]

LAG = 120
"""Seconds that a change may take to show: QuickBooks gives a call two minutes, and stamps it at its beginning."""
CHANGED = "MetaData.LastUpdatedTime"
OVERLAP = 100
"""Rows that two pages of one second share, so that as many may leave it between them."""
MOST_BACKS = 25
_ALL = "Active in (true, false)"


class Mark(Struct, tag_field="v", tag=1):
    """How far a list was read: every change before ``at``, in seconds since 1970 by QuickBooks' own clock."""

    at: int

    def __str__(self) -> str:
        return msgspec.json.encode(self).decode()


def mark_of(text: str) -> Mark:
    """The mark as it was saved. Raises ContractBroken when it is none of ours."""
    return saved_mark(Mark, text, "QuickBooks", "WHERRY-1752")


def seconds(text: str) -> int:
    """A moment of QuickBooks (ISO 8601 with offset, any number of digits of a fraction) in seconds since 1970, rounded
    down; 0 for none. Raises TryAgain for what is no moment."""
    if not text:
        return 0
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise TryAgain(f"QuickBooks Online named a time that is none: {text[:40]!r}", code="WHERRY-6755") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp() // 1)


def changed_at(row: Obj) -> int:
    """When a row was changed last, in seconds since 1970."""
    return seconds(str((row.get("MetaData") or {}).get("LastUpdatedTime") or ""))


def _id(row: Obj) -> str:
    return str(row["Id"])


class Step(Struct):
    """Rows not met before in this walk, and the mark to go on from after them."""

    rows: list[Obj]
    mark: Mark


class Walk:
    """All rows of a list that changed at or after ``start`` (seconds since 1970; 0: all)."""

    def __init__(self, client: Client, entity: str, start: int = 0) -> None:
        self._client, self._entity, self._start = client, entity, start
        self._bound: int | None = None

    def steps(self) -> Iterator[Step]:
        """Raises TryAgain where QuickBooks does not keep to the order that was asked for."""
        at, seen = self._start, frozenset[str]()
        while True:
            rows = self._page(at)
            if at == self._start > self._now(at):
                # QuickBooks' clock went back since the mark was saved: what changed since then has earlier stamps.
                self._start = at = max(0, self._now(at) - LAG)
                continue
            stamps = _in_order(rows, self._entity)
            last = stamps[-1] if rows else at
            done = len(rows) < PAGE or last > self._now(last)
            yield Step([row for row in rows if _id(row) not in seen], self._mark(last, done))
            if done:
                return
            here = frozenset(_id(row) for row, stamp in zip(rows, stamps, strict=True) if stamp == last)
            if stamps[0] == last:
                yield from self._tie(last, seen | here)
                at, seen = last + 1, frozenset()
            else:
                at, seen = last, here

    def _tie(self, stamp: int, seen: frozenset[str]) -> Iterator[Step]:
        """All rows of one second, by id: a page must begin with a row that was met on this way, else one is missing
        between, since rows have left the second, and it goes back a page. None ever comes in."""
        start, backs, covered = 1, 0, set[str]()
        while True:
            rows = self._page(stamp, stamp + 1, "Id", start)
            if start > 1 and not (rows and _id(rows[0]) in covered):
                start, backs = max(1, start - PAGE), backs + 1
                self._may_go_back(backs)
                continue
            fresh = [row for row in rows if _id(row) not in seen and _id(row) not in covered]
            covered.update(map(_id, rows))
            if fresh:
                yield Step(fresh, self._mark(stamp, False))
            if len(rows) < PAGE:
                return
            start += len(rows) - OVERLAP

    def _may_go_back(self, backs: int) -> None:
        if backs > MOST_BACKS:
            raise TryAgain(
                f"the list of {self._entity} does not hold still while the rows of one second are read",
                code="WHERRY-6756",
            )

    def _page(self, at: int, until: int = 0, order: str = CHANGED, start: int = 1) -> list[Obj]:
        limits = ([f"{CHANGED} >= {_told(at)}"] if at else []) + ([f"{CHANGED} < {_told(until)}"] if until else [])
        rows, time = self._client.page(self._entity, " and ".join([_ALL, *limits]), order, start)
        if self._bound is None and time:
            self._bound = seconds(time)
        return rows

    def _now(self, otherwise: int) -> int:
        """The moment this walk began, by QuickBooks' own clock, frozen by its first answer."""
        return otherwise if self._bound is None else self._bound

    def _mark(self, last: int, done: bool) -> Mark:
        """Never closer than the lag to QuickBooks' clock, nor behind where this walk began."""
        settled = self._now(last) - LAG
        return Mark(max(self._start, settled if done else min(last, settled), 0))


def _in_order(rows: Sequence[Obj], entity: str) -> list[int]:
    stamps = [changed_at(row) for row in rows]
    if any(one > other for one, other in pairwise(stamps)):
        raise TryAgain(
            f"QuickBooks Online gave the list of {entity} in another order than was asked for", code="WHERRY-6754"
        )
    return stamps


def _told(second: int) -> str:
    return quoted(dt.datetime.fromtimestamp(second, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
