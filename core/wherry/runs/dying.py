"""Runs whose process ended without a word: what is noted while a run lives, and what the next one tells of it."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from wherry.errors import ContractBroken
from wherry.plugins import Problem, catalogue_of_installed, process
from wherry.plugins.loading import DIED, meddled, note
from wherry.protocol.watching import ENDED, left_behind, watch
from wherry.protocol.watching import Endless as Endless
from wherry.redaction import strike
from wherry.store import Store, registry
from wherry.store.database import Tx

RUNNING = "running"
_LONGEST = 2_000
_TRACES = Path(".wherry") / "at-work"


@contextlib.contextmanager
def watched(folder: Path, problems: list[Problem], says: Callable[[str], object]) -> Iterator[None]:
    """While a run lives: who is at work is kept in the project's folder, who does not come back is said, and what
    plugins print goes to standard error, since standard output belongs to the command's own answer."""
    main = threading.current_thread() is threading.main_thread()  # there is one standard output for all threads
    quiet = _to_errors() if main else contextlib.nullcontext()
    kept = process.kept(lambda changes: meddled(problems, "", changes, "while it ran"))
    with kept, watch.over(folder / _TRACES, lambda package, told: says(f"the plugin {_plugin(package)} {told}")), quiet:
        yield


@contextlib.contextmanager
def _to_errors() -> Iterator[None]:
    printed = _Printed()
    try:
        with contextlib.redirect_stdout(printed):
            yield
    finally:
        printed.end()


def endless(flow: str) -> ContractBroken:
    """The error of a call that was ended, where the exception came between the plugin's code and the core's."""
    package, call = watch.ended
    plugin = _plugin(package)
    return ContractBroken(
        f"plugin {plugin} misbehaved: {call} did not come back", code=ENDED, plugin=plugin, flow=flow,
        fix="nothing of this batch was written; update or report the plugin",
    )  # fmt: skip


def unexpected(name: str, error: BaseException) -> ContractBroken:
    """The error of a run that something ended which is none of the six errors."""
    if isinstance(error, Endless):
        return endless(name)
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    place = f"{os.path.basename(frame.tb_frame.f_code.co_filename)}:{frame.tb_lineno}" if frame else ""
    return ContractBroken(
        f"flow {name} ended unexpectedly: {type(error).__name__} in {place}",
        fix="run it again with --debug and report what it prints; nothing that was written is lost",
        code="WHERRY-1001", flow=name,
    )  # fmt: skip


class _Printed(io.TextIOBase):
    """What is printed while a run lives goes to standard error, secrets covered. Not by the logger: it may be the one
    that prints."""

    def __init__(self) -> None:
        self._rest = self._package = ""

    def write(self, text: str) -> int:
        call = watch.current()
        self._package = call.package if call else ""
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._tell(line)
        self._rest = self._rest[-_LONGEST:]
        return len(text)

    def end(self) -> None:
        """Nothing more comes: a line that nobody ended is one, too."""
        self._tell(self._rest)
        self._rest = ""

    def _tell(self, line: str) -> None:
        if line.strip():
            who = f"{_plugin(self._package)} printed: " if self._package else ""
            sys.stderr.write(strike(f"{who}{line[:_LONGEST]}\n"))

    def writable(self) -> bool:
        return True


def state(store: Store, run: registry.RunRow) -> str:
    """How a run stands. One whose process died says that it is running until the next of its flow begins: but nobody
    holds the flow's lock, which is tied to the life of a process."""
    if run.state != RUNNING or store.is_held(f"flow:{run.flow}"):
        return run.state
    with store.read() as tx:
        now = registry.find_runs(tx, id=run.id, limit=1)  # it may have ended since it was read
    return registry.CUT_OFF if now and now[0].state == RUNNING else now[0].state if now else run.state


def close_dead_runs(tx: Tx, flow: str, at: str, folder: Path, problems: list[Problem]) -> None:
    """Closes the flow's runs whose process died, and says which plugins were at work when it did."""
    registry.close_dead_runs(tx, flow, at, lambda: _last_words(flow, folder, problems))


def _last_words(flow: str, folder: Path, problems: list[Problem]) -> dict[str, Any]:
    found = [(_plugin(package), call) for package, call in left_behind(folder / _TRACES)]
    if not found:
        return {}
    said = " and ".join(f"the plugin {plugin} was in {call}" for plugin, call in found)
    message = f"the run of {flow} before this one ended without a word while {said}; nothing that was settled is lost"
    fix = "it ended the process, or the system did because memory ran out: see the system's log, update the plugin"
    problem = Problem(found[0][0], "", message, found[0][1], fix, DIED)
    note(problems, problem)
    at_work = [{"plugin": plugin, "call": call} for plugin, call in found]
    return {"error": problem.error().as_data(), "at_work": at_work}


def _plugin(package: str) -> str:
    """The plugin whose code a package holds; the package where it is none's."""
    for one in catalogue_of_installed():
        if one.entry is not None and one.entry.module.partition(".")[0] == package:
            return one.name
    return package
