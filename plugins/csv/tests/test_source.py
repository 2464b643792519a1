"""Rows of files as records: headings, numbers, junk, files that change. Cases D14, C18, B (marks)."""

from __future__ import annotations

import csv
import datetime as dt
import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wherry.books.cells import clean, neutral
from wherry.errors import Rejected, TryAgain
from wherry.http import Files
from wherry.mapping import build
from wherry.records import Draft, Record
from wherry.roles import Query
from wherry.settings import Flow
from wherry.testing.clock import FakeClock
from wherry_csv.mapping import MAPS, TRANSFORMS
from wherry_csv.settings import CsvSettings
from wherry_csv.source import CsvSource

HEAD = "Id,Trade Date,Fiat value,Currency,Debit,Credit,Category,Wallet,Gain\n"
WALLET = {"id": "Id", "columns": {"date": "Trade Date", "amount": "Fiat value"}}


class Desk:
    """A folder and its source."""

    def __init__(self, folder: Path, said: Mapping[str, Any], **more: Any) -> None:
        self.folder, self.clock = folder, FakeClock()
        told = {"folder": folder, "records": {"transaction": dict(said)}, "quiet": 0, **more}
        self.source = CsvSource(Files(folder), CsvSettings.model_validate(told), self.clock)

    def put(self, name: str, text: str | bytes, age: float = 60) -> Path:
        path = self.folder / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        moment = self.clock.now().timestamp() - age
        os.utime(path, (moment, moment))
        return path

    def read(self, after: str | None = None) -> list[Record]:
        return [record for page in self.source.read(Query("transaction", after)) for record in page.records]

    def mark(self) -> str:
        return list(self.source.read(Query("transaction")))[-1].mark


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path, WALLET)


def drafts(record: Record) -> list[Draft]:
    mapper = build(
        Flow(source="in", sink="out", document="journal"), "transaction", MAPS["transaction"], transforms=TRANSFORMS,
        currency="USD", timezone="UTC",
    )  # fmt: skip
    told = mapper.map(record)
    assert isinstance(told, list)
    return told


def test_headings_become_names_and_cells_stay_texts(desk: Desk) -> None:
    desk.put("a.csv", HEAD + "T-1,2026-01-05,12.50,USD,0100,4000,,W1,\n")
    (record,) = desk.read()
    assert record.fields == {
        "id": "T-1", "date": "2026-01-05", "amount": "12.50", "currency": "USD", "debit": "0100", "credit": "4000",
        "category": "", "wallet": "W1", "gain": "", "problem": "",
    }  # fmt: skip


def test_a_transaction_is_one_movement_with_two_sides(desk: Desk) -> None:
    """b_004_08, b_004_12: accounts where they are named, else categories; the realised gain beside it."""
    desk.put("a.csv", HEAD + "T-1,2026-01-05,12.50,USD,0100,,fees,W1,-3.10\n")
    (record,) = desk.source.complete(desk.read(), {"movement_line": ()})
    (draft,) = drafts(record)
    lines = [
        (one["side"], one["amount"]["minor"], one.get("account"), one.get("category")) for one in draft.body["lines"]
    ]
    assert lines == [("debit", 1250, "0100", None), ("credit", 1250, None, "fees")]
    assert (draft.entity, draft.key, draft.body["partition"], draft.body["gain"]["minor"]) == (
        "movement",
        "id:T-1",
        "W1",
        -310,
    )


def test_without_a_column_for_ids_a_row_is_known_by_its_file_and_number(tmp_path: Path) -> None:
    desk = Desk(tmp_path, {})
    desk.put("a.csv", "date,amount\n2026-01-01,1\n\n2026-01-02,2\n")
    assert [record.id for record in desk.read()] == ["a.csv#2", "a.csv#4"]


JUNK = [
    ("T-2,2026-01-05,1.00\n", "row 3 of a.csv has 3 cells where its heading has 9"),
    (",2026-01-05,1.00,USD,1,2,,,\n", "has nothing in column id"),
    ("T-1,2026-01-06,9.00,USD,1,2,,,\n", "has the same id as row 2"),
    (b"T-2,2026-01-05,1.00,USD,\xff\xfe,2,,,\n", "holds bytes that are not utf-8"),
]


