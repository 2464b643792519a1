"""The company's accounting entries, and what was exported of them to which system."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from typing import Any

from wherry.money import exact
from wherry.simulator import Stage

from .values import moment, text_of

Obj = dict[str, Any]
DEBTORS, SALES = 5600, 1010


@dataclass(frozen=True, slots=True)
class Export:
    """When an entry was marked last as exported to a system, and the note that came along."""

    at: int
    note: str


@dataclass(slots=True)
class Entry:
    """One entry. Moments are seconds since 1970; ``timeline`` is what a person sees beside it."""

    id: int
    currency: str
    amount: Decimal
    account: int | None
    contra_account: int | None
    date: int
    text: str | None
    created: int
    updated: int
    exported: dict[str, Export] = field(default_factory=dict)
    timeline: list[Obj] = field(default_factory=list)

    def is_offered(self, system: str, since: int | None) -> bool:
        """Not exported to the system, or so at `since` or later."""
        export = self.exported.get(system)
        return export is None or (since is not None and export.at >= since)


class Entries:
    """Entries by id, in the order of their making."""

    def __init__(self, stage: Stage, currency: str) -> None:
        self._stage, self._currency = stage, currency
        self._held: dict[int, Entry] = {}
        self._numbers = count(1001)

    def all(self) -> list[Entry]:
        """Every entry, by id."""
        return list(self._held.values())

    def ids(self) -> frozenset[int]:
        """The ids that there are."""
        return frozenset(self._held)

    def find(self, id: int) -> Entry:
        """An entry. Raises ValueError."""
        if id not in self._held:
            raise ValueError(f"there is no accounting entry {id}")
        return self._held[id]

    def add(self, said: Mapping[str, Any]) -> Entry:
        """Enter one. What is left out: the home currency, 100.00 of sales on credit, today, now."""
        now = int(self._stage.clock.now())
        created = moment(said["created_at"]) if "created_at" in said else now
        made = Entry(
            id=next(self._numbers), currency=self._currency, amount=Decimal(100), account=DEBTORS, contra_account=SALES,
            date=created // 86_400 * 86_400, text=None, created=created, updated=created,
        )  # fmt: skip
        _put(made, {name: value for name, value in said.items() if name != "created_at"})
        self._held[made.id] = made
        return made

    def change(self, id: int, said: Mapping[str, Any]) -> None:
        """Change fields, and stamp the entry with the moment unless ``updated_at`` is said."""
        entry = self.find(id)
        entry.updated = int(self._stage.clock.now())
        _put(entry, said)

    def remove(self, id: int) -> None:
        """Delete one."""
        del self._held[self.find(id).id]

    def mark(self, id: int, system: str, note: str | None) -> None:
        """Mark one as exported to a system. Once more with the same note changes nothing but the moment."""
        entry, now = self.find(id), int(self._stage.clock.now())
        again = entry.exported.get(system)
        entry.exported[system] = Export(now, note or "")
        if again is None or again.note != (note or ""):
            entry.timeline.append({"at": text_of(now), "event": "exported", "system_id": system, "note": note or ""})
        self._stage.effect("exported", id=id, system=system, again=again is not None)


def _put(entry: Entry, said: Mapping[str, Any]) -> None:
    for name, value in said.items():
        if name == "amount":
            entry.amount = exact(value)
        elif name == "date":
            entry.date = moment(value)
        elif name == "updated_at":
            entry.updated = moment(value)
        elif name in ("currency", "text", "account", "contra_account"):
            setattr(entry, name, value)
        else:
            raise ValueError(f"an accounting entry has no field {name!r} that can be set")
