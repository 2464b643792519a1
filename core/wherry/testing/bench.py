"""Where one plan of a sweep is carried out: a project on a disk in memory, a target, a clock, and processes that die.

A plan is a line of text, so that it can be printed and replayed: ``RIG DATABASE: step; step; …``. Its steps:
``play PHASE`` (people at the source), ``run``, ``calm`` (run until nothing is left to do), ``kill POINT``, ``perhaps
POINT`` (kill, where it comes up), ``fresh POINT`` (kill a fresh interpreter), ``refuse POINT``, ``pause POINT``
(stopped there while another tries to take over), ``fault N KIND [committed] [status=N] [times=N]`` (of the N-th write
from here), ``upset N …`` (the same, of the N-th word to the source), ``release`` (late calls), ``wait SECONDS``,
``enter NUMBER``, ``edit NUMBER [remark]``, ``twin NUMBER``, ``reach COMPANY``, ``muddle``, ``disturb KIND N`` (at the
N-th call of a target that calls us), ``backup``, ``restore``, ``other`` (run the second flow, into another company),
``resolve THING`` (a person looks whether it is there, and says so), ``answer`` (the same for everything that waits
for it), and ``judge [second] [strict] [latest] [THING=STATE …]`` (as it must be; these wait for a person; strict:
nothing else may; latest: a version may be passed over for a newer one, if it was never sent).
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from wherry.simulator import Stage
from wherry.simulator.server import usual_ports
from wherry.testing import plans, scenario
from wherry.testing.crashing import KILLED, Crash, Do
from wherry.testing.errand import LOG, Claims, Errand, SharedTime, TargetClock
from wherry.testing.judge import Case, Wrong, held, judge, last_state, matches
from wherry.testing.nursery import Ended, Nursery, Work
from wherry.testing.rigs import Rig, Stand
from wherry.testing.scenario import Wanted
from wherry.testing.shelf import Shelf
from wherry.testing.visits import door

LATE = 25.0
"""Seconds after which a call is carried out whose caller was cut off: less than any target's ``settle``."""
_CALM_RUNS = 4
HUB = "the hub"
"""What is wrong where a process breaks instead of saying what it did."""
_WRITES = "POST|PUT|PATCH|DELETE"
PROJECT = """
version = 1
[project]
name = "sweep"
timezone = "Europe/London"
currency = "GBP"
[plugins]
enabled = [{enabled}]
{store}
[connections.books]
{connection}
{work}
{second}
"""
INVOICES = """
[connections.shelf]
plugin = "kit-source"
folder = "{folder}"
[flows.invoices]
source = "shelf"
sink = "books"
kinds = ["invoice"]
repeat = "always"
{flow}
"""
SECOND = """
[connections.other]
{connection}
[flows.second]
source = "shelf"
sink = "other"
kinds = ["invoice"]
repeat = "always"
"""


class Outcome(Struct, kw_only=True):
    """What a plan came to."""

    plan: str
    wrong: list[Wrong] = msgspec.field(default_factory=list)
    missed: list[str] = msgspec.field(default_factory=list)
    """Points that were not reached."""
    alone: list[str] = msgspec.field(default_factory=list)
    """For each of them that a death was wanted at, the plan that surely reaches it: what an earlier death leaves to be
    done may be less than what an undisturbed run does."""
    passed: dict[str, list[str]] = msgspec.field(default_factory=dict)
    """Phase → the points that an undisturbed run of it passed."""
    crashes: int = 0
    bug: str = ""
    steps: str = ""


