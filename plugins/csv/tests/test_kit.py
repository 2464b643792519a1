"""The kit's suite of mappers: what a transaction becomes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from wherry.records import Record
from wherry.testing.mappers import MapperSuite, MapperTrial, default_mapper


def record(kind: str, id: str = "901", relatives: Mapping[str, list[Record]] | None = None, **fields: Any) -> Record:
    made = Record(kind=kind, id=id, version="1", payload=json.dumps(fields).encode())
    made.relatives = dict(relatives or {})
    return made


def transaction() -> Record:
    lines = [record("movement_line", f"T-1:{side}", side=side, amount="100.10", account=account, description="mined")
             for side, account in (("debit", "1000"), ("credit", "4000"))]  # fmt: skip
    return record("transaction", "T-1", {"movement_line": lines}, date="2026-01-05", currency="USD", wallet="W1",
                  gain="-3.10", description="mined", reference="TX")  # fmt: skip


class TestCsvTransactions(MapperSuite):
    @pytest.fixture
    def trial(self) -> MapperTrial:
        return MapperTrial(
            make=lambda: default_mapper("csv", "transaction", document="journal"), records=lambda: [transaction()]
        )
