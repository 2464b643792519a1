"""The rows that settling a step leaves in the store: links, items, questions, events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from wherry.protocol import halfway, said
from wherry.protocol.steps import (
    REPLACE,
    Approval,
    Lane,
    Outcome,
    Step,
    digest_of,
    item_of,
    plain_text,
    stamp_of,
)  # fmt: skip
from wherry.records import DONE, Answer, Ask, Create, Decision, Draft, Fate, Item, Ref, Same
from wherry.store import audit, findings, ledger, questions
from wherry.store.database import Tx
from wherry.store.findings import GivenUp
from wherry.store.ledger import Event, ItemRow, LinkRow
from wherry.store.questions import Question

REVERSED = "reversed"
"""The rule of a link whose document was taken back."""
ABANDONED = "abandoned"
"""The rule of a link of what a person gave up."""


class Follower(Struct, kw_only=True):
    """A newer version that waits behind an item of which nobody knows yet what became of it."""

    draft: Draft
    flow: str
    record_kind: str
    record_id: str
    overwrite_local: bool = False
    approved: bool = False
    """A person gave his word for it when it came to wait."""
    only_ours: bool = False
    """It takes back what a run made: what turns out to be there and not to be ours is spared."""


_follower = msgspec.json.Decoder(Follower).decode


def flow_of(lane: Lane, step: Step) -> str:
    return step.flow or lane.flow


def run_of(lane: Lane, step: Step) -> str:
    """The run in hand; of what leaves outside of any, as with a target that calls us, the one that prepared it."""
    return lane.run or (step.item.run if step.item is not None else "")


def link_row(lane: Lane, step: Step, target: str, rule: str, now: str, digest: str = "") -> LinkRow:
    by = audit.actor() if rule in ("person", "ignored") else "wherry"
    return LinkRow(step.draft.entity, step.draft.key, target, rule, digest, now, by, run_of(lane, step))


def sent_link(lane: Lane, step: Step, answer: Answer, rule: str, body: dict[str, Any], now: str) -> LinkRow:
    """The link of something that was sent: with its version there, and what was written."""
    assert step.item is not None
    row = link_row(lane, step, answer.target, rule, now)
    who = step.link.made_by if step.link is not None and step.link.rule == rule == "person" else ""
    who = word.by if (word := said.of(step.item)) is not None else who
    text, unsure = plain_text(body), answer.fate in ("differs", "reversed")
    return msgspec.structs.replace(
        row, token=answer.token, sequence=step.item.sequence, call=step.item.call, made_by=who or row.made_by,
        digest="" if unsure else digest_of(text), body=text.decode(),
    )  # fmt: skip


def abandoned_row(lane: Lane, step: Step, now: str) -> LinkRow:
    """A person gave up on the item: its number is not used again, or the target would take it for the old one."""
    row = link_row(lane, step, "", ABANDONED, now)
    return msgspec.structs.replace(row, sequence=step.item.sequence if step.item else 0, made_by=audit.actor())


def renew_given_up(tx: Tx, lane: Lane, told: Iterable[tuple[Step, Outcome]]) -> None:
    """A newer version of what was given up: that is what is taken up again, if it ever is."""
    for step, outcome in told:
        if outcome.fate == "skipped" and step.answer is None and step.link is not None and step.link.rule == ABANDONED:
            given = findings.find_given_up(tx, lane.route, step.ref)
            if given is not None:
                _renew(tx, lane, step, given)


def _renew(tx: Tx, lane: Lane, step: Step, given: GivenUp) -> None:
    item = given.item
    if item.state == "decide":  # the older one may have had its effect
        item.follower = following(lane, msgspec.structs.replace(step, item=item))
    else:
        item.draft, item.label = step.draft, step.draft.label
        item.amount, item.currency = worth(item.entity, step.draft.body)
    findings.put_given_up(tx, given)


def turned_away(lane: Lane, draft: Draft) -> tuple[str, str]:
    """Why the sink is not sent such a thing, and what to do; empty where it is. A sink that was sent what it does not
    know might write it as something else."""
    if draft.entity in lane.takes:
        return "", ""
    known = ", ".join(sorted(lane.takes)) or "nothing"
    return (
        f"{lane.plugin} takes no {draft.entity}; it takes: {known}",
        "link it to what is there already (wherry errors resolve), or leave it out of the flow: by its filter, or with "
        f"{draft.entity} = false in its map",
    )


def rule_of(step: Step, fate: Fate) -> str:
    """The rule that found the target; of what was made here, that it was."""
    known = step.link.rule if step.link is not None else "person" if said.of(step.item) else ""
    return known if known not in ("", REVERSED) else fate


def item_row(lane: Lane, step: Step, state: Fate, reason: str, now: str, *, field: str = "", fix: str = "") -> ItemRow:
    """The open item of a step. Of one that was sent, or is about to be, what belongs to sending stays as it is."""
    draft, old = step.draft, step.item
    minor, currency = worth(draft.entity, draft.body)
    row = ItemRow(
        id=_number_of(lane, step, state), entity=draft.entity, key=draft.key, flow=flow_of(lane, step),
        run=run_of(lane, step), state=state, record_kind=step.record_kind, record_id=step.record_id, root=draft.root,
        draft=draft, label=draft.label, target=step.link.target if step.link else "",
        reason=reason, field=field, fix=fix,
        same=str(step.decision.ref) if isinstance(step.decision, Same) else "",
        amount=minor, currency=currency,
        created_at=old.created_at if old else now, changed_at=now,
    )  # fmt: skip
    return _with_sending(row, old) if old is not None else row


def worth(entity: str, body: dict[str, Any]) -> tuple[int | None, str]:
    """What a document adds to a sum, minor units and currency: what a customer gets back counts below zero."""
    amount = body.get("amount") or body.get("total") or _debits(body)
    minor = amount.get("minor")
    return -minor if minor and entity == "credit_memo" else minor, amount.get("currency", "")


def _debits(body: dict[str, Any]) -> dict[str, Any]:
    """What a journal entry comes to: its debit side."""
    debits = [line["amount"] for line in body.get("lines") or () if line.get("side") == "debit"]
    return {"minor": sum(one["minor"] for one in debits), "currency": debits[0]["currency"]} if debits else {}


_WAITS = ("queued", "waiting")


def _number_of(lane: Lane, step: Step, state: Fate) -> int:
    """A person approves what he saw: what it has become since has another number."""
    old = step.item
    if old is None:
        return 0
    asked = state in _WAITS and old.state in _WAITS and lane.approvals.get(old.flow, Approval()).wanted(step.draft)
    return 0 if asked and old.approval != "given" and old.draft.body != step.draft.body else old.id


_SENDING = (
    "action", "stamp", "sequence", "attempt", "token", "memo", "approval", "due", "tries", "call", "follower",
    "evidence", "overwrite",
)  # fmt: skip


def _with_sending(row: ItemRow, old: ItemRow) -> ItemRow:
    for name in _SENDING:
        setattr(row, name, getattr(old, name))
    if old.state == "refused" and row.state in _WAITS:
        row.memo = ""  # what was in its way may be gone
        row.evidence = row.evidence if row.target else ONCE_REFUSED
    if old.state == "waiting" and old.draft.body != row.draft.body:
        row.approval = ""  # the word was given for what it was
    return row


def number(lane: Lane, step: Step, row: ItemRow, held: str = "") -> None:
    """Give a ready item its stamp: the one it had while its content is the same, else that of the next work item.

    ``held``: why it waits for approval although it is no document itself.
    """
    draft, link = row.draft, step.link
    row.action = _action(lane, step)
    wanted = lane.approvals.get(row.flow, Approval()).wanted(draft) or held
    given = step.approved or (row.approval == "given" and not row.stamp)  # said while it waited for what it needs
    if not row.stamp or row.stamp != stamp_of(lane, draft, row.action, row.sequence, row.attempt):
        row.sequence = max(row.sequence, step.sequence, link.sequence if link else 0) + 1
        row.attempt, row.tries, row.due, row.memo, row.call, row.follower = 1, 0, "", "", 0, ""
        row.stamp = stamp_of(lane, draft, row.action, row.sequence, row.attempt)
        row.token, row.evidence = (
            step.shown or (link.token if link else ""),
            ONCE_REFUSED if is_noted(row, ONCE_REFUSED) else "",
        )
        row.overwrite = int(step.overwrite_local)
        row.approval = "given" if given else "wanted" if wanted else ""
    elif row.approval == "wanted" and not wanted:
        row.approval = ""  # something that is free to leave needs it now
    if step.item is not None and step.item.state == "differs" and not step.overwrite_local:
        row.token = link.token if link else ""  # the edit that was found is nobody's word that ours goes over it
    row.reason = wanted if row.approval == "wanted" else ""


def _action(lane: Lane, step: Step) -> str:
    """What is to happen in the target. What a person entered there is not taken back to be replaced."""
    link = step.link
    if step.draft.void:
        return "void"
    ours = link is not None and link.rule != REVERSED and bool(link.target and link.body)
    return REPLACE if ours and step.draft.entity in lane.replaces else "write"


MAY_STAND = frozenset({"unknown", "decide", "differs"})
"""States of an item that has, or may have, an effect in its target."""


def may_stand(row: ItemRow) -> bool:
    """Whether it has, or may have, an effect in its target, be it half of one: then it is not withdrawn."""
    return row.state in MAY_STAND or halfway.is_begun(row)


ONCE_REFUSED = '{"what":"once refused"}'
"""The evidence of an item that stood refused before: somebody may have entered it by hand since (case C20)."""
BY_PERSON = '{"what":"person"}'
"""The evidence of an item that a person said to send, whatever the target was found to hold."""


def is_noted(row: ItemRow, evidence: str) -> bool:
    """Whether that is the item's evidence; a look since may have added what it found."""
    return row.evidence.startswith(evidence[:-1])


