"""Money: exact or refused, split without loss, rounded once with its residue counted."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from wherry.money import DECIMALS, Money, allocate, decimals, exact, figure, parse, rounded, text

CURRENCIES = st.sampled_from(sorted(DECIMALS))
MINOR = st.integers(-(10**15), 10**15)


@given(MINOR, CURRENCIES)
def test_what_is_told_as_text_is_read_back_to_the_last_unit(minor: int, currency: str) -> None:
    """case_C5, I8"""
    assert parse(text(minor, currency), currency) == Money(minor, currency)
    assert str(Money(minor, currency)) == text(minor, currency)


@given(MINOR, CURRENCIES)
def test_text_is_plain_digits_with_the_currencys_own_decimals(minor: int, currency: str) -> None:
    """case_C5"""
    told = text(minor, currency)
    assert set(told) <= set("-0123456789.")
    assert len(told.partition(".")[2]) == decimals(currency)
    assert Decimal(told).scaleb(decimals(currency)) == minor
    assert figure(minor, currency).replace(",", "") == told


@given(st.decimals(allow_nan=False, allow_infinity=False, places=7, min_value=-(10**9), max_value=10**9), CURRENCIES)
def test_an_amount_is_taken_exactly_or_refused(number: Decimal, currency: str) -> None:
    """case_C4, I8: nothing is cut silently."""
    scaled = number.scaleb(decimals(currency))
    if scaled == scaled.to_integral_value():
        assert parse(format(number, "f"), currency).minor == int(scaled)
    else:
        with pytest.raises(ValueError, match="decimals"):
            parse(format(number, "f"), currency)


@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=9, min_value=-(10**9), max_value=10**9),
    CURRENCIES,
    st.booleans(),
)
def test_rounding_moves_at_most_half_a_unit_and_counts_what_it_cut(
    number: Decimal, currency: str, bankers: bool
) -> None:
    """case_C3, I8"""
    money, residue = rounded(number, currency, bankers=bankers)
    unit = Decimal(1).scaleb(-decimals(currency))
    assert Decimal(text(money.minor, currency)) + residue == number
    assert abs(residue) <= unit / 2
    assert rounded(text(money.minor, currency), currency) == (money, 0), "once is enough"


@pytest.mark.parametrize(
    ("value", "half_up", "half_even"), [("0.125", 13, 12), ("-0.125", -13, -12), ("2.675", 268, 268)]
)
def test_halves_go_up_or_to_the_even_unit(value: str, half_up: int, half_even: int) -> None:
    """case_C3"""
    assert rounded(value, "USD")[0].minor == half_up
    assert rounded(value, "USD", bankers=True)[0].minor == half_even


@given(st.floats())
def test_a_float_is_refused_whatever_its_value(number: float) -> None:
    """case_C1"""
    for call in (lambda: exact(number), lambda: parse(number, "USD"), lambda: rounded(number, "USD")):  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="exact"):
            call()


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "NaN",
        "Infinity",
        "-inf",
        "1e5",
        "1E-9",
        "1,234.50",
        "1.234,50",
        "(5)",
        "5-",
        "--5",
        "+-5",
        "1.2.3",
        "0x10",
        "1_000",
        "½",
        "$5",
        "5 USD",
        ".",
        "-",
        "1 2",
        "\u0000",
        True,
        None,
        [],
        10**16,
        "9" * 400,
        Decimal("NaN"),
        Decimal("-Infinity"),
        Decimal("1e30"),
        Decimal("1e99999999"),
        Decimal("1e-99999999"),
    ],
)
def test_what_is_no_plain_number_is_refused(value: Any) -> None:
    """case_C18, case_C1"""
    with pytest.raises(ValueError):
        parse(value, "USD")


@given(st.text(max_size=12))
@example("１２.５０")
@example("٣")
def test_any_text_is_a_number_or_refused_and_never_anything_else(value: str) -> None:
    """case_C18"""
    try:
        number = exact(value)
    except ValueError:
        return
    assert number.is_finite()
    assert abs(number) <= 10**15


@pytest.mark.parametrize("code", ["", "usd", "US", "XXX", "BTC", "USD ", "EURO"])
def test_a_currency_that_iso_does_not_list_is_refused(code: str) -> None:
    """case_C5"""
    with pytest.raises(ValueError, match="currency"):
        parse("1", code)
    with pytest.raises(ValueError, match="currency"):
        decimals(code)


@pytest.mark.parametrize(
    ("currency", "value", "minor"), [("JPY", "100", 100), ("KWD", "1.234", 1234), ("CLF", "1.0001", 10001)]
)
def test_currencies_without_and_with_many_decimals(currency: str, value: str, minor: int) -> None:
    """case_C5"""
    assert parse(value, currency).minor == minor
    with pytest.raises(ValueError, match="decimals"):
        parse(value + ("1" if "." in value else ".5"), currency)


@given(MINOR, st.lists(st.integers(0, 10**9), min_size=1, max_size=40))
def test_parts_add_up_and_none_is_a_unit_off_its_share(total: int, weights: list[int]) -> None:
    """case_C2, I8"""
    assume(sum(weights) > 0)
    parts = allocate(total, weights)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part * sum(weights) - total * weight) < sum(weights), "less than one unit"
        assert weight or not part
    assert allocate(-total, weights) == [-part for part in parts]


@given(MINOR, st.lists(st.integers(1, 100), min_size=1, max_size=10), st.integers(2, 9))
def test_weights_may_be_scaled_without_a_difference(total: int, weights: list[int], factor: int) -> None:
    """case_C2"""
    assert allocate(total, weights) == allocate(total, [weight * factor for weight in weights])


def test_a_hundred_in_three() -> None:
    """case_C2"""
    assert allocate(10_000, [1, 1, 1]) == [3334, 3333, 3333]


@pytest.mark.parametrize("weights", [[], [0], [0, 0], [-1, 2], [1, -1]])
def test_weights_that_divide_nothing_are_refused(weights: list[int]) -> None:
    """case_C2"""
    with pytest.raises(ValueError, match="weights"):
        allocate(1, weights)


def test_the_table_has_no_currency_of_a_strange_number_of_decimals() -> None:
    """case_C5"""
    assert set(DECIMALS.values()) == {0, 2, 3, 4}
    assert all(len(code) == 3 and code.isupper() for code in DECIMALS)
