"""Calls into targets: frozen before they are sent, kept with their raw answer. And the items that wait for sending.

A call is ``sending`` from the commit before its first byte leaves, ``answered`` once its raw reply is stored, ``lost``
when it is known that none will come, ``unsent`` where it provably never left, and ``settled`` when its items know what
became of them. Source: write-protocol.md, section 3.2.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from wherry.records import Call, Reply
from wherry.store import counters
from wherry.store.counters import last_value, next_value
from wherry.store.database import Tx, wanted
from wherry.store.ledger import ItemRow, item_columns, item_of
from wherry.store.statements import Row
from wherry.store.tables import calls, flows, history, items, meta

State = Literal["sending", "answered", "lost", "unsent", "settled"]

_dump = msgspec.json.Encoder(order="deterministic").encode
_texts = msgspec.json.Decoder(dict[str, str]).decode
_anything = msgspec.json.Decoder(dict[str, Any]).decode
_list = msgspec.json.Decoder(tuple[str, ...]).decode


class CallRow(Struct, kw_only=True):
    """A call with what came of it. ``sent`` counts how often the same bytes went out."""

    id: int
    sink: int
    state: str
    at: str
    call: Call
    sent: int = 1
    reply: Reply | None = None
    answered_at: str = ""
    problem: str = ""


_CALL = (
    "id", "sink", "state", "at", "method", "path", "params", "headers", "body", "lane", "items", "sent",
    "status", "reply_headers", "reply", "answered_at", "problem",
)  # fmt: skip
_columns = [calls.c[name] for name in _CALL]


_NUMBERS = ("ledger", "call")


def new_call_ids(tx: Tx, count: int) -> int:
    """The first of ``count`` fresh numbers; they rise with every call, so they also tell how far a store has come."""
    return next_value(tx, *_NUMBERS, count)


def last_call(tx: Tx) -> int:
    """The number of the newest call; 0 where there was none."""
    return last_value(tx, *_NUMBERS)


def newest(tx: Tx) -> str:
    """When the newest call left; the beginning of time where there was none."""
    return str(tx.value(sa.select(sa.func.max(calls.c.at))) or "1970-01-01T00:00:00.000Z")


def put_calls(tx: Tx, rows: Iterable[CallRow]) -> None:
    """Enter or replace calls, whole."""
    tx.many(calls, _CALL, [_plain(row) for row in rows])


_HEARD = ("state", "status", "reply_headers", "reply", "answered_at", "problem")
_REPLY = (
    sa.update(calls)
    .where(calls.c.id == sa.bindparam("of_id"), calls.c.sent == sa.bindparam("of_sent"))
    .where(calls.c.state == "sending", calls.c.status == 0)
    .values({name: sa.bindparam(f"is_{name}") for name in _HEARD})
)  # fmt: skip


def put_replies(tx: Tx, rows: Iterable[CallRow]) -> None:
    """What came of calls, of those of which nobody knows more by now."""
    for row in rows:
        values = dict(zip(_CALL, _plain(row), strict=True))
        told = {"of_id": row.id, "of_sent": row.sent, **{f"is_{name}": values[name] for name in _HEARD}}
        tx.run(_REPLY, told)


def _plain(row: CallRow) -> tuple[Any, ...]:
    """That a call was answered, its reply tells: the stored state stays, and is as long as the one that it ends in. For
    a longer word SQLite would write the whole row anew, with all that was sent and answered."""
    call, reply, state = row.call, row.reply, "sending" if row.state == "answered" else row.state
    return (
        row.id, row.sink, state, row.at, call.method, call.path, _dump(call.params).decode(),
        _dump(call.headers).decode(), call.body, call.lane, _dump(call.items).decode(), row.sent,
        reply.status if reply else 0, _dump(reply.headers).decode() if reply else "", reply.body if reply else None,
        row.answered_at, row.problem,
    )  # fmt: skip


_MARK = sa.update(calls).where(wanted(calls.c.id)).values(state=sa.bindparam("is_state"))


def mark_calls(tx: Tx, ids: Iterable[int], state: State) -> None:
    """Put calls into a state."""
    tx.run_among(_MARK, sorted(ids), is_state=state)


_BY_ID = sa.select(*_columns).where(wanted(calls.c.id))
_IN_STATES = (
    sa.select(*_columns).where(calls.c.sink == sa.bindparam("sink"), wanted(calls.c.state)).order_by(calls.c.id)
)


def find_calls(tx: Tx, sink: int, states: Sequence[str]) -> list[CallRow]:
    """The calls of a sink in these states, oldest first."""
    return [_row(row) for row in tx.kept(_IN_STATES, {"sink": sink, "wanted": list(states)})]


def calls_by_id(tx: Tx, ids: Iterable[int]) -> dict[int, CallRow]:
    return {row.id: row for row in map(_row, tx.seek(_BY_ID, sorted(set(ids))))}


_PAGE = 200
"""Answers that are held in memory at once: each may be large."""
_ANSWERED = (
    sa.select(calls.c.id, calls.c.status, calls.c.reply_headers, calls.c.reply)
    .where(calls.c.sink == sa.bindparam("sink"), calls.c.status > 0, calls.c.id < sa.bindparam("before"))
    .order_by(calls.c.id.desc()).limit(_PAGE)
)  # fmt: skip


def replies_of(tx: Tx, sink: int) -> Iterator[Reply]:
    """Every answer that a sink gave, newest first."""
    before = last_call(tx) + 1
    while rows := tx.kept(_ANSWERED, {"sink": sink, "before": before}):
        yield from (Reply(status=status, headers=_strings(told), body=bytes(body)) for _, status, told, body in rows)
        before = rows[-1][0]


def _strings(stored: str) -> dict[str, str]:
    """Parameters and headers. Earlier versions kept values of other types; in a URL they stand for these texts."""
    try:
        return _texts(stored)
    except msgspec.ValidationError:
        return {name: value if isinstance(value, str) else "" if value is None else _dump(value).decode()
                for name, value in _anything(stored).items()}  # fmt: skip


def _row(row: Sequence[Any]) -> CallRow:
    values = dict(zip(_CALL, row, strict=True))
    call = Call(
        method=values["method"], path=values["path"], params=_strings(values["params"]), body=bytes(values["body"]),
        headers=_strings(values["headers"]), lane=values["lane"], items=_list(values["items"]),
    )  # fmt: skip
    reply = None
    if values["status"]:
        reply = Reply(status=values["status"], headers=_strings(values["reply_headers"]), body=bytes(values["reply"]))
    state = "answered" if reply and values["state"] == "sending" else values["state"]
    return CallRow(
        id=values["id"], sink=values["sink"], state=state, at=values["at"], call=call, sent=values["sent"],
        reply=reply, answered_at=values["answered_at"], problem=values["problem"],
    )  # fmt: skip


# -- items of a sink, whatever connection they come from ---------------------------------------------------------------


class OpenItem(Struct, frozen=True):
    """An open item of a sink with the store id of the connection it comes from."""

    source: int
    item: ItemRow


_ALL = 1_000_000_000
_OF_SINK = (
    sa.select(items.c.source, *item_columns)
    .where(
        items.c.sink == sa.bindparam("sink"), items.c.state == sa.bindparam("state"),
        items.c.id > sa.bindparam("after"),
    )
    .order_by(items.c.id)
    .limit(sa.bindparam("most"))
)  # fmt: skip
_PAUSED = sa.select(flows.c.name).where(flows.c.state == "paused")
_GOES = items.c.flow.not_in(_PAUSED)
"""The item's flow is not paused by somebody: nothing of such a one is sent."""
_READY = _OF_SINK.where(items.c.stamp != "", items.c.approval != "wanted", items.c.due <= sa.bindparam("by"), _GOES)


