"""A person's answers to matching questions, and everything that goes on by itself once one was given.

Answering settles what waited for it before the command returns; nothing is read or mapped again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from wherry.errors import Guarded, NotFound
from wherry.hub import Hub
from wherry.matching.text import name_key
from wherry.protocol import rows, sinks, writing
from wherry.protocol.questions import ANSWERED
from wherry.protocol.steps import Lane, Step
from wherry.protocol.tally import Tally, plain
from wherry.records import DONE, Create, Decision, Link, Skip
from wherry.roles import Lists
from wherry.store import audit, ledger, registry
from wherry.store.database import Tx
from wherry.store.documents import DocumentView
from wherry.store.questions import Question, dependents, find_questions
from wherry.wording import spelled


class Answered(Struct, kw_only=True):
    """What an answer brought about: the question as it stands now, and what was settled, item kind → fate → number."""

    question: dict[str, Any]
    settled: dict[str, dict[str, int]]
    also: list[int]
    """The numbers of identical questions that were answered with it."""


def number(text: str) -> int:
    """``T-7``, ``t7`` or ``7`` → 7. Raises NotFound."""
    digits = text.strip().lower().removeprefix("t").removeprefix("-")
    if not digits.isdecimal():
        raise NotFound(f"{text!r} is not a question", fix="see: wherry triage list", code="WHERRY-3020")
    return int(digits)


def questions(hub: Hub, *, state: str = "open", limit: int = 1000) -> list[dict[str, Any]]:
    """Questions as data, oldest first; state "" for all of them."""
    stored = "answered" if state == "ignored" else state
    with hub.store.read() as tx:
        found = [asked for asked in find_questions(tx, state=stored, limit=limit) if state in ("", _state(asked))]
        return [shown(tx, question) for question in found]


def _state(asked: Question) -> str:
    """An answer that names no target, and waits for none to be written, is that the thing is of no interest."""
    ignored = asked.state == "answered" and not asked.answer and asked.rule not in ANSWERED
    return "ignored" if ignored else asked.state


def question(hub: Hub, id: int) -> dict[str, Any]:
    with hub.store.read() as tx:
        return shown(tx, _find(tx, id))


def shown(tx: Tx, asked: Question) -> dict[str, Any]:
    """A question with its candidates, what waits for it, and which other systems each candidate is linked to."""
    names = {bound.id: bound.name for bound in registry.all_connections(tx)}
    candidates = [
        {"id": c.id, "name": c.name, "sku": c.sku, "score": round(c.score, 3), "why": c.why,
         "linked": sorted({names.get(source, str(source)) for source, _, _ in
                           ledger.links_of_target(tx, asked.sink, asked.entity, c.id)})}
        for c in asked.candidates
    ]  # fmt: skip
    return {
        "id": f"T-{asked.id}", "entity": asked.entity, "name": asked.name, "sku": asked.sku, "key": asked.key,
        "system": names.get(asked.source, ""), "sink": names.get(asked.sink, ""), "flow": asked.flow,
        "state": _state(asked), "why": asked.why, "waiting": dependents(tx, asked), "candidates": candidates,
        "asked": asked.asked_at, "answer": asked.answer, "answered": asked.answered_at,
        "answered_by": asked.answered_by, "reason": asked.reason,
    }  # fmt: skip


def match(hub: Hub, id: int, target: str, *, identical: bool = False) -> Answered:
    """It is that target. Raises NotFound when the sink holds no such thing."""
    with hub.store.read() as tx:
        asked = _find(tx, id)
        lane = _lane(hub, tx, asked)
        if not _is_there(tx, lane, asked, target):
            raise NotFound(
                f"there is no {spelled(asked.entity)} {target}", code="WHERRY-3021",
                fix=f"candidates: {', '.join(c.id for c in asked.candidates) or 'none'}",
            )  # fmt: skip
    return _answer(hub, id, Link(target, "person", "a person said so"), "triage.match", identical)


def create(hub: Hub, id: int, *, identical: bool = False) -> Answered:
    """It is nothing that is there: make it."""
    return _answer(hub, id, Create(), "triage.create", identical)


def ignore(hub: Hub, id: int, reason: str, *, identical: bool = False) -> Answered:
    """It is of no interest: what waited goes on without it."""
    return _answer(hub, id, Skip(reason or "ignored by a person"), "triage.ignore", identical)


def apply_identical(hub: Hub, id: int) -> Answered:
    """Give the answer of this question to every open question for the same name."""
    with hub.store.read() as tx:
        asked = _find(tx, id)
    if asked.state != "answered":
        raise Guarded(f"question T-{id} is not answered yet", fix=f"wherry triage show T-{id}", code="WHERRY-7050")
    if asked.rule in ANSWERED:
        raise Guarded(
            f"what T-{id} was answered with is not written yet: it waits for something else",
            fix=f"wherry triage show T-{id}", code="WHERRY-7053",
        )  # fmt: skip
    decision: Decision = Link(asked.answer, "person", f"as T-{id}") if asked.answer else Skip(asked.reason)
    counts, also = Tally(), []
    for twin in _identical(hub, asked):
        done = _settle(hub, twin, decision, "triage.apply-identical")
        counts.add(done)
        also.append(twin.id)
    return Answered(question=question(hub, id), settled=plain(counts.items), also=also)


def undo(hub: Hub, id: int) -> dict[str, Any]:
    """Take an answer back: the link goes, the question is open again. What was written with it stays, and is named."""
    now = hub.store.now()
    with hub.store.write() as tx:
        asked = _find(tx, id)
        if asked.state == "open":
            raise Guarded(f"question T-{id} is open; there is nothing to undo", code="WHERRY-7051")
        flying = ledger.find_items(tx, asked.route, [asked.ref]).get(asked.ref)
        if flying is not None and flying.stamp and flying.state != "refused":
            raise Guarded(
                f"what T-{id} was answered with is on its way to its target", fix="wait for it: wherry errors list",
                code="WHERRY-7054",
            )  # fmt: skip
        caused = ledger.events(tx, cause=_cause(id), limit=100_000)
        caused = [event for event in caused if event.at >= asked.answered_at]
        written = [event for event in caused if event.fate in DONE and event.entity != asked.entity]
        own = [event for event in caused if event.entity == asked.entity and event.key == asked.key]
        made = any(event.fate == "created" for event in own)
        was = "ignored" if _state(asked) == "ignored" else "created" if made else "linked"
        before, reason = {"state": asked.state, "answer": asked.answer}, asked.reason
        ledger.remove_link(tx, asked.route, asked.ref)
        rows.reopen(tx, asked, now)
        audit.write(tx, now, "triage.undo", f"T-{id}", before)
    records = sorted({event.record_id for event in written if event.record_id})
    return {"question": question(hub, id), "written": len(written), "flow": asked.flow, "records": records,
            "was": was, "answer": before["answer"], "reason": reason,
            "orphan": before["answer"] if was == "created" else ""}  # fmt: skip


# -- how ---------------------------------------------------------------------------------------------------------------


def _answer(hub: Hub, id: int, decision: Decision, action: str, identical: bool) -> Answered:
    with hub.store.read() as tx:
        asked = _find(tx, id)
    if asked.state != "open":
        raise _answered_already(id, asked.state)
    counts = _settle(hub, asked, decision, action)
    also: list[int] = []
    if identical:
        done = apply_identical(hub, id)
        also = done.also
    return Answered(question=question(hub, id), settled=plain(counts.items), also=also)


def _settle(hub: Hub, asked: Question, decision: Decision, action: str) -> Tally:
    """The decision and everything that follows from it, in one transaction with its audit row."""
    now, counts = hub.store.now(), Tally()
    with hub.store.read() as tx:
        lane = _lane(hub, tx, asked)
    with hub.store.write() as tx:
        if _find(tx, asked.id).state != "open":
            raise _answered_already(asked.id, "answered")
        item = ledger.find_items(tx, asked.route, [asked.ref]).get(asked.ref)
        step = Step(
            draft=asked.draft, flow=asked.flow, decision=decision, item=item, record_kind=asked.record_kind,
            record_id=asked.record_id, by_person=True,
        )  # fmt: skip
        outcomes = writing.settle(tx, lane, [step], now, cause=_cause(asked.id))
        detail = {"name": asked.name, "decision": decision, "settled": len(outcomes)}
        audit.write(tx, now, action, f"T-{asked.id}", detail)
    for ref, outcome in outcomes.items():
        counts.items[ref.entity][outcome.fate] += 1
    return counts


def _answered_already(id: int, state: str) -> Guarded:
    return Guarded(f"question T-{id} is {state} already", fix=f"wherry triage undo T-{id}", code="WHERRY-7052")


def _lane(hub: Hub, tx: Tx, asked: Question) -> Lane:
    """Where the question's things are written: by the sink's store id, whatever its connection is called today."""
    bound = next((b for b in registry.all_connections(tx) if b.id == asked.sink), None)
    if bound is None or bound.name not in hub.project.connections:
        name = bound.name if bound else "?"
        raise NotFound(f"the project has no connection {name} any more", code="WHERRY-3022")
    return hub.wiring.lanes.lane(asked.flow, asked.run, asked.route, hub.wiring.writer(bound.name), bound.plugin)


def _is_there(tx: Tx, lane: Lane, asked: Question, target: str) -> bool:
    """Whether the sink holds the thing: of a target that is sent calls, what was found or what it lists."""
    if lane.atomic is not None:
        return target in lane.atomic.current(DocumentView(tx, lane.plugin), asked.entity, [target])
    listed = sinks.listing(lane.sink, asked.entity) if isinstance(lane.sink, Lists) else []
    return target in {one.id for one in asked.candidates} or target in {one.id for one in listed}


def _identical(hub: Hub, asked: Question) -> Sequence[Question]:
    wanted = name_key(asked.name)
    with hub.store.read() as tx:
        opened = find_questions(tx, state="open", entity=asked.entity, limit=100_000)
    return [q for q in opened if q.sink == asked.sink and q.id != asked.id and name_key(q.name) == wanted]


def _find(tx: Tx, id: int) -> Question:
    found = find_questions(tx, id=id) if id > 0 else []
    if not found:
        raise NotFound(f"there is no question T-{id}", fix="see: wherry triage list", code="WHERRY-3020")
    return found[0]


def _cause(id: int) -> str:
    return f"T-{id}"
