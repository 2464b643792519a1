"""What waits: documents entered by hand, approval, the first day of the books, things that depend on others."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from wherry.protocol import drain
from wherry.records import Answer
from wherry.store.tables import items

from .drained import Books, books

LONG = "x" * 41


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Books]:
    with books(tmp_path, f"sqlite:///{tmp_path / 'store' / 'wherry.db'}", monkeypatch) as made:
        yield made


# -- the opening look --------------------------------------------------------------------------------------------------


def test_a_document_that_was_entered_by_hand_waits_for_a_persons_word(desk: Books) -> None:
    """case_C20, rule 11"""
    party = desk.target.enter("customer", name="Somebody")
    mine = desk.target.enter("invoice", number="INV-1", party=party, total="10.00", currency="GBP")
    desk.bill("1")
    desk.bill("2")
    desk.clock.tide.advance(60)
    assert desk.run().exit_code == 4
    assert desk.states() == {"invoice/id:1": "decide"}
    assert mine in desk.item().reason
    assert "--link" in desk.item().fix
    assert desk.done("1") == [("entered", "10.00")]
    assert desk.done("2") == [("created", "10.00")]


def test_a_person_links_it_and_later_changes_update_it(desk: Books) -> None:
    party = desk.target.enter("customer", name="Acme Rail")
    mine = desk.target.enter("invoice", number="INV-1", party=party, total="10.00", currency="GBP")
    desk.bill("1")
    desk.clock.tide.advance(60)
    desk.run()
    assert desk.states()["customer/id:1"] == "decide"
    desk.answer(Answer(fate="linked", target=party, token="1"), "1", "customer")
    desk.run()
    assert desk.states() == {"invoice/id:1": "decide"}
    desk.answer(Answer(fate="linked", target=mine, token="1"))
    assert desk.run().exit_code == 0
    assert desk.done() == [("entered", "10.00")]
    desk.bill("1", "12.00")
    assert desk.run().exit_code == 0
    assert desk.done()[-1] == ("updated", "12.00")
    assert desk.number("1")["id"] == mine


def test_a_person_says_send_it_and_it_is_made_beside_the_other(desk: Books) -> None:
    desk.target.enter("invoice", number="INV-1", total="10.00", currency="GBP")
    desk.bill("1")
    desk.clock.tide.advance(60)
    desk.run()
    desk.again()
    assert desk.run().exit_code == 0
    assert [what for what, _ in desk.done()] == ["entered", "created"]


def test_a_person_gives_it_up_and_it_is_never_sent(desk: Books) -> None:
    desk.target.enter("invoice", number="INV-1", total="10.00", currency="GBP")
    row = desk.bill("1")
    desk.clock.tide.advance(60)
    desk.run()
    desk.answer(Answer(fate="skipped", reason="entered by hand"))
    desk.shelf.put([row])
    assert desk.run().exit_code == 0
    assert [what for what, _ in desk.done()] == ["entered"]


def test_what_an_earlier_store_had_written_is_adopted(desk: Books, tmp_path: Path) -> None:
    """The whole store is lost: stamps are the same on every machine, so nothing is written twice (case_A21)."""
    desk.bills(3)
    desk.run()
    for path in (tmp_path / "store").glob("wherry.db*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()  # a person says so, too: the folder of locks goes
    desk.clock.tide.advance(60)
    assert desk.run().exit_code == 0
    assert sorted(desk.effects()) == [("created", f"INV-{n}", f"{n}.10") for n in (1, 2, 3)]
    assert desk.items() == {}


def test_after_one_whole_run_nobody_looks_before_a_document_is_made(desk: Books) -> None:
    desk.bill("1")
    desk.run()
    looked = len(desk.reads())
    assert looked
    desk.bill("2")
    desk.run()
    assert desk.done("2") == [("created", "10.00")]
    assert len(desk.reads()) == looked


def test_the_opening_look_goes_on_until_a_run_has_left_nothing(desk: Books) -> None:
    desk.bill("1")
    desk.fault("dropped", times=100)
    assert desk.run().exit_code == 6
    desk.target.stage.faults.clear()
    desk.target.enter("invoice", number="INV-1", total="10.00", currency="GBP")
    desk.clock.tide.advance(60)
    assert desk.run().exit_code == 4
    assert desk.states() == {"invoice/id:1": "decide"}


def test_a_look_of_many_is_few_calls(desk: Books) -> None:
    desk.batch = 30
    desk.bills(40)
    assert desk.run().exit_code == 0
    assert len(desk.reads()) <= 4
    assert len(desk.effects()) == 40


def test_what_was_looked_for_leaves_in_calls_that_are_full(desk: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    """W6: a budget of calls is a budget of batches."""
    monkeypatch.setattr(drain, "_LOOK_AT_ONCE", 40)
    desk.batch = 30
    desk.bills(60)
    assert desk.run().exit_code == 0
    assert len(desk.writes()) == 1 + 2  # the customer and the product; the invoices


# -- approval ----------------------------------------------------------------------------------------------------------


def test_nothing_leaves_before_somebody_approves_it(desk: Books) -> None:
    desk.flows["invoices"] = 'approval = "required"'
    desk.bill("1")
    assert desk.run().exit_code == 0
    assert desk.writes() == []
    assert desk.states() == {"customer/id:1": "queued", "product/id:p1": "queued", "invoice/id:1": "waiting"}
    for _ in range(2):
        approve(desk)
        assert desk.run().exit_code == 0
    assert desk.done() == [("created", "10.00")]
    assert desk.items() == {}


def approve(desk: Books) -> None:
    with desk.stored() as store, store.write() as tx:
        tx.run(sa.update(items).where(items.c.approval == "wanted").values(approval="given"))


def test_an_approval_is_for_what_was_seen_and_a_newer_version_waits_again(desk: Books) -> None:
    desk.bill("1")
    desk.run()
    desk.flows["invoices"] = 'approval = "required"'
    desk.bill("1", "11.00")
    desk.run()
    approve(desk)
    desk.bill("1", "12.00")
    desk.crash("before", "_recover")
    desk.died()
    assert desk.run().exit_code == 0
    assert desk.done() == [("created", "10.00"), ("updated", "11.00")]
    assert desk.item().approval == "wanted"
    approve(desk)
    desk.run()
    assert desk.done()[-1] == ("updated", "12.00")


def test_what_is_dated_before_the_books_begin_waits_and_the_rest_goes(desk: Books) -> None:
    desk.flows["invoices"] = "books_from = 2026-07-02"
    desk.bill("1", date="2026-07-01")
    desk.bill("2", date="2026-07-02")
    assert desk.run().exit_code == 0
    assert desk.states() == {"invoice/id:1": "queued"}
    assert "2026-07-01" in desk.item().reason
    assert [desk.done("1"), desk.done("2")] == [[], [("created", "10.00")]]
    assert len(desk.effects("customer")) == 1


def test_what_only_documents_before_the_books_begin_need_waits_with_them(desk: Books) -> None:
    desk.flows["invoices"] = "books_from = 2026-07-02"
    old, shared = {"id": "1", "name": "Acme Rail"}, {"id": "2", "name": "North Pier"}
    desk.bill("1", date="2026-07-01", customer=old)
    desk.bill("2", date="2026-07-01", customer=shared)
    desk.bill("3", date="2026-07-02", customer=shared)
    assert desk.run().exit_code == 0
    waiting = {"customer/id:1": "queued", "invoice/id:1": "waiting", "invoice/id:2": "queued"}
    assert desk.states() == waiting
    why = "what needs it is dated before the books begin (2026-07-02)"
    assert why in desk.items()["customer/id:1"].reason
    assert [desk.done("1"), desk.done("2"), desk.done("3")] == [[], [], [("created", "10.00")]]
    assert len(desk.effects("customer")) == 1


def test_a_customer_that_waited_goes_when_something_free_to_leave_needs_it(desk: Books) -> None:
    desk.flows["invoices"] = "books_from = 2026-07-02"
    desk.bill("1", date="2026-07-01")
    desk.run()
    assert desk.states() == {"customer/id:1": "queued", "product/id:p1": "queued", "invoice/id:1": "waiting"}
    desk.run()
    assert desk.effects("customer") == []
    desk.bill("2", date="2026-07-02")
    assert desk.run().exit_code == 0
    assert desk.states() == {"invoice/id:1": "queued"}
    assert desk.done("2") == [("created", "10.00")]
    assert len(desk.effects("customer")) == 1


# -- what depends on others --------------------------------------------------------------------------------------------


def test_what_a_document_needs_goes_first(desk: Books) -> None:
    desk.bills(3)
    assert desk.run().exit_code == 0
    kinds = [effect.detail["kind"] for effect in desk.target.stage.history.effects()]
    assert kinds == ["customer", "product", "invoice", "invoice", "invoice"]
    assert {one["party"] for one in desk.target.things.values() if one["kind"] == "invoice"} == {"X-101"}


def test_documents_wait_for_a_customer_that_was_refused_and_go_when_it_is_written(desk: Books) -> None:
    """The documents of two flows wait for it; either flow's run frees both."""
    desk.flows["drafts"] = 'when = { status = "drafted" }'
    long = {"id": "1", "name": LONG, "number": "C-1"}
    desk.bill("1", customer=long)
    desk.bill("2", customer=long, status="drafted")
    assert desk.run("invoices").exit_code == 4
    assert desk.run("drafts").exit_code == 4
    waiting = {"customer/id:1": "refused", "invoice/id:1": "waiting", "invoice/id:2": "waiting"}
    assert desk.states() == waiting
    desk.bill("1", customer={"id": "1", "name": "Acme Rail", "number": "C-1"})
    assert desk.run("invoices").exit_code == 0
    assert [what for what, _, _ in desk.effects()] == ["created", "created"]
    assert len(desk.effects("customer")) == 1
    assert desk.items() == {}


def test_a_document_waits_for_a_customer_whose_answer_was_lost(desk: Books) -> None:
    """No document is written to a customer that may not be there; and none is made twice for its sake."""
    desk.bill("1")
    desk.fault("lost")
    desk.dies_waiting()
    desk.died()
    desk.bill("2")
    assert desk.run().exit_code == 0
    assert len(desk.effects("customer")) == 1
    assert len(desk.effects()) == 2
