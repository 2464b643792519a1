"""Which entries are fixed: what was sent, or may have been, keeps its members for good."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from wherry.records import Ref
from wherry.store import ledger
from wherry.store.database import Tx
from wherry.store.ledger import Route
from wherry.store.tables import items, links

ENTITY = "journal_entry"
REVERSED = "reversed"
SEPARATOR = "|"
"""Between the parts of an entry's key in the ledger: flow, bucket, partition, and its key among those."""
_MAY_BE_THERE = ("unknown", "decide", "differs")
_SINK: sa.BindParameter[int] = sa.bindparam("sink")
_SOURCE: sa.BindParameter[int] = sa.bindparam("source")
_FLOW: sa.BindParameter[str] = sa.bindparam("flow")
_POSTED = sa.select(links.c.key).where(
    links.c.sink == _SINK, links.c.source == _SOURCE, links.c.entity == ENTITY, links.c.rule != REVERSED,
    links.c.key.startswith(_FLOW),
)  # fmt: skip
_SENT = sa.select(items.c.key).where(
    items.c.sink == _SINK, items.c.source == _SOURCE, items.c.entity == ENTITY,
    items.c.state.in_(_MAY_BE_THERE), items.c.key.startswith(_FLOW),
)  # fmt: skip


_BODIES = _POSTED.with_only_columns(links.c.body)


class _Numbered(Struct):
    number: str = ""


_number = msgspec.json.Decoder(_Numbered).decode


def frozen(tx: Tx, route: Route, keys: Iterable[str]) -> set[str]:
    """Of these entries of a route those that the target holds, or may hold. Our own ledger decides, no remote flag."""
    refs = [Ref(ENTITY, key) for key in keys if key]
    links, items = ledger.find_links(tx, route, refs), ledger.find_items(tx, route, refs)
    held = {ref.key for ref, link in links.items() if link.rule != REVERSED}
    return held | {ref.key for ref, item in items.items() if item.state in _MAY_BE_THERE}


def numbers(tx: Tx, route: Route, flow: str) -> set[str]:
    """What the entries of a flow are called that the target holds."""
    told = {"sink": route.sink, "source": route.source, "flow": f"{flow}{SEPARATOR}"}
    return {_number(row[0]).number for row in tx.kept(_BODIES, told) if row[0]}


def of_flow(tx: Tx, route: Route, flow: str) -> set[str]:
    """The keys of all entries of a flow that the target holds, or may hold. A flow's name has no sign of a pattern."""
    told = {"sink": route.sink, "source": route.source, "flow": f"{flow}{SEPARATOR}"}
    return {row[0] for statement in (_POSTED, _SENT) for row in tx.kept(statement, told)}
