"""What ``mark-as-exported`` takes: one to ten entries that exist, each with its system; or none of them."""

from __future__ import annotations

from collections.abc import Collection

import msgspec
from msgspec import Struct

MOST = 10


class Mark(Struct):
    """One entry that was exported. ``accounting_entry_id`` is a number, nothing that looks like one."""

    accounting_entry_id: int
    system_id: str
    note: str | None = None


class _Marks(Struct):
    accounting_entries: list[Mark]


def marks_of(body: bytes, known: Collection[int]) -> list[Mark]:
    """The marks of a request. Raises ValueError with the first thing that is wrong; then nothing may be marked."""
    try:
        marks = msgspec.json.decode(body, type=_Marks).accounting_entries
    except msgspec.DecodeError as wrong:
        raise ValueError(f"The given data was invalid: {wrong}") from None
    if not marks:
        raise ValueError("The accounting entries field is required.")
    if len(marks) > MOST:
        raise ValueError(f"The accounting entries may not have more than {MOST} items.")
    for mark in marks:
        if not mark.system_id:
            raise ValueError("The system id field is required.")
        if mark.accounting_entry_id not in known:
            raise ValueError(f"The accounting entry {mark.accounting_entry_id} does not exist.")
    return marks
