"""The drain of a target: what is ready leaves, once, and what is not known is looked up. For all flows of a connection.

One item, from the ledger to its end, one line a step:

1. ``writing.settle`` enters it as ``queued``, with the stamp that ``rows.number`` gives it. ``drain`` takes the lock.
2. ``_boarded`` finds it ready: approved, due, its flow not paused. ``flight.board`` fills references and version in.
3. ``_look_first`` asks for it before it is made, where ``Doubts`` says that it may be there, entered by hand.
4. ``_freeze`` has ``flight.encode`` make the call. Commit: the call is ``sending``, the item ``unknown``.
5. ``_send`` lets the call leave, once (``_may_leave`` has the last word). Commit: ``answered`` with the raw reply,
   ``unsent`` where nothing left, ``lost`` where nobody knows.
6. ``_advance`` has ``flight.judge`` say what the reply means, and ``writing.settle`` settles the item with that answer:
   a link, or open still as ``refused``, ``queued``, ``unknown``, ``decide`` or ``differs``. Commit, shared with 4 of
   the next group: the call is ``settled``.
7. What is ``unknown`` still: ``_resolve`` sends the same bytes again while the target recognises them, else it looks
   (``resolving.resolved``) once the target has settled. Found: 6. Proved absent: ``queued`` under a new stamp, 4.
8. Who finds a ``sending`` call of a process that died begins at 7; an ``answered`` one at 6 (``_recover``).

Source: write-protocol.md, sections 3.2, 3.3 and 3.6.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import math
from collections.abc import Callable, Iterable, Sequence

import structlog

from wherry.clock import is_stopping
from wherry.errors import Busy, TryAgain, WherryError
from wherry.http.gate import asked_first
from wherry.protocol import closed_days, flight, resolving, restored, writing
from wherry.protocol.company import Company
from wherry.protocol.flight import Exchange, Flight, Target
from wherry.protocol.outage import Outage
from wherry.protocol.restored import Beside, Doubts
from wherry.protocol.rows import BY_PERSON, is_noted, resumed
from wherry.protocol.steps import Outcome
from wherry.records import Answer, Ref
from wherry.roles import Asks
from wherry.store import calls, engines
from wherry.store.calls import CallRow, OpenItem
from wherry.store.database import Tx
from wherry.store.ledger import ItemRow
from wherry.store.locks import Held
from wherry.threads import at_once, fan_out

_LOOK_AT_ONCE = 200
_WAIT = 30.0
"""Seconds that somebody else's drain of the same target is waited for."""
Begin = Callable[[], contextlib.AbstractContextManager[Tx]]
Put = Callable[[Tx, Sequence[CallRow]], None]
Settled = tuple[int, dict[Ref, Outcome], list[ItemRow]]
_NOTHING_YET = ("sending", "answered", "lost", "unsent")


def drain(target: Target) -> None:
    """Send what waits for the target until nothing is left that could be, and resolve what has no answer.

    Raises Busy when another process drains all the while, Guarded when the account is another than the one bound,
    ConfigError when the file beside the store cannot be written, TryAgain when the target is out of order, AccessLost
    when it lets nobody in. What was settled before stays settled.
    """
    with target.store.read() as tx:
        ready = calls.items_of_sink(tx, target.sink_id, "queued", limit=1, ready_by="9999")
        ready = ready or calls.items_of_sink(tx, target.sink_id, "unknown", limit=1)
    if not ready:
        return
    with contextlib.ExitStack() as stack:
        held = _alone(target, stack)
        target.lane(ready[0].source)  # now: in the midst of a transaction it would begin another session with a server
        Drain(target, held).work()


def _alone(target: Target, stack: contextlib.ExitStack) -> Held:
    """The lock of the one who sends to the target, held until the stack ends."""
    name = f"drain:{target.sink_id}"
    with contextlib.suppress(Busy):
        return stack.enter_context(target.store.lock(name))
    target.waits(f"another process is sending to {target.name}; waits up to {_WAIT:.0f} s for it …", _WAIT)
    try:
        return stack.enter_context(target.store.lock(name, wait=_WAIT))
    except Busy as busy:
        raise Busy(
            f"another process is still sending to {target.name}: {busy.message}; what is ready here leaves with it, or "
            "with the next run",
            fix="see what it does: wherry runs list", code=busy.code, connection=target.name,
        ) from busy  # fmt: skip


