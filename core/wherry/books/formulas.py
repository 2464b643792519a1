"""Formulas of a spreadsheet whose rows become more: what stands below moves down, what sums the row up sums all of it.

openpyxl moves cells, and leaves formulas, merged cells and tables as they are.
"""

from __future__ import annotations

import re
from typing import Any

from msgspec import Struct

_CELL = r"(\$?[A-Z]{1,3}\$?)(\d+)"
_REFERENCE = re.compile(rf"((?:'(?:[^']|'')+'|[^'!]+)!)?{_CELL}(?::{_CELL})?").fullmatch
_ROWS = re.compile(r"((?:'(?:[^']|'')+'|[^'!]+)!)?(\$?)(\d+):(\$?)(\d+)").fullmatch


class Repeated(Struct, frozen=True):
    """A row of a sheet that stands there ``more`` times more often than before, one copy below the other."""

    sheet: str
    row: int
    more: int

    def formula(self, text: str, home: str) -> str:
        """A formula that stands in the sheet ``home``, as it is to be after the row was repeated."""
        from openpyxl.formula import Tokenizer
        from openpyxl.formula.tokenizer import Token

        found = Tokenizer(text)
        for token in found.items:
            if token.type == Token.OPERAND and token.subtype == Token.RANGE:
                token.value = self.reference(token.value, home)
        return "=" + "".join(token.value for token in found.items)

    def reference(self, text: str, home: str) -> str:
        """``C2:C2`` → ``C2:C9``; as it is where it is another sheet's, a whole column's or a name."""
        if (cells := _REFERENCE(text)) and self._mine(cells[1], home):
            first = f"{cells[1] or ''}{cells[2]}{self._first(int(cells[3]))}"
            return f"{first}:{cells[4]}{self._last(int(cells[5]))}" if cells[4] else first
        if (rows := _ROWS(text)) and self._mine(rows[1], home):
            return f"{rows[1] or ''}{rows[2]}{self._first(int(rows[3]))}:{rows[4]}{self._last(int(rows[5]))}"
        return text

    def _mine(self, prefix: str | None, home: str) -> bool:
        name = prefix[:-1] if prefix else home
        return (name[1:-1].replace("''", "'") if prefix and name.startswith("'") else name) == self.sheet

    def _first(self, row: int) -> int:
        return row + self.more if row > self.row else row

    def _last(self, row: int) -> int:
        """A range that ends with the row ends with its last copy."""
        return row + self.more if row >= self.row else row


def repeat(sheet: Any, row: int, more: int) -> None:
    """Make room for so many copies below a row, and let whatever refers to a cell of the book refer to it still."""
    sheet.insert_rows(row + 1, more)
    made = Repeated(sheet.title, row, more)
    for merged in sheet.merged_cells.ranges:
        if merged.min_row > row:
            merged.shift(row_shift=more)
    for table in sheet.tables.values():
        table.ref = made.reference(table.ref, sheet.title)
    for other in sheet.parent.worksheets:
        for cell in (cell for cells in other.iter_rows() for cell in cells if cell.data_type == "f"):
            _mend(cell, made, other.title)


def _mend(cell: Any, made: Repeated, home: str) -> None:
    if isinstance(cell.value, str):
        cell.value = made.formula(cell.value, home)
    elif text := getattr(cell.value, "text", ""):  # one for several cells at once
        cell.value.text, cell.value.ref = made.formula(text, home), made.reference(cell.value.ref, home)


def copied(formula: str, origin: str, to: str) -> str:
    """A formula of one cell as it is in another: what it refers to moves along, but for what is held with ``$``."""
    from openpyxl.formula.translate import Translator

    return str(Translator(formula, origin=origin).translate_formula(to))
