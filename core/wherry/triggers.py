"""The head gate of a flow: which records are read on with their relatives, and why the others are not.

Pipelines and stages are ids, resolved by the source's metadata and never by label; ``won`` means closed at
probability 1. A status is a word: of draft, assigned, finalized and invoiced each stands for itself and those after
it, other words for themselves alone; a record that was made void is always left out, and taken back where it was
written. A filter is an expression of simpleeval over the head's own fields, numbers lifted to Decimal.
"""

from __future__ import annotations

import datetime as dt
import difflib
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import NoReturn, Protocol
from zoneinfo import ZoneInfo

from msgspec import Struct

from wherry.errors import ConfigError, Rejected
from wherry.expressions import did_you_mean, known_path, parse, path_of
from wherry.filters import Filter, compile_filter
from wherry.records import Record
from wherry.roles import Description, Pipeline, Stage
from wherry.wording import a

WON = "won"
STATUSES = ("draft", "assigned", "finalized", "invoiced")
"""The way of a charge and its invoice; a flow that takes one of these also takes what is further along."""
VOID = frozenset({"void", "voided", "cancelled", "canceled"})
_GONE = {
    "archived": "archived at the source",
    "deleted": "deleted at the source",
    "merged": "merged into another record at the source",
}


class PipelineLike(Protocol):
    """One line of a flow's ``pipelines``: ``stages`` is ``won``, or a list of stage ids and ``won``."""

    @property
    def id(self) -> str: ...
    @property
    def stages(self) -> str | Sequence[str]: ...
    @property
    def map(self) -> str | None: ...
    @property
    def active(self) -> bool: ...


class WhenLike(Protocol):
    """A flow's ``when``: ``status`` holds words in lower case."""

    @property
    def status(self) -> Sequence[str]: ...


class FlowLike(Protocol):
    """What the gate and the map need of a flow's settings."""

    @property
    def name(self) -> str: ...
    @property
    def kinds(self) -> Sequence[str]: ...
    @property
    def pipelines(self) -> Sequence[PipelineLike]: ...
    @property
    def filter(self) -> str | None: ...
    @property
    def changed_since(self) -> dt.date | None: ...
    @property
    def when(self) -> WhenLike | None: ...


class Where(Struct, frozen=True):
    """The head's fields that hold its pipeline, stage and status; a kind may have stages and no pipelines."""

    pipeline: str = ""
    stage: str = ""
    status: str = ""


class Trigger:
    """Says of a head why it goes no further. ``pipeline_field`` is where a record names its pipeline, if it
    does."""

    def __init__(
        self,
        where: Where,
        judge: Callable[[str, str], str | None] | None,
        filter: Filter | None,
        fingerprint: str,
        statuses: tuple[str, ...] = (),
    ) -> None:
        self.pipeline_field, self._stage_field, self._status_field = where.pipeline, where.stage, where.status
        self._judge, self._filter, self.fingerprint = judge, filter, fingerprint
        self._statuses = _further(statuses)
        self._wanted = " or ".join(statuses)
        self._by_status: dict[str, str | None] = {}
        self._known: dict[tuple[str, str], str | None] = {}
        used = {where.pipeline, where.stage} if judge else set[str]()
        used.add(where.status)
        self.fields: tuple[str, ...] = tuple(sorted((used | set(filter.fields if filter else ())) - {"", "id"}))

    def reasons(self, records: Sequence[Record]) -> list[str | None]:
        """One answer a record: None passes. Few distinct texts; the same reason is the same object.

        A record on which the filter cannot be told passes, so that ``check`` can refuse it by name: the gate
        has no word for it, and one such record must not stop a page."""
        return [self._tolerant(record) for record in records]

    def check(self, record: Record) -> None:
        """Raises Rejected that names the record if the filter cannot be told on it."""
        if self._filter is not None:
            self._filter.reason(record)

    def _tolerant(self, record: Record) -> str | None:
        try:
            return self.reason(record)
        except Rejected:
            return None

    def reason(self, record: Record) -> str | None:
        """The answer for one record. Raises Rejected that names it if the filter cannot be told on it."""
        if record.gone:
            return _GONE[record.gone]
        if self._status_field and (reason := self._status(record.fields.get(self._status_field))) is not None:
            return reason
        if self._judge is not None:
            fields = record.fields
            place = _word(fields.get(self.pipeline_field)), _word(fields.get(self._stage_field))
            try:
                reason = self._known[place]
            except KeyError:
                reason = self._known[place] = self._judge(*place)
            if reason is not None:
                return reason
        return self._filter.reason(record) if self._filter is not None else None

    def is_void(self, record: Record) -> bool:
        """Whether the record was taken back at its source."""
        said = record.fields.get(self._status_field) if self._status_field and not record.gone else ""
        return _plain(said) in VOID

    def _status(self, said: object) -> str | None:
        word = _plain(said)
        if word not in self._by_status:
            self._by_status[word] = self._reason_of(word, str(said or "").strip())
        return self._by_status[word]

    def _reason_of(self, word: str, said: str) -> str | None:
        if word in VOID:
            return f"its status is {said}"
        if not self._statuses or word in self._statuses:
            return None
        return f"{f'its status is {said}' if said else 'it has no status'}; this flow takes {self._wanted}"


