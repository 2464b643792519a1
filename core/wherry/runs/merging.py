"""Records that are written as something else already: merged ones, whose survivor is what they were (case B12), and
those that have become another document, such as an invoice that turned into a credit memo (case C7)."""

from __future__ import annotations

import re

import msgspec

from wherry.protocol.rows import REVERSED
from wherry.protocol.steps import Step
from wherry.protocol.tally import Notice
from wherry.records import Draft, Record, Ref
from wherry.runs.job import Batch, Entry, Job
from wherry.store.ledger import LinkRow, Seen, find_items, find_links, find_seen


def take_over(job: Job, entry: Entry, loser: Seen) -> None:
    """The survivor of a merger is what the merged record was: no second project is made for it (case B12)."""
    record = entry.record
    if entry.synced and entry.synced != loser.synced:
        what = f"{loser.source_id} was merged into it; it was written as {loser.synced} before"
        job.tally.notice(Notice(record.kind, record.id, what, entry.synced))
        return
    if not entry.synced:
        entry.merged = loser.source_id
        entry.earlier = msgspec.structs.replace(loser, source_id=record.id, digest=b"")
        what = f"took over from {loser.source_id}, which was merged into it"
        job.tally.notice(Notice(record.kind, record.id, what, loser.synced))


def take_over_late(job: Job, batch: Batch) -> None:
    """Losers that were written in this run, after the gate had let their survivor pass."""
    open_heads = [entry for entry in batch.heads if entry.record.merged_ids and not entry.synced]
    if not open_heads:
        return
    wanted = [id for entry in open_heads for id in entry.record.merged_ids]
    with job.wired.store.read() as tx:
        known = find_seen(tx, job.wired.name, batch.kind, wanted)
    for entry in open_heads:
        for loser in entry.record.merged_ids:
            if loser in known and known[loser].synced:
                take_over(job, entry, known[loser])


def merged_refs(batch: Batch) -> dict[Ref, Ref]:
    """The refs under which things of a merged record were written → the survivor's, for all that carry its id."""
    found = {}
    for entry in (head for head in batch.heads if head.merged):
        own = re.compile(rf"(?<![0-9A-Za-z]){re.escape(entry.record.id)}(?![0-9A-Za-z])")
        for draft in entry.drafts:
            old = own.sub(entry.merged.replace("\\", r"\\"), draft.key)
            if old != draft.key:
                found[Ref(draft.entity, old)] = draft.ref
    return found


def outgrown(job: Job, batch: Batch) -> list[Step]:
    """Reversals of the documents that these records were and are no longer, or were to be: of two that exclude each
    other one stands. What has not left is dropped by its reversal.

    Only where the target is sent calls: an atomic sink has no documents to take back.
    """
    roots: tuple[str, ...] = getattr(job.wired.mappers[batch.kind], "roots", ())
    if len(roots) < 2 or job.wired.lane.atomic is not None:
        return []
    others: dict[Ref, tuple[Record, Draft]] = {}
    for entry in batch.heads:
        for draft in (one for one in entry.drafts if one.root):
            others |= {Ref(word, draft.key): (entry.record, draft) for word in roots if word != draft.entity}
    with job.wired.store.read() as tx:
        links = find_links(tx, job.wired.lane.route, others)
        items = find_items(tx, job.wired.lane.route, others)
    standing = {ref for ref, link in links.items() if link.target and link.rule != REVERSED}
    return [_taken_back(ref, *others[ref], links.get(ref)) for ref in others if ref in standing or ref in items]


def _taken_back(ref: Ref, record: Record, draft: Draft, link: LinkRow | None) -> Step:
    was = Draft(entity=ref.entity, key=ref.key, body={}, label=draft.label, void=True)
    return Step(draft=was, record_kind=record.kind, record_id=record.id, link=link, always=True)
