"""The limiter: as fast as the account allows, never faster, for all threads and flows together."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wherry.errors import TryAgain
from wherry.http import Http, Limit, Pace, Pacer, Profile, shared_pacer
from wherry.http.pacing import SLACK
from wherry.testing.clock import FakeClock
from wherry.testing.loopback import Reply, loopback


def pacer(clock: FakeClock, **profile) -> Pacer:
    return Pacer(Profile(base_url="https://api.example.com", **profile), clock)


def most_in_a_window(times: list[float], seconds: float) -> int:
    times = sorted(times)
    return max(sum(1 for other in times if start <= other < start + seconds) for start in times)


@given(st.integers(1, 20), st.floats(0.5, 20), st.lists(st.floats(0, 3), max_size=80))
@settings(deadline=None, max_examples=50)
def test_no_window_ever_holds_more_calls_than_its_limit(count, seconds, gaps):
    clock = FakeClock()
    limiter = pacer(clock, limits={"": Limit(count, seconds)})
    times = []
    for gap in gaps:
        clock.advance(gap)
        times.append(limiter.take().at)
    assert not times or most_in_a_window(times, seconds) <= count


def test_a_full_window_is_used_at_once_and_the_next_call_waits_for_the_oldest():
    clock = FakeClock()
    limiter = pacer(clock, limits={"": Limit(3, 10.0)})
    for _ in range(3):
        limiter.take()
    clock.advance(4)
    limiter.take()
    assert clock.slept == [pytest.approx(6.0 + SLACK)]


def test_a_limit_of_a_longer_window_holds_beside_that_of_a_shorter_one():
    """QuickBooks counts the calls of a second and those of a minute."""
    clock = FakeClock()
    limiter = pacer(clock, limits={"": Limit(2, 1.0, also=Limit(5, 60.0))})
    went = [limiter.take().at for _ in range(6)]
    assert [round(at - went[0]) for at in went] == [0, 0, 1, 1, 2, 60]


def test_a_call_counts_from_its_answer_since_it_may_have_arrived_no_sooner():
    """W2, W7: a vendor counts what arrives, and the way there takes now more, now less."""
    clock = FakeClock()
    limiter = pacer(clock, limits={"": Limit(2, 10.0)})
    late, early = limiter.take(), limiter.take()
    limiter.heard(early, {})
    clock.advance(4)
    limiter.heard(late, {})
    limiter.take()
    limiter.take()
    assert clock.slept == [pytest.approx(6.0 + SLACK), pytest.approx(4.0)]


def test_what_the_fastest_answer_took_is_not_waited_for_in_each_window_again():
    """W2: wherever on the way a vendor counts, it sees no more than its limit in a window."""
    clock = FakeClock()
    limiter = pacer(clock, limits={"": Limit(10, 10.0)})
    sent, answered = [], []
    for number in range(40):
        ticket = limiter.take()
        clock.advance(0.2 if number % 3 else 0.3)
        limiter.heard(ticket, {})
        sent.append(ticket.at)
        answered.append(clock.monotonic())
    assert most_in_a_window(sent, 10.0) == most_in_a_window(answered, 10.0) == 10
    assert sent[30] - sent[20] < 10.0 + 0.2 + SLACK


def test_threads_together_keep_to_one_limit():
    clock = FakeClock()
    limiter = pacer(clock, limits={"": Limit(10, 10.0)})
    with ThreadPoolExecutor(16) as pool:
        times = [ticket.at for ticket in pool.map(lambda _: limiter.take(), range(100))]
    assert most_in_a_window(times, 10.0) == 10
    assert clock.monotonic() == pytest.approx(9 * (10 + SLACK))


def test_a_lane_counts_in_the_general_one_unless_the_vendor_counts_it_apart():
    clock = FakeClock()
    limits = {"": Limit(2, 10.0), "search": Limit(1, 1.0), "batch": Limit(5, 1.0)}
    limiter = pacer(clock, limits=limits, own_lanes=frozenset({"search"}))
    limiter.take()
    limiter.take("search")
    limiter.take("batch")
    assert clock.slept == []
    limiter.take("search")
    assert clock.slept == [pytest.approx(1.0 + SLACK)]
    limiter.take("batch")
    assert sum(clock.slept) == pytest.approx(10.0 + SLACK)


def test_calls_without_any_limit_are_not_held_up():
    clock = FakeClock()
    limiter = pacer(clock)
    for _ in range(1000):
        limiter.take("any")
    assert clock.slept == []


def heard(limiter: Pacer, clock: FakeClock, remaining: int | None, limit: int = 10) -> None:
    limiter._pace = lambda headers: Pace(limit, remaining, 10.0)
    limiter.heard(limiter.take(), {})


def test_headers_teach_the_limit_of_an_account_that_was_not_known():
    clock = FakeClock()
    limiter = pacer(clock)
    heard(limiter, clock, 1, limit=2)
    limiter.take()
    assert clock.slept == []
    limiter.take()
    assert clock.slept == [pytest.approx(10.0 + SLACK)]


def test_calls_that_others_made_with_the_same_account_are_counted():
    clock = FakeClock()
    limiter = pacer(clock, limits={"": Limit(10, 10.0)})
    heard(limiter, clock, remaining=2)
    limiter.take()
    limiter.take()
    assert clock.slept == []
    limiter.take()
    assert len(clock.slept) == 1


def test_our_own_calls_are_not_taken_for_those_of_others():
    clock = FakeClock()
    limiter = pacer(clock, limits={"": Limit(10, 10.0)})
    for used in range(1, 11):
        heard(limiter, clock, remaining=10 - used)
        clock.advance(0.1)
    assert clock.slept == []


def test_an_answer_that_took_long_does_not_make_expired_calls_look_like_those_of_others():
    clock = FakeClock()
    limiter = pacer(clock, limits={"": Limit(10, 10.0)})
    for _ in range(9):
        limiter.take()
    clock.advance(9.9)
    ticket = limiter.take()
    clock.advance(0.5)
    limiter._pace = lambda headers: Pace(10, 0, 10.0)
    limiter.heard(ticket, {})
    for _ in range(9):
        limiter.take()
    assert clock.slept == []


def test_a_header_that_says_more_is_left_than_we_used_does_not_loosen_the_limit():
    clock = FakeClock()
    limiter = pacer(clock, limits={"": Limit(2, 10.0)})
    heard(limiter, clock, remaining=50, limit=2)
    limiter.take()
    limiter.take()
    assert len(clock.slept) == 1


def test_a_429_closes_its_lane_for_all_and_leaves_the_others_open():
    """case_E7"""
    clock = FakeClock()
    limits = {"": Limit(100, 10.0), "search": Limit(5, 1.0)}
    limiter = pacer(clock, limits=limits, own_lanes=frozenset({"search"}))
    limiter.close("search", 8.0)
    limiter.take()
    assert clock.slept == []
    limiter.take("search")
    assert clock.slept == [8.0]


def test_a_budget_that_is_gone_for_hours_is_not_slept_on():
    """case_E8"""
    clock = FakeClock()
    limiter = pacer(clock, limits={"": Limit(1, 86400.0)})
    limiter.take()
    with pytest.raises(TryAgain, match="used up") as caught:
        limiter.take()
    assert caught.value.after == pytest.approx(86400 + SLACK)
    assert clock.slept == []


class Steps(FakeClock):
    """Its sleepers wait until the test wakes them, all at one moment."""

    def __init__(self) -> None:
        super().__init__()
        self.asleep = threading.Semaphore(0)
        self.wake = threading.Event()

    def sleep(self, seconds: float) -> None:
        wake = self.wake
        self.asleep.release()
        wake.wait(10)


def test_a_page_that_others_hang_on_is_served_before_those_that_wait():
    """performance.md, design choice 5"""
    clock, order = Steps(), []
    limiter = pacer(clock, limits={"": Limit(1, 10.0)})
    limiter.take()

    def call(name: str, first: bool) -> None:
        limiter.take(first=first)
        order.append(name)

    threads = [threading.Thread(target=call, args=(name, name == "page")) for name in ("leaf", "leaf", "page")]
    for thread in threads:
        thread.start()
        clock.asleep.acquire()
    for _ in threads:
        clock.advance(10.1)
        old, clock.wake = clock.wake, threading.Event()
        waiting = len(threads) - len(order) - 1
        old.set()
        for _ in range(waiting):
            clock.asleep.acquire()
        while len(order) + waiting < len(threads):
            threading.Event().wait(0.001)
    for thread in threads:
        thread.join(10)
    assert order == ["page", "leaf", "leaf"]


def test_of_a_long_wait_the_caller_hears_once_however_many_wait():
    clock, told = Steps(), []
    limiter = pacer(clock, limits={"": Limit(3, 60.0), "short": Limit(1, 5.0)}, own_lanes=frozenset({"short"}))

    def waiting(lane: str) -> list[threading.Thread]:
        def take() -> None:
            limiter.take(lane, waits=lambda seconds, limit: told.append((round(seconds), limit)))

        threads = [threading.Thread(target=take) for _ in range(3 if lane == "" else 1)]
        for _ in threads:
            limiter.take(lane)
        for thread in threads:
            thread.start()
            clock.asleep.acquire()
        return threads

    threads = [*waiting("short"), *waiting("")]
    clock.advance(61.0)
    clock.wake.set()
    for thread in threads:
        thread.join(10)
    assert told == [(60, Limit(3, 60.0))]


def test_flows_of_one_account_share_a_limiter_and_two_accounts_do_not():
    clock = FakeClock()
    profile = Profile(base_url="https://api.example.com", limits={"": Limit(1, 10.0)})
    wider = Profile(base_url="https://api.example.com", limits={"search": Limit(1, 1.0)})
    first = shared_pacer("crm:one", profile, clock)
    assert shared_pacer("crm:one", wider, clock) is first
    assert first.window("search") == pytest.approx(10.0 + SLACK)
    assert shared_pacer("crm:two", profile, clock) is not first


def test_two_clients_of_one_account_keep_to_its_limit_together_and_replays_count():
    clock = FakeClock()
    with loopback(lambda seen: Reply(body={})) as server:
        profile = Profile(base_url=server.url, limits={"": Limit(2, 10.0)})
        with (
            Http(profile, account="shared:1", clock=clock) as one,
            Http(profile, account="shared:1", clock=clock) as two,
        ):
            for http in (one, two, one, two):
                http.read("GET", "/")
    assert clock.monotonic() == pytest.approx(10.0 + SLACK)


def test_a_storm_of_429s_costs_each_thread_one_wait_and_no_call_is_lost():
    """case_E7: 429 storm"""
    clock = FakeClock()
    replies = lambda seen: Reply(429, {}, {"Retry-After": "5"}) if seen.number <= 8 else Reply(body={})  # noqa: E731
    # Each thread that sleeps moves the one clock for all: none of the others' calls is to end by it.
    with loopback(replies) as server, Http(Profile(base_url=server.url, timeout=3600.0), clock=clock) as http:
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda n: http.read("GET", f"/{n}").status, range(30)))
    assert answers == [200] * 30
    assert (http.total, http.refused) == (38, 8)
    assert max(clock.slept) <= 5.0
