"""PostgreSQL without waiting: what is told arrives in order, what fails is heard of, and the session stays usable."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError, ProgrammingError
from wherry import clock
from wherry.errors import Busy, TryAgain
from wherry.store import engines, locks, pipeline
from wherry.store.database import Database, Tx

ENTER = "INSERT INTO kept (id, words, flag, raw) VALUES (%s, %s, %s, %s)"
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=50)
ROWS = st.tuples(st.none() | TEXTS, st.none() | st.booleans(), st.none() | st.binary(max_size=200))


@pytest.fixture
def database(postgres_url: str) -> Iterator[Database]:
    found = Database(postgres_url)
    with found.write() as tx:
        tx.run(sa.text("CREATE TABLE kept (id BIGINT PRIMARY KEY, words TEXT, flag BOOLEAN, raw BYTEA)"))
    yield found
    found.close()


def tell(tx: Tx, *rows: tuple[Any, ...]) -> None:
    tx.driver.run_many(ENTER, rows)


def kept(tx: Tx) -> list[tuple[Any, ...]]:
    return list(tx.driver.run("SELECT id, words, flag, raw FROM kept ORDER BY id", (), gives=True))


def tell_meta(tx: Tx) -> None:
    """Something that has arrived, so that the writer's place is taken."""
    tx.driver.run("SELECT 1", (), gives=True)


def write_nothing(database: Database) -> None:
    with database.write() as tx:
        tell_meta(tx)


@contextlib.contextmanager
def interrupted_soon() -> Iterator[None]:
    """Ctrl-C, a moment from now."""
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def tell_twice_and_ask(tx: Tx) -> None:
    tell(tx, (1, "", None, None), (1, "", None, None))
    kept(tx)


def tell_and_lose_the_server(tx: Tx) -> None:
    tell(tx, (1, "lost", None, None))
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
    tx.driver.run(end, (), gives=True)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(ROWS, max_size=5), first=st.integers(-(2**62), 2**62))
def test_every_value_comes_back_as_it_was_told(database: Database, values: list[Any], first: int) -> None:
    told = [(first + number, *value) for number, value in enumerate(values)]
    with database.rehearse() as tx:
        tell(tx, *told)
        assert kept(tx) == told


def test_more_than_the_network_holds_at_once_arrives_whole(database: Database) -> None:
    told = [(number, "x" * 40_000, True, b"\0\1" * 10_000) for number in range(300)]
    with database.write() as tx:
        tell(tx, *told)
    with database.read() as tx:
        assert kept(tx) == told


def test_a_statement_that_failed_is_heard_of_at_the_latest_with_the_commit(database: Database) -> None:
    """I3"""
    with pytest.raises(IntegrityError), database.write() as tx:
        tell(tx, (1, "first", None, None), (1, "again", None, None), (2, "never", None, None))
    with database.write() as tx:
        assert kept(tx) == []


def test_a_session_works_on_after_a_failure_also_with_statements_first_told_behind_it(database: Database) -> None:
    """What was to be prepared behind a failed statement is not taken for prepared."""
    for _ in range(2):
        with pytest.raises(IntegrityError), database.write() as tx:
            tell_twice_and_ask(tx)
    with database.write() as tx:
        tell(tx, (1, "once", None, None))
        assert kept(tx) == [(1, "once", None, None)]


def fail_after_many(database: Database) -> None:
    with database.write() as tx:
        for _ in range(10):
            tx.rows(sa.select(sa.literal(1)))
        tell(tx, (1, "", None, None))
        raise RuntimeError


def test_what_is_prepared_outlives_a_transaction_that_is_rolled_back(database: Database) -> None:
    """psycopg forgets everything that is prepared when it rolls back, if it has prepared anything itself."""
    with pytest.raises(RuntimeError):
        fail_after_many(database)
    with database.write() as tx:
        tell(tx, (1, "there", None, None))
        assert kept(tx) == [(1, "there", None, None)]


def test_a_text_that_postgresql_would_cut_at_its_nul_is_kept_whole_with_a_sign_in_its_place(database: Database) -> None:
    """An id that ends early would be another record's."""
    with database.write() as tx:
        tell(tx, (1, "536365\0C", None, None))
    with database.read() as tx:
        assert kept(tx) == [(1, "536365\N{REPLACEMENT CHARACTER}C", None, None)]


def test_what_the_store_does_not_keep_is_named(database: Database) -> None:
    """No float reaches a column, of money least of all."""
    with pytest.raises(TypeError, match="a float is not kept"), database.write() as tx:
        tell(tx, (1, 0.1, None, None))
    with database.read() as tx:
        assert kept(tx) == []


def test_a_percent_sign_of_the_statement_is_no_place_for_a_value(database: Database) -> None:
    with database.write() as tx:
        tell(tx, (7, "seven", None, None))
        assert list(tx.driver.run("SELECT id %% 4 FROM kept WHERE words LIKE %s", ("se%",), gives=True)) == [(3,)]


def test_what_is_read_in_one_transaction_is_of_one_moment(database: Database) -> None:
    """I17: or a row that another process adds between two questions looks like one that is missing."""
    other = Database(database.url.render_as_string(hide_password=False))
    with database.read() as tx:
        assert kept(tx) == []
        with other.write() as beside:
            tell(beside, (1, "", None, None))
        assert kept(tx) == []
    other.close()


