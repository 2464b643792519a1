"""The expressions of field maps, parsed once into closures: paths, constants and named transforms, nothing
else.

``deal.dealname`` · ``money(deal.amount, deal.deal_currency_code)`` · ``first(deal["my-field"], 'none')`` ·
``ref(customer)``. Python's own parser reads them; every node that is not one of these is refused while the
flow is wired (case G16).
"""

from __future__ import annotations

import ast
import difflib
import functools
import inspect
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from msgspec import Struct, field

from wherry import transforms
from wherry.errors import ConfigError
from wherry.scopes import Column, Scope
from wherry.transforms import RESULTS, Transform, zone_of

LONGEST, MOST_NODES = 1_000, 200

UNKNOWN_FIELD = "WHERRY-2204"
"""The code of an error that a source field made a moment ago would cure."""


class Words(Struct, frozen=True):
    """What an expression may say, at one place of a map. ``elsewhere`` explains references that exist but not
    here."""

    kinds: frozenset[str]
    transforms: Mapping[str, Transform]
    counting: Mapping[str, Transform]
    refs: frozenset[str] = frozenset()
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    source_fields: Mapping[str, frozenset[str]] = field(default_factory=dict)
    plugins: frozenset[str] = frozenset()
    """The transforms that plugins register."""


class Expression(Struct, frozen=True):
    """A compiled expression. ``result`` is what it gives, as far as can be known: ``path``, ``text``,
    ``integer``, ``boolean``, ``decimal``, ``money``, ``date``, ``reference`` or ``any``. ``path`` is set
    where it is a path and nothing else, ``text_of`` also where it is ``default(path, '')``, ``number_of`` where it is
    ``decimal(path)``."""

    text: str
    evaluate: Column
    paths: tuple[tuple[str, str], ...]
    refs: tuple[str, ...]
    result: str
    path: tuple[str, str] | None = None
    text_of: tuple[str, str] | None = None
    number_of: tuple[str, str] | None = None
    counts: bool = False
    """Whether residue is counted where it is evaluated."""

    @property
    def named(self) -> str:
        """The paths it reads, for people; itself where it reads none."""
        return ", ".join(f"{kind}.{name}" for kind, name in self.paths) or self.text


def compile_expression(text: str, words: Words, key: str) -> Expression:
    """The expression as a closure over a Scope. Raises ConfigError that names ``key`` and what would be
    allowed."""
    return _Compiler(words, text, key).compile()


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``; did you mean 'x'?`` for a misspelt word, else nothing."""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {found[0]!r}?" if found else ""


@functools.lru_cache(maxsize=4096)
def parse(text: str, key: str, code: str = "WHERRY-2201") -> ast.expr:
    """Python's tree of one expression, within the caps on length and nodes. Raises ConfigError."""
    if len(text) > LONGEST:
        raise ConfigError(
            f"{key}: the expression has {len(text)} characters, at most {LONGEST} are read",
            fix="shorten it, or register a transform in a plugin of your own",
            code=code,
            key=key,
        )
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ConfigError(
            f"{key}: {text!r} is not an expression",
            fix="write a path such as deal.dealname or a call such as money(deal.amount); a field whose name is "
            'no plain word is written deal["its name"], a fixed text has quotes of its own: "\'service\'"',
            code=code,
            key=key,
        ) from None
    if sum(1 for _ in ast.walk(tree)) > MOST_NODES:
        raise ConfigError(f"{key}: the expression has too many parts", fix="split it up", code=code, key=key)
    return tree


def path_of(node: ast.expr) -> tuple[str, str] | None:
    """(kind, field) of ``kind.field`` or ``kind["field"]``; None for any other node."""
    match node:
        case ast.Attribute(value=ast.Name(id=kind), attr=name):
            return kind, name
        case ast.Subscript(value=ast.Name(id=kind), slice=ast.Constant(value=str(name))):
            return kind, name
    return None


