"""No float on any path that an amount takes: said by the sources themselves, not by trying."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

BOOKS = Path(__file__).resolve().parents[1] / "core" / "wherry" / "books"
FLOATING = {"float", "complex", "round", "sqrt"}
MODULES = {"math", "cmath", "statistics", "random", "numpy", "fractions"}
PLACES = {"path", "folder", "place", "root", "directory", "parent", "out", "to"}
"""Names that hold a path: the only thing that may be divided."""


def floats(source: str) -> Iterator[str]:
    """Where a float could come from: its name, a literal, a true division, ``round``, a module of floats."""
    for node in ast.walk(ast.parse(source)):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Name) and node.id in FLOATING:
            yield f"{line}: {node.id}"
        elif isinstance(node, ast.Attribute) and node.attr in FLOATING:
            yield f"{line}: .{node.attr}"
        elif isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
            yield f"{line}: {node.value}"
        elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div) and not _is_path(node):
            yield f"{line}: a true division"
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names]
            yield from (f"{line}: {name}" for name in names if name.split(".")[0] in MODULES)


def _is_path(node: ast.BinOp | ast.AugAssign) -> bool:
    parts = (node.left, node.right) if isinstance(node, ast.BinOp) else (node.target, node.value)
    return any(
        isinstance(part, ast.JoinedStr)
        or (isinstance(part, ast.Constant) and isinstance(part.value, str))
        or (isinstance(part, ast.Name) and part.id in PLACES)
        or (isinstance(part, ast.Attribute) and part.attr in PLACES)
        for part in parts
    )


@pytest.mark.parametrize("path", sorted(BOOKS.rglob("*.py")), ids=lambda path: path.name)
def test_no_float_is_on_a_path_that_money_takes(path: Path) -> None:
    """case_C1, I8"""
    assert list(floats(path.read_text("utf-8"))) == []


@pytest.mark.parametrize(
    "source", ["x = 0.1", "x = float(y)", "x: float = y", "x = a / b", "x /= 2", "x = round(y)", "import math",
               "from statistics import mean", "x = 1e3", "def f(x: list[float]): ...", "x = builtins.float(y)"],
)  # fmt: skip
def test_the_check_sees_every_way_in(source: str) -> None:
    assert list(floats(source))


@pytest.mark.parametrize("source", ["x = path / name", "x = self.folder / name", "x = y / 'a.csv'", "x = a // b"])
def test_the_check_lets_paths_and_whole_division_be(source: str) -> None:
    assert list(floats(source)) == []
