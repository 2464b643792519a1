"""Calling hooks of foreign code: who failed is found out, and what failed stops no more than it must.

A maker that fails for a connection of another plugin is set aside and the rest is asked again, unless it overrides on
purpose (``tryfirst`` or a wrapper): a dry-run wrapper that fails must not let the real sink through.
"""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Iterator
from typing import Any

import structlog

from wherry.errors import ContractBroken, WherryError
from wherry.plugins.loading import BAD_RESULT, BUILT_IN, CALL_FAILED, Loaded, Problem, told

log = structlog.get_logger("wherry.plugins")


class Calls:
    """The relay's calls, with every failure turned into an error of ours or into a problem."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded

    def first(self, hook: str, owner: str, role: str = "", **arguments: Any) -> Any:
        """The first result of a maker, or None. ``owner`` is the plugin whose job it is, ``""`` for anybody's;
        a plugin that has ``role`` in its manifest counts as asked too. Raises ContractBroken naming who failed."""
        relay, aside = self._loaded.relay, list[Any]()
        while True:
            caller = relay.subset_hook_caller(hook, aside)
            try:
                return caller(**arguments)
            except (WherryError, KeyboardInterrupt) as error:
                culprit = self._culprit(hook, error)
                if isinstance(error, KeyboardInterrupt) or not self._is_bystander(culprit, owner, role):
                    raise
                self._note(culprit, hook, error)
            except BaseException as error:
                culprit = self._culprit(hook, error)
                if not self._is_bystander(culprit, owner, role):
                    raise self.broken(self.name_of(culprit) or owner, hook, f"failed: {told(error)}") from error
                self._note(culprit, hook, error)
            aside.append(culprit.plugin)

    def each(self, hook: str, **arguments: Any) -> Iterator[tuple[str, Any]]:
        """Plugin name and result of every implementation, the one that wins last. Failures become problems."""
        for implementation in getattr(self._loaded.relay.hook, hook).get_hookimpls():
            try:
                result = implementation.function(*[arguments[name] for name in implementation.argnames])
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                self._note(implementation, hook, error)
            else:
                yield self.name_of(implementation), result

    def tell(self, hook: str, **arguments: Any) -> None:
        """Tells every observer; one that fails is logged and silences nobody."""
        for _ in self.each(hook, **arguments):
            pass

    def broken(self, plugin: str, hook: str, what: str, code: str = CALL_FAILED) -> ContractBroken:
        """A ContractBroken that names plugin, version and hook."""
        one = self._loaded.installed.get(plugin)
        title = one.title if one else plugin or "an enabled plugin"
        message = f"{title}: {hook} {what}"
        fix = f"update or disable the plugin {plugin}" if plugin else "look at wherry plugin list --broken"
        return ContractBroken(message, fix=fix, code=code, plugin=plugin, version=one.version if one else "", hook=hook)

    def set_aside(self, plugin: str, hook: str, what: str, code: str = BAD_RESULT, fix: str = "") -> None:
        """Notes a problem of a plugin once, and logs it."""
        error = self.broken(plugin, hook, what, code)
        version = str(error.where.get("version", ""))
        problem = Problem(plugin, version, error.message, hook, fix or error.fix, code)
        log.warning("plugin failed", plugin=plugin, hook=hook, reason=what)
        if problem not in self._loaded.problems:
            self._loaded.problems.append(problem)

    def name_of(self, implementation: Any) -> str:
        """The entry name of the plugin that an implementation belongs to."""
        return str(implementation.plugin_name) if implementation is not None else ""

    def maker_of(self, made: object) -> str:
        """The plugin whose package defines an object's class, or ``""``."""
        top = type(made).__module__.partition(".")[0]
        for name, plugin in self._loaded.relay.list_name_plugin():
            if getattr(plugin, "__name__", type(plugin).__module__).partition(".")[0] == top:
                return str(name)
        return ""

    def _culprit(self, hook: str, error: BaseException) -> Any:
        """The implementation that raised: the innermost whose code is on the traceback."""
        by_code = {
            getattr(implementation.function, "__code__", None): implementation
            for implementation in getattr(self._loaded.relay.hook, hook).get_hookimpls()
        }
        frames = [frame.f_code for frame, _ in traceback.walk_tb(error.__traceback__)]
        return next((by_code[code] for code in reversed(frames) if code in by_code), None)

    def _is_bystander(self, culprit: Any, owner: str, role: str) -> bool:
        if culprit is None or culprit.tryfirst or culprit.wrapper or culprit.hookwrapper:
            return False
        name = self.name_of(culprit)
        manifest = self._loaded.manifests.get(name)
        claims = bool(role) and manifest is not None and role in manifest.roles
        return name != owner and not claims and not name.startswith(BUILT_IN)

    def _note(self, implementation: Any, hook: str, error: BaseException) -> None:
        self.set_aside(self.name_of(implementation), hook, f"failed: {told(error)}", CALL_FAILED)


def members_of(role: type) -> list[str]:
    """The names that a protocol asks for, of its own and of the protocols it grew from."""
    names: dict[str, None] = {}
    for base in reversed(role.__mro__):
        if getattr(base, "_is_protocol", False):
            own = {**vars(base), **inspect.get_annotations(base)}
            names |= dict.fromkeys(name for name in own if not name.startswith("_"))
    return list(names)


def lacks(made: object, role: type) -> list[str]:
    """The members of a role that an object does not have; one that raises when it is looked at counts as missing."""
    return [name for name in members_of(role) if not _has(made, name)]


def _has(made: object, name: str) -> bool:
    try:
        return getattr(made, name) is not None
    except Exception:
        return False
