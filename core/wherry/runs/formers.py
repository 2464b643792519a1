"""What a flow wrote before its ``document`` was changed: it stays what it is, and is not written in the new form too.

Of those records only a reversal is carried. What waited in the earlier form and was never written goes in the new one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct

from wherry.entities import FORMS, other_forms
from wherry.protocol import homing
from wherry.protocol.homing import Elsewhere
from wherry.protocol.rows import REVERSED
from wherry.protocol.tally import Notice
from wherry.records import Draft, Ref, Skip
from wherry.roles import FieldMapper, Narrows
from wherry.runs.job import Batch, Entry, Job, Wired, roots_of
from wherry.settings import Flow
from wherry.store import former, homes, ledger
from wherry.store.database import Tx
from wherry.store.ledger import Route
from wherry.wording import a, spelled


def free(job: Job, tx: Tx) -> None:
    """What waits in a form that the flow no longer makes gives way, before anything of it leaves."""
    for kind, mapper in _kinds(job.wired):
        homing.free(tx, job.wired.lane, kind, other_forms(*roots_of(mapper)), job.wired.store.now())


def to_be_freed(wired: Wired) -> set[Ref]:
    """What the next run will take out of the queue for that."""
    lane, found = wired.lane, set[Ref]()
    with wired.store.read() as tx:
        for kind, mapper in _kinds(wired):
            waiting = homes.unsent(tx, lane.route, homing.others(lane), kind, other_forms(*roots_of(mapper)))
            found |= {item.ref for item in homing.without_effect(tx, lane.route, waiting)}
    return found


def _kinds(wired: Wired) -> list[tuple[str, FieldMapper]]:
    """The kinds of a flow that become documents in one form of several."""
    if not wired.lane.has_homes or homing.form_of(wired.lane) != "document":
        return []
    return [(kind, mapper) for kind, mapper in wired.mappers.items() if other_forms(*roots_of(mapper))]


def free_first(job: Job) -> None:
    """At the beginning of a run: whatever is to be freed, in a transaction of its own."""
    if to_be_freed(job.wired):
        with job.wired.store.write() as tx:
            free(job, tx)


# -- at the gate -------------------------------------------------------------------------------------------------------


def carried_before(job: Job, tx: Tx, kind: str, fresh: Mapping[str, Entry]) -> None:
    """What stands because of a flow that the project calls otherwise now, or has no more, counts as carried. ``fresh``
    are the records that this flow has never seen."""
    lane = job.wired.lane
    if not fresh or not lane.has_homes or homing.form_of(lane) != "document":
        return
    if not former.flows(tx, lane.approvals):
        return
    known = homes.of_records(tx, lane.route, kind, fresh)
    mine = {Ref(one.entity, one.key): one.record for one in known
            if one.form == "document" and one.flow not in lane.approvals}  # fmt: skip
    for ref, link in ledger.find_links(tx, lane.route, mine).items():
        if link.target and link.rule != REVERSED:
            fresh[mine[ref]].carried = link.target


def leave_to_others(job: Job, mapper: FieldMapper, kind: str, entries: Sequence[Entry]) -> dict[str, Elsewhere]:
    """What another flow has as a document or a journal: nothing is read or made for it. Settling makes sure.

    Returns the records of which this flow made another document before: those are looked at further.
    """
    lane = job.wired.lane
    if not lane.has_homes:
        return {}
    roots, names = roots_of(mapper), {entry.record.id: (job.wired.name, kind, entry.record.id) for entry in entries}
    with job.wired.store.read() as tx:
        found = homing.kept_out(tx, lane, dict.fromkeys(names.values(), roots), foreseen=job.rehearsal)
    mine = {id: found[name] for id, name in names.items() if name in found}
    stands = {id: one for id, one in mine.items() if _is_own(job.wired.sending, one.home.flow)}
    for entry in entries:
        if entry.record.id in mine and entry.record.id not in stands:
            entry.close("skipped", mine[entry.record.id].why)
    return stands


def stays(job: Job, mapper: FieldMapper, entry: Entry, skip: Skip | None, stands: Elsewhere | None) -> bool:
    """Whether it was a document in another form that decided about the record: it stays, or is taken back. A flow that
    books journals takes no document back, nor what was booked under another name of its own, and says so."""
    if stands is None or entry.record.gone:
        return False
    if "journal" in (homing.form_of(job.wired.lane), stands.home.form):
        entry.close("skipped", stands.why)
        if skip is not None and skip.void:
            job.tally.notice(Notice(entry.record.kind, entry.record.id, f"{skip.reason}; {stands.why}"))
        return True
    if skip is None:
        job.met_former = True
        entry.close("skipped", stands.why)
        return True
    if entry.void and isinstance(mapper, Narrows) and job.wired.repeats(mapper.root):
        home = stands.home
        entry.skip = skip
        entry.former = Draft(entity=home.entity, key=home.key, body={}, label=stands.label, root=True, void=True)
        return True
    return False


def take_back(job: Job, kind: str, entries: Sequence[Entry]) -> set[str]:
    """Ids of the records, taken back at their source, of which the target holds something, or may."""
    wired = job.wired
    if not entries or not wired.lane.takes_back:
        return set()
    ids = [entry.record.id for entry in entries]
    with wired.store.read() as tx:
        open_items = ledger.items_of_records(tx, wired.lane.route, wired.name, kind, ids)
        known = homes.of_records(tx, wired.lane.route, kind, ids) if wired.lane.has_homes else ()
    left = {one.record for one in known if one.form == "document" and _is_own(wired, one.flow)}
    return {item.record_id for item in open_items if item.root} | {e.record.id for e in entries if e.synced} | left


def _is_own(wired: Wired, flow: str) -> bool:
    """Whether what a flow made is this one's to take back: its own, and that of a flow which the project calls
    otherwise now, or has no more."""
    return flow == wired.name or flow not in wired.lane.approvals


def take_back_all_the_same(job: Job, mapper: FieldMapper, batch: Batch) -> None:
    """What is void at its source is taken back, also where the map leaves its record out by now."""
    left = {entry.record.id: entry for entry in batch.heads if entry.void and entry.fate == "skipped"}
    if not left:
        return
    with job.wired.store.read() as tx:
        made = _made_of(job.wired, tx, roots_of(mapper), batch.kind, left)
        links = ledger.find_links(tx, job.wired.lane.route, [ref for _, ref in made])
    for entry, ref in made:
        body = msgspec.json.decode(links[ref].body or b"{}", type=dict) if ref in links else {}
        label = str(body.get("number") or "")
        entry.drafts = [Draft(entity=ref.entity, key=ref.key, body=body, label=label, root=True, void=True)]
        entry.fate, entry.reason = None, ""


def _made_of(
    wired: Wired, tx: Tx, roots: Iterable[str], kind: str, left: Mapping[str, Entry]
) -> list[tuple[Entry, Ref]]:
    """The documents that were made of records, or may have been: by their one home, else what is open or linked."""
    route = wired.lane.route
    if wired.lane.has_homes:
        found = homes.of_records(tx, route, kind, left)
        mine = [one for one in found if one.entity and _is_own(wired, one.flow)]
        return [(left[one.record], Ref(one.entity, one.key)) for one in mine]
    items = ledger.items_of_records(tx, route, wired.name, kind, left)
    under_way = {item.record_id: item.ref for item in items if item.root}
    linked = [
        (entry, Ref(root, key))
        for entry in left.values() if entry.synced and entry.record.id not in under_way for root in roots
        for source, key, _ in ledger.links_of_target(tx, route.sink, root, entry.synced) if source == route.source
    ]  # fmt: skip
    return [*((left[id], ref) for id, ref in under_way.items()), *linked]


# -- in words ----------------------------------------------------------------------------------------------------------


class Former(Struct, frozen=True, kw_only=True):
    """How many records of a flow stand in another form than it makes now, by entity; ``free`` of them were never
    written, and go in the new form."""

    flow: str
    sink: str
    document: str
    stand: dict[str, int]
    free: int = 0

    @property
    def says(self) -> str:
        """One sentence with what to do; empty where there is nothing to say."""
        return "; ".join(said for said in (self._standing, self._going) if said)

    @property
    def _one(self) -> str:
        return a(self.document.replace("-", " "))

    @property
    def _standing(self) -> str:
        kinds = [_counted(count, spelled(entity)) for entity, count in sorted(self.stand.items()) if count]
        stay, they, theirs = ("stays", "it is", "its record is") if sum(self.stand.values()) == 1 else (
            "stay", "they are", "their records are")  # fmt: skip
        return (
            f"{' and '.join(kinds)} that {self.flow} wrote before its document was {self.document!r} {stay} in "
            f"{self.sink} as {they}, and {theirs} not written once more; to have one as {self._one}, take "
            "it back first (wherry runs undo RUN, or void it at its source) and run the flow"
        ) if kinds else ""  # fmt: skip

    @property
    def _going(self) -> str:
        were, go = ("was", "goes") if self.free == 1 else ("were", "go")
        records = _counted(self.free, "record")
        return f"{records} that {were} never written {go} as {self._one} with the next run" if self.free else ""


def _counted(number: int, word: str) -> str:
    return f"{number:,} {word}" + ("" if number == 1 else "s")


def of_flow(
    tx: Tx, route: Route, flow: Flow, mappers: Mapping[str, FieldMapper], others: Collection[str]
) -> Former | None:  # fmt: skip
    """What of a flow stands in another form than it makes now; None where nothing does. ``others`` are the project's
    other flows."""
    free, stand, forms = 0, Counter[str](), []
    for kind, mapper in mappers.items():
        apart = other_forms(*roots_of(mapper))
        unsent = homing.without_effect(tx, route, homes.unsent(tx, route, others, kind, apart))
        stand.update(homes.count(tx, route, flow.name, kind, apart))
        stand.subtract(one.entity for one in unsent if one.flow == flow.name)  # as they are counted
        forms += [FORMS[root] for root in roots_of(mapper) if root in FORMS]
        free += len(unsent)
    if not free and not any(stand.values()):
        return None
    return Former(flow=flow.name, sink=flow.sink, document=forms[0], stand=dict(stand), free=free)


def told(job: Job) -> dict[str, str]:
    """What a run or a plan says of it, where it met such records."""
    if not job.met_former:
        return {}
    with job.wired.store.read() as tx:
        lane = job.wired.lane
        found = of_flow(tx, lane.route, job.wired.flow, job.wired.mappers, homing.others(lane))
    return {"former": found.says} if found is not None else {}
