"""What people ask of the ledger: open items by their number, whatever was written as, seen of, or told about a thing.

Reads alone, over all flows and connections. Texts are searched where nothing else leads to a document: its number
stands in bodies only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from wherry.records import Ref
from wherry.store.database import Tx
from wherry.store.ledger import Event, ItemRow, LinkRow, Route, Seen, item_columns, item_of
from wherry.store.tables import audit, documents, edges, history, items, links, seen

_MOST = 1_000_000
_link_columns = [links.c[name] for name in LinkRow.__struct_fields__]
_seen_columns = [seen.c[name] for name in Seen.__struct_fields__]
_event_columns = [history.c[name] for name in Event.__struct_fields__]


class Placed(Struct, frozen=True):
    """An open item with the connections it goes between."""

    route: Route
    item: ItemRow


class Written(Struct, frozen=True):
    """A link with the connections it holds between."""

    route: Route
    link: LinkRow


# -- open items -------------------------------------------------------------------------------------------------------

_placed = sa.select(items.c.source, items.c.sink, *item_columns)


def _of_items(rows: Iterable[Sequence[Any]]) -> list[Placed]:
    return [Placed(Route(row[0], row[1]), item_of(row[2:])) for row in rows]


def items_by_number(tx: Tx, ids: Iterable[int]) -> dict[int, Placed]:
    """Open items by their number, which they keep while they are open."""
    return {one.item.id: one for one in _of_items(tx.find(_placed, items.c.id, sorted(set(ids))))}


def items_in(tx: Tx, states: Iterable[str], *, flow: str = "", since: str = "") -> list[Placed]:
    """Open items in these states, by their number; with ``since`` those that are open from then on."""
    statement = _placed.where(items.c.state.in_(sorted(states))).order_by(items.c.id).limit(_MOST)
    if flow:
        statement = statement.where(items.c.flow == flow)
    if since:
        statement = statement.where(items.c.created_at >= since)
    return _of_items(tx.rows(statement))


class ForApproval(Struct, kw_only=True):
    """What of a flow waits for a person's word, itself or through what it needs: entity → number."""

    documents: dict[str, int] = {}
    also: dict[str, int] = {}
    """What goes with them, such as their customers."""
    states: dict[str, dict[str, int]] = {}
    """The same by the state in which it stands."""

    @property
    def number(self) -> int:
        """How many documents; where there are none, such as of a customer whose document was refused, other things."""
        return sum(self.documents.values()) or sum(self.also.values())


def for_approval(tx: Tx) -> dict[str, ForApproval]:
    """Flow → what waits for a person's word."""
    found = {_Thing(*row) for row in tx.kept(_WANTED, {})}
    if any(not one.root for one in found):
        found = _with_needing(tx, found)
    told: dict[str, ForApproval] = {}
    for one in sorted(found, key=lambda one: (one.flow, one.entity)):
        mine = told.setdefault(one.flow, ForApproval())
        for counts in (mine.documents if one.root else mine.also, mine.states.setdefault(one.state, {})):
            counts[one.entity] = counts.get(one.entity, 0) + 1
    return told


class _Thing(Struct, frozen=True):
    id: int
    source: int
    sink: int
    entity: str
    key: str
    flow: str
    root: int
    state: str


_thing = [items.c[name] for name in _Thing.__struct_fields__]
_WANTED = sa.select(*_thing).where(items.c.state == "queued", items.c.approval == "wanted")


def _with_needing(tx: Tx, found: set[_Thing]) -> set[_Thing]:
    """These, and all that waits for them, directly or through others."""
    needing = _by_need(tx)
    todo = list(found)
    while todo:
        now = todo.pop()
        fresh = set(needing.get(_name(now), ())) - found
        found |= fresh
        todo += fresh
    return found


def needing(tx: Tx, ones: Iterable[Placed]) -> dict[int, int]:
    """Number of what waits for one of these, directly or through others → the number of the first that it waits for."""
    needing, found = _by_need(tx), dict[int, int]()
    for one in ones:
        todo = [(one.route.source, one.route.sink, one.item.entity, one.item.key)]
        while todo:
            fresh = [thing for thing in needing.get(todo.pop(), ()) if thing.id not in found]
            found.update((thing.id, one.item.id) for thing in fresh)
            todo += map(_name, fresh)
    return found


