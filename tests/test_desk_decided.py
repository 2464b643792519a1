"""A difference that a person has decided about is told as that, until either side changes again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from wherry.hub import Hub, Report
from wherry.operating import decided
from wherry.runs.job import Options
from wherry.store.findings import Decision
from wherry.store.ledger import LinkRow

from . import drained
from .counter import Counter, counter


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Counter]:
    monkeypatch.setenv("WHERRY_ACTOR", "anna")
    with counter(tmp_path, monkeypatch, capsys) as made:
        yield made


def sentence(at: Counter, word: str) -> str:
    return str(at.ask("explain", word)["items"][0]["sentence"])


def edited(at: Counter, total: str = "14.00") -> str:
    """A posted document that somebody edits there, and a change at its source that meets the edit. Its number E-N."""
    at.desk.bill("1", "12.50")
    at.desk.run()
    at.desk.clock.sleep(at.desk.target.lag + 1)
    at.desk.target.edit(at.desk.number("1")["id"], memo="paid by card")
    at.desk.bill("1", total)
    assert at.desk.run().exit_code == 4
    return f"E-{at.desk.item('1').id}"


def gone(at: Counter, id: str = "1") -> None:
    """Somebody deletes a document there."""
    del at.desk.target.things[at.desk.number(id)["id"]]


def test_what_was_kept_as_theirs_is_no_open_difference_and_says_who_decided(at: Counter) -> None:
    """I9, case_E16: the edit, and the amount that was not sent for its sake"""
    at.text("errors", "resolve", edited(at), "--note", "agreed")
    told = at.ask("reconcile", "invoices")
    assert (told["differences"], told["agrees"]) == ([], True)
    assert [one["what"] for one in told["decided"]] == ["source", "edited"]
    assert {one["decided"] for one in told["decided"]} == {"decided by anna on 2026-07-06: kept theirs (agreed)"}
    shown = at.text("reconcile", "invoices")
    assert (
        "  = edited   invoice INV-1 (record 1)   X-103: memo is paid by card there, nothing was written; deci" in shown
    )
    assert shown.splitlines()[-1] == "They agree, but for 2 differences decided already."


def test_a_yes_to_writing_over_an_edit_is_none_to_one_that_nobody_was_shown(at: Counter) -> None:
    """I9: the flow is paused, or its target away, so that the word is carried out later"""
    id = edited(at)
    at.text("flow", "pause", "invoices")
    at.text("--yes", "errors", "retry", id, code=7)
    at.desk.target.edit(at.desk.number("1")["id"], memo="paid twice")
    at.text("flow", "activate", "invoices")
    assert at.desk.run().exit_code == 4
    assert at.desk.number("1")["memo"] == "paid twice"


def test_a_resync_over_what_was_edited_is_none_over_what_is_edited_after_it_was_sent(at: Counter) -> None:
    """I9: its answer is lost, and somebody edits there before it is looked up"""
    at.desk.bill("1", "12.50")
    at.desk.run()
    there = at.desk.number("1")["id"]
    at.desk.target.edit(there, memo="paid by card")
    at.desk.fault("lost")
    at.desk.clock.at(5.0, lambda: at.desk.target.edit(there, memo="paid twice"))
    at.text("--yes", "resync", "invoices", "1", "--overwrite-local", code=4)
    assert at.desk.number("1")["memo"] == "paid twice"


def test_a_resync_goes_over_the_edit_that_was_shown_and_over_no_later_one(
    at: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I9: somebody edits it there once more while the first edit is shown"""
    at.desk.bill("1", "12.50")
    at.desk.run()
    there, resync = at.desk.number("1")["id"], Hub.resync

    def later(hub: Hub, name: str, options: Options, *, write: bool) -> Report:
        if write:
            at.desk.target.edit(there, memo="paid twice")
        return resync(hub, name, options, write=write)

    at.desk.target.edit(there, memo="paid by card")
    monkeypatch.setattr(Hub, "resync", later)
    at.text("--yes", "resync", "invoices", "1", "--overwrite-local", code=4)
    assert 'memo  "paid by card" → (empty)' in at.err
    assert at.desk.number("1")["memo"] == "paid twice"
    monkeypatch.setattr(Hub, "resync", resync)
    at.text("--yes", "resync", "invoices", "1", "--overwrite-local")
    assert at.desk.number("1")["memo"] == ""


