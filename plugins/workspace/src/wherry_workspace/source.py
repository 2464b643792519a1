"""The source: documents as records, oldest change first. A mark is the sequence number of the last change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import msgspec
from wherry.errors import ConfigError
from wherry.records import Page, Record
from wherry.roles import Account, Description, Documents, FieldInfo, Query

from wherry_workspace.account import Opened, account
from wherry_workspace.bodies import full, references_of
from wherry_workspace.documents import Document, changed_since
from wherry_workspace.kinds import KINDS, Kind

READABLE = ("invoice", "charge", "customer", "project", "product", "location", "ticket", "ledger_transaction",
            "account")  # fmt: skip


class WorkspaceSource:
    """Reads the embedded workspace. A record's payload is the whole body with its id, defaults filled in."""

    kinds: Sequence[str] = READABLE
    chunk = 500

    def __init__(self, opened: Opened, title: str, page_size: int) -> None:
        self._opened, self._title, self._page_size = opened, title, page_size

    def check(self) -> Account:
        return account(self._opened, self._title)

    def read(self, query: Query) -> Iterator[Page]:
        """Ends after as many records as there were at its start: what changes meanwhile comes next time.

        Raises ConfigError for a mark that this source never gave.
        """
        kind, after = KINDS[query.kind], _sequence(query.after)
        with self._opened() as documents:
            left = documents.count(kind.name)
        while left > 0:
            with self._opened() as documents:
                rows = documents.changed(kind.name, after, min(self._page_size, left))
            if not rows:
                return
            after, left = rows[-1][0], left - len(rows)
            records = [_record(kind, name, body, query.fields, str(number))
                       for number, name, body in rows if changed_since(body, query.since)]  # fmt: skip
            yield Page(records, str(after))

    def complete(self, records: list[Record], relatives: Mapping[str, tuple[str, ...]]) -> list[Record]:
        """With the things they refer to, lines included: one read a kind, whatever the number of records."""
        if not records or not relatives:
            return records
        with self._opened() as documents:
            wanted = _referred(documents, records, relatives)
            ids: dict[str, dict[str, None]] = defaultdict(dict)
            for kind, name in chain.from_iterable(wanted):
                ids[kind][name] = None
            found = {kind: documents.get(kind, names) for kind, names in ids.items()}
        for record, referred in zip(records, wanted, strict=True):
            record.relatives = {kind: [] for kind in relatives}
            for kind, name in referred:
                if name in found[kind]:
                    record.relatives[kind].append(_record(KINDS[kind], name, found[kind][name], relatives[kind]))
        return records

    def fetch(self, kind: str, ids: Sequence[str], fields: tuple[str, ...]) -> list[Record]:
        with self._opened() as documents:
            found = documents.get(kind, ids)
        return [_record(KINDS[kind], name, found[name], fields) for name in ids if name in found]

    def sweep(self, kind: str, ids: Sequence[str], fields: tuple[str, ...]) -> Iterator[Record]:
        there = {record.id: record for record in self.fetch(kind, ids, fields)}
        for name in ids:
            yield there.get(name) or Record(kind=kind, id=name, version="", gone="deleted")

    def describe(self, kind: str, *, fresh: bool = False) -> Description:
        known = KINDS[kind].fields.values()
        fields = (FieldInfo(field.name, field.name.replace("_", " "), field.type) for field in known)
        return Description((FieldInfo("id", "id", "text"), *fields))


def _sequence(mark: str | None) -> int:
    if mark is None:
        return 0
    if not mark.isascii() or not mark.isdigit():
        raise ConfigError(
            f"{mark!r} is not a mark of the workspace",
            fix="read the flow from its start: wherry run FLOW --changed-since DATE", code="WHERRY-2830",
        )  # fmt: skip
    return int(mark)


def _record(kind: Kind, name: str, document: Document, fields: Iterable[str], version: str = "") -> Record:
    body: dict[str, Any] = {"id": name, **full(kind, document["fields"])}
    roots = {field.partition(".")[0].partition("[")[0] for field in fields}
    if roots:
        body = {field: value for field, value in body.items() if field == "id" or field in roots}
    payload = msgspec.json.encode(body)
    return Record(kind=kind.name, id=name, version=version or document["changed"], payload=payload, decoded=body)


def _referred(documents: Documents, records: Sequence[Record], relatives: Iterable[str]) -> list[list[tuple[str, str]]]:
    """(kind, id) of what each record refers to, each once, in order of mention.

    Read from the documents: a record holds only the fields that were asked for.
    """
    kind = KINDS[records[0].kind]
    bodies = documents.get(kind.name, [record.id for record in records])
    asked = frozenset(relatives)
    return [
        list(dict.fromkeys((other, name) for _, other, name in references_of(kind, body["fields"]) if other in asked))
        for body in (bodies.get(record.id, {"fields": {}}) for record in records)
    ]
