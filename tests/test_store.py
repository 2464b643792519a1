"""The state store: the same on SQLite and PostgreSQL."""

from __future__ import annotations

import contextlib
import errno
import multiprocessing
import os
import sqlite3
import stat
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError, OperationalError
from wherry.errors import Busy, ConfigError, Rejected, TryAgain, WherryError
from wherry.records import Candidate, Draft, Ref
from wherry.store import Store, audit, calls, inquiries, ledger, locks, needs, questions, registry
from wherry.store.blobs import Blobs, shown_name
from wherry.store.database import Database
from wherry.store.documents import DocumentView
from wherry.store.ledger import ItemRow, LinkRow, Route, Seen
from wherry.store.questions import Question
from wherry.testing.clock import FakeClock

ROUTE = Route(1, 2)


def item(key: str, state: str = "waiting") -> ItemRow:
    draft = Draft(entity="project", key=key, body={"name": key}, root=True)
    return ItemRow(entity="project", key=key, flow="f", run="r", state=state, record_kind="deal", record_id=key,
                   root=True, draft=draft, created_at="t", changed_at="t")  # fmt: skip


def _fail_half_way(store: Store) -> None:
    with store.documents("a") as documents:
        documents.put("thing", [("1", {"name": "lost"})])
        raise RuntimeError


def test_what_is_written_is_read_back_and_a_failed_transaction_leaves_nothing(store: Store) -> None:
    with store.documents("a") as documents:
        documents.put("thing", [("1", {"name": "Ünï"}), ("2", {})])
    with pytest.raises(RuntimeError):
        _fail_half_way(store)
    with store.documents("a") as documents:
        assert documents.get("thing", ["1", "2", "3"]) == {"1": {"name": "Ünï"}, "2": {}}
        assert documents.count("thing") == 2


def test_documents_of_one_namespace_are_unknown_in_another(store: Store) -> None:
    with store.write() as tx:
        DocumentView(tx, "a").put("thing", [("1", {})])
        assert DocumentView(tx, "b").get("thing", ["1"]) == {}


def test_a_document_is_known_from_when_it_is_put_until_it_is_removed(store: Store) -> None:
    with store.write() as tx:
        DocumentView(tx, "a").put("thing", [("1", {}), ("2", {})])
        assert DocumentView(tx, "a").known("thing", ["1", "2", "3"]) == {"1", "2"}
        DocumentView(tx, "a").remove("thing", ["2"])
        assert DocumentView(tx, "a").known("thing", ["1", "2", "3"]) == {"1"}


def test_changed_documents_come_once_each_in_the_order_of_their_last_change(store: Store) -> None:
    with store.documents("a") as documents:
        documents.put("thing", [(str(n), {"n": n}) for n in range(2500)])
        documents.put("thing", [("7", {"n": "again"})])
        assert [id for id, _ in documents.each("thing")][-1] == "7"
        assert len(list(documents.each("thing"))) == 2500
        last = documents.changed("thing", 2500, 10)
        assert [(id, body) for _, id, body in last] == [("7", {"n": "again"})]


def test_ids_are_never_handed_out_twice(store: Store) -> None:
    with store.documents("a") as documents:
        first = documents.new_ids("project", "P", 3)
    with store.documents("a") as documents:
        assert first == ["P-1001", "P-1002", "P-1003"]
        assert documents.new_ids("project", "P", 1) == ["P-1004"]
        assert documents.new_ids("customer", "C", 1) == ["C-1001"]


def test_a_rehearsal_leaves_no_trace(store: Store) -> None:
    with store.rehearse() as tx:
        DocumentView(tx, "a").put("thing", [("1", {})])
        assert DocumentView(tx, "a").count("thing") == 1
    with store.read() as tx:
        assert DocumentView(tx, "a").count("thing") == 0


def test_links_are_found_by_reference_however_many_are_asked_for(store: Store) -> None:
    with store.write() as tx:
        ledger.put_links(tx, ROUTE, [LinkRow("product", f"id:{n}", f"I-{n}", "created") for n in range(1200)])
        ledger.put_links(tx, Route(9, 2), [LinkRow("product", "id:1", "other source", "created")])
        found = ledger.find_links(tx, ROUTE, [Ref("product", f"id:{n}") for n in range(1300)])
        assert len(found) == 1200
        assert found[Ref("product", "id:1")].target == "I-1"
        assert ledger.links_of_target(tx, 2, "product", "I-1") == [(1, "id:1", "created")]


