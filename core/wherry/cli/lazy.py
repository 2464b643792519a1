"""Groups whose commands are data until one is used: its module is imported then, and not before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any, NamedTuple

import click

from wherry import collecting
from wherry.cli.options import equip

AT_WORK = ("wherry.store", "wherry.settings", "wherry.hub")
"""What the module of a command imports that works on a project. Imported one after the other, and not from within each
other, they keep the stack flat: where it is deep, Python 3.11 asks the system for more of it and gives it back at
thousands of calls, a twentieth of a start."""


class Lazy(NamedTuple):
    """Where a command lives (``module:function``; empty for a group), what help says of it, and what it holds.
    ``at_work``: its module imports what works on a project."""

    target: str
    help: str
    commands: Mapping[str, Lazy] = {}
    section: str = ""
    at_work: bool = False


def load(target: str, first: Iterable[str] = ()) -> Any:
    """The object that ``package.module:attribute`` names. What comes ``first`` is imported before its module is."""
    module, _, attribute = target.partition(":")
    with collecting.paused():
        for name in first:
            import_module(name)
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
        command = load(entry.target, AT_WORK if entry.at_work else ())
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
        """``help errors list`` is ``errors list --help``."""
        word = args[0] if args else "-"
        if word == "help" and word not in self.table:
            if words := [one for one in args[1:] if not one.startswith("-")]:
                return self.resolve_command(ctx, [*words, "--help"])
            click.echo(ctx.get_help(), color=ctx.color)
            ctx.exit()
        if not (word.startswith("-") or word in self.table or word in self.more()):
            raise click.UsageError(unknown(word, self.list_commands(ctx), ctx), ctx)
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
