"""The kit's suite for sources on a folder: a file for each record, and several rows to a page."""

from __future__ import annotations

import csv
import itertools
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from wherry.http import Files
from wherry.testing.clock import FakeClock
from wherry.testing.sources import SourceSuite, Trial
from wherry_csv.settings import CsvSettings
from wherry_csv.source import CsvSource

PAGE = 4
COLUMNS = ("id", "date", "amount", "currency", "debit", "credit", "description")


class TestTransactions(SourceSuite):
    @pytest.fixture
    def trial(self, tmp_path: Path) -> Trial:
        clock, folder, numbers = FakeClock(), tmp_path / "in", itertools.count(1)
        folder.mkdir()
        records = {"transaction": {"files": "wallet-*.csv", "id": "id"}}
        settings = CsvSettings.model_validate({"folder": folder, "records": records, "page_size": PAGE, "quiet": 0})

        def write(name: str, text: str) -> None:
            path = folder / f"wallet-{name}.csv"
            with path.open("w", newline="") as stream:
                csv.writer(stream).writerows([COLUMNS, (name, "2026-01-05", "12.50", "USD", "1000", "4000", text)])
            moment = int(clock.now().timestamp() * 10**9)
            os.utime(path, ns=(moment, moment))

        def said(name: str, text: str) -> str:
            """A file as spreadsheets write it: in UTF-8, without the letters that no file of text holds."""
            kept = text.replace("\x00", "")
            write(name, kept)
            return kept.strip()

        def holds(name: str) -> dict[str, str]:
            with (folder / f"wallet-{name}.csv").open(newline="") as stream:
                (row,) = csv.DictReader(stream)
            return {"date": row["date"], "description": row["description"], "amount": row["amount"]}

        def create(count: int) -> Sequence[str]:
            names = [f"{next(numbers):05d}" for _ in range(count)]
            for name in names:
                write(name, "")
            return names

        return Trial(
            make=lambda: CsvSource(Files(folder), settings, clock),
            kind="transaction",
            fields=("description", "date", "amount"),
            relatives={"movement_line": ("side", "amount")},
            create=create,
            change=lambda name: write(name, f"at {clock.now()}"),
            wait=clock.advance,
            clock=clock,
            page=PAGE,
            write=said,
            holds=holds,
        )