def again(lane: Lane, row: ItemRow, *, by_person: bool = False) -> None:
    """The next attempt of an item whose effect is proved absent, or so a person says: only then may the target see a
    new stamp."""
    row.attempt += 1
    row.evidence = BY_PERSON if by_person else row.evidence
    row.stamp = stamp_of(lane, row.draft, row.action, row.sequence, row.attempt)


def foreseen(
    lane: Lane, step: Step, row: ItemRow, item: Item, known: Mapping[Ref, Any]
) -> list[tuple[Item, tuple[Ref, ...]]]:  # fmt: skip
    """What is sent for a numbered row, each with what it needs: the item; or what takes back, and what is made then."""
    item.stamp, item.token, item.overwrite_local, item.memo = row.stamp, row.token, bool(row.overwrite), row.memo
    if row.action != REPLACE:
        return [(item, row.draft.refs)]
    stamp = stamp_of(lane, row.draft, "write", row.sequence + 1, 1)
    back = item_of(msgspec.structs.replace(step, item=row), known)
    anew = msgspec.structs.replace(item, stamp=stamp, target=None, token="", before=None)
    return [(back, ()), (anew, row.draft.refs)]


def following(lane: Lane, step: Step) -> str:
    """The step as it waits behind the item in flight; empty where it is what that item carries already."""
    row = step.item
    assert row is not None
    action = "void" if step.draft.void else REPLACE if row.action == REPLACE else "write"
    same = action != REPLACE or step.draft.body == row.draft.body  # its stamp is that of what is taken back
    if same and row.stamp == stamp_of(lane, step.draft, action, row.sequence, row.attempt):
        return ""
    waits = Follower(
        draft=step.draft, flow=flow_of(lane, step), record_kind=step.record_kind, record_id=step.record_id,
        overwrite_local=step.overwrite_local == 1, approved=step.approved, only_ours=step.only_ours,
    )  # fmt: skip
    return msgspec.json.encode(waits).decode()


