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
from wherry.books.gathering import Arrangement, Books, Selection
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


def sign(tx: Tx, books: Books) -> str:
    """Equal where arranging would come to the same."""
    flow = books.flow
    said: list[Any] = [
        _MADE, flow.name, flow.model_dump_json(warnings=False), list(books.table), list(books.chart),
        books.calendar.periods,
        books.rates.told(), books.route, books.home, books.own_rounding, books.closed_until, books.most_lines,
        books.books_from, books.pick, "" if flow.needs_approval else books.today,
        movements.changes(tx, books.route.sink, flow.name),
    ]  # fmt: skip
    found = hashlib.blake2b(msgspec.json.encode(said), digest_size=16)
    for row in frozen.all_known(tx, books.route, flow.name):
        found.update(repr(row).encode())
    return found.hexdigest()


def others(tx: Tx, books: Books) -> tuple[Any, ...]:
    """How the entries of other flows stand in the same target. They do not change what is booked, only what numbers
    are free for what is new."""
    return posted.standing_of_others(tx, books.route.sink, frozen.ENTITY, f"{books.flow.name}{SEPARATOR}")


def recall(store: Store, books: Books) -> dict[str, Any] | None:
    """What was told of the arrangement, where it would be the same now."""
    if books.pick != Selection():
        return None
    with store.read() as tx:
        kept = calls.note(tx, _name(books))
        held = msgspec.json.decode(kept, type=Remembered) if kept else None
        return held.told if held is not None and held.sign == sign(tx, books) else None


def remember(tx: Tx, books: Books, told: dict[str, Any]) -> None:
    """Keep it, once everything of it is in the store; with a selection nothing is kept, since it is not the whole."""
    whole = books.pick == Selection()
    kept = msgspec.json.encode(Remembered(sign(tx, books), told)).decode() if whole else ""
    calls.put_note(tx, _name(books), kept if len(kept) <= _MOST else "")


def _name(books: Books) -> str:
    return f"gathered:{books.route.sink}:{books.route.source}:{books.flow.name}"
