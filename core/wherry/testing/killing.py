"""Kill points: run a flow in a process of its own that dies at a wanted place of a wanted commit.

Points are found, not listed: every commit goes through the store, which says when (write-protocol.md, section 4).
Children are forked from a warm server, so that a whole sweep takes seconds a dozen.
"""

from __future__ import annotations

import multiprocessing
import os
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from multiprocessing import connection
from pathlib import Path
from typing import Any

from msgspec import Struct

KILLED = 86
"""The exit code of a process that died at its point."""
PLACES = ("inside", "after")
"""Inside a commit and after it; *before* one is the same as after the one before it."""


class Point(Struct, frozen=True, order=True):
    """Die at this place of the n-th commit."""

    commit: int
    place: str


class Ended(Struct, frozen=True):
    """How a process ended, and how many commits it had begun."""

    code: int | None
    commits: int


_context = multiprocessing.get_context("forkserver")


def preload(modules: Sequence[str]) -> None:
    """What the warm server imports before it forks, such as the plugins under test."""
    _context.set_forkserver_preload(["wherry.hub", "wherry.testing.killing", *modules])


def run_flow(folder: Path, environ: Mapping[str, str], flow: str, kill: Point | None = None) -> Ended:
    """Run the flow of the project in ``folder``; ``kill`` None lets it live."""
    commits = _context.Value("i", 0)
    process = _context.Process(target=_child, args=(folder, dict(environ), flow, kill, commits))
    process.start()
    process.join(120)
    return Ended(process.exitcode, commits.value)


def together(
    folder: Path, environ: Mapping[str, str], flow: str, count: int, once: Callable[[], object]
) -> list[int | None]:
    """Exit codes of several processes that run the same flow at once; ``once`` is called when the first has ended."""
    commits = _context.Value("i", 0)
    crowd = [_context.Process(target=_child, args=(folder, dict(environ), flow, None, commits)) for _ in range(count)]
    for process in crowd:
        process.start()
    connection.wait([process.sentinel for process in crowd], 60)
    once()
    for process in crowd:
        process.join(120)
    return [process.exitcode for process in crowd]


def points(commits: int, at_most: int, seed: int = 2026) -> list[Point]:
    """Points spread over a run by a seed; every one when WHERRY_KILL_ALL is set."""
    found = [Point(number, place) for number in range(1, commits + 1) for place in PLACES]
    if os.environ.get("WHERRY_KILL_ALL") or at_most >= len(found):
        return found
    return sorted(random.Random(seed).sample(found, at_most))


def _child(folder: Path, environ: dict[str, str], flow: str, kill: Point | None, commits: Any) -> None:
    from wherry.errors import WherryError
    from wherry.hub import Hub

    seen: Counter[str] = Counter()

    def pause(place: str) -> None:
        seen[place] += 1
        commits.value = seen["before"]
        if kill is not None and (seen[place], place) == (kill.commit, kill.place):
            os._exit(KILLED)

    hub = Hub.open(folder, environ=environ)
    hub.store.database.pause = pause
    try:
        os._exit(hub.run(flow).exit_code)
    except WherryError as error:
        os._exit(error.exit_code)