def _word(said: object) -> str:
    """An id as text: one that is a number or a list at the source is looked for as such, and not found."""
    return said if isinstance(said, str) else "" if said is None else str(said)


def _plain(said: object) -> str:
    return said.strip().casefold() if isinstance(said, str) else ""


def _further(statuses: Sequence[str]) -> frozenset[str]:
    """The statuses and, of those on the way to invoiced, what is further along."""
    return frozenset(
        later
        for status in statuses
        for later in (STATUSES[STATUSES.index(status) :] if status in STATUSES else (status,))
    )


def make_trigger(
    flow: FlowLike,
    kind: str,
    said: Mapping[str, str],
    description: Description | None,
    zone: ZoneInfo,
    source_fields: Mapping[str, frozenset[str]],
) -> Trigger:
    """The gate of one record kind. ``said`` is the ``trigger`` part of the source's default map: the paths of
    pipeline, stage and status, and ``when``, the status that is usually taken. Without a description a gate of
    stages is not ready: it raises ConfigError when it is asked.

    Raises ConfigError for a pipeline, a stage, a status or a filter that cannot be resolved, with the key path and
    what is known.
    """
    key = f"flows.{flow.name}"
    where = Where(*(_field(said.get(part, ""), kind, part) for part in ("pipeline", "stage", "status")))
    statuses = _wanted_statuses(flow, kind, said, where, f"{key}.when")
    filter = (
        compile_filter(flow.filter, kind, flow.kinds, zone, source_fields, f"{key}.filter") if flow.filter else None
    )
    judge, resolved = _gate(flow, kind, where, description, f"{key}.pipelines")
    said_all = [resolved, [where.pipeline, where.stage], flow.filter or "", str(flow.changed_since or "")]
    said_all += [[where.status, *statuses]] if where.status else []
    digest = hashlib.sha256(json.dumps(said_all, sort_keys=True).encode()).hexdigest()
    return Trigger(where, judge, filter, digest[:32], statuses)


def _wanted_statuses(flow: FlowLike, kind: str, said: Mapping[str, str], where: Where, key: str) -> tuple[str, ...]:
    usual = said.get("when", "")
    if where.status and flow.when:
        for word in flow.when.status if usual in STATUSES else ():
            _refuse_misspelt(word, f"{kind}.{where.status}", f"{key}.status")
        return tuple(flow.when.status)
    if where.status:
        return (usual,) if usual else ()
    if flow.when and len(flow.kinds) == 1:
        raise ConfigError(
            f"{key}: {a(kind)} has no status at this source",
            fix="remove it from this flow; a filter can choose records instead",
            code="WHERRY-2226",
            key=key,
        )
    return ()


def _refuse_misspelt(word: str, field: str, key: str) -> None:
    """A source whose habit is a word of the way speaks these words: one that is nearly one of them is none."""
    near = difflib.get_close_matches(word, STATUSES, 1, 0.8)
    if near and near[0] not in word:
        raise ConfigError(
            f"{key}: {word!r} is none of {', '.join(STATUSES)}",
            fix=f"did you mean {near[0]}? a status that is spelt so is chosen by filter = \"{field} == '…'\"",
            code="WHERRY-2227", key=key, allowed=list(STATUSES),
        )  # fmt: skip


def _field(text: str, kind: str, part: str) -> str:
    if not text:
        return ""
    key = f"default map {kind}.trigger.{part}"
    path = path_of(parse(text, key))
    if path is None:
        raise ConfigError(
            f"{key}: {text!r} is not a path", fix=f"name a field of the {kind}", code="WHERRY-2211", key=key
        )
    known_path(path, {kind}, {}, key)
    return path[1]


Judge = Callable[[str, str], str | None]


def _gate(
    flow: FlowLike, kind: str, where: Where, description: Description | None, key: str
) -> tuple[Judge | None, object]:
    if not where.stage:
        return _without_stages(flow, kind, key)
    if description is None:
        return _not_ready(flow, kind), "unresolved"
    if not description.pipelines:
        return _without_stages(flow, kind, key)
    chosen = _chosen(flow, description.pipelines, key)
    return _judge(description.pipelines, chosen, where), {name: sorted(stages or ()) for name, stages in chosen.items()}


def _without_stages(flow: FlowLike, kind: str, key: str) -> tuple[None, object]:
    if flow.pipelines and len(flow.kinds) == 1:
        raise ConfigError(
            f"{key}: {a(kind)} has no pipelines at this source",
            fix="remove the pipelines from this flow; a filter can choose records instead",
            code="WHERRY-2223",
            key=key,
        )
    return None, "all"


