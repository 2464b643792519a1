"""A company's own import template, filled: the row with ``{fields}`` is repeated for each line, all others stay.

CSV and XLSX. In XLSX texts are written as texts, so that codes keep their zeros and nothing is taken for a formula.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

from wherry.accounting import ChartAccount, Entry
from wherry.books import formulas, rates
from wherry.books.fields import Chart, Words, check, fields_of, guarded, rendered, value
from wherry.books.profiles import check_date
from wherry.errors import ConfigError, Rejected

if TYPE_CHECKING:
    from openpyxl.cell import Cell

_LARGEST = 20_000_000
_DELIMITERS = ",;\t|"
_QUOTED = re.compile(r'"[^"]*"').sub
_ENCODINGS = ("utf-8-sig", "cp1252")
_DIGITS = 15
"""Spreadsheets keep numbers of so many digits exactly."""
_HOME = frozenset({"home_debit", "home_credit"})
_NUMBERS = frozenset({"debit", "credit", "amount", "exchange_rate", *_HOME})


def fill_template(
    path: Path, entries: Sequence[Entry], *, chart_names: Mapping[str, ChartAccount] | None = None,
    date_format: str = "YYYY-MM-DD", defaults: Mapping[str, str] | None = None,
) -> bytes:  # fmt: skip
    """The template at ``path`` (CSV or XLSX) with a row for each line of the entries, encoded as it was.

    The first row that names a ``{field}`` is the pattern; what stands above and below it stays. Raises ConfigError for
    a template that cannot be read, has no such row or names a field that there is not, Rejected for an entry as
    ``render`` does, or with more digits than a spreadsheet keeps.
    """
    check_date(date_format)
    chart, words = Chart(chart_names or {}), Words(date=date_format, defaults=defaults or {})
    for entry in entries:
        check(entry, chart)
    try:
        if path.stat().st_size > _LARGEST:
            raise _unreadable(path, "it is larger than 20 MB")
        if path.suffix.lower() == ".xlsx":
            return _fill_sheet(path, entries, chart, words)
        return _fill_csv(path, entries, chart, words)
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error


def _unreadable(path: Path, why: str) -> ConfigError:
    return ConfigError(
        f"the template {path.name} cannot be read: {why}", fix="save it as CSV or XLSX", code="WHERRY-2486"
    )


def _lines(entries: Sequence[Entry], pattern: Sequence[object]) -> Iterator[tuple[Entry, int]]:
    """The lines to be written; what rounding left is one of them where the template tells home amounts."""
    named = {name for cell in pattern if isinstance(cell, str) for name in fields_of(cell)}
    told = [rates.with_rounding(entry) for entry in entries] if named & _HOME else entries
    return ((entry, number) for entry in told for number in range(len(entry.lines)))


def _pattern(path: Path, rows: Sequence[Sequence[str]]) -> int:
    """Which row names fields."""
    for number, row in enumerate(rows):
        if [name for cell in row for name in fields_of(cell)]:
            return number
    raise ConfigError(
        f"the template {path.name} has no row with fields such as {{date}}, {{account}} and {{debit}}",
        fix="write them in the first row below its headings", code="WHERRY-2487",
    )  # fmt: skip


# -- CSV ---------------------------------------------------------------------------------------------------------------


def _fill_csv(path: Path, entries: Sequence[Entry], chart: Chart, words: Words) -> bytes:
    text, encoding = _decoded(path)
    delimiter = _delimiter(text)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise _unreadable(path, str(error)) from error
    at = _pattern(path, rows)
    made = io.StringIO(newline="")
    writer = csv.writer(made, delimiter=delimiter, lineterminator="\r\n" if "\r\n" in text else "\n")
    writer.writerows(rows[:at])
    for entry, number in _lines(entries, rows[at]):
        said = [rendered(cell, entry, number, chart, words) for cell in rows[at]]
        writer.writerow([guarded(one, entry) for one in said])
    writer.writerows(rows[at + 1 :])
    try:
        return made.getvalue().encode(encoding)
    except UnicodeEncodeError as error:
        letter = made.getvalue()[error.start]
        raise Rejected(
            f"the template {path.name} is in {encoding}, which cannot hold {letter!r} (U+{ord(letter):04X})",
            field="memo", fix="save the template as CSV in UTF-8", code="WHERRY-4688",
        ) from None  # fmt: skip


def _delimiter(text: str) -> str:
    """What separates the cells of the pattern; a title above it may have other signs, and so may quoted texts."""
    lines = text.splitlines()
    head = next((line for line in lines if fields_of(line)), lines[0] if lines else "")
    return max(_DELIMITERS, key=_QUOTED("", head).count)


def _decoded(path: Path) -> tuple[str, str]:
    data = path.read_bytes()
    for encoding in _ENCODINGS:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        marked = data.startswith(b"\xef\xbb\xbf")
        return text, encoding if marked or encoding != "utf-8-sig" else "utf-8"
    raise _unreadable(path, "its letters are neither UTF-8 nor Windows-1252")


# -- XLSX --------------------------------------------------------------------------------------------------------------


def _fill_sheet(path: Path, entries: Sequence[Entry], chart: Chart, words: Words) -> bytes:
    import openpyxl  # a quarter of a second that only templates need
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = openpyxl.load_workbook(path)
    except (InvalidFileException, BadZipFile, KeyError, ValueError, SyntaxError) as error:
        raise _unreadable(path, str(error)) from error
    sheet: Any = book.active
    told = [[cell.value if isinstance(cell.value, str) else "" for cell in row] for row in sheet.iter_rows()]
    at = _pattern(path, told) + 1
    pattern = list(sheet[at])
    templates = [cell.value for cell in pattern]
    lines = list(_lines(entries, templates))
    if len(lines) > 1:
        formulas.repeat(sheet, at, len(lines) - 1)
    for cell in pattern if not lines else ():
        cell.value = None
    for row, (entry, number) in enumerate(lines, at):
        for model, template in zip(pattern, templates, strict=True):
            cell = sheet.cell(row=row, column=model.column)
            if cell is not model and model.has_style:
                cell._style = copy(model._style)
            _fill_cell(cell, (template, model.coordinate), entry, number, chart, words)
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def _fill_cell(
    cell: Cell, pattern: tuple[object, str], entry: Entry, number: int, chart: Chart, words: Words
) -> None:  # fmt: skip
    """``pattern`` is what stands in the template's row, and where."""
    template, origin = pattern
    if not isinstance(template, str) or not fields_of(template):
        cell.value = _plain(template, origin, cell)  # type: ignore[assignment]
        return
    said, names = rendered(template, entry, number, chart, words), fields_of(template)
    if not said.typed:
        cell.value, cell.data_type = said.text, "s"  # never a formula, nor an error
        return
    if names[0] == "date":
        cell.value = entry.date
        cell.number_format = cell.number_format if cell.number_format != "General" else "yyyy-mm-dd"
    elif names[0] in _NUMBERS:
        cell.value = _number(said.text, entry, number)
    else:
        cell.value = int(said.text)


def _plain(template: object, origin: str, cell: Cell) -> object:
    is_formula = isinstance(template, str) and template.startswith("=")
    return formulas.copied(str(template), origin, cell.coordinate) if is_formula else template


def _number(text: str, entry: Entry, number: int) -> Decimal | None:
    if not text:
        return None
    amount = Decimal(text)
    if len(amount.as_tuple().digits) > _DIGITS:
        raise Rejected(
            f"entry {entry.number} has {value(entry.lines[number], entry.currency)} in line {number + 1}, of which a "
            "spreadsheet would lose digits", field=f"lines[{number}].minor", fix="fill a CSV template instead",
            code="WHERRY-4687", entry=entry.key,
        )  # fmt: skip
    return amount
