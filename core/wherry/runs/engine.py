"""One sync run, top to bottom: read → gate → complete → map → match → copy files → settle.

Follow a record: ``run`` takes the kinds of a flow in turn, ``approach`` is the way of one kind. A *batch* is a stretch
of the source with the heads that passed the gate; it is settled, with its mark, in one transaction. Reading goes on in
a thread of its own, completing in a small pool; everything else happens in order in the calling thread.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

import msgspec

from wherry import collecting
from wherry.catalogues import listed_as
from wherry.errors import Rejected
from wherry.matching.known import pending_id
from wherry.protocol import boundary, homing, writing
from wherry.protocol.steps import Outcome, Step, references
from wherry.protocol.tally import Notice, Tally
from wherry.records import DONE, OPEN, Create, Decision, Draft, Page, Record, Ref, Same, Skip
from wherry.roles import FieldMapper, Narrows
from wherry.runs import fates, overruled
from wherry.runs.copying import copy_files
from wherry.runs.fates import tell_items
from wherry.runs.formers import carried_before, free, leave_to_others, stays, take_back, take_back_all_the_same
from wherry.runs.job import Batch, Entry, Job
from wherry.runs.merging import merged_refs, outgrown, take_over, take_over_late
from wherry.runs.reading import read
from wherry.store import ledger
from wherry.store.database import Tx
from wherry.store.documents import DocumentView
from wherry.store.leavings import ONCE
from wherry.store.ledger import LinkRow, Seen

_MOST_ENTRIES, _MOST_BYTES = 5_000, 16_000_000
_MOST_AT_ONCE = 300
"""Heads that are mapped and settled together. What they become takes several times their memory."""


def run(job: Job) -> Tally:
    """Carry every kind of the flow across. Raises the six errors; what was settled before stays settled."""
    for kind, mapper in job.wired.mappers.items():
        for batch, steps in approach(job, kind, mapper):
            copy_files(job, steps)
            settle(job, mapper, batch, steps)
            batch.forget(steps)
            collecting.between()
    return job.tally


Then = Callable[[Tx], tuple[dict[Ref, Outcome], list[Step]]]
"""What follows in the same rehearsed transaction, such as the entries that movements are booked in."""


def nothing_then(tx: Tx) -> tuple[dict[Ref, Outcome], list[Step]]:
    return {}, []


def rehearse(job: Job, then: Then = nothing_then) -> tuple[Tally, dict[Ref, Outcome], list[Step]]:
    """Go the same way and roll it back: what a run would do now, down to each changed field. Nothing is copied."""
    ways = [way for kind, mapper in job.wired.mappers.items() for way in approach(job, kind, mapper)]
    steps = [step for _, decided in ways for step in decided]
    with job.wired.store.rehearse() as tx:
        free(job, tx)
        outcomes = writing.settle(tx, job.wired.lane, steps, job.wired.store.now())
        further, added = then(tx)
    for batch, _ in ways:
        conclude(job, batch, outcomes)
    job.tally.add(tell_items(outcomes, steps))
    job.tally.add(tell_items(further, added))
    return job.tally, {**outcomes, **further}, [*steps, *added]


def approach(job: Job, kind: str, mapper: FieldMapper) -> Iterator[tuple[Batch, list[Step]]]:
    """The way of one kind's records from the source to a decision about each of their drafts."""
    yield from overruled.asked_again(job, kind, decide)
    overlap = job.wired.overlap
    with closing(overlap.ahead(read(job, kind, mapper))) as pages:
        batches = gate(job, mapper, kind, pages)
        with closing(overlap.fan_out(lambda batch: complete(job, mapper, batch), batches, width=2)) as completed:
            for batch in (part for whole in completed for part in whole.parts(_MOST_AT_ONCE)):
                take_over_late(job, batch)
                map_drafts(job, mapper, batch)
                take_back_all_the_same(job, mapper, batch)
                yield batch, match(job, batch)


# -- gate: repeats, and what no rule lets in, meet their fate before anything more is read about them ------------------


def gate(job: Job, mapper: FieldMapper, kind: str, pages: Iterable[Page]) -> Iterator[Batch]:
    """Pages → batches of exactly the source's chunk of heads that passed, so that each of its calls is full."""
    batch, left = Batch(kind), job.options.limit
    for page in pages:
        records = page.records[:left] if left else page.records
        left -= len(records) if left else 0
        for entry in sift(job, mapper, kind, records):
            full = entry.fate is None and len(batch.heads) >= job.wired.source.chunk
            if full or not batch.ids.isdisjoint((entry.record.id, *entry.record.merged_ids)):
                yield batch
                batch = Batch(kind, mark=batch.mark)
            batch.add(entry)
        batch.mark = page.mark
        if len(batch.entries) >= _MOST_ENTRIES or batch.size >= _MOST_BYTES:
            yield batch
            batch = Batch(kind)
    if batch.entries or batch.mark:
        yield batch


