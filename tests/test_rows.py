"""Work items and their stamps: when a stamp stays, when it changes, and what waits behind what."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wherry.protocol import rows
from wherry.protocol.steps import Approval, Lane, Step, item_of, stamp_of
from wherry.records import Draft, Ref
from wherry.store.ledger import ItemRow, LinkRow, Route

NOW = "2026-07-06T09:00:00.000Z"
TEXT = st.text(max_size=20)
BODIES = st.dictionaries(
    TEXT, st.recursive(st.none() | st.integers() | TEXT, lambda inner: st.lists(inner, max_size=3), max_leaves=5),
    max_size=4,
)  # fmt: skip


def lane(identity: str = "a>b", **approvals: Approval) -> Lane:
    return Lane(flow="f", run="r", route=Route(1, 2), sink=None, plugin="p", identity=identity, approvals=approvals)  # type: ignore[arg-type]


def step(body: dict[str, Any], *, void: bool = False, **more: Any) -> Step:
    draft = Draft(entity="invoice", key="id:1", body=body, root=True, void=void)
    return Step(draft=draft, record_kind="invoice", record_id="1", **more)


def numbered(one: Step, where: Lane | None = None) -> ItemRow:
    where = where or lane()
    row = rows.item_row(where, one, "queued", "", NOW)
    rows.number(where, one, row)
    return row


def stamp(entity: str, key: str, body: dict[str, Any], sequence: int, attempt: int, identity: str = "a>b") -> str:
    return stamp_of(lane(identity), Draft(entity=entity, key=key, body=body), "write", sequence, attempt)


# -- stamps ------------------------------------------------------------------------------------------------------------


@given(TEXT, TEXT, BODIES, st.integers(1, 10**6), st.integers(1, 99))
def test_a_stamp_is_26_characters_that_no_vendor_folds_or_cuts(
    entity: str, key: str, body: dict[str, Any], sequence: int, attempt: int
) -> None:
    """case_D8, rule 2"""
    assert re.fullmatch(r"[a-z2-7]{26}", stamp(entity, key, body, sequence, attempt))


@given(BODIES)
def test_the_order_of_names_in_a_body_makes_no_other_stamp(body: dict[str, Any]) -> None:
    """I19"""
    assert stamp("e", "k", body, 1, 1) == stamp("e", "k", dict(reversed(body.items())), 1, 1)


WORK = st.tuples(TEXT, TEXT, BODIES, st.integers(1, 5), st.integers(1, 3), st.sampled_from(["a>b", "a>c"]))


@given(WORK, WORK)
def test_another_work_item_content_attempt_or_account_has_another_stamp(one: Any, other: Any) -> None:
    """case_A14: the same key never stands for a changed payload"""
    assert (stamp(*one) == stamp(*other)) == (one == other)


def test_a_stamp_is_the_same_in_every_process() -> None:
    """I19: whatever the hash seed"""
    code = ("from wherry.protocol.steps import *; from wherry.store.ledger import Route;"
            "from wherry.records import Draft;"
            "print(stamp_of(Lane(flow='', run='', route=Route(1, 2), sink=None, plugin='', identity='a>b'),"
            "Draft(entity='e', key='k', body={'b': 1, 'a': {'z': 'ß', 'y': None}}), 'write', 3, 2))")  # fmt: skip
    told = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                       env={"PYTHONHASHSEED": seed}).stdout.strip()
        for seed in ("1", "2")
    }  # fmt: skip
    assert told == {stamp("e", "k", {"a": {"y": None, "z": "ß"}, "b": 1}, 3, 2)}


# -- numbering ---------------------------------------------------------------------------------------------------------


def test_the_same_content_keeps_its_stamp_and_its_approval_however_often_it_is_settled() -> None:
    where = lane(f=Approval(required=True))
    row = numbered(step({"n": 1}), where)
    assert (row.sequence, row.attempt, row.approval) == (1, 1, "wanted")
    row.approval = "given"
    again = numbered(step({"n": 1}, item=row), where)
    assert (again.stamp, again.approval, again.reason) == (row.stamp, "given", "")


def test_other_content_is_the_next_work_item_and_needs_approval_anew() -> None:
    where = lane(f=Approval(required=True))
    row = numbered(step({"n": 1}), where)
    row.approval, row.memo, row.tries, row.due = "given", "half", 3, NOW
    other = numbered(step({"n": 2}, item=row), where)
    assert (other.sequence, other.attempt, other.approval) == (2, 1, "wanted")
    assert (other.memo, other.tries, other.due) == ("", 0, "")
    assert other.stamp != row.stamp


@given(st.lists(st.sampled_from([10, 12]), min_size=1, max_size=8))
def test_each_change_is_a_work_item_of_its_own_there_and_back(totals: list[int]) -> None:
    """Rule 1: 10 → 12 → 10 is three changes, not one repeat"""
    link: LinkRow | None = None
    stamps = []
    for total in totals:
        row = numbered(step({"n": total}, link=link))
        stamps.append(row.stamp)
        link = LinkRow("invoice", "id:1", "T-1", "created", sequence=row.sequence, token="3")
    assert len(set(stamps)) == len(totals)


def test_an_update_carries_the_version_that_the_link_knows_of() -> None:
    row = numbered(step({"n": 2}, link=LinkRow("invoice", "id:1", "T-1", "created", token="7", sequence=4)))
    assert (row.token, row.sequence, row.target) == ("7", 5, "T-1")


def test_taking_back_is_work_of_its_own_whatever_the_body_says() -> None:
    written, first, second = (numbered(step({"n": n}, void=v)) for n, v in ((1, False), (1, True), (2, True)))
    assert written.action == "write"
    assert first.action == second.action == "void"
    assert first.stamp == second.stamp != written.stamp


def test_the_next_attempt_is_another_stamp_of_the_same_work_item() -> None:
    row = numbered(step({"n": 1}))
    before = msgspec.structs.replace(row)
    rows.again(lane(), row)
    assert (row.sequence, row.attempt) == (before.sequence, before.attempt + 1)
    assert row.stamp != before.stamp


@pytest.mark.parametrize(
    ("date", "waits"), [("2026-06-30", True), ("2026-07-01", False), ("", False), ("2027-01-01", False)]
)
def test_what_is_dated_before_the_books_begin_waits(date: str, waits: bool) -> None:
    where = lane(f=Approval(books_from="2026-07-01"))
    row = numbered(step({"date": date}), where)
    assert (row.approval == "wanted") == waits
    assert (date in row.reason) == waits if date else row.reason == ""


# -- what waits behind -------------------------------------------------------------------------------------------------


@given(BODIES, BODIES)
def test_only_what_differs_from_what_is_in_flight_waits_behind_it(
    flying: dict[str, Any], newer: dict[str, Any]
) -> None:
    row = numbered(step(flying))
    row.state = "unknown"
    waits = rows.following(lane(), step(newer, item=row))
    assert (waits == "") == (msgspec.json.encode(flying, order="sorted") == msgspec.json.encode(newer, order="sorted"))


@given(BODIES, st.booleans())
def test_a_follower_comes_back_as_it_went(body: dict[str, Any], void: bool) -> None:
    row = numbered(step({"other": [0]}))
    newer = step(body, item=row, void=void, overwrite_local=True)
    row.follower = rows.following(lane(), newer)
    back = rows.follower_of(row)
    assert back is not None
    assert (back.draft, back.flow, back.overwrite_local) == (newer.draft, "f", True)
    assert numbered(back).sequence == row.sequence + 1


def test_nothing_waits_behind_what_nothing_followed() -> None:
    assert rows.follower_of(numbered(step({"n": 1}))) is None


def test_what_a_customer_gets_back_counts_below_zero_in_sums() -> None:
    body = {"total": {"minor": 2750, "currency": "GBP"}}
    assert rows.worth("invoice", body) == (2750, "GBP")
    assert rows.worth("credit_memo", body) == (-2750, "GBP")
    lines = [{"side": side, "amount": {"minor": 500, "currency": "GBP"}} for side in ("debit", "credit")]
    assert rows.worth("journal_entry", {"lines": lines}) == (500, "GBP")
    assert rows.worth("customer", {"name": "Acme"}) == (None, "")


def test_custom_fields_called_entity_and_key_are_no_reference() -> None:
    customer, custom = Ref("customer", "id:1"), {"entity": "EMEA", "key": "7"}
    body = {"name": "A", "customer": {"entity": "customer", "key": "id:1"}, "custom": custom}
    draft = Draft(entity="project", key="id:2", body=body, refs=(customer,))
    made = item_of(Step(draft=draft, record_kind="deal", record_id="2"), {customer: "C-1"})
    assert made.body == {"name": "A", "customer": "C-1", "custom": custom}
