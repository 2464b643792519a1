"""A mapper on trial, and how the checks of ``wherry.testing.mappers`` try it."""

from __future__ import annotations

import copy
import datetime as dt
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from functools import cache
from typing import Any

import msgspec
import pytest
from msgspec import Struct, field

from wherry import entities, mapping
from wherry.entities import SHAPES, Entity
from wherry.errors import Rejected
from wherry.money import DECIMALS
from wherry.plugins import Plugins, load
from wherry.records import Description, Draft, Record, Skip
from wherry.roles import FieldMapper
from wherry.settings import Flow

DECLARED = "It reads what it says it reads, and nothing else changes what it makes."
SAME_DRAFTS = "The same record becomes the same drafts, whatever came before it and wherever it runs."
EACH_RECORD = "Every record becomes drafts that know each other, or is left out with a reason."

_encode = msgspec.json.Encoder(decimal_format="number").encode
Outcome = list[Draft] | Skip | Rejected
FILES = ("open", "os.remove", "os.rename", "os.mkdir", "os.listdir", "os.scandir")
OUTSIDE = ("socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen", "os.system", "os.exec", *FILES)


class MapperTrial(Struct, kw_only=True):
    """A mapper on trial: how to make it, and complete records that it makes drafts of.

    ``records`` makes them anew at each call: one at least, with every field and relative that the mapper may ask for,
    as far as a record can have them all. ``shapes`` are those of the plugin beside the core's.
    """

    make: Callable[[], FieldMapper]
    """As a run gets it: made anew each time."""
    records: Callable[[], Sequence[Record]]
    left_out: Callable[[], Sequence[Record]] = tuple
    """Records that the gate or the map leaves out, if there are such."""
    shapes: Mapping[str, type[Entity]] = field(default_factory=dict)
    another: Callable[[], FieldMapper] | Sequence[Callable[[], FieldMapper]] | None = None
    """The mapper with another map or other settings, where it has some, or several such, each with one of them: what
    was synced is looked at again then."""
    one_of: tuple[str, ...] = ()
    """Of what comes in lists, that of which a single entry counts: a kind of relatives, or ``kind.field``."""

    def __post_init__(self) -> None:
        same = any(one is other for one, other in zip(self.records(), self.records(), strict=False))
        assert not same, "records gave the same record twice: let it make them anew at each call, as checks change them"

    @property
    def known(self) -> dict[str, type[Entity]]:
        return {**SHAPES, **self.shapes}


def default_mapper(
    system: str, kind: str, *, currency: str = "USD", timezone: str = "UTC", description: Description | None = None,
    **flow: Any,
) -> FieldMapper:  # fmt: skip
    """The default map of an installed plugin, made ready as for a flow; ``flow`` are keys of the flow's table."""
    plugins = _loaded(system)
    manifest = plugins.require(system)
    said = Flow.model_validate({"source": "there", "sink": "here", "kinds": [kind], **flow})
    return mapping.build(
        said, kind, manifest.maps[kind], transforms=plugins.transforms(), shapes=plugins.shapes(),
        description=description or Description(), currency=currency, timezone=timezone, kinds=manifest.kinds,
    )  # fmt: skip


@cache
def _loaded(system: str) -> Plugins:
    return load([system])


def made(mapper: FieldMapper, record: Record) -> Outcome:
    """What a mapper makes of a record; anything but drafts, Skip and Rejected is raised or fails the check."""
    try:
        found = mapper.map(record)
    except Rejected as error:
        return error
    assert isinstance(found, list | Skip), f"map gave a {type(found).__name__}; it gives a list of drafts, or a Skip"
    odd = [one for one in found if not isinstance(one, Draft)] if isinstance(found, list) else []
    assert odd == [], "map gave what is no draft"
    return found


def drafts(mapper: FieldMapper, record: Record) -> list[Draft]:
    """The drafts of a record that the trial says is whole."""
    found = made(mapper, record)
    assert isinstance(found, list), f"the trial's {record.kind} {record.id} gives no drafts but {found!r}"
    return found


def plain(outcome: Outcome) -> Any:
    """An outcome as values that can be compared."""
    return (str(outcome), outcome.code) if isinstance(outcome, Rejected) else msgspec.to_builtins(outcome)


