"""Taking back what a run wrote: every document that it made becomes a reversal there, in one batch, once.

Nothing is deleted in the target. What a document needed, its customer and its products, stays.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

from wherry import approvals, desk, overview, writing
from wherry.errors import Guarded, WherryError
from wherry.hub import Hub
from wherry.records import Draft, Ref
from wherry.roles import AtomicSinkWriter
from wherry.rows import REVERSED, worth
from wherry.steps import Lane, Step
from wherry.store import audit, inquiries, ledger, registry
from wherry.store.database import Tx
from wherry.store.inquiries import Placed
from wherry.store.ledger import Event, LinkRow, Route

_DID = ("created", "linked", "updated", "differs")


class Undo(Struct, kw_only=True):
    """What taking back a run comes to: the documents, what they add up to, what stays as it is and why."""

    run: str
    flow: str
    items: list[dict[str, Any]]
    sums: dict[str, int]
    left: list[dict[str, Any]]


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
    rows = [(one, {**_row(one), "why": one.why_not}) for one in made]
    items, sums = [row for one, row in rows if not one.why_not], dict[str, int]()
    for row in items:
        desk.add(sums, row["amount"], row["currency"])
    return Undo(run=run, flow=flow, items=items, sums=sums, left=[row for one, row in rows if one.why_not])


def undo(hub: Hub, run: str) -> Undone:
    """Take back every document that the run made; they are reversed in the target before this returns."""
    flow, route = _route(hub, run)
    now = hub.store.now()
    with hub.store.write() as tx:
        made = [one for one in _made(tx, route, run) if not one.why_not]
        lane = _lane(hub, flow, run, route)
        writing.settle(tx, lane, [_step(one) for one in made], now, cause=f"undo {run}")
        found = ledger.find_items(tx, route, [one.link.ref for one in made])
        approvals.give_at_once(tx, route, found.values(), now)
        if made:
            keys = [str(one.link.ref) for one in made]
            audit.write(tx, now, "runs.undo", run, {"flow": flow, "documents": len(made), "keys": keys[:1000]})
    placed = [Placed(route, item) for item in found.values()]
    error = desk.send(hub, placed)
    with hub.store.read() as tx:
        return Undone(items=[desk.standing(tx, one) for one in placed], error=error)


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
        always=True,
    )  # fmt: skip


def counted(rows: Iterable[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """Why something stays → entity → how many."""
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        by_entity = found.setdefault(row["why"], {})
        by_entity[row["entity"]] = by_entity.get(row["entity"], 0) + 1
    return found
