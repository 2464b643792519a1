"""The ledger: items that are open, what they wait for, the questions among them, links, fates and history.

An item that is done leaves: a link and a row of history remain. Rows here, rules in ``wherry.protocol.writing``.
"""

from __future__ import annotations

import functools
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain, groupby
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from wherry.records import OPEN, Draft, Ref
from wherry.store.counters import next_value
from wherry.store.database import Tx, wanted
from wherry.store.few import FEW, that_may_be
from wherry.store.leavings import AS_LEFT
from wherry.store.statements import Row
from wherry.store.tables import edges, history, items, links, seen

decode_draft = msgspec.json.Decoder(Draft).decode
_encode_draft = msgspec.json.Encoder().encode


class Route(Struct, frozen=True):
    """From which connection to which: the store ids that links and keys are kept under."""

    source: int
    sink: int
    """Below zero: the subledger of that connection, where movements are kept before they are booked there."""

    @property
    def is_subledger(self) -> bool:
        return self.sink < 0

    @property
    def target(self) -> int:
        """The connection that is written to in the end."""
        return abs(self.sink)


def things(table: sa.Table, columns: Iterable[sa.ColumnElement[Any]]) -> sa.Select[Any]:
    """The kept statement that ``seek_refs`` fills and runs."""
    route = (table.c.sink == _SINK) & (table.c.source == _SOURCE)
    entity = table.c.entity.in_(sa.bindparam("entities", expanding=True))
    return sa.select(table.c.entity, table.c.key, *columns).where(route, entity, wanted(table.c.key))


def seek_refs(tx: Tx, statement: sa.Executable, route: Route, refs: Iterable[Ref]) -> Iterator[Row]:
    """The columns of a kept statement about these things of a route: asked for at once, read later.

    Of many things each entity's are asked for by themselves, or each key would be looked for under every entity.
    """
    keys: dict[str, set[str]] = defaultdict(set)
    for ref in refs:
        keys[ref.entity].add(ref.key)
    few = sum(map(len, keys.values())) <= FEW
    groups = [(sorted(keys), set().union(*keys.values()))] if few else [([entity], keys[entity]) for entity in keys]
    asked = [
        tx.asked_among(statement, sorted(some), sink=route.sink, source=route.source, entities=entities)
        for entities, some in groups
    ]
    return (row[2:] for row in chain.from_iterable(asked) if row[1] in keys[row[0]])


_SINK: sa.BindParameter[Any] = sa.bindparam("sink")
_SOURCE: sa.BindParameter[Any] = sa.bindparam("source")

# -- links ------------------------------------------------------------------------------------------------------------


class LinkRow(Struct, frozen=True):
    """``target`` is empty where a person said to ignore the thing; ``digest`` is of the body last written.

    Of a target that is sent calls also its version (``token``), the number of the last work item, the ``body`` itself
    as JSON, and the call that wrote it. ``rule`` is ``reversed`` once the document was taken back.
    """

    entity: str
    key: str
    target: str
    rule: str
    digest: str = ""
    made_at: str = ""
    made_by: str = ""
    run: str = ""
    token: str = ""
    sequence: int = 0
    body: str = ""
    call: int = 0

    @property
    def ref(self) -> Ref:
        return Ref(self.entity, self.key)


_LINK = ("sink", "source", *LinkRow.__struct_fields__)
_link_columns = [links.c[name] for name in LinkRow.__struct_fields__]
_LINKS = things(links, _link_columns)


def find_links(tx: Tx, route: Route, refs: Iterable[Ref]) -> dict[Ref, LinkRow]:
    return {link.ref: link for link in links_asked(tx, route, refs)}


def links_asked(tx: Tx, route: Route, refs: Iterable[Ref]) -> Iterator[LinkRow]:
    """The same, to be read later."""
    return (LinkRow(*row) for row in seek_refs(tx, _LINKS, route, refs))


def put_links(tx: Tx, route: Route, rows: Iterable[LinkRow]) -> None:
    tx.many(links, _LINK, [(route.sink, route.source, *msgspec.structs.astuple(row)) for row in rows])


