"""What a person gave another number, name or day while its answer was lost is found by its stamp, or by nobody."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from wherry.records import Found, Item, Reply
from wherry_qbwc import asking, facts, recent

from .company_bench import desktop
from .test_sink import Bench, item, money, order
from .work_rig import TOTALS, shop

LONG_AGO = "2020-01-01T00:00:00.000Z"


@pytest.fixture
def bench() -> Bench:
    return Bench(desktop())


def look(bench: Bench, lost: Item, complaints: Callable[[bytes], list[str]]) -> dict[str, list[Found]]:
    """What is told of an item that was sent at some time."""
    sought = replace(lost, target=None, token="", before=None, since=LONG_AGO)
    [call] = asking.calls([sought], bench.books)
    assert complaints(call.body) == []
    reply = Reply(status=200, body=bench.sim.execute(call.body.decode()).encode())
    return asking.found(call, [sought], reply, bench.books)


@pytest.mark.parametrize(
    ("entity", "body", "edit", "changed"),
    [
        ("sales_order", {}, {"RefNumber": "MINE-1"}, {"number"}),
        ("invoice", {"number": ""}, {"TxnDate": "2026-04-02"}, {"date"}),
        ("estimate", {}, {"RefNumber": "MINE-1", "TxnDate": "2026-04-02"}, {"number", "date"}),
        ("credit_memo", {}, {"RefNumber": ""}, {"number"}),
        ("sales_order", {}, {}, set()),
    ],
)
def test_a_document_under_another_number_or_day_is_found_by_its_stamp(
    bench: Bench, entity: str, body: dict[str, Any], edit: dict[str, str], changed: set[str],
    complaints: Callable[[bytes], list[str]],
) -> None:  # fmt: skip
    """I2, case_A2"""
    sent = item(entity, order(bench, **body))
    made = bench.written(sent)
    bench.sim.change(str(made.target), **edit)
    [hit] = look(bench, sent, complaints)[sent.stamp]
    assert (hit.ours, hit.target) == (True, made.target)
    wanted = facts.of_item(sent, bench.books)
    assert {name for name in wanted if name in hit.facts and hit.facts[name] != wanted[name]} == changed


def test_a_customer_under_another_name_is_found_by_its_stamp(
    bench: Bench, complaints: Callable[[bytes], list[str]]
) -> None:  # fmt: skip
    sent = item("customer", {"name": "Acme Ltd", "email": "a@acme.test"})
    made = bench.written(sent)
    bench.sim.change(str(made.target), Name="Acme Holdings")
    [hit] = look(bench, sent, complaints)[sent.stamp]
    assert (hit.ours, hit.facts["name"], hit.facts["email"]) == (True, "acme holdings", "a@acme.test")


def test_an_entry_under_another_number_is_found_by_its_stamp(
    bench: Bench, complaints: Callable[[bytes], list[str]]
) -> None:  # fmt: skip
    lines = [
        {"side": side, "account": account, "amount": money(4060), "description": "Week 14"}
        for side, account in (("debit", "10100"), ("credit", "40100"))
    ]
    sent = item("journal_entry", {"number": "W-2026-14", "date": "2026-03-31", "lines": lines})
    made = bench.written(sent)
    bench.sim.change(str(made.target), RefNumber="MINE-1")
    [hit] = look(bench, sent, complaints)[sent.stamp]
    assert (hit.ours, hit.facts["number"]) == (True, "MINE-1")


def test_where_more_is_recent_than_one_answer_tells_nothing_is_proved_absent(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, complaints: Callable[[bytes], list[str]]
) -> None:  # fmt: skip
    """I2: a person is asked in the end."""
    lost = item("sales_order", order(bench, number="LOST-1"))
    assert look(bench, lost, complaints) == {lost.stamp: []}
    bench.written(item("sales_order", order(bench)))
    monkeypatch.setattr(recent, "USUAL", 1)
    assert look(bench, lost, complaints) == {}
    other = {one.row["Name"]: one.row["ListID"] for one in bench.lists["customer"]}["Abercrombie, Kristy"]
    theirs = item("sales_order", order(bench, number="LOST-2", customer=other))
    assert look(bench, theirs, complaints) == {theirs.stamp: []}, "all that is recent of its customer was told"
    there = item("sales_order", order(bench, number="INV-2"))
    bench.written(there)
    assert [hit.ours for hit in look(bench, there, complaints)[there.stamp]] == [True]


def test_what_was_renumbered_by_hand_while_its_answer_was_lost_is_not_written_again(tmp_path: Path) -> None:
    """I2, case_A2: long after QuickBooks could have been asked for its answer."""
    with shop(tmp_path) as made:
        made.session()
        made.desktop.mishaps.add("dies-executed", request="SalesOrderAdd")
        made.run()
        made.session()
        [lost] = made.written()
        made.desktop.change(lost["id"], RefNumber="MINE-1")
        made.clock.advance(3 * 86_400)
        made.run()
        made.session()
        assert sorted(made.totals()) == sorted({*TOTALS, "MINE-1"} - {lost["RefNumber"]})
        assert made.waiting()["differs"] == 1
