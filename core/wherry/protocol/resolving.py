"""What became of something that was sent without a clear answer: by sending the same bytes again, or by looking.

A look tells apart: nothing there (the effect is proved absent, the item may be sent anew), one thing with our stamp
(it is written), two of them (an alarm, for a person), something alike that is not ours (for a person).
Source: write-protocol.md, sections 3.1 to 3.3.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence

import msgspec
import structlog
from msgspec.structs import replace

from wherry.errors import ContractBroken, Guarded, Rejected, WherryError
from wherry.protocol import flight, halfway, restored, rows, said, sinks
from wherry.protocol.flight import Exchange, Flight, Target, Verdict, differs, only_repeats
from wherry.protocol.steps import OVER_SEEN, REPLACE, differing
from wherry.records import DONE, Answer, Call, Facts, Fate, Found, Item, Reply
from wherry.roles import Asks
from wherry.store import calls, ledger
from wherry.store.calls import CallRow
from wherry.store.database import Tx
from wherry.threads import fan_out
from wherry.wording import CHOICES, spelled

_SENT_AT_MOST = 3
"""How often the same bytes are sent: a vendor that replays a stored failure would replay it for ever (case A13)."""
_TRIED_AT_MOST = 8
"""Answers that told nothing, and looks that found nothing: what is lost each time is sent five times, not for ever."""
_AGAIN_AFTER = 60.0
Finds = sinks.Finds
TWICE = "twice"


# -- the same bytes again ----------------------------------------------------------------------------------------------


def repeatable(target: Target, flights: Sequence[Flight], found: Mapping[int, CallRow]) -> list[Exchange]:
    """Calls without a usable answer that the target will recognise if they come again, ready to be sent so."""
    if target.sink.resend_for is None:
        return []
    again = []
    for row in found.values():
        mine = [one for one in flights if one.open.item.call == row.id]
        whole = {one.stamp for one in mine} == set(row.call.items)
        may = row.sent < _SENT_AT_MOST or only_repeats(target)
        if whole and row.state in ("lost", "sending") and may and _is_fresh(target, row):
            row.state, row.sent, row.reply = "sending", row.sent + 1, None
            by_stamp = {one.stamp: one for one in mine}
            again.append(Exchange(row=row, flights=[by_stamp[stamp] for stamp in row.call.items]))
    return again


def _is_fresh(target: Target, row: CallRow) -> bool:
    age = (target.store.clock.now() - dt.datetime.fromisoformat(row.at)).total_seconds()
    return 0 <= age < (target.sink.resend_for or 0)


def read_back(target: Target, one: Exchange, verdict: Verdict) -> None:
    """A documented idempotency key is a claim: after bytes went out again the target is asked what it holds (A12)."""
    done = [flown for flown, answer in verdict.answers if answer.fate in DONE]
    if one.row.sent < 2 or not done or not isinstance(target.sink, Asks):
        return
    try:
        finds = look(target, done)
    except WherryError as error:
        finds, verdict.stop = {}, verdict.stop or error
    for number, (flown, answer) in enumerate(verdict.answers):
        hits = [hit for hit in finds.get(flown.stamp, ()) if hit.ours or hit.target == answer.target]
        if answer.fate in DONE and len(hits) > 1:
            verdict.answers[number] = (flown, twice(target, flown, hits))
            verdict.stop = verdict.stop or _alarm(target, flown, hits)
        elif answer.fate in DONE and not hits:  # its index shows neither of the two yet
            reason = f"it was sent again and taken, and {target.name} does not show it yet"
            verdict.answers[number] = (flown, Answer(fate="unknown", reason=reason))


def read_refusals(target: Target, verdict: Verdict) -> None:
    """A change may be refused because what it is to change was deleted there. Vendors have no word of their own for
    that, so the target is asked; where it cannot tell, the refusal stands in its own words."""
    doubtful = [one for one, answer in verdict.answers if answer.fate == "refused" and one.item.target is not None]
    if not doubtful or not isinstance(target.sink, Asks):
        return
    try:
        gone = _absent_by_id(target, doubtful)
    except WherryError:
        return
    for number, (one, answer) in enumerate(verdict.answers):
        if one.stamp in gone and answer.fate == "refused":
            _keep_evidence(target, one, [], "look")
            verdict.answers[number] = (one, _gone(one))


def _absent_by_id(target: Target, flights: Sequence[Flight]) -> set[str]:
    """Stamps of those that the target does not hold under their id, also where a reversal of them is wanted."""
    assert isinstance(target.sink, Asks)
    finds = holdings(target.sink, [replace(one.item, action="write") for one in flights])
    return {stamp for stamp, hits in finds.items() if not hits}


def twice(target: Target, one: Flight, ours: Sequence[Found]) -> Answer:
    """Two effects of one item: never mended by a machine."""
    _keep_evidence(target, one, ours, TWICE)
    names = ", ".join(hit.target for hit in ours)
    return Answer(
        fate="decide", reason=f"{target.name} holds it {len(ours)} times: {names}",
        fix="void or delete all but one of them there, then: wherry errors resolve E-N --link ID",
    )  # fmt: skip


def _alarm(target: Target, one: Flight, ours: Sequence[Found]) -> Guarded:
    return Guarded(
        f"{target.name} did what it was asked twice, although it claims to recognise a repeated call: "
        f"{spelled(one.item.entity)} {one.item.label or one.item.key} is there as "
        f"{', '.join(hit.target for hit in ours)}",
        fix="wherry errors list --class decide; nothing more is sent there until that is settled",
        code="WHERRY-7032", connection=target.name,
    )  # fmt: skip


def halted(tx: Tx, target: Target) -> Guarded | None:
    """Why nothing may be sent to the target: it did something twice, and nobody has looked at that yet."""
    for one in calls.items_of_sink(tx, target.sink_id, "decide"):
        if one.item.evidence and _evidence(one.item.evidence).get("what") == TWICE:
            return Guarded(
                f"nothing is sent to {target.name} while it is not settled why it holds {spelled(one.item.entity)} "
                f"{one.item.label or one.item.key} twice",
                fix=f"wherry errors show E-{one.item.id}", code="WHERRY-7033", connection=target.name,
            )  # fmt: skip
    return None


def _evidence(text: str) -> dict[str, object]:
    found = msgspec.json.decode(text)
    return found if isinstance(found, dict) else {}


# -- a look ------------------------------------------------------------------------------------------------------------


def look(target: Target, flights: Sequence[Flight]) -> Finds:
    """What the target holds of these items; as it stands what is to be taken back and was not sent yet. Raises what a
    read raises; an item that is missing could not be told."""
    assert isinstance(target.sink, Asks)
    with target.store.read() as tx:
        sent = calls.calls_by_id(tx, {one.open.item.call for one in flights})
        for one in flights:
            row, flow = sent.get(one.open.item.call), one.open.item.flow
            noted = restored.sent_after(tx, restored.flow_on(flow, one.open.source, target.sink_id))
            one.item.since = row.at if row is not None else noted
            one.item.sent = row is not None and one.open.item.state == "unknown" and one.stamp in row.call.items
    rejected: sinks.Rejects = {}
    asked = [replace(one.item, action="write") if one.open.item.state == "queued" else one.item for one in flights]
    finds = holdings(target.sink, asked, rejected)
    for one in flights:
        one.rejected = rejected.get(one.stamp)
    return finds


def holdings(sink: Asks, items: Sequence[Item], rejected: sinks.Rejects | None = None) -> Finds:
    """Stamp → what the target holds of the item. Reads it through the sink's client. ``rejected``: as ``askable``."""
    by_stamp, asked, told = {item.stamp: item for item in items}, sinks.askable(sink, items, rejected), []
    width = min(len(asked), max(1, getattr(sink, "width", 1)))
    for call, reply in zip(asked, fan_out(lambda call: _reply(sink, call), asked, width or 1), strict=True):
        try:
            if not isinstance(reply, Reply):
                raise reply
            told.append((call, sinks.found(sink, call, [by_stamp[stamp] for stamp in call.items], reply)))
        except (Rejected, ContractBroken) as error:  # the other calls may tell; these items are asked for again
            structlog.get_logger().warning("a look told nothing", reason=error.message, items=len(call.items))
            told.append((call, {}))
    return sinks.together(told)


