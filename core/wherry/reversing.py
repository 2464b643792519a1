"""Taking a posted journal entry back by one that turns its sides over. Nothing is deleted; both stay, linked here.

Its movements are held, or booked anew. Refused where the books of its day are closed. Source: behaviours.md 000.15.
"""

from __future__ import annotations

import shlex
from typing import Any

import msgspec
from msgspec import Struct

from wherry import approvals, desk, trail, writing
from wherry.books.frozen import ENTITY
from wherry.books.gathering import REVERSED_ENTRY
from wherry.errors import Guarded, WherryError
from wherry.hub import Hub
from wherry.records import Draft
from wherry.rows import REVERSED
from wherry.steps import Step
from wherry.store import audit, ledger, movements
from wherry.store.database import Tx
from wherry.store.inquiries import Placed
from wherry.trail import Known

_IN_FLIGHT = frozenset({"unknown", "decide"})


class Reversal(Struct, kw_only=True):
    """An entry that was taken back: how it stands now, and what kept the target from being reached."""

    entry: dict[str, Any]
    items: list[dict[str, Any]]
    repost: bool
    error: WherryError | None = None


def reversible(hub: Hub, name: str, word: str) -> Known:
    """The posted entry of that number or key.

    Raises NotFound; Guarded for one that is not posted, was reversed already, whose fate is not known, or whose period
    is closed.
    """
    trail.booking_flow(hub, name)
    one = trail.find(hub, word, name)
    if one.link is None or not one.is_posted or (one.item is not None and one.item.state in _IN_FLIGHT):
        why = {"taken back": "was reversed already", "prepared": "was not posted"}.get(one.state, f"is {one.state}")
        raise Guarded(
            f"{one.entry.number} {why}: there is nothing to reverse", code="WHERRY-7071", entry=one.entry.key,
            fix=f"wherry journal show {shlex.quote(one.entry.number)}",
        )  # fmt: skip
    lane = hub.wiring.wire(name, "reverse").posting
    assert lane is not None
    until = hub.books.closed_until(lane)
    if until is not None and one.entry.date <= until:
        raise Guarded(
            f"{one.entry.number} is dated {one.entry.date}, and the books are closed up to {until}: "
            "nothing was reversed",
            fix="open the period, or book a correcting entry in an open one", code="WHERRY-7086", entry=one.entry.key,
        )  # fmt: skip
    return one


def reverse(hub: Hub, name: str, word: str, *, repost: bool = False, note: str = "") -> Reversal:
    """Take an entry back by one that turns its sides over; both stay in the target, linked here.

    Its movements are held, or with ``repost`` booked anew by the next run. Raises as ``reversible`` does.
    """
    one = reversible(hub, name, word)
    assert one.link is not None
    lane = hub.wiring.wire(name, one.link.run).posting
    assert lane is not None
    now = hub.store.now()
    with hub.store.write() as tx:
        writing.settle(tx, lane, [_taking_back(one)], now, cause=f"reverse {one.entry.number}")
        found = ledger.find_items(tx, one.route, [one.ref])
        approvals.give_at_once(tx, one.route, found.values(), now)
        _release(tx, one, repost=repost, note=note)
        told = {"entry": one.entry.key, "target": one.link.target, "repost": repost, "note": note}
        audit.write(tx, now, "journal.reverse", one.entry.number, told)
    placed = [Placed(one.route, item) for item in found.values()]
    error = desk.send(hub, placed)
    with hub.store.write() as tx:
        rows = [desk.standing(tx, each) for each in placed]
        _keep_if_refused(tx, one)
    entry = trail.told_entry(one.entry, hub.books.chart(one.route.sink))
    return Reversal(entry=entry, items=rows, repost=repost, error=error)


def rebook(hub: Hub, name: str, one: Known, note: str = "") -> int:
    """Movements that are held since their entry was reversed are booked anew by the next run; how many."""
    held = f"{REVERSED_ENTRY} ({one.entry.number})"
    with hub.store.write() as tx:
        rows = trail.subledger_rows(tx, trail.booking_flow(hub, name))
        ids = [row.id for row in rows if row.state == "left" and row.reason.startswith(held)]
        movements.place(tx, one.route.sink, name, ids, "open")
        if ids:
            told = {"entry": one.entry.key, "movements": len(ids), "note": note}
            audit.write(tx, hub.store.now(), "journal.rebook", one.entry.number, told)
    return len(ids)


def _taking_back(one: Known) -> Step:
    assert one.link is not None
    body = msgspec.json.decode(one.link.body)
    draft = Draft(entity=ENTITY, key=one.entry.key, body=body, label=one.entry.number, root=True, void=True)
    return Step(draft=draft, flow=one.flow, record_kind="journal", record_id=one.entry.key, link=one.link, always=True)


def _release(tx: Tx, one: Known, *, repost: bool, note: str) -> None:
    """Its movements are free from the moment on that the target has reversed it: until then the entry holds them."""
    ids = [row.id for row in movements.of_entries(tx, one.route.sink, one.flow, [one.entry.key])]
    if repost:
        movements.place(tx, one.route.sink, one.flow, ids, "open", entry=one.entry.key)
    else:
        reason = f"{REVERSED_ENTRY} ({one.entry.number})" + (f": {note}" if note else "")
        movements.place(tx, one.route.sink, one.flow, ids, "left", entry=one.entry.key, reason=reason)


def _keep_if_refused(tx: Tx, one: Known) -> None:
    """Where the target will not reverse it, it stands as before."""
    link = ledger.find_links(tx, one.route, [one.ref]).get(one.ref)
    item = ledger.find_items(tx, one.route, [one.ref]).get(one.ref)
    if link is not None and link.rule != REVERSED and item is not None and item.state == "refused":
        rows = movements.of_entries(tx, one.route.sink, one.flow, [one.entry.key])
        movements.place(tx, one.route.sink, one.flow, [row.id for row in rows], "booked", entry=one.entry.key)
