"""Where the engine meets what plugins made: what they raise and return is judged here, and the culprit is named.

The six errors pass as they are. Anything else is the plugin's fault and ends its own flow only, be it a ``ValueError``
in the middle of a generator, a ``sys.exit`` or an answer of the wrong shape (cases G19, G20).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any

import msgspec

from wherry.errors import Rejected
from wherry.mapping import MapMapper, Mapped
from wherry.protocol import plain
from wherry.protocol.blaming import blame, broken
from wherry.protocol.watching import watch
from wherry.records import (
    Ask,
    Create,
    Decision,
    Draft,
    Link,
    Page,
    Record,
    Same,
    Skip,
)
from wherry.roles import (
    Catalogue,
    Chooses,
    Fetches,
    FieldMapper,
    Matcher,
    OpensFiles,
    Query,
    SourceConnector,
    Sweeps,
)
from wherry.scopes import Begin

_LONGEST_KEY = 500
MOST_RECORDS, MOST_BYTES = 100_000, 256_000_000
"""What one page may hold: reading goes on by pages so that memory stays bounded."""
_SOURCE, _MAPPER, _MATCHER = "wherry_source_connector", "wherry_field_mapper", "wherry_matcher"
_DECISIONS = (Link, Create, Same, Skip, Ask)


# -- source ------------------------------------------------------------------------------------------------------------


def pages(source: SourceConnector, query: Query) -> Iterator[Page]:
    """The pages of a read, each looked at before anybody uses it."""
    with blame(source, _SOURCE, "read", pure=False):
        read = iter(source.read(query))
    try:
        while (page := _next(source, read)) is not None:
            if not isinstance(page, Page) or not isinstance(page.mark, str):
                raise broken(source, _SOURCE, f"read gave a {type(page).__name__} where a page belongs")
            _judge_records(source, "read", query.kind, page.records)
            _judge_size(source, page.records)
            yield page
    finally:
        if (close := getattr(read, "close", None)) is not None:
            close()


def _next(source: SourceConnector, read: Iterator[Page]) -> Page | None:
    """The next page; None at the end."""
    with blame(source, _SOURCE, "read", pure=False):
        for page in read:
            if page is None:
                raise broken(source, _SOURCE, "read gave nothing where a page belongs")
            return page
    return None


def complete(source: SourceConnector, records: list[Record], relatives: Mapping[str, tuple[str, ...]]) -> list[Record]:
    """The same records with their relatives. One that is missing from the answer would be lost: that is refused."""
    wanted = {record.id for record in records}
    kind = records[0].kind if records else ""
    with blame(source, _SOURCE, "complete", pure=False):
        found = source.complete(records, relatives)
    _judge_records(source, "complete", kind, found)
    for relative, group in _by_kind(source, found).items():
        _judge_records(source, "complete", relative, group)
    if wanted != {record.id for record in found}:
        raise broken(source, _SOURCE, f"complete was given {len(wanted)} records and returned others")
    return found


def choice(source: SourceConnector, kind: str) -> str:
    """What the source's own settings say of which records it gives."""
    if not isinstance(source, Chooses):
        return ""
    with blame(source, _SOURCE, "choice"):
        return str(source.choice(kind))


def fetch(source: Fetches, kind: str, ids: Sequence[str], fields: tuple[str, ...]) -> list[Record]:
    """Single heads by id."""
    with blame(source, _SOURCE, "fetch", pure=False):
        records = list(source.fetch(kind, ids, fields))
    _judge_records(source, "fetch", kind, records)
    _decode(source, records)
    return records


@contextmanager
def opened(source: OpensFiles, file: str) -> Iterator[Iterator[bytes]]:
    """The bytes of a file; what breaks while they are read is the source's doing too."""
    with blame(source, _SOURCE, "open_file", pure=False), source.open_file(file) as pieces:
        yield _pieces(source, pieces)


