"""The source: documents as records, oldest change first. A mark is the sequence number of the last change, and where
changes of what they refer to matter, too, that of the last one of these that was followed up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import Any

import msgspec
from wherry.errors import ConfigError
from wherry.records import Page, Record
from wherry.roles import Account, Description, Documents, FieldInfo, Query

from wherry_workspace.account import Opened, account
from wherry_workspace.bodies import full, references_of
from wherry_workspace.documents import Document, changed_since
from wherry_workspace.kinds import KINDS, READABLE, Kind
from wherry_workspace.movements import LINE, MADE_OF, Line, fields_of, lines_of

_REFERRED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    other: {kind.name: (other,) for kind in KINDS.values() if other in kind.references} for other in KINDS
}
"""Kind → kind of what refers to it → the field that does: another customer is another invoice."""


class WorkspaceSource:
    """Reads the embedded workspace. A record's payload is the whole body with its id, defaults filled in."""

    kinds: Sequence[str] = READABLE
    chunk = 500
    derived: Mapping[str, Mapping[str, tuple[str, ...]]] = {LINE: MADE_OF, **_REFERRED}

    def __init__(self, opened: Opened, title: str, page_size: int) -> None:
        self._opened, self._title, self._page_size = opened, title, page_size

    def check(self) -> Account:
        return account(self._opened, self._title)

    def read(self, query: Query) -> Iterator[Page]:
        """Ends after as many records as there were at its start: what changes meanwhile comes next time.

        After the first time, also what refers to a thing that changed, such as a location that got its GL number.
        Raises ConfigError for a mark that this source never gave.
        """
        kind, (start, seen) = KINDS[query.kind], _position(query.after)
        watched = [other for other in kind.references if other in query.relatives]
        with self._opened() as documents:
            left = documents.count(kind.name)
            changes = {other: _changes(documents, other, seen) for other in watched}
        newest = max((number for ids in changes.values() for number in ids.values()), default=seen)
        touched = {other: frozenset(ids) for other, ids in changes.items() if ids and start}
        after = start
        while left > 0:
            with self._opened() as documents:
                rows = documents.changed(kind.name, after, min(self._page_size, left))
            if not rows:
                break
            after, left = rows[-1][0], left - len(rows)
            mark = _mark(after, seen if touched else newest) if watched else str(after)
            yield Page(_records(kind, rows, query, touched), mark)
        if touched:
            yield from self._touched(kind, query, touched, start, _mark(after, seen))
            yield Page([], _mark(after, newest))

    def _touched(
        self, kind: Kind, query: Query, touched: Mapping[str, Set[str]], start: int, mark: str
    ) -> Iterator[Page]:
        """What refers to these and has not changed itself since the start."""
        after = 0
        while True:
            with self._opened() as documents:
                rows = documents.changed(kind.name, after, self._page_size)
            if not rows or rows[0][0] > start:
                return
            after = rows[-1][0]
            hit = [row for row in rows if row[0] <= start and _refers(row[2], touched)]
            if hit:
                yield Page(_records(kind, hit, query, touched), mark)

    def complete(self, records: list[Record], relatives: Mapping[str, tuple[str, ...]]) -> list[Record]:
        """With the things they refer to, lines included: one read a kind, whatever the number of records.

        Where their lines are asked for (``invoice_line``, ``project_line``), or what they come to in the books
        (``movement_line``), what a line refers to is its own relative, so that each line is seen with its product.
        """
        if not records or not relatives:
            return records
        kind = KINDS[records[0].kind]
        with self._opened() as documents:
            bodies = documents.get(kind.name, [record.id for record in records])
            found = _referred(documents, kind, bodies.values(), relatives)
        nobody: Document = {"fields": {}, "changed": ""}
        made = _Relatives(relatives, found)
        for record in records:
            record.relatives = made.of(kind, record.id, bodies.get(record.id, nobody))
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


def _mark(own: int, seen: int) -> str:
    """How far documents were read, and how far changes of what they refer to were followed up."""
    return f"{own} {seen}"


def _position(mark: str | None) -> tuple[int, int]:
    """The two numbers of a mark; where one was enough, it stands for both."""
    if mark is None:
        return 0, 0
    numbers = mark.split(" ")
    if len(numbers) > 2 or not all(number.isascii() and number.isdigit() for number in numbers):
        raise ConfigError(
            f"{mark!r} is not a mark of the workspace",
            fix="read the flow from its start: wherry run FLOW --changed-since DATE", code="WHERRY-2830",
        )  # fmt: skip
    return int(numbers[0]), int(numbers[-1])


