"""The sink: canonical bodies into documents, in the transaction that also holds their links and fates."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct, field
from wherry.records import Answer, Change, Fate, Item, Listed
from wherry.roles import Account, Clock, Documents
from wherry.triggers import VOID
from wherry.wording import a

from wherry_workspace.account import Opened, account
from wherry_workspace.bodies import Refusal, canonical, references_of
from wherry_workspace.documents import Document, filled_by, fresh_ids, keep_lists, kept_lists, made, remade
from wherry_workspace.kinds import KINDS, Kind
from wherry_workspace.merge import Mentioned, mentioned, merge

STATUS, VOIDED = "status", "Void"


class Known(Struct):
    """The documents a batch touches, kind → id → document, as they stand while it is applied; and the ids of those
    that it refers to."""

    documents: defaultdict[str, dict[str, Document]] = field(default_factory=lambda: defaultdict(dict))
    referred: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    dirty: defaultdict[str, dict[str, Document]] = field(default_factory=lambda: defaultdict(dict))
    lists: dict[str, Sequence[str]] = field(default_factory=dict)
    """Id → names: the fields that the sources of those documents filled."""

    def put(self, kind: str, name: str, document: Document) -> None:
        self.documents[kind][name] = self.dirty[kind][name] = document

    def store(self, documents: Documents) -> None:
        for kind, changed in self.dirty.items():
            documents.put(kind, changed.items())


class Ready(Struct):
    """An item whose body is in canonical form."""

    item: Item
    kind: Kind
    body: dict[str, Any]
    spoken: Mentioned
    """The fields its body speaks of, also those that hold their default."""
    references: list[tuple[str, str, str]]
    """Field path, kind and id of everything it refers to."""
    note: str = ""


class WorkspaceSink:
    """Writes into the embedded workspace. One answer an item; nothing is raised for a single bad one."""

    entities: Sequence[str] = tuple(KINDS)

    def __init__(self, opened: Opened, clock: Clock, title: str) -> None:
        self._opened, self._clock, self._title = opened, clock, title

    def check(self) -> Account:
        return account(self._opened, self._title)

    def apply(self, documents: Documents, items: Sequence[Item]) -> list[Answer]:
        prepared = [_ready(item) for item in items]
        ready = [one for one in prepared if isinstance(one, Ready)]
        known = _known(documents, ready)
        checked = [_sound(one, known) if isinstance(one, Ready) else one for one in prepared]
        sound, now = [one for one in checked if isinstance(one, Ready)], self._clock.now()
        known.lists |= keep_lists(documents, {one.spoken.id: one.spoken.names for one in sound})
        ids = _ids(documents, sound)
        answers = [_write(one, known, ids, now) if isinstance(one, Ready) else one for one in checked]
        known.store(documents)
        return answers

    def listing(self, documents: Documents, entity: str) -> Iterator[Listed]:
        kind = KINDS[entity]
        for name, document in documents.each(entity):
            fields = document["fields"]
            sku = fields.get("sku") or (fields.get("code", "") if entity == "account" else "")
            yield Listed(name, fields.get(kind.title, ""), sku, fields.get("type", _type_of(kind)))

    def current(self, documents: Documents, entity: str, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        return {name: document["fields"] for name, document in documents.get(entity, ids).items()}


def _write(ready: Ready, known: Known, ids: dict[str, Iterator[str]], now: dt.datetime) -> Answer:
    item, kind = ready.item, ready.kind
    if item.action == "void":
        return _void(ready, known, now)
    if item.target is not None:
        return _update(ready, known, item.target, now)
    name = next(ids[kind.name])
    known.put(kind.name, name, made(ready.body, by="sync", now=now, key=item.key, filled=ready.spoken.id))
    return Answer(fate="created", target=name, reason=ready.note)


def _update(ready: Ready, known: Known, target: str, now: dt.datetime) -> Answer:
    item, kind = ready.item, ready.kind
    held = known.documents[kind.name][target]
    written = held["origin"]["written"]
    before = filled_by(held, item.key, known.lists)
    names = sorted({*ready.spoken.names, *before})
    if held["fields"] == ready.body and [*before] == names and not item.overwrite_local:
        return Answer(fate="unchanged", target=target, reason=ready.note)
    local = _unprotected(held["local"], names) if item.overwrite_local else list(held["local"])
    merged = merge(kind, held["fields"], ready.body, names, local)
    document = remade(held, merged.fields, by="sync", now=now, local=local,
                      written={**written, item.key: ready.spoken.id})  # fmt: skip
    if document != held:
        known.put(kind.name, target, document)
    fate: Fate = "updated" if merged.written else "unchanged"
    return Answer(fate=fate, target=target, reason=ready.note, changes=tuple(merged.changes))


def _void(ready: Ready, known: Known, now: dt.datetime) -> Answer:
    """Nothing is deleted here: a document gets a status that says so, unless a person gave it one."""
    kind, target = ready.kind, ready.item.target or ""
    held = known.documents[kind.name].get(target)
    if held is None:
        return Answer(fate="reversed", target=target, reason=f"there was no {kind.spelled} to take back")
    if STATUS not in kind.fields or not kind.amounts:
        why = f"{a(kind.spelled)} cannot be taken back: it is no document"
        return Answer(fate="refused", target=target, reason=why, fix="leave void out of its map")
    before = held["fields"].get(STATUS, kind.fields[STATUS].default)
    if str(before).strip().lower() in VOID:
        return Answer(fate="reversed", target=target)
    if STATUS in held["local"] and not ready.item.overwrite_local:
        return Answer(fate="refused", target=target, field=STATUS, reason=f"its status {before!r} was edited here",
                      fix=f"give {target} the status {VOIDED} by hand")  # fmt: skip
    fields = {**held["fields"], STATUS: VOIDED}
    known.put(kind.name, target, remade(held, fields, by="sync", now=now, local=held["local"],
                                        written=held["origin"]["written"]))  # fmt: skip
    return Answer(fate="reversed", target=target, changes=(Change(STATUS, before, VOIDED),))


def _type_of(kind: Kind) -> str:
    return str(kind.fields["type"].default) if "type" in kind.fields else ""


def _unprotected(local: Iterable[str], names: Iterable[str]) -> list[str]:
    """The marks that stay when a person asked for the source's values in the fields it speaks of."""
    spoken = set(names)
    return [path for path in local if path not in spoken and not (path.startswith("lines[") and "lines" in spoken)]


