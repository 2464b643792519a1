"""``wherry accounts``: the chart is read and kept, the table filled in by a person, never overwritten, and checked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from wherry.accounting import Movement, MovementLine
from wherry.bookkeeping import charting
from wherry.books import tables

from .treasury import Treasury, treasury

FLOW = "wallet-journals"
DAY = dt.date(2026, 1, 5)


MOVED = (
    "TX-1,2026-01-05,100.00 USD,storage,hot,W-1,",
    "TX-2,2026-01-06,40.50 USD,switching,hot,W-2,",
    "TX-3,2026-01-28,12.00 USD,storage,cold,W-3,1.00 USD",
)


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Treasury]:
    """Three movements of two categories, one of them with a gain; no table yet."""
    with treasury(tmp_path, monkeypatch, capsys) as made:
        made.once("moved", lambda: made.moves(*MOVED))
        yield made


def table(at: Treasury) -> Path:
    return at.folder / "tables" / "accounts.csv"


def mapped(at: Treasury) -> dict[str, tuple[str, str]]:
    return {row.category: (row.debit, row.credit) for row in tables.read(table(at))}


def problems(at: Treasury, text: str) -> list[dict[str, Any]]:
    at.mapped(text)
    found: list[dict[str, Any]] = at.ask(f"accounts check {FLOW}", 4)["items"]
    return found


# -- the chart ---------------------------------------------------------------------------------------------------------


def test_the_chart_is_read_and_kept_and_only_posting_accounts_are_shown(at: Treasury) -> None:
    """b_004_02 b_004_06 b_004_07"""
    at.changed("0400", Active=False)
    data = at.ask("accounts import books")
    assert (data["posting"] + data["inactive"], data["inactive"]) == (data["accounts"], 1)
    shown = at.ask("accounts list books")["items"]
    assert len(shown) == data["posting"]
    assert "0400" not in {row["code"] for row in shown}
    assert {row["code"]: row["name"] for row in shown}["1205"] == "Storage clearing"
    everything = at.ask("accounts list books --all")["items"]
    assert {row["code"]: row["state"] for row in everything}["0400"] == "inactive"


def test_leading_zeros_of_account_numbers_are_kept(at: Treasury) -> None:
    at.does("accounts import books")
    assert "0400" in {row["code"] for row in at.ask("accounts list books")["items"]}
    assert "\n0400 " in at.does("accounts list books")


def test_importing_again_tells_what_changed(at: Treasury) -> None:
    assert at.ask("accounts import books")["new"] == []
    at.changed("4020", Name="Switching")
    at.books.write("Account", {"Name": "Custody", "AcctNum": "4030", "AccountType": "Income"})
    data = at.ask("accounts import books")
    assert ([one["code"] for one in data["new"]], [one["code"] for one in data["changed"]]) == (["4030"], ["4020"])


def test_a_chart_is_of_a_connection_that_has_one(at: Treasury) -> None:
    at.does("accounts list nowhere", 3)
    at.does("accounts import platform", 2)
    assert "WHERRY-2150" in at.err


def test_a_long_chart_is_shown_in_pages(at: Treasury) -> None:
    at.does("accounts import books")
    codes, cursor = [], ""
    for _ in range(10):
        page = at.ask(f"accounts list books --limit 4 --cursor '{cursor}'")
        codes += [row["code"] for row in page["items"]]
        cursor = page["cursor"]
        if not cursor:
            break
    assert codes == [row["code"] for row in at.ask("accounts list books")["items"]]


# -- the table ---------------------------------------------------------------------------------------------------------


def test_every_category_without_a_row_gets_an_empty_one(at: Treasury) -> None:
    """b_004_03"""
    data = at.ask(f"accounts map {FLOW}", 4)
    assert (data["new"], data["categories"], data["mapped"]) == (["gain", "storage", "switching"], 3, 0)
    assert mapped(at) == {"gain": ("", ""), "storage": ("", ""), "switching": ("", "")}


def test_rows_that_are_there_stay_as_they_are(at: Treasury) -> None:
    at.mapped("category,debit,credit,class\nStorage ,0400,4010,West\nold,1,2,\n")
    data = at.ask(f"accounts map {FLOW}", 4)
    assert (data["new"], data["unused"]) == (["gain", "switching"], ["old"])
    first = tables.read(table(at))[0]
    assert (first.category, first.debit, first.credit, dict(first.dimensions)) == (
        "Storage", "0400", "4010", {"class": "West"},
    )  # fmt: skip
    assert [one["category"] for one in data["unmapped"]] == ["gain", "switching"]


def test_a_table_that_needs_nothing_is_not_written(at: Treasury) -> None:
    at.mapped()
    before = table(at).read_bytes()
    data = at.ask(f"accounts map {FLOW}")
    assert (data["new"], data["unmapped"], data["mapped"]) == ([], [], 3)
    assert table(at).read_bytes() == before


def test_a_spreadsheet_is_written_with_text_cells(at: Treasury) -> None:
    at.mapped("category,debit,credit\nstorage,0400,4010\n")
    at.does(f"accounts map {FLOW} --to tables/accounts.xlsx", 4)
    assert 'set accounts = "tables/accounts.xlsx" on it' in at.err
    sheet = openpyxl.load_workbook(at.folder / "tables" / "accounts.xlsx").active
    assert sheet is not None
    assert [cell.value for cell in sheet[2]][:3] == ["storage", "0400", "4010"]
    assert sheet["B2"].number_format == "@"


def test_a_file_that_somebody_changes_meanwhile_is_left_as_it_is(at: Treasury, monkeypatch: pytest.MonkeyPatch) -> None:
    at.mapped("category,debit,credit\nstorage,1205,4010\n")
    real = charting.needs

    def slow(*told: Any) -> Any:
        found = real(*told)
        at.mapped("category,debit,credit\nstorage,1205,4020\n")
        return found

    monkeypatch.setattr(charting, "needs", slow)
    at.does(f"accounts map {FLOW}", 7)
    assert "WHERRY-7087" in at.err
    assert mapped(at) == {"storage": ("1205", "4020")}


@pytest.mark.parametrize("lock", ["~$accounts.csv", ".~lock.accounts.csv#"])
def test_a_file_that_is_open_in_a_spreadsheet_is_left_as_it_is(at: Treasury, lock: str) -> None:
    at.mapped("category,debit,credit\nstorage,1205,4010\n")
    (table(at).parent / lock).write_text("anna")
    at.does(f"accounts map {FLOW}", 7)
    assert "is open in a spreadsheet" in at.err


@pytest.mark.parametrize("to", ["../accounts.csv", "/tmp/accounts.csv", "tables/accounts.txt"])
def test_a_table_lies_in_the_project_folder_and_is_csv_or_xlsx(at: Treasury, to: str) -> None:
    at.does(f"accounts map {FLOW} --to {to}", 2)
    assert "WHERRY-2151" in at.err


# -- the check ---------------------------------------------------------------------------------------------------------


def test_a_table_that_fits_has_no_problems(at: Treasury) -> None:
    at.mapped()
    assert at.ask(f"accounts check {FLOW}")["items"] == []


@pytest.mark.parametrize(
    ("row", "kind", "column", "says"),
    [
        ("switching,1205,9999", "unknown", "credit", 'no account "9999"'),
        ("switching,400,4020", "zeros", "debit", "0400 (Old freight)"),
        ("switching,1205,4020x", "unknown", "credit", "4020x"),
        ("switching,1205,", "unmapped", "credit", "has no credit account"),
        ("switching,Accounts Receivable (A/R),4020", "party", "debit", "nothing says whose"),
    ],
)
def test_each_problem_is_told_with_its_row_and_column(
    at: Treasury, row: str, kind: str, column: str, says: str
) -> None:
    """b_004_08 case_C16"""
    [one] = problems(at, f"category,debit,credit\nstorage,1205,4010\n{row}\ngain,1205,4090\n")
    assert (one["row"], one["column"], one["kind"]) == (3, column, kind)
    assert says in one["why"]
    assert one["fix"]


def test_the_fix_for_lost_zeros_names_the_code(at: Treasury) -> None:
    [one] = problems(at, "category,debit,credit\nstorage,1205,4010\nswitching,400,4020\ngain,1205,4090\n")
    assert "write 0400" in one["fix"]


def test_the_check_looks_at_the_chart_as_it_is_now(at: Treasury) -> None:
    """case_C16"""
    at.mapped()
    at.does(f"accounts check {FLOW}")
    at.changed("4020", Active=False)
    [one] = at.ask(f"accounts check {FLOW}", 4)["items"]
    assert (one["row"], one["column"], one["kind"]) == (3, "credit", "inactive")


def test_a_category_without_a_row_is_told(at: Treasury) -> None:
    found = problems(at, "category,debit,credit\nstorage,1205,4010\ngain,1205,4090\n")
    assert {(one["category"], one["row"], one["kind"]) for one in found} == {("switching", 0, "unmapped")}


def test_a_line_that_says_whose_it_is_wants_no_party_of_the_table() -> None:
    """case_C2"""
    needs = charting.Needs()
    for number, party in enumerate(("C-1", ""), 1):
        line = MovementLine(side="debit", minor=100, category="switching", party=party)
        needs.add(Movement(id=number, key=f"t/{number}", date=DAY, currency="USD", lines=(line,)))
    assert (needs.categories["switching"].movements, needs.categories["switching"].without_party) == (2, 1)


def test_a_party_or_a_clearing_account_settles_receivables(at: Treasury) -> None:
    """case_C16"""
    owed = "switching,Accounts Receivable (A/R),4020,{}"
    text = f"category,debit,credit,party\nstorage,1205,4010,\n{owed}\ngain,1205,4090,\n"
    at.mapped(text.format("C-1"))
    assert at.ask(f"accounts check {FLOW}")["items"] == []
    at.mapped(text.format(""))
    at.setting("gains = true", 'gains = true\nclearing = "1205"')
    assert at.ask(f"accounts check {FLOW}")["items"] == []
    at.setting('clearing = "1205"', 'clearing = "1206"')
    [one] = at.ask(f"accounts check {FLOW}", 4)["items"]
    assert (one["kind"], one["code"]) == ("unknown", "1206")


def test_without_a_table_the_next_step_is_told(at: Treasury) -> None:
    at.does(f"accounts check {FLOW}", 2)
    assert f"wherry accounts map {FLOW}" in at.err
