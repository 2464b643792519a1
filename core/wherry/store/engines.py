"""How each database is opened: what its sessions are told, how long they wait, when they are tried anew, and what is
said where it cannot be used."""

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
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.util import LRUCache

from wherry.errors import ConfigError, TryAgain, WherryError

_IDLE = 5.0
"""Seconds after which a pooled session may have been closed by its server or on the way."""
_PATIENCE = 30_000
"""Milliseconds that a writer waits for its turn, on either database, before it is told to come again."""
_SIGNS_OF_LIFE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 6}
"""Seconds, and a number: who is gone without a word, such as a machine without power, is missed after a minute and a
half on either side, not after the two hours that are usual. So long its locks are held."""
_TO_CONNECT = 30
"""Seconds that a server may take to let us in."""
HELD_UP = "WHERRY-6020"
"""The code of what is raised while others hold the store, or its server is out of reach."""
LOST = "WHERRY-6021"
"""The code of what is raised once the session that held a lock has died."""
_PASSES = ("starting up", "shutting down", "recovery", "too many")
"""Words of a server that turns callers away for a while."""
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
    given = url.normalized_query
    settings: dict[str, Any] = {"enable_seqscan": "off", "jit": "off", "lock_timeout": _PATIENCE}
    settings |= {f"tcp_{name}": value for name, value in _SIGNS_OF_LIFE.items()}
    options = [*given.get("options", ()), *(f"-c {name}={value}" for name, value in settings.items())]
    usual = {**_SIGNS_OF_LIFE, "connect_timeout": _TO_CONNECT}
    keyed: dict[str, Any] = {name: value for name, value in usual.items() if name not in given}
    keyed |= {"options": " ".join(options), "prepare_threshold": None}
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


def lock_lost(name: str) -> TryAgain:
    """What a process that held the lock may do no longer."""
    return TryAgain(
        f"the database session that held {name} was lost", code=LOST,
        fix="run it again; where a pooler is between, let it keep a session for each client (pool_mode = session)",
    )  # fmt: skip


def unusable(url: sa.URL, error: DBAPIError) -> WherryError:
    """A held lock or a lost server is temporary; anything else has to be mended by somebody."""
    reason = _reason(error)
    temporary = ("locked", "deadlock", "timeout", "connection", "terminat", "shut", "serializ")
    if error.connection_invalidated or any(word in reason.lower() for word in temporary):
        return TryAgain(f"the store could not be used: {reason}", code=HELD_UP)
    return _cannot_open(url, error)


def not_opened(url: sa.URL, error: DBAPIError) -> WherryError:
    """A server that does not answer may answer later; one that turns us away will do so again."""
    reason = _reason(error)
    if getattr(error.orig, "sqlstate", None):  # it let us in, and refused something else
        return unusable(url, error)
    turned_away = "FATAL" in reason and not any(word in reason for word in _PASSES)
    if turned_away or not url.drivername.startswith("postgres"):
        return _cannot_open(url, error)
    return TryAgain(
        f"the store {_shown(url)} does not answer: {reason}", code=HELD_UP, key="store.url",
        fix="start its server, or correct [store] url; then run it again: nothing was lost",
    )  # fmt: skip


def _cannot_open(url: sa.URL, error: DBAPIError) -> ConfigError:
    reason = _reason(error)
    fixes = {
        "readonly": "give the user who runs Wherry the right to write there",
        "unable to open": "check that the folder exists and may be written",
        "locked": "another process holds it: wait for that run, or stop it",
        "malformed": "the file is damaged: restore a backup",
        "not a database": "the file is not a store: restore a backup, or name another file",
        "permission denied": "let that user make and change tables in its schema there",
        "disk": "make room on the disk, or mend it, and run again; nothing that was settled is lost",
    }
    fix = next((fix for word, fix in fixes.items() if word in reason), "check [store] url, and who may sign in there")
    said = f"the store {_shown(url)} cannot be used: {reason}"
    return ConfigError(said, fix=fix, code="WHERRY-2312", key="store.url")


def _reason(error: DBAPIError) -> str:
    return str(error.orig).splitlines()[0] if error.orig else type(error).__name__


def _shown(url: sa.URL) -> str:
    return url.render_as_string(hide_password=True)
