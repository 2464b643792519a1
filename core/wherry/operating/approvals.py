"""Documents that are prepared and wait for somebody's word, and giving it: with all they need, and sent at once.

Source: the flow's settings ``approval`` and ``books_from``; write-protocol.md, section 3.2 (state *planned*).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from shlex import quote
from typing import Any

import msgspec
from msgspec import Struct

from wherry.errors import Guarded, NotFound, WherryError
from wherry.hub import Hub
from wherry.operating import desk
from wherry.records import Ref
from wherry.settings import Flow
from wherry.store import audit, inquiries, ledger
from wherry.store.calls import OpenItem
from wherry.store.database import Tx
from wherry.store.inquiries import Placed
from wherry.store.ledger import ItemRow, Route


class Approved(Struct, kw_only=True):
    """What an approval brought about: how each document stands now, what else was approved with them, by entity, and
    what kept the target from being reached."""

    items: list[dict[str, Any]]
    also: dict[str, int]
    error: WherryError | None = None


class Pending(Struct, kw_only=True):
    """Open items of a flow's route by number, and what each needs, so that thousands are looked at in memory."""

    by_number: dict[int, Placed]
    by_ref: dict[tuple[Route, Ref], Placed]
    needs: dict[int, list[Ref]]

    def whole(self, one: Placed) -> list[Placed]:
        """The item and everything open that it needs, directly or through others."""
        found, todo = {one.item.id: one}, [one]
        while todo:
            now = todo.pop()
            wanted = (self.by_ref.get((now.route, ref)) for ref in self.needs.get(now.item.id, ()))
            fresh = [need for need in wanted if need is not None and need.item.id not in found]
            found.update((need.item.id, need) for need in fresh)
            todo += fresh
        return list(found.values())

    def waits(self, one: Placed) -> bool:
        """Whether a person's word would let the item go on."""
        return any(each.item.approval == "wanted" and each.item.state == "queued" for each in self.whole(one))


def pending(tx: Tx, flow: str) -> Pending:
    """What is open between the connections of a flow's items."""
    routes = dict.fromkeys(one.route for one in inquiries.items_in(tx, ("queued", "waiting"), flow=flow))
    found = [one for route in routes for one in inquiries.items_of_route(tx, route)]
    needs: dict[int, list[Ref]] = {}
    for route in routes:
        needs.update(inquiries.needs_in(tx, route))
    by_ref = {(one.route, one.item.ref): one for one in found}
    return Pending(by_number={one.item.id: one for one in found}, by_ref=by_ref, needs=needs)


def waiting(hub: Hub, flow: str) -> dict[str, Any]:
    """Documents that wait for approval, oldest first: date, number, customer, amount; sums; and what goes with them.

    Raises NotFound where there is no such flow.
    """
    from wherry.project.lanes import approval_of

    hub.wiring.flow(flow)
    with hub.store.read() as tx:
        open_now = pending(tx, flow)
        chosen = _waiting(open_now, flow)
        approval = approval_of(tx, hub.wiring.flow(flow), hub.project.timezone)
        rows = [{**_row(tx, one), "wanted": approval.wanted(one.item.draft)} for one in chosen if one.item.root]
    sums: dict[str, int] = {}
    for row in rows:
        desk.add(sums, row["amount"], row["currency"])
    return {"flow": flow, "items": rows, "sums": sums, "also": _also(chosen)}


def held(hub: Hub, flow: str = "") -> list[dict[str, Any]]:
    """Of each flow of which something waits for approval: the numbers, documents and other things, entity → number,
    and what the documents come to."""
    with hub.store.read() as tx:
        names = [name for name in inquiries.for_approval(tx) if flow in ("", name)]
        found = [_held(name, _waiting(pending(tx, name), name)) for name in names]
    return [{**one, "fix": desk.gone(hub, one["flow"]) or f"wherry approve {quote(one['flow'])}"} for one in found]


def _held(flow: str, chosen: Sequence[Placed]) -> dict[str, Any]:
    sums: dict[str, int] = {}
    for one in (one for one in chosen if one.item.root):
        desk.add(sums, one.item.amount, one.item.currency)
    documents = dict(sorted(Counter(one.item.entity for one in chosen if one.item.root).items()))
    return {
        "flow": flow, "ids": [f"E-{one.item.id}" for one in chosen], "documents": documents, "also": _also(chosen),
        "sums": sums,
    }  # fmt: skip


def _waiting(open_now: Pending, flow: str) -> list[Placed]:
    mine = (one for one in open_now.by_number.values() if one.item.flow == flow)
    return [one for one in mine if one.item.state in ("queued", "waiting") and open_now.waits(one)]


def _also(chosen: Iterable[Placed]) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in chosen:
        if not one.item.root:
            found[one.item.entity] = found.get(one.item.entity, 0) + 1
    return dict(sorted(found.items()))


def _row(tx: Tx, one: Placed) -> dict[str, Any]:
    item, body = one.item, one.item.draft.body
    return {
        **desk.row(item), "date": str(body.get("date") or ""), "number": str(body.get("number") or item.label),
        "customer": _customer(tx, one.route, body.get("customer")), "action": item.action,
        "changes": _changes(tx, one) if item.target and item.action != "void" else [],
    }  # fmt: skip


def _changes(tx: Tx, one: Placed) -> list[str]:
    """What of a document that was written would become another, by field; ``lines`` where any of them does."""
    from wherry.operating import looking
    from wherry.protocol import flight

    link = ledger.find_links(tx, one.route, [one.item.ref]).get(one.item.ref)
    if link is None or not link.body:
        return []
    sent = looking.as_sent(tx, one, flight.step_of(OpenItem(one.route.source, one.item)))
    old, new = _plain(msgspec.json.decode(link.body)), _plain(msgspec.to_builtins(sent.body))
    return [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]


