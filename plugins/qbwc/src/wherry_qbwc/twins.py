"""Documents that may yet come to be there twice: looked for again, longer and longer after they were settled.

A request that a computer took and did not answer is sent again, or made void, through the next one that comes. Should
QuickBooks work on the first at that very moment, such as behind an open window, it may know nothing of the second and
do both. No program outside can keep it from that; so that somebody is told, its documents are counted once more.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct
from wherry.errors import Guarded
from wherry.roles import Documents

from .facts import Row, stamps, total_of
from .names import VOIDED
from .words import replies

KIND = "doubt"
AFTER = (600.0, 3600.0, 6 * 3600.0, 86_400.0, 3 * 86_400.0, 7 * 86_400.0)
"""Seconds after a request was settled by another than who took it at which its documents are counted."""
ENTRY = "JournalEntryQuery"


class Doubt(Struct, frozen=True):
    """A question that finds the documents, since when it is asked, and how often it was."""

    content: str
    since: str
    asked: int = 0

    def is_due(self, now: dt.datetime) -> bool:
        """Whether it is time to ask again."""
        return (now - dt.datetime.fromisoformat(self.since)).total_seconds() >= AFTER[min(self.asked, len(AFTER) - 1)]


def note(documents: Documents, connection: str, content: bytes, now: dt.datetime) -> None:
    """What this question finds was on its way with somebody else."""
    id = f"{connection}/{hashlib.sha256(content).hexdigest()}"
    documents.put(KIND, [(id, msgspec.to_builtins(Doubt(content.decode(), now.isoformat())))])


def due(documents: Documents, connection: str, now: dt.datetime) -> dict[str, Doubt]:
    """What is to be asked in this session, by its id."""
    held = {id: msgspec.convert(body, Doubt) for id, body in documents.each(KIND) if id.startswith(f"{connection}/")}
    return {id: one for id, one in held.items() if one.is_due(now)}


def keep(documents: Documents, told: dict[str, Doubt], there: Iterable[str]) -> None:
    """These were asked; of those ``there`` a document stands twice, so that they are asked until it does no more."""
    again = {id: msgspec.structs.replace(one, asked=one.asked + (id not in there)) for id, one in told.items()}
    documents.put(KIND, [(id, msgspec.to_builtins(one)) for id, one in again.items() if one.asked < len(AFTER)])
    documents.remove(KIND, [id for id, one in again.items() if one.asked >= len(AFTER)])


def found(response: str) -> list[list[Row]]:
    """The documents that say the same and that Wherry made several of, none of them taken back. Raises
    ContractBroken."""
    told = replies.parse(response)
    groups: defaultdict[tuple[str, ...], list[Row]] = defaultdict(list)
    for answer in told.answers[:1]:
        for row in answer.rows:
            mine = stamps(row)
            if mine and row.get("TxnID") and not _taken_back(row):
                # An entry that was corrected stands beside the one that takes it back, each with a stamp of its own.
                groups[(min(mine),) if answer.name == ENTRY else _said(row)].append(row)
    return [rows for rows in groups.values() if len(rows) > 1]


def _said(row: Row) -> tuple[str, ...]:
    """What two attempts at one document have in common, and two documents of one number rarely do."""
    customer = str((row.get("CustomerRef") or {}).get("ListID") or "")
    return str(row.get("RefNumber") or ""), customer, str(row.get("TxnDate") or ""), str(total_of(row))


def alarm(rows: Sequence[Row]) -> Guarded:
    """That a document is there twice."""
    ids, number = ", ".join(str(row["TxnID"]) for row in rows), str(rows[0].get("RefNumber") or "")
    return Guarded(
        f"QuickBooks holds {number} {len(rows)} times ({ids}): two computers carried it out at the same time",
        fix=f"delete all but the one that wherry explain {number} names, and let one computer alone have the "
        "application in its Web Connector; this is looked for again at each update",
        code="WHERRY-7852",
    )  # fmt: skip


def _taken_back(row: Row) -> bool:
    closed = row.get("IsManuallyClosed") == "true" or row.get("IsActive") == "false"
    return closed or str(row.get("Memo") or "").startswith(VOIDED)
