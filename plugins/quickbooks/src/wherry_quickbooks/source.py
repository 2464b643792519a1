"""One QuickBooks Online company as a source: products and services, customers, the chart of accounts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from wherry.errors import ContractBroken
from wherry.records import Page, Record
from wherry.roles import Account, Description, Query

from .client import Client, quoted
from .fields import CATEGORY, ENTITIES, KEEPS_INACTIVE, described, payload
from .settings import QuickBooksSettings
from .walk import Walk, changed_at, mark_of

KINDS = tuple(ENTITIES)
CHUNK = 500
BY_ID = 200
"""How many ids one question names."""


class QuickBooksSource:
    """Reads items as products, customers and accounts. Made once per run.

    Entries of these lists are never deleted, only made inactive: inactive products and customers are ``archived``,
    inactive accounts stay records, whose ``Active`` is false.
    """

    kinds: Sequence[str] = KINDS
    chunk = CHUNK

    def __init__(self, client: Client, settings: QuickBooksSettings) -> None:
        self.client, self.settings = client, settings

    def check(self) -> Account:
        """The company. Raises AccessLost, and ConfigError where it is not known which one is meant."""
        company = self.client.company()
        details = {"currency": company.currency, "country": company.country, "tax": company.tax}
        return Account(company.id, company.name, {name: value for name, value in details.items() if value})

    def read(self, query: Query) -> Iterator[Page]:
        """What changed since the mark; everything, inactive entries too, when there is none."""
        entity = _entity(query.kind)
        since = int(query.since.timestamp()) if query.since else 0
        start = mark_of(query.after).at if query.after else since
        try:
            for step in Walk(self.client, entity, start).steps():
                rows = [row for row in step.rows if changed_at(row) >= since]
                yield Page(list(_records(query.kind, rows, query.fields)), str(step.mark))
        finally:
            self.client.meter.try_flush()

    def complete(self, records: list[Record], relatives: Mapping[str, tuple[str, ...]]) -> list[Record]:
        """The same records: entries of lists have no relatives."""
        return records

    def fetch(self, kind: str, ids: Sequence[str], fields: tuple[str, ...]) -> list[Record]:
        """Heads by id, in the order asked for; inactive ones too, marked as archived."""
        found = self._by_id(kind, ids, fields)
        return [found[i] for i in dict.fromkeys(ids) if i in found]

    def sweep(self, kind: str, ids: Sequence[str], fields: tuple[str, ...]) -> Iterator[Record]:
        """A head for every id. QuickBooks says nothing of an entry that was merged into another: it is gone."""
        for n in range(0, len(ids), CHUNK):
            some = ids[n : n + CHUNK]
            found = self._by_id(kind, some, fields)
            yield from (found.get(i) or Record(kind=kind, id=i, version="deleted", gone="deleted") for i in some)

    def describe(self, kind: str, *, fresh: bool = False) -> Description:
        """The fields of a kind; they are QuickBooks' own and the same in every company."""
        _entity(kind)
        return Description(described(kind))

    def _by_id(self, kind: str, ids: Sequence[str], fields: tuple[str, ...]) -> dict[str, Record]:
        entity, wanted = _entity(kind), list(dict.fromkeys(ids))
        found: dict[str, Record] = {}
        for n in range(0, len(wanted), BY_ID):
            named = ", ".join(quoted(i) for i in wanted[n : n + BY_ID])
            rows = self.client.query(entity, f"Id in ({named}) and Active in (true, false)")
            found.update((record.id, record) for record in _records(kind, rows, fields))
        return found


def _entity(kind: str) -> str:
    if kind not in ENTITIES:
        raise ContractBroken(f"QuickBooks Online has no records of kind {kind!r}", code="WHERRY-1753", kind=kind)
    return ENTITIES[kind]


def _records(kind: str, rows: Iterable[dict[str, Any]], fields: tuple[str, ...]) -> Iterator[Record]:
    for row in rows:
        if row.get("Type") != CATEGORY:
            yield _record(kind, row, fields)


def _record(kind: str, row: dict[str, Any], fields: tuple[str, ...]) -> Record:
    """Two edits within a second share a stamp, but no token: the version is made of both."""
    changed = (row.get("MetaData") or {}).get("LastUpdatedTime") or ""
    archived = row.get("Active") is False and kind not in KEEPS_INACTIVE
    return Record(
        kind=kind, id=str(row["Id"]), version=f"{changed} {row.get('SyncToken') or 0}", payload=payload(row, fields),
        gone="archived" if archived else "",
    )  # fmt: skip
