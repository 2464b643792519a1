"""The default field mapper: a map as data, made ready once, run on every record that passes the gate."""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from wherry import entities
from wherry.entities import Entity
from wherry.errors import ContractBroken, Rejected, WherryError
from wherry.expressions import Expression, Scope
from wherry.mapping.layers import Entry
from wherry.mapping.plan import Body, Making, Paths, Plan, Row
from wherry.mapping.shapes import REMEDY, targets
from wherry.records import Draft, Record, Ref, Skip
from wherry.transforms import text, yes_no
from wherry.triggers import Trigger
from wherry.wording import a

_PLACE = re.compile(r"`\$((?:\.\w+|\[\.\.\.\]|\[\d+\])+)`")
_INDEX = re.compile(r"\[[^\]]*\]")
_LABELS = ("name", "subject", "number", "code", "reference")
_LONGEST_REASON = 300

Reference = dict[str, str]


class MapMapper:
    """A FieldMapper over plans. ``residue`` is what ``round_money`` has cut so far: currency → unrounded
    minus rounded, in major units. Safe to use from several threads."""

    def __init__(
        self,
        kind: str,
        trigger: Trigger,
        plan: Plan,
        by_pipeline: Mapping[str, Plan],
        shapes: dict[str, type[Entity]],
        fingerprint: str,
        amount: Expression | None = None,
    ) -> None:
        self.kind, self.fingerprint, self._amount = kind, fingerprint, amount
        self.trigger, self.plan, self.by_pipeline, self.shapes = trigger, plan, by_pipeline, shapes
        self.residue: dict[str, Decimal] = {}
        self._adding = threading.Lock()
        self._plans = [plan, *by_pipeline.values()]
        self._fields = _fields_of(self._plans, kind, trigger, amount)

    @property
    def fields(self) -> Mapping[str, tuple[str, ...]]:
        """Record kind → the source fields that the map and the gate use, in order; ids are not among them."""
        return self._fields

    @property
    def root(self) -> str:
        """The entity of the root drafts; of several, the one that is made where no condition says another."""
        return self.plan.makings[-1].entity

    @property
    def roots(self) -> tuple[str, ...]:
        """Every entity that a root draft may have, in any pipeline: of a record exactly one of them is made."""
        return tuple(dict.fromkeys(making.entity for plan in self._plans for making in plan.roots))

    @property
    def entities(self) -> tuple[str, ...]:
        """Every entity that is made, in any pipeline."""
        return tuple(dict.fromkeys(making.entity for plan in self._plans for making in plan.makings))

    def relatives(self, entities: Collection[str]) -> dict[str, tuple[str, ...]]:
        """The relatives (kind → fields) that drafts of these entities are made from."""
        wanted = {
            k for plan in self._plans for making in plan.makings if making.entity in entities for k in making.kinds
        }
        return {kind: fields for kind, fields in self._fields.items() if kind in wanted and kind != self.kind}

    def triggers(self, records: Sequence[Record]) -> list[Skip | None]:
        """The gate's answers, each skip with the amount that the record is about."""
        reasons = self.trigger.reasons(records)
        return [
            None if reason is None else self._skip(record, reason)
            for record, reason in zip(records, reasons, strict=True)
        ]

    def map(self, record: Record) -> list[Draft] | Skip:
        """The drafts of a complete record, others before the root, equal keys once; or why nothing is made of it.

        Raises Rejected naming record, target field and source path, or the filter that cannot be told;
        ContractBroken when a transform of a plugin raises anything but ValueError or Rejected.
        """
        self.trigger.check(record)
        work = _Work(self._plan_of(record), record, self.shapes)
        if reason := work.unwanted():
            return self._skip(record, reason)
        drafts: dict[tuple[str, str], Draft] = {}
        for draft in work.drafts():
            drafts.setdefault((draft.entity, draft.key), draft)
        if work.scope.residue:
            self._add(work.scope.residue)
        return list(drafts.values())

    def _plan_of(self, record: Record) -> Plan:
        if not self.by_pipeline:
            return self.plan
        return self.by_pipeline.get(str(record.fields.get(self.trigger.pipeline_field) or ""), self.plan)

    def _skip(self, record: Record, reason: str) -> Skip:
        void, date = self.trigger.is_void(record), self._of_head(self._line(record, "date"), record)
        date = date if isinstance(date, str) else ""
        amount = self._of_head(self._amount or self._line(record, "amount"), record)
        if not isinstance(amount, dict):
            return Skip(reason, void=void, date=date)
        return Skip(reason, amount["minor"], amount["currency"], void, date)

    def _of_head(self, line: Expression | None, record: Record) -> Any:
        """What a line of the map says of a record without its relatives; None where it needs those, or cannot be told:
        that is no reason to stop, since the record goes no further anyway."""
        if line is None or record.gone or any(kind != self.kind for kind, _ in line.paths):
            return None
        scope = Scope()
        scope.enter(record)
        try:
            return line.evaluate(scope)
        except Exception:
            return None

    def _line(self, record: Record, field: str) -> Expression | None:
        """The root draft's field of that name."""
        line = self._plan_of(record).makings[-1].body.lines.get(field)
        return line[0] if line else None

    def _add(self, residue: Mapping[str, Decimal]) -> None:
        with self._adding:
            for currency, rest in residue.items():
                self.residue[currency] = self.residue.get(currency, Decimal(0)) + rest


