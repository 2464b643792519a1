"""The mapper: a record as one JSON value into the expression, drafts out of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, ValidationError, convert
from wherry import entities
from wherry.errors import ConfigError, Rejected
from wherry.records import Draft, Record, Ref, Skip
from wherry.settings import Flow

from .asking import Evaluation, Failed, Failure
from .settings import MapperSettings, read_map, read_settings

FORMAT = 1
"""Raised when the same expression would give other drafts."""
IN_A_ROW = 5
"""So many records one after another that reach a bound are the map's fault, not theirs."""
_LABELS = ("name", "subject", "number", "code", "reference")


class Made(Struct, forbid_unknown_fields=True):
    """A draft as the expression writes it."""

    entity: str
    key: str
    body: dict[str, Any]
    label: str = ""
    root: bool = False
    reference: bool = False
    file: str = ""
    void: bool = False


class Left(Struct, forbid_unknown_fields=True):
    """A record that the expression leaves out: why, and the amount that is listed with it."""

    skip: str
    amount: dict[str, Any] | None = None


def make_mapper(flow: Flow, kind: str, folder: Path) -> JsonataMapper:
    """The mapper of a flow. Raises ConfigError for settings and expressions that cannot stand."""
    settings = read_settings(flow)
    return JsonataMapper(kind, settings, read_map(folder, settings, flow.name), flow.name)


