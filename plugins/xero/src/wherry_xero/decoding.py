"""From Xero's raw answers to what became of each item. Pure: what is missing here is unknown, and looked up.

Facts: an answer holds the elements as they stand there now; of one that was refused it says ``StatusAttributeString``
ERROR with ``ValidationErrors``, and nothing of it was done. A call that was refused as a whole is answered by 400; 429
says that a call was not taken (API.md).
"""

from __future__ import annotations

from collections.abc import Sequence

from wherry.decoding import object_in
from wherry.errors import TryAgain
from wherry.posting.facts import TAKEN_BACK
from wherry.posting.texts import clean
from wherry.records import Answer, Call, Item, Reply

from . import facts
from .books import Books
from .client import NOT_THERE, Obj, decoded
from .documents import ALONE, KINDS, OTHERWISE, OWN_TYPE, TAKEN, UNDONE, id_of, reverses
from .faults import field_of, judged, said, throttled
from .lists import code
from .texts import stamp_in

DONE, REFUSED, THROTTLED = 200, 400, 429
WAIT = 60.0
_NOBODY = "00000000-0000-0000-0000-000000000000"


def answers(call: Call, items: Sequence[Item], reply: Reply, books: Books) -> dict[str, Answer]:
    """Stamp → answer. Statuses that are not named here prove nothing, nor does a body that cannot be read."""
    if reply.status == THROTTLED:
        after = reply.wait(WAIT)
        return {item.stamp: Answer(fate="queued", reason=throttled(reply.headers), after=after) for item in items}
    if reply.status in (REFUSED, NOT_THERE):
        return _whole(items, reply, books)
    if reply.status != DONE:
        return {}
    try:
        body = decoded(reply.body)
    except TryAgain:
        return {}
    found = {item.stamp: _one(item, _rows(items, body), books) for item in items}
    return {stamp: answer for stamp, answer in found.items() if answer is not None}


def _rows(items: Sequence[Item], body: Obj) -> list[Obj]:
    rows = body.get(KINDS[items[0].entity].name)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


# -- what was refused ------------------------------------------------------------


def _whole(items: Sequence[Item], reply: Reply, books: Books) -> dict[str, Answer]:
    """A call that was refused before any of it was done. Several items go one by one, so that the bad one shows."""
    body = object_in(reply.body)
    if reply.status == NOT_THERE:
        if body.get("Status") != NOT_THERE or items[0].target is None or reverses(items[0]):
            return {}
        return {item.stamp: _no_more(item) for item in items}
    elements = [one for one in body.get("Elements") or () if isinstance(one, dict)]
    words = said(elements[0]) if elements else ""
    words = words or said(body)
    if not words or not body.get("Type"):
        return {}
    if len(items) == 1:
        return {items[0].stamp: _refused(items[0], words, books)}
    reason = f"a call that it shared with others was refused: {words}"
    return {item.stamp: Answer(fate="queued", reason=reason, after=0.0, memo=ALONE) for item in items}


def _no_more(item: Item) -> Answer:
    return Answer(
        fate="refused", reason="Xero does not have it any more", code="404",
        fix="link it to another record in Xero, or have it written anew",
    )  # fmt: skip


def _refused(item: Item, words: str, books: Books) -> Answer:
    verdict = judged(words)
    if item.action == "void" and verdict != "closed" and not reverses(item):
        if not item.memo.startswith(OTHERWISE):
            return Answer(fate="queued", reason=f"Xero refused it: {words}", after=0.0, memo=f"{OTHERWISE}{words}")
        words = item.memo.removeprefix(OTHERWISE)
    if verdict == "exists" and item.target is None and item.memo != TAKEN:
        # By this item, whose first answer was lost, or by something else: a look tells.
        return Answer(fate="unknown", reason=f"Xero has something of that name: {words}", after=0.0, memo=TAKEN)
    if verdict == "closed":
        known = f" up to {books.locked}" if books.locked else ""
        return Answer(
            fate="refused", field="date" if item.body.get("date") else "", code="period closed",
            reason=f"its date is locked in Xero{known}: {words}",
            fix="move the lock date in Xero, or give it a later date; then try it again",
        )  # fmt: skip
    field = field_of(words)
    return Answer(
        fate="refused", reason=f"Xero refused it: {words}", field=field if field in item.body else "",
        fix="do what Xero says, then try it again",
    )  # fmt: skip


# -- what was done ------------------------------------------------------------


def _one(item: Item, rows: Sequence[Obj], books: Books) -> Answer | None:
    mine = [row for row in rows if _is_of(item, row, books, alone=len(rows) == 1)]
    if len(mine) != 1:
        return None  # one that is answered twice was not understood
    [row] = mine
    if row.get("StatusAttributeString") == "ERROR":
        words = said(row)
        return _refused(item, words, books) if words else None
    if row.get("ValidationErrors") or row.get("HasErrors") is True or row.get("HasValidationErrors") is True:
        return None  # it says both that it was taken and that it was not: a look tells
    return _done(item, row, books)


def _is_of(item: Item, row: Obj, books: Books, *, alone: bool) -> bool:
    """Whether an element is that of an item: by its id, or the stamp of what is new. Items have no place for a stamp,
    and only one can have a code."""
    kind = KINDS[item.entity]
    if item.target is not None and not reverses(item):
        return row.get(kind.id) == id_of(item.target)
    if item.entity == "product":
        return clean(row.get("Code")).casefold() == code(item.body).casefold()
    told = stamp_in(row.get(kind.stamp))
    # What was refused may come back without all that was sent.
    return told == item.stamp or (alone and not told and row.get("StatusAttributeString") == "ERROR")


def _done(item: Item, row: Obj, books: Books) -> Answer | None:
    target = target_of(item, row)
    if not target or row.get("Type") != OWN_TYPE.get(item.entity, row.get("Type")):
        return None
    if item.action == "void":
        done = (row.get("Status") in UNDONE) != reverses(item)
        return Answer(fate="reversed", target=str(item.target), facts=dict(TAKEN_BACK)) if done else None
    told = facts.of_record(item, row, books)
    if item.entity == "product" and item.target is None and told.get("name") != facts.of_item(item, books).get("name"):
        return None
    return Answer(fate="created" if item.target is None else "updated", target=item.target or target, facts=told)


def target_of(item: Item, row: Obj) -> str:
    """What a record of Xero is linked by: its id, of an item with its code behind it. Empty where it has none."""
    id = str(row.get(KINDS[item.entity].id) or "")
    if not id or id == _NOBODY:
        return ""
    return f"{id}/{clean(row.get('Code'))}" if item.entity == "product" else id
