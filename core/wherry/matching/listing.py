"""A sink's listing of one entity on disk: it may have a million lines, and a run asks for few of them.

In a database of its own without a name, which SQLite holds in memory while it is small, puts into the folder for
temporary files when it grows, and removes with its connection.
"""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec

from wherry.errors import TryAgain
from wherry.matching.known import SEVERAL, holder_of
from wherry.matching.text import code_of, name_key, sku_key
from wherry.records import Listed

Linked = Callable[[str], Sequence[str]] | Mapping[str, Sequence[str]]
"""Target → the draft keys of this source connection that are linked to it."""

Asked = tuple[str, str, str]
"""What rivals are asked for by: name (see ``name_key``), code of the SKU (``code_of``), draft key where it is an id."""

_TABLES = """
PRAGMA synchronous = OFF;
PRAGMA journal_mode = OFF;
CREATE TABLE line (place INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT, sku TEXT, type TEXT, number TEXT,
                   name_key TEXT, sku_key TEXT, number_key TEXT, code TEXT, holder TEXT, keys TEXT);
"""
_INDEXES = {
    "sku_key": "(sku_key) WHERE sku_key <> ''",
    "number_key": "(number_key) WHERE number_key <> ''",
    "name_key": "(name_key, holder) WHERE name_key <> ''",
    "code": "(name_key, code, holder) WHERE name_key <> ''",
}
"""Made when one is first of use: each costs as much as entering a line does, and few listings are asked by all."""
_ENTER = f"""
INSERT INTO line (id, name, sku, type, number, name_key, sku_key, number_key, code, holder, keys)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET keys = keys || excluded.keys, holder = CASE
    WHEN excluded.holder = '' THEN holder WHEN holder IN ('', excluded.holder) THEN excluded.holder
    ELSE '{SEVERAL}' END
"""
_MAY_LACK = {"code": 8, "holder": 9}
"""The places of these in a row that is entered."""
_LINES = "SELECT id, name, sku, type, number FROM line"
_NAMED = "name_key <> '' AND name_key ="
_END = "\n"
"""Behind each of a line's draft keys."""
_AT_ONCE = 5_000


