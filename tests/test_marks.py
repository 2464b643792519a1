"""Where a read of changes ends and what is saved of it, whatever clocks say."""

from __future__ import annotations

import datetime as dt
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wherry.errors import ContractBroken
from wherry.marks import Bound, Mark, Span, saved_mark
from wherry.testing.clock import FakeClock

OVERLAP = 300
skews = st.integers(-10 * OVERLAP, 10 * OVERLAP)


def noted(ours: int, told: int | None, second: int = 1) -> tuple[Bound, int]:
    """A bound after its first answer, and the system's own time in stamps; clocks are wrong by so many seconds."""
    clock = FakeClock()
    now = clock.now().replace(microsecond=0) - dt.timedelta(seconds=ours)
    date = {} if told is None else {"date": format_datetime(now + dt.timedelta(seconds=told), usegmt=True)}
    bound = Bound(clock, OVERLAP * second, second)
    bound.note(date)
    return bound, int(now.timestamp()) * second


@given(ours=skews, told=skews, second=st.sampled_from([1, 1_000]))
def test_one_clock_that_is_wrong_neither_loses_a_change_nor_puts_it_off(ours: int, told: int, second: int) -> None:
    """case_B7: what is saved lies the overlap behind the system's clock, the end of the read not before it."""
    bound, now = noted(ours, told, second)
    if min(ours, told) <= 0:
        assert bound.settled() <= now - OVERLAP * second
    if max(ours, told) >= 0:
        assert not bound.passed(now)
    assert bound.passed(now + (max(ours, told) + 1) * second)


@given(ours=skews, told=skews, second=st.sampled_from([1, 1_000]))
def test_two_clocks_that_are_wrong_lose_nothing_that_comes_after_what_was_read(
    ours: int, told: int, second: int
) -> None:
    """case_B7: a machine and its proxy may go by the same wrong clock; the stamps are the system's own."""
    bound, now = noted(ours, told, second)
    newest = now - 7 * OVERLAP * second
    assert bound.reached(newest) <= newest + 1
    assert bound.reached(now + 1) == min(bound.settled(), now + 2)


@given(ours=skews)
def test_where_no_answer_tells_the_time_the_newest_stamp_counts(ours: int) -> None:
    """Our own clock alone would pass over changes where it is ahead."""
    bound, now = noted(ours, None)
    assert bound.settled(now - 7) == now - 7 - OVERLAP
    assert not bound.went_back(now + 10 * OVERLAP)


@pytest.mark.parametrize("first", [0, None])
def test_later_answers_change_nothing(first: int | None) -> None:
    """Also where the first one told no time: a later one tells when the read was under way, not when it began."""
    bound, now = noted(0, first)
    bound.note({"date": format_datetime(dt.datetime.fromtimestamp(now + 900, dt.UTC), usegmt=True)})
    assert bound.settled(now - 7) == now - OVERLAP - (7 if first is None else 0)


def test_a_mark_is_never_closer_than_the_overlap_nor_behind_where_the_read_began() -> None:
    began = 10_000
    span = Span(FakeClock(), OVERLAP, early=began, late=began, start=Mark(500, "x"))
    assert [span.mark(at, "y") for at in (400, 600, began)] == [
        Mark(500, "x", 500), Mark(600, "y", 500), Mark(began - OVERLAP, "", 500),
    ]  # fmt: skip
    assert span.end() == Mark(began - OVERLAP, "", began - OVERLAP)


def test_what_nothing_came_after_stays_the_place_of_the_next_read() -> None:
    """And relatives count from the newest of them: they change where no head does."""
    span = Span(FakeClock(), OVERLAP, early=10_000, late=10_000, start=Mark(500, "x", 700))
    assert span.end() == Mark(500, "x", 700)
    span.beside = 900
    assert span.end() == Mark(500, "x", 901)
    assert span.mark(600, "y") == Mark(600, "y", 700)
    assert span.end() == Mark(601, "", 901)


def test_relatives_are_looked_for_earlier_too_where_the_clocks_of_a_first_read_were_ahead() -> None:
    """case_B7: its heads are marked by their own stamps, so that those do not show it"""
    ahead = Mark(500, "x", 10_000)
    span = Span(FakeClock(), OVERLAP, early=10_000, late=10_000, start=ahead)
    assert (span.turned_back(), span.start) == (True, Mark(500, "x", 10_000 - OVERLAP))
    assert not span.turned_back()


def test_a_strange_mark_is_told_by_the_plugins_own_code() -> None:
    assert saved_mark(Mark, str(Mark(7, "a")), "Acme", "ACME-1001") == Mark(7, "a")
    with pytest.raises(ContractBroken, match="of the Acme plugin") as caught:
        saved_mark(Mark, '{"v": 2}', "Acme", "ACME-1001")
    assert caught.value.code == "ACME-1001"
