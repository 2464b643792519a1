"""A chart of accounts: exact codes are found, all others are refused with what is wrong and what was meant."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wherry.accounting import ChartAccount, Mapped
from wherry.books.charts import MOST_ACCOUNTS, Chart, Mismatch, Problem, check
from wherry.errors import ConfigError, Rejected


def account(code: str, name: str = "", **more: Any) -> ChartAccount:
    return ChartAccount(id=more.pop("id", f"id-{code}"), code=code, name=name or f"Account {code}", **more)


CHART = Chart([
    account("1000", "Assets", posting=False),
    account("1200", "Receivables", type="receivable", parent="id-1000"),
    account("1205", "Storage clearing", type="asset", parent="id-1000"),
    account("3000", "Equity", posting=False),
    account("0300", "Capital", type="equity", parent="id-3000"),
    account("0400", "Petty cash", type="bank"),
    account("4000.10", "Income, part", type="income"),
    account("4010", "Storage income", type="income"),
    account("4020", "Switching income", type="income", active=False),
    account("EUR-1", "Bank in euros", type="bank", currency="EUR"),
    account("USD-1", "Bank in dollars", type="bank", currency="USD"),
])  # fmt: skip


def wrong(code: str, currency: str = "", chart: Chart = CHART) -> Mismatch:
    found = chart.look(code, currency)
    assert isinstance(found, Mismatch), found
    assert found.code == code
    return found


def test_a_code_is_found_exactly_and_a_full_name_where_one_account_has_it() -> None:
    assert CHART.find("0400").name == "Petty cash"
    assert CHART.find("Assets:Receivables").code == "1200"
    assert CHART.find("assets:receivables").code == "1200"
    assert wrong("Receivables").why == "unknown", "the name alone is not enough"
    assert "1200 (Assets:Receivables)" in wrong("Receivables").fix


@pytest.mark.parametrize("code", ["400", "00400", "4000.1", "04010"])
def test_a_code_that_lost_or_gained_zeros_is_not_guessed_but_explained(code: str) -> None:
    """Issue 4: a code that matches only after zero-padding is an error with a suggestion."""
    found = wrong(code)
    assert found.why == "zeros"
    assert {"400": "0400", "00400": "0400", "4000.1": "4000.10", "04010": "4010"}[code] in found.fix
    assert "text" in found.fix


def test_what_cannot_be_booked_to_is_told_apart() -> None:
    """case_C16, b_004_07"""
    assert wrong("1000").why == "header"
    assert wrong("1000").fix == "use an account below it, such as 1200, 1205"
    assert wrong("4020").why == "inactive"
    assert wrong("EUR-1", "USD").why == "currency"
    assert CHART.find("EUR-1", "EUR").currency == CHART.find("EUR-1").currency == "EUR"
    assert CHART.find("4010", "EUR").code == "4010", "an account without currency takes all"
    assert wrong("9999").why == wrong("").why == "unknown"


def test_an_unknown_code_comes_with_the_nearest_that_can_be_booked_to() -> None:
    assert "4010 (Storage income)" in wrong("storage incme").fix
    assert "4020" not in wrong("Switching incom").fix, "it is inactive"
    assert "import" in wrong("qqqqqqqq").fix


def test_looking_up_for_good_raises_with_the_fix() -> None:
    """case_C16"""
    with pytest.raises(Rejected) as caught:
        CHART.find("400")
    assert caught.value.where == {"account": "400", "why": "zeros"}
    assert "0400" in caught.value.fix
    assert caught.value.exit_code == 4


def test_only_active_posting_accounts_are_offered_and_the_others_counted() -> None:
    """b_004_06, b_004_07"""
    assert [one.code for one in CHART.posting] == ["0300", "0400", "1200", "1205", "4000.10", "4010", "EUR-1", "USD-1"]
    assert ([one.code for one in CHART.headers], [one.code for one in CHART.inactive]) == (["1000", "3000"], ["4020"])
    assert len(CHART) == len(list(CHART)) == 11
    assert CHART.codes({"receivable", "payable"}) == {"1200"}


def test_a_number_that_two_accounts_have_is_reported_and_not_booked_to() -> None:
    """case_C17"""
    chart = Chart([account("1", "A", id="a"), account("1", "B", id="b"), account("2", "C")])
    assert chart.problems == ["2 accounts have the number 1: 1 (A), 1 (B)"]
    assert wrong("1", chart=chart).why == "ambiguous"
    left = Chart([account("1", "A", id="a", active=False), account("1", "B", id="b")])
    assert left.find("1").name == "B", "only one of them can be meant"
    assert len(left.problems) == 1
    assert wrong("same", chart=Chart([account("1", "Same"), account("2", "Same")])).why == "ambiguous"


def test_a_circle_of_parents_is_reported_once_and_stops_nothing() -> None:
    """case_C17"""
    chart = Chart([account("1", parent="id-3"), account("2", parent="id-1"), account("3", parent="id-2"),
                   account("4", parent="id-1"), account("5", parent="id-5"), account("6", parent="gone")])  # fmt: skip
    assert chart.problems == [
        "accounts lie below each other in a circle: 1 below 3 below 2 below 1",
        "accounts lie below each other in a circle: 5 below 5",
        "the parent of account 6 (Account 6) is not in the chart",
    ]
    assert [chart.find(code).code for code in "123456"] == list("123456")


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(-1, 12)), max_size=30))
def test_any_tree_of_parents_gives_a_chart_in_which_every_account_has_a_name(edges: list[tuple[int, int]]) -> None:
    """case_C17"""
    chart = Chart([account(str(at), f"N{at}", parent=f"id-{parent}" if parent >= 0 else "") for at, parent in edges])
    for one in chart:
        name = chart.full_name(one)
        assert name.split(":")[-1] == one.name
        assert len(name.split(":")) == len(set(name.split(":"))) <= len(chart)
    assert len(chart) == len({at for at, _ in edges})


def test_full_names_that_the_target_gives_are_not_doubled() -> None:
    chart = Chart([account("", "Income", id="a"), account("", "Income:Storage", id="b", parent="a")])
    assert chart.find("Income:Storage").id == "b"


def test_twenty_thousand_accounts_in_one_line_of_parents_are_no_trouble() -> None:
    """case_C17"""
    chart = Chart(account(str(n), parent=f"id-{n + 1}" if n < 2_000 else "") for n in range(20_000))
    assert chart.problems == []
    assert chart.find("19999").code == "19999"
    rows = [Mapped(category=f"c{n}", debit=f"x{n}", credit=str(n), row=n + 2) for n in range(20_000)]
    assert len(check(chart, rows, "USD")) == 20_000


def test_a_chart_without_end_is_refused() -> None:
    """case_C17"""
    with pytest.raises(ConfigError, match="100,000"):
        Chart(account(str(n)) for n in range(MOST_ACCOUNTS + 1))


def test_every_wrong_code_of_a_table_is_told_with_row_and_column() -> None:
    """case_C16"""
    rows = [
        Mapped(category="Storage", debit="1205", credit="4010", row=2),
        Mapped(category="Switching", debit="1205", credit="4020", row=3),
        Mapped(category="Cash", debit="400", credit="", row=4),
        Mapped(category="Bank", debit="EUR-1", credit="1000", row=5),
    ]
    found = check(CHART, rows, "USD", codes=["9999", "9999", "4010"])
    assert [(one.code, one.row, one.column, one.kind) for one in found] == [
        ("4020", 3, "credit", "inactive"), ("400", 4, "debit", "zeros"), ("EUR-1", 5, "debit", "currency"),
        ("1000", 5, "credit", "header"), ("9999", 0, "", "unknown"),
    ]  # fmt: skip
    assert all(one.why and one.fix for one in found)
    assert isinstance(found[0], Problem)


def test_accounts_of_a_type_that_the_target_bars_are_told() -> None:
    rows = [Mapped(category="Storage", debit="1200", credit="4010", row=2)]
    assert check(CHART, rows, "USD") == []
    assert [(one.code, one.kind) for one in check(CHART, rows, "USD", barred={"receivable": "why"})] == [
        ("1200", "type")
    ]
