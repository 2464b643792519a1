"""Two flows that book at one moment never give two entries one number."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from wherry.books import booking
from wherry.books.gathered import Looked
from wherry.cli import app

from .treasury import ACCOUNTS, Treasury, treasury

SECOND = """
[flows.sales-journals]
source = "platform"
sink = "books"
kinds = ["invoice"]
document = "journal"
when = { status = "invoiced" }
accounts = "tables/accounts.csv"
clearing = "1205"
group = "week"
week_start = "monday"
books_from = 2026-01-01
approval = "required"
[flows.sales-journals.match.customer]
order = ["link", "reference"]
unmatched = "create"
"""
CHARGES = """InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
536365,1001,Oak bench,6,06/01/2026 08:26,2.55,17850,United Kingdom
"""


@pytest.fixture
def desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], store_url: str
) -> Iterator[Treasury]:  # fmt: skip
    with treasury(tmp_path, monkeypatch, capsys, store=store_url) as made:
        with (tmp_path / "wherry.toml").open("a", encoding="utf-8") as file:
            file.write(SECOND)
        made.mapped(f"{ACCOUNTS}product,4020,4020\nreceivable,1205,1205\n")
        rows = "date,amount,category,type\n2026-01-05,100.00 USD,storage,transaction\n"
        (tmp_path / "moves.csv").write_text(rows, "utf-8")
        (tmp_path / "charges.csv").write_text(CHARGES, "utf-8")
        made.once("both imported", lambda: both_imported(made))
        yield made


def both_imported(desk: Treasury) -> None:
    desk.does("workspace import ledger-transaction moves.csv")
    desk.does("workspace import online-retail charges.csv --currency USD")


def test_a_number_that_another_flow_took_between_look_and_writing_is_not_given_out_again(
    desk: Treasury, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both looked when the number was free; whoever writes second looks again."""
    real, nested = booking.look, list[str]()

    def look(*args: object) -> Looked:
        found: Looked = real(*args)  # type: ignore[arg-type]
        if not nested:
            nested.append("sales-journals")
            assert app.run(["run", "sales-journals"]) == 0
        return found

    monkeypatch.setattr(booking, "look", look)
    desk.does("run wallet-journals")
    desk.does("approve wallet-journals --all --yes")
    desk.does("approve sales-journals --all --yes")
    numbers = [one["DocNumber"] for one in desk.entries()]
    assert len(numbers) == len(set(numbers)) == 2
    assert "JE-TXN-2026W02" in numbers
