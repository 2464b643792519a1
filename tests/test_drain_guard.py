"""What keeps a drain from writing at all: another owner, another company, a store that is older than what was sent."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from wherry.clock import SystemClock
from wherry.errors import Busy, TryAgain
from wherry.store import Store

from .drained import Books, books


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Books]:
    with books(tmp_path, f"sqlite:///{tmp_path / 'store' / 'wherry.db'}", monkeypatch) as made:
        yield made


@pytest.fixture
def either(tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Books]:
    """On both databases."""
    with books(tmp_path, store_url, monkeypatch) as made:
        yield made


# -- a restored backup -------------------------------------------------------------------------------------------------


def restored(desk: Books) -> None:
    desk.copy("kept-", "")
    desk.clock.tide.advance(60)


def test_a_restored_backup_is_noticed_and_everything_is_looked_for_before_anything_is_sent(desk: Books) -> None:
    """case_A21, rule 12"""
    desk.bill("1")
    desk.run()
    desk.copy("", "kept-")
    desk.bills(4)
    desk.bill("1", "11.00")
    desk.run()
    before = desk.effects()
    restored(desk)
    assert desk.run().exit_code == 0
    assert desk.effects() == before
    assert desk.items() == {}
    desk.bill("5", "5.10")
    assert desk.run().exit_code == 0
    assert desk.done("5") == [("created", "5.10")]


def test_a_second_attempt_in_a_restored_backup_is_looked_for_like_a_first(desk: Books) -> None:
    """case_A21: what was proved absent before the backup was sent after it"""
    desk.bill("1")
    desk.run()
    desk.bill("2", "20.00")
    desk.fault("dropped")
    desk.crash("after", "_conclude")
    desk.died()
    assert desk.item("2").attempt == 2
    desk.copy("", "kept-")
    desk.run()
    assert desk.done("2") == [("created", "20.00")]
    restored(desk)
    desk.run()
    assert desk.done("2") == [("created", "20.00")]


def test_a_backup_that_is_restored_on_another_machine_is_looked_up_first_as_well(desk: Books) -> None:
    """case_A21: the number of the last call did not come along"""
    desk.bill("1")
    desk.run()
    desk.copy("", "kept-")
    desk.bills(4)
    desk.run()
    before = desk.effects()
    restored(desk)
    (desk.folder / ".wherry" / "calls-sent").unlink()
    assert desk.run().exit_code == 0
    assert desk.effects() == before
    desk.bill("5", "5.10")
    reads = len(desk.reads())
    assert desk.run().exit_code == 0
    assert desk.done("5") == [("created", "5.10")]
    assert len(desk.reads()) == reads, "it is noticed once"


def test_a_restored_backup_of_books_that_cannot_be_asked_leaves_what_may_have_been_sent_to_a_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """case_A21, case_A26"""
    with books(tmp_path, f"sqlite:///{tmp_path / 'store' / 'wherry.db'}", monkeypatch, "none") as desk:
        desk.bill("1")
        desk.run()
        desk.copy("", "kept-")
        desk.bill("2", "20.00")
        desk.run()
        restored(desk)
        desk.run()
        assert desk.done("2") == [("created", "20.00")]


def test_an_update_of_a_restored_backup_is_not_made_twice(desk: Books) -> None:
    desk.bill("1")
    desk.run()
    desk.copy("", "kept-")
    for total in ("12.00", "13.00"):
        desk.bill("1", total)
        desk.run()
    restored(desk)
    assert desk.run().exit_code == 0
    assert desk.done() == [("created", "10.00"), ("updated", "12.00"), ("updated", "13.00")]


# -- the right company -------------------------------------------------------------------------------------------------


def test_nothing_is_sent_when_the_sign_in_opens_another_company(either: Books) -> None:
    """I12, rule 9, case_E6"""
    either.bill("1")
    either.run()
    either.bill("2")
    either.target.reach("T-2")
    writes = len(either.writes())
    report = either.run()
    assert report.exit_code == 7
    assert "T-2" in str(report.error)
    assert len(either.writes()) == writes
    either.target.reach("T-1")
    assert either.run().exit_code == 0
    assert either.done("2") == [("created", "10.00")]
    assert {effect.detail["company"] for effect in either.target.stage.history.effects()} == {"T-1"}


# -- one owner ---------------------------------------------------------------------------------------------------------


HOLD = """
import sys
from pathlib import Path
from wherry.clock import SystemClock
from wherry.store import Store
with Store(sys.argv[1], SystemClock(), Path(sys.argv[2])).lock("drain:2"):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def other_owner(desk: Books) -> Iterator[None]:
    """Another process that drains the target, and lives."""
    command = [sys.executable, "-c", HOLD, desk.store_url, str(desk.folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield
        process.communicate()


def test_while_a_living_process_owns_the_target_nobody_else_sends(
    either: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """case_A16, case_A17, rule 7: no clock ends it"""
    monkeypatch.setattr("wherry.protocol.drain._WAIT", 0.0)
    either.bill("1")
    either.run()
    either.bill("2")
    writes = len(either.writes())
    with other_owner(either):
        either.clock.tide.advance(7 * 24 * 3600)
        report = either.run()
        assert report.exit_code == 9
        assert isinstance(report.error, Busy)
        assert len(either.writes()) == writes
    assert either.run().exit_code == 0
    assert either.done("2") == [("created", "10.00")]


def test_a_session_that_lost_its_lock_sends_nothing_more(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock of PostgreSQL ends with its session, through which SENDING is committed."""
    with books(tmp_path, postgres_url, monkeypatch) as desk:
        desk.bill("1")
        desk.run()
        desk.bill("2")
        writes = len(desk.writes())
        real = desk._pause

        def cut(place: str) -> None:
            if place == "before" and desk.commits and desk.commits[-1] == "_recover":
                kill_sessions(postgres_url)
            real(place)

        monkeypatch.setattr(desk, "_pause", cut)
        report = desk.run()
        assert report.exit_code == 6
        assert len(desk.writes()) == writes
        monkeypatch.undo()


def test_who_lost_its_lock_while_a_call_waited_for_its_turn_does_not_send_it(
    tmp_path: Path, postgres_tables: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rule 7: the server ends all sessions in that wait, and another process takes over"""
    with books(tmp_path, postgres_tables, monkeypatch) as desk:
        desk.bill("1")
        desk.run()
        desk.bill("2", "2.00")
        desk.bill("3", "3.00")
        desk.fault("status", status=429, times=1, headers={"Retry-After": "200"})

        def taken_over() -> None:
            kill_sessions(postgres_tables)
            with desk.open() as hub:
                hub.drain("books")

        desk.clock.at(10.0, taken_over)
        assert desk.run().exit_code == 6
        assert desk.done("2") == [("created", "2.00")]
        assert desk.done("3") == [("created", "3.00")]


def test_a_lock_that_a_pooler_left_with_another_session_is_not_held(postgres_tables: str, tmp_path: Path) -> None:
    with contextlib.closing(Store(postgres_tables, SystemClock(), tmp_path)) as store, store.lock("drain:2") as held:
        held.check()
        with held.write():
            pass
        held._backend = -1
        with pytest.raises(TryAgain):
            held.check()
        with pytest.raises(TryAgain), held.write():
            raise AssertionError


def kill_sessions(url: str) -> None:
    """End all sessions of the store."""
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid()"
        )
        held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (" \
               "SELECT oid FROM pg_database WHERE datname = current_database())"  # fmt: skip
        for _ in range(200):  # a session ends a moment after it was told to
            if not connection.exec_driver_sql(held).scalar():
                break
            time.sleep(0.02)
    engine.dispose()


# -- what it costs -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [1, 5])
def test_a_group_takes_two_durable_commits(either: Books, batch: int) -> None:
    """Rule 3.6: one that freezes the next calls and settles the last, one that stores the raw answers"""
    either.batch = batch
    either.bill("0")
    either.run()
    either.bills(20)
    either.commits.clear()
    assert either.run().exit_code == 0
    groups = 20 // batch
    spent = [name for name in either.commits if name.startswith("_")]
    assert spent.count("_keep_replies") == groups
    assert spent.count("_advance") <= groups + 6
    assert len(either.effects()) == 21
