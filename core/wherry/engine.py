"""One sync run, top to bottom: read → gate → complete → map → match → copy files → settle.

Follow a record: ``run`` takes the kinds of a flow in turn, ``cross`` is the way of one kind. A *batch* is a stretch of
the source with the heads that passed the gate; it is settled, with its mark, in one transaction. Reading goes on in a
thread of its own, completing in a small pool; everything else happens in order in the calling thread.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing

import msgspec

from wherry import boundary, fates, writing
from wherry.errors import ContractBroken, Guarded, Rejected, TryAgain
from wherry.fates import ONCE, tell_items
from wherry.job import Batch, Entry, Job
from wherry.matching.catalogue import pending_id
from wherry.merging import merged_refs, take_over, take_over_late
from wherry.records import DONE, OPEN, Create, Draft, Listed, Page, Record, Ref, Skip
from wherry.roles import Fetches, FieldMapper, Narrows, OpensFiles, Query
from wherry.steps import Outcome, Step, references
from wherry.store import ledger, registry
from wherry.store.blobs import shown_name
from wherry.store.documents import DocumentView
from wherry.store.ledger import Seen
from wherry.tally import Notice, Tally
from wherry.threads import ahead, fan_out

_MOST_ENTRIES, _MOST_BYTES = 5_000, 16_000_000
_FEW = 10
"""Of so few records any number may go at once."""


def run(job: Job) -> Tally:
    """Carry every kind of the flow across. Raises the six errors; what was settled before stays settled."""
    for kind, mapper in job.wired.mappers.items():
        for batch, steps in approach(job, kind, mapper):
            copy_files(job, steps)
            settle(job, mapper, batch, steps)
    return job.tally


def rehearse(job: Job) -> tuple[Tally, dict[Ref, Outcome], list[Step]]:
    """Go the same way and roll it back: what a run would do now, down to each changed field. Nothing is copied."""
    ways = [way for kind, mapper in job.wired.mappers.items() for way in approach(job, kind, mapper)]
    steps = [step for _, decided in ways for step in decided]
    with job.wired.store.rehearse() as tx:
        outcomes = writing.settle(tx, job.wired.lane, steps, job.wired.store.now())
    for batch, _ in ways:
        conclude(job, batch, outcomes)
    job.tally.add(tell_items(outcomes, steps))
    return job.tally, outcomes, steps


def approach(job: Job, kind: str, mapper: FieldMapper) -> Iterator[tuple[Batch, list[Step]]]:
    """The way of one kind's records from the source to a decision about each of their drafts."""
    with closing(ahead(read(job, kind, mapper))) as pages:
        batches = gate(job, mapper, kind, pages)
        with closing(fan_out(lambda batch: complete(job, mapper, batch), batches, width=2)) as completed:
            for batch in completed:
                take_over_late(job, batch)
                map_drafts(mapper, batch)
                yield batch, match(job, batch)


# -- read: pages of heads from where the flow stopped ------------------------------------------------------------------


def read(job: Job, kind: str, mapper: FieldMapper) -> Iterator[Page]:
    """Pages of heads after the mark; from the start date when there is none, or when the map has changed since."""
    fields = mapper.fields.get(kind, ())
    if job.options.records:
        yield fetch(job, kind, fields)
        return
    after = mark_of(job, kind, mapper)
    query = Query(kind=kind, after=after, since=job.options.changed_since or job.wired.since, fields=fields,
                  relatives=job.wired.watched(mapper))  # fmt: skip
    pages = boundary.pages(job.wired.source, query)
    whole = after is None and job.options.moves_mark and known_before(job, kind) >= _FEW
    yield from guard_fall(job, kind, pages) if whole else enough(pages, job.options.limit)


def enough(pages: Iterator[Page], limit: int) -> Iterator[Page]:
    """The pages up to the one with which ``limit`` records are there; all of them without a limit."""
    count = 0
    for page in pages:
        count += len(page.records)
        yield page
        if limit and count >= limit:
            return


def fetch(job: Job, kind: str, fields: tuple[str, ...]) -> Page:
    source = job.wired.source
    if not isinstance(source, Fetches):
        raise ContractBroken(
            f"the source of {job.wired.name} cannot read single records", code="WHERRY-1120", flow=job.wired.name
        )
    return Page(boundary.fetch(source, kind, job.options.records, fields), "")


def mark_of(job: Job, kind: str, mapper: FieldMapper) -> str | None:
    if not job.options.moves_mark:
        return None
    with job.wired.store.read() as tx:
        saved = registry.mark(tx, job.wired.name, kind)
    return saved.mark if saved is not None and saved.mark and saved.fingerprint == mapper.fingerprint else None


def known_before(job: Job, kind: str) -> int:
    with job.wired.store.read() as tx:
        return ledger.count_living(tx, job.wired.name, kind)