def sift(job: Job, mapper: FieldMapper, kind: str, records: Sequence[Record]) -> list[Entry]:
    """Each record's newest head: ended as a repeat, left to another flow, kept out by a rule, or open to go on."""
    salt = hashlib.blake2b(mapper.fingerprint.encode(), digest_size=32).digest()
    digests = (hashlib.blake2b(record.payload, digest_size=16, key=salt).digest() for record in records)
    entries = [Entry(record=record, digest=digest) for record, digest in zip(records, digests, strict=True)]
    newest = {entry.record.id: entry for entry in entries if job.recent.is_new(entry)}
    wanted = [*newest, *(id for record in records for id in record.merged_ids)]
    with job.wired.store.read() as tx:
        known = ledger.find_seen(tx, job.wired.name, kind, wanted)
        carried_before(job, tx, kind, {id: entry for id, entry in newest.items() if id not in known})
    for entry in newest.values():
        recognise(job, entry, known)
    stands = leave_to_others(job, mapper, kind, [entry for entry in newest.values() if entry.fate is None])
    fresh = [entry for entry in newest.values() if entry.fate is None]
    skips = boundary.triggers(job.wired.source, mapper, [entry.record for entry in fresh])
    voids = take_back(job, kind, [entry for entry, skip in zip(fresh, skips, strict=True) if skip and skip.void])
    for entry, skip in zip(fresh, skips, strict=True):
        entry.void = entry.record.id in voids
        if not stays(job, mapper, entry, skip, stands.get(entry.record.id)):
            admit(job, mapper, entry, skip)
    job.recent.note(newest.values())
    return list(newest.values())


def recognise(job: Job, entry: Entry, known: Mapping[str, Seen]) -> None:
    """What the store knows of the record: the version seen before keeps its fate; a survivor takes over a merger."""
    record = entry.record
    entry.earlier = earlier = known.get(record.id)
    why = earlier.reason if earlier is not None else ""
    again = record.touched or job.options.resync or (why and homing.is_kept_out(why))
    back = why.startswith("gone:") and not record.gone  # restored, as it was
    if earlier is not None and earlier.digest == entry.digest and not again and not back:
        entry.repeat = True
        open_or_skipped = earlier.fate in OPEN or earlier.fate == "skipped"
        entry.close(earlier.fate if open_or_skipped else "unchanged", earlier.reason)  # type: ignore[arg-type]
        return
    for loser in record.merged_ids:
        if loser in known and known[loser].synced:
            take_over(job, entry, known[loser])


def admit(job: Job, mapper: FieldMapper, entry: Entry, skip: Skip | None) -> None:
    """The head gate, and the policy for what was synced before."""
    if entry.record.gone:
        entry.close("skipped", f"gone: {entry.record.gone} at the source")
    elif entry.void and isinstance(mapper, Narrows) and job.wired.repeats(mapper.root):
        entry.skip = skip
    elif skip is not None and not (job.options.resync and entry.synced):
        entry.skip = skip
        entry.close("skipped", skip.reason)
    elif entry.synced and not job.options.resync and isinstance(mapper, Narrows):
        narrow(job, mapper, entry)
    if entry.fate == "skipped" and entry.synced and entry.reason != ONCE:
        job.tally.notice(Notice(entry.record.kind, entry.record.id, entry.reason, entry.synced))


def narrow(job: Job, mapper: Narrows, entry: Entry) -> None:
    if job.wired.repeats(mapper.root):
        return
    entry.narrow = any(job.wired.repeats(entity) for entity in mapper.entities)
    if not entry.narrow:
        entry.close("skipped", ONCE)


# -- complete: the relatives of what passed, in as few calls as the vendor allows --------------------------------------


def complete(job: Job, mapper: FieldMapper, batch: Batch) -> Batch:
    everything = {kind: fields for kind, fields in mapper.fields.items() if kind != batch.kind}
    whole, narrowed = ([entry for entry in batch.heads if entry.narrow is narrow] for narrow in (False, True))
    for entries, relatives in ((whole, everything), (narrowed, job.wired.watched(mapper))):
        if entries and relatives:
            records = boundary.complete(job.wired.source, [entry.record for entry in entries], relatives)
            by_id = {record.id: record for record in records}
            for entry in entries:
                entry.record = by_id.get(entry.record.id, entry.record)
    return batch


# -- map --------------------------------------------------------------------------------------------------------------


