"""What leaves for a target and what comes back: items filled and encoded, calls sent once, answers judged.

The three ends of a call are told apart here and nowhere else (write-protocol.md, section 3.2, rule 5): it never left,
it was answered, or nobody knows. Whatever is not a documented answer is unknown.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from wherry.clock import TO_END, stored
from wherry.errors import AccessLost, ContractBroken, Rejected, TryAgain, WherryError
from wherry.http.gate import NotSent
from wherry.protocol import halfway, rows, sinks
from wherry.protocol.steps import Lane, Outcome, Step, differing, in_words, item_of
from wherry.protocol.watching import ENDED
from wherry.records import Answer, Change, Facts, Item, Ref
from wherry.roles import Asks, CallSinkWriter
from wherry.store import Store, ledger
from wherry.store.calls import CallRow, OpenItem
from wherry.store.database import Tx
from wherry.store.ledger import ItemRow, LinkRow
from wherry.wording import CHOICES, of_connection, spelled

_LONGEST = 60.0
UNAUTHORIZED, _FORBIDDEN = 401, 403
THROTTLED = 429
PUT_OFF_AT_MOST = 8
BROKEN_FIX = "update or report the plugin, then: wherry errors retry E-N"
ARRIVING = "WHERRY-6063"
FAR = 86_400.0
"""Seconds: nothing is put off for longer."""


class Target(Struct, frozen=True, kw_only=True):
    """Where a drain sends: one connection's account, and how its items are settled."""

    name: str
    sink_id: int
    account: str
    """The vendor's id of the account that the connection is bound to."""
    sink: CallSinkWriter
    store: Store
    lane: Callable[[int], Lane]
    """Store id of the source connection → the lane that its items are settled in."""
    beside: Path
    """The file that tells how far the store had come, outside the store: a restored backup knows less than it."""
    settled: Callable[[int, Mapping[Ref, Outcome], Sequence[ItemRow]], None] = lambda source, outcomes, items: None
    """Called after each commit with what became of a source's items, and with those that were settled themselves."""
    waits: Callable[[str, float], None] = lambda why, seconds: None
    """Called before the drain sleeps."""
    patience: float = 600.0
    """The longest time in seconds that a drain waits for items that are not due yet."""


class Flight(Struct, kw_only=True):
    """An item on its way: its row in the ledger, and as the sink gets it."""

    open: OpenItem
    item: Item
    rejected: Rejected | ContractBroken | None = None
    """Why the sink has no words to look for it, after a look."""

    @property
    def stamp(self) -> str:
        return self.open.item.stamp


class Exchange(Struct, kw_only=True):
    """A call with the items it carries. ``stop`` is what nobody should send any further after."""

    row: CallRow
    flights: list[Flight]
    stop: WherryError | None = None
    after: float | None = None


class Verdict(Struct, kw_only=True):
    """What an exchange comes to for each of its items."""

    answers: list[tuple[Flight, Answer]] = field(default_factory=list)
    stop: WherryError | None = None
    named: frozenset[str] = frozenset()
    """Stamps of the items that the target said anything of."""

    @property
    def heard(self) -> bool:
        """Whether it said anything of any item; without that the same bytes may be sent once more."""
        return bool(self.named)


# -- from the ledger to a call -----------------------------------------------------------------------------------------


def step_of(one: OpenItem, link: LinkRow | None = None) -> Step:
    """The open item as a step."""
    row = one.item
    return Step(
        draft=row.draft, flow=row.flow, record_kind=row.record_kind, record_id=row.record_id, item=row, link=link,
        always=True,
    )  # fmt: skip


def step_with(flight: Flight, answer: Answer) -> Step:
    """The item as a step that is settled with an answer."""
    step = step_of(flight.open)
    step.answer, step.sent = answer, flight.item
    return step