def explain(mapper: MapMapper) -> list[Row]:
    """Every line of the map as people see it: target, expression, where it comes from; named maps after the
    main one."""
    plans = {id(plan): plan for plan in (mapper.plan, *mapper.by_pipeline.values())}
    return [row for plan in plans.values() for row in plan.rows]


def _fields_of(
    plans: Sequence[Plan], kind: str, trigger: Trigger, amount: Expression | None
) -> dict[str, tuple[str, ...]]:
    used: dict[str, set[str]] = {kind: set(trigger.fields)}
    for owner, name in amount.paths if amount else ():
        used.setdefault(owner, set()).add(name)
    for plan in plans:
        for name, fields in plan.fields.items():
            used.setdefault(name, set()).update(fields)
    return {name: tuple(sorted(fields)) for name, fields in used.items()}


class _Work:
    """One record on its way to drafts."""

    def __init__(self, plan: Plan, record: Record, shapes: dict[str, type[Entity]]) -> None:
        self.plan, self.record, self.shapes = plan, record, shapes
        self.scope = Scope()
        self.scope.enter(record)
        self._views: dict[str, list[Scope]] = {}
        self._root = next((root for root in plan.roots if self._holds(root, self.scope)), plan.roots[-1])

    def unwanted(self) -> str:
        """Why the map makes nothing of the record; empty where it does."""
        skip = self._root.skip
        return (self._value(skip, self.scope, self._root.entity, "skip") or "").strip() if skip else ""

    def drafts(self) -> Iterator[Draft]:
        """Every draft gets its key before any gets its body, so that they can refer to one another in any order."""
        for making in self.plan.single:
            made = not making.root or making is self._root
            self.scope.refs[making.entity] = self._reference(making, self.scope) if made else None
        for making in self.plan.several:
            for scope in self._each(making.kind):
                scope.refs[making.entity] = self._reference(making, scope)
        for making in self.plan.makings:
            for scope in self._each(making.kind) if making.each else (self.scope,):
                if (reference := scope.refs[making.entity]) is not None:
                    yield self._draft(making, reference["key"], scope)

    def _each(self, kind: str) -> list[Scope]:
        """The view from each relative of a kind; what else is made from the same relative can be referred to
        there."""
        views = self._views.get(kind)
        if views is None:
            relatives = self.record.relatives.get(kind, ())
            views = self._views[kind] = [self.scope.inside(relative) for relative in relatives]
        return views

    def _holds(self, making: Making, scope: Scope) -> bool:
        return making.when is None or self._is_so(making.when, scope, making.entity, "when")

    def _is_so(self, condition: Expression, scope: Scope, entity: str, part: str) -> bool:
        try:
            return yes_no(condition.evaluate(scope)) is True
        except Exception as error:
            raise self._unreadable(error, f"{entity} ({part})", condition) from error

    def _reference(self, making: Making, scope: Scope) -> Reference | None:
        if making.kind not in scope.fields:
            return self._absent(making)
        if not self._holds(making, scope):
            return None
        if key := self._value(making.key, scope, making.entity, "key"):
            return {"entity": making.entity, "key": key}
        if making.optional:
            return None
        raise Rejected(
            f"{self.record.kind} {self.record.id}: nothing identifies its {making.entity}: "
            f"{_named(making.key)} is empty",
            fix=f"fill {_named(making.key)} at the source, then sync the record again",
            code="WHERRY-4204",
            record=f"{self.record.kind} {self.record.id}",
            field=making.entity,
            source=_named(making.key),
        )

    def _absent(self, making: Making) -> Reference | None:
        if making.optional:
            return None
        raise Rejected(
            f"{self.record.kind} {self.record.id} has no {making.kind}, from which its {making.entity} is made",
            fix=f"give it {a(making.kind)} at the source, then sync the record again",
            code="WHERRY-4203",
            record=f"{self.record.kind} {self.record.id}",
            field=making.entity,
            source=making.kind,
        )

    def _draft(self, making: Making, key: str, scope: Scope) -> Draft:
        body = self._fill(making.body, scope, making.entity)
        for name, kind, elements in making.lists:
            body[name] = [self._fill(elements, inner, f"{making.entity}.{name}") for inner in self._each(kind)]
        plain = self._checked(making, body)
        label = self._value(making.label, scope, making.entity, "label") if making.label else None
        file = self._value(making.file, scope, making.entity, "file") if making.file else None
        return Draft(
            entity=making.entity,
            key=key,
            body=plain,
            label=label or next((plain[name] for name in _LABELS if plain.get(name)), key),
            root=making.root,
            reference=making.reference,
            refs=_refs(making, plain),
            file=file or "",
            void=making.void is not None and self._is_so(making.void, scope, making.entity, "void"),
        )

    def _fill(self, body: Body, scope: Scope, entity: str) -> dict[str, Any]:
        filled: dict[str, Any] = {}
        for kind, pairs in body.paths:
            if found := scope.fields.get(kind):
                for name, path in pairs:
                    if (value := found.get(path)) is not None:
                        filled[name] = value
        below = name = ""
        custom = _sent(body.custom_paths, scope)
        try:
            for name, evaluate in body.fields:
                if (value := evaluate(scope)) is not None:
                    filled[name] = value
            below = "custom."
            for name, evaluate in body.custom:
                if (value := evaluate(scope)) is not None:
                    custom[name] = text(value) if isinstance(value, Decimal) else value
        except Exception as error:
            raise self._unreadable(error, f"{entity}.{below}{name}", *body.lines[f"{below}{name}"]) from error
        if custom:
            filled["custom"] = custom
        if blank := next((name for name in body.required if _blank(filled.get(name))), ""):
            raise self._empty(f"{entity}.{blank}", *body.lines[blank])
        return filled

    def _value(self, expression: Expression, scope: Scope, entity: str, part: str) -> str | None:
        try:
            return text(expression.evaluate(scope))
        except Exception as error:
            raise self._unreadable(error, f"{entity} ({part})", expression) from error

    def _unreadable(self, error: Exception, target: str, line: Expression, entry: Entry | None = None) -> WherryError:
        where = f"{self.record.kind} {self.record.id}"
        if not isinstance(error, Rejected | ValueError):
            return ContractBroken(
                f"{where}: a transform of {target} failed with {type(error).__name__}: {_short(error)} ({line.text})",
                fix="a transform may raise ValueError or Rejected; tell the author of the plugin that registers it",
                code="WHERRY-1121",
                record=where,
                field=target,
            )
        return Rejected(
            f"{where}: {target} cannot be made from {_named(line)}: {_short(error)}",
            fix=getattr(error, "fix", "") or f"correct {_named(line)} at the source, or change the map's line",
            code=getattr(error, "code", "WHERRY-4202"),
            record=where,
            field=target,
            source=_named(line),
            line=entry.key if entry else "",
        )

    def _empty(self, target: str, line: Expression, entry: Entry) -> Rejected:
        where = f"{self.record.kind} {self.record.id}"
        return Rejected(
            f"{where}: {target} is required, and {_named(line)} is empty",
            fix=f"fill {_named(line)} at the source, or give the map another source for it: "
            f"first({line.text}, 'unnamed')",
            code="WHERRY-4201",
            record=where,
            field=target,
            source=_named(line),
            line=entry.key,
        )

    def _checked(self, making: Making, body: dict[str, Any]) -> dict[str, Any]:
        try:
            return entities.check(making.entity, body, self.shapes)
        except ValueError as error:
            raise self._refused_by_shape(making, str(error)) from None

    def _refused_by_shape(self, making: Making, problem: str) -> Rejected:
        """msgspec ends its messages with the place, such as "- at `$.lines[...].quantity`": that names the
        line."""
        where = f"{self.record.kind} {self.record.id}"
        place = _PLACE.search(problem)
        name = _INDEX.sub("", place.group(1)).lstrip(".") if place else ""
        line, target, remedy = _line_of(making, name, self.shapes[making.entity])
        source = _named(line[0]) if line else ""
        return Rejected(
            f"{where}: {target} does not take what {source or 'the map'} gives: {_PLACE.sub(name, problem)}",
            fix=remedy,
            code="WHERRY-4206",
            record=where,
            field=target,
            source=source,
            line=line[1].key if line else "",
        )


