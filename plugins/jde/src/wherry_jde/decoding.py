"""From JD Edwards' raw answers to what became of each item. Pure: what is missing here is unknown, and looked up.

Facts: a good answer has the outputs that the designer chose; ``jde__status`` ERROR, ``errors`` and ``sysErrors`` say
that a step failed, under a 200 too; a business error comes as 500; 444 says that the call did not run (API.md). An
answer is taken for the one to this call only where it gives our key back. Which step failed, and what those before it
have written, no error says: so it is no refusal before a look has found nothing (docs/decisions/0025).
"""

from __future__ import annotations

from typing import Any

from wherry.decoding import object_in
from wherry.errors import TryAgain
from wherry.posting.facts import TAKEN_BACK
from wherry.posting.texts import clean
from wherry.records import Answer, Call, Item, Reply

from .books import Books
from .client import Obj, decoded
from .documents import REFUSED, cancels, reference, refused
from .faults import code_of, errors_in, is_refusal, said
from .kinds import Kind
from .signin import EXPIRED

DONE, FAILED, THROTTLED = 200, 500, 429
NEVER_RAN = frozenset({400, 403, 406, 415})
"""Statuses that say, with an error of JD Edwards' own, that an orchestration was not run."""
ANEW = "signed in anew"
"""The memo of an item whose call met a session that had ended, once."""
WAIT = 60.0


def answers(call: Call, items: list[Item], reply: Reply, books: Books) -> dict[str, Answer]:
    """Stamp → answer. Statuses that are not named here prove nothing, nor does a body that cannot be read."""
    [item] = items
    answer = _answer(item, reply, books)
    return {} if answer is None else {item.stamp: answer}


def _answer(item: Item, reply: Reply, books: Books) -> Answer | None:
    if reply.status == THROTTLED:
        return Answer(fate="queued", reason="JD Edwards asks for fewer calls", after=reply.wait(WAIT))
    if reply.status == EXPIRED:
        after = WAIT if item.memo == ANEW else 0.0
        return Answer(fate="queued", reason="the session in JD Edwards had ended", after=after, memo=ANEW)
    if reply.status == DONE:
        return _run(item, reply, books)
    body = object_in(reply.body)
    words, failed = said(body), reply.status == FAILED
    if reply.status in NEVER_RAN and body.get("status") == "ERROR" and words:
        return _failed(item, body, words, books, ended=True, aborted=True)
    if failed and is_refusal(body):
        named = any(errors_in(body))
        return _failed(item, body, words, books, ended=named, aborted=named)
    return Answer(fate="unknown", reason=f"JD Edwards failed at it: {words}") if failed and words else None


def _run(item: Item, reply: Reply, books: Books) -> Answer | None:
    try:
        body = decoded(reply.body)
    except TryAgain:
        return None
    kind = books.kinds[item.entity]
    target = target_of(kind, body)
    if is_refusal(body) or body.get("jde__status") == "ERROR":
        words = said(body) or clean(body.get("jde__simpleMessage")) or "a step failed"
        words += f" (and gives the number {target})" if target else ""
        return _failed(item, body, words, books, ended=True, aborted=False)
    if not _is_of(item, body, books):
        return None
    if not target:
        return Answer(fate="unknown", reason=f"JD Edwards answers without {' and '.join(kind.id)}")
    if item.action == "void":
        if cancels(item, kind) and target != item.target:
            return None
        return Answer(fate="reversed", target=str(item.target), facts=dict(TAKEN_BACK))
    return Answer(fate="created", target=target)


def _is_of(item: Item, body: Obj, books: Books) -> bool:
    """Whether an answer gives back the key of this write."""
    told = body.get(books.kinds[item.entity].inputs["reference"])
    return same(told, reference(item, books))


def same(told: Any, key: str) -> bool:
    """Whether a field holds a key, in whatever case of letters."""
    return clean(told).casefold() == key.casefold() != ""


def target_of(kind: Kind, body: Obj) -> str:
    """The outputs that are its number, with strokes between them; empty where one is missing."""
    parts = [clean(body.get(name)) for name in kind.id]
    return "/".join(parts) if all(part.strip("0") for part in parts) else ""


def _failed(item: Item, body: Obj, words: str, books: Books, *, ended: bool, aborted: bool) -> Answer:
    """An error. ``ended``: nothing of the call is at work any more; ``aborted``: it went no further than the error.

    Where the site can find, it is looked for, and refused if it is not there (``documents.call_of``). Where it cannot,
    only what went no further is believed: by the template it leaves nothing behind. Any other is for a person.
    """
    reason, after = f"JD Edwards says: {words}", 0.0 if ended else None
    if books.settings.finds:
        return Answer(fate="unknown", reason=reason, memo=f"{REFUSED}{words}", after=after)
    if not aborted:
        return Answer(fate="unknown", reason=reason, after=after)
    told = refused(item, words)
    return Answer(
        fate="refused", reason=told.message, code=code_of(body), field=str(told.where.get("field", "")), fix=told.fix
    )  # fmt: skip
