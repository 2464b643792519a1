"""Which copy of the store this is: what may have been sent that it does not know of, and what is looked for therefore.

Beside the store a file tells how many calls were made (``Beside``). A store that knows of fewer, or lies where nothing
was sent from yet, may be an older copy. What it then heeds stands in its notes (``calls.note``):

``looked:FLOW``    When the flow had run through with nothing left to send. Before, and for what is as old, documents
                   are looked for before they are made. Until the store is found to be an older copy.
``restored:FLOW``  Of a flow that had looked by then: when the newest call left that the copy knew of. Until the flow
                   has looked again and the store is then found to be an older copy once more.
``restored``       When the store was last found to be an older copy: its targets settle from then on. For ever.
``reread:FLOW``    When the flow had next been read to its end, whatever was left to send. What is as old may have been
                   sent before. Until the store is found to be an older copy again.
``incarnation``    Which database of a server this is (``Tx.incarnation``). In another one it is an older copy.

Source: write-protocol.md, sections 2 (finding 5) and 3.2 (rules 11 and 12).
"""

from __future__ import annotations

import datetime as dt
import fcntl
import os
from collections.abc import Iterable
from pathlib import Path

from wherry.clock import stored
from wherry.errors import ConfigError
from wherry.protocol.rows import ONCE_REFUSED, is_noted
from wherry.roles import CallSinkWriter
from wherry.store import calls
from wherry.store.calls import OpenItem
from wherry.store.database import Tx
from wherry.store.ledger import ItemRow

LOOKED, SENT_UNTIL, REREAD = "looked:", "restored:", "reread:"
NOTICED = "restored"
INCARNATION = "incarnation"
_LONG = 86_400.0


def flow_on(flow: str, source: int, sink: int) -> str:
    """A flow on a route, as its notes name it."""
    return f"{flow}:{source}:{sink}"


# -- when it is found out ----------------------------------------------------------------------------------------------


def is_a_copy(tx: Tx) -> bool:
    """Whether the database of a server is another than the store last knew: it came out of a backup, or was taken over
    by another server. Whoever sends first finds it, on whichever host. Notes which one it is now."""
    known, now = calls.note(tx, INCARNATION), tx.incarnation()
    if known != now:
        calls.put_note(tx, INCARNATION, now)
    return bool(known) and known != now


def note_older(tx: Tx, now: str) -> None:
    """The store is an older copy, or may be one."""
    newest = calls.newest(tx)
    for flow in calls.notes(tx, LOOKED):
        calls.put_note(tx, SENT_UNTIL + flow, newest)
    calls.drop_notes(tx, LOOKED)
    calls.drop_notes(tx, REREAD)
    calls.put_note(tx, NOTICED, now)


def bring_near(tx: Tx, far: str, near: str) -> None:
    """What was noted for a moment beyond ``far`` was noted by a clock that went wrong: all that comes until then would
    count as old."""
    calls.bring_notes_near(tx, (LOOKED, REREAD), far, near)
    if calls.note(tx, NOTICED) > far:
        calls.put_note(tx, NOTICED, near)


def settling(tx: Tx, settle: float, now: dt.datetime) -> float:
    """Seconds until a target with that ``settle`` shows all that was sent before the store was found to be older."""
    noticed = calls.note(tx, NOTICED)
    if not noticed:
        return 0.0
    return max(0.0, min(settle, settle - (now - dt.datetime.fromisoformat(noticed)).total_seconds()))


# -- when a flow has run through ---------------------------------------------------------------------------------------


def to_note(tx: Tx, flow: str, *, left: bool) -> list[str]:
    """What is to be noted of a flow that was read to its end, and is not yet; ``left``: something waits to be sent."""
    wanted = [] if left else [LOOKED + flow]
    wanted += [REREAD + flow] if calls.note(tx, NOTICED) else []
    return [key for key in wanted if not calls.note(tx, key)]


# -- of an item --------------------------------------------------------------------------------------------------------


class Doubts:
    """What of one sink may be in its target already. Asks the store for each flow once in a transaction."""

    def __init__(self, tx: Tx, sink: int, now: dt.datetime) -> None:
        self._tx, self._sink = tx, sink
        self._lately = tuple(stored(now + dt.timedelta(seconds=seconds)) for seconds in (-_LONG, _LONG))
        self._known: dict[str, str] = {}

    @staticmethod
    def notes_of(items: Iterable[OpenItem], sink: int) -> set[str]:
        """The notes that tell of these items."""
        flows = {flow_on(one.item.flow, one.source, sink) for one in items}
        return {NOTICED, *(kind + flow for flow in flows for kind in (LOOKED, REREAD))}

    def may_be_entered(self, row: ItemRow, source: int, sink: CallSinkWriter) -> bool:
        """Whether it may be there, entered by hand, or sent by a copy of the store that is no more: it is as old as the
        flow's first documents, which were not all sent until the flow had run through; or it was refused before; or it
        has waited for a day; or the target would take its number twice."""
        if row.entity in getattr(sink, "repeats_numbers", ()):  # RepeatsNumbers; a protocol is slow to tell for each
            return True
        looked = self._note(LOOKED + flow_on(row.flow, source, self._sink))
        from_, until = self._lately
        waited = not from_ <= row.created_at <= until
        return not looked or row.created_at <= looked or is_noted(row, ONCE_REFUSED) or waited

    def may_be_sent(self, row: ItemRow, source: int) -> bool:
        """Whether a newer copy of the store may have sent it."""
        if not self._note(NOTICED):
            return False
        reread = self._note(REREAD + flow_on(row.flow, source, self._sink))
        return not reread or row.created_at <= reread

    def _note(self, key: str) -> str:
        if key not in self._known:
            self._known[key] = calls.note(self._tx, key)
        return self._known[key]


def sent_after(tx: Tx, flow: str) -> str:
    """After which moment what is looked for was sent, if it was; empty where nothing tells."""
    return calls.note(tx, SENT_UNTIL + flow)


# -- beside the store --------------------------------------------------------------------------------------------------


class Beside:
    """The file that tells how far the store had come; open from before the first call, so that none leaves without.

    Not made durable: it has to outlive this process, not the machine, whose disk is where the store is, too.
    """

    def __init__(self, path: Path) -> None:
        """Raises ConfigError where it cannot be read and written."""
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _unusable(path, error) from error
        self.number = self._read()
        """How many calls it knew of when it was opened; None where it is new, or damaged."""

    def reach(self, number: int) -> None:
        """It never goes down: bytes sent again carry an old number, and another connection's drain may be further.

        Raises ConfigError where it cannot be written, such as on a full disk.
        """
        fcntl.flock(self._handle, fcntl.LOCK_EX)
        try:
            known = self._read()
            if known is None or number > known:
                os.pwrite(self._handle, f"{number:020d}".encode(), 0)
        except OSError as error:
            raise _unusable(self.path, error) from error
        finally:
            fcntl.flock(self._handle, fcntl.LOCK_UN)

    def close(self) -> None:
        os.close(self._handle)

    def _read(self) -> int | None:
        try:
            return int(os.pread(self._handle, 20, 0))
        except ValueError:
            return None


def _unusable(path: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"{path}, which tells how much was sent, cannot be written: {error.strerror}; nothing was sent",
        fix="make it a file that the user who runs Wherry may read and write, or remove it: then everything is looked "
        "for before it is sent",
        code="WHERRY-2314", key="store.url",
    )  # fmt: skip
