"""What was read, on disk: an account may have a hundred thousand companies, and a run comes back to each of them.

In a database of its own without a name, which SQLite holds in memory while it is small, puts into the folder for
temporary files when it grows, and removes with its connection. Where there is no room, what was read is read again.
"""

from __future__ import annotations

import contextlib
import sqlite3
import weakref
from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

import msgspec

V = TypeVar("V")

_TABLE = """
PRAGMA synchronous = OFF;
PRAGMA journal_mode = OFF;
PRAGMA cache_size = -500;
CREATE TABLE held (id TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;
"""


class Shelf(Generic[V]):
    """Values of one type by id. Its caller keeps threads apart."""

    def __init__(self, type: type[V]) -> None:
        self._decode = msgspec.msgpack.Decoder(type).decode
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        weakref.finalize(self, self._database.close)
        self._database.executescript(_TABLE)

    def put(self, ids: Iterable[str], found: Mapping[str, V]) -> None:
        """What was found of these ids, and which of them were not there."""
        rows = [(i, msgspec.msgpack.encode(found[i]) if i in found else None) for i in ids]
        with contextlib.suppress(sqlite3.Error):
            self._database.execute("BEGIN")
            self._database.executemany("INSERT OR REPLACE INTO held VALUES (?, ?)", rows)
        with contextlib.suppress(sqlite3.Error):
            self._database.execute("COMMIT")

    def get(self, ids: Iterable[str]) -> dict[str, V | None]:
        """Of these ids those that were asked for before, and what was found: None where it was not there."""
        sql = "SELECT id, value FROM held WHERE id IN (SELECT value FROM json_each(?))"
        asked = msgspec.json.encode(list(ids)).decode()
        with contextlib.suppress(sqlite3.Error):
            rows = self._database.execute(sql, (asked,)).fetchall()
            return {i: None if value is None else self._decode(value) for i, value in rows}
        return {}
