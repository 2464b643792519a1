"""One limiter an account: rolling windows by lane, corrected by what the vendor's headers say.

Shared by all flows and threads of a process. Source: performance.md, design choice 5 and W2; faults-and-security.md E7.
"""

from __future__ import annotations

import bisect
import threading
from collections.abc import Mapping

from msgspec import Struct, field

from wherry.errors import TryAgain
from wherry.http.profile import Limit, Pace, Profile
from wherry.roles import Clock

SLACK = 0.06
"""Seconds added to each window, since calls arrive with jitter: enough for no refusals in the measured workload."""
LONGEST_WAIT = 300.0
"""Seconds that a call waits for its turn; a budget that is gone for longer ends the run instead (case_E8)."""


class Ticket(Struct, frozen=True):
    """A call's place in its lanes: when it went (monotonic), and which lane the vendor counts it in."""

    at: float
    lanes: tuple[str, ...]


class Lane(Struct):
    """One budget. ``times`` are the calls of the last two windows, ours and those that headers told us of."""

    limit: Limit | None = None
    times: list[float] = field(default_factory=list)
    closed_until: float = 0.0

    def wait(self, now: float, kept: int) -> float:
        """Seconds until one call may go and ``kept`` places stay free for calls that go first."""
        until = self.closed_until
        if self.limit is not None:
            window = self.limit.seconds + SLACK
            recent = len(self.times) - bisect.bisect_right(self.times, now - window)
            excess = recent + kept + 1 - self.limit.count
            if excess > recent:  # only those who go first can make room
                until = max(until, self.times[-1] + window if recent else now + SLACK)
            elif excess > 0:
                until = max(until, self.times[len(self.times) - recent + excess - 1] + window)
        return max(until - now, 0.0)

    def note(self, now: float, calls: int = 1) -> None:
        """That many calls count from now."""
        if self.limit is not None:
            del self.times[: bisect.bisect_right(self.times, now - 2 * (self.limit.seconds + SLACK))]
            self.times.extend([now] * calls)

    def correct(self, pace: Pace, at: float, now: float) -> None:
        """Take over the vendor's limit, and count what others used of it.

        Calls are compared from one window before ours was sent until now, which is no less than the vendor can have
        counted of ours: what goes beyond that came from elsewhere.
        """
        count = pace.limit or (self.limit.count if self.limit else 0)
        seconds = pace.seconds or (self.limit.seconds if self.limit else 0.0)
        if count <= 0 or seconds <= 0:
            return
        self.limit = Limit(count, seconds)
        if pace.remaining is not None:
            ours = len(self.times) - bisect.bisect_left(self.times, at - seconds - SLACK)
            self.note(now, max(count - max(pace.remaining, 0) - ours, 0))


class Pacer:
    """Lets calls go when the account's budget has room. Safe for threads; waits by the clock's sleep."""

    def __init__(self, profile: Profile, clock: Clock) -> None:
        self._clock, self._pace = clock, profile.pace
        self._lock = threading.Lock()
        self._own = set(profile.own_lanes)
        self._lanes = {name: Lane(limit) for name, limit in profile.limits.items()}
        self._first_in_line = 0

    def learn(self, profile: Profile) -> Pacer:
        """Take over lanes that another flow's profile of the same account adds."""
        with self._lock:
            self._own |= profile.own_lanes
            for name, limit in profile.limits.items():
                self._lanes.setdefault(name, Lane(limit))
        return self

    def take(self, lane: str = "", *, first: bool = False) -> Ticket:
        """Wait for a place. ``first`` calls go before the others that wait. Raises TryAgain past ``LONGEST_WAIT``."""
        if first:
            with self._lock:
                self._first_in_line += 1
        try:
            return self._wait_for(self._names(lane), first)
        finally:
            if first:
                with self._lock:
                    self._first_in_line -= 1

    def heard(self, ticket: Ticket, headers: Mapping[str, str]) -> None:
        """An answer came: learn from its headers."""
        pace = self._pace(headers) if self._pace is not None else None
        if pace is not None:
            with self._lock:
                self._lane(ticket.lanes[0]).correct(pace, ticket.at, self._clock.monotonic())

    def close(self, lane: str, seconds: float) -> None:
        """Nothing goes in the lanes of such a call for that long: the vendor has said so (429)."""
        with self._lock:
            until = self._clock.monotonic() + seconds
            for name in self._names(lane):
                self._lane(name).closed_until = max(self._lane(name).closed_until, until)

    def window(self, lane: str) -> float | None:
        """Seconds of the longest window that such a call counts in, slack included."""
        with self._lock:
            limits = [self._lane(name).limit for name in self._names(lane)]
        return max((limit.seconds + SLACK for limit in limits if limit is not None), default=None)

    def _wait_for(self, names: tuple[str, ...], first: bool) -> Ticket:
        while True:
            with self._lock:
                now = self._clock.monotonic()
                kept = 0 if first else self._first_in_line
                seconds = max(self._lane(name).wait(now, kept) for name in names)
                if seconds <= 0:
                    for name in names:
                        self._lane(name).note(now)
                    return Ticket(now, names)
            if seconds > LONGEST_WAIT:
                raise TryAgain(
                    f"the account's budget of calls is used up for another {seconds:.0f} seconds",
                    after=seconds, code="WHERRY-6042", lane=names[0],
                )  # fmt: skip
            self._clock.sleep(seconds)

    def _names(self, lane: str) -> tuple[str, ...]:
        """The lanes of a call, the one that its answer's headers speak of first."""
        if lane == "" or lane in self._own:
            return (lane,)
        return ("", lane)

    def _lane(self, name: str) -> Lane:
        return self._lanes.setdefault(name, Lane())


_shared: dict[str, Pacer] = {}
_shared_lock = threading.Lock()


def shared_pacer(account: str, profile: Profile, clock: Clock) -> Pacer:
    """The process's limiter of that account: one for all flows that reach it."""
    with _shared_lock:
        known = _shared.get(account)
        if known is None:
            known = _shared[account] = Pacer(profile, clock)
            return known
    return known.learn(profile)
