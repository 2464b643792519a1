"""The state machine of the ledger: how a decided draft becomes an effect, or waits, and how waiting things go on.

A draft is *settled* once: it is linked, written, put into its target's queue, skipped, asked about, refused, or parked
until what it needs is there. ``settle`` is also how everything resumes: an answered question, a newly written customer,
and the answer of a target to what the drain sent, free the items that waited for it. Into an atomic sink effect, link,
fate and mark commit together (write-protocol.md, section 3.5); what is sent by calls leaves with ``drain``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from wherry.protocol import halfway, homing, rows, sinks
from wherry.protocol.holding import Holding
from wherry.protocol.questions import ANSWERED, Questions
from wherry.protocol.rows import REVERSED, resumed, wants
from wherry.protocol.steps import Lane, Outcome, Step, digest, fill, item_of
from wherry.records import DONE, Answer, Ask, Create, Draft, Fate, Item, Link, Ref, Same, Skip
from wherry.store import audit, calls, ledger, needs
from wherry.store.database import Tx
from wherry.store.documents import DocumentView
from wherry.store.leavings import ONCE
from wherry.store.ledger import ItemRow, LinkRow

IN_FLIGHT = frozenset({"unknown", "decide"})
"""States of an item that may have had its effect already: a newer version waits behind it."""
IGNORED = "a person said to ignore it"


def settle(tx: Tx, lane: Lane, steps: Sequence[Step], now: str, *, cause: str = "") -> dict[Ref, Outcome]:
    """Settle the steps, and whatever waited for them, in the open transaction.

    Returns the outcomes of all of them, resumed ones included. The fates of resumed records are brought up to date.
    """
    outcomes: dict[Ref, Outcome] = {}
    batch = list(steps)
    while batch:
        settlement = Settlement(tx, lane, now, cause)
        settlement.known.update({ref: outcome.target or None for ref, outcome in outcomes.items() if outcome.is_met})
        settled = settlement.work(batch)
        outcomes.update(settled)
        met = [ref for ref, outcome in settled.items() if outcome.is_met]
        batch = [resumed(item) for item in needs.meet(tx, lane.route, met)] + settlement.followers
    return outcomes


class Settlement:
    """The working memory of one transaction: what is known, what came out, and the rows to write at the end."""

    def __init__(self, tx: Tx, lane: Lane, now: str, cause: str) -> None:
        self.tx, self.lane, self.now, self.cause = tx, lane, now, cause
        self.known: dict[Ref, str | None] = {}
        self.ignored: set[Ref] = set()  # by a person
        self.outcomes: dict[Ref, Outcome] = {}
        self.steps: dict[Ref, Step] = {}
        self.links: list[LinkRow] = []
        self.elsewhere: dict[Ref, str] = {}
        """Records that another flow has taken in another form."""
        self.items: list[ItemRow] = []
        self.needs: list[tuple[ItemRow, Ref]] = []
        self.questions = Questions(tx, lane, now)
        self.followers: list[Step] = []
        """Newer versions that waited behind what is settled now."""

    def work(self, steps: Sequence[Step]) -> dict[Ref, Outcome]:
        """Recall what is linked, place what needs no writing, write in rounds, park the rest, store it all."""
        self.steps = {step.ref: step for step in steps}
        self._recall()
        self.holding = Holding(self.tx, self.lane, self.steps)
        todo = [step for step in self.steps.values() if not self._placed(step)]
        self._park(self._rounds(todo))
        self._store()
        return self.outcomes

    # -- what is known ---------------------------------------------------------------------------------------------

    def _recall(self) -> None:
        # what was sent had all of its references filled in
        wanted = set(self.steps).union(*(wants(step) for step in self.steps.values() if step.sent is None))
        linked = ledger.links_asked(self.tx, self.lane.route, wanted)
        heard = {step.item.id: step.item for step in self.steps.values() if step.answer is not None and step.item}
        followers = calls.followers(self.tx, heard)
        if heard:  # on a server all of it comes with the first that is read
            audit.ask_ahead(self.tx)
            self.questions.look_up(step.ref for step in self.steps.values() if step.item)
        for link in linked:
            self._recall_link(link)
        for id, follower in followers:
            heard[id].follower = follower
        self._recall_items()
        self.elsewhere = homing.of_steps(self.tx, self.lane, self.steps.values())
        self._recall_answers()

    def _recall_link(self, link: LinkRow) -> None:
        self.known[link.ref] = link.target or None
        self.ignored |= set() if link.target else {link.ref}
        step = self.steps.get(link.ref)
        if link.rule == REVERSED and self.lane.takes_back:
            self._revive(step, link)
        elif step is not None and (not step.by_person or (link.target and isinstance(step.decision, Create))):
            step.link, step.decision = link, None if link.target else Skip(IGNORED)

    def _recall_items(self) -> None:
        """The open rows. Of what has its answer only what came to wait behind it meanwhile is new."""
        rest = [ref for ref, step in self.steps.items() if step.answer is None or step.item is None]
        for ref, item in ledger.find_items(self.tx, self.lane.route, rest).items():
            self.steps[ref].item = item

    def _revive(self, step: Step | None, link: LinkRow) -> None:
        """A document that was taken back stays so; a newer version of its record becomes a new document."""
        self.known.pop(link.ref, None)
        if step is None:
            return
        step.sequence = link.sequence
        if step.answer is None and not step.draft.void:
            anew = step.always or step.item is not None  # what is open was to be made, whatever it waited for
            step.link, step.decision = (None, Create()) if anew else (link, None)

    def _recall_answers(self) -> None:
        """What a person has answered and what only waits for something else is not asked again."""
        asked = {step.ref: step for step in self.steps.values() if isinstance(step.decision, Ask)
                 and step.item is not None and step.item.state in ANSWERED}  # fmt: skip
        for ref, question in self.questions.ever_of(asked).items():
            if question.state == "answered" and (item := asked[ref].item) is not None:
                answered = resumed(item)
                asked[ref].decision, asked[ref].link = answered.decision, answered.link

    # -- what needs no writing -------------------------------------------------------------------------------------

    def _placed(self, step: Step) -> bool:
        """Settle a step that writes nothing; False when it is to be written."""
        decision = step.decision
        if step.answer is not None:
            return self._heard(step, step.answer)
        flying = step.item is not None and (step.item.state in IN_FLIGHT or halfway.is_begun(step.item))
        if step.item is not None and flying and self.lane.atomic is None:
            return self._behind(step, step.item)
        if step.draft.void and (step.link is None or step.link.rule == REVERSED):
            return self._void_already(step, step.link)
        if step.link is None and (why := self.elsewhere.get(step.ref)):
            return self._done(step, Outcome("skipped", "", why))
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
            return self._leave(step)
        why, fix = rows.turned_away(self.lane, step.draft)
        return bool(why) and self._refuse(step, why, fix=fix)

    def _done(self, step: Step, outcome: Outcome) -> bool:
        self.outcomes[step.ref] = outcome
        self.known[step.ref] = outcome.target or None
        return True

    def _leave(self, step: Step) -> bool:
        """What is linked and not carried again stays as it is, and so does an update of it that waits for somebody."""
        link = step.link
        same = link is None or not step.draft.root or (
            self._can_go(step) and link.digest == digest(item_of(step, self.known).body))  # fmt: skip
        if step.item is not None and step.item.target:
            step.item = None
        return self._done(step, Outcome("unchanged", link.target if link else "", "" if same else ONCE))

    def _void_already(self, step: Step, link: LinkRow | None) -> bool:
        nothing = Outcome("skipped", "", "taken back; the target holds nothing of it")
        return self._done(step, nothing if link is None else Outcome("unchanged", link.target))

    def _skip(self, step: Step, skip: Skip) -> bool:
        if step.by_person:
            self.links.append(rows.link_row(self.lane, step, "", "ignored", self.now))
        return self._done(step, Outcome("skipped", "", skip.reason))

    def _link(self, step: Step, target: str, rule: str, why: str) -> bool:
        """The draft is that target. Its fields are brought over only where the flow repeats ``always``."""
        link = step.link = rows.link_row(self.lane, step, target, rule, self.now)
        self.known[step.ref] = target
        self.outcomes[step.ref] = Outcome("linked", target, why)
        if step.always and not rows.turned_away(self.lane, step.draft)[0]:
            step.decision = None
            return False
        self.links.append(link)
        return True

    def _ask(self, step: Step, ask: Ask) -> bool:
        self.questions.new.append(rows.question_row(self.lane, step, ask, self.now))
        return self._keep(step, "triage", ask.why)

    def _refuse(self, step: Step, reason: str, field: str = "", fix: str = "") -> bool:
        return self._keep(step, "refused", reason, field=field, fix=fix)

    def _keep(self, step: Step, state: Fate, reason: str, **more: str) -> bool:
        """The step stays in the ledger as an open item."""
        self.outcomes[step.ref] = Outcome(state, step.link.target if step.link else "", reason)
        self.items.append(rows.item_row(self.lane, step, state, reason, self.now, **more))
        return True

    def _behind(self, step: Step, flying: ItemRow) -> bool:
        """At most one version of a thing is on its way: a newer one waits until it is known what became of it."""
        step.draft = self._without_skipped(step.draft)
        flying.follower = rows.following(self.lane, step)
        if flying.state == "refused":
            halfway.take_up(self.lane, flying)
        self.outcomes[step.ref] = Outcome(flying.state, flying.target, flying.reason)  # type: ignore[arg-type]
        self.items.append(flying)
        return True

    # -- what is written -------------------------------------------------------------------------------------------

    def _rounds(self, todo: list[Step]) -> list[Step]:
        """Write what has all it needs, again and again, until a round frees nothing. Returns what must wait."""
        while todo:
            ready: list[Step] = []
            waiting: list[Step] = []
            for step in todo:
                (ready if self._can_go(step) else waiting).append(step)
            if not ready:
                return todo
            same = [isinstance(step.decision, Same) and self._is_same(step, step.decision) for step in ready]
            self._write([step for step, settled in zip(ready, same, strict=True) if not settled])
            todo = waiting
        return []

    def _can_go(self, step: Step) -> bool:
        """Whether all that it needs is known. Where what it is the same as is left out nothing else needs to be, and no
        link would tell of it later."""
        if not (wanted := wants(step)):
            return True
        left_out = isinstance(step.decision, Same) and not self.known.get(step.decision.ref, True)
        return left_out or self.known.keys() >= set(wanted)

    def _is_same(self, step: Step, same: Same) -> bool:
        """Settle a step that is what another draft became; False when there is something to write.

        Where that other one was left out so is this, for good only if a person said so.
        """
        if target := self.known[same.ref]:
            return self._link(step, target, same.rule, "")
        if same.ref in self.ignored:
            self.links.append(rows.link_row(self.lane, step, "", "ignored", self.now))
        return self._done(step, Outcome("skipped", "", f"the same as {same.ref}, which is left out"))

    def _write(self, steps: list[Step]) -> None:
        made = [(step, item_of(step, self.known, in_the_end=True)) for step in steps]
        fresh = [(step, item) for step, item in made if not self._unchanged(step, item)]
        atomic = self.lane.atomic
        if self.lane.preview is not None:
            for step, item in fresh:
                self._foresee(step, item, self.lane.preview)
        elif atomic is None:
            for step, _ in fresh:
                self._enqueue(step)
        elif fresh:
            view = DocumentView(self.tx, self.lane.plugin)
            answers = sinks.applied(atomic, view, [item for _, item in fresh])
            for (step, item), answer in zip(fresh, answers, strict=True):
                self._applied(step, item, answer)

    def _unchanged(self, step: Step, item: Item) -> bool:
        forced = step.overwrite_local or step.draft.void
        if step.link is None or forced or step.link.digest != digest(item.body):
            return False
        return self._done(step, Outcome("unchanged", step.link.target))

    def _enqueue(self, step: Step) -> None:
        """Ready to be sent: from here on it has a stamp, and leaves with the next drain."""
        step.draft = self._without_skipped(step.draft)
        self._keep(step, "queued", "")
        row = self.items[-1]
        row.follower = ""  # what comes from the source is newer than anything that waited
        rows.number(self.lane, step, row, self.holding.why(row))
        self.outcomes[step.ref].reason = row.reason

    def _foresee(self, step: Step, item: Item, preview: list[tuple[Item, tuple[Ref, ...]]]) -> None:
        """In a rehearsal of what is sent: it gets the stamp that the run will give it, and is taken to succeed."""
        row = rows.item_row(self.lane, step, "queued", "", self.now)
        row.draft = self._without_skipped(row.draft)
        rows.number(self.lane, step, row, self.holding.why(row))
        preview += rows.foreseen(self.lane, step, row, item, self.known)
        fate: Fate = "reversed" if item.action == "void" else "updated" if item.target else "created"
        target = item.target or f"<id of {step.draft.entity.replace('_', ' ')} {step.draft.label or step.draft.key}>"
        self._done(step, Outcome(fate, target, row.reason))

    def _applied(self, step: Step, item: Item, answer: Answer) -> None:
        if answer.fate not in DONE:
            self._refuse(step, answer.reason, answer.field, answer.fix)
            return
        earlier = self.outcomes.get(step.ref)
        fate: Fate = "linked" if earlier is not None and earlier.fate == "linked" else answer.fate
        reason = earlier.reason if earlier is not None else answer.reason
        rule = step.link.rule if step.link and step.link.rule else fate
        rule = REVERSED if fate == "reversed" else rule
        self.links.append(rows.link_row(self.lane, step, answer.target, rule, self.now, digest(item.body)))
        self._done(step, Outcome(fate, answer.target, reason, answer.changes))

    # -- what was sent ---------------------------------------------------------------------------------------------

    def _heard(self, step: Step, answer: Answer) -> bool:
        """The target has answered, or was looked at. Where it holds the thing there is a link, whatever else is."""
        assert step.item is not None
        if answer.target and (answer.fate in DONE or answer.fate == "differs"):
            self._hold(step, answer)
        rows.spare(step.item, answer)
        follower = rows.follower_of(step.item, answer)
        elsewhere = self.elsewhere.get(step.ref) if answer.fate == "queued" and step.link is None else None
        begun = halfway.is_begun(step.item) and answer.fate in ("queued", "refused")
        if answer.fate in IN_FLIGHT or begun or (answer.fate == "queued" and not (follower or elsewhere)):
            return self._keep(step, answer.fate, answer.reason, field=answer.field, fix=answer.fix)
        step.item.follower = ""
        if follower is not None:
            self.followers.append(follower)
        if elsewhere:
            return self._done(step, Outcome("skipped", "", elsewhere))
        if answer.fate == "queued":  # not sent, and overtaken: the newer version takes its place
            self.outcomes[step.ref] = Outcome("queued", step.item.target, answer.reason)
            return True
        if answer.fate in DONE:
            return self._done(step, Outcome(answer.fate, answer.target, answer.reason, answer.changes))
        if answer.fate == "skipped":
            self.links.append(rows.abandoned_row(self.lane, step, self.now))
            return self._done(step, Outcome("skipped", "", answer.reason))
        return self._keep(step, answer.fate, answer.reason, field=answer.field, fix=answer.fix)

    def _hold(self, step: Step, answer: Answer) -> None:
        body = step.sent.body if step.sent is not None else item_of(step, self.known).body
        rule = REVERSED if answer.fate == "reversed" else rows.rule_of(step, answer.fate)
        before = step.link if step.item is not None and step.item.target == answer.target else None
        step.link = rows.sent_link(self.lane, step, answer, rule, body, self.now)
        if answer.fate == "linked" and before is not None and (answer.changes or not answer.facts):
            # which one it is was said; whether the change got there was not
            step.link = msgspec.structs.replace(step.link, digest="", body=before.body if answer.facts else "")
        self.links.append(step.link)
        self.known[step.ref] = answer.target

    # -- what waits ------------------------------------------------------------------------------------------------

    def _park(self, steps: Iterable[Step]) -> None:
        for step in steps:
            missing = [ref for ref in wants(step) if ref not in self.known]
            names = ", ".join(sorted({ref.entity for ref in missing}))
            self._keep(step, "waiting", f"waits for its {names}")
            self.needs += [(self.items[-1], ref) for ref in missing]

    # -- storing ---------------------------------------------------------------------------------------------------

    def _store(self) -> None:
        for item in self.items:
            item.draft = self._without_skipped(item.draft)
        for question in self.questions.new:
            question.draft = self._without_skipped(question.draft)
        replaced = [step.item for step in self.steps.values() if step.item]
        waiting = [item.id for item in replaced if item.state not in IN_FLIGHT]
        ledger.remove_items(self.tx, [item.id for item in replaced], waiting=waiting)
        ledger.put_links(self.tx, self.lane.route, self.links)
        ledger.put_items(self.tx, self.lane.route, self.items)
        needs.put(self.tx, ((item.id, ref) for item, ref in self.needs))
        self.questions.store(self.steps, self.outcomes)
        lane, told = self.lane, [(step, self.outcomes[step.ref]) for step in self.steps.values()]
        happened = [one for one in told if rows.tells(*one)]
        ledger.put_events(self.tx, [rows.event_row(lane, *one, self.cause, self.now) for one in happened])
        homing.note(self.tx, lane, told)
        rows.renew_given_up(self.tx, lane, told)
        roots = [(step, outcome) for step, outcome in told if step.item and step.draft.root]
        ledger.mark_synced(self.tx, [row for one in roots for row in rows.record_fates(lane, *one)])
        sent = [one for one in told if one[0].answer is not None or one[0].draft.file]
        noted = [row for one in sent for row in rows.audit_rows(lane, *one)]
        audit.write_many(self.tx, self.now, noted, by=f"flow {lane.flow}" if lane.flow else "wherry")

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
