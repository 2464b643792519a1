"""The kill sweep: every crash point of every phase of the work, on every sink and database, judged by the target.

``python -m wherry.testing.sweep`` prints for each what was tried and what was wrong, and for anything wrong the one
command that does it again. Rigs of a plugin are named by a file or module (``--rigs``), see docs/how-to/test-a-sink.md.
"""

from __future__ import annotations

import fcntl
import importlib
import importlib.util
import itertools
import os
import queue
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import click
from msgspec import Struct, field

from wherry.testing import plans, postgres
from wherry.testing.bench import Bench, Outcome
from wherry.testing.errand import LOG
from wherry.testing.judge import RUN
from wherry.testing.nursery import Nursery
from wherry.testing.plans import chosen
from wherry.testing.rigs import Rig, memory_disk

KIT = "wherry.testing.rigs"
SEED = 2026
EVERYTHING = bool(os.environ.get("WHERRY_SWEEP_ALL"))
"""Whether tests are to carry out every plan."""
_SHOWN = 10
_SCRATCH, _OWNER = "wherry-sweep-", "owner"
_TOLD_TO_END = 128 + signal.SIGTERM
Clean = Callable[[], str]


class Result(Struct, kw_only=True):
    """What the sweep of a rig on a database came to."""

    rig: str
    database: str
    points: int = 0
    """Crash points that a plan dies at."""
    plans: int = 0
    seconds: float = 0.0
    wrong: Counter[str] = field(default_factory=Counter)
    bad: list[Outcome] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    alone: list[str] = field(default_factory=list)
    """Plans for points that an earlier death of their plan led past."""

    @property
    def good(self) -> bool:
        """Whether nothing was wrong."""
        return not self.bad


class Benches:
    """Several benches of one rig and database that share the plans among them, each with a thread and, where there are
    several, a processor of its own: all that a plan does it does one after the other, and to hand a word to another
    processor is to wait until that has woken."""

    def __init__(self, rig: Rig, database: str, jobs: int) -> None:
        self._rig, self._database, self._jobs = rig, database, jobs
        self._todo: queue.SimpleQueue[tuple[str, str] | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[Outcome | BaseException | None] = queue.SimpleQueue()
        self._stack = ExitStack()

    def __enter__(self) -> Benches:
        with ExitStack() as stack:
            self._folder = stack.enter_context(_scratch())
            self._site = shipped(self._rig, self._folder / "site")
            stack.callback(self._end, [self._begun(number) for number in range(self._jobs)])
            for _ in range(self._jobs):
                self._next()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def _begun(self, number: int) -> threading.Thread:
        thread = threading.Thread(target=self._work, args=(number,), daemon=True)
        thread.start()
        return thread

    def _end(self, threads: Sequence[threading.Thread]) -> None:
        with suppress(queue.Empty):
            while True:
                self._todo.get_nowait()
        for _ in threads:
            self._todo.put(None)
        for thread in threads:
            thread.join()

    def _next(self) -> Outcome | None:
        """What a bench has come to; None once it is ready."""
        found = self._done.get()
        if isinstance(found, BaseException):
            raise found
        return found

    def _work(self, number: int) -> None:
        try:
            if self._jobs > 1:
                _keep_to(number)
            with self._bench(self._folder / str(number)) as bench:
                self._done.put(None)
                while (one := self._todo.get()) is not None:
                    self._done.put(self._carried_out(bench, *one))
        except BaseException as error:
            self._done.put(error)

    def _carried_out(self, bench: Bench, plan: str, mutation: str) -> Outcome | BaseException:
        try:
            return bench.carry_out(plan, mutation)
        except BaseException as error:
            error.add_note(f"the plan: {self._rig.name} {self._database}: {plan}")
            return error

    @contextmanager
    def _bench(self, folder: Path) -> Iterator[Bench]:
        modules = ("wherry.testing.errand", "wherry.testing.mutations", *self._rig.modules)
        with Nursery(modules, [self._site]) as nursery, _store(self._database) as clean:
            bench = Bench(self._rig, self._database, folder, nursery, clean)
            bench.carry_out("; ".join(f"play {phase}; warm" for phase in self._rig.phases))
            yield bench

    def logged(self) -> str:
        """What the processes of the last plan of each logged."""
        return "".join(file.read_text() for file in sorted(self._folder.glob(f"*/{LOG}")))

    def carry_out(self, wanted: Sequence[tuple[str, str]]) -> Iterator[Outcome]:
        """The outcomes of plans, each with the bug that is planted for it (or none), as they come."""
        for each in wanted:
            self._todo.put(each)
        for _ in wanted:
            if (outcome := self._next()) is not None:
                yield outcome


def _keep_to(number: int) -> None:
    """This thread, and all that it begins, stays on one processor, where a system can be told so."""
    if hasattr(os, "sched_setaffinity"):
        known = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {known[number % len(known)]})