def twin(record: Record, fields: Mapping[str, Any], kind: str = "") -> Record:
    """A copy of a record whose own fields, or those of the relatives of a kind, are these."""
    new = copy.deepcopy(record)
    for one in new.relatives.get(kind, []) if kind and kind != record.kind else [new]:
        one.payload, one.decoded = _encode(dict(fields)), None
    return new


def fields_of(record: Record, kind: str) -> dict[str, Any]:
    """The fields of a record, or of its first relative of a kind."""
    if kind == record.kind:
        return dict(record.fields)
    group = record.relatives.get(kind)
    return dict(group[0].fields) if group else {}


def only_declared(record: Record, declared: Mapping[str, Sequence[str]]) -> Record:
    """The record with what the mapper asked for, and nothing else: no other field, no other relative."""

    def stripped(one: Record) -> Record:
        new = copy.deepcopy(one)
        kept = {name: value for name, value in one.fields.items() if name in declared.get(one.kind, ())}
        new.payload, new.decoded = _encode(kept), None
        new.relatives = {kind: [stripped(inner) for inner in group] for kind, group in one.relatives.items()
                         if kind in declared}  # fmt: skip
        return new

    return stripped(record)


def with_more(record: Record) -> Record:
    """The record with a field that nobody asked for, and a relative of a kind that nobody knows."""
    new = twin(record, {**record.fields, "kit_unheard_of": {"deep": ["\N{SNOWMAN}"]}})
    new.relatives["kit_unheard_of"] = [Record(kind="kit_unheard_of", id="1", version="1")]
    return new


def absent(value: Any) -> None:
    """For ``changed``: the field was not sent."""


def changed(record: Record, mapper: FieldMapper, value: Callable[[Any], Any]) -> Iterator[tuple[str, Record]]:
    """For every declared field that the record has, and whatever stands in it, the record with another value there;
    ``absent`` takes it out."""
    for kind, names in mapper.fields.items():
        there = fields_of(record, kind)
        for name in names:
            if name in there:
                for place, fields in _other(there, name, value):
                    yield f"{kind}.{place}", twin(record, fields, kind)


