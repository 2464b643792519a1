"""Month end: check what is open, approve, post, tie out, hand over a pack, close the period. Each step says what it did
and what stops it; done again, it goes on where it stopped, since everything done is in the ledger.

Nothing is closed while something is open, unless somebody says why; that stands in the audit log.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct, field

from wherry.accounting import Balance, Period
from wherry.bookkeeping import checklist, fiscal, packing, trail, tying
from wherry.bookkeeping.checklist import Checklist, Row
from wherry.bookkeeping.tying import Days, Tied
from wherry.books.frozen import ENTITY
from wherry.errors import EXIT_PERSON, ConfigError, Guarded, NotFound, TryAgain, WherryError
from wherry.hub import Hub
from wherry.operating import approvals, desk, leaving
from wherry.operating.reconciling import Reconciled
from wherry.roles import HasBalances, Polled
from wherry.settings import Flow
from wherry.store import audit, calls
from wherry.store.inquiries import Placed

State = Literal["done", "stopped", "left open", "nothing to do"]
EVERY = "all"
_BEFORE = "books before:"


class Wish(Struct, frozen=True, kw_only=True):
    """What somebody wants. ``second`` names another person who has agreed; ``leave_open`` says why the period is closed
    although something is open."""

    period: str
    flow: str = EVERY
    approve: bool = False
    second: str = ""
    leave_open: str = ""
    pack: Path | None = None


class Task(Struct, frozen=True, kw_only=True):
    """One step of a month end: what it did, or what stops it and what to do about that."""

    name: str
    state: State
    says: str
    fix: str = ""


class Closing(Struct, kw_only=True):
    """How far it came for the books of one connection."""

    connection: str
    period: Period
    flows: list[str]
    steps: list[Task] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    tied: Tied | None = None
    sources: list[Reconciled] = field(default_factory=list)
    pack: str = ""
    closed_until: str = ""
    error: WherryError | None = None

    @property
    def stopped(self) -> bool:
        return any(step.state == "stopped" for step in self.steps)

    @property
    def exit_code(self) -> int:
        if self.error is not None:
            return self.error.exit_code
        return EXIT_PERSON if self.stopped else 0

    def add(self, name: str, state: State, says: str, fix: str = "") -> None:
        self.steps.append(Task(name=name, state=state, says=says, fix=fix))


Confirm = Callable[[str, "Closing"], None]
"""Asks a person, who may see how far it came; raises where the answer is no, or where nobody can be asked."""


def books_meant(hub: Hub, flow: str) -> list[tuple[str, list[Flow]]]:
    """The connections whose books are meant, each with the flows that book into it. Raises as ``fiscal`` does."""
    if flow != EVERY:
        trail.booking_flow(hub, flow)
        return [fiscal.flows_into(hub, flow)]
    sinks = sorted({one.sink for one in hub.project.flows.values() if one.books_journals})
    if not sinks:
        raise ConfigError("no flow of this project books journals", fix='set document = "journal" on one',
                          code="WHERRY-2148")  # fmt: skip
    return [fiscal.flows_into(hub, sink) for sink in sinks]


def close(hub: Hub, wish: Wish, connection: str, flows: Sequence[Flow], confirm: Confirm) -> Closing:
    """Go through the steps as far as they lead. ``flows`` book into the connection; of them ``wish.flow`` is approved.

    Raises ConfigError for a period that there is not, Guarded where the second person is the first, or is missing where
    two have to agree, and what ``confirm`` raises. What keeps source or target from being reached ends in ``error``.
    """
    everybody = fiscal.flows_into(hub, connection)[1]
    approvals.must_agree(everybody if wish.approve else (), wish.second)
    meant = fiscal.named(hub, flows[0], wish.period)
    month_end = _MonthEnd(hub, wish, everybody, Closing(
        connection=connection, period=meant, flows=[one.name for one in everybody]), confirm)  # fmt: skip
    try:
        month_end.go()
    except WherryError as error:
        if isinstance(error, ConfigError | NotFound):
            raise
        month_end.done.error = error
        month_end.done.add(month_end.now, "stopped", error.message, error.fix)
    return month_end.done


class _MonthEnd:
    """One go at it."""

    def __init__(self, hub: Hub, wish: Wish, flows: Sequence[Flow], done: Closing, confirm: Confirm) -> None:
        self.hub, self.wish, self.flows, self.done, self.confirm = hub, wish, flows, done, confirm
        self.now = "look"
        with hub.store.read() as tx:
            self.sink = fiscal.bound(tx, done.connection)

    @property
    def chosen(self) -> list[Flow]:
        """The flows whose entries are approved."""
        return [one for one in self.flows if self.wish.flow in (EVERY, one.name)]

    def go(self) -> None:
        if self._is_closed():
            return
        found = self._look()
        if self._stops("checklist", found.stops):
            return
        if self._approve(found) or self._post() or self._tie() or self._pack():
            return
        self._close()

    def _is_closed(self) -> bool:
        here, period = self.hub.bookkeeper.closed_here(self.sink), self.done.period
        if here is None or here < period.last:
            return False
        self.done.closed_until = here.isoformat()
        self.done.add("close", "nothing to do", f"{period.name} is closed already, up to {here}",
                      f"wherry periods reopen {period.name} --target {self.done.connection}")  # fmt: skip
        if self.wish.pack is not None:
            self._check()
            self._compare()
            self._pack()
        return True

    # -- looking -------------------------------------------------------------------------------------------------------

    def _look(self) -> Checklist:
        """With ``approve`` the sources are read first, so that nothing of the period is missed."""
        self.now = "read"
        if self.wish.approve:
            self._keep_before()
            for flow in self.flows:
                report = self.hub.run(flow.name)
                if report.error is not None:
                    raise report.error
            self.done.add("read", "done", f"read {_names(self.flows)}")
        self.now = "checklist"
        return self._check()

    def _check(self) -> Checklist:
        found = checklist.check(self.hub, self.done.connection, self.sink, self.flows, self.done.period)
        self.done.rows = found.rows
        return found

    def _stops(self, name: str, rows: Sequence[Row]) -> bool:
        """Whether the way ends here."""
        if not rows:
            self.done.add(name, "done", "nothing is open")
            return False
        told = "; ".join(checklist.told(row) for row in rows[:4]) + (f"; {len(rows) - 4} more" if len(rows) > 4 else "")
        return self._ends(name, told, next((row.fix for row in rows if row.fix), ""))

    def _ends(self, name: str, says: str, fix: str) -> bool:
        """Stops, unless somebody said why it is left open."""
        left = bool(self.wish.leave_open.strip())
        self.done.add(name, "left open" if left else "stopped", says, fix)
        return not left

    # -- approving and posting -----------------------------------------------------------------------------------------

    def _approve(self, found: Checklist) -> bool:
        self.now = "approve"
        chosen = {one.name for one in self.chosen}
        mine = {flow: some for flow, some in found.wanted.items() if flow in chosen}
        rest = [one for flow, some in found.wanted.items() if flow not in chosen for one in some]
        wanted = [one for some in mine.values() for one in some]
        if wanted and not self.wish.approve:
            return self._ends("approve", f"{_count(wanted)} for approval", self._again("--approve"))
        if wanted:
            self.confirm(f"Approve and post {_entries(wanted)} of {self.done.period.name}?", self.done)
            self._give(mine)
        else:
            self.done.add("approve", "nothing to do", "nothing waits for approval")
        if rest:
            flow = rest[0].item.flow
            return self._ends("approve", f"of other flows, {_count(rest)} for approval", f"wherry approve {flow}")
        return False

    def _give(self, mine: dict[str, list[Placed]]) -> None:
        """The word, noted with who gave it and who else agreed; then everything is sent at once."""
        who = audit.actor()
        for flow, some in sorted(mine.items()):
            told = {"period": self.done.period.name, "second": self.wish.second, "entries": len(some),
                    "sums": checklist.sums_of(some)}  # fmt: skip
            self.hub.store.audit("close.approve", flow, told)
            given = approvals.approve(self.hub, flow, [one.item.id for one in some], second=self.wish.second)
            if given.error is not None:
                raise given.error
        both = f"{who} and {self.wish.second}" if self.wish.second else who
        some = [one for each in mine.values() for one in each]
        self.done.add("approve", "done", f"{_entries(some)} approved by {both}")

    def _post(self) -> bool:
        """What was approved has gone out; with ``approve`` goes what was approved earlier and not sent. What is left
        stops it."""
        self.now = "post"
        found = self._check()
        if found.ready and self.wish.approve:
            self._keep_before()
            if (error := desk.send(self.hub, found.ready)) is not None:
                raise error
            found = self._check()
        open_now = [*found.stops, *([self._not_sent(found.ready)] if found.ready else [])]
        if open_now:
            return self._stops("post", open_now)
        with self.hub.store.read() as tx:
            posted = [one.entry for flow in self.flows for one in trail.known(tx, flow) if one.is_posted]
        known = [one for one in posted if self.done.period.first <= one.date <= self.done.period.last]
        told = "1 entry is" if len(known) == 1 else f"{len(known):,} entries are"
        self.done.add("post", "done", f"{told} in {self.done.connection}, {checklist.said(tying.sums_of(known))}")
        return False

    def _not_sent(self, ready: Sequence[Placed]) -> Row:
        calls_us = leaving.calls_us(self.hub, self.done.connection)
        when = leaving.with_what(self.hub, self.done.connection)
        fix = f"they leave with {when}; do this again after it" if calls_us else self._again("--approve")
        return Row(what="not sent", count=len(ready), sums=checklist.sums_of(ready), fix=fix)

    def _keep_before(self) -> None:
        """The target's trial balance before this month end posts anything, kept for the pack. One that calls us is
        asked, and may tell only when it comes for the entries."""
        key = self._key()
        with self.hub.store.read() as tx:
            known = calls.note(tx, key)
        target = desk.reach(self.hub, self.sink, away=True) if not known else None
        if target is None or not isinstance(target.sink, HasBalances):
            return
        try:
            found = target.sink.balances(None, self.done.period.last)
        except TryAgain:
            if isinstance(target.sink, Polled):
                return
            raise
        with self.hub.store.write() as tx:
            calls.put_note(tx, key, msgspec.json.encode(found).decode())

    def _before(self) -> list[Balance] | None:
        with self.hub.store.read() as tx:
            told = calls.note(tx, self._key())
        return msgspec.json.decode(told, type=list[Balance]) if told else None

    def _key(self) -> str:
        return f"{_BEFORE}{self.sink}:{self.done.period.name}"

    # -- tying out, packing, closing -----------------------------------------------------------------------------------

    def _compare(self) -> Tied:
        period = self.done.period
        days = Days(period.first, period.last, period.name)
        tied = tying.tie_out(self.hub, self.done.connection, self.flows, days)
        self.done.tied = tied
        self.done.sources = [tying.source(self.hub, one, days) for one in self.flows]
        return tied

    def _tie(self) -> bool:
        self.now = "reconcile"
        tied = self._compare()
        off = [f"{one.what} {one.name}" for one in tied.found.problems]
        off += [f"{one.what} {one.record}" for source in self.done.sources for one in source.differences]
        passes = tied.passes and not off
        self.hub.store.audit("close.reconcile", self.done.connection, {
            "period": self.done.period.name, "passes": passes, "entries": tied.found.entries, "differences": off[:100],
        })  # fmt: skip
        if not passes:
            more = f" and {len(off) - 4} more" if len(off) > 4 else ""
            says = f"it does not tie out: {', '.join(off[:4])}{more}"
            return self._ends(
                "reconcile", says, f"wherry reconcile {self.flows[0].name} --period {self.done.period.name}"
            )
        self.done.add("reconcile", "done", "it ties out: the hub's part is off by 0.00")
        return False

    def _pack(self) -> bool:
        if self.wish.pack is None:
            return False
        self.now = "pack"
        assert self.done.tied is not None
        data = packing.workbook(self.hub, self.flows, self.done.period, self.done.tied, sources=self.done.sources,
                                rows=self.done.rows, before=self._before())  # fmt: skip
        wished = self.wish.pack
        was_there = wished.exists()
        path = packing.write(wished, data)
        self.done.pack = str(path)
        self.hub.store.audit("close.pack", self.done.connection, {
            "period": self.done.period.name, "file": path.name, "sha256": hashlib.sha256(data).hexdigest(),
        })  # fmt: skip
        if path != wished:
            self.done.add("pack", "done", f"written to {path}: {wished} is kept as it is, it says something else")
        elif was_there:
            self.done.add("pack", "nothing to do", f"{wished} says the same already")
        else:
            self.done.add("pack", "done", f"written to {path}")
        return False

    def _close(self) -> None:
        self.now = "close"
        approvals.must_agree(self.flows, self.wish.second)
        self._still_as_told()
        period, left = self.done.period, [one for one in self.done.steps if one.state == "left open"]
        self.confirm(f"Close {period.name} of {self.done.connection}?", self.done)
        if left:
            self.hub.store.audit("close.left_open", self.done.connection, {
                "period": period.name, "reason": self.wish.leave_open.strip(), "second": self.wish.second,
                "open": [f"{one.name}: {one.says}" for one in left],
            })  # fmt: skip
        note = f"month end{f'; second person {self.wish.second}' if self.wish.second else ''}"
        told = fiscal.close(self.hub, self.done.connection, period.name, f"{note}; {self.wish.leave_open}".strip("; "))
        self.done.closed_until = told["closed_until"]
        for kept in told["kept"]:
            self.done.add("close", "left open", kept["why"], kept["fix"])
        self.done.add("close", "done", f"{period.name} is closed, up to {told['closed_until']}")

    def _still_as_told(self) -> None:
        """Raises Guarded where something came in between."""
        before = {(row.what, row.flow, row.count) for row in self.done.rows if row.stops}
        found = self._check()
        fresh = [row for row in found.stops if (row.what, row.flow, row.count) not in before]
        if fresh or (not self.wish.leave_open and not found.is_clear):
            told = "; ".join(checklist.told(row) for row in fresh) or "entries wait for approval"
            raise Guarded(
                f"{self.done.period.name} was not closed, because something came in between: {told}",
                fix=self._again(), code="WHERRY-7083", period=self.done.period.name,
            )  # fmt: skip

    def _again(self, *more: str) -> str:
        flow = [] if self.wish.flow == EVERY else ["--flow", self.wish.flow]
        return " ".join(["wherry close", self.done.period.name, *flow, *more])


# -- words -------------------------------------------------------------------------------------------------------------


def _entries(some: Sequence[Placed]) -> str:
    one, many = ("entry", "entries") if all(each.item.entity == ENTITY for each in some) else ("document", "documents")
    number = f"1 {one}" if len(some) == 1 else f"{len(some):,} {many}"
    return f"{number}, {checklist.said(checklist.sums_of(some))}"


def _count(some: Sequence[Placed]) -> str:
    return f"{_entries(some)} {'waits' if len(some) == 1 else 'wait'}"


def _names(flows: Iterable[Flow]) -> str:
    return ", ".join(flow.name for flow in flows)


def as_data(done: Closing) -> dict[str, Any]:
    """For JSON; the tie-out is told by whoever draws it."""
    return {
        "connection": done.connection, "period": done.period.name, "first": done.period.first.isoformat(),
        "last": done.period.last.isoformat(), "flows": done.flows, "steps": msgspec.to_builtins(done.steps),
        "open": msgspec.to_builtins(done.rows), "pack": done.pack, "closed_until": done.closed_until,
        "stopped": done.stopped, "error": done.error.as_data() if done.error else None,
    }  # fmt: skip
