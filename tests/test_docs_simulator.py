"""What the page about simulators has typed works: commands against the served stand-in, calls of its controls."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import httpx
import pytest
from wherry import plugins
from wherry.simulator.faults import KINDS
from wherry_quickbooks.simulator import QuickBooksSimulator
from wherry_quickbooks.simulator.options import QuickBooksOptions

from .shop import Shop, shop
from .test_docs_books import HAPPENS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "how-to" / "use-a-simulator.md"
PIECE = re.compile(r"^<!-- [\w ]+: (?P<what>[^\n]*) -->$|^```(?:console|sh) simulator\n(?P<typed>.*?)^```$",
                   re.MULTILINE | re.DOTALL)  # fmt: skip
STARTED = "http://127.0.0.1:8701"


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Shop]:
    with shop(tmp_path, monkeypatch, capsys) as made:
        yield made


def typed(block: str) -> Iterator[tuple[list[str], str]]:
    """Each command of a block, and what is shown below it."""
    for one in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        line, _, shown = one.partition("\n")
        yield shlex.split(line), shown.strip()


def called(words: list[str]) -> str:
    """What curl would print."""
    url = next(word for word in words if word.startswith(STARTED)).replace(STARTED, os.environ["BOOKS_URL"])
    if "POST" not in words:
        return httpx.get(url).text
    return httpx.post(url, content=words[words.index("-d") + 1] if "-d" in words else "").text


def fits(shown: str, printed: str) -> bool:
    """``…`` stands for anything."""
    return re.fullmatch(".*".join(re.escape(part) for part in shown.split("…")), printed) is not None


def test_the_page_works_from_top_to_bottom(at: Shop) -> None:
    for match in PIECE.finditer(PAGE.read_text("utf-8")):
        if match["typed"] is None:
            HAPPENS[match["what"]](at)
            continue
        for words, shown in typed(match["typed"]):
            if words[0] == "curl":
                assert fits(shown, printed := called(words)), f"{words}: {printed}"
            elif words[1] == "simulate":
                options = dict(words[n + 1].split("=") for n, word in enumerate(words) if word == "--set")
                assert isinstance(plugins.load([words[2]]).simulator(words[2], options), QuickBooksSimulator)
            else:
                at.does(shlex.join(words[1:]))
    lost = [one for one in at.books.history.requests() if one.fault == "lost"]
    assert len(lost) == 1
    assert len(at.books.objects("Invoice")) == 3


def test_the_page_names_every_control_every_kind_of_fault_and_every_option() -> None:
    text = PAGE.read_text("utf-8")
    named = set(re.findall(r"`([\w-]+)`", text))
    assert KINDS - named == set()
    assert set(QuickBooksSimulator().stage._controls) - named == set()
    fields = QuickBooksOptions.model_fields
    assert set(fields) - named == set()
    for name in ("tax", "limits", "chart"):
        assert set(get_args(fields[name].annotation)) - named == set()
