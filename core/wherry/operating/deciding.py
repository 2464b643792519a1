"""What an operator does about what waits: edit it, try it again, say which document it is, send it again, give it up.

Everything is audited with before, after and why, and is sent before the command returns. Source: write-protocol.md,
section 3.2 (what a machine cannot tell goes to a person).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from shlex import quote
from typing import Any

import msgspec
from msgspec import Struct

from wherry.errors import AccessLost, Guarded, NotFound, TryAgain, WherryError
from wherry.hub import Hub
from wherry.operating import approvals, decided, desk, linking
from wherry.operating.linking import LINK
from wherry.operating.looking import Look, as_sent, look
from wherry.protocol import flight, halfway, rows, said, writing
from wherry.protocol.steps import OVER_SEEN, Lane, Outcome, Step, digest, stamp_of
from wherry.records import Answer, Create, Facts, Found, Link
from wherry.roles import CallSinkWriter
from wherry.runs.job import Options
from wherry.store import Store, audit, ledger
from wherry.store.calls import OpenItem
from wherry.store.database import Tx
from wherry.store.findings import How
from wherry.store.inquiries import Placed, items_by_number
from wherry.store.ledger import ItemRow, LinkRow, Route
from wherry.wording import CHOICES, spelled

TRIED = frozenset({"refused", "queued", "differs", "unknown"})
"""What can be tried again."""
KEPT = "kept as it is there by"
"""How the history says that a person left the target's version as it is."""
_NOT_THAT_WAY = {
    "unknown": "is being looked up: it was sent, and its answer was lost",
    "waiting": "waits for something else",
    "queued": "is ready, and has not left yet",
    "triage": "waits for an answer to a question",
}


class Done(Struct, kw_only=True):
    """What a decision brought about: how each thing stands now, and what kept the target from being reached."""

    items: list[dict[str, Any]]
    error: WherryError | None = None


# -- try again --------------------------------------------------------------------------------------------------------


def retry(hub: Hub, chosen: Sequence[Placed]) -> Done:
    """Try these again. What differs is written over with ours; what could not be mapped is read again.

    Raises Guarded for what cannot be tried.
    """
    for one in chosen:
        if one.item.state not in TRIED:
            raise not_that_way(hub, one.item)
    anew = [one for one in chosen if is_read_again(one.item)]
    error = _read_again(hub, anew)
    for lane, some in _by_lane(hub, [one for one in chosen if one not in anew]):
        with hub.store.write() as tx:
            steps = [step for one in some if (step := _step_again(hub.store, tx, lane, one)) is not None]
            writing.settle(tx, lane, steps, hub.store.now(), cause="retry")
            shown = [step.ref for step in steps if step.overwrite_local == OVER_SEEN]
            approvals.give_by_asking(hub, tx, lane.route, shown)
            _note(tx, hub, "errors.retry", [(one.item, {"class": one.item.state}) for one in some])
    return _finished(hub, chosen, error)


def is_read_again(item: ItemRow) -> bool:
    """Whether nothing of it is kept that could be sent: it was never mapped, or its file was never copied."""
    unmapped = not item.stamp and not item.draft.body
    return item.state in ("refused", "queued") and (
        unmapped or bool(item.draft.file and not item.draft.body.get("blob"))
    )


def _read_again(hub: Hub, chosen: Sequence[Placed]) -> WherryError | None:
    error: WherryError | None = None
    for flow in dict.fromkeys(one.item.flow for one in chosen):
        records = tuple(dict.fromkeys(one.item.record_id for one in chosen if one.item.flow == flow))
        error = hub.resync(flow, Options(records=records, resync=True), write=True).error or error
    return error


def _look_soon(store: Store, tx: Tx, lane: Lane, item: ItemRow) -> None:
    """It is looked up as soon as its target has settled, whatever time it was given."""
    if isinstance(lane.sink, CallSinkWriter):
        item.due = min(item.due, flight.later(store, lane.sink.settle))
        ledger.put_items(tx, lane.route, [item])


def _step_again(store: Store, tx: Tx, lane: Lane, one: Placed) -> Step | None:
    """The item as a step that goes on. None where the drain alone is what it needs, or it has moved on meanwhile."""
    now = items_by_number(tx, [one.item.id]).get(one.item.id)
    if now is None or now.item.state != one.item.state:
        return None
    if now.item.state == "unknown":
        _look_soon(store, tx, lane, now.item)
        return None
    item = now.item
    item.tries, item.due = 0, ""
    if item.state == "refused" and halfway.is_begun(item):
        halfway.take_up(lane, item)
        ledger.put_items(tx, one.route, [item])
        return None
    if item.state == "differs":
        _may_write_over(tx, one.route, item)
        item.stamp = ""  # another change of the same document: the next work item, not the one that was written
    elif item.state == "refused" and item.stamp == stamp_of(lane, item.draft, item.action, item.sequence, item.attempt):
        rows.again(lane, item)  # a target that replays its refusals would give the last one for ever
    ledger.put_items(tx, one.route, [item])  # settling starts from what the ledger holds
    if item.state == "queued":
        return None
    step = rows.resumed(item)
    step.overwrite_local = OVER_SEEN if item.state == "differs" else step.overwrite_local
    return step