@pytest.mark.parametrize(
    ("days", "cell", "day"),
    [
        ("month-day-year", "12/1/2010", "2010-12-01"),
        ("day-month-year", "12.1.2010", "2010-01-12"),
        ("month-day-year", "2010-12-01", "2010-12-01"),
        ("month-day-year", "13/12/2010", ""),
        ("year-month-day", "12/13/2010", ""),
        ("year-month-day", "12/1/2010", ""),
    ],
)
def test_days_are_read_in_the_order_that_was_set_or_refused_and_never_cell_by_cell(
    tmp_path: Path, days: str, cell: str, day: str
) -> None:
    made = Desk(tmp_path, {**WALLET, "days": days})
    made.put("a.csv", f"{HEAD}1,{cell},1.00,USD,1,2,,,\n")
    [record] = made.read()
    if day:
        assert drafts(record)[0].body["date"] == day
        return
    with pytest.raises(Rejected, match=rf"row 2 of a.csv: {cell} is no day as in {days}; say how days are written"):
        drafts(record)


@pytest.mark.parametrize(("row", "says"), JUNK, ids=[says for _, says in JUNK])
def test_a_junk_row_is_a_record_that_is_refused_with_its_place_and_the_rest_is_read(
    desk: Desk, row: str | bytes, says: str
) -> None:
    """case_D14: bad bytes are reported with their row; nothing is lost silently."""
    junk = row.encode() if isinstance(row, str) else row
    good = "T-{},2026-01-05,1.00,USD,1,2,,,\n"
    desk.put("a.csv", (HEAD + good.format(1)).encode() + junk + good.format(9).encode())
    first, bad, last = desk.source.complete(desk.read(), {"movement_line": ()})
    assert (first.id, last.id) == ("T-1", "T-9")
    assert (bad.id, says in bad.fields["problem"]) == ("a.csv#3", True), bad.fields
    with pytest.raises(Rejected, match="row 3"):
        drafts(bad)


@pytest.mark.parametrize(
    ("decimal", "text", "number"),
    [(".", "1,234.50", "1234.50"), (".", "-1234.5", "-1234.5"), (",", "1.234,50", "1234.50"), (",", "0,5", "0.5"),
     (".", "1.234,50", "1.234,50"), (".", "(5)", "(5)"), (".", "1,23", "1,23"), (".", "1e5", "1e5"), (",", "-7", "-7")],
)  # fmt: skip
def test_numbers_are_read_by_the_mark_that_was_set_or_refused(
    tmp_path: Path, decimal: str, text: str, number: str
) -> None:
    """case_C18"""
    desk = Desk(tmp_path, {"decimal": decimal, "delimiter": "semicolon"})
    desk.put("a.csv", f"date;amount\n2026-01-01;{text}\n")
    assert desk.read()[0].fields["amount"] == number


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_what_the_heading_has_most_of(tmp_path: Path, delimiter: str) -> None:
    desk = Desk(tmp_path, {})
    desk.put("a.csv", f"date{delimiter}amount{delimiter}memo\n1{delimiter}2{delimiter}3\n")
    assert desk.read()[0].fields["amount"] == "2"


def test_files_of_another_pattern_hidden_ones_the_chart_and_links_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    desk = Desk(tmp_path / "in", {"files": "w*.csv"})
    for name in ("w1.csv", "x.csv", ".w.csv", "accounts.csv"):
        desk.put(name, "date,amount\n1,2\n")
    (tmp_path / "secret.csv").write_text("date,amount\nsecret,2\n")
    (tmp_path / "in" / "w2.csv").symlink_to(tmp_path / "secret.csv")
    assert [record.id for record in desk.read()] == ["w1.csv#2"]


def test_a_file_that_was_just_written_is_left_for_later(tmp_path: Path) -> None:
    """Somebody may be writing it still: half of a number is a number."""
    desk = Desk(tmp_path, {}, quiet=5)
    desk.put("a.csv", "date,amount\n1,2\n", age=1)
    mark = desk.mark()
    assert desk.read() == []
    desk.clock.advance(10)
    assert len(desk.read(mark)) == 1


