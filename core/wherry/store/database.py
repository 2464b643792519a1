"""Opening the store: SQLite by default, PostgreSQL by URL; one schema, one way to write.

A write transaction takes the writer's place at once (``BEGIN IMMEDIATE``), so it never fails half-way for another
writer. Bulk statements are compiled once and run with tuples. Source: architecture.md, section 9.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DatabaseError, DataError, DBAPIError, IntegrityError, ProgrammingError

from wherry.errors import ConfigError
from wherry.store import tables
from wherry.store.engines import lock_lost, not_opened, postgresql, sqlite, unusable
from wherry.store.growth import Growth
from wherry.store.sessions import Session, Sessions
from wherry.store.statements import Row, Statements, driver_of, sliced

SCHEMA = "0001"
"""The newest migration; a store at another one is upgraded by ``wherry db upgrade``, never silently."""

_WRITER = 7711
"""The advisory lock of the one writer on PostgreSQL, as SQLite has only one by nature: what a transaction looked up
cannot be overtaken by another's write."""
READ = {"sqlite": ("BEGIN",), "postgresql": ("BEGIN ISOLATION LEVEL REPEATABLE READ",)}
"""Begin a transaction that sees what was committed when it began, and nothing of later."""
TAKE = {"sqlite": ("BEGIN IMMEDIATE",), "postgresql": ("BEGIN", f"SELECT pg_advisory_xact_lock({_WRITER})")}
"""Begin a transaction in the writer's place. Neither driver begins one by itself."""
_SCHEMAS: dict[str, list[str]] = {}
_STATEMENTS: dict[str, Statements] = {}
"""By kind of database: what was compiled for one store serves the next one of this process."""
_CONTROL = "system_identifier FROM pg_control_system()", "timeline_id FROM pg_control_checkpoint()"
"""None of it is in a dump; the time line is another after a recovery to an earlier moment, or a failover."""


