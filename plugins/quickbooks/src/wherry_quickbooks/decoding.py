"""From QuickBooks' raw answers to what became of each item. Pure: what is missing here is unknown, and looked up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wherry.errors import TryAgain
from wherry.posting.facts import TAKEN_BACK
from wherry.records import Answer, Call, Fate, Item, Reply

from . import facts
from .books import Books
from .calls import bids
from .client import Obj, decoded
from .documents import KINDS
from .faults import Fault, faults
from .memo import Memo, read
from .names import stamp_of
from .refusals import VALIDATION, Line, field_of, judged, other_id

DONE_STATUS, REFUSED_STATUS, THROTTLED_STATUS = 200, 400, 429
WAIT = 60.0


def answers(call: Call, items: Sequence[Item], reply: Reply, books: Books) -> dict[str, Answer]:
    """Stamp → answer. Statuses other than 200, 400 and 429 prove nothing, nor does a body that cannot be read."""
    if reply.status == THROTTLED_STATUS:
        return {item.stamp: _later("QuickBooks asks for fewer calls", reply.wait(WAIT)) for item in items}
    if reply.status not in (DONE_STATUS, REFUSED_STATUS):
        return {}
    try:
        body = decoded(reply.body)
    except TryAgain:
        return {}
    found = _batch(call, items, body, books) if call.path.endswith("/batch") else _one(items, body, books)
    return {stamp: answer for stamp, answer in found.items() if answer is not None}


def _one(items: Sequence[Item], body: Obj, books: Books) -> dict[str, Answer | None]:
    return {item.stamp: _answer(item, body, books) for item in items}


def _batch(call: Call, items: Sequence[Item], body: Obj, books: Books) -> dict[str, Answer | None]:
    if whole := faults(body):
        return dict(_refused_batch(items, whole))
    by_key = dict(zip(bids(call.items), call.items, strict=True))
    by_stamp = {item.stamp: item for item in items}
    parts = [part for part in body.get("BatchItemResponse") or () if isinstance(part, dict)]
    keyed = [(by_key.get(str(part.get("bId"))), part) for part in parts]
    told = [stamp for stamp, _ in keyed]
    return {
        stamp: _answer(by_stamp[stamp], part, books)
        for stamp, part in keyed
        # An item that is answered twice was not understood.
        if stamp in by_stamp and stamp is not None and told.count(stamp) == 1
    }


def _refused_batch(items: Sequence[Item], whole: Sequence[Fault]) -> dict[str, Answer]:
    """A batch that was refused before any of it was done: each item goes by itself, so that the bad one shows."""
    line, fault = judged(whole)
    if line.verdict == "later":
        return {item.stamp: _later(line.reason, line.after) for item in items}
    if fault.type != VALIDATION:
        return {}
    return {
        item.stamp: Answer(
            fate="queued", reason=f"a batch with it was refused: {fault.text}", after=0.0,
            memo=str(Memo(True, read(item.memo).taken)),
        )
        for item in items
    }  # fmt: skip


def _later(reason: str, after: float) -> Answer:
    return Answer(fate="queued", reason=reason, after=after)


def _answer(item: Item, body: Obj, books: Books) -> Answer | None:
    if found := faults(body):
        return _refusal(item, *judged(found), books)
    held = body.get(KINDS[item.entity].name)
    return _done(item, held, books) if isinstance(held, dict) else None


# -- what was refused ------------------------------------------------------------


def _refusal(item: Item, line: Line, fault: Fault, books: Books) -> Answer | None:
    verdict = line.verdict
    if verdict == "unknown":
        return None
    if verdict == "later":
        return _later(line.reason, line.after)
    if verdict == "stale":
        return Answer(fate="unknown", reason="somebody changed it in QuickBooks meanwhile", after=0.0, memo=item.memo)
    if verdict in ("name taken", "number taken"):
        return _taken(item, verdict, fault)
    if verdict == "closed":
        return _closed(item, fault, books)
    return Answer(
        fate="refused", reason=_told(line.reason, fault), field=line.field or field_of(fault), fix=line.fix,
        code=fault.code,
    )  # fmt: skip


def _told(reason: str, fault: Fault) -> str:
    return f"{reason}: {fault.text}" if fault.text else reason


def _taken(item: Item, verdict: str, fault: Fault) -> Answer:
    """A name or number that is used already. By what, only a look can tell: it may be by this item, whose first answer
    was lost. After that look the memo has it refused, or its name marked, when it is encoded next."""
    memo, what = read(item.memo), verdict.partition(" ")[0]
    if not memo.taken:
        noted = str(Memo(memo.alone, other_id(fault)))
        return Answer(fate="unknown", reason=f"QuickBooks has its {what} already", after=0.0, memo=noted)
    return Answer(
        fate="refused", reason=_told(f"QuickBooks has its {what} already", fault), field=what, code=fault.code,
        fix=f"link it to what has the {what} in QuickBooks (id {other_id(fault)}), or change the {what}",
    )  # fmt: skip


def _closed(item: Item, fault: Fault, books: Books) -> Answer:
    dates = [str(body["date"]) for body in (item.body, item.before or {}) if body.get("date")]
    date, closed = min(dates, default="a closed day"), books.company.close_date
    known = f" up to {closed}" if closed else ""
    return Answer(
        fate="refused", reason=_told(f"it is dated {date}, and the books are closed{known}", fault), field="date",
        fix=f"in QuickBooks, set the closing date before {date}, or give it a later date; then try it again",
        code="period closed",
    )  # fmt: skip


# -- what was done ------------------------------------------------------------


def _done(item: Item, held: dict[str, Any], books: Books) -> Answer | None:
    """The answer for an object that came back; None where it is not the one that was sent."""
    target, token = str(held.get("Id") or ""), str(held.get("SyncToken") or "")
    noted = stamp_of(held.get(KINDS[item.entity].note))
    voiding = item.action == "void"
    # What is voided keeps the stamp that it was made with; an entry is reversed by one that has its own.
    anothers = noted and noted != item.stamp and (not voiding or item.entity == "journal_entry")
    if not target or not token or anothers:
        return None
    if voiding:
        return _reversed(item, held, target, token, books)
    if item.target is not None and target != item.target:
        return None
    told = facts.of_object(item, held, books)
    if item.entity == "product" and told.get("name") != facts.of_item(item, books).get("name"):
        return None  # it has no room for a stamp, and is known by its name: a look tells
    fate: Fate = "created" if item.target is None else "updated"
    return Answer(fate=fate, target=target, token=token, facts=told, reason=_renamed(item, held))


def _reversed(item: Item, held: dict[str, Any], target: str, token: str, books: Books) -> Answer | None:
    if item.entity == "journal_entry":
        # What came back is the entry that reverses it; the link stays with the first.
        return Answer(fate="reversed", target=str(item.target), token=item.token, facts=dict(TAKEN_BACK))
    if target != item.target:
        return None
    return Answer(fate="reversed", target=target, token=token, facts=facts.of_object(item, held, books))


def _renamed(item: Item, held: dict[str, Any]) -> str:
    """What was done to a name so that QuickBooks takes it."""
    if item.entity not in ("customer", "product"):
        return ""
    wanted = str(item.body.get("name") or "")
    name = str(held.get(KINDS[item.entity].unique) or "")
    if " ".join(wanted.split()) == name:
        return ""
    return f"its name is {name} there: QuickBooks does not take it as it is, or has it already"
