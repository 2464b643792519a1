"""Records in memory, one shelf per object type."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass, field

from .facts import ID, Kind

Stamp = tuple[int, int]


@dataclass(slots=True)
class Record:
    """One CRM record; `modified` is what its stamp says, `indexed` when search shows it (both ms)."""

    id: str
    kind: Kind
    created: int
    modified: int
    indexed: int
    properties: dict[str, str | None] = field(default_factory=dict)
    archived_at: int | None = None

    @property
    def stamp(self) -> Stamp:
        """Its place in the order of modification."""
        return (self.modified, int(self.id))


class Shelf:
    """All records of one type. `version` moves with every change, so that results of a search can be kept."""

    def __init__(self, kind: Kind, first_id: int) -> None:
        self.kind = kind
        self.records: dict[str, Record] = {}
        self.merged: dict[str, str] = {}
        self.unique: dict[tuple[str, str], str] = {}
        self.by_stamp: list[Stamp] = []
        self.version = 0
        self._ids: list[int] = []
        self._next = first_id

    def new_id(self) -> str:
        """The next id."""
        self._next += 1
        return str(self._next)

    def put(self, record: Record) -> None:
        """Take in a new record, or one brought back."""
        if record.id not in self.records:
            self.records[record.id] = record
            self._ids.append(int(record.id))
        self.index(record)

    def find(self, record_id: str) -> Record | None:
        """A record by id; a merged one is found as its survivor."""
        seen: set[str] = set()
        while record_id in self.merged and record_id not in seen:
            seen.add(record_id)
            record_id = self.merged[record_id]
        return self.records.get(record_id)

    def by_value(self, name: str, value: str) -> Record | None:
        """A record by a property whose values are unique."""
        if name == ID:
            return self.find(value)
        return self.records.get(self.unique.get((name, value.lower()), ""))

    def live(self, record_id: str) -> Record | None:
        """A record by id that is not archived."""
        record = self.find(record_id)
        return None if record is None or record.archived_at is not None else record

    def from_id(self, after: int, archived: bool) -> Iterator[Record]:
        """Records with an id above `after`, in order of id."""
        for place in range(bisect_left(self._ids, after + 1), len(self._ids)):
            record = self.records[str(self._ids[place])]
            if record.id not in self.merged and (record.archived_at is not None) == archived:
                yield record

    def index(self, record: Record) -> None:
        """Make a record findable by search, at its present stamp."""
        insort(self.by_stamp, record.stamp)
        self.version += 1

    def unindex(self, record: Record) -> None:
        """Take a record out of search; call before its stamp changes."""
        place = bisect_left(self.by_stamp, record.stamp)
        if place < len(self.by_stamp) and self.by_stamp[place] == record.stamp:
            del self.by_stamp[place]
        self.version += 1

    def between(self, low: int, high: int) -> list[Stamp]:
        """Stamps from `low` up to and with `high`."""
        return between(self.by_stamp, low, high)


def between(stamps: list[Stamp], low: int, high: int) -> list[Stamp]:
    """The part of sorted stamps from `low` up to and with `high`."""
    return stamps[bisect_left(stamps, (low, -1)) : bisect_left(stamps, (high + 1, -1))]
