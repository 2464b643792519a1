"""What belongs to heads: company, owner, lines with their products, files. A few calls for 150 heads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from wherry.crm import give_files, give_lines, tell_problem
from wherry.records import Record
from wherry.rows import Row

from .client import Ask, Client, among
from .files import file_of, notes_of
from .objects import TABLES, line_expand, line_of, names_in
from .schema import Schema

Wanted = Mapping[str, tuple[str, ...]]
PARENTS = {"company": ("company", "contact"), "owner": ("owner",)}
Take = Callable[[list[Row]], None]
"""Puts the rows of a query where they belong."""


class Relatives:
    """Completes heads of one kind, in place."""

    def __init__(self, client: Client, schema: Schema, fan_out: Callable[..., Iterator[list[Row]]]) -> None:
        self._client, self._schema, self._fan_out = client, schema, fan_out

    def complete(self, kind: str, records: Sequence[Record], wanted: Wanted) -> None:
        """Add the relatives that such heads have."""
        asked: list[tuple[Ask, Take]] = []
        if kind in ("deal", "ticket", "location") and "company" in wanted:
            asked += self._parents(records, "company", wanted["company"])
        if kind in ("deal", "company", "ticket") and "owner" in wanted:
            asked += self._parents(records, "owner", wanted["owner"])
        if kind == "deal" and ("line_item" in wanted or "product" in wanted):
            asked.append(self._lines(records, wanted))
        if kind == "deal" and "file" in wanted:
            asked.append(self._files(records))
        rows = self._fan_out(self._client.rows, [ask for ask, _ in asked])
        for (_, take), found in zip(asked, rows, strict=True):
            take(found)
        if "company" in wanted:
            _tell_missing(records)

    def _parents(self, records: Sequence[Record], relative: str, fields: tuple[str, ...]) -> list[tuple[Ask, Take]]:
        """The one row that each head names: its customer, an account or a contact; the user who owns it, for a team is
        none."""
        asked = []
        for record in records:
            record.relatives[relative] = []
        for kind in PARENTS[relative]:
            named = {record.id: id for record in records if (id := _named(record, relative, TABLES[kind]))}
            if named:
                asked.append(self._rows_of(records, relative, kind, named, fields))
        return asked

    def _rows_of(
        self, records: Sequence[Record], relative: str, kind: str, named: Mapping[str, str], fields: tuple[str, ...]
    ) -> tuple[Ask, Take]:
        view = self._schema.view(kind)
        columns = [*view.columns(fields), *view.seen(["fullname"] if kind == "contact" else [])]

        def take(rows: list[Row]) -> None:
            found = {one.id: one for one in map(view.record, rows)}
            for record in records:
                if (id := named.get(record.id, "")) in found:
                    record.relatives[relative] = [found[id]]

        return Ask(view.set, columns, among(view.id, sorted(set(named.values()))), f"{view.id} asc"), take

    def _lines(self, records: Sequence[Record], wanted: Wanted) -> tuple[Ask, Take]:
        line, product = self._schema.view("line_item"), self._schema.view("product")
        products = wanted.get("product")

        def take(rows: list[Row]) -> None:
            give_lines(records, (line_of(line, row, product, products) for row in rows), "lineitemnumber", wanted)

        where = among("opportunityid", [record.id for record in records])
        columns, expand = line.columns(wanted.get("line_item", ())), line_expand(product, products or ())
        return Ask(line.set, columns, where, f"{line.id} asc", expand), take

    def _files(self, records: Sequence[Record]) -> tuple[Ask, Take]:
        def take(rows: list[Row]) -> None:
            give_files(records, map(file_of, rows))

        return notes_of([record.id for record in records]), take


def _tell_missing(records: Sequence[Record]) -> None:
    """A customer that was named and is not there."""
    for record in records:
        named = names_in(record)
        if named.customerid and not record.relatives.get("company"):
            whom = f"{named.customeridtype} {named.customerid}"
            tell_problem(record, f"{whom} is deleted, or the user of this connection may not see it")


def _named(record: Record, relative: str, table: str) -> str:
    """The id of a table's row that a head names."""
    one = names_in(record)
    id, type = (one.customerid, one.customeridtype) if relative == "company" else (one.ownerid, one.owneridtype)
    return id or "" if type == table else ""
