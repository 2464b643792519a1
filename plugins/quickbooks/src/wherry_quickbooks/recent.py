"""Among all that was made since a call left its effect is found by its stamp, whatever number, name, day or customer a
person has given it since.

Facts: a note cannot be asked for, the time of making can; a batch holds 30 questions, an answer 1,000 rows (Intuit's
pages on the query language and on batches). So what was made for each customer is asked for beside all that was made:
where there is too much of the one, there is rarely too much of the other.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from wherry.records import Item

from .client import FULL, Obj, quoted
from .documents import KINDS
from .faults import faults
from .names import stamp_of

AT_ONCE = 25
"""Items in one look for what is recent, so that the questions about their customers fit into one batch."""
PAGES = 10
"""Pages of all that is recent where there are no customers: a restored store looks among much."""
LOOK, ALL, OF = "look", "recent", "of"
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


class Question(Struct, frozen=True):
    """One of a batch: what it asks by, and the row with which its answer begins."""

    conditions: list[str]
    start: int = 1


def questions(items: Sequence[Item]) -> dict[str, Question]:
    """What was made, page by page, or in one page and for each customer; by the name of the question."""
    made = f"MetaData.CreateTime >= {quoted(since(items))}"
    customers = dict.fromkeys(str(item.body.get("customer") or "") for item in items)
    if not all(customers):
        return {f"{ALL}-{page}": Question([made], page * FULL + 1) for page in range(PAGES)}
    theirs = {f"{OF}-{n}": Question([made, f"CustomerRef = {quoted(name)}"]) for n, name in enumerate(customers)}
    return {f"{ALL}-0": Question([made]), **theirs}


def read(body: Obj, kind: str, items: Sequence[Item]) -> Told | None:
    """What the parts of a batch hold; None where the look itself was not answered, or is so full that it may hide some.

    ``items`` are of one entity.
    """
    parts = {str(part.get("bId")): _rows(part, kind) for part in body.get("BatchItemResponse") or ()}
    look = parts.pop(LOOK, None)
    if look is None or len(look) >= FULL:
        return None
    answers = {name: parts.get(name) for name in questions(items)}
    stamps, note = {item.stamp for item in items}, KINDS[items[0].entity].note
    made = {str(row.get("Id")): row for rows in answers.values() for row in rows or ()}
    ours = [row for row in made.values() if stamp_of(row.get(note)) in stamps]
    return Told(look, ours, complete=any(_is_whole(answers, what) for what in (ALL, OF)))


def _is_whole(answers: Mapping[str, list[Obj] | None], what: str) -> bool:
    """Whether all pages were told, the last of them not full; of customers, all that was made for each."""
    told = [rows for name, rows in answers.items() if name.startswith(what)]
    pages = told[-1:] if what == ALL else told
    return bool(told) and None not in told and all(len(rows or ()) < FULL for rows in pages)


def _rows(part: Any, kind: str) -> list[Obj] | None:
    """None of a part that was refused, or says nothing."""
    response = part.get("QueryResponse")
    return list(response.get(kind) or ()) if isinstance(response, dict) and not faults(part) else None
