"""The page of roles: what a plugin implements, what it is given, what it returns, and its manifest."""

from __future__ import annotations

import ast
import importlib
import inspect
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

FIELDS = Path(__file__).with_name("fields.toml")
ROLES, RECORDS, HOOKS, BOOKS = "wherry.roles", "wherry.records", "wherry.hookspecs", "wherry.accounting"
SECTIONS: tuple[tuple[str, str, tuple[tuple[str, tuple[str, ...]], ...]], ...] = (
    (
        "What a plugin implements",
        "Write a class with these members; nothing has to be inherited. *Optional* abilities are found by what the"
        " object has: a source with a method `sweep` sweeps.",
        (
            (ROLES, ("SourceConnector", "Describes", "Sweeps", "Chooses", "Fetches", "OpensFiles", "FieldMapper",
                     "Narrows", "Rounds", "Matcher", "SinkWriter", "AtomicSinkWriter", "CallSinkWriter", "Asks",
                     "Lists", "Polled", "Simulator")),
            (BOOKS, ("Confirms", "HasAccounts", "HasPeriods", "HasBalances", "BarsAccounts", "BooksRounding",
                     "KnowsPlaces", "LimitsLines", "Replaces", "ShortensNumbers", "GivesNumbers",
                     "RepeatsNumbers", "ListsEntries",
                     "ListsDocuments")),
        ),
    ),
    (
        "What it is given",
        "A plugin opens no connection, file or database by itself: all it needs comes through these.",
        (
            (ROLES, ("Services", "Connection", "Query", "Cache", "Clock", "Documents", "Catalogue")),
            ("wherry.http.profile", ("Profile", "Response")),
            ("wherry.http.client", ("Http",)),
        ),
    ),
    (
        "What it returns",
        "Plain structs. `frozen` ones cannot be changed once they are made.",
        (
            (ROLES, ("Account",)),
            (BOOKS, ("ChartAccount", "Barred", "Balance", "HeldEntry", "HeldLine", "HeldDocument", "HeldPosting")),
            (RECORDS, ("Description", "FieldInfo", "Pipeline", "Stage", "Page",
                       "Record", "Ref", "Skip", "Draft", "Link", "Create", "Same", "Ask", "Candidate", "Listed",
                       "Item", "Answer", "Change", "Call", "Reply", "Found")),
        ),
    ),
    (
        "What helps a source",
        "Nothing has to be taken from here. `wherry.marks` keeps a place between two reads so that nothing is"
        " lost, whatever clocks say; `saved_mark` reads it back. `wherry.rows` is for rows whose values stay "
        "bytes. `wherry.crm` has what CRMs share: parts of default maps (`MATCH`, `plain`, `file_map`, "
        "`location_map`), and `by_kind`, `give_lines`, `give_files` and `tell_problem` for what belongs to a head. "
        "`wherry.settings.sites.Sites` is the base of a `location` among settings, "
        '`wherry.settings.values.Seconds` a setting such as `"5m"`.',
        (("wherry.marks", ("Bound", "Span", "Mark")),),
    ),
    (
        "What its commands are given",
        "A plugin may bring commands of its own: an entry point of the group `wherry.commands`, whose target is a click"
        " command or group, as in `field-book = \"field_book.commands:group\"`. They stand under `wherry` where the"
        " plugin is enabled. `wherry.commands.face()` gives that of the command that is running.",
        (("wherry.commands", ("Face",)),),
    ),
    (
        "What it serves",
        "Addresses of its own on `wherry serve`, made by the hook [wherry_http_routes](hooks.md#wherry_http_routes):"
        " [a webhook](../how-to/test-a-plugin.md#6-a-webhook-on-trial), say.",
        (("wherry.web.routes", ("HttpRoute", "HttpRequest", "HttpResponse", "Host", "Notification")),),
    ),
    ("What it says of itself", "", ((HOOKS, ("Manifest",)),)),
)  # fmt: skip

SIMULATOR: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("stage", ("StandIn", "Stage")), ("routes", ("Routes",)), ("call", ("Call", "Reply", "Refusal", "Upload")),
    ("options", ("Options",)), ("tokens", ("Tokens",)), ("clock", ("Clock",)),
    ("faults", ("Faults", "Fault")), ("history", ("History", "Entry")), ("limits", ("RollingWindow", "DailyQuota")),
)  # fmt: skip
RIGS = ("Rig", "Stand", "Effect", "Post", "Mark")


class Member(NamedTuple):
    """A field of a class: its name, its type and default as they are written, and what it means."""

    name: str
    type: str
    default: str
    meaning: str


def page() -> str:
    """The whole page."""
    supplement = tomllib.loads(FIELDS.read_text("utf-8"))
    parts = ["# Roles", "", "The words between a plugin and the core, from `wherry.roles`, `wherry.records` and",
             "`wherry.hookspecs`. Which hook makes which object: [hooks](hooks.md). What a plugin may raise:",
             "[errors](errors.md), and nothing else. What tries all of this: [the kit](../how-to/test-a-plugin.md).",
             ""]  # fmt: skip
    for title, told, modules in SECTIONS:
        parts += [f"## {title}", "", told, ""]
        for module, names in modules:
            for name in names:
                parts += described(module, name, supplement)
    return "\n".join(parts)


def rigs() -> str:
    """The page of what a kill sweep is told of a sink."""
    parts = ["# Rigs", "", "What a plugin's `tests/sweep_rig.py` says to the kill sweep:"
             " [test a sink](../how-to/test-a-sink.md#2-the-kill-sweep) shows one.", ""]  # fmt: skip
    for name in RIGS:
        parts += described("wherry.testing.rigs", name, {})
    return "\n".join(parts)


