"""What the tests of an operator's commands share: the command line in this process, on the books of ``drained``."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from wherry.cli import app

from .drained import TOKEN, Books, books


class Counter:
    """A project's folder and the commands typed in it; every command opens the project anew."""

    def __init__(self, desk: Books, capsys: pytest.CaptureFixture[str]) -> None:
        self.desk, self._capsys = desk, capsys
        self.err = ""
        """What the last command said on standard error."""

    def text(self, *arguments: str, code: int = 0) -> str:
        """What a command prints for people; it must end with this exit code."""
        self._capsys.readouterr()
        found = app.run(["-C", str(self.desk.folder), *arguments])
        said = self._capsys.readouterr()
        self.err = said.err
        assert found == code, said.out + said.err
        return said.out

    def ask(self, *arguments: str, code: int = 0) -> Any:
        """The data of a command's answer."""
        return json.loads(self.text(*arguments, "--output", "json", code=code))["data"]

    def fails(self, *arguments: str, code: int) -> Any:
        """The error of a command that does not work."""
        return json.loads(self.text(*arguments, "--output", "json", code=code))["error"]

    def said(self) -> list[tuple[str, str]]:
        """The audit log: action and object, oldest first."""
        return [(row["action"], row["object"]) for row in self.ask("audit", "list", "--limit", "1000")["items"]][::-1]


@contextlib.contextmanager
def counter(
    folder: Path, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], ability: Any = "query", **told: Any
) -> Iterator[Counter]:
    """A counter on books of this ability."""
    patch.setenv("BOOKS_TOKEN", TOKEN)
    with books(folder, f"sqlite:///{folder / 'store' / 'wherry.db'}", patch, ability, **told) as desk:
        patch.setattr("wherry.hub.SystemClock", lambda: desk.clock)
        yield Counter(desk, capsys)
