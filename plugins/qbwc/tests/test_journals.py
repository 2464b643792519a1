"""Journals on their way into a company file, from the command line: chart, entries, and the tie-out to the cent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .desk_rig import Desk, desk

MOVES = """id,date,amount,category,partition,reference,gain
TX-1,2026-01-05,100.00 USD,storage,hot,W-1,
TX-2,2026-01-06,40.50 USD,switching,hot,W-2,
TX-3,2026-01-28,12.00 USD,storage,cold,W-3,1.00 USD
"""
ACCOUNTS = """category,debit,credit
storage,10100,40100
switching,10100,40200
gain,10100,40200
loss,40200,10100
"""
RECONCILE = "reconcile wallet-journals --period 2026-01"


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Desk]:
    """A project of journals whose connection is a company file; the Web Connector was here once."""
    with desk(tmp_path / "books", monkeypatch, capsys) as made:
        made.does(f"init {tmp_path / 'books'} --template journals")
        made.connection('plugin = "qbwc"\ncurrency = "USD"')
        path = made.folder / "wherry.toml"
        told = path.read_text("utf-8")
        path.write_text(told.replace(next(line for line in told.splitlines() if line.startswith("books_from")),
                                     "books_from = 2026-01-01"), "utf-8")  # fmt: skip
        made.set_up()
        assert made.session().how == "done"
        yield made


def begun(at: Desk) -> None:
    at.does("accounts import books")
    at.table("accounts.csv", ACCOUNTS)
    (at.folder / "moves.csv").write_text(MOVES, "utf-8")
    at.does("workspace import ledger-transaction moves.csv")
    at.does("run wallet-journals")
    at.does("approve wallet-journals --all")


def test_the_chart_of_the_company_file_is_imported_with_its_posting_accounts(at: Desk) -> None:
    """b_004_02, b_004_06, b_004_07: headers there are none; accounts that take no bookings are not offered."""
    said = at.does("accounts import books")
    assert "11 posting accounts" in said, said
    shown = at.does("accounts list books")
    assert "Services Income" in shown
    assert "Estimates" not in shown


def test_journals_are_booked_in_a_session_and_tie_out_after_the_next(at: Desk) -> None:
    """b_004_14, b_004_16, b_000_03: the balances are asked for in one session, and told to the cent. What a person did
    to an entry is found."""
    begun(at)
    assert at.books("JournalEntry") == []
    assert at.session().how == "done"
    assert [one["RefNumber"] for one in at.books("JournalEntry")] != []
    at.does(RECONCILE, 6)
    assert "WHERRY-6855" in at.err
    assert at.session().how == "done"
    assert "It ties out." in at.does(RECONCILE)
    said = at.does("journal trial-balance wallet-journals --period 2026-01")
    assert said.count("153.50") == 6, said
    at.desktop.change(at.books("JournalEntry")[0]["id"], TxnDate="2026-02-03")
    assert at.session().how == "done"
    at.does(RECONCILE, 6)
    assert at.session().how == "done"
    said = at.does(RECONCILE, 4)
    assert "is dated 2026-02-03 there, 2026-01-31 was written" in said


def test_an_entry_is_found_by_its_number_as_the_company_file_shows_it(at: Desk) -> None:
    """A number has 11 characters there."""
    begun(at)
    assert at.session().how == "done"
    [number, *_] = [one["RefNumber"] for one in at.books("JournalEntry")]
    said = at.does(f"explain {number}")
    assert said.startswith("Journal entry JE "), said
    at.does(f"explain {number[:-4]}zzzz", 3)


def test_a_month_is_closed_with_two_visits_of_the_web_connector_at_most(at: Desk) -> None:
    """b_004_16: the first takes the entries and tells the balances; the second is for whoever asks too late."""
    begun(at)
    close = "close 2026-01 --approve --yes"
    said = at.does(close, 4)
    assert "2 not sent" in said
    assert "they leave with the next update of the Web Connector; do this again after it" in said
    assert at.session().how == "done"
    said = at.does(close)
    assert "it ties out" in said
    assert "2026-01 is closed" in said
    assert ", by run " in at.does("explain M-1 --short")


def taken_back(at: Desk, how: str) -> None:
    """An entry that stands in QuickBooks is reversed there: its company file is looked into before anything is sent."""
    begun(at)
    at.session()
    reverse = f'journal reverse wallet-journals "JE HOT 2026W02" {how} --yes'
    at.does(reverse, 6)
    at.session()
    at.does(reverse)
    assert at.session().how == "done"


def test_an_entry_is_taken_back_by_a_second_one_and_both_tie_out(at: Desk) -> None:
    """b_004_14"""
    taken_back(at, "--note wrong")
    assert len(at.books("JournalEntry")) == 3
    at.does(RECONCILE, 6)
    at.session()
    said = at.does(RECONCILE)
    assert "3 entries of this hub" in said
    assert "It ties out." in said


def test_an_entry_is_booked_anew_and_all_days_tie_out_after_one_visit(at: Desk) -> None:
    """b_004_14, b_004_16: what a tie-out asks is asked before any of it is waited for."""
    taken_back(at, "--repost")
    at.does("run wallet-journals")
    at.does("approve wallet-journals --all")
    at.session()
    at.does("reconcile wallet-journals", 6)
    at.session()
    said = at.does("reconcile wallet-journals")
    assert "4 entries of this hub" in said
    assert "It ties out." in said


def test_a_currency_that_nobody_told_is_asked_for_before_a_visit_is_waited_for(at: Desk) -> None:
    begun(at)
    at.connection('plugin = "qbwc"')
    at.does(RECONCILE, 2)
    assert "WHERRY-2857" in at.err
