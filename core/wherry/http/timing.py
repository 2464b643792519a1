"""A deadline for a whole answer, held where the bytes arrive.

httpcore hands a request's timeouts down to each read and write unread. A ``Deadline`` is such a timeout that knows when
its answer must be complete, so a peer that drips a byte now and then, be it in the headers, runs out of time.
"""

from __future__ import annotations

import ssl
from typing import Any

import httpcore

from wherry.roles import Clock


class Deadline(float):
    """Seconds for one step, as a float; ``left`` is what remains of it and of the whole."""

    _ends: float
    _clock: Clock

    @classmethod
    def of(cls, step: float, whole: float, clock: Clock) -> Deadline:
        """``step`` seconds for each piece, ``whole`` from now until the end."""
        deadline = cls(step)
        deadline._ends, deadline._clock = clock.monotonic() + whole, clock
        return deadline

    def left(self) -> float:
        """Seconds that the next step may take; nothing or less when time is up."""
        return min(float(self), self._ends - self._clock.monotonic())


def left(timeout: float | None) -> float | None:
    """The seconds of a timeout. Raises httpcore.ReadTimeout when a deadline has passed."""
    if not isinstance(timeout, Deadline):
        return timeout
    seconds = timeout.left()
    if seconds <= 0:
        raise httpcore.ReadTimeout("the whole answer took too long")
    return seconds


class TimedStream(httpcore.NetworkStream):
    """A connection that keeps to deadlines."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """As httpcore's; raises ReadTimeout past the deadline."""
        return self._stream.read(max_bytes, left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """As httpcore's; raises ReadTimeout past the deadline."""
        self._stream.write(buffer, left(timeout))

    def close(self) -> None:
        """As httpcore's."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """As httpcore's; the encrypted stream keeps to deadlines too."""
        return TimedStream(self._stream.start_tls(ssl_context, server_hostname, left(timeout)))

    def get_extra_info(self, info: str) -> Any:
        """As httpcore's."""
        return self._stream.get_extra_info(info)
