"""``wherry db copy``: all that a store holds, as of one moment, in an empty one. Never imported by a run."""

from __future__ import annotations

import sqlalchemy as sa

from wherry.errors import ConfigError
from wherry.store import tables
from wherry.store.database import Database, Tx

_AT_ONCE = 1000


def copy(source: Database, target: Database) -> int:
    """How many rows were copied, all of them or none. What runs meanwhile goes on, and is not in the copy.

    Raises ConfigError where the target holds something already, and what opening either of them raises.
    """
    with source.read() as old, target.write() as new:
        known = tables.metadata.sorted_tables
        if any(new.value(sa.select(sa.literal(1)).select_from(table).limit(1)) for table in known):
            raise ConfigError(
                f"{target.url.render_as_string()} holds a store already: nothing was copied",
                fix="name an empty database, or a file that is not there yet", code="WHERRY-2317",
            )  # fmt: skip
        return sum(_copied(old, new, table) for table in known)


def _copied(old: Tx, new: Tx, table: sa.Table) -> int:
    columns, number = [column.name for column in table.columns], 0
    for part in old.connection.execute(sa.select(table).execution_options(yield_per=_AT_ONCE)).partitions():
        new.many(table, columns, [tuple(row) for row in part], replace=False)
        number += len(part)
    if new.connection.dialect.name == "postgresql":
        _go_on(new, table)
    return number


def _go_on(new: Tx, table: sa.Table) -> None:
    """The server's own numbers go on where those of the copy end."""
    own = table.autoincrement_column
    if own is None:
        return
    newest = sa.select(sa.func.max(own)).scalar_subquery()
    sequence = sa.func.pg_get_serial_sequence(table.name, own.name)
    new.run(sa.select(sa.func.setval(sequence, sa.func.coalesce(newest, 1), newest.is_not(None))))