class Tx:
    """An open transaction. ``many``, ``kept`` and what is made of them are the way of everything that is done for each
    item; the rest is SQLAlchemy Core."""

    def __init__(self, connection: Connection, statements: Statements) -> None:
        self._connection, self._statements = connection, statements
        self.driver = driver_of(connection)
        self.written: dict[str, int] = {}
        """Table → rows that were entered or replaced."""
        self.ahead: dict[tuple[str, ...], Any] = {}
        """What was asked for before it is needed, and what only the one writer changes: known from its first reading
        until the transaction ends. Kept up to date by who writes it."""

    @property
    def connection(self) -> Connection:
        """For a statement of SQLAlchemy's, which sees what was told before."""
        self.driver.arrive()
        return self._connection

    def run(self, statement: sa.Executable, rows: Any = None) -> sa.CursorResult[Any]:
        return self.connection.execute(statement, rows)

    def rows(self, statement: sa.Select[Any]) -> Sequence[Row]:
        return self.connection.execute(statement).all()

    def one(self, statement: sa.Select[Any]) -> Any | None:
        return self.connection.execute(statement).one_or_none()

    def value(self, statement: sa.Select[Any]) -> Any | None:
        return self.connection.execute(statement).scalar()

    def incarnation(self) -> str:
        """What tells a database on a server from a copy of it, and from what it was before it was put back in time;
        empty for a file."""
        if self._connection.dialect.name == "sqlite":
            return ""
        own = "(SELECT oid FROM pg_database WHERE datname = current_database()), to_regclass('calls')::oid"
        may = " AND ".join(f"has_function_privilege('{one.rpartition(' ')[2]}', 'EXECUTE')" for one in _CONTROL)
        [(may_see,)] = self.driver.run(f"SELECT {may}", (), gives=True)
        control = [f"(SELECT {one})" for one in _CONTROL] if may_see else []
        [(found,)] = self.driver.run(f"SELECT concat_ws(' ', {', '.join([*control, own])})", (), gives=True)
        return str(found)

    def many(self, table: sa.Table, columns: Sequence[str], rows: Iterable[Row], *, replace: bool = True) -> None:
        """Insert tuples in the order of ``columns``; on a clash of the primary key replace (or leave) what is there."""
        batch = list(rows)
        if not batch:
            return
        self.written[table.name] = self.written.get(table.name, 0) + len(batch)
        name = (table.name, *columns, replace)
        sql = self._statements.inserts.get(name)
        if sql is None:
            sql = self._statements.inserts[name] = _upsert_sql(self._connection, table, columns, replace)
        self.driver.run_many(sql, batch)

    def kept(self, statement: sa.Executable, told: Mapping[str, Any]) -> Sequence[Row]:
        """The rows of a statement that was made once; lists fill its expanding parameters.

        The rows are the driver's own: on SQLite a truth is 0 or 1.
        """
        sql, values, gives = self._planned(statement, told)
        return self.driver.run(sql, values, gives=gives)

    def kept_many(self, statement: sa.Executable, rows: Sequence[Mapping[str, Any]]) -> None:
        """A kept statement that gives no rows, once with each of these; they name the same parameters, and no lists."""
        if rows:
            sql, arguments, _ = self._statements.plan(self._connection.dialect, statement, rows[0])
            self.driver.run_many(sql, [arguments(told) for told in rows])

    def asked(self, statement: sa.Executable, told: Mapping[str, Any]) -> Iterable[Row]:
        """The same rows, to be read later: as they are now, whatever is written until then. On a server what was asked
        before the first of it is read costs one journey together."""
        sql, values, _ = self._planned(statement, told)
        return self.driver.ask(sql, values)

    def _planned(self, statement: sa.Executable, told: Mapping[str, Any]) -> tuple[str, Row, bool]:
        sql, arguments, gives = self._statements.plan(self._connection.dialect, statement, told)
        return sql, arguments(told), gives

    def seek(self, statement: sa.Executable, values: Iterable[Any], **told: Any) -> Iterator[Row]:
        """The rows of a kept statement whose ``wanted`` is any of the values."""
        for part in sliced(list(values)):
            yield from self.kept(statement, {**told, "wanted": part})

    def asked_among(self, statement: sa.Executable, values: Iterable[Any], **told: Any) -> Iterator[Row]:
        """The rows of ``seek``, asked for at once and read later."""
        parts = [self.asked(statement, {**told, "wanted": part}) for part in sliced(list(values))]
        return itertools.chain.from_iterable(parts)

    def run_among(self, statement: sa.Executable, values: Iterable[Any], **told: Any) -> None:
        """A kept statement that changes rows, in the same slices."""
        for _ in self.seek(statement, values, **told):
            pass

    def find(self, statement: sa.Select[Any], column: sa.ColumnElement[Any], wanted: Iterable[Any]) -> Iterator[Row]:
        """The statement's rows whose ``column`` is among ``wanted``, asked for in slices of 500."""
        values = list(wanted)
        for start in range(0, len(values), 500):
            yield from self.rows(statement.where(column.in_(values[start : start + 500])))


