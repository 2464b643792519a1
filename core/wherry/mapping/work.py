"""Records on their way to drafts, by the plan of their map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Any

from wherry.errors import Rejected
from wherry.expressions import Expression
from wherry.mapping.plan import Making, Plan
from wherry.mapping.straight import TEXTS, Straight, UnusualError
from wherry.records import Draft, Record, Ref
from wherry.scopes import Begin, Reference, Scope
from wherry.transforms import text, yes_no
from wherry.wording import a

_MOST_KEPT = 512
_EMPTY = b"{}"
_LABELS = ("name", "subject", "number", "code", "reference")

Shared = dict[tuple[str, str, bytes], Draft]
"""Entity, and of a relative the id and what it was sent with → the draft made of it."""


class Work:
    """The straight way. What it makes of the records that are marked as odd is for nobody; so are its errors, which
    name ``record``, the first of them: on the careful way it is the only one."""

    def __init__(
        self, plan: Plan, records: Sequence[Record], shared: Shared, begin: Begin = bool, *, careful: bool = False
    ) -> None:
        self.plan, self.record, self._shared = plan, records[0], shared
        self.odd: set[int] = set()
        self._new: Shared = {}
        self.whole = self.head = Scope(self.record.kind, records, begin=begin, odd=None if careful else self.odd)
        self._each: dict[str, Scope] = {}

    def made(self) -> list[list[Draft] | str]:
        """Of each record its drafts, others before the root, equal keys once; or why nothing is made of it."""
        found: list[list[Draft] | str] = [""] * len(self.whole.own)
        for root, rows in self._roots():
            reasons = self._reasons(root, self.whole.only(rows))
            for row, reason in zip(rows, reasons, strict=True):
                found[row] = reason
            wanted = [row for row, reason in zip(rows, reasons, strict=True) if not reason]
            self.head, self._each = self.whole.only(wanted), {}
            for row, drafts in zip(wanted, self._drafts(root), strict=True):
                found[row] = drafts
        return found

    def _roots(self) -> list[tuple[Making, list[int]]]:
        """Every root with the records that it is made of: the first that holds."""
        rest, found = [*range(len(self.whole.own))], []
        for root in self.plan.roots[:-1]:
            holds = self._holds(root, self.whole.only(rest))
            found.append((root, [row for row, so in zip(rest, holds, strict=True) if so]))
            rest = [row for row, so in zip(rest, holds, strict=True) if not so]
        return [(root, rows) for root, rows in (*found, (self.plan.roots[-1], rest)) if rows]

    def _reasons(self, root: Making, scope: Scope) -> list[str]:
        """Why the map makes nothing of a record; empty where it does."""
        return [(said or "").strip() for said in self.texts(root.skip, scope, root.entity, "skip")]

    def _drafts(self, root: Making) -> list[list[Draft]]:
        """Every draft gets its key before any gets its body, so that they can refer to one another in any order."""
        made = [making for making in self.plan.makings if not making.root or making is root]
        for making in sorted(made, key=lambda one: one.each):
            scope = self.each(making.kind) if making.each else self.head
            scope.refer(making.entity, self._references(making, scope))
        found: list[dict[tuple[str, str], Draft]] = [{} for _ in self.head.own]
        for making in made:
            scope = self.each(making.kind) if making.each else self.head
            rows = [row for row, one in enumerate(scope.refs(making.entity)) if one is not None]
            way = self._once if making.entity in self.plan.alone else self._of
            for row, draft in zip(rows, way(making, scope.only(rows)) if rows else (), strict=True):
                found[scope.rows[row] if making.each else row].setdefault((draft.entity, draft.key), draft)
        return [[*drafts.values()] for drafts in found]

    def each(self, kind: str) -> Scope:
        """Every relative of a kind; what else is made from the same relative can be referred to there."""
        if kind not in self._each:
            self._each[kind] = self.head.below(kind)
        return self._each[kind]

    # -- how a value is come by, which the careful way knows more words for ------------------------------------------

    def bodies(self, making: Making, scope: Scope) -> list[dict[str, Any]]:
        """The bodies in canonical form."""
        lists: dict[str, list[list[dict[str, Any]] | None]] = {}
        for name, kind, elements in making.lists:
            if elements.straight is None:
                raise UnusualError(name)
            lists[name] = self._list(elements.straight, self.each(kind), scope)
        if making.body.straight is None:
            raise UnusualError(making.entity)
        return making.body.straight.fill(scope, lists)

    def _list(self, elements: Straight, each: Scope, scope: Scope) -> list[list[dict[str, Any]] | None]:
        """The elements of each body. The relatives of records of which none is made are left alone, or what rounding
        cuts of them would be counted."""
        lines = {row: list[dict[str, Any]]() for row in (range(len(scope.own)) if scope is self.head else scope.rows)}
        wanted = [row for row, above in enumerate(each.rows) if above in lines]
        for row, line in zip(wanted, elements.fill(each.only(wanted), {}), strict=True):
            lines[each.rows[row]].append(line)
        return [some or None for some in lines.values()]

    def texts(self, expression: Expression | None, scope: Scope, entity: str, part: str) -> Sequence[str | None]:
        """What a line gives as text; nothing where there is no line. ``entity`` and ``part`` say what for."""
        if expression is None:
            return [None] * len(scope.own)
        return scope.values(lambda some: _texts(expression.evaluate(some)))

    def are_so(self, condition: Expression, scope: Scope, entity: str, part: str) -> list[bool]:
        """Where a condition holds."""
        return [so is True for so in scope.values(lambda some: [*map(yes_no, condition.evaluate(some))])]

    # -- drafts ------------------------------------------------------------------------------------------------------

    def _holds(self, making: Making, scope: Scope) -> list[bool]:
        if making.when is None:
            return [True] * len(scope.own)
        return self.are_so(making.when, scope, making.entity, "when")

    def _references(self, making: Making, scope: Scope) -> list[Reference | None]:
        found: list[Reference | None] = [None] * len(scope.own)
        rows = [row for row, there in enumerate(scope.seen(making.kind)) if there is not None]
        for row in {*range(len(found))}.difference(rows) if not making.optional else ():
            scope.mark(row, self._absent(making))
        if making.when is not None:
            holds = self._holds(making, scope.only(rows))
            rows = [row for row, so in zip(rows, holds, strict=True) if so]
        for row, key in zip(rows, self.texts(making.key, scope.only(rows), making.entity, "key"), strict=True):
            if key:
                found[row] = {"entity": making.entity, "key": key}
            elif not making.optional:
                scope.mark(row, self._nameless(making))
        return found

    def _nameless(self, making: Making) -> Rejected:
        return Rejected(
            f"{self.record.kind} {self.record.id}: nothing identifies its {making.entity}: {making.key.named} is empty",
            fix=f"fill {making.key.named} at the source, then sync the record again",
            code="WHERRY-4204",
            record=f"{self.record.kind} {self.record.id}",
            field=making.entity,
            source=making.key.named,
        )

    def _absent(self, making: Making) -> Rejected:
        return Rejected(
            f"{self.record.kind} {self.record.id} has no {making.kind}, from which its {making.entity} is made",
            fix=f"give it {a(making.kind)} at the source, then sync the record again",
            code="WHERRY-4203",
            record=f"{self.record.kind} {self.record.id}",
            field=making.entity,
            source=making.kind,
        )

    def _once(self, making: Making, scope: Scope) -> list[Draft]:
        """The drafts of relatives that many records share, such as their customer."""
        relatives = [one for one in scope.seen(making.kind) if one is not None]
        if any(one.payload == _EMPTY for one in relatives):  # that is not what tells one version from another
            return self._of(making, scope)
        names = [(making.entity, one.id, one.payload) for one in relatives]
        held = {name: self._shared.get(name) for name in names}
        first: dict[tuple[str, str, bytes], int] = {}
        for row, name in enumerate(names):
            if held[name] is None:
                first.setdefault(name, row)
        made = dict(zip(first, self._of(making, scope.only([*first.values()])) if first else (), strict=True))
        self._new.update(made)
        return [held[name] or made[name] for name in names]

    def keep(self) -> None:
        """What was made once is there for the next records."""
        if len(self._shared) >= _MOST_KEPT:
            self._shared.clear()
        self._shared.update(self._new)

    def _of(self, making: Making, scope: Scope) -> list[Draft]:
        bodies = self.bodies(making, scope)
        labels = self.texts(making.label, scope, making.entity, "label")
        files = self.texts(making.file, scope, making.entity, "file")
        voids = repeat(False) if making.void is None else self.are_so(making.void, scope, making.entity, "void")
        keys = [one["key"] for one in scope.refs(making.entity) if one is not None]
        return [
            Draft(
                entity=making.entity,
                key=key,
                body=body,
                label=label or next((body[name] for name in _LABELS if body.get(name)), key),
                root=making.root,
                reference=making.reference,
                refs=_refs(making, body),
                file=file or "",
                void=void,
            )
            for key, body, label, file, void in zip(keys, bodies, labels, files, voids)  # noqa: B905
        ]


def _texts(values: Sequence[Any]) -> Sequence[str | None]:
    return values if TEXTS.issuperset(map(type, values)) else [*map(text, values)]


def _refs(making: Making, body: Mapping[str, Any]) -> tuple[Ref, ...]:
    """What the draft needs, each once, in the order of its fields."""
    if not making.body.pointers and not making.lists:
        return ()
    found = [body.get(name) for name in making.body.pointers]
    for field, _, elements in making.lists:
        for name in elements.pointers:
            found += [line.get(name) for line in body.get(field, ())]
    refs = [Ref(ref["entity"], ref["key"]) for ref in found if ref and isinstance(ref, dict)]
    return tuple(dict.fromkeys(refs))
