"""The command line. Nothing is imported here but what every start needs: a command's module comes when it is used."""

from __future__ import annotations

import io
import os
import sys

from wherry import __version__

_YOUNG = 50_000
"""So many new objects are looked through for circles at once: at the usual 700 a start is looked through again and
again, and all that it makes stays."""


def _open_streams() -> None:
    """Whoever starts us without a standard stream, as some schedulers do, has nobody asked and nothing shown. A letter
    that the terminal has none for is told by its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _said(line: str) -> bool:
    """Whether the answer got out; where it cannot, the frame of all commands tells of it."""
    try:
        sys.stdout.write(line)
        sys.stdout.flush()
    except OSError:
        return False
    return True


def _interrupt(number: int, frame: object) -> None:
    """Nothing waits any longer, such as a call that is to leave when its vendor has room for it."""
    from wherry import clock

    clock.stop()
    raise KeyboardInterrupt


def main() -> int:
    """The console script. Returns the exit code."""
    _open_streams()
    arguments = sys.argv[1:]
    if arguments == ["--version"] and _said(f"wherry {__version__}\n"):
        return 0
    import gc
    import signal

    gc.set_threshold(_YOUNG)
    # A service manager stops by SIGTERM: as after Ctrl-C, sessions that a vendor has licensed are given back.
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)
    from wherry.cli.app import run

    code = run(arguments)
    gc.freeze()  # the interpreter would take all its modules apart before it ends: a third of a start
    return code
