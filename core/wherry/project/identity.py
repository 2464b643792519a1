"""Whose account a connection reaches: bound at its first check, and never another one unnoticed (architecture.md,
section 5)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from wherry.errors import Guarded
from wherry.project.strangers import known_account, other_account
from wherry.roles import Account, Cache, Clock, Connection, SinkWriter, SourceConnector
from wherry.store import Store, registry

_RECHECK = dt.timedelta(days=1)
"""How long an account is taken to be the same while the credential is: a check costs a call in every run."""
_ACCOUNTS, _FOR_EVER = "accounts", 1e10


class AccountCache:
    """A connection's cache. What is learned while its account is looked at is kept once that is known to be the right
    one, and thrown away otherwise."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._learned: dict[str, Any] | None = None

    def get(self, key: str, max_age: float) -> Any | None:
        learned = self._learned
        return learned[key] if learned and key in learned else self._cache.get(key, max_age)

    def set(self, key: str, value: Any) -> None:
        learned = self._learned
        if learned is None:
            self._cache.set(key, value)
        else:
            learned[key] = value

    @contextmanager
    def held(self) -> Iterator[None]:
        """What is set in here is kept if nothing is raised. Whoever sets must have ended by then."""
        learned = self._learned = {}
        try:
            yield
            for key, value in learned.items():
                self._cache.set(key, value)
        finally:
            self._learned = None


class Identity:
    """The accounts of a project's connections. ``credential`` is the fingerprint of what a connection signs in with;
    ``lost`` is told of a connection that did not reach its own account."""

    def __init__(
        self, store: Store, clock: Clock, credential: Callable[[Connection], str], lost: Callable[[str], object]
    ) -> None:  # fmt: skip
        self._store, self._clock, self._credential, self._lost = store, clock, credential, lost
        self._bound: dict[str, int] = {}
        self._caches: dict[str, AccountCache] = {}

    def cache(self, connection: str) -> AccountCache:
        """What the plugin of a connection keeps between runs."""
        if connection not in self._caches:
            self._caches[connection] = AccountCache(self._store.cache(connection))
        return self._caches[connection]

    def bind(
        self, connection: Connection, part: SourceConnector | SinkWriter,
        meanwhile: AbstractContextManager[None] | None = None,
    ) -> int:  # fmt: skip
        """The store id of the connection, bound to its account at the first check. ``meanwhile`` is entered where the
        account has to be asked for, and left once it is known to be the right one.

        Raises Guarded when the connection now reaches another account, ConfigError when a known account turns up
        under a new name.
        """
        known = self._bound.get(connection.name)  # read once: another thread may look at it again meanwhile
        if known is not None:
            return known
        with self._store.read() as tx:
            row = registry.connection(tx, connection.name)
        if row and row.credential == self._credential(connection) and self._recent(row.checked_at):
            self._bound[connection.name] = row.id
            return row.id
        return self._ask(connection, part, meanwhile or nullcontext())[1]

    def rebind(self, connection: Connection, part: SourceConnector | SinkWriter) -> Account:
        """The account as it answers now, whatever was known of it; raises as ``bind`` does."""
        return self._ask(connection, part, nullcontext())[0]

    def forget(self) -> None:
        """Before a run: whose accounts these are is looked at again."""
        self._bound.clear()

    def details(self, connection: str) -> dict[str, Any]:
        """What the account told of itself when it was last asked."""
        return self._store.cache(_ACCOUNTS).get(connection, _FOR_EVER) or {}

    def _recent(self, at: str) -> bool:
        return dt.timedelta(0) <= self._clock.now() - dt.datetime.fromisoformat(at) < _RECHECK

    def _ask(
        self, connection: Connection, part: SourceConnector | SinkWriter, meanwhile: AbstractContextManager[None]
    ) -> tuple[Account, int]:
        self._bound.pop(connection.name, None)
        try:
            credential = self._credential(connection)
            with self.cache(connection.name).held(), meanwhile:
                account = part.check()
                self._bound[connection.name] = id = self._bind(connection, account, credential)
        except BaseException as error:
            self._lost(connection.name)
            if isinstance(error, Guarded):
                self._doubt(connection.name)
            raise
        return account, id

    def _doubt(self, connection: str) -> None:
        """It reached another account: whoever binds it next asks again, however lately it was asked."""
        with self._store.write() as tx:
            row = registry.connection(tx, connection)
            if row is not None:
                registry.update_connection(tx, row.id, credential="")

    def _bind(self, connection: Connection, account: Account, credential: str) -> int:
        now = self._store.now()
        with self._store.write() as tx:
            row = registry.connection(tx, connection.name)  # not before: another process may bind it meanwhile
            other = registry.connection_of_account(tx, connection.plugin, account.id)
            if row is None and other is not None:
                raise known_account(connection.name, other)
            if row is not None and (row.plugin, row.account_id) != (connection.plugin, account.id):
                raise other_account(row, account.name, account.id)
            if row is None:
                name, plugin = connection.name, connection.plugin
                id = registry.bind(tx, name, plugin, account.id, account.name, credential, now)
            else:
                told = {"account_name": account.name, "checked_at": now, "credential": credential}
                registry.update_connection(tx, row.id, **told, state="ok", reason="")
                id = row.id
        self._store.cache(_ACCOUNTS).set(connection.name, account.details)
        return id
