"""Filters: a condition on a head's own fields, evaluated by simpleeval under caps (case G16).

``deal.amount > 1000 and contains(deal.dealname, 'rental')``. Numbers are Decimal, never float; a field that
is compared with a number or a date is read as one. Nothing compares with what is empty: then the condition is
false.
"""

from __future__ import annotations

import ast
import datetime as dt
import operator
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from simpleeval import InvalidExpression, SimpleEval

from wherry import transforms
from wherry.errors import ConfigError, Rejected
from wherry.expressions import did_you_mean, known_path, parse, path_of
from wherry.money import exact
from wherry.records import Record
from wherry.wording import a

LONGEST_TEXT = 100_000
_CODE = "WHERRY-2224"
_DOT = "."


def _contains(value: Any, part: Any) -> bool:
    return value is not None and part is not None and part in value


def _startswith(value: str | None, start: str) -> bool:
    return value is not None and value.startswith(start)


def _len(value: Any) -> Decimal:
    return Decimal(len(value)) if value is not None else Decimal(0)


def _functions(zone: ZoneInfo) -> dict[str, Callable[..., Any]]:
    accounting_date = transforms.date_in(zone)

    def date(value: Any) -> dt.date | None:
        iso = accounting_date(value)
        return dt.date.fromisoformat(iso) if iso else None

    return {
        "lower": transforms.lower,
        "upper": transforms.upper,
        "len": _len,
        "number": transforms.number,
        "date": date,
        "contains": _contains,
        "startswith": _startswith,
    }


def _compares(compare: Callable[[Any, Any], Any]) -> Callable[[Any, Any], bool]:
    return lambda left, right: left is not None and right is not None and bool(compare(left, right))


def _within(value: Any, among: Any) -> bool:
    return value is not None and among is not None and value in among


_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Gt: _compares(operator.gt),
    ast.Lt: _compares(operator.lt),
    ast.GtE: _compares(operator.ge),
    ast.LtE: _compares(operator.le),
    ast.In: _within,
    ast.NotIn: lambda value, among: not _within(value, among),
    ast.Not: operator.not_,
    ast.USub: operator.neg,
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_GIVES = {
    "number": "number",
    "len": "number",
    "date": "date",
    "lower": "text",
    "upper": "text",
    "contains": "yes",
    "startswith": "yes",
}
_TAKES = {"contains": 2, "startswith": 2}


class Filter:
    """A compiled condition. ``fields`` are those of the head that it reads."""

    def __init__(self, text: str, kind: str, tree: ast.expr, fields: tuple[str, ...], zone: ZoneInfo) -> None:
        self.text, self.kind, self.fields = text, kind, fields
        self._tree, self._unmet = tree, f"does not meet the filter {text}"
        self._at = threading.local()
        self._evaluator = SimpleEval(operators=_OPERATORS, functions=_functions(zone), names=self._name)

    def reason(self, record: Record) -> str | None:
        """None if the record meets the condition. Raises Rejected that names a record on which it cannot be
        told."""
        self._at.record = record
        try:
            return None if self._evaluator.eval(self.text, self._tree) else self._unmet
        except (TypeError, ValueError, ArithmeticError, AttributeError, InvalidExpression, Rejected) as error:
            raise Rejected(
                f"the filter {self.text} cannot be told for {self.kind} {record.id}: {error}",
                fix="correct the field at the source, or write the filter so that it allows for such values",
                code="WHERRY-4205",
                record=f"{self.kind} {record.id}",
            ) from error

    def _name(self, node: ast.Name) -> Any:
        record: Record = self._at.record
        name = node.id.partition(_DOT)[2]
        value = record.id if name == "id" else record.fields.get(name)
        if isinstance(value, str) and len(value) > LONGEST_TEXT:
            raise ValueError(f"{name} has more than {LONGEST_TEXT} characters")
        return value


