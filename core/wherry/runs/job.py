"""What the engine holds while it works: a flow with its parts, what was asked of it, and records on their way."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import chain, islice
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct, field

from wherry.catalogues import Catalogues
from wherry.errors import WherryError
from wherry.protocol.steps import OVER_SEEN, Lane, Step
from wherry.protocol.tally import Tally
from wherry.records import Draft, Fate, Record, Ref, Skip
from wherry.roles import FieldMapper, Matcher, Narrows, Rounds, SourceConnector
from wherry.settings import Flow
from wherry.store import Store, calls
from wherry.store.blobs import Blobs
from wherry.store.database import Tx
from wherry.store.documents import DocumentView
from wherry.store.ledger import Seen
from wherry.threads import Overlap

if TYPE_CHECKING:
    from wherry.books.booking import Booked


class Options(Struct, frozen=True, kw_only=True):
    """What an operator asked of this run. Anything but a plain run leaves the mark where it is."""

    records: tuple[str, ...] = ()
    changed_since: dt.datetime | None = None
    limit: int = 0
    resync: bool = False
    overwrite_local: bool = False
    shown: Mapping[Ref, str] | None = None
    """Of what is written over: the versions there that a person was shown; over a later one nothing is written."""
    fields: tuple[str, ...] = ()
    sweep: bool = False
    """Look for what was archived or merged now, whether it is due or not."""

    @property
    def over(self) -> int:
        """Over what was edited in the target."""
        return OVER_SEEN if self.overwrite_local and self.shown is not None else int(self.overwrite_local)

    @property
    def moves_mark(self) -> bool:
        return not (self.records or self.changed_since or self.limit)


class Wired(Struct, frozen=True, kw_only=True):
    """A flow with its parts, ready to run: made by the hub."""

    flow: Flow
    lane: Lane
    store: Store
    source: SourceConnector
    mappers: Mapping[str, FieldMapper]
    matchers: Callable[[str], Matcher]
    blobs: Blobs
    since: dt.datetime | None = None
    """The flow's start date as a moment."""
    settled: Callable[[Tally], None] = lambda tally: None
    """Called after each batch was committed, with that batch's counts."""
    overlap: Overlap = field(default_factory=Overlap)
    """How calls of the source are made beside each other."""
    posting: Lane | None = None
    """Of a flow that books: where its journal entries go. ``lane`` is that of its subledger then."""

    @property
    def sending(self) -> Wired:
        """The flow as what is sent sees it."""
        return self if self.posting is None else msgspec.structs.replace(self, lane=self.posting, posting=None)

    @property
    def name(self) -> str:
        return self.lane.flow

    @property
    def ends(self) -> str:
        """The store's ids of source and sink."""
        route = self.sending.lane.route
        return f"{route.source} {route.sink}"

    def sequence(self, tx: Tx) -> int:
        """Rises with every change of the sink by anybody who goes through this store."""
        lane = self.lane
        return DocumentView(tx, lane.plugin).sequence() if lane.atomic else calls.last_call(tx)

    def repeats(self, entity: str) -> bool:
        """Whether later changes of the source are carried over to what was written before."""
        return self.flow.repeat_for(entity) == "always"

    def watched(self, mapper: FieldMapper) -> Mapping[str, tuple[str, ...]]:
        """The relatives whose own changes matter after a record was synced: those of entities that repeat."""
        if not isinstance(mapper, Narrows):
            return {}
        return mapper.relatives([entity for entity in mapper.entities if self.repeats(entity)])


class Entry(Struct, kw_only=True):
    """One record version that was seen, on its way to its one fate. ``earlier`` is what the store knew of it."""

    record: Record
    digest: bytes
    earlier: Seen | None = None
    repeat: bool = False
    """The version that was seen before: its row in the store stands as it is."""
    fate: Fate | None = None
    reason: str = ""
    skip: Skip | None = None
    narrow: bool = False
    """Already synced once: only entities that repeat ``always`` are carried."""
    void: bool = False
    """Taken back at the source after it was written, or while nobody knows whether it was: it is reversed."""
    former: Draft | None = None
    """The document in another form that the flow made of it before, where that is to be taken back."""
    merged: str = ""
    """The record that went up in this one and had been synced: its links are taken over."""
    drafts: list[Draft] = field(default_factory=list)
    refusal: WherryError | None = None
    target: str = ""
    """Where it was written in this run."""
    carried: str = ""
    """Where it was written by the flow under another name."""
    counted: bool = False
    """The same version came before in this run and was counted then."""

    @property
    def synced(self) -> str:
        """The target this record was written to, if it was."""
        return self.earlier.synced if self.earlier is not None else self.carried

    def forget(self) -> None:
        """What the record holds is not needed once it is mapped, and batches wait in memory. Its relatives may be those
        of others, and are kept by the source as they came."""
        for relative in chain.from_iterable(self.record.relatives.values()):
            relative.decoded = None
        self.record = msgspec.structs.replace(self.record, payload=b"{}", relatives={}, decoded=None)

    def close(self, fate: Fate, reason: str = "") -> None:
        self.fate, self.reason = fate, reason


