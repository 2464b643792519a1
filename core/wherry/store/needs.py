"""What open items wait for: edges of the graph, from an item to a thing that has no target yet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

import sqlalchemy as sa

from wherry.records import Ref
from wherry.store.database import Tx, wanted
from wherry.store.few import FEW, that_may_be
from wherry.store.ledger import ItemRow, Route, item_columns, item_of
from wherry.store.tables import edges, items

_ROUTE = (items.c.sink == sa.bindparam("sink")) & (items.c.source == sa.bindparam("source"))
_MINE = sa.select(items.c.id).where(items.c.id == edges.c.item, _ROUTE).scalar_subquery().is_not(None)
"""Asked of each edge that is found: a join, or EXISTS, might begin with all the items of the route."""
_NEEDS = (edges.c.entity == sa.bindparam("entity")) & wanted(edges.c.key)
_WAITING = sa.select(edges.c.item).where(_NEEDS, _MINE)
_MET = sa.delete(edges).where(_NEEDS, _MINE)
_ANY = sa.select(edges.c.entity, edges.c.key).limit(FEW + 1)
_STILL = sa.select(edges.c.item).where(wanted(edges.c.item))
_READY = sa.select(*item_columns).where(items.c.state == "waiting", wanted(items.c.id))


def meet(tx: Tx, route: Route, met: Collection[Ref]) -> list[ItemRow]:
    """Consume the edges on these refs; the waiting items that need nothing more are returned, oldest first."""
    touched: set[int] = set()
    by_entity = defaultdict[str, set[str]](set)
    for ref in that_may_be(tx, _ANY, met):
        by_entity[ref.entity].add(ref.key)
    told = {entity: {"sink": route.sink, "source": route.source, "entity": entity} for entity in by_entity}
    asked = {entity: tx.asked_among(_WAITING, keys, **told[entity]) for entity, keys in by_entity.items()}
    for entity, rows in asked.items():
        if waiting := {row[0] for row in rows}:
            touched |= waiting
            tx.run_among(_MET, sorted(by_entity[entity]), **told[entity])
    still = {row[0] for row in tx.seek(_STILL, touched)}
    ready = tx.seek(_READY, touched - still)
    return sorted((item_of(row) for row in ready), key=lambda item: item.id)


def put(tx: Tx, needs: Iterable[tuple[int, Ref]]) -> None:
    """Item ← what it needs. Edges are consumed when the need is met."""
    tx.many(edges, ("item", "entity", "key"), [(id, ref.entity, ref.key) for id, ref in needs], replace=False)


def of(tx: Tx, item: int) -> list[Ref]:
    """What one item waits for."""
    return [Ref(*row) for row in tx.rows(sa.select(edges.c.entity, edges.c.key).where(edges.c.item == item))]
