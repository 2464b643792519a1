"""What a bookkeeper is told of movements that keep his month back: by status, errors, preview, close and the log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from wherry.wording import with_amounts

from tests.treasury import Treasury, treasury

FLOW = "wallet-journals"
WALLET = "wallet,date,fiat value,category,debit,reference,status"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Treasury]:
    with treasury(tmp_path, monkeypatch, capsys) as made:
        made.mapped()
        yield made


# -- what keeps the month back -----------------------------------------------------------------------------------------


def test_a_blocked_month_shows_in_status_and_errors_with_the_command_until_it_is_mended(desk: Treasury) -> None:
    """b_004_09, b_004_11, I16"""
    desk.wallet(WALLET, "hot,2026-01-05,100,storage,,W-1,", *(f"hot,2026-01-06,1,parking,,P-{n}," for n in range(1, 6)))
    desk.does(f"run {FLOW}", 4)
    told = desk.does("status", 4)
    assert "blocked" in told
    assert f"nothing is booked: 5 movements without account: wherry accounts map {FLOW}" in told
    [row] = desk.ask("status", 4)["flows"]
    [one] = row["blocked"]
    assert (one["movements"], one["minor"], one["names"]) == (5, 500, ["P-1", "P-2", "P-3"])
    told = desk.does("errors list")
    assert "nothing waits for you" not in told
    assert "P-1, P-2, P-3 and 2 more   all of them: wherry journal preview wallet-journals --left-out" in told
    assert f"next     wherry accounts map {FLOW}" in told
    desk.mapped("category,debit,credit\nstorage,1205,4010\nparking,1205,4020\n")
    desk.does(f"run {FLOW}")
    assert "blocked" not in desk.does("status")
    assert "nothing is booked" not in desk.does("errors list")


def test_what_is_left_out_is_named_the_first_few_and_all_where_it_is_asked_for(desk: Treasury) -> None:
    desk.wallet(WALLET, *(f"hot,2026-01-06,1,parking,,P-{n:02}," for n in range(1, 13)))
    told = desk.does(f"journal preview {FLOW}", 4)
    assert "P-01, P-02, P-03, P-04, P-05, P-06, P-07, P-08\n  and 4 more (--left-out)" in told
    told = desk.does(f"journal preview {FLOW} --left-out", 4)
    assert "P-12" in told
    assert "--left-out)" not in told
    assert "(P-01, P-02, P-03 and 9 more)" in desk.does(f"run {FLOW}", 4)
    assert "(P-01, P-02, P-03 and 9 more)" in desk.does("close 2026-01", 4)


def test_a_code_that_the_chart_lacks_is_marked_while_other_movements_have_no_account(desk: Treasury) -> None:
    desk.wallet(WALLET, "hot,2026-01-05,100,storage,,W-1,", "hot,2026-01-06,1,parking,,W-2,")
    desk.mapped("category,debit,credit\nstorage,1205,99999\n")
    data = desk.ask(f"journal preview {FLOW}", 4)
    [entry] = data["entries"]
    assert (data["blocked"], entry["state"]) == (True, "refused")
    assert 'there is no account "99999" in the chart' in entry["reason"]


def test_a_class_that_the_company_lacks_or_does_not_track_is_a_problem_of_the_table(desk: Treasury) -> None:
    desk.wallet(WALLET, "hot,2026-01-05,100,storage,,W-1,")
    desk.mapped("category,debit,credit,class\nstorage,1205,4010,West\n")
    [problem] = desk.ask(f"accounts check {FLOW}", 4)["items"]
    assert (problem["row"], problem["column"], problem["code"]) == (2, "class", "West")
    assert problem["why"].startswith("storage has the class West, ")
    assert problem["fix"]


# -- taken back at the source ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("posted", [False, True], ids=["before", "after"])
def test_a_wallet_transaction_that_is_void_in_the_file_leaves_the_books(desk: Treasury, posted: bool) -> None:
    """b_004_15"""
    desk.setting('late = "next-period"', 'late = "correct"')
    desk.wallet(WALLET, "hot,2026-01-05,100,storage,,W-1,", "hot,2026-01-06,7,storage,,W-2,")
    desk.does(f"journal post {FLOW} --yes" if posted else f"run {FLOW}")
    desk.wallet(WALLET, "hot,2026-01-05,100,storage,,W-1,", "hot,2026-01-06,7,storage,,W-2,Void")
    desk.does(f"journal post {FLOW} --yes")
    assert str(desk.balances()["Storage income"]) == "-100.00"
    assert desk.ask(f"reconcile {FLOW}")["passes"]


# -- words -------------------------------------------------------------------------------------------------------------


def test_the_log_tells_amounts_as_amounts_to_people_and_as_they_are_to_programs(desk: Treasury) -> None:
    desk.wallet(WALLET, "hot,2026-01-05,100,storage,,W-1,")
    desk.does(f"journal post {FLOW} --yes")
    [row] = [row for row in desk.ask("audit list")["items"] if row["action"] == "approve"]
    assert (row["detail"]["amount"], row["detail"]["currency"]) == (10000, "USD")
    assert '"amount":"100.00 USD"' in desk.does("audit list")


def test_minor_units_become_amounts_wherever_their_currency_stands_beside_them() -> None:
    told = {"amount": 4652, "currency": "USD", "some": [{"minor": 7, "currency": "JPY"}], "sums": {"EUR": 1}}
    assert with_amounts(told) == {"amount": "46.52 USD", "some": [{"amount": "7 JPY"}], "sums": "0.01 EUR"}
    assert with_amounts({"amount": 1, "currency": "chips"}) == {"amount": 1, "currency": "chips"}


def test_help_of_a_plugins_commands_needs_no_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from wherry.cli.app import run

    monkeypatch.chdir(tmp_path)
    assert run(["workspace", "--help"]) == 0
    assert "import" in capsys.readouterr().out
    assert run(["workspace", "import", "-h"]) == 0
    assert run(["workspace", "count", "--output", "json"]) == 2
    assert json.loads(capsys.readouterr().out.strip().splitlines()[-1])["error"]["code"] == "WHERRY-2001"
