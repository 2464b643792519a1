"""Loading the plugins that a project allows: what is checked before any import, the import, and what is checked after.

stevedore imports, pluggy registers. Whatever is wrong with one plugin becomes a Problem, and the others load.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from importlib.metadata import EntryPoint
from typing import Any

import pluggy
import structlog
from msgspec import Struct
from stevedore.named import NamedExtensionManager

from wherry import __version__, collecting, entities
from wherry.errors import ConfigError, ContractBroken, WherryError
from wherry.hookspecs import PROJECT_NAME, Manifest, Specs
from wherry.plugins import process
from wherry.plugins.installed import GROUP, Installed, catalogue_of_installed, clash, in_range
from wherry.plugins.known import how_to_get
from wherry.plugins.outdated import Relay
from wherry.settings.mistakes import nearest

MISSING, CONFLICT, OUT_OF_RANGE, OTHER_VERSION, NOT_ENABLED, NO_ROLE = (
    "WHERRY-2030", "WHERRY-2031", "WHERRY-2032", "WHERRY-2033", "WHERRY-2034", "WHERRY-2035",
)  # fmt: skip
NO_IMPORT, BAD_HOOK, BAD_MANIFEST, CALL_FAILED, BAD_RESULT, BAD_MODEL, SHAPE_CLASH = (
    "WHERRY-1110", "WHERRY-1111", "WHERRY-1112", "WHERRY-1113", "WHERRY-1114", "WHERRY-1115", "WHERRY-1116",
)  # fmt: skip
ROLES = ("source", "mapper", "matcher", "sink", "simulator")
BUILT_IN = "wherry:"
MEDDLED, CLASH, SLOW, DIED, OUTDATED = "WHERRY-1117", "WHERRY-1118", "WHERRY-1124", "WHERRY-1123", "WHERRY-1125"
SLOW_IMPORT = 2.0
"""Seconds of an import that is told of: every command that uses the plugin waits for it."""
log = structlog.get_logger("wherry.plugins")
_now = time.monotonic


class Problem(Struct, frozen=True):
    """Why a plugin, or a part of it, is of no use: a sentence, the hook it concerns if any, and what to do."""

    plugin: str
    version: str
    message: str
    hook: str = ""
    fix: str = ""
    code: str = NO_IMPORT

    @property
    def stops(self) -> bool:
        """Whether the plugin cannot be used at all; otherwise only the answer to one hook was set aside."""
        return self.code not in (SHAPE_CLASH, CALL_FAILED, BAD_RESULT) and not self.warns

    @property
    def warns(self) -> bool:
        """Whether it is only to be known: the plugin does all of its work."""
        return self.code in (CLASH, MEDDLED, SLOW, DIED, OUTDATED)

    def error(self) -> WherryError:
        """The problem as the error that its flows end with."""
        kind = ConfigError if self.code.startswith("WHERRY-2") else ContractBroken
        where = {"plugin": self.plugin, "version": self.version, "hook": self.hook}
        return kind(self.message, fix=self.fix, code=self.code, **where)


class Loaded(Struct):
    """What loading came to: the relay, and for each usable plugin its metadata and what it says of itself."""

    relay: Relay
    installed: dict[str, Installed] = {}
    manifests: dict[str, Manifest] = {}
    problems: list[Problem] = []


class _ImportFailed(Exception):
    """Carries what a plugin raised at its import, whatever it was, past stevedore, which lets SystemExit through."""


class _GuardedEntry(EntryPoint):
    """An entry point whose import is watched; what there is to say of it goes to ``problems``."""

    problems: list[Problem]

    @classmethod
    def of(cls, entry: EntryPoint, problems: list[Problem]) -> _GuardedEntry:
        made = cls(entry.name, entry.value, entry.group)
        vars(made)["problems"] = problems  # entry points take no attributes
        return made

    def load(self) -> Any:
        began = _now()
        try:
            with process.kept(lambda changes: meddled(self.problems, self.name, changes)):
                return super().load()
        except KeyboardInterrupt:
            log.warning("interrupted while a plugin was imported", plugin=self.name)
            raise
        except BaseException as error:
            raise _ImportFailed from error
        finally:
            if (seconds := _now() - began) > SLOW_IMPORT:
                what = f"the plugin {self.name} takes {seconds:.0f} seconds to import, in every command that uses it"
                fix = "its author should import what it needs where it is used"
                note(self.problems, Problem(self.name, "", what, fix=fix, code=SLOW))


def meddled(problems: list[Problem], plugin: str, changes: Sequence[str], hook: str = "its import") -> None:
    """Says what a plugin did to the process beside its work; what could be put back was."""
    who = f"the plugin {plugin}" if plugin else "a plugin"
    message = f"{who} {', '.join(changes)} ({hook}); what can be put back was"
    fix = f"update or report {plugin or 'the plugin that did it'}"
    note(problems, Problem(plugin, "", message, hook if hook.startswith(PROJECT_NAME) else "", fix, MEDDLED))


def note(problems: list[Problem], problem: Problem) -> None:
    """Keeps what a plugin did, once, and logs it."""
    if problem not in problems:
        problems.append(problem)
        log.warning(problem.message, plugin=problem.plugin, code=problem.code, fix=problem.fix)


class _Loader(NamedExtensionManager[Any]):
    """stevedore's loader over entry points that were read and checked already; see ``wherry.plugins.installed``."""

    def __init__(self, allowed: Sequence[EntryPoint], failed: Callable[[str, BaseException], None]) -> None:
        self._allowed = allowed
        super().__init__(
            GROUP,
            [entry.name for entry in allowed],
            on_load_failure_callback=lambda _, entry, error: failed(entry.name, error.__cause__ or error),
            on_missing_entrypoints_callback=None,
        )

    def list_entry_points(self) -> list[EntryPoint]:
        return list(self._allowed)


