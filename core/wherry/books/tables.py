"""Tables that a bookkeeper keeps in a spreadsheet: which accounts a category is booked to, and the fiscal periods.

CSV in UTF-8 (commas, semicolons or tabs) or XLSX whose cells are text: a number has lost its leading zeros for good.
"""

from __future__ import annotations

import csv
import datetime as dt
import difflib
import io
import os
import re
import unicodedata
import zipfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from wherry.accounting import Mapped
from wherry.books.cells import text_cell
from wherry.errors import ConfigError

DIMENSIONS = ("class", "department", "location", "subsidiary", "tax")
COLUMNS = ("category", "debit", "credit", *DIMENSIONS, "party")
"""The columns of the accounts table. Only ``category`` and one of ``debit`` and ``credit`` must be there."""
MOST_ROWS = 20_000
_LARGEST_FILE, _LARGEST_UNPACKED = 10_000_000, 200_000_000
_MOST_COLUMNS, _LAST_ROW = 64, 1_048_576
_SHOWN = 12
"""How many cells a message names."""
_DELIMITERS = ",;\t"
_FORMULA = re.compile(r"'*[=+\-@\t\r＝＋－＠]")
"""How a cell begins that a spreadsheet takes for a formula, quoted or not."""
_SCIENTIFIC = re.compile(r"\d(?:[.,]\d+)?[Ee]\+\d+").fullmatch
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ufffe\uffff\ud800-\udfff]+")
_TEXT_CELLS = "mark the column, choose Format cells > Text, and type the codes again with their zeros"


class Line(Struct, frozen=True):
    """A row with something in it: its number as the spreadsheet shows it, and its texts by column."""

    row: int
    cells: dict[str, str]


def category_key(text: str) -> str:
    """What makes two categories the same: letters, whatever their case, accents' spelling, and blanks between."""
    return " ".join(_UNPRINTABLE.sub(" ", unicodedata.normalize("NFC", text)).split()).casefold()


def read(path: Path) -> list[Mapped]:
    """The accounts table, in its own order; a row whose accounts are still empty is kept.

    Raises ConfigError, with ``file``, ``row`` and ``column`` in ``where``, for whatever is not as it should be.
    """
    seen: dict[str, int] = {}
    rows = []
    for line in records(path, COLUMNS, ("category",), one_of=("debit", "credit")):
        category = line.cells.get("category", "")
        if not category:
            raise ConfigError(
                f"{path}, row {line.row}: the category is empty", code="WHERRY-2610",
                fix="name the category that the row is for, or clear the row", file=str(path), row=line.row,
                column="category",
            )  # fmt: skip
        first = seen.setdefault(category_key(category), line.row)
        if first != line.row:
            raise ConfigError(
                f'{path}, row {line.row}: the category "{category}" stands in row {first} already', code="WHERRY-2611",
                fix="keep one of the two rows", file=str(path), row=line.row, column="category",
            )  # fmt: skip
        rows.append(_mapped(path, line))
    return rows


def _mapped(path: Path, line: Line) -> Mapped:
    cells = line.cells
    for column in ("debit", "credit"):
        if _SCIENTIFIC(cells.get(column, "")):
            raise ConfigError(
                f"{path}, row {line.row}, column {column}: a spreadsheet made {cells[column]} of the code",
                code="WHERRY-2612", fix=_TEXT_CELLS, file=str(path), row=line.row, column=column,
            )  # fmt: skip
    return Mapped(
        category=cells["category"],
        debit=cells.get("debit", ""),
        credit=cells.get("credit", ""),
        dimensions=tuple((name, cells[name]) for name in DIMENSIONS if cells.get(name)),
        party=cells.get("party", ""),
        row=line.row,
    )


def records(
    path: Path, columns: Sequence[str], needed: Collection[str], *, one_of: Collection[str] = (),
    dates: Collection[str] = (),
) -> Iterator[Line]:  # fmt: skip
    """The rows below the header that are not blank. In the columns ``dates`` an XLSX file may hold true dates.

    Raises ConfigError for a file that cannot be read, is too large, or has another header than ``columns`` allow.
    """
    rows = _sheet_rows(path, dates) if path.suffix.lower() == ".xlsx" else _csv_rows(path, columns)
    header: list[str] = []
    count = 0
    for number, cells in rows:
        if not any(cells):
            continue
        if not header:
            header = _header(path, number, cells, columns, needed, one_of)
            continue
        count += 1
        if count > MOST_ROWS:
            raise ConfigError(
                f"{path} has more than {MOST_ROWS} rows", fix="leave out what is not used", code="WHERRY-2603",
                file=str(path), row=number,
            )  # fmt: skip
        yield _line(path, number, header, cells)
    if not header:
        raise ConfigError(
            f"{path} is empty", fix=f"its first row names the columns: {', '.join(columns)}", code="WHERRY-2604",
            file=str(path), row=1,
        )  # fmt: skip


