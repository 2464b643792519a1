"""The named transforms: exact amounts, accounting dates, text, and the keys of drafts."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from wherry import money as exactly
from wherry import transforms
from wherry.errors import Rejected

CHICAGO = ZoneInfo("America/Chicago")
core = transforms.core("USD", CHICAGO)
money, date = core["money"], core["date"]
round_money = transforms.counting("USD")["round_money"]
currencies = st.sampled_from(sorted(exactly.DECIMALS))


@given(st.integers(-(10**15) + 1, 10**15 - 1), currencies)
def test_every_amount_of_every_currency_comes_through_exactly(minor: int, currency: str) -> None:
    """case_C5"""
    assert money(exactly.text(minor, currency), currency) == {"minor": minor, "currency": currency}


@given(st.from_regex(r"[+-]?[0-9]{1,16}(\.[0-9]{0,6})?", fullmatch=True), currencies)
def test_money_says_what_exact_arithmetic_says_or_refuses(text: str, currency: str) -> None:
    """The short way through money must not differ from the long one."""
    try:
        wanted = exactly.parse(text, currency).minor
    except ValueError:
        with pytest.raises((ValueError, Rejected)):
            money(text, currency)
    else:
        assert money(text, currency)["minor"] == wanted


@given(st.decimals(-(10**9), 10**9, places=6), currencies)
def test_rounding_and_its_residue_add_up_to_what_was_given(amount: Decimal, currency: str) -> None:
    residue: transforms.Residue = {}
    minor = round_money(residue, format(amount, "f"), currency)["minor"]
    rest = residue.get(currency, Decimal(0))
    places = exactly.decimals(currency)
    assert Decimal(minor).scaleb(-places) + rest == amount
    assert abs(rest) <= Decimal(5).scaleb(-places - 1)


@pytest.mark.parametrize("transform", [money, partial(round_money, {})])
def test_an_amount_that_no_store_holds_is_refused_and_the_largest_one_is_taken(transform: Any) -> None:
    """Whole numbers of a database have 64 bits; a unidad de fomento has four decimals."""
    assert transform("100000000000000.0000", "CLF")["minor"] == 10**18
    for text in ("922337203685477.5808", "-922337203685477.5809", "100000000000000.0001"):
        with pytest.raises((ValueError, Rejected), match="out of range"):
            transform(text, "CLF")


def test_rounding_is_half_up_away_from_zero() -> None:
    assert [round_money({}, text)["minor"] for text in ("0.005", "-0.005", "0.0049")] == [1, -1, 0]


@pytest.mark.parametrize(
    "text",
    ["1,234.50", "1.234,50", "(5)", "$5", "1e3", "NaN", "Infinity", "--5", ".", "1_000", "10000000000000001", "5 USD"],
)
def test_an_amount_that_is_not_plain_decimal_text_is_refused(text: str) -> None:
    """case_C18"""
    with pytest.raises((ValueError, Rejected)):
        money(text, "USD")


@pytest.mark.parametrize("value", [0.1, float("nan"), True, [], {}])
def test_a_float_or_a_thing_is_no_amount(value: Any) -> None:
    """case_C1"""
    with pytest.raises((ValueError, Rejected)):
        money(value, "USD")


def test_more_digits_than_arithmetic_keeps_are_refused_not_cut() -> None:
    with pytest.raises(ValueError, match="more than 28 digits"):
        money("1.20000000000000000000000000000000000001", "USD")


def test_an_unknown_currency_is_refused_and_an_empty_one_is_the_projects() -> None:
    """case_C5"""
    with pytest.raises(Rejected, match="unknown currency 'XXX'"):
        money("5", "XXX")
    assert money("5", "") == money("5", None) == money("5") == {"minor": 500, "currency": "USD"}
    assert money("5", " eur ") == {"minor": 500, "currency": "EUR"}


@pytest.mark.parametrize("name", ["money", "date", "decimal", "integer", "yes_no"])
@pytest.mark.parametrize("nothing", [None, ""])
def test_nothing_is_no_number_no_date_and_no_answer(name: str, nothing: str | None) -> None:
    """case_B20"""
    assert core[name](nothing) is None


@pytest.mark.parametrize("name", ["text", "lower", "upper", "strip", "title"])
def test_text_keeps_missing_and_empty_apart(name: str) -> None:
    """case_B20"""
    assert core[name](None) is None
    assert core[name]("") == ""


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2017-03-01", "2017-03-01"),
        ("20170301", "2017-03-01"),
        ("2017-03-01T00:00:00Z", "2017-03-01"),
        ("2017-03-01T00:00:00.001Z", "2017-02-28"),
        ("2017-03-01T06:00:00.000Z", "2017-03-01"),
        ("2017-03-01T00:00:00+14:00", "2017-02-28"),
        ("2017-03-01T23:59:59", "2017-03-01"),
        ("1488326400000", "2017-03-01"),
        (1488326400000, "2017-03-01"),
        (1488326400001, "2017-02-28"),
        (-1, "1969-12-31"),
        (" 2017-03-01 ", "2017-03-01"),
    ],
)
def test_a_date_is_the_day_it_is_where_the_books_are_kept(value: Any, day: str) -> None:
    assert date(value) == day


def test_a_date_can_name_the_zone_in_which_its_source_means_it() -> None:
    assert date("2017-03-01T00:00:00Z", "UTC") == "2017-03-01"


@pytest.mark.parametrize("value", ["03/01/2017", "2017-02-30", "2017", "soon", 10**20, "9" * 30, True, 1.5, [], "1488"])
def test_what_is_no_date_is_refused(value: Any) -> None:
    with pytest.raises(ValueError):
        date(value)


@given(st.integers(10**10, 4 * 10**12), st.integers(-14 * 60, 14 * 60))
def test_an_instant_falls_on_one_day_however_it_is_written(milliseconds: int, offset: int) -> None:
    moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(milliseconds=milliseconds)
    wanted = moment.astimezone(CHICAGO).date().isoformat()
    elsewhere = moment.astimezone(dt.timezone(dt.timedelta(minutes=offset)))
    assert date(milliseconds) == date(str(milliseconds)) == date(elsewhere.isoformat()) == wanted


@given(st.dates())
def test_a_plain_date_is_never_moved(day: dt.date) -> None:
    assert date(day.isoformat()) == day.isoformat()


@given(st.decimals(-(10**15), 10**15, places=9))
def test_a_decimal_keeps_every_digit(value: Decimal) -> None:
    assert format(core["decimal"](format(value, "f")), "f") == format(value, "f")


def test_a_whole_number_may_be_written_with_empty_decimals_only() -> None:
    assert core["integer"]("3.0") == 3
    with pytest.raises(ValueError, match="not a whole number"):
        core["integer"]("3.5")


def test_text_writes_numbers_plainly() -> None:
    assert [core["text"](value) for value in (5, Decimal("1E+2"), True)] == ["5", "100", "true"]
    for value in (["a"], Decimal("1e9999999999")):  # which would be gigabytes
        with pytest.raises(ValueError):
            core["text"](value)


def test_first_and_join_pass_over_what_is_not_there() -> None:
    """case_B20"""
    assert core["first"](None, "", "b", "c") == "b"
    assert core["first"](None, "") == ""
    assert core["default"](None, "x") == "x"
    assert core["default"]("", "x") == ""
    assert core["join"](", ", "a", None, "", 5) == "a, 5"
    assert core["join"](", ", None, "") is None


@pytest.mark.parametrize(("value", "answer"), [("true", True), ("No", False), (1, True), ("0", False), (False, False)])
def test_yes_and_no_are_read_as_people_write_them(value: Any, answer: bool) -> None:
    assert core["yes_no"](value) is answer


def test_neither_yes_nor_no_is_refused() -> None:
    with pytest.raises(ValueError, match="neither yes nor no"):
        core["yes_no"]("maybe")


ids = st.lists(st.text(alphabet="a/%2F", min_size=1, max_size=4), min_size=2, max_size=3)


@given(ids, ids)
@example(["a/a", "a"], ["a", "a/a"])
@example(["a%2Fa", "a"], ["a/a", "a"])
def test_different_ids_never_give_the_same_key(left: list[str], right: list[str]) -> None:
    assert (core["id"](*left) == core["id"](*right)) == (left == right)


def test_a_key_needs_every_one_of_its_ids() -> None:
    assert core["id"]("4711") == "id:4711"
    assert core["id"](17, "4711") == "id:17/4711"
    assert core["id"]("17", None) is core["id"]("") is None


def test_a_product_is_known_by_id_then_sku_then_name() -> None:
    product = core["product"]
    assert product("5", "GTX-1", "GTX Pro") == "id:5"
    assert product(None, "GTX-1", "GTX Pro").startswith("sku:")
    assert product(None, "", "GTX Pro") == product("", None, " gtx  PRO ") != product("", None, "MG Special")
    assert product(None, "", "") is None
