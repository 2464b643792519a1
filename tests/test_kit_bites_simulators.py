"""The kit is worth what it catches: a sound stand-in passes it, each planted bug fails the check made for it."""

from __future__ import annotations

import datetime as dt
import inspect
import random
import time
import traceback
from typing import Any, ClassVar

import pytest
from wherry.simulator import Call, Clock, Refusal, Reply, RollingWindow, Routes, Stage, StandIn
from wherry.testing.simulators import Exchange, SimulatorSuite, SimulatorTrial

KEY = "kit-canary-key-40aa"


def refused(status: int) -> Reply:
    return Reply(status, {"message": "no"})


class Sound(StandIn):
    """Things with a name; each bug spoils one thing about it."""

    system = "things"

    def __init__(self, clock: Clock, key: str = "", limit: int = 10_000) -> None:
        super().__init__(Stage(clock, refused))
        self.key, self.things = key, list[dict[str, Any]]()
        self.window = RollingWindow(clock, limit, 60.0)
        self.routes = Routes([("GET", "/things", self.list), ("POST", "/things", self.add)])

    def answer(self, call: Call) -> Reply:
        handler = self.routes.find(call)
        if handler is None:
            return refused(404)
        if self.key and call.bearer != self.key:
            return refused(401)
        return handler(call) if self.window.take() else refused(429)

    def list(self, call: Call) -> Reply:
        return Reply(200, {"things": self.things})

    def add(self, call: Call) -> Reply:
        thing = {**self.body(call), "id": len(self.things) + 1, "at": self.now()}
        self.things.append(thing)
        self.stage.effect("thing added", id=thing["id"])
        return Reply(201, thing)

    def body(self, call: Call) -> dict[str, Any]:
        body = call.object()
        if body is None or not body.get("name"):
            raise Refusal(refused(400))
        return body

    def now(self) -> str:
        return self.stage.clock.date().isoformat()


class TellsTheMachinesTime(Sound):
    def now(self) -> str:
        return dt.datetime.now(dt.UTC).isoformat()


class ByChance(Sound):
    def list(self, call: Call) -> Reply:
        return Reply(200, {"things": self.things, "token": str(random.random())})


class SharesItsThings(Sound):
    shared: ClassVar[list[dict[str, Any]]] = []

    def __init__(self, clock: Clock, **options: Any) -> None:
        super().__init__(clock, **options)
        self.things = self.shared


class NotesNothing(Sound):
    def add(self, call: Call) -> Reply:
        self.things.append(self.body(call))
        return Reply(201, {"id": len(self.things)})


class LetsAnybodyIn(Sound):
    def answer(self, call: Call) -> Reply:
        handler = self.routes.find(call)
        return handler(call) if handler else refused(404)


class Stumbles(Sound):
    def body(self, call: Call) -> dict[str, Any]:
        return dict(call.json())


class TakesJunk(Sound):
    def body(self, call: Call) -> dict[str, Any]:
        try:
            return dict(call.json())
        except (TypeError, ValueError):
            return {"name": "junk"}


class AnswersAllPaths(Sound):
    def answer(self, call: Call) -> Reply:
        return super().answer(call) if call.path == "/things" else Reply(200, {})


class ReadsChange(Sound):
    def list(self, call: Call) -> Reply:
        self.things.append({"name": "seen", "id": 0})
        return super().list(call)


class ShowsTheKey(Sound):
    def answer(self, call: Call) -> Reply:
        return super().answer(call) if self.routes.find(call) else Reply(404, {"sent": call.headers["authorization"]})


class ShowsItsFiles(Sound):
    def answer(self, call: Call) -> Reply:
        try:
            return super().answer(call) if call.path == "/things" else self.lost(call)
        except KeyError:
            return Reply(404, {"exc": traceback.format_exc()})

    def lost(self, call: Call) -> Reply:
        raise KeyError(call.path)


class WordedWithATraceback(Sound):
    """As Frappe does: the vendor's own files, of which this machine has none."""

    def answer(self, call: Call) -> Reply:
        if self.routes.find(call) is not None:
            return super().answer(call)
        told = 'Traceback (most recent call last):\n  File "apps/frappe/frappe/app.py", line 95, in application\n'
        return Reply(404, {"exc": told, "at": "/srv/no-such-folder-7919/env/frappe/app.py"})


class ReadsAnyDigit(Sound):
    """A small two is a digit, and no number."""

    def list(self, call: Call) -> Reply:
        said = call.query.get("limit", "10")
        return Reply(200, {"things": self.things[: int(said) if said.isdigit() else 10]})


class NeverForgives(Sound):
    def answer(self, call: Call) -> Reply:
        return refused(429) if not self.window.remaining or self.window.limit == 0 else self.last(call)

    def last(self, call: Call) -> Reply:
        reply = super().answer(call)
        if not self.window.remaining:
            self.window.limit = 0
        return reply


class LosesWrites(Sound):
    def add(self, call: Call) -> Reply:
        reply = super().add(call)
        if len(self.things) > 5:
            self.things.pop()
            return Reply(201, self.things[-1])
        return reply


class ForgetsByTheMachine(Sound):
    def answer(self, call: Call) -> Reply:
        self.asked = time.time()
        return super().answer(call)


BUGS: dict[type[Sound], str] = {
    ForgetsByTheMachine: "it_never_looks",
    TellsTheMachinesTime: "it_lives_by_the_clock", ByChance: "the_same_requests", SharesItsThings: "two_stand_ins",
    NotesNothing: "a_write_is_answered", LetsAnybodyIn: "nobody_is_let_in", Stumbles: "a_body_of_junk",
    TakesJunk: "a_body_of_junk", ReadsAnyDigit: "strange_parameters",
    AnswersAllPaths: "an_unknown_path", ReadsChange: "reads_change_nothing",
    ShowsItsFiles: "an_unknown_path",
    ShowsTheKey: "what_signs_in", NeverForgives: "who_asks_too_often", LosesWrites: "writes_at_once",
}  # fmt: skip


def trial(made: type[Sound]) -> SimulatorTrial:
    return SimulatorTrial(
        system="things", make=lambda clock: made(clock), strict=lambda clock: made(clock, key=KEY),
        throttled=lambda clock: made(clock, limit=4), headers={"authorization": f"Bearer {KEY}"}, secrets=(KEY,),
        read=Exchange(path="/things", params={"limit": "10"}),
        write=lambda n: Exchange(method="POST", path="/things", body={"name": f"thing {n}"}),
    )  # fmt: skip


class TestSound(SimulatorSuite):
    @pytest.fixture
    def trial(self) -> SimulatorTrial:
        return trial(Sound)


class TestWordedWithATraceback(SimulatorSuite):
    @pytest.fixture
    def trial(self) -> SimulatorTrial:
        return trial(WordedWithATraceback)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_a_planted_bug_fails_the_check_made_for_it(bug: type[Sound], request: pytest.FixtureRequest) -> None:
    [check] = [check for name, check in inspect.getmembers(SimulatorSuite(), inspect.ismethod)
               if name.startswith(f"test_{BUGS[bug]}")]  # fmt: skip
    wanted = [name for name in inspect.signature(check).parameters if name != "trial"]
    with pytest.raises(AssertionError):
        check(trial=trial(bug), **{name: request.getfixturevalue(name) for name in wanted})
