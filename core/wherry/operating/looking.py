"""What the target holds of an open item now, asked because a person wants to know before deciding."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from wherry.hub import Hub
from wherry.operating import desk
from wherry.protocol import flight, halfway, resolving, sinks
from wherry.protocol.flight import Flight, Target
from wherry.protocol.steps import REPLACE, Step, differing, item_of
from wherry.records import Change, Found, Item
from wherry.roles import Asks
from wherry.store import ledger
from wherry.store.calls import OpenItem
from wherry.store.database import Tx
from wherry.store.inquiries import Placed, items_by_number


class Look(Struct, kw_only=True):
    """What the target holds of an item now. ``asked`` is false where it cannot be asked; ``changes`` are the fields
    that it holds otherwise than we would write them."""

    placed: Placed
    asked: bool
    found: list[Found]
    changes: tuple[Change, ...] = ()


def look(hub: Hub, chosen: Sequence[Placed], target: str = "") -> list[Look]:
    """Ask the targets what they hold of these items now, or whether they hold ``target``; kept as what was found.

    Raises what a read raises.
    """
    found: list[Look] = []
    for sink in dict.fromkeys(one.route.sink for one in chosen):
        mine = [one for one in chosen if one.route.sink == sink]
        reached = desk.reach(hub, sink)
        with hub.store.read() as tx:
            flights, _ = flight.board(tx, sink, [OpenItem(one.route.source, one.item) for one in mine])
            ends = {one.item.id: as_sent(tx, one, flight.step_of(OpenItem(one.route.source, one.item)))
                    for one in mine if one.item.action == REPLACE}  # fmt: skip
        if reached is None or not isinstance(reached.sink, Asks):
            found += [Look(placed=one, asked=False, found=[]) for one in mine]
            continue
        for each in flights:
            each.item.target = target or each.item.target
        finds, by_id = resolving.look(reached, flights), {each.open.item.id: each for each in flights}
        found += [_looked(reached, one, by_id.get(one.item.id), finds, ends.get(one.item.id)) for one in mine]
    _keep_found(hub, found, target)
    return found


def as_sent(tx: Tx, one: Placed, step: Step) -> Item:
    """The item as it would be sent; a reference that leads nowhere (any more) is empty."""
    known = {ref: found.target or None for ref, found in ledger.find_links(tx, one.route, step.draft.refs).items()}
    return item_of(step, {ref: known.get(ref) for ref in step.draft.refs}, in_the_end=True)


def _looked(
    target: Target, one: Placed, flown: Flight | None, finds: resolving.Finds, end: Item | None
) -> Look:  # fmt: skip
    """``end``: of what is taken back to be replaced, what is to stand there then."""
    hits = finds.get(flown.stamp) if flown is not None else None
    if flown is None or hits is None:
        return Look(placed=one, asked=False, found=[])
    sent = sinks.facts(target.sink, end or flown.item)
    meant = [hit for hit in hits if hit.target == flown.item.target] or hits
    changes = tuple(change for hit in meant[:1] for change in differing(sent, hit.facts))
    return Look(placed=one, asked=True, found=hits, changes=changes)


def _keep_found(hub: Hub, looks: Sequence[Look], target: str) -> None:
    """What was found, on the item, with the version of what would be written over. The link goes on saying what was
    written: a look is nobody's word that what it found may be written over."""
    now = hub.store.now()
    with hub.store.write() as tx:
        for one in looks:
            item = items_by_number(tx, [one.placed.item.id]).get(one.placed.item.id)
            if item is None or not one.asked:
                continue
            what = msgspec.json.decode(item.item.evidence).get("what", "look") if item.item.evidence else "look"
            item.item.evidence = halfway.seen(item.item, what, now, target or item.item.target, one.found)
            item.item.token = _version(tx, item, one.found)
            ledger.put_items(tx, item.route, [item.item])


def _version(tx: Tx, one: Placed, found: Sequence[Found]) -> str:
    """What was refused is tried again as it was: a person's edit that came since is then noticed."""
    link = ledger.find_links(tx, one.route, [one.item.ref]).get(one.item.ref)
    hit = next((hit for hit in found if link is not None and hit.target == link.target), None)
    return hit.token if hit is not None and one.item.state in ("differs", "decide") else one.item.token
