"""What ``match`` or ``repeat`` left out or asked about goes on with the next run once they say otherwise."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from wherry.operating import approvals
from wherry.records import Record
from wherry.runs import engine
from wherry.runs.job import Entry
from wherry.store.leavings import ONCE
from wherry.store.ledger import Seen

from . import drained
from .drained import Books, books

MATCH = '[flows.invoices.match.{}]\norder = ["link"]\nunmatched = "{}"\n'


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Books]:
    with books(tmp_path, f"sqlite:///{tmp_path / 'store' / 'wherry.db'}", monkeypatch) as made:
        made.bills(2)
        yield made


@pytest.mark.parametrize(("entity", "before"), [("invoice", "skip"), ("customer", "skip"), ("customer", "triage")])
def test_what_nothing_matched_is_made_by_the_next_run_once_the_flow_creates_it(
    desk: Books, entity: str, before: str
) -> None:  # fmt: skip
    """I10. Once, and what is refused for want of a customer that was left out is made with it"""
    desk.flows["invoices"] = MATCH.format(entity, before)
    desk.run()
    assert desk.effects() == []
    desk.flows["invoices"] = MATCH.format(entity, "create")
    with desk.open() as hub:
        assert hub.plan("invoices").data["items"]["invoice"] == {"created": 2}
    assert [desk.run().data["items"].get("invoice") for _ in range(2)] == [{"created": 2}, None]
    assert (len(desk.effects()), desk.states()) == (2, {})


def test_what_was_left_out_and_entered_by_hand_meanwhile_is_not_made_twice(desk: Books) -> None:
    """case_C20"""
    desk.flows["invoices"] = MATCH.format("invoice", "skip")
    desk.run()
    there = desk.target.enter("invoice", number="INV-1", total="1.10", currency="GBP")
    desk.clock.sleep(desk.target.lag + 1)
    desk.flows["invoices"] = MATCH.format("invoice", "create")
    desk.run()
    assert desk.effects()[1:] == [("created", "INV-2", "2.10")]
    assert desk.number("1")["id"] == there


@contextlib.contextmanager
def once(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """So long the flow repeats nothing."""
    with patch.context() as here:
        here.setattr(drained, "FLOW", drained.FLOW.replace('"always"', '"once"'))
        yield


def test_a_change_that_was_left_out_is_carried_once_the_flow_repeats_always(
    desk: Books, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    """b_001_15: only what changed since it was written"""
    with once(monkeypatch):
        desk.run()
        desk.bill("1", "9.00")
        desk.run()
    assert desk.done() == [("created", "1.10")]
    assert desk.run().data["items"] == {"invoice": {"updated": 1}}
    assert desk.done() == [("created", "1.10"), ("updated", "9.00")]


def test_what_was_taken_back_and_left_out_is_taken_back_once_the_flow_repeats_always(
    desk: Books, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    """b_001_15"""
    with once(monkeypatch):
        desk.run()
        desk.bill("1", status="void")
        desk.run()
    assert desk.run().data["items"] == {"invoice": {"reversed": 1}}
    assert [what for what, _ in desk.done()] == ["created", "voided"]


def test_a_change_that_the_flow_left_out_under_another_name_is_carried_once_it_repeats_always(
    desk: Books, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    """b_001_15: it is no version that was written"""
    with once(monkeypatch):
        desk.run()
        desk.flows = {"bills": ""}
        desk.bill("1", "9.00")
        assert desk.run("bills").data["fates"]["invoice"] == {"skipped": 1, "unchanged": 1}
    assert desk.run("bills").data["items"] == {"invoice": {"updated": 1}}
    assert desk.done() == [("created", "1.10"), ("updated", "9.00")]


def test_a_change_that_was_left_out_is_carried_also_where_an_earlier_one_left_after_it(
    desk: Books, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    """b_001_15"""
    desk.run()
    desk.flows = {"invoices": 'approval = "required"'}
    desk.bill("1", "5.00")
    desk.run()
    with once(monkeypatch):
        desk.bill("1", "9.00")
        desk.run()
        with desk.open() as hub:
            approvals.approve(hub, "invoices")
    desk.run()
    assert desk.states() == {"invoice/id:1": "queued"}
    with desk.open() as hub:
        approvals.approve(hub, "invoices")
    assert desk.done() == [("created", "1.10"), ("updated", "5.00"), ("updated", "9.00")]


def test_a_change_that_was_left_out_stays_known_where_only_a_relative_changes_after_it() -> None:
    """b_001_15"""
    record, digest = Record(kind="deal", id="1", version="2", payload=b"{}", touched=True), b"same"
    before = Seen(kind="deal", source_id="1", version="2", digest=digest, fate="skipped", reason=ONCE, synced="P-1")
    entry = Entry(record=record, digest=digest, earlier=before, narrow=True)
    engine.close(entry, {})
    assert (entry.fate, entry.reason) == ("skipped", ONCE)


def test_an_edit_that_a_person_is_asked_about_stays_so_whatever_a_flow_that_repeats_nothing_reads(
    desk: Books, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    """I4, case_E16: the flow has another name by then"""
    desk.run()
    desk.target.edit(desk.number("1")["id"], memo="agreed by phone")
    desk.bill("1", "12.00")
    desk.run()
    desk.flows = {"bills": ""}
    with once(monkeypatch):
        desk.run("bills")
        assert desk.states() == {"invoice/id:1": "differs"}
    desk.run("bills")
    assert (desk.item().state, [what for what, _ in desk.done()]) == ("differs", ["created", "edited"])
