"""The drain of a target: what is ready leaves, once, and what is not known is looked up. For all flows of a connection.

One drain works at a time, under a lock that lasts as long as its process. It goes round: settle the last answers and
freeze the next calls (one commit), send them, store the raw answers (one commit). When nothing is left to send, what
has no answer is resolved: the same bytes again while the target recognises them, else a look at what it holds, never
before it has settled. Source: write-protocol.md, sections 3.2, 3.3 and 3.6.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from pathlib import Path

import structlog

from wherry import boundary, flight, resolving, writing
from wherry.errors import Guarded, Rejected, TryAgain, WherryError
from wherry.flight import Exchange, Flight, Target
from wherry.records import Answer, Ref
from wherry.roles import Asks
from wherry.steps import Outcome
from wherry.store import calls, ledger
from wherry.store.calls import CallRow
from wherry.store.database import Tx
from wherry.store.locks import Held
from wherry.threads import fan_out

LOOKED = "looked:"
"""Notes under which a flow stands once it has run through: before, every document is looked for before it is made."""
_FAILURES = 3
_LOOK_AT_ONCE = 200
_NOTHING_YET = ("sending", "answered", "lost", "unsent")


def looked_note(flow: str, source: int, sink: int) -> str:
    """The note of a flow into a sink that has run through."""
    return f"{LOOKED}{flow}:{source}:{sink}"


def drain(target: Target, *, wait: float = 30.0) -> None:
    """Send what waits for the target until nothing is left that could be, and resolve what has no answer.

    Raises Busy when another process is draining, Guarded when the account is another than the one bound, TryAgain
    when the target is out of order, AccessLost when it lets nobody in. What was settled before stays settled.
    """
    with target.store.read() as tx:
        if not has_work(tx, target.sink_id, target.store.now()):
            return
    with target.store.lock(f"drain:{target.sink_id}", wait=wait) as held:
        Drain(target, held).work()


def has_work(tx: Tx, sink: int, now: str) -> bool:
    """Whether anything waits to be sent, settled or looked up."""
    ready = calls.items_of_sink(tx, sink, "queued", limit=1, ready_by="9999")
    return bool(ready or calls.items_of_sink(tx, sink, "unknown", limit=1))


class Drain:
    """One owner's work on one target."""

    def __init__(self, target: Target, held: Held) -> None:
        self.target, self.held = target, held
        self.sink, self.store, self.sink_id = target.sink, target.store, target.sink_id
        self.size = max(1, self.sink.batch) * max(1, self.sink.width)
        self.answered: list[Exchange] = []
        """Exchanges whose raw answer is stored, to be settled with the next commit."""
        self.looked: set[str] = set()
        """Stamps of items that the target was asked for in this session and does not hold."""
        self.to_look: list[Flight] = []
        self.failures = 0
        self.stop: WherryError | None = None

    def work(self) -> None:
        """Everything there is to do; raises at the end what kept it from going on."""
        self._same_company()
        self._recover()
        while self._advance() or (self.stop is None and (self._look_first() or self._resolve() or self._wait())):
            pass
        if self.stop is not None:
            raise self.stop

    def _same_company(self) -> None:
        """Right data in the wrong company is the worst failure of all: its identity is read before the first write."""
        account = self.sink.check()
        if account.id != self.target.account:
            raise Guarded(
                f"connection {self.target.name} reaches {account.name} ({account.id}), not the account it is bound to "
                f"({self.target.account}); nothing was sent",
                fix="put the right sign-in back, or give the other account a connection of its own",
                code="WHERRY-7031", connection=self.target.name,
            )  # fmt: skip

    # -- what an earlier process left ------------------------------------------------------------------------------

    def _recover(self) -> None:
        """Raw answers that were stored but not settled are settled first; the rest is left to be resolved."""
        with self.store.write() as tx:
            if halted := resolving.halted(tx, self.target):
                raise halted
            self._notice_restore(tx)
            left = calls.find_calls(tx, self.sink_id, _NOTHING_YET)
            unknown = calls.items_of_sink(tx, self.sink_id, "unknown") if left else []
            for row in left:
                mine = [one for one in unknown if one.item.call == row.id]
                flights, _ = flight.board(tx, self.sink_id, mine)
                if row.state in ("answered", "unsent"):
                    self.answered.append(Exchange(row=row, flights=flights))
                elif not flights:
                    calls.mark_calls(tx, [row.id], "settled")

    def _notice_restore(self, tx: Tx) -> None:
        """A store that knows of fewer calls than were made is an old backup: everything is looked for first (A21)."""
        told = _read_number(self.target.beside)
        if told > calls.last_call(tx):
            structlog.get_logger().warning(
                "the store is older than what was sent; everything is looked up first",
                calls=calls.last_call(tx), sent=told,
            )  # fmt: skip
            calls.drop_notes(tx, LOOKED)
            calls.new_call_ids(tx, told - calls.last_call(tx))

    # -- settle the last, freeze the next: one commit ----------------------------------------------------------------

    def _advance(self) -> bool:
        """One round. False when there was nothing to send."""
        verdicts = [flight.judge(self.target, one) for one in self.answered]
        for one, verdict in zip(self.answered, verdicts, strict=True):
            resolving.read_back(self.target, one, verdict)
            self.stop = self.stop or verdict.stop
        self._count_failures(verdicts)
        told = [pair for verdict in verdicts for pair in verdict.told]
        outcomes: list[tuple[int, dict[Ref, Outcome]]] = []
        with self.store.write() as tx:
            self.held.check(tx)
            outcomes += self._settle(tx, told)
            useless = {one.row.id for one, verdict in zip(self.answered, verdicts, strict=True) if not verdict.heard}
            calls.mark_calls(tx, useless, "lost")
            calls.mark_calls(tx, {one.row.id for one in self.answered} - useless, "settled")
            group = self._freeze(tx, outcomes) if self.stop is None else []
        self.answered = []
        self._tell(outcomes)
        if group:
            self._send(group)
        return bool(group)

    def _count_failures(self, verdicts: Sequence[flight.Verdict]) -> None:
        """A target that does nothing three times in a row is left alone, before the whole queue runs into it (E9)."""
        if not verdicts:
            return
        throttled = any(answer.after for verdict in verdicts for _, answer in verdict.told if answer.fate == "queued")
        self.failures = 0 if any(v.good for v in verdicts) else self.failures + 1
        if self.failures >= _FAILURES and self.stop is None and not (throttled and self.failures < 3 * _FAILURES):
            why = next((answer.reason for verdict in verdicts for _, answer in verdict.told), "")
            self.stop = TryAgain(
                f"{self.target.name} is out of order: {why}", code="WHERRY-6057", connection=self.target.name
            )

    def _settle(self, tx: Tx, told: Iterable[tuple[Flight, Answer]]) -> list[tuple[int, dict[Ref, Outcome]]]:
        by_source: dict[int, list[tuple[Flight, Answer]]] = {}
        for one, answer in told:
            flight.note(self.store, one, answer, self.sink.settle)
            by_source.setdefault(one.waiting.source, []).append((one, answer))
        now, found = self.store.now(), []
        for source, mine in by_source.items():
            steps = [flight.step_of(one.waiting, None, answer) for one, answer in mine]
            found.append((source, writing.settle(tx, self.target.lane(source), steps, now)))
        return found

    def _tell(self, outcomes: Iterable[tuple[int, dict[Ref, Outcome]]]) -> None:
        for source, found in outcomes:
            self.target.settled(source, found)

    def _freeze(self, tx: Tx, outcomes: list[tuple[int, dict[Ref, Outcome]]]) -> list[Exchange]:
        """The next calls, with everything filled in: once this is committed they may have left."""
        flights = self._ready(tx)
        frozen, refused = self._encode(flights)
        outcomes += self._settle(tx, refused)
        if not frozen:
            return self._freeze(tx, outcomes) if refused else []
        first, now = calls.new_call_ids(tx, len(frozen)), self.store.now()
        for number, one in enumerate(frozen, first):
            one.row.id, one.row.at = number, now
        calls.put_calls(tx, [one.row for one in frozen])
        self._mark_sending(tx, frozen)
        return frozen

    def _ready(self, tx: Tx) -> list[Flight]:
        """Items that may leave now, oldest first; those to be looked for first are set aside."""
        limit = max(self.size, _LOOK_AT_ONCE)
        waiting = calls.items_of_sink(tx, self.sink_id, "queued", ready_by=self.store.now(), limit=limit)
        flights, stranded = flight.board(tx, self.sink_id, waiting)
        for one in stranded:  # what it refers to was undone meanwhile: it waits for it again
            writing.settle(tx, self.target.lane(one.source), [writing.resumed(one.item)], self.store.now())
        looks = {one.stamp for one in flights if self._must_look(tx, one)}
        self.to_look = [one for one in flights if one.stamp in looks]
        return [one for one in flights if one.stamp not in looks][: self.size]

    def _must_look(self, tx: Tx, one: Flight) -> bool:
        """The first time that a flow meets a target somebody may have entered its documents by hand (case C20); and
        what is to be updated has to have its version there."""
        row = one.waiting.item
        if row.stamp in self.looked or not isinstance(self.sink, Asks):
            return False
        if one.item.target is not None:
            return not row.token
        return row.attempt == 1 and not calls.note(tx, looked_note(row.flow, one.waiting.source, self.sink_id))

    def _encode(self, flights: list[Flight]) -> tuple[list[Exchange], list[tuple[Flight, Answer]]]:
        """Calls for the items; an item that cannot be said in the target's words is refused by itself."""
        refused: list[tuple[Flight, Answer]] = []
        while flights:
            try:
                encoded = boundary.encoded(self.sink, [one.item for one in flights])
            except Rejected as error:
                culprit = str(error.where.get("item", ""))
                bad = [one for one in flights if one.stamp == culprit] or flights
                answer = Answer(fate="refused", reason=error.message, field=str(error.where.get("field", "")),
                                fix=error.fix, code=error.code)  # fmt: skip
                refused += [(one, answer) for one in bad]
                flights = [one for one in flights if one not in bad]
                continue
            by_stamp = {one.stamp: one for one in flights}
            rows = [CallRow(id=0, sink=self.sink_id, state="sending", at="", call=call) for call in encoded]
            return [Exchange(row=row, flights=[by_stamp[s] for s in row.call.items]) for row in rows], refused
        return [], refused

    def _mark_sending(self, tx: Tx, frozen: Iterable[Exchange]) -> None:
        """From this commit on nobody may say that the items were not sent."""
        now = self.store.now()
        for one in frozen:
            for each in one.flights:
                row = each.waiting.item
                row.state, row.call, row.due, row.changed_at = "unknown", one.row.id, "", now
                row.reason = "sent; the answer is not here yet"
        for source in dict.fromkeys(each.waiting.source for one in frozen for each in one.flights):
            rows = [e.waiting.item for one in frozen for e in one.flights if e.waiting.source == source]
            ledger.put_items(tx, ledger.Route(source, self.sink_id), rows)

    # -- send, and store what came back ------------------------------------------------------------------------------

    def _send(self, group: Sequence[Exchange]) -> None:
        _write_number(self.target.beside, max(one.row.id for one in group))
        sent = list(fan_out(lambda one: flight.exchange(self.target, one), group, width=max(1, self.sink.width)))
        with self.store.write() as tx:
            calls.put_calls(tx, [one.row for one in sent])
        self.answered = sent

    # -- what is not known -------------------------------------------------------------------------------------------

    def _look_first(self) -> bool:
        """Ask for documents before they are made for the first time. False when there was nothing to ask for."""
        flights, self.to_look = self.to_look, []
        if not flights:
            return False
        finds = resolving.look(self.target, flights)
        told = [(one, answer) for one in flights if (answer := resolving.before_first(self.target, one, finds))]
        self.looked |= {one.stamp for one in flights if one.stamp in finds} - {one.stamp for one, _ in told}
        self._conclude([*told, *resolving.not_told(flights, finds)])
        return True

    def _resolve(self) -> bool:
        """Send again what the target will recognise; look for what is due. False when nothing could be done yet."""
        with self.store.write() as tx:
            unknown = calls.items_of_sink(tx, self.sink_id, "unknown")
            rows = calls.calls_by_id(tx, {one.item.call for one in unknown})
            flights, _ = flight.board(tx, self.sink_id, unknown)
            again = resolving.repeatable(self.target, flights, rows)
            self._mark_sending(tx, again)
            calls.put_calls(tx, [one.row for one in again])
            resolving.wait_for_settling(tx, self.target, [f for f in flights if not f.waiting.item.due], again)
        if again:
            self._send(again)
            return True
        due = [one for one in flights if "" < one.waiting.item.due <= self.store.now()]
        if due:
            self._conclude(resolving.resolved(self.target, due[:_LOOK_AT_ONCE]))
        return bool(due)

    def _conclude(self, told: Sequence[tuple[Flight, Answer]]) -> None:
        with self.store.write() as tx:
            self.held.check(tx)
            outcomes = self._settle(tx, told)
            over = {one.waiting.item.call for one, answer in told if answer.fate != "unknown"}
            calls.mark_calls(tx, over - {0}, "settled")
        self._tell(outcomes)

    def _wait(self) -> bool:
        """Sleep until the next item is due. False when none is, or not soon enough."""
        with self.store.read() as tx:
            due = calls.next_due(tx, self.sink_id)
        if not due:
            return False
        seconds = (dt.datetime.fromisoformat(due) - self.store.clock.now()).total_seconds()
        if seconds > self.target.patience:
            self.stop = TryAgain(
                f"{self.target.name} asks to be left alone until {due}", after=seconds, code="WHERRY-6058",
                connection=self.target.name,
            )  # fmt: skip
            return False
        self.target.waits("waits before it asks what became of what was sent", max(seconds, 0.0))
        self.store.clock.sleep(max(seconds, 0.0) + 0.001)
        return True


def _read_number(path: Path) -> int:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return 0


def _write_number(path: Path, number: int) -> None:
    """Not made durable: it has to outlive this process, not the machine, whose disk is where the store is, too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(str(number))
    fresh.replace(path)
