"""``wherry errors``: what a machine cannot do alone is told with its reason and amount, and done by one command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .counter import Counter, counter


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Counter]:
    with counter(tmp_path, monkeypatch, capsys) as made:
        yield made


LONG = "INV-" + "9" * 45


def refused(at: Counter) -> str:
    """An invoice whose number is too long for the target; its number here."""
    at.desk.bill("1", "12.50", number=LONG)
    assert at.desk.run().exit_code == 4
    return f"E-{at.desk.item().id}"


def test_what_waits_is_listed_with_its_amount_and_the_next_step(at: Counter) -> None:
    """I16"""
    at.desk.bill("1", "12.50", number=LONG)
    at.desk.bill("2", "7.50", number=LONG + "0")
    at.desk.bill("3", "1.00")
    at.desk.run()
    listed = at.ask("errors", "list")["items"]
    assert sorted(row["amount"] for row in listed) == [750, 1250]
    assert {row["class"] if "class" in row else row["state"] for row in listed} == {"refused"}
    told = at.text("errors", "show", listed[0]["id"])
    assert LONG[:10] in told
    assert "drain-canary" not in told


def test_a_refused_document_is_edited_and_sent(at: Counter) -> None:
    """Its payload was kept; before and after stand in the audit log."""
    id = refused(at)
    at.text("errors", "edit", id, "number=INV-1", "lines.1.amount=13.50", "total=13.50")
    at.text("errors", "retry", id)
    assert at.desk.done() == [("created", "13.50")]
    assert [action for action, _ in at.said() if action.startswith("errors.")] == ["errors.edit", "errors.retry"]


def test_a_refused_document_resolves_by_itself_when_its_source_is_put_right(at: Counter) -> None:
    refused(at)
    at.desk.bill("1", "12.50", number="INV-1")
    assert at.desk.run().exit_code == 0
    assert at.ask("errors", "list")["items"] == []
    assert at.desk.done() == [("created", "12.50")]


def test_what_cannot_be_told_is_linked_sent_again_or_given_up_by_a_person(at: Counter) -> None:
    """case_A27"""
    at.desk.bill("1", "12.50")
    at.desk.target.enter("invoice", number="INV-1", total="12.50", currency="GBP")
    at.desk.clock.sleep(at.desk.target.lag + 1)
    assert at.desk.run().exit_code == 4
    there = at.desk.number("1")["id"]
    id = f"E-{at.desk.item().id}"
    at.fails("errors", "resolve", id, "--link", "X-999", code=3)
    at.text("errors", "resolve", id, "--link", there)
    link = at.desk.link()
    assert link is not None
    assert (link.target, link.rule) == (there, "person")
    assert at.desk.items() == {}


def test_what_was_abandoned_is_never_sent(at: Counter) -> None:
    at.desk.bill("1", "12.50")
    at.desk.target.enter("invoice", number="INV-1", total="12.50", currency="GBP")
    at.desk.clock.sleep(at.desk.target.lag + 1)
    assert at.desk.run().exit_code == 4
    at.text("errors", "resolve", f"E-{at.desk.item().id}", "--abandon", "--yes")
    assert at.desk.run().exit_code == 0
    assert "created" not in [what for what, _ in at.desk.done()]


def entered(at: Counter) -> tuple[str, str]:
    """An invoice that was entered by hand already; its number here and its id there."""
    there = at.desk.target.enter("invoice", number="INV-1", total="12.50", currency="GBP")
    at.desk.clock.sleep(at.desk.target.lag + 1)
    at.desk.bill("1", "12.50")
    assert at.desk.run().exit_code == 4
    return f"E-{at.desk.item().id}", there


def edited(at: Counter) -> tuple[str, str]:
    """An invoice that somebody edited there, with another change at its source; its number here and its id there."""
    at.desk.bill("1", "12.50")
    at.desk.run()
    there = at.desk.number("1")["id"]
    at.desk.target.edit(there, memo="paid by card")
    at.desk.bill("1", "14.00")
    assert at.desk.run().exit_code == 4
    return f"E-{at.desk.item().id}", there


def test_every_class_can_be_filtered_sorted_and_paged(at: Counter) -> None:
    refused(at)
    at.desk.bill("2", "7.50", number=LONG[:-1] + "0")
    at.desk.bill("3", "1.00", customer={"id": "7", "name": "N" * 50, "number": "C-7"})
    at.desk.run()
    assert {row["class"] for row in at.ask("errors", "list")["items"]} == {"refused", "waiting"}
    waiting = at.ask("errors", "list", "--class", "waiting", "--flow", "invoices")["items"]
    [customer] = [row["id"] for row in at.ask("errors", "list", "--class", "refused")["items"] if row["amount"] is None]
    assert [(row["label"], row["held_up_by"]) for row in waiting] == [("INV-3", customer)]
    assert waiting[0]["fix"].endswith(f"wherry errors show {customer}")
    by_amount = at.ask("errors", "list", "--class", "refused", "--sort", "-amount", "--limit", "1")
    assert ([row["amount"] for row in by_amount["items"]], by_amount["total"]) == ([1250], 3)
    rest = at.ask("errors", "list", "--class", "refused", "--sort", "-amount", "--cursor", by_amount["cursor"])
    assert [row["amount"] for row in rest["items"]] == [750, None]
    told = at.text("errors", "list")
    assert "2 invoices refused, must be corrected   invoices   20.00 GBP" in told
    at.fails("errors", "list", "--flow", "orders", code=3)


def test_numbers_that_are_wrong_or_done_by_now_are_told(at: Counter) -> None:
    id = refused(at)
    at.text("errors", "edit", id, "number=INV-1")
    at.text("errors", "retry", id)
    for arguments in (("show", id), ("edit", id, "number=2"), ("retry", id), ("resolve", id, "--abandon")):
        error = at.fails("errors", *arguments, code=3)
        assert (error["code"], "wherry errors list" in error["fix"]) == ("WHERRY-3081", True)
    assert at.fails("errors", "show", "INV-1", code=3)["code"] == "WHERRY-3080"
    assert at.desk.done() == [("created", "12.50")]


@pytest.mark.parametrize(
    ("change", "code"),
    [("lines.2.amount=1", "WHERRY-2121"), ("nonsense=1", "WHERRY-2122"), ("total=a lot", "WHERRY-2123"),
     ("date=yesterday", "WHERRY-2123"), ("lines.1.amount=1.005", "WHERRY-2123"), ("date=", "WHERRY-2120")],
)  # fmt: skip
def test_a_value_that_does_not_fit_changes_nothing(at: Counter, change: str, code: str) -> None:
    id = refused(at)
    before = at.ask("errors", "show", id)
    error = at.fails("errors", "edit", id, "number=INV-1", change, code=2)
    assert (error["code"], change.partition("=")[0] in str(error)) == (code, True)
    assert at.ask("errors", "show", id) == before
    assert "no FIELD=VALUE" in at.fails("errors", "edit", id, "number", code=2)["message"]


def test_what_is_refused_again_is_sent_under_another_key_and_still_waits(at: Counter) -> None:
    """A target that remembers keys would give its first refusal for ever."""
    at.desk.bill("1", "12.50")
    body = {"error": {"code": "unknown-reference", "message": "no such customer"}}
    at.desk.fault("status", status=422, body=body, after=2, times=2)
    assert at.desk.run().exit_code == 4
    id = f"E-{at.desk.item().id}"
    assert at.ask("errors", "show", id)["vendor_code"] == "unknown-reference"
    [row] = at.ask("errors", "retry", id, code=4)["items"]
    assert (row["id"], row["state"], row["reason"]) == (id, "refused", "no such customer")
    [row] = at.ask("errors", "retry", "--class", "refused")["items"]
    assert (row["state"], row["target"]) == ("created", at.desk.number("1")["id"])
    stamps = [call.call.items for call in at.desk.sent()[2:]]
    assert (len(stamps), len(set(stamps))) == (3, 3)
    assert at.desk.done() == [("created", "12.50")]


def test_a_decision_is_kept_while_the_target_is_out_of_reach(at: Counter) -> None:
    id = refused(at)
    at.text("errors", "edit", id, "number=INV-1")
    at.desk.target.stage.faults.add("dropped", method="GET", path="company", times=100)
    at.text("errors", "retry", id, code=6)
    assert at.desk.states() == {"invoice/id:1": "queued"}
    at.desk.target.stage.faults.clear()
    assert at.desk.run().exit_code == 0
    assert at.desk.done() == [("created", "12.50")]


def test_sending_again_needs_somebody_who_is_sure(at: Counter) -> None:
    """case_A27"""
    id, there = entered(at)
    assert at.fails("errors", "resolve", id, "--send-again", code=2)["code"] == "WHERRY-2124"
    assert there in at.err
    assert at.desk.done() == [("entered", "12.50")]
    [row] = at.ask("errors", "resolve", id, "--send-again", "--yes", "--note", "theirs is void")["items"]
    assert row["state"] == "created"
    assert at.desk.done() == [("entered", "12.50"), ("created", "12.50")]
    assert at.said()[-1] == ("target.created", f"invoice {row['target']}")
    assert ("errors.send-again", id) in at.said()


def test_each_class_has_decisions_of_its_own(at: Counter) -> None:
    """What cannot be done about one is exit 7, and names what can."""
    decide, _ = entered(at)
    for arguments in (("retry", decide), ("resolve", decide), ("edit", decide, "number=2")):
        assert at.fails("errors", *arguments, code=7)["fix"]
    at.text("errors", "resolve", decide, "--link", "X-1", "--abandon", code=2)
    at.text("errors", "retry", code=2)
    at.desk.bill("2", "1.00", number=LONG)
    at.desk.run()
    refusal = f"E-{at.desk.item('2').id}"
    assert "wherry errors retry" in at.fails("errors", "resolve", refusal, code=7)["fix"]
    assert "wherry errors retry" in at.fails("errors", "resolve", refusal, "--send-again", "--yes", code=7)["fix"]
    [row] = at.ask("errors", "resolve", refusal, "--abandon", "--note", "a test")["items"]
    assert (row["state"], row["reason"].endswith("a test")) == ("skipped", True)


def test_one_document_is_one_records(at: Counter) -> None:
    at.desk.bill("9", "1.00")
    at.desk.run()
    at.desk.bill("1", "12.50", number=LONG)
    at.desk.run()
    error = at.fails("errors", "resolve", f"E-{at.desk.item().id}", "--link", at.desk.number("9")["id"], code=7)
    assert error["code"] == "WHERRY-7055"


def test_what_somebody_edited_there_is_kept_and_is_shown_again_with_the_next_change(at: Counter) -> None:
    """case_E16"""
    id, there = edited(at)
    told = at.text("errors", "show", id)
    assert "memo is paid by card there" in told
    [row] = at.ask("errors", "resolve", id, "--note", "agreed")["items"]
    assert (row["state"], row["target"]) == ("linked", there)
    assert at.desk.items() == {}
    assert at.desk.run().exit_code == 0
    assert at.desk.number("1")["total"] == "12.50"
    assert at.said()[-1] == ("errors.accept", id)
    at.desk.bill("1", "15.00")
    assert at.desk.run().exit_code == 4
    assert at.desk.states() == {"invoice/id:1": "differs"}
    assert at.desk.number("1")["memo"] == "paid by card"


def test_an_edit_there_that_was_shown_and_kept_is_not_written_over_by_the_next_change(at: Counter) -> None:
    """case_E16: to be shown an edit, and to say no, is no word that it may be written over"""
    id, _ = edited(at)
    at.fails("errors", "retry", id, code=2)
    at.ask("errors", "resolve", id)
    at.desk.bill("1", "15.00")
    assert at.desk.run().exit_code == 4
    assert at.desk.number("1")["memo"] == "paid by card"


def test_what_somebody_edited_there_is_written_over_after_a_yes(at: Counter) -> None:
    id, there = edited(at)
    assert at.fails("errors", "retry", id, code=2)["code"] == "WHERRY-2091"
    assert ("paid by card" in at.err, "total   12.50 GBP -> 14.00 GBP" in at.err) == (True, True)
    assert at.desk.number("1")["memo"] == "paid by card"
    before = len(at.desk.sent())
    [row] = at.ask("errors", "retry", id, "--yes")["items"]
    assert (row["state"], row["target"]) == ("updated", there)
    assert (at.desk.number("1")["total"], at.desk.number("1")["memo"]) == ("14.00", "")
    earlier = {stamp for call in at.desk.sent()[:before] for stamp in call.call.items}
    assert not earlier.intersection(*[call.call.items for call in at.desk.sent()[before:]])
    assert at.desk.items() == {}


def test_what_the_target_holds_by_now_as_we_would_write_it_is_not_sent_again(at: Counter) -> None:
    """It was corrected there, or the plugin that told it otherwise was."""
    id, there = edited(at)
    held = at.desk.number("1")
    line = {**held["lines"][0], "amount": "14.00"}
    at.desk.target.edit(there, total="14.00", memo="", lines=[line])
    before = len(at.desk.writes())
    [row] = at.ask("errors", "retry", id)["items"]
    assert (row["target"], at.desk.items()) == (there, {})
    assert "it holds what we would write" in at.err
    assert len(at.desk.writes()) == before


# -- approval ----------------------------------------------------------------------------------------------------------


def test_nothing_leaves_before_somebody_approved_it(at: Counter) -> None:
    at.desk.flows["invoices"] = 'approval = "required"'
    at.desk.bill("1", "12.50")
    assert at.desk.run().exit_code == 0
    assert at.desk.writes() == []
    at.text("approve", "invoices", "--all")
    assert at.desk.done() == [("created", "12.50")]


def test_what_a_flow_prepared_that_is_called_otherwise_now_goes_on_with_the_flow_that_reads_it(at: Counter) -> None:
    at.desk.flows["invoices"] = 'approval = "required"'
    at.desk.bill("1", "12.50")
    at.desk.run()
    file = at.desk.folder / "wherry.toml"
    file.write_text(file.read_text("utf-8").replace("[flows.invoices]", "[flows.bills]"), "utf-8")
    told = at.text("errors", "list")
    assert "the project file has no flow invoices: run the flow that reads these now" in told
    assert "wherry approve invoices" not in told
    [id, *_] = at.ask("errors", "list")["approval"][0]["ids"]
    shown = at.text("errors", "show", id)
    assert ("the project file has no flow invoices" in shown, "wherry approve" in shown) == (True, False)
    refused = at.fails("errors", "resolve", id, "--abandon", code=7)["fix"]
    assert refused.startswith("the project file has no flow invoices")
    at.text("run", "bills")
    at.text("approve", "bills", "--all")
    assert at.desk.done() == [("created", "12.50")]


def test_one_document_is_approved_with_what_it_needs_and_wrong_numbers_are_told(at: Counter) -> None:
    at.desk.flows["invoices"] = 'approval = "required"'
    at.desk.bills(2)
    at.desk.run()
    listed = at.ask("approve", "invoices")
    assert ([row["number"] for row in listed["items"]], listed["sums"]) == (["INV-1", "INV-2"], {"GBP": 320})
    assert listed["also"] == {"customer": 1, "product": 1}
    assert at.fails("approve", "invoices", "E-999", code=3)["code"] == "WHERRY-3084"
    at.fails("approve", "orders", code=3)
    assert at.fails("errors", "resolve", listed["items"][0]["id"], "--abandon", code=7)["fix"]
    done = at.ask("approve", "invoices", listed["items"][0]["id"])
    assert [(row["label"], row["state"]) for row in done["items"]] == [("INV-1", "created")]
    assert at.desk.effects() == [("created", "INV-1", "1.10")]
    assert [row["number"] for row in at.ask("approve", "invoices")["items"]] == ["INV-2"]
    assert at.fails("approve", "invoices", listed["items"][0]["id"], code=3)


def test_a_newer_version_waits_under_another_number_so_that_nobody_approves_what_nobody_saw(at: Counter) -> None:
    at.desk.flows["invoices"] = 'approval = "required"'
    at.desk.bill("1", "12.50")
    at.desk.run()
    [before] = at.ask("approve", "invoices")["items"]
    at.desk.bill("1", "13.00")
    at.desk.run()
    [after] = at.ask("approve", "invoices")["items"]
    assert (before["amount"], after["amount"]) == (1250, 1300)
    assert at.fails("approve", "invoices", before["id"], code=3)["code"] == "WHERRY-3084"
    assert at.desk.writes() == []


def test_an_approval_is_for_one_version_and_a_newer_one_waits_again(at: Counter) -> None:
    """Approved while the target was out of reach: what was approved is sent later, what has come since is not."""
    at.desk.bill("1", "12.50")
    at.desk.run()
    at.desk.flows["invoices"] = 'approval = "required"'
    at.desk.bill("1", "13.00")
    at.desk.run()
    id = at.ask("approve", "invoices")["items"][0]["id"]
    at.desk.target.stage.faults.add("dropped", method="GET", path="company", times=100)
    at.text("approve", "invoices", id, code=6)
    assert at.desk.item().approval == "given"
    at.desk.target.stage.faults.clear()
    at.desk.bill("1", "14.00")
    assert at.desk.run().exit_code == 0
    assert at.desk.done() == [("created", "12.50"), ("updated", "13.00")]
    rows = at.ask("approve", "invoices")["items"]
    assert [(row["amount"], row["changes"]) for row in rows] == [(1400, ["lines", "total"])]
    at.desk.bill("1", "13.00", customer={"id": "2", "name": "Kontor", "number": "C-2"})  # as it was, for another one
    assert at.desk.run().exit_code == 0
    assert [row["changes"] for row in at.ask("approve", "invoices")["items"]] == [["customer"]]
    at.desk.bill("1", "14.00")
    assert at.desk.run().exit_code == 0
    at.text("approve", "invoices", "--all")
    assert at.desk.done()[-1] == ("updated", "14.00")
    assert at.ask("approve", "invoices")["items"] == []


# -- taking back -------------------------------------------------------------------------------------------------------


def test_what_would_be_taken_back_is_shown_first_and_nothing_is_done(at: Counter) -> None:
    at.desk.bills(2)
    run = at.desk.run().data["run"]
    assert at.fails("runs", "undo", run, code=2)["code"] == "WHERRY-2125"
    assert ("made 2 documents that can be taken back   3.20 GBP" in at.err, "stays" in at.err) == (True, True)
    assert [what for what, _, _ in at.desk.effects()] == ["created", "created"]
    at.fails("runs", "undo", "0nosuchrun00000", code=3)


def test_what_was_taken_back_is_told_and_is_made_anew_when_its_record_changes(at: Counter) -> None:
    at.desk.bills(2)
    run = at.desk.run().data["run"]
    assert at.ask("runs", "undo", run, "--yes")["sums"] == {"GBP": 320}
    assert "was taken back in books" in at.text("explain", "INV-1", "--short")
    assert at.desk.run().exit_code == 0
    assert at.ask("reconcile", "invoices")["sums"] == {"reversed": {"GBP": 320}}
    at.desk.bill("1", "9.00")
    assert at.desk.run().exit_code == 0
    assert at.desk.done() == [("created", "1.10"), ("voided", "1.10"), ("created", "9.00")]


def test_a_reversal_that_waits_is_called_one(at: Counter) -> None:
    _, there = edited(at)
    run = at.ask("runs", "list")["items"][-1]["id"]
    at.text("runs", "undo", run, "--yes", code=4)
    [row] = at.ask("errors", "list")["items"]
    assert (row["reversal"], row["target"]) == (True, there)
    told = at.text("errors", "list")
    assert ("INV-1   reversal" in told, "was not taken back" in told) == (True, True)
    assert f"{row['id']}   reversal of invoice INV-1" in at.text("errors", "show", row["id"])


def test_a_whole_run_is_taken_back_once(at: Counter) -> None:
    at.desk.bills(2)
    run = at.desk.run().data["run"]
    at.text("runs", "undo", run, "--yes")
    assert [what for what, _, _ in at.desk.effects()] == ["created", "created", "voided", "voided"]
    at.text("runs", "undo", run, "--yes")
    assert len(at.desk.effects()) == 4


def test_a_word_that_was_given_while_the_target_was_down_holds_for_what_waits_for_its_customer(at: Counter) -> None:
    at.desk.flows["invoices"] = 'approval = "required"'
    at.desk.bills(2)
    at.desk.run()
    at.desk.target.stage.faults.add("dropped", method="GET", path="company", times=100)
    at.text("approve", "invoices", "--all", code=6)
    at.desk.target.stage.faults.clear()
    assert at.desk.run().exit_code == 0
    assert [number for _, number, _ in at.desk.effects()] == ["INV-1", "INV-2"]
    assert at.ask("approve", "invoices")["items"] == []


def test_what_was_deleted_in_the_target_is_written_anew_when_a_person_says_so_and_a_look_agrees(at: Counter) -> None:
    at.desk.bill("1", "12.50")
    at.desk.run()
    [id] = [one["id"] for one in at.desk.target.things.values() if one["kind"] == "invoice"]
    gone = at.desk.target.things.pop(id)
    at.desk.bill("1", "13.00")
    assert at.desk.run().exit_code == 4
    number = f"E-{at.desk.item().id}"
    at.desk.target.things[id] = gone
    assert at.fails("errors", "resolve", number, "--send-again", "--yes", code=7)["code"] == "WHERRY-7092"
    del at.desk.target.things[id]
    assert [row["state"] for row in at.ask("errors", "resolve", number, "--send-again", "--yes")["items"]] == [
        "created"
    ]
    assert at.desk.done() == [("created", "12.50"), ("created", "13.00")]
    assert at.desk.run().exit_code == 0