def test_a_resync_that_shows_an_edit_as_kept_keeps_it(at: Counter) -> None:
    """case_E16"""
    at.desk.bill("1", "12.50")
    at.desk.run()
    at.desk.target.edit(at.desk.number("1")["id"], memo="paid by card")
    at.desk.bill("1", "13.50")
    at.text("--yes", "resync", "invoices", "1", code=4)
    assert "which is kept" in at.err
    assert [what for what, _ in at.desk.done()][-1] == "edited"


def test_a_plan_foretells_that_a_yes_is_none_to_a_later_edit(at: Counter) -> None:
    """I9, case_E16"""
    at.desk.flows["invoices"] = "books_from = 2026-01-01"
    id = edited(at)
    at.text("flow", "pause", "invoices")
    at.text("--yes", "errors", "retry", id, code=7)
    at.desk.target.edit(at.desk.number("1")["id"], memo="paid twice")
    at.text("flow", "activate", "invoices")
    [row] = at.ask("plan", "invoices")["changes"]
    assert (row["fate"], row["reason"]) == (
        "differs",
        "it was edited there since: memo is paid twice there, nothing here",
    )


def test_a_decided_difference_is_open_again_when_the_target_changes(at: Counter) -> None:
    at.text("errors", "resolve", edited(at))
    at.desk.target.edit(at.desk.number("1")["id"], memo="paid by cheque")
    told = at.ask("reconcile", "invoices", code=4)
    assert [one["what"] for one in told["differences"]] == ["edited"]
    assert [one["what"] for one in told["decided"]] == ["source"]
    assert "; found to be edited there on 2026-07-06: memo is paid by cheque there" in sentence(at, "INV-1")
    assert "decided by" not in sentence(at, "INV-1")


def test_a_date_that_was_decided_about_is_open_again_when_its_source_says_another_day(at: Counter) -> None:
    """I9, I11"""
    at.desk.bill("1", "12.50")
    at.desk.run()
    at.desk.target.edit(at.desk.number("1")["id"], memo="paid by card")
    at.desk.bill("1", "12.50", date="2026-08-02")
    assert at.desk.run().exit_code == 4
    at.text("errors", "resolve", f"E-{at.desk.item('1').id}")
    told = at.ask("reconcile", "invoices")
    assert (told["differences"], {one["what"] for one in told["decided"]}) == ([], {"edited", "source"})
    at.desk.bill("1", "12.50", date="2026-09-03")
    told = at.ask("reconcile", "invoices", code=4)
    assert [one["what"] for one in told["differences"]] == ["source"]


def test_a_decided_difference_is_open_again_when_its_source_changes(at: Counter) -> None:
    at.text("errors", "resolve", edited(at))
    at.desk.bill("1", "15.00")
    assert [one["what"] for one in at.ask("reconcile", "invoices", code=4)["differences"]] == ["source"]
    assert at.desk.run().exit_code == 4
    assert "edited" in [one["what"] for one in at.ask("reconcile", "invoices", code=4)["differences"]]


def test_a_decision_is_over_once_ours_was_written(at: Counter) -> None:
    at.text("errors", "resolve", edited(at))
    at.desk.bill("1", "15.00")
    at.desk.run()
    at.text("errors", "retry", f"E-{at.desk.item('1').id}", "--yes")
    assert at.ask("reconcile", "invoices")["decided"] == []
    assert "decided by" not in sentence(at, "INV-1")


def test_explain_names_the_decision_and_not_the_request_that_was_not_taken(at: Counter) -> None:
    at.text("errors", "resolve", edited(at))
    told = at.ask("explain", "INV-1")["items"][0]
    refused = [one["call"] for one in told["calls"] if one["status"] == 412]
    said = sentence(at, "INV-1")
    assert said.endswith("; decided by anna on 2026-07-06: kept theirs")
    assert refused
    assert all(f"request {call}" not in said for call in refused)
    assert ("last written" in said, told["target"]["call"] in refused) == (False, False)
    assert "kept theirs: anna, 2026-07-06T" in at.text("explain", "INV-1")


