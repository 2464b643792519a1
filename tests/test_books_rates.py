"""Exchange rates: read from a table, home amounts in integers, and what rounding leaves booked where the flow says."""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal, localcontext
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wherry.accounting import BookedLine, Bucket, Entry, LeftOut, Movement, MovementLine
from wherry.bookkeeping.trail import entry_of
from wherry.books import grouping, rates
from wherry.books.drafts import draft_of
from wherry.books.rates import Rate, Rates, Terms, read_rates
from wherry.entities import check
from wherry.errors import ConfigError

DAY = dt.date(2026, 1, 31)
CURRENCIES = ("EUR", "JPY", "KWD", "CLF")
TABLE = """date,from,to,rate,source
2026-01-29,EUR,USD,1.08,ECB
2026-01-30,EUR,USD,1.0850,ECB
2026-01-05,GBP,USD,1.27,
2026-01-30,USD,CHF,0.91,ECB
"""


def table(folder: Path, text: str = TABLE) -> Rates:
    path = folder / "rates.csv"
    path.write_text(text, "utf-8")
    return read_rates(path, "tables/rates.csv")


def entry(*lines: tuple[str, str, int], currency: str = "EUR", **more: Any) -> Entry:
    made = tuple(BookedLine(account=account, side=side, minor=minor) for account, side, minor in lines)  # type: ignore[arg-type]
    return Entry(key="k", number="JE 1", date=DAY, period="2026-01", bucket="2026-01", currency=currency, memo="",
                 lines=made, members=(1, 2), **more)  # fmt: skip


def net(found: Entry) -> int:
    return sum(line.minor if line.side == "debit" else -line.minor for line in found.lines)


# -- the table ---------------------------------------------------------------------------------------------------------


def test_the_rate_of_a_day_is_that_of_the_last_working_day_but_never_an_old_one(tmp_path: Path) -> None:
    held = table(tmp_path)
    assert held.find(DAY, "EUR", "USD") == Rate(rate=Decimal("1.0850"), source="ECB, 2026-01-30")
    assert held.find(dt.date(2026, 1, 29), "EUR", "USD") == Rate(rate=Decimal("1.08"), source="ECB, 2026-01-29")
    assert held.find(dt.date(2026, 1, 28), "EUR", "USD") is None, "a rate of later days is none"
    assert held.find(dt.date(2026, 1, 12), "GBP", "USD") == Rate(
        rate=Decimal("1.27"), source="tables/rates.csv, 2026-01-05"
    )
    assert held.find(dt.date(2026, 1, 13), "GBP", "USD") is None


def test_a_rate_is_not_turned_round_by_itself_and_the_sentence_says_so(tmp_path: Path) -> None:
    held = table(tmp_path)
    assert held.find(DAY, "CHF", "USD") is None
    assert "USD to CHF only" in held.missing(DAY, "CHF", "USD")
    assert "add it to tables/rates.csv" in held.missing(DAY, "SEK", "USD")
    assert "name a table of rates" in Rates().missing(DAY, "SEK", "USD")


@pytest.mark.parametrize(
    ("row", "column", "word"),
    [
        ("31.01.2026,EUR,USD,1.08,", "date", "no date"),
        ("2026-01-31,EUR,USD,'1,08',", "rate", "plain decimal"),
        ("2026-01-31,EUR,USD,0,", "rate", "above zero"),
        ("2026-01-31,EUR,USD,-1.08,", "rate", "above zero"),
        ("2026-01-31,EUR,USD,1e3,", "rate", "plain decimal"),
        ("2026-01-31,BTC,USD,1.08,", "from", "ISO 4217"),
        ("2026-01-31,EUR,dollar,1.08,", "to", "ISO 4217"),
        ("2026-01-30,eur,usd,1.08,", "date", "row 3 already"),
    ],
)
def test_a_table_of_rates_that_cannot_be_meant_is_refused_by_row_and_column(
    tmp_path: Path, row: str, column: str, word: str
) -> None:
    with pytest.raises(ConfigError, match=word) as caught:
        table(tmp_path, TABLE + row.replace("'", '"') + "\n")
    assert (caught.value.code, caught.value.where["row"], caught.value.where["column"]) == ("WHERRY-2650", 6, column)


# -- home amounts ------------------------------------------------------------------------------------------------------

MINOR = st.integers(min_value=1, max_value=10**13)
RATE = st.decimals(min_value="0.000001", max_value="99999", places=9, allow_nan=False).filter(lambda one: one > 0)


