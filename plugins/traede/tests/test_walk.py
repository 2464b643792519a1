"""The walk through a list that does not hold still: nothing that stays is lost, sorted or not, whatever leaves it."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from wherry.clock import SystemClock
from wherry.errors import ContractBroken, TryAgain
from wherry.marks import Bound
from wherry_traede.client import Row, Window
from wherry_traede.walk import LAG, Mark, Walk, mark_of

NOW = 100_000


class Server:
    """A list of entries (id → moment of the last change), and what becomes of it between two questions.

    An event (question, id, gone) lets an entry leave or be changed, after that many questions.
    """

    def __init__(self, held: dict[int, int], events: list[tuple[int, int, bool]], *, sorts: bool, cap: int) -> None:
        self.held, self.events, self.sorts, self.cap = dict(held), events, sorts, cap
        self.asked = 0

    def ask(self, window: Window) -> tuple[list[Row], dict[str, str]]:
        here = [i for i, at in self.held.items() if window.first <= at and (not window.until or at < window.until)]
        if self.sorts:
            here.sort(key=lambda i: (self.held[i], i), reverse=window.newest)
        else:
            here.sort()
        limit = min(window.limit, self.cap)
        rows = [row(i, self.held[i]) for i in here[window.page * limit :][:limit]]
        self.asked += 1
        for when, id, gone in self.events:
            if when == self.asked and id in self.held:
                if gone:
                    del self.held[id]
                else:
                    self.held[id] = NOW + self.asked
        return rows, {}


def began() -> Bound:
    return Bound(SystemClock(), LAG, early=NOW, late=NOW)


def row(id: int, at: int) -> Row:
    return Row(str(id), at, str(at), {})


def walked(server: Server, start: int = 0, size: int = 25) -> tuple[dict[int, int], int]:
    """Id → moment as read last, and the mark at the end; no step gives an entry twice as it is."""
    found: dict[int, int] = {}
    mark = 0
    for step in Walk(server.ask, began(), start, size).steps():
        for one in step.rows:
            assert found.get(int(one.id)) != one.at, "an entry came twice"
            found[int(one.id)] = one.at
        assert step.mark.at >= mark
        mark = step.mark.at
    return found, mark


@st.composite
def lists(draw: st.DrawFn) -> dict[int, int]:
    """Up to 120 entries, many of a moment, in any order of their ids."""
    moments = draw(st.lists(st.tuples(st.integers(0, 6), st.integers(1, 30)), max_size=4))
    stamps = [1_000 + at for at, count in moments for _ in range(count)]
    turned = draw(st.integers(0, len(stamps)))
    return dict(enumerate(stamps[turned:] + stamps[:turned], 1))


entries = lists()
events = st.lists(st.tuples(st.integers(1, 12), st.integers(1, 130), st.booleans()), max_size=3)


@given(entries, events, st.booleans(), st.sampled_from([20, 25, 60]))
@example({n: 1_000 + (n == 25) for n in range(1, 60)}, [], False, 25)
@example(dict.fromkeys(range(1, 60), 1000) | {60: 999}, [], False, 25)
@example(dict.fromkeys(range(1, 60), 1000), [(3, 1, True)], True, 25)
@example(dict.fromkeys(range(1, 60), 1000), [(2, 1, False), (4, 2, True)], True, 25)
@example(dict.fromkeys(range(1, 21), 1001) | {21: 1000}, [(1, 1, False)], False, 20)
@settings(max_examples=100, deadline=None)
def test_nothing_that_stays_in_the_list_is_lost(
    held: dict[int, int], moved: list[tuple[int, int, bool]], sorts: bool, cap: int
) -> None:
    """case_B1 case_B3 case_B4: whether Traede sorts, whatever its largest page, while entries leave and change."""
    server = Server(held, moved, sorts=sorts, cap=cap)
    found, mark = walked(server)
    lost = {id for id, at in server.held.items() if found.get(id) != at and at < mark}
    assert lost == set()


@given(entries, st.integers(990, 1_010), st.booleans())
@settings(deadline=None)
def test_a_walk_from_a_mark_reads_what_changed_from_there_on(held: dict[int, int], start: int, sorts: bool) -> None:
    found, mark = walked(Server(held, [], sorts=sorts, cap=60), start)
    assert found == {id: at for id, at in held.items() if at >= start}
    assert mark == max(found.values(), default=start - 1) + 1, "all of it is long settled"


def test_a_walk_can_be_cut_off_after_any_step() -> None:
    """case_B9"""
    held = {n: 1_000 + n // 40 for n in range(1, 200)}
    for sorts in (True, False):
        steps = list(Walk(Server(held, [], sorts=sorts, cap=60).ask, began(), 0, 25).steps())
        for cut, step in enumerate(steps):
            before = {int(one.id) for earlier in steps[: cut + 1] for one in earlier.rows}
            after, _ = walked(Server(held, [], sorts=sorts, cap=60), step.mark.at)
            assert before | set(after) == set(held)


def test_few_changes_take_one_question() -> None:
    server = Server(dict.fromkeys(range(1, 8), NOW - 5), [], sorts=True, cap=60)
    found, mark = walked(server, NOW - 500)
    assert (len(found), server.asked) == (7, 1)
    assert mark == NOW - LAG, "what is being committed still has earlier stamps"


def test_what_changes_after_the_walk_began_comes_next_time() -> None:
    server = Server({n: NOW + n for n in range(1, 200)}, [], sorts=True, cap=60)
    _, mark = walked(server)
    assert server.asked <= 2
    assert mark <= NOW - LAG


def test_a_clock_that_went_back_is_followed() -> None:
    """case_B7"""
    server = Server({1: NOW - 10}, [], sorts=True, cap=60)
    found, _ = walked(server, NOW + 3_600)
    assert found == {1: NOW - 10}


def test_a_list_that_never_rests_is_left_for_later() -> None:
    """case_B10"""
    held = dict.fromkeys(range(1, 60), 1000)
    restless = Server(held, [(n, n, True) for n in range(1, 60)], sorts=True, cap=60)
    with pytest.raises(TryAgain, match="hold still"):
        walked(restless)


def test_a_mark_is_read_as_it_was_written_and_no_other() -> None:
    assert mark_of(str(Mark(1_234))) == Mark(1_234)
    for strange in ("", "7", '{"v":2,"at":1}', '{"v":1}'):
        with pytest.raises(ContractBroken) as caught:
            mark_of(strange)
        assert caught.value.fix
