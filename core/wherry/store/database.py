"""Opening the store: SQLite by default, PostgreSQL by URL; one schema, one way to write.

A write transaction takes the writer's place at once (``BEGIN IMMEDIATE``), so it never fails half-way for another
writer. Bulk statements are compiled once and run with tuples. Source: architecture.md, section 9.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DatabaseError, DataError, DBAPIError, IntegrityError, ProgrammingError

from wherry.errors import ConfigError, TryAgain, WherryError
from wherry.store import tables

SCHEMA = "0001"
"""The newest migration; a store at another one is upgraded by ``wherry db upgrade``, never silently."""

Row = tuple[Any, ...]
_WRITER = 7711
"""The advisory lock of the one writer on PostgreSQL, as SQLite has only one by nature: what a transaction looked up
cannot be overtaken by another's write."""


class Tx:
    """An open transaction. ``many`` is the bulk path; everything else is SQLAlchemy Core."""

    def __init__(self, connection: Connection, compiled: dict[Any, str]) -> None:
        self.connection, self._compiled = connection, compiled

    def run(self, statement: sa.Executable, rows: Any = None) -> sa.CursorResult[Any]:
        return self.connection.execute(statement, rows)

    def rows(self, statement: sa.Select[Any]) -> Sequence[Row]:
        return self.connection.execute(statement).all()

    def one(self, statement: sa.Select[Any]) -> Any | None:
        return self.connection.execute(statement).one_or_none()

    def value(self, statement: sa.Select[Any]) -> Any | None:
        return self.connection.execute(statement).scalar()

    def many(self, table: sa.Table, columns: Sequence[str], rows: Iterable[Row], *, replace: bool = True) -> None:
        """Insert tuples in the order of ``columns``; on a clash of the primary key replace (or leave) what is there."""
        batch = list(rows)
        if not batch:
            return
        sql = self._upsert(table, tuple(columns), replace)
        if self.connection.dialect.name == "postgresql":
            batch = [tuple(_storable(value) for value in row) for row in batch]
        self.connection.exec_driver_sql(sql, batch)

    def _upsert(self, table: sa.Table, columns: tuple[str, ...], replace: bool) -> str:
        name = (table.name, columns, replace)
        if name not in self._compiled:
            self._compiled[name] = _upsert_sql(self.connection, table, columns, replace)
        return self._compiled[name]

    def seek(self, statement: sa.Executable, values: Iterable[Any], **told: Any) -> Iterator[Row]:
        """The rows of a statement that was made once, with ``wanted``: making one costs several times its running."""
        among = list(values)
        for start in range(0, len(among), 500):
            yield from self.connection.execute(statement, {**told, "wanted": among[start : start + 500]}).all()

    def run_among(self, statement: sa.Executable, values: Iterable[Any], **told: Any) -> None:
        """A kept statement that changes rows, in the same slices."""
        among = list(values)
        for start in range(0, len(among), 500):
            self.connection.execute(statement, {**told, "wanted": among[start : start + 500]})

    def find(self, statement: sa.Select[Any], column: sa.ColumnElement[Any], wanted: Iterable[Any]) -> Iterator[Row]:
        """The statement's rows whose ``column`` is among ``wanted``, asked for in slices of 500."""
        values = list(wanted)
        for start in range(0, len(values), 500):
            yield from self.rows(statement.where(column.in_(values[start : start + 500])))


def wanted(column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """The condition of a kept statement that ``Tx.seek`` fills: the column is among what is wanted."""
    return column.in_(sa.bindparam("wanted", expanding=True))


def _storable(value: Any) -> Any:
    """PostgreSQL's text has no NUL; what a source sends with one is kept with the sign for what cannot be shown."""
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) and "\0" in value else value


