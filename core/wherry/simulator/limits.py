"""Counting limits on the stand-in's own clock."""

import datetime as dt
from collections import deque

from .clock import Clock


class RollingWindow:
    """At most `limit` calls in any `seconds`."""

    def __init__(self, clock: Clock, limit: int, seconds: float) -> None:
        self.limit = limit
        self.seconds = seconds
        self._clock = clock
        self._taken: deque[float] = deque()

    def take(self) -> bool:
        """Count one call; False, and nothing counted, when the window is full."""
        if not self.remaining:
            return False
        self._taken.append(self._clock.now())
        return True

    @property
    def remaining(self) -> int:
        """Calls left in the window that ends now."""
        edge = self._clock.now() - self.seconds
        while self._taken and self._taken[0] <= edge:
            self._taken.popleft()
        return max(0, self.limit - len(self._taken))


class DailyQuota:
    """At most `limit` calls a day; the count falls to zero at midnight of `zone`."""

    def __init__(self, clock: Clock, limit: int, zone: dt.tzinfo = dt.UTC) -> None:
        self.limit = limit
        self.used = 0
        self._clock = clock
        self._zone = zone
        self._day = clock.date(zone).date()

    def take(self) -> bool:
        """Count one call; False, and nothing counted, when the day's quota is gone."""
        if not self.remaining:
            return False
        self.used += 1
        return True

    @property
    def remaining(self) -> int:
        """Calls left today."""
        today = self._clock.date(self._zone).date()
        if today != self._day:
            self._day, self.used = today, 0
        return max(0, self.limit - self.used)