def _other(there: Mapping[str, Any], name: str, value: Callable[[Any], Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """A table with another value in one field, or in a field of the first entry of a list in it."""
    inner, fields = there[name], {**there, name: value(there[name])}
    if value is absent:
        del fields[name]
    yield name, fields
    tables = inner if isinstance(inner, list) else []
    for part in tables[0] if tables and isinstance(tables[0], dict) else ():
        for place, first in _other(tables[0], part, value):
            yield f"{name}[0].{place}", {**there, name: [first, *tables[1:]]}


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value in a body that is no table or list, with its path."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from leaves(inner, f"{path}[{number}]")
    else:
        yield path, value


def amounts(value: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every amount in a body, with its path."""
    if isinstance(value, dict):
        if value.keys() == {"minor", "currency"}:
            yield path, value
        for name, inner in value.items():
            yield from amounts(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from amounts(inner, f"{path}[{number}]")


def references(value: Any) -> Iterator[tuple[str, str]]:
    """Every reference in a body."""
    if isinstance(value, dict):
        if value.keys() == {"entity", "key"}:
            yield value["entity"], value["key"]
        else:
            for inner in value.values():
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def amounts_of(found: Sequence[Draft]) -> dict[str, dict[str, Any]]:
    """Place in the drafts → amount."""
    return {f"{draft.entity}[{n}]{path}": amount for n, draft in enumerate(found)
            for path, amount in amounts(draft.body)}  # fmt: skip


def minor(value: Any, currency: str) -> int | None:
    """An amount in minor units, exactly; None for what is none, or has more decimals than the currency."""
    try:
        number = Decimal(str(value)).scaleb(DECIMALS[currency])
    except (ArithmeticError, ValueError, KeyError):
        return None
    return int(number) if number == number.to_integral_value() else None


def is_amount(value: Any) -> bool:
    """Whether a source's value is an amount as text, or a number with a fraction."""
    if isinstance(value, Decimal):
        return True
    return isinstance(value, str) and "." in value and value.replace(".", "", 1).lstrip("-").isdigit()


def is_day(value: Any) -> bool:
    """Whether a source's value is a plain date."""
    try:
        return isinstance(value, str) and len(value) == len("2026-01-31") and bool(dt.date.fromisoformat(value))
    except ValueError:
        return False


class _Ears:
    """An audit hook cannot be taken off again: this one listens only while somebody asks."""

    installed, on = False, False
    heard: list[str]

    @classmethod
    def listen(cls, event: str, arguments: tuple[Any, ...]) -> None:
        if cls.on and event in OUTSIDE:
            cls.heard.append(f"{event} {str(arguments[0])[:80] if arguments else ''}")


@contextmanager
def outside() -> Iterator[list[str]]:
    """What leaves the process while the block runs: connections, files, processes."""
    if not _Ears.installed:
        _Ears.installed = True
        sys.addaudithook(_Ears.listen)
    _Ears.heard = []
    _Ears.on = True
    try:
        yield _Ears.heard
    finally:
        _Ears.on = False


def calls(function: Callable[[], Any]) -> int:
    """How many calls of Python functions a call takes: a measure of work that no other load on the machine changes."""
    count = 0

    def seen(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        function()
    finally:
        sys.setprofile(before)
    return count


def with_relatives(record: Record, number: int) -> Record:
    """The record with so many relatives of each kind that it has any of, each with an id of its own."""
    new = copy.deepcopy(record)
    for kind, group in new.relatives.items():
        if group:
            new.relatives[kind] = [renamed(copy.deepcopy(group[n % len(group)]), f"77{n}") for n in range(number)]
    return new


def renamed(record: Record, id: str) -> Record:
    record.id = id
    return record


def all_drafts(trial: MapperTrial) -> Iterator[list[Draft]]:
    """The drafts of each record of the trial, which pass the gate."""
    mapper, records = trial.make(), list(trial.records())
    assert records, "a trial has one record at least"
    for record in records:
        assert mapper.triggers([record]) == [None], f"the trial's {record.kind} {record.id} does not pass the gate"
        yield drafts(mapper, record)


def each_fair(trial: MapperTrial, value: Callable[[Any], Any]) -> None:
    """With another value in any one field, a record still ends fairly."""
    mapper = trial.make()
    for record in trial.records():
        for place, other in changed(record, mapper, value):
            fair(trial, gated(mapper, other), other, place)


def gated(mapper: FieldMapper, record: Record) -> Outcome:
    """What becomes of a record, the gate first."""
    try:
        [skip] = mapper.triggers([record])
    except Exception as error:
        raise AssertionError(
            f"triggers raised {type(error).__name__}: {error}; it lets pass what it cannot tell, and map refuses that: "
            "one bad record must not hold up its page"
        ) from error
    return skip or made(mapper, record)


def fair(trial: MapperTrial, found: Outcome, record: Record, place: str) -> None:
    """Drafts that can be written, a reason, or a refusal that a person can act upon."""
    if isinstance(found, Rejected):
        assert record.id in found.message or record.id in str(found.where.get("record", "")), f"{place}: {found}"
        assert found.fix, f"{place}: {found} does not say what to do"
    elif isinstance(found, list):
        assert all(is_plain(draft.body) and draft.key for draft in found), f"{place} gave what cannot be written"
        assert all(type(amount["minor"]) is int for amount in amounts_of(found).values()), place
        for draft in found:
            try:
                entities.check(draft.entity, draft.body, trial.known)
            except ValueError as error:
                raise AssertionError(f"{place} gave a body that does not fit its shape: {error}") from None


def is_plain(value: Any) -> bool:
    """Whether a value is plain JSON without a float, as the core asks for it."""
    if isinstance(value, dict):
        return all(isinstance(name, str) and is_plain(inner) for name, inner in value.items())
    if isinstance(value, list):
        return all(map(is_plain, value))
    return value is None or isinstance(value, str | int)


def days_of(found: Sequence[Draft]) -> dict[str, str]:
    """Place in the drafts → plain date."""
    return {f"{draft.entity}[{n}].{path}": value for n, draft in enumerate(found)
            for path, value in leaves(draft.body) if is_day(value)}  # fmt: skip


@contextmanager
def in_zone(zone: str) -> Iterator[None]:
    """Another zone of the machine, for a while."""
    patch = pytest.MonkeyPatch()
    patch.setenv("TZ", zone)
    time.tzset()
    try:
        yield
    finally:
        patch.undo()
        time.tzset()