def _reply(sink: Asks, call: Call) -> Reply | Rejected | ContractBroken:
    try:
        response = sink.http.read(
            call.method, call.path, params=call.params, content=call.body or None, headers=call.headers, lane=call.lane
        )
    except (Rejected, ContractBroken) as error:
        return error
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Reply(status=response.status, headers=headers, body=response.content)


def wait_for_settling(tx: Tx, target: Target, flights: Sequence[Flight], again: Collection[Exchange]) -> None:
    """What an earlier process left in flight may still arrive until ``settle`` has passed from now. It is set once:
    another crash does not begin the wait anew."""
    leaving = {one.stamp for each in again for one in each.flights}
    due = flight.later(target.store, target.sink.settle if isinstance(target.sink, Asks) else 0.0)
    for one in flights:
        if one.stamp not in leaving:
            one.open.item.due = due
            ledger.put_items(tx, ledger.Route(one.open.source, target.sink_id), [one.open.item])


def resolved(target: Target, flights: Sequence[Flight]) -> list[tuple[Flight, Answer]]:
    """What became of items that are due for it. A target that cannot be asked leaves them to a person (case A26)."""
    if not isinstance(target.sink, Asks):
        return _of_mute(target, flights)
    said.aim((one.open.item, one.item) for one in flights)
    finds = look(target, flights)
    silent = still_unclear(flights, finds, "unknown")  # before an item that is proved absent gets another stamp
    told = [(one, _meaning(target, one, finds[one.stamp])) for one in flights if one.stamp in finds]
    return [*told, *silent]


