"""The audit log: append-only, each row chained to the one before by its hash, so that an edited row shows."""

from __future__ import annotations

import getpass
import hashlib
import os
from typing import Any

import msgspec
import sqlalchemy as sa

from wherry.store.database import Tx
from wherry.store.tables import audit as table
from wherry.store.tables import counters

_COLUMNS = ("id", "at", "actor", "action", "object", "detail", "previous", "hash")


_LAST = sa.text(
    "SELECT value, (SELECT hash FROM audit WHERE audit.id = counters.value) FROM counters "
    "WHERE namespace = 'audit' AND name = 'id'"
)
"""The number and the hash of the last row."""
_AHEAD = ("audit",)


def actor() -> str:
    """Who is at the keyboard: ``WHERRY_ACTOR`` where a server sets it, else the user of the operating system."""
    named = os.environ.get("WHERRY_ACTOR")
    if named:
        return named
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def _hash(row: tuple[Any, ...]) -> str:
    return hashlib.sha256(msgspec.json.encode(row)).hexdigest()


def write(tx: Tx, at: str, action: str, object: str, detail: Any = None, *, by: str = "") -> None:
    """Append one row: who did what to which thing, with ``detail`` (before, after, reason) as JSON."""
    write_many(tx, at, [(action, object, detail)], by=by)


def ask_ahead(tx: Tx) -> None:
    """Something will be written in this transaction."""
    if _AHEAD not in tx.ahead:
        tx.ahead[_AHEAD] = tx.asked(_LAST, {})


def write_many(tx: Tx, at: str, rows: list[tuple[str, str, Any]], *, by: str = "") -> None:
    """Append several rows in order. Who writes is alone in the store, so the chain has one end."""
    if not rows:
        return
    who = by or actor()
    ask_ahead(tx)
    last, before = next(iter(tx.ahead[_AHEAD]), (0, ""))
    previous, chained = before or "", []
    for n, (action, object, detail) in enumerate(rows, last + 1):
        text = msgspec.json.encode(detail, order="deterministic").decode() if detail is not None else ""
        row = (n, at, who, action, object, text, previous)
        previous = _hash(row)
        chained.append((*row, previous))
    tx.many(table, _COLUMNS, chained, replace=False)
    tx.many(counters, ("namespace", "name", "value"), [("audit", "id", n)])
    tx.ahead[_AHEAD] = [(n, previous)]


def verify(tx: Tx) -> str:
    """An empty text if the chain is whole; else a sentence that names the first row that does not fit."""
    previous, after = "", 0
    while rows := tx.rows(sa.select(table).where(table.c.id > after).order_by(table.c.id).limit(1000)):
        for row in rows:
            if row[0] != after + 1:
                return f"audit row {after + 1} is missing"
            if row[6] != previous or _hash(tuple(row[:7])) != row[7]:
                return f"audit row {row[0]} was changed after it was written"
            after, previous = row[0], row[7]
    last = tx.value(sa.text("SELECT value FROM counters WHERE namespace = 'audit' AND name = 'id'"))  # type: ignore[arg-type]
    return "" if (last or 0) == after else f"audit rows after {after} are missing"


_FIRST = (
    sa.select(table.c.at)
    .where(table.c.action == sa.bindparam("done"), table.c.object == sa.bindparam("thing"))
    .order_by(table.c.id)
    .limit(1)
)


def first(tx: Tx, action: str, object: str) -> str:
    """When this was done to that thing for the first time; empty where it never was."""
    return next((str(at) for (at,) in tx.kept(_FIRST, {"done": action, "thing": object})), "")


def _begins(column: sa.Column[Any], what: str) -> sa.ColumnElement[bool]:
    """Letter for letter: ``LIKE`` takes ``_`` and ``%`` for signs of its own, and capitals for small letters."""
    return sa.func.substr(column, 1, len(what)) == what


def find(tx: Tx, *, who: str = "", what: str = "", since: str = "", limit: int = 100) -> list[dict[str, Any]]:
    """Newest first; ``what`` is the beginning of an action or of an object."""
    statement = sa.select(table).order_by(table.c.id.desc()).limit(limit)
    if who:
        statement = statement.where(table.c.actor == who)
    if what:
        statement = statement.where(_begins(table.c.action, what) | _begins(table.c.object, what))
    if since:
        statement = statement.where(table.c.at >= since)
    rows = [dict(row._mapping) for row in tx.run(statement)]
    return [{**row, "detail": msgspec.json.decode(row["detail"]) if row["detail"] else None} for row in rows]
