"""What tests begin with is put back whole: the stand-in, the folder, and nothing of what a test did in between."""

from __future__ import annotations

import itertools
import random
from collections import defaultdict, deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from wherry_quickbooks.simulator import QuickBooksSimulator

from .staging import Moment, Stage, Stages


@dataclass(slots=True)
class Slotted:
    held: list[int]
    name: str


class Struct(msgspec.Struct, frozen=True):
    held: dict[str, int]


class Thing:
    """Something of every sort that a stand-in keeps its state in."""

    def __init__(self) -> None:
        inner = {"n": 1}
        self.rows: list[Any] = [{"id": 1}, Slotted([1], "a"), Struct({"a": 1})]
        self.ids, self.log = {1, 2}, deque([1], maxlen=9)
        self.by_kind: defaultdict[str, list[int]] = defaultdict(list, {"x": [1]})
        self.number, self.chance = itertools.count(5), random.Random(1)
        self.closed, self.bound = lambda: inner, self.log.append

    def told(self) -> str:
        """All of it that can be compared; the counters only by what they give next."""
        held = (self.rows, sorted(self.ids), self.log, dict(self.by_kind), self.closed(), sorted(vars(self)))
        return repr(held)


def change(thing: Thing) -> None:
    thing.rows[0]["id"] = 2
    thing.rows[1].held.append(2)
    thing.rows[1].name = "b"
    thing.rows[2].held["b"] = 2
    thing.rows.append("new")
    thing.ids.discard(1)
    thing.bound(2)
    thing.by_kind["x"].append(2)
    thing.by_kind["y"] = []
    thing.closed()["n"] = 2
    thing.extra = 1  # type: ignore[attr-defined]


def test_everything_is_as_it_stood_as_often_as_one_likes() -> None:
    thing = Thing()
    before, rows = thing.told(), thing.rows
    wanted = next(Thing().number), Thing().chance.random()
    moment = Moment(thing)
    for _ in range(2):
        change(thing)
        assert thing.told() != before
        moment.restore()
        assert thing.told() == before
        assert thing.rows is rows, "whoever holds a part of it holds it still"
        assert (next(thing.number), thing.chance.random()) == wanted
        moment.restore()


def books(sim: QuickBooksSimulator) -> list[Any]:
    kinds = ("Customer", "Item", "Account", "Invoice")
    return [[sim.objects(kind) for kind in kinds], len(sim.history.entries), sim.company().preferences]


@pytest.fixture
def stage(tmp_path: Path) -> Any:
    stages = Stages()
    with stages.taken("books", lambda: QuickBooksSimulator(limits="none")) as made:
        yield made, stages
    stages.close()


def test_a_step_is_done_once_and_what_came_of_it_is_there_the_next_time(
    stage: tuple[Stage[Any], Stages], tmp_path: Path
) -> None:
    made, _ = stage
    done: list[int] = []

    def enter() -> None:
        done.append(1)
        made.sim.write("Customer", {"DisplayName": "Acme"})
        (tmp_path / "one" / "file").write_text(f"in {tmp_path / 'one'}")
        (tmp_path / "one" / "wherry.toml").write_text(f"url = {tmp_path / 'one'}")

    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    empty = books(made.sim)
    made.once("entered", tmp_path / "one", enter)
    after = books(made.sim)
    made.sim.write("Customer", {"DisplayName": "Somebody else"})
    with made.used():
        assert books(made.sim) == empty, "the next test begins with nothing"
        made.once("entered", tmp_path / "other", enter)
        assert books(made.sim) == after
    assert done == [1]
    assert (tmp_path / "other" / "wherry.toml").read_text() == f"url = {tmp_path / 'other'}"
    with made.used():
        made.once("entered", tmp_path / "other", lambda: done.append(2))
    assert done == [1, 2], "another step of the same name"
    with made.used():
        (tmp_path / "one" / "file").write_text("another start")
        made.once("entered", tmp_path / "one", enter)
    assert done == [1, 2, 1], "what lay in the folder was another"


def test_who_wants_a_second_at_a_time_has_one_of_its_own(stage: tuple[Stage[Any], Stages]) -> None:
    made, stages = stage
    with stages.taken("books", lambda: QuickBooksSimulator(limits="none")) as other:
        assert other.sim is not made.sim
        assert httpx.get(f"{other.url}/__sim/stats").status_code == 200
        assert other.url != made.url
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{other.url}/__sim/stats")