def _of_mute(target: Target, flights: Sequence[Flight]) -> list[tuple[Flight, Answer]]:
    """Of a target that cannot be asked. What it recognises for ever goes out until it is answered; what it has answered
    without telling, such as that it has changed there, is for a person."""
    with target.store.read() as tx:
        rows = calls.calls_by_id(tx, {one.open.item.call for one in flights})
    open_ones = {id for id, row in rows.items() if row.state in ("lost", "sending")} if only_repeats(target) else set()
    again = Answer(fate="unknown", reason="it is sent again until there is an answer", after=_AGAIN_AFTER)
    return [(one, again if one.open.item.call in open_ones else _nobody_knows(target, one)) for one in flights]


def _meaning(target: Target, one: Flight, hits: Sequence[Found]) -> Answer:
    """What the finds mean; a sink that cannot say what it sent leaves its own item to a person, and no other."""
    try:
        if (word := said.of(one.open.item)) is not None:
            return said.judged(target.sink, target.name, word, one.open.item, one.item, hits, target.store.now())
        return _found(target, one, hits)
    except ContractBroken as error:
        return Answer(fate="decide", reason=error.message, fix=CHOICES)


def still_unclear(flights: Sequence[Flight], finds: Finds, fate: Fate = "queued") -> list[tuple[Flight, Answer]]:
    """Items that a look said nothing about: looked at again later, in the end by a person. What the sink has no words
    for is refused, unless it may be there."""
    return [(one, _unclear(one, fate)) for one in flights if one.stamp not in finds]


def _unclear(one: Flight, fate: Fate) -> Answer:
    if one.rejected is not None and fate == "queued":
        return flight.unsayable(one.rejected)
    if isinstance(one.rejected, Rejected) and (word := said.of(one.open.item)) is not None:
        return said.unseen(word)
    if one.rejected is not None:
        return Answer(fate="decide", reason=f"it cannot be asked for: {one.rejected.message}", fix=CHOICES)
    if one.open.item.tries >= _TRIED_AT_MOST:
        return Answer(fate="decide", reason="the target cannot tell whether it holds it", fix=CHOICES)
    return Answer(fate=fate, reason="the target could not tell this time", after=5.0)


