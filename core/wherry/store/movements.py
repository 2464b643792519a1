"""The subledger's rows: every movement that a flow took into the books of a target, and the entry it is booked in.

A movement that was booked is never changed: what its record says later is a movement of its own, beside one that
takes the first back (``undoes``). Rows here, rules in ``wherry.books``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from wherry.store.counters import last_value, next_value
from wherry.store.database import Tx, wanted
from wherry.store.tables import movements as table
from wherry.store.tables import seen

State = Literal["open", "left", "booked", "posted", "gone"]


class MovementRow(Struct, kw_only=True):
    """``body`` is the canonical movement as JSON, ``minor`` the sum of its debits in minor units of ``currency``.

    ``open``: to be booked. ``left``: not booked, for a ``reason``. ``booked``: in the ``entry`` of that key, sent or
    not; ``posted``: in one that was sent. ``gone``: its record took it back before it was booked.
    """

    id: int = 0
    sink: int
    flow: str
    kind: str
    key: str
    date: str
    currency: str
    minor: int
    partition: str = ""
    body: str
    state: str = "open"
    entry: str = ""
    reason: str = ""
    undoes: int = 0
    confirmed: str = ""
    """When its source was told that it is booked; or why it would not hear of it."""
    at: str = ""
    """The name of the group that it came in time for, before anything of that was posted; empty where it stands in an
    entry of its group anyway, or is late."""
    run: str = ""


_NAMES = MovementRow.__struct_fields__
_columns = [table.c[name] for name in _NAMES]
_MINE = (table.c.sink == sa.bindparam("sink")) & (table.c.flow == sa.bindparam("flow"))
_CHANGES = "movements"
"""The namespace of the counters of changes."""
_BY_ID = sa.select(*_columns).where(wanted(table.c.id))
_OF_FLOW = sa.select(*_columns).where(_MINE, table.c.state != "gone").order_by(table.c.id)
_UNDOING = _OF_FLOW.where(table.c.undoes != 0)
_UNPOSTED = _OF_FLOW.where(table.c.state.in_(("open", "left", "booked")))
_OF_ENTRIES = sa.select(*_columns).where(_MINE, wanted(table.c.entry)).order_by(table.c.id)
_PLACE = (
    sa.update(table)
    .where(wanted(table.c.id))
    .values(state=sa.bindparam("is_state"), entry=sa.bindparam("is_entry"), reason=sa.bindparam("is_reason"))
)


def put(tx: Tx, rows: Sequence[MovementRow]) -> None:
    """Enter or replace movements; one that has no id yet gets one."""
    fresh = [row for row in rows if not row.id]
    if fresh:
        first = next_value(tx, "books", "movement", len(fresh))
        for number, row in enumerate(fresh, first):
            row.id = number
    tx.many(table, _NAMES, [msgspec.structs.astuple(row) for row in rows])
    for sink, flow in {(row.sink, row.flow) for row in rows}:
        _touch(tx, sink, flow)


def _touch(tx: Tx, sink: int, flow: str) -> None:
    next_value(tx, _CHANGES, f"{sink}:{flow}")


def changes(tx: Tx, sink: int, flow: str) -> int:
    """A number that rises with every change of a flow's movements."""
    return last_value(tx, _CHANGES, f"{sink}:{flow}")


def by_id(tx: Tx, ids: Iterable[int]) -> dict[int, MovementRow]:
    return {row[0]: _row(row) for row in tx.seek(_BY_ID, dict.fromkeys(ids))}


def number_of(target: str) -> int:
    """``M-17`` → 17; 0 for what is no movement."""
    return int(target[2:]) if target.startswith("M-") and target[2:].isdecimal() else 0


def reference_of(tx: Tx, target: str) -> str:
    """What a movement is called at its source; empty where it has no reference."""
    row = by_id(tx, [number_of(target)]).get(number_of(target))
    return str(msgspec.json.decode(row.body).get("reference") or "") if row is not None else ""


