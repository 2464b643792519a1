"""Which document a row of a file means: by its id, by what is unique to it, or by being the same already."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from wherry.roles import Documents

from wherry_workspace.bodies import Refusal, full
from wherry_workspace.kinds import UNIQUE, Kind
from wherry_workspace.names import folded
from wherry_workspace.rows import Values


class Finder:
    """Knows the documents of a kind by id, by key and by content, as they stood before the import.

    A document is given to one row only, so importing a file twice changes nothing the second time, even where
    rows have no key or share a name.
    """

    def __init__(self, documents: Documents, kind: Kind, columns: Iterable[str]) -> None:
        self._kind = kind
        self._compared = [name for name in columns if name in kind.fields]
        self.ids: set[str] = set()
        self._keys: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._strong: dict[str, str] = {}
        self._contents: dict[int, list[str]] = defaultdict(list)
        self._taken: set[str] = set()
        self._rows: dict[tuple[str, str], int] = {}
        for name, document in documents.each(kind.name):
            self._note(name, full(kind, document["fields"]))

    def _note(self, name: str, body: dict[str, Any]) -> None:
        self.ids.add(name)
        self._contents[self._content(body)].append(name)
        for key in self._kind.keys:
            if body[key]:
                self._keys[key, folded(body[key])].append(name)
        if self._kind.keys:
            self._strong[name] = folded(body[self._kind.keys[0]])

    def _content(self, body: dict[str, Any]) -> int:
        return hash(tuple(_hashable(self._kind.fields[name].type, body.get(name)) for name in self._compared))

    def of(self, row: Values) -> str | None:
        """The id of the document the row means, None for a new one. Raises Refusal if it cannot be told."""
        self._once(row)
        name = self._by_id(row) if row.id else self._by_key(row)
        if name is not None:
            self._taken.add(name)
        return name

    def _once(self, row: Values) -> None:
        """A file may name an id, or a key that should be unique, only once."""
        given = [(key, row.given.get(key)) for key in self._kind.keys if key in UNIQUE]
        marks = [("id", row.id)] if row.id else [(key, folded(value)) for key, value in given if value]
        for key, value in marks:
            before = self._rows.setdefault((key, value), row.row)
            if before != row.row:
                raise Refusal(key, f"row {before} has the same {key}")

    def _by_id(self, row: Values) -> str | None:
        if row.id in self.ids:
            return row.id
        if not self._kind.is_id(row.id):
            shape = f"{self._kind.prefix}-1001"
            raise Refusal("id", f"{row.id!r} is no id such as {shape}; leave it empty to make a new one")
        for key in self._kind.keys:
            others = self._keys.get((key, folded(str(row.given.get(key) or ""))), ()) if key in UNIQUE else ()
            if others:
                raise Refusal(key, f"{row.given[key]!r} is the {key} of {others[0]}, not of {row.id}")
        return None

    def _by_key(self, row: Values) -> str | None:
        alike = self._contents.get(self._content(row.given), ()) if not row.bare else ()
        if not self._kind.keys:
            return next((name for name in alike if name not in self._taken), None)
        for key in self._kind.keys:
            found = self._holders(key, row)
            same = [name for name in found if name in alike]
            if same or len(found) == 1:
                return (same or found)[0]
            if found:
                several = f"{len(found)} {self._kind.spelled}s have this {key}"
                raise Refusal(key, f"{several}: {', '.join(found[:3])}; give the id")
        return None

    def _holders(self, key: str, row: Values) -> Sequence[str]:
        """Documents with the row's key that no other row has; one with another number is another thing."""
        value = row.given.get(key)
        if not value:
            return ()
        first = self._kind.keys[0]
        number = folded(row.given.get(first) or "")
        return [
            name for name in self._keys.get((key, folded(value)), ())
            if name not in self._taken and (key == first or not number or not self._strong[name])
        ]  # fmt: skip


def _hashable(kind: str, value: Any) -> Any:
    if kind == "decimal" and value is not None:
        return Decimal(value)
    if isinstance(value, dict):
        return tuple(sorted((name, str(part)) for name, part in value.items()))
    return value