def wanted(column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """The condition of a kept statement that ``Tx.seek`` fills: the column is among what is wanted."""
    return column.in_(sa.bindparam("wanted", expanding=True))


def _upsert_sql(connection: Connection, table: sa.Table, columns: Sequence[str], replace: bool) -> str:
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    quote = connection.dialect.identifier_preparer.quote
    names = ", ".join(quote(c) for c in columns)
    keys = [c.name for c in table.primary_key.columns]
    sql = f"INSERT INTO {quote(table.name)} ({names}) VALUES ({', '.join([mark] * len(columns))})"
    if not set(keys) <= set(columns):
        return sql
    rest = [c for c in columns if c not in keys]
    action = "NOTHING"
    if replace and rest:
        action = "UPDATE SET " + ", ".join(f"{quote(c)} = excluded.{quote(c)}" for c in rest)
    return f"{sql} ON CONFLICT ({', '.join(quote(k) for k in keys)}) DO {action}"


class Database:
    """The store's engine. ``write`` is serialised within the process, ``read`` is not."""

    def __init__(self, url: str, *, create: bool = True) -> None:
        self.url = sa.make_url(url)
        self.dialect: Literal["sqlite", "postgresql"] = (
            "postgresql" if self.url.drivername.startswith("postgres") else "sqlite"
        )
        self._engine: Engine | None = None
        self._kept: Connection | None = None
        """On SQLite the one who writes has a session of its own: to take one of the pool each time costs more CPU than
        the statements of a small transaction. So have those who read, as many as ever read at once."""
        self._idle: list[Connection] = []
        self.sessions = Sessions(lambda: self.engine)
        self._writing = threading.Lock()
        self._writer = 0
        self._rehearsed: Tx | None = None
        self._statements = _STATEMENTS.setdefault(self.dialect, Statements())
        self._growth = Growth() if self.dialect == "postgresql" else None
        self._create = create
        self.pause: Callable[[str], None] = lambda point: None
        """Called with ``before``, ``inside`` and ``after`` at each commit: where the kill sweep takes hold."""

    @property
    def engine(self) -> Engine:
        if self._engine is None:
            self._engine = self._open()
        return self._engine

    @property
    def path(self) -> Path | None:
        """The database file; None on PostgreSQL."""
        return Path(self.url.database) if self.dialect == "sqlite" and self.url.database else None

    def _open(self) -> Engine:
        engine = self.make_engine()
        try:
            with engine.connect() as connection:
                self._ensure_schema(connection)
        except DatabaseError as error:
            raise not_opened(self.url, error) from error
        return engine

    def make_engine(self) -> Engine:
        """An engine of its own for whoever asks, who disposes of it; no schema is looked at."""
        if self.dialect == "sqlite":
            return sqlite(self.url)
        try:
            import psycopg  # noqa: F401  (the driver is an extra: say so, instead of a ModuleNotFoundError)
        except ImportError:
            raise ConfigError(
                "[store] url names PostgreSQL, but its driver is not installed",
                fix="pip install 'wherry[postgres]'", code="WHERRY-2310", key="store.url",
            ) from None  # fmt: skip
        return postgresql(self.url)

    def _ensure_schema(self, connection: Connection) -> None:
        found = schema_version(connection)
        if found is None and self._create:
            connection.rollback()
            found = self._create_once(connection)
        if found and found > SCHEMA:
            from wherry.store.migrate import newer

            raise newer(found)
        if found != SCHEMA:
            raise ConfigError(
                f"the store is at schema {found or 'none'}, this version of Wherry needs {SCHEMA}",
                fix="wherry db upgrade", code="WHERRY-2311",
            )  # fmt: skip

    def _create_once(self, connection: Connection) -> str | None:
        """The schema, by whichever of several processes that start at once comes first."""
        for sql in TAKE[self.dialect]:
            connection.exec_driver_sql(sql)
        if schema_version(connection) is None and not sa.inspect(connection).has_table("links"):
            create_all(connection)
        connection.commit()
        return schema_version(connection)

    @contextlib.contextmanager
    def read(self) -> Iterator[Tx]:
        """A reading transaction: sees what was committed when it began. Raises what ``write`` raises."""
        with self.translated(), self._reading() as connection, self._begun(connection, READ[self.dialect]) as tx:
            yield tx

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Connection]:
        if self.dialect != "sqlite":
            with self.sessions.taken() as connection:
                yield connection
            return
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self.engine.connect()
        try:
            yield connection
        finally:
            self._idle.append(connection)

    @contextlib.contextmanager
    def write(self, session: Session | None = None, *, late: bool = False) -> Iterator[Tx]:
        """A writing transaction: committed on leaving, rolled back when anything is raised. ``late``: of what is so
        whoever holds this thread's locks by now.

        Raises TryAgain when another process held the writer's place too long, or may hold a lock of this thread's,
        ConfigError when the store is unusable.
        """
        if session is None and not late and (name := self.sessions.lost()):
            raise lock_lost(name)
        with self._alone(session) as tx:
            self.pause("before")
            yield tx
            if self._growth is not None:
                self._growth.note(tx.driver, tx.written)
            self.pause("inside")
            tx.driver.commit()
        self.pause("after")

    @contextlib.contextmanager
    def rehearse(self) -> Iterator[Tx]:
        """A writing transaction that is always rolled back: what it did was only to see what it would do."""
        with self._alone() as tx:
            self._rehearsed = tx
            try:
                yield tx
            finally:
                self._rehearsed = None

    def rehearsed(self) -> Tx | None:
        """The rehearsal that goes on in this thread."""
        return self._rehearsed if self._writer == threading.get_ident() else None

    @contextlib.contextmanager
    def _alone(self, session: Session | None = None) -> Iterator[Tx]:
        """A transaction in the one writer's place: of this process, and of all that share the store."""
        if self._writer == threading.get_ident():
            raise RuntimeError("a write transaction is open in this thread already")
        with self._writing, self.translated(), self._connected(session) as connection:
            self._writer = threading.get_ident()
            try:
                with self._begun(connection, TAKE[self.dialect]) as tx:
                    yield tx
            finally:
                self._writer = 0

    @contextlib.contextmanager
    def _connected(self, session: Session | None) -> Iterator[Connection]:
        """The session, or one of its own: taken by who has its turn, so that those who wait leave some to read."""
        if self.dialect == "sqlite":
            self._kept = self._kept or self.engine.connect()
            yield self._kept
        else:
            with self.sessions.taken(session) as connection:
                yield connection

    @contextlib.contextmanager
    def _begun(self, connection: Connection, begin: Iterable[str]) -> Iterator[Tx]:
        tx = Tx(connection, self._statements)
        try:
            tx.driver.begin(begin, at_once=begin is not READ[self.dialect])
            yield tx
        except KeyboardInterrupt:
            tx.driver.abandon()
            raise
        finally:
            tx.driver.end()

    @contextlib.contextmanager
    def translated(self) -> Iterator[None]:
        """The database's own errors in words for people, without the values that were being written."""
        try:
            yield
        except (IntegrityError, ProgrammingError, DataError):
            raise  # a mistake of ours, not a state of the database
        except DBAPIError as error:
            raise unusable(self.url, error) from error

    def close(self) -> None:
        for connection in (*self._idle, *([self._kept] if self._kept is not None else ())):
            connection.close()
        self._idle.clear()
        if self._engine is not None:
            self._engine.dispose()
        self._engine = self._kept = None


