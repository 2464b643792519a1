"""When a read is made again: bounded in attempts, in time, and in its share of all calls. Source: E7, E10."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

import tenacity
from msgspec import Struct

from wherry.errors import TryAgain
from wherry.roles import Clock

T = TypeVar("T")
_LATER = tenacity.retry_if_exception_type(TryAgain)
"""Made once: each is a circle of itself, which only the collector finds."""


class Patience(Struct, frozen=True):
    """How long a read goes on trying. Seconds, except ``attempts``; ``spare`` is in repetitions."""

    attempts: int = 6
    total: float = 300.0
    shortest: float = 0.5
    longest: float = 30.0
    spare: int = 50
    """Repetitions in stock; ten good answers earn one more. An ailing vendor is not asked twice for everything."""


class Retries:
    """The retry policy of one client. Safe for threads."""

    def __init__(self, patience: Patience, clock: Clock, repeated: Callable[[], None]) -> None:
        self._patience, self._clock, self._repeated = patience, clock, repeated
        self._lock = threading.Lock()
        self._spare = float(patience.spare)
        self._backoff = tenacity.wait_exponential(
            multiplier=patience.shortest, max=patience.longest
        ) + tenacity.wait_random(0, patience.shortest)

    def run(self, attempt: Callable[[], T]) -> T:
        """The result of the first attempt that does not raise TryAgain; else the last TryAgain."""
        start = self._clock.monotonic()

        def give_up(state: tenacity.RetryCallState) -> bool:
            over = self._clock.monotonic() - start + state.upcoming_sleep > self._patience.total
            return over or state.attempt_number >= self._patience.attempts or self._exhausted(state)

        result = tenacity.Retrying(
            retry=_LATER, stop=give_up, wait=self._wait,
            sleep=self._clock.sleep, before_sleep=self._note, reraise=True,
        )(attempt)  # fmt: skip
        self._earn()
        return result

    def _wait(self, state: tenacity.RetryCallState) -> float:
        after = _after(state)
        return self._backoff(state) if after is None else after

    def _exhausted(self, state: tenacity.RetryCallState) -> bool:
        # What the other side asked to be repeated at a given time costs it nothing.
        return _after(state) is None and self._spare < 1

    def _note(self, state: tenacity.RetryCallState) -> None:
        self._repeated()
        if _after(state) is None:
            with self._lock:
                self._spare -= 1

    def _earn(self) -> None:
        with self._lock:
            self._spare = min(self._spare + 0.1, float(self._patience.spare))


def _after(state: tenacity.RetryCallState) -> float | None:
    error = state.outcome.exception() if state.outcome is not None else None
    return error.after if isinstance(error, TryAgain) else None
