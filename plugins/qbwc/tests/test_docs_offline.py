"""The page about trying QuickBooks Desktop offline works from top to bottom, and names all that the stand-in can do."""

from __future__ import annotations

import contextlib
import re
import shlex
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from wherry import plugins
from wherry.hub import Hub
from wherry.simulator import serve
from wherry_qbwc.simulator import QbwcSimulator, mishaps, options

from .desk_rig import Desk, desk
from .test_docs_page import HAPPENS, fits, imported, plain
from .work_rig import served

PAGE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "try-quickbooks-desktop.md"
PIECE = re.compile(
    r"^<!-- at the desk: (?P<what>[^\n]*) -->$|^```(?:console|sh) offline\n(?P<typed>.*?)^```$"
    r"|^```toml\n(?P<file>version = 1\n.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
HOST, THERE = "http://localhost:8710", "http://127.0.0.1:8701"


class Room:
    """Three terminals: the host, the computer, and the one in which the rest is typed."""

    def __init__(self, at: Desk, held: contextlib.ExitStack) -> None:
        self.at, self.held = at, held
        self.url = self.there = self.id = ""
        self.desktop: QbwcSimulator

    def serves(self) -> None:
        hub = self.held.enter_context(Hub.open(self.at.folder, environ={}))
        self.url = self.held.enter_context(served(hub))
        self.at.does(f"qbwc setup desktop --url {self.url}")  # the port of this test
        with contextlib.chdir(self.at.folder):
            self.at.does("qbwc file desktop")

    def simulates(self, words: list[str]) -> None:
        said = dict(words[n + 1].split("=") for n, word in enumerate(words) if word == "--set")
        assert said["password"] == "PASSWORD"
        with contextlib.chdir(self.at.folder):
            made = plugins.load(["qbwc"]).simulator("qbwc", {**said, "password": self.at.password})
        assert isinstance(made, QbwcSimulator)
        assert made.connector is not None
        self.held.callback(made.connector.stop)
        made.connector._wait = lambda seconds: time.sleep(0.01 if seconds < 10 else 60)  # what it waits in a session
        self.desktop, self.there = made, self.held.enter_context(serve(made.app()))
        self.ended(1)

    def ended(self, sessions: int) -> None:
        """Until so many sessions are over."""
        assert self.desktop.connector is not None
        for _ in range(1000):
            if len(self.desktop.connector.outcomes) >= sessions and not self.desktop.connector.busy:
                return
            time.sleep(0.01)
        raise AssertionError("the session did not end")

    def calls(self, words: list[str]) -> str:
        assert self.desktop.connector is not None
        url = next(word for word in words if word.startswith(THERE)).replace(THERE, self.there)
        before = len(self.desktop.connector.outcomes)
        if "POST" in words:
            body = words[words.index("-d") + 1].replace('"ID"', f'"{self.id}"') if "-d" in words else ""
            told = httpx.post(url, content=body).text
        else:
            told = httpx.get(url).text
        if url.endswith("/enter"):
            self.id = told.strip('"')
        if url.endswith("/session"):
            self.ended(before + 1)
        return told

    def types(self, line: str, shown: str) -> None:
        words = shlex.split(line)
        if words[0] == "curl":
            printed = self.calls(words)
            assert re.fullmatch(".*".join(map(re.escape, shown.split("…"))), printed), f"{line}: {printed}"
        elif words[1] == "serve":
            self.serves()
        elif words[1] == "simulate":
            self.simulates(words[2:])
        else:
            printed = self.at.does(shlex.join(words[1:]))
            if "setup" in words:
                self.at.noted(printed)
            assert not shown or shown_in(shown, printed), printed


def shown_in(shown: str, printed: str) -> bool:
    """… at the end of a line stands for its rest."""
    cut = [line.removesuffix(" …") for line in plain(shown)]
    lines = plain(printed)
    told = [next((one for one in cut if one.strip() != "…" and line.startswith(one)), line) for line in lines]
    return fits(cut, told)


def one_more(at: Desk) -> None:
    path = at.folder / "more.csv"
    header = (at.folder / "charges.csv").read_text("utf-8").splitlines()[0]
    path.write_text(f"{header}\n536399,1001,Oak bench,1,05/12/2010 08:26,2.55,17850,USA\n", "utf-8")
    at.does("workspace import online-retail more.csv --currency USD")


SCENES: dict[str, Callable[[Desk], object]] = {**HAPPENS, "the file of charges": imported,
                                               "one more charge comes": one_more}  # fmt: skip


def pieces() -> Iterator[tuple[str, str, str]]:
    for match in PIECE.finditer(PAGE.read_text("utf-8")):
        if match["typed"] is None:
            yield ("happens", match["what"], "") if match["what"] else ("file", match["file"], "")
            continue
        for block in re.split(r"^\$ ", match["typed"], flags=re.MULTILINE)[1:]:
            line, _, shown = block.partition("\n")
            yield "typed", line, shown.strip()


def test_the_page_works_from_top_to_bottom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with desk(tmp_path / "yard", monkeypatch, capsys) as at, contextlib.ExitStack() as held:
        at.name = "desktop"
        room = Room(at, held)
        for sort, said, shown in pieces():
            if sort == "file":
                (at.folder / "wherry.toml").write_text(said, "utf-8")
            elif sort == "happens":
                SCENES[said](at)
            else:
                room.types(said, shown)
        told = [entry for entry in room.desktop.history.entries if entry.what == "SalesOrder.add"]
        assert len(told) == 4
        numbers = [one["RefNumber"] for one in room.desktop.records("SalesOrder")]
        assert sorted(numbers) == ["536365", "536366", "536367", "536399"]


def test_the_page_names_every_option_control_and_mishap() -> None:
    named = set(re.findall(r"`([\w-]+)`", PAGE.read_text("utf-8")))
    assert set(options.QbwcOptions.model_fields) - named == {"currency"}
    assert set(QbwcSimulator().stage._controls) - named == set()
    assert mishaps._KINDS - named == set()
