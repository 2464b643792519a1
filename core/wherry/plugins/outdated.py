"""One deprecation cycle: what plugins were told to use, is called otherwise now, and still works for one minor version.

What a plugin uses without a warning in one minor version works in the next one. A hook that gets another name stands in
``RENAMED`` for that time: plugins that implement the old name are asked under the new one, and are told of once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pluggy
from msgspec import Struct


class Renamed(Struct, frozen=True):
    """A hook that is called otherwise now. ``since`` and ``until`` are minor versions: old names work until the second
    one comes, and not in it."""

    new: str
    since: str
    until: str


RENAMED: dict[str, Renamed] = {}
"""Old name of a hook → what became of it. A test holds that nothing stands here longer than it may."""


class Relay(pluggy.PluginManager):
    """pluggy, which asks implementations of an old name when the new one is called."""

    def __init__(self, project: str, renamed: Mapping[str, Renamed] = RENAMED) -> None:
        super().__init__(project)
        self._renamed = renamed

    def parse_hookimpl_opts(self, plugin: Any, name: str) -> pluggy.HookimplOpts | None:
        """As pluggy reads the marks of a function, with the new name in place of an old one."""
        found = super().parse_hookimpl_opts(plugin, name)
        if found is not None and name in self._renamed and not found.get("specname"):
            return {**found, "specname": self._renamed[name].new}
        return found

    def outdated(self, plugin: Any) -> list[tuple[str, Renamed]]:
        """The old names that a plugin implements."""
        there = [(old, told) for old, told in self._renamed.items() if hasattr(plugin, old)]
        return [(old, told) for old, told in there if self.parse_hookimpl_opts(plugin, old) is not None]
