"""What the tests of an operator's commands share: the command line in this process, on the books of ``drained``."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from wherry.testing.commands import Commands

from .drained import TOKEN, Books, books


class Counter:
    """A project's folder and the commands typed in it; every command opens the project anew."""

    def __init__(self, desk: Books, capsys: pytest.CaptureFixture[str]) -> None:
        self.desk, self._typed = desk, Commands(desk.folder, capsys)

    @property
    def err(self) -> str:
        """What the last command said on standard error."""
        return self._typed.err

    def text(self, *words: str, code: int = 0) -> str:
        """What a command prints for people; it must end with this exit code."""
        return self._typed.does(shlex.join(words), code)

    def ask(self, *words: str, code: int = 0) -> Any:
        """The data of a command's answer."""
        return self._typed.ask(shlex.join(words), code)

    def fails(self, *words: str, code: int) -> Any:
        """The error of a command that does not work."""
        return self._typed.told(shlex.join(words), code)["error"]

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
