"""What waits for a person's word only because what needs it does: the customer of a document that may not leave yet.

Where a flow needs approval only for what is dated before the books begin, that is said of documents; what they need is
made with them, and not before (write-protocol.md, section 3.2, state *planned*).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from wherry.protocol.rows import flow_of, wants
from wherry.protocol.steps import WAITS, Approval, Lane, Step
from wherry.records import Draft, Ref
from wherry.store import inquiries
from wherry.store.database import Tx
from wherry.store.ledger import ItemRow

_DEEP = 20


class Needing(Struct, frozen=True):
    """Something that needs another thing. ``given``: somebody approved it as it is."""

    draft: Draft
    flow: str
    given: bool


class Holding:
    """Who needs what, among the steps that are settled now and what waits in the ledger."""

    def __init__(self, tx: Tx, lane: Lane, steps: Mapping[Ref, Step]) -> None:
        self._tx, self._lane, self._steps = tx, lane, steps
        self._here: dict[Ref, list[Needing]] | None = None
        self._kept: dict[Ref, list[Needing]] = {}

    def why(self, row: ItemRow) -> str:
        """Why a thing that is no document itself has to wait; empty where it need not.

        It need not as soon as one document that is free to leave needs it, or nothing does.
        """
        approval = self._lane.approvals.get(row.flow)
        if approval is None or row.root or approval.required or not approval.books_from:
            return ""
        held = self._is_held(row.ref, 0)
        return f"{WAITS}: what needs it is dated before the books begin ({approval.books_from})" if held else ""

    def _is_held(self, ref: Ref, depth: int) -> bool:
        needed = False
        for one in self._needing(ref):
            needed = True
            if not self._waits(one, depth):
                return False
        return needed

    def _waits(self, one: Needing, depth: int) -> bool:
        if one.given:
            return False
        if self._lane.approvals.get(one.flow, Approval()).wanted(one.draft):
            return True
        return not one.draft.root and depth < _DEEP and self._is_held(one.draft.ref, depth + 1)

    def _needing(self, ref: Ref) -> Iterator[Needing]:
        yield from self._settled_now().get(ref, ())
        if ref not in self._kept:
            self._recall({ref} | {one for one, step in self._steps.items() if not step.draft.root})
        yield from self._kept[ref]

    def _settled_now(self) -> dict[Ref, list[Needing]]:
        if self._here is None:
            self._here = {}
            for step in self._steps.values():
                for ref in wants(step):
                    self._here.setdefault(ref, []).append(_of_step(self._lane, step))
        return self._here

    def _recall(self, refs: set[Ref]) -> None:
        """What waits in the ledger for these; of what is settled now the new version counts."""
        self._kept.update((ref, []) for ref in refs - self._kept.keys())
        for ref, item in inquiries.items_needing(self._tx, self._lane.route, refs):
            if item.ref not in self._steps:
                self._kept[ref].append(Needing(item.draft, item.flow, item.approval == "given"))


def _of_step(lane: Lane, step: Step) -> Needing:
    item = step.item
    given = item is not None and item.approval == "given" and item.draft.body == step.draft.body
    return Needing(step.draft, flow_of(lane, step), given)