def _plain(body: Any) -> Any:
    if isinstance(body, list):
        return [_plain(line) for line in body]
    if isinstance(body, dict):
        return {name: _plain(value) for name, value in body.items() if value not in ("", None)}
    return body


def _customer(tx: Tx, route: Route, said: Any) -> str:
    """The name of whom a document is for, as far as the ledger knows it."""
    if not isinstance(said, dict):
        return str(said or "")
    ref = Ref(str(said.get("entity")), str(said.get("key")))
    item = ledger.find_items(tx, route, [ref]).get(ref)
    if item is not None:
        return item.label or item.key
    link = ledger.find_links(tx, route, [ref]).get(ref)
    body = msgspec.json.decode(link.body) if link is not None and link.body else {}
    return str(body.get("name") or ref.key.partition(":")[2] or ref.key)


# -- the word ---------------------------------------------------------------------------------------------------------


def must_agree(flows: Iterable[Flow], second: str) -> None:
    """Raises Guarded where a flow wants the word of two people and one gives it, or where the second is the first."""
    if second and _same(second, audit.actor()):
        raise Guarded(
            f"the second person must be another than the one who approves: both are {audit.actor()}",
            fix="let somebody else look at it, and name them", code="WHERRY-7089",
        )  # fmt: skip
    wanting = [] if second else [flow.name for flow in flows if flow.approvers > 1]
    if wanting:
        raise Guarded(
            f"{', '.join(wanting)}: two people have to agree (approvers = 2), and no second one was named",
            fix="let somebody else look at it, and name them: --second-person NAME", code="WHERRY-7101",
            flow=wanting[0],
        )  # fmt: skip


def _same(one: str, other: str) -> bool:
    return " ".join(one.split()).casefold() == " ".join(other.split()).casefold()


def approve(hub: Hub, flow: str, ids: Sequence[int] | None = None, *, second: str = "") -> Approved:
    """Approve these documents, or all that wait, with everything they need; they are sent before this returns.

    What becomes ready only once its customer is there is sent too, if it is still what was approved. ``second`` is who
    else has agreed. Raises NotFound for what does not wait for approval in this flow, and as ``must_agree`` does.
    """
    must_agree([hub.wiring.flow(flow)], second)
    with hub.store.read() as tx:
        open_now = pending(tx, flow)
        waits = {one.item.id: one for one in _waiting(open_now, flow)}
    _must_wait(waits, ids, flow)
    chosen = list(waits.values()) if ids is None else [waits[id] for id in dict.fromkeys(ids)]
    whole = {each.item.id: each for one in chosen for each in open_now.whole(one)}
    error = None
    while error is None and (given := _give(hub, whole, second)):
        error = desk.send(hub, given)
    with hub.store.read() as tx:
        standing = desk.standing(tx, [one for one in chosen if one.item.root or ids is not None])
    return Approved(
        items=standing, also=_also(one for one in whole.values() if one.item.id not in (ids or ())), error=error
    )


def _must_wait(waits: Collection[int], ids: Sequence[int] | None, flow: str) -> None:
    stray = next((id for id in ids or () if id not in waits), None)
    if stray is not None:
        raise NotFound(
            f"E-{stray} does not wait for approval in flow {flow}", fix=f"see what does: wherry approve {flow}",
            code="WHERRY-3084",
        )  # fmt: skip


def _give(hub: Hub, whole: dict[int, Placed], second: str) -> list[Placed]:
    """Mark what is ready of the chosen, if it is still what was chosen; nothing when all that can be is under way."""
    now = hub.store.now()
    with hub.store.write() as tx:
        found = inquiries.items_by_number(tx, whole)
        ready = [one for one in found.values() if _wants(one.item)]
        given = [one for one in ready if _content(one.item) == _content(whole[one.item.id].item)]
        for one in given:
            one.item.approval, one.item.reason, one.item.changed_at = "given", "", now
            ledger.put_items(tx, one.route, [one.item])
        audit.write_many(tx, now, [("approve", f"E-{one.item.id}", _detail(one.item, second)) for one in given])
    return given


def _wants(item: ItemRow) -> bool:
    """Also what still waits for its customer: the word holds when the target is out of reach in between."""
    return item.approval == "wanted" if item.state == "queued" else item.state == "waiting" and not item.approval


def _content(item: ItemRow) -> tuple[Any, ...]:
    """What a person saw of it. References that turned out to be left out are no other content."""
    body = item.draft.body
    return item.label, item.amount, item.currency, body.get("date"), body.get("number"), item.draft.void


def _detail(item: ItemRow, second: str) -> dict[str, Any]:
    return {
        **({"second": second} if second else {}),
        "flow": item.flow, "record": f"{item.record_kind} {item.record_id}", "key": str(item.ref), "stamp": item.stamp,
        "amount": item.amount, "currency": item.currency,
    }  # fmt: skip


def give_by_asking(hub: Hub, tx: Tx, route: Route, refs: Collection[Ref]) -> None:
    """The word for what a person was shown and said to send, where one person's word is enough."""
    flows, rows, now = hub.project.flows, ledger.find_items(tx, route, refs).values(), hub.store.now()
    enough = [row for row in rows if row.approval == "wanted" and row.flow in flows and flows[row.flow].approvers == 1]
    give_at_once(tx, route, enough, now)
    audit.write_many(tx, now, [("approve", f"E-{row.id}", _detail(row, "")) for row in enough])


def give_at_once(tx: Tx, route: Route, rows: Iterable[ItemRow], now: str) -> None:
    """The word for what a person has asked for in the same breath."""
    for row in rows:
        if row.approval == "wanted":
            row.approval, row.reason, row.changed_at = "given", "", now
            ledger.put_items(tx, route, [row])