def _may_write_over(tx: Tx, route: Route, item: ItemRow) -> None:
    """A person said that ours goes over the version that was found there."""
    links = ledger.find_links(tx, route, [item.ref]).values()
    ledger.put_links(tx, route, [msgspec.structs.replace(link, token=item.token or link.token) for link in links])


# -- say what it is ---------------------------------------------------------------------------------------------------


def adopt(
    hub: Hub, id: int, target: str, note: str = "", *, states: tuple[str, ...] = ("refused", "decide"),
    action: str = LINK,
) -> tuple[Done, Look | None]:  # fmt: skip
    """It is that document of the target, which must be there where it can be asked. A link is kept, by a person.

    Raises Guarded for what is not to be decided, NotFound where the target holds no such thing.
    """
    one, detail = _decidable(hub, id, *states), {"target": target, "note": note}
    lane = desk.lane(hub, one)
    linking.refuse_taken(hub, one, target)
    if lane.atomic is not None:
        return _settled(hub, one, _atomic(one, target), action, detail, how="linked"), None
    [seen] = look(hub, [one], target)
    hit = _hit(hub, one, seen, target)
    if action == LINK and linking.is_to_be_looked_at(lane, one.item, seen, target):
        with hub.store.write() as tx:
            linking.note(tx, Placed(one.route, _still(tx, one)), target, note, hub.store.now())
        return _finished(hub, [one]), None
    held, why = hit.facts if hit else {}, note or "a person said so"
    answer = Answer(fate="linked", target=target, token=hit.token if hit else "", reason=why, facts=held,
                    changes=seen.changes)  # fmt: skip
    step = _step_with(one, answer)
    step.link = LinkRow(one.item.entity, one.item.key, target, "person")
    done = _settled(hub, one, step, action, detail, how="linked", held=held)
    if one.item.target == target and (seen.changes or not held):  # a change, of which nobody knows that it got there
        fix = f"wherry resync {quote(one.item.flow)} {quote(one.item.record_id)} writes it there as it is here"
        done.items = [{**row, "fix": fix} for row in done.items]
    return done, seen


def _hit(hub: Hub, one: Placed, seen: Look, target: str) -> Found | None:
    """The document that a person named; None where nobody can look. Raises NotFound where the target holds none."""
    hit = next((hit for hit in seen.found if hit.target == target), None)
    if seen.asked and hit is None:
        name = desk.bound(hub, one.route.sink).name
        raise NotFound(
            f"{name} holds no {spelled(one.item.entity)} {target}; nothing was linked",
            fix=f"what it was found to hold: wherry errors show E-{one.item.id}", code="WHERRY-3083", target=target,
        )  # fmt: skip
    return hit


def _atomic(one: Placed, target: str) -> Step:
    item = one.item
    return Step(
        draft=item.draft, flow=item.flow, record_kind=item.record_kind, record_id=item.record_id, item=item,
        decision=Link(target, "person", "a person said so"), by_person=True,
    )  # fmt: skip


def send_again(hub: Hub, id: int, note: str = "") -> Done:
    """Send it as a new attempt, because a person says that the target does not hold it (case A27).

    What was written once and was deleted there since is written anew, as another document, if a look says so too.
    """
    one = _decidable(hub, id, "decide", "refused")
    if one.item.state == "refused":
        _refuse_unless_gone(hub, one)
        return _anew(hub, one, note)
    if _is_lost(hub, one):
        return _anew(hub, one, note)
    seen = msgspec.json.decode(one.item.evidence) if one.item.evidence else None
    lane = desk.lane(hub, one)
    with hub.store.write() as tx:
        item = _still(tx, one)
        rows.again(lane, item, by_person=True)
        item.tries, item.due = 0, ""
        step = _step_with(Placed(one.route, item), Answer(fate="queued", reason="a person said to send it again"))
        writing.settle(tx, lane, [step], hub.store.now(), cause="send again")
        _note(tx, hub, "errors.send-again", [(item, {"note": note, "found": seen})])
    return _finished(hub, [one])


