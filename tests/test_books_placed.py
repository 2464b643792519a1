"""On which day a movement is booked and what its entry is called: tables that end, closed days, other flows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from wherry.accounting import Period
from wherry.books.gathering import Basis
from wherry.books.periods import Calendar
from wherry.books.subledger import Subledger
from wherry.records import Item
from wherry.store import Store
from wherry.store.documents import DocumentView

from .test_books_taken_back import ROUTE, Desk, _body, rolled_back
from .test_books_taken_back import opened as opened


class Placed(Desk):
    """The same desk with more that can be told: other days, types and flows."""

    calendar, closed_until = Calendar(), None

    def basis(self) -> Basis:
        told = {"calendar": self.calendar, "closed_until": self.closed_until, "flow": self.flow}
        return msgspec.structs.replace(super().basis(), **told)

    def named(self, name: str, **settings: Any) -> None:
        """From here on the desk is that of a flow of that name."""
        self.flow = self.flow.model_copy(update=settings)
        self.flow._name = name

    def moved(self, key: str, day: str, **more: Any) -> None:
        body = {**_body(10000, None), "date": day, "reference": key, **more}
        item = Item(entity="movement", key=f"{self.flow.name}/{key}", body=body)
        Subledger(self.flow.name, ROUTE).apply(DocumentView(self.tx, "books"), [item])


@pytest.fixture
def desk(opened: Store) -> Iterator[Placed]:
    with rolled_back(opened) as tx:
        yield Placed(tx)


def periods() -> Calendar:
    return Calendar([
        Period("P01", dt.date(2026, 1, 1), dt.date(2026, 1, 28)),
        Period("P02", dt.date(2026, 1, 29), dt.date(2026, 2, 28)),
    ])  # fmt: skip


def test_a_movement_in_no_period_of_the_table_is_held_by_itself_and_the_others_are_booked(desk: Placed) -> None:
    """case_C10"""
    desk.calendar = periods()
    for key, day in (("A", "2026-01-05"), ("B", "2026-03-05"), ("C", "2025-12-31"), ("D", "2026-02-28")):
        desk.moved(key, day)
    found = desk.gather()
    assert [one.entry.bucket for one in found.bookings] == ["2026-W02", "2026-W09a"]
    [left] = found.left
    assert (left.reason, len(left.members), left.minor) == ("held", 2, 20000)
    assert left.detail.startswith("in no period: the table goes from 2026-01-01 to 2026-02-28; add its period")


def test_what_is_late_at_the_end_of_the_table_is_held_until_there_is_a_period_after_it(desk: Placed) -> None:
    """case_C10"""
    desk.calendar = periods()
    desk.named("flow", late="next-period")
    desk.moved("A", "2026-02-25")
    desk.post()
    desk.moved("B", "2026-02-25")
    desk.moved("C", "2026-01-05")
    found = desk.gather()
    assert [(one.entry.bucket, one.entry.moved) for one in found.bookings] == [("2026-W02", "")]
    assert [(one.reason, one.detail) for one in found.left] == [
        ("held", "its group was posted before it came, and no later period is open")
    ]


def test_an_entry_that_bears_its_first_day_bears_the_first_open_one(desk: Placed) -> None:
    """case_C12"""
    desk.named("flow", group="month", closed="hold")
    desk.closed_until = dt.date(2026, 2, 15)  # type: ignore[assignment]
    desk.moved("A", "2026-02-20", type="true-up")
    desk.moved("B", "2026-02-21")
    desk.moved("C", "2026-02-15", type="true-up")
    desk.moved("D", "2026-03-03", type="true-up")
    found = desk.gather()
    assert [(one.entry.type, one.entry.date.isoformat(), one.entry.period) for one in found.bookings] == [
        ("", "2026-02-28", "2026-02"), ("true-up", "2026-02-16", "2026-02"), ("true-up", "2026-03-01", "2026-03"),
    ]  # fmt: skip
    assert all(one.draft.body["date"] == one.entry.date.isoformat() for one in found.bookings)
    assert [one.detail for one in found.left] == ["its period is closed"]


def test_what_changed_in_locked_periods_is_one_true_up_of_their_balances_on_the_first_open_day(desk: Placed) -> None:
    """b_000_01, case_C12: of all locked periods together, with its external id, its memo and the first day."""
    desk.named("flow", group="month", closed="true-up", late="next-period")
    for key, day in (("A", "2025-12-30"), ("B", "2026-01-05")):
        desk.moved(key, day)
    desk.says("W-1", 10000)
    desk.post()
    desk.closed_until = dt.date(2026, 1, 31)  # type: ignore[assignment]
    desk.says("W-1", 9000)
    desk.moved("D", "2025-12-31")
    [up] = desk.post()
    assert (up.number, up.date.isoformat(), up.period, len(up.members)) == (
        "JE-TRUEUP-2026-02L", "2026-02-01", "2026-02", 3)  # fmt: skip
    assert up.memo == "True-up against locked balances, 2026-02, moved from locked periods"
    moved = {code: sum(line.minor * (1, -1)[line.side == "credit"] for line in up.lines if line.account == code)
             for code in ("1205", "4010")}  # fmt: skip
    assert moved == {"1205": 9000, "4010": -9000}
    desk.moved("E", "2026-02-20")
    found = desk.gather()
    assert [(one.entry.number, one.entry.moved) for one in found.bookings] == [("JE 2026-02", "")]


def test_two_flows_into_the_same_books_call_no_entry_alike(desk: Placed) -> None:
    """b_004_14"""
    desk.named("flow")
    desk.moved("A", "2026-01-05")
    [first] = desk.post()
    desk.named("again")
    desk.moved("B", "2026-01-05")
    [second] = [one.entry for one in desk.gather().bookings]
    assert (first.number, first.key) == ("JE 2026W02", second.key)
    assert second.number != first.number
    assert second.number == desk.gather().bookings[0].entry.number
    [posted] = desk.post()
    assert posted.number == second.number