def board(
    tx: Tx, sink: int, waiting: Sequence[OpenItem], *, left: bool = False
) -> tuple[list[Flight], list[OpenItem]]:  # fmt: skip
    """Items with their references and versions filled in, and those whose references have no target (any more).

    What has ``left`` already was whole when it did: what is missing now is taken for empty.
    """
    flights, stranded = [], []
    for source in dict.fromkeys(one.source for one in waiting):
        mine = [one for one in waiting if one.source == source]
        wanted = {ref for one in mine for ref in one.item.draft.refs}
        wanted |= {one.item.ref for one in mine if one.item.target}
        links = ledger.find_links(tx, ledger.Route(source, sink), wanted)
        known = dict.fromkeys(wanted if left else ()) | {ref: link.target or None for ref, link in links.items()}
        for one in mine:
            if one.item.draft.void or all(map(known.__contains__, one.item.draft.refs)):
                step = step_of(one, links.get(one.item.ref) if one.item.target else None)
                flights.append(Flight(open=one, item=item_of(step, known)))
            else:
                stranded.append(one)
    flights.sort(key=lambda flight: flight.open.item.id)
    return flights, stranded


def encode(
    sink: CallSinkWriter, number: int, flights: Sequence[Flight]
) -> tuple[list[Exchange], list[tuple[Flight, Answer]]]:
    """Calls for the items. One that cannot be said in the target's words is refused by itself, also where the sink
    does not say which it is, or breaks on it. ``number`` is the sink's in the store."""
    parts, made, refused = [list(flights)], list[Exchange](), list[tuple[Flight, Answer]]()
    while parts:
        if not (part := parts.pop()):
            continue
        try:
            made += _encoded(sink, number, part)
        except (Rejected, ContractBroken) as error:
            if error.code == ENDED and len(part) > 1:  # each half would take as long again
                raise
            bad = part if len(part) == 1 else [one for one in part if one.stamp == error.where.get("item")]
            refused += [(one, unsayable(error)) for one in bad]
            rest = [one for one in part if not any(one is other for other in bad)]
            half = 0 if bad else len(rest) // 2
            parts += [rest[half:], rest[:half]]
    return made, refused


class Encoder:
    """A sink's calls, one group after the other. ``size`` is how many items a group may have."""

    def __init__(self, sink: CallSinkWriter, number: int) -> None:
        self._sink, self._number = sink, number
        self.size = self._usual = max(1, sink.batch) * max(1, sink.width)

    def encode(self, flights: Sequence[Flight]) -> tuple[list[Exchange], list[tuple[Flight, Answer]]] | None:
        """As ``encode``; None where the sink does not come back from the group: then each of it goes alone, until the
        one is found that it does not come back from."""
        try:
            made, refused = encode(self._sink, self._number, flights)
        except ContractBroken:
            self.size = 1
            return None
        if any(answer.code == ENDED for _, answer in refused):
            self.size = self._usual
        return made, refused


def _encoded(sink: CallSinkWriter, number: int, flights: Sequence[Flight]) -> list[Exchange]:
    encoded, by_stamp = sinks.encoded(sink, [one.item for one in flights]), {one.stamp: one for one in flights}
    rows = [CallRow(id=0, sink=number, state="sending", at="", call=call) for call in encoded]
    return [Exchange(row=row, flights=[by_stamp[stamp] for stamp in row.call.items]) for row in rows]


def unsayable(error: Rejected | ContractBroken) -> Answer:
    """The refusal of what cannot be said in the target's words."""
    fix = error.fix if isinstance(error, Rejected) else BROKEN_FIX
    return Answer(
        fate="refused", reason=error.message, field=str(error.where.get("field", "")), fix=fix, code=error.code
    )  # fmt: skip


# -- one attempt -------------------------------------------------------------------------------------------------------


def exchange(target: Target, one: Exchange) -> Exchange:
    """Send the call, once. Its row says afterwards what is known: ``answered``, ``lost`` or ``unsent``."""
    row = one.row
    try:
        row.reply = target.sink.http.send(replace(row.call, again=True) if row.sent > 1 else row.call)
        row.state, row.answered_at, row.problem = "answered", target.store.now(), ""
    except TryAgain as error:
        one.after, one.stop = error.after, error if error.code == TO_END else None
        _unanswered(row, error.message, left=error.where.get("sent") != "no")
    except WherryError as error:
        one.stop = error
        _unanswered(row, error.message, left=False)
    except NotSent:
        _unanswered(row, "it was stopped before it left", left=False)
        raise
    return one


def _unanswered(row: CallRow, problem: str, *, left: bool) -> None:
    """Bytes that were to go out again and did not are as lost as before, and that was no time that they were sent."""
    again = row.sent > 1
    row.state, row.problem = "lost" if left or again else "unsent", problem
    if again and not left:
        row.sent -= 1


