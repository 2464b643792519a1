"""Canonical shapes: what is let in, what is refused with its field, and that nothing changes on the way."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wherry.entities import SHAPES, Entity, check

MONEY = st.fixed_dictionaries({"minor": st.integers(-(2**62), 2**62), "currency": st.sampled_from(["USD", "JPY"])})
NUMBER = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12).map(
    lambda d: format(d, "f")
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
POINTER = st.fixed_dictionaries({"entity": st.just("product"), "key": TEXT})
LINE = st.fixed_dictionaries(
    {},
    optional={
        "name": TEXT,
        "product": POINTER,
        "quantity": NUMBER,
        "price": NUMBER,
        "discount": NUMBER,
        "amount": MONEY,
    },
)
PROJECT = st.fixed_dictionaries(
    {"name": TEXT},
    optional={
        "amount": MONEY,
        "customer": POINTER,
        "close_date": st.dates().map(dt.date.isoformat),
        "lines": st.lists(LINE, max_size=3),
        "custom": st.dictionaries(TEXT, TEXT | st.integers(-(2**62), 2**62) | st.none()),
    },
)


@given(PROJECT)
def test_a_sound_body_stays_what_it_is_and_checking_twice_changes_nothing(body: dict[str, Any]) -> None:
    """I8, I19"""
    once = check("project", body)
    assert check("project", once) == once
    assert once.get("amount") == body.get("amount")
    for line, held in zip(body.get("lines", []), once.get("lines", []), strict=True):
        for name in ("quantity", "price", "discount"):
            if name in line:
                assert Decimal(held[name]) == Decimal(line[name])
                assert "E" not in held[name].upper()
    msgspec.json.encode(once)


@pytest.mark.parametrize(
    ("entity", "body"),
    [
        ("product", {"name": "x", "price": 0.1}),
        ("project", {"name": "x", "amount": {"minor": 1.0, "currency": "USD"}}),
        ("project", {"name": "x", "amount": 1.5}),
        ("project", {"name": "x", "lines": [{"quantity": 0.5}]}),
        ("charge", {"service": "x", "date": "2026-01-01", "rate": 2.5}),
        ("invoice", {"number": "1", "date": "2026-01-01", "lines": [{"rate": 1e-3}]}),
        ("customer", {"name": "x", "custom": {"size": 1.5}}),
        ("charge", {"service": "x", "date": "2026-01-01", "quantity": 1.0}),
    ],
)
def test_a_float_is_refused_wherever_it_stands(entity: str, body: dict[str, Any]) -> None:
    """case_C1, I8"""
    with pytest.raises(ValueError, match=entity):
        check(entity, body)


@pytest.mark.parametrize(
    ("entity", "body", "says"),
    [
        ("project", {"nmae": "x", "name": "y"}, "nmae"),
        ("project", {}, "name"),
        ("project", {"name": None}, "name"),
        ("project", {"name": 5}, "name"),
        ("project", {"name": "x", "close_date": "01/02/2026"}, "close_date"),
        ("project", {"name": "x", "amount": {"minor": "12", "currency": "USD"}}, "minor"),
        ("project", {"name": "x", "lines": [{}, {"prize": "1"}]}, "prize"),
        ("product", {"name": "x", "price": "NaN"}, "price"),
        ("product", {"name": "x", "price": "Infinity"}, "price"),
        ("product", {"name": "x", "price": "1,5"}, "price"),
        ("product", {"name": "x", "type": "gadget"}, "type"),
        ("deal", {"name": "x"}, "deal"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_field(entity: str, body: dict[str, Any], says: str) -> None:
    """case_C18, case_G20"""
    with pytest.raises(ValueError, match=says):
        check(entity, body)


def test_what_a_body_leaves_out_is_left_out_and_defaults_are_not_told() -> None:
    """case_B20"""
    assert check("project", {"name": "x", "description": "", "access": "everyone", "amount": None}) == {"name": "x"}


def test_small_numbers_are_plain_digits() -> None:
    """case_C4"""
    assert check("product", {"name": "x", "price": "0.0000001"})["price"] == "0.0000001"
    assert check("project", {"name": "x", "lines": [{"price": "1E-7"}]})["lines"] == [{"price": "0.0000001"}]


def test_a_plugin_may_bring_a_shape_of_its_own() -> None:
    """case_G20"""

    class Vessel(Entity, kw_only=True):
        hull: str
        draught: Decimal | None = None

    shapes = {**SHAPES, "vessel": Vessel}
    assert check("vessel", {"hull": "H-1", "draught": "2.50"}, shapes) == {"hull": "H-1", "draught": "2.50"}
    with pytest.raises(ValueError, match="unknown entity 'vessel'"):
        check("vessel", {"hull": "H-1"})


def test_an_invoice_knows_tax_by_line_and_as_a_whole() -> None:
    tax = {"minor": 250, "currency": "GBP"}
    body = {"number": "17", "date": "2026-03-29", "tax": tax, "lines": [{"tax_rate": "20.0", "tax": tax}]}
    for entity in ("invoice", "estimate", "credit_memo"):
        assert check(entity, body) == body
    with pytest.raises(ValueError, match=r"lines\[0\].tax_rate"):
        check("invoice", body | {"lines": [{"tax_rate": 0.2}]})


def test_a_journal_entry_has_sides_accounts_and_exact_amounts() -> None:
    amount = {"minor": 13912, "currency": "GBP"}
    debit = {"account": {"entity": "account", "key": "id:7"}, "side": "debit", "amount": amount, "customer": "C-1"}
    credit = {"account": "4000", "side": "credit", "amount": amount, "description": "sales"}
    body = {"number": "J-1", "date": "2026-03-31", "currency": "GBP", "memo": "week 13", "lines": [debit, credit]}
    assert check("journal_entry", body) == body
    for line in ({**debit, "side": "left"}, {**debit, "account": None}, {**debit, "amount": "139.12"}):
        with pytest.raises(ValueError, match="journal_entry"):
            check("journal_entry", body | {"lines": [line]})
