"""The core's side of the evaluating process: asks it, and starts another one where it had to be stopped."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
import weakref
from typing import Any

import msgspec
from msgspec import Struct

COMMAND = ("-I", "-m", "wherry_jsonata.evaluator")
SLACK = 30.0
"""Seconds of waiting beyond the computing time allowed, on a machine that has much else to do."""
_SILENCE = b"..."
_PROF = getattr(signal, "SIGPROF", 27)


class Failure(Struct, frozen=True):
    """Why there is no result. ``sort``: ``expression`` (the map is wrong), ``value`` (the record is), ``bound`` (of
    the name in ``bound``) or ``ended`` (the process is gone). ``place`` is a position in the expression, or -1."""

    sort: str
    message: str = ""
    code: str = ""
    bound: str = ""
    place: int = -1


class _Told(Struct):
    value: Any = None
    error: Failure | None = None


class Evaluation:
    """One evaluating process, for the expressions and bounds in ``asked``. Safe to use from several threads.

    Raises ``Failed`` from its making where an expression cannot be read.
    """

    def __init__(self, asked: dict[str, Any]) -> None:
        self._asked, self._lock = asked, threading.Lock()
        self._seconds = float(asked["seconds"])
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = os.getpid()
        self._start()

    def ask(self, part: str, value: Any) -> Any:
        """What the expression gives of a value, as JSON values. Raises Failed."""
        with self._lock:
            if self._process is None or self._owner != os.getpid():  # a fork must not talk on its parent's line
                self._start()
            return self._exchange(msgspec.json.encode({"part": part, "value": value}))

    def close(self) -> None:
        """Ends the process; the next question starts another one."""
        with self._lock:
            self._stop()

    def _start(self) -> None:
        environ = {name: value for name, value in os.environ.items() if name in ("PATH", "SYSTEMROOT")}
        process = subprocess.Popen(
            [sys.executable, *COMMAND], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=environ,
        )  # fmt: skip
        self._process, self._owner = process, os.getpid()
        self._finalizer = weakref.finalize(self, _end, process, os.getpid())
        self._exchange(json.dumps(self._asked).encode())

    def _exchange(self, line: bytes) -> Any:
        process = self._process
        assert process is not None
        told = self._told(process, line + b"\n")
        if not told.endswith(b"\n"):
            raise Failed(self._ended(process, heard=told is not _SILENCE))
        answer = msgspec.json.decode(told, type=_Told)
        if answer.error is not None:
            raise Failed(answer.error)
        return answer.value

    def _told(self, process: subprocess.Popen[bytes], line: bytes) -> bytes:
        """The answer; empty where the process is gone, ``_SILENCE`` where it says nothing for too long."""
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(line)
            process.stdin.flush()
            ready, _, _ = select.select([process.stdout], [], [], self._seconds * 10 + SLACK)
            return process.stdout.readline() if ready else _SILENCE
        except OSError:
            return b""

    def _ended(self, process: subprocess.Popen[bytes], *, heard: bool) -> Failure:
        """Why the line broke; the process is gone after it."""
        code = process.wait(timeout=SLACK) if heard else 0
        self._stop()
        if not heard or code == -_PROF:
            return Failure("bound", bound="seconds")
        return Failure("ended", f"the evaluating process ended with code {code}")

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            self._finalizer.detach()
            _end(process, self._owner)


class Failed(Exception):
    """Carries the failure to where it can be said of which record."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def _end(process: subprocess.Popen[bytes], owner: int) -> None:
    """Ends and reaps a process, if it is this process's own child."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except OSError:
                continue
    if owner == os.getpid():
        process.kill()
        process.wait()
