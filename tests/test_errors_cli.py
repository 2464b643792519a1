"""``wherry errors``: what a machine cannot do alone is told with its reason and amount, and done by one command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from wherry.cli.errors import edit  # noqa: F401

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


def test_nothing_leaves_before_somebody_approved_it(at: Counter) -> None:
    at.desk.flows["invoices"] = 'approval = "required"'
    at.desk.bill("1", "12.50")
    assert at.desk.run().exit_code == 0
    assert at.desk.writes() == []
    at.text("approve", "invoices", "--all")
    assert at.desk.done() == [("created", "12.50")]


def test_a_whole_run_is_taken_back_once(at: Counter) -> None:
    at.desk.bills(2)
    run = at.desk.run().data["run"]
    at.text("runs", "undo", run, "--yes")
    assert [what for what, _, _ in at.desk.effects()] == ["created", "created", "voided", "voided"]
    at.text("runs", "undo", run, "--yes")
    assert len(at.desk.effects()) == 4
