"""Taking a posted journal entry back by one that turns its sides over. Nothing is deleted; both stay, linked here.

The target is looked at first: what stands there is turned over, so that nothing is left of an entry that was edited,
and nothing is reversed that was deleted. Its movements are held, or booked anew. Refused where the books of its day are
closed. Source: behaviours.md 000.15.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from wherry.accounting import Entry, HeldEntry, HeldLine, ListsEntries
from wherry.bookkeeping import trail
from wherry.bookkeeping.trail import Known
from wherry.books import pairing, unbooked
from wherry.books.frozen import ENTITY
from wherry.books.held import FAR
from wherry.books.unbooked import REVERSED_ENTRY, Wish
from wherry.errors import Guarded, WherryError
from wherry.hub import Hub
from wherry.operating import approvals, comparing, desk
from wherry.operating.reconciling import item_of
from wherry.protocol import writing
from wherry.protocol.flight import Target
from wherry.protocol.rows import REVERSED
from wherry.protocol.steps import Step, in_words
from wherry.records import Draft
from wherry.roles import Asks
from wherry.store import audit, ledger, movements
from wherry.store.inquiries import Placed
from wherry.store.ledger import Event

_IN_FLIGHT = frozenset({"unknown", "decide"})
_GONE = "WHERRY-7098"


class Standing(Struct, kw_only=True):
    """A posted entry as the target holds it. ``says`` is what was changed there, in words; empty where nothing was."""

    known: Known
    entry: Entry
    body: dict[str, Any]
    says: str = ""


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
    _must_be_open(hub, one, one.entry)
    return one


def _must_be_open(hub: Hub, one: Known, entry: Entry) -> None:
    lane = hub.wiring.wire(one.flow, "reverse").posting
    assert lane is not None
    until = hub.bookkeeper.closed_until(lane)
    if until is not None and entry.date <= until:
        raise Guarded(
            f"{entry.number} is dated {entry.date}, and the books are closed up to {until}: nothing was reversed",
            fix="open the period, or book a correcting entry in an open one", code="WHERRY-7086", entry=one.entry.key,
        )  # fmt: skip


def standing(hub: Hub, one: Known) -> Standing:
    """What the target holds of a posted entry; as it was written where the target can tell of no entry.

    Raises Guarded where it was deleted there, where it was edited and the target cannot list it, or was dated into a
    closed period; and what reading the target raises.
    """
    assert one.link is not None
    target = desk.reach(hub, one.route.sink, away=True)
    assert target is not None
    found = Standing(known=one, entry=one.entry, body=_in_codes(hub, one))
    if isinstance(target.sink, ListsEntries):
        held = _held(target.sink, one)
        if held is None:
            raise _gone(one, target.name)
        _as_held(found, held)
        _must_be_open(hub, one, found.entry)
    elif isinstance(target.sink, Asks):
        _must_be_as_written(target, one)
    return found


def _in_codes(hub: Hub, one: Known) -> dict[str, Any]:
    """What was written, each account by the code that it has now: it may have been given another since."""
    lane = hub.wiring.wire(one.flow, "reverse").posting
    assert lane is not None
    assert one.link is not None
    chart, at = hub.bookkeeper.refresh(lane), one.link.made_at
    body: dict[str, Any] = msgspec.json.decode(one.link.body)
    for line in body.get("lines", ()):
        line["account"] = chart.code_of(line["account"], at)
    if account := body.get("rounding_account"):
        body["rounding_account"] = chart.code_of(account, at)
    return body


def _held(sink: ListsEntries, one: Known) -> HeldEntry | None:
    """The entry, by its id; it may have been given another date."""
    assert one.link is not None
    id, day = one.link.target, one.entry.date
    for first, last in ((day, day), (None, FAR)):
        for held in sink.journal_entries(first, last):
            if held.id == id or (held.number == id and not held.stamp):
                return held
    return None


def _gone(one: Known, target: str) -> Guarded:
    assert one.link is not None
    return Guarded(
        f"{one.entry.number} ({one.link.target}) was deleted in {target}: a reversal would take back what is not there",
        fix=f"book its movements anew, without a reversal: wherry journal reverse {one.flow} "
        f"{shlex.quote(one.entry.number)} --deleted", code=_GONE, entry=one.entry.key,
    )  # fmt: skip


def _must_be_as_written(target: Target, one: Known) -> None:
    assert one.link is not None
    item = item_of(one.link, one.entry.key)
    there = comparing.in_target(target, {one.entry.key: item}, {one.link.target})[one.entry.key]
    if there.told and not there.there:
        raise _gone(one, target.name)
    if there.changes:
        raise Guarded(
            f"{one.entry.number} was edited in {target.name}, which cannot list its lines: "
            f"{in_words(there.changes, 'was written')}",
            fix="change it back there, then reverse it", code="WHERRY-7099", entry=one.entry.key,
        )  # fmt: skip


def _as_held(found: Standing, held: HeldEntry) -> None:
    """Where it was edited or dated otherwise, what stands there takes the place of what was written."""
    told = [] if held.date == found.entry.date else [f"is dated {held.date} there, {found.entry.date} was written"]
    written = trail.entry_of(found.entry.key, found.body, {})  # parties by the target's ids, as it names them
    if differs := pairing.differences(written, held):
        told.append(differs)
        found.body["lines"] = list(_lines(found.body, held))
    if told:
        found.says, found.body["date"] = "; ".join(told), held.date.isoformat()
        found.entry = trail.entry_of(found.entry.key, found.body, {})


def _lines(body: dict[str, Any], held: HeldEntry) -> Iterator[dict[str, Any]]:
    """The lines that stand there; what the target does not list of one is taken from ours on the same account."""
    home = str(body.get("home") or "")
    for line, ours in zip(held.lines, _ours(body["lines"], held.lines), strict=True):
        if line.minor:
            whose = {"customer": line.party} if line.party and (ours.get("customer") or not ours) else {}
            yield {**_more(ours), **whose, **_said(line, held.currency, home)}


def _ours(lines: Sequence[dict[str, Any]], held: Sequence[HeldLine]) -> list[dict[str, Any]]:
    """Which of our lines each line there is, by account and side: that of the same amount, else the next one that is
    none yet; the first one where there are more of them there than ours."""
    left, found = list(lines), [dict[str, Any]() for _ in held]
    for pool, exact in ((left, True), (left, False), (lines, False)):
        for number, line in enumerate(held):
            if not found[number]:
                found[number] = one = next((one for one in pool if _is_like(one, line, exact)), {})
                left[:] = [other for other in left if other is not one]
    return found


def _is_like(ours: dict[str, Any], line: HeldLine, exact: bool) -> bool:
    same = (ours["account"], ours["side"]) == (line.account, line.side)
    return same and (not exact or ours["amount"]["minor"] == line.minor)


def _more(ours: dict[str, Any]) -> dict[str, Any]:
    return {name: ours[name] for name in ("description", "customer", "dimensions") if ours.get(name)}


def _said(line: HeldLine, currency: str, home: str) -> dict[str, Any]:
    said: dict[str, Any] = {"account": line.account, "side": line.side,
                            "amount": {"minor": line.minor, "currency": currency}}  # fmt: skip
    return {**said, "home": {"minor": line.home, "currency": home}} if home else said


def reverse(hub: Hub, there: Standing, *, repost: bool = False, note: str = "", second: str = "") -> Reversal:
    """Take an entry back by one that turns over what stands in the target; both stay there, linked here.

    Its movements are held, or with ``repost`` booked anew by the next run. Raises as ``approvals.must_agree`` does.
    """
    one = there.known
    approvals.must_agree([hub.wiring.flow(one.flow)], second)
    assert one.link is not None
    lane = hub.wiring.wire(one.flow, one.link.run).posting
    assert lane is not None
    now = hub.store.now()
    with hub.store.write() as tx:
        writing.settle(tx, lane, [_taking_back(there)], now, cause=f"reverse {one.entry.number}")
        found = ledger.find_items(tx, one.route, [one.ref])
        approvals.give_at_once(tx, one.route, found.values(), now)
        unbooked.wish(tx, one.route.sink, one.entry.key, _wish(one, repost=repost, note=note))
        told = {"entry": one.entry.key, "target": one.link.target, "repost": repost, "note": note,
                "edited": there.says, **({"second": second} if second else {})}  # fmt: skip
        audit.write(tx, now, "journal.reverse", one.entry.number, told)
    placed = [Placed(one.route, item) for item in found.values()]
    error = desk.send(hub, placed)
    with hub.store.write() as tx:
        rows = desk.standing(tx, placed)
        link = ledger.find_links(tx, one.route, [one.ref]).get(one.ref)
        if link is not None and link.rule == REVERSED:
            unbooked.fulfil(tx, one.route.sink, one.flow, one.entry.key)
    entry = trail.told_entry(there.entry, hub.bookkeeper.chart(one.route.sink))
    return Reversal(entry=entry, items=rows, repost=repost, error=error)


def let_go(hub: Hub, one: Known, note: str = "") -> int:
    """An entry that was deleted in the target: nothing is sent, and its movements are booked anew; how many.

    Raises Guarded where the target still holds it, or cannot tell; and what reading the target raises.
    """
    assert one.link is not None
    try:
        standing(hub, one)
    except Guarded as error:
        if error.code != _GONE:
            raise
    else:
        raise Guarded(
            f"{one.entry.number} stands in the target as {one.link.target}: nothing was changed", code="WHERRY-7100",
            fix=f"wherry journal reverse {one.flow} {shlex.quote(one.entry.number)} --repost", entry=one.entry.key,
        )  # fmt: skip
    now, why = hub.store.now(), "it was deleted in the target; its movements are booked anew"
    with hub.store.write() as tx:
        ledger.put_links(tx, one.route, [msgspec.structs.replace(one.link, rule=REVERSED, digest="")])
        unbooked.forget(tx, one.route.sink, [one.entry.key])
        ids = [row.id for row in movements.of_entries(tx, one.route.sink, one.flow, [one.entry.key])]
        movements.place(tx, one.route.sink, one.flow, ids, "open", entry=one.entry.key)
        ledger.put_events(tx, [Event(
            now, one.link.run, one.flow, "journal", one.entry.key, ENTITY, one.entry.key, "skipped", "", why, "deleted",
        )])  # fmt: skip
        told = {"entry": one.entry.key, "target": one.link.target, "movements": len(ids), "note": note}
        audit.write(tx, now, "journal.deleted", one.entry.number, told)
    return len(ids)


def rebook(hub: Hub, name: str, one: Known, note: str = "") -> int:
    """Movements that are held since their entry was reversed are booked anew by the next run; how many."""
    held = f"{REVERSED_ENTRY} ({one.entry.number})"
    with hub.store.write() as tx:
        unbooked.fulfil(tx, one.route.sink, name, one.entry.key)
        rows = trail.subledger_rows(tx, trail.booking_flow(hub, name))
        ids = [row.id for row in rows if row.state == "left" and row.reason.startswith(held)]
        movements.place(tx, one.route.sink, name, ids, "open", entry=one.entry.key)  # which they came in time for
        if ids:
            told = {"entry": one.entry.key, "movements": len(ids), "note": note}
            audit.write(tx, hub.store.now(), "journal.rebook", one.entry.number, told)
    return len(ids)


def _taking_back(there: Standing) -> Step:
    """What stands there goes with it, and becomes what was written once it is taken back: until then the entry is told
    to be edited."""
    one = there.known
    draft = Draft(entity=ENTITY, key=one.entry.key, body=there.body, label=one.entry.number, root=True, void=True)
    return Step(draft=draft, flow=one.flow, record_kind="journal", record_id=one.entry.key, link=one.link, always=True)


def _wish(one: Known, *, repost: bool, note: str) -> Wish:
    reason = f"{REVERSED_ENTRY} ({one.entry.number})" + (f": {note}" if note else "")
    return Wish(repost=repost, reason="" if repost else reason)
