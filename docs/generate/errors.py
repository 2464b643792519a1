"""The page of errors: every code in the sources, what it means, what it says, and what to do."""

from __future__ import annotations

import ast
import inspect
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

CODE = re.compile(r"WHERRY-\d{4}")
MEANINGS = Path(__file__).with_name("meanings.toml")
WORD = re.compile(r"\w+")
KINDS = ("ContractBroken", "ConfigError", "NotFound", "Rejected", "Unsure", "AccessLost", "TryAgain", "Guarded", "Busy")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Said(NamedTuple):
    """Where a code is used, with what sentence, and what the reader is told to do."""

    code: str
    message: str
    fix: str
    module: str
    raised: str
    """The name of what is made with it: one of our errors, or something that becomes one."""


def page(folders: Sequence[Path]) -> str:
    """The whole page, from the sources below these folders."""
    from wherry import errors as kinds

    classes = [getattr(kinds, name) for name in KINDS]
    meanings = tomllib.loads(MEANINGS.read_text("utf-8"))
    by_code = defaultdict(list)
    for row in sorted(set(scan(folders))):
        by_code[row.code].append(row)
    codes = sorted({*by_code, *literals(folders)})
    parts = ["# Errors", INTRO]
    for one in [*classes, None]:
        mine = [code for code in codes if _class_of(code, by_code[code], classes) is one]
        parts += [*_heading(one), ""]
        for code in mine:
            parts += [f"### {code}", "", *_section(by_code[code], meanings.get(code, "")), ""]
    return "\n".join(parts)


INTRO = """
A code never changes its meaning. Words in `<angle brackets>` are filled in. A link to one code ends in the code in
small letters, as in `errors.md#wherry-2010`. What stands behind *do* is the advice that comes with the error.
"""


def _heading(kind: Any) -> list[str]:
    if kind is None:
        return ["## Others"]
    return [f"## {kind.__name__} (exit {kind.exit_code})", "", _one_line(inspect.getdoc(kind) or "")]


def _section(rows: Sequence[Said], meaning: str) -> list[str]:
    """What a code means and each of its sentences; the same sentence of several modules once."""
    lines = [_one_line(meaning), ""] if meaning else []
    told: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows:
        if row.message:
            told[row.message, row.fix].append(row.module)
    for (message, fix), modules in told.items():
        where = ", ".join(f"`{module}`" for module in dict.fromkeys(modules))
        lines.append(f"- {_safe(message)}" + (f" *Do:* {_safe(fix)}" if fix else "") + f" ({where})")
    return lines


def literals(folders: Sequence[Path]) -> set[str]:
    """Every code that stands in the sources, however it is used."""
    return {
        code for folder in folders for path in folder.rglob("*.py") for code in CODE.findall(path.read_text("utf-8"))
    }


def _class_of(code: str, rows: Sequence[Said], classes: Sequence[Any]) -> Any:
    """The error that a code is raised with; where it is handed on first, the one its number belongs to."""
    raised = {row.raised for row in rows}
    named = next((one for one in classes if one.__name__ in raised), None)
    below = [one for one in classes if one.default_code <= code]
    return named or max(below, key=lambda one: one.default_code, default=None)


def scan(folders: Sequence[Path]) -> Iterator[Said]:
    """Every use of a code below these folders."""
    for folder in folders:
        texts = {path: path.read_text("utf-8") for path in sorted(folder.rglob("*.py"))}
        trees = {path: ast.parse(text) for path, text in texts.items() if CODE.search(text)}
        names = {name: code for tree in trees.values() for name, code in _named_codes(tree)}
        for path, text in texts.items():
            if lines := _speaking(text, names):
                module = ".".join(path.relative_to(folder).with_suffix("").parts).removesuffix(".__init__")
                for scope in _functions((trees.get(path) or ast.parse(text)).body):
                    first = min((scope.lineno, *(one.lineno for one in scope.decorator_list)))
                    if any(first <= line <= (scope.end_lineno or first) for line in lines):
                        yield from _used(scope, names, module)


