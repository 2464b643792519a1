"""Source, ledger and target compared: the sums agree to the penny, and every difference is told."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from wherry.errors import ConfigError
from wherry.operating import deciding, reconciling, reopening
from wherry.operating import desk as at_the_desk
from wherry.records import Call, Found, Item, Reply
from wherry.testing.shelf import FILE
from wherry.testing.target_sink import AskingSink

from .drained import Books, books


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Books]:
    """Three invoices in the books: 1.10, 2.10 and 3.10."""
    with books(tmp_path, f"sqlite:///{tmp_path / 'store' / 'wherry.db'}", monkeypatch) as made:
        made.bills(3)
        assert made.run().exit_code == 0
        made.clock.sleep(made.target.lag + 1)
        yield made


def reconciled(desk: Books, period: str = "") -> reconciling.Reconciled:
    with desk.open() as hub:
        return reconciling.reconcile(hub, "invoices", period)


def test_what_was_posted_is_what_the_source_says_to_the_penny(desk: Books) -> None:
    """I9"""
    found = reconciled(desk)
    assert found.source == {"GBP": 630}
    assert found.sums == {"posted": {"GBP": 630}}
    assert (found.counts, found.differences, found.asked) == ({"posted": 3}, [], True)


def test_what_is_held_taken_back_and_left_out_adds_up(desk: Books) -> None:
    """I9"""
    desk.bill("1", "1.10", status="void")
    desk.flows["invoices"] = 'approval = "required"'
    desk.bill("4", "40.00")
    desk.bill("5", "50.00", status="draft")
    assert desk.run().exit_code == 0
    with desk.open() as hub:
        found = reconciling.reconcile(hub, "invoices")
    assert sum(sums.get("GBP", 0) for sums in found.sums.values()) == found.source["GBP"]
    assert found.counts["posted"] + found.counts.get("reversed", 0) + found.counts["held"] + found.counts.get(
        "skipped", 0) == 5  # fmt: skip
    assert found.sums["held"] == {"GBP": 4000}
    assert {why: (one.records, one.sums) for why, one in found.held.items()} == {
        "wanted": (["invoice 4"], {"GBP": 4000})
    }


def test_an_edit_in_the_target_is_a_difference(desk: Books) -> None:
    """case_E16"""
    desk.target.edit(desk.number("2")["id"], memo="paid by card")
    [one] = reconciled(desk).differences
    assert (one.what, one.record) == ("edited", "invoice 2")
    assert "paid by card" in one.says


class Listing(AskingSink):
    """Looks by number in a list whose rows tell the date alone; by id in the documents themselves."""

    def found(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, list[Found]]:
        listed = {item.stamp for item in items if item.target is None}
        told = super().found(call, items, reply)
        for hit in (hit for stamp in listed for hit in told.get(stamp, ())):
            hit.facts = {"date": (hit.facts or {})["date"]}
        return told


def test_what_a_list_of_the_target_leaves_out_is_read_in_the_document(desk: Books) -> None:
    """I9: NetSuite's SuiteQL"""
    desk.made = lambda sink: Listing(sink.http, sink.ability, batch=sink.batch, settle=sink.settle)
    desk.target.edit(desk.number("2")["id"], total="90.00")
    desk.clock.sleep(desk.target.lag + 1)  # now the list shows it
    assert ["total is 90.00" in one.says for one in reconciled(desk).differences] == [True]


def test_what_was_taken_back_and_stands_there_again_is_told_and_taken_back_once_more(desk: Books) -> None:
    """I3: somebody made it good there, or the target came out of a backup"""
    desk.bill("1", "1.10", status="void")
    assert desk.run().exit_code == 0
    assert reconciled(desk).differences == []
    desk.target.edit(desk.number("1")["id"], status="open")
    assert [(one.what, one.record) for one in reconciled(desk).differences] == [("stands", "invoice 1")]
    with desk.open() as hub:
        [one] = reopening.reopen(hub, "INV-1").items
        deciding.retry(hub, at_the_desk.pick(hub, [int(one["id"][2:])]))
    assert (one["class"], desk.done()[-1][0]) == ("differs", "voided")
    assert reconciled(desk).differences == []


def test_a_document_that_is_gone_from_the_target_is_missing(desk: Books) -> None:
    """I3"""
    del desk.target.things[desk.number("3")["id"]]
    assert [(one.what, one.record) for one in reconciled(desk).differences] == [("missing", "invoice 3")]


def test_a_change_at_the_source_that_was_not_carried_is_a_difference(desk: Books) -> None:
    desk.bill("1", "9.00")
    assert [(one.what, one.record) for one in reconciled(desk).differences] == [("source", "invoice 1")]


def test_a_date_that_was_not_carried_is_a_difference_in_the_months_of_both_days(desk: Books) -> None:
    """I11: the amount is right, and stands in the wrong month."""
    desk.bill("1", "1.10", date="2026-08-02")
    said = "the source says it is of 2026-08-02, 2026-07-01 was written"
    for period in ("", "2026-07", "2026-08"):
        assert [(one.what, one.number, one.says) for one in reconciled(desk, period).differences] == [
            ("source", "INV-1", said)
        ], period
    assert (reconciled(desk, "2026-07").counts, reconciled(desk, "2026-08").counts) == ({"posted": 2}, {"posted": 1})
    assert reconciled(desk, "2026-09").differences == []
    assert desk.run().exit_code == 0
    assert reconciled(desk).differences == []


def test_a_period_takes_the_documents_of_its_days(desk: Books) -> None:
    assert reconciled(desk, "2026-07").counts == {"posted": 3}
    assert reconciled(desk, "2026-08").counts == {}
    with pytest.raises(ConfigError, match="no period"):
        reconciled(desk, "July")


def test_what_was_left_out_is_listed_and_totalled_in_the_period_of_its_day(desk: Books) -> None:
    """I9: also what the gate kept out before anything of it was made."""
    desk.bill("4", "40.00", status="draft", date="2026-07-02")
    desk.bill("5", "50.00", status="draft", date="2026-08-02")
    assert desk.run().exit_code == 0
    [(reason, july)] = reconciled(desk, "2026-07").left_out.items()
    assert "draft" in reason
    assert (july.count, july.records, july.sums) == (1, ["invoice 4"], {"GBP": 4000})
    august = reconciled(desk, "2026-08")
    assert (august.counts, august.sums, august.undated) == ({"skipped": 1}, {"skipped": {"GBP": 5000}}, 0)
    assert reconciled(desk, "2026-09").counts == {}


def test_what_has_left_the_source_has_no_day_and_is_told_in_every_period(desk: Books) -> None:
    desk.bill("4", "40.00", status="draft")
    assert desk.run().exit_code == 0
    path = desk.folder / FILE
    path.write_text(json.dumps([row for row in desk.shelf.rows() if row["id"] != "4"]), "utf-8")
    found = reconciled(desk, "2026-09")
    assert (found.counts, found.undated) == ({"skipped": 1}, 1)