def _not_ready(flow: FlowLike, kind: str) -> Judge:
    source = getattr(flow, "source", "")

    def judge(pipeline: str, stage: str) -> str | None:
        raise ConfigError(
            f"the pipelines of {kind} are not known, so its trigger stages cannot be told",
            fix=f"connect the source first: wherry connection test {source}".rstrip(),
            code="WHERRY-2225",
        )

    return judge


Chosen = dict[str, frozenset[str] | None]
"""Pipeline id → its trigger stages; None where the pipeline is not active."""


def _chosen(flow: FlowLike, known: Sequence[Pipeline], key: str) -> Chosen:
    if not flow.pipelines:
        return _every_won(known, key)
    by_id = {pipeline.id: pipeline for pipeline in known}
    chosen: Chosen = {}
    for number, said in enumerate(flow.pipelines):
        pipeline = by_id.get(said.id) or _unknown("pipeline", said.id, known, f"{key}.{number}.id", "WHERRY-2220")
        if said.id in chosen:
            _twice(said.id, f"{key}.{number}.id")
        stages = _stages(said.stages, pipeline, f"{key}.{number}.stages")
        chosen[said.id] = stages if said.active else None
    return chosen


def _every_won(known: Sequence[Pipeline], key: str) -> Chosen:
    chosen: Chosen = {
        pipeline.id: won for pipeline in known if (won := frozenset(s.id for s in pipeline.stages if _is_won(s)))
    }
    if not chosen:
        raise ConfigError(
            f"{key}: no pipeline of the source has a stage that is closed at probability 1, the meaning of won",
            fix="name the pipelines and their trigger stages in the flow",
            code="WHERRY-2222",
            key=key,
        )
    return chosen


def _stages(said: str | Sequence[str], pipeline: Pipeline, key: str) -> frozenset[str]:
    found: set[str] = set()
    known = {stage.id for stage in pipeline.stages}
    for name in [said] if isinstance(said, str) else said:
        if name in known:
            found.add(name)
        elif name == WON:
            found |= _won(pipeline, key)
        else:
            _unknown("stage", name, pipeline.stages, key, "WHERRY-2221")
    return frozenset(found)


def _won(pipeline: Pipeline, key: str) -> set[str]:
    won = {stage.id for stage in pipeline.stages if _is_won(stage)}
    if not won:
        raise ConfigError(
            f"{key}: pipeline {pipeline.id} has no stage that is closed at probability 1",
            fix=f"name its trigger stages: {_listed(pipeline.stages)}",
            code="WHERRY-2222",
            key=key,
            allowed=[stage.id for stage in pipeline.stages],
        )
    return won


def _is_won(stage: Stage) -> bool:
    try:
        return stage.closed and Decimal(stage.probability or "0") == 1
    except InvalidOperation:
        return False


def _unknown(what: str, said: str, known: Sequence[Pipeline] | Sequence[Stage], key: str, code: str) -> NoReturn:
    ids = [one.id for one in known]
    same_label = [one.id for one in known if one.label.strip().casefold() == said.strip().casefold()]
    hint = f"; {what}s are ids: {said!r} is {same_label[0]}" if same_label else did_you_mean(said, ids)
    raise ConfigError(
        f"{key}: there is no {what} {said!r}{hint}",
        fix=f"known {what}s: {_listed(known)}" + (f"; {WON} means closed at probability 1" if what == "stage" else ""),
        code=code,
        key=key,
        allowed=ids,
    )


def _twice(said: str, key: str) -> NoReturn:
    raise ConfigError(
        f"{key}: pipeline {said!r} is named twice",
        fix="name it once, with all its stages",
        code="WHERRY-2228",
        key=key,
    )


def _listed(known: Sequence[Pipeline] | Sequence[Stage]) -> str:
    return ", ".join(f"{one.id} ({one.label})" if one.label else one.id for one in known)


def _judge(known: Sequence[Pipeline], chosen: Chosen, where: Where) -> Judge:
    pipelines = {pipeline.id: pipeline.label or pipeline.id for pipeline in known}
    stages = {(p.id, stage.id): stage.label or stage.id for p in known for stage in p.stages}
    only = known[0].id if not where.pipeline else ""

    def judge(pipeline: str, stage: str) -> str | None:
        pipeline = pipeline or only
        label = pipelines.get(pipeline, pipeline)
        if pipeline not in chosen:
            return f"pipeline {label} is not part of this flow" if pipeline else "it is in no pipeline"
        wanted = chosen[pipeline]
        if wanted is None:
            return f"pipeline {label} is not active"
        if stage in wanted:
            return None
        return f"stage {stages.get((pipeline, stage), stage)} is not a trigger stage" if stage else "it is in no stage"

    return judge