@pytest.mark.parametrize("many", [3, 200])
def test_a_link_is_found_under_its_own_entity_only_whether_few_or_many_are_asked_for(store: Store, many: int) -> None:
    """Of few, all are asked for in one statement; of many, entity by entity."""
    known = [LinkRow("product", "id:1", "I-1", "sku"), LinkRow("customer", "id:2", "C-2", "name")]
    asked = [Ref(entity, f"id:{n}") for n in range(3, many) for entity in ("product", "customer")]
    with store.write() as tx:
        ledger.put_links(tx, ROUTE, known)
        found = ledger.find_links(tx, ROUTE, [Ref("customer", "id:1"), Ref("product", "id:2"), *asked])
        assert found == {}
        found = ledger.find_links(tx, ROUTE, [*(link.ref for link in known), *asked])
        assert found == {link.ref: link for link in known}


def test_an_item_waits_until_the_last_thing_it_needs_is_there(store: Store) -> None:
    wanted = [Ref("customer", "id:1"), Ref("product", "name:x")]
    with store.write() as tx:
        row = item("id:5")
        ledger.put_items(tx, ROUTE, [row])
        needs.put(tx, [(row.id, ref) for ref in wanted])
        assert needs.meet(tx, ROUTE, wanted[:1]) == []
        assert needs.meet(tx, Route(8, 8), wanted[1:]) == [], "another route's product is not ours"
        assert [ready.key for ready in needs.meet(tx, ROUTE, wanted[1:])] == ["id:5"]
        assert needs.meet(tx, ROUTE, wanted) == []


@pytest.mark.parametrize("there", [1, 100])
def test_what_is_open_is_found_among_many_things_whether_it_is_little_or_much(store: Store, there: int) -> None:
    asked = [f"id:{n}" for n in range(300)]
    with store.write() as tx:
        rows = [item(key) for key in asked[:there]]
        ledger.put_items(tx, ROUTE, rows)
        needs.put(tx, [(row.id, Ref("customer", row.key)) for row in rows])
        assert len(ledger.find_items(tx, ROUTE, [Ref("project", key) for key in asked])) == there
        assert len(needs.meet(tx, ROUTE, [Ref("customer", key) for key in asked])) == there


def test_what_waits_for_a_thing_is_found_without_a_look_at_all_that_is_on_its_way(tmp_path: Path) -> None:
    """I18: else each document that leaves costs more the longer the queue is"""
    with contextlib.closing(Store(f"sqlite:///{tmp_path / 'wherry.db'}", FakeClock(), tmp_path)) as store:
        with store.write() as tx:
            told = {"sink": 2, "source": 1, "entity": "customer", "wanted": ["id:1"]}
            for statement in (needs._WAITING, needs._MET):
                sql, values, _ = tx._planned(statement, told)
                plan = tx.driver.run(f"EXPLAIN QUERY PLAN {sql}", values, gives=True)
                assert plan[0][3].startswith("SEARCH edges USING"), plan


def test_a_server_finds_links_by_their_key_also_while_their_table_grows(postgres_url: str, tmp_path: Path) -> None:
    """I18: planned for an empty table, each look for a link read all the links that there are"""
    with contextlib.closing(Store(postgres_url, FakeClock(), tmp_path)) as store:
        for first in (0, 5_000):
            with store.write() as tx:
                rows = [LinkRow("invoice", f"id:{n}", f"X-{n}", "created") for n in range(first, first + 5_000)]
                ledger.put_links(tx, ROUTE, rows)
        with store.read() as tx:
            told = {"sink": 2, "source": 1, "entities": ["invoice"], "wanted": [f"id:{n}" for n in range(16)]}
            sql, values, _ = tx._planned(ledger._LINKS, told)
            plan = "".join(row[0] for row in tx.driver.run(f"EXPLAIN {sql}", values, gives=True))
            assert "links_pkey" in plan
            assert "Filter" not in plan


