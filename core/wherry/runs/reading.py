"""Pages of heads from where the flow stopped: after its mark, from its start, or just the records asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol, runtime_checkable

from wherry.books.frozen import frozen
from wherry.entities import other_forms
from wherry.errors import ContractBroken, Guarded
from wherry.protocol import boundary, homing
from wherry.records import Page, Record
from wherry.roles import Fetches, FieldMapper, Narrows, Query
from wherry.runs import overruled
from wherry.runs.job import Job, roots_of
from wherry.store import homes, ledger, registry
from wherry.store.registry import Mark

_FEW = 10
"""Of so few records any number may go at once."""


@runtime_checkable
class Derives(Protocol):
    """Optional: a source that makes relatives of a record's own fields, such as the lines that it is booked by."""

    derived: Mapping[str, Mapping[str, tuple[str, ...]]]
    """Kind of such a relative → kind of the record → the fields it is made of. Whoever reads the relative reads these:
    a change of one is a change of the record."""


def read(job: Job, kind: str, mapper: FieldMapper) -> Iterator[Page]:
    """Pages of heads after the mark; from the start date when there is none, or when the map has changed since."""
    refuse_other_ends(job)
    fields = fields_of(job, kind)
    if job.options.records:
        yield fetch(job, kind, fields)
        return
    if job.options.moves_mark and (freed := freed_of(job, kind)):
        yield Page(freed, "")
    saved, under = saved_mark(job, kind), read_under(job, kind, mapper)
    after = saved.mark or None if saved is not None and saved.is_under(**under) else None
    yield from overruled.once_more(job, kind, fields, saved, after or "")
    query = Query(kind=kind, after=after, since=job.options.changed_since or job.wired.since, fields=fields,
                  relatives=job.wired.watched(mapper), complete=tuple(mapper.fields),
                  repeats=not isinstance(mapper, Narrows) or job.wired.repeats(mapper.root))  # fmt: skip
    pages = boundary.pages(job.wired.source, query)
    comparable = saved is None or saved.is_under(choice=under["choice"])  # else fewer may be just what is wanted
    whole = after is None and comparable and job.options.moves_mark and known_before(job, kind) >= _FEW
    yield from guard_fall(job, kind, pages) if whole else enough(pages, job.options.limit)


def fields_of(job: Job, kind: str) -> tuple[str, ...]:
    """What the map reads of a record, also by way of relatives that are made of it; empty: everything."""
    own, source = job.wired.mappers[kind].fields, job.wired.source
    named = own.get(kind, ())
    if not named or not isinstance(source, Derives):
        return named
    more = (name for relative in own for name in source.derived.get(relative, {}).get(kind, ()))
    return tuple(dict.fromkeys([*named, *more]))


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


def freed_of(job: Job, kind: str) -> list[Record]:
    """Records that stood in another form, or that another flow had, and that nobody has any more."""
    source, lane = job.wired.source, job.wired.lane
    if not lane.has_homes or not isinstance(source, Fetches):
        return []
    with job.wired.store.read() as tx:
        apart = other_forms(*roots_of(job.wired.mappers[kind]))
        ids = homes.freed(tx, lane.route, job.wired.name, kind, homing.form_of(lane), apart)
    found = boundary.fetch(source, kind, ids, fields_of(job, kind)) if ids else []
    for record in found:
        record.touched = True  # the source says the same as before
    return found


def saved_mark(job: Job, kind: str) -> Mark | None:
    if not job.options.moves_mark:
        return None
    with job.wired.store.read() as tx:
        return registry.mark(tx, job.wired.name, kind)


def read_under(job: Job, kind: str, mapper: FieldMapper) -> dict[str, str]:
    """What decides which records are read, and as what: once one of it is another, the mark says nothing."""
    choice = boundary.choice(job.wired.source, kind)
    return {
        "map": mapper.fingerprint, "ends": job.wired.ends, "since": str(job.wired.since or ""),
        "choice": hashlib.sha256(choice.encode()).hexdigest()[:16] if choice else "",
    }  # fmt: skip


def refuse_other_ends(job: Job) -> None:
    """What was seen and how far was read is kept by the flow's name: between other connections it would be wrong, and
    what did not change lately would never be carried over."""
    flow, name = job.wired.flow, job.wired.name
    with job.wired.store.read() as tx:
        saved = [mark for kind in job.wired.mappers if (mark := registry.mark(tx, name, kind))]
    if not all(mark.is_under(ends=job.wired.ends) for mark in saved):
        raise Guarded(
            f"flow {name} ran between other connections than {flow.source} and {flow.sink} before: what it has read "
            "and written holds for those alone",
            fix=f"put source and sink of flows.{name} back, or give the flow another name", code="WHERRY-7035",
            flow=name,
        )  # fmt: skip
    if not saved and job.wired.posting is not None:
        refuse_another_name(job)


def refuse_another_name(job: Job) -> None:
    """What is to be booked is kept by the flow's name, too: under another one it would be left to a flow that there is
    no more."""
    lane = job.wired.sending.lane
    with job.wired.store.read() as tx:
        moved = [one for kind in job.wired.mappers for one in homes.moved(tx, lane.route, kind)]
        alone = [(flow, entry) for flow, entry in moved if flow not in lane.approvals]
        sent = frozen(tx, lane.route, {entry for _, entry in alone})
    former = next((flow for flow, entry in alone if entry not in sent), "")
    if former:
        raise Guarded(
            f"flow {former} has movements for {job.wired.flow.sink} that were not posted yet, and the project has no "
            f"flow of that name any more: {job.wired.name} would leave them out, and nobody would book them",
            fix=f"call it flows.{former} again; it keeps that name as long as anything is not posted, be it under "
            "one cent or dated before the books", code="WHERRY-7036", flow=job.wired.name,
        )  # fmt: skip


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
            fix=f"check what the connection may read; raise [flows.{job.wired.name}.limits] fall if it is right",
            code="WHERRY-7020", flow=job.wired.name, kind=kind,
        )  # fmt: skip
    yield Page([], last.mark)
