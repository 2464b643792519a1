"""Which entries are fixed: what was sent, or may have been, keeps its members for good."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct, field

from wherry.books.keys import SEPARATOR
from wherry.protocol.rows import MAY_STAND, REVERSED
from wherry.records import Ref
from wherry.store import ledger
from wherry.store.database import Tx
from wherry.store.ledger import Route
from wherry.store.tables import items, links

ENTITY = "journal_entry"
_SINK: sa.BindParameter[int] = sa.bindparam("sink")
_SOURCE: sa.BindParameter[int] = sa.bindparam("source")
_FLOW: sa.BindParameter[str] = sa.bindparam("flow")
_POSTED = sa.select(links.c.key).where(
    links.c.sink == _SINK, links.c.source == _SOURCE, links.c.entity == ENTITY, links.c.rule != REVERSED,
    links.c.target != "", links.c.key.startswith(_FLOW),
)  # fmt: skip
_GIVEN_UP = sa.select(links.c.key).where(
    links.c.sink == _SINK, links.c.source == _SOURCE, links.c.entity == ENTITY, links.c.target == "",
    links.c.key.startswith(_FLOW),
)  # fmt: skip
_SENT = sa.select(items.c.key).where(
    items.c.sink == _SINK, items.c.source == _SOURCE, items.c.entity == ENTITY,
    items.c.state.in_(sorted(MAY_STAND)), items.c.key.startswith(_FLOW),
)  # fmt: skip


_BODIES = _POSTED.with_only_columns(links.c.body)


class _Numbered(Struct):
    number: str = ""


_number = msgspec.json.Decoder(_Numbered).decode


_REVERSED = sa.select(links.c.key).where(
    links.c.sink == _SINK, links.c.source == _SOURCE, links.c.entity == ENTITY, links.c.rule == REVERSED,
    links.c.key.startswith(_FLOW),
)  # fmt: skip
_OPEN_STANDING = sa.select(items.c.id, items.c.key, items.c.state, items.c.changed_at).where(
    items.c.sink == _SINK, items.c.source == _SOURCE, items.c.entity == ENTITY, items.c.key.startswith(_FLOW),
).order_by(items.c.key)  # fmt: skip
_LINK_STANDING = sa.select(links.c.key, links.c.rule, links.c.target, links.c.made_at).where(
    links.c.sink == _SINK, links.c.source == _SOURCE, links.c.entity == ENTITY, links.c.key.startswith(_FLOW),
).order_by(links.c.key)  # fmt: skip


def frozen(tx: Tx, route: Route, keys: Iterable[str]) -> set[str]:
    """Of these entries of a route those that the target holds, or may hold. Our own ledger decides, no remote flag."""
    refs = [Ref(ENTITY, key) for key in keys if key]
    links, items = ledger.find_links(tx, route, refs), ledger.find_items(tx, route, refs)
    held = {ref.key for ref, link in links.items() if link.target and link.rule != REVERSED}
    return held | {ref.key for ref, item in items.items() if item.state in MAY_STAND}


def numbers(tx: Tx, route: Route, flow: str) -> set[str]:
    """What the entries of a flow are called that the target holds."""
    return {_number(row[0]).number for row in tx.kept(_BODIES, _told(route, flow)) if row[0]}


class Sent(Struct, frozen=True):
    """Keys of a flow's entries by how they stand, of those that ever went out, or were given up before that."""

    posted: set[str]
    """The target holds them."""
    fixed: set[str]
    """It holds them, or may hold them: their members are theirs for good."""
    reversed: set[str]
    """They were taken back there."""
    given_up: set[str] = field(default_factory=set)
    """They never were there."""


def of_flow(tx: Tx, route: Route, flow: str) -> Sent:
    """How the entries of a flow stand that were ever sent."""
    told = _told(route, flow)
    posted, sent, back, given_up = (
        {row[0] for row in tx.kept(one, told)} for one in (_POSTED, _SENT, _REVERSED, _GIVEN_UP)
    )
    return Sent(posted, posted | sent, back - sent, given_up - sent)


def all_known(tx: Tx, route: Route, flow: str) -> Iterator[Sequence[Any]]:
    """A row for everything that is known of the entries of a flow: it differs once any of them stands otherwise."""
    for statement in (_OPEN_STANDING, _LINK_STANDING):
        yield from tx.kept(statement, _told(route, flow))


def _told(route: Route, flow: str) -> dict[str, Any]:
    """A flow's name has no sign of a pattern."""
    return {"sink": route.sink, "source": route.source, "flow": f"{flow}{SEPARATOR}"}
