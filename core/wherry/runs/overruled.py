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
from wherry.protocol.rows import ONCE
from wherry.protocol.steps import Step
from wherry.records import Ask, Page
from wherry.roles import Fetches
from wherry.runs.job import Batch, Entry, Job, roots_of
from wherry.store import leavings, ledger, questions, registry

_MOST = 1_000_000


def decided_under(job: Job) -> dict[str, str]:
    """What decides as what a record goes on, and whether once more; noted with the mark."""
    told = job.wired.flow.deciding
    return {name: hashlib.sha256(_json(told.get(name))).hexdigest()[:16] for name in ("match", "repeat")}


_json = msgspec.json.Encoder(order="deterministic").encode


def _changed(job: Job, kind: str) -> set[str]:
    """Which of the two have changed since the kind was read."""
    if not job.options.moves_mark:
        return set()
    with job.wired.store.read() as tx:
        saved = registry.mark(tx, job.wired.name, kind)
    if saved is None:
        return set()
    return {name for name, value in decided_under(job).items() if not saved.is_under(**{name: value})}


def once_more(job: Job, kind: str, fields: tuple[str, ...], mark: str) -> Iterator[Page]:
    """The records that were left out, or refused because something they refer to was. The page has the mark that is
    there, so that the settings count as seen, whatever the source tells further."""
    changed, source = _changed(job, kind), job.wired.source
    if not changed:
        return
    ids = _left_out(job, kind, changed)
    found = boundary.fetch(source, kind, ids, fields) if ids and isinstance(source, Fetches) else []
    for record in found:
        record.touched = True  # the source says the same as before
    yield Page(found, mark)


def _left_out(job: Job, kind: str, changed: set[str]) -> list[str]:
    wired, found = job.wired, list[str]()
    with wired.store.read() as tx:
        if "match" in changed:
            found += leavings.left_by_rule(tx, wired.name, kind)
            refused = ledger.open_items(tx, flow=wired.name, state="refused", limit=_MOST)
            mine = [item for item in refused if item.record_kind == kind and item.root]
            found += [item.record_id for item in mine if _lacks(item.draft.body)]
        if "repeat" in changed and any(map(wired.repeats, roots_of(wired.mappers[kind]))):
            found += leavings.left_because(tx, wired.name, kind, ONCE)
    return list(dict.fromkeys(found))


def _lacks(value: Any) -> bool:
    """Whether something that the document refers to was left out, so that nothing stands in its place."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return value is None or any(map(_lacks, inner))


def is_late(entry: Entry) -> bool:
    """Whether it was left out before, and is not for its own sake any more: what it is may have been entered by hand
    meanwhile (case C20)."""
    return entry.record.touched and entry.earlier is not None and entry.earlier.fate == "skipped" and not entry.synced


Decide = Callable[[Job, Sequence[Step]], None]


def asked_again(job: Job, kind: str, decide: Decide) -> Iterator[tuple[Batch, list[Step]]]:
    """The open questions of a kind's records that the rules as they are now do not ask."""
    if "match" not in _changed(job, kind):
        return
    with job.wired.store.read() as tx:
        asked = questions.find_questions(tx, state="open", route=job.wired.lane.route, limit=_MOST)
    mine = [one for one in asked if (one.flow, one.record_kind) == (job.wired.name, kind)]
    steps = [Step(draft=one.draft, record_kind=kind, record_id=one.record_id) for one in mine]
    decide(job, steps)
    if answered := [step for step in steps if not isinstance(step.decision, Ask)]:
        yield Batch(kind), answered
