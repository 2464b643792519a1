"""One record on its way to drafts, by the plan of its map."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from wherry.errors import Rejected
from wherry.expressions import Expression, Scope
from wherry.mapping.plan import Making, Plan
from wherry.mapping.straight import UnusualError
from wherry.records import Draft, Record, Ref
from wherry.transforms import text, yes_no
from wherry.wording import a

_MOST_KEPT = 512
_EMPTY = b"{}"
_LABELS = ("name", "subject", "number", "code", "reference")

Reference = dict[str, str]
Kept = dict[tuple[str, str], tuple[bytes, Draft]]
"""Entity and the id of a relative → the relative as it was sent, and the draft made of it."""


class Work:
    """The straight way: raises whatever it meets, and any exception sends the record the careful way."""

    def __init__(self, plan: Plan, record: Record, kept: Kept) -> None:
        self.plan, self.record, self._kept = plan, record, kept
        self.scope = Scope()
        self.scope.enter(record)
        self._views: dict[str, list[Scope]] = {}
        self._root = plan.roots[-1]
        for root in plan.roots[:-1]:
            if self._holds(root, self.scope):
                self._root = root
                break

    def unwanted(self) -> str:
        """Why the map makes nothing of the record; empty where it does."""
        skip = self._root.skip
        return (self.value(skip, self.scope, self._root.entity, "skip") or "").strip() if skip else ""

    def drafts(self) -> Iterator[Draft]:
        """Every draft gets its key before any gets its body, so that they can refer to one another in any order."""
        for making in self.plan.single:
            made = not making.root or making is self._root
            self.scope.refs[making.entity] = self._reference(making, self.scope) if made else None
        for making in self.plan.several:
            for scope in self.each(making.kind):
                scope.refs[making.entity] = self._reference(making, scope)
        for making in self.plan.makings:
            for scope in self.each(making.kind) if making.each else (self.scope,):
                if (reference := scope.refs[making.entity]) is not None:
                    way = self._once if making.entity in self.plan.alone else self._draft
                    yield way(making, reference["key"], scope)

    def each(self, kind: str) -> list[Scope]:
        """The view from each relative of a kind; what else is made from the same relative can be referred to
        there."""
        views = self._views.get(kind)
        if views is None:
            relatives = self.record.relatives.get(kind, ())
            views = self._views[kind] = [self.scope.inside(relative) for relative in relatives]
        return views

    # -- how a value is come by, which the careful way knows more words for ------------------------------------------

    def body(self, making: Making, scope: Scope) -> dict[str, Any]:
        """The body in canonical form."""
        lists: dict[str, list[dict[str, Any]]] = {}
        for name, kind, elements in making.lists:
            if elements.straight is None:
                raise UnusualError(name)
            if made := [elements.straight.fill(inner, {}) for inner in self.each(kind)]:
                lists[name] = made
        if making.body.straight is None:
            raise UnusualError(making.entity)
        return making.body.straight.fill(scope, lists)

    def value(self, expression: Expression, scope: Scope, entity: str, part: str) -> str | None:
        """What a line gives as text. ``entity`` and ``part`` say what for."""
        said = expression.evaluate(scope)
        return said if said.__class__ is str else text(said)

    def is_so(self, condition: Expression, scope: Scope, entity: str, part: str) -> bool:
        """Whether a condition holds."""
        return yes_no(condition.evaluate(scope)) is True

    # -- drafts ------------------------------------------------------------------------------------------------------

    def _holds(self, making: Making, scope: Scope) -> bool:
        return making.when is None or self.is_so(making.when, scope, making.entity, "when")

    def _reference(self, making: Making, scope: Scope) -> Reference | None:
        if making.kind not in scope.fields:
            return self._absent(making)
        if making.when is not None and not self._holds(making, scope):
            return None
        if key := self.value(making.key, scope, making.entity, "key"):
            return {"entity": making.entity, "key": key}
        if making.optional:
            return None
        raise Rejected(
            f"{self.record.kind} {self.record.id}: nothing identifies its {making.entity}: {making.key.named} is empty",
            fix=f"fill {making.key.named} at the source, then sync the record again",
            code="WHERRY-4204",
            record=f"{self.record.kind} {self.record.id}",
            field=making.entity,
            source=making.key.named,
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

    def _once(self, making: Making, key: str, scope: Scope) -> Draft:
        """The draft of a relative that many records share, such as their customer."""
        relative = scope.records[making.kind]
        if relative.payload == _EMPTY:  # its fields are not what tells one version from another
            return self._draft(making, key, scope)
        held = self._kept.get((making.entity, relative.id))
        if held is None or held[0] != relative.payload:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            held = relative.payload, self._draft(making, key, scope)
            self._kept[making.entity, relative.id] = held
        return held[1]

    def _draft(self, making: Making, key: str, scope: Scope) -> Draft:
        body = self.body(making, scope)
        label = self.value(making.label, scope, making.entity, "label") if making.label else None
        file = self.value(making.file, scope, making.entity, "file") if making.file else None
        return Draft(
            entity=making.entity,
            key=key,
            body=body,
            label=label or next((body[name] for name in _LABELS if body.get(name)), key),
            root=making.root,
            reference=making.reference,
            refs=_refs(making, body),
            file=file or "",
            void=making.void is not None and self.is_so(making.void, scope, making.entity, "void"),
        )


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