@settings(deadline=None)
@given(MINOR, RATE, st.sampled_from(CURRENCIES))
def test_home_amounts_are_rounded_half_up_whatever_the_decimals(minor: int, rate: Decimal, currency: str) -> None:
    """case_C5"""
    places = {"EUR": 2, "JPY": 0, "KWD": 3, "CLF": 4}[currency]
    with localcontext() as wide:
        wide.prec = 200
        exact = Decimal(minor) * rate * 100 / 10**places
        if exact <= 10**15:
            assert rates.converted(minor, currency, rate, "USD") == int(exact.quantize(Decimal(1), ROUND_HALF_UP))


SPLITS = st.lists(st.tuples(st.integers(1, 10**9), st.booleans()), min_size=1, max_size=12)


def split(parts: list[tuple[int, bool]], currency: str) -> Entry:
    """A balanced entry: each amount on a side of its own, and what is left over against it."""
    lines = [(str(n), "debit" if debit else "credit", minor) for n, (minor, debit) in enumerate(parts)]
    left = sum(minor if debit else -minor for minor, debit in parts)
    if left:
        lines.append(("rest", "credit" if left > 0 else "debit", abs(left)))
    return entry(*lines, currency=currency)


@settings(deadline=None)
@given(SPLITS, RATE, st.sampled_from(CURRENCIES))
def test_an_entry_is_in_balance_at_home_with_what_rounding_left_to_the_cent(
    parts: list[tuple[int, bool]], rate: Decimal, currency: str
) -> None:
    """I8, I9"""
    told = split(parts, currency)
    terms = Terms(home="USD", rates=Rates(), account="7990")
    found = rates.appraised(
        Entry(**{name: getattr(told, name) for name in told.__struct_fields__} | {"exchange_rate": rate}), terms
    )
    assert isinstance(found, Entry)
    home = rates.at_home(found)
    assert net(home) == 0
    assert abs(found.rounding) <= (len(found.lines) + 1) // 2 + 1, "half a cent a line at the most"
    assert bool(found.rounding) == (found.rounding_account == "7990")
    assert all(line.minor > 0 for line in home.lines)
    assert net(rates.at_home(rates.turned(found))) == 0
    assert [line.minor for line in found.lines] == [line.minor for line in told.lines]


@settings(deadline=None)
@given(SPLITS, RATE)
def test_what_the_ledger_keeps_of_an_entry_says_the_same_rate_and_home_amounts(
    parts: list[tuple[int, bool]], rate: Decimal
) -> None:
    found = rates.appraised(
        split(parts, "EUR"),
        Terms(home="USD", rates=Rates("t", [("EUR", "USD", rates._Row(DAY, rate, "ECB"))]), account="7990"),
    )
    assert isinstance(found, Entry)
    body = draft_of("f|b|p|k", found).body
    again = entry_of("f|b|p|k", check("journal_entry", body), {})
    for name in ("lines", "exchange_rate", "exchange_source", "home", "rounding", "rounding_account"):
        assert getattr(again, name) == getattr(found, name), name


def test_an_entry_in_the_own_currency_needs_no_rate_and_says_none() -> None:
    own = entry(("1", "debit", 100), ("2", "credit", 100), currency="USD")
    assert rates.appraised(own, Terms(home="USD", rates=Rates())) is own
    assert "home" not in draft_of("k", own).body


def test_a_missing_rate_or_account_for_what_rounding_leaves_holds_the_entry_with_its_amount() -> None:
    told = entry(("1", "debit", 101), ("2", "debit", 101), ("3", "credit", 202))
    [none] = [rates.appraised(told, Terms(home="USD", rates=Rates()))]
    assert isinstance(none, LeftOut)
    assert (none.reason, none.members, none.minor, none.currency) == ("no-rate", (1, 2), 202, "EUR")
    held = Rates("tables/rates.csv", [("EUR", "USD", rates._Row(DAY, Decimal("1.005"), "ECB"))])
    wrong = rates.appraised(told, Terms(home="USD", rates=held))
    assert isinstance(wrong, LeftOut)
    assert (wrong.reason, wrong.minor) == ("rounding", 202)
    assert "0.01 USD apart" in wrong.detail
    assert "set rounding to the account" in wrong.detail
    theirs = rates.appraised(told, Terms(home="USD", rates=held, account="7990", own="Exchange Gain or Loss"))
    assert isinstance(theirs, LeftOut)
    assert 'set rounding = "Exchange Gain or Loss"' in theirs.detail
    right = rates.appraised(told, Terms(home="USD", rates=held, account="7990"))
    assert isinstance(right, Entry)
    assert (right.rounding, right.rounding_account, [line.home for line in right.lines]) == (
        -1, "7990", [102, 102, 203],
    )  # fmt: skip


