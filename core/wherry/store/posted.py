"""What was ever written into a target: things that were taken back and written anew, and the stamps that went out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from wherry.store.database import Tx
from wherry.store.tables import calls, history, items, links


class Reversed(Struct, frozen=True):
    """A target id that a key was once written as and that was taken back, by the call of that number."""

    key: str
    target: str
    call: int


def reversed_ever(tx: Tx, entity: str) -> list[Reversed]:
    """Everything of an entity that was ever taken back, oldest first."""
    mine = (history.c.entity == entity) & (history.c.fate == "reversed") & (history.c.target != "")
    rows = tx.rows(sa.select(history.c.key, history.c.target, history.c.call).where(mine).order_by(history.c.id))
    return [Reversed(str(key), str(target), int(call)) for key, target, call in rows]


def stamps_of_calls(tx: Tx, ids: Iterable[int]) -> dict[int, frozenset[str]]:
    """Number of a call → the stamps of what it carried."""
    rows = tx.find(sa.select(calls.c.id, calls.c["items"]), calls.c.id, sorted(set(ids) - {0}))
    return {int(id): frozenset(msgspec.json.decode(carried)) for id, carried in rows}


def stamps_sent(tx: Tx, sink: int) -> frozenset[str]:
    """Every stamp that ever went out to a target."""
    rows = tx.rows(sa.select(calls.c["items"]).where(calls.c.sink == sink))
    return frozenset(stamp for (carried,) in rows for stamp in msgspec.json.decode(carried))


def keys_open(tx: Tx, sink: int, entity: str) -> set[str]:
    """The keys of an entity that wait to be written into a target, whatever for."""
    mine = (items.c.sink == sink) & (items.c.entity == entity)
    return {str(row[0]) for row in tx.rows(sa.select(items.c.key).where(mine))}


def numbers_of_others(tx: Tx, sink: int, entity: str, own: str) -> set[str]:
    """What documents of an entity are called in a target, or will be, but for those whose key begins so."""
    written = sa.select(links.c.body).where(
        links.c.sink == sink,
        links.c.entity == entity,
        links.c.body != "",
        ~links.c.key.startswith(own, autoescape=True),
    )
    waiting = sa.select(items.c.label).where(
        items.c.sink == sink, items.c.entity == entity, ~items.c.key.startswith(own, autoescape=True)
    )
    found = {_number(row[0]).number for row in tx.rows(written)} | {str(row[0]) for row in tx.rows(waiting)}
    return found - {""}


def standing_of_others(tx: Tx, sink: int, entity: str, own: str) -> tuple[Any, ...]:
    """What differs once ``numbers_of_others`` may: how many there are in a target, and the newest of them."""
    newest: list[Any] = [sa.func.count(), sa.func.max(items.c.id)]
    waiting = sa.select(*newest).where(
        items.c.sink == sink, items.c.entity == entity, ~items.c.key.startswith(own, autoescape=True)
    )
    latest: list[Any] = [sa.func.count(), sa.func.max(links.c.made_at)]
    written = sa.select(*latest).where(
        links.c.sink == sink, links.c.entity == entity, ~links.c.key.startswith(own, autoescape=True)
    )
    return tuple(cell for one in (waiting, written) for row in tx.rows(one) for cell in row)


class _Numbered(Struct):
    number: str = ""


_number = msgspec.json.Decoder(_Numbered).decode