def load_modules(enabled: Sequence[str], versions: Mapping[str, str], defaults: Sequence[object]) -> Loaded:
    """Loads what is enabled, in that order, after the built-in defaults: later in the list wins."""
    loaded = Loaded(relay=Relay(PROJECT_NAME))
    loaded.relay.add_hookspecs(Specs)
    for n, default in enumerate(defaults):
        loaded.relay.register(default, f"{BUILT_IN}{n}")
    chosen = _choose(enabled, versions, loaded.problems)
    for name, module in _imported(chosen, loaded.problems):
        _take_in(loaded, chosen[name], module)
    return loaded


def _choose(enabled: Collection[str], versions: Mapping[str, str], problems: list[Problem]) -> dict[str, Installed]:
    installed = catalogue_of_installed(set(enabled))
    chosen = {}
    for name in dict.fromkeys(enabled):
        found = [one for one in installed if one.name == name]
        problem = _unfit(name, found, versions.get(name, ""), [one.name for one in installed])
        if problem is None:
            chosen[name] = found[0]
            problems += _clashing(found[0])
        else:
            problems.append(problem)
    return chosen


def _clashing(one: Installed) -> list[Problem]:
    """A plugin may do without what another package lacks; where it does not, this is why."""
    what = clash(one)
    fix = f"pip install --upgrade {one.distribution}; pip check tells what else does not fit"
    return [Problem(one.name, one.version, f"{one.title} {what}", fix=fix, code=CLASH)] if what else []


def _unfit(name: str, found: list[Installed], wanted: str, known: list[str]) -> Problem | None:
    """What speaks against importing a plugin, told by metadata alone."""
    if not found:
        close = nearest(name, known)
        fix = f"did you mean {close}? otherwise: {how_to_get(name)}" if close else how_to_get(name)
        return Problem(name, "", f"the plugin {name} is enabled but not installed", fix=fix, code=MISSING)
    if len(found) > 1:
        titles = " and ".join(one.title for one in found)
        fix = f"uninstall one of them: pip uninstall {found[-1].distribution}"
        return Problem(
            name, "", f"{titles} both claim the plugin name {name}; neither is loaded", fix=fix, code=CONFLICT
        )
    one = found[0]
    if one.problem:
        return Problem(name, one.version, f"{one.title}: {one.problem}", fix=f"install {one.distribution} again")
    if not one.fits(__version__):
        message = f"{one.title} needs wherry {one.api}; this is wherry {__version__}"
        fix = f"pip install --upgrade wherry {one.distribution}"
        return Problem(name, one.version, message, fix=fix, code=OUT_OF_RANGE)
    if not in_range(one.version, wanted):
        message = f"{one.title} is installed; the project wants {name} {wanted}"
        fix = f'pip install "{one.distribution}{wanted}", or change plugins.versions'
        return Problem(name, one.version, message, fix=fix, code=OTHER_VERSION)
    return None


def _imported(chosen: dict[str, Installed], problems: list[Problem]) -> list[tuple[str, Any]]:
    def failed(name: str, error: BaseException) -> None:
        one = chosen[name]
        message = f"{one.title} cannot be imported: {told(error)}"
        problems.append(Problem(name, one.version, message, fix=f"install {one.distribution} again, or take it out"))

    allowed = [_GuardedEntry.of(one.entry, problems) for one in chosen.values() if one.entry is not None]
    with collecting.paused():
        loader = _Loader(allowed, failed)
    modules = {extension.name: extension.plugin for extension in loader.extensions}
    return [(name, modules[name]) for name in chosen if name in modules]


def told(error: BaseException) -> str:
    """An error as half a sentence: its kind and the first line of what it says, at a bearable length."""
    try:
        text = str(error)
    except Exception:
        text = ""
    first = text.strip().splitlines()[0][:300] if text.strip() else ""
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def _take_in(loaded: Loaded, one: Installed, module: Any) -> None:
    problem = _registered(loaded.relay, one, module) or _read_manifest(loaded, one, module)
    if problem is not None:
        loaded.problems.append(problem)
        if loaded.relay.has_plugin(one.name):
            loaded.relay.unregister(name=one.name)
    else:
        loaded.installed[one.name] = one
        for old, renamed in loaded.relay.outdated(module):
            message = (
                f"{one.title} implements {old}, which is called {renamed.new} since wherry {renamed.since}; "
                f"the old name works until wherry {renamed.until}"
            )
            fix = f"its author renames it to {renamed.new}; nothing else changes"
            note(loaded.problems, Problem(one.name, one.version, message, old, fix, OUTDATED))