def test_who_waits_too_long_for_the_writers_place_is_told_to_come_again(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """case_A17: another process is stopped in the middle of its turn."""
    first = Database(postgres_url)
    monkeypatch.setattr(engines, "_PATIENCE", 100)
    second = Database(postgres_url)
    with first.write() as tx:
        tell_meta(tx)
        with pytest.raises(TryAgain, match="lock timeout"):
            write_nothing(second)
    write_nothing(second)
    first.close()
    second.close()


@pytest.mark.parametrize("patience", ["_SILENT", "_LEAVING"])
def test_a_server_that_falls_silent_is_not_waited_for_for_ever(
    database: Database, monkeypatch: pytest.MonkeyPatch, patience: str
) -> None:
    """case_E17: nor does a process that is to end wait as long as another would"""
    monkeypatch.setattr(pipeline, patience, 1)
    monkeypatch.setattr(clock, "is_stopping", lambda: patience == "_LEAVING")
    with pytest.raises(TryAgain, match="has not answered for 1 s"), database.write() as tx:
        tx.driver.run("SELECT pg_sleep(2)", (), gives=True)
    with database.read() as tx:
        assert kept(tx) == []


def test_who_is_interrupted_in_that_queue_leaves_at_once(postgres_url: str) -> None:
    first, second = Database(postgres_url), Database(postgres_url)
    with first.write() as tx:
        tell_meta(tx)
        with interrupted_soon(), pytest.raises(KeyboardInterrupt):
            write_nothing(second)
    write_nothing(second)
    first.close()
    second.close()


def test_many_who_wait_to_write_leave_sessions_to_those_who_read(postgres_url: str) -> None:
    database = Database(postgres_url)
    threads = [threading.Thread(target=write_nothing, args=(database,)) for _ in range(20)]
    with database.write() as tx:
        tell_meta(tx)
        for thread in threads:
            thread.start()
        with database.read() as beside:
            assert beside.value(sa.text("SELECT 1")) == 1  # type: ignore[arg-type]
    for thread in threads:
        thread.join()
    database.close()


def test_an_error_does_not_tell_what_was_being_written(database: Database) -> None:
    """I14"""
    with pytest.raises(IntegrityError) as caught, database.write() as tx:
        tell(tx, (1, "canary-5531", None, None), (1, "", None, None))
    assert "(1)" not in str(caught.value)
    assert "canary" not in str(caught.value)


def test_a_server_that_goes_in_the_middle_is_a_reason_to_try_again(database: Database) -> None:
    """Nothing of the transaction stands, and the next one has a session of its own."""
    with pytest.raises(TryAgain), database.write() as tx:
        tell_and_lose_the_server(tx)
    with database.write() as tx:
        assert kept(tx) == []


# -- one session for all that a thread does while it holds a lock ------------------------------------------------------


def served_by(tx: Tx) -> int:
    [(found,)] = tx.driver.run("SELECT pg_backend_pid()", (), gives=True)
    return int(found)


def test_who_holds_a_lock_does_all_else_through_its_session(database: Database) -> None:
    """A server with few connections to give serves many processes"""
    seen = set[int]()
    with locks.hold(database, "flow:x"), locks.hold(database, "drain:1") as inner:
        for begin in (database.read, database.write, inner.write, database.rehearse):
            with begin() as tx:
                seen.add(served_by(tx))
        with database.write() as outer, database.read() as tx:
            assert served_by(outer) in seen
            assert served_by(tx) not in seen
    assert len(seen) == 1


def test_a_lock_is_held_against_its_own_thread_too(database: Database) -> None:
    with locks.hold(database, "flow:x"):
        with pytest.raises(Busy), locks.hold(database, "flow:x"):
            raise AssertionError
        with locks.hold(database, "flow:y") as other:
            other.check()
    with locks.hold(database, "flow:x") as free, locks.hold(database, "flow:y"):
        free.check()


def test_who_lost_its_lock_writes_only_what_has_happened_whoever_holds_it(database: Database) -> None:
    """case_A16, case_A17: another process may be at its work by now"""
    with locks.hold(database, "flow:x"):
        with pytest.raises(TryAgain), locks.hold(database, "drain:1"), database.write() as tx:
            tell_and_lose_the_server(tx)
        with pytest.raises(TryAgain, match="held drain:1 was lost"):
            write_nothing(database)
        with database.write(late=True) as tx:
            tell(tx, (1, "answered", None, None))
    with database.write() as tx:
        assert [row[1] for row in kept(tx)] == ["answered"]


def test_another_thread_has_a_session_of_its_own(database: Database) -> None:
    with locks.hold(database, "flow:x"), database.write() as mine, ThreadPoolExecutor(1) as pool:
        assert pool.submit(read_from, database).result(20) != served_by(mine)


def read_from(database: Database) -> int:
    with database.read() as tx:
        return served_by(tx)


def test_what_was_wrong_with_a_question_is_heard_and_not_what_came_of_it(database: Database) -> None:
    """Behind a failure the end of a reading transaction fails, too: it is rolled back all the same."""
    for _ in range(2):
        with pytest.raises(ProgrammingError, match="nowhere"), database.read() as tx:
            tx.driver.run("SELECT id FROM nowhere", (), gives=True)
        with pytest.raises(ProgrammingError, match="nowhere"), database.read() as tx:
            tx.driver.ask("SELECT id FROM nowhere", ())
    assert read_from(database) == read_from(database)
