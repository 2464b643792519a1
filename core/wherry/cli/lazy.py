"""Groups whose commands are data until one is used: its module is imported then, and not before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, NamedTuple

import click

from wherry import collecting
from wherry.cli.options import equip


class Lazy(NamedTuple):
    """Where a command lives (``module:function``; empty for a group), what help says of it, and what it holds."""

    target: str
    help: str
    commands: Mapping[str, Lazy] = {}
    section: str = ""


def load(target: str) -> Any:
    """The object that ``package.module:attribute`` names."""
    module, _, attribute = target.partition(":")
    with collecting.paused():
        return getattr(import_module(module), attribute)


class LazyGroup(click.Group):
    """A group over a table of commands. ``more`` finds further ones, such as those of plugins."""

    def __init__(self, name: str, table: Mapping[str, Lazy], **settings: Any) -> None:
        super().__init__(name, **settings)
        self.table = table

    def more(self) -> Mapping[str, Lazy]:
        """Commands that are not in the table; asked for only when they are needed."""
        return {}

    def make(self, name: str, entry: Lazy) -> click.Command:
        """The command itself. Imports its module."""
        command = load(entry.target)
        assert isinstance(command, click.Command)
        return command

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self.table, *self.more()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = self.table.get(cmd_name) or self.more().get(cmd_name)
        if entry is None:
            return None
        if entry.commands:
            return equip(LazyGroup(cmd_name, entry.commands, help=entry.help))
        return equip(self.make(cmd_name, entry))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in self.list_commands(ctx):
            raise click.UsageError(unknown(args[0], self.list_commands(ctx), ctx), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Help from the table alone, by section."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, entry in {**self.table, **self.more()}.items():
            sections.setdefault(entry.section or "Commands", []).append((name, entry.help))
        for section, rows in sections.items():
            with formatter.section(section):
                formatter.write_dl(rows)


def unknown(word: str, known: list[str], ctx: click.Context) -> str:
    """What to say to a command that is none."""
    import difflib

    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    guess = f"; did you mean {ctx.command_path} {near[0]}?" if near else ""
    return f"there is no command {ctx.command_path} {word}{guess}"


Factory = Callable[[str, Lazy], click.Command]
