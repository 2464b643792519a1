"""The kit's suite for sinks on a folder: for each entity, one by one and several to a file."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from wherry.http.files import MARKER
from wherry.records import Item
from wherry.roles import CallSinkWriter
from wherry.simulator import Entry
from wherry.testing.holding import Holding, Line
from wherry.testing.samples import NAMES, changed, sample
from wherry.testing.sinks import BriefSinkSuite, SinkSuite, SinkTrial, stamp_of
from wherry_csv.settings import CsvSettings
from wherry_csv.sink import CsvSink

from .conftest import FolderStage, StagedFiles

TRIALS: list[tuple[str, int, str]] = [
    ("journal_entry", 1, "generic"), ("journal_entry", 4, "qbo"), ("invoice", 4, "generic"), ("customer", 4, "generic"),
]  # fmt: skip
BRIEF: list[tuple[str, int, str]] = [
    ("journal_entry", 2, "beancount"), ("invoice", 1, "generic"), ("credit_memo", 4, "generic"),
    ("product", 1, "generic"),
]  # fmt: skip


def thing(entity: str, number: int) -> Item:
    return sample(entity, number, "Acme", "Oak", debit="84", credit="79")


def bad(entity: str) -> Item:
    item = thing(entity, 0)
    wrong: dict[str, Any] = {"name": " "} if entity in NAMES else {"lines": [{**item.body["lines"][0], "account": " "}]}
    return msgspec.structs.replace(item, body={**item.body, **wrong}, stamp=stamp_of("bad"))


def trial_of(tmp_path: Path, entity: str, per_file: int, profile: str) -> SinkTrial:
    """A trial of the sink for one entity."""
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

    def holds(item: Item) -> Holding | None:
        return held(stage.history.effects(), item, make()._id(item))  # type: ignore[attr-defined]

    return SinkTrial(
        make=make,
        stage=stage,
        items=lambda count: [thing(entity, number) for number in range(count)],
        changed=changed,
        wait=stage.clock.advance,
        effects=effects,
        rejected=bad(entity) if entity in (*NAMES, "journal_entry") else None,
        holds=holds if entity not in NAMES and profile == "generic" else None,
        clash=lambda item: (folder / make().encode([item])[0].path).write_text("something else"),
        move=lambda: (folder / MARKER).write_text("another-folder"),
        voids=entity not in NAMES,
        ignored=() if profile == "generic" else ("exchange_rate",),
    )


class TestSink(SinkSuite):
    @pytest.fixture(params=TRIALS, ids=lambda told: "-".join(map(str, told)))
    def trial(self, request: pytest.FixtureRequest, tmp_path: Path) -> SinkTrial:
        return trial_of(tmp_path, *request.param)


class TestFurther(BriefSinkSuite):
    """The other entities, and other forms of a file."""

    @pytest.fixture(params=BRIEF, ids=lambda told: "-".join(map(str, told)))
    def trial(self, request: pytest.FixtureRequest, tmp_path: Path) -> SinkTrial:
        return trial_of(tmp_path, *request.param)


def held(files: Sequence[Entry], item: Item, id: str) -> Holding | None:
    """What somebody who took in every file holds of an item, by the columns of the import screen."""
    journal = item.entity == "journal_entry"
    name = "External ID" if journal else "id"
    texts = [file.detail["body"].decode("utf-8-sig") for file in files]
    sheets = [[row for row in csv.DictReader(io.StringIO(text, newline="")) if row[name].startswith(id)]
              for text in texts]  # fmt: skip
    about = [rows for rows in sheets if rows]
    if not about:
        return None
    return _booked([row for rows in about for row in rows]) if journal else _billed(about[-1])


def _booked(rows: Sequence[dict[str, str]]) -> Holding:
    """An entry that is changed is booked back first: what stands in the end is the sum."""
    sums: Counter[str] = Counter()
    for row in rows:
        sums[row["Account"]] += pennies(row["Debit"]) - pennies(row["Credit"])
    lines = [Line(account, "debit" if minor > 0 else "credit", abs(minor)) for account, minor in sums.items()]
    total = sum(line.minor for line in lines if line.side == "debit")
    return Holding(total=total, lines=tuple(lines), date=rows[-1]["Date"], currency=rows[-1]["Currency"])


def _billed(rows: Sequence[dict[str, str]]) -> Holding:
    lines = tuple(Line(row["product"], "", pennies(row["amount"])) for row in rows)
    first = rows[0]
    return Holding(
        total=pennies(first["total"]), lines=lines, date=first["date"], currency=first["currency"],
        party=first["customer"],
    )  # fmt: skip


def pennies(text: str) -> int:
    return int(Decimal(text or "0") * 100)


def named(entry: Entry, id: str) -> Entry:
    return dataclasses.replace(entry, detail={**entry.detail, "id": id})
