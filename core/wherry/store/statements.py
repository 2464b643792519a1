"""Statements that were made once: compiled to the driver's own SQL, and run with tuples.

Making and compiling a statement, and taking its result apart, costs several times what running it does. What a drain
or a run does for every item goes this way; everything else is plain SQLAlchemy Core.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    from wherry.store.pipeline import Answer

Row = tuple[Any, ...]
Plan = tuple[str, Callable[[Mapping[str, Any]], Row], bool]
"""The driver's SQL, what puts the values of a run into its order, and whether it gives rows."""

_PIPE = "pipeline"
"""Kept with a session: what is prepared there is so until it ends."""
SLICE = 512
"""The most values of one list in one statement."""


class Statements:
    """The kept statements of one database, by statement and by the lengths of the lists they are given."""

    def __init__(self) -> None:
        self.inserts: dict[tuple[Any, ...], str] = {}
        """(table, columns, whether to replace) → the SQL of an insert."""
        self._plans: dict[tuple[Any, ...], Plan] = {}
        self._driver: Dialect | None = None

    def plan(self, dialect: Dialect, statement: sa.Executable, told: Mapping[str, Any]) -> Plan:
        """How to run the statement with lists of these lengths."""
        name = (statement, *[(key, len(value)) for key, value in told.items() if value.__class__ is list])
        found = self._plans.get(name)
        if found is None:
            found = self._plans[name] = self._made(dialect, statement, told)
        return found

    def _made(self, dialect: Dialect, statement: sa.Executable, told: Mapping[str, Any]) -> Plan:
        if self._driver is None:
            made: Callable[..., Dialect] = type(dialect)
            self._driver = made(paramstyle="qmark" if dialect.name == "sqlite" else "format")
        compiled: Any = statement.compile(dialect=self._driver)  # type: ignore[attr-defined]
        state = compiled.construct_expanded_state(told)
        places = {name: (whole, at) for whole, names in state.parameter_expansion.items() if whole in told
                  for at, name in enumerate(names)}  # fmt: skip
        fixed = {name: value for name, value in state.parameters.items() if name not in told and name not in places}
        order = [(name, *places.get(name, ("", 0))) for name in state.positiontup]
        parts = [(name, whole) for name, whole, at in order if at == 0]  # a list goes in as a whole, where it begins

        def arguments(values: Mapping[str, Any]) -> Row:
            row: list[Any] = []
            for name, whole in parts:
                row += values[whole] if whole else (values[name] if name in values else fixed[name],)
            return tuple(row)

        return state.statement, arguments, not isinstance(statement, sa.Update | sa.Delete)


