"""The kit's suite of mappers: what an invoice becomes."""

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


def usd(minor: int) -> dict[str, Any]:
    return {"minor": minor, "currency": "USD"}


def invoice(status: str = "Invoiced") -> Record:
    line = record("invoice_line", "7:0", amount=usd(1250), description="oak", quantity="2", rate="6.25")
    line.relatives = {"product": [record("product", "P-1", name="Post", sku="POST-1")]}
    near = {"location": [record("location", "L-1", name="Yard 7", gl_number="4711", country="Ireland")],
            "invoice_line": [line], "product": [record("product", "P-1", name="Post", sku="POST-1")]}  # fmt: skip
    return record("invoice", "I-1", near, number="17", date="2026-03-02", due_date="2026-04-01", status=status,
                  total=usd(1250), memo="thanks")  # fmt: skip


class TestWorkspaceInvoices(MapperSuite):
    @pytest.fixture
    def trial(self) -> MapperTrial:
        return MapperTrial(
            make=lambda: default_mapper("workspace", "invoice", document="invoice"),
            records=lambda: [invoice()],
            left_out=lambda: [invoice("Draft")],
        )
