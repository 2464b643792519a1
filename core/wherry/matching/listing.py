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
PRAGMA page_size = 16384;
PRAGMA cache_size = -1000;
PRAGMA synchronous = OFF;
PRAGMA journal_mode = OFF;
CREATE TABLE line (place INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT, sku TEXT, type TEXT, number TEXT,
                   name_key TEXT, sku_key TEXT, number_key TEXT, code TEXT, holder TEXT, keys TEXT);
"""
_INDEXES = {
    "sku_key": "(sku_key) WHERE sku_key <> ''",
    "number_key": "(number_key) WHERE number_key <> ''",
    "name_key": "(name_key, code) WHERE name_key <> ''",
    "free": "(holder, name_key, code) WHERE holder = '' AND name_key <> ''",
    "holder": "(holder) WHERE holder <> ''",
}
"""Made when one is first of use: each costs as much as entering a line does, and few listings are asked by all. What
is known by another id is nobody's rival for its name, and nearly all that a run makes is: names are kept without it."""
_ENTER = f"""
INSERT INTO line (id, name, sku, type, number, name_key, sku_key, number_key, code, holder, keys)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET keys = keys || excluded.keys, holder = CASE
    WHEN excluded.holder = '' THEN holder WHEN holder IN ('', excluded.holder) THEN excluded.holder
    ELSE '{SEVERAL}' END
"""
_HOLDER = 9
"""The place of the holder in a row that is entered."""
_LINES = "SELECT id, name, sku, type, number FROM line"
_HAVING = """
SELECT value, line.id, name, sku, line.type, number FROM json_each(?) CROSS JOIN line
ON {0} <> '' AND {0} = value ORDER BY place
"""
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
        self._any_free = False
        """Whether some line may have no holder: only then is anything looked for among such lines."""
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

    def having(self, column: str, asked: Iterable[str]) -> dict[str, list[Listed]]:
        """The lines of each key that has any, in ``sku_key`` or ``number_key``."""
        found: dict[str, list[Listed]] = {}
        if keys := [key for key in asked if key]:
            self._index(column)
            for key, *line in self._ask(_HAVING.format(column), _json(keys)):
                found.setdefault(key, []).append(Listed(*line))
        return found

    def by_name(self, key: str, most: int = -1) -> list[Listed]:
        self._index("name_key")
        return self._lines("WHERE name_key <> '' AND name_key = ?", key, limit=most)

    def rivals(self, asked: Asked) -> list[Listed]:
        """What has the name, but for what has another code, or is known by another id than the key."""
        return self._lines(f"JOIN (SELECT ? value) WHERE {self._rival(asked)}", _json(asked))

    def contested(self, asked: Iterable[Asked]) -> set[Asked]:
        """Those that have any rival."""
        found: set[Asked] = set()
        by_parts: dict[tuple[bool, bool], list[Asked]] = {}
        for one in asked:
            by_parts.setdefault((bool(one[1]), bool(one[2])), []).append(one)
        for (_, id), group in by_parts.items():
            some = self._held(group) if id and not self._is_any_free() else group
            found.update(some[place] for place in self._with(self._rival(group[0]), some))
        return found

    def _held(self, asked: Sequence[Asked]) -> list[Asked]:
        """Those whose id any line is known by: hardly one of what is new."""
        self._index("holder")
        return [asked[place] for place in self._with("holder <> '' AND holder = value", [id for _, _, id in asked])]

    def _rival(self, asked: Asked) -> str:
        """The condition on a line that it can be the ``value``, of which the same is told."""
        _, code, id = asked
        if not id:
            self._index("name_key")
            return _named("name_key", code)
        self._index("holder")
        own = f"holder <> '' AND holder = value->>2 AND {_named('+name_key', code)}"
        if not self._is_any_free():
            return own
        self._index("free")
        return f"((holder = '' AND {_named('name_key', code)}) OR ({own}))"

    def named(self, asked: Iterable[str]) -> set[str]:
        """Which of the names any line has."""
        keys = [key for key in asked if key]
        self._index("name_key")
        return {keys[place] for place in self._with("name_key <> '' AND name_key = value", keys)}

    def _with(self, line: str, asked: Sequence[object]) -> list[int]:
        """The places of what there is a line for."""
        if not asked:
            return []
        sql = f"SELECT key FROM json_each(?) WHERE EXISTS (SELECT 1 FROM line WHERE {line})"
        return [place for (place,) in self._ask(sql, _json(asked))]

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

    def _is_any_free(self) -> bool:
        self._enter()
        return self._any_free

    def _enter(self) -> None:
        if not self._new:
            return
        new, self._new = self._new, []
        rows = [self._row(line, keys) for line, keys in new]
        self._any_free = self._any_free or not all(row[_HOLDER] for row in rows)
        with _room():
            self._database.execute("BEGIN")
            self._database.executemany(_ENTER, rows)
            self._database.execute("COMMIT")

    def _row(self, line: Listed, keys: Sequence[str]) -> tuple[str, ...]:
        sku, number = line.sku and sku_key(line.sku), line.number and sku_key(line.number)
        code = line.sku and code_of(line.sku)
        holder = holder_of(line.id, (*self.linked(line.id), *keys))
        return (line.id, line.name, line.sku, line.type, line.number, name_key(line.name), sku, number, code, holder,
                "".join([key + _END for key in keys]))  # fmt: skip


def _named(column: str, code: str) -> str:
    """The condition that a line has the name, and no other code, that ``value`` tells. Where the name has a plus, what
    else is asked for finds the line: few have one holder, and thousands may share a name."""
    same_code = " AND code IN ('', value->>1)" if code else ""
    return f"{column} <> '' AND {column} = value->>0{same_code}"


def _json(asked: object) -> str:
    return msgspec.json.encode(asked).decode()


@contextmanager
def _room() -> Iterator[None]:
    """The folder for temporary files is full, or may not be written."""
    try:
        yield
    except sqlite3.Error as error:
        fix = "make room in the folder for temporary files (TMPDIR), and run again; nothing was lost"
        raise TryAgain(f"the target's listing could not be kept: {error}", fix=fix, code="WHERRY-6022") from error
