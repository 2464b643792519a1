"""The careful way of a record to its drafts: line by line, every body checked against its shape, and for whatever is
wrong the words that name the record, the target field and the source path."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from wherry import entities
from wherry.entities import Entity
from wherry.errors import ContractBroken, Rejected, WherryError
from wherry.expressions import Expression
from wherry.mapping.layers import Line
from wherry.mapping.plan import Body, Making, Plan
from wherry.mapping.shapes import REMEDY, targets
from wherry.mapping.straight import is_field
from wherry.mapping.work import Work
from wherry.records import Record
from wherry.scopes import Begin, Scope
from wherry.transforms import text

_PLACE = re.compile(r"`\$((?:\.\w+|\[\.\.\.\]|\[\d+\])+)`")
_INDEX = re.compile(r"\[[^\]]*\]")
_LONGEST_REASON = 300
_CUSTOM = "custom."


class CarefulWork(Work):
    """Takes of one record what the straight way does not, and raises Rejected, or ContractBroken for the fault of a
    transform."""

    def __init__(self, plan: Plan, record: Record, shapes: dict[str, type[Entity]], begin: Begin = bool) -> None:
        self.shapes = shapes
        super().__init__(plan, [record], {}, begin, careful=True)

    def bodies(self, making: Making, scope: Scope) -> list[dict[str, Any]]:
        bodies = self._fill(making.body, scope, making.entity)
        for name, kind, elements in making.lists:
            for body in bodies:
                body[name] = self._fill(elements, self.each(kind), f"{making.entity}.{name}")
        return [self._checked(making, body) for body in bodies]

    def _checked(self, making: Making, body: dict[str, Any]) -> dict[str, Any]:
        try:
            return entities.check(making.entity, body, self.shapes)
        except ValueError as error:
            raise self._refused_by_shape(making, str(error)) from None

    def texts(self, expression: Expression | None, scope: Scope, entity: str, part: str) -> Sequence[str | None]:
        try:
            return super().texts(expression, scope, entity, part)
        except Exception as error:
            assert expression is not None
            raise self._unreadable(error, f"{entity} ({part})", expression) from error

    def are_so(self, condition: Expression, scope: Scope, entity: str, part: str) -> list[bool]:
        try:
            return super().are_so(condition, scope, entity, part)
        except Exception as error:
            raise self._unreadable(error, f"{entity} ({part})", condition) from error

    def _fill(self, body: Body, scope: Scope, entity: str) -> list[dict[str, Any]]:
        return [self._filled(body, scope.only([row]), entity) for row in range(len(scope.own))]

    def _filled(self, body: Body, scope: Scope, entity: str) -> dict[str, Any]:
        filled: dict[str, Any] = {}
        custom: dict[str, Any] = {}
        for name, (expression, line) in body.lines.items():
            try:
                [value] = expression.evaluate(scope)
                if name.startswith(_CUSTOM):
                    if value is not None or _is_sent(expression, scope):
                        custom[name.removeprefix(_CUSTOM)] = text(value) if isinstance(value, Decimal) else value
                elif value is not None:
                    filled[name] = value
            except Exception as error:
                raise self._unreadable(error, f"{entity}.{name}", expression, line) from error
        if custom:
            filled["custom"] = custom
        if blank := next((name for name in body.required if _blank(filled.get(name))), ""):
            raise self._empty(f"{entity}.{blank}", *body.lines[blank])
        return filled

    # -- what is wrong -----------------------------------------------------------------------------------------------

    def _unreadable(
        self, error: Exception, target: str, expression: Expression, line: Line | None = None
    ) -> WherryError:
        where = f"{self.record.kind} {self.record.id}"
        if not isinstance(error, Rejected | ValueError):
            return ContractBroken(
                f"{where}: a transform of {target} failed with {type(error).__name__}: {_short(error)} "
                f"({expression.text})",
                fix="a transform may raise ValueError or Rejected; tell the author of the plugin that registers it",
                code="WHERRY-1121",
                record=where,
                field=target,
            )
        return Rejected(
            f"{where}: {target} cannot be made from {expression.named}: {_short(error)}",
            fix=getattr(error, "fix", "") or f"correct {expression.named} at the source, or change the map's line",
            code=getattr(error, "code", "WHERRY-4202"),
            record=where,
            field=target,
            source=expression.named,
            line=line.key if line else "",
        )

    def _empty(self, target: str, expression: Expression, line: Line) -> Rejected:
        where = f"{self.record.kind} {self.record.id}"
        return Rejected(
            f"{where}: {target} is required, and {expression.named} is empty",
            fix=f"fill {expression.named} at the source, or give the map another source for it: "
            f"first({expression.text}, 'unnamed')",
            code="WHERRY-4201",
            record=where,
            field=target,
            source=expression.named,
            line=line.key,
        )

    def _refused_by_shape(self, making: Making, problem: str) -> Rejected:
        """msgspec ends its messages with the place, such as "- at `$.lines[...].quantity`": that names the
        line."""
        where = f"{self.record.kind} {self.record.id}"
        place = _PLACE.search(problem)
        name = _INDEX.sub("", place.group(1)).lstrip(".") if place else ""
        line, target, remedy = _line_of(making, name, self.shapes[making.entity])
        source = line[0].named if line else ""
        return Rejected(
            f"{where}: {target} does not take what {source or 'the map'} gives: {_PLACE.sub(name, problem)}",
            fix=remedy,
            code="WHERRY-4206",
            record=where,
            field=target,
            source=source,
            line=line[1].key if line else "",
        )


def _is_sent(line: Expression, scope: Scope) -> bool:
    """Whether a bare path below ``custom`` was sent, if only as null: what was not stays unset, null is null."""
    return is_field(line.path) and line.path[1] in scope.fields(line.path[0])[0]


def _blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _short(error: Exception) -> str:
    said = str(error)
    return said if len(said) <= _LONGEST_REASON else f"{said[:_LONGEST_REASON]}…"


def _line_of(making: Making, name: str, shape: type[Entity]) -> tuple[tuple[Expression, Line] | None, str, str]:
    """The map's line that filled a field, the field in full, and how its value could be made to fit."""
    known, body, field = targets(shape), making.body, name
    for list_name, _, elements in making.lists:
        if name.startswith(f"{list_name}."):
            known, body, field = (
                targets(known[list_name].elements or shape),
                elements,
                name.removeprefix(f"{list_name}."),
            )
    sort = known[field].sort if field in known else "custom"
    return body.lines.get(field), f"{making.entity}.{name}".rstrip("."), REMEDY[sort]
