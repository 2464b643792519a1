"""What ``match`` and ``repeat`` of a flow decided, and decide otherwise by now: it is looked at once more.

The source tells of a record when the record changes, never when the flow does. So the next run asks for those records
by id, and puts open questions to the rules as they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from wherry.protocol import boundary
from wherry.protocol.steps import Step
from wherry.records import Ask, Page
from wherry.roles import Fetches
from wherry.runs.job import Batch, Entry, Job, roots_of
from wherry.store import leavings, ledger, questions, registry
from wherry.store.registry import Mark

_MOST, _AT_ONCE = 1_000_000, 500


def decided_under(job: Job) -> dict[str, str]:
    """What decides as what a record goes on, and whether once more; noted with the mark."""
    if not job.decided_under:
        told = job.wired.flow.deciding
        both = {name: hashlib.sha256(_json(told.get(name))).hexdigest()[:16] for name in ("match", "repeat")}
        job.decided_under.update(both)
    return job.decided_under


_json = msgspec.json.Encoder(order="deterministic").encode


def _changed(job: Job, saved: Mark | None) -> set[str]:
    """Which of the two have changed since a kind was read."""
    if saved is None or not job.options.moves_mark:
        return set()
    return {name for name, value in decided_under(job).items() if not saved.is_under(**{name: value})}


def once_more(job: Job, kind: str, fields: tuple[str, ...], saved: Mark | None, after: str) -> Iterator[Page]:
    """The records that were left out, or refused because something they refer to was. The last page has the mark that
    is there (``after``), so that the settings count as seen, whatever the source tells further."""
    changed, source = _changed(job, saved), job.wired.source
    if not changed:
        return
    ids = _left_out(job, kind, changed) if isinstance(source, Fetches) else []
    for start in range(0, len(ids), _AT_ONCE):
        assert isinstance(source, Fetches)
        found = boundary.fetch(source, kind, ids[start : start + _AT_ONCE], fields)
        for record in found:
            record.touched = True  # the source says the same as before
        yield Page(found, "")
    yield Page([], after)


def _left_out(job: Job, kind: str, changed: set[str]) -> list[str]:
    wired, found = job.wired, list[str]()
    with wired.store.read() as tx:
        if "match" in changed:
            found += leavings.left_by_rule(tx, wired.name, kind)
            refused = ledger.open_items(tx, flow=wired.name, state="refused", limit=_MOST)
            mine = [item for item in refused if item.record_kind == kind and item.root]
            found += [item.record_id for item in mine if _lacks(item.draft.body)]
        if "repeat" in changed and any(map(wired.repeats, roots_of(wired.mappers[kind]))):
            found += leavings.left_behind(tx, wired.name, kind)
    return list(dict.fromkeys(found))


def _lacks(value: Any) -> bool:
    """Whether something that the document refers to was left out, so that nothing stands in its place."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return value is None or any(map(_lacks, inner))


def late(job: Job, batch: Batch) -> list[str]:
    """The records that were left out before, and are taken although they say the same: what they are may have been
    entered by hand meanwhile (case C20)."""
    return [entry.record.id for entry in batch.heads if _is_late(entry)] if job.wired.lane.atomic is None else []


def _is_late(entry: Entry) -> bool:
    return entry.record.touched and entry.earlier is not None and entry.earlier.fate == "skipped" and not entry.synced


Decide = Callable[[Job, Sequence[Step]], None]


def asked_again(job: Job, kind: str, decide: Decide) -> Iterator[tuple[Batch, list[Step]]]:
    """The open questions of a kind's records that the rules as they are now do not ask."""
    with job.wired.store.read() as tx:
        saved = registry.mark(tx, job.wired.name, kind)
        if "match" not in _changed(job, saved):
            return
        asked = questions.find_questions(tx, state="open", route=job.wired.lane.route, limit=_MOST)
    mine = [one for one in asked if (one.flow, one.record_kind) == (job.wired.name, kind)]
    steps = [Step(draft=one.draft, record_kind=kind, record_id=one.record_id) for one in mine]
    decide(job, steps)
    if answered := [step for step in steps if not isinstance(step.decision, Ask)]:
        yield Batch(kind), answered
