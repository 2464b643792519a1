"""One HubSpot account as a source of records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager

from wherry.crm import by_kind
from wherry.errors import ContractBroken
from wherry.records import Page, Record
from wherry.roles import Account, Connection, Description, Query, Services
from wherry.rows import pieces

from .access import Judge, profile_of
from .client import MODIFIED, Client, Filter, stamp_ms
from .files import ACTIVITIES, HAS_FILES, DealFiles, opened
from .marks import SECOND, Bound, Mark, Position, mark_at, mark_of
from .metadata import Metadata
from .objects import HAS_MERGED, MERGED, Head
from .owners import Owners, owner_record
from .reading import Reader
from .relatives import Relatives, linked_with
from .settings import HubSpotSettings
from .vendor import KINDS
from .views import View, view_of
from .walk import Changes, Everything

CHUNK, LISTED_CHUNK = 1_000, 300
"""Heads whose relatives are read at once: as many as an association read takes, or, where no association is asked for,
so few that the reads of their relatives begin while the list goes on."""
ZONE_AGE = 30 * 86_400.0


class HubSpotSource:
    """Reads deals, companies, products, tickets, owners and, where configured, locations. Made once per run."""

    chunk = CHUNK
    """Of what is read at the moment."""

    def __init__(self, connection: Connection, services: Services) -> None:
        settings: HubSpotSettings = connection.settings
        self._settings, self._cache, self._zone_key = settings, services.cache, f"{connection.name}/zone"
        self._clock, self._lag = services.clock, settings.index_lag * SECOND
        judge = Judge(services.clock, lambda: str(self._cache.get(self._zone_key, ZONE_AGE) or ""))
        self.client = Client(services.http(profile_of(settings, judge)), settings.api)
        self.kinds: Sequence[str] = tuple(kind for kind in KINDS if kind != "location" or settings.location)
        self._reader = Reader(self.client, services.fan_out)
        self._metadata = Metadata(self._reader, services.cache, f"{connection.name}/{settings.api}/describe")
        self._owners = Owners(self.client, services.cache, f"{connection.name}/{settings.api}/owners")
        self._files = DealFiles(self._reader)
        self._relatives = Relatives(self._reader, self._files, self._owners)

    # -- whose account ------------------------------------------------------------------------------------------

    def check(self) -> Account:
        """The account that the token opens. Raises AccessLost, which names missing scopes."""
        told = self.client.account()
        self._cache.set(self._zone_key, told.timeZone)
        details = {"timezone": told.timeZone, "currency": told.companyCurrency, "type": told.accountType}
        known = {name: value for name, value in details.items() if value}
        return Account(str(told.portalId), f"HubSpot account {told.portalId}", known)

    # -- heads --------------------------------------------------------------------------------------------------

    def read(self, query: Query) -> Iterator[Page]:
        """Heads of a kind: all of them by list when there is no mark yet, else what changed, by search.

        Raises ConfigError before anything is read when the map names fields that the account does not have.
        """
        if query.kind not in self.kinds:
            raise ContractBroken(f"HubSpot has no records of kind {query.kind!r}", code="WHERRY-1701", kind=query.kind)
        if query.kind == "owner":
            yield from self._all_owners(query)
            return
        for kind, fields in {query.kind: query.fields, **query.relatives}.items():
            self._metadata.must_know(kind, fields)
        mark = mark_of(query.after) if query.after else None
        if mark is None or mark.list:
            yield from self._everything(query, mark or Mark())
        else:
            yield from self._changed(query, mark)

    def choice(self, kind: str) -> str:
        """Tickets may be those of one pipeline alone; where locations live, and in which properties, is set."""
        if kind == "location" and self._settings.location is not None:
            return self._settings.location.model_dump_json()
        return (self._settings.ticket_pipeline or "") if kind == "ticket" else ""

    def _everything(self, query: Query, begun: Mark) -> Iterator[Page]:
        view, since, bound = self._view(query.kind), _since(query), self._bound(begun.bound)
        # What the index hides from the survey is found by the next run, if that watches files.
        self._files.surveyed = self._files.surveyed or "file" in query.relatives
        fields = view.properties(query.fields)
        linked = linked_with(view, query.complete)
        walk = Everything(self.client, view.type_name, fields, bound, begun, counted=not view.filters, linked=linked)
        for heads in walk.pages():
            self._metadata.notice(query.kind, {head.stage for head in heads})
            costs = "file" in query.complete and not self._files.few
            self.chunk = LISTED_CHUNK if linked and not costs else CHUNK
            records = _records(view, heads, since)
            self._relatives.expect(records)
            yield Page(records, str(walk.mark))

    def _changed(self, query: Query, mark: Mark) -> Iterator[Page]:
        view, since, bound = self._view(query.kind), _since(query), self._bound()
        self.chunk = CHUNK
        watched, fields = _watched(query), view.properties(query.fields)
        heads = Changes(self._reader, view.type_name, mark, fields, bound, view.filters)
        begun = {type_name: mark.relatives.get(type_name, Position(mark.near or mark.at)) for type_name in watched}
        for step in heads.steps():
            self._metadata.notice(query.kind, {head.stage for head in step.heads})
            yield Page(_records(view, step.heads, since), mark_at(heads.position, begun), step.total)
        relatives = [
            Changes(self._reader, type_name, begun[type_name], (MODIFIED,), bound, filters)
            for type_name, filters in watched.items()
        ]
        for records in self._touched(view, relatives, fields, since):
            yield Page(records, mark_at(heads.position, begun))
        yield Page([], mark_at(heads.position, {walk.type_name: walk.position for walk in relatives}))

    def _touched(
        self, view: View, relatives: Sequence[Changes], fields: Sequence[str], since: int
    ) -> Iterator[list[Record]]:
        """Heads whose relatives changed: a file that is added leaves no trace on the deal itself (case B14)."""

        def heads_of(walk: Changes) -> dict[str, None]:
            found = dict[str, None]()
            for some in pieces((head.id for step in walk.steps() for head in step.heads), 10 * CHUNK):
                told = self._reader.associations(walk.type_name, view.type_name, some)
                found.update((target.id, None) for targets in told.values() for target in targets)
            return found

        found = self._reader.spread(heads_of, relatives)
        for some in pieces((i for ids in found for i in ids), CHUNK):
            records = _records(view, self._reader.heads(view.type_name, some, fields), since)
            for record in records:
                record.touched = True
            yield records

    def _all_owners(self, query: Query) -> Iterator[Page]:
        """Owners are few and have no search: always all, those left out that did not change. A change may show late."""
        since = max(_since(query), mark_of(query.after).at if query.after else 0)
        owners = [owner for owner in self._owners.all() if stamp_ms(owner.updatedAt) >= since]
        owners.sort(key=lambda owner: stamp_ms(owner.updatedAt))
        newest = max([since, *(stamp_ms(owner.updatedAt) for owner in owners)])
        shown = max(since, newest - self._lag)
        yield Page([owner_record(owner) for owner in owners], str(Mark(at=shown)), len(owners))

    def _bound(self, began: int | None = None) -> Bound:
        return Bound(self._clock, self._lag, SECOND, began)

    def _view(self, kind: str) -> View:
        return view_of(kind, self._settings, self._metadata)

    # -- what belongs to heads, and heads by id ---------------------------------------------------------------------

    def complete(self, records: list[Record], relatives: Mapping[str, tuple[str, ...]]) -> list[Record]:
        """The same records with the relatives asked for. Up to 1,000 at once take the fewest calls."""
        for kind, fields in relatives.items():
            self._metadata.must_know(kind, fields)
        for kind, some in by_kind(records, CHUNK):
            if kind != "owner":
                self._relatives.complete(self._view(kind).type_name, some, relatives)
        return records

    def fetch(self, kind: str, ids: Sequence[str], fields: tuple[str, ...]) -> list[Record]:
        """Heads by id; one that is archived, deleted or merged away is missing."""
        if kind == "owner":
            return [owner for i in ids if (owner := self._owners.find(i))]
        view, wanted = self._view(kind), set(ids)
        heads = self._reader.heads(view.type_name, ids, view.properties(fields))
        return [record for head in heads if head.id in wanted and (record := view.record(head))]

    def sweep(self, kind: str, ids: Sequence[str], fields: tuple[str, ...]) -> Iterator[Record]:
        """A head for every id. What is not there is asked for again among the archived before it counts as deleted."""
        if kind == "owner":
            yield from self._swept_owners(ids)
            return
        view = self._view(kind)
        for some in pieces(ids, CHUNK):
            yield from self._swept(view, some, (*view.properties(fields), MERGED))

    def _swept_owners(self, ids: Sequence[str]) -> Iterator[Record]:
        """Owners are listed anew: those that are kept for their names may have left since."""
        known = {owner.id: owner for owner in (*self._owners.all(archived=True), *self._owners.all())}
        for i in ids:
            yield (
                owner_record(known[i]) if i in known else Record(kind="owner", id=i, version="deleted", gone="deleted")
            )

    def _swept(self, view: View, ids: Sequence[str], properties: tuple[str, ...]) -> Iterator[Record]:
        heads = {head.id: head for head in self._reader.heads(view.type_name, ids, properties)}
        survivors = {loser: head for head in heads.values() for loser in head.merged.split(";") if loser}
        missing = [i for i in ids if i not in heads and i not in survivors]
        found = self._reader.heads(view.type_name, missing, properties, archived=True)
        archived = {head.id: head for head in found}
        for i in ids:
            if i in heads:
                if record := view.record(heads[i]):
                    yield record
            elif survivor := survivors.get(i):
                yield Record(kind=view.kind, id=i, version=survivor.stamp, gone="merged", merged_into=survivor.id)
            elif i in archived and (record := view.record(archived[i])):
                record.gone = "archived"
                yield record
            else:
                yield Record(kind=view.kind, id=i, version="deleted", gone="deleted")

    # -- metadata and files -----------------------------------------------------------------------------------------

    def describe(self, kind: str, *, fresh: bool = False) -> Description:
        """Properties of a kind, and pipelines with their stages; kept for an hour."""
        return self._metadata.describe(kind, fresh=fresh)

    def open_file(self, file: str) -> AbstractContextManager[Iterator[bytes]]:
        """The bytes of a file by its id, through a signed URL. Raises Rejected when HubSpot does not give it out."""
        return opened(self.client, file)


def _since(query: Query) -> int:
    return stamp_ms(query.since.isoformat()) if query.since else 0


def _records(view: View, heads: Sequence[Head], since: int) -> list[Record]:
    return [record for head in heads if head.ms >= since and (record := view.record(head))]


def _watched(query: Query) -> dict[str, list[Filter]]:
    """Object types whose changes touch the heads, with the filters that keep the search small."""
    watched: dict[str, list[Filter]] = {}
    if query.kind == "deal" and "file" in query.relatives:
        watched.update((type_name, [HAS_FILES]) for type_name in ACTIVITIES.values())
    if query.kind == "deal" and "line_item" in query.relatives:
        watched["line_items"] = []
    if query.kind in ("deal", "ticket") and query.repeats and "company" in query.complete:
        watched["companies"] = [HAS_MERGED]  # the links of the losers went over to it, and left no trace
    return watched
