"""Up to when we keep the books of a target closed; what is dated into that does not leave, whoever said it may.

A person may have approved it, or said to try it again, before or after the period was closed. Source: case C12.
"""

from __future__ import annotations

import datetime as dt

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
        day = _day(one)
        if day is None or day > last or halfway.is_begun(one.open.item):
            may.append(one)
        else:
            stays.append((one, _answer(target.name, one, day, last)))
    return may, stays


def _day(one: Flight) -> dt.date | None:
    """The day that a document is booked on; None for a customer, and for whatever else bears none."""
    told = one.open.item.draft.body.get("date") if one.open.item.root else None
    try:
        return dt.date.fromisoformat(str(told)[:10]) if told else None
    except ValueError:
        return None


def _answer(target: str, one: Flight, day: dt.date, last: dt.date) -> Answer:
    row = one.open.item
    return Answer(
        fate="refused", field="date", code="WHERRY-4612",
        reason=f"{row.label or row.key} is dated {day}, and the books of {target} are closed here up to {last}",
        fix=f"give it a later date at its source, or open the period (wherry periods reopen) and then: "
        f"wherry errors retry E-{row.id}",
    )  # fmt: skip