@pytest.mark.parametrize(("lines", "minor", "rate", "home", "left"), [
    (400, 100, "0.00004", "USD", "1.60 USD of 1.60 USD"),  # 400 times 100 VND, each worth nothing
    (400, 200, "0.00004", "USD", "0.80 USD of 4.00 USD"),  # 200 VND, each worth 0.8 of a cent and booked as one
    (400, 100, "1.0850", "USD", ""),  # a cent in two hundred on each of 400 customers
    (3, 1, "1.0850", "USD", ""),
])  # fmt: skip
def test_lines_that_are_too_small_for_their_rate_are_left_out_and_not_booked_as_rounding(
    lines: int, minor: int, rate: str, home: str, left: str
) -> None:
    """case_C3"""
    currency = "EUR" if rate > "1" else "VND"
    told = entry(
        *((str(n), "debit", minor) for n in range(lines)), ("rest", "credit", lines * minor), currency=currency
    )
    held = Rates("r", [(currency, home, rates._Row(DAY, Decimal(rate), "bank"))])
    found = rates.appraised(told, Terms(home=home, rates=held, account="7990"))
    assert isinstance(found, LeftOut) == bool(left)
    if isinstance(found, LeftOut):
        assert (found.reason, found.minor) == ("rounding", lines * minor)
        assert f"rounding would take {left}" in found.detail


def test_an_amount_that_no_currency_holds_is_left_out_and_not_raised() -> None:
    huge = entry(("1", "debit", 10**17), ("2", "credit", 10**17), exchange_rate=Decimal("99999"))
    found = rates.appraised(huge, Terms(home="USD", rates=Rates()))
    assert isinstance(found, LeftOut)
    assert "out of range" in found.detail


# -- grouping ----------------------------------------------------------------------------------------------------------


def moved(id: int, minor: int, rate: str = "", currency: str = "EUR", source: str = "") -> Movement:
    lines = (
        MovementLine(side="debit", minor=minor, account="1"),
        MovementLine(side="credit", minor=minor, account="2"),
    )
    return Movement(id=id, key=f"m/{id}", date=DAY, currency=currency, lines=lines, exchange_source=source,
                    exchange_rate=Decimal(rate) if rate else None)  # fmt: skip


def grouped(*some: Movement) -> list[Entry]:
    bucket = Bucket("2026-01", dt.date(2026, 1, 1), DAY, "2026-01")
    return grouping.entries(some, lambda day: bucket, home="USD")


def test_movements_that_say_their_own_rate_are_grouped_by_it_and_the_others_by_the_table() -> None:
    """case C6"""
    made = grouped(moved(1, 100, "1.10"), moved(2, 200, "1.1"), moved(3, 400, "1.2", source="desk"), moved(4, 800),
                   moved(5, 1600, "2", currency="USD"), moved(6, 3200, currency="USD"))  # fmt: skip
    assert {one.members: (one.number, one.exchange_rate, one.exchange_source) for one in made} == {
        (4,): ("JE 2026-01 EUR", None, ""),
        (1, 2): ("JE 2026-01 EUR@1.1", Decimal("1.1"), "the record"),
        (3,): ("JE 2026-01 EUR@1.2", Decimal("1.2"), "desk"),
        (5, 6): ("JE 2026-01", None, ""),
    }
    assert len({one.key for one in made}) == len(made)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 10**6), st.sampled_from(["", "1.1", "1.10", "1.25", "0.9"])), max_size=30))
def test_grouping_by_rate_keeps_every_movement_once_in_any_order(some: list[tuple[int, str]]) -> None:
    """I9, b_004_15"""
    movements = [moved(n, minor, rate) for n, (minor, rate) in enumerate(some, 1)]
    made = grouped(*movements)
    assert sorted(id for one in made for id in one.members) == [one.id for one in movements]
    assert sum(line.minor for one in made for line in one.lines if line.side == "debit") == sum(m for m, _ in some)
    assert grouped(*reversed(movements)) == made
