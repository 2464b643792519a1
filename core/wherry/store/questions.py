"""The matching questions among the open items: which target is this? Kept after the answer, which can be undone."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from wherry.records import Candidate, Draft, Ref
from wherry.store.counters import next_value
from wherry.store.database import Tx
from wherry.store.ledger import Route, decode_draft, seek_refs, things
from wherry.store.statements import Row
from wherry.store.tables import edges, items, questions

_candidates = msgspec.json.Decoder(tuple[Candidate, ...]).decode


class Question(Struct, kw_only=True):
    """A matching question: which target is this? Kept after it was answered, so that the answer can be undone."""

    id: int = 0
    sink: int
    source: int
    entity: str
    key: str
    flow: str
    name: str
    sku: str
    state: str
    why: str
    candidates: tuple[Candidate, ...]
    draft: Draft
    record_kind: str = ""
    record_id: str = ""
    asked_at: str = ""
    run: str = ""
    answer: str = ""
    rule: str = ""
    reason: str = ""
    answered_at: str = ""
    answered_by: str = ""

    @property
    def ref(self) -> Ref:
        return Ref(self.entity, self.key)

    @property
    def route(self) -> Route:
        return Route(self.source, self.sink)


_QUESTION = Question.__struct_fields__


def put_questions(tx: Tx, rows: Sequence[Question]) -> None:
    fresh = [row for row in rows if not row.id]
    if fresh:
        first = next_value(tx, "ledger", "question", len(fresh))
        for number, row in enumerate(fresh):
            row.id = first + number
    tx.many(questions, _QUESTION, [_flat(row) for row in rows])


def _flat(row: Question) -> Row:
    values = msgspec.structs.asdict(row)
    values["candidates"] = msgspec.json.encode(row.candidates).decode()
    values["draft"] = msgspec.json.encode(row.draft).decode()
    return tuple(values.values())


def find_questions(
    tx: Tx, *, id: int = 0, state: str = "", route: Route | None = None, entity: str = "", limit: int = 1000
) -> list[Question]:
    """Oldest first."""
    told: dict[str, Any] = {name: value for name, value in (("id", id), ("state", state), ("entity", entity)) if value}
    if route is not None:
        told.update(sink=route.sink, source=route.source)
    return [_question(row) for row in tx.kept(_where(*told), {**told, "most": limit})]


@functools.cache
def _where(*named: str) -> sa.Select[Any]:
    mine = [questions.c[name] == sa.bindparam(name) for name in named]
    columns = [questions.c[name] for name in _QUESTION]
    return sa.select(*columns).where(*mine).order_by(questions.c.id).limit(sa.bindparam("most"))


def count_open(tx: Tx, flow: str = "") -> int:
    """How many nobody has answered, of all flows or of one."""
    mine = (questions.c.state == "open") & (questions.c.flow == flow if flow else sa.true())
    return int(tx.value(sa.select(sa.func.count()).select_from(questions).where(mine)) or 0)


_ASKED = things(questions, [questions.c[name] for name in _QUESTION])


def questions_of(tx: Tx, route: Route, refs: Iterable[Ref]) -> dict[Ref, Question]:
    """The questions that were ever asked about these things of a route."""
    return {asked.ref: asked for asked in questions_asked(tx, route, refs)}


def questions_asked(tx: Tx, route: Route, refs: Iterable[Ref]) -> Iterator[Question]:
    """The same, to be read later."""
    return (_question(row) for row in seek_refs(tx, _ASKED, route, refs))


def _question(row: Sequence[Any]) -> Question:
    values = dict(zip(_QUESTION, row, strict=True))
    values["candidates"], values["draft"] = _candidates(values["candidates"]), decode_draft(values["draft"])
    return Question(**values)


def dependents(tx: Tx, question: Question) -> int:
    """How many items wait for the answer."""
    statement = sa.select(sa.func.count()).select_from(edges.join(items, items.c.id == edges.c.item)).where(
        edges.c.entity == question.entity, edges.c.key == question.key,
        items.c.sink == question.sink, items.c.source == question.source)  # fmt: skip
    return int(tx.value(statement) or 0)
