"""Journal entries in other currencies than the company's: their rate is sent, compared, and to the right currency."""

from __future__ import annotations

import datetime as dt
import importlib.util
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from wherry.accounting import BarsAccounts, BookedLine, BooksRounding, Entry
from wherry.books import rates
from wherry.books.drafts import draft_of
from wherry.books.rates import Rate
from wherry.errors import Rejected, TryAgain

_spec = importlib.util.spec_from_file_location("quickbooks_currency_bench", Path(__file__).with_name("test_sink.py"))
assert _spec is not None
assert _spec.loader is not None
_bench = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_bench)
item, made, update = _bench.item, _bench.made, _bench.update

DAY = dt.date(2026, 3, 31)
EXCHANGE = "79000"


@pytest.fixture
def bench(made: Any) -> Any:
    found = made(None, {"chart": "full", "currency": "USD", "multicurrency": True})
    found.sim.write("CompanyCurrency", {"Code": "EUR"})
    found.sink.check()
    return found


def body(parts: list[int], rate: Decimal, number: str = "W-1") -> dict[str, Any]:
    """An entry in EUR with a debit for each part, as the books make it."""
    lines = [BookedLine(account="01010", side="debit", minor=minor) for minor in parts]
    lines.append(BookedLine(account="40200", side="credit", minor=sum(parts)))
    told = Entry(key="k", number=number, date=DAY, period="2026-03", bucket="2026-03", currency="EUR", memo="",
                 lines=tuple(lines), members=(1,))  # fmt: skip
    found = rates.valued(told, Rate(rate=rate, source="ECB, 2026-03-31"), "USD")
    made: dict[str, Any] = draft_of("k", found).body
    return {**made, **({"rounding_account": EXCHANGE} if found.rounding else {})}


def test_it_says_where_it_books_rounding_and_what_it_bars(bench: Any) -> None:
    sink: Any = bench.sink
    assert isinstance(sink, BooksRounding)
    assert isinstance(sink, BarsAccounts)
    assert bench.sink.rounding_account() == EXCHANGE
    before = len(bench.sim.history.requests())
    assert len(list(bench.sink.accounts())) > 10
    assert bench.sink.rounding_account() == EXCHANGE
    assert len(bench.sim.history.requests()) == before + 1, "the chart that was read tells it"
    assert {(one.type, one.with_party) for one in bench.sink.barred} == {("receivable", True), ("payable", False)}


def test_the_rate_is_sent_and_one_that_was_changed_there_differs(bench: Any) -> None:
    one = item("journal_entry", body([3333, 3334], Decimal("1.0850")))
    answer = bench.written(one)
    assert answer.facts == bench.sink.facts(one)
    assert answer.facts["exchange rate"] == "1.085"
    held = bench.held("JournalEntry")
    assert (held["ExchangeRate"], held["CurrencyRef"]["value"]) == (Decimal("1.085"), "EUR")
    bench.sim.write("JournalEntry", {"Id": held["Id"], "SyncToken": held["SyncToken"], "sparse": True,
                                     "ExchangeRate": Decimal("1.2")}, "update")  # fmt: skip
    other = bench.sink.facts(item("journal_entry", body([3333, 3334], Decimal("1.2"))))
    assert other["exchange rate"] == "1.2"
    assert {name for name in other if other[name] != answer.facts.get(name)} == {"exchange rate"}


def test_a_rate_to_another_currency_than_the_companys_is_held(bench: Any) -> None:
    told = {**body([100], Decimal("0.85")), "home": "GBP"}
    with pytest.raises(Rejected, match="its exchange rate is to GBP, and the books are kept in USD") as caught:
        bench.sink.encode([item("journal_entry", told)])
    assert caught.value.code == "WHERRY-4637"


