"""``wherry plugin list`` and ``info``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
import msgspec

from wherry.cli.context import Face
from wherry.cli.drawing import pairs, table
from wherry.cli.options import face, listing, more, page
from wherry.errors import WherryError
from wherry.plugins import Installed, catalogue_of_installed, known_systems, load


@click.command("list")
@click.option("--broken", is_flag=True, help="Only plugins that cannot be used, with the reason.")
@listing("name")
def list_(broken: bool, limit: int, cursor: str, sort: str | None) -> None:
    """Installed plugins, and the systems that are to be had.

    No plugin is imported, except those that are enabled in a project when --broken is given.
    """
    own = face()
    rows = _broken(own) if broken else [*_installed(own), *_known()]
    rows, after = page(rows, "name", limit, cursor, sort)
    header = ["NAME", "STATE", "VERSION", "WHAT"]
    own.print("wherry.plugin.list/1", {"items": rows, "cursor": after}, lambda: [*_listed(header, rows), *more(after)])


def _listed(header: list[str], rows: list[dict[str, Any]]) -> Iterator[str]:
    if not rows:
        yield "no plugin is broken"
        return
    yield from table(header, [(r["name"], r["state"], r["version"], r["what"]) for r in rows], most=100)


def _enabled(own: Face) -> tuple[str, ...]:
    """What the project enables; nothing outside a project."""
    try:
        return own.project().plugins.enabled
    except WherryError:
        return ()


def _installed(own: Face) -> list[dict[str, Any]]:
    enabled = _enabled(own)
    return [
        {"name": one.name, "state": _state(one, enabled), "version": one.version, "what": one.problem or one.summary,
         "distribution": one.distribution, "editable": one.editable, "origin": one.origin, "api": one.api}
        for one in catalogue_of_installed()
    ]  # fmt: skip


def _state(one: Installed, enabled: tuple[str, ...]) -> str:
    if one.problem:
        return "broken"
    return "enabled" if one.name in enabled else "installed"


def _known() -> list[dict[str, Any]]:
    here = {one.name for one in catalogue_of_installed()}
    return [
        {"name": system.name, "state": system.status, "version": "", "what": f"{system.title}: {system.how}",
         "group": system.group}
        for system in known_systems() if system.name not in here
    ]  # fmt: skip


def _broken(own: Face) -> list[dict[str, Any]]:
    listed = [row for row in _installed(own) if row["state"] == "broken"]
    found = load(_enabled(own)).problems
    return listed + [
        {"name": problem.plugin, "state": "broken" if problem.stops else "troubled", "version": problem.version,
         "what": problem.message, "fix": problem.fix, "code": problem.code}
        for problem in found
    ]  # fmt: skip


@click.command()
@click.argument("name", metavar="PLUGIN")
def info(name: str) -> None:
    """What one plugin can do and what it needs. Imports it."""
    from wherry.authoring.subject import installed

    own = face()
    found, loaded = installed(name), load([name])
    manifest = loaded.require(name)
    model = loaded.settings_model(name)
    data: dict[str, Any] = {
        "name": name, "title": manifest.title, "distribution": found.distribution, "version": found.version,
        "summary": found.summary, "api": found.api, "editable": found.editable, "origin": found.origin,
        "group": manifest.group, "roles": manifest.roles, "kinds": manifest.kinds, "sign_in": manifest.sign_in,
        "hosts": manifest.hosts, "scopes": manifest.scopes, "docs": manifest.docs,
        "maps": {kind: list(map_) for kind, map_ in manifest.maps.items()},
        "settings": {field: f.description or "" for field, f in model.model_fields.items()} if model else {},
    }  # fmt: skip
    data["quality"] = _badge(found)
    own.print("wherry.plugin.info/1", msgspec.to_builtins(data), lambda: _info(data))


def _badge(found: Installed) -> dict[str, Any] | None:
    """The badge that lies in the package, if there is one: a statement of its author."""
    from importlib.resources import files

    try:
        place = files((found.entry.module if found.entry else "").partition(".")[0]) / "badge.json"
        told: dict[str, Any] = msgspec.json.decode(place.read_bytes(), type=dict[str, Any])
    except (OSError, ValueError, ImportError, TypeError, msgspec.DecodeError):
        return None
    return {name: told.get(name) for name in ("tier", "proved", "date", "kit", "version")}


def _info(data: dict[str, Any]) -> Iterator[str]:
    yield f"{data['title']}   {data['distribution']} {data['version']}   {data['summary']}"
    listed = ("roles", "kinds", "sign_in", "hosts", "scopes")
    yield from pairs([("group", data["group"]), *((name.replace("_", "-"), ", ".join(data[name])) for name in listed),
                      ("docs", data["docs"]), ("from", data["origin"])])  # fmt: skip
    if data["quality"]:
        told = data["quality"]
        said = f"{told['tier']} ({told['proved']}), {told['date']}, version {told['version']}, kit {told['kit']}"
        yield from pairs([("quality", said)])
    if data["settings"]:
        yield "  settings of a connection"
        yield from pairs(data["settings"].items(), "    ")
