"""Booking: the entries of a flow enter the ledger of items, and from there go the way of every document.

``rehearse`` does the same in a transaction that is rolled back. Members are noted in the transaction that queues their
entry, so that each is in at most one that can be sent (write-protocol.md, section 3.6; behaviour 004.15).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from wherry import writing
from wherry.accounting import ChartAccount, Entry
from wherry.books import drafts, gathering
from wherry.books.charts import Mismatch
from wherry.books.frozen import ENTITY
from wherry.books.gathering import Arrangement, Booking, Books
from wherry.errors import Rejected
from wherry.records import Create, Decision, Draft, Ref
from wherry.steps import Lane, Outcome, Step
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

    def as_data(self) -> dict[str, Any]:
        """For JSON: what is booked, what is left out and why, sums in minor units by currency."""
        found = self.arrangement
        return {
            "entries": [_told(booking.entry) for booking in found.bookings] if not found.blocked else [],
            "coming": [_told(entry) for entry in found.coming], "blocked": found.blocked,
            "left_out": [{"reason": left.reason, "detail": left.detail, "movements": len(left.members),
                          "minor": left.minor, "currency": left.currency} for left in found.left],
            "posted": len(found.fixed),
        }  # fmt: skip


def _told(entry: Entry) -> dict[str, Any]:
    return {
        "number": entry.number, "date": entry.date.isoformat(), "period": entry.period, "bucket": entry.bucket,
        "currency": entry.currency, "party": entry.party, "type": entry.type, "memo": entry.memo,
        "movements": len(entry.members), "lines": [msgspec.to_builtins(line) for line in entry.lines],
    }  # fmt: skip


def parties(store: Store, books: Books) -> list[Draft]:
    """Whose receivables are going to be booked: to be matched before the writing transaction begins."""
    with store.read() as tx:
        return drafts.parties(one.entry for one in gathering.arrange(tx, books).bookings)


def book(tx: Tx, lane: Lane, books: Books, decisions: Decisions, now: str) -> Booked:
    """Arrange what is free, take out of the queue what is no longer so, and queue the rest."""
    found = gathering.arrange(tx, books)
    wanted = [] if found.blocked else found.bookings
    _withdraw(tx, lane, books, found, {booking.key for booking in wanted}, now)
    steps = [_step(books, booking) for booking in wanted]
    steps += [_party(draft, decisions) for draft in drafts.parties(one.entry for one in wanted)]
    outcomes = writing.settle(tx, lane, steps, now) if steps else {}
    gathering.keep(tx, found)
    return Booked(arrangement=found, steps=steps, outcomes=outcomes)


def _step(books: Books, booking: Booking) -> Step:
    return Step(
        draft=booking.draft, record_kind="journal", record_id=booking.key, decision=Create(), always=True,
        refusal=_refusal(books, booking.entry),
    )  # fmt: skip


def _party(draft: Draft, decisions: Decisions) -> Step:
    return Step(draft=draft, record_kind="journal", record_id=draft.key, decision=decisions.get(draft.ref, Create()))


def _refusal(books: Books, entry: Entry) -> Rejected | None:
    """Why the target would not take the entry: an account of it is not there, closed, a header, in another currency."""
    if not len(books.chart):
        return None  # a target without a chart of accounts: its own answer tells
    for number, line in enumerate(entry.lines):
        found = books.chart.look(line.account)
        if isinstance(found, ChartAccount) and found.currency != books.home:  # a home account takes any currency
            found = books.chart.look(line.account, entry.currency)
        if isinstance(found, Mismatch):
            return Rejected(
                f"{entry.number} line {number + 1}: {found.message}", fix=found.fix, code="WHERRY-4605",
                field=f"lines[{number}].account",
            )  # fmt: skip
    if entry.rounding and isinstance(found := books.chart.look(entry.rounding_account, books.home), Mismatch):
        return Rejected(f"{entry.number}, what rounding leaves: {found.message}", fix=found.fix, code="WHERRY-4606",
                        field="rounding_account")  # fmt: skip
    return None


def _withdraw(tx: Tx, lane: Lane, books: Books, found: Arrangement, wanted: Iterable[str], now: str) -> None:
    """Entries that are not to be sent as they stand, because their movements are booked otherwise now, or not yet."""
    before = {row.entry for row in found.free if row.entry} - set(wanted)
    items = ledger.find_items(tx, books.route, [Ref(ENTITY, key) for key in sorted(before)])
    gone = [item for item in items.values() if item.state not in _IN_FLIGHT]
    ledger.remove_items(tx, [item.id for item in gone])
    why = "something of the selection has no account" if found.blocked else "its movements are booked otherwise"
    ledger.put_events(tx, [
        Event(now, lane.run, books.flow.name, item.record_kind, item.record_id, ENTITY, item.key, "skipped", "", why)
        for item in gone
    ])  # fmt: skip