def test_receivables_of_two_customers_in_an_entry_are_held(bench: Any) -> None:
    """case_C16"""
    lines = [
        {"side": side, "account": account, "amount": {"minor": minor, "currency": "USD"}, "customer": who}
        for side, account, minor, who in (
            ("debit", "01100", 100, "1"), ("debit", "01100", 50, "2"), ("credit", "40200", 150, ""),
        )
    ]  # fmt: skip
    told = {"number": "W-2", "date": "2026-03-31", "currency": "USD", "lines": lines}
    with pytest.raises(Rejected, match="name 2 customers, and QuickBooks takes one in an entry") as caught:
        bench.sink.encode([item("journal_entry", told)])
    assert caught.value.code == "WHERRY-4776"


PARTS = st.lists(st.integers(1, 10**7), min_size=1, max_size=6)
RATES = st.decimals(min_value="0.01", max_value="50", places=5, allow_nan=False)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PARTS, RATES)
def test_what_quickbooks_books_at_home_is_what_the_books_said_to_the_cent(
    bench: Any, parts: list[int], rate: Decimal
) -> None:
    """I8, I9"""
    bench.number = getattr(bench, "number", 0) + 1
    told = body(parts, rate, f"W-{bench.number}")
    bench.written(item("journal_entry", told, key=told["number"]))
    [found] = [one for one in bench.sink.journal_entries(DAY, DAY) if one.number == told["number"]]
    assert [line.home for line in found.lines if line.minor] == [line["home"]["minor"] for line in told["lines"]]
    left = [(line.account, line.home if line.side == "debit" else -line.home) for line in found.lines if not line.minor]
    assert left == ([(EXCHANGE, told["rounding"]["minor"])] if "rounding" in told else [])


def test_a_sale_in_another_currency_goes_with_the_rate_of_its_day_or_is_held(made: Any, tmp_path: Path) -> None:
    """C3, C5: QuickBooks counts a euro as a dollar where nobody says a rate. What a person sets there later stays."""
    books = {"chart": "full", "currency": "USD", "multicurrency": True}
    euros = {"currency": "EUR", "minor": 2500}

    def one(bench: Any, **more: Any) -> Any:
        bench.sim.write("CompanyCurrency", {"Code": "EUR"})
        who = bench.sim.write("Customer", {"DisplayName": "Kontor", "CurrencyRef": {"value": "EUR"}})["Id"]
        return item("invoice", {**bench.invoice(total=euros), "customer": who, **more})

    bench = made(None, books)
    with pytest.raises(
        Rejected, match=r"has no rate from EUR to USD for 2026-03-31 .* would count 1 EUR as 1 USD"
    ) as held:
        bench.sink.encode([one(bench)])
    assert (held.value.code, held.value.fix[:43]) == ("WHERRY-4777", "add the rate to tables/rates.csv (columns d")
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables/rates.csv").write_text("date,from,to,rate\n2026-03-27,EUR,USD,1.085\n")
    bench = made(None, books)
    bench.sink._services = replace(bench.sink._services, folder=tmp_path)
    bench.sink.check()
    first = one(bench)
    answer = bench.written(first)
    assert (bench.held("Invoice")["CurrencyRef"]["value"], bench.held("Invoice")["HomeTotalAmt"]) == (
        "EUR",
        Decimal("27.13"),
    )
    [call] = bench.sink.encode([update(first, answer, {**first.body, "memo": "March"})])
    assert b"ExchangeRate" not in call.body
    (tmp_path / "tables/rates.csv").write_text("kept by somebody for something else\n")
    bench = made(None, {"currency": "USD"})
    bench.sink._services = replace(bench.sink._services, folder=tmp_path)
    assert bench.sink.check().id, "a company of one currency needs no rates"


def test_a_company_of_several_currencies_that_does_not_say_its_own_is_not_written_to(made: Any) -> None:
    """C3: each document would be held for want of a rate to nothing."""
    bench = made(None, {"chart": "full", "currency": "USD", "multicurrency": True})
    del bench.sim.company().preferences["CurrencyPrefs"]["HomeCurrency"]
    bench.sink._client._company = None
    with pytest.raises(TryAgain, match="HomeCurrency is missing"):
        bench.sink.check()