class Bench:
    """One rig on one database; plans are carried out one after the other."""

    def __init__(
        self, rig: Rig, database: str, folder: Path, nursery: Nursery, clean: Callable[[], str]
    ) -> None:  # fmt: skip
        """``clean`` empties the store and gives its URL; empty for the usual file."""
        self.rig, self.database, self.folder, self.mutation = rig, database, folder, ""
        self.nursery, self._clean = nursery, clean
        self.folder.mkdir(parents=True, exist_ok=True)
        self._time = SharedTime(self.folder / "time")
        self._ports: list[int] = []

    def carry_out(self, plan: str, mutation: str = "") -> Outcome:
        """The steps of a plan, on an empty store and an empty target, with a bug planted in every process."""
        self.mutation = mutation
        self._empty()
        clock = TargetClock(self._time)
        with usual_ports(self._ports), self.rig.stand(clock) as stand, door(stand.visit) as self._door:
            for stage in (stand.stage, stand.source):
                if stage is not None:
                    _tide(stage, clock)
            script = Script(self, stand)
            with contextlib.suppress(_Broken):
                for step in plan.split(";"):
                    script.do(step)
        outcome = script.outcome
        outcome.plan, outcome.steps, outcome.bug = f"{self.rig.name} {self.database}: {plan}", plan, mutation
        return outcome

    def _empty(self) -> None:
        for name in (".wherry", "kept"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        for name in ("shelf.json", LOG):
            (self.folder / name).unlink(missing_ok=True)
        self._time.reset()
        enabled = ", ".join(f'"{name}"' for name in ("kit-source", *self.rig.plugins))
        url = self._clean()
        store = f'[store]\nurl = "{url}"' if url else ""
        scene = self.rig.scene
        lines = INVOICES.format(folder=self.folder, flow=self.rig.flow)
        work = scene.project(str(self.folder)) if scene is not None else lines
        told = {"enabled": enabled, "store": store, "work": work, "connection": self.rig.connection,
                "second": SECOND.format(connection=self.rig.second) if self.rig.second else ""}  # fmt: skip
        (self.folder / "wherry.toml").write_text(PROJECT.format(**told))

    def errand(
        self, stand: Stand, crashes: Sequence[Crash], function: str, flow: str = "", **more: Any
    ) -> Work:  # fmt: skip
        """The job of a process."""
        scene = self.rig.scene
        told = Errand(
            folder=str(self.folder), environ=stand.environ, time=str(self.folder / "time"),
            note=str(self.folder / "note"), crashes=list(crashes), mutation=self.mutation,
            flow=flow or (scene.flow if scene is not None else scenario.FLOW),
            approves=scene is not None and scene.approves, door=self._door, documents=list(stand.documents), **more,
        )  # fmt: skip
        return Work(function=f"wherry.testing.errand:{function}", told=msgspec.to_builtins(told))

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self._time.advance(seconds)


class _Broken(Exception):
    """A process of ours broke: there is no point in going on."""


class Script:
    """A plan on its way."""

    def __init__(self, bench: Bench, stand: Stand) -> None:
        self.bench, self.stand = bench, stand
        self.shelf, self.outcome, self.played = Shelf(bench.folder), Outcome(plan=""), list[str]()
        self.claims, self.others = Claims(exit=0), False

    def do(self, step: str) -> None:
        """One step."""
        verb, _, rest = step.strip().partition(" ")
        getattr(self, f"_{verb}")(rest.strip())

    # -- people -------------------------------------------------------------------------------------------------------

    def _play(self, phase: str) -> None:
        if self.bench.rig.scene is not None:
            self.bench.rig.scene.play(self, phase)
        else:
            scenario.play(self.shelf, phase, self.bench.rig.more, self.bench.rig.most)
        self.played.append(phase)

    def _enter(self, number: str) -> None:
        assert self.stand.enter is not None
        self.stand.enter(next(row for row in self.shelf.rows() if row["number"] == number))

    def _edit(self, told: str) -> None:
        assert self.stand.edit is not None
        number, _, how = told.partition(" ")
        self.stand.edit(number, how != "remark")

    def _twin(self, number: str) -> None:
        assert self.stand.twin is not None
        self.stand.twin(number)

    def _reach(self, company: str) -> None:
        assert self.stand.reach is not None
        self.stand.reach(company)

    # -- the target and the world -------------------------------------------------------------------------------------

    def _fault(self, told: str) -> None:
        _add_fault(self._stage, self.stand.writes, told)

    def _upset(self, told: str) -> None:
        """The same of the N-th word to the source."""
        assert self.stand.source is not None
        _add_fault(self.stand.source, self.stand.told, told)

    def _muddle(self, told: str) -> None:
        assert self.stand.muddle is not None
        self.stand.muddle()

    def _disturb(self, told: str) -> None:
        """Something goes wrong at the N-th call that the target makes from here."""
        assert self.stand.disturb is not None
        kind, number = told.split()
        self.stand.disturb(kind, int(number))
        self.outcome.crashes += 1

    def _release(self, told: str) -> None:
        self.bench.wait(LATE)
        for stage in (self.stand.stage, self.stand.source):
            if stage is not None:
                stage.release()

    def _wait(self, seconds: str) -> None:
        self.bench.wait(float(seconds))

    def _backup(self, told: str) -> None:
        shutil.copytree(self.bench.folder / ".wherry", self.bench.folder / "kept")

    def _restore(self, told: str) -> None:
        """The database alone goes back; what lies beside it stays, as it does where backups are of the database."""
        for path in (self.bench.folder / ".wherry").glob("wherry.db*"):
            if path.is_file():
                path.unlink()
        for path in (self.bench.folder / "kept").glob("wherry.db*"):
            if path.is_file():
                shutil.copy(path, self.bench.folder / ".wherry" / path.name)

    @property
    def _stage(self) -> Stage:
        assert self.stand.stage is not None
        return self.stand.stage

    # -- processes ----------------------------------------------------------------------------------------------------

    def _run(self, told: str) -> None:
        self._ended(self.bench.nursery.run(self._work()))

    def _other(self, told: str) -> None:
        """The second flow, into the other company."""
        self.others = True
        self._ended(self.bench.nursery.run(self.bench.errand(self.stand, (), "run", "second")))

    def _resolve(self, thing: str) -> None:
        """A person looks whether the target holds the thing, and says so."""
        done = [one for one in self.stand.effects(scenario.names()) if one.thing == thing]
        last = self._wanted()[thing][-1]
        # Of what was made before, the question is whether the last change of it is there.
        there = done and (thing not in self.claims.written or matches(done[-1], last))
        told = {"thing": thing, "target": done[-1].target if there else ""}
        self._ended(self.bench.nursery.run(self.bench.errand(self.stand, (), "resolve", **told)))

    def _answer(self, told: str) -> None:
        """A person answers everything that waits for one: what each thing came to, as it stands there."""
        for thing in [thing for thing, state in self.claims.open.items() if state == "decide"]:
            self._resolve(thing)

    def _warm(self, told: str) -> None:
        self.bench.nursery.warm(self.bench.errand(self.stand, (), "warm"))

    def _kill(self, point: str) -> None:
        self._crashed(point, self.bench.nursery.run(self._work(point)))

    def _fresh(self, point: str) -> None:
        self._crashed(point, self.bench.nursery.once(self._work(point)))

    def _perhaps(self, point: str) -> None:
        """A kill at a point that need not come up again."""
        self._crashed(point, self.bench.nursery.run(self._work(point)), wanted=False)

    def _refuse(self, point: str) -> None:
        ended = self._ended(self.bench.nursery.run(self._work(point, "refuse")))
        self.outcome.crashes += 1
        if ended.code == 0 and not self.claims.error and point not in self.claims.points:
            self.outcome.missed.append(point)

    def _pause(self, point: str) -> None:
        """A process that stops for an hour is taken for dead by whoever goes by the clock."""
        nursery = self.bench.nursery
        first = nursery.start(self._work(point, "stop"))
        if not nursery.wait(first).stopped:
            self.outcome.missed.append(point)
            return
        self.outcome.crashes += 1
        self.bench.wait(3_600)
        nursery.run(self._work())
        nursery.go(first)
        self._ended(nursery.wait(first))

    def _calm(self, told: str) -> None:
        """Nothing is disturbed any more: a few runs must bring everything to its end."""
        before: object = None
        for _ in range(_CALM_RUNS):
            self._run("")
            now = (self.claims.exit, self.claims.open)
            if self.claims.exit == 0 and not self.claims.open:
                return
            if now == before:
                return
            before = now
            self.bench.wait(60)

    def _work(self, point: str = "", do: Do = "kill") -> Work:
        crashes = [Crash(point, do)] if point else []
        (self.bench.folder / "note").unlink(missing_ok=True)
        return self.bench.errand(self.stand, crashes, "run")

    def _crashed(self, point: str, ended: Ended, *, wanted: bool = True) -> None:
        if ended.code == KILLED:
            self.outcome.crashes += 1
            return
        if wanted:
            self.outcome.missed.append(point)
            self.outcome.alone.append(plans.alone(self.bench.rig, self.played[-1], point))
        self._ended(ended)

    def _ended(self, ended: Ended) -> Ended:
        """A process that was left alone has left a note of what it claims."""
        note = self.bench.folder / "note"
        if not note.exists():
            why = f"a process ended with {ended.code} and left no note"
            self.outcome.wrong.append(Wrong("false", HUB, why))
            raise _Broken
        self.claims = msgspec.convert(json.loads(note.read_text()), Claims)
        if self.played and self.played[-1] not in self.outcome.passed:
            self.outcome.passed[self.played[-1]] = self.claims.points
        return ended

    def _wanted(self) -> dict[str, list[Wanted]]:
        rig = self.bench.rig
        return scenario.wanted(self.played, rig.more, rig.most, rig.updates, rig.entities)

    # -- judgement ----------------------------------------------------------------------------------------------------

    def _judge(self, told: str) -> None:
        words = told.split()
        self.outcome.missed += self.stand.disturbed()
        if self.bench.rig.scene is not None:
            self.outcome.wrong += self.bench.rig.scene.judge(self, words)
            return
        rig, wanted = self.bench.rig, self._wanted()
        persons = dict(one.split("=") for one in words if "=" in one)
        if rig.atomic:
            self.bench.nursery.run(self.bench.errand(self.stand, (), "export"))
            self.claims = msgspec.convert(json.loads((self.bench.folder / "note").read_text()), Claims)
            wanted, effects = last_state(wanted), held(scenario.names(), self.claims.held)
        else:
            effects = self.stand.effects(scenario.names())
        company = rig.other_company if "second" in words else rig.company
        if self.others:
            effects = [one for one in effects if one.company == company]
        self.outcome.wrong += judge(Case(
            rig=rig, wanted=wanted, effects=effects, claims=self.claims, persons=persons, company=company,
            strict="strict" in words, latest="latest" in words,
        ))  # fmt: skip


def _add_fault(stage: Stage, path: str, told: str) -> None:
    number, kind, *more = told.split()
    options: dict[str, Any] = {"committed": "committed" in more}
    for one in more:
        name, _, value = one.partition("=")
        if value:
            options[name] = int(value)
    stage.faults.add(kind, method=_WRITES, path=path, after=int(number) - 1, **options)


def _tide(stage: Stage, clock: TargetClock) -> None:
    """Calls whose caller was cut off are carried out ``LATE`` seconds on, whenever the next call comes."""
    real = stage.reply

    def reply(call: Any) -> Any:
        if stage._held and clock.moment is None:
            due = LATE + max(entry.at for entry in stage.history.requests() if entry.fault == "late")
            if clock.now() >= due:
                clock.moment = due
                stage.release()
                clock.moment = None
        return real(call)

    stage.reply = reply  # type: ignore[method-assign]