def _by_need(tx: Tx) -> dict[tuple[int, int, str, str], list[_Thing]]:
    """What is needed, by its name → what waits for it."""
    both = edges.join(items, items.c.id == edges.c.item)
    found: dict[tuple[int, int, str, str], list[_Thing]] = {}
    for *thing, entity, key in tx.rows(sa.select(*_thing, edges.c.entity, edges.c.key).select_from(both)):
        one = _Thing(*thing)
        found.setdefault((one.source, one.sink, entity, key), []).append(one)
    return found


def _name(one: _Thing) -> tuple[int, int, str, str]:
    return one.source, one.sink, one.entity, one.key


def items_about(tx: Tx, word: str) -> list[Placed]:
    """Open items of the record, key, number or target of that name."""
    said = items.c.draft.contains(_said("number", word), autoescape=True)
    mine = (items.c.record_id == word) | items.c.key.in_(_keys(word)) | (items.c.label == word) | said
    return _of_items(tx.rows(_placed.where(mine | (items.c.target == word)).order_by(items.c.id)))


def items_of_record(tx: Tx, flow: str, kind: str, record: str) -> list[Placed]:
    """The open items that came from a record, by their number."""
    mine = (items.c.flow == flow) & (items.c.record_kind == kind) & (items.c.record_id == record)
    return _of_items(tx.rows(_placed.where(mine).order_by(items.c.id)))


def needs_in(tx: Tx, route: Route) -> dict[int, list[Ref]]:
    """Number of an open item → what it waits for."""
    both = edges.join(items, items.c.id == edges.c.item)
    mine = (items.c.source == route.source) & (items.c.sink == route.sink)
    found: dict[int, list[Ref]] = {}
    for id, entity, key in tx.rows(sa.select(edges.c.item, edges.c.entity, edges.c.key).select_from(both).where(mine)):
        found.setdefault(int(id), []).append(Ref(entity, key))
    return found


def items_of_route(tx: Tx, route: Route) -> list[Placed]:
    """Every open item between two connections, by its number."""
    mine = (items.c.source == route.source) & (items.c.sink == route.sink)
    return _of_items(tx.rows(_placed.where(mine).order_by(items.c.id)))


def items_needing(tx: Tx, route: Route, refs: Iterable[Ref]) -> Iterator[tuple[Ref, ItemRow]]:
    """What waits for these things, each with the thing that it waits for."""
    mine = (items.c.source == route.source) & (items.c.sink == route.sink)
    statement = sa.select(edges.c.key, *item_columns).join(items, items.c.id == edges.c.item).where(mine)
    keys: dict[str, list[str]] = {}
    for ref in refs:
        keys.setdefault(ref.entity, []).append(ref.key)
    for entity, wanted in keys.items():
        for row in tx.find(statement.where(edges.c.entity == entity), edges.c.key, sorted(wanted)):
            yield Ref(entity, row[0]), item_of(row[1:])


def count_needing(tx: Tx, one: Placed) -> int:
    """How many items wait for this one."""
    mine = (items.c.source == one.route.source) & (items.c.sink == one.route.sink)
    need = (edges.c.entity == one.item.entity) & (edges.c.key == one.item.key)
    both = edges.join(items, items.c.id == edges.c.item)
    return int(tx.value(sa.select(sa.func.count()).select_from(both).where(mine, need)) or 0)


# -- links ------------------------------------------------------------------------------------------------------------

_written = sa.select(links.c.source, links.c.sink, *_link_columns)


def _of_links(rows: Iterable[Sequence[Any]]) -> list[Written]:
    return [Written(Route(row[0], row[1]), LinkRow(*row[2:])) for row in rows]


def links_to(tx: Tx, targets: Iterable[str], *, sink: int = 0) -> list[Written]:
    """Everything that is linked to these ids, in one target or in all."""
    statement = _written.where(links.c.sink == sink) if sink else _written
    return _of_links(tx.find(statement, links.c.target, sorted(set(targets) - {""})))


