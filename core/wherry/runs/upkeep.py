"""What the source does not tell by itself: things put off, questions that answered themselves, and records that left.

The hub calls ``retry`` before a run, ``rematch`` and ``sweep`` after it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator

import msgspec

from wherry.entities import other_forms
from wherry.errors import Guarded
from wherry.protocol import boundary, restored, writing
from wherry.protocol.steps import Step
from wherry.protocol.tally import Notice
from wherry.records import Create, Link, Record
from wherry.roles import FieldMapper, Matcher, Sweeps
from wherry.runs.copying import copy_files
from wherry.runs.fates import event_of, tell_items, withdraw
from wherry.runs.job import Batch, Entry, Job, Wired, roots_of
from wherry.store import calls, former, ledger, questions, registry
from wherry.store.database import Tx
from wherry.store.ledger import Seen


def retry(job: Job) -> None:
    """What was put off in an earlier run, such as a file whose server was down, is tried again first."""
    with job.wired.store.read() as tx:
        queued = ledger.open_items(tx, flow=job.wired.name, state="queued")
    steps = [
        Step(
            draft=item.draft,
            record_kind=item.record_kind,
            record_id=item.record_id,
            decision=Create(),
            item=item,
        )
        for item in queued
        if not item.stamp  # what has one waits for its target, and leaves with the drain
    ]
    if steps:
        copy_files(job, steps)
        put_through(job, steps)


def note_looked(job: Job) -> None:
    """The flow has run through. Once nothing is left to send either, what comes from now on is not looked for before it
    is made."""
    wired, lane = job.wired, job.wired.lane
    flow = restored.flow_on(wired.name, lane.route.source, lane.route.sink)
    if lane.atomic is not None:
        return
    with wired.store.read() as tx:
        left = ledger.count_open(tx, wired.name)
        still = any(left.get(state) for state in ("queued", "unknown", "waiting"))
        unnoted = restored.to_note(tx, flow, left=still)
    if unnoted:
        with wired.store.write() as tx:
            for key in unnoted:
                calls.put_note(tx, key, wired.store.now())


MatcherOf = Callable[[str, str], Matcher | None]
"""Flow and entity → the matcher of that flow; None for a flow that the project no longer has."""


def rematch(job: Job, matcher_of: MatcherOf) -> None:
    """What came in with this run may be the answer to an open question, by the rules of the flow that asked."""
    for entity, fates in list(job.tally.items.items()):
        if fates["created"] or fates["updated"]:
            put_through(job, [step for step in _asked(job, entity, matcher_of) if isinstance(step.decision, Link)])


def _asked(job: Job, entity: str, matcher_of: MatcherOf) -> Iterator[Step]:
    """The open questions of this route as steps, decided anew."""
    with job.wired.store.read() as tx:
        asked = questions.find_questions(tx, state="open", route=job.wired.lane.route, entity=entity, limit=10_000)
    for question in asked:
        matcher = matcher_of(question.flow, entity)
        if matcher is not None:
            [decision] = boundary.decisions(matcher, [question.draft], job.catalogues.of(entity))
            yield Step(
                draft=question.draft, flow=question.flow, decision=decision, record_kind=question.record_kind,
                record_id=question.record_id,
            )  # fmt: skip


def put_through(job: Job, steps: list[Step]) -> None:
    if not steps:
        return
    with job.wired.store.write() as tx:
        outcomes = writing.settle(tx, job.wired.lane, steps, job.wired.store.now())
    job.catalogues.forget()
    job.tally.add(tell_items(outcomes, steps))


def sweep(job: Job, kind: str, mapper: FieldMapper) -> None:
    """Once a day (``limits.sweep``): what became of the records that were synced, or that wait?

    A search never shows what was archived or merged.
    """
    source, wired = job.wired.source, job.wired
    if not isinstance(source, Sweeps) or not job.options.moves_mark or job.options.resync:
        return
    with wired.store.read() as tx:
        mark = registry.mark(tx, wired.name, kind)
        if mark is None or not (job.options.sweep or sweep_is_due(wired, mark.swept_at)):
            return
        left = _left_by_others(tx, wired, kind, mapper)
        known = left | dict(ledger.synced_ids(tx, wired.name, kind))
        known.update((id, "") for id in ledger.open_ids(tx, wired.name, kind))
    if not known:
        return
    found = boundary.sweep(source, kind, list(known), mapper.fields.get(kind, ()))
    guard_vanished(job, kind, len(found), len(known))
    now = wired.store.now()
    batch = Batch(kind, [gone_entry(record, known[record.id]) for record in found])
    with wired.store.write() as tx:
        registry.save_mark(tx, msgspec.structs.replace(mark, swept_at=now))
        ledger.put_events(tx, [event_of(job, entry, now) for entry in batch.entries])
        ledger.put_seen(tx, wired.name, [_taken_over(job, e) for e in batch.entries if e.record.id in left])
        withdraw(job, tx, batch, now)
        ledger.mark_synced(tx, [("skipped", "", e.reason, wired.name, kind, e.record.id) for e in batch.entries])
    for entry in batch.entries:
        job.tally.notice(Notice(kind, entry.record.id, entry.reason, entry.synced))


def _left_by_others(tx: Tx, wired: Wired, kind: str, mapper: FieldMapper) -> dict[str, str]:
    """Record → target, of what the flow carried under another name and has not seen since: it is its own."""
    roots = roots_of(mapper)
    return former.left(tx, wired.lane.route, wired.name, wired.lane.approvals, kind, (*roots, *other_forms(*roots)))


def _taken_over(job: Job, entry: Entry) -> Seen:
    """The row of a record that has gone before the flow saw it under its name."""
    return Seen(entry.record.kind, entry.record.id, entry.record.version, b"", "skipped", entry.reason,
                synced=entry.target, run=job.wired.lane.run)  # fmt: skip


def gone_entry(record: Record, target: str) -> Entry:
    into = f" into {record.merged_into}" if record.merged_into else ""
    entry = Entry(record=record, digest=b"", target=target)
    entry.earlier = Seen(record.kind, record.id, record.version, b"", "skipped", synced=target)
    kept = f"{target} is kept" if target else "nothing was written of it"
    entry.close("skipped", f"gone: {record.gone}{into} at the source; {kept}")
    return entry


def sweep_is_due(wired: Wired, swept_at: str) -> bool:
    """A sweep of the future was noted by a clock that was wrong."""
    if not swept_at:
        return True
    return abs(wired.store.clock.now() - dt.datetime.fromisoformat(swept_at)) >= wired.flow.limits.sweep_every


def guard_vanished(job: Job, kind: str, gone: int, known: int) -> None:
    if known >= 10 and gone > known * float(job.wired.flow.limits.fall):
        raise Guarded(
            f"{job.wired.name}: {gone} of {known} synced {kind} records are no longer to be found at the source",
            fix=f"check what the connection may read; raise [flows.{job.wired.name}.limits] fall if it is right",
            code="WHERRY-7021", flow=job.wired.name, kind=kind,
        )  # fmt: skip
