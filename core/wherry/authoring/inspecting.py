"""Rules of the quality scale that are told by looking: metadata, settings, sources, pages."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from wherry import errors
from wherry.authoring.subject import Subject
from wherry.authoring.verdicts import Verdict, met, missed
from wherry.errors import WherryError

_OURS = {name for name, one in vars(errors).items() if isinstance(one, type) and issubclass(one, WherryError)}
_BUILT_IN = {name for name, one in vars(builtins).items() if isinstance(one, type) and issubclass(one, Exception)}
_ALLOWED = {"ValueError", "TypeError", "AssertionError", "NotImplementedError", "StopIteration"}
"""ValueError is what settings models, transforms and readers of text say to whoever called them; the others tell the
author that his own code is called wrongly."""
_SELF_EXPLAINED = {"TryAgain", "ContractBroken"}
"""Errors that need no advice of their own: run it again; tell the author."""
MOST_SHOWN = 5


def installs_alone(subject: Subject) -> Verdict:
    """From the distribution's own metadata."""
    entry = subject.installed.entry
    wanted = [Requirement(line) for line in (entry.dist.requires if entry and entry.dist else None) or []]
    others = sorted({one.name for one in wanted if one.name.startswith("wherry-") and one.marker is None})
    at = subject.line_of(subject.root / "pyproject.toml", "dependencies") if subject.root else ""
    if others:
        return missed(f"it requires {', '.join(others)}", at)
    ends = {one.operator[0] for one in SpecifierSet(subject.installed.api)}
    if not ({"<", ">"} <= ends or ends & {"~", "="}):
        said = subject.installed.api or "no version at all"
        return missed(f"its requirement on wherry is open: {said}", at)
    return met(f"requires wherry {subject.installed.api}, and no other plugin", at)


def settings_described(subject: Subject) -> Verdict:
    """Every field of the model, those of its base too."""
    if subject.model is None:
        return missed("its settings model cannot be made: wherry plugin list --broken")
    fields = subject.model.model_fields
    bare = [name for name, field in fields.items() if not (field.description or "").strip()]
    places = [place for name in bare for place in _defines(subject, rf"\b{name}\b\s*:")]
    if bare:
        return missed(f"without a description: {', '.join(bare)}", ", ".join(places[:MOST_SHOWN]))
    return met(f"{len(fields)} settings, each with a description", next(iter(_model_at(subject)), ""))


def _model_at(subject: Subject) -> Iterator[str]:
    name = subject.model.__name__ if subject.model else ""
    yield from _defines(subject, rf"class {name}\b")


def _defines(subject: Subject, pattern: str) -> Iterator[str]:
    for path in subject.trees:
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if re.search(pattern, line):
                yield subject.at(path, number)
                break


def error_classes(subject: Subject) -> Verdict:
    """Every ``raise`` of the package."""
    wrong, right = [], 0
    for path, tree in subject.trees.items():
        caught = {name for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler) for name in _names(node.type)}
        for node in ast.walk(tree):
            name = _called(node.exc) if isinstance(node, ast.Raise) else ""
            if name in _BUILT_IN - _ALLOWED - caught:
                wrong.append(f"{subject.at(path, node.lineno)} {name}")  # type: ignore[attr-defined]
            right += name in _OURS
        wrong += [f"{subject.at(path, line)} {what}" for line, what in _unexplained(tree)]
    if wrong:
        more = f" and {len(wrong) - MOST_SHOWN} more" if len(wrong) > MOST_SHOWN else ""
        return missed("; ".join(wrong[:MOST_SHOWN]) + more, wrong[0].partition(" ")[0])
    return met(f"{right} places raise Wherry's errors, none raises another")


def _names(node: ast.expr | None) -> Iterator[str]:
    for one in ast.walk(node) if node is not None else ():
        if isinstance(one, ast.Name):
            yield one.id


def _called(node: ast.expr | None) -> str:
    """The plain name of what is raised."""
    func = node.func if isinstance(node, ast.Call) else node
    return func.id if isinstance(func, ast.Name) else ""


