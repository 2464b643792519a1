"""How often the collector of circles looks: seldom while a run makes records by the thousand, not at all at a start."""

from __future__ import annotations

import contextlib
import gc
import threading
from collections.abc import Iterator

_SELDOM = (10_000, 20, 50)
_lock = threading.Lock()
_usual: list[tuple[int, int, int]] = []
"""What it was before, once for each run that is at it."""


@contextlib.contextmanager
def seldom() -> Iterator[None]:
    """Records go in circles hardly ever: at its usual pace the collector takes a quarter of a run's CPU.

    Several runs may be at it at once; the last to end brings the usual pace back.
    """
    with _lock:
        _usual.append(_usual[0] if _usual else gc.get_threshold())
        gc.set_threshold(*_SELDOM)
    try:
        yield
    finally:
        with _lock:
            before = _usual.pop()
            if not _usual:
                gc.set_threshold(*before)


@contextlib.contextmanager
def paused() -> Iterator[None]:
    """While modules are imported: what they make stays, and looking through it takes a tenth of a start."""
    wanted = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if wanted:
            gc.enable()
