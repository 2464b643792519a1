"""A CSV file as people hand it over: delimiter and BOM found out, every damaged row told by its number."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Collection, Iterator, Sequence
from itertools import chain
from pathlib import Path

from msgspec import Struct
from wherry.errors import ConfigError, NotFound

_DELIMITERS = ",;\t"
MOST_BYTES = 200_000_000
MOST_ROWS = 1_000_000
_SHOWN = 12


class Row(Struct):
    """One row: its number as a spreadsheet counts (the header is row 1), its cells or its fault; of a row that is
    cut off, the cells that are there."""

    number: int
    cells: dict[str, str]
    problem: str = ""
    typed: frozenset[str] = frozenset()
    """Columns whose cell is a number of a spreadsheet, written as 1234.5 whatever the file's texts are like."""


class Table(Struct):
    columns: list[str]
    rows: Iterator[Row]


def read_table(path: Path, known: Collection[str], legacy: str = "") -> Table:
    """The file's columns and rows, read as they are used. ``known`` are the column names there may be; case and spaces
    do not count. ``legacy`` is the encoding of cells that are not UTF-8; without one such rows are damaged.

    Raises NotFound for the file, ConfigError for what cannot be read as a table: too large, another encoding,
    no header, a column that is unknown or there twice.
    """
    lines = _lines(path)
    first = next(lines, "")
    reader = csv.reader(chain([first], lines), delimiter=_delimiter(first, known), strict=True)
    try:
        header = next(reader, [])
    except csv.Error as error:
        raise unreadable(path, f"its header cannot be read: {error}") from None
    columns = [folded(name) for name in header]
    checked(path, columns, known)
    return Table(columns, _rows(path, reader, columns, legacy))


def header_of(path: Path) -> list[str]:
    """The names in a file's first line, folded; empty where there is no such file or no such line."""
    try:
        first = next(_lines(path), "")
        return [folded(name) for name in next(csv.reader([first], delimiter=_delimiter(first, ())), [])]
    except (ConfigError, NotFound, csv.Error):
        return []


def _lines(path: Path) -> Iterator[str]:
    """Lines that end in LF only: str.splitlines would also cut at rarer characters."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise unreadable(path, f"it is larger than {MOST_BYTES // 1_000_000} MB; split it")
        with path.open("rb") as handle:
            begins = handle.read(4)
        if begins[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise unreadable(path, "it is UTF-16; save it as CSV UTF-8")
        if begins == b"PK\x03\x04":
            raise unreadable(path, "it is a spreadsheet (XLSX); save it as CSV UTF-8")
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="\n") as text:
            yield from text
    except FileNotFoundError:
        raise missing(path) from None
    except OSError as error:
        raise unreadable(path, str(error.strerror)) from None


def missing(path: Path) -> NotFound:
    """There is no such file."""
    return NotFound(f"there is no file {path}", fix="check the name", code="WHERRY-3820")


def unreadable(path: Path, reason: str) -> ConfigError:
    """It is no table that can be imported."""
    return ConfigError(
        f"{path.name}: {reason}", fix="nothing was imported; correct the file and import it again",
        code="WHERRY-2821", file=str(path),
    )  # fmt: skip


def folded(name: str) -> str:
    """A column's name, whatever its case and what stands between its words."""
    return (
        "_".join(name.strip().lower().replace("-", " ").replace("_", " ").split()) if "." not in name else name.strip()
    )


def _delimiter(header: str, known: Collection[str]) -> str:
    """The delimiter under which most columns of the header are known; the comma if none does better."""

    def matches(delimiter: str) -> tuple[int, int]:
        names = [folded(name) for name in next(csv.reader([header], delimiter=delimiter), [])]
        return sum(name in known for name in names), len(names)

    return max(_DELIMITERS, key=matches)


def checked(path: Path, columns: Sequence[str], known: Collection[str]) -> None:
    """Raises ConfigError for a header that is none, or has a column that is unknown or there twice."""
    if not any(columns):
        raise unreadable(path, "it has no header row with column names")
    for number, name in enumerate(columns, 1):
        if not name:
            raise unreadable(path, f"column {number} has no name")
        if name in columns[: number - 1]:
            raise unreadable(path, f"column {name!r} is there twice")
        if name not in known and not (name.startswith("custom.") and name != "custom."):
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"columns: {', '.join(list(known)[:_SHOWN])} …"
            raise unreadable(path, f"unknown column {name!r}; {hint}")


def _rows(path: Path, reader: Iterator[list[str]], columns: Sequence[str], legacy: str) -> Iterator[Row]:
    number = 1
    while True:
        number += 1
        if number > MOST_ROWS + 1:
            raise unreadable(path, f"it has more than {MOST_ROWS} rows; split it")
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(number, {}, _said(error))
            continue
        if any(cells):
            yield _row(number, cells, columns, legacy)


def _row(number: int, cells: Sequence[str], columns: Sequence[str], legacy: str) -> Row:
    if len(cells) < len(columns):
        there = dict(zip(columns, cells, strict=False))
        return Row(number, there, f"it has {len(cells)} of {len(columns)} cells; is it cut off?")
    if len(cells) > len(columns):
        return Row(number, {}, f"it has {len(cells)} cells for {len(columns)} columns; "
                               "is a text with the delimiter in it not in quotes?")  # fmt: skip
    if not "".join(cells).isascii() and not all(map(_is_text, cells)):
        if not legacy:
            return Row(number, {}, "it is not UTF-8; save the file as CSV UTF-8")
        cells = [cell if _is_text(cell) else _decoded(cell, legacy) for cell in cells]
    return Row(number, dict(zip(columns, cells, strict=True)))


def _is_text(cell: str) -> bool:
    return not any("\udc80" <= letter <= "\udcff" for letter in cell)


def _decoded(cell: str, legacy: str) -> str:
    return cell.encode("utf-8", "surrogateescape").decode(legacy, "replace")


def _said(error: csv.Error) -> str:
    if "unexpected end" in str(error):
        return "a quote is opened and never closed"
    return f"its quotes or cells cannot be read: {error}"
