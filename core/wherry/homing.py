"""A record goes into a target as a document or as a journal, whatever flows carry it, and never as both.

What comes second is left out with a sentence that names the first. Its record is looked at again once the first was
taken back. Source: issue 4, I10 of write-protocol.md; cases *an invoice and its journal* of behaviours.md, 000.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from wherry.errors import Guarded
from wherry.records import DONE, OPEN, Ref
from wherry.rows import REVERSED, flow_of
from wherry.steps import Lane, Outcome, Step
from wherry.store import exported, homes, ledger, movements
from wherry.store.database import Tx
from wherry.store.homes import Form, Home
from wherry.store.ledger import ItemRow, LinkRow, Route

Name = tuple[str, str, str]
"""Flow, kind and id of a record."""
_BEGINS, _NAMED = "flow ", " has it already, as "


def form_of(lane: Lane) -> Form:
    """What the records of a lane become."""
    return "journal" if lane.route.sink < 0 else "document"


def kept_out(tx: Tx, lane: Lane, names: Iterable[Name]) -> dict[Name, str]:
    """The records that stand in another form, or that another flow has booked → why they are left out, in words.

    What a flow has in this form already it keeps, or nobody could take it back.
    """
    if not lane.has_homes:
        return {}
    by_kind: dict[tuple[str, str], list[str]] = defaultdict(list)
    for flow, kind, record in names:
        by_kind[flow, kind].append(record)
    return {
        (flow, kind, home.record): _why(tx, lane, home)
        for (flow, kind), records in by_kind.items()
        for home in _excluding(homes.of_records(tx, lane.route, kind, records), flow, form_of(lane))
    }  # fmt: skip


def _excluding(known: list[Home], flow: str, form: Form) -> list[Home]:
    own = {home.record for home in known if home.flow == flow and home.form == form}
    return [home for home in known if home.record not in own and homes.excludes(home, flow, form)]


def _why(tx: Tx, lane: Lane, home: Home) -> str:
    """``flow invoices has it already, as invoice 536365 (145 in the target); what goes in as …``."""
    route = Route(lane.route.source, abs(lane.route.sink) * (-1 if home.form == "journal" else 1))
    ref = Ref(home.entity, home.key)
    link, item = ledger.find_links(tx, route, [ref]).get(ref), ledger.find_items(tx, route, [ref]).get(ref)
    number = _number(tx, home, link) if link is not None else item.label if item is not None else ""
    name = number or home.key.removeprefix("id:")
    stands = " (on its way)" if link is None else f" ({link.target or 'given up, as it may be there already'})"
    rule = "a record is booked by one flow alone" if form_of(lane) == home.form else (
        "a record goes into a target as a document or as a journal, never as both")  # fmt: skip
    return f"{_BEGINS}{home.flow}{_NAMED}{home.entity.replace('_', ' ')} {name}{stands}: {rule}"


def _number(tx: Tx, home: Home, link: LinkRow) -> str:
    """What people call the thing that stands for the record."""
    if home.form == "document":
        return exported.said(link, "number")
    return movements.reference_of(tx, link.target)


def is_kept_out(reason: str) -> bool:
    """Whether that is why a record was left out."""
    return reason.startswith(_BEGINS) and _NAMED in reason


def in_general(reason: str) -> str:
    """The reason without the names of the one record: what is counted."""
    return reason.partition(_NAMED)[0] + " has it already" if is_kept_out(reason) else reason


def of_steps(tx: Tx, lane: Lane, steps: Iterable[Step]) -> dict[Ref, str]:
    """The same for the documents that are to be settled: those that are to be written, for the first time or again."""
    if not lane.has_homes:
        return {}
    again = (None, "queued")
    names = {step.ref: name_of(lane, step) for step in steps
             if _counts(step) and (step.answer.fate if step.answer is not None else None) in again}  # fmt: skip
    why = kept_out(tx, lane, set(names.values()))
    return {ref: why[name] for ref, name in names.items() if name in why}


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
    if why := kept_out(tx, lane, [name]).get(name):
        raise Guarded(
            f"E-{item.id} ({item.entity} {item.label or item.key}) stays given up: {why}", code="WHERRY-7113",
            fix=f"once that was taken back, and where it was: wherry explain {item.record_id}",
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


def note_waiting(tx: Tx, lane: Lane, kind: str, reasons: Mapping[str, str]) -> None:
    """``reasons`` is record → why it is left out, of every record that was looked at anew: those that another flow has
    are looked at again once it has them no more."""
    if not lane.has_homes or not reasons:
        return
    homes.stop_waiting(tx, lane.route, lane.flow, kind, reasons)
    waiting = [record for record, reason in reasons.items() if is_kept_out(reason)]
    homes.put(tx, lane.route, [Home(kind=kind, record=one, flow=lane.flow, form="waits") for one in waiting])