def _ready(item: Item) -> Ready | Answer:
    kind = KINDS.get(item.entity)
    if kind is None:
        return Answer(fate="refused", reason=f"the workspace holds no {item.entity}", field="",
                      fix=f"leave it out of the map; it holds: {', '.join(sorted(KINDS))}")  # fmt: skip
    try:
        body, cleaned = canonical(kind, item.body)
    except Refusal as refusal:
        return Answer(fate="refused", target=item.target or "", reason=refusal.reason, field=refusal.field,
                      fix=f"correct {refusal.field or 'it'} at the source or in the flow's map")  # fmt: skip
    note = f"control characters were taken out of {', '.join(cleaned)}" if cleaned else ""
    return Ready(item, kind, body, mentioned(kind, item.body), list(references_of(kind, body)), note)


def _known(documents: Documents, ready: Iterable[Ready]) -> Known:
    """Everything the batch touches or refers to: one read a kind."""
    touched: dict[str, set[str]] = defaultdict(set)
    referred: dict[str, set[str]] = defaultdict(set)
    for one in ready:
        if one.item.target is not None:
            touched[one.kind.name].add(one.item.target)
        for _, kind, name in one.references:
            referred[kind].add(name)
    known = Known()
    for kind, ids in touched.items():
        known.documents[kind].update(documents.get(kind, ids))
    known.lists = kept_lists(documents, [one for held in known.documents.values() for one in held.values()])
    for kind, ids in referred.items():
        known.referred[kind] = documents.known(kind, ids)
    return known


def _sound(ready: Ready, known: Known) -> Ready | Answer:
    """The item, if its target and everything it refers to is there."""
    target, kind = ready.item.target, ready.kind
    if ready.item.action == "void":
        return ready
    if target is not None and target not in known.documents[kind.name]:
        return Answer(
            fate="refused", target=target, reason=f"{kind.spelled} {target} is no longer in the workspace",
            fix=f"bring it back with its id: wherry workspace import {kind.name} FILE.csv; or undo the link",
        )  # fmt: skip
    for path, other, name in ready.references:
        if name not in known.referred[other]:
            return Answer(
                fate="refused", target=target or "", field=path,
                reason=f"{path} refers to {KINDS[other].spelled} {name}, which is not in the workspace",
                fix=f"bring it back with its id: wherry workspace import {other} FILE.csv",
            )  # fmt: skip
    return ready


def _ids(documents: Documents, ready: Iterable[Ready]) -> dict[str, Iterator[str]]:
    """Ids for what is to be created, kind → ids: one draw a kind."""
    counts: dict[str, int] = defaultdict(int)
    for one in ready:
        counts[one.kind.name] += one.item.target is None
    return {kind: iter(fresh_ids(documents, KINDS[kind], count)) for kind, count in counts.items() if count}
