"""Rows of a CSV file as texts by column. What cannot be read is a row with a problem, and the rest is read on."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct
from wherry.books.cells import original
from wherry.books.profiles import DELIMITERS

from .kinds import DAY
from .settings import Records

_ODD = re.compile(r"[^a-z0-9]+")
_DAYS = {"day-month-year": "%d %m %Y", "month-day-year": "%m %d %Y"}
_SEPARATED = re.compile(r"([0-9]{1,2})[-/.]([0-9]{1,2})[-/.]([0-9]{4})")
_LARGEST_ROW = 1_000_000
_LONGEST_ID = 400
_PARTED = {".": re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?"), ",": re.compile(r"[+-]?[0-9.]*(,[0-9]*)?")}


class Row(Struct, frozen=True):
    """A row of a file: its number as a spreadsheet counts, its cells, and why they could not be read."""

    number: int
    cells: dict[str, str]
    problem: str = ""


class Seen(Struct, frozen=True):
    """A file as it is: its name and what changes with it."""

    name: str
    modified: int
    """Nanoseconds since 1970, when it was last written."""
    digest: str


def look(path: Path, how: str) -> Seen | None:
    """The file as it is, and ``how`` it is read; None for what is no file of its own, such as a link.

    Its name counts: two files of one size that were unpacked together may share all their times, which many systems
    keep to some milliseconds only.
    """
    found = os.lstat(path)
    if not stat.S_ISREG(found.st_mode):
        return None
    name = hashlib.blake2b(os.fsencode(path.name), digest_size=6).hexdigest()
    digest = f"{found.st_mtime_ns:x}.{found.st_ctime_ns:x}.{found.st_size:x}.{name}.{how}"
    return Seen(path.name, found.st_mtime_ns, digest)


def rows(path: Path, said: Records, numbers: tuple[str, ...]) -> Iterator[Row]:
    """The rows below the heading, blank ones left out. ``numbers`` are columns whose numbers are made plain.

    Raises OSError for a file that cannot be opened.
    """
    renamed = {plain(theirs): ours for ours, theirs in said.columns.items()}
    with path.open(encoding=said.encoding, errors="surrogateescape", newline="") as stream:
        head = stream.readline(_LARGEST_ROW)
        stream.seek(0)
        delimiter = DELIMITERS[said.delimiter] if said.delimiter else max(",;\t|", key=head.count)
        reader = csv.reader(stream, delimiter=delimiter)
        names: list[str] | None = None
        while True:
            try:
                cells = next(reader, None)
            except csv.Error as error:
                yield Row(reader.line_num, {}, f"line {reader.line_num} of {path.name} cannot be read: {error}")
                continue
            if cells is None:
                return
            if not any(cell.strip() for cell in cells):
                continue
            if names is None:
                names = [renamed.get(plain(cell), plain(cell)) for cell in cells]
                continue
            yield _row(path, reader.line_num, names, cells, said, numbers)


def _row(path: Path, number: int, names: list[str], cells: list[str], said: Records, numbers: tuple[str, ...]) -> Row:
    where = f"row {number} of {path.name}"
    if len(cells) != len(names):
        return Row(number, {}, f"{where} has {len(cells)} cells where its heading has {len(names)}")
    if any("\ud800" <= letter <= "\udfff" for cell in cells for letter in cell):
        return Row(number, {}, f"{where} holds bytes that are not {said.encoding}")
    told = {name: original(cell.strip()) for name, cell in zip(names, cells, strict=True) if name}
    told |= {name: _number(told[name], said.decimal) for name in numbers if told.get(name)}
    if day := _SEPARATED.fullmatch(told.get(DAY, "")):
        told[DAY] = _day(day, said.days)
        if not told[DAY]:
            how = ' in [connections.NAME.records.KIND]: days = "day-month-year" or "month-day-year"'
            return Row(number, told, f"{where}: {day[0]} is no day as in {said.days}; say how days are written,{how}")
    return Row(number, told)


def plain(heading: str) -> str:
    """A heading as a name: ``Fiat value (USD)`` is ``fiat_value_usd``."""
    return _ODD.sub("_", heading.strip().lower()).strip("_")


def _number(text: str, decimal: str) -> str:
    """A number with a decimal point and nothing else; what is none stays as it is, and the map refuses it."""
    other = "," if decimal == "." else "."
    return text.replace(other, "").replace(decimal, ".") if _PARTED[decimal].fullmatch(text) else text


def _day(found: re.Match[str], order: str) -> str:
    """A day of three numbers with the year behind, in the order that was said, ISO; empty where it is none."""
    try:
        return dt.datetime.strptime(" ".join(found.groups()), _DAYS.get(order, "")).date().isoformat()  # noqa: DTZ007 - a day
    except ValueError:
        return ""


def id_of(row: Row, file: str, column: str) -> tuple[str, str]:
    """The id of the record in a row, and why it has none of its own."""
    place = f"{file}#{row.number}"
    if not column or not row.cells:
        return place, row.problem
    if column not in row.cells:
        why = f"has no column {column} to tell rows apart; name another as id in [connections.NAME.records.KIND]"
        return place, row.problem or f"the heading of {file} {why}"
    told = row.cells[column]
    if not told or len(told) > _LONGEST_ID:
        why = "has nothing" if not told else f"has more than {_LONGEST_ID} characters"
        return place, row.problem or f"row {row.number} of {file} {why} in column {column}, which is to tell it apart"
    return told, row.problem
