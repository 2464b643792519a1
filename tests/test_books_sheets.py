"""Rows added to a bookkeeper's own spreadsheet: colours, comments, other sheets and formulas stay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.comments import Comment
from openpyxl.styles import Font, PatternFill
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.table import Table
from wherry.books.sheets import with_categories
from wherry.books.tables import read
from wherry.errors import ConfigError

YELLOW = PatternFill("solid", fgColor="FFFF00")


def drawn(path: Path) -> None:
    """A table as a bookkeeper keeps one: a title row, own order of columns, colours, a comment, a second sheet."""
    book = openpyxl.Workbook()
    first: Any = book.active
    first.title = "notes"
    first["A1"] = "=SUM(1,2)"
    sheet = book.create_sheet("accounts")
    sheet.append(["debit", "category", "party", "credit"])
    sheet.append(["0400", "Rent", "", "1000"])
    sheet["A2"].fill, sheet["A2"].number_format, sheet["D2"].number_format = YELLOW, "@", "@"
    sheet["B2"].comment = Comment("ask Dana", "anna")
    sheet["B2"].font = Font(italic=True)
    sheet.column_dimensions["B"].width = 41
    sheet.freeze_panes = "A2"
    sheet.add_table(Table(displayName="Accounts", ref="A1:D2"))
    check = DataValidation(type="list", formula1='"0400,1000"')
    check.add("A2:A100")
    sheet.add_data_validation(check)
    book.save(path)


def test_all_that_a_bookkeeper_drew_stays_when_rows_are_added(tmp_path: Path) -> None:
    path = tmp_path / "accounts.xlsx"
    drawn(path)
    path.write_bytes(with_categories(path, ["Fees", "=1+1", "Bad\x07bell"]))
    book = openpyxl.load_workbook(path)
    sheet = book["accounts"]
    assert book["notes"]["A1"].value == "=SUM(1,2)"
    assert (sheet["A2"].value, sheet["A2"].fill.fgColor.rgb) == ("0400", "00FFFF00")
    assert sheet["B2"].comment.text == "ask Dana"
    assert sheet["B2"].font.italic
    assert (sheet.column_dimensions["B"].width, sheet.freeze_panes) == (41, "A2")
    assert [sheet[f"B{row}"].value for row in (3, 4, 5)] == ["Fees", "=1+1", "Bad bell"]
    assert {sheet[f"B{row}"].data_type for row in (3, 4, 5)} == {"s"}, "no text is a formula"
    assert {sheet[f"A{row}"].number_format for row in (3, 4, 5)} == {"@"}, "a code keeps its zeros"
    assert sheet.tables["Accounts"].ref == "A1:D5"
    assert [str(one.sqref) for one in sheet.data_validations.dataValidation] == ["A2:A100"]
    assert [(one.category, one.debit) for one in read(path)] == [
        ("Rent", "0400"), ("Fees", ""), ("=1+1", ""), ("Bad bell", ""),
    ]  # fmt: skip


NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp", "Cn"]), min_size=1, max_size=30)


@settings(max_examples=25, deadline=None)
@given(st.lists(NAMES, max_size=5, unique_by=str.casefold))
def test_whatever_a_category_is_called_it_is_read_back(tmp_path_factory: Any, names: list[str]) -> None:
    path = tmp_path_factory.mktemp("sheets") / "accounts.xlsx"
    drawn(path)
    path.write_bytes(with_categories(path, names))
    found = openpyxl.load_workbook(path)["accounts"]
    assert [found.cell(row, 2).value for row in range(3, 3 + len(names))] == names


def test_a_file_that_cannot_be_opened_is_left_and_what_to_do_is_told(tmp_path: Path) -> None:
    path = tmp_path / "accounts.xlsx"
    path.write_bytes(b"PK no spreadsheet")
    with pytest.raises(ConfigError) as caught:
        with_categories(path, ["Fees"])
    assert caught.value.code == "WHERRY-2653"
    assert path.read_bytes() == b"PK no spreadsheet"
