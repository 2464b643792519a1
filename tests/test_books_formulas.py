"""A company's own template that counts: what sums the lines up sums all of them, wherever it stands."""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path

import openpyxl
import pytest
from wherry.accounting import BookedLine, Entry
from wherry.books.formulas import Repeated
from wherry.books.templates import fill_template


def entry(number: int, minor: int, memo: str = "m") -> Entry:
    lines = tuple(BookedLine(account=a, side=s, minor=minor) for a, s in (("1000", "debit"), ("4000", "credit")))  # type: ignore[arg-type]
    return Entry(key=str(number), number=f"J{number}", date=dt.date(2026, 1, 31), period="2026-01", bucket="2026-01",
                 currency="USD", memo=memo, members=(number,), lines=lines)  # fmt: skip


def template(folder: Path) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (
        ["Date", "Account", "Debit", "Credit", "Net"],
        ["{date}", "{account}", "{debit}", "{credit}", "=C2-D2"],
        ["Total", "", "=SUM(C2:C2)", "=SUM($D$2:D2)", "=C3-D3"],
    ):
        sheet.append(row)
    sheet.merge_cells("A3:B3")
    book.create_sheet("Check")["A1"] = f"='{sheet.title}'!C3+SUM(C2:C2)"
    book.save(folder / "ours.xlsx")
    return folder / "ours.xlsx"


def test_the_totals_of_a_template_sum_up_every_line_and_each_line_has_its_own_formula(tmp_path: Path) -> None:
    filled = openpyxl.load_workbook(io.BytesIO(fill_template(template(tmp_path), [entry(1, 10000), entry(2, 5000)])))
    sheet = filled.active
    assert [sheet[f"E{row}"].value for row in range(2, 6)] == ["=C2-D2", "=C3-D3", "=C4-D4", "=C5-D5"]
    assert [cell.value for cell in sheet[6]] == ["Total", None, "=SUM(C2:C5)", "=SUM($D$2:D5)", "=C6-D6"]
    assert [str(one) for one in sheet.merged_cells.ranges] == ["A6:B6"]
    assert filled["Check"]["A1"].value == f"='{sheet.title}'!C6+SUM(C2:C2)"


def test_a_template_without_lines_keeps_its_rows_where_they_are(tmp_path: Path) -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(fill_template(template(tmp_path), []))).active
    assert [cell.value for cell in sheet[2]] == [None] * 5
    assert sheet["C3"].value == "=SUM(C2:C2)"


@pytest.mark.parametrize(
    ("formula", "after"),
    [
        ("=SUM(C5:C5)", "=SUM(C5:C8)"), ("=SUM(C1:C5)/C6", "=SUM(C1:C8)/C9"), ("=C5+C4", "=C5+C4"),
        ("=SUM(C:C)", "=SUM(C:C)"), ("=SUM(5:5)", "=SUM(5:8)"), ("=Other!C9", "=Other!C9"),
        ("='My ''own'''!C9", "='My ''own'''!C12"), ('=IF(C9="C9",total,C6:D7)', '=IF(C12="C9",total,C9:D10)'),
    ],
)  # fmt: skip
def test_references_move_with_what_they_refer_to(formula: str, after: str) -> None:
    assert Repeated("My 'own'", 5, 3).formula(formula, "My 'own'") == after


def test_what_separates_cells_is_that_of_the_pattern_and_not_of_a_title(tmp_path: Path) -> None:
    place = tmp_path / "ours.csv"
    place.write_text('Journal, import, v2\nDate;Account;Text;Debit\n{date};{account};"{memo}, {number}";{debit}\n')
    [made, _] = fill_template(place, [entry(1, 10000, '=HYPERLINK("x")')]).decode().splitlines()[2:]
    assert made == '2026-01-31;1000;"\'=HYPERLINK(""x""), J1";100.00'