def _unexplained(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Errors of ours that are made without a code, or without saying what to do."""
    for node in ast.walk(tree):
        name = _called(node) if isinstance(node, ast.Call) else ""
        if not isinstance(node, ast.Call) or name not in _OURS or any(word.arg is None for word in node.keywords):
            continue
        given = {word.arg for word in node.keywords}
        lacks = [word for word in ("code", "fix") if word not in given]
        if lacks and not (lacks == ["fix"] and name in _SELF_EXPLAINED):
            yield node.lineno, f"{name} without {' and '.join(lacks)}"


def base_url(subject: Subject) -> Verdict:
    """The setting, and a Profile that is not built from a constant."""
    if subject.model is None or "base_url" not in subject.model.model_fields:
        return missed("its settings have no base_url: derive the model from wherry.settings.ConnectionSettings")
    for path, tree in subject.trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _called(node) == "Profile":
                said = next((word.value for word in node.keywords if word.arg == "base_url"), None)
                constant = isinstance(said, ast.Constant) or (isinstance(said, ast.Name) and said.id.isupper())
                where = subject.at(path, node.lineno)
                return missed("its Profile has a fixed address", where) if constant else met("it can be set", where)
    polled = any("base_url" in path.read_text("utf-8") for path in subject.trees)
    return met("it reads base_url itself") if polled else Verdict("not asked", "it makes no client: it is called")


def docs_page(subject: Subject) -> Verdict:
    """README.md, named in the metadata, with its headings."""
    page = _page(subject)
    if page is None:
        return missed("there is no README.md beside its pyproject.toml")
    if subject.project.get("project", {}).get("readme") is None:
        return missed("pyproject.toml names no readme", subject.at(page))
    titles = _titles(page)
    lacks = [word for word, title in (("set-up", "set-?up"), ("settings", "settings"), ("limits", "(limits?|bounds)"))
             if not _has(titles, title) and not (word == "settings" and not _own_settings(subject))]  # fmt: skip
    if lacks:
        return missed(f"it has no heading for {', '.join(lacks)}", subject.at(page))
    return met("README.md has set-up, settings and limits", subject.at(page))


def _own_settings(subject: Subject) -> bool:
    return bool(subject.roles & {"source", "sink"})


def removal_steps(subject: Subject) -> Verdict:
    """A heading of README.md."""
    page = _page(subject)
    if page is None or not _has(_titles(page), "remov(al|e|ing)"):
        return missed("README.md has no heading Removal", subject.at(page) if page else "")
    line = next(title for title in page.read_text("utf-8").splitlines() if _heads(title, "remov(al|e|ing)"))
    return met("README.md says how", subject.line_of(page, line))


def _page(subject: Subject) -> Path | None:
    page = subject.root / "README.md" if subject.root else None
    return page if page is not None and page.is_file() else None


def _titles(page: Path) -> list[str]:
    return [line for line in page.read_text("utf-8").splitlines() if line.startswith("#")]


def _has(titles: list[str], pattern: str) -> bool:
    return any(_heads(title, pattern) for title in titles)


def _heads(line: str, pattern: str) -> bool:
    return line.startswith("#") and bool(re.search(rf"\b{pattern}\b", line, re.IGNORECASE))


def simulator(subject: Subject) -> Verdict:
    """The role, and the module behind it."""
    if "simulator" not in subject.roles:
        return missed("its manifest does not name the role simulator")
    found = next(iter(_defines(subject, r"def wherry_simulator\b")), "")
    return met(f"wherry simulate {subject.name}", found) if found else missed("it implements no wherry_simulator")


def diagnostics(subject: Subject) -> Verdict:
    """The vendor's word on errors is read, and nothing is printed."""
    printed = [
        subject.at(path, node.lineno)
        for path, tree in subject.trees.items() if "command" not in path.name
        for node in ast.walk(tree) if isinstance(node, ast.Call) and _called(node) == "print"
    ]  # fmt: skip
    if printed:
        return missed("it prints: use services.log", printed[0])
    calls = ((path, node) for path, tree in subject.trees.items() for node in ast.walk(tree)
             if isinstance(node, ast.Call))  # fmt: skip
    reads = next((subject.at(path, node.lineno) for path, node in calls if _reads_errors(node)), "")
    if reads:
        return met("the vendor's own errors are read", reads)
    return missed("nothing reads the vendor's errors: no classify in a Profile, no code in an Answer")


def _reads_errors(node: ast.Call) -> bool:
    """A Profile that classifies, or an Answer that carries the vendor's code."""
    given = {word.arg for word in node.keywords}
    return (_called(node) == "Profile" and "classify" in given) or (_called(node) == "Answer" and "code" in given)


def strict_types(subject: Subject) -> Verdict:
    """Annotations by the tree: quick, and the same on every machine. A type checker says more."""
    marker = subject.package / "py.typed"
    if not marker.is_file():
        return missed("there is no py.typed", subject.at(marker))
    bare = [
        f"{subject.at(path, node.lineno)} {node.name}"
        for path, tree in subject.trees.items() for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not _annotated(node)
    ]  # fmt: skip
    if bare:
        return missed(f"{len(bare)} functions are not annotated: " + "; ".join(bare[:MOST_SHOWN]))
    return met("every function is annotated", subject.at(marker))


def _annotated(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    given += [one for one in (node.args.vararg, node.args.kwarg) if one is not None]
    return node.returns is not None and all(one.annotation or one.arg in ("self", "cls") for one in given)


INSPECTED: dict[str, Callable[[Subject], Verdict]] = {
    "installs-alone": installs_alone,
    "settings-described": settings_described,
    "error-classes": error_classes,
    "base-url": base_url,
    "docs-page": docs_page,
    "removal-steps": removal_steps,
    "simulator": simulator,
    "diagnostics": diagnostics,
    "strict-types": strict_types,
}
"""Rule → how it is told."""