def _header(
    path: Path, row: int, cells: Sequence[str], columns: Sequence[str], needed: Collection[str], one_of: Collection[str]
) -> list[str]:
    names = [cell.lower() for cell in cells]
    for name in filter(None, names):
        if name not in columns:
            near = difflib.get_close_matches(name, columns, n=1)
            hint = f'did you mean "{near[0]}"? ' if near else ""
            raise ConfigError(
                f'{path}, row {row}: there is no column "{name}"', fix=f"{hint}columns are {', '.join(columns)}",
                code="WHERRY-2605", file=str(path), row=row, column=name,
            )  # fmt: skip
        if names.count(name) > 1:
            raise ConfigError(
                f'{path}, row {row}: the column "{name}" stands there twice', fix="keep one of them",
                code="WHERRY-2606", file=str(path), row=row, column=name,
            )  # fmt: skip
    missing = [name for name in needed if name not in names]
    if missing or (one_of and not set(one_of) & set(names)):
        wanted = missing[0] if missing else " or ".join(one_of)
        raise ConfigError(
            f"{path}, row {row}: the header has no column {wanted}", code="WHERRY-2607",
            fix=f"the first row names the columns: {', '.join(columns)}", file=str(path), row=row, column=wanted,
        )  # fmt: skip
    return names


def _line(path: Path, row: int, header: Sequence[str], cells: Sequence[str]) -> Line:
    for place, cell in enumerate(cells):
        if cell and (place >= len(header) or not header[place]):
            raise ConfigError(
                f"{path}, row {row}: cell {place + 1} stands below no column name", code="WHERRY-2608",
                fix="name its column, clear it, or quote a text that holds the separator", file=str(path), row=row,
            )  # fmt: skip
    return Line(row, {name: cell for name, cell in zip(header, cells, strict=False) if name and cell})


# -- CSV ---------------------------------------------------------------------------------------------------------------


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise ConfigError(
                f"{path} is larger than 10 MB", fix="leave out what is not used", code="WHERRY-2601", file=str(path)
            )
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read: {error.strerror or error}", fix="check the name and the rights of the file",
            code="WHERRY-2602", file=str(path),
        ) from error  # fmt: skip


def _csv_rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    data = _bytes(path)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data[: error.start].count(b"\n") + 1
        raise ConfigError(
            f"{path}, row {row}: this is no UTF-8", code="WHERRY-2609", file=str(path), row=row,
            fix="save it as CSV UTF-8, or as XLSX",
        ) from error  # fmt: skip
    told = re.match(r"sep=(.)\r?\n", text, re.IGNORECASE)
    text = text[told.end() :] if told else text
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=told[1] if told else _delimiter(text, columns), strict=True
    )
    row = 0
    try:
        for row, cells in enumerate(reader, 1):
            yield row, [_unquoted(cell.strip()) for cell in cells]
    except csv.Error as error:
        raise ConfigError(
            f"{path}, row {row + 1}: {error}", fix='close the quotes, and write a quote inside a text as ""',
            code="WHERRY-2613", file=str(path), row=row + 1,
        ) from error  # fmt: skip


def _delimiter(text: str, columns: Sequence[str]) -> str:
    """The sign that parts the header into the most columns that are known."""
    header = next((line for line in text.splitlines() if line.strip(_DELIMITERS + ' "')), "")

    def known(sign: str) -> int:
        return len({cell.strip(' "').lower() for cell in header.split(sign)} & set(columns))

    return max(_DELIMITERS, key=known)


def _quoted(text: str) -> str:
    return f"'{text}" if _FORMULA.match(text) else text


def _unquoted(text: str) -> str:
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


# -- XLSX --------------------------------------------------------------------------------------------------------------


def _sheet_rows(path: Path, dates: Collection[str]) -> Iterator[tuple[int, list[str]]]:
    """The sheet named like the file, else the first one. Cells that are no text are told together."""
    header: list[str] = []
    rows, wrong = [], list[tuple[Any, str]]()
    for number, cells in _raw_rows(path):
        names = [*header, *[""] * (len(cells) - len(header))]
        found = [_text(cell, name in dates) for name, cell in zip(names, cells, strict=False)]
        wrong += [(cell, name) for cell, name, text in zip(cells, names, found, strict=False) if text is None]
        texts = [text or "" for text in found]
        if not header and any(texts):
            header = [text.lower() for text in texts]
        if any(texts):
            rows.append((number, texts))
        if len(rows) > MOST_ROWS + 1:
            break
    if wrong:
        raise _no_text(path, wrong)
    yield from rows


