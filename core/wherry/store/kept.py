"""What is kept beside the ledger: cached metadata and encrypted secrets."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import msgspec
import sqlalchemy as sa

from wherry.roles import Clock
from wherry.store.database import Database
from wherry.store.tables import cache, secrets

_FOR_EVER = 1e9
"""Seconds from which an age is none."""
_FACT = sa.select(cache.c.value, cache.c.at).where(
    cache.c.namespace == sa.bindparam("namespace"), cache.c.key == sa.bindparam("key")
)
_SECRET = sa.select(secrets.c.value).where(
    secrets.c.connection == sa.bindparam("connection"), secrets.c.field == sa.bindparam("field")
)


class KeptCache:
    """Small facts with an age. Implements ``wherry.roles.Cache``."""

    def __init__(self, database: Database, clock: Clock, namespace: str) -> None:
        self._database, self._clock, self._namespace = database, clock, namespace

    def get(self, key: str, max_age: float) -> Any | None:
        with self._database.read() as tx:
            found = tx.kept(_FACT, {"namespace": self._namespace, "key": key})
        if not found:
            return None
        [(value, at)] = found
        age = (self._clock.now() - dt.datetime.fromisoformat(at)).total_seconds()
        # What is kept for ever stays so when the machine's clock is put back.
        fresh = 0 <= age <= max_age or max_age >= _FOR_EVER
        return msgspec.json.decode(value) if fresh else None

    def set(self, key: str, value: Any) -> None:
        text, at = msgspec.json.encode(value).decode(), self._clock.now().isoformat()
        with self._database.write() as tx:
            tx.many(cache, ("namespace", "key", "value", "at"), [(self._namespace, key, text, at)])


class SecretRows:
    """Ciphertexts by connection and field. The vault above is the only one that can read them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, connection: str, field: str) -> str | None:
        with self._database.read() as tx:
            found = tx.kept(_SECRET, {"connection": connection, "field": field})
        return str(found[0][0]) if found else None

    def put(self, connection: str, field: str, value: str) -> None:
        with self._database.write() as tx:
            tx.many(secrets, ("connection", "field", "value"), [(connection, field, value)])

    def replace(self, connection: str, field: str, old: str, new: str) -> bool:
        """Put ``new`` where ``old`` still stands; whether it did."""
        mine = (secrets.c.connection == connection) & (secrets.c.field == field) & (secrets.c.value == old)
        with self._database.write() as tx:
            return tx.run(sa.update(secrets).where(mine).values(value=new)).rowcount == 1

    def delete(self, connection: str, field: str) -> None:
        with self._database.write() as tx:
            tx.run(sa.delete(secrets).where(secrets.c.connection == connection, secrets.c.field == field))

    def each(self) -> Iterator[tuple[str, str, str]]:
        with self._database.read() as tx:
            found = tx.rows(sa.select(secrets.c.connection, secrets.c.field, secrets.c.value))
        yield from ((str(c), str(f), str(v)) for c, f, v in found)
