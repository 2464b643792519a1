"""On which day a movement is booked: its own, or by the flow's policy a later one, or none.

Source: behaviours.md 000 and 004; cases C11 to C13.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec

from wherry.accounting import Bucket, LeftOut, Movement
from wherry.books import asbooked, grouping, unbooked
from wherry.books.bodies import gain_elsewhere, movement_of
from wherry.books.keys import SEPARATOR, parts
from wherry.books.numbering import LOCKED, moved_from
from wherry.errors import Guarded, Rejected
from wherry.settings import Flow
from wherry.store.movements import MovementRow

if TYPE_CHECKING:
    from wherry.books.gathering import Basis

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_FURTHEST = 60
_TRUE_UP = "true-up"
"""The type of what brings locked balances to what the records say by now, and the policy that makes it."""
_ONE_DAY = dt.timedelta(days=1)


def week_start(flow: Flow) -> int:
    return WEEKDAYS.index(flow.week_start)


class Placing:
    """Finds the day that each movement is booked on: its own, or by the flow's policy a later one, or none."""

    def __init__(self, basis: Basis, fixed: Iterable[str], given_up: Mapping[str, str]) -> None:
        self.basis, self._given_up = basis, given_up
        self._fixed = [parts(key) for key in fixed]
        each = basis.flow.group == "none"
        self.posted = {(one.bucket, one.partition) for one in self._fixed if each or not moved_from(one.own)}
        """(bucket, partition) of which something was sent, beside what was only moved there."""
        self.partitions = {one.partition for one in self._fixed}
        """Every one that there is: numbers of entries name them, and none of them is called like another."""
        self.in_time: list[tuple[int, str]] = []
        """Movements that came before their group was posted, with its name, where that was not noted before."""
        self.numbers: set[str] = set()
        """What entries of other flows into the same books are called; and those of this one that were sent, where each
        is called by its own reference."""
        self.reversed: set[str] = set()
        """Keys of entries that were taken back: what is booked anew is another document, with a number of its own."""
        self.unnoted: dict[int, str] = {}
        """Movement that cannot be taken back as it was booked → why."""
        self.undone: dict[int, MovementRow] = {}
        """Movement that is booked once more → what takes it back."""
        self.stuck: dict[str, int] = {}
        """Key of a movement → what takes an earlier one of it back, where that is left out."""
        self._left: dict[tuple[str, str, str], list[tuple[int, int]]] = {}
        self._buckets: dict[dt.date, Bucket] = {}
        self._own: defaultdict[str, set[str]] | None = None
        """Partition → the keys of its entries within it."""

    def admitted(self, row: MovementRow) -> Movement | None:
        """The movement on its own day; None for one that these books do not take, whatever is open."""
        back, basis = self.undone.get(row.id), self.basis
        movement = movement_of(row, gains=basis.flow.gains) if back is None else asbooked.turned(row, back, basis.chart)
        if basis.books_from is not None and movement.date < basis.books_from:
            self._leave(movement, "before-books", f"dated before the books begin ({basis.books_from})")
            return None
        if row.entry in self._given_up:
            self._leave(movement, "held", self._given_up[row.entry])
            return None
        nowhere = self._nowhere(movement.date)
        if unbooked.is_held(row):
            self._leave(movement, "held", row.reason)
            if not nowhere:
                self._note(row, self.bucket_of(movement.date).name)
            return None
        if nowhere:
            self._leave(movement, "held", nowhere)
            return None
        if row.id in self.unnoted:
            self._leave(movement, "held", self.unnoted[row.id])
            return None
        if basis.flow.gains and back is None and (why := gain_elsewhere(row)):
            self._leave(movement, "held", why)
            return None
        return asbooked.by_code(row, movement, basis.chart)

    def _nowhere(self, day: dt.date) -> str:
        """Why a day is in no period, which keeps its own movements back; empty where it is in one."""
        try:
            self.bucket_of(day)
        except Rejected as error:
            table = self.basis.calendar.periods
            told = f"in no period: the table goes from {table[0].first} to {table[-1].last}" if table else error.message
            return f"{told}; {error.fix}"
        return ""

    def place(self, row: MovementRow, movement: Movement) -> Movement | None:
        """The movement on the day it is booked; None for one that is left out. Those of one record come in their
        order: what replaces a booked one waits with what takes that back, or both would stand there."""
        placed = self._placed(row, movement)
        if placed is None and row.undoes:
            self.stuck[row.key] = row.id
        elif placed is not None and not row.undoes and (back := self.stuck.get(row.key, row.id)) < row.id:
            self._leave(movement, "held", f"M-{back}, which takes its earlier version back, is held")
            return None
        return placed

    def _placed(self, row: MovementRow, movement: Movement) -> Movement | None:
        flow = self.basis.flow
        if self._is_closed(movement.date):
            return self._by_policy(row, movement, flow.closed, "its period is closed")
        if self._was_posted(row, movement.date):
            return self._by_policy(row, movement, flow.late, "its group was posted before it came")
        return movement

    def _is_closed(self, day: dt.date) -> bool:
        return self.basis.closed_until is not None and day <= self.basis.closed_until

    def _was_posted(self, row: MovementRow, day: dt.date) -> bool:
        """Whether its group was posted before the movement came. What stood in it then, or was left aside, came in
        time: so the part of a group that a selection left out is not late."""
        if self.basis.flow.group == "none":
            return False
        bucket = self.bucket_of(day).name
        spot = (bucket, row.partition)
        if spot in self.posted and row.at != bucket and tuple(row.entry.split(SEPARATOR)[1:3]) != spot:
            return True
        self._note(row, bucket)
        return False

    def _note(self, row: MovementRow, bucket: str) -> None:
        if row.at != bucket:
            self.in_time.append((row.id, bucket))

    def _by_policy(self, row: MovementRow, movement: Movement, policy: str, why: str) -> Movement | None:
        if policy == "stop":
            raise Guarded(
                f"{self.basis.flow.name}: a movement of {movement.date} ({movement.reference or row.key}) came, but "
                f"{why}", fix='open the period, or set closed = "hold", "next-period" or "true-up" on the flow',
                code="WHERRY-7085", flow=self.basis.flow.name,
            )  # fmt: skip
        if policy == "hold":
            self._leave(movement, "held", why)
            return None
        if policy == "correct":
            return msgspec.structs.replace(movement, late=True)
        later = self._later(movement, why)
        if later is None or policy != _TRUE_UP:
            return later
        return msgspec.structs.replace(later, type=_TRUE_UP, moved=LOCKED)

    def _later(self, movement: Movement, why: str) -> Movement | None:
        """On the first day of the next period that is open, in an entry of what is moved there from its own: the day is
        told in the description."""
        day, own = movement.date, self.basis.calendar.period_of(movement.date).name
        for _ in range(_FURTHEST):
            day = self.basis.calendar.period_of(day).last + _ONE_DAY
            if self._nowhere(day):
                break
            if not self._is_closed(day):
                told = f"{movement.description} (of {movement.date}; {why})".strip()
                return msgspec.structs.replace(movement, date=day, late=True, moved=own, description=told)
        self._leave(movement, "held", f"{why}, and no later period is open")
        return None

    def taken(self, partition: str) -> tuple[set[str], set[str]]:
        """The keys that the entries of a partition have which were sent, reversed since or not, or given up: no other
        is called so."""
        if self._own is None:
            self._own = defaultdict(set)
            for one in (*self._fixed, *(parts(key) for key in (*self._given_up, *self.reversed))):
                self._own[one.partition].add(one.own)
        return self.numbers, self._own[partition]

    def bucket_of(self, day: dt.date) -> Bucket:
        if day not in self._buckets:
            self._buckets[day] = self.basis.calendar.bucket_of(day, self.basis.flow.group, week_start(self.basis.flow))
        return self._buckets[day]

    def _leave(self, movement: Movement, reason: str, detail: str) -> None:
        self._left.setdefault((reason, detail, movement.currency), []).append((movement.id, grouping.net(movement)))

    def left(self) -> list[LeftOut]:
        return [
            LeftOut(reason=reason, detail=detail, members=tuple(id for id, _ in each), currency=currency,  # type: ignore[arg-type]
                    minor=sum(minor for _, minor in each))
            for (reason, detail, currency), each in self._left.items()
        ]  # fmt: skip
