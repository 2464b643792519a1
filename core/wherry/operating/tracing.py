"""The way of a movement: into which group and entry it went, as what the target has that, or why it stands in none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from wherry.books import unbooked
from wherry.books.frozen import ENTITY
from wherry.books.keys import parts
from wherry.books.unbooked import GIVEN_UP
from wherry.money import figure
from wherry.protocol.rows import REVERSED
from wherry.records import Ref
from wherry.settings import Flow
from wherry.store import exported, inquiries, ledger, movements
from wherry.store.database import Tx
from wherry.store.inquiries import Placed
from wherry.store.ledger import LinkRow, Route
from wherry.store.movements import MovementRow
from wherry.wording import bare

_GROUPS = {"none": "by itself", "day": "with its day", "week": "with its week", "month": "with its month"}
Because = Callable[[Placed], str]
"""Why an open item has not got further, in words."""


def of_word(tx: Tx, word: str) -> list[MovementRow]:
    """The movements of that number (``M-17``) or reference; none that takes another one back."""
    number = movements.number_of(word.upper())
    rows = movements.by_id(tx, [number]).values() if number else movements.referring(tx, word)
    return [row for row in rows if not row.undoes or number]


def entry_of(tx: Tx, route: Route, row: MovementRow) -> tuple[LinkRow | None, Placed | None]:
    """How the entry of a movement stands: as what it was written, and its open item."""
    if not row.entry:
        return None, None
    ref = Ref(ENTITY, row.entry)
    item = ledger.find_items(tx, route, [ref]).get(ref)
    return ledger.find_links(tx, route, [ref]).get(ref), Placed(route, item) if item is not None else None


def members(tx: Tx, sink: int, flow: str, entry: str) -> list[MovementRow]:
    """The movements that an entry is made of."""
    return list(movements.of_entries(tx, sink, flow, [entry]))


def member(tx: Tx, row: MovementRow) -> dict[str, Any]:
    """A movement and the record that it came from."""
    event = inquiries.record_of(tx, Ref(row.kind, row.key), f"M-{row.id}")
    body = msgspec.json.decode(row.body)
    return {
        "id": f"M-{row.id}", "record": f"{event.record_kind} {event.record_id}" if event is not None else row.key,
        "date": row.date, "partition": row.partition, "reference": body.get("reference", ""),
        "description": body.get("description", ""), "minor": row.minor, "currency": row.currency,
        "undoes": f"M-{row.undoes}" if row.undoes else "", "run": row.run,
    }  # fmt: skip


def name(row: MovementRow) -> str:
    """``movement p1 (100.00 USD of 2026-01-05)``."""
    reference = str(msgspec.json.decode(row.body).get("reference") or row.key.removeprefix("id:"))
    return f"movement {reference} ({_worth(row)})"


def _worth(row: MovementRow) -> str:
    return f"{figure(row.minor, row.currency)} {row.currency} of {row.date}"


def sentence(
    tx: Tx, row: MovementRow, flow: Flow | None, there: str, link: LinkRow | None, item: Placed | None, because: Because
) -> str:  # fmt: skip
    """Where a movement is in the target, or why it is not."""
    said = name(row)
    said = said[:1].upper() + said[1:]
    back = [one for one in movements.of_keys(tx, [row.key]) if one.undoes == row.id]
    after = "".join(f"; M-{one.id} takes it back since its record says something else{_waits(one)}" for one in back)
    stands = _stands(link)
    if item is None and not stands and (why := _held(tx, row, link)):
        return f"{said} is not in {there}: {why}{_taken(link)}{after}"
    if not row.entry:
        look = f"the next run books it if nothing holds it: wherry journal preview {row.flow}"
        return f"{said} is not in {there}: it stands in no entry yet, and {look}"
    number = exported.said(link, "number") if link is not None else item.item.label if item is not None else row.entry
    many = len(members(tx, row.sink, row.flow, row.entry))
    how = _GROUPS[flow.group] if flow is not None else "with its group"
    group = f"{how}, {parts(row.entry).bucket}" + (f", one of {many} movements" if many > 1 else "")
    entry = f"journal entry {number}"
    if link is not None and stands:
        more = f"; but that {because(item)}" if item is not None else ""
        by = f", by run {link.run}" if link.run else f", request {link.call}" if link.call else ""
        return f"{said} is in {there}, in {entry} as {link.target}: booked {group}{by}{more}{after}"
    if item is not None:
        return f"{said} is not in {there}: it is booked {group}, in {entry}, which {because(item)}{after}"
    return f"{said} is not in {there}: it is to be booked {group}, in {entry}, by the next run{_taken(link)}{after}"


def _waits(row: MovementRow) -> str:
    return f", and is held: {bare(row.reason)}" if row.state == "left" else ""


def before(tx: Tx, route: Route, row: MovementRow) -> str:
    """Of a movement that stands in nothing, which version of it the target still has."""
    known = [one for one in movements.of_keys(tx, [row.key]) if (one.sink, one.flow) == (row.sink, row.flow)]
    there = {one.id: one for one in known if _stands(entry_of(tx, route, one)[0])}
    back = {one.undoes for one in there.values()}
    still = [one for id, one in there.items() if not one.undoes and id not in back]
    return (
        f"; M-{still[-1].id} is there, an earlier version of it ({_worth(still[-1])})"
        if still and row.id not in there
        else ""
    )


def _stands(link: LinkRow | None) -> bool:
    return link is not None and link.target != "" and link.rule != REVERSED


def _held(tx: Tx, row: MovementRow, link: LinkRow | None) -> str:
    """Why a movement is booked in nothing, also where its entry was reversed or given up since the last run."""
    if row.state in ("left", "gone") or link is None:
        return bare(row.reason)
    if not link.target:
        return f"{GIVEN_UP} by {link.made_by}"
    wish = unbooked.wished(tx, row.sink, row.entry)
    return bare(wish.reason) if wish is not None else ""


def _taken(link: LinkRow | None) -> str:
    back = link is not None and link.rule == REVERSED
    return f"; its entry was taken back there, where it had been {link.target}" if back and link is not None else ""