def judge(target: Target, one: Exchange) -> Verdict:
    """What the raw answer, or the lack of one, means for each item. The plugin's word counts for what it names.

    Of bytes that went out before only an effect is believed: that they were not taken this time says nothing of the
    first. Where nothing but sending them again can be done, and that is plainly not taken, a person has to look.
    """
    verdict = _judged(target, one)
    if one.row.sent > 1:
        verdict.answers = [
            (flight, _of_repeated(target, verdict, flight, answer)) for flight, answer in verdict.answers
        ]
        over = (flight.stamp for flight, answer in verdict.answers if answer.target or answer.fate == "decide")
        verdict.named = frozenset(over)
    elif one.row.reply is not None and one.row.reply.status != THROTTLED:
        _next_attempts(target, verdict)
    return verdict


def _of_repeated(target: Target, verdict: Verdict, one: Flight, answer: Answer) -> Answer:
    """What the answer to bytes that left before says of an item."""
    if answer.target:
        return answer
    if only_repeats(target) and one.stamp in verdict.named and answer.fate != "queued":
        reason = f"it may be there since it was sent first, and its answer was lost; sent again: {answer.reason}"
        return Answer(fate="decide", reason=reason, field=answer.field, fix=CHOICES, code=answer.code)
    return Answer(fate="unknown", reason=answer.reason, after=answer.after)


def only_repeats(target: Target) -> bool:
    """Whether sending again is always harmless, and nothing else can be done."""
    return target.sink.resend_for == math.inf and not isinstance(target.sink, Asks)


def _next_attempts(target: Target, verdict: Verdict) -> None:
    """What was not taken now goes out as another attempt: a target that keeps its answers would give this one for ever
    (case A13)."""
    for flight, answer in verdict.answers:
        if answer.fate == "queued" and not answer.target:
            rows.again(target.lane(flight.open.source), flight.open.item)


def _judged(target: Target, one: Exchange) -> Verdict:
    row, reply = one.row, one.row.reply
    if row.state == "unsent":
        told = [(flight, _put_off(one.row.problem, one.after)) for flight in one.flights]
        return Verdict(answers=told, stop=one.stop)  # never left: nothing was heard, and nothing needs to be
    if reply is None:
        return Verdict(answers=[(flight, _unclear(row.problem)) for flight in one.flights], stop=one.stop)
    if reply.status == THROTTLED:
        after = float(reply.headers.get("retry-after", "0") or 0) or None  # else as the client rests
        reason = f"{target.name} asks for fewer calls"
        return Verdict(answers=[(flight, _put_off(reason, after)) for flight in one.flights])
    try:
        answers = sinks.decoded(target.sink, row.call, [flight.item for flight in one.flights], reply)
    except ContractBroken as error:
        return Verdict(answers=[(flight, _unclear(error.message)) for flight in one.flights], stop=error)
    except WherryError as error:
        return Verdict(answers=[(flight, _unclear(error.message)) for flight in one.flights])
    reason = f"{target.name} answered with status {reply.status}, which does not say what became of it"
    answers = {stamp: _as_ours(target, answer) for stamp, answer in answers.items()}
    told = _checked(target, [(flight, answers.get(flight.stamp) or _unclear(reason)) for flight in one.flights])
    stop = not_let_in(target, reply.status) if reply.status == _FORBIDDEN and not answers else None
    return Verdict(answers=told, stop=stop or _put_off_for_ever(target, told), named=frozenset(answers))


def _as_ours(target: Target, answer: Answer) -> Answer:
    """A sink's word in our own: with the connection's name, and "not now" as what did not come to be tried."""
    if answer.fate == "queued" and not (answer.target or answer.memo):
        return _put_off(answer.reason, answer.after)
    return replace(answer, fix=of_connection(answer.fix, target.name)) if answer.fix else answer


def _put_off_for_ever(target: Target, told: Sequence[tuple[Flight, Answer]]) -> TryAgain | None:
    """A target that says "later" again and again is asked no more in this run (case E10)."""
    for flight, answer in told:
        item = flight.open.item  # put off, it is another attempt; half done, another try of the same
        if answer.fate == "queued" and item.attempt + item.tries > PUT_OFF_AT_MOST:
            return TryAgain(
                f"{target.name} keeps putting {spelled(flight.item.entity)} {flight.item.label} off: {answer.reason}",
                code="WHERRY-6059", connection=target.name,
            )  # fmt: skip
    return None