def paused(tx: Tx) -> set[str]:
    """The flows that somebody has paused."""
    return {str(row[0]) for row in tx.kept(_PAUSED, {})}


def items_of_sink(
    tx: Tx, sink: int, state: str, *, limit: int = 0, ready_by: str = "", after: int = 0
) -> list[OpenItem]:  # fmt: skip
    """Oldest first. With ``ready_by`` only what may be sent by then: approved, due, of a flow that is not paused."""
    told = {"sink": sink, "state": state, "after": after, "most": limit or _ALL}
    rows = tx.kept(_READY, {**told, "by": ready_by}) if ready_by else tx.kept(_OF_SINK, told)
    return [OpenItem(row[0], item_of(row[1:])) for row in rows]


SENT = "sent; the answer is not here yet"
_SENDING = (
    sa.update(items)
    .where(items.c.id == sa.bindparam("of_id"))
    .values(state="unknown", due="", reason=SENT, call=sa.bindparam("is_call"), changed_at=sa.bindparam("is_at"))
)


def mark_sending(tx: Tx, rows: Iterable[tuple[ItemRow, int]], at: str) -> None:
    """Items, each with the call that it leaves with: once this is committed, nobody may say that they were not sent."""
    told = []
    for row, call in rows:
        row.state, row.due, row.reason, row.call, row.changed_at = "unknown", "", SENT, call, at
        told.append({"of_id": row.id, "is_call": call, "is_at": at})
    tx.kept_many(_SENDING, told)


