"""Taking back what a run wrote: every document that it made becomes a reversal there, in one batch, once.

Nothing is deleted in the target. What a document needed, its customer and its products, stays. What the run prepared
and was not sent yet is withdrawn; behind what may be there, since its answer is not known, a reversal waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from wherry.errors import Guarded, NotFound, WherryError
from wherry.hub import Hub
from wherry.operating import approvals, desk, overview
from wherry.protocol import homing, writing
from wherry.protocol.rows import REVERSED, may_stand, worth
from wherry.protocol.steps import Lane, Step
from wherry.records import Draft, Ref
from wherry.roles import AtomicSinkWriter
from wherry.store import audit, inquiries, ledger, registry
from wherry.store.database import Tx
from wherry.store.inquiries import Placed
from wherry.store.ledger import Event, ItemRow, LinkRow, Route

_DID = ("created", "linked", "updated", "differs")
_WAITS = ("queued", "waiting", "triage")
"""States of what leaves without anybody having to look at it again."""


class Undo(Struct, kw_only=True):
    """What taking back a run comes to: the documents, what they add up to, what stays as it is and why. ``unsent`` was
    not sent yet, ``unsure`` may be there: it is taken back as soon as that is known."""

    run: str
    flow: str
    items: list[dict[str, Any]]
    sums: dict[str, int]
    left: list[dict[str, Any]]
    unsent: list[dict[str, Any]]
    unsure: list[dict[str, Any]]


class Undone(Struct, kw_only=True):
    """How each document stands now, and what kept the target from being reached."""

    items: list[dict[str, Any]]
    error: WherryError | None = None


class Made(Struct, frozen=True, kw_only=True):
    """Something that a run wrote and that is linked still."""

    event: Event
    link: LinkRow
    body: dict[str, Any]

    @property
    def why_not(self) -> str:
        """Why it is not taken back; empty where it is."""
        if self.link.rule == REVERSED:
            return "it is taken back already"
        if "date" not in self.body:
            return "it is no document; what was made of it elsewhere may use it"
        if self.event.fate == "linked":
            return "it was there before"
        made = self.event.fate == "created" or (self.event.fate, self.link.rule) == ("differs", "differs")
        return "" if made else "the run only changed it; another made it"


def prepare(hub: Hub, run: str) -> Undo:
    """What ``undo`` would take back. Raises NotFound for a run nobody knows, Guarded where its sink is not sent to."""
    flow, route = _route(hub, run)
    with hub.store.read() as tx:
        made = _made(tx, route, run)
        begun = _begun(tx, route, run, made)
    rows = [(one, {**_row(one), "why": one.why_not}) for one in made]
    items, sums = [row for one, row in rows if not one.why_not], dict[str, int]()
    for row in items:
        desk.add(sums, row["amount"], row["currency"])
    left = [row for one, row in rows if one.why_not] + [{**_row_of(one), "why": why} for one, why in begun.left]
    unsent, unsure = map(_row_of, begun.unsent), map(_row_of, begun.unsure)
    return Undo(run=run, flow=flow, items=items, sums=sums, left=left, unsent=list(unsent), unsure=list(unsure))


def undo(hub: Hub, run: str, *, second: str = "") -> Undone:
    """Take back every document that the run made; they are reversed in the target before this returns.

    Raises as ``prepare``, and as ``approvals.must_agree`` does.
    """
    flow, route = _route(hub, run)
    approvals.must_agree([hub.wiring.flow(flow)], second)
    now = hub.store.now()
    with hub.store.write() as tx:
        told = _made(tx, route, run)
        made, begun = [one for one in told if not one.why_not], _begun(tx, route, run, told)
        lane = _lane(hub, flow, run, route)
        steps = [*map(_step, made), *map(_step_behind, begun.unsure)]
        writing.settle(tx, lane, steps, now, cause=f"undo {run}")
        withdrawn = _withdraw(tx, lane, begun, now)
        found = ledger.find_items(tx, route, [step.ref for step in steps])
        approvals.give_at_once(tx, route, found.values(), now)
        if steps or withdrawn:
            keys = [str(ref) for ref in (*(step.ref for step in steps), *(item.ref for item in withdrawn))]
            agreed = {"second": second} if second else {}
            audit.write(tx, now, "runs.undo", run,
                        {**agreed, "flow": flow, "documents": len(keys), "keys": keys[:1000]})  # fmt: skip
    placed = [Placed(route, item) for item in found.values()]
    error = _sent(hub, route, placed, {item.id: item.follower for item in begun.unsure})
    with hub.store.read() as tx:
        rows = desk.standing(tx, [*placed, *(Placed(route, item) for item in withdrawn)])
        return Undone(items=rows, error=error)


def _sent(hub: Hub, route: Route, placed: list[Placed], before: Mapping[int, str]) -> WherryError | None:
    """Drain. Behind what a person must decide about there waits what did ``before``: it may be somebody else's
    document."""
    error = desk.send(hub, placed)
    with hub.store.write() as tx:
        found = ledger.find_items(tx, route, [one.item.ref for one in placed]).values()
        unclear = [item for item in found if item.state == "decide" and item.id in before]
        for item in unclear:
            item.follower = before[item.id]
        ledger.put_items(tx, route, unclear)
    return error


def _route(hub: Hub, run: str) -> tuple[str, Route]:
    """The flow of a run and the connections it goes between. Raises as ``prepare`` does."""
    flow = str(overview.run(hub, run, limit=1)["flow"])
    settings = hub.wiring.flow(flow)
    with hub.store.read() as tx:
        bound = {row.name: row.id for row in registry.all_connections(tx)}
    sink = hub.wiring.writer(settings.sink)
    if isinstance(sink, AtomicSinkWriter):
        raise Guarded(
            f"what {flow} wrote into {settings.sink} cannot be taken back: it keeps no reversals",
            fix=f"undo it there, or remove it at {settings.source}", code="WHERRY-7097", flow=flow,
        )  # fmt: skip
    for name in (settings.source, settings.sink):
        if name not in bound:
            raise NotFound(
                f"nothing is known here of connection {name}, so there is nothing of it to take back",
                fix=f"if it had another name when the run was made: wherry connection adopt {name}",
                code="WHERRY-3086", connection=name,
            )  # fmt: skip
    return flow, Route(bound[settings.source], bound[settings.sink])


def _lane(hub: Hub, flow: str, run: str, route: Route) -> Lane:
    row = desk.bound(hub, route.sink)
    return hub.wiring.lanes.lane(flow, run, route, hub.wiring.writer(row.name), row.plugin)


def _made(tx: Tx, route: Route, run: str) -> list[Made]:
    """Everything that the run wrote, by the last thing it did to each, in the order in which it was done."""
    told: dict[Ref, Event] = {}
    for event in inquiries.told_in(tx, run, _DID):
        ref = Ref(event.entity, event.key)
        if told.get(ref, event).fate != "created":
            told.pop(ref, None)
        told.setdefault(ref, event)
    linked = ledger.find_links(tx, route, told)
    return [_of(event, linked[ref]) for ref, event in told.items() if ref in linked and linked[ref].target]


class Begun(Struct, kw_only=True):
    """Documents that a run prepared and that nobody knows to be there: not sent, perhaps there, and what stays."""

    unsent: list[ItemRow]
    unsure: list[ItemRow]
    left: list[tuple[ItemRow, str]]
    files: list[ItemRow]
    """What is attached to those that were not sent."""


def _begun(tx: Tx, route: Route, run: str, made: Iterable[Made]) -> Begun:
    known = {one.link.ref for one in made}
    mine = [one.item for one in inquiries.items_of_route(tx, route) if one.item.run == run]
    open_ones = [item for item in mine if item.root and "date" in item.draft.body and item.ref not in known]
    left = [(item, why) for item in open_ones if (why := _stays(item))]
    free = [item for item in open_ones if not _stays(item)]
    unsent = homing.without_effect(tx, route, free)
    records = {(item.record_kind, item.record_id) for item in unsent}
    files = [item for item in mine if item.draft.file and (item.record_kind, item.record_id) in records]
    return Begun(unsent=unsent, unsure=[item for item in free if may_stand(item)], left=left,
                 files=[item for item in files if item.state in _WAITS and not may_stand(item)])  # fmt: skip


def _stays(item: ItemRow) -> str:
    """Why an open document of the run stays as it is; empty where it does not."""
    if item.record_kind == "journal":
        return "it is an entry that is still open; its movements hold on to it"
    if item.target or item.draft.void:
        return "the run only changes it; another made it"
    if item.state in _WAITS or item.state == "unknown":
        return ""
    return f"it is {item.state}, and waits for a person"


def _row_of(item: ItemRow) -> dict[str, Any]:
    return {
        "entity": item.entity, "key": item.key, "target": item.target, "label": item.label or item.key,
        "date": str(item.draft.body.get("date") or ""), "amount": item.amount, "currency": item.currency,
    }  # fmt: skip


def _step_behind(item: ItemRow) -> Step:
    """The reversal that waits until it is known whether the document is there."""
    draft = msgspec.structs.replace(item.draft, void=True)
    return Step(
        draft=draft, flow=item.flow, record_kind=item.record_kind, record_id=item.record_id, always=True, approved=True,
        only_ours=True,
    )  # fmt: skip


def _withdraw(tx: Tx, lane: Lane, begun: Begun, now: str) -> list[ItemRow]:
    """What was not sent never is. Its record comes again once it changes, as that of a reversed document does."""
    why, gone = f"run {lane.run} was taken back before it was sent", [*begun.unsent, *begun.files]
    ledger.remove_items(tx, [item.id for item in gone])
    homing.leave(tx, lane, begun.unsent)
    ledger.put_events(tx, [
        Event(now, lane.run, item.flow, item.record_kind, item.record_id, item.entity, item.key, "skipped", "", why,
              f"undo {lane.run}") for item in gone
    ])  # fmt: skip
    ledger.mark_synced(tx, [("skipped", "", why, one.flow, one.record_kind, one.record_id) for one in begun.unsent])
    return begun.unsent


def _of(event: Event, link: LinkRow) -> Made:
    return Made(event=event, link=link, body=msgspec.json.decode(link.body) if link.body else {})


def _row(one: Made) -> dict[str, Any]:
    minor, currency = worth(one.link.entity, one.body)
    return {
        "entity": one.link.entity, "key": one.link.key, "target": one.link.target,
        "label": str(one.body.get("number") or one.body.get("name") or one.link.key),
        "date": str(one.body.get("date") or ""), "amount": minor, "currency": currency,
    }  # fmt: skip


def _step(one: Made) -> Step:
    """The reversal of a document, its references as they were written."""
    event, label = one.event, str(one.body.get("number") or "")
    draft = Draft(entity=one.link.entity, key=one.link.key, body=one.body, label=label, root=True, void=True)
    return Step(
        draft=draft, flow=event.flow, record_kind=event.record_kind, record_id=event.record_id, link=one.link,
        always=True, approved=True,
    )  # fmt: skip


def counted(rows: Iterable[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """Why something stays → entity → how many."""
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        by_entity = found.setdefault(row["why"], {})
        by_entity[row["entity"]] = by_entity.get(row["entity"], 0) + 1
    return found
