"""Numbers as qbXML writes them: exact, in Intuit's patterns, or refused."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wherry.money import DECIMALS, Money, parse
from wherry_qbwc.words.amounts import amount, price, quantity, rate

AMOUNT = re.compile(r"([+\-]?[0-9]{1,13}(\.[0-9]{2})?)?").fullmatch
PRICE = re.compile(r"([+\-]?[0-9]{1,10}(\.[0-9]{1,5})?)?").fullmatch
NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15, places=7)


@given(NUMBERS)
def test_a_number_is_written_exactly_in_intuits_pattern_or_refused(number: Decimal) -> None:
    for write, pattern in ((amount, AMOUNT), (price, PRICE), (quantity, PRICE)):
        try:
            told = write(number)
        except ValueError:
            continue
        assert pattern(told)
        assert Decimal(told) == number


@given(st.integers(-(10**15) + 1, 10**15 - 1))
def test_every_amount_in_cents_has_its_text_and_comes_back(cents: int) -> None:
    told = amount(str(Money(cents, "USD")))
    assert AMOUNT(told)
    assert parse(told, "USD").minor == cents


@given(st.integers(-(10**12), 10**12), st.sampled_from(sorted(DECIMALS)))
def test_an_amount_of_any_currency_is_exact_or_refused(minor: int, currency: str) -> None:
    try:
        told = amount(str(Money(minor, currency)))
    except ValueError:
        assert DECIMALS[currency] > 2
        return
    assert parse(told, currency).minor == minor


@pytest.mark.parametrize(
    ("write", "value", "told"),
    [
        (amount, "10.5", "10.50"), (amount, 0, "0.00"), (amount, "-0.00", "0.00"), (amount, "+7", "7.00"),
        (amount, Decimal("1E+3"), "1000.00"), (amount, "007.10", "7.10"), (price, 125, "125.00"),
        (price, "0.33333", "0.33333"), (price, "1.500000", "1.50"), (quantity, "2.50", "2.5"), (quantity, "3.00", "3"),
        (quantity, "-0.25", "-0.25"), (rate, "1.08251234", "1.08251234"), (rate, 1, "1"),
    ],
)  # fmt: skip
def test_numbers_have_the_decimals_of_their_kind(write: object, value: object, told: str) -> None:
    assert callable(write)
    assert write(value) == told


@pytest.mark.parametrize(
    ("write", "value"),
    [
        (amount, "0.005"), (amount, "10000000000000"), (price, "0.123456"), (price, "10000000000"), (quantity, "1,5"),
        (amount, 0.5), (amount, True), (amount, ""), (amount, "NaN"), (amount, "1e2"), (amount, None), (rate, "∞"),
    ],
)  # fmt: skip
def test_what_has_no_room_or_is_no_number_is_refused_never_rounded(write: object, value: object) -> None:
    assert callable(write)
    with pytest.raises(ValueError):
        write(value)
