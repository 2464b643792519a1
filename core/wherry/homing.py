"""A record goes into a target as a document or as a journal, whatever flows carry it, and never as both.

What comes second is left out with a sentence that names the first. Its record is looked at again once the first was
taken back. Source: issue 4, I10 of write-protocol.md; cases *an invoice and its journal* of behaviours.md, 000.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

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
    """The records that another flow has in another form, or has booked → why they are left out, in words."""
    if not lane.has_homes:
        return {}
    by_kind: dict[tuple[str, str], list[str]] = defaultdict(list)
    for flow, kind, record in names:
        by_kind[flow, kind].append(record)
    return {
        (flow, kind, home.record): _why(tx, lane, home)
        for (flow, kind), records in by_kind.items()
        for home in homes.of_records(tx, lane.route, kind, records) if homes.excludes(home, flow, form_of(lane))
    }  # fmt: skip


def _why(tx: Tx, lane: Lane, home: Home) -> str:
    """``flow invoices has it already, as invoice 536365 (145 in the target); what goes in as …``."""
    route = Route(lane.route.source, abs(lane.route.sink) * (-1 if home.form == "journal" else 1))
    ref = Ref(home.entity, home.key)
    link, item = ledger.find_links(tx, route, [ref]).get(ref), ledger.find_items(tx, route, [ref]).get(ref)
    number = _number(tx, home, link) if link is not None else item.label if item is not None else ""
    name = number or home.key.removeprefix("id:")
    stands = f" ({link.target})" if link is not None and link.target else " (on its way)"
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


def of_steps(tx: Tx, lane: Lane, steps: Iterable[Step]) -> dict[Name, str]:
    """The same for the records whose documents are to be settled."""
    if not lane.has_homes:
        return {}
    return kept_out(tx, lane, {name_of(lane, step) for step in steps if _counts(step) and step.answer is None})


def name_of(lane: Lane, step: Step) -> Name:
    return flow_of(lane, step), step.record_kind, step.record_id


def _counts(step: Step) -> bool:
    """Whether a step decides over the home of its record. Entries are made of records that have theirs."""
    return step.draft.root and step.record_id != "" and step.record_kind != "journal"


def note(tx: Tx, lane: Lane, told: Iterable[tuple[Step, Outcome]]) -> None:
    """What was settled has its home from now on; what was taken back or given up has none."""
    if not lane.has_homes:
        return
    rows: list[Home] = []
    gone: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for step, outcome in told:
        if not _counts(step):
            continue
        flow, kind, record = name_of(lane, step)
        if _stands(step, outcome):
            rows.append(Home(kind=kind, record=record, flow=flow, entity=step.draft.entity, key=step.draft.key,
                             form=form_of(lane)))  # fmt: skip
        else:
            gone[flow, kind, step.draft.entity].append(record)
    for (flow, kind, entity), records in gone.items():
        homes.drop(tx, lane.route, flow, kind, records, entity)
    homes.put(tx, lane.route, rows)


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