class _Rewriter:
    """Python's tree → the tree that simpleeval gets, and what it gives: ``yes`` (a condition), ``number``,
    ``date``, ``text``, ``path``, ``list`` or ``any``. Whatever is not named here is refused."""

    def __init__(self, text: str, kinds: Collection[str], fields: Mapping[str, frozenset[str]], key: str) -> None:
        self.text, self.kinds, self.source_fields, self.key = text.strip(), kinds, fields, key
        self.paths: dict[tuple[str, str], None] = {}

    def rewrite(self, node: ast.expr) -> tuple[ast.expr, str]:
        if path := path_of(node):
            return self._path(path), "path"
        match node:
            case ast.Constant(value=value):
                return self._constant(node, value)
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                return self._list(elements)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return ast.UnaryOp(ast.USub(), self._lifted(self.rewrite(operand), "number")), "number"
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return ast.UnaryOp(ast.Not(), self._condition(operand)), "yes"
            case ast.BoolOp(op=op, values=values):
                return ast.BoolOp(op, [self._condition(value) for value in values]), "yes"
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div() as op, right=right):
                sides = [self._lifted(self.rewrite(side), "number") for side in (left, right)]
                return ast.BinOp(sides[0], op, sides[1]), "number"
            case ast.Compare():
                return self._compare(node), "yes"
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self._call(name, arguments), _GIVES[name]
        raise self.error(f"{ast.get_source_segment(self.text, node) or self.text!r} is not allowed in a filter")

    def error(self, problem: str) -> ConfigError:
        return ConfigError(
            f"{self.key}: {problem}",
            fix="a filter compares fields of the record with and, or, not, in, + - * / and: "
            + ", ".join(sorted(_GIVES)),
            code=_CODE,
            key=self.key,
        )

    def _path(self, path: tuple[str, str]) -> ast.expr:
        known_path(path, self.kinds, self.source_fields, self.key)
        self.paths[path] = None
        return ast.Name(_DOT.join(path), ast.Load())

    def _constant(self, node: ast.expr, value: object) -> tuple[ast.expr, str]:
        if value is None or isinstance(value, bool):
            return node, "any"
        if isinstance(value, str):
            return node, "text"
        written = ast.get_source_segment(self.text, node) or ""
        try:
            return ast.Constant(exact(written)), "number"  # type: ignore[arg-type]
        except ValueError:
            raise self.error(f"{written} is not a plain number") from None

    def _list(self, elements: list[ast.expr]) -> tuple[ast.expr, str]:
        found = [self.rewrite(element) for element in elements]
        values = [node.value for node, _ in found if isinstance(node, ast.Constant)]
        if len(values) != len(found):
            raise self.error("a list holds fixed texts and numbers only")
        numbers = bool(found) and all(sort == "number" for _, sort in found)
        return ast.Constant(tuple(values)), "number" if numbers else "list"  # type: ignore[arg-type]

    def _condition(self, node: ast.expr) -> ast.expr:
        rewritten, sort = self.rewrite(node)
        if sort != "yes":
            part = ast.get_source_segment(self.text, node) or self.text
            raise self.error(f"{part} is no condition; compare it with something, as in deal.amount > 1000")
        return rewritten

    def _compare(self, node: ast.Compare) -> ast.expr:
        sides = [self.rewrite(side) for side in (node.left, *node.comparators)]
        if unknown := [op for op in node.ops if type(op) not in _OPERATORS]:
            raise self.error(f"the comparison {type(unknown[0]).__name__} is not allowed; use == or !=")
        sort = next((sort for _, sort in sides if sort in ("number", "date")), "")
        left, *others = [self._lifted(side, sort) if sort else side[0] for side in sides]
        return ast.Compare(left, node.ops, others)

    def _lifted(self, side: tuple[ast.expr, str], sort: str) -> ast.expr:
        """A path beside a number or a date is read as one."""
        node, found = side
        if found == "path":
            return ast.Call(ast.Name(sort, ast.Load()), [node], [])
        if found not in (sort, "any", "list"):
            raise self.error(f"{a(sort)} and {a(found)} do not go together")
        return node

    def _call(self, name: str, arguments: list[ast.expr]) -> ast.expr:
        if name not in _GIVES:
            raise self.error(f"no function {name!r}{did_you_mean(name, _GIVES)}")
        if len(arguments) != _TAKES.get(name, 1):
            raise self.error(f"{name} takes {_TAKES.get(name, 1)} argument(s), not {len(arguments)}")
        return ast.Call(ast.Name(name, ast.Load()), [self.rewrite(argument)[0] for argument in arguments], [])


def compile_filter(
    text: str,
    kind: str,
    kinds: Sequence[str],
    zone: ZoneInfo,
    source_fields: Mapping[str, frozenset[str]],
    key: str,
) -> Filter | None:
    """The filter of one record kind; None if it speaks of other kinds of the flow only. Raises
    ConfigError."""
    rewriter = _Rewriter(text, {kind, *kinds}, source_fields, key)
    tree, sort = rewriter.rewrite(parse(text, key, _CODE))
    named = {mentioned for mentioned, _ in rewriter.paths}
    if named and kind not in named:
        return None
    if others := named - {kind}:
        raise rewriter.error(f"it speaks of {kind} and {min(others)} at once; a filter sees one record at a time")
    if sort != "yes":
        raise rewriter.error("it is no condition; compare something, as in deal.amount > 1000")
    return Filter(text.strip(), kind, tree, tuple(sorted({name for _, name in rewriter.paths})), zone)
