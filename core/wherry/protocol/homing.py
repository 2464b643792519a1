"""A record goes into a target as a document or as a journal, whatever flows carry it, and never as both; as a document
in one form: what stands as a sales order is not written as an invoice too.

What comes second is left out with a sentence that names the first. Its record is looked at again once the first was
taken back. Source: issue 4, I10 of write-protocol.md; cases *an invoice and its journal* of behaviours.md, 000.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct

from wherry.entities import other_forms
from wherry.errors import Guarded
from wherry.protocol.rows import REVERSED, flow_of, may_stand
from wherry.protocol.steps import Lane, Outcome, Step
from wherry.records import DONE, OPEN, Ref
from wherry.store import exported, homes, inquiries, ledger, movements
from wherry.store.database import Tx
from wherry.store.homes import Form, Home
from wherry.store.ledger import Event, ItemRow, LinkRow, Route
from wherry.wording import a, spelled

Name = tuple[str, str, str]
"""Flow, kind and id of a record."""
_BEGINS, _NAMED = "flow ", " has it already, as "
_GONE = ", and the project has no flow of that name any more"
_ONE = "a record goes into a target as one document, and that stays what it is until it is taken back"


def form_of(lane: Lane) -> Form:
    """What the records of a lane become."""
    return "journal" if lane.route.is_subledger else "document"


def others(lane: Lane) -> Collection[str]:
    """The project's other flows. What is of none of them was made by one that has another name now, or is no more: it
    is the lane's own."""
    return lane.approvals.keys() - {lane.flow}


class Elsewhere(Struct, frozen=True):
    """Why a record is left out, in words, the home that it has, and what people call the document that it is there."""

    why: str
    home: Home
    label: str


def kept_out(
    tx: Tx, lane: Lane, names: Mapping[Name, Iterable[str]], *, foreseen: bool = False
) -> dict[Name, Elsewhere]:  # fmt: skip
    """The records that stand in another form, or that another flow has booked → why they are left out.

    ``names`` are the records, each with the entities that it may become. What a flow has in this form already it
    keeps, or nobody could take it back. ``foreseen``: what ``withdraw`` takes out of the queue counts as gone.
    """
    if not lane.has_homes:
        return {}
    by_kind: dict[tuple[str, str], dict[str, tuple[str, ...]]] = defaultdict(dict)
    for (flow, kind, record), entities in names.items():
        by_kind[flow, kind][record] = other_forms(*entities)
    found: dict[Name, Elsewhere] = {}
    for (flow, kind), apart in by_kind.items():
        known = _excluding(homes.of_records(tx, lane.route, kind, apart), flow, form_of(lane), apart)
        gone = _to_be_withdrawn(tx, lane, flow, known) if foreseen else set()
        found |= {(flow, kind, home.record): _elsewhere(tx, lane, home)
                  for home in known if Ref(home.entity, home.key) not in gone}  # fmt: skip
    return found


def _excluding(known: list[Home], flow: str, form: Form, apart: Mapping[str, tuple[str, ...]]) -> list[Home]:
    own = {home.record for home in known
           if home.flow == flow and home.form == form and home.entity not in apart[home.record]}  # fmt: skip
    return [home for home in known
            if home.record not in own and homes.excludes(home, flow, form, apart[home.record])]  # fmt: skip


def _to_be_withdrawn(tx: Tx, lane: Lane, flow: str, known: Iterable[Home]) -> set[Ref]:
    mine = [Ref(home.entity, home.key) for home in known if home.flow == flow and home.form == "document"]
    found = ledger.find_items(tx, lane.route, mine).values() if form_of(lane) == "document" and mine else ()
    return {item.ref for item in without_effect(tx, lane.route, found)}


def without_effect(tx: Tx, route: Route, items: Collection[ItemRow]) -> list[ItemRow]:
    """Those of which the target holds nothing; what was given up may stand there by hand."""
    unsent = [item for item in items if not may_stand(item)]
    links = ledger.find_links(tx, route, [item.ref for item in unsent])
    return [item for item in unsent if item.ref not in links or links[item.ref].rule == REVERSED]