def _pieces(source: OpensFiles, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces, judged one by one: what goes wrong in keeping them is not the source's doing."""
    left = iter(pieces)
    while True:
        with blame(source, _SOURCE, "open_file", pure=False):
            piece = next(left, None)
        if piece is None:
            return
        yield piece


def sweep(source: Sweeps, kind: str, ids: list[str], fields: tuple[str, ...]) -> list[Record]:
    """What became of the records, those that are gone."""
    with blame(source, _SOURCE, "sweep", pure=False):
        found = list(source.sweep(kind, ids, fields))
    _judge_records(source, "sweep", kind, found)
    return [record for record in found if record.gone]


def _judge_records(source: object, call: str, kind: str, records: object) -> None:
    if not isinstance(records, list):
        raise broken(source, _SOURCE, f"{call} gave a {type(records).__name__} where a list of records belongs")
    if _is_sound(kind, records):
        return
    for record in records:
        if not isinstance(record, Record) or not isinstance(record.id, str) or not record.id or record.kind != kind:
            shown = f"{record.kind} {record.id!r}" if isinstance(record, Record) else type(record).__name__
            raise broken(source, _SOURCE, f"{call} gave {shown} among the records of kind {kind}")


def _is_sound(kind: str, records: list[Any]) -> bool:
    """Told of all of them at once, which is a quarter of the work."""
    if not all(issubclass(one, Record) for one in set(map(type, records))):
        return False
    ids, kinds = [record.id for record in records], [record.kind for record in records]
    return {*map(type, ids)} <= {str} and all(ids) and kinds.count(kind) == len(kinds)


def _by_kind(source: object, records: Sequence[Record]) -> dict[str, list[object]]:
    """The relatives of all of them, not judged yet."""
    found: dict[str, list[object]] = {}
    for record in records:
        groups: Mapping[str, object] = record.relatives
        for kind, group in groups.items():
            if not isinstance(group, list):
                _judge_records(source, "complete", kind, group)
            else:
                found.setdefault(kind, []).extend(group)
    return found


def _judge_size(source: object, records: Sequence[Record]) -> None:
    size = sum(len(record.payload) for record in records)
    if len(records) > MOST_RECORDS or size > MOST_BYTES:
        what = f"read gave a page of {len(records)} records with {size} bytes; a page holds {MOST_RECORDS} at most"
        raise broken(source, _SOURCE, f"{what}, and {MOST_BYTES} bytes")


def _decode(source: object, records: Sequence[Record]) -> None:
    """The payloads, read for the mapper, which could not be told from their culprit."""
    try:
        for record in records:
            if record.decoded is None:
                record.fields  # noqa: B018
    except msgspec.MsgspecError as error:
        what = f"{record.kind} {record.id} carries a payload that is no JSON object: {error}"
        raise broken(source, _SOURCE, what) from error


# -- mapper ------------------------------------------------------------------------------------------------------------


def triggers(source: SourceConnector, mapper: FieldMapper, records: Sequence[Record]) -> list[Skip | None]:
    """The head gate's answers, one a record."""
    _decode(source, records)
    before = [_identity(record) for record in records]
    with blame(mapper, _MAPPER, "triggers"):
        found = mapper.triggers(records)
    if before != [_identity(record) for record in records]:
        raise broken(mapper, _MAPPER, "triggers changed the records that it was given")
    if not isinstance(found, list) or len(found) != len(records) or not all(_is_gate(answer) for answer in found):
        raise broken(mapper, _MAPPER, f"triggers did not answer each of {len(records)} records with None or Skip")
    return found


def _is_gate(answer: object) -> bool:
    return answer is None or isinstance(answer, Skip)


def drafts(source: SourceConnector, mapper: FieldMapper, record: Record) -> list[Draft] | Skip:
    """The drafts of one record. Raises Rejected where the record cannot be mapped."""
    [found] = mapped(source, mapper, [record])
    if isinstance(found, Rejected):
        raise found
    return found


def mapped(source: SourceConnector, mapper: FieldMapper, records: Sequence[Record]) -> list[Mapped]:
    """What becomes of each record: its drafts, why nothing is made of it, or why it cannot be mapped."""
    _decode(source, [one for record in records for one in (record, *chain.from_iterable(record.relatives.values()))])
    with blame(mapper, _MAPPER, "map") as at_work:

        def begin() -> None:
            at_work.since = watch.clock()  # each is a call of its own, and none may last

        way = mapper.map_all(records, begin) if isinstance(mapper, MapMapper) else _one_by_one(mapper, records, begin)
        return [_of_usual_length(found, record) for found, record in zip(way, records, strict=True)]


def _one_by_one(mapper: FieldMapper, records: Sequence[Record], begin: Begin) -> Iterator[Mapped]:
    for record in records:
        begin()
        try:
            yield _judged(mapper, record)
        except Rejected as error:
            yield error


def _of_usual_length(found: Mapped, record: Record) -> Mapped:
    for draft in found if isinstance(found, list) else ():
        if len(draft.key) > _LONGEST_KEY or "\0" in draft.key:
            return _too_long(draft, record)
    return found


def _judged(mapper: FieldMapper, record: Record) -> list[Draft] | Skip:
    """What somebody else's mapper makes; ours changes nothing, and has checked its bodies against their shapes."""
    before = _identity(record)
    found = mapper.map(record)
    if before != _identity(record):
        raise broken(mapper, _MAPPER, f"map changed the {before[0]} {before[1]} that it was given")
    if isinstance(found, Skip):
        return found
    if not isinstance(found, list) or not all(map(_is_draft, found)):
        raise broken(mapper, _MAPPER, f"map made something of {record.kind} {record.id} that is no list of drafts")
    odd = next((draft for draft in found if not plain.is_json(draft.body)), None)
    if odd is not None:
        what = f"the body of {odd.entity} {odd.key} holds more than text, whole numbers, lists and tables"
        raise broken(mapper, _MAPPER, what)
    return found


def _too_long(draft: Draft, record: Record) -> Rejected:
    return Rejected(
        f"the key of the {draft.entity} made of {record.kind} {record.id} is too long or holds a NUL character",
        fix=f"correct what identifies it at the source; at most {_LONGEST_KEY} characters",
        code="WHERRY-4031", record=f"{record.kind} {record.id}",
    )  # fmt: skip


def _identity(record: Record) -> tuple[str, str, str, bytes]:
    """What a record is accounted for by."""
    return record.kind, record.id, record.version, record.payload


def _is_draft(draft: object) -> bool:
    return (
        isinstance(draft, Draft) and isinstance(draft.body, dict) and isinstance(draft.label, str)
        and isinstance(draft.entity, str) and isinstance(draft.key, str) and draft.entity != "" != draft.key
    )  # fmt: skip


# -- matcher -----------------------------------------------------------------------------------------------------------


def decisions(matcher: Matcher, wanted: Sequence[Draft], catalogue: Catalogue) -> list[Decision]:
    """One decision a draft, in order."""
    before = [(draft.entity, draft.key) for draft in wanted]
    with blame(matcher, _MATCHER, "match"):
        found = matcher.match(wanted, catalogue)
    if before != [(draft.entity, draft.key) for draft in wanted]:
        raise broken(matcher, _MATCHER, "match changed the drafts that it was given")
    if not isinstance(found, list) or len(found) != len(wanted):
        number = len(found) if isinstance(found, list) else "no"
        raise broken(matcher, _MATCHER, f"match was given {len(wanted)} drafts and returned {number} decisions")
    odd = next((one for one in found if not isinstance(one, _DECISIONS)), None)
    if odd is not None:
        raise broken(matcher, _MATCHER, f"match returned a {type(odd).__name__}, which is no decision")
    return found
