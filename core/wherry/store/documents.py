"""Plugins own no tables: each gets documents under its own namespace, inside the transaction that is open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import sqlalchemy as sa

from wherry.store.counters import last_value, next_value
from wherry.store.database import Tx, wanted
from wherry.store.tables import documents as table

_encode = msgspec.json.Encoder(order="deterministic").encode
_decode = msgspec.json.Decoder().decode


_MINE = (table.c.namespace == sa.bindparam("namespace")) & (table.c.kind == sa.bindparam("kind"))
_HELD = sa.select(table.c.id, table.c.body).where(_MINE, wanted(table.c.id))
_KNOWN = sa.select(table.c.id).where(_MINE, wanted(table.c.id))


class DocumentView:
    """The documents of one namespace. Implements ``wherry.roles.Documents``."""

    def __init__(self, tx: Tx, namespace: str) -> None:
        self._tx, self._namespace = tx, namespace

    @property
    def tx(self) -> Tx:
        """The open transaction, for the core's own."""
        return self._tx

    def _select(self, kind: str, *columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
        return sa.select(*columns).where(table.c.namespace == self._namespace, table.c.kind == kind)

    def get(self, kind: str, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        found = self._tx.seek(_HELD, set(ids), namespace=self._namespace, kind=kind)
        return {id: _decode(body) for id, body in found}

    def known(self, kind: str, ids: Iterable[str]) -> set[str]:
        wanted_ids, mine = set(ids), self._put(kind)
        rest = wanted_ids - mine
        found = {row[0] for row in self._tx.seek(_KNOWN, rest, namespace=self._namespace, kind=kind)}
        return found | (wanted_ids & mine)

    def _put(self, kind: str) -> set[str]:
        """The ids of what was put in this transaction: it need not be looked for."""
        put: set[str] = self._tx.ahead.setdefault(("documents", self._namespace, kind), set())
        return put

    def put(self, kind: str, rows: Iterable[tuple[str, dict[str, Any]]]) -> None:
        batch = list(rows)
        if not batch:
            return
        first = next_value(self._tx, self._namespace, "sequence", len(batch))
        self._put(kind).update(id for id, _ in batch)
        self._tx.many(
            table,
            ("namespace", "kind", "id", "body", "sequence"),
            [(self._namespace, kind, id, _encode(body).decode(), first + n) for n, (id, body) in enumerate(batch)],
        )

    def remove(self, kind: str, ids: Iterable[str]) -> None:
        gone = list(ids)
        self._put(kind).difference_update(gone)
        mine = (table.c.namespace == self._namespace) & (table.c.kind == kind)
        for start in range(0, len(gone), 500):
            self._tx.run(sa.delete(table).where(mine, table.c.id.in_(gone[start : start + 500])))

    def each(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every document of a kind in the order of its last change; read in slices, memory stays flat."""
        after = 0
        while rows := self.changed(kind, after, 1000):
            yield from ((id, body) for _, id, body in rows)
            after = rows[-1][0]

    def count(self, kind: str) -> int:
        return int(self._tx.value(self._select(kind, sa.func.count())) or 0)

    def changed(self, kind: str, after: int, limit: int) -> list[tuple[int, str, dict[str, Any]]]:
        statement = (
            self._select(kind, table.c.sequence, table.c.id, table.c.body)
            .where(table.c.sequence > after)
            .order_by(table.c.sequence)
            .limit(limit)
        )
        return [(sequence, id, _decode(body)) for sequence, id, body in self._tx.rows(statement)]

    def sequence(self) -> int:
        """The number of the last change of any document here; it tells whether another has written meanwhile."""
        return last_value(self._tx, self._namespace, "sequence")

    def new_ids(self, kind: str, prefix: str, count: int) -> list[str]:
        """Numbers start at 1001 for each kind: short enough to say, long enough to sort."""
        first = next_value(self._tx, self._namespace, f"id:{kind}", count) + 1000
        return [f"{prefix}-{n}" for n in range(first, first + count)]