def of_flow(tx: Tx, sink: int, flow: str) -> Iterator[MovementRow]:
    """Everything of a flow that was not taken back before it was booked, in the order in which it came."""
    return (_row(row) for row in tx.kept(_OF_FLOW, {"sink": sink, "flow": flow}))


def unposted(tx: Tx, sink: int, flow: str) -> Iterator[MovementRow]:
    """Of these what is not known to be in an entry that the target holds: by the index alone, whatever was posted."""
    return (_row(row) for row in tx.kept(_UNPOSTED, {"sink": sink, "flow": flow}))


def undoing(tx: Tx, sink: int, flow: str) -> Iterator[MovementRow]:
    """Of these what takes another one back."""
    return (_row(row) for row in tx.kept(_UNDOING, {"sink": sink, "flow": flow}))


def of_entries(tx: Tx, sink: int, flow: str, entries: Iterable[str]) -> Iterator[MovementRow]:
    """The members of entries."""
    return (_row(row) for row in tx.seek(_OF_ENTRIES, list(entries), sink=sink, flow=flow))


_TAKEN = (
    sa.select(seen.c.kind, seen.c.source_id, *_columns)
    .join(seen, (seen.c.flow == table.c.flow) & (seen.c.synced == sa.literal("M-") + sa.cast(table.c.id, sa.Text)))
    .where(_MINE, table.c.state.in_(("booked", "posted")), table.c.confirmed == "", table.c.undoes == 0)
    .order_by(table.c.id)
)
_CONFIRM = sa.update(table).where(wanted(table.c.id)).values(confirmed=sa.bindparam("is_confirmed"))


def unconfirmed(tx: Tx, sink: int, flow: str) -> list[tuple[str, str, MovementRow]]:
    """(record kind, record id, movement) of what is booked, and whose source has not been told."""
    return [(row[0], row[1], _row(row[2:])) for row in tx.kept(_TAKEN, {"sink": sink, "flow": flow})]


_POST = sa.update(table).where(wanted(table.c.id)).values(state="posted", reason="")


def post(tx: Tx, sink: int, flow: str, ids: Sequence[int]) -> None:
    """Note that the target holds the entry of these: they are not looked at again for what is to be booked."""
    if ids:
        tx.run_among(_POST, ids)
        _touch(tx, sink, flow)


def confirm(tx: Tx, ids: Iterable[int], said: str) -> None:
    """Note that the source was told, or why not."""
    tx.run_among(_CONFIRM, list(ids), is_confirmed=said)


def of_keys(tx: Tx, keys: Iterable[str]) -> list[MovementRow]:
    """The movements of things, in whatever books."""
    return [_row(row) for row in tx.find(sa.select(*_columns), table.c.key, sorted(set(keys)))]


def referring(tx: Tx, reference: str) -> list[MovementRow]:
    """The movements with that reference, in whatever books. Read through: a reference stands in bodies only."""
    said = msgspec.json.encode({"reference": reference}).decode()[1:-1]
    mine = table.c.body.contains(said, autoescape=True)
    return [_row(row) for row in tx.rows(sa.select(*_columns).where(mine).order_by(table.c.id).limit(1000))]


def place(
    tx: Tx, sink: int, flow: str, ids: Sequence[int], state: State, *, entry: str = "", reason: str = ""
) -> None:  # fmt: skip
    """Say where movements of a flow stand now."""
    if ids:
        tx.run_among(_PLACE, ids, is_state=state, is_entry=entry, is_reason=reason)
        _touch(tx, sink, flow)


_IN_TIME = sa.update(table).where(wanted(table.c.id)).values(at=sa.bindparam("is_at"))


def note_in_time(tx: Tx, ids: Sequence[int], bucket: str) -> None:
    """Note the group that movements came in time for."""
    tx.run_among(_IN_TIME, ids, is_at=bucket)


def _row(row: Sequence[Any]) -> MovementRow:
    return MovementRow(**dict(zip(_NAMES, row, strict=True)))
