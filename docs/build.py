"""Writes docs/reference from the code, so that it says what the code does. Run it with ``make docs``.

``pages()`` gives every generated page; a test compares them with the files. Nothing here depends on the machine, its
width or its plugins: only what this repository holds is described, its tests among it. ``--coverage`` prints which
tests carry which of the numbered behaviours, cases and invariants.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from pydantic import BaseModel

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "docs"))

from generate import (  # noqa: E402
    checks,
    coverage,
    entities,
    errors,
    fields,
    helpers,
    maps,
    proofs,
    quality,
    roles,
    transforms,
    versions,
)

REFERENCE = ROOT / "docs" / "reference"
WIDTH = 100
NOTE = "<!-- Written by docs/build.py from the code: change the code, then run `make docs`. -->"


def pages() -> dict[Path, str]:
    """Path → text of every generated page, and of pages with a generated part."""
    texts = {"cli": cli(), "config": config(), "hooks": hooks(), "errors": errors.page(sources()),
             "roles": roles.page(), "transforms": transforms.page(), "maps": maps.page(),
             "behaviours": proofs.behaviours(ROOT),
             "cases": proofs.cases(ROOT), "versions": versions.page(),
             "entities": entities.page(), "helpers": helpers.page(),
             "rigs": roles.rigs(), "stand-ins": roles.simulator(),
             "quality": quality.page(), "checks": checks.page(), "plugins": quality.plugins(ROOT)}  # fmt: skip
    whole = {REFERENCE / f"{name}.md": f"{NOTE}\n\n{text.strip()}\n" for name, text in texts.items()}
    return {**whole, **fields.guides(ROOT / "docs" / "how-to", plugin_modules())}


def sources() -> list[Path]:
    """Where the code of the core and of this repository's plugins lies."""
    return [ROOT / "core", *(plugin / "src" for plugin in plugin_folders())]


# -- the command line --------------------------------------------------------------------------------------------------

EXITS = [
    ("0", "done; nothing waits for a person", "stay quiet"),
    ("1", "unexpected failure", "page somebody"),
    ("2", "wrong usage or settings", "fix"),
    ("3", "the named thing does not exist", "fix"),
    ("4", "finished, but something waits for a person", "tell the operator"),
    ("5", "a sign-in was refused or never given", "tell the operator"),
    ("6", "the other side is down or asks for fewer calls; safe to run again", "retry later"),
    ("7", "refused by a guard: a paused flow, a stale plan, a sudden fall of the source's count", "a person decides"),
    ("8", "`plan --exit-code` only: changes are pending", "as you like"),
    ("9", "another run holds the flow", "skip"),
    ("130", "interrupted; the next run goes on", "nothing"),
]


def cli() -> str:
    """Every command of the core with its help; commands of plugins are described by their READMEs."""
    from wherry.cli.app import root

    group = root()
    rows = [f"| {code} | {meaning} | {cron} |" for code, meaning, cron in EXITS]
    parts = ["# Command line", "", "Data goes to standard output, everything else to standard error.", "",
             "## Exit codes", "", "| code | meaning | what cron should do |", "|---|---|---|", *rows, ""]  # fmt: skip
    for path, command in commands(group, "wherry"):
        context = click.Context(command, info_name=path, terminal_width=WIDTH, max_content_width=WIDTH,
                                help_option_names=["-h", "--help"])  # fmt: skip
        text = _without_plugins(command.get_help(context)) if path == "wherry" else command.get_help(context)
        parts += [f"{'#' * min(4, 2 + path.count(' '))} {path}", "", "```text", text.rstrip(), "```", ""]
    return "\n".join(parts)


def commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    """(words, command) of a group and all below it, in the order of its help."""
    yield path, group
    context = click.Context(group, info_name=path)
    for name in getattr(group, "table", {}):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        elif command is not None:
            yield f"{path} {name}", command


def _without_plugins(text: str) -> str:
    return re.sub(r"\n+Plugins' own commands:\n(?:  .*\n?)*", "\n", text)


# -- the project file --------------------------------------------------------------------------------------------------


def config() -> str:
    """Every key of the project file, then the keys of each plugin's connections."""
    from wherry.settings import ClientAuth, OAuth2Auth, TokenAuth, models

    tables: list[tuple[str, type[BaseModel]]] = [
        ("top level", models.Project), ("[project]", models.About), ("[plugins]", models.PluginChoice),
        ("[store]", models.Store), ("[flows.NAME]", models.Flow), ("[[flows.NAME.pipelines]]", models.Pipeline),
        ("[flows.NAME.mapper]", models.MapperTable), ("[flows.NAME.when]", models.When),
        ("[flows.NAME.match.ENTITY]", models.Match),
        ("[flows.NAME.schedule]", models.Schedule),
        ("[flows.NAME.limits]", models.Limits), ("[subscription]", models.Subscription),
    ]  # fmt: skip
    parts = ["# Project file", "", "`wherry.toml`, in the project folder. Connections' own keys stand at the end.", "",
             "A value is taken from the command line, else from the environment (`WHERRY__FLOWS__NAME__KEY`), else",
             "from `.env`, `wherry.local.toml`, `wherry.toml`, else it is the default. `wherry config show --origin`",
             "tells which one won.", ""]  # fmt: skip
    for title, model in tables:
        parts += [f"## {title}", "", *_keys(model), ""]
    for title, model in (("token", TokenAuth), ("oauth2", OAuth2Auth), ("client", ClientAuth)):
        parts += [f'## [connections.NAME.auth] with kind = "{title}"', "", *_keys(model), ""]
    for system, model in plugin_settings():
        parts += [f'## [connections.NAME] with plugin = "{system}"', "", *_keys(model), ""]
    return "\n".join(parts)


