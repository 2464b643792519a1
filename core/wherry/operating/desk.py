"""What waits for an operator, and why: open items as people are told of them, with what was sent and what came back.

``E-7`` is an open item's number; it keeps it until it is done. What is done about one stands in ``deciding``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from shlex import quote as quoted
from typing import TYPE_CHECKING, Any

import msgspec

from wherry import wording
from wherry.errors import Guarded, NotFound, WherryError
from wherry.hub import Hub
from wherry.operating import behind, leaving, parts
from wherry.operating.behind import Holder
from wherry.protocol import halfway
from wherry.records import FOR_A_PERSON, Ref
from wherry.redaction import clean, scrub
from wherry.store import calls, inquiries, ledger, registry
from wherry.store.calls import CallRow
from wherry.store.database import Tx
from wherry.store.inquiries import Placed
from wherry.store.ledger import Event, ItemRow
from wherry.store.registry import Bound
from wherry.wording import CHOICES, in_general

if TYPE_CHECKING:
    from wherry.protocol.flight import Target
    from wherry.protocol.steps import Lane

CLASSES = ("refused", "decide", "differs", "unknown", "waiting")
"""What is listed, what needs a person first."""
_UNSENT = ("queued", "waiting")


# -- which ------------------------------------------------------------------------------------------------------------


def number(text: str) -> int:
    """``E-7``, ``e7`` or ``7`` → 7. Raises NotFound."""
    digits = text.strip().lower().removeprefix("e").removeprefix("-")
    if not digits.isdecimal():
        raise NotFound(f"{text!r} is nothing that waits", fix="see: wherry errors list", code="WHERRY-3080")
    return int(digits)


def pick(hub: Hub, ids: Iterable[int]) -> list[Placed]:
    """Open items by their number, in the order asked for. Raises NotFound for one that is done, or never was."""
    wanted = list(dict.fromkeys(ids))
    with hub.store.read() as tx:
        found = inquiries.items_by_number(tx, wanted)
    gone = next((id for id in wanted if id not in found), None)
    if gone is not None:
        raise NotFound(
            f"E-{gone} is not open: it is done by now, or never was", code="WHERRY-3081",
            fix=f"see what waits: wherry errors list; a document by its own number: wherry explain {gone}",
        )  # fmt: skip
    return [found[id] for id in wanted]


def all_of(hub: Hub, state: str, flow: str = "") -> list[Placed]:
    """Everything of a class. Raises NotFound where the flow is unknown."""
    if flow:
        hub.wiring.flow(flow)
    with hub.store.read() as tx:
        return inquiries.items_in(tx, [state], flow=flow)


# -- where to ---------------------------------------------------------------------------------------------------------


def bound(hub: Hub, sink: int) -> Bound:
    """The connection by its store id, whatever it is called today. Raises NotFound where the project has it no more."""
    with hub.store.read() as tx:
        found = next((row for row in registry.all_connections(tx) if row.id == sink), None)
    if found is None or found.name not in hub.project.connections:
        raise NotFound(
            f"the project has no connection {found.name if found else sink} any more, which this was meant for",
            fix="put it back into wherry.toml, or: wherry connection adopt NAME", code="WHERRY-3082",
        )  # fmt: skip
    return found


def lane(hub: Hub, one: Placed) -> Lane:
    """Where the item is settled: in the run that prepared it."""
    route = msgspec.structs.replace(one.route, sink=_behind(one.route.sink))
    sink = bound(hub, route.sink)
    writer = hub.wiring.writer(sink.name)
    found = hub.wiring.lanes.lane(one.item.flow, one.item.run, route, writer, sink.plugin)
    return found if route == one.route else hub.wiring.lanes.subledger(hub.wiring.flow(one.item.flow), found)


def _behind(sink: int) -> int:
    """The target whose subledger it is, which has its number with the sign turned; else the target itself."""
    return abs(sink)


def reach(hub: Hub, sink: int, *, away: bool = False) -> Target | None:
    """The target, its account looked at, so that it can be asked; None for a sink in the hub's own store, and for one
    that calls us and is not there now, unless ``away`` asks for it all the same.

    Raises Guarded when it is another account than the one that the connection is bound to.
    """
    row = bound(hub, sink)
    writer = hub.wiring.writer(row.name)
    found = hub.wiring.lanes.target(row.name, "", writer, lambda source, outcomes: None, away=away)
    if found is None:
        return None
    account = found.sink.check()
    if account.id != found.account:
        raise Guarded(
            f"connection {row.name} reaches {account.name} ({account.id}), not the account it is bound to "
            f"({found.account}); it was not asked",
            fix="put the right sign-in back, or give the other account a connection of its own",
            code="WHERRY-7091", connection=row.name,
        )  # fmt: skip
    return found


def send(hub: Hub, chosen: Sequence[Placed]) -> WherryError | None:
    """Drain the targets of these items, run by run; what kept a drain from going on, or an item from leaving."""
    error: WherryError | None = None
    for sink, run in dict.fromkeys((_behind(one.route.sink), one.item.run) for one in chosen):
        try:
            hub.drain(bound(hub, sink).name, run)
        except WherryError as caught:
            error = error or caught
    return error or _paused(hub, chosen)


def _paused(hub: Hub, chosen: Sequence[Placed]) -> Guarded | None:
    """Of a flow that is paused nothing is sent, whoever asks for it: that has to be said."""
    with hub.store.read() as tx:
        left = inquiries.items_by_number(tx, [one.item.id for one in chosen]).values()
        found = sorted(calls.paused(tx) & {one.item.flow for one in left if one.item.state == "queued"})
    if not found:
        return None
    return Guarded(
        f"flow {found[0]} is paused: what is ready of it stays queued and is not sent",
        fix=f"wherry flow activate {found[0]}", code="WHERRY-7010", flow=found[0],
    )  # fmt: skip


# -- as people are told of it -----------------------------------------------------------------------------------------


def listed(hub: Hub, *, state: str = "", flow: str = "", since: str = "") -> list[dict[str, Any]]:
    """What waits, by class and number. Raises NotFound where the flow is unknown."""
    if flow:
        hub.wiring.flow(flow)
    with hub.store.read() as tx:
        found = inquiries.items_in(tx, [state] if state else CLASSES, flow=flow, since=since)
        names, holders = _connections(tx), behind.holders(tx)
    rows = [row(one.item, _leaves_with(hub, names, one), holders.get(one.item.id)) for one in found]
    return sorted(rows, key=lambda each: (CLASSES.index(each["class"]), number(each["id"])))


def _connections(tx: Tx) -> dict[int, str]:
    """Store id → connection."""
    return {row.id: row.name for row in registry.all_connections(tx)}


def _leaves_with(hub: Hub, names: Mapping[int, str], one: Placed) -> str:
    return leaving.with_what(hub, names.get(one.route.target, ""))


def row(item: ItemRow, leaves_with: str = leaving.RUN, holder: Holder | None = None) -> dict[str, Any]:
    """One open item: what it is, why it waits, what to do; ``leaves_with``: with what it leaves once it is ready;
    ``holder``: what holds it up until a person has decided about that."""
    return {
        "id": f"E-{item.id}", "class": item.state, "flow": item.flow, "entity": item.entity, "key": item.key,
        "label": item.label or item.key, "record": f"{item.record_kind} {item.record_id}",
        "target": item.target or halfway.half_of(item),
        "amount": item.amount, "currency": item.currency, "reason": scrub(holder.reason if holder else item.reason),
        "field": _typed(item.field), "fix": scrub(_fix(item, leaves_with, holder)),
        "held_up_by": holder.id if holder else "", "holder": holder.label if holder else "",
        "since": item.created_at, "changed": item.changed_at, "due": item.due,
        "stamp": item.stamp, "approval": item.approval, "date": str(item.draft.body.get("date") or ""),
        "reversal": item.draft.void,
    }  # fmt: skip


def _typed(field: str) -> str:
    """A field as ``errors edit`` takes it, lines counted from one: ``lines[0].amount`` → ``lines.1.amount``."""
    return re.sub(r"\[(\d+)\]", lambda found: f".{int(found[1]) + 1}", field)


def _fix(item: ItemRow, leaves_with: str, holder: Holder | None) -> str:
    """What to do next, with the item's own number in it."""
    if holder is not None:
        return f"that comes first, then it goes on by itself: {behind.see(holder.id)}"
    by_state = {
        "refused": "wherry errors edit E-N FIELD=VALUE, or correct it at its source; then: wherry errors retry E-N",
        "decide": CHOICES,
        "differs": "wherry errors resolve E-N keeps theirs; wherry errors retry E-N sends ours again",
        "unknown": f"it is looked up by {leaves_with}"
                   + (", or now: wherry errors retry E-N" if leaves_with == leaving.RUN else ""),
        "waiting": "it goes on by itself; look at what it waits for",
    }  # fmt: skip
    said = item.fix or by_state.get(item.state, "")
    return said.replace("E-N", f"E-{item.id}") + _about_need(item)


