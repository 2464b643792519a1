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

from sqlalchemy.exc import DataError, DBAPIError, SQLAlchemyError

from wherry.errors import Busy, TryAgain, WherryError
from wherry.store.database import Database, Tx
from wherry.store.engines import lock_lost
from wherry.store.sessions import Session

_BACKEND = "SELECT pg_backend_pid()"
_TAKE, _LET_GO = "SELECT pg_try_advisory_lock(%s), pg_backend_pid()", "SELECT pg_advisory_unlock(%s)"
_STILL = "SELECT 1 / (pg_backend_pid() = %s)::int"
"""Fails where another of the server's processes runs it, and with it the transaction; its answer is not waited for."""
_FAILED = "22012"
"""How PostgreSQL calls a division by zero."""


class Held:
    """A lock that is held. A file lock lasts as long as its process; a session's can be lost with its connection."""

    def __init__(self, database: Database, name: str, session: Session | None = None, backend: int = 0) -> None:
        self._database, self._name, self._session, self._backend = database, name, session, backend

    def check(self) -> None:
        """Whether it is still held. Safe for threads while none of them writes. Raises TryAgain where it is not."""
        if self._session is not None and (self._session.is_lost() or _served_by(self._session) != self._backend):
            raise self._lost()

    @contextlib.contextmanager
    def write(self) -> Iterator[Tx]:
        """A writing transaction of who holds the lock, through the very session that holds it: when that has died,
        nothing is committed any more.

        Raises TryAgain then, and what ``Database.write`` raises.
        """
        if self._is_lost():  # SQLAlchemy would open another one, which holds nothing
            raise self._lost()
        try:
            with self._database.write(self._session) as tx:
                if self._session is not None:  # a pooler may have given it to another one of the server's processes
                    tx.driver.run(_STILL, (self._backend,), gives=False)
                yield tx
        except (WherryError, DataError) as error:
            if not self._is_lost() and getattr(getattr(error, "orig", None), "sqlstate", "") != _FAILED:
                raise
            raise self._lost() from error

    def _lost(self) -> TryAgain:
        return lock_lost(self._name)

    def _is_lost(self) -> bool:
        return self._session is not None and self._session.is_lost()


def _served_by(session: Session) -> int | None:
    """The server's process that serves the session; None where there is none any more."""
    try:
        return int(session.ask(_BACKEND)[0][0])
    except DBAPIError:
        return None


def folder_of(store: Path) -> Path:
    """Where the locks of a store in a file lie. It stays once a process was at work on the store."""
    return store.with_name(f"{store.name}-locks")


@contextlib.contextmanager
def hold(database: Database, name: str, *, wait: float = 0.0) -> Iterator[Held]:
    """Hold the named lock of this store. Raises Busy when another process has it after ``wait`` seconds."""
    if database.path is not None:
        _ = database.engine  # opened first: where there are locks there was a store
        with _file_lock(folder_of(database.path), name, wait):
            yield Held(database, name)
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
        with contextlib.suppress(OSError):  # a full disk: only who meets the lock would be told of it
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
    with database.translated(), contextlib.ExitStack() as stack:
        session = stack.enter_context(database.sessions.holding())
        backend = _take_advisory(session, name, number, time.monotonic() + wait)
        stack.callback(_let_go, session, name, number)
        left = stack.pop_all()
    with left:
        yield Held(database, name, session, backend)


def _take_advisory(session: Session, name: str, number: int, deadline: float) -> int:
    """The server's process that holds it for us."""
    for _ in _retry_until(deadline):
        if name not in session.names:
            [(taken, backend)] = session.ask(_TAKE, number)
            if taken:
                session.names.add(name)
                return int(backend)
    raise _busy(name, "")


def _let_go(session: Session, name: str, number: int) -> None:
    if session.is_lost():
        return  # it has let go by itself
    with contextlib.suppress(SQLAlchemyError):
        session.ask(_LET_GO, number)
        session.names.discard(name)
