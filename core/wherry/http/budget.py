"""The calls of an account that count at the vendor: kept in the process, or where all processes of a machine see them.

A file for each account holds when calls went, read and written under a lock that is held no longer than that. It is a
courtesy to the vendor and no promise: a file that is lost, broken or out of reach costs a call that is refused, and
that is answered like any other 429. Source: performance.md, W7.
"""

from __future__ import annotations

import bisect
import contextlib
import fcntl
import hashlib
import math
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import msgspec
from msgspec import Struct, field

from wherry.http.profile import Limit
from wherry.roles import Clock

SLACK = 0.02
"""Seconds added to each window for a vendor's clock that ticks in steps. Calls are counted from their answers, so the
way there may take as long as it likes."""
_ENOUGH, _SPARED, _MOST_SPARED = 10, 0.75, 0.05
"""Answers before the fastest is believed in, since the first ones tell of the connecting, too; how much of it may be
spared, since a later one may be faster; and of a window at most."""
_AT_ONCE = 64 * 1024
"""Bytes of the file that are asked for first: the calls of two windows are fewer, but for the largest limits."""
_TRIES, _PAUSE = 100, 0.01
"""How often and how many seconds apart the lock is tried: somebody who holds it longer has been stopped."""


class Lane(Struct):
    """One budget of an account, in monotonic seconds: all processes of a machine share them until it restarts."""

    times: list[float] = field(default_factory=list)
    """Calls of the last two windows in order, ours and those that headers told us of: when they were answered, or went
    where they are still on their way."""
    closed_at: float = 0.0
    closed_until: float = 0.0
    fastest: float = math.inf
    """Seconds of the fastest answer."""
    answered: int = 0
    told: Limit | None = None
    """The limit as an answer told it last: a process that has heard none yet goes by it, too."""

    def wait(self, limit: Limit | None, now: float, kept: int) -> float:
        """Seconds until one call may go and ``kept`` places stay free for calls that go first."""
        until = self.closed_until
        if limit is not None:
            window = limit.seconds + SLACK - self.spared(limit)
            recent = self.since(now - window)
            excess = recent + kept + 1 - limit.count
            if excess > recent:  # only those who go first can make room
                until = max(until, self.times[-1] + window if recent else now + SLACK)
            elif excess > 0:
                until = max(until, self.times[len(self.times) - recent + excess - 1] + window)
        return max(until - now, 0.0)

    def spared(self, limit: Limit) -> float:
        """Seconds that a window counted from answers is longer than it need be: between the vendor counting a call and
        our having its answer, and between our sending the next and its being counted, lies no less than the fastest."""
        return min(self.fastest * _SPARED, limit.seconds * _MOST_SPARED) if self.answered >= _ENOUGH else 0.0

    def since(self, moment: float) -> int:
        """Calls after that moment."""
        return len(self.times) - bisect.bisect_right(self.times, moment)

    def note(self, limit: Limit, now: float, calls: int = 1) -> None:
        """That many calls count from now."""
        del self.times[: bisect.bisect_right(self.times, now - 2 * (limit.seconds + SLACK))]
        self.times.extend([now] * calls)

    def arrived(self, sent: float, now: float) -> None:
        """A call that went then was answered now: the vendor counts it from some moment between."""
        place = bisect.bisect_left(self.times, sent)
        if place < len(self.times) and self.times[place] == sent:
            del self.times[place]
            self.times.append(now)
            self.fastest, self.answered = min(self.fastest, now - sent), self.answered + 1

    def close(self, now: float, seconds: float) -> None:
        """No call for that long, or for as long as was asked for before."""
        if now + seconds > self.closed_until:
            self.closed_at, self.closed_until = now, now + seconds

    def restarted(self, now: float) -> Lane:
        """Without what lies ahead: that was written before the machine began to count anew."""
        closed = (self.closed_at, self.closed_until) if self.closed_at <= now else (0.0, 0.0)
        return Lane(self.times[: bisect.bisect_right(self.times, now)], *closed, self.fastest, self.answered, self.told)


Lanes = dict[str, Lane]


class Budget(Protocol):
    """Where the lanes of an account are kept."""

    def open(self, clock: Clock) -> contextlib.AbstractContextManager[tuple[Lanes, float]]:
        """The lanes by name, to be read and changed by nobody else until the block ends, and what time it is there."""
        ...


class OwnBudget:
    """Of this process alone. Its caller keeps threads apart."""

    def __init__(self) -> None:
        self._lanes: Lanes = {}

    @contextlib.contextmanager
    def open(self, clock: Clock) -> Iterator[tuple[Lanes, float]]:
        yield self._lanes, clock.monotonic()


class SharedBudget:
    """Of every process that is given the same folder. What cannot be read or written there is kept in the process."""

    def __init__(self, folder: Path, account: str) -> None:
        self._path = folder / hashlib.sha256(account.encode()).hexdigest()[:24]
        self._own: Lanes = {}
        self._written: bytes | None = None
        """The own lanes as they were written last; where the file still says so, nobody else has called since."""

    @contextlib.contextmanager
    def open(self, clock: Clock) -> Iterator[tuple[Lanes, float]]:
        handle = self._handle()
        if handle is None:
            yield self._own, clock.monotonic()
            return
        try:
            _take(handle)
            now = clock.monotonic()  # not before, or what others did meanwhile would lie ahead
            there = _read(handle)
            if there != self._written:
                self._own = {name: lane.restarted(now) for name, lane in _lanes(there).items()}
            self._written = None
            yield self._own, now
            content = msgspec.msgpack.encode(self._own)
            with contextlib.suppress(OSError):  # a full disk
                _write(handle, there, content)
                self._written = content
        finally:
            os.close(handle)

    def _handle(self) -> int | None:
        with contextlib.suppress(OSError):
            try:
                return _opened(self._path)
            except FileNotFoundError:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                return _opened(self._path)
        return None


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _take(handle: int) -> None:
    for _ in range(_TRIES):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_PAUSE)
        except OSError:  # a file system without locks
            return
        else:
            return


_DECODER = msgspec.msgpack.Decoder(dict[str, Lane])


def _read(handle: int) -> bytes:
    with contextlib.suppress(OSError):
        found = os.pread(handle, _AT_ONCE, 0)
        return found if len(found) < _AT_ONCE else os.pread(handle, os.fstat(handle).st_size, 0)
    return b""


def _lanes(content: bytes) -> Lanes:
    try:
        return _DECODER.decode(content)
    except msgspec.DecodeError:  # new, or its writer died half-way
        return {}


def _write(handle: int, there: bytes, content: bytes) -> None:
    if content != there:
        os.pwrite(handle, content, 0)
    if len(content) < len(there):
        os.ftruncate(handle, len(content))
