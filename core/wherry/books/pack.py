"""The pack of a month end: one XLSX file with a sheet for each thing that an auditor asks for.

Codes, numbers of documents and days are text cells, so that nothing is lost or taken for a formula; amounts are numbers
with all their decimals, or text where a spreadsheet would not keep every digit. Pure: rows in, bytes out.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct

from wherry.books.cells import clean, cut, neutral, text_cell
from wherry.money import decimals, text

_DIGITS = 15
"""Spreadsheets keep numbers of so many digits exactly."""
_LONGEST_TEXT, _MOST_ROWS = 32_000, 1_048_576
_NARROWEST, _WIDEST = 10, 60


class Amount(Struct, frozen=True):
    """Minor units of a currency."""

    minor: int
    currency: str


_STAMPS = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*<")
Cell = str | int | Amount | None
"""``int`` is a count, never money."""


class Sheet(Struct, frozen=True, kw_only=True):
    """One sheet: its heading, then rows as wide as it."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]


def workbook(sheets: Iterable[Sheet]) -> bytes:
    """The file. A sheet with more rows than a spreadsheet holds goes on in another one. Equal sheets, equal bytes."""
    import openpyxl  # half a second that only spreadsheets need

    book = openpyxl.Workbook(write_only=True)
    for sheet in sheets:
        for title, rows in _parts(sheet):
            _fill(book.create_sheet(title), sheet.columns, rows)
    data = io.BytesIO()
    book.save(data)
    return _timeless(data)


def _timeless(data: io.BytesIO) -> bytes:
    """The file without the time at which it was made, which the library writes into it in two places."""
    made = io.BytesIO()
    with zipfile.ZipFile(data) as packed, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as again:
        for part in packed.infolist():
            content = packed.read(part)
            if part.filename == "docProps/core.xml":
                content = _STAMPS.sub(rb"\g<1>2000-01-01T00:00:00Z<", content)
            again.writestr(zipfile.ZipInfo(part.filename), content, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def _parts(sheet: Sheet) -> Iterable[tuple[str, Sequence[Sequence[Cell]]]]:
    most = _MOST_ROWS - 1
    for number, start in enumerate(range(0, max(len(sheet.rows), 1), most), 1):
        yield sheet.title if number == 1 else f"{sheet.title} {number}", sheet.rows[start : start + most]


def _fill(page: Any, columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
    from openpyxl.utils import get_column_letter

    page.freeze_panes = "A2"
    for number, name in enumerate(columns):
        widths = [len(name), *(len(_shown(row[number])) for row in rows[:1000])]
        page.column_dimensions[get_column_letter(number + 1)].width = min(max(*widths, _NARROWEST), _WIDEST) + 2
    page.append([_cell(page, name, bold=True) for name in columns])
    for row in rows:
        page.append([_cell(page, value) for value in row])


def _shown(value: Cell) -> str:
    return text(value.minor, value.currency) if isinstance(value, Amount) else "" if value is None else str(value)


def _cell(page: Any, value: Cell, *, bold: bool = False) -> Any:
    from openpyxl.cell import WriteOnlyCell

    if isinstance(value, Amount) and len(str(abs(value.minor))) <= _DIGITS:
        places = decimals(value.currency)
        cell = WriteOnlyCell(page)
        cell.value = Decimal(text(value.minor, value.currency))
        cell.number_format = "#,##0" + (f".{'0' * places}" if places else "")
        return cell
    if isinstance(value, int):
        cell = WriteOnlyCell(page, value)
        cell.number_format = "0"
        return cell
    return text_cell(page, cut(clean(neutral(_shown(value)), lines=True), _LONGEST_TEXT), bold=bold)