def links_about(tx: Tx, word: str) -> list[Written]:
    """Links of the key or number of that name."""
    said = links.c.body.contains(_said("number", word), autoescape=True)
    return _of_links(tx.rows(_written.where(links.c.key.in_(_keys(word)) | said)))


def links_saying(tx: Tx, text: str) -> list[Written]:
    """Links of whose bodies this is a part."""
    return _of_links(tx.rows(_written.where(links.c.body.contains(text, autoescape=True))))


def _keys(word: str) -> list[str]:
    return [word, f"id:{word}", f"record:{word}", f"sku:{word}", f"name:{word}"]


def _said(field: str, value: str) -> str:
    """As it stands in a body."""
    return msgspec.json.encode({field: value}).decode()[1:-1]


# -- records, and what was told of them -------------------------------------------------------------------------------


def seen_as(tx: Tx, record: str) -> list[tuple[str, Seen]]:
    """(flow, what it knows) of every record of that id."""
    rows = tx.rows(sa.select(seen.c.flow, *_seen_columns).where(seen.c.source_id == record).order_by(seen.c.flow))
    return [(str(row[0]), Seen(*row[1:])) for row in rows]


def seen_written(tx: Tx, flow: str, targets: Iterable[str]) -> list[Seen]:
    """The records of a flow that were written to these ids."""
    statement = sa.select(*_seen_columns).where(seen.c.flow == flow)
    return [Seen(*row) for row in tx.find(statement, seen.c.synced, sorted(set(targets)))]


def all_seen(tx: Tx, flow: str) -> Iterator[Seen]:
    """Every record a flow has seen, by kind and id."""
    statement = sa.select(*_seen_columns).where(seen.c.flow == flow).order_by(seen.c.kind, seen.c.source_id)
    return (Seen(*row) for row in tx.rows(statement))


def told_of(tx: Tx, ref: Ref, flow: str = "") -> list[Event]:
    """What happened to a thing, oldest first."""
    mine = (history.c.entity == ref.entity) & (history.c.key == ref.key)
    statement = sa.select(*_event_columns).where(mine & (history.c.flow == flow) if flow else mine)
    return [Event(*row) for row in tx.rows(statement.order_by(history.c.id))]


def told_of_record(tx: Tx, flow: str, kind: str, record: str) -> list[Event]:
    """What happened to a record and all that was made of it, oldest first."""
    mine = (history.c.flow == flow) & (history.c.record_kind == kind) & (history.c.record_id == record)
    return [Event(*row) for row in tx.rows(sa.select(*_event_columns).where(mine).order_by(history.c.id))]


def told_in(tx: Tx, run: str, fates: Iterable[str]) -> list[Event]:
    """What a run wrote, oldest first."""
    mine = (history.c.run == run) & history.c.fate.in_(sorted(fates)) & (history.c.entity != "")
    return [Event(*row) for row in tx.rows(sa.select(*_event_columns).where(mine).order_by(history.c.id))]


def record_of(tx: Tx, ref: Ref, target: str) -> Event | None:
    """What was last told of a thing as this target: by it the record behind it is known."""
    mine = (history.c.entity == ref.entity) & (history.c.key == ref.key) & (history.c.target == target)
    row = tx.rows(sa.select(*_event_columns).where(mine).order_by(history.c.id.desc()).limit(1))
    return Event(*row[0]) if row else None


def reversed_as(tx: Tx, target: str) -> list[Event]:
    """What was taken back as this target, oldest first."""
    mine = (history.c.target == target) & (history.c.fate == "reversed") & (history.c.entity != "")
    return [Event(*row) for row in tx.rows(sa.select(*_event_columns).where(mine).order_by(history.c.id))]


def keys_ever(tx: Tx, flow: str, targets: Iterable[str]) -> dict[tuple[str, str], str]:
    """(entity, target) → the key that a flow last wrote or linked as that, whatever it is now."""
    mine = sa.select(history.c.entity, history.c.target, history.c.key).where(history.c.flow == flow)
    rows = tx.find(mine, history.c.target, sorted(set(targets) - {""}))
    return {(str(entity), str(target)): str(key) for entity, target, key in rows}


# -- who it was -------------------------------------------------------------------------------------------------------