def _upsert_sql(connection: Connection, table: sa.Table, columns: tuple[str, ...], replace: bool) -> str:
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
        self._writing = threading.Lock()
        self._writer = 0
        self._compiled: dict[Any, str] = {}
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
        engine = self._make()
        try:
            with engine.connect() as connection:
                self._ensure_schema(connection)
        except DatabaseError as error:
            raise _cannot_open(self.url, error) from error
        return engine

    def _make(self) -> Engine:
        if self.dialect == "sqlite":
            return _sqlite(self.url)
        try:
            import psycopg  # noqa: F401  (the driver is an extra: say so, instead of a ModuleNotFoundError)
        except ImportError:
            raise ConfigError(
                "[store] url names PostgreSQL, but its driver is not installed",
                fix="pip install 'wherry[postgres]'", code="WHERRY-2310", key="store.url",
            ) from None  # fmt: skip
        return sa.create_engine(self.url.set(drivername="postgresql+psycopg"), pool_pre_ping=True, hide_parameters=True)

    def _ensure_schema(self, connection: Connection) -> None:
        found = schema_version(connection)
        if found is None and self._create:
            connection.rollback()
            found = self._create_once(connection)
        if found != SCHEMA:
            raise ConfigError(
                f"the store is at schema {found or 'none'}, this version of Wherry needs {SCHEMA}",
                fix="wherry db upgrade", code="WHERRY-2311",
            )  # fmt: skip

    def _create_once(self, connection: Connection) -> str | None:
        """The schema, by whichever of several processes that start at once comes first."""
        if self.dialect == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITER})")
        if schema_version(connection) is None and not sa.inspect(connection).has_table("links"):
            create_all(connection)
        connection.commit()
        return schema_version(connection)

    @contextlib.contextmanager
    def read(self) -> Iterator[Tx]:
        """A reading transaction: sees what was committed when it began."""
        with self.engine.connect() as connection:
            if self.dialect == "sqlite":
                connection.exec_driver_sql("BEGIN")
            yield Tx(connection, self._compiled)

    @contextlib.contextmanager
    def write(self) -> Iterator[Tx]:
        """A writing transaction: committed on leaving, rolled back when anything is raised.

        Raises TryAgain when another process held the writer's place too long, ConfigError when the store is unusable.
        """
        with self._alone() as tx:
            self.pause("before")
            yield tx
            self.pause("inside")
            tx.connection.commit()
        self.pause("after")

    @contextlib.contextmanager
    def rehearse(self) -> Iterator[Tx]:
        """A writing transaction that is always rolled back: what it did was only to see what it would do."""
        with self._alone() as tx:
            yield tx
            tx.connection.rollback()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[Tx]:
        """A transaction in the one writer's place: of this process, and of all that share the store."""
        if self._writer == threading.get_ident():
            raise RuntimeError("a write transaction is open in this thread already")
        engine = self.engine
        with self._writing, self._translated(), engine.connect() as connection:
            self._writer = threading.get_ident()
            try:
                take = "BEGIN IMMEDIATE" if self.dialect == "sqlite" else f"SELECT pg_advisory_xact_lock({_WRITER})"
                connection.exec_driver_sql(take)
                yield Tx(connection, self._compiled)
            finally:
                self._writer = 0

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """The database's own errors in words for people, without the values that were being written."""
        try:
            yield
        except (IntegrityError, ProgrammingError, DataError):
            raise  # a mistake of ours, not a state of the database
        except DBAPIError as error:
            raise _unusable(self.url, error) from error

    def close(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None


def schema_version(connection: Connection) -> str | None:
    """The migration a store is at; None when it has never had one."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return found


def create_all(connection: Connection) -> None:
    """A fresh schema in one go; equal to running every migration (a test compares them)."""
    tables.metadata.create_all(connection)
    connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    connection.exec_driver_sql(f"INSERT INTO alembic_version VALUES ('{SCHEMA}')")


def _sqlite(url: sa.URL) -> Engine:
    if url.database and url.database != ":memory:":
        folder = Path(url.database).parent
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _private(Path(url.database))
    engine = sa.create_engine(url, connect_args={"timeout": 30, "check_same_thread": False}, hide_parameters=True)

    @sa.event.listens_for(engine, "connect")
    def prepare(raw: Any, record: Any) -> None:
        raw.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000", "foreign_keys=ON"):
            raw.execute(f"PRAGMA {pragma}")

    return engine


def _private(path: Path) -> None:
    """Other users of the machine have no business in the store: it is made 0600 before SQLite makes it 0644."""
    with contextlib.suppress(FileExistsError, PermissionError, OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))


def _unusable(url: sa.URL, error: DBAPIError) -> WherryError:
    """A held lock or a lost server is temporary; anything else has to be mended by somebody."""
    reason = str(error.orig).splitlines()[0] if error.orig else type(error).__name__
    temporary = ("locked", "deadlock", "timeout", "connection", "terminat", "shut", "serializ")
    if any(word in reason.lower() for word in temporary):
        return TryAgain(f"the store could not be written: {reason}", code="WHERRY-6020")
    return _cannot_open(url, error)


def _cannot_open(url: sa.URL, error: DBAPIError) -> ConfigError:
    reason = str(error.orig).splitlines()[0] if error.orig else str(error)
    fixes = {
        "readonly": "give the user who runs Wherry the right to write there",
        "unable to open": "check that the folder exists and may be written",
        "locked": "another process holds it: wait for that run, or stop it",
        "malformed": "the file is damaged: restore a backup",
        "not a database": "the file is not a store: restore a backup, or name another file",
        "full": "make room on the disk and run again; nothing was lost",
    }
    fix = next(
        (fix for word, fix in fixes.items() if word in reason),
        "check [store] url and that the server answers",
    )
    shown = url.render_as_string(hide_password=True)
    return ConfigError(f"the store {shown} cannot be used: {reason}", fix=fix, code="WHERRY-2312", key="store.url")
