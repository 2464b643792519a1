"""Booking: the entries of a flow enter the ledger of items, and from there go the way of every document.

Read ``book``: arrange what is free, withdraw what is booked otherwise by now, queue the rest. A preview calls it in a
transaction that is rolled back (``Hub.would_book``). Members are noted in the transaction that queues their entry, so
that each is in at most one that can be sent (write-protocol.md, section 3.6; behaviour 004.15).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct, field

from wherry.accounting import ChartAccount, Entry
from wherry.books import drafts, gathered, gathering, stuck
from wherry.books.charts import Chart, Mismatch
from wherry.books.frozen import ENTITY
from wherry.books.gathered import Looked
from wherry.books.gathering import Arrangement, Basis, Booking
from wherry.errors import Rejected
from wherry.protocol import writing
from wherry.protocol.steps import Lane, Outcome, Step
from wherry.records import Create, Decision, Draft, Ref
from wherry.store import Store, ledger
from wherry.store.database import Tx
from wherry.store.ledger import Event

Decisions = Mapping[Ref, Decision]
"""What each party is in the target, as the matcher said."""
_IN_FLIGHT = frozenset({"unknown", "decide", "differs"})


class Booked(Struct, kw_only=True):
    """What booking came to."""

    arrangement: Arrangement
    steps: list[Step]
    outcomes: dict[Ref, Outcome]
    told: dict[str, Any] = field(default_factory=dict)
    """What was told of it when it was done, where that was earlier."""

    def as_data(self) -> dict[str, Any]:
        """For JSON: what is booked, what is left out and why, sums in minor units by currency."""
        if self.told:
            return self.told
        found = self.arrangement
        rows = {row.id: row for row in found.free}
        return {
            "entries": [_told(booking.entry) for booking in found.bookings] if not found.blocked else [],
            "coming": [_told(entry) for entry in found.coming], "blocked": found.blocked,
            "left_out": [{"reason": left.reason, "detail": left.detail, "movements": len(left.members),
                          "minor": left.minor, "currency": left.currency,
                          "names": stuck.names(rows, left.members, stuck.FEW)} for left in found.left],
            "posted": len(found.fixed),
        }  # fmt: skip


def _told(entry: Entry) -> dict[str, Any]:
    return {
        "number": entry.number, "date": entry.date.isoformat(), "period": entry.period, "bucket": entry.bucket,
        "currency": entry.currency, "party": entry.party, "type": entry.type, "memo": entry.memo,
        "movements": len(entry.members), "lines": [msgspec.to_builtins(line) for line in entry.lines],
    }  # fmt: skip


def look(store: Store, basis: Basis) -> Looked:
    """What there is to be booked, as it stands before the writing transaction begins."""
    with store.read() as tx:
        return Looked(gathered.sign(tx, basis), gathering.arrange(tx, basis), gathered.others(tx, basis))


def parties(looked: Looked) -> list[Draft]:
    """Whose receivables are going to be booked: to be matched before that."""
    return drafts.parties(one.entry for one in looked.found.bookings)


def book(
    tx: Tx, lane: Lane, basis: Basis, decisions: Decisions, now: str, looked: Looked | None = None
) -> Booked:  # fmt: skip
    """Arrange what is free, take out of the queue what is no longer so, and queue the rest.

    What was looked at before counts while nothing has changed since, nor another flow has taken numbers.
    """
    same = looked is not None and (looked.sign, looked.others) == (gathered.sign(tx, basis), gathered.others(tx, basis))
    found = looked.found if looked is not None and same else gathering.arrange(tx, basis)
    wanted = [] if found.blocked else found.bookings
    _withdraw(tx, lane, basis, found, {booking.key for booking in wanted}, now)
    steps = [_step(basis, booking) for booking in wanted]
    steps += [_party(draft, decisions) for draft in drafts.parties(one.entry for one in wanted)]
    outcomes = writing.settle(tx, lane, steps, now) if steps else {}
    gathering.keep(tx, basis, found)
    booked = Booked(arrangement=found, steps=steps, outcomes=outcomes)
    gathered.remember(tx, basis, booked.as_data())
    stuck.keep(tx, basis, found)
    return booked


def recall(store: Store, basis: Basis) -> Booked | None:
    """What booking came to the last time, where nothing has changed since; None where it is to be done anew."""
    told = gathered.recall(store, basis)
    if told is None:
        return None
    return Booked(arrangement=Arrangement(blocked=bool(told["blocked"])), steps=[], outcomes={}, told=told)


def _step(basis: Basis, booking: Booking) -> Step:
    return Step(
        draft=booking.draft, record_kind="journal", record_id=booking.key, decision=Create(), always=True,
        refusal=refusal(basis.chart, basis.home, booking.entry),
    )  # fmt: skip


def _party(draft: Draft, decisions: Decisions) -> Step:
    return Step(draft=draft, record_kind="journal", record_id=draft.key, decision=decisions.get(draft.ref, Create()))


def refusal(chart: Chart, home: str, entry: Entry) -> Rejected | None:
    """Why the target would not take the entry: an account of it is not there, closed, a header, in another currency."""
    if not len(chart):
        return None  # a target without a chart of accounts: its own answer tells
    for number, line in enumerate(entry.lines):
        found = chart.look(line.account)
        if isinstance(found, ChartAccount) and found.currency != home:  # a home account takes any currency
            found = chart.look(line.account, entry.currency)
        if isinstance(found, Mismatch):
            return Rejected(
                f"{entry.number} line {number + 1}: {found.message}", fix=found.fix, code="WHERRY-4605",
                field=f"lines[{number}].account",
            )  # fmt: skip
    if entry.rounding and isinstance(found := chart.look(entry.rounding_account, home), Mismatch):
        return Rejected(f"{entry.number}, what rounding leaves: {found.message}", fix=found.fix, code="WHERRY-4606",
                        field="rounding_account")  # fmt: skip
    return None


def _withdraw(tx: Tx, lane: Lane, basis: Basis, found: Arrangement, wanted: Iterable[str], now: str) -> None:
    """Entries that are not to be sent as they stand, because their movements are booked otherwise now, or not yet."""
    before = {row.entry for row in found.free if row.entry} - set(wanted)
    items = ledger.find_items(tx, basis.route, [Ref(ENTITY, key) for key in sorted(before)])
    gone = [item for item in items.values() if item.state not in _IN_FLIGHT]
    ledger.remove_items(tx, [item.id for item in gone])
    why = "something of the selection has no account" if found.blocked else "its movements are booked otherwise"
    ledger.put_events(tx, [
        Event(now, lane.run, basis.flow.name, item.record_kind, item.record_id, ENTITY, item.key, "skipped", "", why)
        for item in gone
    ])  # fmt: skip
