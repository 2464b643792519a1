"""Which tests carry which numbered behaviours (b_001_14), cases (case_A2) and invariants (I5).

Read from the docstrings of tests. ``proofs.py`` makes pages of the behaviours and cases; all of it, invariants too, is
printed by ``docs/build.py --coverage``.
"""

from __future__ import annotations

import ast
import functools
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

ID = re.compile(r"\b(b_\d{3}_\d{2}|case_[A-Z]\d+|I\d+)\b")
LIKE = re.compile(r"\b(?:b_\d|case_[A-Z]|I\d)")
SORTS = {"b": "behaviours", "c": "cases", "I": "invariants"}


def carried(root: Path) -> dict[str, list[str]]:
    """Id → the tests that say they prove it, as ``tests/test_x.py::test_y``; a module's text counts for the module."""
    found: dict[str, list[str]] = defaultdict(list)
    for test, text in texts(root):
        for one in dict.fromkeys(ID.findall(text)):
            found[one].append(test)
    return dict(sorted(found.items(), key=lambda pair: _order(pair[0])))


def table(root: Path) -> str:
    """The table as Markdown, with counts on top."""
    found = carried(root)
    counts = Counter(SORTS[one[0]] for one in found)
    parts = ["# What the tests carry", "", ", ".join(f"{counts[sort]} {sort}" for sort in SORTS.values()), "",
             "| id | tests | where |", "|---|---|---|"]  # fmt: skip
    parts += [
        f"| {one} | {len(tests)} | {'<br>'.join(f'`{test}`' for test in tests)} |" for one, tests in found.items()
    ]
    return "\n".join(parts) + "\n"


def texts(root: Path) -> Iterator[tuple[str, str]]:
    """(``tests/test_x.py::test_y``, its docstring) of every test, and (``tests/test_x.py``, …) of every module: of all
    files in which there is anything like a number."""
    for path in sorted([*root.glob("tests/**/test_*.py"), *root.glob("plugins/*/tests/**/test_*.py")]):
        found = path.stat()
        for name, text in _read(path, found.st_mtime_ns, found.st_size):
            yield f"{path.relative_to(root)}{name}", text


@functools.cache
def _read(path: Path, changed: int, size: int) -> list[tuple[str, str]]:
    """The texts of a file as it was then: each page asks for those of all files."""
    text = path.read_text("utf-8")
    return list(_texts(ast.parse(text))) if LIKE.search(text) else []


def _texts(tree: ast.Module | ast.ClassDef, within: str = "") -> Iterator[tuple[str, str]]:
    yield within, ast.get_docstring(tree) or ""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            yield from _texts(node, f"{within}::{node.name}")
        elif isinstance(node, ast.FunctionDef) and node.name.startswith("test"):
            yield f"{within}::{node.name}", ast.get_docstring(node) or ""


def _order(one: str) -> tuple[str, list[int]]:
    """Numbers as numbers: I5 before I12."""
    return re.sub(r"\d+", "", one), [int(number) for number in re.findall(r"\d+", one)]
