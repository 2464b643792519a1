"""The default field mapper: a map as data, made ready once, run on every record that passes the gate."""

from __future__ import annotations

import copy
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from wherry.entities import Entity
from wherry.errors import Rejected
from wherry.expressions import Expression
from wherry.mapping.careful import CarefulWork
from wherry.mapping.plan import Plan, Row
from wherry.mapping.work import Shared, Work
from wherry.records import Draft, Record, Skip
from wherry.scopes import Begin, Scope
from wherry.triggers import Trigger

Mapped = list[Draft] | Skip | Rejected
_AT_ONCE = 128
"""Records that are mapped together: more would lie too far apart, and one that is unusual would hold up more."""


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
        self._shared: dict[int, Shared] = {id(plan): {} for plan in self._plans}
        self._fields = _fields_of(self._plans, kind, trigger, amount)
        self._is_straight = all(making.is_straight for plan in self._plans for making in plan.makings)

    def anew(self) -> MapMapper:
        """The same map with nothing cut off yet and nothing kept: for a run of its own."""
        made = copy.copy(self)
        made.residue, made._adding, made._shared = {}, threading.Lock(), {id(plan): {} for plan in self._plans}
        return made

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
        [found] = self.map_all([record])
        if isinstance(found, Rejected):
            raise found
        return found

    def map_all(self, records: Sequence[Record], begin: Begin = bool) -> list[Mapped]:
        """The same of each of several records, what would be raised of one in its place. ``begin`` is called before
        each call of a plugin's transform, as no record is to wait for what another takes."""
        found: list[Mapped] = []
        for start in range(0, len(records), _AT_ONCE):
            found += self._together(records[start : start + _AT_ONCE], begin)
        return found

    def _together(self, records: Sequence[Record], begin: Begin) -> list[Mapped]:
        """Those that are odd go the careful way. Where rounding cut anything the others are mapped once more without
        them: what it cut of each is to be counted once."""
        found, counts = self._straightly(records, begin) if self._is_straight else ({}, False)
        odd = [record for record in records if id(record) not in found]
        if odd and counts:
            rest = [record for record in records if id(record) in found]
            found = {id(record): made for record, made in zip(rest, self._together(rest, begin), strict=True)}
        found.update((id(record), self._carefully(record, begin)) for record in odd)
        return [found[id(record)] for record in records]

    def _straightly(self, records: Sequence[Record], begin: Begin) -> tuple[dict[int, Mapped], bool]:
        """What came of those that are not odd, and whether rounding cut anything."""
        try:
            works = [Work(plan, some, self._shared[id(plan)], begin) for plan, some in self._by_plan(records)]
            found: dict[int, Mapped] = {id(record): made for work in works for record, made in self._told(work)}
        except Exception:  # whatever it was: the careful way makes something of it, or says what is wrong
            return {}, False
        if all(id(record) in found for record in records):
            for work in works:
                self._add(work.whole.residue)
                work.keep()
        return found, any(work.whole.residue for work in works)

    def _carefully(self, record: Record, begin: Begin = bool) -> Mapped:
        try:
            self.trigger.check(record)
            work = CarefulWork(self._plan_of(record), record, self.shapes, begin)
            [(_, found)] = self._told(work)
        except Rejected as error:
            return error
        self._add(work.whole.residue)
        return found

    def _told(self, work: Work) -> Iterator[tuple[Record, list[Draft] | Skip]]:
        for row, (record, made) in enumerate(zip(work.whole.own, work.made(), strict=True)):
            if row not in work.odd:
                yield record, self._skip(record, made) if isinstance(made, str) else made

    def _by_plan(self, records: Sequence[Record]) -> Iterable[tuple[Plan, list[Record]]]:
        """Every plan with the records that it is for; those of which the filter cannot be told are left out."""
        found: dict[int, tuple[Plan, list[Record]]] = {}
        for record in records:
            if self._is_told(record):
                plan = self._plan_of(record)
                found.setdefault(id(plan), (plan, []))[1].append(record)
        return found.values()

    def _is_told(self, record: Record) -> bool:
        try:
            self.trigger.check(record)
        except Rejected:
            return False
        return True

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

    def number_of(self, record: Record) -> str:
        """What people call the document that a record would become; empty where its head alone does not say it."""
        number = self._of_head(self._line(record, "number"), record)
        return number if isinstance(number, str) else ""

    def _of_head(self, line: Expression | None, record: Record) -> Any:
        """What a line of the map says of a record without its relatives; None where it needs those, or cannot be told:
        that is no reason to stop, since the record goes no further anyway."""
        if line is None or record.gone or any(kind != self.kind for kind, _ in line.paths):
            return None
        try:
            return line.evaluate(Scope(record.kind, [record]))[0]
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
