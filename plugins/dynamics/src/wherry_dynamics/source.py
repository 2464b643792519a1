"""One environment of Dynamics 365 Sales as a source of records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from itertools import chain
from urllib.parse import urlsplit

from wherry.crm import by_kind
from wherry.errors import ContractBroken
from wherry.marks import Mark, Span, saved_mark
from wherry.records import Page, Record
from wherry.roles import Account, Connection, Description, Query, Services
from wherry.rows import Row, named, pieces, text

from .client import Ask, Client, among, is_id, profile_of
from .files import notes_since, opened
from .objects import STAMP, View, stamp_of
from .relatives import Relatives
from .schema import Schema
from .settings import KINDS, DynamicsSettings
from .walk import Walk, changed

CHUNK = 150
"""Heads whose relatives are read at once: their ids take 7 kB of an address. Dataverse takes 32, proxies often 8."""

WATCHING = ("deal", "ticket")
"""Kinds that are read again for what changed beside them."""


class DynamicsSource:
    """Reads opportunities, accounts, products, cases, users and, where configured, locations. Made once per run."""

    chunk = CHUNK

    def __init__(self, connection: Connection, services: Services) -> None:
        settings: DynamicsSettings = connection.settings
        self._settings = settings
        self._client = Client(services.http(profile_of(settings)))
        self._schema = Schema(self._client, services.cache, f"{connection.name}/schema", settings)
        self._fan_out, self._clock = services.fan_out, services.clock
        self._relatives = Relatives(self._client, self._schema, services.fan_out)
        self.kinds: Sequence[str] = tuple(kind for kind in KINDS if kind != "location" or settings.location)

    def check(self) -> Account:
        """The organisation that the sign-in opens. To read its name would take one right more: the address says it."""
        who = self._client.who()
        return Account(who.OrganizationId, urlsplit(self._settings.base_url).netloc, {"user": who.UserId})

    # -- heads --------------------------------------------------------------------------------------------------------

    def read(self, query: Query) -> Iterator[Page]:
        """What changed since the mark; everything when there is none. Raises ConfigError before anything is read when
        the map names columns that there are not."""
        self._known(query.kind)
        for kind, fields in {query.kind: query.fields, **query.relatives}.items():
            self._schema.must_know(kind, fields)
        view, since = self._schema.view(query.kind), int(query.since.timestamp()) if query.since else 0
        order = f"{STAMP} asc,{view.id} asc"
        pages = partial(self._pages, view, query.fields, order)
        start = saved_mark(Mark, query.after, "Dynamics", "WHERRY-1721") if query.after else Mark()
        span = Span(self._clock, self._settings.overlap, start=start)
        for rows, mark in Walk(pages, span, since, view.set).pages():
            if query.kind == "deal" and "statuscode" in query.fields:
                self._schema.notice({text(row["statuscode"]) for row in rows})
            yield Page([view.record(row) for row in rows], str(mark))
        if query.after and query.kind in WATCHING:
            yield from self._touched(view, query, span, since)
        yield Page([], str(span.end()))

    def choice(self, kind: str) -> str:
        """Where locations live is set; all other kinds are what they are."""
        location = self._settings.location
        return location.model_dump_json() if kind == "location" and location else ""

    def _pages(
        self, view: View, fields: Sequence[str], order: str, where: str
    ) -> Iterator[tuple[list[Row], Mapping[str, str]]]:
        return self._client.pages(Ask(view.set, view.columns(fields), where, order, view.expand(fields)))

    def _touched(self, view: View, query: Query, span: Span, since: int) -> Iterator[Page]:
        """Heads whose lines, files or account changed: none of them needs to leave a trace on the head, a merger of
        accounts leaves none."""
        asked = []
        if query.kind == "deal" and "line_item" in query.relatives:
            line = self._schema.view("line_item")
            asked.append(Ask(line.set, ("_opportunityid_value", STAMP), changed(span.near), f"{line.id} asc"))
        if query.kind == "deal" and "file" in query.relatives:
            asked.append(notes_since(span.near))
        if query.repeats and "company" in query.complete:
            account = self._schema.view("company")
            merged = f"merged eq true and {changed(span.near)}"
            asked.append(Ask(account.set, ("_masterid_value", STAMP), merged, f"{account.id} asc"))
        told = {ask.select[0]: found for ask, found in zip(asked, self._fan_out(self._named_by, asked), strict=True)}
        span.beside = max((newest for _, newest in told.values()), default=0)
        accounts, _ = told.pop("_masterid_value", (set[str](), 0))
        found = self._of_accounts(view, sorted(accounts)).union(*(ids for ids, _ in told.values()))
        for some in pieces(sorted(found), CHUNK):
            rows = self._by_id(view, some, query.fields)
            records = [view.record(row) for row in rows if stamp_of(row) >= since]
            for record in records:
                record.touched = True
            yield Page(records, str(Mark(span.end().at, near=span.near)))

    def _named_by(self, ask: Ask) -> tuple[set[str], int]:
        """The ids that rows name in their first column, and the newest stamp of them: a bulk load changes a million."""
        ids, newest = set[str](), 0
        for rows, _ in self._client.pages(ask):
            ids |= named(rows, ask.select[0])
            newest = max([newest, *map(stamp_of, rows)])
        return ids, newest

    def _of_accounts(self, view: View, accounts: Sequence[str]) -> set[str]:
        parts = pieces(accounts, CHUNK)
        asked = [Ask(view.set, (view.id,), among("customerid", some), f"{view.id} asc") for some in parts]
        return named(chain.from_iterable(self._fan_out(self._client.rows, asked)), view.id)

    def _by_id(self, view: View, ids: Sequence[str], fields: Sequence[str]) -> list[Row]:
        columns, expand, order = view.columns(fields), view.expand(fields), f"{view.id} asc"
        asked = [Ask(view.set, columns, among(view.id, some), order, expand) for some in pieces(ids, CHUNK)]
        return list(chain.from_iterable(self._fan_out(self._client.rows, asked)))

    # -- what belongs to heads, and heads by id -----------------------------------------------------------------------

    def complete(self, records: list[Record], relatives: Mapping[str, tuple[str, ...]]) -> list[Record]:
        """The same records with the relatives asked for: a call for each kind of them, side by side."""
        for kind, fields in relatives.items():
            self._schema.must_know(kind, fields)
        for kind, some in by_kind(records, CHUNK):
            self._relatives.complete(kind, some, relatives)
        return records

    def fetch(self, kind: str, ids: Sequence[str], fields: tuple[str, ...]) -> list[Record]:
        """Heads by id, in the order asked for; what was deleted is missing."""
        self._known(kind)
        wanted = list(dict.fromkeys(id.lower() for id in ids if is_id(id)))
        found = self._present(kind, wanted, fields)
        return [found[id] for id in wanted if id in found]

    def sweep(self, kind: str, ids: Sequence[str], fields: tuple[str, ...]) -> Iterator[Record]:
        """A head for every id; what is not there was deleted, for Dataverse keeps no bin that could be asked."""
        self._known(kind)
        for some in pieces(ids, 10 * CHUNK):
            heads = self._present(kind, list(filter(is_id, some)), fields)
            for id in some:
                yield heads.get(id) or Record(kind=kind, id=id, version="deleted", gone="deleted")

    def _present(self, kind: str, ids: Sequence[str], fields: Sequence[str]) -> dict[str, Record]:
        view = self._schema.view(kind)
        return {record.id: record for record in map(view.record, self._by_id(view, ids, fields))}

    # -- metadata and files -------------------------------------------------------------------------------------------

    def describe(self, kind: str, *, fresh: bool = False) -> Description:
        """Columns of a kind with their labels, and for deals the status reasons; kept for an hour."""
        return self._schema.describe(kind, fresh=fresh)

    def open_file(self, file: str) -> AbstractContextManager[Iterator[bytes]]:
        """The bytes of a note's file by the note's id. Raises Rejected when Dynamics does not give it out."""
        return opened(self._client, file)

    def _known(self, kind: str) -> None:
        if kind not in self.kinds:
            raise ContractBroken(f"Dynamics has no records of kind {kind!r}", code="WHERRY-1722", kind=kind)
