"""What the page for bookkeepers shows is what is printed: typed one after the other, against the stand-in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .test_docs_books import Typed, fits, plain
from .treasury import ACCOUNTS, Treasury, treasury

PAGE = Path(__file__).resolve().parents[1] / "docs" / "how-to" / "books.md"
PIECE = re.compile(r"^<!-- (?P<what>[^\n]*) -->$|^```console treasury\n(?P<typed>.*?)^```$", re.MULTILINE | re.DOTALL)


def pieces() -> Iterator[Typed | str]:
    """What the page has typed, and what happens in between, in order."""
    for match in PIECE.finditer(PAGE.read_text("utf-8")):
        if match["typed"] is None:
            yield match["what"]
            continue
        for block in match["typed"].split("$ wherry ")[1:]:
            line, _, shown = block.partition("\n")
            line, _, ending = line.partition("  # exit ")
            yield Typed(line.strip(), int(ending or 0), shown)


HAPPENS: dict[str, Callable[[Treasury], None]] = {
    "on the platform: four movements": lambda at: at.moves(
        "TX-1,2026-01-05,100.00 USD,storage,hot,W-1,",
        "TX-2,2026-01-06,40.50 USD,switching,hot,W-2,",
        "TX-3,2026-01-28,12.00 USD,storage,cold,W-3,1.00 USD",
        "TX-4,2026-01-29,0.00 USD,storage,cold,W-4,",
    ),
    "in the table: a code that lost its zero": lambda at: at.mapped(ACCOUNTS.replace("1205,4020", "1205,400")),
    "in the table: all filled in": lambda at: at.mapped(ACCOUNTS),
}


def test_what_the_page_shows_is_what_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with treasury(tmp_path, monkeypatch, capsys) as at:
        for piece in pieces():
            if isinstance(piece, Typed):
                printed = at.does(piece.line, piece.code)
                assert fits(plain(piece.shown), plain(at.err + printed)), f"{piece.line}\n{at.err}{printed}"
            else:
                HAPPENS[piece](at)
