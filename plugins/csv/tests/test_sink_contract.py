"""The kit's suite for sinks on a folder: for each entity, one by one and several to a file."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from wherry.records import Item
from wherry.roles import CallSinkWriter
from wherry.simulator import Entry
from wherry.testing.sinks import SinkSuite, SinkTrial, stamp_of
from wherry_csv.settings import CsvSettings
from wherry_csv.sink import CsvSink

from .conftest import FolderStage, StagedFiles

TRIALS: list[tuple[str, int, str]] = [
    ("journal_entry", 1, "generic"), ("journal_entry", 4, "qbo"), ("journal_entry", 2, "beancount"),
    ("invoice", 1, "generic"), ("invoice", 4, "generic"), ("credit_memo", 4, "generic"), ("customer", 4, "generic"),
    ("product", 1, "generic"),
]  # fmt: skip
NAMES = ("customer", "product")


def thing(entity: str, number: int) -> Item:
    """The n-th thing to write, always the same."""
    if entity in NAMES:
        body: dict[str, Any] = {"name": f"Thing {number}", "description": f"The {number}th"}
    else:
        body = {"number": f"N-{number}", "date": "2026-01-05", "memo": "from the yard"}
        if entity == "journal_entry":
            lines = [
                {"account": a, "side": s, "amount": money(100 + number)} for s, a in (("debit", "84"), ("credit", "79"))
            ]
        else:
            lines = [{"product": "Oak", "quantity": "2", "rate": f"{number}.25", "amount": money(200 * number + 50)}]
            body |= {"customer": "Acme", "total": money(200 * number + 50)}
        body["lines"] = lines
    return Item(entity=entity, key=f"id:{number}", body=body, stamp=stamp_of(f"{entity} {number}"))


def money(minor: int) -> dict[str, Any]:
    return {"minor": minor, "currency": "USD"}


def changed(item: Item) -> dict[str, Any]:
    """The body with other amounts; of a name, with another description."""
    body = copy.deepcopy(item.body)
    if item.entity in NAMES:
        return {**body, "description": "Another"}
    return {**body, "lines": [{**line, "amount": money(4711)} for line in body["lines"]]}


def bad(entity: str) -> Item:
    item = thing(entity, 0)
    wrong: dict[str, Any] = {"name": " "} if entity in NAMES else {"lines": [{**item.body["lines"][0], "account": " "}]}
    return msgspec.structs.replace(item, body={**item.body, **wrong}, stamp=stamp_of("bad"))


class TestSink(SinkSuite):
    @pytest.fixture(params=TRIALS, ids=lambda told: "-".join(map(str, told)))
    def trial(self, request: pytest.FixtureRequest, tmp_path: Path) -> SinkTrial:
        entity, per_file, profile = request.param
        folder, stage = tmp_path / "out", FolderStage()
        folder.mkdir()
        settings = CsvSettings(folder=folder, per_file=per_file, profile=profile)  # type: ignore[call-arg]

        def make() -> CallSinkWriter:
            sink = CsvSink(StagedFiles(folder, stage), settings)
            sink.check()
            return sink  # type: ignore[return-value]

        def effects(item: Item) -> Sequence[Entry]:
            """The files that carry the item's stamp; as ids the suite knows them by what the thing is called."""
            found = [e for e in stage.history.effects() if item.stamp in e.detail["stamps"]]
            return [named(e, make()._id(item)) for e in found]  # type: ignore[attr-defined]

        return SinkTrial(
            make=make,
            stage=stage,
            items=lambda count: [thing(entity, number) for number in range(count)],
            changed=changed,
            wait=stage.clock.advance,
            effects=effects,
            rejected=bad(entity) if entity in (*NAMES, "journal_entry") else None,
            voids=entity not in NAMES,
        )


def named(entry: Entry, id: str) -> Entry:
    return dataclasses.replace(entry, detail={**entry.detail, "id": id})
