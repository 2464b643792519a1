"""A map made ready: the layers merged, every line checked against source and shape, every expression a
closure."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

from wherry.entities import Entity
from wherry.errors import ConfigError
from wherry.expressions import Expression, Words, compile_expression, did_you_mean, parse, path_of
from wherry.mapping.layers import PLUGIN, Layer, Line, Outline, dropped, lines_of
from wherry.mapping.shapes import REMEDY, TAKES, Target, targets
from wherry.mapping.straight import Straight, is_field, straight
from wherry.wording import a


class Row(Struct, frozen=True):
    """One line of a map as people see it. ``map`` is the named map it belongs to (empty: every pipeline
    without one); ``expression`` is empty where the field is dropped."""

    target: str
    expression: str
    origin: str
    required: bool = False
    map: str = ""


class Body(Struct, frozen=True):
    """How a draft's body, or one element of a list in it, is filled. ``lines`` is field → expression and where it was
    said, the body's own fields before those below ``custom``; ``straight`` fills it as most records need it, where
    the shape allows it."""

    lines: Mapping[str, tuple[Expression, Line]]
    required: tuple[str, ...]
    pointers: tuple[str, ...]
    straight: Straight | None


class Making(Struct, frozen=True, kw_only=True):
    """How the drafts of one entity are made. ``lists`` is (field, record kind of its elements, their
    body)."""

    entity: str
    kind: str
    each: bool
    root: bool
    reference: bool
    optional: bool
    key: Expression
    label: Expression | None
    file: Expression | None
    body: Body
    lists: tuple[tuple[str, str, Body], ...]
    when: Expression | None = None
    skip: Expression | None = None
    void: Expression | None = None

    @property
    def expressions(self) -> list[Expression]:
        """Everything that is said of it."""
        headers = (self.key, self.label, self.file, self.when, self.skip, self.void)
        bodies = (self.body, *(body for _, _, body in self.lists))
        return [*filter(None, headers), *(expression for body in bodies for expression, _ in body.lines.values())]

    @property
    def is_straight(self) -> bool:
        """Whether all that it fills can be filled the straight way."""
        return all(body.straight is not None for body in (self.body, *(body for _, _, body in self.lists)))

    @property
    def kinds(self) -> frozenset[str]:
        """The record kinds that a draft of this entity is made from."""
        named = {kind for expression in self.expressions for kind, _ in expression.paths}
        return frozenset({self.kind, *named, *(kind for _, kind, _ in self.lists)})

    @property
    def stands_alone(self) -> bool:
        """Whether one relative alone makes the draft, the same for every record that has it, and nothing is counted."""
        counts = any(one.refs or one.counts for one in self.expressions)
        return not (self.each or self.root or self.file or self.lists or counts) and self.kinds == {self.kind}


class Plan(Struct, frozen=True):
    """A whole map: what to make, roots last; the source fields it uses by record kind; its lines for people.
    Of ``roots`` one is made: the first whose ``when`` holds, else the last. The drafts of ``alone`` are made once for
    each relative, whichever records share it."""

    makings: tuple[Making, ...]
    roots: tuple[Making, ...]
    fields: Mapping[str, tuple[str, ...]]
    rows: tuple[Row, ...]
    alone: frozenset[str]


def kinds_of(found: Sequence[Outline]) -> frozenset[str]:
    """The record kinds that a default map knows: those it makes entities and lists from, and those its paths
    name."""
    named = {outline.kind for outline in found} | {kind for outline in found for kind in outline.lists.values()}
    for outline in found:
        for text in outline.expressions:
            nodes = ast.walk(parse(text, f"default map {outline.name}"))
            named |= {path[0] for node in nodes if isinstance(node, ast.expr) and (path := path_of(node))}
    return frozenset(named)


def make_plan(
    kind: str,
    found: Sequence[Outline],
    layers: Sequence[Layer],
    words: Words,
    shapes: Mapping[str, type[Entity]],
    name: str = "",
) -> Plan:
    """The plan of one record kind. Raises ConfigError with the key path of the line that cannot stand."""
    gone = frozenset(outline.name for outline in found if dropped(outline, layers))
    kept = [outline for outline in found if outline.name not in gone]
    planner = _Planner(kind, kept, layers, words, shapes, gone, name)
    makings = tuple(planner.making(outline) for outline in kept)
    roots = tuple(making for making in makings if making.root)
    alone = frozenset(making.entity for making in makings if making.stands_alone)
    return Plan(makings, roots, planner.fields(), tuple(planner.rows), alone)


class _Planner:
    def __init__(
        self,
        kind: str,
        kept: Sequence[Outline],
        layers: Sequence[Layer],
        words: Words,
        shapes: Mapping[str, type[Entity]],
        gone: frozenset[str],
        name: str,
    ) -> None:
        self.kind, self.kept, self.layers, self.words = kind, kept, layers, words
        self.shapes, self.gone, self.name = shapes, gone, name
        self.rows: list[Row] = []
        self.used: dict[str, set[str]] = {kind: set()}

    def fields(self) -> dict[str, tuple[str, ...]]:
        return {kind: tuple(sorted(names - {"id"})) for kind, names in sorted(self.used.items())}

    def making(self, outline: Outline) -> Making:
        shape = self._shape(outline.name)
        lines = lines_of(outline, self.kind, self.layers)
        self._check_targets(outline, shape, lines)
        self.used.setdefault(outline.kind, set())
        here = self._words(outline, outline.kind if outline.each else "")
        return Making(
            entity=outline.name, kind=outline.kind, each=outline.each, root=outline.root, reference=outline.reference,
            optional=outline.optional, key=self._header(outline, "key", outline.key, here),
            label=self._optional(outline, "label", here), file=self._optional(outline, "file", here),
            body=self._body(outline.name, "", shape, lines, here),
            lists=tuple(
                (field, each, body)
                for field, each in outline.lists.items()
                if (body := self._list(outline, field, each, lines))
            ),
            when=self._optional(outline, "when", here), skip=self._optional(outline, "skip", here),
            void=self._optional(outline, "void", here),
        )  # fmt: skip

    def _shape(self, entity: str) -> type[Entity]:
        try:
            return self.shapes[entity]
        except KeyError:
            raise ConfigError(
                f"the default map of {self.kind} makes {entity!r}, which has no shape"
                f"{did_you_mean(entity, self.shapes)}",
                fix=f"known: {', '.join(sorted(self.shapes))}; a plugin may register its own in its manifest",
                code="WHERRY-2209",
                key=f"{self.kind}.{entity}",
            ) from None

    def _words(self, outline: Outline, each: str) -> Words:
        """What may be said in this entity, or in a list of it made from ``each``. References to what the flow
        leaves out can be said: they fall away with it."""
        others = [other for other in self.kept if other.name != outline.name]
        here = {other.name for other in others if not other.each or other.kind == each}
        elsewhere = {
            other.name: f"there is one for each {other.kind}, so only a list made from {other.kind} can name it"
            for other in others
            if other.name not in here
        }
        elsewhere[outline.name] = "a draft cannot refer to itself"
        return msgspec.structs.replace(self.words, refs=frozenset(here) | self.gone, elsewhere=elsewhere)

    def _header(self, outline: Outline, part: str, text: str, words: Words) -> Expression:
        return self._note(compile_expression(text, _unchecked(words), f"default map {self.kind}.{outline.name}.{part}"))

    def _optional(self, outline: Outline, part: str, words: Words) -> Expression | None:
        text = getattr(outline, part)
        return self._header(outline, part, text, words) if text else None

    def _note(self, expression: Expression) -> Expression:
        for kind, name in expression.paths:
            self.used.setdefault(kind, set()).add(name)
        return expression

    def _list(self, outline: Outline, field: str, each: str, lines: Mapping[str, Line]) -> Body | None:
        elements = targets(self._shape(outline.name))[field].elements
        below = f"{field}."
        if elements is None or not any(line.text for path, line in lines.items() if path.startswith(below)):
            self._drop_rows(outline.name, below, lines)
            return None
        self.used.setdefault(each, set())
        return self._body(outline.name, below, elements, lines, self._words(outline, each))

    def _drop_rows(self, entity: str, below: str, lines: Mapping[str, Line]) -> None:
        gone = {line.key: line for path, line in lines.items() if path.startswith(below)}
        self.rows += [Row(f"{entity}.{below}*", "", line.origin, map=self.name) for line in gone.values()]

    def _body(self, entity: str, below: str, shape: type[Entity], lines: Mapping[str, Line], words: Words) -> Body:
        """The body of ``shape`` from the lines whose path starts with ``below`` and holds no further list."""
        known, made = targets(shape), dict[str, tuple[Expression, Line]]()
        for path, line in lines.items():
            name = path.removeprefix(below)
            if not path.startswith(below) or (name not in known and not name.startswith("custom.")):
                continue
            expression = self._expression(line, words) if line.text is not None else None
            required = name in known and known[name].required
            self.rows.append(
                Row(
                    f"{entity}.{path}",
                    expression.text if expression else "",
                    line.origin,
                    required,
                    self.name,
                )
            )
            if expression:
                self._check_sort(known[name].sort if name in known else "custom", expression, f"{entity}.{path}", line)
                made[name] = expression, line
        self._check_required(entity, below, known, made, lines)
        return _body_of(made, known, shape)

    def _expression(self, line: Line, words: Words) -> Expression | None:
        words = _unchecked(words) if line.origin == PLUGIN else words
        expression = compile_expression(line.text or "", words, line.key)
        lost = self.gone.intersection(expression.refs)
        if not lost:
            return self._note(expression)
        if line.origin == PLUGIN:
            return None
        raise ConfigError(
            f"{line.key}: it refers to the {min(lost)}, which this flow leaves out",
            fix=f"drop this line too, or bring the {min(lost)} back",
            code="WHERRY-2209",
            key=line.key,
        )

    def _check_targets(self, outline: Outline, shape: type[Entity], lines: Mapping[str, Line]) -> None:
        allowed = _allowed(outline, shape)
        for path, line in lines.items():
            head, custom, name = path.rpartition("custom.")
            if path in allowed or (custom and name and head.rstrip(".") in ("", *outline.lists)):
                continue
            raise ConfigError(
                f"{line.key}: {a(outline.name)} has no field {path!r}{did_you_mean(path, allowed)}",
                fix=f"its fields are: {', '.join(sorted(allowed))}; a field of your own is custom.<name>",
                code="WHERRY-2205",
                key=line.key,
                allowed=sorted(allowed),
            )

    def _check_sort(self, sort: str, expression: Expression, target: str, line: Line) -> None:
        if expression.result not in TAKES[sort]:
            raise ConfigError(
                f"{line.key}: {target} takes {'a ' if sort == 'reference' else ''}{sort}, "
                f"and {expression.text} does not give that",
                fix=REMEDY[sort],
                code="WHERRY-2208",
                key=line.key,
            )

    def _check_required(
        self,
        entity: str,
        below: str,
        known: Mapping[str, Target],
        made: Mapping[str, tuple[Expression, Line]],
        lines: Mapping[str, Line],
    ) -> None:
        for target in known.values():
            if target.required and target.name not in made:
                line = lines.get(f"{below}{target.name}")
                key = line.key if line else f"default map {self.kind}.{entity}"
                raise ConfigError(
                    f"{key}: {entity}.{below}{target.name} is required, so a map must fill it",
                    fix="give it an expression; where the source has none, a fixed text does: \"'unnamed'\"",
                    code="WHERRY-2207",
                    key=key,
                )


def _unchecked(words: Words) -> Words:
    """A default map names what the vendor's standard has; an account that lacks some of it can still be read."""
    return msgspec.structs.replace(words, source_fields={})


def _allowed(outline: Outline, shape: type[Entity]) -> set[str]:
    known = targets(shape)
    plain = {name for name, target in known.items() if target.elements is None}
    lists = {name: target.elements for name, target in known.items() if target.elements and name in outline.lists}
    return plain | {f"{name}.{below}" for name, elements in lists.items() for below in targets(elements)}


def _body_of(made: Mapping[str, tuple[Expression, Line]], known: Mapping[str, Target], shape: type[Entity]) -> Body:
    lines = dict(sorted(made.items(), key=lambda one: (one[0] not in known, not is_field(one[1][0].path))))
    lists = tuple(name for name, target in known.items() if target.elements)
    return Body(
        lines,
        tuple(name for name in made if name in known and known[name].required),
        tuple(name for name in made if name in known and known[name].sort == "reference"),
        straight(shape, {name: expression for name, (expression, _) in lines.items()}, lists),
    )
