"""What PostgreSQL's planner knows of tables that grow quickly.

Its own upkeep looks once a minute. Until then every statement is planned for an empty table, where each index seems as
good as any other: what is found by its key is then searched for among all that there is.
"""

from __future__ import annotations

from collections.abc import Mapping

from wherry.store.statements import Driver

_LEAST = 500
"""So few rows are searched as quickly as found."""
_KNOWN = "SELECT reltuples FROM pg_class WHERE oid = to_regclass(%s)"


class Growth:
    """What one process has written to the tables of a store on PostgreSQL."""

    def __init__(self) -> None:
        self._written: dict[str, int] = {}
        self._due: dict[str, int] = {}

    def note(self, driver: Driver, written: Mapping[str, int]) -> None:
        """Before a transaction commits that wrote so many rows, table by table. The planner looks at what has become
        twice as many since, unless it knows of as many rows already."""
        for table, rows in written.items():
            number = self._written[table] = self._written.get(table, 0) + rows
            if number >= self._due.get(table, _LEAST):
                self._due[table] = 2 * number
                [(known,)] = driver.run(_KNOWN, (table,), gives=True)
                if known < number:
                    driver.run(f'ANALYZE "{table}"', (), gives=False)
