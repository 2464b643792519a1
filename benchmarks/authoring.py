"""An author's afternoon from a fresh environment: install, generate, the tutorial, all suites; each step timed.

The bounds are those of experience.md (journeys). Beyond one, or with anything red, the exit code is 1.
"""

from __future__ import annotations

import argparse
import importlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
CONSTRAINTS = str(ROOT / "constraints.txt")
PLUGINS = ("workspace", "hubspot", "quickbooks")
KINDS = ("source", "sink", "mapper", "matcher")
BOUNDS = {"install core + 3 plugins": 15.0, "generate": 2.0, "suite": 10.0, "tutorial": 600.0}
"""Seconds, by what a step's name begins with."""
COMPUTED = ("generate", "suite", "install core")
"""Steps that compute (what an index and a network take of an install is a step of its own): judged by their seconds of
CPU, at the pace of the machine that the bounds are for. So they say the same where others use the machine, too."""
ROUNDS, USUAL = 200_000, 0.009
"""Rounds of bare Python, and the seconds of CPU that they take on that machine."""
Row = tuple[str, float, float]
"""A step, its seconds, and those of CPU at the usual pace."""


class Afternoon:
    """Steps in a folder and an environment of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.python = folder, folder / "venv" / "bin" / "python"
        self.rows: list[Row] = []
        self.wheels = folder / "wheels"

    def step(self, name: str, work: Callable[[], str]) -> None:
        """Does it and notes how long it took. Raises CalledProcessError where something is red."""
        start, spent, before = time.perf_counter(), _spent(), _bare()
        said = work()
        pace = USUAL / ((before + _bare()) / 2)
        self.rows.append((name, time.perf_counter() - start, (_spent() - spent) * pace))
        print(f"{self.rows[-1][1]:7.1f} s  {self.rows[-1][2]:6.1f} s of CPU  {name}  {said}", flush=True)

    def run(self, *words: str, cwd: Path | None = None) -> str:
        """The last line that a module of the environment prints."""
        done = subprocess.run([str(self.python), "-m", *words], cwd=cwd or self.folder, capture_output=True, text=True,
                              check=False)  # fmt: skip
        if done.returncode:
            print(done.stdout[-4000:], done.stderr[-2000:], sep="\n")
            raise subprocess.CalledProcessError(done.returncode, words)
        return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""

    def pip(self, *words: str) -> str:
        return self.run("pip", "install", "--quiet", "--disable-pip-version-check", "-c", CONSTRAINTS, *words)

    def _core(self) -> str:
        return next(self.wheels.glob("wherry-*.whl")).as_uri()

    def prepare(self) -> None:
        """A fresh environment, and what an author installs into it."""
        self.step("make the environment", lambda: _made(self.folder / "venv"))
        wanted = [str(ROOT), *(str(ROOT / "plugins" / name) for name in PLUGINS)]
        self.step("build their wheels", lambda: self.run("pip", "wheel", "--quiet", "--disable-pip-version-check",
                                                         "--no-deps", "-w", str(self.wheels), *wanted))  # fmt: skip
        own, others = sorted(map(str, self.wheels.glob("*.whl"))), str(self.folder / "others")
        self.step("fetch what they need", lambda: self.run("pip", "download", "--quiet", "--disable-pip-version-check",
                                                           "-c", CONSTRAINTS, "-d", others, *own))  # fmt: skip
        self.step("install core + 3 plugins", lambda: self.pip("--no-index", "--find-links", others, *own))
        self.step("install the kit, mypy and ruff", lambda: self.pip(f"wherry[serve,testing] @ {self._core()}", "mypy",
                                                                        "ruff"))  # fmt: skip

    def plugin(self, name: str, kind: str, edit: Callable[[Path], None] = lambda folder: None) -> None:
        """One plugin: generated, edited, installed, tried and judged."""
        place = self.folder / name
        self.step(f"generate a {kind}", lambda: self.run("wherry.cli", "plugin", "new", name, "--kind", kind, "--quiet",
                                                         "--to", str(place)))  # fmt: skip
        edit(place)
        self.step(f"install {name}", lambda: self.pip("--no-deps", "-e", str(place)))
        self.step(f"suite of {name}", lambda: self.run("pytest", "-q", "-p", "no:cacheprovider", cwd=place))
        self.step(f"lint {name}", lambda: self.run("ruff", "check", ".", cwd=place))
        self.step(f"types of {name}", lambda: self.run("mypy", "--strict", "src", cwd=place))
        self.step(f"check {name}", lambda: self.run("wherry.cli", "plugin", "check", ".", "--at-least", "bronze",
                                                    cwd=place))  # fmt: skip


def _spent() -> float:
    """Seconds of CPU of the processes that ended so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _bare() -> float:
    """Seconds of CPU that bare Python takes for its rounds now, as others leave it: the mean of several."""
    return statistics.fmean(_rounds() for _ in range(10))


def _rounds() -> float:
    start, total = time.process_time(), 0
    for number in range(ROUNDS):
        total += number * number
    return time.process_time() - start


def _made(folder: Path) -> str:
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    return ""


def _tutorial() -> Any:
    """The changes of the tutorial, as its test reads them."""
    sys.path.insert(0, str(ROOT))
    return importlib.import_module("tests.test_docs_connector")


def _edit(plugin: str) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        for one in _tutorial().changes(plugin):
            path = folder / one.path
            path.write_text(path.read_text("utf-8").replace(one.before, one.after), "utf-8")

    return edit


def beyond(rows: list[Row]) -> list[str]:
    """The steps that took longer than they may."""
    judged = [(name, spent if name.startswith(COMPUTED) else took) for name, took, spent in rows]
    return [f"{name}: {took:.1f} s of {bound:.0f}" for name, took in judged for begins, bound in BOUNDS.items()
            if name.startswith(begins) and took > bound]  # fmt: skip


def main() -> int:
    """Everything, or the tutorial alone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tutorial", action="store_true", help="only the tutorial, not each kind as it is generated")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        day = Afternoon(Path(folder))
        start = time.perf_counter()
        day.prepare()
        day.plugin("depot", "source", _edit("depot"))
        day.plugin("bookly", "sink", _edit("bookly"))
        day.rows.append(("tutorial, from a fresh environment", time.perf_counter() - start, _spent()))
        print(f"{day.rows[-1][1]:7.1f} s  {day.rows[-1][2]:6.1f} s of CPU  {day.rows[-1][0]}")
        for kind in () if told.tutorial else KINDS:
            day.plugin(f"field-{kind}", kind)
    late = beyond(day.rows)
    print(*(late or ["all within bounds"]), sep="\n")
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