class Batch(Struct):
    """A stretch of the source: everything seen in it, in order, the heads that passed, and the mark behind it."""

    kind: str
    entries: list[Entry] = field(default_factory=list)
    heads: list[Entry] = field(default_factory=list)
    mark: str = ""
    size: int = 0
    """Bytes of the heads' payloads."""
    ids: set[str] = field(default_factory=set)
    """Another version of one of these records waits for the next batch, until this one is settled."""

    def add(self, entry: Entry) -> None:
        self.entries.append(entry)
        self.ids.add(entry.record.id)
        if entry.fate is None:
            self.heads.append(entry)
            self.size += len(entry.record.payload)
        else:
            entry.record.payload, entry.record.decoded = b"{}", None  # no more is needed, and batches wait in memory

    def forget(self, steps: list[Step]) -> None:
        """What was made of it is not needed once it is settled, and the next is made before this one is let go."""
        steps.clear()
        for entry in self.heads:
            entry.drafts = []

    def parts(self, most: int) -> Iterator[Batch]:
        """The batch in stretches of at most so many heads, to be settled one by one. The mark is that of the last:
        a run that dies between them reads the batch once more and finds what was settled."""
        if len(self.heads) <= most:
            yield self
            return
        part = Batch(self.kind)
        for entry in self.entries:
            if len(part.heads) >= most:
                yield part
                part = Batch(self.kind)
            part.add(entry)
        part.mark = self.mark
        yield part


class Recent:
    """The versions that came lately in this run: a source may show one twice, as itself and for a relative's sake."""

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._passed: dict[bytes, bool] = {}

    def is_new(self, entry: Entry) -> bool:
        """Whether the entry is to be looked at: not when it came before, unless only now a relative of it changed."""
        passed = self._passed.get(self._key(entry))
        entry.counted = passed is not None
        return passed is None or (entry.record.touched and not passed)

    def note(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self._passed[self._key(entry)] = entry.fate is None
        # At one go: the first of a dict is looked for among all that were taken out before it.
        for oldest in [*islice(self._passed, max(0, len(self._passed) - self._most))]:
            del self._passed[oldest]

    def _key(self, entry: Entry) -> bytes:
        """One value instead of three and what holds them: there are fifty thousand."""
        return entry.digest + f"{entry.record.kind} {entry.record.id}".encode()


class Job(Struct, kw_only=True):
    """One run and what it carries along. A rehearsal goes the whole way and is rolled back at its end."""

    wired: Wired
    options: Options
    catalogues: Catalogues
    rehearsal: bool = False
    planned: dict[Ref, Step] = field(default_factory=dict)
    """In a rehearsal: what was decided before, since nothing of it is in the ledger."""
    recent: Recent = field(default_factory=Recent)
    open: dict[Ref, tuple[str, Fate, str]] = field(default_factory=dict)
    """What was counted as open in this run and may still end in it: record kind (of roots), fate and reason so far."""
    tally: Tally = field(default_factory=Tally)
    decided_under: dict[str, str] = field(default_factory=dict)
    """What decides as what a record goes on; a run has one and the same, and every batch is noted with it."""
    met_former: bool = False
    """Whether records were met that stand in a form which the flow no longer makes."""
    booked: Booked | None = None
    """Of a flow that books: what its movements came to."""

    def sending(self, catalogues: Callable[[Wired], Catalogues]) -> Job:
        """The job as what is sent sees it."""
        if self.wired.posting is None:
            return self
        wired = self.wired.sending
        return Job(wired=wired, options=self.options, catalogues=catalogues(wired), rehearsal=self.rehearsal)


def roots_of(mapper: FieldMapper) -> tuple[str, ...]:
    """Every entity that a record of the mapper's kind becomes one of, as far as it tells."""
    root = getattr(mapper, "root", "")
    return tuple(dict.fromkeys([*getattr(mapper, "roots", ()), *((root,) if root else ())]))


def residue(wired: Wired) -> dict[str, str]:
    """What rounding cut in this run: currency → unrounded minus rounded, in major units."""
    found: dict[str, Decimal] = {}
    for mapper in wired.mappers.values():
        for currency, residue in (mapper.residue if isinstance(mapper, Rounds) else {}).items():
            found[currency] = found.get(currency, Decimal(0)) + residue
    return {currency: format(residue, "f") for currency, residue in sorted(found.items())}
