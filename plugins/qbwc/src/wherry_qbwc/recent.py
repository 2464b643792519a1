"""Among all that was made or changed since a call left its effect is found by its stamp, whatever number, name or day a
person has given it since.

Facts: a memo cannot be asked for, the time of the last change can; an answer holds as much as it is asked for, and an
iterator needs an exchange of its own for each page. So the documents of the items' customers are asked for beside all
of them: where there is too much of the one, there is rarely too much of the other.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from lxml import etree
from wherry.records import Item

from .facts import Row
from .words.replies import SetReply
from .words.requests import request

MOST = {"journal_entry": 300}
"""Entity → how much of what is recent one answer may hold: entries come with their lines, where the stamp is."""
USUAL = 2_000
_SKEW = dt.timedelta(days=1)
"""How far the clock of the Windows computer, or its time zone, may be behind ours."""
_HEAD = ("EditSequence", "TimeCreated", "IsActive")
_ELEMENTS = {
    "customer": (*_HEAD, "ListID", "Name", "FullName", "Phone", "Email", "AccountNumber", "Notes"),
    "": (*_HEAD, "TxnID", "RefNumber", "TxnDate", "CustomerRef", "TotalAmount", "Subtotal", "SalesTaxTotal", "DueDate",
         "Memo", "IsManuallyClosed"),
}  # fmt: skip
"""Entity → what is told of something recent: what it is known by, and what can be compared without its lines."""
_WHOLE = (0, 1)


def since(items: Sequence[Item]) -> dt.datetime | None:
    """Since when any of these new things may stand there; None where none of them was sent, or has a stamp there."""
    told = [item.since for item in items if item.since and item.entity != "product"]
    return dt.datetime.fromisoformat(min(told)) - _SKEW if told else None


def questions(query: str, items: Sequence[Item], id: str) -> list[etree._Element]:
    """What asks for all that is recent; ``id`` is what the ids of the requests begin with."""
    begun = since(items)
    if begun is None:
        return []
    body = _body(items[0].entity, begun)
    asked = [request(query, body, id=f"{id}-recent")]
    if whose := _customers(items):
        asked.append(request(query, {**body, "EntityFilter": {"ListID": whose}}, id=f"{id}-theirs"))
    return asked


def rows(told: SetReply, items: Sequence[Item], id: str) -> tuple[list[Row], bool]:
    """What is recent, each once, and whether that is all in which the items must be found if they are there."""
    answers = [told.answer(f"{id}-{name}") for name in ("recent", "theirs")]
    most = MOST.get(items[0].entity, USUAL)
    held = [answer.rows for answer in answers if answer is not None and answer.code in _WHOLE]
    found = {str(row.get("ListID") or row.get("TxnID") or ""): row for some in held for row in some}
    return list(found.values()), any(len(some) < most for some in held)


def _body(entity: str, begun: dt.datetime) -> dict[str, Any]:
    body: dict[str, Any] = {"MaxReturned": MOST.get(entity, USUAL)}
    if entity == "customer":
        body |= {"ActiveStatus": "All", "FromModifiedDate": begun}
    else:
        body["ModifiedDateRangeFilter"] = {"FromModifiedDate": begun}
    if entity == "journal_entry":
        return {**body, "IncludeLineItems": True}
    return {**body, "IncludeRetElement": list(_ELEMENTS.get(entity, _ELEMENTS[""]))}


def _customers(items: Sequence[Item]) -> list[str]:
    """The customers of documents, where all of them have one."""
    found = [str(item.body.get("customer") or "") for item in items]
    return list(dict.fromkeys(found)) if all(found) else []
