"""What the pages for operators of books show is what is printed: typed one after the other, against the stand-in."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from .shop import Shop, shop

PAGES = [page for page in sorted((Path(__file__).resolve().parents[1] / "docs").rglob("*.md"))
         if "```console books\n" in page.read_text("utf-8")]  # fmt: skip
PIECE = re.compile(r"^<!-- (?P<where>[\w ]+): (?P<what>[^\n]*) -->$|^```console books\n(?P<typed>.*?)^```$",
                   re.MULTILINE | re.DOTALL)  # fmt: skip
LEFT_OUT = "…"
"""A line of a page that stands for any number of lines."""
VARYING = {
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?( UTC)?": "<moment>",
    r"\bdecided by (\w+) on \d{4}-\d\d-\d\d\b": r"decided by \1 on <day>",
    r"\b\d+\.\d s\b": "<lasted>",
    r"\b\d[0-9a-z]{14}\b": "<run>",
    r"\bplan [0-9a-f]{8}\b": "plan <plan>",
    r"\b[0-9a-f]{32}\b": "<fingerprint>",
    r"\b[a-z2-7]{26}\b": "<stamp>",
    r'"bId": ?"[a-z2-7]{10}"': '"bId": "<stamp>"',
    r" {2,}": "  ",
}


class Typed(NamedTuple):
    line: str
    code: int
    shown: str


def pieces(page: Path) -> Iterator[Typed | tuple[str, str]]:
    """What a page has typed, and what happens in between, in order."""
    for match in PIECE.finditer(page.read_text("utf-8")):
        if match["typed"] is None:
            yield match["where"], match["what"]
            continue
        for block in match["typed"].split("$ wherry ")[1:]:
            line, _, shown = block.partition("\n")
            line, _, ending = line.partition("  # exit ")
            yield Typed(line.strip(), int(ending or 0), shown.strip("\n"))


def plain(text: str) -> list[str]:
    """Without what is another every time."""
    for pattern, name in VARYING.items():
        text = re.sub(pattern, name, text)
    return [line.rstrip() for line in text.splitlines()]


def fits(shown: list[str], printed: list[str]) -> bool:
    """Whether the printed lines are those shown, in order and none between them but where some are left out."""
    pattern = "".join("(.*\n)*?" if line.strip() == LEFT_OUT else re.escape(line) + "\n" for line in shown)
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in printed)) is not None


# -- what happens between the commands of a page -----------------------------------------------------------------------


def entered_and_closed(at: Shop) -> None:
    at.entered("536366")
    at.books.close_books("2010-12-01")


def redated(at: Shop) -> None:
    at.edited("536367", TxnDate="2010-12-03" if at.number("536367")["TxnDate"] == "2010-12-02" else "2010-12-04")
    due(at, "536367")


def due(at: Shop, number: str) -> None:
    held = at.ask(f"workspace show invoice {number}")
    day = "2011-01-31" if "2011-01-31" not in str(held) else "2011-02-28"
    at.does(f"workspace edit invoice {number} due_date={day}")


def gone(at: Shop, number: str) -> None:
    held = at.number(number)
    at.books.write("Invoice", {"Id": held["Id"], "SyncToken": held["SyncToken"]}, "delete")


def dearer(at: Shop) -> None:
    at.does("workspace edit invoice 536366 lines[0].amount=13.10 total=13.10")


HAPPENS: dict[str, Callable[[Shop], None]] = {
    "an invoice 536366 is entered by hand, and the books are closed up to 2010-12-01": entered_and_closed,
    "536367 gets another date, and at the source another due date": redated,
    "536367 gets another date again, and at the source another due date": redated,
    "approval is required": lambda at: at.setting('"automatic"', '"required"'),
    "books_from is 2010-12-02": lambda at: at.setting("books_from = 2010-12-01", "books_from = 2010-12-02"),
    "536366 gets another due date": lambda at: due(at, "536366"),
    "536365 gets another due date": lambda at: due(at, "536365"),
    "536365 gets another date": lambda at: at.edited("536365", TxnDate="2010-12-05"),
    "536367 is deleted": lambda at: gone(at, "536367"),
    "536366 comes to more": dearer,
}


# -- the pages ---------------------------------------------------------------------------------------------------------


def said_now(line: str, printed: str) -> str:
    """The command with the run and the plan that were told last in place of the page's."""
    for pattern in (r"\b\d[0-9a-z]{14}\b", r"(?<=plan )[0-9a-f]{8}\b"):
        known = re.findall(pattern, printed)
        line = re.sub(pattern, known[-1], line) if known else line
    return line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_shows_is_what_is_printed(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with contextlib.ExitStack() as stack:
        at, printed = stack.enter_context(shop(folder_in(tmp_path), monkeypatch, capsys)), ""
        for piece in pieces(page):
            if isinstance(piece, Typed):
                out = at.does(said_now(piece.line, printed), piece.code)
                assert fits(plain(piece.shown), plain(at.err + out)), f"{piece.line}\n{at.err}{out}"
                printed += at.err + out
                continue
            if piece[0] == "in another shop":
                at = stack.enter_context(shop(folder_in(tmp_path), monkeypatch, capsys))
            if piece[0] in ("quietly", "in another shop"):
                at.type(piece[1])
                assert at.code in (0, 4), at.err
            else:
                HAPPENS[piece[1]](at)


def folder_in(path: Path) -> Path:
    folder = path / f"shop-{len(list(path.iterdir()))}"
    folder.mkdir()
    return folder


def test_a_page_that_shows_something_else_would_be_noticed() -> None:
    printed = plain("E-6   refused\n  since 2026-11-21T06:34:57\nNext: wherry errors show E-6\n")
    assert fits(plain("E-6  refused\n  since 2027-01-01T00:00:00\n…\n"), printed)
    assert not fits(plain("E-7  refused\n…\n"), printed)
    assert not fits(plain("E-6  refused\n"), printed)