class JsonataMapper:
    """A FieldMapper over two expressions. Safe to use from several threads."""

    def __init__(self, kind: str, settings: MapperSettings, text: str, flow: str) -> None:
        self.kind, self._settings, self._flow = kind, settings, flow
        self._texts = {"map": text, "when": settings.when}
        self._names = {"map": settings.map, "when": f"flows.{flow}.mapper.when"}
        self._row = 0
        self.fields: Mapping[str, tuple[str, ...]] = {kind: (), **settings.fields}
        said = [FORMAT, self._texts, {name: list(known) for name, known in settings.fields.items()}]
        said += [settings.currency, settings.timezone, settings.makes]
        self.fingerprint = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:32]
        bounds = settings.model_dump(include={"steps", "depth", "seconds", "output", "memory", "currency", "timezone"})
        try:
            self._evaluation = Evaluation({**self._texts, **bounds})
        except Failed as error:
            raise self._unreadable(error.failure) from None

    def close(self) -> None:
        """Ends the evaluating process."""
        self._evaluation.close()

    @property
    def root(self) -> str:
        """The entity of its root drafts."""
        return self._settings.makes[-1]

    @property
    def entities(self) -> Sequence[str]:
        """Every entity it makes drafts of."""
        return self._settings.makes

    def relatives(self, entities: Collection[str]) -> dict[str, tuple[str, ...]]:
        """All of its relatives, whatever is wanted: nobody can tell which draft is made of which."""
        return {kind: names for kind, names in self.fields.items() if kind != self.kind}

    def triggers(self, records: Sequence[Record]) -> list[Skip | None]:
        """The gate: what ``when`` says of each record alone. What it cannot tell passes, and is refused by ``map``:
        one bad record must not hold up its page."""
        if not self._settings.when:
            return [None] * len(records)
        return [self._gate(record) for record in records]

    def map(self, record: Record) -> list[Draft] | Skip:
        """The drafts of a complete record, the root last. Raises Rejected with record, file, line and column."""
        if self._settings.when:
            self._wanted(record)
        found = self._asked("map", record, _whole(record))
        if found is None or found == []:
            return Skip("the map makes nothing of it")
        made = found if isinstance(found, list) else [found]
        try:
            if len(made) == 1 and isinstance(made[0], dict) and "skip" in made[0]:
                return _skip(convert(made[0], Left))
            drafts = [self._draft(record, convert(one, Made)) for one in made]
        except ValidationError as error:
            raise self._rejected(
                record, f"{self._names['map']} gives what is no draft: {error}",
                "a draft has entity, key and body; a record is left out with {\"skip\": \"why\"}", "WHERRY-4882",
            ) from None  # fmt: skip
        return self._in_order(record, drafts)

    # -- inside ---------------------------------------------------------------------------------------------------

    def _gate(self, record: Record) -> Skip | None:
        if record.gone:
            return None
        try:
            found = self._wanted(record)
        except Rejected:
            return None
        if found is True:
            return None
        reason = found.strip() if isinstance(found, str) else ""
        return Skip(reason or f"not taken by {self._names['when']}")

    def _wanted(self, record: Record) -> Any:
        """What ``when`` gives of a record. Raises Rejected."""
        return self._asked("when", record, {"kind": record.kind, "id": record.id, record.kind: _one(record)})

    def _asked(self, part: str, record: Record, value: Any) -> Any:
        try:
            found = self._evaluation.ask(part, value)
        except Failed as error:
            raise self._failed(part, record, error.failure) from None
        self._row = 0
        return found

    def _failed(self, part: str, record: Record, failure: Failure) -> Rejected | ConfigError:
        place = self._place(part, failure.place)
        if failure.sort in ("bound", "ended"):
            return self._out_of_bounds(record, failure, place)
        self._row = 0
        if failure.sort == "value":
            fix = "correct the value at the source, or the expression at that place"
            return self._rejected(record, f"{place}: {failure.message}", fix, "WHERRY-4883")
        said = f"{failure.message} ({failure.code})" if failure.code else failure.message
        return self._rejected(record, f"{place}: {said.strip()}", "change the expression at that place", "WHERRY-4880")

    def _out_of_bounds(self, record: Record, failure: Failure, place: str) -> Rejected | ConfigError:
        self._row += 1
        name = failure.bound
        what = f"{place}: it takes more than {name} = {getattr(self._settings, name)}" if name else failure.message
        key = f"flows.{self._flow}.mapper.{name}".rstrip(".")
        fix = f"shorten the expression, or raise {key}"
        if self._row < IN_A_ROW:
            return self._rejected(record, what, fix, "WHERRY-4881")
        self._row = 0
        where = f"{record.kind} {record.id}, as {IN_A_ROW - 1} records before it"
        fix += "; nothing of this batch was written"
        return ConfigError(f"{where}: {what}", fix=fix, code="WHERRY-2884", key=key)

    def _draft(self, record: Record, made: Made) -> Draft:
        if not made.entity or not made.key:
            raise self._rejected(
                record, f"{self._names['map']} gives a draft of {made.entity or 'nothing'} without a key",
                "make the key of what identifies it at the source: $id(deal.id)", "WHERRY-4882",
            )  # fmt: skip
        if made.entity not in self._settings.makes:
            raise self._rejected(
                record, f"{self._names['map']} gives a draft of {made.entity}, which it does not say it makes",
                f'add "{made.entity}" to flows.{self._flow}.mapper.makes', "WHERRY-4882",
            )  # fmt: skip
        body = self._checked(record, made)
        label = made.label or next((str(body[name]) for name in _LABELS if body.get(name)), made.key)
        return Draft(
            entity=made.entity, key=made.key, body=body, label=label, root=made.root, reference=made.reference,
            refs=tuple(dict.fromkeys(_refs(body))), file=made.file, void=made.void,
        )  # fmt: skip

    def _checked(self, record: Record, made: Made) -> dict[str, Any]:
        """The body in canonical form, where its shape is the core's; nulls say nothing."""
        body = {name: value for name, value in made.body.items() if value is not None}
        if made.entity not in entities.SHAPES:
            return body
        try:
            return entities.check(made.entity, body)
        except ValueError as error:
            raise self._rejected(
                record, f"{self._names['map']}: {error}",
                "give the field what its shape takes: $money, $date, $decimal", "WHERRY-4884",
            ) from None  # fmt: skip

    def _in_order(self, record: Record, drafts: list[Draft]) -> list[Draft]:
        """The root last: the one that says so, else the last one."""
        roots = [draft for draft in drafts if draft.root] or drafts[-1:]
        if len(roots) > 1:
            what = f"{self._names['map']} gives {len(roots)} roots"
            raise self._rejected(record, what, "say root of one draft only", "WHERRY-4882")
        if roots[0].entity != self.root:
            what = f"{self._names['map']} makes a {roots[0].entity} of it as its root, which is to be a {self.root}"
            fix = f"name the entity of the root last in flows.{self._flow}.mapper.makes"
            raise self._rejected(record, what, fix, "WHERRY-4882")
        roots[0].root = True
        others = {(draft.entity, draft.key): draft for draft in reversed(drafts) if draft is not roots[0]}
        return [*reversed(others.values()), roots[0]]

    def _place(self, part: str, position: int) -> str:
        """``maps/deals.jsonata, line 4, column 12``."""
        if position < 0:
            return self._names[part]
        before = self._texts[part][:position]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        return f"{self._names[part]}, line {line}, column {column}"

    def _rejected(self, record: Record, what: str, fix: str, code: str) -> Rejected:
        name = f"{record.kind} {record.id}"
        return Rejected(f"{name}: {what}", fix=fix, code=code, record=name, flow=self._flow)

    def _unreadable(self, failure: Failure) -> ConfigError:
        part = failure.bound if failure.bound in self._texts else "map"
        place = self._place(part, failure.place)
        return ConfigError(
            f"{place}: {failure.message or 'the expression cannot be read within its bounds'}",
            fix="try the expression at https://try.jsonata.org", code="WHERRY-2883",
            key=f"flows.{self._flow}.mapper.{part}",
        )  # fmt: skip


def _one(record: Record) -> dict[str, Any]:
    """A record's fields with its id. Numbers with a decimal point become text on the way, so that they stay exact."""
    return {**record.fields, "id": record.id}


def _whole(record: Record) -> dict[str, Any]:
    near = {kind: [_one(relative) for relative in found] for kind, found in record.relatives.items()}
    return {"kind": record.kind, "id": record.id, **near, record.kind: _one(record)}


def _refs(value: Any) -> list[Ref]:
    """Every reference in a body, in the order of its fields."""
    if isinstance(value, dict):
        if value.keys() == {"entity", "key"}:
            return [Ref(str(value["entity"]), str(value["key"]))]
        return [ref for inner in value.values() for ref in _refs(inner)]
    return [ref for inner in value for ref in _refs(inner)] if isinstance(value, list) else []


def _skip(left: Left) -> Skip:
    amount = left.amount or {}
    minor, currency = amount.get("minor"), amount.get("currency", "")
    return Skip(left.skip, minor if isinstance(minor, int) else None, str(currency) if minor is not None else "")
