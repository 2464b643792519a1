"""What may have been sent that the store does not know of: older copies of it, and what was never looked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from wherry.errors import ConfigError
from wherry.operating import deciding
from wherry.operating import desk as kept
from wherry.protocol.restored import Beside

from .drained import Books, books, crash

REFUSED: dict[str, Any] = {"status": 422, "body": {"error": {"code": "bad-amount", "message": "period closed"}}}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Books]:
    with books(tmp_path, f"sqlite:///{tmp_path / 'store' / 'wherry.db'}", monkeypatch) as made:
        yield made


@pytest.fixture
def mute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Books]:
    """Books on a target that can neither be asked nor recognises what comes again."""
    with books(tmp_path, f"sqlite:///{tmp_path / 'store' / 'wherry.db'}", monkeypatch, "none") as made:
        yield made


def restored(desk: Books) -> None:
    desk.copy("kept-", "")
    desk.clock.tide.advance(600)


def beside(desk: Books) -> Path:
    return desk.folder / ".wherry" / "calls-sent"


def try_again(desk: Books) -> None:
    with desk.open() as hub:
        deciding.retry(hub, kept.all_of(hub, "refused"))


# -- a restored backup -------------------------------------------------------------------------------------------------


def test_what_the_target_refused_before_a_restored_backup_is_looked_for_when_it_is_tried_again(desk: Books) -> None:
    """case_A21: it was tried again, and made, after the backup; another run was complete meanwhile"""
    desk.bill("1")
    desk.run()
    desk.bill("2", "20.00")
    desk.fault("status", **REFUSED)
    desk.run()
    desk.copy("", "kept-")
    try_again(desk)
    assert desk.done("2") == [("created", "20.00")]
    restored(desk)
    desk.bill("3", "3.00")
    assert desk.run().exit_code == 4
    try_again(desk)
    assert desk.items() == {}
    assert desk.done("2") == [("created", "20.00")]


def test_what_waits_for_weeks_does_not_let_a_restored_backup_send_again_where_nobody_can_be_asked(mute: Books) -> None:
    """case_A21, case_A26"""
    mute.bill("1")
    mute.bill("9", "9.00", customer={"id": "9", "name": "x" * 500, "number": "C-9"})
    mute.run()
    assert mute.states()["invoice/id:9"] == "waiting"
    mute.copy("", "kept-")
    mute.bill("2", "2.00")
    mute.run()
    restored(mute)
    mute.run()
    assert mute.done("2") == [("created", "2.00")]
    assert mute.states()["invoice/id:2"] == "decide"
    mute.bill("3", "3.00")
    mute.run()
    assert mute.done("3") == [("created", "3.00")], "what came after all had been read again was never sent"


def test_a_backup_on_another_machine_sends_nothing_again_where_nobody_can_be_asked(mute: Books) -> None:
    mute.bill("1")
    mute.run()
    mute.copy("", "kept-")
    mute.bill("2", "2.00")
    mute.run()
    restored(mute)
    beside(mute).unlink()
    mute.run()
    assert mute.done("2") == [("created", "2.00")]
    assert mute.states() == {"invoice/id:2": "decide"}


def test_a_restored_backup_that_is_stopped_while_it_lets_the_target_settle_waits_for_the_rest(desk: Books) -> None:
    """case_A21: what left just before it was restored is carried out 20 seconds later"""
    desk.bill("1")
    desk.run()
    desk.copy("", "kept-")
    desk.bill("2", "20.00")
    desk.fault("late")
    desk.clock.at(20.0, desk.target.stage.release)
    desk.crash("before", "_send")
    desk.died()
    desk.copy("kept-", "")
    desk.clock.at(5.0, crash)
    desk.died()
    desk.clock.slept.clear()
    assert desk.run().exit_code == 0
    assert desk.clock.waited == pytest.approx(55.0, abs=0.1)
    assert desk.done("2") == [("created", "20.00")]


def test_who_dies_while_he_notices_an_older_copy_notices_it_again(desk: Books) -> None:
    desk.bill("1")
    desk.run()
    desk.copy("", "kept-")
    desk.bill("2", "2.00")
    desk.run()
    restored(desk)
    beside(desk).unlink()
    desk.crash("inside", "_recover")
    desk.died()
    assert desk.run().exit_code == 0
    assert desk.done("2") == [("created", "2.00")]


# -- the file beside ---------------------------------------------------------------------------------------------------


def test_a_damaged_file_beside_the_store_is_taken_for_none(desk: Books) -> None:
    """A machine that lost its power may leave a file of zeros."""
    desk.bill("1")
    desk.run()
    beside(desk).write_bytes(b"\0" * 20)
    desk.bill("2")
    assert desk.run().exit_code == 0
    assert desk.done("2") == [("created", "10.00")]
    assert int(beside(desk).read_bytes()) == len(desk.sent())


def test_a_file_beside_the_store_that_does_not_fit_on_the_disk_is_said_so() -> None:
    with pytest.raises(ConfigError, match="No space left on device") as caught:
        Beside(Path("/dev/full")).reach(1)
    assert caught.value.code == "WHERRY-2314"


def test_without_the_file_beside_the_store_nothing_is_frozen(mute: Books) -> None:
    mute.bill("1")
    mute.run()
    beside(mute).unlink()
    beside(mute).mkdir()
    mute.bill("2")
    report = mute.run()
    assert isinstance(report.error, ConfigError)
    assert mute.states() == {"invoice/id:2": "queued"}
    beside(mute).rmdir()
    beside(mute).write_text(f"{len(mute.sent()):020d}")
    assert mute.run().exit_code == 0
    assert mute.done("2") == [("created", "10.00")]


# -- what was there before Wherry --------------------------------------------------------------------------------------


def test_what_could_not_be_mapped_at_first_is_looked_for_once_it_can(desk: Books) -> None:
    """case_C20: somebody entered it by hand meanwhile"""
    desk.bill("1")
    desk.bill("2", "not money")
    assert desk.run().exit_code == 4
    desk.bill("2", "no money either")
    assert desk.run().exit_code == 4
    desk.target.enter(kind="invoice", number="INV-2", total="20.00", currency="GBP")
    desk.clock.tide.advance(600)
    desk.bill("2", "20.00")
    assert desk.run().exit_code == 4
    assert desk.states() == {"invoice/id:2": "decide"}
    assert desk.done("2") == [("entered", "20.00")]


# -- a database on a server --------------------------------------------------------------------------------------------


@pytest.fixture
def server(postgres_url: str) -> Iterator[Callable[[str], None]]:
    """Makes a database out of a copy of the one of this test, or of that copy, which is ``<its name>_kept``."""
    url = sa.make_url(postgres_url)
    beginning = url.set(drivername="postgresql+psycopg", database="postgres")
    admin = sa.create_engine(beginning, isolation_level="AUTOCOMMIT")

    def copied(source: str, goal: str) -> None:
        with admin.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {goal} WITH (FORCE)")
            connection.exec_driver_sql(f"CREATE DATABASE {goal} TEMPLATE {source}")

    yield lambda way: copied(*((url.database, f"{url.database}_kept")[:: 1 if way == "kept" else -1]))
    with admin.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {url.database}_kept")
    admin.dispose()


def test_a_backup_of_a_server_is_found_by_the_first_host_that_sends_though_another_one_sent_since(
    tmp_path: Path, postgres_url: str, server: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """case_A21: each host has its own number of calls beside it, and that of this one was not ahead"""
    with books(tmp_path, postgres_url, monkeypatch, "none") as desk:
        desk.bill("1")
        desk.run()
        number = beside(desk).read_bytes()
        server("kept")
        desk.bill("2", "2.00")
        desk.run()
        server("put back")
        beside(desk).write_bytes(number)
        desk.run()
        assert desk.done("2") == [("created", "2.00")]
        assert desk.states() == {"invoice/id:2": "decide"}