def follower_of(row: ItemRow, answer: Answer | None = None) -> Step | None:
    """The newer version behind an item, as a step of its own; what it is to be is found when it is settled. Of an item
    that has made room for what it is to be replaced with, that."""
    room = answer is not None and answer.fate == "reversed" and answer.target != ""
    if not row.follower and row.action == REPLACE and room:
        return Step(
            draft=row.draft, flow=row.flow, record_kind=row.record_kind, record_id=row.record_id, always=True,
            sequence=row.sequence, approved=row.approval == "given",
        )  # fmt: skip
    if not row.follower:
        return None
    waits = _follower(row.follower)
    return Step(
        draft=waits.draft, flow=waits.flow, record_kind=waits.record_kind, record_id=waits.record_id, always=True,
        overwrite_local=waits.overwrite_local, sequence=row.sequence, approved=waits.approved,
    )  # fmt: skip


def spare(row: ItemRow, answer: Answer) -> None:
    """Behind what a person has to say what it is in its target, or has said so, no reversal waits any more that was
    meant for what a run made."""
    if answer.fate in ("decide", "linked") and row.follower and _follower(row.follower).only_ours:
        row.follower = ""


def resumed(item: ItemRow) -> Step:
    """The open item as a step that goes on."""
    decision: Decision | None = Create()
    if item.same:
        entity, _, key = item.same.partition("/")
        decision = Same(Ref(entity, key), "same")
    link = LinkRow(item.entity, item.key, item.target, "") if item.target else None
    return Step(
        draft=item.draft, flow=item.flow, record_kind=item.record_kind, record_id=item.record_id, item=item,
        decision=None if link else decision, link=link, always=link is not None, overwrite_local=item.overwrite,
    )  # fmt: skip