def _keys(model: type[BaseModel]) -> list[str]:
    schema = model.model_json_schema()
    needed = set(schema.get("required", ()))
    rows = ["| key | value | default | meaning |", "|---|---|---|---|"]
    for name, told in schema["properties"].items():
        value = _cell(_shape(told, schema.get("$defs", {})))
        rows.append(f"| `{name}` | {value} | {_default(told, name in needed)} | {_cell(told.get('description', ''))} |")
    return rows


def _shape(told: dict[str, Any], known: dict[str, Any]) -> str:
    """The kind of a value in the words of a TOML file."""
    if "$ref" in told:
        return _shape(known[told["$ref"].rpartition("/")[2]], known)
    if "const" in told or "enum" in told:
        return " or ".join(f"`{_toml(value)}`" for value in told.get("enum", [told.get("const")]))
    choices = [_shape(one, known) for one in told.get("anyOf", told.get("oneOf", ())) if one.get("type") != "null"]
    if choices:
        return " or ".join(dict.fromkeys(choices))
    if told.get("type") == "array":
        return f"list of {_shape(told.get('items', {}), known)}"
    names = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
    return "date or time" if told.get("format") == "date" else names.get(told.get("type", ""), "table")


def _default(told: dict[str, Any], needed: bool) -> str:
    if needed:
        return "required"
    value = told.get("default")
    return "" if value in (None, "", [], {}) else f"`{_cell(_toml(value))}`"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{', '.join(_toml(one) for one in value)}]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def plugin_folders() -> list[Path]:
    """The plugins of this repository: those of the development install."""
    lines = (ROOT / "requirements-dev.txt").read_text("utf-8").splitlines()
    return sorted(ROOT / line.removeprefix("-e ") for line in lines if line.startswith("-e plugins/"))


def plugin_modules() -> Iterator[tuple[str, Any]]:
    """System → plugin module, of every plugin in this repository."""
    for folder in plugin_folders():
        project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
        for system, module in project["entry-points"]["wherry.plugins"].items():
            yield system, importlib.import_module(module)


def plugin_settings() -> Iterator[tuple[str, type[BaseModel]]]:
    """System → settings model of every plugin in this repository."""
    for system, module in plugin_modules():
        model = module.wherry_settings(system) if hasattr(module, "wherry_settings") else None
        if model is not None:
            yield system, model


# -- hooks -------------------------------------------------------------------------------------------------------------


def hooks() -> str:
    """Every hook: when it is called, what it is given, what it returns."""
    from wherry import hookspecs

    parts = ["# Hooks", "", _first(hookspecs), "", "```text", "from wherry.hookspecs import hookimpl", "```", ""]
    for name, function in vars(hookspecs.Specs).items():
        if name.startswith("wherry_"):
            parts += [f"## {name}", "", f"*{_kind(function)}*", "", "```text", _signature(name, function), "```", "",
                      inspect.getdoc(function) or "", ""]  # fmt: skip
    parts += ["What a plugin says of itself: [Manifest](roles.md#manifest).", ""]
    return "\n".join(parts)


def _kind(function: Any) -> str:
    if getattr(function, "wherry_spec", {}).get("firstresult"):
        return "first result: the last plugin of the list is asked first, and the first answer that is not None counts"
    if inspect.signature(function).return_annotation in ("None", None):
        return "notice: every plugin is told; a failing one is logged"
    return "collect: every plugin answers"


def _signature(name: str, function: Any) -> str:
    signature = inspect.signature(function)
    given = [f"{one.name}: {one.annotation}" for one in signature.parameters.values() if one.name != "self"]
    return f"def {name}({', '.join(given)}) -> {signature.return_annotation}"


# -- helpers -----------------------------------------------------------------------------------------------------------


def _first(thing: Any) -> str:
    """The first paragraph of a module's text."""
    return " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main(arguments: list[str]) -> None:
    """Write the pages that differ, or print the coverage."""
    if arguments == ["--coverage"]:
        sys.stdout.write(coverage.table(ROOT))
        return
    for path, text in pages().items():
        if not path.is_file() or path.read_text("utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
            sys.stdout.write(f"wrote {path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
