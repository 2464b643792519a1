"""Commands that plugins bring: listed from the files of their installation, imported only when one is used.

``importlib.metadata`` would take longer to import than the help takes to show, so the three lines needed are read here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import click

from wherry.cli.lazy import Lazy, LazyGroup, load
from wherry.cli.options import face

COMMANDS, PLUGINS = "wherry.commands", "wherry.plugins"


class Declared(NamedTuple):
    """An entry point for a command, with what its distribution says of itself."""

    name: str
    target: str
    summary: str
    systems: tuple[str, ...]
    """The plugins of the same distribution: one of them must be enabled."""


@cache
def declared(path: tuple[str, ...] | None = None) -> dict[str, Declared]:
    """Every command that an installed distribution declares; the first one of a name counts, as on ``sys.path``."""
    found: dict[str, Declared] = {}
    for folder in path or tuple(sys.path):
        for info in _infos(folder or "."):
            for one in _of(info):
                found.setdefault(one.name, one)
    return dict(sorted(found.items()))


def _infos(folder: str) -> Iterator[str]:
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    yield from (os.path.join(folder, name) for name in names if name.endswith((".dist-info", ".egg-info")))


def _of(info: str) -> Iterator[Declared]:
    text = _read(os.path.join(info, "entry_points.txt"))
    if COMMANDS not in text:
        return
    import configparser

    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(text)
    except configparser.Error:
        return
    systems = tuple(parser[PLUGINS]) if parser.has_section(PLUGINS) else ()
    for name, target in parser.items(COMMANDS) if parser.has_section(COMMANDS) else ():
        yield Declared(name, target.strip(), _summary(info), systems or (name,))


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as handle:
            return handle.read(100_000)
    except OSError:
        return ""


def _summary(info: str) -> str:
    for line in (_read(os.path.join(info, "METADATA")) or _read(os.path.join(info, "PKG-INFO"))).splitlines():
        if line.startswith("Summary:"):
            return line.partition(":")[2].strip()
        if not line:
            break
    return "Commands of a plugin."


class Root(LazyGroup):
    """``wherry`` itself: its own commands, then those of plugins."""

    def more(self) -> dict[str, Lazy]:
        return {
            name: Lazy(one.target, one.summary, section="Plugins' own commands")
            for name, one in declared().items()
            if name not in self.table
        }

    def make(self, name: str, entry: Lazy) -> click.Command:
        if name in self.table:
            return super().make(name, entry)
        return _allowed(declared()[name])


def _allowed(one: Declared) -> click.Command:
    """The plugin's command, if its plugin is enabled here; its help also where there is no project. Raises ConfigError,
    ContractBroken."""
    from wherry.errors import ConfigError, ContractBroken

    current = click.get_current_context()
    helped = _only_helped(current, one.name)
    enabled = [] if helped else [name for name in face().project().plugins.enabled if name in one.systems]
    if not enabled and not helped and not current.resilient_parsing:
        raise ConfigError(
            f"wherry {one.name} belongs to the plugin {one.systems[0]}, which is not enabled in this project",
            fix=f'add "{one.systems[0]}" to enabled under [plugins]', code="WHERRY-2321", plugin=one.systems[0],
        )  # fmt: skip
    face().plugin = enabled[0] if enabled else one.systems[0]
    made = _imported(one)
    if not isinstance(made, click.Command):
        raise ContractBroken(f"plugin {one.systems[0]}: {one.target} is no click command", code="WHERRY-1116",
                             fix=f"update or disable the plugin {one.systems[0]}", plugin=one.systems[0])  # fmt: skip
    return made


def _only_helped(current: click.Context, name: str) -> bool:
    """Whether somebody asks for the help of a command outside of any project: no allow-list says which there may be."""
    from wherry.errors import ConfigError
    from wherry.settings.mistakes import NO_PROJECT

    words = [word for word in (*current._protected_args, *current.args) if word != name]
    if words and not {"--help", "-h", "help"} & {*words}:
        return False
    try:
        face().project()
    except ConfigError as error:
        return error.code == NO_PROJECT
    return False


def _imported(one: Declared) -> Any:
    from wherry.errors import ContractBroken

    try:
        return load(one.target)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin may raise whatever it likes, SystemExit too
        raise ContractBroken(
            f"the commands of plugin {one.systems[0]} cannot be loaded: {type(error).__name__}: {error}",
            fix=f"update or disable the plugin {one.systems[0]}", code="WHERRY-1119", plugin=one.systems[0],
        ) from error  # fmt: skip
