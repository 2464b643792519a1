"""Customers, items and accounts of the company file, kept here: what is matched against while nobody is there to ask.

Read whole once a day, with iterators where the list has one: they live as long as the session, so one that ended is
started again. In between, what changed of the long lists is enough; what was deleted or merged, and full names below an
entry that was renamed, are as they are once the list is read whole, which a write that meets them brings about.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct
from wherry.errors import TryAgain
from wherry.roles import Documents

from .words import replies, statuses
from .words.replies import RequestReply
from .words.requests import request
from .words.sets import message_set

PAGE = 500
INVALID_ITERATOR = 3391
STATE = "mirror"
QUERIES = {
    "customer": "CustomerQuery", "item": "ItemQuery", "account": "AccountQuery", "class": "ClassQuery",
    "tax_code": "SalesTaxCodeQuery", "currency": "CurrencyQuery",
}  # fmt: skip
_WHOLE = frozenset({"AccountQuery", "ClassQuery", "SalesTaxCodeQuery", "CurrencyQuery"})
"""Lists that come in one answer."""
_LONG = ("customer", "item")
_WHOLE_EVERY = _MISSED_FOR = 86_400.0
_OVERLAP = dt.timedelta(hours=1)
"""QuickBooks is known to be wrong by an hour where summer time began or ended meanwhile."""
USUAL = ("customer", "item", "account")
_TIMES = 3
NEVER: Mapping[str, dt.datetime] = {}
Ask = Callable[[bytes], str]
"""A message set's response."""


class Entry(Struct, frozen=True):
    """One entry of a list: the kind of its element, such as ``ItemServiceRet``, and what it holds."""

    kind: str
    row: dict[str, Any]

    @property
    def changed(self) -> int:
        """Seconds of the last change since 1970, which an EditSequence is; 0 where it is none."""
        told = str(self.row.get("EditSequence") or "")
        return int(told) if told.isdigit() else 0


def is_due(documents: Documents, connection: str, now: dt.datetime, every: float) -> bool:
    """Whether the lists were never read, or not lately, or lacked something that somebody may have added since."""
    state = _state(documents, connection)
    return not _is_within(state.get("read_at"), now, every) or _is_within(state.get("missed_at"), now, _MISSED_FOR)


def _is_within(moment: str | None, now: dt.datetime, seconds: float) -> bool:
    return bool(moment) and 0 <= (now - dt.datetime.fromisoformat(str(moment))).total_seconds() < seconds


def _state(documents: Documents, connection: str) -> dict[str, Any]:
    return documents.get(STATE, [connection]).get(connection, {})


def miss(documents: Documents, connection: str, now: dt.datetime) -> None:
    """Something was not sent because of what the lists lack: they are read in every session of the day that follows."""
    documents.put(STATE, [(connection, {**_state(documents, connection), "missed_at": now.isoformat()})])


def since(documents: Documents, connection: str, now: dt.datetime) -> dict[str, dt.datetime]:
    """List → the moment since when it is to be read, of those that need not be read whole."""
    if not _is_within(_state(documents, connection).get("whole_at"), now, _WHOLE_EVERY):
        return {}
    newest = {kind: max(entries(documents, connection, kind), key=_when, default=None) for kind in _LONG}
    told = {kind: str(one.row["TimeModified"]) for kind, one in newest.items() if one and one.row.get("TimeModified")}
    return {kind: dt.datetime.fromisoformat(moment) - _OVERLAP for kind, moment in told.items()}


def _when(one: Entry) -> tuple[bool, int]:
    """By the number alone: of two times, one may say its zone and the other not."""
    return bool(one.row.get("TimeModified")), one.changed


def read(
    ask: Ask, version: str, kinds: Iterable[str] = USUAL, since: Mapping[str, dt.datetime] = NEVER
) -> dict[str, list[Entry]]:  # fmt: skip
    """Every list, inactive entries too; of some only what changed ``since``. Raises TryAgain where QuickBooks does not
    tell it whole."""
    return {kind: _list(ask, QUERIES[kind], version, since.get(kind)) for kind in kinds}