_FOLLOWERS = sa.select(items.c.id, items.c.follower).where(wanted(items.c.id))


def followers(tx: Tx, ids: Iterable[int]) -> Iterator[Row]:
    """(item, the newer version that waits behind it): of those that are open."""
    return tx.asked_among(_FOLLOWERS, ids)


_ITEMS_BY_ID = sa.select(items.c.source, *item_columns).where(items.c.sink == sa.bindparam("sink"), wanted(items.c.id))


def items_by_id(tx: Tx, sink: int, ids: Iterable[int]) -> dict[int, OpenItem]:
    found = (OpenItem(row[0], item_of(row[1:])) for row in tx.seek(_ITEMS_BY_ID, sorted(set(ids)), sink=sink))
    return {one.item.id: one for one in found}


def targets_ever(tx: Tx, sink: int, entity: str, key: str) -> set[str]:
    """Everything that a thing was ever written as there, taken back since or not: other companies' ids say nothing."""
    ours = history.c.fate.in_(("created", "updated", "reversed"))
    sent = sa.select(history.c.target).join(calls, calls.c.id == history.c.call).where(calls.c.sink == sink)
    rows = tx.run(sent.where(history.c.entity == entity, history.c.key == key, ours).distinct())
    return {str(row[0]) for row in rows}


_BRING = (
    sa.update(items)
    .where(items.c.sink == sa.bindparam("of_sink"), items.c.due > sa.bindparam("far"))
    .values(due=sa.bindparam("near"))
)  # fmt: skip


def bring_near(tx: Tx, sink: int, far: str, near: str) -> None:
    """A time beyond ``far`` is of a clock that went wrong: ``near`` takes its place."""
    tx.kept(_BRING, {"of_sink": sink, "far": far, "near": near})


def bring_notes_near(tx: Tx, prefixes: Iterable[str], far: str, near: str) -> None:
    """The same of moments that are kept as notes under keys that begin so."""
    tx.ahead.pop(_AHEAD, None)
    for prefix in prefixes:
        tx.kept(_notes_near(prefix), {"far": far, "near": near})


@functools.cache
def _notes_near(prefix: str) -> sa.Update:
    mine = meta.c.key.startswith(prefix, autoescape=True) & (meta.c.value > sa.bindparam("far"))
    return sa.update(meta).where(mine).values(value=sa.bindparam("near"))


_DUE = sa.select(sa.func.min(items.c.due)).where(
    items.c.sink == sa.bindparam("sink"), (items.c.state == "unknown") | _GOES,
    items.c.state.in_(("queued", "unknown")), items.c.due != "", items.c.approval != "wanted",
)  # fmt: skip


def next_due(tx: Tx, sink: int) -> str:
    """When the first item of a sink that waits for its time is due; empty where none does."""
    return str(tx.kept(_DUE, {"sink": sink})[0][0] or "")


# -- notes ------------------------------------------------------------------------------------------------------------


_NOTE = sa.select(meta.c.value).where(meta.c.key == sa.bindparam("key"))
_NOTES = sa.select(meta.c.key, meta.c.value).where(wanted(meta.c.key))
_AHEAD = ("notes",)


def ask_ahead(tx: Tx, keys: Iterable[str]) -> None:
    """The notes under these keys, and numbers for new calls, will be wanted in this transaction."""
    asked = dict.fromkeys(keys, "")
    tx.ahead[_AHEAD] = asked, tx.asked_among(_NOTES, asked)
    counters.ask_ahead(tx, *_NUMBERS)


def note(tx: Tx, key: str) -> str:
    """What the store keeps under a key of its own; empty where nothing is."""
    known, coming = tx.ahead.get(_AHEAD, ({}, ()))
    known.update(coming)
    if key in known:
        return str(known[key])
    found = tx.kept(_NOTE, {"key": key})
    return str(found[0][0]) if found else ""


def notes(tx: Tx, prefix: str) -> list[str]:
    """The rest of every key that begins so."""
    found = tx.rows(sa.select(meta.c.key).where(meta.c.key.startswith(prefix, autoescape=True)))
    return [str(row[0]).removeprefix(prefix) for row in found]


def put_note(tx: Tx, key: str, value: str) -> None:
    tx.ahead.pop(_AHEAD, None)
    tx.many(meta, ("key", "value"), [(key, value)])


def drop_notes(tx: Tx, prefix: str) -> None:
    """Forget everything kept under keys that begin so."""
    tx.ahead.pop(_AHEAD, None)
    tx.run(sa.delete(meta).where(meta.c.key.startswith(prefix, autoescape=True)))
