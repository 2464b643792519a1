"""What the page about the month end shows is what is printed: typed one after the other, against the stand-in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from .test_docs_books import fits, plain
from .test_docs_treasury import PIECE
from .treasury import ACCOUNTS, Treasury, treasury

PAGE = Path(__file__).resolve().parents[1] / "docs" / "how-to" / "month-end.md"


def begun(at: Treasury) -> None:
    at.mapped(ACCOUNTS.replace("switching,1205,4020\n", ""))
    at.moves(
        "TX-1,2026-01-05,100.00 USD,storage,hot,W-1,",
        "TX-2,2026-01-06,40.50 USD,switching,hot,W-2,",
        "TX-3,2026-01-28,12.00 USD,storage,cold,W-3,1.00 USD",
        "TX-4,2026-01-29,0.00 USD,storage,cold,W-4,",
    )


def meddled(at: Treasury) -> None:
    cents = {"100.00": "100.01", "140.50": "140.51"}
    lines = [{**line, "Amount": cents.get(str(line["Amount"]), line["Amount"])}
             for line in at.number("JE HOT 2026W02")["Line"]]  # fmt: skip
    at.edited("JE HOT 2026W02", Line=lines)
    at.books.write("JournalEntry", {
        "TxnDate": "2026-01-31", "DocNumber": "ACCR-1", "PrivateNote": "accrued by hand",
        "Line": at.number("JE COLD 2026W05a")["Line"],
    })  # fmt: skip


HAPPENS: dict[str, Callable[[Treasury], None]] = {
    "the table has no row for switching, and there are four movements": begun,
    "in the table: all filled in": lambda at: at.mapped(),
    "in the books: one cent is changed, and an entry is made by hand": meddled,
}


def test_what_the_page_shows_is_what_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with treasury(tmp_path, monkeypatch, capsys) as at:
        for match in PIECE.finditer(PAGE.read_text("utf-8")):
            if match["typed"] is None:
                HAPPENS[match["what"]](at)
                continue
            line, _, shown = match["typed"].removeprefix("$ wherry ").partition("\n")
            line, _, code = line.partition("  # exit ")
            printed = at.does(line.strip(), int(code or 0))
            assert fits(plain(shown), plain(at.err + printed)), f"{line}\n{at.err}{printed}"
