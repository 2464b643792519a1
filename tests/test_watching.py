"""Who is at work: calls that do not come back are named, pure ones are ended, and traces outlive the process."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from pathlib import Path

import pytest
from wherry.errors import ContractBroken
from wherry.protocol import watching
from wherry.protocol.blaming import blame
from wherry.protocol.watching import Endless, Watch, left_behind
from wherry.runs.dying import unexpected


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def busy(clock: Clock) -> Watch:
    """A watch whose every pure call has lasted too long already."""
    return Watch(clock)


def spin() -> None:
    while True:
        time.sleep(0.0005)


def watched(watch: Watch, clock: Clock, *, pure: bool = True) -> list[str]:
    """A call in a thread that never ends by itself, and how it ended."""
    ended: list[str] = []

    def work() -> None:
        call = watch.enter(watch, "map", pure=pure)
        ready.set()
        try:
            try:
                while not release.is_set():
                    time.sleep(0.0005)
            finally:
                watch.leave(call)
        except Endless:
            ended.append("ended")
        else:
            ended.append("released")

    ready, release = threading.Event(), threading.Event()
    thread = threading.Thread(target=work)
    thread.start()
    ready.wait(10)
    clock.now += watching.ENDLESS + 1
    watch.look()
    if not pure:
        release.set()
    thread.join(10)
    assert not thread.is_alive()
    return ended


def test_a_pure_call_that_does_not_end_is_ended_in_its_own_thread(busy: Watch, clock: Clock) -> None:
    assert watched(busy, clock) == ["ended"]


def test_a_call_that_may_wait_for_others_is_named_and_left_alone(busy: Watch, clock: Clock) -> None:
    assert watched(busy, clock, pure=False) == ["released"]


def test_a_call_is_named_once_with_how_long_it_lasts(clock: Clock) -> None:
    watch, told = Watch(clock), list[str]()
    call = watch.enter(watch, "read", pure=False)
    for moment in (1.0, 31.0, 99.0):
        clock.now = moment
        watch.look(lambda package, words: told.append(f"{package} {words}"))
    watch.leave(call)
    assert told == ["wherry has been in read for 31 seconds; Ctrl-C ends it, and what was settled stands"]


def test_who_leaves_while_it_is_being_ended_hears_of_it_there_and_no_later(clock: Clock) -> None:
    """The exception must never arrive in the core's own code."""
    for _ in range(50):
        watch = Watch(clock)
        call = watch.enter(watch, "map", pure=True)
        clock.now += watching.ENDLESS + 1
        ender = threading.Thread(target=watch.look)
        with contextlib.suppress(Endless):
            ender.start()
            watch.leave(call)
        ender.join()
        assert sum(1 for _ in range(500)) == 500, "nothing comes after it"


def test_calls_inside_calls_come_back_to_the_outer_one(clock: Clock) -> None:
    watch = Watch(clock)
    outer = watch.enter(watch, "read", pure=False)
    inner = watch.enter(watch, "map", pure=True)
    assert watch.current() is inner
    watch.leave(inner)
    assert watch.current() is outer
    watch.leave(outer)
    assert watch.current() is None


def test_an_endless_call_is_a_broken_contract_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "ENDLESS", 0.0)
    monkeypatch.setattr(watching, "_LOOK", 0.01)
    with pytest.raises(ContractBroken, match="map did not come back") as caught:
        with watching.watch.over(Path(os.devnull) / "nowhere"), blame(object(), "wherry_field_mapper", "map"):
            spin()
    assert caught.value.code == "WHERRY-1122"


def test_traces_are_there_while_a_process_lives_and_told_once_it_is_dead(tmp_path: Path) -> None:
    """case_G19"""
    ready, go = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover
        made = Watch()
        with made.over(tmp_path):
            made.enter(made, "read", pure=False)
            os.write(ready[1], b"1")
            os.read(go[0], 1)
            os._exit(0)
    os.read(ready[0], 1)
    assert left_behind(tmp_path) == [], "it lives, and holds its file"
    os.write(go[1], b"1")
    os.waitpid(child, 0)
    assert left_behind(tmp_path) == [("wherry", "read")]
    assert left_behind(tmp_path) == []


def test_nothing_is_left_of_a_process_that_ended_as_it_should(tmp_path: Path) -> None:
    made = Watch()
    with made.over(tmp_path):
        with made.over(tmp_path):
            made.leave(made.enter(made, "read", pure=False))
        assert list(tmp_path.glob("*.trace"))
    assert list(tmp_path.glob("*")) == []


def test_an_ending_that_comes_between_the_plugin_and_the_core_is_the_plugins_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The few instructions at the edge of a call belong to nobody's ``try``: a run must end as told all the same."""
    monkeypatch.setattr(watching.watch, "ended", ("wherry_workspace", "map"))
    found = unexpected("won-deals", Endless())
    assert (found.code, found.where["plugin"], found.where["flow"]) == ("WHERRY-1122", "workspace", "won-deals")


def test_traces_have_their_room_on_the_disk_before_anything_is_traced(tmp_path: Path) -> None:
    """case_G19: a file with a hole in it, on a disk that was full, ended the process with the first call"""
    with Watch().over(tmp_path):
        [file] = tmp_path.glob("*.trace")
        assert file.stat().st_blocks * 512 >= file.stat().st_size == watching._SLOT * watching._SLOTS