def guard_fall(job: Job, kind: str, pages: Iterable[Page]) -> Iterator[Page]:
    """A source that suddenly shows far less than before is not believed: an error can look like empty (case B11).

    No mark goes along before all is counted, or the next run would go on behind it and never look again.
    """
    known, count, last = known_before(job, kind), 0, Page([], "")
    for page in pages:
        count += len(page.records)
        yield Page(page.records, "")
        last = page
    if count < known * (1 - float(job.wired.flow.limits.fall)):
        raise Guarded(
            f"{job.wired.name}: the source shows {count} {kind} records where {known} were seen before",
            fix="check what the connection may read; raise [flows.NAME.limits] fall if it is right",
            code="WHERRY-7020", flow=job.wired.name, kind=kind,
        )  # fmt: skip
    yield Page([], last.mark)


# -- gate: repeats, and what no rule lets in, meet their fate before anything more is read about them ------------------


def gate(job: Job, mapper: FieldMapper, kind: str, pages: Iterable[Page]) -> Iterator[Batch]:
    """Pages → batches of exactly the source's chunk of heads that passed, so that each of its calls is full."""
    batch, left, chunk = Batch(kind), job.options.limit, job.wired.source.chunk
    for page in pages:
        records = page.records[:left] if left else page.records
        left -= len(records) if left else 0
        for entry in sift(job, mapper, kind, records):
            full = entry.fate is None and len(batch.heads) >= chunk
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
    salt = hashlib.blake2b(mapper.fingerprint.encode(), digest_size=32).digest()
    entries = [Entry(record=record, digest=digest_of(record, salt)) for record in records]
    newest = {entry.record.id: entry for entry in entries if job.recent.is_new(entry)}
    wanted = [*newest, *(id for record in records for id in record.merged_ids)]
    with job.wired.store.read() as tx:
        known = ledger.find_seen(tx, job.wired.name, kind, wanted)
    for entry in newest.values():
        recognise(job, entry, known)
    fresh = [entry for entry in newest.values() if entry.fate is None]
    skips = boundary.triggers(job.wired.source, mapper, [entry.record for entry in fresh])
    for entry, skip in zip(fresh, skips, strict=True):
        admit(job, mapper, entry, skip)
    job.recent.note(newest.values())
    return list(newest.values())


def digest_of(record: Record, salt: bytes) -> bytes:
    return hashlib.blake2b(record.payload, digest_size=16, key=salt).digest()


def recognise(job: Job, entry: Entry, known: Mapping[str, Seen]) -> None:
    """What the store knows of the record: the version seen before keeps its fate; a survivor takes over a merger."""
    record = entry.record
    entry.earlier = earlier = known.get(record.id)
    if earlier is not None and earlier.digest == entry.digest and not (record.touched or job.options.resync):
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
    whole = [entry for entry in batch.heads if not entry.narrow]
    narrowed = [entry for entry in batch.heads if entry.narrow]
    for entries, relatives in ((whole, everything), (narrowed, job.wired.watched(mapper))):
        if entries and relatives:
            records = boundary.complete(job.wired.source, [entry.record for entry in entries], relatives)
            by_id = {record.id: record for record in records}
            for entry in entries:
                entry.record = by_id.get(entry.record.id, entry.record)
    return batch


# -- map --------------------------------------------------------------------------------------------------------------


def map_drafts(mapper: FieldMapper, batch: Batch) -> None:
    for entry in batch.heads:
        try:
            entry.drafts = boundary.drafts(mapper, entry.record)
        except Rejected as error:
            entry.refusal = error
            entry.close("refused", error.message)


# -- match: links first, then the matcher, once for each thing ---------------------------------------------------------


def match(job: Job, batch: Batch) -> list[Step]:
    """A decided step for every draft; equal drafts of several records are one."""
    steps: dict[Ref, Step] = {}
    for entry in batch.heads:
        for draft in entry.drafts:
            if draft.ref not in job.planned and (not entry.narrow or job.wired.repeats(draft.entity)):
                steps.setdefault(draft.ref, step_of(job, entry, draft))
    recall(job, batch, steps)
    if job.options.fields:
        choose_fields(job, steps.values())
    decide(job, [step for step in steps.values() if step.link is None])
    if job.rehearsal:
        job.planned.update(steps)
    return list(steps.values())


def step_of(job: Job, entry: Entry, draft: Draft) -> Step:
    named_only = draft.reference or bool(draft.file)
    return Step(
        draft=draft, record_kind=entry.record.kind, record_id=entry.record.id,
        always=not named_only and (job.options.resync or job.wired.repeats(draft.entity)),
        overwrite_local=job.options.overwrite_local,
    )  # fmt: skip


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
    wanted, sink, plugin = set(job.options.fields), job.wired.lane.sink, job.wired.lane.plugin
    for step in steps:
        step.always = step.always and step.draft.root
        if step.link is None or not step.draft.root:
            continue
        with job.wired.store.read() as tx:
            held = sink.current(DocumentView(tx, plugin), step.draft.entity, [step.link.target]).get(
                step.link.target, {}
            )
        body = {name: value if name in wanted else held.get(name) for name, value in step.draft.body.items()}
        custom = step.draft.body.get("custom", {})
        body["custom"] = {**held.get("custom", {}), **{k: v for k, v in custom.items() if f"custom.{k}" in wanted}}
        body = {name: value for name, value in body.items() if value not in (None, {})}
        step.draft = msgspec.structs.replace(step.draft, body=body, refs=references(body))


