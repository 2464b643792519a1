"""What both ends hold of a flow's documents now: the source read again, the target asked in bulk.

Nothing is written. Reads are as few as the ends allow: records by the hundred, documents by the searches that the
target's sink joins together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field

from wherry.errors import Rejected
from wherry.hub import Hub
from wherry.mapping import MapMapper
from wherry.protocol import boundary, resolving, sinks
from wherry.protocol.flight import Flight, Target
from wherry.protocol.rows import worth
from wherry.protocol.steps import differing
from wherry.records import Change, Draft, Facts, Found, Item, Record, Skip
from wherry.roles import Asks, Fetches, FieldMapper
from wherry.runs.job import Wired
from wherry.store.calls import OpenItem
from wherry.store.ledger import ItemRow

_AT_ONCE = 100
_SEARCHES = 3
"""A search by number that takes so many times the calls of a look by id is not worth them."""


class Source(Struct, kw_only=True):
    """What the source says of a record now. ``amount`` None: it names none. ``left_out``: why it is not carried.
    ``number`` is what people call its document, where that is known."""

    amount: int | None = None
    currency: str = ""
    date: str = ""
    number: str = ""
    left_out: str = ""
    void: bool = False


class Held(Struct, kw_only=True):
    """What the target holds of a document now. ``told`` is false where it could not be told."""

    told: bool = True
    there: bool = False
    changes: tuple[Change, ...] = ()
    facts: Facts | None = None
    """What it holds of it; None: nothing."""
    twins: list[Found] = field(default_factory=list)
    """What carries our stamp, or is alike, under another id."""


# -- the source -------------------------------------------------------------------------------------------------------


def at_source(hub: Hub, flow: str, wanted: Mapping[str, Sequence[str]]) -> dict[tuple[str, str], Source] | None:
    """(kind, id) → what the source says; who is missing is not there. None where it cannot read single records."""
    wired = hub.wiring.wire(flow, "reconcile")
    if not isinstance(wired.source, Fetches):
        return None
    found: dict[tuple[str, str], Source] = {}
    for kind, mapper in wired.mappers.items():
        for ids in _slices(wanted.get(kind, ()), _AT_ONCE):
            records = boundary.fetch(wired.source, kind, list(ids), mapper.fields.get(kind, ()))
            found.update({(kind, id): said for id, said in _said(wired, kind, mapper, records).items()})
    return found


def _slices(ids: Sequence[str], size: int) -> Iterable[Sequence[str]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))


def _said(wired: Wired, kind: str, mapper: FieldMapper, records: list[Record]) -> dict[str, Source]:
    skips = boundary.triggers(wired.source, mapper, records) if records else []
    told = [(record, skip) for record, skip in zip(records, skips, strict=True) if skip is not None]
    found = {record.id: _skipped(mapper, record, skip) for record, skip in told}
    passing = [record for record in records if record.id not in found]
    relatives = {name: fields for name, fields in mapper.fields.items() if name != kind}
    whole = boundary.complete(wired.source, passing, relatives) if passing and relatives else passing
    return {**found, **{record.id: _mapped(wired, mapper, record) for record in whole}}


def _skipped(mapper: FieldMapper, record: Record, skip: Skip) -> Source:
    number = mapper.number_of(record) if isinstance(mapper, MapMapper) else ""
    return Source(amount=skip.amount, currency=skip.currency, left_out=skip.reason, void=skip.void, date=skip.date,
                  number=number)  # fmt: skip


def _mapped(wired: Wired, mapper: FieldMapper, record: Record) -> Source:
    try:
        drafts = boundary.drafts(wired.source, mapper, record)
    except Rejected as error:
        return Source(left_out=error.message)
    if isinstance(drafts, Skip):
        return _skipped(mapper, record, drafts)
    root = next((draft for draft in drafts if draft.root), None)
    return Source(left_out="the map makes nothing of it") if root is None else _of_draft(root)


def _of_draft(draft: Draft) -> Source:
    amount, currency = worth(draft.entity, draft.body)
    body = draft.body
    return Source(
        amount=amount, currency=currency, date=str(body.get("date") or ""), number=str(body.get("number") or "")
    )


# -- the target -------------------------------------------------------------------------------------------------------


def in_target(target: Target, wanted: Mapping[str, Item], ours: Iterable[str]) -> dict[str, Held]:
    """Name → what the target holds of an item, which stands for what was written. ``ours`` are ids that are linked:
    what is found under another is a twin. Raises what a read raises."""
    if not isinstance(target.sink, Asks):
        return {}
    linked, said = set(ours), {name: sinks.facts(target.sink, item) for name, item in wanted.items()}
    backs = {name: item for name, item in wanted.items() if item.action == "void"}
    sought = _sought(target, {name: item for name, item in wanted.items() if name not in backs})
    finds = _look(target, {**sought, **backs})  # together: a target that calls us tells both in one visit
    by_id = {name: finds.pop(name) for name in backs if name in finds}
    rest = {
        name: item for name, item in wanted.items()
        if item.target and name not in by_id and not _tells(item, said[name], finds.get(name))
    }  # fmt: skip
    by_id |= _look(target, rest)
    return {
        name: _held(item, said[name], finds.get(name), by_id.get(name), linked) for name, item in wanted.items()
    }  # fmt: skip


def _tells(item: Item, said: Facts, hits: list[Found] | None) -> bool:
    """Whether a search found the document and told enough of it: a difference, or all that was written. Rows of a list
    may leave out what it comes to."""
    mine = next((hit.facts for hit in hits or () if hit.target == item.target), None)
    return mine is not None and (said.keys() <= mine.keys() or bool(differing(said, mine)))


def _sought(target: Target, wanted: Mapping[str, Item]) -> dict[str, Item]:
    """What is looked for by stamp and number, which finds twins too; nothing where that takes too many calls."""
    fresh = {name: _without_target(item) for name, item in wanted.items() if not item.target or item.body.get("number")}
    assert isinstance(target.sink, Asks)
    linked = [wanted[name] for name in fresh if wanted[name].target]
    if linked and len(sinks.asked(target.sink, list(fresh.values()))) > _SEARCHES * len(
        sinks.asked(target.sink, linked)
    ):  # fmt: skip
        fresh = {name: item for name, item in fresh.items() if not wanted[name].target}
    return fresh


def _without_target(item: Item) -> Item:
    return Item(entity=item.entity, key=item.key, body=item.body, label=item.label, stamp=item.stamp)


def _look(target: Target, wanted: Mapping[str, Item]) -> dict[str, list[Found]]:
    flights = [Flight(open=_nobody(item), item=item) for item in wanted.values()]
    finds = resolving.look(target, flights) if flights else {}
    return {name: finds[item.stamp] for name, item in wanted.items() if item.stamp in finds}


def _nobody(item: Item) -> OpenItem:
    """The row of what is in no queue; a look needs its stamp alone."""
    draft = Draft(entity=item.entity, key=item.key, body=item.body)
    return OpenItem(0, ItemRow(
        entity=item.entity, key=item.key, flow="", run="", state="", record_kind="", record_id="", root=True,
        draft=draft, stamp=item.stamp,
    ))  # fmt: skip


def _held(
    item: Item, said: Facts, searched: list[Found] | None, by_id: list[Found] | None, linked: set[str]
) -> Held:  # fmt: skip
    hits = [*(searched or []), *(by_id or [])]
    mine = next((hit for hit in reversed(hits) if hit.target == item.target), None)
    twins = [hit for hit in searched or () if hit.target not in linked and (hit.ours or hit.alike)]
    told = mine is not None or by_id is not None if item.target else searched is not None
    changes = differing(said, mine.facts) if mine is not None else ()
    facts = mine.facts if mine is not None else None
    return Held(told=told, there=mine is not None, changes=changes, facts=facts, twins=twins)
