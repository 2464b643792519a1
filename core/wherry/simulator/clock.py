"""Time of a stand-in: the machine's, or one that only moves when a test says so."""

import datetime as dt
import threading
import time
from email.utils import format_datetime


class Clock:
    """`Clock()` follows the machine, `Clock(start)` stands still at `start`; both move on `advance`."""

    def __init__(self, start: dt.datetime | str | None = None) -> None:
        self._lock = threading.Lock()
        self._offset = 0.0
        self._still = None if start is None else _moment(start).timestamp()

    @property
    def virtual(self) -> bool:
        """Whether time stands still between calls of `advance`."""
        return self._still is not None

    def now(self) -> float:
        """Seconds since 1970, UTC."""
        return (time.time() if self._still is None else self._still) + self._offset

    def now_ms(self) -> int:
        """Milliseconds since 1970, UTC."""
        return round(self.now() * 1000)

    def advance(self, seconds: float) -> float:
        """Move time (backwards too: clocks of machines do that) and return the new now."""
        with self._lock:
            self._offset += seconds
        return self.now()

    def set(self, moment: dt.datetime | str) -> float:
        """Jump to a moment; a real clock runs on from there."""
        return self.advance(_moment(moment).timestamp() - self.now())

    def date(self, zone: dt.tzinfo = dt.UTC) -> dt.datetime:
        """Now, in a time zone."""
        return dt.datetime.fromtimestamp(self.now(), zone)

    def header(self) -> str:
        """Now as the ``Date`` header of an answer has it, in whole seconds (RFC 9110)."""
        return format_datetime(self.date(), usegmt=True)


def iso(ms: int) -> str:
    """Milliseconds since 1970 as ISO 8601 with milliseconds and Z, the form most vendors answer in."""
    stamp = dt.datetime.fromtimestamp(ms // 1000, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{stamp}.{ms % 1000:03d}Z"


def _moment(value: dt.datetime | str) -> dt.datetime:
    moment = dt.datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