def ours(path: Path, sheets: Sequence[Any]) -> Any:
    """Of the sheets of a file the one that is meant: that named like the file, else the first."""
    return {sheet.title.lower(): sheet for sheet in reversed(sheets)}.get(path.stem.lower(), sheets[0])


def _raw_rows(path: Path) -> Iterator[tuple[int, Sequence[Any]]]:
    data = _bytes(path)
    number = 0
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            if sum(part.file_size for part in packed.infolist()) > _LARGEST_UNPACKED:
                raise ValueError("unpacked it is larger than 200 MB")
        import openpyxl  # half a second that only spreadsheets need

        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, keep_links=False)
        sheet = ours(path, book.worksheets)
        sheet.reset_dimensions()  # what a file says of its own size may be wrong
        for number, cells in enumerate(sheet.iter_rows(max_col=_MOST_COLUMNS, max_row=_LAST_ROW), 1):
            yield number, cells
    except Exception as error:  # a damaged file makes the library raise nearly anything
        raise ConfigError(
            f"{path} cannot be read as XLSX (after row {number}): {error or type(error).__name__}", code="WHERRY-2614",
            fix="open it in a spreadsheet and save it as XLSX or as CSV UTF-8", file=str(path),
        ) from error  # fmt: skip


def _text(cell: Any, is_date: bool) -> str | None:
    """What a cell says; None for one that is no text."""
    value = cell.value
    if value is None:
        return ""
    if is_date and isinstance(value, dt.datetime) and value.time() == dt.time():
        return value.date().isoformat()
    if cell.data_type in ("s", "inlineStr", "str") and isinstance(value, str):
        return value.strip()
    return None


def _no_text(path: Path, wrong: Sequence[tuple[Any, str]]) -> ConfigError:
    """All cells that are no text, in one message."""
    (first, column), more = wrong[0], len(wrong) - _SHOWN
    what = f"{_KIND.get(first.data_type, 'no text')} ({str(first.value)[:40]})"
    told = f"cell {first.coordinate}: this is {what}"
    if len(wrong) > 1:
        others = ", ".join(cell.coordinate for cell, _ in wrong[1:_SHOWN])
        told = f"{len(wrong):,} cells are no text: {first.coordinate} is {what}; so are {others}"
        told += f" and {more:,} more" if more > 0 else ""
    return ConfigError(
        f"{path}, {told}, and leading zeros of a code may be lost", code="WHERRY-2615", fix=_TEXT_CELLS,
        file=str(path), row=first.row, column=column or first.column_letter,
    )  # fmt: skip


_KIND = {"n": "a number", "d": "a date", "b": "true or false", "f": "a formula", "e": "an error"}


# -- writing -----------------------------------------------------------------------------------------------------------


def write(path: Path, rows: Iterable[Mapped]) -> None:
    """An accounts table for a bookkeeper to fill in, CSV or XLSX by its suffix; what was there is replaced at once.

    XLSX is to be preferred: its cells are text already, whereas a spreadsheet that opens a CSV drops leading zeros.
    """
    table = [[printable(text) for text in _cells(row)] for row in rows]
    replace(path, _as_xlsx(table) if path.suffix.lower() == ".xlsx" else _as_csv(table))


def printable(text: str) -> str:
    """Text without characters that files cannot hold."""
    return _UNPRINTABLE.sub(" ", text)


def replace(path: Path, data: bytes) -> None:
    """Put the file there, whole or not at all."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_bytes(data)
    os.replace(beside, path)


def _cells(row: Mapped) -> list[str]:
    named = dict(row.dimensions)
    return [row.category, row.debit, row.credit, *(named.get(name, "") for name in DIMENSIONS), row.party]


def _as_csv(table: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows([_quoted(cell) for cell in cells] for cells in table)
    return text.getvalue().encode("utf-8-sig")


def _as_xlsx(table: Iterable[Sequence[str]]) -> bytes:
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("accounts")
    sheet.freeze_panes = "A2"
    for letter in "ABCDEFGHI":
        sheet.column_dimensions[letter].number_format = "@"
        sheet.column_dimensions[letter].width = 32 if letter == "A" else 16
    sheet.append([text_cell(sheet, name, bold=True) for name in COLUMNS])
    for cells in table:
        sheet.append([text_cell(sheet, cell) for cell in cells])
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()
