"""From Sage Intacct's raw answers to what became of each item. Pure: what is missing here is unknown, and looked up.

Facts: each function is answered by its control ID with success, failure or aborted; where an upper level failed none
was executed (API.md). A function that was completed before is refused for its control ID: by which number is not known.
"""

from __future__ import annotations

from collections.abc import Sequence

from wherry.errors import TryAgain
from wherry.posting.facts import TAKEN_BACK
from wherry.records import Answer, Call, Item, Reply

from . import envelope, facts
from .books import Books
from .client import Row
from .documents import LISTED, READ, TAKEN, form_of, reverses
from .envelope import THROTTLED, Fault, Result, Told
from .lists import customer_id, item_id, record_of

DONE = 200
WAIT = 60.0
_REPEATED = ("control id", "controlid", "unique id", "uniqueid")
_CLOSED = ("period is closed", "closed period", "period has been closed", "books are closed")
_EXISTS = ("already exists", "duplicate", "must be unique", "already in use", "already been used")
_ABOUT = (("customer", "customer"), ("account", "lines"), ("item", "lines"), ("location", "lines"),
          ("department", "lines"), ("currency", "currency"), ("date", "date"), ("number", "number"))  # fmt: skip
"""Words of a refusal → the record's field that it is about."""


def answers(call: Call, items: Sequence[Item], reply: Reply, books: Books) -> dict[str, Answer]:
    """Stamp → answer. Statuses that are not named here prove nothing, nor does a body that cannot be read."""
    try:
        told = envelope.told(reply.body) if reply.status == DONE else None
    except TryAgain:
        return {}
    if told is None:
        return {}
    if told.failed and items[0].memo.startswith(READ):
        return {}  # it stands there, and would get another stamp if it were put off
    if told.failed:
        reason = f"Sage Intacct did not take the call: {told.fault.text or told.fault.number or told.failed}"
        return {item.stamp: Answer(fate="queued", reason=reason, after=WAIT) for item in items}
    if items[0].memo.startswith(READ):
        return _read(items, told, books)
    found = {item.stamp: _one(item, told, books) for item in items}
    return {stamp: answer for stamp, answer in found.items() if answer is not None}


def _one(item: Item, told: Told, books: Books) -> Answer | None:
    mine = [one for one in told.results if one.control == item.stamp]
    if len(mine) != 1:
        return None  # one that is answered twice was not understood
    [result] = mine
    if result.status == "success":
        return _done(item, result, books)
    if result.status == "aborted" or result.fault.number == THROTTLED:
        return Answer(fate="queued", reason=f"Sage Intacct did not come to it: {result.fault.text}", after=WAIT)
    return _refused(item, result.fault) if result.status == "failure" and result.fault.text else None


# -- what was done ------------------------------------------------------------


def _done(item: Item, result: Result, books: Books) -> Answer | None:
    key = _key(item, result, books)
    if not key:
        return None
    if item.action == "void":
        return Answer(fate="reversed", target=str(item.target), facts=dict(TAKEN_BACK))
    target = item.target or (f"{key}/{item_id(item.body)}" if item.entity == "product" else key)
    return Answer(fate="queued", target=target, memo=f"{READ}{key}", after=0.0, reason="it is read back")


def _key(item: Item, result: Result, books: Books) -> str:
    """What the record is known by. A change is of what it was sent for; a new one is told."""
    if item.target is not None and not reverses(item, books):
        return record_of(item.target) if item.entity == "product" else item.target
    row = result.rows[0] if len(result.rows) == 1 else {}
    if item.entity != "customer":
        return result.key or row.get("RECORDNO", "")
    ours = customer_id(item.body) if books.settings.customer_ids == "wherry" else ""
    return row.get("CUSTOMERID") or ours


def _read(items: Sequence[Item], told: Told, books: Books) -> dict[str, Answer]:
    """What was written, as it stands there."""
    form = form_of(items[0].entity, books)
    by_name = {one.control: one for one in told.results if one.status == "success"}
    heads, lines = by_name.get("heads"), by_name.get("lines")
    if heads is None or (form.lines and lines is None):
        return {}
    found = {}
    for item in items:
        key = item.memo.removeprefix(READ)
        mine = [row for row in heads.rows if row.get(form.key) == key]
        if len(mine) == 1:
            under = [row for row in lines.rows if row.get(form.parent) == key] if lines is not None else []
            whole = lines is None or not lines.remaining
            found[item.stamp] = _stands(item, mine[0], under if whole else None, books)
    return found


def _stands(item: Item, head: Row, lines: list[Row] | None, books: Books) -> Answer:
    """Without all its lines it is there, and is compared at the next reconciliation."""
    told = None if lines is None else facts.of_record(item, head, lines, books)
    target = item.target
    if target is None:
        target = f"{head['RECORDNO']}/{head['ITEMID']}" if item.entity == "product" else item.memo.removeprefix(READ)
    return Answer(fate="created" if item.target is None else "updated", target=target, facts=told)


# -- what was refused ------------------------------------------------------------


def _refused(item: Item, fault: Fault) -> Answer:
    words = fault.text.casefold()
    if any(one in words for one in _REPEATED):
        # It is done already: what it did is looked up.
        return Answer(fate="unknown", reason=f"it was carried out before: {fault.text}", after=0.0)
    if any(one in words for one in _EXISTS) and item.target is None and item.memo != TAKEN:
        # By this item, whose first answer was lost, or by something else: a look tells.
        return Answer(fate="unknown", reason=f"something has its name: {fault.text}", after=0.0, memo=TAKEN)
    if any(one in words for one in _CLOSED) and item.entity not in LISTED:
        return Answer(
            fate="refused", field="date", code="period closed", reason=f"its period is closed: {fault.text}",
            fix="open the period in Sage Intacct, or give it a later date; then try it again",
        )  # fmt: skip
    field = next((field for word, field in _ABOUT if word in words), "")
    return Answer(
        fate="refused", reason=f"Sage Intacct refused it: {fault.text}", field=field if field in item.body else "",
        fix=fault.correction or "do what Sage Intacct says, then try it again", code=fault.number,
    )  # fmt: skip