def perhaps_there(target: Target) -> Answer:
    """Of an item that an older copy of the store does not know to have been sent."""
    return Answer(
        fate="decide", fix=CHOICES,
        reason="the store may be an older copy, or is new on this machine: it may have been sent to "
               f"{target.name} already, which cannot be asked",
    )  # fmt: skip


def _nobody_knows(target: Target, one: Flight) -> Answer:
    row = one.open.item
    sent = f"it was sent to {target.name} on {row.changed_at[:19]}, which cannot be asked what became of it: "
    why = "" if row.reason == calls.SENT else row.reason  # who waited for the answer has died
    return Answer(fate="decide", fix=CHOICES, reason=sent + (why or "the answer was lost"))


def _found(target: Target, one: Flight, hits: Sequence[Found]) -> Answer:
    _keep_evidence(target, one, hits, "look")
    if one.item.target is not None:
        return _found_target(target, one, hits)
    return _found_created(target, one, hits) or _absent(target, one)


def before_first(target: Target, one: Flight, finds: Finds) -> Answer | None:
    """Of an item that was never sent: None where it may be. An update learns its version, or is compared."""
    hits = finds.get(one.stamp, ())
    if one.item.target is None:
        _keep_evidence(target, one, hits, "look")
        try:
            return _found_created(target, one, hits)
        except ContractBroken as error:
            return Answer(fate="decide", reason=error.message, fix=CHOICES)
    if hits:
        edited = not hits[0].token or (one.item.action == "void" and hits[0].token != one.item.token)
        met = _met(target, one, hits[0]) if edited else None
        one.open.item.token = hits[0].token
        return met or Answer(fate="queued", after=0.0)
    return None if one.stamp not in finds else _not_found(target, one)


def _found_created(target: Target, one: Flight, hits: Sequence[Found]) -> Answer | None:
    ours = list({hit.target: hit for hit in hits if hit.ours}.values())  # some listings show a thing on two pages
    if len(ours) > 1:
        return twice(target, one, ours)
    if ours and ours[0].memo and halfway.is_edited(target.lane(one.open.source), one.open.item):
        half = ours[0].target
        fix = f"delete {half} there, then: wherry errors retry E-N; or {halfway.finish_there(half)}"
        return Answer(fate="refused", reason=halfway.outdated(half), fix=fix)
    if ours and ours[0].memo:
        reason = "half of it is there; the rest is sent"
        return Answer(fate="queued", target=ours[0].target, memo=ours[0].memo, after=0.0, reason=reason)
    if ours:
        reason = "found by its stamp; the answer had been lost"
        answer = Answer(fate="created", target=ours[0].target, token=ours[0].token, reason=reason, facts=ours[0].facts)
        return _as_sent(target, one.item, answer)
    alike = [hit for hit in hits if hit.alike]
    if alike:  # documents of earlier versions, taken back since, may stand there under the same number
        with target.store.read() as tx:
            former = calls.targets_ever(tx, target.sink_id, one.item.entity, one.item.key)
        alike = [hit for hit in alike if hit.target not in former]
    if not alike:
        return None
    names = ", ".join(hit.target for hit in alike)
    return Answer(
        fate="decide", fix=CHOICES.replace("ID", alike[0].target),
        reason=f"{target.name} holds something alike that Wherry did not write: {names}",
    )  # fmt: skip


def _as_sent(target: Target, item: Item, answer: Answer) -> Answer:
    changes = differing(sinks.facts(target.sink, item), answer.facts or {})
    return differs(answer.target, answer.token, changes) if changes else answer


def _absent(target: Target, one: Flight, token: str = "") -> Answer:
    """Proved absent: the next attempt is a new one, with a new stamp."""
    row = one.open.item
    if row.tries >= _TRIED_AT_MOST and one.item.target is None:
        return Answer(fate="decide", reason="it fails there each time, and is not there", fix=CHOICES)
    rows.again(target.lane(one.open.source), row)
    row.token = token or row.token
    return Answer(fate="queued", reason="it was proved not to be there, and is sent anew", after=0.0)


