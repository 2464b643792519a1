"""A desk: commands typed in a project's folder, the host served beside it, and the computer that QuickBooks runs on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from wherry.hub import Hub
from wherry.testing.clock import hurried
from wherry.testing.commands import Commands
from wherry_qbwc.simulator import Outcome, QbwcSimulator

from .work_rig import served


class Desk(Commands):
    """A project's folder and what is typed there; ``session`` serves it for one update of the Web Connector."""

    def __init__(self, folder: Path, desktop: QbwcSimulator, capsys: pytest.CaptureFixture[str]) -> None:
        super().__init__(folder, capsys)
        self.desktop, self.name = desktop, "books"

    def connection(self, body: str) -> None:
        """Somebody writes the connection ``books`` anew, and enables what it needs."""
        path = self.folder / "wherry.toml"
        before, _, rest = path.read_text("utf-8").partition("[connections.books]")
        flows = rest.partition("\n[flows.")[2]
        enabled = before.replace('"quickbooks"', '"qbwc"')
        path.write_text(f"{enabled}[connections.books]\n{body}\n[flows.{flows}", "utf-8")

    def table(self, name: str, text: str) -> None:
        path = self.folder / "tables" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")

    def set_up(self) -> None:
        """A password for the Web Connector, and the file for it."""
        self.noted(self.does(f"qbwc setup {self.name} --url http://localhost:8710"))

    def noted(self, said: str) -> None:
        """Somebody notes the user and the password that a command showed."""
        told = {
            name: value for name, value, *_ in (line.split() for line in said.splitlines() if len(line.split()) > 1)
        }
        self.user, self.password = told["user"], told["password"]

    def session(self, **told: Any) -> Outcome:
        """The Web Connector updates once, while ``wherry serve`` runs."""
        with Hub.open(self.folder, environ={}) as hub, served(hub) as url, httpx.Client(timeout=60) as http:
            connector = self.desktop.connect(
                f"{url}/hooks/qbwc/{self.name}", self.user, self.password, http=http, wait=lambda seconds: None, **told
            )
            return connector.session()

    def books(self, kind: str) -> list[dict[str, Any]]:
        """What the company file holds."""
        return self.desktop.records(kind)


@contextlib.contextmanager
def desk(folder: Path, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], **desktop: Any) -> Iterator[Desk]:
    """A desk in a folder that holds nothing yet."""
    hurried(patch)
    patch.setenv("WHERRY_ACTOR", "anna")
    folder.mkdir(exist_ok=True)
    yield Desk(folder, QbwcSimulator(**desktop), capsys)
