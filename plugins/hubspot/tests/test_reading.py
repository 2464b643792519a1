"""What many records share is read once a run, however many threads want it."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence

import pytest
from wherry.errors import TryAgain
from wherry_hubspot.reading import Coming, ReadOnce
from wherry_hubspot.shelf import Shelf


def test_what_was_read_is_not_read_again_nor_what_was_found_missing() -> None:
    asked: list[list[str]] = []

    def read(ids: Sequence[str]) -> dict[str, str]:
        asked.append(list(ids))
        return {i: f"company {i}" for i in ids if i != "9"}

    once = ReadOnce(read)
    assert once.get(["1", "2", "9"]) == {"1": "company 1", "2": "company 2"}
    assert once.get(["2", "3", "9"]) == {"2": "company 2", "3": "company 3"}
    assert once.get([]) == {}
    assert asked == [["1", "2", "9"], ["3"]]


def test_what_could_not_be_read_is_read_again_when_it_is_wanted_again() -> None:
    times: list[int] = []

    def read(ids: Sequence[str]) -> dict[str, str]:
        times.append(1)
        if len(times) == 1:
            raise TryAgain("busy")
        return {"1": "company 1"}

    once = ReadOnce(read)
    with pytest.raises(TryAgain, match="busy"):
        once.get(["1"])
    assert once.get(["1"]) == {"1": "company 1"}


def test_who_wants_what_another_thread_is_reading_waits_for_it() -> None:
    begun, go_on = threading.Event(), threading.Event()
    asked: list[list[str]] = []

    def read(ids: Sequence[str]) -> dict[str, str]:
        asked.append(list(ids))
        if "1" in ids:
            begun.set()
            assert go_on.wait(10)
        else:
            go_on.set()  # the second reader reads what is its own before it waits
        return {i: f"company {i}" for i in ids}

    once, told = ReadOnce(read), dict[str, str]()
    first = threading.Thread(target=lambda: told.update(once.get(["1"])))
    first.start()
    assert begun.wait(10)
    assert once.get(["1", "2"]) == {"1": "company 1", "2": "company 2"}
    first.join(10)
    assert told == {"1": "company 1"}
    assert asked == [["1"], ["2"]]


def test_no_more_is_kept_than_there_is_room_for() -> None:
    asked: list[str] = []

    def read(ids: Sequence[str]) -> dict[str, str]:
        asked.extend(ids)
        return dict.fromkeys(ids, "company")

    once = ReadOnce(read, capacity=2)
    for i in ("1", "2", "3", "3", "1"):
        assert once.get([i]) == {i: "company"}
    assert asked == ["1", "2", "3", "1"]


def test_what_memory_has_no_room_for_is_on_the_shelf_as_is_what_was_missing() -> None:
    asked: list[str] = []

    def read(ids: Sequence[str]) -> dict[str, str]:
        asked.extend(ids)
        return {i: f"company {i}" for i in ids if i != "9"}

    once = ReadOnce(read, capacity=1, shelf=Shelf(str))
    once.get(["1", "2", "9"])
    assert once.get(["9", "1", "3"]) == {"1": "company 1", "3": "company 3"}
    assert asked == ["1", "2", "9", "3"]


def test_what_filled_a_read_up_keeps_nothing_else_of_it() -> None:
    class Line:
        pass

    coming = Coming()
    coming.expect(lambda: ["1", "2"])
    once = ReadOnce(lambda ids: {i: Line() for i in ids}, coming=coming)
    asked = weakref.ref(once.get(["1"], keep=False)["1"])
    assert asked() is None
    assert once.get(["2"]).keys() == {"2"}
