"""Traede as a source of accounting entries, and the end of their way: the word that the books have taken them.

Traede lists what it was not told to be exported under our ``system_id``. Which of that is new, changed or posted
already is for our own ledger to say, not for that list: a confirmation that was lost brings posted entries back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import msgspec
from wherry.errors import ContractBroken, Rejected
from wherry.marks import Bound
from wherry.records import Page, Record
from wherry.roles import Account, Connection, Description, FieldInfo, Query, Services

from .client import CONFIRM_BATCH, UNPROCESSABLE, Client, Row, Window
from .mapping import ENTRY, LINE, lines_of
from .settings import TraedeSettings
from .walk import LAG, Walk, mark_of

KINDS = (ENTRY,)
CHUNK = 500
FIELDS = {
    "id": ("id", "integer"),
    "currency": ("currency", "text"),
    "amount": ("amount, may be negative", "decimal"),
    "account": ("debit account", "integer"),
    "contra_account": ("credit account", "integer"),
    "date": ("date", "datetime"),
    "text": ("text", "text"),
    "created_at": ("created at", "datetime"),
    "updated_at": ("updated at", "datetime"),
}
"""Field → label and type, from Traede's page on the accounting entry object."""
_ALWAYS = ("amount", "account", "contra_account")
"""What ``complete`` makes the lines of."""
_FOR_EVER = 1e10


class TraedeSource:
    """Reads accounting entries; one gives two relatives, its lines. Made once per run."""

    kinds: Sequence[str] = KINDS
    chunk = CHUNK
    confirm_batch: int = CONFIRM_BATCH

    def __init__(self, connection: Connection, services: Services) -> None:
        self._settings: TraedeSettings = connection.settings
        self._client = Client(services, self._settings)
        self._clock = services.clock
        self._cache, self._key = services.cache, f"begun/{self._settings.system_id}"

    def check(self) -> Account:
        """Whether token, app key and system are let in. Traede does not tell whose company it is: its name is the
        connection's ``company``, else the host."""
        self._client.export(Window(limit=1))
        name = self._settings.account
        return Account(name, f"Traede, {name}", {"system": self._settings.system_id})

    # -- reading ------------------------------------------------------------------------------------------------------

    def read(self, query: Query) -> Iterator[Page]:
        """What changed since the mark; everything that Traede offers when there is none."""
        _known(query.kind)
        since = int(query.since.timestamp()) if query.since else 0
        start = mark_of(query.after).at if query.after else since
        ask, bound = partial(self._client.export, since=self._exported_since()), Bound(self._clock, LAG)
        for step in Walk(ask, bound, start, self._settings.page_size).steps():
            self._begin(bound.early or bound.late)
            yield Page([_record(row, query.fields) for row in step.rows if row.at >= since], str(step.mark))

    def choice(self, kind: str) -> str:
        """Under which name entries were exported, and from when on those are brought back."""
        return self._settings.model_dump_json(include={"system_id", "since_parameter", "reexport_since"})

    def _exported_since(self) -> int | None:
        """From when on exported entries are to be listed too: since this hub first read here, as all that was exported
        under its name since then was exported by itself, and may have changed. None: those are not to be seen."""
        begun: int | None = self._cache.get(self._key, _FOR_EVER)
        again = self._settings.reexport_since
        known = [begun, int(again.timestamp()) if again else None]
        return min((moment for moment in known if moment is not None), default=None)

    def _begin(self, bound: int | None) -> None:
        if bound is not None and self._cache.get(self._key, _FOR_EVER) is None:
            self._cache.set(self._key, bound)

    def complete(self, records: list[Record], relatives: Mapping[str, tuple[str, ...]]) -> list[Record]:
        """The same records with their two lines. Asks nobody."""
        if LINE in relatives:
            for record in records:
                record.relatives[LINE] = _lines(record)
        return records

    def fetch(self, kind: str, ids: Sequence[str], fields: tuple[str, ...]) -> list[Record]:
        """Heads by id, in the order asked for, exported or not: from the core API, which tracks nothing."""
        _known(kind)
        found = self._client.by_id(i for i in ids if i.isascii() and i.isdigit())
        return [_record(found[i], fields) for i in dict.fromkeys(ids) if i in found]

    def describe(self, kind: str, *, fresh: bool = False) -> Description:
        """The fields of an entry; they are the same in every company."""
        _known(kind)
        return Description(tuple(FieldInfo(name, label, type) for name, (label, type) in FIELDS.items()))

    # -- confirming ---------------------------------------------------------------------------------------------------

    def confirm(self, kind: str, notes: Mapping[str, str]) -> dict[str, str]:
        """Tell Traede that the books have taken entries: id → a note for their timeline; ``confirm_batch`` at most.

        Saying so again does no harm. Returns id → reason for those that Traede will not mark, such as deleted ones; the
        others are marked. Raises TryAgain and AccessLost; what was marked until then may be confirmed again.
        """
        _known(kind)
        if len(notes) > self.confirm_batch:
            raise ContractBroken(
                f"{len(notes)} entries cannot be confirmed at once, only {self.confirm_batch}", code="WHERRY-1843"
            )
        try:
            if notes:
                self._client.confirm(notes)
        except Rejected as refusal:
            if refusal.where.get("status") != UNPROCESSABLE:
                raise
            return self._one_by_one(kind, notes, refusal)
        return {}

    def _one_by_one(self, kind: str, notes: Mapping[str, str], refusal: Rejected) -> dict[str, str]:
        """Traede took none of them and does not say which one is to blame."""
        if len(notes) == 1:
            return dict.fromkeys(notes, refusal.message)
        refused: dict[str, str] = {}
        for name, note in notes.items():
            refused |= self.confirm(kind, {name: note})
        return refused


def _known(kind: str) -> None:
    if kind not in KINDS:
        raise ContractBroken(f"Traede has no records of kind {kind!r}", code="WHERRY-1842", kind=kind)


def _record(row: Row, fields: Sequence[str]) -> Record:
    """An entry as a record. Its moments are left out unless they are asked for: they change where nothing else does."""
    wanted = dict.fromkeys((*fields, *_ALWAYS)) if fields else FIELDS
    payload = msgspec.json.encode({name: row.fields[name] for name in wanted if name in row.fields})
    return Record(kind=ENTRY, id=row.id, version=row.version, payload=payload)


def _lines(record: Record) -> list[Record]:
    entry = record.fields
    lines = lines_of(entry.get("amount"), entry.get("account"), entry.get("contra_account"))
    return [
        Record(kind=LINE, id=f"{record.id}/{line.side}", version=record.version, payload=msgspec.json.encode(line))
        for line in lines
    ]