def left_alone(target: Target, due: str, seconds: float, *, asked: bool) -> TryAgain:
    """Of items that are not due soon enough: the target ``asked`` for that, or has not answered them. In that case
    whatever else there is may be sent to it meanwhile."""
    if asked:
        return TryAgain(f"{target.name} is left alone until {due}, as it asked", code="WHERRY-6058", after=seconds,
                        connection=target.name)  # fmt: skip
    return TryAgain(
        f"what {target.name} did not answer may still arrive: it is looked for from {due} on; all else goes on",
        code=ARRIVING, after=seconds, connection=target.name,
    )  # fmt: skip


def throttling(target: Target) -> TryAgain:
    """Of a target that took nothing, however often it was given the time that it asked for."""
    return TryAgain(
        f"{target.name} asks for fewer calls again and again and takes none",
        fix="see there who else uses its budget of calls; the next run goes on", code="WHERRY-6062",
        connection=target.name,
    )  # fmt: skip


class PutOff(Answer):
    """Our own word for what did not come to be tried: nothing left, or the target took no calls."""


def _put_off(reason: str, after: float | None) -> Answer:
    return PutOff(fate="queued", reason=reason, after=after)


def _unclear(reason: str) -> Answer:
    return Answer(fate="unknown", reason=reason)


def not_let_in(target: Target, status: int) -> AccessLost:
    """The target does not accept the sign-in: somebody must sign in again."""
    return AccessLost(
        f"{target.name} no longer lets Wherry in (status {status}); what was sent last is being looked up",
        fix=f"sign in again: wherry connect {target.name}", code="WHERRY-5043", connection=target.name,
    )  # fmt: skip


def _checked(target: Target, told: Sequence[tuple[Flight, Answer]]) -> list[tuple[Flight, Answer]]:
    """A target that wrote something else than it was sent has not simply written it."""
    done = {
        one.stamp: one.item for one, answer in told
        if answer.fate in ("created", "updated") and answer.facts is not None
    }  # fmt: skip
    sent = dict(zip(done, sinks.facts_of_each(target.sink, list(done.values())), strict=True))
    return [(one, _compared(sent[one.stamp], answer) if one.stamp in sent else answer) for one, answer in told]


def _compared(sent: Facts | WherryError, answer: Answer) -> Answer:
    if isinstance(sent, WherryError):
        return _unclear(sent.message)
    changes = differing(sent, answer.facts or {})
    return differs(answer.target, answer.token, changes) if changes else answer


def differs(
    target: str, token: str, changes: Sequence[Change], why: str = "the target holds it otherwise",
    *, retry: str = "send ours again",
) -> Answer:  # fmt: skip
    """Written, but not as it was sent, or edited there since: for a person."""
    return Answer(
        fate="differs", target=target, token=token, reason=f"{why}: {in_words(changes, 'here')}",
        changes=tuple(changes), field=changes[0].field if changes else "",
        fix=f"look at it there, then: wherry errors resolve E-N, or wherry errors retry E-N to {retry}",
    )  # fmt: skip


def remember(store: Store, flight: Flight, answer: Answer, settle: float) -> None:
    """Bring the item's own row up to date with an answer, before the two are settled together."""
    row = flight.open.item
    if answer.memo:
        row.memo = answer.memo
    if answer.fate == "queued" and answer.target:  # half of it is there
        row.evidence = halfway.begun(answer.target)
    if answer.fate in ("unknown", "queued"):
        backoff = 0.0 if answer.memo else min(2.0 ** min(row.attempt, 9), _LONGEST)
        usual = settle if answer.fate == "unknown" else backoff
        row.due = later(store, usual if answer.after is None else answer.after)
        row.tries += not isinstance(answer, PutOff)  # else a stretch of refusals would count against what comes later


def later(store: Store, seconds: float) -> str:
    """The moment so many seconds from now, a day at the most, as the store keeps it."""
    return stored(store.clock.now() + dt.timedelta(seconds=max(0.0, min(seconds, FAR))))