def _not_found(target: Target, one: Flight) -> Answer:
    """Of a change or a reversal whose look found nothing. Some targets find a reversal by other marks than the id."""
    if one.item.action == "write" or one.stamp in _absent_by_id(target, [one]):
        return _gone(one)
    return Answer(fate="decide", reason="it cannot be told whether it was taken back there", fix=CHOICES)


def _gone(one: Flight) -> Answer:
    item = one.item
    if item.action == "void":
        reason = f"{spelled(item.entity)} {item.target} was deleted there already: there was nothing to take back"
        return Answer(fate="reversed", target=item.target or "", token=item.token, reason=reason)
    return Answer(
        fate="refused", reason=f"{spelled(item.entity)} {item.target} is no longer there",
        fix="wherry errors resolve E-N --send-again writes it anew; or the same with --link ID, or --abandon",
    )  # fmt: skip


def _found_target(target: Target, one: Flight, hits: Sequence[Found]) -> Answer:
    """Of an update or a reversal: what was sent, what was there before, or what a person made of it (E15, E16)?"""
    row, hit = one.open.item, next((hit for hit in hits if hit.target == one.item.target), None)
    if hit is None:
        return _not_found(target, one)
    if met := _met(target, one, hit):
        return met
    row.overwrite = row.overwrite and OVER_SEEN  # what is edited there after this was meant by nobody
    return _absent(target, one, hit.token) if row.tries < _TRIED_AT_MOST else _stuck(target, one, hit)


def _met(target: Target, one: Flight, hit: Found) -> Answer | None:
    """Of an update or a reversal: it is done there already, or somebody has edited what it goes over. None where
    neither is so, or a person has said that it goes over that."""
    item, row = one.item, one.open.item
    done: Fate = "reversed" if item.action == "void" else "updated"
    ours = row.action != REPLACE or hit.ours or item.overwrite_local  # else somebody else took it back there
    if ours and _agree(sinks.facts(target.sink, item), hit.facts):
        return Answer(fate=done, target=hit.target, token=hit.token, reason="found as it was sent")
    before = sinks.facts(target.sink, replace(item, body=item.before, action="write")) \
        if item.before is not None else {}  # fmt: skip
    if item.before and not before:  # the sink has no words for what was there: nobody can tell what was edited
        return Answer(fate="decide", reason="it cannot be told whether it was edited there", fix=CHOICES)
    edits = differing(before, hit.facts)
    if not edits or (item.overwrite_local and (row.overwrite != OVER_SEEN or hit.token == item.token)):
        return None
    row.token = hit.token
    # No target: nothing was written, so the link goes on saying what was, and the next version meets the same edit.
    if row.draft.void:
        why = "it was edited there since, and was not taken back"
        return differs("", hit.token, edits, why, retry="take it back all the same")
    return differs("", hit.token, edits, "it was edited there since, and was not written over")


def _stuck(target: Target, one: Flight, hit: Found) -> Answer:
    """Of what was to be changed again and again: its version there tells whether others changed it meanwhile."""
    same = f"{target.name} gave no clear answer, however often it was sent, and holds what it held before"
    why = same if hit.token == one.item.token else "it keeps changing there"
    return Answer(fate="decide", reason=why, fix=CHOICES)


def _agree(sent: Facts, held: Facts) -> bool:
    return not sent.keys().isdisjoint(held) and not differing(sent, held)  # of no name of both nothing is compared


def _keep_evidence(target: Target, one: Flight, hits: Sequence[Found], what: str) -> None:
    row = one.open.item
    what = "begun" if halfway.is_begun(row) and hits else what
    row.memo = "" if halfway.is_begun(row) and not hits else row.memo  # what was begun is gone: it begins anew
    row.evidence = halfway.seen(row, what, target.store.now(), one.item.target or "", hits)
