"""Documents on the accounts of the hub's entries: the hub's own are told by name, those of others are listed, and what
nothing explains does not tie out."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import msgspec
import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from wherry.accounting import Balance, BookedLine, Entry
from wherry.bookkeeping import documented
from wherry.books import tieout
from wherry.books.held import BothSides, Written
from wherry.store.ledger import LinkRow

from .projects import INVOICES
from .shop import CHARGES
from .test_tieout import Held, Line
from .treasury import treasury

FIRST, LAST, DAY = dt.date(2026, 1, 1), dt.date(2026, 1, 31), dt.date(2026, 1, 15)


class Document(Struct, frozen=True, kw_only=True):
    id: str
    kind: str = "Invoice"
    number: str = ""
    date: dt.date = DAY
    postings: tuple[Line, ...] = ()


def lines(minor: int) -> tuple[Line, ...]:
    return Line("1205", "debit", minor, minor), Line("4010", "credit", minor, minor)


def tied(documents: list[Document] | None, moved: int, **told: Any) -> tieout.TieOut:
    """One entry of the hub over 1.00, and documents; ``moved`` is what the target says of the account 4010."""
    made = tuple(BookedLine(account=one.account, side=one.side, minor=one.minor) for one in lines(100))
    ours = Entry(key="flow|JE 1", number="JE 1", date=DAY, period="2026-01", bucket="", currency="USD", memo="",
                 lines=made, members=())  # fmt: skip
    balances = [Balance("4010", "", max(moved, 0), max(-moved, 0), "USD"), Balance("1205", "", 100, 0, "USD")]
    return tieout.tie(BothSides(
        first=FIRST, last=LAST, written=[Written(entry=ours, id="1")], held=[Held(id="1", stamp="a", lines=lines(100))],
        opening=[], moved=balances, documents=documents, **told,
    ))  # fmt: skip


@given(st.lists(st.tuples(st.booleans(), st.integers(-(10**12), 10**12)), max_size=5), st.integers(-3, 3))
def test_what_documents_booked_is_explained_by_them_to_the_cent_and_the_rest_is_not(
    documents: list[tuple[bool, int]], slip: int
) -> None:
    """b_000_03"""
    some = [Document(id=f"d{n}", postings=(Line("4010", "debit" if minor > 0 else "credit", abs(minor), 0),))
            for n, (_, minor) in enumerate(documents)]  # fmt: skip
    made = {f"d{n}": f"invoice {n}" for n, (own, _) in enumerate(documents) if own}
    total = sum(minor for _, minor in documents)
    found = tied(some, total - 100 + slip, made=made)
    assert {row.account: row.unexplained for row in found.rows} == {"1205": 0, "4010": slip}
    assert found.passes is (slip == 0)
    assert {(one.target, one.made) for one in found.booked} == {
        (f"d{n}", made.get(f"d{n}", "")) for n, (_, minor) in enumerate(documents) if minor}  # fmt: skip


def test_journal_entries_among_the_documents_and_those_of_other_days_are_not_counted_twice() -> None:
    entry = Document(id="1", kind="Journal Entry", postings=(Line("4010", "credit", 100, 0),))
    later = Document(id="9", date=dt.date(2026, 2, 1), postings=(Line("4010", "credit", 7, 0),))
    found = tied([entry, later], -100)
    assert (found.passes, found.booked) == (True, [])


def test_a_target_that_cannot_list_documents_is_told_as_that() -> None:
    found = tied(None, -107)
    [problem] = found.problems
    assert (problem.what, problem.name, found.documented) == ("unexplained", "4010", False)
    assert "the target cannot list" in problem.says
    assert tied(None, -100).passes


def test_what_the_hub_itself_wrote_is_itemised_where_the_target_cannot_list_it() -> None:
    def link(number: int, **body: Any) -> LinkRow:
        return LinkRow("invoice", str(number), f"t{number}", "create", body=msgspec.json.encode(body).decode())

    rows = [link(n, date="2026-01-15", total={"minor": 1050, "currency": "USD"}) for n in range(2)]
    rows += [link(3, date="2026-02-01", total={"minor": 9, "currency": "USD"}), LinkRow("invoice", "4", "t4", "link")]
    assert documented.itemised(rows, FIRST, LAST) == [
        "2 of this hub's documents of these days stand there (invoice, 21.00 USD): the target does not tell what they "
        "booked on which account"
    ]


def test_invoices_of_the_hub_and_of_a_person_on_an_account_of_its_journals_tie_out_and_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """b_000_03, b_004_16"""
    with treasury(tmp_path, monkeypatch, capsys) as desk:
        desk.setting('environment = "simulator"', 'environment = "simulator"\nincome_account = "4010"')
        desk.setting("books_from = 2026-01-01", "books_from = 2010-12-01")
        with (tmp_path / "wherry.toml").open("a", encoding="utf-8") as file:
            file.write(INVOICES[INVOICES.index("[flows.invoices]") :])
        desk.mapped()
        desk.moves("TX-1,2010-12-01,250.00 USD,storage,W1,,")
        (tmp_path / "charges.csv").write_text(CHARGES, "utf-8")
        desk.does("workspace import online-retail charges.csv --currency USD")
        for flow in ("invoices", "wallet-journals"):
            desk.does(f"run {flow}")
        desk.does("journal post wallet-journals --period 2010-12 --yes")
        found = desk.ask("reconcile wallet-journals --period 2010-12")
        own = sorted((one["number"], one["made"], one["minor"]) for one in found["documents"])
        assert own == [("536365", "invoice 536365 of invoices", -3730), ("536366", "invoice 536366 of invoices", -1110),
                       ("536367", "invoice 536367 of invoices", -8160)]  # fmt: skip
        rows = {row["account"]: (row["hub"], row["documents"], row["unexplained"]) for row in found["accounts"]}
        assert rows["4010"] == (-25000, -13000, 0)
        assert found["passes"]
        income = desk.account("4010")["Id"]
        sale = desk.books.write("Item", {"Name": "Sale", "Type": "Service", "IncomeAccountRef": {"value": income}})
        customer = desk.books.write("Customer", {"DisplayName": "Counter sales"})
        line = {
            "DetailType": "SalesItemLineDetail",
            "Amount": 5,
            "SalesItemLineDetail": {"ItemRef": {"value": sale["Id"]}},
        }
        desk.books.write("Invoice", {"DocNumber": "H-1", "CustomerRef": {"value": customer["Id"]}, "Line": [line],
                                     "TxnDate": "2010-12-31"})  # fmt: skip
        screen = desk.does("reconcile wallet-journals --period 2010-12")
        assert "3 other documents were written by this hub" in screen
        assert "1 other document was not made by this hub" in screen
        assert "Invoice H-1   4010   " in screen
        desk.does("close 2010-12 --flow wallet-journals --second-person ben --approve --yes --pack pack.xlsx")
        sheet = openpyxl.load_workbook(tmp_path / "pack.xlsx")["tie-out"]
        told = [(row[0].value, row[1].value, row[8].value, row[10].value) for row in sheet.iter_rows(min_row=2)]
        says = "2010-12-01 Invoice 4010 invoice 536365 of invoices"
        assert ("other document of this hub", "536365", -37.3, says) in told
        assert ("not by this hub", "H-1") in [row[:2] for row in told]
