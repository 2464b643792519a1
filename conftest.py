"""What one test told the process (how to log, what is secret) is not known to the next.

What a run of the suite tries is what the next run tries: other examples are made up only by whoever searches
(``HYPOTHESIS_PROFILE=search``).
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import os
import shutil
import ssl
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import structlog
import uvicorn.server
from hypothesis import settings
from sqlalchemy.engine import Engine
from wherry import redaction
from wherry.store.database import Database

SEARCH, TIMES = "search", 10
"""The profile that makes up other examples each time, and how many times as many."""
PART, FEW = 4, 12
"""The gate tries a fourth of the examples that a test asks for, but of those that ask for so few all."""
MEMORY, ROOM = Path("/dev/shm"), 4 * 2**30

settings.register_profile("gate", derandomize=True, deadline=None, print_blob=True)
settings.register_profile(SEARCH, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))

if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM:
    # Every commit of a store waits for its disk: a third of the time, of which no test proves anything.
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

# Stand-ins are called in clear, yet each client reads all the certificates of the world: a twentieth of a second.
ssl.create_default_context = functools.cache(ssl.create_default_context)


class _Hasty:
    """asyncio as uvicorn's server has it, which looks every tenth of a second whether it is to stop, and then waits
    another: hundreds of tests have a server of their own, which they stop."""

    sleep = staticmethod(lambda seconds: asyncio.sleep(seconds / 20))

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)


uvicorn.server.asyncio = _Hasty()  # type: ignore[assignment]


@functools.cache
def _fresh_store() -> bytes:
    """The file of a SQLite store in which nothing is yet."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "wherry.db"
        made = Database(f"sqlite:///{path}")
        _open(made).dispose()
        return path.read_bytes()


def _opened(database: Database) -> Engine:
    """A store is opened as ever, but a fresh one is put there whole: the forty statements that make its tables are a
    twentieth of the suite's time. Whoever comes second, of any process, finds what the first has put there."""
    path = database.path
    if path is not None and path.is_absolute() and database._create and not path.exists():
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, made = tempfile.mkstemp(dir=path.parent)  # for the user alone, as the store is
            try:
                os.write(handle, _fresh_store())
                os.link(made, path)
            finally:
                os.close(handle)
                os.unlink(made)
    return _open(database)


_open = Database._open
Database._open = _opened  # type: ignore[method-assign]


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """A search is not held to the few examples that are enough for the gate."""
    searching = settings.get_current_profile_name() == SEARCH
    for test in {id(test): test for test in (getattr(item, "function", None) for item in items)}.values():
        if said := getattr(test, "_hypothesis_internal_use_settings", None):
            asked: int = said.max_examples
            few = min(asked, max(FEW, asked // PART))
            test._hypothesis_internal_use_settings = settings(said, max_examples=TIMES * asked if searching else few)


def pytest_collection_finish() -> None:
    """Collected tests stay to the end: looking through ten thousand at every collection is a tenth of the time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _log_as_at_the_start() -> Iterator[None]:
    yield
    structlog.reset_defaults()


@pytest.fixture(autouse=True, scope="module")
def _know_no_secrets() -> Iterator[None]:
    yield
    for form in list(redaction._live._values):
        redaction._live._forget(form)