def known_path(path: tuple[str, str], kinds: Collection[str], fields: Mapping[str, frozenset[str]], key: str) -> None:
    """Refuse a path to a kind, or to a field of a described kind, that there is not."""
    kind, name = path
    if kind not in kinds:
        raise ConfigError(
            f"{key}: there is no {kind!r} here{did_you_mean(kind, kinds)}",
            fix=f"a path starts with one of: {', '.join(sorted(kinds))}",
            code="WHERRY-2202",
            key=key,
            allowed=sorted(kinds),
        )
    known = fields.get(kind)
    if known and name != "id" and name not in known:
        raise ConfigError(
            f"{key}: the source's {kind} has no field {name!r}{did_you_mean(name, known)}",
            fix=f"use a field that it describes for {kind}: one that the sign-in may not read is not among them",
            code=UNKNOWN_FIELD,
            key=key,
        )


class _Compiler:
    def __init__(self, words: Words, text: str, key: str) -> None:
        self.words, self.text, self.key = words, text, key
        self.paths: dict[tuple[str, str], None] = {}
        self.refs: dict[str, None] = {}
        self.counts = False

    def compile(self) -> Expression:
        tree = parse(self.text, self.key)
        evaluate, result = self._node(tree)
        path, text = path_of(tree), self._alone(tree, "default", transforms.default, "")
        number = self._alone(tree, "decimal", transforms.number)
        return Expression(
            self.text, evaluate, tuple(self.paths), tuple(self.refs), result, path, text or path, number, self.counts
        )

    def _alone(self, node: ast.expr, name: str, transform: Transform, *others: str) -> tuple[str, str] | None:
        """The field that is all that a transform of the core is given, but for these constants."""
        match node:
            case ast.Call(func=ast.Name(id=said), args=[value, *rest]) if said == name:
                own = self.words.transforms.get(name) is transform
                same = [getattr(one, "value", None) for one in rest] == [*others]
                return path_of(value) if own and same else None
        return None

    def _node(self, node: ast.expr) -> tuple[Column, str]:
        if path := path_of(node):
            return self._path(path), "path"
        match node:
            case ast.Constant(value=bool(value)):
                return _constant(value), "boolean"
            case ast.Constant(value=str(value)):
                return _constant(value), "text"
            case ast.Constant(value=int(value)):
                return _constant(value), "integer"
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(value))):
                return _constant(-value), "integer"
            case ast.Call(func=ast.Name(id="ref"), args=arguments, keywords=[]):
                return self._ref(arguments), "reference"
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self._call(name, arguments)
        raise self._refused(node)

    def _path(self, path: tuple[str, str]) -> Column:
        known_path(path, self.words.kinds, self.words.source_fields, self.key)
        self.paths[path] = None
        kind, name = path
        if name == "id":
            return lambda scope: [None if one is None else one.id for one in scope.seen(kind)]
        return lambda scope: [found.get(name) for found in scope.fields(kind)]

    def _ref(self, arguments: list[ast.expr]) -> Column:
        if len(arguments) != 1 or not isinstance(arguments[0], ast.Name):
            raise self._error("ref takes the name of one entity of this map, as in ref(customer)", "WHERRY-2206")
        entity = arguments[0].id
        if entity not in self.words.refs:
            why = self.words.elsewhere.get(entity) or f"no entity {entity!r}{did_you_mean(entity, self.words.refs)}"
            raise self._error(f"ref({entity}): {why}", "WHERRY-2209", allowed=sorted(self.words.refs))
        self.refs[entity] = None
        return lambda scope: scope.refs(entity)

    def _call(self, name: str, arguments: list[ast.expr]) -> tuple[Column, str]:
        transform = self.words.transforms.get(name)
        counting = self.words.counting.get(name) if transform is None else None
        if transform is None and counting is None:
            known = sorted({*self.words.transforms, *self.words.counting, "ref"})
            raise self._error(f"no transform {name!r}{did_you_mean(name, known)}", "WHERRY-2203", allowed=known)
        compiled = [self._node(argument) for argument in arguments]
        self._check_arguments(name, transform or counting, arguments, extra=transform is None)
        functions = [evaluate for evaluate, _ in compiled]
        result = RESULTS.get(name) or _common([kind for _, kind in compiled], known=name in ("default", "first"))
        if transform is transforms.first and all(map(self._never_fails, arguments)):
            return _first(functions), result
        if transform is not None:
            return (_timed if name in self.words.plugins else _applied)(transform, functions), result
        assert counting is not None
        self.counts = True
        return lambda scope: _applied(partial(counting, scope.residue), functions)(scope), result

    def _never_fails(self, node: ast.expr) -> bool:
        """Whether it can be left out of the reckoning where it is not needed."""
        match node:
            case ast.Constant() | ast.Attribute() | ast.Subscript():
                return True
            case ast.Call(func=ast.Name(id="ref")):
                return True
            case ast.Call(func=ast.Name(id="join"), args=parts) if self.words.transforms["join"] is transforms.join:
                return all(isinstance(part, ast.Constant) or path_of(part) for part in parts)
        return False

    def _check_arguments(self, name: str, function: Any, arguments: list[ast.expr], *, extra: bool) -> None:
        if (wanted := _misfit(function, len(arguments), extra=extra)) is not None:
            raise self._error(f"{name} takes ({wanted}), not {len(arguments)} arguments", "WHERRY-2206")
        if name == "date" and len(arguments) > 1:
            self._check_zone(arguments[1])

    def _check_zone(self, node: ast.expr) -> None:
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            raise self._error(
                "the time zone of date(…) is a fixed text, as in date(deal.closedate, 'UTC')", "WHERRY-2206"
            )
        zone_of(node.value, self.key)

    def _refused(self, node: ast.expr) -> ConfigError:
        if isinstance(node, ast.Name):
            if node.id in self.words.kinds:
                return self._error(f"{node.id!r} is a record; name a field of it, as in {node.id}.name", "WHERRY-2201")
            return self._error(
                f"{node.id!r} is neither a path nor quoted; a fixed text is written \"'{node.id}'\"",
                "WHERRY-2201",
            )
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            return self._error(f"{node.value} is not exact; write decimal('{node.value}')", "WHERRY-2201")
        part = ast.get_source_segment(self.text.strip(), node) or self.text
        if isinstance(node, ast.Attribute):
            return self._error(f"{part!r} reaches too deep: a path is a record and one field of it", "WHERRY-2201")
        return self._error(f"{part!r} is not allowed here", "WHERRY-2201")

    def _error(self, problem: str, code: str, **where: Any) -> ConfigError:
        return ConfigError(
            f"{self.key}: {problem}",
            fix="a map has paths (deal.dealname), fixed texts and whole numbers, ref(entity), and the transforms: "
            + ", ".join(sorted({*self.words.transforms, *self.words.counting})),
            code=code,
            key=self.key,
            **where,
        )