def _speaking(text: str, names: Mapping[str, str]) -> list[int]:
    """The lines with a code, or with the name of one: the others are not worth a look at what they are made of."""
    words = {*WORD.findall(text)}
    if words.isdisjoint(names) and not CODE.search(text):
        return []
    return [number for number, line in enumerate(text.split("\n"), 1)
            if CODE.search(line) or not names.keys().isdisjoint(WORD.findall(line))]  # fmt: skip


def _functions(body: Iterable[ast.AST]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Those of a module, in classes and in each other, too."""
    for node in body:
        if isinstance(node, _FUNCTIONS):
            yield node
        for part in ("body", "orelse", "finalbody", "handlers", "cases"):
            inner = getattr(node, part, ())
            yield from _functions(inner if isinstance(inner, list) else ())


def _named_codes(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Constants of a module that hold a code, alone or unpacked from a tuple."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            targets = getattr(node.targets[0], "elts", [node.targets[0]])
            values = getattr(node.value, "elts", [node.value])
            for target, value in zip(targets, values, strict=False):
                if isinstance(target, ast.Name) and (code := _code_in(value)):
                    yield target.id, code


def _code_in(node: ast.AST) -> str:
    """The code that a literal is, or nothing."""
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, str) and CODE.fullmatch(value) else ""


def _used(scope: ast.AST, names: Mapping[str, str], module: str) -> Iterator[Said]:
    nodes = list(ast.walk(scope))
    used = [(node, given, code) for node in nodes if isinstance(node, ast.Call | ast.Tuple)
            for given in [_given(node)]
            for code in filter(None, (_code_in(one) or _code_named(one, names) for one in given))]  # fmt: skip
    assigned = [
        (node.lineno, node.targets[0].id, _sentence(node.value, {}))
        for node in (nodes if used else ())
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    ]
    for node, given, code in used:
        texts = {name: text for line, name, text in sorted(assigned) if line <= node.lineno}
        yield _said(node, given, code, texts, module)


def _given(node: ast.Call | ast.Tuple) -> list[ast.expr]:
    return node.elts if isinstance(node, ast.Tuple) else [*node.args, *(word.value for word in node.keywords)]


def _code_named(node: ast.AST, names: Mapping[str, str]) -> str:
    return names.get(node.id, "") if isinstance(node, ast.Name) else ""


def _said(
    node: ast.Call | ast.Tuple, given: Sequence[ast.expr], code: str, texts: Mapping[str, str], module: str
) -> Said:
    """The first sentence is what is said, ``fix`` or the one that comes as ``fix`` what to do."""
    words = {word.arg: word.value for word in node.keywords} if isinstance(node, ast.Call) else {}
    fix = _sentence(words["fix"], texts) if "fix" in words else ""
    plain = node.args if isinstance(node, ast.Call) else given
    said = [text for one in plain if " " in (text := _sentence(one, texts).strip())]
    return Said(code, said[0] if said else "", fix, module, _name_of(node))


def _name_of(node: ast.AST) -> str:
    func = getattr(node, "func", None)
    return str(getattr(func, "id", getattr(func, "attr", "")))


def _sentence(node: ast.expr, texts: Mapping[str, str]) -> str:
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
        return _sentence(node.body, texts) or _sentence(node.orelse, texts)
    return texts.get(node.id, "") if isinstance(node, ast.Name) else ""


def _hole(node: ast.expr) -> str:
    """What is filled in, by the last plain name of its expression."""
    words = [
        word for word in re.findall(r"[A-Za-z_]\w+", ast.unparse(node)) if word not in ("self", "str", "join", "f")
    ]
    return f"<{words[-1].strip('_').replace('_', ' ') if words else '…'}>"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _safe(text: str) -> str:
    """A sentence that Markdown shows as it stands."""
    return re.sub(r"([<\[*|])", r"\\\1", _one_line(text)).rstrip(".") + "."
