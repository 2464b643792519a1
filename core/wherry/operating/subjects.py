"""What a name means: the record, the thing made of it, and how it is linked, in every flow that knows it.

A document is named by its number, its record's id at the source, its key, its id in the target, or ``E-7``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from wherry.accounting import GivesNumbers, ShortensNumbers
from wherry.errors import WherryError
from wherry.hub import Hub
from wherry.operating import tracing
from wherry.records import Ref
from wherry.store import calls, homes, inquiries, ledger, movements, registry
from wherry.store.database import Tx
from wherry.store.inquiries import Placed
from wherry.store.ledger import Event, LinkRow, Route, Seen
from wherry.store.movements import MovementRow


class Subject(Struct, kw_only=True):
    """What a name turned out to mean: a record in a flow, the document made of it, or both."""

    flow: str
    kind: str = ""
    record: str = ""
    route: Route | None = None
    ref: Ref | None = None
    seen: Seen | None = None
    item: Placed | None = None
    link: LinkRow | None = None
    before: Event | None = None
    """Of what was asked for by an id that it had in the target once: how it was taken back there."""
    movement: MovementRow | None = None
    """Of what is booked; ``link`` and ``item`` are then those of the entry that it stands in."""
    former: str = ""
    """The number E-N that it was asked for by, and that it is not open under any more."""
    members: list[MovementRow] | None = None
    """Of a journal entry, once it was asked for: what it is made of."""

    @property
    def same(self) -> tuple[str, ...]:
        """By which two of them are the same."""
        return (self.flow, self.kind, self.record) if self.record else (self.flow, str(self.ref))


class Finder:
    """The ledger, read in one transaction."""

    def __init__(self, hub: Hub, tx: Tx) -> None:
        self.hub, self.tx = hub, tx
        self.bound = {row.id: row for row in registry.all_connections(tx)}
        self.ids = {row.name: row.id for row in self.bound.values()}
        self._events: dict[Ref, list[Event]] = {}
        self._sinks: dict[int, Any] = {}

    # -- what is meant ------------------------------------------------------------------------------------------------

    def subjects(self, word: str, target: str, kind: str = "") -> list[Subject]:
        """What the name means, documents before what they are made with; the surest meaning alone. ``kind`` takes what
        is of that kind, at the source or in the target: ``credit_memo`` or ``credit memo``."""
        return self._distinct(_of_kind(self._meant(word, target), kind), whole=bool(target))

    def _meant(self, word: str, target: str) -> list[Subject]:
        if target:
            known = self._of_links(inquiries.links_to(self.tx, [target]))
            return known if any(map(self._is_document, known)) else [*known, *self._once_as(target)]
        if word[:2].lower() == "e-" and word[2:].isdecimal():
            placed = inquiries.items_by_number(self.tx, [int(word[2:])])
            return [self._of_item(one) for one in placed.values()] or self._once_open(int(word[2:]))
        read = inquiries.seen_as(self.tx, word)
        told = [one for one in read if one[0] in self.hub.project.flows or one[1].synced] or read
        known = [self._of_seen(flow, seen) for flow, seen in told]
        known += [self._of_item(one) for one in inquiries.items_about(self.tx, word)]
        known += self._of_links(inquiries.links_about(self.tx, word))
        known = known or [self._of_movement(row) for row in tracing.of_word(self.tx, word)]
        if not known:
            known = self._at_the_source(word) or self._of_links(inquiries.links_to(self.tx, [word]))
        return known or self._shortened(word) or self._numbered_there(word)

    def _numbered_there(self, word: str) -> list[Subject]:
        """Documents that a target gave this number, by what it answered when they were written."""
        found: list[inquiries.Written] = []
        for id in self.bound if word.isdecimal() else ():
            sink = self._sink_of(id)
            if isinstance(sink, GivesNumbers):
                found += inquiries.links_to(self.tx, sink.ids_of(word, calls.replies_of(self.tx, id)), sink=id)
        return self._of_links(found)

    def _shortened(self, word: str) -> list[Subject]:
        """Documents that a target shows under a cut and marked number."""
        kept, mark, _ = word.partition("~")
        if not kept or not mark:
            return []
        found = inquiries.links_saying(self.tx, kept)
        return self._of_links(one for one in found if word.casefold() in self._numbers_there(one))

    def _numbers_there(self, one: inquiries.Written) -> list[str]:
        number, sink = str(body_of(one.link).get("number") or ""), self._sink_of(one.route.target)
        if not number or not isinstance(sink, ShortensNumbers):
            return []
        return [told.casefold() for told in sink.numbers_there(number)]

    def _sink_of(self, id: int) -> Any:
        """The sink of a connection, where it can be one and its settings are in order."""
        if id not in self._sinks:
            try:
                self._sinks[id] = self.hub.wiring.sink(self.bound[id].name)
            except WherryError:
                self._sinks[id] = None
        return self._sinks[id]

    def _once_open(self, number: int) -> list[Subject]:
        """What was open under that number, as it stands now."""
        ref = inquiries.once_open(self.tx, number)
        event = next(reversed(self.events_of(ref)), None) if ref is not None else None
        route = self._route(event.flow) if event is not None else None
        if ref is None or event is None or route is None:
            return []
        item, seen = self._open(route, ref), self._seen_by(event)
        link = ledger.find_links(self.tx, route, [ref]).get(ref)
        if item is not None:
            found = [self._of_item(item)]
        elif link is not None:
            found = [self._of_link(inquiries.Written(route, link))]
        else:
            found = [self._of_seen(event.flow, seen)] if seen is not None else []
        for one in found:
            one.former = f"E-{number}"
        return found

    def _once_as(self, target: str) -> list[Subject]:
        """What had that id in the target until it was taken back, and is there as another one by now, or no more."""
        found = []
        for event in inquiries.reversed_as(self.tx, target):
            subject = Subject(flow=event.flow, route=self._route(event.flow), ref=Ref(event.entity, event.key))
            subject.kind, subject.record, subject.before = event.record_kind, event.record_id, event
            subject.seen = self._seen_by(event)
            found.append(self._with_link(subject))
        return found

    def _distinct(self, found: Iterable[Subject], *, whole: bool) -> list[Subject]:
        """Each thing once. Of an id in a target all that has it: in most targets each kind counts for itself."""
        by_same: dict[tuple[str, ...], Subject] = {}
        for one in found:
            by_same.setdefault(one.same, one)
        distinct = sorted(by_same.values(), key=lambda one: not self._is_document(one))
        documents = [one for one in distinct if self._is_document(one)]
        return distinct if whole else documents or distinct

    def _is_document(self, one: Subject) -> bool:
        return bool(one.item and one.item.item.root) or bool(one.seen) or "date" in body_of(one.link)

    def _of_seen(self, flow: str, seen: Seen) -> Subject:
        subject = Subject(flow=flow, kind=seen.kind, record=seen.source_id, seen=seen)
        items = inquiries.items_of_record(self.tx, flow, seen.kind, seen.source_id)
        subject.item = next((one for one in items if one.item.root), None)
        subject.route = subject.item.route if subject.item else self._route_of(flow, seen.synced, seen.source_id)
        subject.ref = subject.item.item.ref if subject.item else self._root_of(subject)
        if seen.synced.startswith("M-") and (row := self._row(seen.synced)) is not None:
            return self._with_entry(subject, row)
        return self._with_link(subject)

    def _row(self, target: str) -> MovementRow | None:
        number = movements.number_of(target)
        return movements.by_id(self.tx, [number]).get(number)

    def _of_movement(self, row: MovementRow) -> Subject:
        """The movement with the record that it came from."""
        seen = next(iter(inquiries.seen_written(self.tx, row.flow, [f"M-{row.id}"])), None)
        if seen is not None:
            return self._of_seen(row.flow, seen)
        return self._with_entry(Subject(flow=row.flow, route=self._route(row.flow), ref=Ref(row.kind, row.key)), row)

    def _with_entry(self, subject: Subject, row: MovementRow) -> Subject:
        subject.movement = row
        subject.route = self._route_of(row.flow, f"M-{row.id}", subject.record)
        if subject.route is not None and subject.item is None:
            subject.link, subject.item = tracing.entry_of(self.tx, subject.route, row)
        return subject

    def _root_of(self, subject: Subject) -> Ref | None:
        """What was made of the record in the end; by the history, where the record is done or was given up."""
        assert subject.seen is not None
        told = inquiries.told_of_record(self.tx, subject.flow, subject.kind, subject.record)
        mine = [event for event in told if event.entity and not event.key.startswith("record:")]
        own = [event for event in mine if event.key == f"id:{subject.record}"] or mine  # not what it was made with
        hit = [event for event in mine if event.target == subject.seen.synced] if subject.seen.synced else own
        if hit:
            return Ref(hit[-1].entity, hit[-1].key)
        linked = inquiries.links_to(self.tx, [subject.seen.synced])
        mine_too = [one.link for one in linked if subject.route in (None, one.route)]
        same_key = next((link.ref for link in mine_too if link.key == f"id:{subject.record}"), None)
        return same_key or self._former(subject)

    def _former(self, subject: Subject) -> Ref | None:
        """As what the record stands that the flow wrote under another name, or one that is no more."""
        route, flows = subject.route, self.hub.project.flows
        known = homes.of_records(self.tx, route, subject.kind, [subject.record]) if route is not None else ()
        left = (Ref(one.entity, one.key) for one in known if one.form == "document" and one.flow not in flows)
        return next(left, None)

    def _of_item(self, one: Placed) -> Subject:
        item = one.item
        seen = ledger.find_seen(self.tx, item.flow, item.record_kind, [item.record_id]).get(item.record_id)
        of_record = item.root and item.record_kind != "journal"  # an entry is made of many
        mine = seen if of_record else None
        subject = Subject(flow=item.flow, route=one.route, ref=item.ref, item=one, seen=mine)
        if of_record:
            subject.kind, subject.record = item.record_kind, item.record_id
        return self._with_link(subject)

    def _with_link(self, subject: Subject) -> Subject:
        if subject.ref is not None and subject.route is not None and subject.link is None:
            subject.link = ledger.find_links(self.tx, subject.route, [subject.ref]).get(subject.ref)
        return subject

    def _of_links(self, found: Iterable[inquiries.Written]) -> list[Subject]:
        return [self._of_link(one) for one in found]

    def _of_link(self, one: inquiries.Written) -> Subject:
        """The thing that is linked, and the record behind it by what was last told of it."""
        link = one.link
        event = self._by_todays_name(inquiries.record_of(self.tx, link.ref, link.target), one)
        flow = event.flow if event is not None else next(iter(self._flows(one.route)), "")
        subject = Subject(flow=flow, route=one.route, ref=link.ref, link=link)
        seen = self._seen_by(event) if event is not None else None
        if event is not None and seen is not None and seen.synced in ("", link.target):
            record = Subject(flow=flow, kind=event.record_kind, record=event.record_id, route=one.route, seen=seen)
            if self._root_of(record) in (None, link.ref):  # not what the record only needs
                subject.seen, subject.kind, subject.record = seen, event.record_kind, event.record_id
        subject.item = self._open(one.route, link.ref)
        return subject

    def _by_todays_name(self, event: Event | None, one: inquiries.Written) -> Event | None:
        """What was told of a record, by the flow that has read it since, where its own has another name by now."""
        if event is None or event.flow in self.hub.project.flows:
            return event
        told = (msgspec.structs.replace(event, flow=name) for name in self._flows(one.route))
        read = ((now, self._seen_by(now)) for now in told)
        return next((now for now, seen in read if seen is not None and seen.synced == one.link.target), event)

    def events_of(self, ref: Ref) -> list[Event]:
        """What happened to a thing, oldest first: read once, since a long history is long to search."""
        if ref not in self._events:
            self._events[ref] = inquiries.told_of(self.tx, ref)
        return self._events[ref]

    def _seen_by(self, event: Event) -> Seen | None:
        return ledger.find_seen(self.tx, event.flow, event.record_kind, [event.record_id]).get(event.record_id)

    def _open(self, route: Route, ref: Ref) -> Placed | None:
        item = ledger.find_items(self.tx, route, [ref]).get(ref)
        return Placed(route, item) if item is not None else None

    def _at_the_source(self, word: str) -> list[Subject]:
        """Records of that number or name, at sources that live in this store."""
        found = []
        for name, flow in sorted(self.hub.project.flows.items()):
            plugin = self.hub.project.connections[flow.source].plugin
            kinds = self.hub.plugins.manifests[plugin].kinds if plugin in self.hub.plugins.manifests else ()
            for kind, id in inquiries.documents_saying(self.tx, plugin, word):
                if kind not in (flow.kinds or kinds):
                    continue
                seen = ledger.find_seen(self.tx, name, kind, [id]).get(id)
                found.append(self._of_seen(name, seen) if seen else Subject(flow=name, kind=kind, record=id))
        return found

    def _flows(self, route: Route) -> list[str]:
        return [name for name in sorted(self.hub.project.flows) if self._route(name) == route]

    def _route_of(self, flow: str, target: str, record: str) -> Route | None:
        """Between which connections a flow wrote something: its own, unless it is to be found between others alone,
        since the flow has another name by now, or goes elsewhere."""
        own, linked = self._route(flow), inquiries.links_to(self.tx, [target]) if target else []
        mine = [one for one in linked if one.link.key == f"id:{record}"] or linked
        there = [Route(one.route.source, one.route.target) for one in mine]
        return own if own in there or not there else there[0]

    def _route(self, flow: str) -> Route | None:
        settings = self.hub.project.flows.get(flow)
        if settings is None or settings.source not in self.ids or settings.sink not in self.ids:
            return None
        return Route(self.ids[settings.source], self.ids[settings.sink])


def _of_kind(found: Iterable[Subject], kind: str) -> list[Subject]:
    name = kind.strip().lower().replace(" ", "_")
    return [one for one in found if not name or name in (one.kind, one.ref.entity if one.ref is not None else "")]


def body_of(link: LinkRow | None) -> dict[str, Any]:
    """What was last written, as far as it is kept."""
    found = msgspec.json.decode(link.body) if link is not None and link.body else {}
    return found if isinstance(found, dict) else {}


def texts_of(body: Any, name: str = "") -> Iterable[tuple[str, str]]:
    """(field, text) of every text in a body, however deep."""
    if isinstance(body, Mapping):
        for key, value in body.items():
            yield from texts_of(value, key)
    elif isinstance(body, list):
        for value in body:
            yield from texts_of(value, name)
    elif isinstance(body, str) and body:
        yield name, body
