"""What a project file must hold beyond the shape of each table: names that exist, no circles, no schedule too short.

Works on raw values, and passes over whatever has the wrong shape, so that these mistakes are told beside those.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from importlib.metadata import entry_points
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from pydantic import ValidationError

from wherry.settings.layers import Tree
from wherry.settings.locate import KeyPath
from wherry.settings.mistakes import (
    BAD_NAME,
    CYCLE,
    TOO_OFTEN,
    UNKNOWN_NAME,
    Mistake,
    nearest,
    suggestion,
)
from wherry.settings.models import SHORTEST, Schedule
from wherry.settings.values import NAME_RULE, is_name

_URL = re.compile(
    r"sqlite:///.*|postgresql(\+psycopg)?://([^:/@]*(:[^@]*)?@)?(\[[^/?@]+\]|[^/:?@]*)(:\d{1,5})?(/[^?]*)?"
    r"(\?(?!.*password=).*)?"
)
"""As SQLAlchemy takes it apart: a second @ would make the end of a password the beginning of a host, which is shown, as
are the options."""
ADDRESS = (
    "write sqlite:///path or postgresql://host/database; in a name or password @ is %40, and % is %25; a password "
    "stands before the @, and not among the options"
)


def check(tree: Tree) -> Iterator[Mistake]:
    """Every mistake that shows only when tables are seen together."""
    for section in ("connections", "flows", "maps"):
        yield from _names(section, _table(tree, section))
    yield from _store(_table(tree, "store"))
    yield from _plugins(tree)
    yield from _circles(_table(tree, "flows"))
    for name, flow in _tables(_table(tree, "flows")):
        yield from _flow(tree, ("flows", name), flow)


def _table(tree: Any, key: str) -> Tree:
    value = tree.get(key) if isinstance(tree, dict) else None
    return value if isinstance(value, dict) else {}


def _tables(tree: Tree) -> Iterator[tuple[str, Tree]]:
    return ((name, value) for name, value in tree.items() if isinstance(value, dict))


def _texts(value: Any) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def _names(section: str, table: Tree) -> Iterator[Mistake]:
    for name in table:
        if not is_name(name):
            yield Mistake((section, name), "is not spelt as a name", NAME_RULE, BAD_NAME)


def _store(store: Tree) -> Iterator[Mistake]:
    url = store.get("url")
    if isinstance(url, str) and not is_address(url):
        yield Mistake(("store", "url"), "is not the address of a store", ADDRESS)


def is_address(url: str) -> bool:
    """Whether a store can be looked for there."""
    return _URL.fullmatch(url) is not None


def _plugins(tree: Tree) -> Iterator[Mistake]:
    plugins = _table(tree, "plugins")
    enabled = _texts(plugins.get("enabled"))
    wanted = {str(connection.get("plugin")) for _, connection in _tables(_table(tree, "connections"))}
    misspelt = dict(_misspelt(enabled, wanted - {*enabled}))
    for name, meant in misspelt.items():
        yield Mistake(("plugins", "enabled"), f"{name[:60]!r} is not installed", f"did you mean {meant}?", UNKNOWN_NAME)
    enabled += misspelt.values()
    for name, connection in _tables(_table(tree, "connections")):
        yield from _known(("connections", name, "plugin"), connection.get("plugin"), enabled, "an enabled plugin",
                          'add it to enabled under [plugins]')  # fmt: skip
    for system, wanted in _table(plugins, "versions").items():
        path = ("plugins", "versions", system)
        yield from _known(path, system, enabled, "an enabled plugin", "")
        if isinstance(wanted, str) and not _is_specifier(wanted):
            yield Mistake(path, f"{wanted[:60]!r} is not a range of versions", 'write ">=1.2,<2"')


def _misspelt(enabled: Collection[str], wanted: Collection[str]) -> Iterator[tuple[str, str]]:
    """(name, meant) of enabled plugins that nobody installed, where a connection names one like it."""
    if not wanted:
        return
    installed = {entry.name for entry in entry_points(group="wherry.plugins")}
    for name in enabled:
        meant = nearest(name, wanted)
        if meant and name not in installed:
            yield name, meant


def _is_specifier(text: str) -> bool:
    try:
        SpecifierSet(text)
    except InvalidSpecifier:
        return False
    return True


def _known(path: KeyPath, name: Any, known: Collection[str], what: str, how: str) -> Iterator[Mistake]:
    if isinstance(name, str) and name and name not in known:
        guess = suggestion(name, known)
        yield Mistake(path, f"{name[:60]!r} is not {what}", "; ".join(filter(None, (guess, how))), UNKNOWN_NAME)


def _flow(tree: Tree, path: KeyPath, flow: Tree) -> Iterator[Mistake]:
    connections, flows = _table(tree, "connections"), _table(tree, "flows")
    for end in ("source", "sink"):
        yield from _known((*path, end), flow.get(end), connections, "a connection", "")
    if isinstance(flow.get("source"), str) and flow.get("source") == flow.get("sink"):
        fix = "a flow goes from one connection to another"
        yield Mistake((*path, "sink"), "is the flow's own source", fix)
    for n, name in enumerate(_texts(flow.get("after"))):
        if name != path[-1]:
            yield from _known((*path, "after", n), name, flows, "a flow", "")
    yield from _pipelines(tree, (*path, "pipelines"), flow.get("pipelines"))
    yield from _too_often(tree, (*path, "schedule"), flow.get("schedule"))


def _pipelines(tree: Tree, path: KeyPath, pipelines: Any) -> Iterator[Mistake]:
    seen: set[str] = set()
    for n, pipeline in enumerate(pipelines if isinstance(pipelines, list) else []):
        if not isinstance(pipeline, dict):
            continue
        name = pipeline.get("id")
        if isinstance(name, str) and name in seen:
            yield Mistake((*path, n, "id"), f"pipeline {name[:60]!r} is listed twice", "list each pipeline once")
        seen.add(name) if isinstance(name, str) else None
        yield from _known((*path, n, "map"), pipeline.get("map"), _table(tree, "maps"), "a map of [maps]", "")


def _too_often(tree: Tree, path: KeyPath, raw: Any) -> Iterator[Mistake]:
    tier = _table(tree, "subscription").get("tier")
    if not isinstance(tier, str) or tier not in SHORTEST or not isinstance(raw, dict):
        return
    try:
        schedule = Schedule.model_validate(raw)
    except ValidationError:
        return
    least = SHORTEST[tier]
    if schedule.shortest(least) < least:
        key = "every" if schedule.every else "cron"
        minutes = int(least.total_seconds() // 60)
        shown = "a day" if minutes == 24 * 60 else f"{minutes} minutes"
        says = (
            f"{(schedule.every or schedule.cron)!r} runs more often than tier {tier!r} allows: at most once in {shown}"
        )
        fix = f'write every = "{"1d" if minutes == 24 * 60 else f"{minutes}m"}" or more, or raise subscription.tier'
        yield Mistake((*path, key), says, fix, TOO_OFTEN)


def _circles(flows: Tree) -> Iterator[Mistake]:
    needs = {name: [other for other in _texts(flow.get("after")) if other in flows] for name, flow in _tables(flows)}
    done: set[str] = set()
    for start in needs:
        circle = _circle(start, needs, done)
        if circle:
            chain = " → ".join((*circle, circle[0]))
            says = f"goes in a circle: {chain}" if len(circle) > 1 else "names the flow itself"
            yield Mistake(("flows", circle[0], "after"), says, "take one of them out", CYCLE)


def _circle(start: str, needs: dict[str, list[str]], done: set[str]) -> list[str]:
    """The first circle that is met from here, without recursion; what was walked once is in ``done``."""
    way: list[str] = []
    waiting: list[tuple[str, bool]] = [(start, True)]
    while waiting:
        name, entering = waiting.pop()
        if not entering:
            way.pop()
        elif name in way:
            done.update(way)
            return way[way.index(name) :]
        elif name not in done:
            done.add(name)
            way.append(name)
            waiting += [(name, False), *((other, True) for other in reversed(needs.get(name, [])))]
    return []