def _refuse_unless_gone(hub: Hub, one: Placed) -> None:
    """Raises Guarded where the target still holds what was written, or cannot tell. What calls us, and is not there to
    be asked, has told it when it refused the change."""
    target = one.item.target
    [seen] = look(hub, [one], target) if target else [None]
    if seen is not None and not seen.asked and halfway.was_gone(one.item):
        return
    if seen is None or not seen.asked or any(hit.target == target for hit in seen.found):
        raise not_that_way(hub, one.item)


def _is_lost(hub: Hub, one: Placed) -> bool:
    """Whether it was written once, and was opened again because the target holds it no more, or not for use."""
    with hub.store.read() as tx:
        link = ledger.find_links(tx, one.route, [one.item.ref]).get(one.item.ref)
    return link is not None and bool(link.target) and link.rule != rows.REVERSED and not one.item.target


def _anew(hub: Hub, one: Placed, note: str) -> Done:
    lane, now = desk.lane(hub, one), hub.store.now()
    with hub.store.write() as tx:
        item = _still(tx, one)
        links = list(ledger.find_links(tx, one.route, [item.ref]).values())
        ledger.put_links(tx, one.route, [_as_gone(link, item) for link in links])
        ledger.remove_items(tx, [item.id])
        step = Step(draft=item.draft, flow=item.flow, record_kind=item.record_kind, record_id=item.record_id,
                    decision=Create(), always=True)  # fmt: skip
        writing.settle(tx, lane, [step], now, cause="send again")
        made = list(ledger.find_items(tx, one.route, [item.ref]).values())
        for new in made:
            new.follower = item.follower  # a newer version goes on waiting behind what is sent now
        ledger.put_items(tx, one.route, made)
        approvals.give_by_asking(hub, tx, one.route, [item.ref])
        _note(tx, hub, "errors.send-again", [(item, {"note": note, "gone": [link.target for link in links]})])
    return _finished(hub, [Placed(one.route, each) for each in made])


def _as_gone(link: LinkRow, item: ItemRow) -> LinkRow:
    """It counts as taken back; what follows it has another stamp than the change that found it gone."""
    return msgspec.structs.replace(link, rule=rows.REVERSED, sequence=max(link.sequence, item.sequence))


def abandon(hub: Hub, id: int, note: str = "") -> Done:
    """Give it up: it is never sent. What waited for it goes on without it. What is linked already stays as it is, and
    so does what was made of it by the first of two calls, which is told."""
    one = _decidable(hub, id, "refused", "decide")
    with hub.store.read() as tx:
        link = ledger.find_links(tx, one.route, [one.item.ref]).get(one.item.ref)
    half = halfway.half_of(one.item)
    reason = f"given up by {audit.actor()}" + (f": {note}" if note else "")
    reason += f"; {half} was left there half-made" if half else ""
    answer, held = Answer(fate="skipped", reason=reason), None
    if link is not None and link.target:
        answer = Answer(fate="linked", target=link.target, token=one.item.token or link.token, reason=reason)
        held = decided.evidence_of(one.item, link.target)
    stays = link if answer.target else None
    done = _settled(hub, one, _step_with(one, answer), "errors.abandon", {"note": note}, stays=stays, how="given up",
                    held=held)  # fmt: skip
    there = f"delete {half} in {desk.bound(hub, one.route.sink).name}; " if half else ""
    done.items = [{**row, "fix": f"{there}wherry errors reopen {row['id']} takes it up again"} for row in done.items]
    return done


def accept(hub: Hub, id: int, note: str = "", *, same: bool = False) -> Done:
    """Keep what the target holds: the link stays, and ours is not sent. The next change at its source meets the same
    edit and is shown again, since nobody has said that theirs may be written over. ``same``: it was found to be what
    we would write, so there is no edit to meet."""
    one = _decidable(hub, id, "differs")
    with hub.store.read() as tx:
        link = ledger.find_links(tx, one.route, [one.item.ref])[one.item.ref]
    link = msgspec.structs.replace(link, token=one.item.token) if same else link
    held = _held_now(hub, one, link.target)
    reason = f"{KEPT} {audit.actor()}" + (f": {note}" if note else "")
    answer = Answer(fate="linked", target=link.target, token=link.token, reason=reason, facts=held)
    return _settled(hub, one, _step_with(one, answer), "errors.accept", {"note": note, "reason": one.item.reason},
                    stays=None if same else link, how="kept theirs", held=held)  # fmt: skip


def _held_now(hub: Hub, one: Placed, target: str) -> Facts | None:
    """What the target holds under an id now; as it was last found, where it is out of reach."""
    with contextlib.suppress(TryAgain, AccessLost):
        look(hub, [one])
    [one] = desk.pick(hub, [one.item.id])
    return decided.evidence_of(one.item, target)


def _decidable(hub: Hub, id: int, *states: str) -> Placed:
    [one] = desk.pick(hub, [id])
    if one.item.state not in states:
        raise not_that_way(hub, one.item)
    return one


