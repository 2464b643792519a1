"""Commands as an operator types them in a project's folder, carried out in this process."""

from __future__ import annotations

import contextlib
import json
import logging
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from wherry.cli import app
from wherry.settings import PROJECT_FILE


class Commands:
    """A folder, and what is typed in it; each command opens the project anew."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys
        self.code, self.err = 0, ""

    def type(self, line: str) -> str:
        """What ``wherry LINE`` prints. Its exit code and standard error are kept as `code` and `err`."""
        self._capsys.readouterr()
        with contextlib.chdir(self.folder), logging_as_it_was():
            self.code = app.run(shlex.split(line))
        said = self._capsys.readouterr()
        self.err = said.err
        return said.out

    def does(self, line: str, code: int = 0) -> str:
        """The same; it must end with this exit code."""
        said = self.type(line)
        assert self.code == code, f"{line}: exit {self.code}\n{said}{self.err}"
        return said

    def told(self, line: str, code: int = 0) -> dict[str, Any]:
        """Its whole answer as JSON, an error too."""
        answer: dict[str, Any] = json.loads(self.does(f"{line} --output json", code) or self.err)
        return answer

    def ask(self, line: str, code: int = 0) -> Any:
        """The data of its answer."""
        return self.told(line, code)["data"]

    def setting(self, before: str, after: str) -> None:
        """Somebody changes the project file."""
        path = self.folder / PROJECT_FILE
        text = path.read_text("utf-8")
        assert before in text, before
        path.write_text(text.replace(before, after), "utf-8")


@contextlib.contextmanager
def logging_as_it_was() -> Iterator[None]:
    """Commands in this process set logging up, on a stream that ends with their test."""
    handlers, level = logging.root.handlers[:], logging.root.level
    try:
        yield
    finally:
        logging.root.handlers[:] = handlers
        logging.root.setLevel(level)
        structlog.reset_defaults()
