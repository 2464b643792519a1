"""Which of its sessions with the store a thread uses.

On PostgreSQL a session is a process of the server's: to begin one costs more than several small transactions. So a
thread that holds a lock does all else through the session that holds it, too, and is a server's guest once.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy.engine import Connection, Engine

from wherry.store.statements import Row, driver_of


class Session:
    """A session that holds locks for a thread. One transaction, or question, at a time."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._raw: Any = connection.connection.driver_connection
        self.names: set[str] = set()
        """Of the locks that it holds: the server would give it each of them once more."""
        self._turn, self._user = threading.Lock(), 0

    def is_lost(self) -> bool:
        """Whether it has ended, and with it all locks that it held. SQLAlchemy would go on with another one."""
        return bool(self._raw.closed)

    @property
    def is_free(self) -> bool:
        """Whether nothing is under way in it."""
        return not self._turn.locked()

    @contextlib.contextmanager
    def taken(self) -> Iterator[Connection]:
        """For one transaction; who comes from another thread waits for its end."""
        if self._user == threading.get_ident():
            raise RuntimeError("a transaction of this thread is open in the session that holds its lock")
        with self._turn:
            self._user = threading.get_ident()
            try:
                yield self.connection
            finally:
                self._user = 0

    def ask(self, sql: str, *values: Any) -> Sequence[Row]:
        """The rows of one statement, outside of any transaction."""
        with self.taken() as connection:
            driver = driver_of(connection)
            try:
                rows = driver.ask(sql, values)
                driver.arrive()
            except KeyboardInterrupt:
                driver.abandon()
                raise
            return list(rows)


class Sessions:
    """The sessions of one process with its store."""

    def __init__(self, engine: Callable[[], Engine]) -> None:
        self._engine, self._here = engine, threading.local()

    def own(self) -> Session | None:
        """The one that holds this thread's locks, unless it is at work or lost."""
        found: Session | None = getattr(self._here, "session", None)
        return found if found is not None and found.is_free and not found.is_lost() else None

    def lost(self) -> str:
        """A lock that this thread held until its session ended, and does not know of yet; empty where there is none."""
        found: Session | None = getattr(self._here, "session", None)
        return min(found.names, default="") if found is not None and found.is_lost() else ""

    @contextlib.contextmanager
    def taken(self, session: Session | None = None) -> Iterator[Connection]:
        """For one transaction: this session, else the thread's own, else one of the pool."""
        session = session or self.own()
        with self._engine().connect() if session is None else session.taken() as connection:
            yield connection

    @contextlib.contextmanager
    def holding(self) -> Iterator[Session]:
        """For a lock: the thread's own, which becomes so with the first of its locks."""
        own = self.own()
        if own is not None:
            yield own
            return
        before = getattr(self._here, "session", None)
        with self._engine().connect() as connection:
            self._here.session = session = Session(connection)
            try:
                yield session
            finally:
                self._here.session = before
                if session.names:  # nobody else may find it with a lock
                    connection.invalidate()
