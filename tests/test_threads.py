"""Threads for blocking code: order kept, work bounded, errors in their place, and nobody left behind."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wherry.plugins.process import kept
from wherry.threads import LONG, STRETCH, Overlap, ahead, fan_out


def alive(prefix: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith(prefix)]


@pytest.fixture(autouse=True)
def _nobody_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    left = [thread for thread in set(threading.enumerate()) - before if thread.name.startswith("wherry")]
    assert left == []


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(), max_size=30), st.integers(1, 6))
def test_results_come_in_the_order_of_the_arguments(numbers: list[int], width: int) -> None:
    """I1"""
    assert list(fan_out(lambda n: n * 2, numbers, width)) == [n * 2 for n in numbers]
    assert list(ahead(iter(numbers), width)) == numbers


@pytest.mark.parametrize("width", [1, 3])
def test_no_more_calls_run_at_once_than_allowed_and_no_argument_is_drawn_too_early(width: int) -> None:
    """case_B19"""
    lock, running, most, drawn = threading.Lock(), [0], [0], [0]

    def work(n: int) -> int:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        threading.Event().wait(0.002)
        with lock:
            running[0] -= 1
        return n

    def arguments() -> Iterator[int]:
        for n in range(20):
            drawn[0] += 1
            yield n

    for taken, _ in enumerate(fan_out(work, arguments(), width), 1):
        assert drawn[0] <= taken + width
    assert most[0] <= width


def test_reading_ahead_is_bounded() -> None:
    """case_B19"""
    drawn, asked = [0], threading.Event()

    def source() -> Iterator[int]:
        for n in range(1000):
            drawn[0] += 1
            if n == 6:
                asked.set()
            yield n

    items = ahead(source(), depth=3)
    assert next(items) == 0
    asked.wait(0.3)
    assert drawn[0] <= 1 + 3 + 1 + 1, "the one taken, three in the queue, one in the hand, one in the making"
    items.close()


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("y"), SystemExit(3)])
def test_an_error_is_raised_in_its_place_after_what_came_before(error: BaseException) -> None:
    """case_G20"""

    def source() -> Iterator[int]:
        yield 1
        yield 2
        raise error

    found = []
    with pytest.raises(type(error)):
        found.extend(ahead(source()))
    assert found == [1, 2]

    def work(n: int) -> int:
        if n == 2:
            raise ValueError("two")
        return n

    found = []
    with pytest.raises(ValueError, match="two"):
        found.extend(fan_out(work, range(6), 2))
    assert found == [0, 1]


def test_a_generator_closed_early_leaves_no_thread_and_ends_its_source() -> None:
    """case_E17"""
    ended = threading.Event()

    def source() -> Iterator[int]:
        try:
            yield from range(1_000_000)
        finally:
            ended.set()

    items = ahead(source())
    next(items)
    items.close()
    assert alive("wherry-read") == []
    assert ended.wait(1), "a page that is open at the source is let go"
    results = fan_out(lambda n: n, range(1000), 4)
    next(results)
    results.close()


def test_a_source_whose_reader_is_never_started_costs_no_thread() -> None:
    """case_E17"""
    ahead(iter(range(5))).close()
    fan_out(lambda n: n, range(5)).close()
    assert alive("wherry") == []


def test_what_the_caller_bound_is_known_in_the_threads() -> None:
    """case_G11: log fields, such as flow and run, survive."""
    name: contextvars.ContextVar[str] = contextvars.ContextVar("name", default="")
    name.set("won-deals")
    assert list(fan_out(lambda n: name.get(), range(3), 2)) == ["won-deals"] * 3

    def source() -> Iterator[str]:
        yield name.get()

    assert list(ahead(source())) == ["won-deals"]


def test_a_chain_of_both_closes_from_the_end() -> None:
    """case_E17"""
    chain = fan_out(lambda n: n + 1, ahead(iter(range(100_000)), 2), 2)
    assert next(chain) == 1
    chain.close()


def test_what_the_core_starts_while_a_plugin_is_at_work_is_not_laid_at_its_door() -> None:
    """Reading and completing go on beside the matcher, which has the main thread."""
    told: list[list[str]] = []
    with kept(told.append):
        read, asked = ahead(iter("abc"), depth=1), fan_out(str.upper, "abc", width=2)
        assert (next(read), next(asked)) == ("a", "A")
    read.close()
    asked.close()
    assert told == []


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long calls have waited, one number for each, instead of a clock."""
    told: list[float] = []
    monkeypatch.setattr("wherry.threads._idle", lambda: sum(told))
    return told


def by_whom(items: int, waited: list[float], seconds: float) -> Iterator[str]:
    for _ in range(items):
        waited.append(seconds)
        yield threading.current_thread().name


def test_a_source_that_answers_at_once_is_read_by_its_caller_and_one_that_keeps_waiting_by_a_thread(
    waited: list[float],
) -> None:
    """case_B19"""
    me, quick, late = threading.current_thread().name, Overlap(), Overlap()
    assert set(quick.ahead(by_whom(9, waited, LONG / 2))) == {me}
    assert [name == me for name in late.ahead(by_whom(4, waited, LONG * 2))] == [True, False, False, False]
    assert [quick.pays, late.pays] == [False, True]


def test_calls_are_made_in_turn_only_after_a_read_that_did_not_wait(waited: list[float]) -> None:
    """case_B19"""
    me, overlap = threading.current_thread().name, Overlap()
    assert me not in overlap.fan_out(lambda n: threading.current_thread().name, range(3))
    list(overlap.ahead(iter("ab")))
    assert set(overlap.fan_out(lambda n: threading.current_thread().name, range(3))) == {me}
    assert waited == []


def test_calls_that_keep_waiting_overlap_from_the_fifth_on(waited: list[float]) -> None:
    """case_B19, I1"""
    me, overlap, names = threading.current_thread().name, Overlap(), list[str]()

    def work(n: int) -> int:
        names.append(threading.current_thread().name)
        waited.append(LONG * 2)
        return n

    list(overlap.ahead(iter("ab")))
    assert list(overlap.fan_out(work, range(6))) == list(range(6))
    assert [name == me for name in names] == [True] * 4 + [False] * 2


def test_a_source_that_was_slow_for_a_while_is_read_in_turn_again(waited: list[float]) -> None:
    """case_B19"""
    me, overlap, names = threading.current_thread().name, Overlap(), list[str]()

    def source() -> Iterator[int]:
        for number in range(STRETCH + 4):
            names.append(threading.current_thread().name)
            waited.append(LONG * 2 if number < 4 else 0)
            yield number

    assert list(overlap.ahead(source())) == list(range(STRETCH + 4))
    assert [place for place, name in enumerate(names) if name == me] == [0, *range(STRETCH + 1, STRETCH + 4)]
    late = Overlap()
    whose = [name == me for name in late.fan_out(lambda n: threading.current_thread().name, range(STRETCH + 3))]
    assert whose == [False] * (STRETCH + 1) + [True] * 2


def test_an_error_of_a_source_that_is_read_in_turn_comes_in_its_place() -> None:
    """case_B19"""

    def failing() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    taken: list[int] = []
    with pytest.raises(OSError, match="gone"):
        taken.extend(Overlap().ahead(failing()))
    assert taken == [1]
