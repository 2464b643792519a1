"""Where fates are stored: what was seen, what was told of it, and how far the source has been read.

All of it in the transaction that also holds the effects (rules I1 and I5 of write-protocol.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from wherry.protocol import homing
from wherry.protocol.rows import ONCE_REFUSED, may_stand
from wherry.protocol.steps import Outcome, Step
from wherry.protocol.tally import Refusal, Tally
from wherry.records import OPEN, Draft, Ref
from wherry.roles import FieldMapper
from wherry.runs import overruled
from wherry.runs.job import Batch, Entry, Job
from wherry.runs.reading import read_under
from wherry.store import former, ledger, registry
from wherry.store.database import Tx
from wherry.store.leavings import ONCE
from wherry.store.ledger import Event, ItemRow, Seen
from wherry.store.registry import Mark


def store(job: Job, tx: Tx, mapper: FieldMapper, batch: Batch, now: str) -> None:
    """The fates of a batch, the refused records among the open items, and the mark."""
    store_fates(job, tx, batch, now)
    withdraw(job, tx, batch, now)
    store_refused(job, tx, batch, now)
    _keep_age(job, tx, batch, dict.fromkeys(overruled.late(job, batch), now))
    if batch.mark and job.options.moves_mark:
        save_mark(job, tx, mapper, batch, now)


def keep_merged_links(job: Job, tx: Tx, merged: Mapping[Ref, Ref]) -> None:
    """What the merged record was written as is what its survivor is: also for what is carried of it from now on."""
    route = job.wired.lane.route
    found, own = ledger.find_links(tx, route, merged), ledger.find_links(tx, route, merged.values())
    taken = [msgspec.structs.replace(link, key=merged[ref].key, rule="merged") for ref, link in found.items()]
    ledger.put_links(tx, route, [link for link in taken if link.ref not in own])


def store_fates(job: Job, tx: Tx, batch: Batch, now: str) -> None:
    new = [entry for entry in batch.entries if not entry.repeat]
    ids = [entry.record.id for entry in new]
    before = {id: seen.synced for id, seen in ledger.find_seen(tx, job.wired.name, batch.kind, ids).items()}
    ledger.put_seen(tx, job.wired.name, [seen_row(job, entry, before) for entry in new])
    left = [entry for entry in new if entry.fate == "skipped" and entry.reason != ONCE]
    told = [entry for entry in left if entry.synced or before.get(entry.record.id)]
    homing.note_waiting(tx, job.wired.lane, batch.kind, {entry.record.id: entry.reason for entry in new})
    ledger.put_events(tx, [event_of(job, entry, now) for entry in told])


def withdraw(job: Job, tx: Tx, batch: Batch, now: str) -> None:
    """A record that no rule lets in any more, or that went up in another: what was not written yet of it never will be.

    Questions stay, since other records may wait for the same answer.
    """
    new = [entry for entry in batch.entries if not entry.repeat]
    left = {entry.record.id: entry.reason for entry in new if entry.fate == "skipped" and entry.reason != ONCE}
    merged = {id: f"gone: merged into {entry.record.id}" for entry in new for id in entry.record.merged_ids}
    why = {**left, **merged}
    if not why:
        return
    route, names = job.wired.lane.route, [job.wired.name, *former.flows(tx, job.wired.lane.approvals)]
    found = [item for flow in names for item in ledger.items_of_records(tx, route, flow, batch.kind, why)]
    unsent = [item for item in found if not may_stand(item)]
    roots = {item.record_id for item in unsent if item.root}
    gone = [item for item in unsent if item.record_id in roots and (item.root or item.draft.file)]
    ledger.remove_items(tx, [item.id for item in gone])
    homing.hand_over(tx, job.wired.lane, [item for item in gone if item.root and not item.target])
    flying = [item for item in found if may_stand(item) and item.follower]
    for item in flying:
        item.follower = ""  # what is left out now is not sent after the version that is on its way
    ledger.put_items(tx, route, flying)
    ledger.put_events(tx, [_withdrawn(job, item, why[item.record_id], now) for item in gone])
    ledger.mark_synced(tx, [("skipped", "", why[id], job.wired.name, batch.kind, id) for id in sorted(roots)])


def _withdrawn(job: Job, item: ItemRow, reason: str, now: str) -> Event:
    run, flow = job.wired.lane.run, job.wired.name
    return Event(now, run, flow, item.record_kind, item.record_id, item.entity, item.key, "skipped", "", reason)


def seen_row(job: Job, entry: Entry, before: Mapping[str, str]) -> Seen:
    """``before`` is record → target as the store has it now: an older version may have been written in this run."""
    record, skip = entry.record, entry.skip
    synced = entry.target or before.get(record.id, "") or entry.synced
    digest = b"" if job.options.fields else entry.digest  # the rest of this version is still to come
    return Seen(
        kind=record.kind, source_id=record.id, version=record.version, digest=digest, fate=entry.fate or "",
        reason=entry.reason, amount=skip.amount if skip else None, currency=skip.currency if skip else "",
        synced=synced, run=job.wired.lane.run,
    )  # fmt: skip


def event_of(job: Job, entry: Entry, now: str) -> Event:
    record, lane = entry.record, job.wired.lane
    return Event(now, lane.run, lane.flow, record.kind, record.id, "", "", entry.fate or "", entry.synced, entry.reason)


def store_refused(job: Job, tx: Tx, batch: Batch, now: str) -> None:
    """A record that could not be mapped is an open item under its own name, and leaves when it maps again."""
    refs = {Ref(batch.kind, f"record:{entry.record.id}"): entry for entry in batch.heads}
    old = ledger.find_items(tx, job.wired.lane.route, refs)
    mended = [item for ref, item in old.items() if refs[ref].refusal is None]
    ledger.remove_items(tx, [item.id for item in mended])
    _keep_age(job, tx, batch, {item.record_id: item.created_at for item in mended})
    rows = [refused_item(job, ref, entry, now) for ref, entry in refs.items() if entry.refusal is not None]
    for row in rows:
        if row.ref in old:
            row.id, row.created_at = old[row.ref].id, old[row.ref].created_at
    ledger.put_items(tx, job.wired.lane.route, rows)
    ledger.put_events(tx, [event_of(job, entry, now) for entry in refs.values() if entry.refusal is not None])


def _keep_age(job: Job, tx: Tx, batch: Batch, ages: Mapping[str, str]) -> None:
    """What comes of a record that could be mapped at last has waited as long as the record, and may have been entered
    by hand meanwhile (case C20)."""
    route = job.wired.lane.route
    made = ledger.items_of_records(tx, route, job.wired.name, batch.kind, ages) if ages else []
    for item in made:
        item.created_at = min(item.created_at, ages[item.record_id])
        if item.state in ("queued", "waiting") and not item.target:
            item.evidence = item.evidence or ONCE_REFUSED
    ledger.put_items(tx, route, made)


def refusal_of(entry: Entry) -> Refusal:
    """The refusal as people are told of it."""
    record, error = entry.record, entry.refusal
    assert error is not None
    field = str(error.where.get("field", ""))
    return Refusal(record.kind, record.id, error.message, field, error.fix)


def refused_item(job: Job, ref: Ref, entry: Entry, now: str) -> ItemRow:
    record, error = entry.record, entry.refusal
    return ItemRow(
        entity=ref.entity, key=ref.key, flow=job.wired.name, run=job.wired.lane.run, state="refused",
        record_kind=record.kind, record_id=record.id, root=True, label=record.id,
        draft=Draft(entity=ref.entity, key=ref.key, body={}), reason=error.message if error else "",
        field=str(error.where.get("field", "")) if error else "", fix=error.fix if error else "",
        created_at=now, changed_at=now,
    )  # fmt: skip


def save_mark(job: Job, tx: Tx, mapper: FieldMapper, batch: Batch, now: str) -> None:
    old = registry.mark(tx, job.wired.name, batch.kind)
    swept = old.swept_at if old is not None else now
    under = registry.fingerprint(read_under(job, batch.kind, mapper) | overruled.decided_under(job))
    registry.save_mark(tx, Mark(job.wired.name, batch.kind, under, batch.mark, now, swept))


def recount(job: Job, outcomes: Mapping[Ref, Outcome], *, own: bool) -> None:
    """What was counted as open earlier in the run has become something else: it is counted once, as that.

    What another flow of the connection had waiting there (not ``own``) counts in none of this run's sums.
    """
    told = Tally()
    for ref, outcome in outcomes.items() if own else ():
        kind, before, why = job.open.get(ref, ("", "", ""))
        if (outcome.fate, outcome.reason) == (before, why):
            continue
        if before:
            told.items[ref.entity][before] -= 1
        if kind:
            told.records[kind][before] -= 1
            told.reason(kind, before, homing.in_general(why), -1)
            told.records[kind][outcome.fate] += 1
            told.reason(kind, outcome.fate, homing.in_general(outcome.reason))
        if before or outcome.fate in OPEN:
            job.open[ref] = (kind, outcome.fate, outcome.reason)
        told.items[ref.entity][outcome.fate] += 1
    job.tally.add(told)


def tell_items(outcomes: Mapping[Ref, Outcome], steps: Iterable[Step] = ()) -> Tally:
    """Item kind → fate → number, of everything that changed its state; and by which rule things were linked."""
    told = Tally()
    before = {step.ref: step.item.state if step.item else "" if step.always else "unchanged" for step in steps}
    for ref, outcome in outcomes.items():
        if outcome.fate != before.get(ref):
            told.items[ref.entity][outcome.fate] += 1
        if outcome.fate == "linked" and outcome.reason:
            told.reasons[ref.entity][outcome.fate][outcome.reason] += 1
    return told