def map_drafts(job: Job, mapper: FieldMapper, batch: Batch) -> None:
    records = [entry.record for entry in batch.heads if entry.former is None]
    found = iter(boundary.mapped(job.wired.source, mapper, records))
    for entry in batch.heads:
        drafts = [entry.former] if entry.former is not None else next(found)
        entry.forget()
        if isinstance(drafts, Rejected):
            entry.refusal = drafts
            entry.close("refused", drafts.message)
        elif isinstance(drafts, Skip):
            entry.skip = drafts
            entry.close("skipped", drafts.reason)
        else:
            entry.drafts = [_voided(draft) for draft in drafts if draft.root] if entry.void else drafts


def _voided(draft: Draft) -> Draft:
    return msgspec.structs.replace(draft, void=True)


# -- match: links first, then the matcher, once for each thing ---------------------------------------------------------


def match(job: Job, batch: Batch) -> list[Step]:
    """A decided step for every draft; equal drafts of several records are one."""
    steps: dict[Ref, Step] = {}
    repeats = functools.cache(job.wired.repeats)  # the settings are slow to ask for each draft
    for entry in batch.heads:
        for draft in entry.drafts:
            ref = draft.ref
            if ref in steps or ref in job.planned or (entry.narrow and not repeats(draft.entity)):
                continue
            steps[ref] = step_of(job, entry, draft, repeats)
    steps.update((step.ref, step) for step in outgrown(job, batch))
    recall(job, batch, steps)
    if job.options.fields:
        choose_fields(job, steps.values())
    decide(job, [step for step in steps.values() if step.link is None])
    if job.rehearsal:
        job.planned.update(steps)
    return list(steps.values())


def step_of(job: Job, entry: Entry, draft: Draft, repeats: Callable[[str], bool]) -> Step:
    named_only = draft.reference or bool(draft.file)
    step = Step(
        draft=draft, record_kind=entry.record.kind, record_id=entry.record.id,
        always=not named_only and (job.options.resync or draft.void or repeats(draft.entity)),
    )  # fmt: skip
    if job.options.overwrite_local:
        step.overwrite_local, step.shown = job.options.over, (job.options.shown or {}).get(step.ref, "")
    return step


def recall(job: Job, batch: Batch, steps: Mapping[Ref, Step]) -> None:
    """The links that the ledger knows; for the survivor of a merger, also those of what went up in it."""
    route = job.wired.lane.route
    with job.wired.store.read() as tx:
        for ref, link in ledger.find_links(tx, route, steps).items():
            steps[ref].link = link
        for old, new in merged_refs(batch).items():
            if new in steps and steps[new].link is None:
                found = ledger.find_links(tx, route, [old]).get(old)
                steps[new].link = found and msgspec.structs.replace(found, key=new.key, rule="merged")


def choose_fields(job: Job, steps: Iterable[Step]) -> None:
    """A re-sync of single fields: of a linked root only those, all else as it stands in the target."""
    wanted = set(job.options.fields)
    for step in steps:
        step.always = step.always and step.draft.root
        if step.link is None or not step.draft.root:
            continue
        held = held_by(job, step.draft.entity, step.link)
        body = {name: value if name in wanted else held.get(name) for name, value in step.draft.body.items()}
        custom = step.draft.body.get("custom", {})
        body["custom"] = {**held.get("custom", {}), **{k: v for k, v in custom.items() if f"custom.{k}" in wanted}}
        body = {name: value for name, value in body.items() if value not in (None, {})}
        step.draft = msgspec.structs.replace(step.draft, body=body, refs=references(body))


def held_by(job: Job, entity: str, link: LinkRow) -> dict[str, Any]:
    """What the target holds of a linked thing; of one that is sent calls, what was sent last."""
    lane = job.wired.lane
    if lane.atomic is None:
        return msgspec.json.decode(link.body, type=dict) if link.body else {}
    with job.wired.store.read() as tx:
        return lane.atomic.current(DocumentView(tx, lane.plugin), entity, [link.target]).get(link.target, {})


def decided(job: Job, drafts: Sequence[Draft]) -> dict[Ref, Decision]:
    """What drafts are in the target that are not linked to anything yet."""
    with job.wired.store.read() as tx:
        linked = ledger.find_links(tx, job.wired.lane.route, [draft.ref for draft in drafts])
    steps = [Step(draft=d, record_kind="", record_id="") for d in drafts if d.ref not in linked]
    decide(job, steps)
    return {step.ref: step.decision for step in steps if step.decision is not None}