def test_a_replaced_item_keeps_its_number(store: Store) -> None:
    with store.write() as tx:
        row = item("id:5")
        ledger.put_items(tx, ROUTE, [row])
        again = item("id:5", "refused")
        again.id = row.id
        ledger.put_items(tx, ROUTE, [again])
        assert [(i.id, i.state) for i in ledger.open_items(tx)] == [(row.id, "refused")]


def test_a_question_keeps_its_candidates_and_its_draft(store: Store) -> None:
    asked = Question(sink=2, source=1, entity="product", key="name:x", flow="f", name="X", sku="", state="open",
                     why="?", candidates=(Candidate("I-1", "Xx", 0.7, "near"),),
                     draft=Draft(entity="product", key="name:x", body={"name": "X"}))  # fmt: skip
    with store.write() as tx:
        questions.put_questions(tx, [asked])
    with store.read() as tx:
        assert questions.find_questions(tx, id=asked.id) == [asked]
        assert questions.find_questions(tx, state="answered") == []


def test_seen_records_are_counted_by_their_last_fate(store: Store) -> None:
    with store.write() as tx:
        ledger.put_seen(tx, "f", [Seen("deal", str(n), "v", b"d", "created", synced=f"P-{n}") for n in range(3)])
        ledger.put_seen(tx, "f", [Seen("deal", "0", "v2", b"e", "skipped", "gone: archived", synced="P-0")])
        assert ledger.count_seen(tx, "f") == {"deal": {"created": 2, "skipped": 1}}
        assert dict(ledger.synced_ids(tx, "f", "deal")) == {"1": "P-1", "2": "P-2"}


def test_a_word_for_one_document_is_none_for_another_whose_key_has_other_capitals(store: Store) -> None:
    """I17: SQLite's LIKE takes them for the same, PostgreSQL's does not"""
    with store.write() as tx:
        audit.write(tx, store.now(), "approve", "E-1", {"flow": "bills", "key": "invoice/id:aB1"}, by="anna")
        told = [inquiries.approvals_of(tx, Ref("invoice", key), "bills") for key in ("id:aB1", "id:AB1")]
    assert [[who for _, who in one] for one in told] == [["anna"], []]


def test_an_edited_audit_row_is_found(store: Store) -> None:
    """case_G23, I17"""
    with store.write() as tx:
        audit.write_many(tx, "t", [("did", f"thing {n}", {"n": n}) for n in range(5)])
        assert audit.verify(tx) == ""
    with store.write() as tx:
        tx.connection.exec_driver_sql("UPDATE audit SET detail = '{}' WHERE id = 3")
        assert "row 3" in audit.verify(tx)


def test_a_missing_audit_row_is_found(store: Store) -> None:
    """case_G23, I17"""
    with store.write() as tx:
        audit.write_many(tx, "t", [("did", "x", None)] * 3)
        tx.connection.exec_driver_sql("DELETE FROM audit WHERE id = 3")
        assert "3" in audit.verify(tx) or "after 2" in audit.verify(tx)


def test_a_run_whose_process_died_is_shown_as_cut_off(store: Store) -> None:
    with store.write() as tx:
        registry.start_run(tx, "r1", "f", "manual", "t")
        assert registry.close_dead_runs(tx, "f", "t2") == ["r1"]
        assert [(run.id, run.state) for run in registry.find_runs(tx)] == [("r1", "cut off")]


def _hold(url: str, ready: multiprocessing.synchronize.Event, go: multiprocessing.synchronize.Event) -> None:
    with locks.hold(Database(url), "flow:x"):
        ready.set()
        go.wait(20)


def test_a_lock_is_refused_while_its_process_lives_and_free_when_it_is_killed(store_url: str) -> None:
    """case_A16, case_A15"""
    context = multiprocessing.get_context("spawn")
    ready, go = context.Event(), context.Event()
    Database(store_url).engine.dispose()
    other = context.Process(target=_hold, args=(store_url, ready, go))
    other.start()
    assert ready.wait(20)
    with pytest.raises(Busy, match="another process holds flow:x"), locks.hold(Database(store_url), "flow:x"):
        pass
    other.kill()
    other.join()
    with locks.hold(Database(store_url), "flow:x", wait=5):
        pass


