"""The kit is worth what it catches: a sound mapper passes it, each planted bug fails the check made for it."""

from __future__ import annotations

import datetime as dt
import inspect
import json
import random
import socket
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest
from wherry.errors import Rejected
from wherry.matching.text import name_key
from wherry.money import parse
from wherry.records import Draft, Record, Ref, Skip
from wherry.testing.mappers import MapperSuite, MapperTrial


class Sound:
    """A sale with lines becomes a customer and a project; each bug spoils one thing about it."""

    fields: ClassVar[Any] = {"sale": ("amount", "day", "name", "state"), "line": ("amount", "text")}
    fingerprint = "sales 1"

    def triggers(self, records: Sequence[Record]) -> list[Skip | None]:
        return [self.gate(record) for record in records]

    def gate(self, record: Record) -> Skip | None:
        return None if record.gone or record.fields.get("state") == "won" else Skip("not won")

    def map(self, record: Record) -> list[Draft] | Skip:
        name = self.text(record, record.fields.get("name"))
        lines = [self.line(record, one) for one in record.relatives.get("line", ())]
        body = {"name": name, "amount": self.amount(record, record.fields.get("amount")), "lines": lines,
                "close_date": self.day(record, record.fields.get("day"))}  # fmt: skip
        project = Draft(entity="project", key=f"id:{record.id}", body={k: v for k, v in body.items() if v is not None},
                        label=name, root=True)  # fmt: skip
        customer = Draft(entity="customer", key=f"name:{name_key(name)[:100]}", body={"name": name})
        project.body["customer"] = {"entity": "customer", "key": customer.key}
        project.refs = (customer.ref,)
        return [customer, project]

    def line(self, record: Record, line: Record) -> dict[str, Any]:
        made = {"name": self.text(record, line.fields.get("text") or "line"),
                "amount": self.amount(record, line.fields.get("amount"))}  # fmt: skip
        return {name: value for name, value in made.items() if value is not None}

    def text(self, record: Record, value: Any) -> str:
        if not isinstance(value, str) or not value.replace("\0", "").strip():
            raise self.refused(record, f"{value!r:.60} is no name")
        return value.replace("\0", "")

    def amount(self, record: Record, value: Any) -> dict[str, Any] | None:
        try:
            if isinstance(value, str | Decimal) and value != "":
                return {"minor": parse(value, "USD").minor, "currency": "USD"}
        except ValueError as error:
            raise self.refused(record, str(error)) from None
        return None

    def day(self, record: Record, value: Any) -> str | None:
        try:
            return dt.date.fromisoformat(value).isoformat() if isinstance(value, str) and value else None
        except ValueError:
            raise self.refused(record, "its day is none") from None

    def refused(self, record: Record, why: str) -> Rejected:
        return Rejected(f"sale {record.id}: {why}", fix="correct it at the source", record=f"sale {record.id}")


class ThroughAFloat(Sound):
    def amount(self, record: Record, value: Any) -> dict[str, Any] | None:
        exact = super().amount(record, value)
        return exact and {"minor": int(float(value) * 100), "currency": "USD"}


class MajorUnits(Sound):
    def amount(self, record: Record, value: Any) -> dict[str, Any] | None:
        return super().amount(record, value) and {"minor": float(value), "currency": "USD"}


class DayOfTheMachine(Sound):
    def day(self, record: Record, value: Any) -> str | None:
        plain = super().day(record, value)
        return plain and dt.datetime.fromisoformat(f"{plain}T12:00:00+00:00").astimezone().date().isoformat()


class DayBefore(Sound):
    def day(self, record: Record, value: Any) -> str | None:
        plain = super().day(record, value)
        return plain if plain != "2024-02-29" else "2024-02-28"


class RootFirst(Sound):
    def map(self, record: Record) -> Any:
        return super().map(record)[::-1]  # type: ignore[index]


class TwoRoots(Sound):
    def map(self, record: Record) -> Any:
        customer, project = super().map(record)  # type: ignore[misc]
        customer.root = True  # type: ignore[union-attr]
        return [customer, project]


class SameKey(Sound):
    def map(self, record: Record) -> Any:
        customer, project = super().map(record)  # type: ignore[misc]
        project.key = "id:1"  # type: ignore[union-attr]
        return [customer, project]