class Driver:
    """One connection's transaction, on the driver's own cursors. Raises what SQLAlchemy raises, without the values that
    were being written."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._dialect = connection, connection.dialect
        self._known = self._dialect.loaded_dbapi.Error
        self._raw: Any = connection.connection.dbapi_connection
        self._open = False

    def begin(self, statements: Iterable[str], *, at_once: bool) -> None:
        """Open a transaction; ``at_once`` where others are to wait for it from now on."""
        self._open = True
        for sql in statements:
            self.run(sql, (), gives=False)

    def commit(self) -> None:
        """Make it durable."""
        self.run("COMMIT", (), gives=False)
        self.arrive()
        self._open = False

    def end(self) -> None:
        """Roll back what was not committed."""
        if not self._open:
            return
        self._open = False
        with contextlib.suppress(self._known):
            try:
                self._leave()
                self.arrive()
            finally:
                self._roll_back()

    def _leave(self) -> None:
        """Roll back on the way, where that is cheaper than to have the driver do it."""

    def _roll_back(self) -> None:
        self._raw.rollback()

    def arrive(self) -> None:
        """Wait until everything that was told is done."""

    def abandon(self) -> None:
        """Somebody wants us gone: what is on its way is not waited for."""

    def run(self, sql: str, values: Row, *, gives: bool) -> Sequence[Row]:
        """The rows of a statement where it gives any."""
        try:
            cursor = self._raw.execute(sql, values)
            rows: Sequence[Row] = cursor.fetchall() if gives else ()
        except self._known as error:
            raise self._wrapped(sql, error) from error
        return rows

    def ask(self, sql: str, values: Row) -> Iterable[Row]:
        """The rows as they are now, to be read later: on a server several questions then cost one journey."""
        return self.run(sql, values, gives=True)

    def run_many(self, sql: str, rows: Sequence[Row]) -> None:
        """A statement that gives none, with each of the rows."""
        try:
            self._raw.executemany(sql, rows)
        except self._known as error:
            raise self._wrapped(sql, error) from error

    def _wrapped(self, sql: str, error: Exception) -> BaseException:
        return DBAPIError.instance(
            sql, None, error, self._known, hide_parameters=True, connection_invalidated=self._is_lost(),
            dialect=self._dialect,
        )  # fmt: skip

    def _is_lost(self) -> bool:
        return False


class PipedDriver(Driver):
    """The same on PostgreSQL: what gives no rows is not waited for."""

    def __init__(self, connection: Connection) -> None:
        from wherry.store.pipeline import Pipeline

        super().__init__(connection)
        self._pipe: Pipeline = connection.info.get(_PIPE) or connection.info.setdefault(_PIPE, Pipeline(self._raw))

    def begin(self, statements: Iterable[str], *, at_once: bool) -> None:
        super().begin(statements, at_once=at_once)
        if not at_once:
            return
        try:
            self._pipe.depart()
        except self._known as error:
            raise self._wrapped("what begins a transaction", error) from error

    def commit(self) -> None:
        """Raises when the transaction had failed: COMMIT would roll it back and say nothing."""
        if self._raw.info.transaction_status.name == "INERROR":
            failed = self._dialect.loaded_dbapi.InternalError("a statement of this transaction failed before")
            raise self._wrapped("COMMIT", failed)
        super().commit()

    def end(self) -> None:
        super().end()
        if self._is_lost():
            self._connection.invalidate()
            self._connection.engine.dispose()  # what closed this session has closed the others, too

    def arrive(self) -> None:
        try:
            self._pipe.close()
        except self._known as error:
            raise self._wrapped("what was told before", error) from error

    def _leave(self) -> None:
        """With what was told last: the driver's own is another journey. Behind a failure nothing is done any more."""
        if self._pipe.is_under_way:
            self._pipe.tell("ROLLBACK", ())

    def _roll_back(self) -> None:
        if self._raw.info.transaction_status.name != "IDLE":
            super()._roll_back()

    def abandon(self) -> None:
        self._raw.close()  # the server may hold us in a queue for as long as it likes

    def run(self, sql: str, values: Row, *, gives: bool) -> Sequence[Row]:
        try:
            if gives:
                return self._pipe.read(self._pipe.ask(sql, values))
            self._pipe.tell(sql, values)
        except self._known as error:
            raise self._wrapped(sql, error) from error
        return ()

    def ask(self, sql: str, values: Row) -> Iterator[Row]:
        try:
            answer = self._pipe.ask(sql, values)
        except self._known as error:
            raise self._wrapped(sql, error) from error
        return self._arriving(sql, answer)

    def _arriving(self, sql: str, answer: Answer) -> Iterator[Row]:
        try:
            rows = self._pipe.read(answer)
        except self._known as error:
            raise self._wrapped(sql, error) from error
        yield from rows

    def run_many(self, sql: str, rows: Sequence[Row]) -> None:
        try:
            for row in rows:
                self._pipe.tell(sql, row)
        except self._known as error:
            raise self._wrapped(sql, error) from error

    def _is_lost(self) -> bool:
        return bool(self._raw.closed)


def driver_of(connection: Connection) -> Driver:
    """The driver of the connection's database."""
    return PipedDriver(connection) if connection.dialect.name == "postgresql" else Driver(connection)


def sliced(values: Sequence[Any]) -> Iterator[list[Any]]:
    """Slices whose lengths are powers of two, the last value repeated, so that few statements serve all lengths."""
    for start in range(0, len(values), SLICE):
        part = list(values[start : start + SLICE])
        yield part + [part[-1]] * ((1 << (len(part) - 1).bit_length()) - len(part))
