"""Up to when we keep the books of a target closed; what is dated into that does not leave, whoever said it may.

A person may have approved it, or said to try it again, before or after the period was closed. Source: case C12.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator

from wherry.protocol import halfway
from wherry.protocol.flight import Flight, Target
from wherry.records import Answer
from wherry.store import calls
from wherry.store.database import Tx

_NOTE = "books closed:"


def note_of(sink: int) -> str:
    """The note that tells it."""
    return f"{_NOTE}{sink}"


def until(tx: Tx, sink: int) -> dt.date | None:
    """The last day that is closed here, whatever the target says itself."""
    told = calls.note(tx, note_of(sink))
    return dt.date.fromisoformat(told) if told else None


def put(tx: Tx, sink: int, day: dt.date | None) -> None:
    """Close the books of a target here up to a day; None opens them."""
    calls.put_note(tx, note_of(sink), day.isoformat() if day else "")


def parted(tx: Tx, target: Target, flights: list[Flight]) -> tuple[list[Flight], list[tuple[Flight, Answer]]]:
    """Those that may leave, and the documents that are dated into closed days, each with why it stays here.

    What is in the target by half goes on: it is there already.
    """
    last = until(tx, target.sink_id)
    if last is None:
        return flights, []
    may, stays = list[Flight](), list[tuple[Flight, Answer]]()
    for one in flights:
        shut = next(((day, there) for day, there in _days(one) if day <= last), None)
        if shut is None or halfway.is_begun(one.open.item):
            may.append(one)
        else:
            stays.append((one, _answer(target.name, one, *shut, last)))
    return may, stays


def _days(one: Flight) -> Iterator[tuple[dt.date, bool]]:
    """The day that a document has in the target (``True``), and the one that it is to have. None for a customer, and
    for whatever else bears none."""
    for body, there in ((one.item.before or {}, True), (one.open.item.draft.body, False)):
        with contextlib.suppress(ValueError):
            yield dt.date.fromisoformat(str(body.get("date") or "")[:10]), there


def _answer(target: str, one: Flight, day: dt.date, there: bool, last: dt.date) -> Answer:
    row = one.open.item
    dated, later = ("stands there dated", "") if there else ("is dated", "give it a later date at its source, or ")
    return Answer(
        fate="refused", field="date", code="WHERRY-4612",
        reason=f"{row.label or row.key} {dated} {day}, and the books of {target} are closed here up to {last}",
        fix=f"{later}open the period (wherry periods reopen) and then: wherry errors retry E-{row.id}",
    )  # fmt: skip
