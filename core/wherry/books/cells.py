"""Cells of files that people open: text that no spreadsheet takes for a formula, days and numbers as they are wanted.

A text that begins with ``= + - @``, tab, CR, LF or a full-width form of these gets an apostrophe in front, which
spreadsheets take as "this is text"; ``original`` takes it off again. Plain numbers stay numbers.
Source: OWASP, CSV Injection; faults-and-security.md, D5 and D13.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import re
from functools import lru_cache
from typing import Any

_ACTIVE = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_MARKED = re.compile("'+[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_PARTS = re.compile("YYYY|YY|MMM|MM|DD")
_MORE = "…"
_NO_CHARACTERS = "".join(chr(plane << 16 | low) for plane in range(17) for low in (0xFFFE, 0xFFFF))
_BREAKING = f"\x7f-\x9f\u2028\u2029\ud800-\udfff{_NO_CHARACTERS}"
_ODD = re.compile(f"[\x00-\x1f{_BREAKING}]")
_ODD_IN_LINES = re.compile(f"[\x00-\x08\x0b-\x1f{_BREAKING}]")


def neutral(text: str) -> str:
    """Text as a cell that no spreadsheet runs. ``original`` gives the text back, whatever it was."""
    return f"'{text}" if _ACTIVE.match(text) and not _NUMBER.fullmatch(text) else text


def original(cell: str) -> str:
    """The text of a cell that ``neutral`` made; any other cell as it is."""
    return cell[1:] if _MARKED.match(cell) else cell


def clean(text: str, *, lines: bool = False) -> str:
    """Text without what breaks files: control and line characters, lone surrogates and characters that are none become
    a blank each. ``lines`` keeps tabs and line feeds."""
    return (_ODD_IN_LINES if lines else _ODD).sub(" ", text)


@lru_cache(maxsize=16_384)
def one_line(text: str) -> str:
    """Clean text with single blanks between its words."""
    return " ".join(clean(text).split())


def cut(text: str, most: int) -> str:
    """Text of at most that many characters; what is cut ends with an ellipsis, so that it shows."""
    return text if not most or len(text) <= most else text[: most - 1].rstrip() + _MORE


def short(name: str, most: int) -> str:
    """A name of at most that many characters: one that is longer keeps its beginning and ends with six characters that
    stand for all of it, so that two long names do not become one (case D3)."""
    if not most or len(name) <= most:
        return name
    digest = hashlib.blake2b(name.encode("utf-8", "replace"), digest_size=5).digest()
    return f"{name[: max(most - 7, 0)]}~{base64.b32encode(digest).decode().lower()[:6]}"[-most:]


@lru_cache(maxsize=4096)
def spelled(day: dt.date, form: str) -> str:
    """A day in a form made of ``YYYY YY MMM MM DD``: ``DD/MM/YYYY``. Raises ValueError for a form that lacks one."""
    parts = {"YYYY": f"{day.year:04d}", "YY": f"{day.year % 100:02d}", "MMM": _MONTHS[day.month - 1],
             "MM": f"{day.month:02d}", "DD": f"{day.day:02d}"}  # fmt: skip
    told = _PARTS.findall(form)
    if sorted(part[0] for part in told) != ["D", "M", "Y"]:
        raise ValueError(f"{form!r} is no date form; write it with YYYY, MM and DD, as in DD/MM/YYYY")
    return _PARTS.sub(lambda found: parts[found[0]], form)


def text_cell(page: Any, text: str, *, bold: bool = False) -> Any:
    """A cell of a workbook that holds text, whatever it looks like."""
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    cell = WriteOnlyCell(page, text or None)
    cell.number_format = "@"
    if text:
        cell.data_type = "s"  # or a text that begins with = would be a formula
    if bold:
        cell.font = Font(bold=True)
    return cell