def free(tx: Tx, lane: Lane, kind: str, apart: Collection[str], now: str) -> None:
    """What waits in a form that the flow no longer makes (``apart``), and was never written, is freed: its record goes
    in the new one. What may stand there, because nobody knows what became of it, stays as it is.
    """
    gone = without_effect(tx, lane.route, homes.unsent(tx, lane.route, others(lane), kind, apart))
    ledger.remove_items(tx, [item.id for item in gone])
    leave(tx, lane, gone)
    waiting = [Home(kind=kind, record=item.record_id, flow=lane.flow, form="waits") for item in gone]
    homes.put(tx, lane.route, waiting)
    told = [(item, f"it was to be {a(spelled(item.entity))}, and its flow makes none any more") for item in gone]
    ledger.put_events(tx, [
        Event(now, lane.run, lane.flow, kind, item.record_id, item.entity, item.key, "skipped", "", why)
        for item, why in told
    ])  # fmt: skip
    ledger.mark_synced(tx, [("skipped", "", why, lane.flow, kind, item.record_id) for item, why in told])


def _elsewhere(tx: Tx, lane: Lane, home: Home) -> Elsewhere:
    """``flow invoices has it already, as invoice 536365 (145 in the target); what goes in as …``."""
    route = Route(lane.route.source, lane.route.target * (-1 if home.form == "journal" else 1))
    ref = Ref(home.entity, home.key)
    link, item = ledger.find_links(tx, route, [ref]).get(ref), ledger.find_items(tx, route, [ref]).get(ref)
    number = _number(tx, home, link) if link is not None else item.label if item is not None else ""
    name = number or home.key.removeprefix("id:")
    stands = " (on its way)" if link is None else f" ({link.target or 'given up, as it may be there already'})"
    gone = "" if home.flow in lane.approvals or home.form != "journal" else _GONE
    why = f"{_BEGINS}{home.flow}{_NAMED}{spelled(home.entity)} {name}{stands}{gone}: {_rule(lane, home)}"
    return Elsewhere(why, home, number)


def _rule(lane: Lane, home: Home) -> str:
    if form_of(lane) != home.form:
        return "a record goes into a target as a document or as a journal, never as both"
    if home.form == "journal":
        return "a record is booked by one flow alone"
    return _ONE


def _number(tx: Tx, home: Home, link: LinkRow) -> str:
    """What people call the thing that stands for the record."""
    if home.form == "document":
        return exported.said(link, "number")
    return movements.reference_of(tx, link.target)


def is_kept_out(reason: str) -> bool:
    """Whether that is why a record was left out."""
    return reason.startswith(_BEGINS) and _NAMED in reason


def why_it_stays(reason: str) -> str:
    """Of a record that was left out because it stands as another document: why that stays; else empty."""
    return _ONE if is_kept_out(reason) and reason.endswith(_ONE) else ""


def in_general(reason: str) -> str:
    """The reason without the names of the one record: what is counted."""
    if not is_kept_out(reason):
        return reason
    return reason.partition(_NAMED)[0] + " has it already" + (_GONE if _GONE in reason else "")


def of_steps(tx: Tx, lane: Lane, steps: Iterable[Step]) -> dict[Ref, str]:
    """The same for the documents that are to be settled: those that are to be written, for the first time or again."""
    if not lane.has_homes:
        return {}
    again = (None, "queued")
    mine = [step for step in steps
            if _counts(step) and (step.answer.fate if step.answer is not None else None) in again]  # fmt: skip
    _recall(tx, lane, mine)
    found = kept_out(tx, lane, {name_of(lane, step): (step.draft.entity,) for step in mine})
    named = ((step.ref, found.get(name_of(lane, step))) for step in mine)
    return {ref: one.why for ref, one in named if one is not None}


def _recall(tx: Tx, lane: Lane, steps: Iterable[Step]) -> None:
    """A document that was written before homes were kept for its target has its own from now on."""
    fresh = {Ref(entity, step.draft.key): step for step in steps if step.link is None and not step.draft.void
             for entity in other_forms(step.draft.entity)}  # fmt: skip
    links = ledger.find_links(tx, lane.route, fresh)
    for ref in [ref for ref, link in links.items() if link.target and link.rule != REVERSED]:
        event = inquiries.record_of(tx, ref, links[ref].target)
        step = fresh[ref]
        if event is not None and (event.record_kind, event.record_id) == (step.record_kind, step.record_id):
            homes.put(tx, lane.route, [_home(lane, (event.flow, event.record_kind, event.record_id), ref)])


