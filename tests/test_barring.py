"""Accounts that a target bars in journals: told by ``config check`` and ``accounts check`` before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest
from openpyxl.comments import Comment
from openpyxl.styles import PatternFill

from tests.treasury import Treasury, treasury

FLOW = "wallet-journals"
PAYABLE = "category,debit,credit,party\nstorage,1205,Accounts Payable (A/P),\nswitching,1205,4020,\n"
OWED = "category,debit,credit,party\nstorage,Accounts Receivable (A/R),4010,{party}\nswitching,1205,4020,\n"


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Treasury]:
    with treasury(tmp_path, monkeypatch, capsys) as made:
        made.once("moved", lambda: moved(made))
        yield made


def moved(at: Treasury) -> None:
    at.moves("TX-1,2026-01-05,100.00 USD,storage,hot,W-1,", "TX-2,2026-01-06,40.50 USD,switching,hot,W-2,")
    at.does("accounts import books")


def setting(at: Treasury, line: str) -> None:
    path = at.folder / "wherry.toml"
    path.write_text(path.read_text("utf-8") + f"{line}\n", "utf-8")


def test_config_check_refuses_a_map_to_an_account_that_the_target_bars(at: Treasury) -> None:
    """case_C16"""
    at.mapped(PAYABLE)
    at.does("config check", 2)
    assert "WHERRY-2652" in at.err
    assert "tables/accounts.csv, row 2, credit: account Accounts Payable (A/P) is a payable account" in at.err
    assert "QuickBooks wants a vendor on each line, and Wherry writes no vendors: books would refuse" in at.err
    assert "set clearing on the flow to the code of a clearing account" in at.err
    setting(at, 'clearing = "1205"')
    at.does("config check")


def test_config_check_asks_nobody_for_it(at: Treasury, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOKS_URL", "http://127.0.0.1:9")
    at.mapped(OWED.format(party=""))
    at.does("config check")
    at.mapped(PAYABLE)
    at.does("config check", 2)


def test_config_check_tells_of_tables_that_cannot_be_read(at: Treasury) -> None:
    setting(at, 'rates = "tables/rates.csv"')
    at.does("config check", 2)
    assert "WHERRY-2094" in at.err
    (at.folder / "tables").mkdir(exist_ok=True)
    (at.folder / "tables" / "rates.csv").write_text("date,from,to,rate\n2026-01-05,EUR,USD,1,08\n", "utf-8")
    at.does("config check", 2)
    at.mapped()
    (at.folder / "tables" / "rates.csv").write_text("date,from,to,rate\n2026-01-05,EUR,USD,0\n", "utf-8")
    at.does("config check", 2)
    assert "row 2, column rate: 0 is no rate" in at.err


def test_accounts_check_tells_of_the_same_with_what_each_line_would_have_to_say(at: Treasury) -> None:
    """case_C16"""
    at.mapped(PAYABLE)
    [found] = at.ask(f"accounts check {FLOW}", 4)["items"]
    assert (found["row"], found["column"], found["kind"]) == (2, "credit", "type")
    assert "QuickBooks wants a vendor" in found["why"]
    at.mapped(OWED.format(party=""))
    [found] = at.ask(f"accounts check {FLOW}", 4)["items"]
    assert (found["kind"], found["column"]) == ("party", "debit")
    assert "(QuickBooks wants a customer on each line), and nothing says whose" in found["why"]
    at.mapped(OWED.format(party="Acme"))
    assert at.ask(f"accounts check {FLOW}")["items"] == []


def test_what_rounding_leaves_goes_to_an_account_that_is_there(at: Treasury) -> None:
    at.mapped()
    setting(at, 'rounding = "799"')
    [found] = at.ask(f"accounts check {FLOW}", 4)["items"]
    assert "rounding of the flow: there is no account" in found["why"]
    path = at.folder / "wherry.toml"
    path.write_text(path.read_text("utf-8").replace('"799"', '"4090"'), "utf-8")
    [found] = at.ask(f"accounts check {FLOW}", 4)["items"]
    assert "the target books it on Exchange Gain or Loss itself" in found["why"]


def test_the_screen_of_a_file_bars_what_its_system_bars(at: Treasury) -> None:
    """b_000_07"""
    folder = at.folder / "out"
    folder.mkdir()
    (folder / "chart.csv").write_text(
        "code,name,type\n1100,Bank,bank\n1205,Clearing,asset\n4010,Sales,income\n", "utf-8"
    )
    path = at.folder / "wherry.toml"
    told = path.read_text("utf-8").replace('"quickbooks"]', '"quickbooks", "csv"]')
    told = told.replace("[flows.wallet-journals]\n", '[connections.files]\nplugin = "csv"\nfolder = "out"\n'
                        'profile = "xero"\naccounts = "chart.csv"\n[flows.wallet-journals]\n')  # fmt: skip
    path.write_text(told.replace('sink = "books"', 'sink = "files"'), "utf-8")
    at.mapped("category,debit,credit\nstorage,1100,4010\nswitching,1205,4010\n")
    at.does("accounts import files")
    at.does("config check", 2)
    assert "row 2, debit: account 1100 (Bank) is a bank account, and Xero takes no manual journals on bank" in at.err


def test_movements_of_nothing_in_a_closed_month_are_left_out_and_never_held(at: Treasury) -> None:
    """b_004_04, b_004_11"""
    at.mapped()
    at.moves("TX-3,2026-01-07,0.00 USD,storage,hot,W-3,", "TX-4,2026-01-08,0.00 USD,no such category,hot,W-4,")
    at.does("periods close 2026-01 --target books --note x")
    data = at.ask(f"journal preview {FLOW}")
    assert [(one["reason"], one["movements"]) for one in data["left_out"]] == [("held", 2)]
    assert [one["movements"] for one in data["under_one_cent"]] == [2]
    assert not data["blocked"]
    setting(at, 'closed = "stop"')
    at.does(f"journal preview {FLOW}", 7)


def test_a_closed_month_with_nothing_but_zeros_stops_nothing(at: Treasury) -> None:
    at.mapped()
    at.does(f"journal post {FLOW} --yes")
    at.does("periods close 2026-01 --target books --note x")
    at.moves("TX-3,2026-01-07,0.00 USD,storage,hot,W-3,")
    setting(at, 'closed = "stop"')
    data = at.ask(f"journal preview {FLOW}")
    assert (data["left_out"], data["entries"]) == ([], [])
    assert [one["movements"] for one in data["under_one_cent"]] == [1]


def test_a_spreadsheet_keeps_its_colours_and_comments_when_categories_are_added(at: Treasury) -> None:
    at.mapped("category,debit,credit\nstorage,1205,4010\n")
    at.does(f"accounts map {FLOW} --to tables/accounts.xlsx", 4)
    path = at.folder / "tables" / "accounts.xlsx"
    book = openpyxl.load_workbook(path)
    sheet = book["accounts"]
    sheet["A2"].fill, sheet["A2"].comment = PatternFill("solid", fgColor="FFFF00"), Comment("ask Dana", "anna")
    book.save(path)
    at.moves("TX-9,2026-01-09,1.00 USD,rent,hot,W-9,")
    at.does(f"accounts map {FLOW} --to tables/accounts.xlsx", 4)
    sheet = openpyxl.load_workbook(path)["accounts"]
    assert (sheet["A2"].value, sheet["A2"].fill.fgColor.rgb, sheet["A2"].comment.text) == (
        "storage", "00FFFF00", "ask Dana",
    )  # fmt: skip
    assert [cell.value for cell in sheet["A"]] == ["category", "storage", "switching", "rent"]
