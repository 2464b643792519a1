"""What a command works with: the project it is about, how to print its answer, and how to ask.

It is ``click.Context.obj`` for every command, also for those of plugins.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.errors import WherryError
    from wherry.hub import Hub
    from wherry.roles import Documents
    from wherry.settings import Project

Text = str | Iterable[str] | Callable[[], Iterable[str]]


@dataclass
class Face:
    """One command's view of the world. ``code`` is the exit code it has come to."""

    folder: Path | None = None
    config: Path | None = None
    output: str = "text"
    quiet: bool = False
    verbose: int = 0
    debug: bool = False
    no_input: bool = False
    yes: bool = False
    color: str = "auto"
    command: str = ""
    plugin: str = ""
    """The plugin whose commands are running."""
    code: int = 0
    warnings: list[str] = field(default_factory=list)
    moving: int = 0
    """Characters of the line that moves on a terminal."""
    _hub: Hub | None = None
    _problems: int = 0
    _printed: bool = False

    # -- the project ---------------------------------------------------------------------------------------------------

    @property
    def project_file(self) -> Path:
        """Raises ConfigError naming where a project was looked for."""
        from wherry.errors import ConfigError
        from wherry.settings import find_project

        if self.config is None:
            return find_project(self.folder or ".")
        if not self.config.is_file():
            raise ConfigError(f"there is no project file {self.config}", fix="check --config", code="WHERRY-2001")
        return self.config.absolute()

    def project(self) -> Project:
        """The project's settings alone: no plugin is loaded, no store opened.

        A schedule that runs too often is no reason not to look after a connection: there it is a warning.
        """
        from wherry.settings import load
        from wherry.settings.mistakes import TOO_OFTEN

        bearable = (TOO_OFTEN,) if self.command.startswith("connection.") else ()
        project = load(self.project_file, bearable=bearable)
        self.warnings += project.borne
        return project

    @property
    def hub(self) -> Hub:
        """The project at work; opened when first asked for, closed when the command ends."""
        if self._hub is None:
            from wherry.hub import Hub

            self.configure_logging()
            self._hub = Hub(self.project())
            self._of_plugins()
        return self._hub

    def _of_plugins(self) -> None:
        """What plugins did, or could not do, since this was looked at last."""
        found = self._hub.plugins.problems if self._hub is not None else []
        self.warnings += [problem.message for problem in found[self._problems :]]
        self._problems = len(found)

    def configure_logging(self) -> None:
        """Plugins' troubles are told in the answer; logs are for those who ask for them."""
        from wherry.logs import configure_logging

        configure_logging("debug" if self.debug else "info" if self.verbose else "critical")

    def close(self) -> None:
        if self._hub is not None:
            self._hub.close()
            self._hub = None

    # -- what the commands of plugins use ------------------------------------------------------------------------------

    @property
    def files_folder(self) -> Path:
        """Where the bytes of copied files lie."""
        return self.hub.store.files

    def documents(self, connection_name: str | None = None) -> contextlib.AbstractContextManager[Documents]:
        """The plugin's documents, in a transaction. Raises ConfigError, NotFound where it has no such connection."""
        self._must_have(connection_name)
        return self.hub.store.documents(self.plugin)

    def _must_have(self, name: str | None) -> None:
        from wherry.errors import ConfigError, NotFound

        tables = self.hub.project.connections
        own = [one for one, table in tables.items() if table.plugin == self.plugin]
        if not own:
            fix = f'add [connections.NAME] with plugin = "{self.plugin}"'
            raise ConfigError(f"the project has no connection of {self.plugin}", fix=fix, code="WHERRY-2090")
        if name is not None and name not in own:
            fix = f"connections: {', '.join(own)}"
            raise NotFound(f"{self.plugin} has no connection {name}", fix=fix, code="WHERRY-3050", connection=name)

    def audit(self, action: str, object: str, before: Any, after: Any) -> None:
        """One row of the audit log: who changed what, from what to what."""
        self.hub.store.audit(action, object, {"before": before, "after": after})

    # -- the answer ----------------------------------------------------------------------------------------------------

    def print(
        self, schema: str, data: Any, text: Text, next: Sequence[str] = (), *, error: WherryError | None = None
    ) -> None:
        """The command's one answer: data in the envelope for programs, text and the next command for people."""
        self._printed = True
        self._of_plugins()
        after = [self.pasted(command) for command in next]
        if self.output == "json":
            self.envelope(schema, data, after, error.as_data() if error else None)
        elif self.output in ("ndjson", "csv"):
            from wherry.cli.formats import as_csv, as_ndjson

            self.tell_warnings()
            click.echo(as_csv(data) if self.output == "csv" else as_ndjson(data), nl=False)
        else:
            self._text(text, after)

    def envelope(
        self, schema: str, data: Any, next: Sequence[str] = (), error: Mapping[str, Any] | None = None
    ) -> None:
        from wherry.cli.formats import as_json, portable

        told = [scrubbed(warning) for warning in self.warnings]
        whole: dict[str, Any] = {"schema": schema, "data": data, "warnings": told, "next": list(next)}
        if error is not None:
            whole["error"] = error
        click.echo(portable(as_json(whole, pretty=sys.stdout.isatty())))

    def _text(self, text: Text, next: Sequence[str]) -> None:
        self.tell_warnings()
        made = text() if callable(text) else text
        for line in [made] if isinstance(made, str) else made:
            click.echo(line, color=self.colors)
        if next and not self.quiet:
            for n, command in enumerate(next):
                click.echo(f"{'Next:' if n == 0 else '     '} {command}", color=self.colors)

    def pasted(self, command: str) -> str:
        """The command so that it works when pasted here: with the folder or file that was named."""
        if not command.startswith("wherry "):
            return command
        import shlex

        where = f"-C {shlex.quote(str(self.folder))} " if self.folder else ""
        where += f"--config {shlex.quote(str(self.config))} " if self.config else ""
        return f"wherry {where}{command.removeprefix('wherry ')}"

    def warn(self, sentence: str) -> None:
        """Something to know that is no error."""
        self.warnings.append(sentence)

    def tell_warnings(self) -> None:
        for warning in [] if self.quiet else self.warnings:
            click.echo(f"warning  {scrubbed(warning)}", err=True, color=self.colors)

    def note(self, line: str) -> None:
        """A line on standard error while working, in place of the one that moves; not with --quiet."""
        if not self.quiet:
            wiped = f"\r{' ' * self.moving}\r" if self.moving else ""
            self.moving = 0
            click.echo(wiped + line, err=True, color=self.colors)

    @property
    def colors(self) -> bool | None:
        """Whether to colour: None leaves it to whether the output is a terminal."""
        if self.color != "auto":
            return self.color == "always"
        plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
        return False if plain else None

    # -- asking --------------------------------------------------------------------------------------------------------

    @property
    def asks(self) -> bool:
        """Whether a person is there to be asked."""
        return not self.no_input and sys.stdin.isatty()

    def confirm(self, question: str) -> None:
        """Go on only after a yes. Raises ConfigError when nobody can be asked, Abort at a no."""
        if self.yes:
            return
        if not self.asks:
            from wherry.errors import ConfigError

            raise ConfigError(f"{question} Nobody can be asked here", fix="say --yes", code="WHERRY-2091")
        click.confirm(question, abort=True, err=True)


def scrubbed(text: str) -> str:
    from wherry.redaction import scrub

    return scrub(text)


@contextlib.contextmanager
def closing(face: Face) -> Iterator[Face]:
    try:
        yield face
    finally:
        face.close()
