"""Planted bugs in the books: who is a member of what, when that is fixed, what is reversed, and what a source is told.

The rigs they are planted in are those of ``tests/books_rig.py``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from wherry.books import booking, confirming, frozen, gathering, placing, subledger
from wherry.books.confirming import Taken
from wherry.books.frozen import ENTITY, Sent
from wherry.books.gathering import Arrangement, Basis, Booking
from wherry.books.subledger import Subledger
from wherry.hub import Hub
from wherry.protocol.rows import REVERSED
from wherry.records import Ref
from wherry.runs.job import Job
from wherry.store import Store, ledger, movements
from wherry.store.database import Tx
from wherry.store.ledger import Route
from wherry.testing.bugs import bug, put

_SENT = "kill http.sent@POST /v3/company/{id}/journalentry#2"
_OUT = "fault 1 status times=10"
"""The target is out of order for a while: what is unknown stays so, while the source is read and entries are made."""


# -- members -----------------------------------------------------------------------------------------------------------


@bug("journals", "play first; kill commit.after@hub.book#1; calm; judge")
def members_noted_after_their_entry() -> None:
    """The entry is queued in one transaction, its members are noted in the next."""
    put(Hub, "book", _keeping_late)


def _keeping_late(real: Callable[..., None]) -> Callable[..., None]:
    """Who is a member of what is noted when all else is done."""

    def call(self: Hub, job: Job, *given: Any, **told: Any) -> None:
        keep, kept = gathering.keep, list[Any]()
        gathering.keep = lambda *noted: kept.append(noted[1:])
        real(self, job, *given, **told)
        gathering.keep = keep
        for noted in kept:
            with self.store.write() as tx:
                keep(tx, *noted)

    return call


@bug("journals", f"play first; {_SENT}; calm; judge")
def members_frozen_after_sending() -> None:
    """Whose members an entry has is noted once the target has answered, not before it is sent."""
    put(Hub, "_carry", _keeping_late)


@bug("journals", "play first; calm; play late; calm; judge")
def only_the_first_member_is_noted() -> None:
    """Of several members of an entry one is noted; the others look free, and are booked once more."""

    def place(real: Callable[..., None]) -> Callable[..., None]:
        def call(tx: Tx, sink: int, flow: str, ids: Sequence[int], state: Any, **told: str) -> None:
            real(tx, sink, flow, ids[:1] if told.get("entry") else ids, state, **told)

        return call

    put(movements, "place", place)


@bug("journals", f"play first; run; play late; {_SENT}; play change; {_OUT}; run; play back; run; calm; judge latest")
def entry_in_flight_not_frozen() -> None:
    """Only what the target has confirmed is fixed: who comes while an answer is missing joins the entry."""
    put(frozen, "_SENT", lambda real: frozen._POSTED)

    def keys(real: Callable[..., set[str]]) -> Callable[..., set[str]]:
        return lambda tx, route, keys: _posted(tx, route, keys)

    for module in (frozen, subledger):
        put(module, "frozen", keys)


def _posted(tx: Tx, route: Route, keys: Iterable[str]) -> set[str]:
    links = ledger.find_links(tx, route, [Ref(ENTITY, key) for key in keys if key])
    return {ref.key for ref, link in links.items() if link.rule != REVERSED}


@bug("journals", "play first; run; play late; calm; judge")
def late_members_join_what_was_posted() -> None:
    """Nobody looks whether the group of a late comer was posted before it came."""
    put(placing.Placing, "_was_posted", lambda real: lambda self, row, day: False)


@bug("journals", "play first; run; play late; calm; judge")
def posted_groups_are_made_anew() -> None:
    """What was posted is grouped again with whatever has come since."""
    put(frozen, "of_flow", lambda real: lambda tx, route, flow: Sent(set(), set(), set()))


@bug("journals-5", "play first; kill commit.after@hub.book#1; play late; calm; judge latest")
def regathered_entry_stays_queued() -> None:
    """An entry whose members changed gets another key, and the former one is not taken out of the queue."""
    put(booking, "_withdraw", lambda real: lambda *given: None)

    def arrange(real: Callable[..., Arrangement]) -> Callable[..., Arrangement]:
        def call(tx: Tx, basis: Basis) -> Arrangement:
            found = real(tx, basis)
            for one in found.bookings:
                _rekey(one)
            return found

        return call

    put(gathering, "arrange", arrange)


def _rekey(one: Booking) -> None:
    name = hashlib.sha256(repr(one.entry.members).encode()).hexdigest()[:8]
    one.key = f"{one.key}-{name}"
    one.draft = msgspec.structs.replace(one.draft, key=one.key)


@bug("journals", "play first; run; play resync; run; play late; calm; judge")
def recalled_although_something_came() -> None:
    """What was booked the last time is taken for all there is, whatever has come since."""
    put(movements, "changes", lambda real: lambda tx, sink, flow: 0)


# -- reversals ---------------------------------------------------------------------------------------------------------


@bug("journals", "play first; run; play late; run; play change; calm; judge")
def posted_movement_changed_in_place() -> None:
    """A newer version takes the place of one that was booked; nothing takes that back."""
    put(subledger, "frozen", lambda real: lambda tx, route, keys: set())


@bug("journals", "play first; run; play late; run; play change; calm; judge")
def reversed_and_not_booked_anew() -> None:
    """The former version is taken back, and the newer one is taken for the same thing."""

    def apply(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: Subledger, tx: Tx, item: Any, old: Any, fixed: set[str], rows: Any) -> Any:
            if old is None or old.entry not in fixed:
                return real(self, tx, item, old, fixed, rows)
            answer = self._take_back(tx, item, old, fixed, rows)
            return lambda: answer

        return call

    put(Subledger, "_apply", apply)


@bug("journals", "play first; run; play late; run; play change; kill commit.after@engine.try_settling#1; calm; judge")
def reversal_kept_in_memory() -> None:
    """What takes a movement back is entered after the transaction that enters its newer version."""
    later: list[Any] = []

    def reversal(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: Subledger, old: Any) -> Any:
            later.append(real(self, old))
            return msgspec.structs.replace(later[-1], state="gone")

        return call

    def book(real: Callable[..., None]) -> Callable[..., None]:
        def call(self: Hub, job: Job, *given: Any, **told: Any) -> None:
            with self.store.write() as tx:
                movements.put(tx, later)
            later.clear()
            real(self, job, *given, **told)

        return call

    put(Subledger, "_reversal", reversal)
    put(Hub, "book", book)


@bug("journals", "play first; run; play late; run; play change; run; play back; calm; judge")
def void_of_a_posted_movement_forgotten() -> None:
    """What was booked and then made void is only left out from then on."""
    put(Subledger, "_take_back", lambda real: lambda self, tx, item, old, fixed, rows: real(
        self, tx, item, old, set(), rows))  # fmt: skip


@bug("journals", "play first; run; play late; run; play change; calm; judge")
def reversal_on_the_wrong_side() -> None:
    """What takes a movement back has the amounts of it, not those below zero."""

    def reversal(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: Subledger, old: Any) -> Any:
            return msgspec.structs.replace(real(self, old), body=old.body)

        return call

    put(Subledger, "_reversal", reversal)


@bug("journals", "play first; calm; judge")
def coming_group_posted_early() -> None:
    """With automatic approval a group leaves before its end."""
    put(gathering, "_is_over", lambda real: lambda basis, entry: True)


@bug("journals", "play first; calm; judge")
def week_not_cut_at_a_month_end() -> None:
    """A group crosses the end of a period."""

    def bucket_of(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: placing.Placing, day: Any) -> Any:
            found = real(self, day)
            return msgspec.structs.replace(found, name=found.name.rstrip("ab"))

        return call

    put(placing.Placing, "bucket_of", bucket_of)


# -- what the source is told -------------------------------------------------------------------------------------------


@bug("confirmations", f"play first; {_SENT}; {_OUT}; run; calm; judge")
def confirmed_before_the_answer() -> None:
    """What was queued is confirmed, whether the target has it or not."""

    def taken(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(store: Store, flow: str, route: Route) -> dict[str, list[Taken]]:
            found: dict[str, list[Taken]] = {}
            with store.read() as tx:
                for kind, record, row in movements.unconfirmed(tx, route.sink, flow):
                    found.setdefault(kind, []).append(Taken(row.id, record, f"booked in journal entry {row.entry}"))
            return found

        return call

    put(confirming, "_taken", taken)


@bug("confirmations", "play first; kill http.before@POST /v10/accounting-entries/mark-as-exported#1; calm; judge")
def confirmation_noted_first() -> None:
    """It is noted that the source was told, and then it is told."""

    def confirm(real: Callable[..., None]) -> Callable[..., None]:
        def call(store: Store, source: Any, flow: str, route: Route) -> None:
            for kind, taken in confirming._taken(store, flow, route).items():
                _note(store, taken)
                for batch in confirming._batches(taken, source.confirm_batch):
                    source.confirm(kind, {one.record: one.note for one in batch})

        return call

    put(confirming, "confirm", confirm)


@bug("confirmations", "play first; calm; judge")
def first_ten_taken_for_all() -> None:
    """One call is made, and all are noted as told by it."""

    def confirm(real: Callable[..., None]) -> Callable[..., None]:
        def call(store: Store, source: Any, flow: str, route: Route) -> None:
            for kind, taken in confirming._taken(store, flow, route).items():
                source.confirm(kind, {one.record: one.note for one in taken[: source.confirm_batch]})
                _note(store, taken)

        return call

    put(confirming, "confirm", confirm)


def _note(store: Store, taken: Iterable[Taken]) -> None:
    with store.write() as tx:
        movements.confirm(tx, [one.movement for one in taken], store.now())


@bug("confirmations", "play first; calm; play late; calm; play change; calm; judge")
def confirmed_under_the_former_entry() -> None:
    """The note names the entry that a record stood in first, whatever it stands in now."""

    def taken(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(store: Store, flow: str, route: Route) -> dict[str, list[Taken]]:
            with store.read() as tx:
                links = ledger.find_links(tx, route, {Ref(ENTITY, row.entry) for row in movements.of_flow(
                    tx, route.sink, flow)})  # fmt: skip
                first = min((link.target for link in links.values()), default="")
            return {kind: [Taken(one.movement, one.record, f"booked in journal entry {first}") for one in some]
                    for kind, some in real(store, flow, route).items()}  # fmt: skip

        return call

    put(confirming, "_taken", taken)
