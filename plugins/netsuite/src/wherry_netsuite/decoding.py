"""From NetSuite's raw answers to what became of each item. Pure: what is missing here is unknown, and looked up.

A write is answered by 204 and the record's address, which does not tell what it was: what was written is read back.
"""

from __future__ import annotations

import re

from wherry.errors import TryAgain
from wherry.posting.facts import TAKEN_BACK
from wherry.records import Answer, Call, Item, Reply

from . import facts, refusals
from .books import Books
from .client import NOT_THERE, decoded
from .documents import KINDS, READ, TAKEN
from .faults import THROTTLED, Fault, fault_in

DONE, WHOLE, THROTTLED_STATUS = 204, 200, 429
REFUSED = (400, 403, NOT_THERE, 409)
WAIT = 5.0
_PLACE = re.compile(r"/record/v1/(\w+)/(\d+)\Z")


def answers(call: Call, items: list[Item], reply: Reply, books: Books) -> dict[str, Answer]:
    """Stamp → answer. Statuses that are not named here prove nothing, nor does a body that cannot be read."""
    [item] = items
    found = _read(item, reply, books) if call.method == "GET" else _written(item, reply, books)
    return {} if found is None else {item.stamp: found}


def _written(item: Item, reply: Reply, books: Books) -> Answer | None:
    if reply.status == DONE:
        return _taken(item, reply)
    fault = fault_in(reply.body)
    if reply.status == THROTTLED_STATUS or (fault is not None and fault.code in THROTTLED):
        return Answer(fate="queued", reason="NetSuite has too many calls at once", after=max(reply.wait(0.0), WAIT))
    if fault is None or reply.status not in REFUSED:
        return None
    return _refused(item, fault, books)


def _taken(item: Item, reply: Reply) -> Answer | None:
    """It was taken: it is read back as what the address names. A change answers with the record that was changed."""
    place = _PLACE.search(reply.headers.get("location", ""))
    if place is None or place[1] != KINDS[item.entity].record:
        return None
    made = item.target is None or (item.action == "void" and item.entity == "journal_entry")
    if not made and place[2] != item.target:
        return None
    return Answer(
        fate="queued", target=item.target or place[2], memo=f"{READ}{place[2]}", after=0.0, reason="it is read back"
    )


def _refused(item: Item, fault: Fault, books: Books) -> Answer | None:
    line = refusals.judged(fault)
    told = f"{line.reason}: {fault.detail}" if fault.detail else line.reason
    if line.verdict == "unknown":
        return None
    if line.verdict == "exists" and item.memo != TAKEN and item.target is None:
        # By this item, whose first answer was lost, or in a race with it; or by something else: a look tells.
        return Answer(fate="unknown", reason=told, after=0.0, memo=TAKEN)
    if line.verdict == "closed":
        return _closed(item, fault, books)
    return Answer(
        fate="refused", reason=told, field=line.field or refusals.field_of(fault), fix=line.fix, code=fault.code
    )


def _closed(item: Item, fault: Fault, books: Books) -> Answer:
    dates = [str(body["date"]) for body in (item.body, item.before or {}) if body.get("date")]
    known = f" up to {books.closed}" if books.closed else ""
    return Answer(
        fate="refused", field="date" if item.body.get("date") else "", code="period closed",
        reason=f"it is dated {min(dates, default='a closed day')}, and the periods in NetSuite are closed{known}: "
               f"{fault.detail}",
        fix="open the period in NetSuite, or give it a later date; then try it again",
    )  # fmt: skip


def _read(item: Item, reply: Reply, books: Books) -> Answer | None:
    """What was written, as it stands there."""
    if reply.status != WHOLE:
        return None
    try:
        held = decoded(reply.body)
    except TryAgain:
        return None
    id, ours = str(held.get("id") or ""), held.get("externalId") == item.stamp
    if not id or id != item.memo.removeprefix(READ):
        return None
    told = facts.of_record(item, held, books)
    made = item.target is None or (item.action == "void" and item.entity == "journal_entry")
    if made and not ours:
        # It would not be found again, and so be made once more.
        key = held.get("externalId") or "none"
        why = f"its external id in NetSuite is {key}, not the one that it was written by: a script there may change it"
        return Answer(fate="differs", target=item.target or id, facts=told, reason=why)
    if made and item.action == "void":
        return Answer(fate="reversed", target=str(item.target), facts=dict(TAKEN_BACK))
    if made or ours:
        return Answer(fate="created", target=id, facts=told)
    if item.action == "void":
        return Answer(fate="reversed", target=id, facts=told) if told == TAKEN_BACK else None
    return Answer(fate="updated", target=id, facts=told)
