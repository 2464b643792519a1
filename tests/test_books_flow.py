"""Movements of the platform on their way into QuickBooks as journal entries: grouped, approved, posted once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from wherry.books import gathering
from wherry.store import movements
from wherry.store.database import Tx
from wherry.store.movements import MovementRow

from tests.treasury import Treasury, named_treasury

FLOW = "wallet-journals"


@pytest.fixture
def desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], store_url: str
) -> Iterator[Treasury]:  # fmt: skip
    """On both databases: what is told here is what the store does."""
    with named_treasury(tmp_path, monkeypatch, capsys, store=store_url) as made:
        yield made


def test_a_week_of_movements_is_one_balanced_entry_that_waits_for_approval_and_is_posted_once(desk: Treasury) -> None:
    """b_000_03, b_004_01, b_004_08, b_004_09, b_004_14, b_004_15, I6"""
    desk.moved(
        ("2026-01-05", "100.00 USD", "payout", "W1", "p1", "Rent"),
        ("2026-01-07", "40.10 USD", "payout", "W1", "p2", "Wages"),
        ("2026-01-07", "1.05 USD", "fee", "W1", "p3", "Gas"),
        ("2026-01-12", "7.00 USD", "fee", "W1", "p4", "Gas"),
    )
    ran = desk.ask(f"run {FLOW}")
    assert ran["fates"]["ledger_transaction"] == {"created": 4}
    assert [(one["bucket"], one["movements"]) for one in ran["books"]["entries"]] == [("2026-W02", 3), ("2026-W03", 1)]
    assert desk.journals() == []
    desk.does(f"approve {FLOW} --all --yes")
    assert desk.balances() == {
        "Operating expenses": Decimal("140.10"), "Network fees": Decimal("8.05"), "Digital assets": Decimal("-148.15"),
    }  # fmt: skip
    assert [entry["TxnDate"] for entry in desk.journals()] == ["2026-01-11", "2026-01-18"]
    again = desk.ask(f"run {FLOW}")
    assert len(desk.journals()) == 2
    assert again["books"]["entries"] == []
    assert again["books"]["posted"] == 2


def test_nothing_is_uploaded_while_a_movement_has_no_account_and_what_is_missing_is_told(desk: Treasury) -> None:
    """b_004_09, b_004_11"""
    desk.moved(
        ("2026-01-05", "100.00 USD", "payout", "W1", "p1"),
        ("2026-01-06", "9.00 USD", "donation", "W1", "p2"),
    )
    ran = desk.ask(f"run {FLOW}", code=4)["books"]
    assert (ran["blocked"], ran["entries"]) == (True, [])
    [left] = ran["left_out"]
    assert (left["reason"], left["movements"], left["minor"]) == ("uncategorised", 1, 900)
    assert "donation" in left["detail"]
    assert "nothing" in desk.does(f"approve {FLOW} --all --yes").lower()
    path = desk.folder / "tables" / "accounts.csv"
    path.write_text(path.read_text("utf-8") + "donation,Operating expenses,Digital assets\n", "utf-8")
    desk.does(f"run {FLOW}")
    desk.does(f"approve {FLOW} --all --yes")
    assert desk.balances()["Digital assets"] == Decimal("-109.00")


def test_gains_are_booked_beside_and_movements_under_one_cent_are_left_out_and_totalled(desk: Treasury) -> None:
    """b_004_04, b_004_12, case C"""
    desk.moved(
        ("2026-01-05", "100.00 USD", "payout", "W1", "p1", "", "12.50 USD"),
        ("2026-01-06", "50.00 USD", "payout", "W1", "p2", "", "-3.25 USD"),
        ("2026-01-06", "0.00 USD", "payout", "W1", "p3"),
    )
    ran = desk.ask(f"run {FLOW}")["books"]
    assert [(left["reason"], left["movements"]) for left in ran["left_out"]] == [("under-one-cent", 1)]
    desk.does(f"approve {FLOW} --all --yes")
    assert desk.balances() == {
        "Operating expenses": Decimal("150.00"), "Realised gains": Decimal("-12.50"),
        "Realised losses": Decimal("3.25"), "Digital assets": Decimal("-140.75"),
    }  # fmt: skip


def test_a_late_movement_goes_to_the_next_open_period_and_never_into_what_was_posted(desk: Treasury) -> None:
    """case_C10, b_000_03"""
    desk.moved(("2026-01-05", "100.00 USD", "payout", "W1", "p1"))
    desk.does(f"run {FLOW}")
    desk.does(f"approve {FLOW} --all --yes")
    posted = desk.journals()
    desk.moved(("2026-01-06", "8.00 USD", "fee", "W1", "late"))
    [entry] = desk.ask(f"run {FLOW}")["books"]["entries"]
    assert (entry["period"], entry["bucket"]) == ("2026-02", "2026-W05b")
    desk.does(f"approve {FLOW} --all --yes")
    assert posted[0] in desk.journals()
    assert desk.balances()["Digital assets"] == Decimal("-108.00")


def test_what_changed_or_was_taken_back_after_it_was_posted_is_reversed_and_booked_anew(desk: Treasury) -> None:
    """case_C11, I10"""
    desk.setting('late = "next-period"', 'late = "correct"')
    desk.moved(("2026-01-05", "100.00 USD", "payout", "W1", "p1"))
    desk.does(f"run {FLOW}")
    desk.does(f"approve {FLOW} --all --yes")
    [held] = json.loads(desk.does("workspace list ledger_transaction --output json"))["data"]["items"]
    desk.does(f"workspace edit ledger_transaction {held['id']} 'amount=90.00 USD'")
    [entry] = desk.ask(f"run {FLOW}")["books"]["entries"]
    assert entry["movements"] == 2
    desk.does(f"approve {FLOW} --all --yes")
    assert len(desk.journals()) == 2
    assert desk.balances() == {"Operating expenses": Decimal("90.00"), "Digital assets": Decimal("-90.00")}


def test_an_account_that_is_closed_or_unknown_stops_its_entry_with_a_sentence_before_anything_is_sent(
    desk: Treasury,
) -> None:
    """case_C16"""
    path = desk.folder / "tables" / "accounts.csv"
    path.write_text(path.read_text("utf-8").replace("payout,Operating expenses", "payout,Operating expense"), "utf-8")
    desk.moved(("2026-01-05", "100.00 USD", "payout", "W1", "p1"))
    ran = desk.ask(f"run {FLOW}", code=4)
    assert ran["waiting"]["refused"] == {"journal_entry": 1}
    [refused] = json.loads(desk.does("errors list --output json", code=desk.code and 0))["data"]["items"]
    assert "Operating expense" in refused["reason"]
    assert desk.journals() == []


def test_a_run_that_brings_nothing_new_arranges_nothing_and_says_the_same(
    desk: Treasury, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also after a restart: what was told is kept in the transaction that did it."""
    desk.moved(("2026-01-05", "100.00 USD", "payout", "W1", "p1"), ("2026-01-06", "0.00 USD", "fee", "W1", "p2"))
    first = desk.ask(f"run {FLOW}")["books"]
    arranged: list[str] = []
    arrange = gathering.arrange
    monkeypatch.setattr(gathering, "arrange", lambda tx, books: arranged.append("again") or arrange(tx, books))
    assert desk.ask(f"run {FLOW}")["books"] == first
    assert arranged == []
    path = desk.folder / "tables" / "accounts.csv"
    path.write_text(path.read_text("utf-8").replace("payout,Operating expenses", "payout,Network fees"), "utf-8")
    [entry] = desk.ask(f"run {FLOW}")["books"]["entries"]
    assert {line["account"] for line in entry["lines"]} == {"Network fees", "Digital assets"}
    assert arranged, "the table of accounts says something else"
    arranged.clear()
    desk.does(f"approve {FLOW} --all --yes")
    assert desk.ask(f"run {FLOW}")["books"]["posted"] == 1
    assert arranged, "an entry was posted"
    arranged.clear()
    desk.moved(("2026-01-07", "1.00 USD", "fee", "W1", "p3"))
    desk.ask(f"run {FLOW}")
    assert arranged, "a movement came"


def test_what_is_posted_is_not_read_again_until_its_entry_is_reversed(
    desk: Treasury, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.moved(("2026-01-05", "100.00 USD", "payout", "W1", "p1"), ("2026-01-20", "5.00 USD", "fee", "W1", "p2"))
    desk.does(f"run {FLOW}")
    desk.does(f"approve {FLOW} --all --yes")
    desk.does(f"run {FLOW}")
    read: list[int] = []
    unposted = movements.unposted

    def counted(tx: Tx, sink: int, flow: str) -> list[MovementRow]:
        rows = list(unposted(tx, sink, flow))
        read.append(len(rows))
        return rows

    monkeypatch.setattr(movements, "unposted", counted)
    desk.moved(("2026-02-03", "1.00 USD", "fee", "W1", "p3"))
    desk.does(f"run {FLOW}")
    assert set(read) == {1}
    desk.does(f'journal reverse {FLOW} "JE W1 2026W02" --repost --yes')
    desk.does(f"run {FLOW}")
    desk.does(f"approve {FLOW} --all --yes")
    assert desk.balances()["Digital assets"] == Decimal("-106.00")