class Listing:
    """``lines`` in their order, each known by the draft keys that were ``linked`` to it before. Names, SKUs and numbers
    are asked for as they are compared (``name_key``, ``sku_key``). Raises TryAgain (WHERRY-6022) where the folder for
    temporary files cannot hold it.
    """

    def __init__(self, lines: Iterable[Listed] = (), linked: Linked | None = None) -> None:
        self.linked: Callable[[str], Sequence[str]] = (
            linked if callable(linked) else lambda target: (linked or {}).get(target, ())
        )
        self._new: list[tuple[Listed, Sequence[str]]] = []
        self._indexed: set[str] = set()
        self._lacking: set[str] = set()
        """Which of ``code`` and ``holder`` some line is without: only then is anything looked for among such lines."""
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        weakref.finalize(self, self._database.close)
        with _room():
            self._database.executescript(_TABLES)
        for line in lines:
            self.learn(line)

    def learn(self, line: Listed, keys: Sequence[str] = ()) -> None:
        """Enters a line that is not there yet, and the draft keys that are linked to it from now on."""
        self._new.append((line, keys))
        if len(self._new) >= _AT_ONCE:
            self._enter()

    def by_sku(self, key: str) -> list[Listed]:
        self._index("sku_key")
        return self._lines("WHERE sku_key <> '' AND sku_key = ?", key)

    def by_number(self, key: str) -> list[Listed]:
        self._index("number_key")
        return self._lines("WHERE number_key <> '' AND number_key = ?", key)

    def by_name(self, key: str, most: int = -1) -> list[Listed]:
        self._index("name_key")
        return self._lines(f"WHERE {_NAMED} ?", key, limit=most)

    def rivals(self, asked: Asked) -> list[Listed]:
        """What has the name, but for what has another code, or is known by another id than the key."""
        self._index("code" if asked[1] else "name_key")
        rival = self._rival(*(part and "?" for part in asked))
        return self._lines(f"WHERE {rival}", *(part for part in asked if part))

    def contested(self, asked: Iterable[Asked]) -> set[Asked]:
        """Those that have any rival."""
        found: set[Asked] = set()
        by_parts: dict[tuple[bool, bool], list[Asked]] = {}
        for one in asked:
            by_parts.setdefault((bool(one[1]), bool(one[2])), []).append(one)
        for (code, id), group in by_parts.items():
            self._index("code" if code else "name_key")
            rival = self._rival("value->>0", "value->>1" if code else "", "value->>2" if id else "")
            found.update(group[place] for place in self._with(rival, group))
        return found

    def _rival(self, name: str, code: str, id: str) -> str:
        """The condition on a line that can be it, by its placeholders; what is empty says nothing against one."""
        self._enter()
        told = [f"{_NAMED} {name}"]
        for column, value in (("code", code), ("holder", id)):
            if value:
                told.append(f"{column} IN ('', {value})" if column in self._lacking else f"{column} = {value}")
        return " AND ".join(told)

    def there(self, column: str, asked: Iterable[str]) -> set[str]:
        """Which of the keys any line has, in ``name_key``, ``sku_key`` or ``number_key``."""
        keys = [key for key in asked if key]
        self._index(column)
        return {keys[place] for place in self._with(f"{column} <> '' AND {column} = value", keys)}

    def _with(self, line: str, asked: Sequence[object]) -> list[int]:
        """The places of what there is a line for."""
        if not asked:
            return []
        sql = f"SELECT key FROM json_each(?) WHERE EXISTS (SELECT 1 FROM line WHERE {line})"
        return [place for (place,) in self._ask(sql, msgspec.json.encode(asked).decode())]

    def keys_of(self, target: str) -> list[str]:
        """The draft keys that are linked to the target, before or in this run."""
        learned = self._ask("SELECT keys FROM line WHERE id = ?", target)
        return [*self.linked(target), *(key for (keys,) in learned for key in keys.split(_END)[:-1])]

    def each(self) -> Iterator[Listed]:
        """All lines in their order."""
        place = 0
        while some := self._lines("WHERE place > ?", place, limit=_AT_ONCE):
            yield from some
            place += len(some)  # nothing is ever taken out

    def _lines(self, where: str, *asked: object, limit: int = -1) -> list[Listed]:
        return [Listed(*row) for row in self._ask(f"{_LINES} {where} ORDER BY place LIMIT {limit}", *asked)]

    def _ask(self, sql: str, *asked: object) -> list[tuple[Any, ...]]:
        self._enter()
        with _room():
            return self._database.execute(sql, asked).fetchall()

    def _index(self, name: str) -> None:
        if name not in self._indexed:
            self._indexed.add(name)
            self._ask(f"CREATE INDEX by_{name} ON line {_INDEXES[name]}")

    def _enter(self) -> None:
        if not self._new:
            return
        new, self._new = self._new, []
        rows = [self._row(line, keys) for line, keys in new]
        self._lacking.update(column for column, place in _MAY_LACK.items() if not all(row[place] for row in rows))
        with _room():
            self._database.execute("BEGIN")
            self._database.executemany(_ENTER, rows)
            self._database.execute("COMMIT")

    def _row(self, line: Listed, keys: Sequence[str]) -> tuple[str, ...]:
        sku, number = line.sku and sku_key(line.sku), line.number and sku_key(line.number)
        code = line.sku and code_of(line.sku)
        holder = holder_of(line.id, (*self.linked(line.id), *keys))
        return (line.id, line.name, line.sku, line.type, line.number, name_key(line.name), sku, number, code, holder,
                "".join(key + _END for key in keys))  # fmt: skip


@contextmanager
def _room() -> Iterator[None]:
    """The folder for temporary files is full, or may not be written."""
    try:
        yield
    except sqlite3.Error as error:
        fix = "make room in the folder for temporary files (TMPDIR), and run again; nothing was lost"
        raise TryAgain(f"the target's listing could not be kept: {error}", fix=fix, code="WHERRY-6022") from error
