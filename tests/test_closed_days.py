"""Nothing is sent that is dated into books which are closed here, whoever said that it may be: case C12."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from wherry.protocol import closed_days

from .drained import ROUTE, Books, books
from .treasury import Treasury, treasury

FLOW = "wallet-journals"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Books]:
    with books(tmp_path, f"sqlite:///{tmp_path / 'store' / 'wherry.db'}", monkeypatch) as made:
        yield made


@pytest.fixture
def journals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Treasury]:
    with treasury(tmp_path, monkeypatch, capsys) as made:
        made.mapped()
        yield made


def closed(desk: Books, day: str) -> None:
    with desk.stored() as store, store.write() as tx:
        closed_days.put(tx, ROUTE.sink, dt.date.fromisoformat(day) if day else None)


def test_a_document_of_closed_days_is_refused_where_it_would_leave_and_others_go_on(desk: Books) -> None:
    """case_C12"""
    desk.bill("1")
    desk.run()
    closed(desk, "2026-06-30")
    desk.bill("1", "11.00")
    desk.bill("2", date="2026-06-30")
    desk.bill("3", date="2026-07-01")
    assert desk.run().exit_code == 4
    assert desk.effects() == [
        ("created", "INV-1", "10.00"),
        ("updated", "INV-1", "11.00"),
        ("created", "INV-3", "10.00"),
    ]
    [held] = desk.items().values()
    assert (held.key, held.state, held.field) == ("id:2", "refused", "date")
    assert held.reason == "INV-2 is dated 2026-06-30, and the books of books are closed here up to 2026-06-30"
    closed(desk, "2026-05-31")
    desk.again("2")
    assert desk.run().exit_code == 0
    assert desk.done("2") == [("created", "10.00")]


def test_what_stands_in_closed_days_is_neither_moved_out_of_them_nor_taken_back_for_another_form(
    journals: Treasury,
) -> None:
    """case_C12: a credit note in place of an invoice was held, and the invoice was voided all the same."""
    project = journals.folder / "wherry.toml"
    flow = '[flows.invoices]\nsource = "platform"\nsink = "books"\nkinds = ["invoice"]\nrepeat = "always"\n'
    project.write_text(project.read_text("utf-8") + flow, "utf-8")
    sold = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
    rows = "".join(f"{n},S,Fitting,2,13/01/2026 10:00,5.00,17850,UK\n" for n in (7, 8))
    (journals.folder / "sold.csv").write_text(sold + rows, "utf-8")
    journals.does("workspace import online-retail sold.csv")
    journals.does("run invoices")
    before = [(one["DocNumber"], one["TxnDate"], one["TotalAmt"]) for one in journals.books.objects("Invoice")]
    assert len(before) == 2
    journals.does("periods close 2026-01 --target books")
    journals.does("workspace edit invoice 7 lines[0].amount='-10.00 USD' lines[0].quantity=-2 total='-10.00 USD'")
    journals.does("workspace edit invoice 8 date=2026-02-03")
    journals.type("run invoices")
    held = [(one["DocNumber"], one["TxnDate"], one["TotalAmt"]) for one in journals.books.objects("Invoice")]
    assert (held, journals.books.objects("CreditMemo")) == (before, [])
    told = {row["reason"].split(",")[0] for row in journals.ask("errors list")["items"]}
    assert told == {"7 is dated 2026-01-13", "7 stands there dated 2026-01-13", "8 stands there dated 2026-01-13"}
    journals.does("periods reopen 2026-01 --target books")
    journals.type("errors retry --class refused --flow invoices")
    assert [one["DocNumber"] for one in journals.books.objects("CreditMemo")] == ["7"]
    assert sorted((one["TxnDate"], one["TotalAmt"]) for one in journals.books.objects("Invoice")) == [
        ("2026-01-13", 0), ("2026-02-03", 10)]  # fmt: skip


def test_what_was_prepared_is_not_sent_by_a_word_that_is_given_after_its_period_was_closed(journals: Treasury) -> None:
    """case_C12"""
    journals.moved(("2026-01-05", "100.00 USD", "storage", "hot", "A"))
    journals.does(f"run {FLOW}")
    assert journals.ask("periods close 2026-01 --target books")["kept"] == []
    journals.does(f"approve {FLOW} --all --yes")
    assert journals.entries() == []
    [held] = journals.ask(f"journal preview {FLOW}")["left_out"]
    assert (held["reason"], held["minor"]) == ("held", 10000)