def keep(
    documents: Documents, connection: str, lists: dict[str, list[Entry]], now: dt.datetime,
    since: Mapping[str, dt.datetime] = NEVER,
) -> None:  # fmt: skip
    """Put what was read in the place of what was kept, or beside it where only changes were read. Only what differs is
    written, oldest change first: so the store's own order tells what is new here, whatever QuickBooks' clocks say."""
    for kind, entries in lists.items():
        told = sorted(entries, key=lambda one: (one.changed, one.row["ListID"]))
        rows = {f"{connection}/{one.row['ListID']}": {"kind": one.kind, "row": one.row} for one in told}
        if kind not in since:
            gone = [id for id, _ in documents.each(kind) if id.startswith(f"{connection}/") and id not in rows]
            documents.remove(kind, gone)
        held = documents.get(kind, rows)
        documents.put(kind, [(id, body) for id, body in rows.items() if held.get(id) != body])
    state = _state(documents, connection)
    whole_at = state.get("whole_at") if since else now.isoformat()
    documents.put(STATE, [(connection, {**state, "read_at": now.isoformat(), "whole_at": whole_at})])


def forget(documents: Documents, connection: str) -> None:
    """Have the lists read at the next session."""
    documents.remove(STATE, [connection])


def entries(documents: Documents, connection: str, kind: str) -> Iterator[Entry]:
    """What is kept of a list."""
    return _own(documents.each(kind), connection)


def changes(documents: Documents, connection: str, kind: str, after: int, most: int) -> tuple[list[Entry], int]:
    """What became another entry here after that number of the store's, in its order; and the number of the last one,
    ``after`` itself where there is none. ``most`` are looked at, those of other connections too."""
    rows = documents.changed(kind, after, most)
    return list(_own(((id, held) for _, id, held in rows), connection)), rows[-1][0] if rows else after


def _own(rows: Iterable[tuple[str, dict[str, Any]]], connection: str) -> Iterator[Entry]:
    return (Entry(held["kind"], held["row"]) for id, held in rows if id.startswith(f"{connection}/"))


def _list(ask: Ask, name: str, version: str, since: dt.datetime | None) -> list[Entry]:
    for _ in range(_TIMES):
        found = _once(ask, name, version, since)
        if found is not None:
            return found
    raise _untold(name, "its iterator ends too soon again and again, or never")


def _once(ask: Ask, name: str, version: str, since: dt.datetime | None) -> list[Entry] | None:
    """A list; None where the iterator ended on the way, or does not come nearer to its end."""
    body: dict[str, Any] = {"ActiveStatus": "All"}
    if name in _WHOLE:
        return _entries(_asked(ask, name, body, {}, version))
    body["MaxReturned"] = PAGE
    if since is not None:
        body["FromModifiedDate"] = since
    reply = _asked(ask, name, body, {"iterator": "Start"}, version)
    found = _entries(reply)
    for page in itertools.count(1):
        if not reply.remaining:
            break
        step, left = {"iterator": "Continue", "iteratorID": reply.iterator_id}, reply.remaining
        reply = _asked(ask, name, body, step, version, page)
        if reply.code == INVALID_ITERATOR or reply.remaining >= left:
            return None
        found += _entries(reply)
    return found


def _asked(
    ask: Ask, name: str, body: dict[str, Any], attributes: dict[str, str], version: str, page: int = 0
) -> RequestReply:
    """An answer. Its id says which page it is: another one that comes once more is not taken for it."""
    id = f"{name}-{page}"
    asked = request(name, body, id=id, attributes=attributes)
    answer = replies.parse(ask(message_set([asked], version=version))).answer(id)
    if answer is None:
        raise _untold(name, "it did not answer")
    status = statuses.meaning(answer.code, answer.message)
    if status.fate != "done" and answer.code != INVALID_ITERATOR:
        raise _untold(name, f"{status.meaning} ({answer.code})")
    return answer


def _entries(answer: RequestReply) -> list[Entry]:
    return [Entry(kind, row) for kind, row in zip(answer.kinds, answer.rows, strict=True) if row.get("ListID")]


def _untold(name: str, why: str) -> TryAgain:
    return TryAgain(
        f"QuickBooks does not tell its list ({name}): {why}", fix="update again in the Web Connector",
        code="WHERRY-6854",
    )  # fmt: skip