def _sent(paths: Paths, scope: Scope) -> dict[str, Any]:
    """The bare paths below ``custom``: what the source did not send stays unset; sent as null it is null, sent
    as "" it is empty."""
    custom: dict[str, Any] = {}
    for kind, pairs in paths:
        if found := scope.fields.get(kind):
            for name, path in pairs:
                if path in found:
                    value = found[path]
                    custom[name] = text(value) if isinstance(value, Decimal) else value
    return custom


def _blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _short(error: Exception) -> str:
    said = str(error)
    return said if len(said) <= _LONGEST_REASON else f"{said[:_LONGEST_REASON]}…"


def _named(expression: Expression) -> str:
    return ", ".join(f"{kind}.{name}" for kind, name in expression.paths) or expression.text


def _refs(making: Making, body: Mapping[str, Any]) -> tuple[Ref, ...]:
    """What the draft needs, each once, in the order of its fields."""
    if not making.body.pointers and not making.lists:
        return ()
    found = [body.get(name) for name in making.body.pointers]
    for field, _, elements in making.lists:
        found += [line.get(name) for line in body.get(field, ()) for name in elements.pointers]
    return tuple(dict.fromkeys(Ref(ref["entity"], ref["key"]) for ref in found if ref and isinstance(ref, dict)))


def _line_of(making: Making, name: str, shape: type[Entity]) -> tuple[tuple[Expression, Entry] | None, str, str]:
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
