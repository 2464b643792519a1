"""What the expressions of a map see: records with their relatives, many at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from wherry.records import Record

Reference = dict[str, str]
Begin = Callable[[], object]
"""Called before each call of a transform that is a plugin's."""
_NOTHING: dict[str, Any] = {}


class Scope:
    """What expressions see of several records at once, a row each: the record, its relatives, the references that can
    be made, and where residue is counted. Of a scope that lies below another ``rows`` says which of its rows each
    belongs to: it sees what that one sees, where it has nothing of its own. ``odd`` gathers the rows for which
    something could not be told; without it that is raised."""

    __slots__ = ("_fields", "_refs", "_seen", "above", "begin", "kind", "odd", "own", "residue", "rows")

    def __init__(
        self, kind: str, own: Sequence[Record], above: Scope | None = None, rows: Sequence[int] = (),
        begin: Begin = bool, odd: set[int] | None = None,
    ) -> None:  # fmt: skip
        self.odd = odd
        self.kind, self.own, self.above, self.rows = kind, own, above, rows
        self.begin: Begin = begin if above is None else above.begin
        self.residue: dict[str, Decimal] = {} if above is None else above.residue
        self._seen: dict[str, Sequence[Record | None]] = {kind: own}
        self._fields: dict[str, list[dict[str, Any]]] = {}
        self._refs: dict[str, Sequence[Reference | None]] = {}

    def only(self, rows: Sequence[int]) -> Scope:
        """Some of its rows, each once and in their order."""
        return self if len(rows) == len(self.own) else Scope(self.kind, [self.own[row] for row in rows], self, rows)

    def below(self, kind: str) -> Scope:
        """Every relative of a kind, a row each."""
        found = [(one, row) for row, record in enumerate(self.own) for one in record.relatives.get(kind, ())]
        return Scope(kind, [one for one, _ in found], self, [row for _, row in found])

    def values(self, column: Column) -> Sequence[Any]:
        """What a column comes to. Where it fails each row is tried alone: those for which it does are marked."""
        try:
            return column(self)
        except Exception:  # whatever it was
            return [value for row in range(len(self.own)) for value in self._value(column, row)]

    def _value(self, column: Column, row: int) -> Sequence[Any]:
        try:
            return column(self.only([row]))
        except Exception as error:
            self.mark(row, error)
        return [None]

    def mark(self, row: int, error: Exception) -> None:
        """A row is not as usual."""
        if self.above is not None:
            self.above.mark(self.rows[row], error)
        elif self.odd is None:
            raise error
        else:
            self.odd.add(row)

    def seen(self, kind: str) -> Sequence[Record | None]:
        """Of each row the record of a kind: its own, else the first of its relatives, else that of the row above."""
        found = self._seen.get(kind)
        if found is None:
            found = self._seen[kind] = self._look(kind)
        return found

    def _look(self, kind: str) -> Sequence[Record | None]:
        found = [some[0] if (some := record.relatives.get(kind)) else None for record in self.own]
        if self.above is None or all(found):
            return found
        above = self.above.seen(kind)
        return [one or above[row] for one, row in zip(found, self.rows, strict=True)]

    def fields(self, kind: str) -> list[dict[str, Any]]:
        """Of each row the fields of the record of a kind."""
        found = self._fields.get(kind)
        if found is None:
            seen = self.seen(kind)
            found = self._fields[kind] = [_NOTHING if one is None else one.decoded or one.fields for one in seen]
        return found

    def refer(self, entity: str, references: Sequence[Reference | None]) -> None:
        """Each row has its reference to an entity now."""
        self._refs[entity] = references

    def refs(self, entity: str) -> Sequence[Reference | None]:
        """Of each row its reference to an entity; None where none is made."""
        found = self._refs.get(entity)
        if found is None and self.above is None:
            return [None] * len(self.own)
        if found is None and self.above is not None:
            above = self.above.refs(entity)
            return [above[row] for row in self.rows]
        return found or ()


Column = Callable[[Scope], Sequence[Any]]
"""What is come to of each row."""
