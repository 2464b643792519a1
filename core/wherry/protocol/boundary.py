"""Where the engine meets what plugins made: what they raise and return is judged here, and the culprit is named.

The six errors pass as they are. Anything else is the plugin's fault and ends its own flow only, be it a ``ValueError``
in the middle of a generator, a ``sys.exit`` or an answer of the wrong shape (cases G19, G20).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar

import msgspec
import structlog
from sqlalchemy.exc import DBAPIError

from wherry.errors import ContractBroken, Rejected, WherryError
from wherry.mapping import MapMapper
from wherry.protocol import plain
from wherry.protocol.blaming import blame, broken
from wherry.protocol.watching import ENDED, watch
from wherry.records import (
    DONE,
    OPEN,
    Answer,
    Ask,
    Call,
    Create,
    Decision,
    Draft,
    Facts,
    Found,
    Item,
    Link,
    Listed,
    Page,
    Record,
    Reply,
    Same,
    Skip,
)
from wherry.roles import (
    Asks,
    AtomicSinkWriter,
    CallSinkWriter,
    Catalogue,
    Documents,
    Fetches,
    FieldMapper,
    Lists,
    Matcher,
    OpensFiles,
    Query,
    SourceConnector,
    Sweeps,
)

_LONGEST_KEY = 500
MOST_RECORDS, MOST_BYTES = 100_000, 256_000_000
"""What one page may hold: reading goes on by pages so that memory stays bounded."""
_SOURCE, _MAPPER, _MATCHER = "wherry_source_connector", "wherry_field_mapper", "wherry_matcher"
_SINK = "wherry_sink_writer"
FATES = DONE | OPEN | {"skipped"}
_DECISIONS = (Link, Create, Same, Skip, Ask)
T = TypeVar("T", bound=msgspec.Struct)


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
    for record in found:
        for relative, group in record.relatives.items():
            _judge_records(source, "complete", relative, group)
            _decode(source, group)
    if wanted != {record.id for record in found}:
        raise broken(source, _SOURCE, f"complete was given {len(wanted)} records and returned others")
    return found


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
        yield pieces


def sweep(source: Sweeps, kind: str, ids: list[str], fields: tuple[str, ...]) -> list[Record]:
    """What became of the records, those that are gone."""
    with blame(source, _SOURCE, "sweep", pure=False):
        found = list(source.sweep(kind, ids, fields))
    _judge_records(source, "sweep", kind, found)
    return [record for record in found if record.gone]


def _judge_records(source: object, call: str, kind: str, records: object) -> None:
    if not isinstance(records, list):
        raise broken(source, _SOURCE, f"{call} gave a {type(records).__name__} where a list of records belongs")
    for record in records:
        if not isinstance(record, Record) or not isinstance(record.id, str) or not record.id or record.kind != kind:
            shown = f"{record.kind} {record.id!r}" if isinstance(record, Record) else type(record).__name__
            raise broken(source, _SOURCE, f"{call} gave {shown} among the records of kind {kind}")


def _judge_size(source: object, records: Sequence[Record]) -> None:
    size = sum(len(record.payload) for record in records)
    if len(records) > MOST_RECORDS or size > MOST_BYTES:
        what = f"read gave a page of {len(records)} records with {size} bytes; a page holds {MOST_RECORDS} at most"
        raise broken(source, _SOURCE, f"{what}, and {MOST_BYTES} bytes")


def _decode(source: object, records: Sequence[Record]) -> None:
    """The payloads, read for the mapper, which could not be told from their culprit."""
    for record in records:
        try:
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


def drafts(mapper: FieldMapper, record: Record) -> list[Draft] | Skip:
    """The drafts of one record. Raises Rejected where the record cannot be mapped."""
    [found] = mapped(mapper, [record])
    if isinstance(found, Rejected):
        raise found
    return found


def mapped(mapper: FieldMapper, records: Iterable[Record]) -> list[list[Draft] | Skip | Rejected]:
    """What becomes of each record: its drafts, why nothing is made of it, or why it cannot be mapped."""
    found: list[list[Draft] | Skip | Rejected] = []
    with blame(mapper, _MAPPER, "map") as at_work:
        for record in records:
            at_work.since = watch.clock()  # each is a call of its own, and none may last
            try:
                found.append(_mapped(mapper, record))
            except Rejected as error:
                found.append(error)
    return found


def _mapped(mapper: FieldMapper, record: Record) -> list[Draft] | Skip:
    before = _identity(record)
    found = mapper.map(record)
    if before != _identity(record):
        raise broken(mapper, _MAPPER, f"map changed the {before[0]} {before[1]} that it was given")
    if isinstance(found, Skip):
        return found
    if not isinstance(found, list) or not all(map(_is_draft, found)):
        raise broken(mapper, _MAPPER, f"map made something of {record.kind} {record.id} that is no list of drafts")
    if not isinstance(mapper, MapMapper):  # ours has checked its bodies against their shapes
        odd = next((draft for draft in found if not plain.is_json(draft.body)), None)
        if odd is not None:
            what = f"the body of {odd.entity} {odd.key} holds more than text, whole numbers, lists and tables"
            raise broken(mapper, _MAPPER, what)
    for draft in found:
        if len(draft.key) > _LONGEST_KEY or "\0" in draft.key:
            raise _too_long(draft, record)
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


# -- sink --------------------------------------------------------------------------------------------------------------


def applied(sink: AtomicSinkWriter, view: Documents, items: list[Item]) -> list[Answer]:
    """The sink's answers, one an item. The store's own errors are not its fault."""
    at_work = watch.enter(sink, "apply", pure=False)
    try:
        answers = sink.apply(view, items)
    except (WherryError, DBAPIError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise broken(sink, _SINK, f"apply raised {type(error).__name__}: {error}") from error
    finally:
        watch.leave(at_work)
    if not isinstance(answers, list | tuple):
        raise broken(sink, _SINK, f"apply returned a {type(answers).__name__} where a list of answers belongs")
    if len(answers) != len(items) or not all(isinstance(answer, Answer) for answer in answers):
        raise broken(sink, _SINK, f"apply was given {len(items)} items and returned {len(answers)} answers")
    odd = next((a for a in answers if a.fate not in FATES or not isinstance(a.target, str)), None)
    if odd is not None:
        raise broken(sink, _SINK, f"apply answered {odd.fate!r:.40} with a {type(odd.target).__name__} as target id")
    lost = next((a for a in answers if a.fate in DONE and not a.target), None)
    if lost is not None:
        raise broken(sink, _SINK, "apply answered that an item was written but gave no target id")
    return list(answers)


def encoded(sink: CallSinkWriter, items: Sequence[Item]) -> list[Call]:
    """The calls that carry these items, each in exactly one. Raises Rejected that names an item by its stamp."""
    with blame(sink, _SINK, "encode", about=lambda: _about(sink, items), held=True):
        calls = list(sink.encode(items))
    calls = [_plain(sink, "encode", call, Call) for call in calls]
    if sorted(stamp for call in calls for stamp in call.items) != sorted(item.stamp for item in items):
        raise broken(sink, _SINK, f"encode was given {len(items)} items and returned calls that carry others")
    return calls


_ANSWERS = frozenset({"created", "updated", "reversed", "refused", "unknown", "queued", "differs"})


def decoded(sink: CallSinkWriter, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, Answer]:
    """Stamp → answer; what is missing is unknown. Raises ContractBroken for what is no answer: the items stay so."""
    with blame(sink, _SINK, "decode", about=lambda: _about(sink, items)):
        answers = sink.decode(call, items, reply)
    if not isinstance(answers, dict):
        raise broken(sink, _SINK, "decode returned something that is no table of answers")
    answers = {stamp: _plain(sink, "decode", answer, Answer) for stamp, answer in answers.items()}
    odd = next((answer for answer in answers.values() if answer.fate not in _ANSWERS), None)
    if odd is not None:
        raise broken(sink, _SINK, f"decode answered {odd.fate}, which is nothing a target can say")
    if any(answer.fate in DONE and not answer.target for answer in answers.values()):
        raise broken(sink, _SINK, "decode answered that an item was written but gave no target id")
    return {item.stamp: answers[item.stamp] for item in items if item.stamp in answers}


def asked(sink: Asks, items: Sequence[Item]) -> list[Call]:
    """The calls that look for these items, and for no others, in the target."""
    with blame(sink, _SINK, "ask", about=lambda: _about(sink, items), held=True):
        calls = list(sink.ask(items))
    calls = [_plain(sink, "ask", call, Call) for call in calls]
    if not {stamp for call in calls for stamp in call.items} <= {item.stamp for item in items}:
        raise broken(sink, _SINK, f"ask was given {len(items)} items and returned calls that look for others")
    return calls


Rejects = dict[str, Rejected | ContractBroken]


def askable(sink: Asks, items: Sequence[Item], rejected: Rejects | None = None) -> list[Call]:
    """As ``asked``; an item that the sink has no lawful call for is left out by itself, and not told of. What it
    rejects, for want of words, or does not come back from, goes into ``rejected`` under its stamp."""
    try:
        return asked(sink, items) if items else []
    except (Rejected, ContractBroken) as error:
        if len(items) == 1:
            structlog.get_logger().warning("a look could not be asked for", reason=error.message, item=items[0].key)
            if (isinstance(error, Rejected) or error.code == ENDED) and rejected is not None:
                rejected[items[0].stamp] = error
            return []
    half = len(items) // 2
    return [*askable(sink, items[:half], rejected), *askable(sink, items[half:], rejected)]


def found(sink: Asks, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, list[Found]]:
    """Stamp → what the target was found to hold; what is missing could not be told."""
    with blame(sink, _SINK, "found", about=lambda: _about(sink, items)):
        hits = sink.found(call, items, reply)
    if not isinstance(hits, dict) or not all(isinstance(some, list) for some in hits.values()):
        raise broken(sink, _SINK, "found returned something that is no table of finds")
    finds = {stamp: [_plain(sink, "found", one, Found) for one in some] for stamp, some in hits.items()}
    if not all(one.target for some in finds.values() for one in some):
        raise broken(sink, _SINK, "found gave a find that has no target id")
    return finds


def facts(sink: CallSinkWriter, item: Item) -> Facts:
    """What the target would hold once the item is written. What can be sent has facts: none is rejected here."""
    with blame(sink, _SINK, "facts", about=lambda: _about(sink, [item])):
        try:
            said = sink.facts(item)
        except Rejected as error:
            raise broken(sink, _SINK, f"facts rejected an item: {error.message}") from error
    if not isinstance(said, dict) or not all(isinstance(one, str) for pair in said.items() for one in pair):
        raise broken(sink, _SINK, "facts returned something that is no table of texts")
    return said


_MOST_NAMED = 5


def _about(sink: CallSinkWriter | Asks, items: Sequence[Item]) -> str:
    """Which items a call is about, and where they go: of one that does not come back."""
    named = ", ".join(f"{item.entity} {item.label or item.key}" for item in items[:_MOST_NAMED])
    more = f" and {len(items) - _MOST_NAMED} more" if len(items) > _MOST_NAMED else ""
    connection = getattr(sink.http, "connection", "")
    return f" of {named}{more}" + (f" for {connection}" if connection else "")


def _plain(sink: object, call: str, given: T, wanted: type[T]) -> T:
    if not isinstance(given, wanted):
        raise broken(sink, _SINK, f"{call} gave a {type(given).__name__} where a {wanted.__name__} belongs")
    try:
        return plain.copied(given)
    except ValueError as error:
        what = f"{call} gave a {wanted.__name__} of the wrong types: {error}"
        raise broken(sink, _SINK, what) from error


def listing(sink: Lists, entity: str) -> list[Listed]:
    """Everything that a target lists of an entity."""
    with blame(sink, _SINK, "listing", pure=False):
        return list(sink.listing(entity))
