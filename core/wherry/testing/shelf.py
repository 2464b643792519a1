"""A made-up platform for tests of runs: invoices in a file of the project's folder, with customers and products, and
movements of wallets (``"kind": "move"``).

It is the plugin ``kit-source``. Records lie in ``shelf.json``, each with the number of its last change, so that who
edits the file plays the part of the people there. Maps and triggers are the core's own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from wherry.hookspecs import Manifest, hookimpl
from wherry.records import Page, Record
from wherry.roles import Account, Query
from wherry.settings import ConnectionSettings

if TYPE_CHECKING:
    from pydantic import BaseModel

    from wherry.roles import Connection, Services, SourceConnector

SYSTEM = "kit-source"
FILE = "shelf.json"


def _document(form: str) -> dict[str, Any]:
    """What an invoice becomes in a flow of that ``document``."""
    return {
        "root": True, "document": form, "key": "id(invoice.id)", "label": "invoice.number",
        "fields": {
            "number": "invoice.number", "date": "date(invoice.date)", "customer": "ref(customer)",
            "total": "money(invoice.total, 'GBP')", "memo": "default(invoice.memo, '')",
            "lines": {
                "each": "line",
                "fields": {
                    "product": "ref(product)", "description": "line.name", "quantity": "decimal(line.quantity)",
                    "amount": "money(line.amount, 'GBP')",
                },
            },
        },
    }  # fmt: skip


MAPS: dict[str, dict[str, Any]] = {
    "invoice": {
        "trigger": {"status": "invoice.status", "when": "invoiced", "amount": "money(invoice.total, 'GBP')"},
        "customer": {
            "from": "customer", "reference": True, "key": "id(customer.id)", "label": "customer.name",
            "fields": {"name": "customer.name", "number": "customer.number"},
        },
        "product": {
            "from": "line", "each": True, "reference": True, "key": "id(line.product)", "label": "line.name",
            "fields": {"name": "line.name", "sku": "line.sku"},
        },
        "invoice": _document("invoice"),
        "sales_order": _document("sales-order"),
    },
    "move": {
        "trigger": {"status": "move.status", "when": "booked", "amount": "money(move.amount, 'GBP')"},
        "movement": {
            "root": True, "document": "journal", "key": "id(move.id)", "label": "move.id",
            "fields": {
                "date": "date(move.date)", "currency": "'GBP'", "reference": "move.id", "partition": "move.wallet",
                "lines": {
                    "each": "side",
                    "fields": {
                        "side": "side.side", "amount": "money(move.amount, 'GBP')", "category": "move.category",
                    },
                },
            },
        },
    },
}  # fmt: skip
MATCH: dict[str, dict[str, Any]] = {
    name: {"order": ["link"], "unmatched": "create"}
    for name in ("customer", "product", "invoice", "sales_order", "movement")
}
KINDS = ("invoice", "move")
Row = dict[str, Any]


class Shelf:
    """The file: what people on that platform do to it."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    def rows(self) -> list[Row]:
        """All records, in the order of their last change."""
        found: list[Row] = json.loads(self._path.read_text()) if self._path.exists() else []
        return sorted(found, key=lambda row: row["seq"])

    def put(self, rows: Sequence[Row]) -> None:
        """Enter or replace records by id; each counts as changed now."""
        held = {row["id"]: row for row in self.rows()}
        last = max((row["seq"] for row in held.values()), default=0)
        held |= {row["id"]: {**row, "seq": last + number} for number, row in enumerate(rows, 1)}
        self._path.write_text(json.dumps(list(held.values())))

    def change(self, id: str, **fields: Any) -> Row:
        """Change fields of a record; the record as it then is."""
        (row,) = [row for row in self.rows() if row["id"] == id]
        self.put([{**row, **fields}])
        return {**row, **fields}


class ShelfSource:
    """Reads the file; ``page`` records to a page, completed one by one or many at once as ``chunk`` says."""

    kinds: Sequence[str] = KINDS

    def __init__(self, folder: Path, chunk: int) -> None:
        self._shelf, self.chunk = Shelf(folder), chunk

    def check(self) -> Account:
        return Account("shelf", "Shelf")

    def read(self, query: Query) -> Iterator[Page]:
        after = int(query.after or 0)
        rows = [row for row in self._shelf.rows() if row["seq"] > after and _kind(row) == query.kind]
        for start in range(0, len(rows), self.chunk):
            part = rows[start : start + self.chunk]
            yield Page([_record(row, query.fields) for row in part], str(part[-1]["seq"]))

    def complete(self, records: list[Record], relatives: Mapping[str, tuple[str, ...]]) -> list[Record]:
        held = {row["id"]: row for row in self._shelf.rows()}
        for record in records:
            row = held[record.id]
            if "customer" in relatives:
                record.relatives["customer"] = [_related("customer", row["customer"], row["seq"])]
            if "line" in relatives:
                record.relatives["line"] = [_related("line", line, row["seq"]) for line in row["lines"]]
            if "side" in relatives:
                sides = [{"id": side, "side": side} for side in ("debit", "credit")]
                record.relatives["side"] = [_related("side", side, row["seq"]) for side in sides]
        return records

    def fetch(self, kind: str, ids: Sequence[str], fields: tuple[str, ...]) -> list[Record]:
        held = {row["id"]: row for row in self._shelf.rows()}
        return [_record(held[id], fields) for id in ids if id in held]


def _kind(row: Row) -> str:
    return str(row.get("kind", "invoice"))


def _record(row: Row, fields: Sequence[str]) -> Record:
    payload = msgspec.json.encode({name: row.get(name) for name in dict.fromkeys((*fields, "lines", "customer"))})
    return Record(kind=_kind(row), id=row["id"], version=str(row["seq"]), payload=payload)


def _related(kind: str, row: Row, seq: int) -> Record:
    return Record(kind=kind, id=row["id"], version=str(seq), payload=msgspec.json.encode(row))


class ShelfSettings(ConnectionSettings):
    """``[connections.NAME]`` with ``plugin = "kit-source"``."""

    folder: Path
    chunk: int = 1


@hookimpl
def wherry_manifest() -> Manifest:
    return Manifest(
        system=SYSTEM, title="Kit source", roles=("source",), kinds=KINDS, maps=MAPS, match=MATCH
    )  # fmt: skip


@hookimpl
def wherry_settings(system: str) -> type[BaseModel] | None:
    return ShelfSettings if system == SYSTEM else None


@hookimpl
def wherry_source_connector(connection: Connection, services: Services) -> SourceConnector | None:
    if connection.plugin != SYSTEM:
        return None
    told: ShelfSettings = connection.settings
    return ShelfSource(told.folder, told.chunk)
