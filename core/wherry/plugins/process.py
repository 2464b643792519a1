"""What the whole process shares and a plugin may not change: looked at before and after, and put back.

A plugin that changes it by accident is put right and named. One that means to do harm can do more than is looked at
here; see docs/explanation/trust.md.
"""

from __future__ import annotations

import decimal
import locale
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Any

import structlog

Put = Callable[[Any], object]
_LOOKS: dict[str, tuple[Callable[[], Any], Put]] = {
    "the handler of SIGINT": (lambda: signal.getsignal(signal.SIGINT), lambda old: signal.signal(signal.SIGINT, old)),
    "the handler of SIGTERM": (
        lambda: signal.getsignal(signal.SIGTERM), lambda old: signal.signal(signal.SIGTERM, old),
    ),
    "the working folder": (lambda: _folder(), lambda old: os.chdir(old)),
    "the limit of recursion": (sys.getrecursionlimit, sys.setrecursionlimit),
    "standard output": (lambda: sys.stdout, lambda old: setattr(sys, "stdout", old)),
    "standard error": (lambda: sys.stderr, lambda old: setattr(sys, "stderr", old)),
    "the time limit of sockets": (socket.getdefaulttimeout, socket.setdefaulttimeout),
    "what sockets are": (lambda: socket.socket, lambda old: setattr(socket, "socket", old)),
    "how decimals are computed": (
        lambda: (decimal.getcontext().prec, decimal.getcontext().rounding), lambda old: _compute(*old),
    ),
    "how numbers are written": (
        lambda: locale.setlocale(locale.LC_NUMERIC), lambda old: locale.setlocale(locale.LC_NUMERIC, old),
    ),
    "who hears of errors": (lambda: sys.excepthook, lambda old: setattr(sys, "excepthook", old)),
    "who hears of errors in threads": (
        lambda: threading.excepthook, lambda old: setattr(threading, "excepthook", old),
    ),
    "who traces": (sys.gettrace, sys.settrace),
    "what is logged": (lambda: logging.root.manager.disable, logging.disable),
    "how it is logged": (lambda: tuple(structlog.get_config()["processors"]), lambda old: _log(old)),
}  # fmt: skip
"""What is looked at, in words that follow "it changed" → how to look, and how to put it back."""


@contextmanager
def kept(tell: Callable[[list[str]], object]) -> Iterator[None]:
    """Runs foreign code; ``tell`` is told what it changed of the process, and which threads it left running. What it
    prints goes to standard error: standard output belongs to the command's own answer. Other threads may be at work, so
    only the main one puts anything back."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    with redirect_stdout(sys.stderr):
        before, threads = {name: look() for name, (look, _) in _LOOKS.items()}, set(threading.enumerate())
        try:
            yield
        finally:
            changed = _mended(before)
            new = [one.name for one in threading.enumerate() if one not in threads]
            left = [name for name in new if not name.startswith("wherry-")]  # the core's own end by themselves
            if changed or left:
                tell([*changed, *(f"left the thread {name} running" for name in left)])


def _mended(before: dict[str, Any]) -> list[str]:
    """What is not as it was, put back."""
    found = []
    for name, (look, put) in _LOOKS.items():
        if look() != before[name]:
            found.append(f"changed {name}")
            with suppress(OSError, TypeError, ValueError, locale.Error):
                put(before[name])
    return found


def _folder() -> str:
    try:
        return os.getcwd()
    except OSError:
        return "/"


def _compute(digits: int, rounding: str) -> None:
    decimal.getcontext().prec, decimal.getcontext().rounding = digits, rounding


def _log(processors: tuple[Any, ...]) -> None:
    structlog.configure(processors=list(processors))