def _about_need(item: ItemRow) -> str:
    """Of what was refused for something that it refers to: the way to decide about that."""
    need = next((ref for ref in item.draft.refs if ref.entity == item.field), None)
    if item.state != "refused" or need is None:
        return ""
    return f"; to decide about that {need.entity}: wherry errors reopen {quoted(need.key)} --kind {need.entity}"


def gone(hub: Hub, flow: str) -> str:
    """What lets it go on where the flow that prepared it is called otherwise by now, or is gone; else empty."""
    if flow in hub.project.flows:
        return ""
    return f"the project file has no flow {flow}: run the flow that reads these now, or put {flow} back"


def cause(row: Mapping[str, Any], common: frozenset[str] = frozenset()) -> str:
    """Why, without the names of the single thing but for ``common``: what has it in common is one cause."""
    said = str(row["reason"])
    for name in sorted(_own(row) - common, key=len, reverse=True):
        said = said.replace(name, "…")
    return said


def alike(row: Mapping[str, Any]) -> str:
    """What rows of one cause have in common: neither their own names nor what is quoted, such as a customer's."""
    return in_general(cause(row))


def told_of(rows: Sequence[Mapping[str, Any]]) -> tuple[str, list[str]]:
    """The cause of rows that are alike, and the values in which it differs among them."""
    same = common(rows)
    return wording.alike([cause(one, same) for one in rows])


