"""From QuickBooks' stored answers to what became of each item. Pure: what is missing here is unknown, and looked up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from wherry.errors import ContractBroken
from wherry.records import Answer, Call, Fate, Item, Reply

from . import facts
from .documents import LISTED
from .facts import Row
from .line import ANSWERED, HRESULT, NOT_READ
from .lists import TAKEN
from .names import MEMO, NOTE
from .words import replies, statuses
from .words.replies import RequestReply
from .words.statuses import Status
from .words.text import cleaned

WAIT = 30.0


def answers(call: Call, items: Sequence[Item], reply: Reply) -> dict[str, Answer]:
    """Stamp → answer, by request id. An answer that cannot be read proves nothing."""
    if reply.status == NOT_READ:
        status = statuses.of_hresult(reply.headers.get(HRESULT, ""))
        told = f"{status.meaning}: {reply.body.decode(errors='replace')}".removesuffix(": ")
        return {one.stamp: Answer(fate="refused", reason=told, fix=status.fix, code=status.word) for one in items}
    if reply.status != ANSWERED:
        return {}
    try:
        found = replies.parse(reply.body)
    except ContractBroken:
        return {}
    told_of = {item.stamp: _answer(item, answer) for item in items if (answer := found.answer(item.stamp)) is not None}
    return {stamp: answer for stamp, answer in told_of.items() if answer is not None}


def with_number(number: str, found: Iterable[Reply]) -> list[str]:
    """The ids of what stands in these answers with QuickBooks' own number of a transaction."""
    mark = f"<TxnNumber>{number}</TxnNumber>".encode()
    ids: dict[str, None] = {}
    for reply in found:
        if reply.status == ANSWERED and mark in reply.body:
            rows = (row for answer in replies.parse(reply.body).answers for row in answer.rows)
            ids |= dict.fromkeys(str(row["TxnID"]) for row in rows if row.get("TxnNumber") == number)
    return list(ids)


def _answer(item: Item, answer: RequestReply) -> Answer | None:
    status = statuses.meaning(answer.code, answer.message)
    if status.fate == "done":
        return _done(item, answer)
    if status.fate == "unknown":
        return None
    if status.fate == "queued":
        return Answer(fate="queued", reason=_told(status, answer), after=WAIT)
    if status.fate == "stale":
        return Answer(fate="unknown", reason="somebody changed it in QuickBooks meanwhile", after=0.0, memo=item.memo)
    if status.fate == "taken" and item.entity in LISTED and item.memo != TAKEN:
        return Answer(fate="unknown", reason="QuickBooks has its name already", after=0.0, memo=TAKEN)
    field = "name" if status.fate == "taken" else ""
    return Answer(
        fate="refused", reason=_told(status, answer), field=field, fix=status.fix, code=f"{answer.code} {status.word}"
    )


def _told(status: Status, answer: RequestReply) -> str:
    return f"{status.meaning}: {answer.message}" if answer.message else status.meaning


def _done(item: Item, answer: RequestReply) -> Answer | None:
    """The answer for an object that came back; None where it is not the one that was sent."""
    row: Row = answer.rows[0] if answer.rows else answer.recovery
    target, token = str(row.get("ListID") or row.get("TxnID") or ""), str(row.get("EditSequence") or "")
    if item.action == "void":
        return _reversed(item, row, target)
    if not target or not token or (item.target is not None and target != item.target):
        return None
    fate: Fate = "created" if item.target is None else "updated"
    held = facts.of_row(item, row) if answer.rows else None
    return Answer(fate=fate, target=target, token=token, facts=held, reason=_altered(item, row))


def _reversed(item: Item, row: Row, target: str) -> Answer | None:
    """A void is told by its id alone; what was closed comes back whole; of an entry the one that reverses it does, and
    the link stays with the first."""
    if item.entity == "journal_entry":
        told = dict(facts.TAKEN_BACK)
        return Answer(fate="reversed", target=str(item.target), token=item.token, facts=told) if target else None
    if target != item.target or ("EditSequence" in row and not facts.taken_back(item, row)):
        return None
    token = str(row.get("EditSequence") or item.token)
    return Answer(fate="reversed", target=target, token=token, facts=dict(facts.TAKEN_BACK))


def _altered(item: Item, row: Row) -> str:
    """What QuickBooks holds otherwise than it was said, since it takes it so only."""
    return "; ".join([*_renamed(item, row), *_respelt(item)])


def _renamed(item: Item, row: Row) -> Iterator[str]:
    wanted, name = str(item.body.get("name") or ""), str(row.get("Name") or "")
    if item.entity in LISTED and name and " ".join(wanted.split()) != name:
        yield f"its name is {name} there: QuickBooks does not take it as it is, or has it already"


def _respelt(item: Item) -> Iterator[str]:
    """Texts that it has no letters or no room for. Blanks are not worth a word."""
    lines = enumerate(item.body.get("lines", ()), 1)
    texts = {"memo": item.body.get("memo"), **{f"text of line {n}": line.get("description") for n, line in lines}}
    for name, said in texts.items():
        _, notes = cleaned(" ".join(str(said or "").split()), NOTE if name == "memo" else MEMO)
        if notes:
            yield f"{name}: {', '.join(notes)}"