class DanglingReference(Sound):
    def map(self, record: Record) -> Any:
        found: Any = super().map(record)
        found[1].body["customer"]["key"] = "id:nobody"
        found[1].refs = (Ref("customer", "id:nobody"),)
        return found


class UntoldReference(Sound):
    def map(self, record: Record) -> Any:
        found: Any = super().map(record)
        found[1].refs = ()
        return found


class WrongField(Sound):
    def map(self, record: Record) -> Any:
        found: Any = super().map(record)
        found[1].body["colour"] = "red"
        return found


class Random(Sound):
    def map(self, record: Record) -> Any:
        found: Any = super().map(record)
        found[1].body["description"] = str(random.random())
        return found


class Remembers(Sound):
    def __init__(self) -> None:
        self.last = ""

    def map(self, record: Record) -> Any:
        found: Any = super().map(record)
        found[1].body["description"], self.last = self.last, record.id
        return found


class Keeps(Sound):
    kept: ClassVar[list[Any]] = []

    def map(self, record: Record) -> Any:
        self.kept.append(bytes(record.payload))
        return super().map(record)


class ChangesItsInput(Sound):
    def gate(self, record: Record) -> Skip | None:
        answer = super().gate(record)
        record.fields["state"] = "seen" if record.fields.get("state") == "lost" else record.fields.get("state")
        record.fields.setdefault("currency", "USD")
        return answer


class ReadsMore(Sound):
    def map(self, record: Record) -> Any:
        found: Any = super().map(record)
        found[1].body["owner"] = str(record.fields.get("owner", ""))
        return found


class PassesAll(Sound):
    def map(self, record: Record) -> Any:
        found: Any = super().map(record)
        found[1].body["custom"] = {name: str(value) for name, value in record.fields.items()}
        return found


class Stumbles(Sound):
    def text(self, record: Record, value: Any) -> str:
        return str(value.strip())


class RefusesInSilence(Sound):
    def refused(self, record: Record, why: str) -> Rejected:
        return Rejected("cannot be mapped")


class GateRaises(Sound):
    def gate(self, record: Record) -> Skip | None:
        return None if record.fields["state"] == "won" else Skip("not won")


class GateDropsOne(Sound):
    def triggers(self, records: Sequence[Record]) -> list[Skip | None]:
        return [answer for answer in super().triggers(records) if answer is None]


class GateWantsRelatives(Sound):
    def gate(self, record: Record) -> Skip | None:
        return super().gate(record) if record.relatives else Skip("no lines")


class SkipsWithoutReason(Sound):
    def gate(self, record: Record) -> Skip | None:
        return super().gate(record) and Skip("")


class ReversesLines(Sound):
    """Its fingerprint changes with what it saw."""

    @property
    def fingerprint(self) -> str:  # type: ignore[override]
        return str(id(self))


class EachWithEach(Sound):
    def line(self, record: Record, line: Record) -> dict[str, Any]:
        for one in record.relatives["line"]:
            one.fields.get("text", "").casefold()
        return super().line(record, line)


class AsksTheNetwork(Sound):
    def gate(self, record: Record) -> Skip | None:
        with socket.socket() as line:
            line.connect_ex(("127.0.0.1", 9))
        return super().gate(record)


class ReadsAFile(Sound):
    def gate(self, record: Record) -> Skip | None:
        Path(__file__).read_bytes()
        return super().gate(record)


class Prints(Sound):
    def map(self, record: Record) -> Any:
        print("mapping", record.id)  # noqa: T201
        return super().map(record)


class RawKey(Sound):
    def map(self, record: Record) -> Any:
        customer, project = super().map(record)
        customer.key = f"name:{customer.body['name'].strip()}"
        project.body["customer"] = {"entity": "customer", "key": customer.key}
        project.refs = (customer.ref,)
        return [customer, project]


class CountsTheFirst(Sound):
    def map(self, record: Record) -> Any:
        less = Record(kind=record.kind, id=record.id, version=record.version, payload=record.payload)
        less.relatives = {kind: group[:1] for kind, group in record.relatives.items()}
        return super().map(less)


