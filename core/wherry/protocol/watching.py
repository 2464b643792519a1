"""Who is at work in this process: which part of which plugin each thread is in, and since when.

A plugin runs in the core's process, so nothing can stop it from blocking, leaving, or filling the memory. What can be
done is done here. A pure call that does not come back is ended, as far as it is Python; any other is named in the log
while it lasts. Before each call its name is put into a file that is mapped into memory, which costs less than a
microsecond and outlives the process: when that ended without a word, the next run can still say who was at work.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import structlog

ENDED = "WHERRY-1122"
SLOW, ENDLESS, HELD_UP = 30.0, 120.0, 20.0
"""Seconds after which a call is named in the log, and after which a pure one is ended: the shorter time where everybody
else who wants to write to the store waits for it, and gives up after 30 s."""
_LOOK = 1.0
_SLOT, _SLOTS = 128, 32


class Endless(BaseException):
    """Raised into a thread whose pure call did not come back. It arrives before the call is left, though perhaps in the
    few instructions between the plugin's code and the core's: so whoever runs a flow must know it too."""


About = Callable[[], str]
"""What a call is about, in words that follow its name: asked for only where it does not come back."""


class Call:
    """One call into a part of a plugin. ``decided``: whether an ``Endless`` was sent after it, once that is sure."""

    __slots__ = ("about", "before", "decided", "held", "name", "over", "package", "pure", "sent", "since", "slot",
                 "told")  # fmt: skip

    def __init__(
        self, package: str, name: str, pure: bool, since: float, before: Call | None, slot: int, about: About,
        held: bool = False,
    ) -> None:  # fmt: skip
        self.package, self.name, self.pure, self.about, self.held = package, name, pure, about, held
        self.since, self.before, self.slot = since, before, slot
        self.over = self.sent = self.told = False
        self.decided: bool | None = None


class Watch:
    """The calls of one process. Everything here is for many threads; nothing is locked, each thread writes its own."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._calls: dict[int, Call] = {}
        self._traces: mmap.mmap | None = None
        self._free: list[int] = []
        self.ended = ("", "")
        """The package and call that were ended last."""
        self._lock, self._running, self._owner = threading.Lock(), 0, 0

    def enter(self, part: object, name: str, *, pure: bool, about: About = str, held: bool = False) -> Call:
        """A thread goes into a part. ``held``: while others wait for what it holds."""
        thread = threading.get_ident()
        package = type(part).__module__.partition(".")[0]
        before = self._calls.get(thread)
        slot = before.slot if before else self._free_slot()
        call = self._calls[thread] = Call(package, name, pure, self.clock(), before, slot, about, held)
        self._trace(slot, call)
        return call

    def leave(self, call: Call) -> None:
        """A thread comes back. Raises Endless where one is on its way here: it must not arrive any later."""
        try:
            call.over = True
            while call.sent and call.decided is None:
                time.sleep(0.001)
        finally:
            thread = threading.get_ident()
            self._trace(call.slot, call.before)
            if call.before is not None:
                self._calls[thread] = call.before
            elif self._calls.pop(thread, None) is not None and call.slot >= 0:
                self._free.append(call.slot)

    def _free_slot(self) -> int:
        """A place in the file of traces; -1 where there is none left, or no file."""
        try:
            return self._free.pop() if self._traces is not None else -1
        except IndexError:
            return -1

    def current(self) -> Call | None:
        """What this thread is in."""
        return self._calls.get(threading.get_ident())

    def look(self, tell: Callable[[str, str], object] = lambda package, told: None) -> None:
        """Names what takes long, and ends what is pure and does not end. ``tell`` is told package and words."""
        for thread, call in list(self._calls.items()):
            lasted = self.clock() - call.since
            if lasted >= SLOW and not call.told:
                call.told = True
                where = f"{call.name}{_about(call)} for {lasted:.0f} seconds"
                told = f"has been in {where}; Ctrl-C ends it, and what was settled stands"
                structlog.get_logger().warning("a plugin does not come back", package=call.package, reason=told)
                tell(call.package, told)
            if call.pure and lasted >= longest(call.held) and not call.sent:
                self._end(thread, call)

    def _end(self, thread: int, call: Call) -> None:
        call.sent = True  # before the look at ``over``: whoever leaves meanwhile waits until it is decided
        if call.over:
            call.decided = False
            return
        self.ended = (call.package, call.name)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(Endless))
        call.decided = True

    def _trace(self, slot: int, call: Call | None) -> None:
        traces = self._traces
        if traces is None or slot < 0:
            return
        try:
            if call is None:
                traces[slot * _SLOT] = 0
            else:
                traces[slot * _SLOT : (slot + 1) * _SLOT] = _told(call.package, call.name)
        except ValueError:
            return  # closed by the thread that ended the last run

    @contextmanager
    def over(self, folder: Path, tell: Callable[[str, str], object] = lambda package, told: None) -> Iterator[None]:
        """Watches while the block runs, and keeps traces in ``folder``: they are gone once it ended as it should.
        ``tell`` is told who does not come back.
        Blocks of several threads share one file, which the process holds locked."""
        with self._lock:
            self._running += 1
            if self._traces is None or self._owner != os.getpid():
                self._begin(folder)
        done = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(done, tell), name="wherry-watch", daemon=True)
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join(_LOOK)
            with self._lock:
                self._running -= 1
                if not self._running:
                    self._finish()

    def _begin(self, folder: Path) -> None:
        """A run needs no traces: where none can be kept, it goes on without."""
        self._owner, self._file = os.getpid(), folder / f"{os.getpid()}.trace"
        self._free = list(range(_SLOTS))
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._held, self._traces = _mapped(self._file)
        except OSError:
            self._traces = None

    def _finish(self) -> None:
        traces, self._traces = self._traces, None
        if traces is not None:
            traces.close()
            self._file.unlink(missing_ok=True)
            os.close(self._held)

    def _watch(self, done: threading.Event, tell: Callable[[str, str], object]) -> None:
        while not done.wait(_LOOK):
            self.look(tell)


def _mapped(file: Path) -> tuple[int, mmap.mmap]:
    """The file of traces, locked and in memory."""
    held = os.open(file, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Written, not only made that long: on a full disk a hole in it would end the process at the first trace.
        if os.pwrite(held, bytes(_SLOT * _SLOTS), 0) < _SLOT * _SLOTS:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return held, mmap.mmap(held, _SLOT * _SLOTS)
    except OSError:
        os.close(held)
        raise


def longest(held: bool) -> float:
    """Seconds after which a pure call is ended."""
    return min(HELD_UP, ENDLESS) if held else ENDLESS


def _about(call: Call) -> str:
    """A plugin may be changing what it was given while it is told of it."""
    try:
        return call.about()
    except Exception:
        return ""


@cache
def _told(package: str, name: str) -> bytes:
    return f"{package} {name}".encode()[:_SLOT].ljust(_SLOT, b"\0")


def left_behind(folder: Path) -> list[tuple[str, str]]:
    """(package, call) of what was at work when processes ended without a word; their files are taken away."""
    found: dict[tuple[str, str], None] = {}
    for file in sorted(folder.glob("*.trace")):
        with suppress(OSError), file.open("rb") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # a process that lives holds it
            told = handle.read()
            file.unlink(missing_ok=True)
            slots = [
                told[n : n + _SLOT].partition(b"\0")[0].decode(errors="replace") for n in range(0, len(told), _SLOT)
            ]
            found |= dict.fromkeys((slot.partition(" ")[0], slot.partition(" ")[2]) for slot in slots if slot)
    return list(found)


watch = Watch()
"""This process's own."""
