"""The machine's clock, as the rest of Wherry gets it handed in."""

from __future__ import annotations

import datetime as dt
import time


class SystemClock:
    """``roles.Clock`` on the machine's own clocks."""

    def now(self) -> dt.datetime:
        """Aware, UTC."""
        return dt.datetime.now(dt.UTC)

    def monotonic(self) -> float:
        """Seconds since some moment; never runs backwards."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Waits; nothing or less than nothing is no wait."""
        if seconds > 0:
            time.sleep(seconds)