def test_a_corrected_file_is_read_again_and_only_what_changed_is_new(desk: Desk) -> None:
    good = "T-{},2026-01-05,{},USD,1,2,,,\n"
    desk.put("a.csv", HEAD + good.format(1, "1.00") + good.format(2, "2.00"))
    before, mark = {one.id: one.version for one in desk.read()}, desk.mark()
    assert desk.read(mark) == []
    desk.put("a.csv", HEAD + good.format(1, "1.00") + good.format(2, "2.50"), age=30)
    after = {one.id: one.version for one in desk.read(mark)}
    assert [id for id in after if after[id] != before[id]] == ["T-2"]


def test_two_files_of_one_size_and_moment_are_both_read(desk: Desk) -> None:
    """As an archive unpacks them on a system that keeps times to some milliseconds."""
    first = desk.put("a.csv", HEAD + "T-1,2026-01-05,1.00,USD,1,2,,,\n")
    os.link(first, desk.folder / "b.csv")
    assert [one.id for one in desk.read()] == ["T-1", "T-1"]


def test_a_file_that_was_taken_away_takes_nothing_back(desk: Desk) -> None:
    path = desk.put("a.csv", HEAD + "T-1,2026-01-05,1.00,USD,1,2,,,\n")
    mark = desk.mark()
    path.unlink()
    assert desk.read(mark) == []


def test_a_folder_that_is_not_there_is_tried_again(tmp_path: Path) -> None:
    with pytest.raises(TryAgain, match="cannot be read"):
        Desk(tmp_path / "none", {}).read()


def test_single_records_are_those_of_the_newest_file(desk: Desk) -> None:
    desk.put("a.csv", HEAD + "T-1,2026-01-05,1.00,USD,1,2,,,\n", age=100)
    desk.put("b.csv", HEAD + "T-1,2026-01-05,3.00,USD,1,2,,,\n", age=50)
    assert [one.fields["amount"] for one in desk.source.fetch("transaction", ["T-1", "T-9"], ())] == ["3.00"]


@given(texts=st.lists(st.text(max_size=20), min_size=1, max_size=5))
@settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
def test_what_the_sink_neutralises_is_read_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    """case_D13: formula injection there and back."""
    desk, stream = Desk(tmp_path_factory.mktemp("back"), {}), io.StringIO(newline="")
    csv.writer(stream).writerows(
        [["id", "date", "memo"], *(["x", "d", neutral(clean(text).strip())] for text in texts)]
    )
    desk.put("a.csv", stream.getvalue())
    assert [one.fields["memo"] for one in desk.read()] == [clean(text).strip() for text in texts]


def test_days_since_leave_out_older_files(desk: Desk) -> None:
    desk.put("old.csv", HEAD + "T-1,2026-01-05,1.00,USD,1,2,,,\n", age=100_000)
    desk.put("new.csv", HEAD + "T-2,2026-01-05,1.00,USD,1,2,,,\n", age=10)
    since = desk.clock.now() - dt.timedelta(hours=1)
    pages = desk.source.read(Query("transaction", since=since))
    assert [record.id for page in pages for record in page.records] == ["T-2"]


def test_a_row_that_could_not_be_read_comes_again_under_its_own_id_once_it_is_said_how(tmp_path: Path) -> None:
    """I1: what the refusal tells people to do brings the record in; what could be read is as it was."""
    before = Desk(tmp_path, WALLET)
    before.put("a.csv", HEAD + "T-1,05/01/2026,1.00,USD,1,2,,,\nT-2,2026-01-06,1.00,USD,1,2,,,\n")
    first, mark = {one.id: one for one in before.read()}, before.mark()
    assert "is no day" in first["T-1"].fields["problem"]
    found = {one.id: one for one in Desk(tmp_path, {**WALLET, "days": "day-month-year"}).read(mark)}
    assert (found["T-1"].fields["date"], found["T-1"].fields["problem"]) == ("2026-01-05", "")
    assert found["T-2"].version == first["T-2"].version
    assert Desk(tmp_path, {**WALLET, "id": "Wallet"}).read(mark) == [], (
        "told apart otherwise, all would be entered anew"
    )
