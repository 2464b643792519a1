"""What a command of a plugin is given: the project, the plugin's documents, and how to answer.

A plugin declares its commands as an entry point of the group ``wherry.commands``, whose name is the command and whose
target is a click command or group: ``workspace = "wherry_workspace.commands:group"``. They stand under ``wherry`` where
a plugin of the same distribution is enabled, and are imported only when one is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import click

if TYPE_CHECKING:
    from wherry.hub import Hub
    from wherry.roles import Documents
    from wherry.settings import Project


class Face(Protocol):
    """One command's view of the world; ``face()`` gives it."""

    @property
    def output(self) -> str:
        """What the answer is wanted as: ``text``, ``json``, ``ndjson`` or ``csv``."""
        ...

    @property
    def hub(self) -> Hub:
        """The project at work; opened when first asked for, closed when the command ends."""
        ...

    @property
    def files_folder(self) -> Path:
        """Where the bytes of copied files lie."""
        ...

    def project(self) -> Project:
        """The project's settings alone. Raises ConfigError."""
        ...

    def documents(self, connection_name: str | None) -> AbstractContextManager[Documents]:
        """The plugin's documents, in a transaction. Raises ConfigError, NotFound where it has no such connection."""
        ...

    def print(self, schema: str, data: Any, text: str | Callable[[], Iterable[str]], next: Sequence[str] = ()) -> None:
        """The command's one answer: data for programs, text and the next commands for people."""
        ...

    def audit(self, action: str, object: str, before: Any, after: Any) -> None:
        """One row of the audit log: who changed what, from what to what."""
        ...


def face() -> Face:
    """That of the command that is running."""
    found: Face = click.get_current_context().obj
    return found
