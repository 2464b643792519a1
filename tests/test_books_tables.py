"""The tables of a bookkeeper: read from what spreadsheets write, refused with row and column where they are wrong."""

from __future__ import annotations

import contextlib
import datetime as dt
import zipfile
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wherry.accounting import Mapped
from wherry.books.tables import COLUMNS, DIMENSIONS, MOST_ROWS, category_key, read, write
from wherry.errors import ConfigError

PLAIN = "category,debit,credit\nStorage,1200,4010\nSwitching,1200,0400\n"


def table(folder: Path, text: str | bytes, name: str = "accounts.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode("utf-8") if isinstance(text, str) else text)
    return path


def sheet(folder: Path, *rows: list[object], title: str = "Sheet1") -> Path:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.title = title
    for row in rows:
        page.append(row)
    path = folder / "accounts.xlsx"
    book.save(path)
    return path


def refused(path: Path) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read(path)
    assert str(path) in caught.value.message
    assert caught.value.where["file"] == str(path)
    assert caught.value.fix
    return caught.value


def told(rows: list[Mapped]) -> list[tuple[str, str, str]]:
    return [(row.category, row.debit, row.credit) for row in rows]


# -- CSV ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sign", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_table_is_read_whatever_separates_its_cells(tmp_path: Path, sign: str, mark: str, end: str) -> None:
    """case_D14"""
    rows = read(table(tmp_path, mark + PLAIN.replace(",", sign).replace("\n", end)))
    assert told(rows) == [("Storage", "1200", "4010"), ("Switching", "1200", "0400")]
    assert [row.row for row in rows] == [2, 3]


def test_the_first_line_that_names_the_separator_is_understood(tmp_path: Path) -> None:
    assert told(read(table(tmp_path, "sep=;\r\n" + PLAIN.replace(",", ";"))))[0] == ("Storage", "1200", "4010")


def test_all_columns_are_read_in_any_order_and_case(tmp_path: Path) -> None:
    header = "Party, TAX ,subsidiary,location,department,class,credit,debit,Category"
    row = read(table(tmp_path, f"{header}\nAcme,VAT20,UK,Yard 7,Ops,Rail,4010,1200,Storage\n"))[0]
    assert row == Mapped(
        category="Storage", debit="1200", credit="4010", party="Acme", row=2,
        dimensions=(("class", "Rail"), ("department", "Ops"), ("location", "Yard 7"), ("subsidiary", "UK"),
                    ("tax", "VAT20")),
    )  # fmt: skip
    assert row.dimensions == tuple(sorted(row.dimensions)), "as accounting.Dimensions wants them"


def test_rows_that_are_blank_or_not_filled_in_yet_do_no_harm(tmp_path: Path) -> None:
    """b_004_08: a row without accounts is kept, so that it can be counted."""
    rows = read(table(tmp_path, "category,debit,credit\n\n,,\nStorage,,\nSwitching,1200,\n"))
    assert [(row.category, row.debit, row.row) for row in rows] == [("Storage", "", 4), ("Switching", "1200", 5)]


@pytest.mark.parametrize(
    ("text", "row", "column", "says"),
    [
        ("", 1, None, "empty"),
        ("\n\n", 1, None, "empty"),
        ("category,debt,credit\n", 1, "debt", "debit"),
        ("category,debit,debit\n", 1, "debit", "twice"),
        ("debit,credit\n1,2\n", 1, "category", "no column category"),
        ("category,class\nx,y\n", 1, "debit or credit", "no column"),
        ("category,debit\n,1200\n", 2, "category", "empty"),
        ("category,debit\nA,1\nB,2\n a ,3\n", 4, "category", "row 2"),
        ("category,debit\nA,1,2\n", 2, None, "cell 3"),
        ("category,debit\nA,1.2E+03\n", 2, "debit", "1.2E+03"),
        ("category,debit\nA,2.3e+11\n", 2, "debit", "2.3e+11"),
        ('category,debit\nA,"1\n', 2, None, "quotes"),
        (b"category,debit\nA,1\nB\xe9,2\n", 3, None, "UTF-8"),
        ("\ufeffcategory,debit\nA,1\n".encode("utf-16"), 1, None, "UTF-8"),
    ],
)
def test_what_is_wrong_is_told_with_its_row_and_column(
    tmp_path: Path, text: str | bytes, row: int, column: str | None, says: str
) -> None:
    """case_D14"""
    error = refused(table(tmp_path, text))
    assert error.where["row"] == row
    assert error.where.get("column") == column
    assert says in error.message + error.fix


def test_categories_are_the_same_whatever_their_case_blanks_and_accents(tmp_path: Path) -> None:
    """case_D7"""
    assert category_key("  Caf\u00e9 \t Rent") == category_key("cafe\u0301 RENT")
    assert "row 2" in refused(table(tmp_path, "category,debit\nCaf\u00e9,1\nCAFE\u0301,2\n")).message


def test_a_table_with_too_many_rows_or_bytes_is_refused(tmp_path: Path) -> None:
    rows = "".join(f"c{n},1,2\n" for n in range(MOST_ROWS))
    assert len(read(table(tmp_path, "category,debit,credit\n" + rows))) == MOST_ROWS
    assert "20000 rows" in refused(table(tmp_path, "category,debit,credit\n" + rows + "more,1,2\n")).message
    assert "10 MB" in refused(table(tmp_path, b"x" * 10_000_001)).message


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere.csv")
    refused(tmp_path / "nowhere.xlsx")


# -- XLSX --------------------------------------------------------------------------------------------------------------


def test_text_cells_keep_their_zeros(tmp_path: Path) -> None:
    rows = read(sheet(tmp_path, ["category", "debit", "credit"], ["Storage", "0400", "4010"], [], ["Other", None, "7"]))
    assert told(rows) == [("Storage", "0400", "4010"), ("Other", "", "7")]
    assert [row.row for row in rows] == [2, 4]


@pytest.mark.parametrize(
    ("value", "kind"),
    [(400, "a number"), (4000.1, "a number"), (dt.date(2026, 10, 1), "a date"), (True, "true or false"),
     ("=A1", "a formula")],
)  # fmt: skip
def test_a_cell_that_is_no_text_is_refused_by_its_name(tmp_path: Path, value: object, kind: str) -> None:
    """A code that lost its zeros in a spreadsheet; case_C1: no float comes in."""
    error = refused(sheet(tmp_path, ["category", "debit", "credit"], ["Storage", "1200", value]))
    assert "cell C2" in error.message
    assert kind in error.message
    assert "Format cells > Text" in error.fix
    assert (error.where["row"], error.where["column"]) == (2, "credit")


def test_of_several_sheets_the_one_named_like_the_file_is_read(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.worksheets[0].append(["notes"])
    page = book.create_sheet("Accounts")
    page.append(["category", "debit"])
    page.append(["Storage", "1200"])
    book.save(tmp_path / "accounts.xlsx")
    book.save(tmp_path / "other.xlsx")
    assert told(read(tmp_path / "accounts.xlsx")) == [("Storage", "1200", "")]
    assert '"notes"' in refused(tmp_path / "other.xlsx").message


@pytest.mark.parametrize("data", [b"", b"no zip at all", b"PK\x03\x04 cut off"])
def test_a_file_that_only_has_the_suffix_is_refused(tmp_path: Path, data: bytes) -> None:
    refused(table(tmp_path, data, "accounts.xlsx"))


@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=40))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_damaged_workbook_is_read_or_refused_and_nothing_else(tmp_path: Path, at: int, junk: bytes) -> None:
    path = tmp_path / "accounts.xlsx"
    write(path, [Mapped(category="Storage", debit="1")])
    data = path.read_bytes()
    at %= len(data)
    path.write_bytes(data[:at] + junk + data[at + len(junk) :])
    with contextlib.suppress(ConfigError):
        read(path)