def remove_link(tx: Tx, route: Route, ref: Ref) -> None:
    tx.run(sa.delete(links).where(links.c.sink == route.sink, links.c.source == route.source,
                                  links.c.entity == ref.entity, links.c.key == ref.key))  # fmt: skip


def keys_by_target(tx: Tx, route: Route, entity: str) -> dict[str, list[str]]:
    """Target id → the keys of this source that are linked to it."""
    mine = (links.c.sink == route.sink) & (links.c.source == route.source) & (links.c.entity == entity)
    found: dict[str, list[str]] = defaultdict(list)
    for target, key in tx.rows(sa.select(links.c.target, links.c.key).where(mine)):
        found[target].append(key)
    return found


def links_of_target(tx: Tx, sink: int, entity: str, target: str) -> list[tuple[int, str, str]]:
    """(source connection, key, rule) of everything that is linked to a target, from whatever system."""
    statement = sa.select(links.c.source, links.c.key, links.c.rule).where(
        links.c.sink == sink, links.c.entity == entity, links.c.target == target)  # fmt: skip
    return [(int(s), str(k), str(r)) for s, k, r in tx.rows(statement)]


# -- open items -------------------------------------------------------------------------------------------------------


class ItemRow(Struct):
    """One open item. ``same`` names the ref whose target it takes; ``record_*`` the record version it came from.

    What is sent to its target also has: its ``stamp`` (of ``sequence`` and ``attempt``), the target's version it is
    meant for, whether it waits for ``approval`` (``wanted``, ``given`` or nothing), before when nothing is to be done
    with it (``due``), how often it was tried, the call it went out with, the newer version that waits behind it, and
    what the target was last found to hold (``evidence``, JSON). ``overwrite`` says whether it goes over an edit.
    """

    draft: Draft
    root: bool
    entity: str
    key: str
    flow: str
    run: str
    state: str
    record_kind: str
    record_id: str
    id: int = 0
    label: str = ""
    target: str = ""
    reason: str = ""
    field: str = ""
    fix: str = ""
    same: str = ""
    amount: int | None = None
    currency: str = ""
    created_at: str = ""
    changed_at: str = ""
    action: str = ""
    stamp: str = ""
    sequence: int = 0
    attempt: int = 0
    token: str = ""
    memo: str = ""
    approval: str = ""
    due: str = ""
    tries: int = 0
    call: int = 0
    follower: str = ""
    evidence: str = ""
    overwrite: int = 0

    @property
    def ref(self) -> Ref:
        return Ref(self.entity, self.key)


_ITEM = ItemRow.__struct_fields__
item_columns = [items.c[name] for name in _ITEM]
_ITEMS = things(items, item_columns)
_OPEN = sa.select(items.c.entity, items.c.key).where(items.c.sink == _SINK, items.c.source == _SOURCE).limit(FEW + 1)


def item_of(row: Sequence[Any]) -> ItemRow:
    draft, root, *rest = row
    return ItemRow(decode_draft(draft), bool(root), *rest)


def find_items(tx: Tx, route: Route, refs: Collection[Ref]) -> dict[Ref, ItemRow]:
    likely = that_may_be(tx, _OPEN, refs, sink=route.sink, source=route.source)
    return {item.ref: item for item in map(item_of, seek_refs(tx, _ITEMS, route, likely))}


def items_of_records(tx: Tx, route: Route, flow: str, kind: str, records: Iterable[str]) -> list[ItemRow]:
    """The open items that came from these records of a flow."""
    mine = (items.c.sink == route.sink) & (items.c.source == route.source) & (items.c.flow == flow)
    statement = sa.select(*item_columns).where(mine, items.c.record_kind == kind)
    return [item_of(row) for row in tx.find(statement, items.c.record_id, dict.fromkeys(records))]


def put_items(tx: Tx, route: Route, rows: Sequence[ItemRow]) -> None:
    """Enter or replace items; a row that has no id yet gets one."""
    fresh = [row for row in rows if not row.id]
    if fresh:
        first = next_value(tx, "ledger", "item", len(fresh))
        for number, row in enumerate(fresh):
            row.id = first + number
    tx.many(items, ("sink", "source", *_ITEM), [(route.sink, route.source, *_plain(row)) for row in rows])


