"""What a person says an open item is in its target: who else has that document, and what is done where nobody can look.

A target that calls us is asked at its next visit. Until then nothing relies on what was said.
"""

from __future__ import annotations

import msgspec

from wherry.errors import Guarded
from wherry.hub import Hub
from wherry.operating.looking import Look
from wherry.protocol import halfway, said
from wherry.protocol.steps import Lane
from wherry.roles import Asks
from wherry.store import audit, ledger
from wherry.store.database import Tx
from wherry.store.inquiries import Placed
from wherry.store.ledger import Event, ItemRow
from wherry.wording import spelled

LINK = "errors.link"


def refuse_taken(hub: Hub, one: Placed, target: str) -> None:
    """One document is one record's: two that write to it would write over each other, and be taken back together."""
    if not one.item.root:
        return
    with hub.store.read() as tx:
        refuse_shared(tx, one, target)


def refuse_shared(tx: Tx, one: Placed, target: str) -> None:
    """Raises Guarded where the document is another record's."""
    linked = ledger.links_of_target(tx, one.route.sink, one.item.entity, target)
    others = [key for source, key, _ in linked if (source, key) != (one.route.source, one.item.key)]
    if others:
        raise Guarded(
            f"{spelled(one.item.entity)} {target} is linked to {others[0]} already; nothing was linked",
            fix=f"wherry explain --target {target}", code="WHERRY-7055", target=target,
        )  # fmt: skip


def is_to_be_looked_at(lane: Lane, item: ItemRow, seen: Look, target: str) -> bool:
    """Whether the target can be asked, only not now, and has not shown that document before."""
    found = msgspec.json.decode(item.evidence).get("found", ()) if item.evidence else ()
    known = any(hit["target"] == target for hit in found)
    return not seen.asked and isinstance(lane.sink, Asks) and not known and not halfway.is_begun(item)


def note(tx: Tx, one: Placed, target: str, why: str, now: str) -> None:
    """What was said is kept, and the target is asked before it counts."""
    item = one.item
    said.give(item, said.Word(target=target, by=audit.actor(), note=why))
    item.due = item.changed_at = now
    stands(tx, one, now, f"E-{item.id}")
    told = {"record": f"{item.record_kind} {item.record_id}", "key": str(item.ref), "target": target, "note": why}
    audit.write(tx, now, LINK, f"E-{item.id}", {**told, "looked": False})


def stands(tx: Tx, one: Placed, now: str, cause: str) -> None:
    """The item is open as it is now: its row, a row of its history, and its record's fate."""
    item = one.item
    ledger.put_items(tx, one.route, [item])
    ledger.put_events(tx, [Event(
        now, item.run, item.flow, item.record_kind, item.record_id, item.entity, item.key, item.state, item.target,
        item.reason, cause,
    )])  # fmt: skip
    if item.root:
        ledger.mark_synced(tx, [(item.state, "", item.reason, item.flow, item.record_kind, item.record_id)])
