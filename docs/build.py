"""Writes docs/reference from the code, so that it says what the code does. Run it with ``make docs``.

``pages()`` gives every generated page; a test compares them with the files. Nothing here depends on the machine, its
width or its plugins: only what this repository holds is described.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import sys
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import click
from pydantic import BaseModel

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"
WIDTH = 100
NOTE = "<!-- Written by docs/build.py from the code: change the code, then run `make docs`. -->"


def pages() -> dict[Path, str]:
    """Path → text of every generated page."""
    texts = {"cli": cli(), "config": config(), "hooks": hooks(), "errors": errors()}
    return {REFERENCE / f"{name}.md": f"{NOTE}\n\n{text.strip()}\n" for name, text in texts.items()}


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
        context = click.Context(command, info_name=path, terminal_width=WIDTH, max_content_width=WIDTH)
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
    from wherry.settings import models

    tables: list[tuple[str, type[BaseModel]]] = [
        ("top level", models.Project), ("[project]", models.About), ("[plugins]", models.PluginChoice),
        ("[store]", models.Store), ("[flows.NAME]", models.Flow), ("[[flows.NAME.pipelines]]", models.Pipeline),
        ("[flows.NAME.match.ENTITY]", models.Match), ("[flows.NAME.schedule]", models.Schedule),
        ("[flows.NAME.limits]", models.Limits), ("[subscription]", models.Subscription),
    ]  # fmt: skip
    parts = ["# Project file", "", "`wherry.toml`, in the project folder. Connections' own keys stand at the end.", "",
             "A value is taken from the command line, else from the environment (`WHERRY__FLOWS__NAME__KEY`), else",
             "from `.env`, `wherry.local.toml`, `wherry.toml`, else it is the default. `wherry config show --origin`",
             "tells which one won.", ""]  # fmt: skip
    for title, model in tables:
        parts += [f"## {title}", "", *_keys(model), ""]
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


def plugin_settings() -> Iterator[tuple[str, type[BaseModel]]]:
    """System → settings model of every plugin in this repository."""
    for folder in plugin_folders():
        entries = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"][
            "wherry.plugins"
        ]
        for system, module in entries.items():
            model = importlib.import_module(module).wherry_settings(system)
            if model is not None:
                yield system, model


# -- hooks -------------------------------------------------------------------------------------------------------------


def hooks() -> str:
    """Every hook: when it is called, what it is given, what it returns; and the manifest's fields."""
    from wherry import hookspecs

    parts = ["# Hooks", "", _first(hookspecs), "", "```text", "from wherry.hookspecs import hookimpl", "```", ""]
    for name, function in vars(hookspecs.Specs).items():
        if name.startswith("wherry_"):
            parts += [f"## {name}", "", f"*{_kind(function)}*", "", "```text", _signature(name, function), "```", "",
                      inspect.getdoc(function) or "", ""]  # fmt: skip
    parts += ["## Manifest", "", inspect.getdoc(hookspecs.Manifest) or "", "", "| field | meaning |", "|---|---|"]
    told = _field_docs(hookspecs, "Manifest")
    parts += [f"| `{name}` | {_cell(told.get(name, ''))} |" for name in hookspecs.Manifest.__struct_fields__]
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