def test_a_lock_is_held_also_where_the_disk_has_no_room_for_its_holder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """case_A19: whoever only looks at a project on a full disk is told how it stands."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    database = Database(f"sqlite:///{tmp_path / 'wherry.db'}")
    with locks.hold(database, "flow:x"), pytest.raises(Busy), locks.hold(database, "flow:x"):
        pass


def test_the_database_file_is_for_its_owner_only(tmp_path: Path) -> None:
    """case_G26"""
    path = tmp_path / "x" / "wherry.db"
    Database(f"sqlite:///{path}").engine.dispose()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_store_of_another_version_is_not_touched(tmp_path: Path) -> None:
    """case_A18"""
    path = tmp_path / "wherry.db"
    database = Database(f"sqlite:///{path}")
    with database.write() as tx:
        tx.connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
    database.close()
    with pytest.raises(ConfigError, match="schema 0000") as caught:
        _ = Database(f"sqlite:///{path}").engine
    assert caught.value.fix == "wherry db upgrade"


@pytest.mark.parametrize("content", [b"no database at all, only text" * 200, b"SQLite format 3\0" + b"\xff" * 4096])
def test_a_damaged_database_file_is_named_with_its_remedy(tmp_path: Path, content: bytes) -> None:
    """case_A20"""
    (tmp_path / "wherry.db").write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        _ = Database(f"sqlite:///{tmp_path / 'wherry.db'}").engine
    assert "wherry.db" in caught.value.message
    assert "backup" in caught.value.fix


def test_a_server_that_does_not_answer_may_do_so_later_and_one_that_turns_us_away_will_not(postgres_url: str) -> None:
    """Exit 6 is for whoever starts runs by the clock: try again; exit 2 is for a person."""
    with pytest.raises(TryAgain, match="does not answer"):
        _ = Database("postgresql://wherry@/wherry?host=/nowhere").engine
    with pytest.raises(ConfigError, match='database "nowhere" does not exist'):
        _ = Database(sa.make_url(postgres_url).set(database="nowhere").render_as_string(hide_password=False)).engine


def test_a_server_on_which_no_tables_may_be_made_is_named_with_its_remedy(postgres_url: str) -> None:
    """The usual start on PostgreSQL 15 and later: a user of its own in somebody else's database."""
    url = sa.make_url(postgres_url)
    with sa.create_engine(url.set(drivername="postgresql+psycopg")).begin() as owner:
        owner.exec_driver_sql(f"CREATE ROLE {url.database} LOGIN")
    with pytest.raises(ConfigError, match="permission denied for schema public") as caught:
        _ = Database(url.set(username=url.database).render_as_string(hide_password=False)).engine
    assert "make and change tables" in caught.value.fix


def test_a_disk_that_takes_nothing_is_told_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """case_A19: a file of a store that cannot be made longer is an I/O error to SQLite"""

    def full(*_: object) -> None:
        raise OperationalError("", {}, sqlite3.OperationalError("disk I/O error"))

    monkeypatch.setattr(Database, "_ensure_schema", full)
    with pytest.raises(ConfigError) as caught:
        _ = Database(f"sqlite:///{tmp_path / 'wherry.db'}").engine
    assert "make room on the disk" in caught.value.fix


def test_a_locked_database_is_told_from_a_broken_one(tmp_path: Path) -> None:
    """case_A20"""
    path = tmp_path / "wherry.db"
    database = Database(f"sqlite:///{path}")
    _ = database.engine
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout=10")
    with pytest.raises(TryAgain, match="locked"), database.write():
        pass
    other.close()


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    """case_A28"""
    blobs = Blobs(tmp_path, 100)

    def broken() -> object:
        yield b"half"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        blobs.put("crm/1", broken())  # type: ignore[arg-type]
    assert blobs.find("crm/1") is None
    blob = blobs.put("crm/1", [b"half", b" and half"])
    assert blobs.find("crm/1") == blob
    assert blobs.path(blob.name).read_bytes() == b"half and half"
    assert not list(tmp_path.rglob(".part-*"))


