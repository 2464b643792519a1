"""Calling hooks of foreign code: who failed is found out, and what failed stops no more than it must.

A maker that fails for a connection of another plugin is set aside and the rest is asked again, unless it overrides on
purpose (``tryfirst`` or a wrapper): a dry-run wrapper that fails must not let the real sink through.
"""

from __future__ import annotations

import contextlib
import inspect
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

import structlog

from wherry.errors import ContractBroken, WherryError
from wherry.plugins import process
from wherry.plugins.loading import BAD_RESULT, BUILT_IN, CALL_FAILED, Loaded, Problem, meddled, told

log = structlog.get_logger("wherry.plugins")
Unfit = Callable[[Any], str]
"""What is wrong with a result, as half a sentence; empty when nothing is."""


class Calls:
    """The relay's calls, with every failure turned into an error of ours or into a problem."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded

    def first(
        self, hook: str, owner: str, unfit: Unfit, role: str = "", *, only: bool = False, **arguments: Any
    ) -> Any:
        """The first result of a maker, or None. ``owner`` is the plugin whose job it is, ``""`` for anybody's; a plugin
        that has ``role`` in its manifest counts as asked too, unless ``only`` the owner is. ``unfit`` says what is
        wrong with a result, if anything is. Raises ContractBroken naming who failed, or what a plugin raised of our
        own errors."""
        with process.kept(lambda changes: meddled(self._loaded.problems, owner, changes, hook)):
            return self._first(hook, owner, unfit, role, arguments, only=only)

    def _first(
        self, hook: str, owner: str, unfit: Unfit, role: str, arguments: Mapping[str, Any], *, only: bool
    ) -> Any:
        aside = self._others(hook, owner) if only else []
        while True:
            try:
                made = self._loaded.relay.subset_hook_caller(hook, aside)(**arguments)
            except BaseException as error:
                culprit = self._culprit(hook, error)
                if not self._is_bystander(culprit, owner, role):
                    self._raise(error, culprit, owner, hook)
                self._note(culprit, hook, error)
            else:
                what = unfit(made) if made is not None else ""
                if not what:
                    return made
                culprit = self._maker(hook, owner, role, unfit, aside, arguments)
                if culprit is None:
                    raise self.broken(self._maker_of(made) or owner, hook, what, BAD_RESULT)
                self.set_aside(self.name_of(culprit), hook, what)
            aside.append(culprit.plugin)

    def each(self, hook: str, only: str = "", **arguments: Any) -> Iterator[tuple[str, Any]]:
        """Plugin name and result of every implementation (or of one plugin's), the one that wins last. Failures become
        problems."""
        for implementation in getattr(self._loaded.relay.hook, hook).get_hookimpls():
            if only and self.name_of(implementation) != only:
                continue
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

    def _others(self, hook: str, owner: str) -> list[Any]:
        """Who else would answer; overrides on purpose, and the core's defaults, are asked all the same."""
        found = getattr(self._loaded.relay.hook, hook).get_hookimpls()
        return [one.plugin for one in found if self._is_bystander(one, owner, "")]

    def name_of(self, implementation: Any) -> str:
        """The entry name of the plugin that an implementation belongs to."""
        return str(implementation.plugin_name) if implementation is not None else ""

    def _raise(self, error: BaseException, culprit: Any, owner: str, hook: str) -> NoReturn:
        blamed = self._blamed(culprit, error)
        if isinstance(error, WherryError | KeyboardInterrupt) or blamed.startswith(BUILT_IN):
            raise error  # one of ours, or the core's own default failed and no plugin is on its traceback
        raise self.broken(blamed or owner, hook, f"failed: {told(error)}") from error

    def _maker(
        self, hook: str, owner: str, role: str, unfit: Unfit, aside: list[Any], arguments: Mapping[str, Any]
    ) -> Any:
        """Whoever answered for something that is not its own, with something of no use: the first of those asked."""
        for implementation in reversed(getattr(self._loaded.relay.hook, hook).get_hookimpls()):
            if implementation.plugin not in aside and self._is_bystander(implementation, owner, role):
                with contextlib.suppress(Exception):
                    made = implementation.function(*[arguments[name] for name in implementation.argnames])
                    if made is not None and unfit(made):
                        return implementation
        return None

    def _maker_of(self, made: object) -> str:
        """The plugin whose package defines an object's class, or ``""``."""
        return self._packages().get(type(made).__module__.partition(".")[0], "")

    def _packages(self) -> dict[str, str]:
        """Package → the plugin that lives in it."""
        relay = self._loaded.relay
        found = {name: relay.get_plugin(name) for name in self._loaded.installed}
        return {
            str(getattr(plugin, "__name__", "")).partition(".")[0]: name for name, plugin in found.items() if plugin
        }

    def _blamed(self, culprit: Any, error: BaseException) -> str:
        """Who is to be named: where a core default called a plugin's object, that plugin."""
        name = self.name_of(culprit)
        if not name.startswith(BUILT_IN):
            return name
        packages = self._packages()
        modules = [str(frame.f_globals.get("__name__", "")) for frame, _ in traceback.walk_tb(error.__traceback__)]
        tops = [module.partition(".")[0] for module in reversed(modules)]
        return next((packages[top] for top in tops if top in packages), name)

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
            own = {**inspect.get_annotations(base), **vars(base)}
            names |= dict.fromkeys(name for name in own if not name.startswith("_"))
    return list(names)


def lacking(role: type) -> Unfit:
    """Tells which members of a role an object does not have; one that raises when it is looked at counts as missing."""

    def unfit(made: Any) -> str:
        missing = [name for name in members_of(role) if not _has(made, name)]
        return f"made a {type(made).__name__}, which lacks {', '.join(missing)} of {role.__name__}" if missing else ""

    return unfit


def _has(made: object, name: str) -> bool:
    try:
        return getattr(made, name) is not None
    except Exception:
        return False
