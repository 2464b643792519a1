"""What a long command says while it works: one moving line on a terminal, else a line per ten seconds."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING

from wherry.cli.drawing import plural
from wherry.records import FOR_A_PERSON, OPEN

if TYPE_CHECKING:
    from wherry.cli.context import Face
    from wherry.http import Http
    from wherry.hub import Hub
    from wherry.protocol.tally import Tally

EVERY = 10.0
_REDRAW, _LOOK = 0.1, 0.5
_WORTH_SAYING = 3.0
"""Seconds that a drain waits without anybody being told why."""


def ailing(clients: Iterable[Http]) -> str:
    """Who does not answer, or asks to be left alone for a while, by the connection's name; empty where all is well."""
    silent = sorted({one.connection for one in clients if one.retries > one.refused})
    busy = sorted({one.connection for one in clients if one.refused} - set(silent))
    parts = [f"{' and '.join(silent)} {'does' if len(silent) == 1 else 'do'} not answer"] if silent else []
    parts += [f"{' and '.join(busy)} {'asks' if len(busy) == 1 else 'ask'} for fewer calls"] if busy else []
    return f"{'; '.join(parts)}, trying again …" if parts else ""


@contextlib.contextmanager
def patient(face: Face, hub: Hub) -> Iterator[None]:
    """While something long is done: say once that a connection does not answer and is asked again."""
    told, done = threading.Event(), threading.Event()

    def look() -> None:
        if not told.is_set() and (said := ailing(hub.wiring.clients)):
            told.set()
            face.note(said)

    def watch() -> None:
        while not done.wait(_LOOK) and not told.is_set():
            look()

    hub.says = face.note
    hub.wiring.lanes.waits = lambda why, seconds: face.note(why) if seconds >= _WORTH_SAYING else None
    watcher = threading.Thread(target=watch, name="wherry-patient", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
        look()


class Progress:
    """Called after each settled batch with the flow's name and its counts so far."""

    def __init__(self, face: Face, now: Callable[[], float] = time.monotonic, moving: bool | None = None) -> None:
        self._face, self._now = face, now
        self._moving = sys.stderr.isatty() if moving is None else moving
        self._last = self._started = now()

    def __call__(self, flow: str, tally: Tally) -> None:
        now = self._now()
        if self._face.quiet or now - self._last < (_REDRAW if self._moving else EVERY):
            return
        self._last = now
        line = self.line(flow, tally, now - self._started)
        if not self._moving:
            self._face.note(line)
            return
        sys.stderr.write("\r" + line.ljust(self._face.moving))
        sys.stderr.flush()
        self._face.moving = len(line)

    def line(self, flow: str, tally: Tally, seconds: float) -> str:
        """``won-deals   1,240 deals read   12 customers, 180 of 210 projects settled   12 s``."""
        read = ", ".join(plural(sum(found.values()), kind) for kind, found in sorted(tally.records.items()))
        written = ", ".join(_so_far(kind, found) for kind, found in sorted(tally.items.items()))
        parts = [flow, f"{read or 'nothing'} read", f"{written} settled" if written else "", f"{seconds:.0f} s"]
        return "   ".join(part for part in parts if part)

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._face.moving:
            sys.stderr.write("\r" + " " * self._face.moving + "\r")
            sys.stderr.flush()
            self._face.moving = 0


def _so_far(kind: str, found: Mapping[str, int]) -> str:
    """``180 of 210 projects`` while some are still to be sent or answered."""
    done = sum(number for fate, number in found.items() if fate not in OPEN - FOR_A_PERSON)
    known = plural(sum(found.values()), kind)
    return known if known == plural(done, kind) else f"{done:,} of {known}"
