"""Locks tied to the life of a process: an OS file lock on SQLite, a session advisory lock on PostgreSQL.

A lease that ends by the clock lets two owners send (write-protocol.md, finding 4). Never held across a fork.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from wherry.errors import Busy, TryAgain
from wherry.store.database import Database
from wherry.store.statements import Driver


class Held:
    """A lock that is held. A file lock lasts as long as its process; a session's can be lost with its connection."""

    def __init__(self, name: str, session: Connection | None = None) -> None:
        self._name, self._session = name, Driver(session) if session is not None else None

    def check(self) -> None:
        """Raises TryAgain when the session that holds the lock has died: nothing more may be sent under it.

        Asked inside the transaction that commits SENDING, which no other writer can overtake: as long as a session
        answers, it has its locks.
        """
        if self._session is None:
            return
        try:
            self._session.run("SELECT 1", (), gives=True)
        except sa.exc.DBAPIError as error:
            why = f"the database session that held {self._name} was lost"
            raise TryAgain(why, code="WHERRY-6021") from error


@contextlib.contextmanager
def hold(database: Database, name: str, *, wait: float = 0.0) -> Iterator[Held]:
    """Hold the named lock of this store. Raises Busy when another process has it after ``wait`` seconds."""
    if database.path is not None:
        with _file_lock(database.path.with_name(f"{database.path.name}-locks"), name, wait):
            yield Held(name)
    else:
        with _advisory_lock(database, name, wait) as held:
            yield held


def _retry_until(deadline: float) -> Iterator[None]:
    while True:
        yield
        if time.monotonic() >= deadline:
            return
        time.sleep(0.05)


def _busy(name: str, holder: str) -> Busy:
    return Busy(
        f"another process holds {name}{f' (process {holder})' if holder else ''}",
        fix="wait for it to finish, or see: wherry runs list", code="WHERRY-9001",
    )  # fmt: skip


@contextlib.contextmanager
def _file_lock(folder: Path, name: str, wait: float) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (hashlib.sha256(name.encode()).hexdigest()[:24] + ".lock")
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _take_file(handle, name, time.monotonic() + wait)
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)


def _take_file(handle: int, name: str, deadline: float) -> None:
    for _ in _retry_until(deadline):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
    raise _busy(name, os.pread(handle, 20, 0).decode(errors="replace"))


@contextlib.contextmanager
def _advisory_lock(database: Database, name: str, wait: float) -> Iterator[Held]:
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        take = sa.select(sa.func.pg_try_advisory_lock(number))
        if not any(connection.execute(take).scalar() for _ in _retry_until(time.monotonic() + wait)):
            raise _busy(name, "")
        try:
            yield Held(name, connection)
        finally:
            with contextlib.suppress(sa.exc.DBAPIError):  # a session that died has let go by itself
                connection.execute(sa.select(sa.func.pg_advisory_unlock(number)))