def _registered(relay: pluggy.PluginManager, one: Installed, module: Any) -> Problem | None:
    try:
        relay.register(module, one.name)
    except pluggy.PluginValidationError as error:
        reason = str(error).strip().splitlines()[-1]
        hook = next((part for part in str(error).replace("'", " ").split() if part.startswith("wherry_")), "")
        return _bad_hook(one, hook, f"{one.title} declares hook {hook or 'functions'} wrongly: {reason[:200]}")
    except Exception as error:
        return _bad_hook(one, "", f"{one.title} cannot be registered: {told(error)}")
    return _misspelt(relay, one, module) or _wrapped(relay, one, module)


def _bad_hook(one: Installed, hook: str, message: str, fix: str = "") -> Problem:
    return Problem(one.name, one.version, message, hook, fix or f"update or disable {one.name}", BAD_HOOK)


def _misspelt(relay: pluggy.PluginManager, one: Installed, module: Any) -> Problem | None:
    """pluggy's check, made after each plugin, so that it is this plugin's when it fails."""
    try:
        relay.check_pending()
    except pluggy.PluginValidationError:
        specs = [name for name in vars(Specs) if name.startswith("wherry_")]
        callers = relay.get_hookcallers(module) or []
        hook = next((caller.name for caller in callers if not caller.has_spec()), "")
        close = nearest(hook, specs)
        message = f"{one.title} implements {hook}, which is no hook of Wherry"
        return _bad_hook(one, hook, message, f"did you mean {close}?" if close else "see the reference of hooks")
    return None


def _wrapped(relay: pluggy.PluginManager, one: Installed, module: Any) -> Problem | None:
    """Only makers can be wrapped: the other hooks are called plugin by plugin, so that one cannot silence another."""
    for caller in relay.get_hookcallers(module) or []:
        for implementation in caller.get_hookimpls():
            wraps = implementation.wrapper or implementation.hookwrapper
            if implementation.plugin is module and wraps and caller.spec and not caller.spec.opts["firstresult"]:
                message = f"{one.title} wraps {caller.name}; only hooks that make one object can be wrapped"
                return _bad_hook(one, caller.name, message, "implement the hook without wrapper=True")
    return None


def _read_manifest(loaded: Loaded, one: Installed, module: Any) -> Problem | None:
    hook = "wherry_manifest"
    found = [impl for impl in loaded.relay.hook.wherry_manifest.get_hookimpls() if impl.plugin is module]
    if not found:
        return _bad_manifest(one, f"{one.title} does not implement {hook}")
    try:
        manifest: object = found[0].function()
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return _bad_manifest(one, f"{one.title} failed in {hook}: {told(error)}")
    wrong = _wrong_in(manifest, one.name)
    if wrong or not isinstance(manifest, Manifest):
        return _bad_manifest(one, f"{one.title} returned no valid manifest: {wrong}")
    loaded.manifests[one.name] = manifest
    return None


def _bad_manifest(one: Installed, message: str) -> Problem:
    return Problem(one.name, one.version, message, "wherry_manifest", f"update or disable {one.name}", BAD_MANIFEST)


def _wrong_in(manifest: object, name: str) -> str:
    """What is wrong with a manifest: structs do not check their fields when a plugin makes them."""
    if not isinstance(manifest, Manifest):
        return f"it is {type(manifest).__name__}, not wherry.hookspecs.Manifest"
    if manifest.system != name:
        return f"its system is {manifest.system!r}, but its entry point is named {name!r}"
    for field in ("title", "group", "docs"):
        if not isinstance(getattr(manifest, field), str):
            return f"{field} must be text"
    for field in ("roles", "kinds", "sign_in", "hosts", "scopes"):
        if not _is_texts(getattr(manifest, field)):
            return f"{field} must be a tuple of texts"
    if unknown := [role for role in manifest.roles if role not in ROLES]:
        return f"{unknown[0]!r} is no role; roles are {', '.join(ROLES)}"
    for field in ("maps", "match", "entities"):
        if not isinstance(getattr(manifest, field), Mapping):
            return f"{field} must be a mapping"
    for entity, shape in manifest.entities.items():
        if not (isinstance(entity, str) and _is_shape(shape)):
            return f"the shape of {entity!r} is not a subclass of wherry.entities.Entity"
    return ""


def _is_shape(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, entities.Entity)


def _is_texts(value: object) -> bool:
    return isinstance(value, tuple | list) and all(isinstance(text, str) for text in value)