def simulator() -> str:
    """The page of what a stand-in is built with."""
    told = [inspect.getdoc(importlib.import_module(f"wherry.simulator{name}")) or "" for name in ("", ".faults")]
    parts = ["# Stand-ins", "", "What a plugin's `simulator.py` is built with. `wherry plugin new` writes one to begin"
             " with; [use a simulator](../how-to/use-a-simulator.md) tells of the controls, and"
             " [test a plugin](../how-to/test-a-plugin.md#5-a-stand-in-on-trial) how one is tried.", "", told[0], "",
             "`with serve(stand_in.app()) as url:` serves one on the loopback interface. `whole_number(text)` reads a"
             " number that is said outside the query; `challenge_of(verifier)` and `sent_back(call, code)` are for"
             " consent pages that keep more with a code than `Tokens` does.", ""]  # fmt: skip
    for module, names in SIMULATOR:
        for name in names:
            parts += described(f"wherry.simulator.{module}", name, {}, made=True)
    return "\n".join([*parts, "## Kinds of faults", "", *_kinds(told[1]), ""])


def _kinds(told: str) -> Iterator[str]:
    """The table of a docstring, as this page has tables."""
    yield from ("| kind | does |", "|---|---|")
    for row in told.splitlines():
        if row.startswith("``"):
            kind, _, what = row.partition("  ")
            yield f"| {kind.replace('``', '`')} | {what.strip().replace('``', '`')} |"


def members(module: str, name: str, supplement: Mapping[str, Mapping[str, str]]) -> list[Member]:
    """The fields of a class; where the code has no words for one, those of ``fields.toml``."""
    more = supplement.get(name, {})
    return [
        Member(one.name, one.type, one.default, one.meaning or more.get(one.name, ""))
        for one in _fields(_node(module, name))
    ]


def methods_of(module: str, name: str) -> set[str]:
    """The names of a class's public methods."""
    return {method.name for method in _methods(_node(module, name))}


def described(
    module: str, name: str, supplement: Mapping[str, Mapping[str, str]], *, made: bool = False
) -> Iterator[str]:
    """A class; with ``made``, how one is made of it."""
    node = _node(module, name)
    bases = [ast.unparse(base) for base in node.bases if ast.unparse(base) not in ("Protocol", "Struct")]
    above = f", {'an' if bases[0][0] in 'AE' else 'a'} {bases[0]} as well" if bases else ""
    by_name = any(word.arg == "kw_only" for word in node.keywords)
    above += ". Made by the names of its fields, as in `" + _made(name, node) + "`" if by_name else ""
    yield from (
        f"### {name}",
        "",
        f"`from {_public(module)} import {name}`{above}",
        "",
        ast.get_docstring(node) or "",
        "",
    )
    if made and (call := _call(node)):
        yield from (f"`{call}`", "")
    found = members(module, name, supplement)
    if found:
        yield from ("| field | type | default | meaning |", "|---|---|---|---|")
        for one in found:
            default = f"`{_cell(one.default)}`" if one.default else ""
            yield f"| `{one.name}` | `{_cell(one.type)}` | {default} | {_cell(one.meaning)} |"
        yield ""
    for method in _methods(node):
        yield from function(method, supplement.get(name, {}))


def _made(name: str, node: ast.ClassDef) -> str:
    """How one is made of a class that takes no values by their place."""
    needed = [one.name for one in _fields(node) if not one.default][:3]
    return f"{name}({', '.join(f'{one}=…' for one in needed)})"


def _call(node: ast.ClassDef) -> str:
    """How one is made of a class that has a maker of its own; empty for the others."""
    made = next((one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"), None)
    if made is None:
        return ""
    return f"{node.name}({ast.unparse(made.args).removeprefix('self').removeprefix(', ')})"


def _public(module: str) -> str:
    return next((whole for whole in ("wherry.http", "wherry.simulator") if module.startswith(f"{whole}.")), module)


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(inspect.getsource(importlib.import_module(module)))


def _node(module: str, name: str) -> ast.ClassDef:
    return next(node for node in _tree(module).body if isinstance(node, ast.ClassDef) and node.name == name)


def _fields(node: ast.ClassDef) -> Iterator[Member]:
    """Annotated fields with the text below each."""
    for field, text in pairwise([*node.body, ast.Pass()]):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            is_text = isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
            told = str(text.value.value) if is_text else ""  # type: ignore[attr-defined]
            yield Member(field.target.id, ast.unparse(field.annotation), _default(field.value), told)


def _default(value: ast.expr | None) -> str:
    if value is None:
        return ""
    text = ast.unparse(value)
    return {"field(default_factory=dict)": "{}", "''": '""'}.get(text, text)


def _methods(node: ast.ClassDef) -> list[ast.FunctionDef]:
    return [one for one in node.body if isinstance(one, ast.FunctionDef) and not one.name.startswith("_")]


def function(method: ast.FunctionDef, more: Mapping[str, str]) -> Iterator[str]:
    is_property = any(ast.unparse(one) == "property" for one in method.decorator_list)
    returns = f" -> {ast.unparse(method.returns)}" if method.returns else ""
    given = "" if is_property else f"({ast.unparse(method.args).removeprefix('self').removeprefix(', ')})"
    told = " ".join(f"{ast.get_docstring(method) or ''} {more.get(method.name, '')}".split())
    is_block = any(ast.unparse(one) == "contextmanager" for one in method.decorator_list)
    sort = " (property)" if is_property else " (for `with`)" if is_block else ""
    yield from (f"- `{method.name}{given}{returns}`{sort}<br>", f"  {told}", "")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