def _misfit(function: Any, count: int, *, extra: bool) -> str | None:
    """The parameters of a transform that does not take so many arguments; None if it does, or cannot be asked."""
    try:
        signature = inspect.signature(function)
    except ValueError:
        return None
    try:
        signature.bind(*([None] * (count + extra)))
    except TypeError:
        return ", ".join(list(signature.parameters)[extra:])
    return None


def _constant(value: Any) -> Column:
    return lambda scope: [value] * len(scope.own)


def _first(functions: list[Column]) -> Column:
    """``first``, of each row no further than to the one it takes."""

    def evaluate(scope: Scope) -> Sequence[Any]:
        values = functions[0](scope)
        for function in functions[1:]:
            if None not in values and "" not in values:
                break
            empty = [row for row, value in enumerate(values) if value is None or value == ""]
            found = dict(zip(empty, function(scope.only(empty)), strict=True))
            values = [found.get(row, value) for row, value in enumerate(values)]
        return values

    return evaluate


def _applied(transform: Transform, functions: list[Column]) -> Column:
    if not functions:
        return lambda scope: [transform() for _ in scope.own]
    return lambda scope: list(map(transform, *[function(scope) for function in functions]))


def _timed(transform: Transform, functions: list[Column]) -> Column:
    """The same of a transform that is a plugin's: each call may take its time, and is heard of."""

    def evaluate(scope: Scope) -> Sequence[Any]:
        def called(*given: Any) -> Any:
            scope.begin()
            return transform(*given)

        return _applied(called, functions)(scope)

    return evaluate


def _common(results: list[str], *, known: bool) -> str:
    """What ``default`` and ``first`` give: what their arguments agree on. Other transforms may give anything."""
    distinct = set(results)
    if not known or not distinct:
        return "any"
    if distinct == {"path", "text"}:
        return "text"
    return distinct.pop() if len(distinct) == 1 else "any"
