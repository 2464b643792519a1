"""One company file: its lists, its transactions, what was deleted, and the answers it keeps for recovery."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from wherry.simulator import Stage

from .kinds import LISTS, POOLS, REFERS, SPOKEN, TXNS
from .refusals import Status, no_reference, not_enabled, not_found
from .values import Obj, day, moment

Edition = Literal["pro", "premier", "enterprise"]


@dataclass(slots=True)
class Record:
    """An entry of a list or a transaction. References in `body` are ``{"ListID": …}``; lines are (element, body)."""

    kind: str
    id: str
    created: float
    modified: float
    edit: int
    body: Obj
    number: int = 0
    lines: list[tuple[str, Obj]] = field(default_factory=list)
    void: bool = False

    @property
    def active(self) -> bool:
        """Whether it may be chosen; transactions always are."""
        return bool(self.body.get("IsActive", "true") == "true")

    @property
    def name(self) -> str:
        """Its name in its list."""
        return str(self.body.get("Name", ""))


@dataclass(frozen=True, slots=True)
class Deleted:
    """What is left of a deleted record."""

    kind: str
    id: str
    created: float
    at: float
    name: str


@dataclass(slots=True)
class Kept:
    """A message set that had an id: what it asked, and the response; None when that could not be stored."""

    checksum: str
    response: str | None


class Company:
    """The file at `path`. `closing` is the closing date, or nothing; `extras` are private data, owner → name → value.

    Every change is noted in the stage's history as ``SalesOrder.add``, ``Customer.mod``, ``Invoice.void`` …
    """

    def __init__(
        self, stage: Stage, *, name: str = "Rock Castle Construction", path: str = r"C:\QB\Rock Castle.QBW",
        edition: Edition = "premier", multicurrency: bool = False, currency: str = "US Dollar", sales_tax: bool = False,
    ) -> None:  # fmt: skip
        self.stage, self.name, self.path, self.edition = stage, name, path, edition
        self.multicurrency, self.currency, self.sales_tax = multicurrency, currency, sales_tax
        self.closing = ""
        self.extras: dict[str, dict[str, str]] = {}
        self.records: dict[str, Record] = {}
        self.deleted: list[Deleted] = []
        self.kept: dict[str, Kept] = {}
        self.forgotten: set[str] = set()
        self._born = int(stage.clock.now())
        self._names: dict[tuple[str, ...], dict[str, str]] = {}
        self._list_ids, self._txn_ids = itertools.count(0x80000001), itertools.count(0x1F3)
        self._numbers, self._edit = itertools.count(211), self._born

    # Reading

    def of(self, *kinds: str) -> Iterator[Record]:
        """Records of some kinds, oldest first."""
        return (one for one in self.records.values() if one.kind in kinds)

    def full_name(self, record: Record) -> str:
        """Names down to a record, with colons between them."""
        parts, at = [record.name], record
        while parent := self.parent(at):
            parts.append(parent.name)
            at = parent
        return ":".join(reversed(parts))

    def parent(self, record: Record) -> Record | None:
        """The entry that a record is below, if any."""
        told = record.body.get("ParentRef")
        return self.records.get(told["ListID"]) if told else None

    def named(self, full_name: str, kinds: Iterable[str]) -> Record | None:
        """The entry of a full name, whatever its case."""
        key = tuple(kinds)
        if key not in self._names:
            self._names[key] = {self.full_name(one).casefold(): one.id for one in self.of(*key)}
        found = self._names[key].get(full_name.casefold())
        return self.records[found] if found else None

    def needed(self, id: str, *kinds: str) -> Record:
        """A record by its id. Raises Status 3120."""
        found = self.records.get(id)
        if found is None or (kinds and found.kind not in kinds):
            raise not_found(id)
        return found

    def reference(self, field: str, told: Obj, where: str, kinds: tuple[str, ...] = ()) -> Obj | None:
        """A reference as it is stored; None for one that empties. Raises Status 3140, and 3250
        for a currency where there is but one."""
        kinds = kinds or REFERS[field]
        if kinds == ("Currency",) and not self.multicurrency:
            raise not_enabled()
        key, name = told.get("ListID", ""), told.get("FullName", "")
        if not key and not name:
            return None
        found = self.records.get(key) if key else self.named(name, kinds)
        if found is None or found.kind not in kinds:
            raise no_reference(SPOKEN.get(kinds[0], kinds[0]), name or key, where)
        return {"ListID": found.id}

    def shown_reference(self, told: Obj) -> Obj:
        """A reference as an answer shows it: the name may have changed since."""
        found = self.records.get(told["ListID"])
        return {"ListID": told["ListID"], "FullName": self.full_name(found) if found else ""}

    def used(self, id: str) -> bool:
        """Whether any record refers to this one."""
        bodies = [body for one in self.records.values() for body in (one.body, *(line for _, line in one.lines))]
        return any(_refers(body, id) for body in bodies)

    # Writing

    def add(self, kind: str, body: Obj, lines: list[tuple[str, Obj]] | None = None, **told: Any) -> Record:
        """Put a new record into the file; it is judged by then."""
        now = self.stage.clock.now()
        record = Record(kind, self._id(kind), now, now, self.edit(), body, lines=lines or [])
        record.number = next(self._numbers) if kind in TXNS else 0
        self.records[record.id] = record
        self.note(record, "add", **told)
        return record

    def change(self, record: Record, body: Obj, lines: list[tuple[str, Obj]] | None = None, **told: Any) -> None:
        """Put a changed record into the file; its edit sequence moves on."""
        record.body, record.lines = body, record.lines if lines is None else lines
        record.modified, record.edit = self.stage.clock.now(), self.edit()
        self.note(record, told.pop("what", "mod"), **told)

    def remove(self, record: Record, **told: Any) -> None:
        """Take a record out of the file."""
        name = record.body.get("RefNumber", "") if record.kind in TXNS else self.full_name(record)
        self.note(record, "del", **told)
        del self.records[record.id]
        self.deleted.append(Deleted(record.kind, record.id, record.created, self.stage.clock.now(), name))

    def line_id(self) -> str:
        """The id of a new line."""
        return f"{next(self._txn_ids):X}-{self._born}"

    def edit(self) -> int:
        """A new edit sequence: seconds since 1970, and never the same twice."""
        self._edit = max(self._edit + 1, int(self.stage.clock.now()))
        return self._edit

    def open_until(self, *dates: str) -> None:
        """Raises Status 3171 for a date on or before the closing date."""
        if self.closing and any(date <= self.closing for date in dates):
            raise Status(
                3171,
                "An attempt was made to modify a transaction with a date that is on or before the closing date of the "
                "company.",
            )

    def today(self) -> str:
        """The date in the company's zone."""
        return day(self.stage.clock.now())

    def note(self, record: Record, what: str, **told: Any) -> None:
        """Tell the history of a change."""
        if record.kind in LISTS:
            self._names.clear()
        self.stage.effect(f"{record.kind}.{what}", file=self.path, **self.told(record), **told)

    def told(self, record: Record) -> Obj:
        """What the history and the control API tell of a record: plain text."""
        names = "RefNumber Memo TxnDate TotalAmount AccountNumber AccountType IsActive IsManuallyClosed"
        told = {key: record.body[key] for key in names.split() if key in record.body}
        if record.kind in LISTS:
            told["FullName"] = self.full_name(record)
        if customer := record.body.get("CustomerRef"):
            told["Customer"] = self.shown_reference(customer)["FullName"]
        lines = [{"element": name, **self._line(body)} for name, body in record.lines]
        return {"id": record.id, "edit_sequence": str(record.edit), **told, **({"lines": lines} if lines else {})}

    def _line(self, body: Obj) -> Obj:
        return {key: self.shown_reference(value)["FullName"] if isinstance(value, dict) else value
                for key, value in body.items()}  # fmt: skip

    def _id(self, kind: str) -> str:
        if kind in TXNS:
            return self.line_id()
        return f"{next(self._list_ids):X}-{self._born}"

    def rivals(self, kind: str, name: str, parent: str, own: str = "") -> Iterator[Record]:
        """Entries that a name is taken by: of all lists that share names, below the same parent."""
        wanted = name.casefold()
        for one in self.of(*POOLS.get(kind, (kind,))):
            above = (one.body.get("ParentRef") or {}).get("ListID", "")
            if one.id != own and above == parent and one.name.casefold() == wanted:
                yield one

    def stamped(self, record: Record, key: str) -> Obj:
        """What every record shows first."""
        return {
            key: record.id,
            "TimeCreated": moment(record.created),
            "TimeModified": moment(record.modified),
            "EditSequence": str(record.edit),
        }


def _refers(body: Any, id: str) -> bool:
    if isinstance(body, dict):
        return body.get("ListID") == id or any(_refers(value, id) for value in body.values())
    return False
