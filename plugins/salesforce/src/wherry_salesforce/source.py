"""One Salesforce org as a source of records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import chain
from typing import Any
from urllib.parse import quote_plus

import msgspec
from msgspec import Struct
from wherry.crm import by_kind
from wherry.decoding import decoder
from wherry.errors import ContractBroken, TryAgain
from wherry.marks import Mark, Span, saved_mark
from wherry.records import Page, Record
from wherry.roles import Account, Connection, Description, Query, Services
from wherry.rows import Row, named, pieces, text

from .client import LONGEST_URL, TOGETHER, Client, Found, Headers, profile_of, stamp_ms
from .files import links_since, newest_of, opened
from .objects import STAMP, View
from .relatives import Relatives
from .schema import Schema
from .settings import KINDS, SalesforceSettings
from .soql import among, is_id, long_id, moment, select
from .walk import Walk

CHUNK = 1_000
"""Heads whose relatives are read at once: their ids fill a third of the longest query that Salesforce takes."""
WATCHING = ("deal", "ticket")
"""Kinds that are read again for what changed beside them."""
_PLACE = len(quote_plus("'',")) + 18
"""What an id takes in an address."""


class _Organization(Struct):
    Id: str
    Name: str
    OrganizationType: str | None = None
    IsSandbox: bool = False
    TimeZoneSidKey: str | None = None


class SalesforceSource:
    """Reads opportunities, accounts, products, cases, users and, where configured, locations. Made once per run."""

    chunk = CHUNK

    def __init__(self, connection: Connection, services: Services) -> None:
        settings: SalesforceSettings = connection.settings
        self._settings, location = settings, settings.location
        self._client = Client(services.http(profile_of(settings)), settings.api)
        place = location.model_dump_json() if location else ""
        self._schema = Schema(self._client, services.cache, f"{connection.name}/{settings.api}/schema{place}", settings)
        self._relatives = Relatives(self._client, self._schema)
        self._fan_out, self._clock = services.fan_out, services.clock
        self.kinds: Sequence[str] = tuple(kind for kind in KINDS if kind != "location" or location)

    def check(self) -> Account:
        """The org that the sign-in opens."""
        fields = ("Id", "Name", "OrganizationType", "IsSandbox", "TimeZoneSidKey")
        found, _ = self._client.query(select(fields, "Organization"))
        if len(found.records) != 1:
            raise TryAgain("Salesforce did not say which org this is", code="WHERRY-6769")
        org: _Organization = _as(_Organization, found.records[0])
        told = {"type": org.OrganizationType, "timezone": org.TimeZoneSidKey, "sandbox": "yes" if org.IsSandbox else ""}
        return Account(org.Id, org.Name, {name: value for name, value in told.items() if value})

    # -- heads --------------------------------------------------------------------------------------------------

    def read(self, query: Query) -> Iterator[Page]:
        """What changed since the mark; everything when there is none. Raises ConfigError before anything is read when
        the map names fields that the user does not see."""
        self._known(query.kind)
        for kind, fields in {query.kind: query.fields, **query.relatives}.items():
            self._schema.must_know(kind, fields)
        view, since = self._schema.view(query.kind), _since(query)
        start = saved_mark(Mark, query.after, "Salesforce", "WHERRY-1761") if query.after else Mark()
        span = Span(self._clock, 1_000 * self._settings.overlap, 1_000, start=start)
        near = span.near
        ask = _Asking(self._client, view, query.fields, self._beside(query, near))
        for rows, mark in Walk(ask, span, since, view.object).pages():
            self._notice(query, rows)
            yield Page([view.record(row) for row in rows], str(mark))
        if span.near < near:  # Salesforce's clock went back
            ask.told.take(self._client.queries(self._beside(query, span.near), everything=True))
        yield from self._touched(view, query, ask.told, span, since)
        yield Page([], str(span.end()))

    def choice(self, kind: str) -> str:
        """Where locations live is set; all other kinds are what they are."""
        location = self._settings.location
        return location.model_dump_json() if kind == "location" and location else ""

    def _notice(self, query: Query, rows: Sequence[Row]) -> None:
        if query.kind == "deal" and "StageName" in query.fields:
            self._schema.notice({text(row["StageName"]) for row in rows})

    def _beside(self, query: Query, near: int) -> list[str]:
        """Queries for what touches heads, where that matters and they were read before: lines, files, and accounts that
        were merged. What lies in the recycle bin is asked for as well: a deleted line, and the losers of a merger."""
        if not query.after or query.kind not in WATCHING:
            return []
        since, asked = f"{STAMP} >= {moment(near)}", []
        if query.kind == "deal" and "line_item" in query.relatives:
            asked.append(select(("OpportunityId", STAMP), "OpportunityLineItem", since))
        if query.kind == "deal" and "file" in query.relatives:
            asked.append(links_since(near))
        belongs = query.repeats and "company" in query.complete
        if belongs and (master := self._schema.view("company").seen(["MasterRecordId"])):
            asked.append(
                select([*master, STAMP], "Account", f"IsDeleted = true AND MasterRecordId != null AND {since}")
            )
        return asked

    def _touched(self, view: View, query: Query, told: _Told, span: Span, since: int) -> Iterator[Page]:
        """Heads whose lines, files or account changed: a line moves its deal only when an amount changes, a file and a
        merger of accounts never do. One in the recycle bin is told of: should it come back as it was, nobody else would
        know that there was more."""
        span.beside = told.newest
        ids = sorted(told.deals | self._of_accounts(view, sorted(told.masters)))
        for some in pieces(ids, CHUNK):
            heads = self._present_or_removed(view, some, query.fields)
            records = [head for head in heads.values() if stamp_ms(head.version) >= since]
            for record in records:
                record.touched = not record.gone
            yield Page(records, str(Mark(span.end().at, near=span.near)))

    def _of_accounts(self, view: View, accounts: Sequence[str]) -> set[str]:
        asked = [select(("Id",), view.object, among("AccountId", some)) for some in pieces(accounts, CHUNK)]
        return named(chain.from_iterable(self._client.queries(asked)), "Id")

    def _by_id(self, view: View, ids: Sequence[str], fields: Sequence[str]) -> list[Row]:
        asked = [select(view.columns(fields), view.object, among("Id", some)) for some in pieces(ids, CHUNK)]
        return list(chain.from_iterable(self._client.queries(asked)))

    # -- what belongs to heads, and heads by id ---------------------------------------------------------------------

    def complete(self, records: list[Record], relatives: Mapping[str, tuple[str, ...]]) -> list[Record]:
        """The same records with the relatives asked for: one call, and one more for each 2,000 lines."""
        for kind, fields in relatives.items():
            self._schema.must_know(kind, fields)
        for kind, some in by_kind(records, CHUNK):
            self._relatives.complete(kind, some, relatives)
        return records

    def fetch(self, kind: str, ids: Sequence[str], fields: tuple[str, ...]) -> list[Record]:
        """Heads by id, in the order asked for; what was deleted is missing."""
        self._known(kind)
        wanted = list(dict.fromkeys(map(long_id, filter(is_id, ids))))
        found = self._present(self._schema.view(kind), wanted, fields)
        return [found[id] for id in wanted if id in found]

    def sweep(self, kind: str, ids: Sequence[str], fields: tuple[str, ...]) -> Iterator[Record]:
        """A head for every id. What is not there is looked for in the recycle bin; what that does not know any more
        counts as deleted."""
        self._known(kind)
        view = self._schema.view(kind)
        for some in pieces(ids, TOGETHER * CHUNK):
            heads = self._present_or_removed(view, list(filter(is_id, some)), fields)
            for id in some:
                yield heads.get(id) or Record(kind=kind, id=id, version="deleted", gone="deleted")

    def _present_or_removed(self, view: View, ids: Sequence[str], fields: Sequence[str]) -> dict[str, Record]:
        heads = self._present(view, ids, fields)
        return heads | self._removed(view, [id for id in ids if id not in heads], fields)

    def _present(self, view: View, ids: Sequence[str], fields: Sequence[str]) -> dict[str, Record]:
        return {record.id: record for record in map(view.record, self._by_id(view, ids, fields))}

    def _removed(self, view: View, ids: Sequence[str], fields: Sequence[str]) -> dict[str, Record]:
        """Those of the ids that lie in the recycle bin, or came back a moment ago. It is asked by address alone."""
        if "IsDeleted" not in view.known:
            return {}  # users are never deleted
        columns = [*view.columns(fields), "IsDeleted", *view.seen(["MasterRecordId"])]
        room = max(1, (LONGEST_URL - len(quote_plus(select(columns, view.object)))) // _PLACE)
        asked = [select(columns, view.object, among("Id", some)) for some in pieces(ids, room)]
        pages = self._fan_out(lambda soql: self._client.query(soql, everything=True)[0], asked)
        rows = chain.from_iterable(map(self._client.rows, pages))
        heads = (view.gone(row) if bytes(row["IsDeleted"]) == b"true" else view.record(row) for row in rows)
        return {head.id: head for head in heads}

    # -- metadata and files -----------------------------------------------------------------------------------------

    def describe(self, kind: str, *, fresh: bool = False) -> Description:
        """Fields of a kind, and for deals record types with their stages; kept for an hour."""
        return self._schema.describe(kind, fresh=fresh)

    def open_file(self, file: str) -> AbstractContextManager[Iterator[bytes]]:
        """The bytes of a file by the id of its version. Raises Rejected when Salesforce does not give it out."""
        return opened(self._client, file)

    def _known(self, kind: str) -> None:
        if kind not in self.kinds:
            raise ContractBroken(f"Salesforce has no records of kind {kind!r}", code="WHERRY-1762", kind=kind)


class _Told(Struct):
    """What rows beside the heads name, and their newest stamp: a bulk load changes a million."""

    deals: set[str] = msgspec.field(default_factory=set)
    masters: set[str] = msgspec.field(default_factory=set)
    newest: int = 0

    def take(self, found: Iterable[Iterable[Row]]) -> None:
        for row in chain.from_iterable(found):
            self.newest = max(self.newest, newest_of(row))
            self.deals |= named([row], "OpportunityId") | named([row], "LinkedEntityId")
            self.masters |= named([row], "MasterRecordId")


class _Asking:
    """Asks for the rows of a walk; its first call also brings what other queries found."""

    def __init__(self, client: Client, view: View, fields: Sequence[str], beside: list[str]) -> None:
        self._client, self._object, self._columns = client, view.object, view.columns(fields)
        self._beside, self.told = beside, _Told()

    def __call__(self, where: str, tail: str) -> tuple[Found, Headers]:
        soql = select(self._columns, self._object, where, tail)
        if not self._beside:
            return self._client.query(soql)
        page, headers, found = self._client.query_beside(soql, self._beside)
        self._beside = []
        self.told.take(found)
        return page, headers


def _since(query: Query) -> int:
    return stamp_ms(query.since.isoformat()) if query.since else 0


def _as(type: Any, row: Row) -> Any:
    return decoder(type).decode(msgspec.json.encode(row))
