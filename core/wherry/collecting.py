"""How often the collector of circles looks: seldom while a run makes records by the thousand, not at all at a start."""

from __future__ import annotations

import contextlib
import gc
import itertools
import sys
import threading
from collections.abc import Iterator

_SELDOM = (1_000_000, 20, 50)
"""Only what is carried without ever being settled reaches it: a run has its look between batches, see ``between``."""
_lock = threading.Lock()
_usual: list[tuple[int, int, int]] = []
"""What it was before, once for each run that is at it."""
EVERY = 25
"""After so many batches there is a look."""
_settled = itertools.count(1)
_frozen = False
"""Whether others have frozen what was there, as a test suite does."""


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


def between() -> None:
    """A look at what is new since the last one, at a moment when little of it is left: a batch was settled.

    The core makes no circles there: the look is for what plugins and libraries do. In the midst of a batch it would go
    through everything that is on its way; what was on its way at the last look is looked at once more.
    """
    if next(_settled) % EVERY == 0:
        gc.collect(1)


@contextlib.contextmanager
def paused() -> Iterator[None]:
    """While modules are imported: what they make stays, and looking through it takes a tenth of a start."""
    wanted, known = gc.isenabled(), len(sys.modules)
    gc.disable()
    try:
        yield
    finally:
        if len(sys.modules) != known:
            _age()
        if wanted:
            gc.enable()


def _age() -> None:
    """All that there is counts as old now: the next look does not go through it. What was frozen by others stays so;
    to count that takes as long as a look, and is done until some is found."""
    global _frozen
    _frozen = _frozen or gc.get_freeze_count() > 0
    gc.freeze()
    if not _frozen:
        gc.unfreeze()
