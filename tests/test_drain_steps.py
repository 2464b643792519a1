"""Writes in two steps: what takes the place of something posted, and what is entered first and then posted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import sqlalchemy as sa
from wherry.cli import planned
from wherry.errors import NotFound
from wherry.hub import Hub
from wherry.operating import approvals, correcting, deciding, reopening
from wherry.operating import desk as desks
from wherry.runs.job import Options
from wherry.store.tables import links
from wherry.testing.target_sink import DraftingSink, ReplacingSink, TargetSink

from .drained import Books, Crash, books


def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[TargetSink], **told: Any) -> Iterator[Books]:
    with books(tmp_path, f"sqlite:///{tmp_path / 'store' / 'wherry.db'}", monkeypatch, **told) as made:
        made.made = lambda sink: kind(sink.http, sink.ability, batch=sink.batch, settle=sink.settle)
        yield made


@pytest.fixture
def posted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Books]:
    """Books whose invoices are posted, and hold one of 10.00 of which there is a newer version of 12.00."""
    for made in opened(tmp_path, monkeypatch, ReplacingSink, posted=True):
        made.bill("1", "10.00")
        assert made.run().exit_code == 0
        made.bill("1", "12.00")
        yield made


@pytest.fixture
def drafts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Books]:
    """Books in which an invoice is a draft until it is posted."""
    for made in opened(tmp_path, monkeypatch, DraftingSink, drafts=True):
        made.bill("1", "10.00")
        yield made


# -- taken back and written anew ---------------------------------------------------------------------------------------


def test_a_newer_version_takes_the_place_of_what_was_taken_back(posted: Books) -> None:
    assert posted.run().exit_code == 0
    assert posted.done() == [("created", "10.00"), ("voided", "10.00"), ("created", "12.00")]
    assert len(set(posted.stamps())) == 3
    link = posted.link()
    assert link is not None
    assert posted.target.things[link.target]["status"] == "open"
    assert posted.items() == {}
    assert posted.run().exit_code == 0
    assert len(posted.done()) == 3


def test_a_version_that_comes_back_while_the_former_is_taken_back_is_written_too(posted: Books) -> None:
    """10 → 12 → 10: what stood there is gone already, so that an unchanged record is not unchanged there."""
    posted.fault("lost", path="void")
    posted.dies_waiting()
    posted.died()
    posted.bill("1", "10.00")
    assert posted.run().exit_code == 0
    held = [(one["total"], one["status"]) for one in posted.target.things.values() if one["kind"] == "invoice"]
    assert sorted(held) == [("10.00", "open"), ("10.00", "void"), ("12.00", "void")]


def test_a_version_that_comes_while_it_is_not_known_whether_the_former_was_taken_back_is_the_one_written(
    posted: Books,
) -> None:
    """It was taken for the one that is on its way, as both take the same back; the one between was written."""
    posted.settle = 900.0
    posted.fault("lost", path="void")
    assert posted.run().exit_code == 6
    posted.bill("1", "14.00")
    posted.bill("2", "7.00")
    assert posted.run().exit_code == 6
    assert posted.done("2") == [("created", "7.00")], "nothing else has to wait"
    posted.clock.sleep(900)
    assert posted.run().exit_code == 0
    assert posted.done()[-1] == ("created", "14.00")


def test_a_version_that_comes_while_the_replacement_waits_for_approval_takes_its_place(posted: Books) -> None:
    """It was taken for what stands there already, and lost"""
    posted.flows = {"invoices": 'approval = "required"'}
    assert posted.run().exit_code == 0
    assert posted.item().action == "replace"
    posted.bill("1", "13.00")
    assert posted.run().exit_code == 0
    with posted.open() as hub:
        approvals.approve(hub, "invoices")
    assert posted.done() == [("created", "10.00"), ("voided", "10.00"), ("created", "13.00")]


def test_a_replacement_that_was_refused_is_tried_again_and_not_forgotten(posted: Books) -> None:
    posted.fault("status", path="void", status=422, body={"error": {"code": "not-a-document", "message": "it is paid"}})
    assert posted.run().exit_code == 4
    posted.bill("1", "13.00")
    assert posted.run().exit_code == 0
    assert posted.done() == [("created", "10.00"), ("voided", "10.00"), ("created", "13.00")]


def test_what_cannot_be_taken_back_is_refused_once_and_stays(posted: Books) -> None:
    posted.fault("status", path="void", status=422, body={"error": {"code": "not-a-document", "message": "it is paid"}})
    assert posted.run().exit_code == 4
    assert posted.done() == [("created", "10.00")]
    assert posted.item().reason == "it is paid"
    assert posted.run().exit_code == 4
    assert [row.call.path for row in posted.sent()].count(f"things/{posted.number('1')['id']}/void") <= 2


def test_what_somebody_else_took_back_is_not_written_anew(posted: Books) -> None:
    posted.target.edit(posted.number("1")["id"], status="void")
    assert posted.run().exit_code == 4
    assert posted.states() == {"invoice/id:1": "differs"}
    assert posted.item().reason.startswith("it was edited there since, and was not written over: status is void")


def test_a_word_given_for_the_newer_version_holds_for_both_steps(posted: Books) -> None:
    posted.flows["invoices"] = 'approval = "required"'
    posted.run()
    with posted.open() as hub:
        _approve(hub)
    assert posted.done() == [("created", "10.00"), ("voided", "10.00"), ("created", "12.00")]
    assert posted.items() == {}


def test_the_same_version_read_again_between_the_two_steps_does_not_ask_for_another_word(posted: Books) -> None:
    """It was taken for a newer version, and waited for approval while the books lacked the invoice"""
    posted.flows["invoices"] = 'approval = "required"'
    posted.run()
    posted.fault("lost", path="void")
    posted.dies_waiting()
    with posted.open() as hub, pytest.raises(Crash):
        _approve(hub)
    posted.target.stage.faults.add("status", method="GET", status=503, times=99)
    with posted.open() as hub:
        hub.resync("invoices", Options(records=("1",), resync=True), write=True)
    posted.target.stage.faults.clear()
    posted.run()
    assert posted.done() == [("created", "10.00"), ("voided", "10.00"), ("created", "12.00")]
    assert posted.items() == {}


def test_a_plan_shows_both_steps_and_what_a_person_entered_is_never_taken_back(posted: Books) -> None:
    with posted.open() as hub:
        calls = hub.plan("invoices").data["calls"]
        assert [(call["method"], call["path"].rpartition("/")[2]) for call in calls] == [
            ("POST", "void"), ("POST", "things"),
        ]  # fmt: skip
        with hub.store.write() as tx:
            tx.run(sa.update(links).where(links.c.entity == "invoice").values(body=""))  # as of what was linked by hand
    assert posted.run().exit_code == 4
    assert posted.item().reason == "a posted invoice cannot be changed"
    assert posted.done() == [("created", "10.00")]


def _approve(hub: Hub) -> None:
    assert approvals.approve(hub, "invoices").error is None


# -- entered and posted ------------------------------------------------------------------------------------------------


def test_what_is_entered_first_is_posted_by_the_next_call_under_the_same_stamp(drafts: Books) -> None:
    assert drafts.run().exit_code == 0
    assert drafts.done() == [("drafted", "10.00"), ("created", "10.00")]
    assert len(set(drafts.stamps())) == 1
    assert drafts.items() == {}


@pytest.mark.parametrize("path", ["things$", "post"])
def test_a_lost_answer_to_either_call_repeats_neither(drafts: Books, path: str) -> None:
    drafts.fault("lost", path=path, after=2 * (path == "things$"))
    assert drafts.run().exit_code == 0
    assert drafts.done() == [("drafted", "10.00"), ("created", "10.00")]


def test_a_newer_version_waits_until_the_half_made_one_is_whole(drafts: Books) -> None:
    """Else its draft would be left there for ever."""
    drafts.fault("status", path="post", status=429, headers={"Retry-After": "3600"}, times=9)
    assert drafts.run().exit_code == 6
    assert drafts.done() == [("drafted", "10.00")]
    drafts.bill("1", "12.00")
    assert drafts.run().exit_code == 6
    assert drafts.item().draft.body["total"]["minor"] == 1000
    drafts.target.stage.faults.clear()
    drafts.clock.tide.advance(3_600)
    assert drafts.run().exit_code == 0
    assert drafts.done() == [("drafted", "10.00"), ("created", "10.00"), ("updated", "12.00")]


def test_a_draft_that_somebody_deleted_is_entered_anew(drafts: Books) -> None:
    drafts.fault("dropped", path="post")
    drafts.dies_waiting()
    drafts.died()
    del drafts.target.things[drafts.number("1")["id"]]
    assert drafts.run().exit_code == 0
    assert drafts.done() == [("drafted", "10.00"), ("drafted", "10.00"), ("created", "10.00")]


def test_a_record_that_is_left_out_does_not_leave_its_half_made_document_behind(drafts: Books) -> None:
    """I4: what was entered is posted, and the record is told to have been left out after that"""
    drafts.flows = {"invoices": 'when = { status = "invoiced" }'}
    drafts.fault("status", path="post", status=429, headers={"Retry-After": "3600"})
    drafts.run()
    assert drafts.states() == {"invoice/id:1": "queued"}
    drafts.bill("1", "10.00", status="drafted")
    drafts.run()
    assert drafts.states() == {"invoice/id:1": "queued"}
    drafts.clock.tide.advance(3601)
    assert drafts.run().exit_code == 0
    assert drafts.items() == {}
    assert drafts.number("1")["status"] != "draft"
    link = drafts.link()
    assert link is not None
    assert link.target == drafts.number("1")["id"]


REFUSED: dict[str, Any] = {"status": 422, "body": {"error": {"code": "bad-amount", "message": "period closed"}}}


def retry(drafts: Books) -> None:
    with drafts.open() as hub:
        deciding.retry(hub, desks.all_of(hub, "refused"))


def test_a_second_call_that_was_refused_is_tried_again_for_what_the_first_one_made(drafts: Books) -> None:
    """It could not be tried again at all"""
    drafts.fault("status", path="post", **REFUSED)
    assert drafts.run().exit_code == 4
    assert drafts.states() == {"invoice/id:1": "refused"}
    retry(drafts)
    assert drafts.done() == [("drafted", "10.00"), ("created", "10.00")]
    assert drafts.items() == {}


def test_a_newer_version_has_the_refused_half_made_document_finished_first(drafts: Books) -> None:
    """It waited behind it for ever"""
    drafts.fault("status", path="post", **REFUSED)
    assert drafts.run().exit_code == 4
    drafts.bill("1", "12.00")
    drafts.fault("status", path="post", **REFUSED)
    assert drafts.run().exit_code == 4
    assert drafts.states() == {"invoice/id:1": "refused"}
    writes = len(drafts.writes())
    assert drafts.run().exit_code == 4
    assert len(drafts.writes()) == writes, "it is tried once for each version, not with each run"
    retry(drafts)
    assert drafts.done() == [("drafted", "10.00"), ("created", "10.00"), ("updated", "12.00")]


def test_a_plan_says_that_a_half_made_document_is_finished_before_its_newer_version(drafts: Books) -> None:
    """It said "nothing to do" """
    refused(drafts)
    with drafts.open() as hub:
        assert hub.plan("invoices").data["pending"] is False
    drafts.bill("1", "12.00")
    with drafts.open() as hub:
        data = hub.plan("invoices").data
        lines = "\n".join(planned.lines({**data, "source": "shelf", "sink": "books"}))
    assert (data["pending"], data["unfinished"]) == (True, {"invoice": 1})
    assert "? first    1 invoice sent before" in click.unstyle(lines)
    assert "nothing to do" not in lines


def test_a_refused_half_made_document_that_was_deleted_there_is_entered_anew_as_it_is_now(drafts: Books) -> None:
    drafts.fault("status", path="post", **REFUSED)
    drafts.run()
    drafts.bill("1", "12.00")
    drafts.fault("status", path="post", **REFUSED)
    drafts.run()
    del drafts.target.things[drafts.number("1")["id"]]
    retry(drafts)
    assert drafts.done() == [("drafted", "10.00"), ("drafted", "12.00"), ("created", "12.00")]
    assert drafts.items() == {}


def refused(drafts: Books) -> int:
    """It is entered, and the call that posts it is refused; its number."""
    drafts.fault("status", path="post", **REFUSED)
    assert drafts.run().exit_code == 4
    return drafts.item().id


def test_a_half_made_document_that_a_person_looked_at_is_not_entered_again(drafts: Books) -> None:
    """I2: the note that half of it is there was lost with the look, and a retry entered it a second time"""
    id = refused(drafts)
    with drafts.open() as hub, pytest.raises(NotFound):
        deciding.adopt(hub, id, "X-999")
    retry(drafts)
    assert drafts.done() == [("drafted", "10.00"), ("created", "10.00")]


def test_what_is_there_by_half_is_listed_with_its_id(drafts: Books) -> None:
    refused(drafts)
    assert desks.row(drafts.item())["target"] == drafts.number("1")["id"]


def edited(drafts: Books) -> None:
    """It is refused half-made, a person corrects it here, and tries it again."""
    id = refused(drafts)
    with drafts.open() as hub:
        correcting.edit(hub, id, [("total", "11.00"), ("lines.1.amount", "11.00")])
    retry(drafts)


def test_a_half_made_document_that_was_edited_here_is_not_posted_as_it_was(drafts: Books) -> None:
    edited(drafts)
    half = drafts.number("1")["id"]
    assert drafts.done() == [("drafted", "10.00")]
    assert drafts.item().reason == f"half of it is there as {half}, as it was before it was edited here"
    retry(drafts)
    assert drafts.done() == [("drafted", "10.00")]
    del drafts.target.things[half]
    retry(drafts)
    assert drafts.done() == [("drafted", "10.00"), ("drafted", "11.00"), ("created", "11.00")]
    assert drafts.items() == {}


class Mute(DraftingSink):
    """It cannot be asked."""

    ask = found = None  # type: ignore[assignment]


def test_nor_is_it_where_the_target_cannot_be_asked(drafts: Books) -> None:
    drafts.made = lambda sink: Mute(sink.http, sink.ability, batch=sink.batch, settle=sink.settle)
    edited(drafts)
    assert drafts.done() == [("drafted", "10.00")]
    assert drafts.states() == {"invoice/id:1": "refused"}
    assert drafts.item().fix.startswith(f"finish {drafts.number('1')['id']} there as it should be")


def test_who_gives_a_half_made_document_up_is_told_what_is_left_there_and_can_take_it_up_again(drafts: Books) -> None:
    id = refused(drafts)
    half = drafts.number("1")["id"]
    with drafts.open() as hub:
        [told] = deciding.abandon(hub, id, "wrong month").items
        assert told["reason"].endswith(f": wrong month; {half} was left there half-made")
        assert told["fix"].startswith(f"delete {half} in books; ")
        reopening.reopen(hub, f"E-{id}")
    retry(drafts)
    assert drafts.done() == [("drafted", "10.00"), ("created", "10.00")]