class Drain:
    """One owner's work on one target."""

    def __init__(self, target: Target, held: Held) -> None:
        self.target, self.held = target, held
        self.sink, self.store, self.sink_id = target.sink, target.store, target.sink_id
        self.asks = isinstance(target.sink, Asks)
        self.encoder = flight.Encoder(target.sink, target.sink_id)
        self.width = max(1, target.sink.width)
        self.pool = at_once(self.width)
        self.unsettled: list[Exchange] = []
        """Exchanges whose raw answer is stored, to be settled with the next commit."""
        self.looked: set[str] = set()
        """Stamps of items that the target was asked for in this session and does not hold."""
        self.to_look: list[Flight] = []
        self.company = Company(target)
        self.beside = Beside(target.beside)
        self.outage = Outage(target)
        self.stop: WherryError | None = None

    def work(self) -> None:
        """Everything there is to do; raises at the end what kept it from going on."""
        try:
            self.company.look()
            self._work()
        finally:
            self.pool.shutdown()
            self.beside.close()

    def _work(self) -> None:
        self._let_settle(self._recover())
        if self.unsettled:
            self._advance(freeze=False)
        if self.stop is None:
            self._resolve()
        while self._advance() or (self.stop is None and (self._look_first() or self._resolve() or self._wait())):
            pass
        if self.stop is not None:
            raise self.stop

    def _may_leave(self) -> None:
        """Asked of every call that has waited for its turn: nobody else sends meanwhile, and it is the right company's
        sign-in that it goes out with."""
        self.held.check()
        self.company.may_leave()

    # -- what an earlier process left ------------------------------------------------------------------------------

    def _let_settle(self, seconds: float) -> None:
        """What the store does not know of may have left a moment ago: no look tells of it before it has settled."""
        if seconds > 0 and self.asks:
            why = f"the store is an older copy; waits {seconds:.0f} s before it asks {self.target.name} …"
            self.target.waits(why, seconds)
            self.store.clock.sleep(seconds)

    def _recover(self) -> float:
        """Raw answers that were stored but not settled are settled first; the rest is left to be resolved. Seconds that
        an older copy of a store has to wait."""
        with self.held.write() as tx:
            if halted := resolving.halted(tx, self.target):
                raise halted
            self._notice_restore(tx)
            far, near = flight.later(self.store, flight.FAR), flight.later(self.store, self.sink.settle)
            calls.bring_near(tx, self.sink_id, far, near)
            restored.bring_near(tx, far, self.store.now())
            left = calls.find_calls(tx, self.sink_id, _NOTHING_YET)
            unknown = calls.items_of_sink(tx, self.sink_id, "unknown") if left else []
            for row in left:
                mine = [one for one in unknown if one.item.call == row.id]
                flights, _ = flight.board(tx, self.sink_id, mine, left=True)
                if row.state in ("answered", "unsent"):
                    self.unsettled.append(Exchange(row=row, flights=flights))
                elif not flights:
                    calls.mark_calls(tx, [row.id], "settled")
            settling = restored.settling(tx, self.sink.settle, self.store.clock.now())
            newest = calls.last_call(tx)
        self.beside.reach(newest)  # not before: who dies in between finds the same again
        return settling

    def _notice_restore(self, tx: Tx) -> None:
        """A store that knows of fewer calls than were made is an old backup: everything is looked for first (A21). So
        may one be that nothing was sent from on this machine yet."""
        known, told, copied = calls.last_call(tx), self.beside.number, restored.is_a_copy(tx)
        if not copied and (not known if told is None else told <= known):
            return
        structlog.get_logger().warning(
            "the store is older than what was sent, or new here; everything is looked up first", calls=known, sent=told
        )
        restored.note_older(tx, self.store.now())
        calls.new_call_ids(tx, max(0, (told or 0) - known))

    # -- settle the last, freeze the next: one commit ----------------------------------------------------------------

    def _advance(self, *, freeze: bool = True) -> bool:
        """One round. False when there was nothing to send, or nothing is to be sent yet."""
        verdicts = [flight.judge(self.target, one) for one in self.unsettled]
        for one, verdict in zip(self.unsettled, verdicts, strict=True):
            resolving.read_back(self.target, one, verdict)
            resolving.read_refusals(self.target, verdict)
            self.stop = self.stop or verdict.stop or self.outage.shut_out(one)
        failed = self.outage.judged(self.unsettled, verdicts)
        self.stop = self.stop or failed
        self.company.is_still_ours()  # what was asked about the answers may have been of another company
        answers = [pair for verdict in verdicts for pair in verdict.answers]
        outcomes: list[Settled] = []
        with self.held.write() as tx:
            outcomes += self._settle(tx, answers)
            pairs = zip(self.unsettled, verdicts, strict=True)
            useless = {one.row.id for one, v in pairs if not v.heard and one.row.state != "unsent"}
            calls.mark_calls(tx, useless, "lost")
            calls.mark_calls(tx, {one.row.id for one in self.unsettled} - useless, "settled")
            group, more = self._freeze(tx, outcomes) if freeze and self.stop is None else ([], False)
        self.unsettled = []
        for settled in outcomes:
            self.target.settled(*settled)
        if group:
            self._send(group)
        return bool(group) or more

    def _settle(self, tx: Tx, answers: Iterable[tuple[Flight, Answer]]) -> list[Settled]:
        by_source: dict[int, list[tuple[Flight, Answer]]] = {}
        for one, answer in answers:
            flight.remember(self.store, one, answer, self.sink.settle)
            by_source.setdefault(one.open.source, []).append((one, answer))
        now, found = self.store.now(), []
        for source, mine in by_source.items():
            steps = [flight.step_with(one, answer) for one, answer in mine]
            outcomes = writing.settle(tx, self.target.lane(source), steps, now)
            found.append((source, outcomes, [one.open.item for one, _ in mine]))
        return found

    def _freeze(self, tx: Tx, outcomes: list[Settled]) -> tuple[list[Exchange], bool]:
        """The next calls, with everything filled in: once this is committed they may have left. And whether there may
        be more to send although these are none."""
        doubts = Doubts(tx, self.sink_id, self.store.clock.now())
        flights, shut = closed_days.parted(tx, self.target, self._ready(tx, doubts))
        doubtful = [one for one in flights if self._may_be_there(doubts, one)]
        encoded = self.encoder.encode([one for one in flights if one not in doubtful])
        if encoded is None:
            return [], True
        frozen, refused = encoded
        self.stop = self.outage.encoded(frozen, refused) or self.stop
        refused += [*shut, *((one, resolving.perhaps_there(self.target)) for one in doubtful)]
        outcomes += self._settle(tx, refused)
        if not frozen:
            return [], bool(refused)
        first, now = calls.new_call_ids(tx, len(frozen)), self.store.now()
        for number, one in enumerate(frozen, first):
            one.row.id, one.row.at = number, now
        self._mark_sending(tx, frozen, now)
        return frozen, True

    def _ready(self, tx: Tx, doubts: Doubts) -> list[Flight]:
        """Items that may leave now, oldest first; those to be looked for first are set aside."""
        flights = self._boarded(tx, self.encoder.size)
        self.to_look = [one for one in flights if self._must_look(doubts, one)]
        if not self.to_look:
            return flights
        # A look is for many at once, and for whole groups, or each would end with calls that are not full.
        flights = self._boarded(tx, math.ceil(_LOOK_AT_ONCE / self.encoder.size) * self.encoder.size)
        self.to_look = [one for one in flights if self._must_look(doubts, one)]
        if any(one.item.action == "void" for one in self.to_look):
            return []  # what leaves beside a reversal leaves with it, as it was planned
        looks = {one.stamp for one in self.to_look}
        return [one for one in flights if one.stamp not in looks][: self.encoder.size]

    def _boarded(self, tx: Tx, limit: int) -> list[Flight]:
        now = self.store.now()
        waiting = calls.items_of_sink(tx, self.sink_id, "queued", ready_by=now, limit=limit)
        calls.ask_ahead(tx, {closed_days.note_of(self.sink_id), *Doubts.notes_of(waiting, self.sink_id)})
        flights, stranded = flight.board(tx, self.sink_id, waiting)
        for one in stranded:  # what it refers to was undone meanwhile: it waits for it again
            writing.settle(tx, self.target.lane(one.source), [resumed(one.item)], now)
        return flights

    def _must_look(self, doubts: Doubts, one: Flight) -> bool:
        """What may have been entered by hand is looked for before it is made (case C20); an update needs a version.
        What is to be taken back is looked at: not every target minds what was edited there since (case E16)."""
        row = one.open.item
        if row.stamp in self.looked or not self.asks:
            return False
        if one.item.target is not None:
            return not row.token or one.item.action == "void"
        return not is_noted(row, BY_PERSON) and doubts.may_be_entered(row, one.open.source, self.sink)

    def _may_be_there(self, doubts: Doubts, one: Flight) -> bool:
        """A restored backup does not know what was sent since, nor does a target tell that cannot be asked (A21)."""
        row, sink = one.open.item, self.sink
        if self.asks or sink.resend_for == math.inf or is_noted(row, BY_PERSON):
            return False
        return doubts.may_be_sent(row, one.open.source)

    def _mark_sending(self, tx: Tx, frozen: Sequence[Exchange], now: str) -> None:
        """From this commit on nobody may say that the items were not sent."""
        calls.put_calls(tx, [one.row for one in frozen])
        calls.mark_sending(tx, [(each.open.item, one.row.id) for one in frozen for each in one.flights], now)

    # -- send, and store what came back ------------------------------------------------------------------------------

    def _send(self, group: Sequence[Exchange]) -> None:
        self.beside.reach(max(one.row.id for one in group))
        try:
            for _ in fan_out(self._exchange, group, width=min(self.width, len(group)), pool=self.pool):
                pass
        finally:  # also when somebody stops us: what has been answered by then is known
            self._keep([one.row for one in group if one.row.state != "sending"])
        self.unsettled = list(group)

    def _keep(self, rows: Sequence[CallRow]) -> None:
        """Store what came of calls. That something was answered may be said also by who no longer holds the lock."""
        try:
            self._keep_replies(self.held.write, calls.put_calls, rows)
        except TryAgain as error:
            if error.code == engines.LOST:
                self._keep_replies(lambda: self.store.write(late=True), calls.put_replies, rows)
            raise

    def _keep_replies(self, begin: Begin, put: Put, rows: Sequence[CallRow]) -> None:
        """Nobody else knows what was answered: while the store is held, or is away, it is waited for, until we stop."""
        while True:
            try:
                with begin() as tx:
                    put(tx, rows)
                return
            except TryAgain as error:
                if error.code != engines.HELD_UP:
                    raise
                if is_stopping():
                    raise KeyboardInterrupt from error
                why = f"{error.message}; what {self.target.name} has answered is stored as soon as it can be …"
                self.target.waits(why, 1.0)
                self.store.clock.sleep(1.0)

    def _exchange(self, one: Exchange) -> Exchange:
        with asked_first(self._may_leave):
            return flight.exchange(self.target, one)

    # -- what is not known -------------------------------------------------------------------------------------------

    def _look_first(self) -> bool:
        """Ask for documents before they are made for the first time, or are taken back. False when there was nothing to
        ask for."""
        flights, self.to_look = self.to_look, []
        if not flights:
            return False
        finds = resolving.look(self.target, flights)
        answers = [(one, answer) for one in flights if (answer := resolving.before_first(self.target, one, finds))]
        open_still = {one.stamp for one, answer in answers if answer.fate != "queued"}
        looked = {one.stamp for one in flights if one.stamp in finds} - open_still
        if self._conclude([*answers, *resolving.still_unclear(flights, finds)]):
            self.looked |= looked
        return True

    def _resolve(self) -> bool:
        """Send again what the target will recognise; look for what is due. False when nothing could be done yet."""
        with self.store.read() as tx:
            if not calls.items_of_sink(tx, self.sink_id, "unknown", limit=1):
                return False
        with self.held.write() as tx:
            unknown = calls.items_of_sink(tx, self.sink_id, "unknown")
            rows = calls.calls_by_id(tx, {one.item.call for one in unknown})
            flights, _ = flight.board(tx, self.sink_id, unknown, left=True)
            paused = calls.paused(tx)
            again = resolving.repeatable(self.target, [f for f in flights if f.open.item.flow not in paused], rows)
            self._mark_sending(tx, again, self.store.now())
            resolving.wait_for_settling(tx, self.target, [f for f in flights if not f.open.item.due], again)
        if again:
            self._send(again)
            return True
        due = [one for one in flights if "" < one.open.item.due <= self.store.now()]
        if due and self._conclude(answers := resolving.resolved(self.target, due[:_LOOK_AT_ONCE])):
            self.looked |= {one.stamp for one, answer in answers if answer.fate == "queued"}  # proved absent just now
        return bool(due)

    def _conclude(self, answers: Sequence[tuple[Flight, Answer]]) -> bool:
        """Settle what a look told. What became another version while it was on its way knows better itself. False
        where the sign-in has changed with it: it is looked once more."""
        if not self.company.is_still_ours():
            return False
        with self.held.write() as tx:
            now = calls.items_by_id(tx, self.sink_id, [one.open.item.id for one, _ in answers])
            answers = [(one, answer) for one, answer in answers if _is_same(one, now.get(one.open.item.id))]
            outcomes = self._settle(tx, answers)
            over = {one.open.item.call for one, answer in answers if answer.fate != "unknown"}
            calls.mark_calls(tx, over - {0}, "settled")
            self.stop = self.stop or resolving.halted(tx, self.target)
        for settled in outcomes:
            self.target.settled(*settled)
        return True

    def _wait(self) -> bool:
        """Sleep until the next item is due. False when none is, or not soon enough."""
        with self.store.read() as tx:
            due = calls.next_due(tx, self.sink_id)
            asked = due and calls.items_of_sink(tx, self.sink_id, "queued", limit=1, ready_by="9999")
        if not due:
            return False
        seconds = (dt.datetime.fromisoformat(due) - self.store.clock.now()).total_seconds()
        if seconds > self.target.patience:
            self.stop = flight.left_alone(self.target, due, seconds, asked=bool(asked))
            return False
        why = f"waits {seconds:.0f} s before it asks {self.target.name} what became of what was sent …"
        self.target.waits(why, seconds)
        self.store.clock.sleep(max(seconds, 0.0) + 0.001)
        return True


def _is_same(one: Flight, now: OpenItem | None) -> bool:
    return now is not None and (now.item.stamp, now.item.state) == (one.item.stamp, one.open.item.state)
