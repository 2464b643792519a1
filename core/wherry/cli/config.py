"""``wherry config …``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
import msgspec

from wherry.cli.drawing import plural, table
from wherry.cli.formats import as_json, portable, write
from wherry.cli.options import face
from wherry.settings import compose, origin, schema


@click.command()
def check() -> None:
    """Tell every mistake of the project file, with its line and what would be right. Asks nobody outside."""
    from wherry.operating import connections, flows

    own = face()
    project, plugins = own.hub.project, own.hub.plugins
    compose(project, plugins.settings_model, plugins.broke)
    problems = [problem for problem in plugins.problems if problem.stops]
    for problem in problems:
        raise problem.error()
    checked = flows.check_settings(own.hub)
    flows.record_settings(own.hub)
    for path in connections.exposed(own.hub):
        own.warn(f"{path} is for secrets, and every user of this machine may read it: chmod 600 {path}")
    data = {"file": str(project.file), "connections": sorted(project.connections), "flows": sorted(project.flows),
            "not_checked": checked.not_checked, "former": checked.former}  # fmt: skip
    numbers = f"{plural(len(project.connections), 'connection')}, {plural(len(project.flows), 'flow')}"
    lines = [f"{project.file} is in order: {numbers}", *(f"  not checked: {what}" for what in checked.not_checked),
             *(f"  in an earlier form: {what}" for what in checked.former)]  # fmt: skip
    own.print("wherry.config.check/1", data, lines)


@click.command()
@click.option("--origin", "with_origin", is_flag=True, help="Where each value was written, and what it hid.")
def show(with_origin: bool) -> None:
    """What counts, from flags, environment, .env, wherry.local.toml, wherry.toml and defaults. Secrets never show."""
    own = face()
    hub = own.hub
    connections = compose(hub.project, hub.plugins.settings_model, hub.plugins.broke)
    rows = origin(hub.project, connections)
    data = {"file": str(hub.project.file), "items": msgspec.to_builtins(rows)}
    own.print("wherry.config.show/1", data, lambda: _shown(data["items"], with_origin))


def _shown(rows: list[dict[str, Any]], with_origin: bool) -> Iterator[str]:
    if not with_origin:
        yield from table(["KEY", "VALUE"], [(row["key"], row["value"]) for row in rows], most=90)
        return
    cells = [(row["key"], row["value"], row["source"], _hid(row)) for row in rows]
    yield from table(["KEY", "VALUE", "FROM", "HID"], cells)


def _hid(row: dict[str, Any]) -> str:
    return ", ".join(f"{one['value']} ({one['source']})" for one in row.get("hidden", ()))


@click.command("schema")
def schema_() -> None:
    """The JSON schema of the project file, with the enabled plugins' settings. Also written to .wherry/schema.json."""
    own = face()
    made = schema(own.hub.plugins.settings_models())
    path = own.hub.project.folder / ".wherry" / "schema.json"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write(path, as_json(made, pretty=True) + "\n")
    own.note(f"written to {path}; editors find it by the first line of wherry.toml: #:schema .wherry/schema.json")
    own.print("wherry.config.schema/1", made, portable(as_json(made, pretty=True)))
