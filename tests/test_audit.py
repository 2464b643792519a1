"""The audit log: append-only, chained, and loud when somebody touched it."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from wherry.store import Store, audit
from wherry.store.tables import audit as table

NOW = "2026-01-05T09:00:00.000Z"


def fill(store: Store, rows: int = 5) -> None:
    for n in range(rows):
        with store.write() as tx:
            audit.write(tx, NOW, f"flow.paused{n}", f"flow {n}", {"before": n, "why": "Ünï\n"}, by="ines")


def broken(store: Store) -> str:
    with store.read() as tx:
        return audit.verify(tx)


def test_rows_written_apart_and_together_make_one_whole_chain(store: Store) -> None:
    """I17"""
    fill(store)
    with store.write() as tx:
        audit.write_many(tx, NOW, [("file.synced", f"F-{n}", None) for n in range(1200)], by="flow x")
    assert broken(store) == ""
    with store.read() as tx:
        newest = audit.find(tx, limit=2)
        assert [row["object"] for row in newest] == ["F-1199", "F-1198"]
        assert [row["detail"]["before"] for row in audit.find(tx, who="ines")] == [4, 3, 2, 1, 0]
        assert len(audit.find(tx, what="flow.paused3")) == 1


@pytest.mark.parametrize("column", ["at", "actor", "action", "object", "detail", "previous", "hash"])
def test_a_row_that_was_edited_shows(store: Store, column: str) -> None:
    """case_G23, I17"""
    fill(store)
    with store.write() as tx:
        tx.run(sa.update(table).where(table.c.id == 3).values({column: "forged"}))
    assert "row 3" in broken(store) or "row 4" in broken(store)


@pytest.mark.parametrize("gone", [1, 3, 5])
def test_a_row_that_was_taken_out_shows_even_the_last_one(store: Store, gone: int) -> None:
    """case_G23, I17"""
    fill(store)
    with store.write() as tx:
        tx.run(sa.delete(table).where(table.c.id == gone))
    assert "missing" in broken(store)


def test_two_rows_that_changed_places_show(store: Store) -> None:
    """case_G23"""
    fill(store)
    with store.write() as tx:
        for old, new in ((2, 99), (3, 2), (99, 3)):
            tx.run(sa.update(table).where(table.c.id == old).values(id=new))
    assert broken(store)


def test_a_transaction_that_is_rolled_back_leaves_no_gap(store: Store) -> None:
    """I17"""
    fill(store, 2)
    with store.rehearse() as tx:
        audit.write(tx, NOW, "lost", "x")
    fill(store, 1)
    assert broken(store) == ""


def test_what_is_looked_for_begins_a_row_letter_for_letter(store: Store) -> None:
    for name in ("won_deals", "wonXdeals", "WON_DEALS", "10%"):
        with store.write() as tx:
            audit.write(tx, NOW, "flow.paused", name, by="ines")
    with store.read() as tx:
        assert [row["object"] for row in audit.find(tx, what="won_")] == ["won_deals"]
        assert audit.find(tx, what="1%") == []
        assert len(audit.find(tx, what="flow.")) == 4
