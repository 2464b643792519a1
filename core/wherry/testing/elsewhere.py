"""What a check makes in another process, where hashes of text are others: one process for all runs of the check."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from wherry.testing.sink_trial import stamp_of

MADE = "WHERRY_KIT_MADE"
"""Names a folder: a check that finds it set leaves there what it makes, for the process that began this one."""
_folders = pytest.StashKey[dict[str, Path]]()


def elsewhere(request: pytest.FixtureRequest) -> Callable[[bytes], bytes]:
    """A function of the bytes that this run of a check made; it gives those that the other process made in it."""

    def other(ours: bytes) -> bytes:
        name = stamp_of(request.node.nodeid)
        if folder := os.environ.get(MADE):
            (Path(folder) / name).write_bytes(ours)
            return ours
        return (_folder(request) / name).read_bytes()

    return other


def _check(node: str) -> str:
    """A file and a check in it: all its suites have one process together."""
    path, *_, name = node.partition("[")[0].split("::")
    return f"{path}::{name}"


def _folder(request: pytest.FixtureRequest) -> Path:
    """Where the other process left what it made. It begins with the first run that asks."""
    check = _check(request.node.nodeid)
    known = request.config.stash.setdefault(_folders, {})
    if check not in known:
        folder = request.getfixturevalue("tmp_path_factory").mktemp("elsewhere")
        runs = [item.nodeid for item in request.session.items if _check(item.nodeid) == check]
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *runs]
        told = {**os.environ, MADE: str(folder), "PYTHONHASHSEED": "4711"}
        done = subprocess.run(command, cwd=request.config.rootpath, env=told, capture_output=True, check=False)
        assert done.returncode == 0, done.stdout.decode()[-2000:]
        known[check] = folder
    return known[check]
