"""The state machine of the ledger: how a decided draft becomes an effect, or waits, and how waiting things go on.

This is the atomic path: effect, link, fate and mark commit together (write-protocol.md, section 3.5). A draft is
*settled* once: it is linked, written, skipped, asked about, refused, or parked until what it needs is there. ``settle``
is also how everything resumes: an answered question or a newly written customer frees the items that waited for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy.exc import DBAPIError

from wherry.errors import ContractBroken, WherryError
from wherry.records import (
    DONE,
    Answer,
    Ask,
    Create,
    Decision,
    Draft,
    Fate,
    Item,
    Link,
    Ref,
    Same,
    Skip,
)
from wherry.redaction import scrub
from wherry.steps import Lane, Outcome, Step, digest, fill
from wherry.store import audit, ledger, questions
from wherry.store.database import Tx
from wherry.store.documents import DocumentView
from wherry.store.ledger import Event, ItemRow, LinkRow
from wherry.store.questions import Question


def settle(tx: Tx, lane: Lane, steps: Sequence[Step], now: str, *, cause: str = "") -> dict[Ref, Outcome]:
    """Settle the steps, and whatever waited for them, in the open transaction.

    Returns the outcomes of all of them, resumed ones included. The fates of resumed records are brought up to date.
    """
    outcomes: dict[Ref, Outcome] = {}
    batch = list(steps)
    while batch:
        settlement = Settlement(tx, lane, now, cause)
        settlement.known.update({ref: None for ref, outcome in outcomes.items() if outcome.fate == "skipped"})
        settled = settlement.work(batch)
        outcomes.update(settled)
        met = [ref for ref, outcome in settled.items() if outcome.fate in DONE or outcome.fate == "skipped"]
        batch = [_resumed(item) for item in ledger.meet(tx, lane.route, met)]
    return outcomes


def _resumed(item: ItemRow) -> Step:
    decision: Decision | None = Create()
    if item.same:
        entity, _, key = item.same.partition("/")
        decision = Same(Ref(entity, key), "same")
    link = LinkRow(item.entity, item.key, item.target, "") if item.target else None
    return Step(
        draft=item.draft, flow=item.flow, record_kind=item.record_kind, record_id=item.record_id, item=item,
        decision=None if link else decision, link=link, always=link is not None,
    )  # fmt: skip


class Settlement:
    """The working memory of one transaction: what is known, what came out, and the rows to write at the end."""

    def __init__(self, tx: Tx, lane: Lane, now: str, cause: str) -> None:
        self.tx, self.lane, self.now, self.cause = tx, lane, now, cause
        self.known: dict[Ref, str | None] = {}
        self.ignored: set[Ref] = set()
        """What a person said to leave out."""
        self.outcomes: dict[Ref, Outcome] = {}
        self.steps: dict[Ref, Step] = {}
        self.links: list[LinkRow] = []
        self.items: list[ItemRow] = []
        self.needs: list[tuple[ItemRow, Ref]] = []
        self.questions: list[Question] = []

    def work(self, steps: Sequence[Step]) -> dict[Ref, Outcome]:
        """Recall what is linked, place what needs no writing, write in rounds, park the rest, store it all."""
        self.steps = {step.ref: step for step in steps}
        self._recall()
        todo = [step for step in self.steps.values() if not self._placed(step)]
        self._park(self._rounds(todo))
        self._store()
        return self.outcomes

    # -- what is known ---------------------------------------------------------------------------------------------

    def _recall(self) -> None:
        wanted = {ref for step in self.steps.values() for ref in (step.ref, *step.draft.refs, *_same(step))}
        for ref, link in ledger.find_links(self.tx, self.lane.route, wanted).items():
            self.known[ref] = link.target or None
            self.ignored |= set() if link.target else {ref}
            step = self.steps.get(ref)
            if step is not None and (not step.by_person or (link.target and isinstance(step.decision, Create))):
                step.link, step.decision = link, None if link.target else Skip("a person said to ignore it")
        for ref, item in ledger.find_items(self.tx, self.lane.route, self.steps).items():
            self.steps[ref].item = item

        self._recall_answers()

    def _recall_answers(self) -> None:
        """What a person has answered and what only waits for something else is not asked again."""
        asked = {step.ref: step for step in self.steps.values() if isinstance(step.decision, Ask)
                 and step.item is not None and step.item.state == "waiting"}  # fmt: skip
        for ref, question in questions.questions_of(self.tx, self.lane.route, asked).items():
            if question.state == "answered" and (item := asked[ref].item) is not None:
                answered = _resumed(item)
                asked[ref].decision, asked[ref].link = answered.decision, answered.link

    # -- what needs no writing -------------------------------------------------------------------------------------

    def _placed(self, step: Step) -> bool:
        """Settle a step that writes nothing; False when it is to be written."""
        decision = step.decision
        if step.refusal is not None:
            return self._refuse(step, step.refusal.message, str(step.refusal.where.get("field", "")), step.refusal.fix)
        if step.later:
            return self._keep(step, "queued", step.later)
        if isinstance(decision, Skip):
            return self._skip(step, decision)
        if isinstance(decision, Ask):
            return self._ask(step, decision)
        if isinstance(decision, Link):
            return self._link(step, decision.target, decision.rule, decision.why)
        if decision is None and not step.always:
            return self._done(step, Outcome("unchanged", step.link.target if step.link else ""))
        return False

    def _done(self, step: Step, outcome: Outcome) -> bool:
        self.outcomes[step.ref] = outcome
        self.known[step.ref] = outcome.target or None
        return True

    def _skip(self, step: Step, skip: Skip) -> bool:
        if step.by_person:
            self.links.append(self._row(step, "", "ignored"))
        return self._done(step, Outcome("skipped", "", skip.reason))

    def _link(self, step: Step, target: str, rule: str, why: str) -> bool:
        """The draft is that target. Its fields are brought over only where the flow repeats ``always``."""
        link = step.link = self._row(step, target, rule)
        self.known[step.ref] = target
        self.outcomes[step.ref] = Outcome("linked", target, why)
        if step.always:
            step.decision = None
            return False
        self.links.append(link)
        return True

    def _ask(self, step: Step, ask: Ask) -> bool:
        self.questions.append(self._question(step, ask))
        return self._keep(step, "triage", ask.why)

    def _refuse(self, step: Step, reason: str, field: str = "", fix: str = "") -> bool:
        return self._keep(step, "refused", reason, field=field, fix=fix)

    def _keep(self, step: Step, state: Fate, reason: str, **more: str) -> bool:
        """The step stays in the ledger as an open item."""
        self.outcomes[step.ref] = Outcome(state, step.link.target if step.link else "", reason)
        self.items.append(self._item(step, state, reason, **more))
        return True

    # -- what is written -------------------------------------------------------------------------------------------

    def _rounds(self, todo: list[Step]) -> list[Step]:
        """Write what has all it needs, again and again, until a round frees nothing. Returns what must wait."""
        while todo:
            ready = [step for step in todo if all(ref in self.known for ref in self._wants(step))]
            if not ready:
                return todo
            self._write([step for step in ready if not self._is_same(step)])
            waiting = {id(step) for step in ready}
            todo = [step for step in todo if id(step) not in waiting]
        return []

    def _is_same(self, step: Step) -> bool:
        """Settle a step that is what another draft became; False when there is something to write.

        Where that other one was left out so is this, for good only if a person said so.
        """
        same = step.decision
        if not isinstance(same, Same):
            return False
        if target := self.known[same.ref]:
            return self._link(step, target, same.rule, "")
        if same.ref in self.ignored:
            self.links.append(self._row(step, "", "ignored"))
        return self._done(step, Outcome("skipped", "", f"the same as {same.ref}, which is left out"))

    def _wants(self, step: Step) -> tuple[Ref, ...]:
        return (*step.draft.refs, *_same(step))

    def _write(self, steps: list[Step]) -> None:
        made = [(step, self._filled(step)) for step in steps]
        fresh = [(step, item) for step, item in made if not self._unchanged(step, item)]
        if not fresh:
            return
        view = DocumentView(self.tx, self.lane.plugin)
        answers = apply(self.lane, view, [item for _, item in fresh])
        for (step, item), answer in zip(fresh, answers, strict=True):
            self._answered(step, item, answer)

    def _filled(self, step: Step) -> Item:
        return Item(
            entity=step.draft.entity, key=step.draft.key, body=fill(step.draft.body, step.draft.refs, self.known),
            target=step.link.target if step.link else None, label=step.draft.label,
            overwrite_local=step.overwrite_local,
        )  # fmt: skip

    def _unchanged(self, step: Step, item: Item) -> bool:
        if step.link is None or step.overwrite_local or step.link.digest != digest(item.body):
            return False
        return self._done(step, Outcome("unchanged", step.link.target))

    def _answered(self, step: Step, item: Item, answer: Answer) -> None:
        if answer.fate not in DONE:
            self._refuse(step, answer.reason, answer.field, answer.fix)
            return
        earlier = self.outcomes.get(step.ref)
        fate: Fate = "linked" if earlier is not None and earlier.fate == "linked" else answer.fate
        reason = earlier.reason if earlier is not None else answer.reason
        rule = step.link.rule if step.link and step.link.rule else fate
        self.links.append(msgspec.structs.replace(self._row(step, answer.target, rule), digest=digest(item.body)))
        self._done(step, Outcome(fate, answer.target, reason, answer.changes))

    # -- what waits ------------------------------------------------------------------------------------------------

    def _park(self, steps: Iterable[Step]) -> None:
        for step in steps:
            missing = [ref for ref in self._wants(step) if ref not in self.known]
            names = ", ".join(sorted({ref.entity for ref in missing}))
            self._keep(step, "waiting", f"waits for its {names}")
            self.needs += [(self.items[-1], ref) for ref in missing]

    # -- rows ------------------------------------------------------------------------------------------------------

    def _flow(self, step: Step) -> str:
        return step.flow or self.lane.flow

    def _row(self, step: Step, target: str, rule: str) -> LinkRow:
        by = audit.actor() if rule in ("person", "ignored") else "wherry"
        return LinkRow(step.draft.entity, step.draft.key, target, rule, "", self.now, by, self.lane.run)

    def _item(self, step: Step, state: Fate, reason: str, *, field: str = "", fix: str = "") -> ItemRow:
        draft, old = step.draft, step.item
        amount = draft.body.get("amount") or {}
        return ItemRow(
            id=old.id if old else 0, entity=draft.entity, key=draft.key, flow=self._flow(step), run=self.lane.run,
            state=state, record_kind=step.record_kind, record_id=step.record_id, root=draft.root, draft=draft,
            label=draft.label, target=step.link.target if step.link else "", reason=reason, field=field, fix=fix,
            same=str(step.decision.ref) if isinstance(step.decision, Same) else "",
            amount=amount.get("minor"), currency=amount.get("currency", ""),
            created_at=old.created_at if old else self.now, changed_at=self.now,
        )  # fmt: skip

    def _question(self, step: Step, ask: Ask) -> Question:
        body = step.draft.body
        return Question(
            sink=self.lane.route.sink, source=self.lane.route.source, entity=step.draft.entity, key=step.draft.key,
            flow=self._flow(step), name=str(body.get("name", step.draft.label)), sku=str(body.get("sku", "")),
            state="open", why=ask.why, candidates=ask.candidates, draft=step.draft,
            record_kind=step.record_kind, record_id=step.record_id, asked_at=self.now, run=self.lane.run,
        )  # fmt: skip

    # -- storing ---------------------------------------------------------------------------------------------------

    def _store(self) -> None:
        for item in self.items:
            item.draft = self._without_skipped(item.draft)
        for question in self.questions:
            question.draft = self._without_skipped(question.draft)
        replaced = [step.item.id for step in self.steps.values() if step.item is not None]
        ledger.remove_items(self.tx, replaced)
        ledger.put_links(self.tx, self.lane.route, self.links)
        ledger.put_items(self.tx, self.lane.route, self.items)
        ledger.put_edges(self.tx, ((item.id, ref) for item, ref in self.needs))
        self._store_questions()
        ledger.put_events(self.tx, [self._event(step) for step in self.steps.values() if self._tells(step)])
        roots = [step for step in self.steps.values() if step.item and step.draft.root]
        ledger.mark_synced(self.tx, [row for step in roots for row in self._fates(step)])
        self._store_audit()

    def _without_skipped(self, draft: Draft) -> Draft:
        """What a rule skipped leaves no link by which the draft could know of it once it goes on: it is told now."""
        skipped = {ref for ref in draft.refs if self._is_skipped(ref)}
        if not skipped:
            return draft
        known = {ref: None if ref in skipped else {"entity": ref.entity, "key": ref.key} for ref in draft.refs}
        rest = tuple(ref for ref in draft.refs if ref not in skipped)
        return msgspec.structs.replace(draft, body=fill(draft.body, draft.refs, known), refs=rest)

    def _is_skipped(self, ref: Ref) -> bool:
        return ref in self.outcomes and self.outcomes[ref].fate == "skipped" and self.steps[ref].link is None

    def _store_questions(self) -> None:
        """A question asked again keeps its number; one that was answered, or whose draft found its target, closes."""
        asked = {step.ref for step in self.steps.values() if step.item or step.by_person}
        asked |= {question.ref for question in self.questions}
        if not asked:
            return
        old = questions.questions_of(self.tx, self.lane.route, asked)
        for question in self.questions:
            if question.ref in old:
                question.id, question.asked_at = old[question.ref].id, old[question.ref].asked_at
        closed = [self._closed(q) for q in old.values() if self._closes(q)]
        questions.put_questions(self.tx, [*self.questions, *closed])

    def _closes(self, question: Question) -> bool:
        """Also one that was answered while its draft had to wait for something else: that was its answer."""
        if question.ref not in self.outcomes:
            return False
        fate = self.outcomes[question.ref].fate
        if question.state == "open" and fate == "waiting":
            return self.steps[question.ref].by_person
        open_or_unsettled = question.state == "open" or question.rule == "waiting"
        return open_or_unsettled and (fate in DONE or fate == "skipped")

    def _closed(self, question: Question) -> Question:
        outcome, step = self.outcomes[question.ref], self.steps[question.ref]
        person = step.by_person or question.state == "answered"
        question.state = "answered" if person else "closed"
        question.answer, question.reason = outcome.target, outcome.reason
        question.rule = outcome.fate
        question.answered_at, question.answered_by = self.now, audit.actor() if person else "wherry"
        return question

    def _tells(self, step: Step) -> bool:
        return self.outcomes[step.ref].fate != "unchanged" or step.item is not None

    def _event(self, step: Step) -> Event:
        outcome, lane = self.outcomes[step.ref], self.lane
        return Event(
            self.now, lane.run, self._flow(step), step.record_kind, step.record_id, step.draft.entity, step.draft.key,
            outcome.fate, outcome.target, outcome.reason, self.cause,
        )  # fmt: skip

    def _fates(self, step: Step) -> list[tuple[str, str, str, str, str, str]]:
        """Of the record behind the step, and of the one whose waiting item it replaced: two flows may share a route."""
        outcome, item = self.outcomes[step.ref], step.item
        target = outcome.target if outcome.fate in DONE else ""
        whose = {(self._flow(step), step.record_kind, step.record_id)}
        whose |= {(item.flow, item.record_kind, item.record_id)} if item is not None else set()
        return [(outcome.fate, target, outcome.reason, *one) for one in sorted(whose)]

    def _store_audit(self) -> None:
        """Every file that arrives leaves a row in the audit log (behaviour 001.57)."""
        rows = [
            ("file.synced", self.outcomes[step.ref].target,
             {"flow": self.lane.flow, "run": self.lane.run, "name": step.draft.body.get("name"),
              "record": f"{step.record_kind} {step.record_id}", "sha256": step.draft.body.get("sha256")})
            for step in self.steps.values()
            if step.draft.file and self.outcomes[step.ref].fate in ("created", "updated")
        ]  # fmt: skip
        audit.write_many(self.tx, self.now, rows, by=f"flow {self.lane.flow}")


def reopen(tx: Tx, question: Question, now: str) -> None:
    """The question is open again, with its item in the ledger, as when it was asked."""
    draft, old = question.draft, ledger.find_items(tx, question.route, [question.ref]).get(question.ref)
    item = ItemRow(
        id=old.id if old else 0, entity=question.entity, key=question.key, flow=question.flow,
        run=question.run, state="triage",
        record_kind=question.record_kind, record_id=question.record_id, root=draft.root, draft=draft,
        label=draft.label, reason=question.why,
        created_at=question.asked_at, changed_at=now,
    )  # fmt: skip
    question.state, question.answer, question.rule, question.reason = "open", "", "", ""
    question.answered_at, question.answered_by = "", ""
    ledger.put_items(tx, question.route, [item])
    questions.put_questions(tx, [question])
    if draft.root:
        fate = ("triage", "", question.why, question.flow, question.record_kind, question.record_id)
        ledger.mark_synced(tx, [fate])


# -- helpers ----------------------------------------------------------------------------------------------------------


def apply(lane: Lane, view: DocumentView, items: list[Item]) -> list[Answer]:
    """The sink's answers, one an item. Whatever else a sink does here is its own fault and is named so."""
    try:
        answers = lane.sink.apply(view, items)
    except (WherryError, DBAPIError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise _broken(lane, f"apply raised {type(error).__name__}: {error}") from error
    if not isinstance(answers, list | tuple):
        raise _broken(lane, f"apply returned a {type(answers).__name__} where a list of answers belongs")
    if len(answers) != len(items) or not all(isinstance(answer, Answer) for answer in answers):
        raise _broken(lane, f"apply was given {len(items)} items and returned {len(answers)} answers")
    lost = next((a for a in answers if a.fate in DONE and not a.target), None)
    if lost is not None:
        raise _broken(lane, "apply answered that an item was written but gave no target id")
    return answers


def _broken(lane: Lane, what: str) -> ContractBroken:
    return ContractBroken(
        scrub(f"the sink of plugin {lane.plugin} misbehaved: {what}"), code="WHERRY-1110", plugin=lane.plugin,
        hook="wherry_sink_writer", flow=lane.flow, fix="nothing of this batch was written; update or report the plugin",
    )  # fmt: skip


def _same(step: Step) -> tuple[Ref, ...]:
    return (step.decision.ref,) if isinstance(step.decision, Same) else ()
