"""The kit's suite of mappers, tried on the default maps of our plugins: data, run by the core's own mapper."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from wherry.records import Description, Pipeline, Record, Stage
from wherry.testing.mappers import MapperSuite, MapperTrial, default_mapper

DEALS = Description(
    pipelines=(
        Pipeline("default", "Sales", (Stage("closedwon", "Won", "1", True), Stage("open", "Open", "0.4", False))),
    )
)
MIDNIGHT = "2026-03-02"


def record(kind: str, id: str = "901", relatives: Mapping[str, list[Record]] | None = None, **fields: Any) -> Record:
    made = Record(kind=kind, id=id, version="1", payload=json.dumps(fields).encode())
    made.relatives = dict(relatives or {})
    return made


def usd(minor: int) -> dict[str, Any]:
    return {"minor": minor, "currency": "USD"}


def deal(stage: str = "closedwon") -> Record:
    line = {"name": "GTX Pro", "quantity": "2", "price": "527.05", "amount": "1054.10", "hs_sku": "GTX-PRO"}
    file = {"name": "a.pdf", "media_type": "application/pdf", "size": 3, "activity": "note", "activity_id": "4"}
    near = {
        "company": [record("company", "17", name="Acme", domain="acme.example", zip="04109", city="Portland")],
        "line_item": [record("line_item", "5", **line), record("line_item", "6", name="Ballast", amount="0.01")],
        "owner": [record("owner", "1", name="Ann Lee")],
        "file": [record("file", "88", **file)],
    }
    return record("deal", "901", near, dealname="Rail", amount="1054.10", deal_currency_code="USD", pipeline="default",
                  dealstage=stage, closedate=MIDNIGHT, description="a\nb")  # fmt: skip


def entry() -> Record:
    lines = [record("accounting_entry_line", f"1:{side}", side=side, account=account, amount="12.50")
             for side, account in (("debit", "5600"), ("credit", "1010"))]  # fmt: skip
    return record("accounting_entry", "1001", {"accounting_entry_line": lines}, amount="12.50", currency="DKK",
                  date="2026-01-31 00:00:00", text="Faktura 10017")  # fmt: skip


def invoice(status: str = "Invoiced") -> Record:
    line = record("invoice_line", "7:0", amount=usd(1250), description="oak", quantity="2", rate="6.25")
    line.relatives = {"product": [record("product", "P-1", name="Post", sku="POST-1")]}
    near = {"location": [record("location", "L-1", name="Yard 7", gl_number="4711", country="Ireland")],
            "invoice_line": [line], "product": [record("product", "P-1", name="Post", sku="POST-1")]}  # fmt: skip
    return record("invoice", "I-1", near, number="17", date=MIDNIGHT, due_date="2026-04-01", status=status,
                  total=usd(1250), memo="thanks")  # fmt: skip


def transaction() -> Record:
    lines = [record("movement_line", f"T-1:{side}", side=side, amount="100.10", account=account, description="mined")
             for side, account in (("debit", "1000"), ("credit", "4000"))]  # fmt: skip
    return record("transaction", "T-1", {"movement_line": lines}, date="2026-01-05", currency="USD", wallet="W1",
                  gain="-3.10", description="mined", reference="TX")  # fmt: skip


class TestHubSpotDeals(MapperSuite):
    @pytest.fixture
    def trial(self) -> MapperTrial:
        flow = {"pipelines": ({"id": "default", "stages": ("closedwon",)},)}
        return MapperTrial(
            make=lambda: default_mapper("hubspot", "deal", timezone="America/Chicago", description=DEALS, **flow),
            records=lambda: [deal()],
            left_out=lambda: [deal("open")],
        )


class TestTraedeEntries(MapperSuite):
    @pytest.fixture
    def trial(self) -> MapperTrial:
        return MapperTrial(
            make=lambda: default_mapper("traede", "accounting_entry", currency="DKK", timezone="Europe/Copenhagen",
                                        document="journal"),
            records=lambda: [entry()],
        )  # fmt: skip


class TestWorkspaceInvoices(MapperSuite):
    @pytest.fixture
    def trial(self) -> MapperTrial:
        return MapperTrial(
            make=lambda: default_mapper("workspace", "invoice", document="invoice"),
            records=lambda: [invoice()],
            left_out=lambda: [invoice("Draft")],
        )


class TestCsvTransactions(MapperSuite):
    @pytest.fixture
    def trial(self) -> MapperTrial:
        return MapperTrial(
            make=lambda: default_mapper("csv", "transaction", document="journal"), records=lambda: [transaction()]
        )


class TestQuickBooksCustomers(MapperSuite):
    @pytest.fixture
    def trial(self) -> MapperTrial:
        told = {"DisplayName": "Acme Rail", "AcctNum": "C-17", "CurrencyRef_value": "USD", "Notes": "Pays late",
                "BillAddr_Line1": "1 Dock", "BillAddr_City": "Duluth"}  # fmt: skip
        return MapperTrial(
            make=lambda: default_mapper("quickbooks", "customer"), records=lambda: [record("customer", "58", **told)]
        )


class TestQuickBooksDesktopItems(MapperSuite):
    @pytest.fixture
    def trial(self) -> MapperTrial:
        told = {"FullName": "Rail:Bolt", "Name": "Bolt", "ManufacturerPartNumber": "B-8", "Type": "ItemService",
                "SalesOrPurchase_Price": "12.50", "SalesOrPurchase_Desc": "A bolt"}  # fmt: skip
        return MapperTrial(
            make=lambda: default_mapper("qbwc", "product"), records=lambda: [record("product", "80-1", **told)]
        )
