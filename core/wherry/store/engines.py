"""How each database is opened: what its sessions are told, how long they wait, when they are tried anew."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.util import LRUCache

_IDLE = 5.0
"""Seconds after which a pooled session may have been closed by its server or on the way."""
_PATIENCE = 30_000
"""Milliseconds that a writer waits for its turn, on either database, before it is told to come again."""
_COMPILED: LRUCache[Any, Any] = LRUCache(1000)
"""What was compiled for one SQLite file serves the next one of this process."""


class Alike(SQLiteDialect_pysqlite):
    """SQLite as ever, but of one mind: a statement compiled for one file is known for the next."""

    supports_statement_cache = True

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))


registry.register("sqlite.alike", __name__, Alike.__name__)


def sqlite(url: sa.URL) -> Engine:
    if url.database and url.database != ":memory:":
        folder = Path(url.database).parent
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _private(Path(url.database))
    keyed = {"timeout": _PATIENCE / 1000, "check_same_thread": False}
    alike = url.set(drivername="sqlite+alike")
    engine = sa.create_engine(alike, connect_args=keyed, hide_parameters=True)
    engine = engine.execution_options(compiled_cache=_COMPILED)

    @sa.event.listens_for(engine, "connect")
    def prepare(raw: Any, record: Any) -> None:
        raw.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            f"busy_timeout={_PATIENCE}",
            "foreign_keys=ON",
        ):
            raw.execute(f"PRAGMA {pragma}")

    return engine


def postgresql(url: sa.URL) -> Engine:
    """Sessions that were idle for a while are tried before they are used, and replaced where the server has gone.

    Everything is looked up by its key: a plan that was made while a table was small must not read it whole later,
    nor what such a plan is made to seem to cost call for its compilation. psycopg prepares nothing of its own: with
    a rollback it would forget all that is prepared, ours too.
    """
    options = f"-c enable_seqscan=off -c jit=off -c lock_timeout={_PATIENCE}"
    keyed: dict[str, Any] = {"options": options, "prepare_threshold": None}
    # The session that was used last is the one that knows most: its statements are prepared, its tables looked up.
    pooled: dict[str, Any] = {"pool_use_lifo": True, "isolation_level": "AUTOCOMMIT"}
    whole = url.set(drivername="postgresql+psycopg")
    engine = sa.create_engine(whole, connect_args=keyed, hide_parameters=True, **pooled)

    @sa.event.listens_for(engine, "checkin")
    def leave(raw: Any, record: Any) -> None:
        record.info["left"] = time.monotonic()

    @sa.event.listens_for(engine, "checkout")
    def take(raw: Any, record: Any, proxy: Any) -> None:
        if time.monotonic() - record.info.get("left", time.monotonic()) > _IDLE:
            try:
                engine.dialect.do_ping(raw)
            except engine.dialect.loaded_dbapi.Error:
                raise DisconnectionError from None

    return engine


def _private(path: Path) -> None:
    """Other users of the machine have no business in the store: it is made 0600 before SQLite makes it 0644."""
    with contextlib.suppress(FileExistsError, PermissionError, OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))
