"""What documents booked on accounts: read from the general ledger of QuickBooks, whole or in pieces, to the cent."""

from __future__ import annotations

import datetime as dt
import importlib.util
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wherry.accounting import ListsDocuments
from wherry.errors import TryAgain
from wherry_quickbooks import postings
from wherry_quickbooks.simulator import reports

_spec = importlib.util.spec_from_file_location("quickbooks_books_bench", Path(__file__).with_name("test_sink.py"))
assert _spec is not None
assert _spec.loader is not None
_bench = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_bench)
made = _bench.made

FULL = {"chart": "full", "currency": "USD"}
FIRST, LAST = dt.date(2026, 1, 1), dt.date(2026, 3, 31)
BANK, SALES, STORAGE = "01010", "40200", "40310"


@pytest.fixture
def bench(made: Any) -> Any:
    return made(None, FULL)


def booked(sim: Any, day: str, amount: str, debit: str = "35", credit: str = "1", **more: Any) -> dict[str, Any]:
    lines = [{"DetailType": "JournalEntryLineDetail", "Amount": Decimal(amount),
              "JournalEntryLineDetail": {"PostingType": side, "AccountRef": {"value": account}}}
             for side, account in (("Debit", debit), ("Credit", credit))]  # fmt: skip
    return dict(sim.write("JournalEntry", {"TxnDate": day, "Line": lines, **more}))


def sold(bench: Any, day: str, amount: str, kind: str = "Invoice", **more: Any) -> dict[str, Any]:
    """A document that a person enters, for a thing sold to the account 40200."""
    sim = bench.sim
    names = {one["DisplayName"]: one["Id"] for one in sim.objects("Customer")}
    things = {one["Name"]: one["Id"] for one in sim.objects("Item")}
    customer = names.get("Acme") or sim.write("Customer", {"DisplayName": "Acme"})["Id"]
    thing = things.get("Hour") or sim.write(
        "Item", {"Name": "Hour", "Type": "Service", "IncomeAccountRef": {"value": "1"}})["Id"]  # fmt: skip
    line = {"DetailType": "SalesItemLineDetail", "Amount": Decimal(amount),
            "SalesItemLineDetail": {"ItemRef": {"value": thing}}}  # fmt: skip
    body = {"TxnDate": day, "CustomerRef": {"value": customer}, "Line": [line], **more}
    return dict(sim.write(kind, body))


def listed(bench: Any, *codes: str, first: dt.date = FIRST, last: dt.date = LAST) -> list[Any]:
    return sorted(bench.sink.documents_on(codes, first, last), key=lambda one: (one.date, one.id))


def sums(found: list[Any]) -> Counter[str]:
    moved: Counter[str] = Counter()
    for line in (line for one in found for line in one.postings):
        moved[line.account] += line.minor if line.side == "debit" else -line.minor
    return moved


def test_documents_tell_type_number_day_and_what_they_booked_on_the_accounts_that_were_asked_for(bench: Any) -> None:
    assert isinstance(bench.sink, ListsDocuments)
    bill = sold(bench, "2026-01-31", "120.10", DocNumber="I-1")
    back = sold(bench, "2026-02-01", "20.10", "CreditMemo", DocNumber="C-1")
    entry = booked(bench.sim, "2026-02-02", "5.00")
    sold(bench, "2025-12-31", "9.99")
    found = listed(bench, SALES)
    assert [(one.id, one.kind, one.number, one.date.isoformat()) for one in found] == [
        (bill["Id"], "Invoice", "I-1", "2026-01-31"),
        (back["Id"], "Credit Memo", "C-1", "2026-02-01"),
        (entry["Id"], "Journal Entry", entry["DocNumber"], "2026-02-02"),
    ]
    assert [[(line.account, line.side, line.minor) for line in one.postings] for one in found] == [
        [(SALES, "credit", 12010)], [(SALES, "debit", 2010)], [(SALES, "credit", 500)]]  # fmt: skip
    assert listed(bench, STORAGE) == []


def test_what_was_voided_or_deleted_books_nothing(bench: Any) -> None:
    voided, gone = (sold(bench, "2026-01-31", "7.00") for _ in range(2))
    for one, how in ((voided, "void"), (gone, "delete")):
        bench.sim.write("Invoice", {"Id": one["Id"], "SyncToken": "0"}, how)
    assert listed(bench, SALES, BANK) == []


DAYS = st.dates(dt.date(2025, 12, 20), dt.date(2026, 4, 10))


@given(st.lists(st.tuples(DAYS, st.sampled_from(["Invoice", "CreditMemo", "SalesReceipt", "entry"]),
                          st.integers(1, 10**9)), max_size=8), st.integers(4, 400))  # fmt: skip
@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_listed_is_all_that_moved_an_account_in_as_many_pieces_as_it_takes(
    made: Any, documents: list[Any], cells: int
) -> None:
    """I8"""
    bench = made(None, FULL)
    for day, kind, cents in documents:
        worth = str(Decimal(cents) / 100)
        booked(bench.sim, str(day), worth) if kind == "entry" else sold(bench, str(day), worth, kind)
    same_day = max([0, *Counter(str(day) for day, *_ in documents).values()])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reports, "MOST_CELLS", max(cells, 20 * same_day))
        found = listed(bench, SALES, BANK, "01100", "01090")
    moved = {row.code: row.debit - row.credit for row in bench.sink.balances(FIRST, LAST)}
    assert {code: minor for code, minor in sums(found).items() if minor} == moved


def test_a_company_with_several_currencies_is_asked_for_amounts_at_home(made: Any) -> None:
    bench = made(None, {**FULL, "multicurrency": True})
    bench.sim.write("CompanyCurrency", {"Code": "EUR", "Name": "Euro"})
    booked(bench.sim, "2026-01-31", "100.00", CurrencyRef={"value": "EUR"}, ExchangeRate=Decimal("1.25"))
    assert sums(listed(bench, SALES, BANK)) == {SALES: -12500, BANK: 12500}


def test_a_day_that_no_report_holds_is_told(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sold(bench, "2026-01-31", "7.00")
    monkeypatch.setattr(reports, "MOST_CELLS", 1)
    with pytest.raises(TryAgain, match="more rows than a report holds"):
        listed(bench, SALES)


@pytest.mark.parametrize("spoilt", ["debt_amt", "tx_date"])
def test_a_report_without_a_column_that_was_asked_for_is_not_believed(
    bench: Any, monkeypatch: pytest.MonkeyPatch, spoilt: str
) -> None:
    """QuickBooks leaves out a column that it does not know, and says nothing."""
    sold(bench, "2026-01-31", "7.00")
    monkeypatch.delitem(reports.COLUMNS, spoilt)
    with pytest.raises(TryAgain, match=spoilt):
        listed(bench, SALES)


def test_columns_of_an_earlier_version_are_known_by_their_type(bench: Any) -> None:
    cells = [{"value": "2026-01-31"}, {"value": "Bill", "id": "9"}, {"value": "5.00"}]
    assert postings._key({"ColTitle": "Date", "ColType": "tx_date"}) == "tx_date"
    section = {"Header": {"ColData": [{"value": "Sales", "id": "1"}]}, "Rows": {"Row": [{"ColData": cells}]}}
    parent = {"Header": {"ColData": [{"value": "Income"}]}, "Rows": {"Row": [section]}}
    assert [account for _, account in postings._cells({"Row": [parent]}, "")] == ["1"]
