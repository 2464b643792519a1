"""Versions: changes while an earlier one is queued, lost, refused or with a person; edits in the target; voids."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from wherry.posting.facts import TAKEN_BACK
from wherry.records import Answer
from wherry.runs.job import Options
from wherry.testing import shelf, target_sink
from wherry.testing.target_sink import AskingSink, TargetSink

from .drained import Books, books


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Books]:
    """Books that hold one invoice of 10.00."""
    with books(tmp_path, f"sqlite:///{tmp_path / 'store' / 'wherry.db'}", monkeypatch) as made:
        made.bill("1", "10.00")
        assert made.run().exit_code == 0
        yield made


# -- changes at the source ---------------------------------------------------------------------------------------------


def test_there_and_back_again_are_three_work_items(desk: Books) -> None:
    """10 → 12 → 10 is no repeat: unchanged is only what equals what was written last (rule 1)"""
    for total in ("12.00", "10.00", "10.00"):
        desk.bill("1", total)
        assert desk.run().exit_code == 0
    assert desk.done() == [("created", "10.00"), ("updated", "12.00"), ("updated", "10.00")]
    assert len(set(desk.stamps())) == 3
    link = desk.link()
    assert link is not None
    assert link.sequence == 3


def test_a_change_back_before_anything_was_sent_sends_nothing(desk: Books) -> None:
    desk.flows["invoices"] = 'approval = "required"'
    desk.bill("1", "12.00")
    desk.run()
    assert desk.states() == {"invoice/id:1": "queued"}
    desk.bill("1", "10.00")
    desk.run()
    assert desk.items() == {}
    assert desk.done() == [("created", "10.00")]


def test_a_newer_version_replaces_one_that_was_not_sent(desk: Books) -> None:
    desk.flows["invoices"] = 'approval = "required"'
    desk.bill("1", "12.00")
    desk.run()
    first = desk.item()
    desk.bill("1", "13.00")
    desk.run()
    item = desk.item()
    assert item.draft.body["total"]["minor"] == 1300
    assert (item.sequence, item.stamp) != (first.sequence, first.stamp)


@pytest.mark.parametrize("back", ["13.00", "10.00"])
def test_a_newer_version_waits_behind_one_whose_answer_is_lost_and_then_becomes_an_update(
    desk: Books, back: str
) -> None:
    desk.bill("1", "12.00")
    desk.fault("lost")
    desk.dies_waiting()
    desk.died()
    desk.bill("1", back)
    assert desk.run().exit_code == 0
    assert desk.done() == [("created", "10.00"), ("updated", "12.00"), ("updated", back)]


def test_a_newer_version_of_what_never_arrived_is_written_in_the_end(desk: Books) -> None:
    desk.bill("1", "12.00")
    desk.fault("dropped")
    desk.dies_waiting()
    desk.died()
    desk.bill("1", "13.00")
    assert desk.run().exit_code == 0
    assert desk.done()[-1] == ("updated", "13.00")
    assert len(desk.done()) in (2, 3)
    assert desk.items() == {}


def test_the_newest_of_several_versions_is_what_waits(desk: Books) -> None:
    desk.bill("1", "12.00")
    desk.fault("lost")
    desk.dies_waiting()
    desk.died()
    for total in ("13.00", "14.00"):
        desk.bill("1", total)
        desk.dies_waiting()
        desk.died()
    assert desk.run().exit_code == 0
    assert desk.done() == [("created", "10.00"), ("updated", "12.00"), ("updated", "14.00")]


def test_the_same_version_read_again_while_it_is_unknown_is_not_written_again(desk: Books) -> None:
    """case_A15"""
    row = desk.bill("1", "12.00")
    desk.fault("lost")
    desk.dies_waiting()
    desk.died()
    desk.shelf.put([row])
    assert desk.run().exit_code == 0
    assert desk.done() == [("created", "10.00"), ("updated", "12.00")]


def test_a_version_waits_behind_one_that_a_person_has_to_decide_on(desk: Books) -> None:
    desk.bill("2", "20.00")
    desk.fault("lost")
    desk.dies_waiting()
    desk.died()
    stamp = desk.item("2").stamp
    desk.target.enter("invoice", number="INV-2", stamp=stamp, total="20.00", currency="GBP")
    assert desk.run().exit_code == 7
    assert desk.item("2").state == "decide"
    desk.bill("2", "21.00")
    desk.run()
    assert desk.item("2").state == "decide"
    target = desk.target.things[next(id for id, one in desk.target.things.items() if one["stamp"] == stamp)]
    desk.answer(Answer(fate="linked", target=target["id"], token=target["version"]), "2")
    assert desk.run().exit_code == 0
    assert desk.done("2")[-1] == ("updated", "21.00")


def test_a_version_that_was_refused_does_not_hide_that_an_older_one_still_stands(desk: Books) -> None:
    desk.bill("1", "12.00")
    desk.fault("status", status=422, body={"error": {"code": "unbalanced", "message": "no"}})
    desk.run()
    assert desk.states() == {"invoice/id:1": "refused"}
    desk.bill("1", "10.00")
    assert desk.run().exit_code == 0
    assert desk.items() == {}
    assert desk.done() == [("created", "10.00")]


# -- edits in the target -----------------------------------------------------------------------------------------------


def test_our_own_update_whose_answer_was_lost_is_no_edit_by_a_person(desk: Books) -> None:
    """case_E15: the version there is newer than we know, and holds what we sent"""
    desk.bill("1", "12.00")
    desk.fault("lost")
    assert desk.run().exit_code == 0
    assert desk.done() == [("created", "10.00"), ("updated", "12.00")]
    desk.bill("1", "13.00")
    assert desk.run().exit_code == 0
    assert desk.done()[-1] == ("updated", "13.00")


def test_what_a_person_changed_in_the_target_is_shown_and_not_written_over(desk: Books) -> None:
    """case_E16"""
    desk.target.edit(desk.number("1")["id"], memo="paid by card")
    desk.bill("1", "12.00")
    assert desk.run().exit_code == 4
    item = desk.item()
    assert item.state == "differs"
    assert "memo is paid by card there" in item.reason
    assert desk.number("1")["total"] == "10.00"
    assert desk.run().exit_code == 4
    assert desk.number("1")["memo"] == "paid by card"


def test_what_was_edited_in_a_target_without_versions_is_not_written_over_either(
    desk: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """case_E16: it would take the change whatever stands there, so that is compared first"""
    real = TargetSink.decode, AskingSink.found

    def decode(*told: Any) -> Any:
        return {stamp: replace(answer, token="") for stamp, answer in real[0](*told).items()}

    def found(*told: Any) -> Any:
        return {stamp: [replace(hit, token="") for hit in hits] for stamp, hits in real[1](*told).items()}

    monkeypatch.setattr(desk.target, "_held", lambda operation: desk.target.things[operation.id])
    monkeypatch.setattr(TargetSink, "decode", decode)
    monkeypatch.setattr(AskingSink, "found", found)
    desk.bill("1", "11.00")
    assert desk.run().exit_code == 0
    desk.target.edit(desk.number("1")["id"], memo="paid by card")
    desk.bill("1", "12.00")
    assert desk.run().exit_code == 4
    assert (desk.item().state, desk.number("1")["total"]) == ("differs", "11.00")


def test_a_touch_that_changes_nothing_we_know_of_only_costs_a_look(desk: Books) -> None:
    """case_E15: re-read by id, compared, sent again with the version that is there now"""
    desk.target.edit(desk.number("1")["id"], note="seen by the auditor")
    desk.bill("1", "12.00")
    assert desk.run().exit_code == 0
    assert desk.done() == [("created", "10.00"), ("edited", "10.00"), ("updated", "12.00")]
    assert desk.number("1")["note"] == "seen by the auditor"


def test_touches_on_many_documents_do_not_pass_for_an_outage(desk: Books) -> None:
    desk.bills(6)
    desk.run()
    for number in range(1, 7):
        desk.target.edit(desk.number(str(number))["id"], note="seen")
        desk.bill(str(number), f"{number}.20")
    assert desk.run().exit_code == 0
    assert [desk.done(str(number))[-1] for number in range(1, 7)] == [("updated", f"{n}.20") for n in range(1, 7)]


def test_a_document_that_keeps_changing_there_is_left_to_a_person_in_the_end(desk: Books) -> None:
    """case_E15: bounded retries"""
    id = desk.number("1")["id"]
    desk.bill("1", "12.00")
    real = desk.target._operate

    def busy(operation: object) -> object:
        desk.target.edit(id, note=f"touched {desk.target.things[id]['version']}")
        return real(operation)

    desk.target._operate = busy
    assert desk.run().exit_code == 4
    assert desk.item().state == "decide"
    assert 3 < len(desk.writes()) < 20


def test_a_document_that_was_deleted_there_is_refused_with_what_to_do(desk: Books) -> None:
    desk.target.things.pop(desk.number("1")["id"])
    desk.bill("1", "12.00")
    assert desk.run().exit_code == 4
    assert desk.item().state == "refused"
    assert desk.item().fix


def test_what_is_found_edited_stays_so_when_the_same_version_is_read_again(desk: Books) -> None:
    """case_E16: after the settings changed, say, or by another flow; only a person's word goes over an edit"""
    desk.target.edit(desk.number("1")["id"], memo="agreed by phone")
    desk.bill("1", "12.00")
    assert desk.run().exit_code == 4
    with desk.open() as hub:
        hub.resync("invoices", Options(records=("1",), resync=True), write=True)
    assert [what for what, _ in desk.done()] == ["created", "edited"]
    assert desk.item().state == "differs"


