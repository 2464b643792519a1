"""What the core's tests share: a clock of their own, a store on both databases, the folder of shared contracts."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from wherry.store import Store
from wherry.testing import postgres
from wherry.testing.clock import FakeClock

from .staging import stages
from .warm import warm

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


@pytest.fixture(autouse=True, scope="session")
def _staged() -> Iterator[None]:
    """What was set up once for many is there until the end."""
    yield
    stages.close()
    warm.close()


# -- PostgreSQL: a URL from the environment, the distribution's server, the wheel, or a reason -----------------------


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    try:
        with postgres.server() as url:
            yield url
    except postgres.NoServer as none:
        pytest.skip(f"no PostgreSQL: {none}")


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """An empty database of its own for one test."""
    with _database(postgres_server) as url:
        yield url


@pytest.fixture(scope="session")
def postgres_emptied(postgres_server: str) -> Iterator[Callable[[], str]]:
    """Empties the one database that tests with tables share: to make one for each took ten times as long."""
    with postgres.database(postgres_server) as emptied:
        yield emptied


@pytest.fixture
def postgres_tables(postgres_emptied: Callable[[], str]) -> str:
    """A database with the tables, in which nothing is."""
    return postgres_emptied()


@contextlib.contextmanager
def _database(server: str) -> Iterator[str]:
    name = f"t{uuid.uuid4().hex[:12]}"
    admin = sa.create_engine(sa.make_url(server).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
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
    return _url(request, tmp_path, "postgres_tables")


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
