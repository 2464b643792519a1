"""Objects: list, get, create, change, archive, merge, and the same in batches (the CRM objects guide)."""

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from wherry.simulator import Call, Refusal, Reply

from .errors import (
    batch,
    body_of,
    inputs_of,
    instant,
    invalid,
    item_error,
    names,
    next_page,
    not_found,
    whole,
)
from .facts import BATCH_MAX, ID, LIST_MAX, LIST_MAX_WITH_HISTORY, Kind, Tie
from .links import label_of
from .portal import Portal
from .store import Record

Item = dict[str, Any]
Act = Callable[[], Item]
Linked = list[tuple[str, str, Tie]]

INLINE_PAGE = 100
TRACE = "objectWriteTraceId"


class Objects:
    """Handlers of ``/crm/objects``."""

    def __init__(self, portal: Portal, inline_page: int = INLINE_PAGE) -> None:
        self.portal = portal
        self._inline_page = inline_page

    # One record, or a list

    def list(self, call: Call) -> Reply:
        """A page of records in order of id."""
        kind = self.portal.kind(call.params["type"])
        most = LIST_MAX_WITH_HISTORY if names(call, "propertiesWithHistory") else LIST_MAX
        limit, archived = whole(call, "limit", 10, most), _archived(call)
        after = call.whole("after", 0)
        if after is None:
            raise invalid(f"after {call.query['after']!r} is not a page token this list gave out", "INVALID_AFTER")
        page = list(islice(self.portal.shelf(kind).from_id(after, archived), limit + 1))
        answer: Item = {"results": [self._full(record, call) for record in page[:limit]]}
        if len(page) > limit:
            answer["paging"] = next_page(call, page[limit - 1].id)
        return Reply(200, answer)

    def get(self, call: Call) -> Reply:
        """One record by id, or by the unique property `idProperty`."""
        return Reply(200, self._full(self._record(call, archived=_archived(call)), call))

    def create(self, call: Call) -> Reply:
        """One new record."""
        kind, body = self.portal.kind(call.params["type"]), body_of(call)
        record = self.portal.create(kind, _properties(body), self._links(kind, body))
        return Reply(201, self.shown(record, list(_properties(body))))

    def change(self, call: Call) -> Reply:
        """Write properties of one record."""
        record, given = self._record(call), _properties(body_of(call))
        self.portal.change(record, given)
        return Reply(200, self.shown(record, list(given)))

    def archive(self, call: Call) -> Reply:
        """Archive one record; saying so twice is no error."""
        kind = self.portal.kind(call.params["type"])
        if record := self.portal.record(kind, call.params["id"]):
            self.portal.archive(record)
        return Reply(204)

    def merge(self, call: Call) -> Reply:
        """Merge two records into the primary one."""
        kind, body = self.portal.kind(call.params["type"]), body_of(call)
        ids = [str(body.get(n, "")) for n in ("primaryObjectId", "objectIdToMerge")]
        survivor, loser = (self.portal.needed(kind, i) for i in ids)
        self.portal.merge(survivor, loser)
        return Reply(200, self.shown(survivor, []))

    # Batches

    def batch_read(self, call: Call) -> Reply:
        """Up to 100 records; ids that are not there make it a 207."""
        kind, body = self.portal.kind(call.params["type"]), body_of(call)
        keys = list(dict.fromkeys(str(i.get("id", "")) for i in inputs_of(call, BATCH_MAX)))
        by, archived = str(body.get("idProperty") or ""), _archived(call)
        found = {key: self.portal.record(kind, key, by, archived=archived) for key in keys}
        missing = [key for key, record in found.items() if record is None]
        records = {r.id: r for r in found.values() if r is not None}
        results = [self.shown(r, body.get("properties") or []) for r in reversed(records.values())]
        return batch(self.portal.now_ms(), results, [_missing(missing)] if missing else [])

    def batch_create(self, call: Call) -> Reply:
        """Up to 100 new records; answers come in no promised order, told apart by their trace ids."""
        kind = self.portal.kind(call.params["type"])

        def make(item: Item) -> Act:
            given, links = _properties(item), self._links(kind, item)
            self.portal.checked(kind, given, {})
            return lambda: self.shown(self.portal.create(kind, given, links), list(given))

        return self._each(call, make, 201)

    def batch_change(self, call: Call) -> Reply:
        """Write up to 100 records."""
        kind = self.portal.kind(call.params["type"])
        ids = [str(i.get("id", "")) for i in inputs_of(call, BATCH_MAX)]
        if len(set(ids)) < len(ids):
            raise invalid("Duplicate IDs found in batch input")

        def write(item: Item) -> Act:
            record = self.portal.needed(kind, str(item.get("id", "")), str(item.get("idProperty") or ""))
            return self._changed(record, _properties(item))

        return self._each(call, write, 200)

    def batch_upsert(self, call: Call) -> Reply:
        """Write or make up to 100 records, found by a property with unique values."""
        kind = self.portal.kind(call.params["type"])
        return self._each(call, lambda item: self._upserted(kind, item), 200)

    def _upserted(self, kind: Kind, item: Item) -> Act:
        by, key = str(item.get("idProperty") or ID), str(item.get("id", ""))
        given, record = _properties(item), self.portal.record(kind, key, by)
        if record is not None:
            change = self._changed(record, given)
            return lambda: {**change(), "new": False}
        if by == ID:
            raise not_found(kind.singular, key)
        given = {by: key, **given}
        self.portal.checked(kind, given, {})
        return lambda: {**self.shown(self.portal.create(kind, given), list(given)), "new": True}

    def _changed(self, record: Record, given: Item) -> Act:
        self.portal.checked(record.kind, given, record.properties, record.id)

        def act() -> Item:
            self.portal.change(record, given)
            return self.shown(record, list(given))

        return act

    def batch_archive(self, call: Call) -> Reply:
        """Archive up to 100 records."""
        kind = self.portal.kind(call.params["type"])
        for item in inputs_of(call, BATCH_MAX):
            if record := self.portal.record(kind, str(item.get("id", ""))):
                self.portal.archive(record)
        return Reply(204)

    def _each(self, call: Call, prepare: Callable[[Item], Act], status: int) -> Reply:
        """Do each input. Without trace ids the first bad one refuses the whole batch, and nothing is done."""
        inputs = inputs_of(call, BATCH_MAX)
        traced = all(item.get(TRACE) for item in inputs)
        if not traced:
            for item in inputs:
                prepare(item)
        results: list[Item] = []
        errors: list[Item] = []
        for item in inputs:
            trace = {TRACE: item[TRACE]} if item.get(TRACE) else {}
            try:
                results.append({**prepare(item)(), **trace})
            except Refusal as refusal:
                if not traced:
                    raise
                errors.append(_item_refused(refusal, item))
        # Newest first: nothing may lean on the order of the inputs.
        return batch(self.portal.now_ms(), results[::-1], errors, status)

    # Shapes

    def shown(self, record: Record, asked: Sequence[str]) -> Item:
        """A record as answers carry it."""
        answer: Item = {
            "id": record.id,
            "properties": self.portal.shown(record, asked),
            "createdAt": instant(record.created),
            "updatedAt": instant(record.modified),
            "archived": record.archived_at is not None,
        }
        if record.archived_at is not None:
            answer["archivedAt"] = instant(record.archived_at)
        return answer

    def _full(self, record: Record, call: Call) -> Item:
        answer = self.shown(record, names(call, "properties"))
        kinds = [self.portal.kind(name) for name in names(call, "associations")]
        linked = {k.name.replace("_", " "): self._inline(record, k, call) for k in kinds}
        if present := {name: page for name, page in linked.items() if page["results"]}:
            answer["associations"] = present
        return answer

    def _inline(self, record: Record, other: Kind, call: Call) -> Item:
        """The first page of a record's associations: one entry per association type."""
        links = self.portal.links.of((record.kind.type_id, record.id), other.type_id)
        first = links[: self._inline_page]
        results = [{"id": to, "type": label_of(tie, record.kind, other)} for to, ties in first for tie in ties]
        if len(links) <= self._inline_page:
            return {"results": results}
        version = call.params["version"]
        link = f"{call.base}/crm/{version}/objects/{record.kind.name}/{record.id}/associations/{other.name}"
        return {
            "results": results,
            "paging": {"next": {"after": first[-1][0], "link": f"{link}?after={first[-1][0]}"}},
        }

    def _record(self, call: Call, *, archived: bool = False) -> Record:
        kind = self.portal.kind(call.params["type"])
        return self.portal.needed(kind, call.params["id"], call.query.get("idProperty") or "", archived=archived)

    def _links(self, kind: Kind, body: Item) -> Linked:
        """The associations asked for in a create, all checked before anything is made."""
        return [
            self._link(kind, str((entry.get("to") or {}).get("id", "")), spec)
            for entry in body.get("associations") or []
            for spec in entry.get("types") or []
        ]

    def _link(self, kind: Kind, to: str, spec: Item) -> tuple[str, str, Tie]:
        """HubSpot knows the other type by the association's number alone."""
        for other in {k.type_id: k for k in self.portal.kinds.values()}.values():
            for tie in self.portal.links.ties.known(kind.type_id, other.type_id):
                if tie.type_id == spec.get("associationTypeId"):
                    self.portal.needed(other, to)
                    return other.type_id, to, tie
        raise invalid(f"No association type {spec.get('associationTypeId')} starts at {kind.name}")


def _archived(call: Call) -> bool:
    return call.query.get("archived", "false").lower() == "true"


def _properties(body: Item) -> Item:
    properties = body.get("properties")
    if not isinstance(properties, dict):
        raise invalid("properties must be an object")
    return properties


def _missing(ids: list[str]) -> Item:
    return item_error("OBJECT_NOT_FOUND", "Could not get some records, they may be deleted or not exist.", {"ids": ids})


def _item_refused(refusal: Refusal, item: Item) -> Item:
    body = refusal.reply.body
    context = {**body.get("context", {}), TRACE: [str(item[TRACE])]}
    return item_error(body["category"], body["message"], context)