# -- voids -------------------------------------------------------------------------------------------------------------


def test_a_document_taken_back_at_its_source_is_voided_once(desk: Books) -> None:
    desk.bill("1", status="void")
    for _ in range(2):
        assert desk.run().exit_code == 0
    assert desk.done() == [("created", "10.00"), ("voided", "10.00")]
    link = desk.link()
    assert link is not None
    assert link.rule == "reversed"


def test_what_is_void_is_taken_back_also_where_the_map_leaves_it_out_by_now(
    desk: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An invoice was made void after its customer had lost the number that the map asks for"""
    monkeypatch.setitem(shelf.MAPS["invoice"]["invoice"], "skip", "invoice.hold")
    desk.bill("2", "20.00")
    assert desk.run().exit_code == 0
    desk.bill("1", status="void", hold="no number on its customer")
    desk.bill("2", "21.00", hold="no number on its customer")
    for _ in range(2):
        assert desk.run().exit_code == 0
    assert (desk.done(), desk.done("2")) == ([("created", "10.00"), ("voided", "10.00")], [("created", "20.00")])


def test_what_is_taken_back_before_it_was_sent_is_never_sent(desk: Books) -> None:
    desk.flows["invoices"] = 'approval = "required"'
    desk.bill("2")
    desk.run()
    assert desk.states() == {"invoice/id:2": "queued"}
    desk.bill("2", status="void")
    desk.flows["invoices"] = ""
    assert desk.run().exit_code == 0
    assert desk.items() == {}
    assert desk.done("2") == []


@pytest.mark.parametrize(("kind", "expected"), [("lost", ["created", "voided"]), ("dropped", [])])
def test_what_is_taken_back_while_nobody_knows_whether_it_is_there_is_voided_if_it_is(
    desk: Books, kind: str, expected: list[str]
) -> None:
    desk.bill("2", "20.00")
    desk.fault(kind)
    desk.dies_waiting()
    desk.died()
    desk.bill("2", "20.00", status="void")
    assert desk.run().exit_code == 0
    done = [what for what, _ in desk.done("2")]
    assert done in (expected, ["created", "voided"])
    assert desk.items() == {}


def test_a_void_whose_answer_is_lost_is_not_done_twice(desk: Books) -> None:
    desk.bill("1", status="void")
    desk.fault("lost")
    assert desk.run().exit_code == 0
    assert desk.done() == [("created", "10.00"), ("voided", "10.00")]


@pytest.mark.parametrize("kind", ["lost", "dropped"])
def test_what_stands_is_not_taken_for_taken_back_by_a_sink_whose_facts_of_both_have_no_name_in_common(
    desk: Books, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    told = target_sink.facts_of
    monkeypatch.setattr(
        target_sink,
        "facts_of",
        lambda thing: dict(TAKEN_BACK) if thing["status"] == "void" else {"total": told(thing)["total"]},
    )
    desk.bill("1", status="void")
    desk.fault(kind)
    assert desk.run().exit_code == 0
    assert desk.done() == [("created", "10.00"), ("voided", "10.00")]


def test_what_was_taken_back_and_then_changed_becomes_a_new_document(desk: Books) -> None:
    desk.bill("1", status="void")
    desk.run()
    desk.bill("1", "12.00", status="invoiced")
    assert desk.run().exit_code == 0
    assert desk.done() == [("created", "10.00"), ("voided", "10.00"), ("created", "12.00")]
    assert len(set(desk.stamps())) == 3


def test_a_new_document_can_be_taken_back_again(desk: Books) -> None:
    for status, total in (("void", "10.00"), ("invoiced", "10.00"), ("void", "10.00")):
        desk.bill("1", total, status=status)
        assert desk.run().exit_code == 0
    assert [what for what, _ in desk.done()] == ["created", "voided", "created", "voided"]


@pytest.mark.parametrize("kind", ["lost", "dropped"])
def test_a_document_of_ours_that_was_taken_back_does_not_stand_in_the_way_of_the_new_one(
    desk: Books, kind: str
) -> None:
    """What we wrote and took back ourselves is nothing that somebody entered by hand."""
    desk.bill("1", status="void")
    desk.run()
    desk.bill("1", "12.00", status="invoiced")
    desk.fault(kind)
    assert desk.run().exit_code == 0
    assert desk.done() == [("created", "10.00"), ("voided", "10.00"), ("created", "12.00")]


def test_documents_that_were_taken_back_before_the_last_one_do_not_stand_in_the_way_either(desk: Books) -> None:
    for status in ("void", "invoiced", "void"):
        desk.bill("1", status=status)
        assert desk.run().exit_code == 0
    desk.bill("1", "12.00", status="invoiced")
    desk.fault("dropped")
    assert desk.run().exit_code == 0
    assert desk.done()[-1] == ("created", "12.00")
