"""One limiter an account: rolling windows by lane, corrected by what the vendor's headers say.

Shared by all flows and threads of a process, and by processes through ``budget``. Source: performance.md, design choice
5, W2 and W7; faults-and-security.md E7.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import Struct

from wherry.errors import TryAgain
from wherry.http.budget import SLACK as SLACK
from wherry.http.budget import Budget, Lane, OwnBudget, SharedBudget
from wherry.http.profile import Limit, Pace, Profile
from wherry.roles import Clock

LONG_WAIT = 10.0
"""Seconds of waiting that somebody who looks on is told of."""
LONGEST_WAIT = 300.0
"""Seconds that a call waits for its turn; a budget that is gone for longer ends the run instead (case_E8)."""


Waits = Callable[[float, Limit | None], None]
"""Told once of a long wait: for how many seconds, and which limit is used up; None: the vendor asked for the rest."""


class Ticket(Struct, frozen=True):
    """A call's place in its lanes: when it went (monotonic), and which lane the vendor counts it in."""

    at: float
    lanes: tuple[str, ...]


class Pacer:
    """Lets calls go when the account's budget has room. Safe for threads; waits by the clock's sleep."""

    def __init__(self, profile: Profile, clock: Clock, budget: Budget | None = None) -> None:
        self._clock, self._pace = clock, profile.pace
        self._budget: Budget = budget or OwnBudget()
        self._lock = threading.Lock()
        self._own = set(profile.own_lanes)
        self._limits = dict(profile.limits)
        self._first_in_line = 0
        self._told = -math.inf
        """Until when it was told that calls wait."""

    def learn(self, profile: Profile) -> Pacer:
        """Take over lanes that another flow's profile of the same account adds."""
        with self._lock:
            self._own |= profile.own_lanes
            self._limits = {**profile.limits, **self._limits}
        return self

    def take(self, lane: str = "", *, first: bool = False, waits: Waits | None = None) -> Ticket:
        """Wait for a place. ``first`` calls go before the others that wait. Raises TryAgain past ``LONGEST_WAIT``."""
        if first:
            with self._lock:
                self._first_in_line += 1
        try:
            return self._wait_for(self._names(lane), first, waits)
        finally:
            if first:
                with self._lock:
                    self._first_in_line -= 1

    def heard(self, ticket: Ticket, headers: Mapping[str, str]) -> None:
        """An answer came: its call counts from now, since it may have arrived no sooner. Learn from its headers."""
        pace = self._pace(headers) if self._pace is not None else None
        with self._lock:
            if pace is None and self._limits.keys().isdisjoint(ticket.lanes):
                return
            with self._budget.open(self._clock) as (lanes, now):
                for name in ticket.lanes:
                    lanes.setdefault(name, Lane()).arrived(ticket.at, now)
                if pace is not None:
                    self._correct(lanes.setdefault(ticket.lanes[0], Lane()), ticket, pace, now)

    def close(self, lane: str, seconds: float) -> None:
        """Nothing goes in the lanes of such a call for that long: the vendor has said so (429)."""
        with self._lock, self._budget.open(self._clock) as (lanes, now):
            for name in self._names(lane):
                lanes.setdefault(name, Lane()).close(now, seconds)

    def window(self, lane: str) -> float | None:
        """Seconds of the longest window that such a call counts in, slack included."""
        with self._lock:
            limits = [self._limits.get(name) for name in self._names(lane)]
        return max((limit.seconds + SLACK for limit in limits if limit is not None), default=None)

    def _wait_for(self, names: tuple[str, ...], first: bool, waits: Waits | None) -> Ticket:
        while True:
            with self._lock:
                seconds, at, limit = self._tried(names, 0 if first else self._first_in_line)
                is_news = waits is not None and self._is_news(at, seconds)
            if seconds <= 0:
                return Ticket(at, names)
            if seconds > LONGEST_WAIT:
                raise TryAgain(
                    f"the account's budget of calls is used up for another {seconds:.0f} seconds",
                    after=seconds, code="WHERRY-6042", lane=names[0],
                )  # fmt: skip
            if is_news and waits is not None:
                waits(seconds, limit)
            self._clock.sleep(seconds)

    def _is_news(self, at: float, seconds: float) -> bool:
        """Whether a wait is long, and those who wait for about the same moment have not told of it yet."""
        if seconds < LONG_WAIT or at + seconds < self._told + LONG_WAIT:
            return False
        self._told = at + seconds
        return True

    def _tried(self, names: tuple[str, ...], kept: int) -> tuple[float, float, Limit | None]:
        """Seconds to wait, from when, and for what; a call that need not counts from then."""
        with self._budget.open(self._clock) as (lanes, now):
            own = [(name, lanes.setdefault(name, Lane())) for name in names]
            mine = [(lane, limit.each if (limit := self._limit(name, lane)) else (None,)) for name, lane in own]
            seconds, lane, used_up = max(
                ((lane.wait(limit, now, kept), lane, limit) for lane, limits in mine for limit in limits),
                key=lambda told: told[0],
            )
            if lane.closed_until - now >= seconds:
                used_up = None
            for lane, limits in mine:
                if seconds <= 0 and (longest := limits[-1]) is not None:
                    lane.note(longest, now)
        return seconds, now, used_up

    def _correct(self, lane: Lane, ticket: Ticket, pace: Pace, now: float) -> None:
        """Take over the vendor's limit, and count what others used of it.

        Calls are compared from one window before ours was sent until now, which is no less than the vendor can have
        counted of ours: what goes beyond that came from elsewhere.
        """
        name = ticket.lanes[0]
        known = self._limit(name, lane)
        count, seconds = pace.limit or (known.count if known else 0), pace.seconds or (known.seconds if known else 0.0)
        if count <= 0 or seconds <= 0:
            return
        lane.told = Limit(count, seconds)
        limit = self._limit(name, lane) or lane.told
        if pace.remaining is not None:
            ours = lane.since(math.nextafter(ticket.at - seconds - SLACK, -math.inf))
            lane.note(limit.each[-1], now, max(count - max(pace.remaining, 0) - ours, 0))

    def _limit(self, name: str, lane: Lane) -> Limit | None:
        """As an answer told it, to whomever, and what holds besides; else as the profile has it."""
        known = self._limits.get(name)
        if lane.told is not None:
            known = self._limits[name] = Limit(lane.told.count, lane.told.seconds, known.also if known else None)
        return known

    def _names(self, lane: str) -> tuple[str, ...]:
        """The lanes of a call, the one that its answer's headers speak of first."""
        if lane == "" or lane in self._own:
            return (lane,)
        return ("", lane)


_shared: dict[str, Pacer] = {}
_shared_lock = threading.Lock()


def shared_pacer(account: str, profile: Profile, clock: Clock, folder: Path | None = None) -> Pacer:
    """The process's limiter of that account: one for all flows that reach it. With a folder, it goes by the calls of
    every process that is given the same one."""
    with _shared_lock:
        known = _shared.get(account)
        if known is None:
            budget = SharedBudget(folder, account) if folder else OwnBudget()
            known = _shared[account] = Pacer(profile, clock, budget)
            return known
    return known.learn(profile)
