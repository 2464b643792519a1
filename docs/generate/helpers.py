"""The page of functions that a plugin and its tests may use."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator

from generate import roles

SECTIONS: tuple[tuple[str, str, tuple[tuple[str, tuple[str, ...]], ...]], ...] = (
    (
        "Signing in and pacing",
        "`wherry.settings` has what a settings model is made of: `ConnectionSettings`, `SecretRef`, and for `auth`"
        " `TokenAuth`, `OAuth2Auth`, `ClientAuth` or `Auth`, which is a token or OAuth 2 as the operator says. Their"
        " keys: [project file](config.md).",
        (("wherry.http.profile", ("Limit", "Pace")), ("wherry.endpoints", ("OAuthEndpoints",)),
         ("wherry.signin", ("bearer",))),
    ),
    (
        "Money and answers",
        "",
        (("wherry.money", ("exact", "parse", "rounded", "text", "decimals", "allocate")),
         ("wherry.decoding", ("object_in", "exact_object"))),
    ),
    (
        "What a body says",
        "For sinks of accounting systems. What cannot be said in the target's words is raised as `Rejected` with the"
        " item's stamp, so that this item is refused and no other.",
        (("wherry.posting.bodies", ()), ("wherry.posting.entries", ()), ("wherry.posting.accounts", ()),
         ("wherry.posting.tables", ()), ("wherry.posting.texts", ()), ("wherry.posting.facts", ())),
    ),
    (
        "Matching",
        "",
        (("wherry.matching.known", ("pending_id", "pending_ref")), ("wherry.matching.rules", ("RuleMatcher",)),
         ("wherry.matching.catalogue", ("ListingCatalogue",)),
         ("wherry.matching.text", ("name_key", "sku_key"))),
    ),
    (
        "In tests",
        "The suites and what they are given: [test a plugin](../how-to/test-a-plugin.md).",
        (("wherry.testing.services", ("services",)), ("wherry.testing.samples", ()),
         ("wherry.testing.sink_trial", ("stamp_of",)), ("wherry.testing.holding", ("Line", "Holding")),
         ("wherry.testing.mapper_trial", ("default_mapper",)),
         ("wherry.testing.sweep", ("tried", "rigs_of")), ("wherry.testing.clock", ())),
    ),
)  # fmt: skip
PUBLIC = {"wherry.testing.sink_trial": "wherry.testing.sinks", "wherry.testing.mapper_trial": "wherry.testing.mappers",
          "wherry.matching.known": "wherry.matching",
          "wherry.http.profile": "wherry.http"}  # fmt: skip


def page() -> str:
    """The whole page."""
    parts = ["# Helpers", "", "What a plugin and its tests may use beside [roles](roles.md) and"
             " [stand-ins](stand-ins.md). Nothing has to be taken from here. It has the [version](versions.md) of the"
             " core, as all that is described.", ""]  # fmt: skip
    for title, told, modules in SECTIONS:
        parts += [f"## {title}", "", *([told, ""] if told else [])]
        for module, names in modules:
            parts += _module(module, names)
    return "\n".join(parts)


def _module(module: str, names: tuple[str, ...]) -> Iterator[str]:
    """The functions and classes of a module, all that are public where none is named."""
    nodes = [
        node for node in ast.parse(inspect.getsource(importlib.import_module(module))).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and (node.name in names or (not names and not node.name.startswith("_")))
    ]  # fmt: skip
    missing = set(names) - {node.name for node in nodes}
    assert not missing, f"{module} has no {missing}"
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef)]
    if functions:
        yield from (f"### {PUBLIC.get(module, module)}", "")
    for function in functions:
        yield from roles.function(function, {})
    for node in nodes:
        if isinstance(node, ast.ClassDef):
            yield from roles.described(module, node.name, {}, made=True)
