"""What a batch says of one item is found by its stamp or its names, and its numbers are shown as they were sent."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wherry.cli.formats import as_json
from wherry.cli.sent import WIDE, _spread
from wherry.operating import desk, parts

STAMPS = ["k3xq7aabcdefghijklmnopqrst", "b4yr8bbcdefghijklmnopqrstu", "c5zs9ccdefghijklmnopqrstuv"]


def call(*, keys: list[str] | None = None, answers: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Three invoices in a batch, known in it by the first ten characters of their stamps."""
    keys = keys or [stamp[:10] for stamp in STAMPS]
    sent = [{"bId": key, "Invoice": {"DocNumber": f"53636{n}"}} for n, key in enumerate(keys)]
    told = [{"Invoice": {"Id": str(145 + n), "DocNumber": f"53636{n}"}, "bId": key} for n, key in enumerate(keys)]
    return {"items": STAMPS, "body": {"BatchItemRequest": sent}, "answer": {"BatchItemResponse": answers or told}}


def numbers(found: tuple[Any, Any]) -> list[str]:
    return [one["Invoice"]["DocNumber"] for one in found]


@pytest.mark.parametrize("names", [[STAMPS[1]], ["146"], ["536361"], ["", "146", "536361"], ["another stamp", "146"]])
def test_the_part_of_an_item_is_found_by_its_stamp_its_number_or_its_id(names: list[str]) -> None:
    assert numbers(parts.of_item(call(), names)) == ["536361", "536361"]


def test_answers_in_another_order_are_told_apart_by_their_keys() -> None:
    """An answer that refuses says neither number nor id."""
    told = [{"bId": STAMPS[2][:10], "Fault": "c"}, {"bId": STAMPS[1][:10], "Fault": "b"}]
    sent, answer = parts.of_item(call(answers=told), ["536361"])
    assert (sent["bId"], answer["Fault"]) == (STAMPS[1][:10], "b")


def test_what_two_parts_say_is_nobodys() -> None:
    twins = [{"Invoice": {"Id": "1"}}, {"Invoice": {"Id": "1"}}]
    assert parts.of_item({"items": STAMPS, "body": "not JSON", "answer": twins}, ["1"]) == (None, None)


def test_a_call_for_one_item_is_its_own_altogether() -> None:
    one = {"items": STAMPS[:1], "body": {"a": 1}, "answer": "<html>"}
    assert parts.of_item(one, ["whatever"]) == ({"a": 1}, "<html>")


def test_the_code_of_a_refusal_is_the_items_own() -> None:
    told = [
        {"bId": stamp[:10], "Fault": {"Error": [{"code": code}]}}
        for stamp, code in zip(STAMPS, (6210, 5010, 6140), strict=True)
    ]
    assert [desk.vendor_code([call(answers=told)], [stamp]) for stamp in STAMPS] == ["6210", "5010", "6140"]
    whole = {**call(), "answer": {"Fault": {"Error": [{"code": "2020"}], "type": "ValidationFault"}}}
    assert desk.vendor_code([whole], [STAMPS[0]]) == "2020"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=60),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=20), inner, max_size=5),
    max_leaves=40,
)


@given(VALUES)
def test_what_is_spread_over_lines_is_the_same_value(value: Any) -> None:
    lines = list(_spread(value))
    assert json.loads("\n".join(lines)) == value
    assert all(len(line) <= WIDE for line in lines if line.rstrip(",").endswith(("}", "]")))


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_a_number_keeps_its_digits(number: Decimal) -> None:
    text = f'{{"amount":{number}}}'.encode()
    assert as_json(parts.readable(text)).encode() == text


def test_digits_secrets_and_texts_that_are_no_json() -> None:
    told = parts.readable(b'{"total":15.30,"many":[1,2.50],"access_token":"canary-77812","note":"caf\xc3\xa9"}')
    assert as_json(told) == '{"total":15.30,"many":[1,2.50],"access_token":"***","note":"café"}'
    assert parts.readable(b"<p>busy</p>") == "<p>busy</p>"
    assert msgspec.json.decode(as_json({"items": [told]}))["items"][0]["total"] == 15.3
    assert json.loads(as_json(told, pretty=True))["total"] == 15.3
