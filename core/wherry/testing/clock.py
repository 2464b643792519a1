"""A clock that only moves when it is told to, or slept on."""

from __future__ import annotations

import datetime as dt
import threading

import pytest

from wherry.clock import SystemClock
from wherry.http import pacing

START = dt.datetime(2026, 1, 5, 9, 0, tzinfo=dt.UTC)


class FakeClock:
    """``roles.Clock`` for tests. ``sleep`` moves it at once; ``slept`` keeps what was asked for, in order.

    ``tick`` seconds pass with every look at ``monotonic``: for tests of deadlines, where nobody sleeps. Threads that
    sleep at the same moment wake at the same moment, as on a real clock.
    """

    def __init__(self, start: dt.datetime = START, *, tick: float = 0.0) -> None:
        self._lock = threading.Lock()
        self._wall, self._passed, self._tick = start, 0.0, tick
        self.slept: list[float] = []

    def now(self) -> dt.datetime:
        """Aware, UTC."""
        with self._lock:
            return self._wall + dt.timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        """Seconds since the clock was made, not counting jumps of the wall clock."""
        with self._lock:
            self._passed += self._tick
            return self._passed

    def sleep(self, seconds: float) -> None:
        """Lets that much time pass at once."""
        with self._lock:
            wake = self._passed + max(seconds, 0.0)
            self.slept.append(seconds)
        with self._lock:
            self._passed = max(self._passed, wake)

    def advance(self, seconds: float) -> None:
        """Time passes while nobody sleeps."""
        with self._lock:
            self._passed += seconds

    def jump(self, seconds: float) -> None:
        """Somebody sets the wall clock, forward or back; ``monotonic`` does not notice."""
        with self._lock:
            self._wall += dt.timedelta(seconds=seconds)


def hurried(patch: pytest.MonkeyPatch, *, wall: bool = False) -> None:
    """The machine's own clock, on which sleeping takes no time: as much has passed when it wakes.

    Its ``monotonic`` moves, since whoever waits for a place in a budget looks there again; with ``wall`` the date does
    as well: without it a drain never sees the moment that an item is due. Budgets of calls begin anew, or those of an
    earlier test would count by another time.
    """
    slept: list[float] = []
    now, monotonic = SystemClock.now, SystemClock.monotonic
    patch.setattr(pacing, "_shared", {})
    patch.setattr(SystemClock, "sleep", lambda self, seconds: slept.append(max(seconds, 0.0)))
    patch.setattr(SystemClock, "monotonic", lambda self: monotonic(self) + sum(slept))
    if wall:
        patch.setattr(SystemClock, "now", lambda self: now(self) + dt.timedelta(seconds=sum(slept)))