def approvals_of(tx: Tx, ref: Ref, flow: str) -> list[tuple[str, str]]:
    """(when, who) of every word that was given for a thing to be sent, oldest first; both of two people."""
    mine = audit.c.detail.contains(_said("key", str(ref)), autoescape=True)
    rows = tx.rows(sa.select(audit.c.at, audit.c.actor, audit.c.detail).where(audit.c.action == "approve", mine)
                   .order_by(audit.c.id))  # fmt: skip
    told = [(str(at), str(who), msgspec.json.decode(detail)) for at, who, detail in rows]
    return [(at, " and ".join(filter(None, [who, said.get("second")]))) for at, who, said in told
            if (said.get("flow"), said.get("key")) == (flow, str(ref))]  # SQLite finds "a1" for "A1"  # fmt: skip


def once_open(tx: Tx, number: int) -> Ref | None:
    """What was open as E-N, by what people did with it, or by the request that it left with."""
    sent = audit.c.action.startswith("target.") & audit.c.detail.contains(f'"item":{number},')
    mine = sa.select(audit.c.object, audit.c.detail).where((audit.c.object == f"E-{number}") | sent)
    for object, detail in tx.rows(mine.order_by(audit.c.id.desc()).limit(1)):
        named = msgspec.json.decode(detail)["key"].partition("/")
        return Ref(named[0], named[2]) if object.startswith("E-") else Ref(object.partition(" ")[0], "".join(named))
    return None


def imports_of(tx: Tx, plugin: str, kind: str, record: str) -> list[tuple[str, str, dict[str, Any]]]:
    """(when, who, what was noted) of every import into a plugin's own documents that made or changed a record, oldest
    first. Plugins note an import as ``<plugin>.import`` of a kind, its ids under ``created`` and ``updated``."""
    mine = (audit.c.action == f"{plugin}.import") & (audit.c.object == kind)
    named = audit.c.detail.contains(msgspec.json.encode(record).decode(), autoescape=True)
    rows = tx.rows(sa.select(audit.c.at, audit.c.actor, audit.c.detail).where(mine, named).order_by(audit.c.id))
    told = [(str(at), str(who), msgspec.json.decode(detail).get("after") or {}) for at, who, detail in rows]
    return [one for one in told if record in one[2].get("created", ()) or record in one[2].get("updated", ())]


def documents_saying(tx: Tx, namespace: str, value: str, fields: Sequence[str] = ("number",)) -> list[tuple[str, str]]:
    """(kind, id) of a plugin's own documents that have the value in one of these fields."""
    said = sa.or_(*(documents.c.body.contains(_said(field, value), autoescape=True) for field in fields))
    rows = tx.rows(
        sa.select(documents.c.kind, documents.c.id).where(documents.c.namespace == namespace, said).limit(20)
    )
    return [(str(kind), str(id)) for kind, id in rows]


def documents_of(
    tx: Tx, flow: str, others: Iterable[str], entities: Iterable[str]
) -> dict[tuple[str, str], set[Ref]]:  # fmt: skip
    """(record kind, id) → the documents of these entities that a flow ever wrote of the record. What none of the
    ``others`` wrote is its own too where it knows the record as carried, or nobody else knows one that was taken back:
    it had another name then. Of what a flow wrote that is no more each might have been the neighbour."""
    mine, beside = [history.c.record_kind, history.c.record_id, history.c.entity, history.c.key], sorted(others)
    same = (seen.c.kind == history.c.record_kind) & (seen.c.source_id == history.c.record_id)
    carried = sa.exists().where(same, seen.c.flow == flow, seen.c.synced == history.c.target)
    back = (history.c.fate == "reversed") & ~sa.exists().where(same, seen.c.flow.in_(beside))
    rows = tx.rows(
        sa.select(*mine).distinct()
        .where(history.c.entity.in_(sorted(entities)), history.c.target != "")
        .where((history.c.flow == flow) | (history.c.flow.not_in(beside) & (carried | back)))
    )  # fmt: skip
    found: dict[tuple[str, str], set[Ref]] = {}
    for kind, record, entity, key in rows:
        found.setdefault((str(kind), str(record)), set()).add(Ref(entity, key))
    return found