def decide(job: Job, steps: Sequence[Step]) -> None:
    by_entity: dict[str, list[Step]] = {}
    for step in steps:
        by_entity.setdefault(step.draft.entity, []).append(step)
    for entity, group in by_entity.items():
        wanted, catalogue = [step.draft for step in group], job.catalogues.of(entity)
        decisions = boundary.decisions(job.wired.matchers(entity), wanted, catalogue)
        for step, decision in zip(group, decisions, strict=True):
            step.decision = decision
            if job.rehearsal and isinstance(decision, Create):
                learn_of(job, step, pending_id(step.ref))


def learn_of(job: Job, step: Step, target: str) -> None:
    """The catalogue gets to know a create, so that the next thing of its name is the same thing."""
    body = step.draft.body
    listed = Listed(target, str(body.get("name", "")), str(body.get("sku", "")), str(body.get("type", "")))
    job.catalogues.of(step.draft.entity).learn(listed, [step.draft.key])


# -- copy files: before the transaction, under a name that a second try finds again ------------------------------------


def copy_files(job: Job, steps: Sequence[Step]) -> None:
    wanted = [step for step in steps if step.draft.file and isinstance(step.decision, Create)]
    for _ in fan_out(lambda step: copy_file(job, step), wanted, width=4):
        pass


def copy_file(job: Job, step: Step) -> None:
    source, draft = job.wired.source, step.draft
    origin = f"{job.wired.lane.route.source}/{draft.file}"
    step.later = ""
    try:
        blob = job.wired.blobs.find(origin)
        if blob is None and isinstance(source, OpensFiles):
            with boundary.opened(source, draft.file) as pieces:
                blob = job.wired.blobs.put(origin, pieces)
    except Rejected as error:
        step.refusal = error
    except TryAgain as error:
        step.later = error.message
    else:
        found = {"blob": blob.name, "size": blob.size, "sha256": blob.sha256} if blob else {}
        draft.body.update(found, name=shown_name(str(draft.body.get("name", ""))))


# -- settle: effects, links, fates and the mark, in one transaction ----------------------------------------------------


def settle(job: Job, mapper: FieldMapper, batch: Batch, steps: Sequence[Step]) -> None:
    while (settled := try_settling(job, mapper, batch, steps)) is None:
        job.catalogues.forget()
        decide(job, [step for step in steps if step.link is None and step.refusal is None])
    outcomes, counted = settled
    for step in steps:
        if outcomes[step.ref].fate in ("created", "linked"):
            learn_of(job, step, outcomes[step.ref].target)
    told = tell_items(outcomes, steps)
    job.tally.add(told)
    counted.add(told)
    job.wired.settled(counted)


def try_settling(
    job: Job, mapper: FieldMapper, batch: Batch, steps: Sequence[Step]
) -> tuple[dict[Ref, Outcome], Tally] | None:
    """None when another flow has written into the sink since the matcher looked: it may hold what we would create."""
    now, lane = job.wired.store.now(), job.wired.lane
    with job.wired.store.write() as tx:
        view = DocumentView(tx, lane.plugin)
        if not job.catalogues.holds_for(view.sequence()):
            return None
        fates.keep_merged_links(job, tx, merged_refs(batch))
        outcomes = writing.settle(tx, lane, steps, now)
        counted = conclude(job, batch, outcomes)
        fates.store(job, tx, mapper, batch, now)
        job.catalogues.moved(view.sequence())
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
        if entry.reason and entry.fate not in DONE:
            counted.reasons[batch.kind][entry.fate or ""][entry.reason] += 1
    job.tally.add(counted)
    return counted


def close(entry: Entry, outcomes: Mapping[Ref, Outcome]) -> None:
    """The record's fate is that of its root draft; of one that was synced once only the rest was carried."""
    root = next((draft.ref for draft in entry.drafts if draft.root), None)
    if entry.refusal is not None:
        return
    if entry.narrow:
        same = entry.earlier is not None and entry.earlier.digest == entry.digest
        entry.close("unchanged" if same else "skipped", "" if same else ONCE)
    elif root is None:
        entry.close("skipped", "the map makes nothing of it")
    else:
        outcome = outcomes[root]
        entry.target = outcome.target if outcome.fate in DONE else ""
        entry.close(outcome.fate, outcome.reason)
