"""Among all that was made since a call left its effect is found by its stamp, whatever number, name, day or customer a
person has given it since.

Facts: a note cannot be asked for, the time of making can; a batch holds 30 questions, an answer 1,000 rows (Intuit's
pages on the query language and on batches). So what was made for each customer is asked for beside all that was made:
where there is too much of the one, there is rarely too much of the other.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct
from wherry.records import Item

from .client import FULL, Obj, quoted
from .documents import KINDS
from .faults import faults
from .names import stamp_of

AT_ONCE = 25
"""Items in one look for what is recent, so that the questions about their customers fit into one batch."""
LOOK, ALL = "look", "recent"
_SKEW = dt.timedelta(hours=1)
"""How far Intuit's clock may be behind ours."""


class Told(Struct, frozen=True):
    """``rows`` are what an answer to a look names by number, name or day; ``made`` what carries a stamp of the items,
    ``complete`` whether all that was made is among it."""

    rows: list[Obj]
    made: list[Obj] = []
    complete: bool = True


def since(items: Iterable[Item]) -> str:
    """Since when any of these things may stand there; empty where none was sent, or has a stamp there."""
    told = [item.since for item in items if item.since and KINDS[item.entity].note]
    return (dt.datetime.fromisoformat(min(told)) - _SKEW).isoformat(timespec="seconds") if told else ""


def conditions(items: Sequence[Item]) -> dict[str, list[str]]:
    """What each question of a batch asks by, by the name of the question."""
    made = f"MetaData.CreateTime >= {quoted(since(items))}"
    customers = dict.fromkeys(str(item.body.get("customer") or "") for item in items)
    whose = {name: [made, f"CustomerRef = {quoted(name)}"] for name in customers} if all(customers) else {}
    return {ALL: [made], **{f"of-{number}": told for number, told in enumerate(whose.values())}}


def read(body: Obj, kind: str, items: Sequence[Item]) -> Told | None:
    """What the parts of a batch hold; None where the look itself was not answered, or is so full that it may hide some.

    ``items`` are of one entity.
    """
    parts = {str(part.get("bId")): _rows(part, kind) for part in body.get("BatchItemResponse") or ()}
    look = parts.pop(LOOK, None)
    if look is None or len(look) >= FULL:
        return None
    asked = conditions(items)
    whole = {name for name in asked if (rows := parts.get(name)) is not None and len(rows) < FULL}
    known = {str(row.get("Id")) for row in look}
    mine = {item.stamp for item in items}
    made = {str(row.get("Id")): row for rows in parts.values() for row in rows or ()}
    news = [
        row for id, row in made.items() if id not in known and stamp_of(row.get(KINDS[items[0].entity].note)) in mine
    ]
    return Told(look, news, ALL in whole or (len(asked) > 1 and whole >= asked.keys() - {ALL}))


def _rows(part: Any, kind: str) -> list[Obj] | None:
    """None of a part that was refused, or says nothing."""
    response = part.get("QueryResponse")
    return list(response.get(kind) or ()) if isinstance(response, dict) and not faults(part) else None
