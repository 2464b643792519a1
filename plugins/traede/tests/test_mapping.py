"""What the default map makes of an entry: two lines, sides changed over below zero, exact to the last øre."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wherry import entities
from wherry.errors import Rejected
from wherry.mapping import MapMapper, build
from wherry.money import DECIMALS, text
from wherry.records import Draft, Record, Skip
from wherry.settings import Flow
from wherry_traede.mapping import ENTRY, LINE, MAPS, TRANSFORMS, lines_of, no_amount, utc
from wherry_traede.source import FIELDS, KINDS, TraedeSource

_SOURCE = object.__new__(TraedeSource)


def mapper(timezone: str = "Europe/Copenhagen", **said: Any) -> MapMapper:
    """The default map of entries for a flow of the project file."""
    flow = Flow.model_validate({"source": "shop", "sink": "books", "kinds": (ENTRY,), "document": "journal", **said})
    description = _SOURCE.describe(ENTRY)
    return build(
        flow, ENTRY, MAPS[ENTRY], transforms=TRANSFORMS, currency="DKK", timezone=timezone, kinds=KINDS,
        description=description,
    )  # fmt: skip


USUAL = mapper()


def record(amount: str = "12.50", **fields: Any) -> Record:
    """An entry as the source gives it; ``amount`` is the JSON that Traede sent."""
    entry = {"account": 5600, "contra_account": 1010, "currency": "DKK", "date": "2026-01-31 00:00:00", **fields}
    payload = json.dumps(entry)[:-1] + f', "amount": {amount}}}'
    found = Record(kind=ENTRY, id="1001", version="2026-02-02 09:00:00", payload=payload.encode())
    return _SOURCE.complete([found], {LINE: ()})[0]


def mapped(amount: str = "12.50", of: MapMapper = USUAL, **fields: Any) -> dict[str, Any]:
    found = of.map(record(amount, **fields))
    assert isinstance(found, list), found
    (draft,) = found
    assert isinstance(draft, Draft)
    assert (draft.entity, draft.key, draft.root) == ("movement", "id:1001", True)
    return entities.check("movement", draft.body)


def sides(body: dict[str, Any]) -> dict[str, tuple[str, int]]:
    return {line["side"]: (line["account"], line["amount"]["minor"]) for line in body["lines"]}


def test_one_amount_and_two_accounts_become_two_lines() -> None:
    """b_002_07"""
    body = mapped("1054.5", text="Faktura 10017 – Havblik Tøj ApS")
    assert sides(body) == {"debit": ("5600", 105450), "credit": ("1010", 105450)}
    assert (body["date"], body["currency"], body["reference"]) == ("2026-01-31", "DKK", "1001")
    assert body["description"] == "Faktura 10017 – Havblik Tøj ApS"
    assert {line["description"] for line in body["lines"]} == {"Faktura 10017 – Havblik Tøj ApS"}


def test_a_negative_amount_changes_the_sides_over() -> None:
    """case_C7"""
    assert sides(mapped("-1054.5")) == {"debit": ("1010", 105450), "credit": ("5600", 105450)}


@given(st.integers(-(10**14), 10**14).filter(bool), st.sampled_from(sorted(DECIMALS)))
@settings(max_examples=300, deadline=None)
def test_whatever_the_amount_both_sides_are_positive_and_the_accounts_get_what_the_entry_says(
    minor: int, currency: str
) -> None:
    """case_C1 case_C5 case_C7: to the last minor unit, which a binary fraction loses from sixteen digits on."""
    body = mapped(text(minor, currency), currency=currency)
    net = dict.fromkeys(("5600", "1010"), 0)
    for line in body["lines"]:
        assert line["amount"]["minor"] > 0
        assert line["amount"]["currency"] == body["currency"] == currency
        net[line["account"]] += line["amount"]["minor"] * (1 if line["side"] == "debit" else -1)
    assert net == {"5600": minor, "1010": -minor}


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**12), max_value=10**12))
def test_the_opposite_amount_has_the_opposite_sides(amount: Decimal) -> None:
    one, other = lines_of(amount, 5600, 1010), lines_of(-amount, 1010, 5600)
    assert amount == 0 or one == other
    assert lines_of(str(amount), 5600, 1010) == one


@pytest.mark.parametrize("amount", ["12.5001", "12.501", "0.30000000000000004", "-0.001", "1e-3"])
def test_more_decimals_than_the_currency_has_refuse_the_entry(amount: str) -> None:
    """case_C4 case_C18: nothing is cut silently, be it a third decimal or what a binary fraction leaves behind."""
    with pytest.raises(Rejected) as caught:
        USUAL.map(record(amount))
    assert caught.value.where["record"] == f"{ENTRY} 1001"
    assert caught.value.fix


@pytest.mark.parametrize("amount", ["1e300", "null", '"abc"', '"1.234,50"', '"(5)"', "true", "[1]"])
def test_an_amount_that_is_none_refuses_its_entry_alone(amount: str) -> None:
    """case_C18"""
    with pytest.raises(Rejected) as caught:
        USUAL.map(record(amount))
    assert caught.value.where["record"] == f"{ENTRY} 1001"


@pytest.mark.parametrize(("amount", "minor"), [("12.5000", 1250), ("100", 10000), ("1e3", 100_000), ('"12.50"', 1250)])
def test_an_amount_that_is_exact_is_taken_however_it_is_spelled(amount: str, minor: int) -> None:
    assert sides(mapped(amount))["debit"] == ("5600", minor)


@pytest.mark.parametrize("amount", ["0", "0.00", "-0.0", "0e5"])
def test_an_entry_over_nothing_is_skipped_with_its_reason(amount: str) -> None:
    found = USUAL.map(record(amount))
    assert found == Skip("its amount is zero", 0, "DKK", date="2026-01-31")


def test_an_entry_that_a_filter_leaves_out_is_counted_with_its_amount() -> None:
    some = mapper(filter="accounting_entry.account != 5600")
    (skip,) = some.triggers([record("-12.50")])
    assert skip is not None
    assert (skip.amount, skip.currency) == (-1250, "DKK")


@pytest.mark.parametrize(
    ("date", "day"),
    [
        ("2026-01-31 00:00:00", "2026-01-31"),
        ("2026-01-30 23:00:00", "2026-01-31"),
        ("2026-06-30 22:00:00", "2026-07-01"),
        ("2026-01-30T23:00:00.000000Z", "2026-01-31"),
        ("2026-01-31", "2026-01-31"),
        ("2026-03-29 01:30:00", "2026-03-29"),
        ("2024-02-28 23:30:00", "2024-02-29"),
    ],
)
def test_the_accounting_date_is_the_day_of_the_project_s_zone(date: str, day: str) -> None:
    """case_C13: midnight in Copenhagen is the evening before in UTC, in which Traede tells its moments."""
    assert mapped(date=date)["date"] == day


@pytest.mark.parametrize("date", [None, "", "soon", "2026-13-01 00:00:00"])
def test_an_entry_without_a_date_is_refused(date: str | None) -> None:
    with pytest.raises(Rejected, match="date"):
        USUAL.map(record(date=date))


def test_an_entry_without_a_currency_is_in_the_project_s_own() -> None:
    assert mapped(currency=None)["currency"] == "DKK"
    assert mapped(currency="eur")["currency"] == "EUR"
    with pytest.raises(Rejected, match="currency"):
        USUAL.map(record(currency="crowns"))


def test_an_entry_that_lacks_an_account_keeps_a_line_that_asks_for_one() -> None:
    """b_004_08: the gate of the books lists it; nothing is guessed."""
    body = mapped(contra_account=None)
    (credit,) = (line for line in body["lines"] if line["side"] == "credit")
    assert "account" not in credit


def test_a_flow_maps_the_accounts_through_its_own_table_instead() -> None:
    lines = {"account": False, "category": f"join('-', 'traede', {LINE}.account)"}
    body = mapped("-5", of=mapper(map={"movement": {"lines": lines, "partition": "'shop'"}}))
    assert {line["side"]: line["category"] for line in body["lines"]} == {
        "debit": "traede-1010",
        "credit": "traede-5600",
    }
    assert body["partition"] == "shop"


def test_the_map_asks_for_what_it_needs_and_no_moments_that_change_by_themselves() -> None:
    needed = set(USUAL.fields[ENTRY])
    assert needed <= set(FIELDS)
    assert not {"updated_at", "created_at"} & needed
    assert set(USUAL.fields[LINE]) == {"side", "account", "amount"}


def test_transforms_leave_nothing_as_it_is() -> None:
    assert (utc(None), utc(""), no_amount(None)) == (None, "", None)
    assert utc("2026-01-31T10:00:00+01:00") == "2026-01-31T10:00:00+01:00"