def test_what_was_linked_by_a_person_names_neither_run_nor_request(at: Counter) -> None:
    """Also where it was refused before, and so has a request"""
    there = at.desk.target.enter("invoice", number="INV-1", total="12.00", currency="GBP")
    at.desk.bill("9", "1.00")
    at.desk.run()
    at.desk.fault("status", status=422, body={"error": {"code": "bad-text", "message": "no such text"}})
    at.desk.bill("1", "12.50")
    assert at.desk.run().exit_code == 4
    at.desk.target.stage.faults.clear()
    at.text("errors", "resolve", f"E-{at.desk.item('1').id}", "--link", there, "--note", "typed there")
    said = sentence(at, "INV-1")
    assert f"as {there} since" in said
    assert said.endswith(": linked by anna (typed there)"), "once, although it was decided, too"
    told = at.ask("reconcile", "invoices")
    assert ([one["what"] for one in told["decided"]], told["differences"]) == (["edited"], [])


def test_a_newer_version_that_was_given_up_is_decided_and_its_amount_no_difference(at: Counter) -> None:
    at.desk.bill("1", "12.50")
    at.desk.run()
    at.desk.bill("1", "13.00", number="INV-" + "9" * 45)
    at.desk.run()
    at.text("errors", "resolve", f"E-{at.desk.item('1').id}", "--abandon")
    told = at.ask("reconcile", "invoices")
    assert [(one["what"], one["decided"]) for one in told["decided"]] == [
        ("source", "decided by anna on 2026-07-06: given up")
    ]


# -- deleted there -----------------------------------------------------------------------------------------------------


def test_a_document_that_reconcile_found_deleted_is_not_said_to_be_there(at: Counter) -> None:
    """I16"""
    at.desk.bills(2)
    at.desk.run()
    at.desk.clock.sleep(at.desk.target.lag + 1)
    there = at.desk.number("1")["id"]
    held = dict(at.desk.target.things[there])
    gone(at)
    assert "INV-1 is in books" in sentence(at, "INV-1")
    at.ask("reconcile", "invoices", code=4)
    said = sentence(at, "INV-1")
    assert "Invoice INV-1 is no longer in books" in said
    assert f"it was {there} there, and was found deleted on 2026-07-06" in said
    assert said.endswith("; to decide about it: wherry errors reopen INV-1")
    assert at.ask("explain", "INV-1")["items"][0]["state"] == "missing"
    assert "INV-2 is in books" in sentence(at, "INV-2")
    at.desk.target.things[there] = held
    at.ask("reconcile", "invoices")
    assert "INV-1 is in books" in sentence(at, "INV-1")


def test_a_change_that_is_refused_because_the_document_was_deleted_says_so(at: Counter) -> None:
    """The target has no word of its own for that: it is asked."""
    at.desk.bill("1", "12.50")
    at.desk.run()
    gone(at)
    at.desk.bill("1", "13.00")
    assert at.desk.run().exit_code == 4
    item = at.desk.item("1")
    assert (item.state, item.reason.endswith("is no longer there")) == ("refused", True)
    assert f"wherry errors resolve E-{item.id} --send-again writes it anew" in sentence(at, "INV-1")
    assert "is no longer in books" in sentence(at, "INV-1")


def test_a_change_that_is_refused_for_another_reason_keeps_its_words(at: Counter) -> None:
    at.desk.bill("1", "12.50")
    at.desk.run()
    at.desk.fault("status", status=422, body={"error": {"code": "bad-text", "message": "no such text"}})
    at.desk.bill("1", "13.00")
    assert at.desk.run().exit_code == 4
    assert (at.desk.item("1").state, at.desk.item("1").reason) == ("refused", "no such text")
    assert "INV-1 is in books" in sentence(at, "INV-1")


def test_undoing_a_run_goes_on_where_a_document_was_deleted_there(at: Counter) -> None:
    at.desk.bills(3)
    run = at.desk.run().data["run"]
    there = at.desk.number("2")["id"]
    gone(at, "2")
    told = at.text("runs", "undo", run, "--yes")
    assert told.splitlines()[0] == "3 reversed"
    assert f"invoice {there} was deleted there already: there was nothing to take back" in told
    assert at.desk.items() == {}
    assert [what for what, _, _ in at.desk.effects()] == ["created"] * 3 + ["voided"] * 2
    assert "was taken back in books" in sentence(at, "INV-2")
    assert "was deleted there already" in sentence(at, "INV-2")
    assert at.ask("reconcile", "invoices")["counts"] == {"reversed": 3}


def test_an_empty_value_in_a_difference_is_called_empty(at: Counter) -> None:
    at.desk.bill("1", "12.50", memo="ring first")
    at.desk.run()
    at.desk.target.edit(at.desk.number("1")["id"], memo="")
    at.desk.bill("1", "14.00")
    at.desk.run()
    assert at.desk.item("1").reason.endswith("memo is empty there, ring first here")


