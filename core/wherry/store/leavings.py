"""Records that a flow left out, by why it did: those that another setting of the flow would take."""

from __future__ import annotations

import sqlalchemy as sa

from wherry.store.database import Tx
from wherry.store.tables import history, seen

ONCE = "already synced once"
"""Why a record is left out that was carried before, and of which its flow repeats nothing."""
_FATE = sa.bindparam("is_fate", type_=sa.String)
AS_LEFT = (seen.c.reason == ONCE) & (_FATE != "reversed") & (_FATE != "skipped")
"""Where what was settled of a record is an older version than the one that was left out for that."""

_LEFT = (
    sa.select(seen.c.source_id)
    .where(seen.c.flow == sa.bindparam("of_flow"), seen.c.kind == sa.bindparam("of_kind"), seen.c.fate == "skipped")
    .order_by(seen.c.source_id)
)
_KEPT = sa.select(sa.func.count()).where(
    seen.c.flow == sa.bindparam("of_flow"), seen.c.fate == "skipped", seen.c.synced != ""
)
_BEHIND = _LEFT.where(seen.c.synced != "", sa.not_(seen.c.reason.like("gone:%")))
_DECIDED = sa.exists().where(
    history.c.flow == seen.c.flow, history.c.record_kind == seen.c.kind, history.c.record_id == seen.c.source_id,
    history.c.entity != "", history.c.fate == "skipped", history.c.reason == seen.c.reason, history.c.cause == "",
)  # fmt: skip
_NEVER_IN = (
    sa.select(seen.c.reason, seen.c.currency, sa.func.count(), sa.func.coalesce(sa.func.sum(seen.c.amount), 0))
    .where(seen.c.flow == sa.bindparam("of_flow"), seen.c.fate == "skipped", seen.c.synced == "")
    .where(sa.not_(seen.c.reason.like("gone:%")))
    .group_by(seen.c.reason, seen.c.currency).order_by(seen.c.reason, seen.c.currency)
)  # fmt: skip
_BY_RULE = _LEFT.where(seen.c.synced == "", _DECIDED)


def left_by_rule(tx: Tx, flow: str, kind: str) -> list[str]:
    """Source ids of the records whose document was left out once it was made, and by nobody's word: by a match rule."""
    return [str(row[0]) for row in tx.kept(_BY_RULE, {"of_flow": flow, "of_kind": kind})]


def count_kept(tx: Tx, flow: str) -> int:
    """How many records were left out in their newest version, and stand as an earlier one."""
    return next(int(row[0]) for row in tx.kept(_KEPT, {"of_flow": flow}))


def left_behind(tx: Tx, flow: str, kind: str) -> list[str]:
    """Source ids of the records that were left out in their newest version, taken back or changed, and stand as an
    earlier one."""
    return [str(row[0]) for row in tx.kept(_BEHIND, {"of_flow": flow, "of_kind": kind})]


def never_in(tx: Tx, flow: str) -> list[tuple[str, str, int, int]]:
    """(reason, currency, number, sum) of the records that were left out and never carried, of whatever day."""
    return [(str(r), str(c), int(n), int(s)) for r, c, n, s in tx.kept(_NEVER_IN, {"of_flow": flow})]
