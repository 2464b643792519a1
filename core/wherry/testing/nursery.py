"""Processes by the hundred: a warm parent that forks one for each job, before it has ever had a thread, lock or store.

It is a process of its own, ``python -m wherry.testing.nursery``, and speaks lines of JSON: ``start`` a job, ``wait``
until it ends or stops, ``go`` on with one that stopped. With ``--once`` it does a single job itself, which is what a
fresh interpreter would do.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

T = TypeVar("T")
_LONGEST = 120
"""Seconds that the warm parent has to end."""


class Work(Struct, kw_only=True):
    """A job: a function of a module, called with one JSON object; its exit code is the process's."""

    function: str
    """``module:name``."""
    told: dict[str, Any]
    patience: int = 120
    """Seconds after which it is given up."""


class Ended(Struct, frozen=True):
    """How a job ended: its exit code, or ``stopped`` where it only stopped and can go on."""

    code: int
    stopped: bool = False


class Nursery:
    """The warm parent, as its user has it. ``site`` folders hold plugins that are not installed."""

    def __init__(self, modules: Sequence[str], site: Sequence[Path] = ()) -> None:
        self._modules, self._site = list(modules), [str(path) for path in site]
        command = [sys.executable, "-m", "wherry.testing.nursery", *self._modules]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=self._environ()
        )

    def start(self, work: Work) -> int:
        """Begin a job; its process."""
        return int(self._said("start", msgspec.to_builtins(work)))

    def wait(self, process: int) -> Ended:
        """Until it ends or stops."""
        return msgspec.convert(self._said("wait", process), Ended)

    def go(self, process: int) -> None:
        """Let a process that stopped go on."""
        self._said("go", process)

    def run(self, work: Work) -> Ended:
        """A job from its beginning to its end."""
        return self.wait(self.start(work))

    def warm(self, work: Work) -> Ended:
        """Do a job in the warm parent itself, for what it leaves built."""
        return Ended(int(self._said("warm", msgspec.to_builtins(work))))

    def once(self, work: Work) -> Ended:
        """The same job in a fresh interpreter."""
        command = [sys.executable, "-m", "wherry.testing.nursery", "--once", json.dumps(msgspec.to_builtins(work))]
        return Ended(subprocess.run(command, env=self._environ(), check=False).returncode)

    def close(self) -> None:
        """End the warm parent."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(_LONGEST)

    def __enter__(self) -> Nursery:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _environ(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": os.pathsep.join([*self._site, os.environ.get("PYTHONPATH", "")])}

    def _said(self, what: str, told: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([what, told]) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


def serve(modules: Sequence[str]) -> None:
    """Be the warm parent until the input ends."""
    for module in modules:
        importlib.import_module(module)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a child prints is no answer
    with contextlib.suppress(BrokenPipeError):  # whoever asked is gone
        for line in sys.stdin:
            what, told = json.loads(line)
            answers.write(json.dumps(_ACTS[what](told)) + "\n")
            answers.flush()


def _start(told: Mapping[str, Any]) -> int:
    gc.freeze()  # or each child would look through, and so copy, all that its parent holds
    work = msgspec.convert(told, Work)
    child = os.fork()
    if child == 0:
        signal.alarm(work.patience)
        os._exit(_done(work))
    return child


def _done(work: Work) -> int:
    """The job's exit code; 99 and a trace where it breaks."""
    try:
        module, _, name = work.function.partition(":")
        return int(getattr(importlib.import_module(module), name)(work.told))
    except BaseException:
        traceback.print_exc()
        return 99


def _wait(process: int) -> dict[str, Any]:
    _, status = os.waitpid(process, os.WUNTRACED)
    if os.WIFSTOPPED(status):
        return {"code": 0, "stopped": True}
    return {"code": os.waitstatus_to_exitcode(status)}


def _go(process: int) -> bool:
    os.kill(process, signal.SIGCONT)
    return True


def _warm(told: Mapping[str, Any]) -> int:
    return _done(msgspec.convert(told, Work))


_ACTS: dict[str, Any] = {"start": _start, "wait": _wait, "go": _go, "warm": _warm}


if __name__ == "__main__":
    if sys.argv[1] == "--once":
        sys.exit(_done(msgspec.convert(json.loads(sys.argv[2]), Work)))
    serve(sys.argv[1:])
