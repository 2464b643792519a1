"""Telling a source what the books have taken, in batches of its size, and only once the target really has it.

Our own ledger decides what is posted: a crash between the target's answer and the last confirmation only means that
the source offers again what is not booked again (behaviours 002.8, 002.11; the trap *confirm in tens*).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice

from msgspec import Struct

from wherry.books.frozen import ENTITY
from wherry.protocol.rows import REVERSED
from wherry.records import Ref
from wherry.roles import Confirms, SourceConnector
from wherry.store import Store, ledger, movements
from wherry.store.ledger import Route


class Taken(Struct, frozen=True):
    """A record whose movement the target holds, with a note for its timeline."""

    movement: int
    record: str
    note: str


def confirm(store: Store, source: SourceConnector, flow: str, route: Route) -> None:
    """Tell the source, if it wants to know. Raises TryAgain and AccessLost; what was told until then is noted."""
    if not isinstance(source, Confirms):
        return
    for kind, taken in _taken(store, flow, route).items():
        for batch in _batches(taken, source.confirm_batch):
            refused = source.confirm(kind, {one.record: one.note for one in batch})
            now = store.now()
            with store.write() as tx:
                movements.confirm(tx, [one.movement for one in batch if one.record not in refused], now)
                for one in batch:
                    if one.record in refused:
                        movements.confirm(tx, [one.movement], f"refused: {refused[one.record]}")


def _taken(store: Store, flow: str, route: Route) -> dict[str, list[Taken]]:
    found: dict[str, list[Taken]] = defaultdict(list)
    with store.read() as tx:
        rows = movements.unconfirmed(tx, route.sink, flow)
        links = ledger.find_links(tx, route, {Ref(ENTITY, row.entry) for _, _, row in rows})
    for kind, record, row in rows:
        link = links.get(Ref(ENTITY, row.entry))
        if link is not None and link.target and link.rule != REVERSED:
            found[kind].append(Taken(row.id, record, f"booked in journal entry {link.target}"))
    return found


def _batches(taken: Sequence[Taken], size: int) -> Iterator[list[Taken]]:
    left = iter(taken)
    while batch := list(islice(left, size)):
        yield batch