def decide(job: Job, steps: Sequence[Step]) -> None:
    by_entity: dict[str, list[Step]] = {}
    for step in steps:
        by_entity.setdefault(step.draft.entity, []).append(step)
    for entity, group in by_entity.items():
        wanted = [step.draft for step in group]
        decisions = boundary.decisions(job.wired.matchers(entity), wanted, job.catalogues.of(entity, wanted))
        for step, decision in zip(group, decisions, strict=True):
            itself = isinstance(decision, Same) and decision.ref == step.ref  # on its way already
            step.decision = Create() if itself else decision
            if job.rehearsal and isinstance(decision, Create):
                learn_of(job, step, pending_id(step.ref))


def learn_of(job: Job, step: Step, target: str) -> None:
    """The catalogue gets to know a create, so that the next thing of its name is the same thing."""
    catalogue = job.catalogues.of(step.draft.entity)
    if catalogue.is_read:
        catalogue.learn(listed_as(step.draft, target), [step.draft.key])


# -- settle: effects, links, fates and the mark, in one transaction ----------------------------------------------------


def settle(job: Job, mapper: FieldMapper, batch: Batch, steps: Sequence[Step]) -> None:
    while (settled := try_settling(job, mapper, batch, steps)) is None:
        job.catalogues.forget()
        decide(job, [step for step in steps if step.link is None and step.refusal is None])
    outcomes, counted = settled
    for step in steps:
        outcome = outcomes[step.ref]
        if outcome.fate in ("created", "linked"):
            learn_of(job, step, outcome.target)
        elif isinstance(step.decision, Create) and job.wired.lane.atomic is None:
            learn_of(job, step, pending_id(step.ref))
    note_open(job, batch, outcomes)
    told = tell_items(outcomes, steps)
    job.tally.add(told)
    counted.add(told)
    job.wired.settled(counted)


def note_open(job: Job, batch: Batch, outcomes: Mapping[Ref, Outcome]) -> None:
    """What is sent by calls ends after its batch was counted: the count is put right when the answer is here."""
    if job.wired.lane.atomic is not None:
        return
    roots = {draft.ref for entry in batch.heads if not entry.counted for draft in entry.drafts if draft.root}
    for ref, outcome in outcomes.items():
        if outcome.fate in OPEN:
            job.open[ref] = (batch.kind if ref in roots else "", outcome.fate, outcome.reason)


def try_settling(
    job: Job, mapper: FieldMapper, batch: Batch, steps: Sequence[Step]
) -> tuple[dict[Ref, Outcome], Tally] | None:
    """None when another flow has written into the sink since the matcher looked: it may hold what we would create."""
    now, lane = job.wired.store.now(), job.wired.lane
    with job.wired.store.write() as tx:
        if not job.catalogues.holds_for(job.wired.sequence(tx)):
            return None
        fates.keep_merged_links(job, tx, merged_refs(batch))
        outcomes = writing.settle(tx, lane, steps, now)
        counted = conclude(job, batch, outcomes)
        fates.store(job, tx, mapper, batch, now)
        job.catalogues.moved(job.wired.sequence(tx))
    return outcomes, counted


def conclude(job: Job, batch: Batch, outcomes: Mapping[Ref, Outcome]) -> Tally:
    """Every record of the batch has its one fate now, and is counted under it."""
    counted = Tally()
    for entry in batch.heads:
        close(entry, outcomes)
    for entry in batch.entries:
        if entry.counted:
            continue
        counted.records[batch.kind][entry.fate or "unchanged"] += 1
        if entry.refusal is not None:
            counted.refused.append(fates.refusal_of(entry))
        if entry.reason:
            counted.reason(batch.kind, entry.fate or "", homing.in_general(entry.reason))
        if entry.fate == "skipped" and entry.skip is not None and entry.skip.amount is not None:
            counted.amounts[batch.kind][entry.reason][entry.skip.currency] += entry.skip.amount
    job.tally.add(counted)
    return counted


def close(entry: Entry, outcomes: Mapping[Ref, Outcome]) -> None:
    """The record's fate is that of its root draft; of one that was synced once only the rest was carried."""
    root = next((draft.ref for draft in entry.drafts if draft.root), None)
    if entry.refusal is not None or entry.fate is not None:
        return
    if entry.narrow:
        was = entry.earlier
        same = was is not None and was.digest == entry.digest and was.reason != ONCE  # of that a change was left out
        entry.close("unchanged" if same else "skipped", "" if same else ONCE)
    elif root is None:
        entry.close("skipped", "the map makes nothing of it")
    else:
        outcome = outcomes[root]
        entry.target = outcome.target if outcome.fate in DONE else ""
        entry.close("skipped" if outcome.reason == ONCE else outcome.fate, outcome.reason)
