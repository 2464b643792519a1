"""What belongs to heads: company, owner, line items with their products, files. One call for a thousand heads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from wherry.crm import give_files, give_lines, tell_problem
from wherry.records import Record
from wherry.rows import Row

from .client import Client
from .files import file_of, links_of
from .objects import line_columns, line_of, names_in
from .schema import Schema
from .soql import among, select

Wanted = Mapping[str, tuple[str, ...]]
Take = Callable[[list[Row]], None]
"""Puts the rows of a query where they belong."""


class Relatives:
    """Completes heads of one kind, in place."""

    def __init__(self, client: Client, schema: Schema) -> None:
        self._client, self._schema = client, schema

    def complete(self, kind: str, records: Sequence[Record], wanted: Wanted) -> None:
        """Add the relatives that such heads have. All queries that this takes go as one call."""
        asked: list[tuple[str, Take]] = []
        if kind in ("deal", "ticket", "location") and "company" in wanted:
            asked += self._parents(records, "company", "AccountId", wanted["company"])
        if kind in ("deal", "company", "ticket") and "owner" in wanted:
            asked += self._parents(records, "owner", "OwnerId", wanted["owner"])
        if kind == "deal" and ("line_item" in wanted or "product" in wanted):
            asked.append(self._lines(records, wanted))
        if kind == "deal" and "file" in wanted:
            asked.append(self._files(records))
        if asked:
            rows = self._client.queries([soql for soql, _ in asked])
            for (_, take), found in zip(asked, rows, strict=True):
                take(found)

    def _parents(
        self, records: Sequence[Record], kind: str, name: str, fields: tuple[str, ...]
    ) -> list[tuple[str, Take]]:
        """The one record that each head names in a field."""
        named = {record.id: getattr(names_in(record), name) or "" for record in records}
        ids = sorted({id for id in named.values() if id})
        for record in records:
            record.relatives[kind] = []
        if not ids:
            return []
        view = self._schema.view(kind)

        def take(rows: list[Row]) -> None:
            found = {one.id: one for one in map(view.record, rows)}
            for record in records:
                id = named[record.id]
                record.relatives[kind] = [found[id]] if id in found else []
                if kind == "company" and id and id not in found:
                    tell_problem(record, f"account {id} is deleted, or the user of this connection may not see it")

        return [(select(view.columns(fields), view.object, among("Id", ids)), take)]

    def _lines(self, records: Sequence[Record], wanted: Wanted) -> tuple[str, Take]:
        line, product = self._schema.view("line_item"), self._schema.view("product")
        products = wanted.get("product")
        columns = line_columns(line, wanted.get("line_item", ()), product, products or ())

        def take(rows: list[Row]) -> None:
            give_lines(records, (line_of(line, row, product, products) for row in rows), "SortOrder", wanted)

        return select(columns, line.object, among("OpportunityId", [record.id for record in records])), take

    def _files(self, records: Sequence[Record]) -> tuple[str, Take]:
        def take(rows: list[Row]) -> None:
            give_files(records, filter(None, map(file_of, rows)))

        return links_of([record.id for record in records]), take