def _field_docs(module: Any, name: str) -> dict[str, str]:
    """Field → the text below it."""
    tree = ast.parse(inspect.getsource(module))
    body = next(node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
    found = {}
    for field, text in pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            found[ast.unparse(field.target)] = str(text.value.value)
    return found


# -- errors ------------------------------------------------------------------------------------------------------------

_CODE = re.compile(r"WHERRY-\d{4}")


class Said(NamedTuple):
    """Where a code is used, and with what sentence."""

    code: str
    message: str
    module: str
    raised: str
    """The name of what is made with it: one of our errors, or something that becomes one."""


def errors() -> str:
    """Every code in the sources with its sentence, by the class that its number belongs to."""
    from wherry import errors as kinds

    classes = [getattr(kinds, name) for name in
               ("ContractBroken", "ConfigError", "NotFound", "Rejected", "Unsure", "AccessLost", "TryAgain", "Guarded",
                "Busy")]  # fmt: skip
    rows = sorted(set(scan()))
    told = {row.code for row in rows if row.message}
    rows = [row for row in rows if row.message or row.code not in told]
    parts = ["# Errors", "", "A code never changes its meaning. Words in `<angle brackets>` are filled in.", ""]
    for one in classes:
        parts += [f"## {one.__name__} (exit {one.exit_code})", "", " ".join((inspect.getdoc(one) or "").split()), "",
                  "| code | says | in |", "|---|---|---|"]  # fmt: skip
        parts += [f"| {row.code} | {_cell(row.message) or 'says what it met'} | `{row.module}` |"
                  for row in rows if _class_of(row, classes) is one]  # fmt: skip
        parts.append("")
    return "\n".join(parts)


def _class_of(row: Said, classes: list[Any]) -> Any:
    """The error that a code is raised with; where the code is handed on first, the one its number belongs to."""
    named = next((one for one in classes if one.__name__ == row.raised), None)
    return named or max(
        (one for one in classes if one.default_code[:8] <= row.code[:8]), key=lambda one: one.default_code
    )


def scan() -> Iterator[Said]:
    """Every use of a code in the core and the plugins of this repository."""
    for folder in (ROOT / "core", *(plugin / "src" for plugin in plugin_folders())):
        trees = {path: ast.parse(path.read_text("utf-8")) for path in sorted(folder.rglob("*.py"))}
        names = {name: code for tree in trees.values() for name, code in _named_codes(tree)}
        for path, tree in trees.items():
            module = ".".join(path.relative_to(folder).with_suffix("").parts).removesuffix(".__init__")
            for scope in ast.walk(tree):
                if isinstance(scope, ast.FunctionDef):
                    yield from _used(scope, names, module)


def _named_codes(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Constants of a module that hold a code, alone or unpacked from a tuple."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            targets = getattr(node.targets[0], "elts", [node.targets[0]])
            values = getattr(node.value, "elts", [node.value])
            for target, value in zip(targets, values, strict=False):
                if isinstance(target, ast.Name) and (code := _code_in(value)):
                    yield target.id, code


def _code_in(node: ast.expr) -> str:
    """The code that a literal is, or nothing."""
    is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return str(node.value) if is_text and _CODE.fullmatch(node.value) else ""  # type: ignore[attr-defined]


def _used(scope: ast.FunctionDef, names: dict[str, str], module: str) -> Iterator[Said]:
    texts = {
        node.targets[0].id: _sentence(node.value, {})
        for node in ast.walk(scope)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    for call in (node for node in ast.walk(scope) if isinstance(node, ast.Call)):
        arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
        for given in arguments:
            code = _code_in(given) or (names.get(given.id, "") if isinstance(given, ast.Name) else "")
            if code and isinstance(call.func, ast.Name) and call.func.id[0].isupper():
                said = [text for one in call.args[:3] if " " in (text := _sentence(one, texts))]
                yield Said(code, said[0] if said else "", module, call.func.id)


def _sentence(node: ast.expr, texts: dict[str, str]) -> str:
    """A text as its author meant it: what is filled in stands in angle brackets."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return "" if _code_in(node) else node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(
            _sentence(part, texts) if isinstance(part, ast.Constant) else _hole(part) for part in node.values
        )
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _sentence(node.left, texts) + _sentence(node.right, texts)
    if isinstance(node, ast.IfExp):
        return _sentence(node.body, texts)
    return texts.get(node.id, "") if isinstance(node, ast.Name) else ""


def _hole(node: ast.expr) -> str:
    """What is filled in, by the last plain name of its expression."""
    words = [
        word for word in re.findall(r"[A-Za-z_]\w+", ast.unparse(node)) if word not in ("self", "str", "join", "f")
    ]
    return f"<{words[-1].strip('_').replace('_', ' ') if words else '…'}>"


# -- helpers -----------------------------------------------------------------------------------------------------------


def _first(thing: Any) -> str:
    """The first paragraph of a module's text."""
    return " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main() -> None:
    """Write the pages that differ."""
    for path, text in pages().items():
        if not path.is_file() or path.read_text("utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
            sys.stdout.write(f"wrote {path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