class NoneIsOne(Sound):
    def amount(self, record: Record, value: Any) -> dict[str, Any] | None:
        return super().amount(record, "1" if value in ("0", 0) else value)


class WritesNone(Sound):
    def text(self, record: Record, value: Any) -> str:
        return super().text(record, str(value))


class LooksForMore(Sound):
    def gate(self, record: Record) -> Skip | None:
        return Skip("closed") if record.fields.get("closed") else super().gate(record)


class KeyByState(Sound):
    def map(self, record: Record) -> Any:
        customer, project = super().map(record)
        project.key = f"{project.key}:{record.fields.get('day')}:{record.fields.get('name')}"
        return [customer, project]


class CutsNames(Sound):
    def text(self, record: Record, value: Any) -> str:
        return super().text(record, value)[:20]


class ByHash(Sound):
    fingerprint = f"sales {hash('1')}"


BUGS: dict[type[Sound], str] = {
    ThroughAFloat: "an_amount_arrives", MajorUnits: "bodies_are_plain", DayOfTheMachine: "the_machines_time_zone",
    DayBefore: "a_date_arrives", RootFirst: "one_draft_is_the_root", TwoRoots: "one_draft_is_the_root",
    SameKey: "another_record_has", DanglingReference: "references_are_told", UntoldReference: "references_are_told",
    WrongField: "bodies_fit", Random: "the_same_record", Remembers: "what_came_before", Keeps: "nothing_is_kept",
    ChangesItsInput: "records_are_left", ReadsMore: "nothing_is_read", PassesAll: "a_field_that_nobody",
    Stumbles: "a_value_of_the_wrong_kind", RefusesInSilence: "a_field_that_is_empty",
    GateRaises: "a_field_that_was_not_sent", GateDropsOne: "the_gate_answers", GateWantsRelatives: "the_gate_needs",
    SkipsWithoutReason: "what_is_left_out", ReversesLines: "the_fingerprint", EachWithEach: "many_relatives",
    RawKey: "a_name_in_another", CountsTheFirst: "of_several_none", NoneIsOne: "zero_is_a_number",
    KeyByState: "a_record_that_changed", CutsNames: "a_text_arrives", WritesNone: "what_is_empty",
    LooksForMore: "no_field_is_looked", ByHash: "another_process",
    AsksTheNetwork: "mapping_reaches", ReadsAFile: "mapping_reaches", Prints: "mapping_prints",
}  # fmt: skip


def sale(state: str = "won") -> Record:
    fields = {"name": "Rail Works", "amount": "12.50", "day": "2026-01-31", "state": state, "owner": "Ann"}
    record = Record(kind="sale", id="S-1", version="1", payload=json.dumps(fields).encode())
    lines = [b'{"text":"Bolt","amount":"3.10"}', b'{"text":"Anchor","amount":"1.20"}']
    record.relatives = {
        "line": [Record(kind="line", id=f"{n}", version="1", payload=p) for n, p in enumerate(lines, 1)]
    }
    return record


def trial(make: Callable[[], Any]) -> MapperTrial:
    return MapperTrial(make=make, records=lambda: [sale()], left_out=lambda: [sale("lost")])


class TestSound(MapperSuite):
    @pytest.fixture
    def trial(self) -> MapperTrial:
        return trial(Sound)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_a_planted_bug_fails_the_check_made_for_it(bug: type[Sound], capfd: pytest.CaptureFixture[str]) -> None:
    [check] = [check for name, check in inspect.getmembers(MapperSuite(), inspect.ismethod)
                       if name.startswith(f"test_{BUGS[bug]}")]  # fmt: skip
    with pytest.raises(Exception):  # noqa: B017, PT012
        for values in _cases(check):
            given = {"trial": trial(bug), **values, "capfd": capfd, "elsewhere": lambda ours: b"what another made"}
            check(**{name: given[name] for name in inspect.signature(check).parameters})


def _cases(check: Any) -> list[dict[str, Any]]:
    marks = [mark for mark in getattr(check, "pytestmark", []) if mark.name == "parametrize"]
    return [{mark.args[0]: value} for mark in marks for value in mark.args[1]] or [{}]
