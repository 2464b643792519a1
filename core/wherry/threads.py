"""Helpers for blocking code with threads: results in order, bounded, log context carried along.

Source: architecture.md, section 8 (docs/decisions/0001).
"""

from __future__ import annotations

import contextlib
import contextvars
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from itertools import chain, islice
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")

_END = object()
LONG = 0.01
"""Seconds: who waits no longer for a call loses more by handing it to a thread, and keeps fewer pages in memory."""
_LAST = 4
"""So many calls have to wait in a row, since one or two may have met a busy machine."""
STRETCH = 200
"""After so many that overlapped one is made in turn again: four may have met a busy machine, too, and a run is long."""


def fan_out(
    function: Callable[[A], B], arguments: Iterable[A], width: int = 8, pool: Executor | None = None
) -> Generator[B]:  # fmt: skip
    """``function`` over ``arguments`` with at most ``width`` calls at once; results in the order of the arguments.

    Arguments are drawn no faster than results are taken, so memory stays bounded. The first error is raised in its
    place and ends the work, once the calls that had begun are over. ``pool``: whose threads, of who fans out often.
    """
    if width == 1:
        yield from map(function, arguments)
        return
    waiting: deque[Future[B]] = deque()
    with contextlib.ExitStack() as stack:
        threads = pool or stack.enter_context(at_once(width))
        try:
            for argument in arguments:
                waiting.append(threads.submit(contextvars.copy_context().run, function, argument))
                if len(waiting) >= width:
                    yield _first(waiting)
            while waiting:
                yield _first(waiting)
        finally:
            for future in waiting:
                future.cancel()
            wait(waiting)


def _first(waiting: deque[Future[B]]) -> B:
    found = waiting[0].result()  # interrupted, it is among those that are waited for
    waiting.popleft()
    return found


def at_once(width: int) -> ThreadPoolExecutor:
    """Threads for so many calls at once; one is begun when all the others are at work."""
    return ThreadPoolExecutor(width, thread_name_prefix="wherry-at-once")


def ahead(source: Iterator[A], depth: int = 12) -> Generator[A]:
    """The items of ``source``, drawn by a thread of its own at most ``depth`` ahead; errors come in their place.

    A source's next page hangs on the last: so many keep it at work while a thousand records are settled.
    """
    handed: queue.Queue[tuple[object, BaseException | None]] = queue.Queue(depth)
    stop = threading.Event()

    def put(value: object, error: BaseException | None = None) -> None:
        while not stop.is_set():
            with contextlib.suppress(queue.Full):
                handed.put((value, error), timeout=0.1)
                return

    def draw() -> None:
        try:
            for item in source:
                put(item)
                if stop.is_set():
                    return
            put(_END)
        except BaseException as error:
            put(_END, error)

    thread = threading.Thread(target=contextvars.copy_context().run, args=(draw,), name="wherry-read", daemon=True)
    thread.start()
    try:
        yield from _take(handed)
    finally:
        stop.set()
        thread.join(timeout=5)


def _take(handed: queue.Queue[tuple[object, BaseException | None]]) -> Iterator[A]:
    while True:
        value, error = handed.get()
        if error is not None:
            raise error
        if value is _END:
            return
        yield value  # type: ignore[misc]


class Overlap:
    """``fan_out`` and ``ahead`` for one connection: calls that wait overlap, and others are made in turn.

    The first item of each read is waited for anyhow, so it is found out there. Before anything is known, they overlap.
    """

    def __init__(self) -> None:
        self._long = deque([True] * _LAST, maxlen=_LAST)
        """Of the last calls made in turn, whether they waited long."""

    @property
    def pays(self) -> bool:
        return len(self._long) == _LAST and all(self._long)

    def fan_out(
        self, function: Callable[[A], B], arguments: Iterable[A], width: int = 8, pool: Executor | None = None
    ) -> Generator[B]:  # fmt: skip
        """As the function of that name."""
        left = iter(arguments)
        for argument in left:
            if self.pays:
                yield from self._stretch(fan_out(function, chain([argument], islice(left, STRETCH)), width, pool))
            else:
                yield self._timed(function, argument)

    def ahead(self, source: Iterator[A], depth: int = 12) -> Generator[A]:
        """As the function of that name; its first item is always drawn by the caller."""
        while (item := self._timed(_drawn, source)) is not _END:
            yield item  # type: ignore[misc]
            if self.pays and not (yield from self._stretch(ahead(islice(source, STRETCH), depth))):
                return

    def _stretch(self, overlapping: Generator[A]) -> Generator[A, None, bool]:
        """These, and whether there may be more: then it is open whether it still pays, and the next call tells."""
        count = 0
        with contextlib.closing(overlapping):
            for item in overlapping:
                count += 1
                yield item
        if count >= STRETCH and self.pays:
            self._long.pop()
        return count >= STRETCH

    def _timed(self, function: Callable[[A], B], argument: A) -> B:
        began = _idle()
        try:
            return function(argument)
        finally:
            self._long.append(_idle() - began > LONG)


def _drawn(source: Iterator[object]) -> object:
    return next(source, _END)


def _idle() -> float:
    """A clock that stands still while this thread computes."""
    return time.perf_counter() - time.thread_time()
