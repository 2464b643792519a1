"""An accounts table in a spreadsheet of the bookkeeper's own: rows are added to it, and all else stays as it is.

Colours, comments, widths, further sheets and formulas belong to whoever made the file. Source: behaviours.md 004.3.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wherry.books.tables import COLUMNS, ours, printable
from wherry.errors import ConfigError

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet


def with_categories(path: Path, categories: Sequence[str]) -> bytes:
    """The XLSX file at ``path`` with a row for each of these categories below the last one, its cells text.

    The table must have been read before: its header is taken to be in order. Raises ConfigError for a file that cannot
    be opened to be written.
    """
    import openpyxl  # half a second that only spreadsheets need

    try:
        book = openpyxl.load_workbook(path)
        sheet = ours(path, book.worksheets)
        _add(sheet, categories)
        data = io.BytesIO()
        book.save(data)
    except Exception as error:  # what a spreadsheet may hold that the library cannot keep is beyond counting
        raise ConfigError(
            f"{path.name} holds something that cannot be kept when rows are added: {error or type(error).__name__}",
            fix="add the categories by hand, or map to another file: wherry accounts map FLOW --to tables/accounts.csv",
            code="WHERRY-2653", file=str(path),
        ) from error  # fmt: skip
    return data.getvalue()


def _add(sheet: Worksheet, categories: Sequence[str]) -> None:
    rows = enumerate(sheet.iter_rows(), sheet.min_row)
    filled = [(number, row) for number, row in rows if any(cell.value not in (None, "") for cell in row)]
    header = {str(cell.value).strip().lower(): at for at, cell in enumerate(filled[0][1], sheet.min_column)}
    last = filled[-1][0]
    for row, category in enumerate(categories, last + 1):
        for name in COLUMNS:
            if name in header:
                _text(sheet.cell(row, header[name]), category if name == "category" else "")
    _stretch(sheet, last, last + len(categories))


def _text(cell: Any, text: str) -> None:
    cell.number_format = "@"
    if text:
        cell.value = printable(text)
        cell.data_type = "s"  # or a text that begins with = would be a formula


def _stretch(sheet: Worksheet, last: int, new: int) -> None:
    """What the spreadsheet keeps as a table, or filters, goes on to the new last row."""
    for table in sheet.tables.values():
        table.ref = _longer(table.ref, last, new)
        if table.autoFilter is not None and table.autoFilter.ref:
            table.autoFilter.ref = table.ref
    if sheet.auto_filter.ref:
        sheet.auto_filter.ref = _longer(sheet.auto_filter.ref, last, new)


def _longer(ref: str, last: int, new: int) -> str:
    """``A1:I4`` → ``A1:I9`` where it ends in the last row."""
    head = ref.rstrip("0123456789")
    return f"{head}{new}" if ref[len(head) :] == str(last) else ref