def schema_version(connection: Connection) -> str | None:
    """The migration a store is at; None when it has never had one."""
    if not _has_version(connection):
        return None
    found: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return found


def _has_version(connection: Connection) -> bool:
    """Asked by every process that opens a store; SQLAlchemy's own question costs a server more than all else then."""
    if connection.dialect.name == "postgresql":
        return connection.exec_driver_sql("SELECT to_regclass('alembic_version')").scalar() is not None
    return sa.inspect(connection).has_table("alembic_version")


def create_all(connection: Connection) -> None:
    """A fresh schema in one go; equal to running every migration (a test compares them)."""
    for sql in _schema(connection.dialect):
        connection.exec_driver_sql(sql)
    connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    connection.exec_driver_sql(f"INSERT INTO alembic_version VALUES ('{SCHEMA}')")


def _schema(dialect: sa.Dialect) -> list[str]:
    """The statements that make all tables. Their text is worked out once in a process."""
    if dialect.name not in _SCHEMAS:
        known = tables.metadata.sorted_tables
        made: list[sa.schema.ExecutableDDLElement] = [sa.schema.CreateTable(each) for each in known]
        indexes = sorted((one for each in known for one in each.indexes), key=lambda one: str(one.name))
        made += [sa.schema.CreateIndex(one) for one in indexes]
        _SCHEMAS[dialect.name] = [str(one.compile(dialect=dialect)) for one in made]
    return _SCHEMAS[dialect.name]
