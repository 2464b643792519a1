"""What checks make in another process, where hashes of text are others: one process for all of them in a session."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from wherry.testing.sink_trial import stamp_of

MADE = "WHERRY_KIT_MADE"
"""Names a folder: a check that finds it set leaves there what it makes, for the process that began this one."""
FIXTURE = "elsewhere"
_made = pytest.StashKey[tuple[Path, str]]()


class Elsewhere:
    """A suite with a check that compares what two processes make."""

    @pytest.fixture
    def elsewhere(self, request: pytest.FixtureRequest) -> Callable[[bytes], bytes]:
        """A function of the bytes that this run of a check made; it gives those that the other process made in it."""

        def other(ours: bytes) -> bytes:
            name = stamp_of(_place(request.node))
            if folder := os.environ.get(MADE):
                (Path(folder) / name).write_bytes(ours)
                return ours
            there, said = _all(request)
            assert (there / name).is_file(), f"the other process did not come so far:\n{said[-2000:]}"
            return (there / name).read_bytes()

        return other


def _place(item: pytest.Item) -> str:
    """What a run of a check is called, wherever pytest was begun."""
    return f"{item.path}::{item.nodeid.partition('::')[2]}"


def _all(request: pytest.FixtureRequest) -> tuple[Path, str]:
    """Where the other process left what it made, and what it said. It begins with the first check that asks, and does
    those of the whole session, for whichever of its workers: most of its time it takes to begin."""
    stash, base = request.config.stash, request.getfixturevalue("tmp_path_factory").getbasetemp()
    if _made not in stash:
        folder = (base.parent if hasattr(request.config, "workerinput") else base) / FIXTURE
        folder.mkdir(exist_ok=True)
        with (folder / "said").open("a+", encoding="utf-8") as said:
            fcntl.flock(said, fcntl.LOCK_EX)
            if said.seek(0, os.SEEK_END) == 0:
                said.write(_run(request, folder))
            said.seek(0)
            stash[_made] = folder, said.read()
    return stash[_made]


def _run(request: pytest.FixtureRequest, folder: Path) -> str:
    config = request.config
    runs = [_place(item) for item in request.session.items if FIXTURE in getattr(item, "fixturenames", ())]
    settings = ["-c", str(config.inipath)] if config.inipath else []
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(config.rootpath),
               "--import-mode", str(config.getoption("importmode")), *settings, *runs]  # fmt: skip
    told = {**os.environ, MADE: str(folder), "PYTHONHASHSEED": "4711"}
    done = subprocess.run(command, cwd=config.rootpath, env=told, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr
