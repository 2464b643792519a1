"""An XLSX file as a table: the first sheet, texts as they stand, numbers and days in the one way that is read exactly.

A number is taken only where a number belongs: a code or a name that a spreadsheet made a number of has lost its zeros.
"""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Collection, Iterator, Sequence
from decimal import Context
from pathlib import Path
from typing import Any

from wherry.errors import ConfigError

from wherry_workspace.table import MOST_BYTES, MOST_ROWS, Row, Table, checked, folded, missing, unreadable

SUFFIX = ".xlsx"
_MOST_COLUMNS = 200
_LARGEST_UNPACKED = 2_000_000_000
_AS_SHOWN = Context(prec=15)
"""A spreadsheet keeps and shows 15 digits of a number: what the file holds beyond them is noise of its arithmetic."""
_WORDS = {"b": "true or false", "f": "a formula", "e": "an error", "d": "a date", "n": "a number"}
_HELP = {
    "f": "copy the column and paste it as values",
    "n": "mark the column, choose Format cells > Text, and type it again as it was",
}


def read_sheet(path: Path, known: Collection[str], numbers: Collection[str], days: Collection[str]) -> Table:
    """The first sheet. ``numbers`` and ``days`` are the columns in which typed numbers and days are taken, as
    ``1234.5``, ``2026-01-31`` and ``2026-01-31T08:26:00``.

    A row with any other typed cell is damaged, and says which cell. Raises NotFound for the file, ConfigError for what
    is no such table.
    """
    cells = _cells(path)
    columns = [folded(str(one.value or "")) for one in next(cells, ())]
    while columns and not columns[-1]:
        columns.pop()
    checked(path, columns, known)
    return Table(columns, _rows(path, cells, columns, numbers, days))


def _cells(path: Path) -> Iterator[Sequence[Any]]:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise unreadable(path, f"it is larger than {MOST_BYTES // 1_000_000} MB; split it")
        with zipfile.ZipFile(path) as packed:
            if sum(part.file_size for part in packed.infolist()) > _LARGEST_UNPACKED:
                raise unreadable(path, "unpacked it is larger than 2 GB; split it")
        import openpyxl  # half a second that only spreadsheets need

        book = openpyxl.load_workbook(path, read_only=True, keep_links=False)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # what a file says of its own size may be wrong
        yield from sheet.iter_rows(max_col=_MOST_COLUMNS)
    except FileNotFoundError:
        raise missing(path) from None
    except ConfigError:
        raise
    except Exception as error:  # a damaged file makes the library raise nearly anything
        raise unreadable(path, f"it cannot be read as XLSX: {error or type(error).__name__}") from error


def _rows(
    path: Path, cells: Iterator[Sequence[Any]], columns: Sequence[str], numbers: Collection[str], days: Collection[str]
) -> Iterator[Row]:
    for number, row in enumerate(cells, 2):
        if number > MOST_ROWS + 1:
            raise unreadable(path, f"it has more than {MOST_ROWS} rows; split it")
        if any(cell.value is not None for cell in row):
            yield _row(number, row, columns, numbers, days)


def _row(
    number: int, row: Sequence[Any], columns: Sequence[str], numbers: Collection[str], days: Collection[str]
) -> Row:
    said, typed = dict.fromkeys(columns, ""), set[str]()
    for place, cell in enumerate(row):
        if cell.value is None:
            continue
        column = columns[place] if place < len(columns) else ""
        if not column:
            return Row(number, {}, f"cell {cell.coordinate} stands below no column name")
        text = _text(cell, column in numbers, column in days)
        if text is None:
            return Row(number, {}, _wrong(cell, column))
        said[column] = text
        if cell.data_type == "n":
            typed.add(column)
    return Row(number, said, typed=frozenset(typed))


def _text(cell: Any, is_number: bool, is_day: bool) -> str | None:
    """What a cell says; None where its type does not belong there."""
    value = cell.value
    if isinstance(value, str) and cell.data_type != "f" and cell.data_type != "e":
        return value
    if is_number and cell.data_type == "n":
        return format(_AS_SHOWN.create_decimal(repr(value)).normalize(), "f")
    if is_day and isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat()
    return None


def _wrong(cell: Any, column: str) -> str:
    what = _WORDS.get(cell.data_type, "no text")
    fix = _HELP.get(cell.data_type, "write it as text")
    return f"cell {cell.coordinate} ({column}) is {what} ({str(cell.value)[:40]}), and a text belongs there: {fix}"