def test_a_file_that_is_too_large_is_refused_while_it_streams(tmp_path: Path) -> None:
    """case_D11"""
    with pytest.raises(Rejected, match="larger than 100 bytes"):
        Blobs(tmp_path, 100).put("crm/1", (b"x" * 60 for _ in range(10**9)))
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@given(st.text())
def test_a_shown_file_name_is_always_safe(name: str) -> None:
    """case_D9"""
    shown = shown_name(name)
    assert shown
    assert len(shown.encode()) <= 130
    assert not set(shown) & set('/\\\0\n\r<>:"|?*')
    assert shown not in (".", "..")
    assert shown_name(shown) == shown


@pytest.mark.parametrize(
    ("name", "shown"),
    [("../../etc/passwd", "passwd"), ("C:\\x\\con.txt", "file-con.txt"), ("a\0b.pdf", "ab.pdf"), ("", "file"),
     ("offer .pdf. ", "offer .pdf"), ("..", "file")],
)  # fmt: skip
def test_a_hostile_file_name_loses_its_path(name: str, shown: str) -> None:
    """case_D9"""
    assert shown_name(name) == shown


def _write_slowly(url: str, ready: multiprocessing.synchronize.Event) -> None:
    with Database(url).write() as tx:
        ready.set()
        time.sleep(0.5)
        DocumentView(tx, "a").put("thing", [("first", {})])


def test_a_second_writer_sees_what_the_first_wrote_and_never_the_gap_before(store_url: str) -> None:
    """case_A16: on PostgreSQL as on SQLite there is one writer."""
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    Database(store_url).engine.dispose()
    other = context.Process(target=_write_slowly, args=(store_url, ready))
    other.start()
    assert ready.wait(20)
    with Database(store_url).write() as tx:
        assert DocumentView(tx, "a").count("thing") == 1
    other.join()


def test_postgres_urls_without_the_driver_name_work(postgres_url: str) -> None:
    with Database(postgres_url).read() as tx:
        assert tx.value(sa.text("SELECT 1")) == 1  # type: ignore[arg-type]


def test_what_the_address_of_a_store_asks_of_its_server_is_heeded(postgres_url: str) -> None:
    """I13: what was said of a schema was dropped, and two projects shared the tables of the usual one"""
    with Database(postgres_url).write() as tx:
        tx.run(sa.text("CREATE SCHEMA acme"))
    apart = sa.make_url(postgres_url).update_query_dict({"options": "-csearch_path=acme"})
    with Database(str(apart)).read() as tx:
        assert tx.value(sa.text("SELECT to_regclass('acme.links') IS NOT NULL")) is True  # type: ignore[arg-type]
        assert tx.value(sa.text("SHOW lock_timeout")) == "30s"  # type: ignore[arg-type]


def _fail_and_go_on(store: Store, way: str) -> None:
    with store.write() as tx:
        calls.put_note(tx, way, "kept")
        with contextlib.suppress(DBAPIError):  # as a plugin may
            if way == "core":
                tx.run(sa.text("SELECT 1 / 0"))
            else:
                tx.driver.run("SELECT 1 / 0", (), gives=way == "asked")
                tx.driver.arrive()


def test_a_transaction_that_failed_is_not_taken_for_committed(
    postgres_url: str, clock: FakeClock, tmp_path: Path
) -> None:
    """I21: PostgreSQL answers COMMIT of a failed transaction with ROLLBACK, and no error."""
    store = Store(postgres_url, clock, tmp_path)
    for way in ("core", "asked", "told"):
        with pytest.raises(WherryError):
            _fail_and_go_on(store, way)
    with store.write() as tx:
        calls.put_note(tx, "after", "kept")
    with store.read() as tx:
        assert calls.notes(tx, "") == ["after"]
    store.close()


def test_what_was_compiled_for_one_store_serves_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command and each test opens a store of its own: compiling was a tenth of their time."""
    compiled = []
    whole = sa.dialects.sqlite.base.SQLiteCompiler.visit_select
    monkeypatch.setattr(
        sa.dialects.sqlite.base.SQLiteCompiler, "visit_select", lambda *a, **kw: compiled.append(1) or whole(*a, **kw)
    )
    counts = []
    for name in ("a", "b"):
        database = Database(f"sqlite:///{tmp_path / name}.db")
        with database.read() as tx:
            assert tx.rows(sa.select(sa.literal(name).label("never_asked_before_by_a_test"))) == [(name,)]
        counts.append(len(compiled))
        database.close()
    assert counts[0] > 0
    assert counts[1] == counts[0]