def _plain(row: ItemRow) -> Row:
    return _encode_draft(row.draft).decode(), *msgspec.structs.astuple(row)[1:]


_REMOVE_ITEMS = sa.delete(items).where(wanted(items.c.id))
_REMOVE_EDGES = sa.delete(edges).where(wanted(edges.c.item))


def remove_items(tx: Tx, ids: Iterable[int], *, waiting: Iterable[int] | None = None) -> None:
    """``waiting`` are those that may wait for something, where it is known: all of them where it is not."""
    gone = list(ids)
    tx.run_among(_REMOVE_ITEMS, gone)
    tx.run_among(_REMOVE_EDGES, gone if waiting is None else waiting)


def open_creates(tx: Tx, route: Route, entity: str) -> list[ItemRow]:
    """What is on its way to be made: another thing of its name is the same thing."""
    mine = (items.c.sink == route.sink) & (items.c.source == route.source) & (items.c.entity == entity)
    states = ("queued", "waiting", "unknown", "decide")
    coming = items.c.state.in_(states) & (items.c.target == "") & (items.c.same == "")
    return [item_of(row) for row in tx.rows(sa.select(*item_columns).where(mine, coming).order_by(items.c.id))]


def open_items(tx: Tx, *, flow: str = "", state: str = "", record: str = "", limit: int = 1000) -> list[ItemRow]:
    """Oldest first; what is put off, by its last try, so that no failing thing keeps the others from their turn."""
    told = {name: text for name, text in (("flow", flow), ("state", state), ("record_id", record)) if text}
    return [item_of(row) for row in tx.kept(_open(state == "queued", *told), {**told, "most": limit})]


@functools.cache
def _open(by_try: bool, *named: str) -> sa.Select[Any]:
    mine = [items.c[name] == sa.bindparam(name) for name in named]
    order = (items.c.changed_at, items.c.id) if by_try else (items.c.id,)
    return sa.select(*item_columns).where(*mine).order_by(*order).limit(sa.bindparam("most"))


_COUNT = sa.select(items.c.state, items.c.entity, sa.func.count()).group_by(items.c.state, items.c.entity)
_COUNT_OF_FLOW = _COUNT.where(items.c.flow == sa.bindparam("flow"))


def count_open(tx: Tx, flow: str = "") -> dict[str, dict[str, int]]:
    """State → entity → number, of everything that waits."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for state, entity, number in tx.kept(_COUNT_OF_FLOW, {"flow": flow}) if flow else tx.kept(_COUNT, {}):
        found[state][entity] = number
    return dict(found)


def count_waiting(tx: Tx, flow: str) -> int:
    """Records of which anything waits: the document itself, or what it refers to."""
    records = sa.select(items.c.record_kind, items.c.record_id).where(items.c.flow == flow).distinct().subquery()
    return int(tx.value(sa.select(sa.func.count()).select_from(records)) or 0)


# -- fates ------------------------------------------------------------------------------------------------------------


class Seen(Struct, frozen=True):
    """The newest version of a record that was seen, its fate, and the target it was written to, once it was."""

    kind: str
    source_id: str
    version: str
    digest: bytes
    fate: str
    reason: str = ""
    amount: int | None = None
    currency: str = ""
    synced: str = ""
    run: str = ""


_SEEN = ("flow", *Seen.__struct_fields__)
_seen_columns = [seen.c[name] for name in Seen.__struct_fields__]


_SEEN_AMONG = sa.select(*_seen_columns).where(
    seen.c.flow == sa.bindparam("of_flow"), seen.c.kind == sa.bindparam("of_kind"), wanted(seen.c.source_id)
)


def find_seen(tx: Tx, flow: str, kind: str, ids: Iterable[str]) -> dict[str, Seen]:
    return {row[1]: Seen(*row) for row in tx.seek(_SEEN_AMONG, ids, of_flow=flow, of_kind=kind)}


def put_seen(tx: Tx, flow: str, rows: Iterable[Seen]) -> None:
    tx.many(seen, _SEEN, [(flow, *msgspec.structs.astuple(row)) for row in rows])


_FATE = (
    sa.update(seen)
    .where(*(seen.c[name] == sa.bindparam(f"of_{name}") for name in ("flow", "kind", "source_id")))
    .values({name: sa.case((AS_LEFT, seen.c[name]), else_=sa.bindparam(f"is_{name}")) for name in ("fate", "reason")})
)  # fmt: skip
_SYNCED = _FATE.values(synced=sa.bindparam("is_synced"))
_TOLD = ("is_fate", "is_synced", "is_reason", "of_flow", "of_kind", "of_source_id")


def mark_synced(tx: Tx, rows: Iterable[tuple[str, str, str, str, str, str]]) -> None:
    """(fate, target, reason, flow, kind, source id): a record's root item was settled after its run."""
    for is_written, some in groupby(rows, lambda row: bool(row[1])):
        told = [dict(zip(_TOLD, row, strict=True)) for row in some]
        tx.kept_many(_SYNCED if is_written else _FATE, told)


