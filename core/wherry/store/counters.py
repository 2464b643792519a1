"""Numbers that rise: of calls, items, documents, changes. Who writes is alone in the store, so they commit in order."""

from __future__ import annotations

import sqlalchemy as sa

from wherry.store.database import Tx
from wherry.store.tables import counters as table

_LAST = sa.select(table.c.value).where(
    table.c.namespace == sa.bindparam("namespace"), table.c.name == sa.bindparam("name")
)


def last_value(tx: Tx, namespace: str, name: str) -> int:
    """The newest number of this name; 0 where there was none."""
    return next((int(row[0]) for row in tx.kept(_LAST, {"namespace": namespace, "name": name})), 0)


def ask_ahead(tx: Tx, namespace: str, name: str) -> None:
    """The next number of this name will be wanted in this transaction, which is a writing one."""
    if (namespace, name) not in tx.ahead:
        tx.ahead[namespace, name] = tx.asked(_LAST, {"namespace": namespace, "name": name})


def next_value(tx: Tx, namespace: str, name: str, count: int = 1) -> int:
    """The first of ``count`` fresh numbers. The transaction must be a writing one."""
    ask_ahead(tx, namespace, name)
    known = tx.ahead[namespace, name]
    last = known if isinstance(known, int) else next((int(row[0]) for row in known), 0)
    tx.ahead[namespace, name] = last + count
    tx.many(table, ("namespace", "name", "value"), [(namespace, name, last + count)])
    return last + 1
