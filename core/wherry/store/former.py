"""What flows knew that the project calls otherwise now, or has no more: who has their place looks after it."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from wherry.store.database import Tx
from wherry.store.ledger import Route
from wherry.store.tables import items, links, marks, seen

_FLOWS = sa.select(marks.c.flow).distinct().order_by(marks.c.flow)
_FORMER: sa.BindParameter[list[str]] = sa.bindparam("former", expanding=True)
_own = seen.alias()


def _told(kind: sa.ColumnElement[str], record: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Whether the flow looks after a record by itself, or has said that it is gone."""
    return sa.exists().where(
        _own.c.flow == sa.bindparam("own"), _own.c.kind == kind, _own.c.source_id == record,
        (_own.c.synced != "") | _own.c.reason.like("gone:%"),
    )  # fmt: skip


_said = seen.alias()
_TOLD_BESIDE = sa.exists().where(
    _said.c.flow.in_(sa.bindparam("present", expanding=True)),
    _said.c.kind == seen.c.kind, _said.c.source_id == seen.c.source_id,
    _said.c.synced == seen.c.synced, _said.c.reason.like("gone:%"),
)  # fmt: skip
"""Whether another flow, which may be the one that was renamed, has said it."""
_SYNCED = sa.select(seen.c.source_id, seen.c.synced).where(
    seen.c.flow.in_(_FORMER), seen.c.kind == sa.bindparam("kind"), seen.c.synced != "",
    sa.not_(seen.c.reason.like("gone:%")), sa.not_(_told(seen.c.kind, seen.c.source_id)), sa.not_(_TOLD_BESIDE),
    sa.exists().where(
        links.c.sink == sa.bindparam("sink"), links.c.source == sa.bindparam("source"),
        links.c.entity.in_(sa.bindparam("roots", expanding=True)), links.c.target == seen.c.synced,
        links.c.rule != "reversed",
    ),
)  # fmt: skip
_OPEN = sa.select(items.c.record_id).where(
    items.c.sink == sa.bindparam("sink"), items.c.source == sa.bindparam("source"), items.c.flow.in_(_FORMER),
    items.c.record_kind == sa.bindparam("kind"), items.c.root, sa.not_(_told(items.c.record_kind, items.c.record_id)),
)  # fmt: skip


def flows(tx: Tx, present: Collection[str]) -> list[str]:
    """Those that have read something and are none of the project's."""
    return [str(row[0]) for row in tx.kept(_FLOWS, {}) if row[0] not in present]


def left(
    tx: Tx, route: Route, flow: str, present: Collection[str], kind: str, roots: Collection[str]
) -> dict[str, str]:
    """Record → the target that it was written to by such a flow (empty: it waits), of those that ``flow``, which goes
    the same way, does not look after yet. ``roots`` are the entities that they may stand as."""
    told = {"former": flows(tx, present), "own": flow, "kind": kind, "sink": route.sink, "source": route.source}
    if not told["former"]:
        return {}
    more = {**told, "roots": list(roots), "present": list(present)}
    waiting = {str(row[0]): "" for row in tx.kept(_OPEN, told)}
    return waiting | {str(id): str(target) for id, target in tx.kept(_SYNCED, more)}