def name_of(lane: Lane, step: Step) -> Name:
    return flow_of(lane, step), step.record_kind, step.record_id


def _counts(step: Step) -> bool:
    """Whether a step decides over the home of its record. Entries are made of records that have theirs."""
    return step.draft.root and step.record_id != "" and step.record_kind != "journal"


def note(tx: Tx, lane: Lane, told: Iterable[tuple[Step, Outcome]]) -> None:
    """What was settled has its home from now on; what was taken back, or given up when it was refused, has none."""
    if not lane.has_homes:
        return
    rows: list[Home] = []
    gone: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for step, outcome in told:
        if not _counts(step) or _stays_as_it_is(step, outcome):
            continue
        flow, kind, record = name_of(lane, step)
        if _stands(step, outcome):
            rows.append(_home(lane, (flow, kind, record), step.ref))
        else:
            gone[flow, kind, step.draft.entity].append(record)
    for (flow, kind, entity), records in gone.items():
        homes.drop(tx, lane.route, flow, kind, records, entity)
    homes.put(tx, lane.route, rows)


def _home(lane: Lane, name: Name, ref: Ref) -> Home:
    flow, kind, record = name
    return Home(kind=kind, record=record, flow=flow, entity=ref.entity, key=ref.key, form=form_of(lane))


def _stays_as_it_is(step: Step, outcome: Outcome) -> bool:
    """What is given up where nobody could tell whether the target holds it may stand there: it keeps its home. So does
    whatever was given up when its record changes again."""
    if outcome.fate != "skipped":
        return False
    ignored = step.link is not None and not step.link.target
    return ignored or (step.answer is not None and step.item is not None and step.item.state == "decide")


def take_up(tx: Tx, lane: Lane, item: ItemRow) -> None:
    """An item that was given up is open again, and its record has its home.

    Raises Guarded where another flow has taken the record since.
    """
    name = item.flow, item.record_kind, item.record_id
    if not lane.has_homes or not item.root or not item.record_id or item.record_kind == "journal":
        return
    if found := kept_out(tx, lane, {name: (item.entity,)}).get(name):
        raise Guarded(
            f"E-{item.id} ({spelled(item.entity)} {item.label or item.key}) stays given up: {found.why}",
            fix=f"once that was taken back, and where it was: wherry explain {item.record_id}", code="WHERRY-7113",
        )  # fmt: skip
    homes.put(tx, lane.route, [_home(lane, name, item.ref)])


def _stands(step: Step, outcome: Outcome) -> bool:
    """Whether the target holds it, may hold it, or is to hold it."""
    if outcome.fate in OPEN:
        return True
    was = step.draft.void or (step.link is not None and step.link.rule == REVERSED)
    return outcome.fate in DONE and outcome.fate != "reversed" and not (was and outcome.fate == "unchanged")


def leave(tx: Tx, lane: Lane, items: Iterable[ItemRow]) -> None:
    """Prepared documents that are withdrawn, and of which the target has nothing."""
    for item in items if lane.has_homes else ():
        homes.drop(tx, lane.route, item.flow, item.record_kind, [item.record_id], item.entity)


def hand_over(tx: Tx, lane: Lane, items: Iterable[ItemRow]) -> None:
    """Prepared documents that one flow withdraws: another that had taken one as well looks at its record again."""
    for item in items if lane.has_homes else ():
        known = homes.of_records(tx, lane.route, item.record_kind, [item.record_id])
        leave(tx, lane, [item])
        others = {home.flow for home in known if home.entity == item.entity} & lane.approvals.keys() - {item.flow}
        homes.put(tx, lane.route, [
            Home(kind=item.record_kind, record=item.record_id, flow=flow, form="waits") for flow in sorted(others)
        ])  # fmt: skip


def note_waiting(tx: Tx, lane: Lane, kind: str, reasons: Mapping[str, str]) -> None:
    """``reasons`` is record → why it is left out, of every record that was looked at anew: those that another flow has
    are looked at again once it has them no more."""
    if not lane.has_homes or not reasons:
        return
    homes.stop_waiting(tx, lane.route, lane.flow, kind, reasons)
    waiting = [record for record, reason in reasons.items() if is_kept_out(reason)]
    homes.put(tx, lane.route, [Home(kind=kind, record=one, flow=lane.flow, form="waits") for one in waiting])
