"""What sinks of accounting systems share: one reading of a body, whoever it goes to."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from wherry.accounting import ChartAccount
from wherry.decoding import exact_object
from wherry.errors import ConfigError, Rejected
from wherry.posting import bodies, entries, facts, texts
from wherry.posting.accounts import Chart
from wherry.posting.tables import tax_codes
from wherry.records import Item, Reply


def money(minor: int, currency: str = "USD") -> dict[str, Any]:
    return {"minor": minor, "currency": currency}


def item(**body: Any) -> Item:
    return Item(entity="invoice", key="id:1", stamp="s" * 26, body={"number": "I-1", "date": "2026-01-31", **body})


def test_a_line_is_called_by_its_service_or_the_beginning_of_its_text_in_one_line() -> None:
    texts_of = ({"service": "Storage", "description": "of silk"}, {"description": "silk\r\n " + "x" * 90}, {})
    assert [bodies.called(line) for line in texts_of] == ["Storage", f"silk {'x' * 54}…", "no name"]


LINES = [{"amount": money(1144), "tax_rate": "20"}] * 3
NETS = [Decimal("11.44")] * 3


def test_tax_is_rounded_once_for_each_rate() -> None:
    assert bodies.reckoned_tax(item(lines=LINES), NETS, "USD") == Decimal("6.86")


def test_nothing_of_a_product_is_cut_before_it_is_rounded() -> None:
    assert bodies.times(Decimal("0.999999999999999"), Decimal("1.005000000000001005"), "USD") == 1


def test_a_document_comes_to_what_it_says_or_to_its_lines_with_their_tax() -> None:
    assert bodies.total_of(item(lines=LINES), NETS, "USD") == Decimal("41.18")
    assert bodies.total_of(item(lines=LINES, tax=money(687)), NETS, "USD") == Decimal("41.19")
    assert bodies.total_of(item(lines=LINES, total=money(5000)), NETS, "USD") == Decimal(50)


@pytest.mark.parametrize(("body", "why"), [
    ({"total": money(3433)}, "its total is 34.33 USD, its lines and tax come to 34.32"),
    ({"total": money(4000), "tax": money(686)}, "its lines and tax come to 41.18"),
    ({"tax": money(-4000)}, "its total is -5.68 USD, and none below zero is taken"),
])  # fmt: skip
def test_a_total_that_disagrees_is_refused(body: dict[str, Any], why: str) -> None:
    lines = [{"amount": money(1144)}] * 3
    with pytest.raises(Rejected, match=why) as caught:
        bodies.adds_up(item(lines=lines, **body), NETS, "USD")
    assert caught.value.where["item"] == "s" * 26


def test_a_total_may_hold_the_tax_that_only_a_rate_tells() -> None:
    bodies.adds_up(item(lines=LINES, total=money(4119)), NETS, "USD")


def test_a_document_of_two_currencies_is_refused() -> None:
    assert bodies.currency_of(item(lines=LINES), "GBP") == "USD"
    assert bodies.currency_of(item(), "GBP") == "GBP"
    with pytest.raises(Rejected, match="its amounts are in GBP and USD"):
        bodies.currency_of(item(lines=LINES, total=money(1, "GBP")), "GBP")


def test_a_date_in_closed_books_is_seen_of_the_last_body_too() -> None:
    moved = item()
    moved.before = {"date": "2025-12-31"}
    closed = dt.date(2025, 12, 31)
    assert [bodies.closed_date(one, closed) for one in (item(), moved)] == ["", "2025-12-31"]
    assert bodies.closed_date(moved, None) == ""


def test_what_cannot_be_said_any_more_is_nothing_to_compare_with() -> None:
    changed = item()
    changed.before = {}
    assert bodies.as_before(changed, lambda last: {"customer": bodies.customer_of(last)}) == {}


def test_an_entry_is_taken_back_under_a_number_of_its_own() -> None:
    assert entries.turned(item(memo="Rent")).body["memo"] == "Reverses I-1. Rent"
    assert entries.turned(item()).body["number"] == "I-1R"


def test_an_exchange_rate_to_another_currency_than_that_of_the_books_is_refused() -> None:
    assert entries.exchange_rate(item(exchange_rate="1.25", home="USD"), "GBP", "USD") == Decimal("1.25")
    assert entries.exchange_rate(item(exchange_rate="1.25"), "USD", "USD") is None
    with pytest.raises(Rejected, match="its exchange rate is to EUR"):
        entries.exchange_rate(item(exchange_rate="1.25", home="EUR"), "GBP", "USD")


def test_an_entry_goes_by_its_home_amounts_where_the_target_keeps_one_currency() -> None:
    line = {"account": "1", "side": "debit", "amount": money(100, "EUR")}
    told = item(lines=[{**line, "home": money(110)}], rounding=money(1), rounding_account="9", memo="Rent")
    made = [(one["account"], one["amount"]["minor"]) for one in entries.lines_at_home(told, "USD")]
    assert made == [("1", 110), ("9", 1)]
    assert entries.number_in(entries.narration(told, 20)) == "I-1"
    with pytest.raises(Rejected, match="line 1 is in EUR, and entries are in USD there"):
        list(entries.lines_at_home(item(lines=[line]), "USD"))


@pytest.mark.parametrize(("word", "why"), [
    ("4100", "Books has no account 4100; near it: "), ("sales", "could mean Sales .id 1. and Sales .id 2."),
    ("5000", "account 5000 .Costs. is inactive"), ("6000", "account 6000 .Other. is a heading, or one without"),
])  # fmt: skip
def test_a_word_that_means_no_one_account_that_takes_lines_is_refused(word: str, why: str) -> None:
    chart = Chart(
        [
            ChartAccount(id="1", code="4000", name="Sales"), ChartAccount(id="2", code="4001", name="Sales"),
            ChartAccount(id="3", code="5000", name="Costs", active=False),
            ChartAccount(id="4000", code="6000", name="Other", posting=False),
        ],
        "Books",
    )  # fmt: skip
    assert chart.account(" 4000 ", item(), "lines[0].account").id == "1"
    with pytest.raises(Rejected, match=why):
        chart.account(word, item(), "lines[0].account")


@pytest.mark.parametrize(("rows", "why"), [
    ([{"rate": "x", "code": "A"}], "line 2: the rate 'x' is no number"),
    ([{"rate": "20 %", "code": "A"}, {"rate": "20", "code": "B"}], "line 3: the rate 20 has two codes"),
    ([{"rate;code": "20;A"}], "line 1: its columns are rate;code"), ([{"rate": "20", "code": " "}], "no code beside"),
])  # fmt: skip
def test_a_table_of_tax_rates_says_in_which_line_it_is_wrong(rows: list[dict[str, str]], why: str) -> None:
    assert tax_codes("t.csv", [{"rate": "8.25 %", "code": "A"}, {"rate": "", "code": "B"}]) == {
        Decimal("8.25"): "A", None: "B",
    }  # fmt: skip
    with pytest.raises(ConfigError, match=why):
        tax_codes("t.csv", rows)


def test_texts_are_one_line_and_end_with_an_ellipsis() -> None:
    assert texts.clean("a\u2028b \ud800\tc\x00 ") == "a b c"
    assert (texts.cut("abc def", 5), texts.cut(None, 5)) == ("abc…", "")


def test_amounts_are_told_with_all_their_decimals() -> None:
    assert [facts.money(one, "USD") for one in (Decimal("12.5"), "0.125", None)] == [
        "12.50 USD",
        "0.125 USD",
        "0.00 USD",
    ]
    assert [facts.plain(one) for one in ("2.0", Decimal("1E+2"), None)] == ["2", "100", "0"]


def test_numbers_of_an_answer_keep_all_digits() -> None:
    assert exact_object(b'{"a": 1.10}') == {"a": Decimal("1.10")}
    for junk in (b"[1]", b"\xff", b"{", b"[" * 100_000, b'{"a": NaN}', b'{"a": [-Infinity]}'):
        with pytest.raises(ValueError):
            exact_object(junk)


def test_an_answer_says_how_long_to_wait_or_does_not() -> None:
    assert [Reply(status=429, headers={"retry-after": told}).wait(60.0) for told in ("2.5", "soon")] == [2.5, 60.0]
