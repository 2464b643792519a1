"""A CSV file as people hand it over: delimiter and BOM found out, every damaged row told by its number."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from msgspec import Struct
from wherry.errors import ConfigError, NotFound

_DELIMITERS = ",;\t"
_MOST_BYTES = 200_000_000
_MOST_ROWS = 1_000_000
_SHOWN = 12


class Row(Struct):
    """One row: its number as a spreadsheet counts (the header is row 1), its cells or its fault."""

    number: int
    cells: dict[str, str]
    problem: str = ""


class Table(Struct):
    columns: list[str]
    rows: Iterator[Row]


def read_table(path: Path, known: Collection[str]) -> Table:
    """The file's columns and rows. ``known`` are the column names there may be; case and spaces do not count.

    Raises NotFound for the file, ConfigError for what cannot be read as a table: too large, another encoding,
    no header, a column that is unknown or there twice.
    """
    text = _text(path)
    delimiter = _delimiter(text.partition("\n")[0], known)
    reader = csv.reader(_physical(text), delimiter=delimiter, strict=True)
    try:
        header = next(reader, [])
    except csv.Error as error:
        raise _unreadable(path, f"its header cannot be read: {error}") from None
    columns = [_folded(name) for name in header]
    _check(path, columns, known)
    return Table(columns, _rows(path, reader, columns))


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise _unreadable(path, f"it is larger than {_MOST_BYTES // 1_000_000} MB; split it")
        data = path.read_bytes()
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}", fix="name a CSV file", code="WHERRY-3820") from None
    except OSError as error:
        raise _unreadable(path, str(error.strerror)) from None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _unreadable(path, "it is UTF-16; save it as CSV UTF-8")
    return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")


def _unreadable(path: Path, reason: str) -> ConfigError:
    return ConfigError(
        f"{path.name}: {reason}", fix="nothing was imported; correct the file and import it again",
        code="WHERRY-2821", file=str(path),
    )  # fmt: skip


def _physical(text: str) -> Iterator[str]:
    """Lines that end in LF only: str.splitlines would also cut at rarer characters."""
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        yield text[start:end]
        start = end


def _folded(name: str) -> str:
    return (
        "_".join(name.strip().lower().replace("-", " ").replace("_", " ").split()) if "." not in name else name.strip()
    )


def _delimiter(header: str, known: Collection[str]) -> str:
    """The delimiter under which most columns of the header are known; the comma if none does better."""

    def matches(delimiter: str) -> tuple[int, int]:
        names = [_folded(name) for name in next(csv.reader([header], delimiter=delimiter), [])]
        return sum(name in known for name in names), len(names)

    return max(_DELIMITERS, key=matches)


def _check(path: Path, columns: Sequence[str], known: Collection[str]) -> None:
    if not any(columns):
        raise _unreadable(path, "it has no header row with column names")
    for number, name in enumerate(columns, 1):
        if not name:
            raise _unreadable(path, f"column {number} has no name")
        if name in columns[: number - 1]:
            raise _unreadable(path, f"column {name!r} is there twice")
        if name not in known and not (name.startswith("custom.") and name != "custom."):
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"columns: {', '.join(list(known)[:_SHOWN])} …"
            raise _unreadable(path, f"unknown column {name!r}; {hint}")


def _rows(path: Path, reader: Iterator[list[str]], columns: Sequence[str]) -> Iterator[Row]:
    number = 1
    while True:
        number += 1
        if number > _MOST_ROWS + 1:
            raise _unreadable(path, f"it has more than {_MOST_ROWS} rows; split it")
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(number, {}, _said(error))
            continue
        if any(cells):
            yield _row(number, cells, columns)


def _row(number: int, cells: Sequence[str], columns: Sequence[str]) -> Row:
    if len(cells) < len(columns):
        return Row(number, {}, f"it has {len(cells)} of {len(columns)} cells; is it cut off?")
    if len(cells) > len(columns):
        return Row(number, {}, f"it has {len(cells)} cells for {len(columns)} columns; "
                               "is a text with the delimiter in it not in quotes?")  # fmt: skip
    if any("\udc80" <= letter <= "\udcff" for cell in cells for letter in cell):
        return Row(number, {}, "it is not UTF-8; save the file as CSV UTF-8")
    return Row(number, dict(zip(columns, cells, strict=True)))


def _said(error: csv.Error) -> str:
    if "unexpected end" in str(error):
        return "a quote is opened and never closed"
    return f"its quotes or cells cannot be read: {error}"