def common(rows: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """The names that all of them have, such as one day: they may stand in what is said of all."""
    return frozenset.intersection(*map(_own, rows))


def _own(row: Mapping[str, Any]) -> frozenset[str]:
    own = {str(row["label"]), str(row["key"]), str(row["target"]), str(row["record"]).partition(" ")[2], row["id"],
           str(row.get("date", "")), row.get("held_up_by", ""), row.get("holder", "")}  # fmt: skip
    return frozenset(name for name in own if len(name) > 1)


def grouped(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows by cause, in their order: how many, how much in each currency, and what to do about the first."""
    groups: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for one in rows:
        key = (one["class"], one["flow"], one["entity"], alike(one), one["field"])
        groups.setdefault(key, []).append(one)
    return [_group(found) for found in groups.values()]


def _group(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    sums: dict[str, int] = {}
    for one in rows:
        add(sums, one["amount"], one["currency"])
    first, (said, values) = rows[0], told_of(rows)
    return {
        "class": first["class"], "flow": first["flow"], "entity": first["entity"], "cause": said, "values": values,
        "field": first["field"],
        "held_up_by": first["held_up_by"], "count": len(rows), "sums": sums, "ids": [one["id"] for one in rows],
        "fix": first["fix"],
    }  # fmt: skip


def add(sums: dict[str, int], amount: int | None, currency: str) -> None:
    """Add an amount, where there is one, to the sum of its currency."""
    if amount is not None and currency:
        sums[currency] = sums.get(currency, 0) + amount


def shown(hub: Hub, id: int) -> dict[str, Any]:
    """One open item in full: payload, reason, what the target was found to hold, requests, answers, history."""
    [one] = pick(hub, [id])
    with hub.store.read() as tx:
        item, events = one.item, inquiries.told_of(tx, one.item.ref, one.item.flow)
        names = _connections(tx)
        leaves_with, holder = _leaves_with(hub, names, one), behind.holders(tx).get(id)
        sent = sent_calls(tx, events, item.call)
        lost, mine = gone(hub, item.flow) if item.state in _UNSENT else "", row(item, leaves_with, holder)
        return {
            **mine, "fix": lost or mine["fix"], "flow_gone": bool(lost), "leaves_with": leaves_with, "run": item.run,
            "source": names.get(one.route.source, ""), "sink": names.get(one.route.sink, ""),
            "action": item.action, "attempt": item.attempt,
            "tries": item.tries, "approval": item.approval, "payload": clean(item.draft.body),
            "evidence": evidence(item), "needs": [row(each.item, leaves_with) for each in behind.chain(tx, one)],
            "questions": [f"T-{asked}" for asked in behind.asked_of(tx, one)],
            "needed_by": inquiries.count_needing(tx, one),
            "newer": bool(item.follower), "vendor_code": vendor_code(sent[-1:], names_of(item)),
            "calls": sent, "history": [told(event) for event in events],
        }  # fmt: skip


def evidence(item: ItemRow) -> dict[str, Any] | None:
    """What the target was last found to hold, and when; None where nobody has looked since it was marked otherwise."""
    said = msgspec.json.decode(item.evidence) if item.evidence else {}
    return clean(said) if "found" in said else None


def told(event: Event) -> dict[str, Any]:
    """A row of the history."""
    return {name: scrub(value) if isinstance(value, str) else value
            for name, value in msgspec.to_builtins(event).items()}  # fmt: skip


# -- what was sent ----------------------------------------------------------------------------------------------------


def sent_calls(tx: Tx, events: Iterable[Event], *more: int) -> list[dict[str, Any]]:
    """The requests by which something was written, with their raw answers, oldest first; secrets are masked."""
    found = calls.calls_by_id(tx, {number for number in (*(event.call for event in events), *more) if number})
    return [_call(found[number]) for number in sorted(found)]


def _call(one: CallRow) -> dict[str, Any]:
    reply = one.reply
    return {
        "call": one.id, "state": one.state, "at": one.at, "times": one.sent, "method": one.call.method,
        "path": scrub(one.call.path), "params": clean(one.call.params), "headers": clean(one.call.headers),
        "items": list(one.call.items), "body": parts.readable(one.call.body),
        "status": reply.status if reply else None, "answered": one.answered_at,
        "answer_headers": clean(reply.headers) if reply else {},
        "answer": parts.readable(reply.body) if reply else None, "problem": scrub(one.problem),
    }  # fmt: skip


def names_of(item: ItemRow) -> list[str]:
    """By what an item is known in the calls that carry it."""
    return [name for name in (item.stamp, item.target, item.label) if name]


def vendor_code(sent: Sequence[Mapping[str, Any]], names: Sequence[str]) -> str:
    """The code by which a refusing answer calls the refusal of an item: the first ``code`` in what is said of it."""
    for call in sent:
        _, answer = parts.of_item(call, names)
        if code := _code_in(call["answer"] if answer is None else answer):
            return code
    return ""


def _code_in(value: Any) -> str:
    if isinstance(value, dict):
        own = next((said for name, said in value.items() if name.lower() == "code" and isinstance(said, str | int)), "")
        return str(own) or next((code for inner in value.values() if (code := _code_in(inner))), "")
    return next((code for inner in value if (code := _code_in(inner))), "") if isinstance(value, list) else ""


# -- how it stands ----------------------------------------------------------------------------------------------------


def refused_for(hub: Hub, refs: Iterable[Ref]) -> list[str]:
    """The flows of which something stands refused that refers to one of these."""
    wanted = set(refs)
    with hub.store.read() as tx:
        refused = inquiries.items_in(tx, ["refused"]) if wanted else []
    return sorted({one.item.flow for one in refused if wanted.intersection(one.item.draft.refs)})


def standing(tx: Tx, ones: Sequence[Placed]) -> list[dict[str, Any]]:
    """What became of items: how each stands while it is open, else what it was written as or why it was left."""
    holders = behind.holders(tx) if ones else {}
    return [_standing(tx, one, holders.get(one.item.id)) for one in ones]


def _standing(tx: Tx, one: Placed, holder: Holder | None) -> dict[str, Any]:
    found = inquiries.items_by_number(tx, [one.item.id]).get(one.item.id)
    if found is not None:
        return {**row(found.item, holder=holder), "state": found.item.state, "approval": found.item.approval}
    link = ledger.find_links(tx, one.route, [one.item.ref]).get(one.item.ref)
    events = [event for event in inquiries.told_of(tx, one.item.ref, one.item.flow) if event.fate]
    last = events[-1] if events else None
    known = {"state": last.fate if last else "", "reason": scrub(last.reason) if last else "", "fix": ""}
    return {**row(one.item), **known, "target": link.target if link else "", "approval": ""}


def waits_for_a_person(rows: Iterable[Mapping[str, Any]]) -> bool:
    """Whether any of these still needs somebody."""
    return any(one["state"] in FOR_A_PERSON or one.get("approval") == "wanted" or one.get("held_up_by") for one in rows)