def question_row(lane: Lane, step: Step, ask: Ask, now: str) -> Question:
    body = step.draft.body
    return Question(
        sink=lane.route.sink, source=lane.route.source, entity=step.draft.entity, key=step.draft.key,
        flow=flow_of(lane, step), name=str(body.get("name", step.draft.label)), sku=str(body.get("sku", "")),
        state="open", why=ask.why, candidates=ask.candidates, draft=step.draft,
        record_kind=step.record_kind, record_id=step.record_id, asked_at=now, run=lane.run,
    )  # fmt: skip


def event_row(lane: Lane, step: Step, outcome: Outcome, cause: str, now: str) -> Event:
    return Event(
        now, run_of(lane, step), flow_of(lane, step), step.record_kind, step.record_id, step.draft.entity,
        step.draft.key, outcome.fate, outcome.target, outcome.reason, cause,
        step.item.call if step.item and step.answer else 0,
    )  # fmt: skip


def tells(step: Step, outcome: Outcome) -> bool:
    """Whether something happened that belongs into the history."""
    if step.answer is not None and step.item is not None and outcome.fate in ("unknown", "queued"):
        return outcome.fate != step.item.state
    return outcome.fate != "unchanged" or step.item is not None


def record_fates(lane: Lane, step: Step, outcome: Outcome) -> list[tuple[str, str, str, str, str, str]]:
    """Of the record behind the step, and of the one whose waiting item it replaced: two flows may share a route."""
    item, own = step.item, (flow_of(lane, step), step.record_kind, step.record_id)
    told = outcome.fate, outcome.target if outcome.fate in DONE else "", outcome.reason
    before = own if item is None else (item.flow, item.record_kind, item.record_id)
    return [(*told, *own)] if before == own else [(*told, *one) for one in sorted((own, before))]


def audit_rows(lane: Lane, step: Step, outcome: Outcome) -> list[tuple[str, str, dict[str, Any]]]:
    """Every file that arrives, and every effect in a target, leaves a row in the audit log (behaviour 001.57, I17)."""
    sent = step.answer is not None and step.item is not None
    if not (sent or step.draft.file):
        return []
    origin = {"flow": flow_of(lane, step), "run": run_of(lane, step), "record": f"{step.record_kind} {step.record_id}"}
    if step.draft.file and outcome.fate in ("created", "updated"):
        body = step.draft.body
        return [("file.synced", outcome.target, {**origin, "name": body.get("name"), "sha256": body.get("sha256")})]
    if step.answer is not None and step.item is not None and outcome.fate in ("created", "updated", "reversed"):
        item = step.item
        detail = {**origin, "key": step.draft.key, "stamp": item.stamp, "call": item.call, "item": item.id}
        return [(f"target.{outcome.fate}", f"{step.draft.entity} {outcome.target}", detail)]
    return []


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


def wants(step: Step) -> tuple[Ref, ...]:
    """What has to be there before. A document is taken back whatever it refers to."""
    if step.draft.void:
        return ()
    same = step.decision
    return (*step.draft.refs, same.ref) if isinstance(same, Same) else step.draft.refs