def test_a_workbook_that_unpacks_to_far_more_than_it_is_is_refused(tmp_path: Path) -> None:
    """case_D10, case_F10"""
    path = tmp_path / "accounts.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed, packed.open("xl/bomb.xml", "w") as part:
        for _ in range(210):
            part.write(bytes(1_000_000))
    assert "200 MB" in refused(path).message


# -- the template ------------------------------------------------------------------------------------------------------

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=12).map(str.strip)
CODES = TEXTS | st.sampled_from(["0400", "=1+1", "'=x", "''-y", "-1", "@a", "+1", "1,2", 'a"b', "＝x", "'", "1;2\t3"])
ROWS = st.lists(
    st.builds(
        Mapped, category=CODES.filter(category_key), debit=CODES, credit=CODES, party=CODES,
        dimensions=st.dictionaries(st.sampled_from(DIMENSIONS), CODES.filter(bool)).map(
            lambda found: tuple(sorted(found.items()))),
    ),
    max_size=5, unique_by=lambda row: category_key(row.category),
)  # fmt: skip


def shown(text: str) -> str:
    """What is left of a text in a table: control characters are blanks there, and blanks around it go."""
    return text.replace("\t", " ").replace("\ufffe", " ").replace("\uffff", " ").strip()


def as_shown(row: Mapped, number: int) -> Mapped:
    dimensions = tuple((name, shown(text)) for name, text in row.dimensions if shown(text))
    return Mapped(category=shown(row.category), debit=shown(row.debit), credit=shown(row.credit),
                  party=shown(row.party), dimensions=dimensions, row=number)  # fmt: skip


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
@given(rows=ROWS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_what_is_written_is_read_back(tmp_path: Path, suffix: str, rows: list[Mapped]) -> None:
    """case_D13, case_D14: whatever a spreadsheet would take for a formula comes back as it was."""
    path = tmp_path / f"accounts{suffix}"
    write(path, rows)
    assert read(path) == [as_shown(row, number) for number, row in enumerate(rows, 2)]


def test_no_cell_of_the_template_is_a_formula(tmp_path: Path) -> None:
    """case_D13"""
    rows = [Mapped(category=text) for text in ("=1+1", "+1", "-1", "@x", "＝1", "plain")]
    write(tmp_path / "a.csv", rows)
    write(tmp_path / "a.xlsx", rows)
    lines = (tmp_path / "a.csv").read_text("utf-8-sig").splitlines()[1:]
    assert [line.partition(",")[0] for line in lines] == ["'=1+1", "'+1", "'-1", "'@x", "'＝1", "plain"]
    page = openpyxl.load_workbook(tmp_path / "a.xlsx").worksheets[0]
    assert {cell.data_type for cell in page["A"]} == {"s"}


def test_a_template_in_xlsx_has_text_cells_where_somebody_will_type(tmp_path: Path) -> None:
    write(tmp_path / "a.xlsx", [Mapped(category="Storage")])
    page = openpyxl.load_workbook(tmp_path / "a.xlsx").worksheets[0]
    assert [cell.value for cell in page[1]] == list(COLUMNS)
    assert {cell.number_format for cell in page[2]} == {"@"}
    assert {page.column_dimensions[letter].number_format for letter in "ABCDEFGHI"} == {"@"}, "and in rows below"


def test_writing_replaces_the_file_and_leaves_no_other(tmp_path: Path) -> None:
    path = tmp_path / "accounts.csv"
    write(path, [Mapped(category="A")])
    write(path, [Mapped(category="B")])
    assert told(read(path)) == [("B", "", "")]
    assert [one.name for one in tmp_path.iterdir()] == ["accounts.csv"]
