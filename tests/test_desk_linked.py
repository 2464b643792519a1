"""What a person says a document is in its target, where nobody knows, or can look, what it holds there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from wherry.errors import Rejected
from wherry.records import Call, Item
from wherry.testing.target_sink import AskingSink, ReplacingSink

from .counter import Counter, counter


@pytest.fixture
def mute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Counter]:
    """A target that cannot be asked. The answer to a change of its invoice, from 10.00 to 12.00, was lost."""
    with counter(tmp_path, monkeypatch, capsys, "none") as made:
        made.desk.bill("1", "10.00")
        assert made.desk.run().exit_code == 0
        made.desk.bill("1", "12.00")
        made.desk.fault("dropped")
        assert made.desk.run().exit_code == 4
        yield made


def of(at: Counter) -> str:
    return f"E-{at.desk.item().id}"


def test_a_change_that_nobody_can_look_for_is_not_taken_to_be_there_because_its_document_is_named(
    mute: Counter,
) -> None:
    """It was remembered as written, so that nothing ever sent it again."""
    there = mute.desk.number("1")["id"]
    shown = mute.text("errors", "show", of(mute)).splitlines()
    assert [line.partition(" resolve ")[2] for line in shown[-2:]] == [
        f"{of(mute)} --link {there}", f"{of(mute)} --send-again",
    ]  # fmt: skip
    told = mute.text("errors", "resolve", of(mute), "--link", there)
    assert "fix  wherry resync invoices 1 writes it there as it is here" in told
    link = mute.desk.link()
    assert link is not None
    assert (link.target, link.digest, link.body) == (there, "", "")
    mute.text("resync", "invoices", "1", "--yes")
    assert mute.desk.done() == [("created", "10.00"), ("updated", "12.00")]


def test_a_change_that_did_not_get_there_is_told_and_compared_with_what_stood_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its next version met an edit that nobody had made: it was compared with what had never been written."""
    with counter(tmp_path, monkeypatch, capsys, posted=True) as at:
        at.desk.made = lambda sink: ReplacingSink(sink.http, sink.ability, batch=sink.batch, settle=sink.settle)
        at.desk.bill("1", "10.00")
        at.desk.run()
        at.desk.bill("1", "12.00")
        at.desk.fault("dropped", path="void", times=99)
        while at.desk.states() != {"invoice/id:1": "decide"}:
            at.desk.run()
            at.desk.clock.sleep(at.desk.settle)
        at.text("errors", "resolve", of(at), "--link", at.desk.number("1")["id"])
        assert "it holds total 10.00 GBP, we would write 12.00 GBP" in at.err
        at.desk.target.stage.faults.clear()
        at.desk.bill("1", "13.00")
        assert at.desk.run().exit_code == 0
        assert at.desk.done() == [("created", "10.00"), ("voided", "10.00"), ("created", "13.00")]


class Wordless(AskingSink):
    """It has no words for products: there they are made by people alone."""

    def encode(self, items: Sequence[Item]) -> list[Call]:
        """Nothing of a product."""
        if bad := [item for item in items if item.entity == "product"]:
            raise Rejected("no product is made from here", code="KIT-4009", item=bad[0].stamp)
        return super().encode(items)

    def ask(self, items: Sequence[Item]) -> list[Call]:
        """Nothing of a product."""
        self.encode([item for item in items if item.entity == "product"])
        return super().ask(items)


def test_what_its_target_has_no_words_to_be_asked_for_is_what_a_person_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It was to be looked up before that counted, for ever, and all that needed it waited."""
    with counter(tmp_path, monkeypatch, capsys) as at:
        at.desk.made = lambda sink: Wordless(sink.http, sink.ability, batch=sink.batch, settle=sink.settle)
        at.desk.bill("1", "10.00")
        assert at.desk.run().exit_code == 4
        [product] = [row for row in at.ask("errors", "list")["items"] if row["entity"] == "product"]
        there = at.desk.target.enter("product", name="Sleeper")
        told = at.text("errors", "resolve", product["id"], "--link", there)
        assert (f"linked   {there}" in told, "nobody can look" in told) == (True, True)
        assert at.desk.done() == [("created", "10.00")]