def not_that_way(hub: Hub, item: ItemRow) -> Guarded:
    """Why this cannot be done about an item in its state, and what can."""
    why = (
        item.reason
        if said.of(item)
        else _NOT_THAT_WAY.get(item.state, f"stands at {item.state!r}, where that cannot be done")
    )
    due = f"; it is looked up from {item.due[:19]} on" if item.state == "unknown" and item.due else ""
    flow = quote(item.flow)
    fix = {
        "unknown": f"wherry errors retry E-{item.id} looks it up now",
        "refused": f"wherry errors retry E-{item.id}, or: wherry errors resolve E-{item.id} --link ID | --abandon; "
        "--send-again where it was deleted there",
        "decide": CHOICES.replace("E-N", f"E-{item.id}"),
        "differs": f"wherry errors retry E-{item.id}, or: wherry errors resolve E-{item.id}",
        "queued": desk.gone(hub, item.flow)
                  or (f"wherry approve {flow} E-{item.id}" if item.approval == "wanted" else f"wherry run {flow}"),
        "triage": "wherry triage list",
    }.get(item.state, f"wherry errors show E-{item.id}")  # fmt: skip
    return Guarded(
        f"E-{item.id} ({spelled(item.entity)} {item.label or item.key}) {why}{due}", fix=fix, code="WHERRY-7092"
    )


# -- how --------------------------------------------------------------------------------------------------------------


def _step_with(one: Placed, answer: Answer) -> Step:
    step = flight.step_of(OpenItem(one.route.source, one.item))
    step.answer = answer
    return step


def _settled(
    hub: Hub, one: Placed, step: Step, action: str, detail: Mapping[str, Any], *, how: How, held: Facts | None = None,
    stays: LinkRow | None = None,
) -> Done:  # fmt: skip
    """The decision in one transaction with its audit row, then the drain. ``stays``: the link is kept as it was."""
    lane, now = desk.lane(hub, one), hub.store.now()
    with hub.store.write() as tx:
        step.item = _still(tx, one)
        if how == "linked" and one.item.root:  # somebody else may have linked it while the target was looked at
            linking.refuse_shared(tx, one, str(detail["target"]))
        if how == "given up":
            decided.keep_given_up(tx, Placed(one.route, msgspec.structs.replace(step.item)))
        step.item.call = 0  # a person's word settles it, no request
        step.sent = as_sent(tx, one, step)
        outcomes = writing.settle(tx, lane, [step], now, cause=f"E-{one.item.id}")
        if stays is not None:
            kept = msgspec.structs.replace(stays, digest=digest(step.sent.body), sequence=one.item.sequence)
            ledger.put_links(tx, one.route, [kept])
        decided.keep(tx, one, how, held, str(detail.get("note") or ""), now)
        _note(tx, hub, action, [(one.item, {**detail, "settled": _counted(outcomes.values())})])
    return _finished(hub, [one])


def _still(tx: Tx, one: Placed) -> ItemRow:
    """The item as it is now. Raises Guarded where somebody, or a run, was quicker."""
    now = items_by_number(tx, [one.item.id]).get(one.item.id)
    if now is None or now.item.state != one.item.state or now.item.stamp != one.item.stamp:
        raise Guarded(
            f"E-{one.item.id} has moved on meanwhile; nothing was done", fix="wherry errors list", code="WHERRY-7093"
        )
    return now.item


def _counted(outcomes: Iterable[Outcome]) -> dict[str, int]:
    found: dict[str, int] = {}
    for outcome in outcomes:
        found[outcome.fate] = found.get(outcome.fate, 0) + 1
    return found


def _note(tx: Tx, hub: Hub, action: str, what: Iterable[tuple[ItemRow, Mapping[str, Any]]]) -> None:
    audit.write_many(tx, hub.store.now(), [
        (action, f"E-{item.id}", {"record": f"{item.record_kind} {item.record_id}", "key": str(item.ref), **detail})
        for item, detail in what
    ])  # fmt: skip


def _by_lane(hub: Hub, chosen: Sequence[Placed]) -> Iterable[tuple[Lane, list[Placed]]]:
    made: dict[tuple[Any, ...], tuple[Lane, list[Placed]]] = {}
    for one in chosen:
        key = (one.route, one.item.flow, one.item.run)
        if key not in made:
            made[key] = (desk.lane(hub, one), [])
        made[key][1].append(one)
    return made.values()


def _finished(hub: Hub, chosen: Sequence[Placed], error: WherryError | None = None) -> Done:
    error = desk.send(hub, chosen) or error
    with hub.store.read() as tx:
        return Done(items=desk.standing(tx, chosen), error=error)