# -- what holds --------------------------------------------------------------------------------------------------------


def test_a_decision_holds_for_what_was_written_and_held_then_alone() -> None:
    link = LinkRow("invoice", "id:1", "7", "created", body='{"number":"1"}')
    told = {"by": "anna", "at": "2026-07-06", "amount": 1, "target": "7", "how": "kept theirs"}
    decision = Decision(written=decided.written(link), held={"memo": "x", "date": "d"}, **told)  # type: ignore[arg-type]
    assert decided.stands(decision, link) is decision
    assert decided.stands(None, link) is None
    other = LinkRow("invoice", "id:1", "7", "created", body='{"number":"2"}')
    assert decided.stands(decision, other) is None
    assert decided.stands(decision, LinkRow("invoice", "id:1", "8", "created", body=link.body)) is None
    assert decided.covers(decision, {"memo": "x", "date": "d", "more": "y"})
    assert not decided.covers(decision, {"memo": "z", "date": "d"})
    assert not decided.covers(decision, None)
    nothing = Decision(written="", held=None, **told)  # type: ignore[arg-type]
    assert decided.covers(nothing, None)
    assert not decided.covers(nothing, {"memo": "x"})
    unknown = Decision(written="", held={}, **told)  # type: ignore[arg-type]
    assert not decided.covers(unknown, {"memo": "x"})


def test_reconcile_and_runs_name_a_document_by_its_number(at: Counter) -> None:
    """I16"""
    at.desk.bill("2", status="draft")
    edited(at)
    told = at.ask("reconcile", "invoices", code=4)
    assert [one["numbers"] for one in told["left_out"].values()] == [["INV-2"]]
    assert [(one["record"], one["number"]) for one in told["differences"]] == [("invoice 1", "INV-1")]
    assert told["held"]["differs"]["numbers"] == ["INV-1"]
    assert {one["label"] for one in at.ask("runs", "show")["events"]} == {"INV-1"}
    assert "invoice INV-1 " in at.text("runs", "show")


def test_a_resync_that_nobody_can_be_asked_about_has_shown_its_differences(at: Counter) -> None:
    at.text("errors", "resolve", edited(at))
    at.text("resync", "invoices", "1", "--overwrite-local", code=2)
    assert 'total  "12.50 GBP" → "14.00 GBP"' in at.err
    assert "WHERRY-2091" in at.err
    assert at.desk.number("1")["memo"] == "paid by card"


def test_one_word_writes_over_an_edit_in_what_is_dated_before_the_books_begin(at: Counter) -> None:
    id = edited(at)
    at.desk.flows["invoices"] = "books_from = 2026-07-03"
    with at.desk.open():
        at.text("errors", "retry", id, "--yes")
    assert at.desk.number("1")["memo"] == ""
    assert ("approve", id) in at.said()


def test_what_two_people_have_to_agree_to_waits_for_them_also_after_a_retry(at: Counter) -> None:
    id = edited(at)
    at.desk.flows["invoices"] = "books_from = 2026-07-03\napprovers = 2"
    with at.desk.open():
        said = at.text("errors", "retry", id, "--yes", code=4)
    assert said.splitlines()[-1].endswith(f"approve invoices {id}")
    at.text("approve", "invoices", id, "--second-person", "ben", "--yes")
    assert at.desk.number("1")["memo"] == ""


def test_what_is_gone_from_its_target_is_sent_again_or_given_up(at: Counter) -> None:
    """I16"""
    at.desk.bill("1", "12.50")
    at.desk.run()
    gone(at)
    at.desk.bill("1", "14.00")
    assert at.desk.run().exit_code == 4
    id = f"E-{at.desk.item('1').id}"
    assert at.text("errors", "show", id).splitlines()[-2].endswith(f"errors resolve {id} --send-again")
    at.desk.flows["invoices"] = "approval = 'required'\napprovers = 2"
    with at.desk.open():
        assert "waits for approval" in at.text("errors", "resolve", id, "--send-again", "--yes", code=4)


def test_what_was_left_out_in_a_newer_version_still_counts_as_done(
    at: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drained, "FLOW", drained.FLOW.replace('"always"', '"once"'))
    at.desk.bill("1", "12.50")
    at.desk.run()
    at.desk.bill("1", "14.00")
    at.desk.run()
    assert at.text("status").splitlines()[1].split()[5:7] == ["1", "0"]