def _records(
    kind: Kind, rows: Iterable[tuple[int, str, Document]], query: Query, touched: Mapping[str, Set[str]]
) -> list[Record]:  # fmt: skip
    """The records of rows. Those that refer to what changed are looked at although they may say the same."""
    found = []
    for number, name, body in rows:
        if changed_since(body, query.since):
            record = _record(kind, name, body, query.fields, str(number))
            record.touched = _refers(body, touched)
            found.append(record)
    return found


def _changes(documents: Documents, kind: str, after: int) -> dict[str, int]:
    """What of a kind changed after a sequence number: id → the number of its last change."""
    found: dict[str, int] = {}
    while rows := documents.changed(kind, after, 1000):
        found.update((name, number) for number, name, _ in rows)
        after = rows[-1][0]
    return found


def _refers(document: Document, touched: Mapping[str, Set[str]]) -> bool:
    return any(document["fields"].get(other) in ids for other, ids in touched.items())


def _record(kind: Kind, name: str, document: Document, fields: Iterable[str], version: str = "") -> Record:
    """Lines are part of a document: they are there whatever was asked for, so that a change of one is a change."""
    body: dict[str, Any] = {"id": name, **full(kind, document["fields"])}
    roots = {field.partition(".")[0].partition("[")[0] for field in fields}
    if roots:
        roots |= {"id", "lines"}
        body = {field: value for field, value in body.items() if field in roots}
    payload = msgspec.json.encode(body)
    return Record(kind=kind.name, id=name, version=version or document["changed"], payload=payload, decoded=body)


Held = dict[str, dict[str, Document]]
"""Kind → id → document."""


def _referred(
    documents: Documents, kind: Kind, bodies: Iterable[Document], relatives: Mapping[str, tuple[str, ...]]
) -> Held:
    """The documents that these refer to. Read from the documents: a record holds only what was asked for."""
    ids: dict[str, dict[str, None]] = defaultdict(dict)
    for body in bodies:
        for _, other, name in references_of(kind, body["fields"]):
            if other in relatives:
                ids[other][name] = None
    return {other: documents.get(other, names) for other, names in ids.items()}


class _Relatives:
    """Relatives as records, each thing once however many refer to it."""

    def __init__(self, relatives: Mapping[str, tuple[str, ...]], found: Held) -> None:
        self._relatives, self._found = relatives, found
        self._made: dict[tuple[str, str], Record] = {}

    def of(self, kind: Kind, name: str, document: Document) -> dict[str, list[Record]]:
        """Kind → records, each once, in order of mention."""
        lines = kind.line if kind.line and kind.line.name in self._relatives else None
        mentioned = [
            (other, target)
            for path, other, target in references_of(kind, document["fields"])
            if not ((lines or LINE in self._relatives) and path.startswith("lines["))
        ]
        result = self._records(self._relatives, mentioned)
        for number, line in enumerate(document["fields"].get("lines", ()) if lines else ()):
            assert lines is not None
            result[lines.name].append(self._line(lines, f"{name}/{number}", line, document["changed"]))
        if LINE in self._relatives and document["fields"]:
            booked = lines_of(kind.name, full(kind, document["fields"]))
            result[LINE] = [self._booked(f"{name}/{n}", line, document["changed"]) for n, line in enumerate(booked)]
        return result

    def _booked(self, name: str, line: Line, version: str) -> Record:
        body = fields_of(line)
        record = Record(kind=LINE, id=name, version=version, payload=msgspec.json.encode(body), decoded=body)
        mentioned = [("product", line.product), ("customer", line.customer)]
        asked = [other for other, target in mentioned if target and other in self._relatives]
        record.relatives = self._records(asked, [(other, target) for other, target in mentioned if target])
        return record

    def _line(self, line: Kind, name: str, fields: dict[str, Any], version: str) -> Record:
        record = _record(line, name, {"fields": fields}, self._relatives[line.name], version)
        asked = [other for other in line.references if other in self._relatives]
        mentioned = [(other, fields[other]) for other in asked if fields.get(other)]
        record.relatives = self._records(asked, mentioned)
        return record

    def _records(self, kinds: Iterable[str], mentioned: Iterable[tuple[str, str]]) -> dict[str, list[Record]]:
        result: dict[str, list[Record]] = {kind: [] for kind in kinds}
        for kind, name in dict.fromkeys(mentioned):
            if kind in result and name in self._found.get(kind, ()):
                result[kind].append(self._one(kind, name))
        return result

    def _one(self, kind: str, name: str) -> Record:
        if (kind, name) not in self._made:
            document = self._found[kind][name]
            self._made[kind, name] = _record(KINDS[kind], name, document, self._relatives[kind])
        return self._made[kind, name]
