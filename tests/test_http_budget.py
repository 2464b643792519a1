"""One budget for all processes of a machine: what one calls, and what one is told, counts for the others."""

import errno
import fcntl
import json
import os
import subprocess
import sys

import pytest
from wherry.http import Limit, Pace, Profile
from wherry.http.budget import SLACK, SharedBudget
from wherry.http.pacing import Pacer
from wherry.testing.clock import FakeClock

PROFILE = Profile(base_url="https://api.example.com", limits={"": Limit(3, 10.0)})
WORKER = """
import json, sys
from pathlib import Path
from wherry.clock import SystemClock
from wherry.http import Limit, Profile, shared_pacer
profile = Profile(base_url="https://api.example.com", limits={"": Limit(12, 0.3)})
pacer = shared_pacer("crm", profile, SystemClock(), Path(sys.argv[1]))
print(json.dumps([pacer.take().at for _ in range(24)]))
"""


def pacer(folder, clock, profile=PROFILE, account="crm") -> Pacer:
    """As another process makes it: nothing is shared but the folder."""
    return Pacer(profile, clock, SharedBudget(folder / "budgets", account))


def test_processes_together_keep_to_one_limit_and_each_gets_its_turn(tmp_path):
    """case_E7"""
    workers = [
        subprocess.Popen([sys.executable, "-c", WORKER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    found = [json.loads(worker.communicate()[0]) for worker in workers]
    times = sorted(at for one in found for at in one)
    assert len(times) == 4 * 24
    assert max(sum(start <= at < start + 0.3 for at in times) for start in times) == 12


def test_a_call_waits_for_those_of_another_process(tmp_path):
    """case_E7"""
    clock = FakeClock()
    one, two = pacer(tmp_path, clock), pacer(tmp_path, clock)
    for limiter in (one, two, one):
        limiter.take()
    assert clock.slept == []
    two.take()
    assert clock.slept == [pytest.approx(10.0 + SLACK)]


def test_two_accounts_have_budgets_of_their_own(tmp_path):
    clock = FakeClock()
    for account in ("crm", "books"):
        for _ in range(3):
            pacer(tmp_path, clock, account=account).take()
    assert clock.slept == []


def test_a_429_that_one_process_was_answered_closes_the_lane_for_all(tmp_path):
    """case_E7: 429 storm"""
    clock = FakeClock()
    pacer(tmp_path, clock).close("", 30.0)
    pacer(tmp_path, clock).take()
    assert clock.slept == [30.0]


def test_calls_of_another_process_are_not_counted_twice_when_headers_tell_of_them(tmp_path):
    clock = FakeClock()
    told = Profile(base_url="https://api.example.com", pace=lambda headers: Pace(4, int(headers["left"]), 10.0))
    one, two = pacer(tmp_path, clock, told), pacer(tmp_path, clock, told)
    one.heard(one.take(), {"left": "3"})  # the first call went before anybody knew of a limit
    two.heard(two.take(), {"left": "2"})
    one.heard(one.take(), {"left": "1"})
    two.heard(two.take(), {"left": "0"})
    assert clock.slept == []
    one.take()
    assert clock.slept == [pytest.approx(10.0 + SLACK)]


def test_a_process_that_has_heard_no_answer_yet_keeps_to_the_limit_that_another_one_was_told(tmp_path):
    """W7: it would call as often as its settings allow, and be refused."""
    clock = FakeClock()
    told = Profile(base_url="https://api.example.com", limits={"": Limit(190, 10.0)}, pace=lambda headers: Pace(2, 1))
    one = pacer(tmp_path, clock, told)
    one.heard(one.take(), {})
    one.take()
    assert clock.slept == []
    pacer(tmp_path, clock, told).take()
    assert clock.slept == [pytest.approx(10.0 + SLACK)]


def test_what_was_written_before_the_machine_started_again_holds_nobody_up(tmp_path):
    before, after = FakeClock(), FakeClock()
    before.advance(5_000)
    limiter = pacer(tmp_path, before)
    for _ in range(3):
        limiter.take()
    limiter.close("", 10_000.0)
    pacer(tmp_path, after).take()
    assert after.slept == []


def test_a_file_whose_writer_died_half_way_is_begun_anew(tmp_path):
    clock = FakeClock()
    limiter = pacer(tmp_path, clock)
    limiter.take()
    [path] = (tmp_path / "budgets").iterdir()
    path.write_bytes(path.read_bytes()[:-3])
    for _ in range(3):
        limiter.take()
    assert clock.slept == []
    limiter.take()
    assert clock.slept == [pytest.approx(10.0 + SLACK)]


def test_where_nothing_can_be_written_a_process_keeps_to_the_limit_by_itself(tmp_path):
    (tmp_path / "budgets").write_text("not a folder")
    clock = FakeClock()
    limiter = pacer(tmp_path, clock)
    for _ in range(4):
        limiter.take()
    assert clock.slept == [pytest.approx(10.0 + SLACK)]


def test_a_process_that_was_stopped_with_the_file_in_its_hand_stops_nobody_else(tmp_path, monkeypatch):
    monkeypatch.setattr("wherry.http.budget._TRIES", 2)
    clock = FakeClock()
    limiter = pacer(tmp_path, clock)
    limiter.take()
    [path] = (tmp_path / "budgets").iterdir()
    held = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        limiter.take()
    finally:
        os.close(held)
    assert clock.slept == []


def test_where_files_cannot_be_locked_calls_go_all_the_same(tmp_path, monkeypatch):
    def refused(handle: int, how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("wherry.http.budget.fcntl.flock", refused)
    clock = FakeClock()
    limiter = pacer(tmp_path, clock)
    for _ in range(4):
        limiter.take()
    assert clock.slept == [pytest.approx(10.0 + SLACK)]


def test_nothing_of_the_account_can_be_read_from_its_file(tmp_path):
    limiter = pacer(tmp_path, FakeClock(), account="https://api.example.com token-canary-17")
    limiter.take()
    [path] = (tmp_path / "budgets").iterdir()
    assert b"canary" not in path.read_bytes()
    assert "canary" not in path.name
    assert path.stat().st_mode & 0o077 == 0
