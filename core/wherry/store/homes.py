"""As what each record goes into a target, and which flow takes it there: the one home that it has (I10).

A row is written in the transaction that settles the record's document or movement, and goes once that was taken back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Literal

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from wherry.store.database import Tx, wanted
from wherry.store.ledger import ItemRow, Route, item_columns, item_of
from wherry.store.tables import homes as table
from wherry.store.tables import items, movements

Form = Literal["document", "journal", "waits"]
"""``waits``: the flow was kept from the record, because another has it."""


class Home(Struct, frozen=True, kw_only=True):
    """A record that a flow takes into a target, and what it made of it; of one that waits nothing was made."""

    kind: str
    record: str
    flow: str
    entity: str = ""
    key: str = ""
    form: str


_NAMES = Home.__struct_fields__
_columns = [table.c[name] for name in _NAMES]
_SINK: sa.BindParameter[int] = sa.bindparam("sink")
_SOURCE: sa.BindParameter[int] = sa.bindparam("source")
_KIND: sa.BindParameter[str] = sa.bindparam("kind")
_FLOW: sa.BindParameter[str] = sa.bindparam("flow")
_MINE = (table.c.sink == _SINK) & (table.c.source == _SOURCE) & (table.c.kind == _KIND)
_OF_RECORDS = sa.select(*_columns).where(_MINE, wanted(table.c.record)).order_by(table.c.flow, table.c.entity)
_DROP = sa.delete(table).where(_MINE, wanted(table.c.record))
_DROP_WAITS = _DROP.where(table.c.flow == _FLOW, table.c.form == "waits")
_DROP_ENTITY = _DROP.where(
    sa.or_(table.c.flow == _FLOW, table.c.form == "document"), table.c.entity == sa.bindparam("entity")
)
_APART: sa.BindParameter[list[str]] = sa.bindparam("apart", expanding=True)
_OTHERS: sa.BindParameter[list[str]] = sa.bindparam("others", expanding=True)
_other = table.alias()
_TAKEN = sa.exists().where(
    *(_other.c[name] == table.c[name] for name in ("sink", "source", "kind", "record")),
    _other.c.form != "waits",
    sa.or_(_other.c.form != sa.bindparam("form"),
           sa.and_(_other.c.form == "journal", _other.c.flow != table.c.flow),
           _other.c.entity.in_(_APART)),
)  # fmt: skip
_FREED = (
    sa.select(table.c.record)
    .where(_MINE, table.c.flow == _FLOW, table.c.form == "waits", sa.not_(_TAKEN))
    .order_by(table.c.record)
)
_COUNT = (
    sa.select(table.c.entity, sa.func.count())
    .where(_MINE, table.c.flow == _FLOW, table.c.form == "document", table.c.entity.in_(_APART))
    .group_by(table.c.entity).order_by(table.c.entity)
)  # fmt: skip
_UNSENT = sa.select(*item_columns).where(
    items.c.sink == _SINK, items.c.source == _SOURCE, items.c.flow.not_in(_OTHERS), items.c.record_kind == _KIND,
    items.c.root, items.c.entity.in_(_APART), items.c.state.not_in(("unknown", "decide", "differs")),
)  # fmt: skip


def _told(route: Route, **more: str) -> dict[str, int | str]:
    """A subledger's route stands for the target itself."""
    return {"sink": route.target, "source": route.source, **more}


def of_records(tx: Tx, route: Route, kind: str, records: Iterable[str]) -> list[Home]:
    """Everything that is known of these records and this target."""
    rows = tx.seek(_OF_RECORDS, dict.fromkeys(records), **_told(route, kind=kind))
    return [Home(**dict(zip(_NAMES, row, strict=True))) for row in rows]


def excludes(home: Home, flow: str, form: Form, apart: Collection[str]) -> bool:
    """Whether a flow may not take the record in this form: one as a document and one as a journal exclude each other,
    also where one flow made both, and so do two flows that would both book it, and two forms of a document (``apart``
    are the entities of the others)."""
    if home.form == "waits":
        return False
    return home.form != form or home.entity in apart or (form == "journal" and home.flow != flow)


def put(tx: Tx, route: Route, rows: Iterable[Home]) -> None:
    """Note them; what is known of the same thing of a flow is replaced."""
    names = ("sink", "source", *_NAMES)
    tx.many(table, names, [(route.target, route.source, *msgspec.structs.astuple(row)) for row in rows])


def drop(tx: Tx, route: Route, flow: str, kind: str, records: Iterable[str], entity: str) -> None:
    """Nothing of this entity stands for these records any more. A document is one, whatever flows had it: one of them
    may have been called otherwise when it wrote it."""
    tx.run_among(_DROP_ENTITY, list(records), **_told(route, flow=flow, kind=kind, entity=entity))


def stop_waiting(tx: Tx, route: Route, flow: str, kind: str, records: Iterable[str]) -> None:
    tx.run_among(_DROP_WAITS, list(records), **_told(route, flow=flow, kind=kind))


def freed(tx: Tx, route: Route, flow: str, kind: str, form: Form, apart: Collection[str]) -> list[str]:
    """The records that the flow was kept from, and that nobody else has any more; ``apart`` as for ``excludes``."""
    told = {**_told(route, flow=flow, kind=kind, form=form), "apart": list(apart)}
    return [str(row[0]) for row in tx.kept(_FREED, told)]


def count(tx: Tx, route: Route, flow: str, kind: str, entities: Collection[str]) -> dict[str, int]:
    """Entity → how many records of a flow have their home as such documents."""
    told = {**_told(route, flow=flow, kind=kind), "apart": list(entities)}
    return {str(entity): int(number) for entity, number in tx.kept(_COUNT, told)}


_MOVED = (
    sa.select(table.c.flow, movements.c.entry).distinct()
    .join(movements, sa.and_(*(movements.c[name] == table.c[name] for name in ("sink", "flow", "key"))))
    .where(_MINE, table.c.form == "journal", movements.c.state.in_(("open", "left", "booked")))
)  # fmt: skip


def moved(tx: Tx, route: Route, kind: str) -> list[tuple[str, str]]:
    """(flow, entry) of all movements of a kind's records that are not known to be posted; some are in no entry."""
    return [(str(row[0]), str(row[1])) for row in tx.kept(_MOVED, _told(route, kind=kind))]


def unsent(tx: Tx, route: Route, others: Iterable[str], kind: str, entities: Collection[str]) -> list[ItemRow]:
    """The open items of records that would become such documents, and of which none is on its way, but for those of
    ``others``: other flows. What a flow prepared under an earlier name is its own."""
    told = {**_told(route, kind=kind), "others": list(others), "apart": list(entities)}
    return [item_of(row) for row in tx.kept(_UNSENT, told)]
