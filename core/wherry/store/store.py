"""The state store of one project, as the layers above see it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wherry.clock import stored
from wherry.errors import Busy
from wherry.roles import Clock
from wherry.store import audit, locks
from wherry.store.database import Database, Tx
from wherry.store.documents import DocumentView
from wherry.store.kept import KeptCache, SecretRows


class Store:
    """Transactions, locks, documents, cache, secrets and the audit log over one database."""

    def __init__(self, url: str, clock: Clock, files: Path) -> None:
        self.database, self.clock, self.files = Database(url), clock, files

    def now(self) -> str:
        """The time as it is stored."""
        return stored(self.clock.now())

    def read(self) -> contextlib.AbstractContextManager[Tx]:
        return self.database.read()

    def write(self, *, late: bool = False) -> contextlib.AbstractContextManager[Tx]:
        return self.database.write(late=late)

    def rehearse(self) -> contextlib.AbstractContextManager[Tx]:
        """A transaction that is rolled back at its end, whatever happens in it."""
        return self.database.rehearse()

    def lock(self, name: str, *, wait: float = 0.0) -> contextlib.AbstractContextManager[locks.Held]:
        """A lock tied to the life of this process. Raises Busy."""
        return locks.hold(self.database, name, wait=wait)

    def is_held(self, name: str) -> bool:
        """Whether a process that is alive holds that lock now."""
        try:
            with self.lock(name):
                return False
        except Busy:
            return True

    @contextlib.contextmanager
    def documents(self, namespace: str) -> Iterator[DocumentView]:
        """A plugin's documents in a transaction of their own; where one is rehearsed in this thread, in that."""
        rehearsed = self.database.rehearsed()
        with contextlib.nullcontext(rehearsed) if rehearsed else self.write() as tx:
            yield DocumentView(tx, namespace)

    def cache(self, namespace: str) -> KeptCache:
        return KeptCache(self.database, self.clock, namespace)

    def secrets(self) -> SecretRows:
        return SecretRows(self.database)

    def audit(self, action: str, object: str, detail: Any = None) -> None:
        """Append one row to the audit log in a transaction of its own."""
        with self.write() as tx:
            audit.write(tx, self.now(), action, object, detail)

    def close(self) -> None:
        self.database.close()
