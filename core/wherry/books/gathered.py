"""What was gathered last, and whether anything has changed since: a run that brings nothing new arranges nothing.

A sign stands for all that an arrangement is made of: how the books are kept, every change of the flow's movements, and
how its entries stand. It is kept with what was told of the arrangement, in the transaction that made it.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from msgspec import Struct

from wherry.books import frozen
from wherry.books.gathering import Arrangement, Basis, Selection
from wherry.books.keys import SEPARATOR
from wherry.store import Store, calls, movements, posted
from wherry.store.database import Tx

_MOST = 2_000_000
"""Characters of what is told that are kept; above that everything is arranged anew each time."""
_MADE = "2: with a note of how each entry was booked"
"""What keeping an arrangement comes to: one that was kept otherwise is made anew."""


class Looked(Struct, frozen=True):
    """An arrangement, and the sign of what it was made of."""

    sign: str
    found: Arrangement
    others: tuple[Any, ...] = ()
    """How the entries of other flows stood, none of whose numbers is given out again."""


class Remembered(Struct, frozen=True):
    sign: str
    told: dict[str, Any]


def sign(tx: Tx, basis: Basis) -> str:
    """Equal where arranging would come to the same."""
    flow = basis.flow
    said: list[Any] = [
        _MADE, flow.name, flow.model_dump_json(warnings=False), list(basis.table), list(basis.chart),
        basis.calendar.periods,
        basis.rates.told(), basis.route, basis.home, basis.own_rounding, basis.closed_until, basis.most_lines,
        basis.books_from, basis.pick, "" if flow.needs_approval else basis.today,
        movements.changes(tx, basis.route.sink, flow.name),
    ]  # fmt: skip
    found = hashlib.blake2b(msgspec.json.encode(said), digest_size=16)
    for row in frozen.all_known(tx, basis.route, flow.name):
        found.update(repr(row).encode())
    return found.hexdigest()


def others(tx: Tx, basis: Basis) -> tuple[Any, ...]:
    """How the entries of other flows stand in the same target. They do not change what is booked, only what numbers
    are free for what is new."""
    return posted.standing_of_others(tx, basis.route.sink, frozen.ENTITY, f"{basis.flow.name}{SEPARATOR}")


def recall(store: Store, basis: Basis) -> dict[str, Any] | None:
    """What was told of the arrangement, where it would be the same now."""
    if basis.pick != Selection():
        return None
    with store.read() as tx:
        kept = calls.note(tx, _name(basis))
        held = msgspec.json.decode(kept, type=Remembered) if kept else None
        return held.told if held is not None and held.sign == sign(tx, basis) else None


def remember(tx: Tx, basis: Basis, told: dict[str, Any]) -> None:
    """Keep it, once everything of it is in the store; with a selection nothing is kept, since it is not the whole."""
    whole = basis.pick == Selection()
    kept = msgspec.json.encode(Remembered(sign(tx, basis), told)).decode() if whole else ""
    calls.put_note(tx, _name(basis), kept if len(kept) <= _MOST else "")


def _name(basis: Basis) -> str:
    return f"gathered:{basis.route.sink}:{basis.route.source}:{basis.flow.name}"