@contextmanager
def _store(kind: str) -> Iterator[Clean]:
    """Empties a store and gives its URL. Each bench has a server of its own, on its own processor."""
    if kind != "postgresql":
        yield str
        return
    with postgres.server() as url, postgres.database(url) as clean:
        yield clean


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder in memory that is locked for as long as it is used. What sweeps left that were killed goes first."""
    room = memory_disk() or Path(tempfile.gettempdir())
    for left in room.glob(f"{_SCRATCH}*/{_OWNER}"):
        with suppress(OSError), left.open() as owner:
            fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left.parent, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=room) as made, Path(made, "new").open("w") as owner:
        fcntl.flock(owner, fcntl.LOCK_EX)
        yield Path(made, "new").rename(Path(made, _OWNER)).parent


def sweep(
    rig: Rig, database: str, *, jobs: int = 2, most: int = 0, deaths: int = 0, seed: int = SEED, mutation: str = "",
    part: tuple[int, int] = (1, 1),
) -> Result:  # fmt: skip
    """Everything for one rig on one database; with ``most`` only so many plans, spread over all, and with ``deaths``
    only so many points of each phase. ``part`` is which of how many shares of that."""
    began, result = time.perf_counter(), Result(rig=rig.name, database=database)
    with Benches(rig, database, jobs) as benches:
        (whole,) = benches.carry_out([(plans.undisturbed(rig), "")])
        _count(result, whole)
        wanted = _plans(rig, database, whole, seed, deaths) if result.good else []
        for some in (chosen(wanted, most)[part[0] - 1 :: part[1]], result.alone):
            for outcome in benches.carry_out([(plan, mutation) for plan in some]):
                _count(result, outcome)
    result.seconds = time.perf_counter() - began
    return result


def tried(rig: Rig, most: int) -> list[Any]:
    """The sweep as a test: a spread of so many plans on SQLite, or `EVERYTHING`. What was wrong, what was missed."""
    result = sweep(rig, "sqlite", jobs=1, most=0 if EVERYTHING else most)
    return [*((outcome.plan, outcome.wrong) for outcome in result.bad), *result.missed]


def _plans(rig: Rig, database: str, whole: Outcome, seed: int, deaths: int) -> list[str]:
    some = plans.spread(whole.passed, deaths)
    return [*plans.kills(rig, some), *plans.drills(rig, database, whole.passed, seed, calls=deaths)]


def _count(result: Result, outcome: Outcome) -> None:
    result.plans += 1
    result.points += outcome.crashes
    alone = [plan for plan in outcome.alone if plan != outcome.steps]
    result.alone += alone
    result.missed += [f"{point} in: {outcome.plan}" for point in outcome.missed if not alone]
    result.wrong.update(wrong.kind for wrong in outcome.wrong)
    if outcome.wrong:
        result.bad.append(outcome)


def replay(plan: str, known: Sequence[Rig], mutation: str = "") -> Outcome:
    """One plan by its text."""
    head, _, steps = plan.partition(":")
    name, database = head.split()
    (rig,) = [rig for rig in known if rig.name == name]
    with Benches(rig, database, 1) as benches:
        (outcome,) = benches.carry_out([(steps.strip(), mutation)])
        click.echo(benches.logged(), err=True, nl=False)
    return outcome


def shipped(rig: Rig, site: Path) -> Path:
    """A folder with the metadata of plugins that are not installed: the kit's source, and the rig's own."""
    for name, module in {"kit-source": "wherry.testing.shelf", **rig.entry_points}.items():
        info = site / f"{name.replace('-', '_')}-1.0.dist-info"
        info.mkdir(parents=True, exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nRequires-Dist: wherry\n")
        (info / "entry_points.txt").write_text(f"[wherry.plugins]\n{name} = {module}\n")
    return site


def rigs_of(names: Sequence[str]) -> list[Rig]:
    """The rigs of modules or files, each with a function ``rigs()``."""
    return [rig for name in names for rig in _loaded(name).rigs()]


def _loaded(name: str) -> Any:
    if not name.endswith(".py"):
        return importlib.import_module(name)
    spec = importlib.util.spec_from_file_location(f"rig_{abs(hash(name))}", name)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# -- the command ------------------------------------------------------------------------------------------------------


@click.command()
@click.option("--rigs", "modules", multiple=True, help="A module or file with a function rigs().")
@click.option("--only", multiple=True, help="Names of rigs to take.")
@click.option("--database", type=click.Choice(["sqlite", "postgresql", "both"]), default="both", show_default=True)
@click.option("--jobs", default=2, show_default=True, help="How many plans at once.")
@click.option("--most", default=0, help="At most so many plans for each rig and database, spread over all.")
@click.option("--whole", is_flag=True, help="Every point, also of a rig that is usually content with a spread of them.")
@click.option("--part", default="1/1", help="A share of it, such as 2/5: what takes an hour can be done bit by bit.")
@click.option("--seed", default=SEED, show_default=True, help="Chooses the samples of what is not tried in full.")
@click.option("--plan", default="", help="Carry out this one plan, as it was printed.")
@click.option("--points", is_flag=True, help="Name the points that an undisturbed run passes.")
@click.option("--mutations", is_flag=True, help="Plant each known bug and see that it is caught.")
@click.option("--mutation", default="", help="Plant this bug.")
def main(
    modules: Sequence[str], only: Sequence[str], database: str, jobs: int, most: int, whole: bool, part: str, seed: int,
    plan: str, points: bool, mutations: bool, mutation: str,
) -> None:  # fmt: skip
    """Kill every run at every point and see what the target then holds."""
    signal.signal(signal.SIGTERM, lambda *told: sys.exit(_TOLD_TO_END))  # or nothing would be cleaned up
    known = rigs_of(modules or [KIT])
    if plan:
        sys.exit(_replayed(replay(plan, known, mutation)))
    if mutations:
        from wherry.testing.hunt import hunt

        sys.exit(hunt(known, jobs, only))
    wanted = [rig for rig in known if not only or rig.name in only]
    databases = ["sqlite", "postgresql"] if database == "both" else [database]
    if "postgresql" in databases and (why := _no_postgres()):
        click.echo(f"postgresql is left out: {why}")
        databases.remove("postgresql")
    if points:
        for rig, one in itertools.product(wanted, databases):
            _named(rig, one)
        return
    click.echo(_line("sink", "database", "points", "plans", "duplicates", "lost", "false", "seconds"))
    results = []
    for rig, one in itertools.product(wanted, databases):
        deaths = 0 if whole else rig.deaths
        found = sweep(
            rig, one, jobs=jobs, most=most, deaths=deaths, seed=seed, mutation=mutation, part=_share(part)
        )  # fmt: skip
        results.append(_shown(found, modules))
    sys.exit(0 if all(result.good for result in results) else 1)


def _share(told: str) -> tuple[int, int]:
    number, _, of = told.partition("/")
    if not number.isdecimal() or not of.isdecimal() or not 1 <= int(number) <= int(of):
        raise click.BadParameter(f"{told!r} is no share such as 2/5", param_hint="--part")
    return int(number), int(of)


def _named(rig: Rig, database: str) -> None:
    with Benches(rig, database, 1) as benches:
        (whole,) = benches.carry_out([(plans.undisturbed(rig), "")])
    for phase, passed in whole.passed.items():
        click.echo(f"{rig.name} {database}, play {phase}; kill one of:")
        for point in passed:
            click.echo(f"  {point}")


def _no_postgres() -> str:
    try:
        import psycopg  # noqa: F401
    except ImportError:
        return "psycopg is not installed: pip install 'wherry[postgres]'"
    try:
        with postgres.server():
            return ""
    except postgres.NoServer as error:
        return str(error)


def _line(rig: str, database: str, *numbers: object) -> str:
    return f"{rig:<22}{database:<12}" + "".join(f"{number:>11}" for number in numbers)


def _shown(result: Result, modules: Sequence[str]) -> Result:
    wrong = result.wrong
    counts = [wrong[kind] for kind in ("duplicate", "lost", "false")]
    click.echo(_line(result.rig, result.database, result.points, result.plans, *counts, f"{result.seconds:.1f}"))
    if result.missed:
        click.echo(f"  {len(result.missed)} points were not reached, such as {result.missed[0]}")
    for outcome in result.bad[:_SHOWN]:
        rigs = "".join(f" --rigs {name}" for name in modules)
        first = sorted(outcome.wrong, key=lambda one: one.thing != RUN)  # a run that fell explains the rest
        for wrong_thing in first[:3]:
            click.echo(f"  {wrong_thing}")
        click.echo(f"  again: python -m wherry.testing.sweep{rigs} --plan '{outcome.plan}'")
    return result


def _replayed(outcome: Outcome) -> int:
    for wrong in outcome.wrong:
        click.echo(str(wrong))
    for point in outcome.missed:
        click.echo(f"not reached: {point}")
    whole = "nothing is wrong" if not outcome.missed else "nothing was tried where a point was not reached"
    click.echo(f"{len(outcome.wrong)} things are wrong" if outcome.wrong else whole)
    return 1 if outcome.wrong or outcome.missed else 0


if __name__ == "__main__":
    main()
