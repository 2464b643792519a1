"""One account of Acme Warehouse as a source of records.

Changes are listed by their stamp, then by id. Stamps are whole seconds, so a record may still change in the second that
was read last: a mark is that second itself, and the next read begins with it. What is read twice, the core drops.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

import msgspec
from wherry import ConfigError, Page, Record
from wherry.roles import Account, Connection, Query, Services

from .client import PAGE, Client, Thing, profile_of

KINDS = ("part", "shipment")
START = "1970-01-01T00:00:00Z"
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_ALWAYS = {"shipment": ("lines",)}
"""Fields that ``complete`` finds relatives by."""


class AcmeSource:
    """Reads parts and shipments, with the parts that a shipment holds. Made once per run."""

    kinds: Sequence[str] = KINDS
    chunk = PAGE

    def __init__(self, connection: Connection, services: Services) -> None:
        self._client = Client(services.http(profile_of(connection.settings)))

    def check(self) -> Account:
        owner = self._client.owner()
        return Account(owner.id, owner.name)

    def read(self, query: Query) -> Iterator[Page]:
        """Ends at what had changed when it began, by the system's own clock. Raises ConfigError for a strange mark."""
        start, after, bound = max(_mark(query.after), _stamp(query.since)), "", ""
        while True:
            listing = self._client.changed(query.kind, start, after)
            bound = bound or listing.now
            if listing.items:
                start, after = listing.items[-1]["changed"], listing.items[-1]["id"]
            yield Page([_record(query.kind, thing, query.fields) for thing in listing.items], min(start, bound))
            if not listing.more or start > bound:
                return

    def complete(self, records: list[Record], relatives: Mapping[str, tuple[str, ...]]) -> list[Record]:
        """Shipments with their parts: one call for a hundred parts, however many shipments hold them."""
        if "part" not in relatives:
            return records
        held = {record.id: [line["part"] for line in record.fields.get("lines", ())] for record in records}
        ids = list(chain.from_iterable(held.values()))
        found = {part.id: part for part in self.fetch("part", ids, relatives["part"])}
        for record in records:
            record.relatives["part"] = [found[part] for part in held[record.id] if part in found]
        return records

    def fetch(self, kind: str, ids: Sequence[str], fields: tuple[str, ...]) -> list[Record]:
        return [_record(kind, thing, fields) for thing in self._client.by_id(kind, ids)]

    def sweep(self, kind: str, ids: Sequence[str], fields: tuple[str, ...]) -> Iterator[Record]:
        there = {record.id: record for record in self.fetch(kind, ids, fields)}
        for name in ids:
            yield there.get(name) or Record(kind=kind, id=name, version="", gone="deleted")


def _record(kind: str, thing: Thing, fields: Sequence[str]) -> Record:
    wanted = dict.fromkeys([*fields, *_ALWAYS.get(kind, ())])
    payload = msgspec.json.encode({name: thing[name] for name in wanted if name in thing})
    return Record(kind=kind, id=thing["id"], version=thing["changed"], payload=payload)


def _mark(after: str | None) -> str:
    if after and not _STAMP.fullmatch(after):
        raise ConfigError(
            f"{after[:40]!r} is not a mark of Acme Warehouse",
            fix="read the flow from its start: wherry run FLOW --changed-since DATE",
            code="ACME-2001",
        )
    return after or START


def _stamp(since: dt.datetime | None) -> str:
    return since.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if since else START