def synced_ids(tx: Tx, flow: str, kind: str) -> Iterator[tuple[str, str]]:
    """(source id, target) of every record of the kind that was written and has not been reported as gone."""
    statement = sa.select(seen.c.source_id, seen.c.synced).where(
        seen.c.flow == flow, seen.c.kind == kind, seen.c.synced != "", sa.not_(seen.c.reason.like("gone:%"))
    ).order_by(seen.c.source_id)  # fmt: skip
    return ((str(id), str(target)) for id, target in tx.rows(statement))


def open_ids(tx: Tx, flow: str, kind: str) -> list[str]:
    """Source ids of the records of the kind that wait for something and were never written."""
    statement = sa.select(seen.c.source_id).where(
        seen.c.flow == flow, seen.c.kind == kind, seen.c.synced == "", seen.c.fate.in_(sorted(OPEN))
    ).order_by(seen.c.source_id)  # fmt: skip
    return [str(row[0]) for row in tx.rows(statement)]


def count_living(tx: Tx, flow: str, kind: str) -> int:
    """How many records of a kind the flow has seen and not heard to have left the source."""
    mine = (seen.c.flow == flow) & (seen.c.kind == kind) & sa.not_(seen.c.reason.like("gone:%"))
    return int(tx.value(sa.select(sa.func.count()).where(mine)) or 0)


def count_seen(tx: Tx, flow: str, kind: str = "") -> dict[str, Counter[str]]:
    """Kind → fate → number, over the newest version of every record the flow has seen."""
    statement = sa.select(seen.c.kind, seen.c.fate, sa.func.count()).where(seen.c.flow == flow).group_by(
        seen.c.kind, seen.c.fate)  # fmt: skip
    if kind:
        statement = statement.where(seen.c.kind == kind)
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for kind_, fate, number in tx.rows(statement):
        found[kind_][fate] = number
    return dict(found)


# -- history ----------------------------------------------------------------------------------------------------------


class Event(Struct, frozen=True):
    """One change of an item's state or one record's fate; ``cause`` is the question or command behind it."""

    at: str
    run: str
    flow: str
    record_kind: str
    record_id: str
    entity: str
    key: str
    fate: str
    target: str = ""
    reason: str = ""
    cause: str = ""
    call: int = 0


_EVENT = Event.__struct_fields__


def put_events(tx: Tx, rows: Iterable[Event]) -> None:
    tx.many(history, _EVENT, [msgspec.structs.astuple(row) for row in rows], replace=False)


def events(
    tx: Tx, *, run: str = "", flow: str = "", record: str = "", cause: str = "", limit: int = 1000
) -> list[Event]:
    """Newest first."""
    statement = sa.select(*[history.c[name] for name in _EVENT]).order_by(history.c.id.desc()).limit(limit)
    for name, value in (("run", run), ("flow", flow), ("record_id", record), ("cause", cause)):
        if value:
            statement = statement.where(history.c[name] == value)
    return [Event(*row) for row in tx.rows(statement)]
