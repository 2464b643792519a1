"""What keeps the books of a flow back, by name, and kept for those who only ask how things stand.

Nothing of a flow is booked while a movement of it has no account. What was found so is noted in the transaction that
found it; whether it still is so is looked up when it is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from wherry.accounting import LeftOut
from wherry.settings import Flow
from wherry.store import calls, movements, registry
from wherry.store.database import Tx
from wherry.store.ledger import Route
from wherry.store.movements import MovementRow

if TYPE_CHECKING:
    from wherry.books.gathering import Arrangement, Basis

REASONS = ("uncategorised", "no-account")
FEW = 3
"""How many movements are named where there is no room for all of them."""
_MOST = 2_000


class Stuck(Struct, frozen=True, kw_only=True):
    """Movements without an account, and why, in words. ``ids`` are at most the first two thousand of ``number``."""

    reason: str
    detail: str
    number: int
    minor: int
    currency: str
    ids: list[int]
    names: list[str]


def name_of(row: MovementRow) -> str:
    """What a movement is called at its source: by its reference, else by its record."""
    return str(msgspec.json.decode(row.body).get("reference") or "") or row.key.removeprefix("id:")


def names(rows: Mapping[int, MovementRow], ids: Iterable[int], most: int) -> list[str]:
    """The names of the first ``most`` of these movements."""
    return [name_of(rows[id]) for _, id in zip(range(most), ids, strict=False) if id in rows]


def named(some: Sequence[str], number: int) -> str:
    """``W-7, W-8, W-9 and 4 more``; empty where none has a name."""
    more = f" and {number - len(some):,} more" if number > len(some) else ""
    return f"{', '.join(some)}{more}" if some else ""


def keep(tx: Tx, basis: Basis, found: Arrangement) -> None:
    """Note what keeps the books back; a selection of them says nothing of the rest."""
    if not basis.pick.takes_all:
        return
    rows = {row.id: row for row in found.free}
    held = [_stuck(rows, one) for one in found.left if one.reason in REASONS]
    name = _note(basis.route, basis.flow.name)
    if held or calls.note(tx, name):
        calls.put_note(tx, name, msgspec.json.encode(held).decode() if held else "")


def _stuck(rows: Mapping[int, MovementRow], one: LeftOut) -> Stuck:
    return Stuck(
        reason=one.reason, detail=one.detail, number=len(one.members), minor=one.minor, currency=one.currency,
        ids=list(one.members[:_MOST]), names=names(rows, one.members, FEW),
    )  # fmt: skip


def blocked(tx: Tx, flow: Flow) -> list[dict[str, Any]]:
    """Movements without an account, for which nothing of the flow is booked."""
    ids = {row.name: row.id for row in registry.all_connections(tx)} if flow.books_journals else {}
    if flow.source not in ids or flow.sink not in ids:
        return []
    return of_flow(tx, Route(ids[flow.source], ids[flow.sink]), flow.name)


def of_flow(tx: Tx, route: Route, flow: str) -> list[dict[str, Any]]:
    """What keeps the books of a flow back, as the last run found it, less what was booked or taken back since."""
    told = calls.note(tx, _note(route, flow))
    found = []
    for one in msgspec.json.decode(told, type=list[Stuck]) if told else ():
        held = movements.by_id(tx, one.ids).values()
        if still := sum(row.state in ("open", "left") for row in held):
            left = still + one.number - len(one.ids)
            found.append({"reason": one.reason, "detail": one.detail, "movements": left, "minor": one.minor,
                          "currency": one.currency, "names": one.names})  # fmt: skip
    return found


def _note(route: Route, flow: str) -> str:
    return f"stuck:{route.sink}:{route.source}:{flow}"
