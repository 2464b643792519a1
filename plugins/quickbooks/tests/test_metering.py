"""Metered reads: counted by app and month, written now and then, shown by status, warned of at 70 %."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from msgspec import Struct
from wherry.cli import app
from wherry.metered import METERED
from wherry.roles import Services
from wherry.simulator import Clock, serve
from wherry.store import Store
from wherry.testing.services import SharedClock, services
from wherry_quickbooks.client import Client
from wherry_quickbooks.metering import EVERY, Meter, flush_all, reads
from wherry_quickbooks.settings import MONTHLY, QuickBooksSettings
from wherry_quickbooks.simulator import QuickBooksSimulator

REALM = "123146000000001"
OAUTH = {"kind": "oauth2", "client_id": "app-1", "client_secret": {"env": "BOOKS_CLIENT_SECRET"}}


class Books(Struct):
    sim: QuickBooksSimulator
    kit: Services
    url: str

    def client(self, **said: Any) -> Client:
        given = {"base_url": self.url, "environment": "simulator", "realm": REALM, "auth": OAUTH, **said}
        return Client(self.kit, QuickBooksSettings.model_validate(given))


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    clock = Clock("2026-03-31T17:00:00+00:00")
    sim = QuickBooksSimulator(clock=clock, companies=(REALM,), limits="none")
    with serve(sim.app()) as url, services(tmp_path, clock=SharedClock(clock)) as kit:
        yield Books(sim, kit, url)


def written(books: Books) -> int:
    """What stands in the store, all months together."""
    with books.kit.documents() as documents:
        return sum(body["used"] for _, body in documents.each(METERED))


def test_every_read_is_counted_and_no_write():
    counts = {
        "GET /v3/company/{id}/companyinfo/{id}": 2, "POST /v3/company/{id}/query": 3, "GET /v3/company/{id}/cdc": 1,
        "POST /v3/company/{id}/invoice": 50, "POST /v3/company/{id}/batch": 9, "POST /oauth2/v1/tokens/bearer": 4,
        "GET /.well-known/openid_configuration": 1,
    }  # fmt: skip
    assert reads(counts) == 6


def test_all_that_a_client_reads_stands_in_the_store_in_the_end(books):
    client = books.client()
    client.company()
    for _ in range(40):
        client.count("Customer")
    client.changes(["Customer"], books.sim.clock.date())
    flush_all()
    sent = sum(entry.kind == "request" for entry in books.sim.history.entries)
    assert written(books) == sent == 43
    assert client.meter.use().used == 43


def test_a_read_that_was_repeated_counts_as_often_as_it_was_sent(books):
    books.sim.faults.add("status", status=503, times=2)
    client = books.client()
    client.count("Customer")
    assert client.meter.use().used == 3


def test_few_writes_for_many_reads_and_little_lost_in_a_crash(books, monkeypatch):
    client, flushed = books.client(), []
    add = Meter._add
    monkeypatch.setattr(Meter, "_add", lambda self, count: (flushed.append(count), add(self, count)))
    begun = books.sim.clock.now()
    for _ in range(200):
        client.count("Customer")
    assert len(flushed) <= books.sim.clock.now() - begun + 1
    assert 200 - written(books) < EVERY


def test_the_first_read_is_written_at_once_and_a_slow_reader_loses_nothing(books):
    client = books.client()
    for n in range(5):
        client.count("Customer")
        assert written(books) == n + 1
        books.sim.clock.advance(1)


def test_connections_of_one_app_count_together_and_those_of_another_apart(books):
    one, same = books.client(), books.client(minor_version=80)
    other = books.client(auth={**OAUTH, "client_id": "app-2"})
    for client in (one, same, other):
        client.count("Customer")
    assert (one.meter.use().used, same.meter.use().used, other.meter.use().used) == (2, 2, 1)


def test_a_new_month_begins_at_nothing(books):
    client = books.client()
    client.count("Customer")
    assert (client.meter.use().month, client.meter.use().used) == ("2026-03", 1)
    books.sim.clock.advance(86_400)
    client.count("Customer")
    assert (client.meter.use().month, client.meter.use().used) == ("2026-04", 1)


def test_the_same_app_is_the_same_however_its_id_is_kept(books, monkeypatch):
    monkeypatch.setenv("BOOKS_CLIENT_ID", "app-1")
    plain, referred = books.client(), books.client(auth={**OAUTH, "client_id": {"env": "BOOKS_CLIENT_ID"}})
    assert plain.meter.app == referred.meter.app
    assert "app-1" not in plain.meter.app


def test_an_app_whose_id_cannot_be_read_is_still_counted(books):
    stored = books.client(auth={**OAUTH, "client_id": {"stored": True}})
    stored.count("Customer")
    assert stored.meter.use().used == 1


def test_a_store_that_cannot_be_written_ends_no_read(books, monkeypatch):
    def broken(self: Meter, count: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Meter, "_add", broken)
    with structlog.testing.capture_logs() as logs:
        assert books.client().count("Customer") == 0
    assert [entry["event"] for entry in logs] == ["metered reads were not written down"]


def test_crossing_70_percent_is_told_once(books):
    client = books.client()
    client.meter.limit = 10
    with structlog.testing.capture_logs() as logs:
        for _ in range(10):
            books.sim.clock.advance(2)
            client.count("Customer")
    told = [entry for entry in logs if entry["log_level"] == "warning"]
    assert [(entry["used"], entry["limit"]) for entry in told] == [(7, 10)]


# -- what status shows -------------------------------------------------------------------------------------------------

PROJECT = """
version = 1
[project]
name = "shop"
currency = "USD"
[plugins]
enabled = ["quickbooks"]
[connections.books]
plugin = "quickbooks"
base_url = "http://127.0.0.1:1"
environment = "simulator"
realm = "123146000000001"
auth = { kind = "oauth2", client_id = "app-1", client_secret = { env = "BOOKS_CLIENT_SECRET" } }
"""


Status = Callable[[], str]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "wherry.toml").write_text(PROJECT)
    return folder


@pytest.fixture
def status(project: Path, capsys: pytest.CaptureFixture[str]) -> Status:
    """What the command shows, on both channels."""

    def shown() -> str:
        capsys.readouterr()
        assert app.run(["-C", str(project), "status"]) == 0
        told = capsys.readouterr()
        return told.out + told.err

    shown()
    return shown


def use(folder: Path, used: int) -> None:
    """What a connection's meter writes down, in the project's own store."""
    from wherry.clock import SystemClock

    clock = SystemClock()
    store = Store(f"sqlite:///{folder / '.wherry' / 'wherry.db'}", clock, folder / ".wherry" / "files")
    with services(folder, clock=clock) as kit:
        mine = Services(
            log=kit.log, clock=clock, http=kit.http, cache=store.cache("books"), fan_out=kit.fan_out,
            documents=lambda: store.documents("quickbooks"),
        )  # fmt: skip
        settings = QuickBooksSettings.model_validate({"environment": "production", "auth": OAUTH})
        Meter(mine, settings, lambda: {"GET /v3/company/{id}/item/{id}": used}).flush()
    store.close()


def test_status_shows_what_is_used_of_the_months_reads(project, status):
    use(project, 1234)
    text = status()
    assert f"metered  books: 1,234 of {MONTHLY:,} CorePlus reads in " in text
    assert "has used" not in text


def test_status_warns_from_70_percent_on(project, status):
    """The issue: metered reads are shown in status and warned of at 70 %."""
    use(project, MONTHLY * 7 // 10 - 1)
    assert "has used" not in status()
    use(project, 1)
    assert "connection books has used 70 % of its 500,000 CorePlus reads" in status()


def test_status_says_nothing_of_meters_where_nothing_was_read(status):
    assert "metered" not in status()
