"""The machine's clock, as the rest of Wherry gets it handed in."""

from __future__ import annotations

import datetime as dt
import threading
import time
from email.utils import parsedate_to_datetime

from wherry.errors import TryAgain

TO_END = "WHERRY-6064"
"""The code of what is raised where somebody waited when the process was told to end."""
_stopping = threading.Event()


def stop() -> None:
    """The process is to end: whoever waits in one of its other threads waits no longer, and goes on another time."""
    _stopping.set()


def is_stopping() -> bool:
    """Whether it is to end."""
    return _stopping.is_set()


def stored(moment: dt.datetime) -> str:
    """A moment as it is stored: ISO 8601, UTC, to the millisecond, sortable as text."""
    return moment.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def date_of(text: str) -> dt.datetime | None:
    """The moment of a header such as ``Date``; None for none. Where a proxy has added its own, the last one counts."""
    try:
        date = parsedate_to_datetime(text[-29:])
    except (TypeError, ValueError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=dt.UTC)


class SystemClock:
    """``roles.Clock`` on the machine's own clocks."""

    def now(self) -> dt.datetime:
        """Aware, UTC."""
        return dt.datetime.now(dt.UTC)

    def monotonic(self) -> float:
        """Seconds since some moment; never runs backwards."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Waits; nothing or less than nothing is no wait. Raises TryAgain in a thread of a process that is to end."""
        if seconds <= 0:
            return
        if threading.current_thread() is threading.main_thread():  # a signal wakes it by itself
            time.sleep(seconds)
        elif _stopping.wait(seconds):
            raise TryAgain("Wherry was told to end while it waited", code=TO_END)
