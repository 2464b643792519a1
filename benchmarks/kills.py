"""kill -9 of ``wherry run``, again and again, over real invoices and a line on which everything goes wrong.

A shop's invoices (the UCI data set "Online Retail", CSV) are carried into QuickBooks' offline stand-in. Every call is
on its way for a while, and some end badly: answers get lost, writes come late or never, the stand-in is throttled or
out of order. ``wherry run`` is a process of its own that is killed: when a call with documents was seen and not carried
out yet (``asked``), when it was carried out and not answered yet (``done``), a moment after such a call (``later``), or
soon after its start (``early``). Then it is let finish.

Judged by the file and by the stand-in's append-only history and objects, never by our tables: each document once, to
the penny, whatever was skipped or is held listed and totalled; and ``wherry reconcile`` has to say the same. The books
are closed for the first day, whose documents are held until they are opened again. Exits with 1 on any difference.

Usage: kills.py [--kills 50] [--database sqlite|postgresql] [--batch 10] [--flows 1|2] [--every 1] [--seed 1]
                [--invoices FILE]
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from kills_judge import Judge, pence, said, taken
from kills_line import Line
from tieout import BOOKS, DEFAULT, Desk
from wherry.money import text
from wherry.simulator import serve
from wherry.testing import postgres
from wherry_quickbooks.simulator import QuickBooksSimulator

PROJECT = (
    BOOKS
    + """
auth = { kind = "oauth2", client_id = { env = "BOOKS_CLIENT_ID" }, client_secret = { env = "BOOKS_CLIENT_SECRET" } }
"""
)
FLOW = """
[flows.NAME]
source = "platform"
sink = "books"
kinds = ["invoice"]
document = "invoice"
when = { status = "invoiced" }
repeat = "always"
books_from = 2010-12-01
approval = "automatic"
[flows.NAME.match.customer]
order = ["link", "reference"]
unmatched = "create"
[flows.NAME.match.product]
order = ["link", "sku", "name"]
unmatched = "create"
"""
FLOWS = {
    1: {"invoices": ""},
    2: {"invoices": "not startswith(invoice.number, 'C')", "credits": "startswith(invoice.number, 'C')"},
}
"""Number of flows → name → its filter."""
FIRST_DAY = "2010-12-01"
PLACES = ("asked", "done", "later", "early")
EARLY, LATER = (0.2, 3.0), (0.0, 1.5)
"""Seconds from the start of a run, and from a call, until it is killed."""
SETTLED = 0, 4
"""Exit codes of a run that has nothing left to send."""
TRIES, MOST = 40, 50
"""How often a run may end before everything has arrived, and how much is told."""
ENVIRON = {"BOOKS_CLIENT_ID": "kills", "BOOKS_CLIENT_SECRET": "kills-app"}


# -- the loop ----------------------------------------------------------------------------------------------------------


class Kill(NamedTuple):
    """Where, and how many calls with how many documents, customers and items were on their way at that moment."""

    place: str
    calls: int
    things: int


class Loop:
    """Runs that are killed and started again; those that are not killed go on beside."""

    def __init__(self, folder: Path, flows: Collection[str], line: Line, dice: random.Random) -> None:
        self.folder, self.flows, self.line, self.dice = folder, flows, line, dice
        self.kills: list[Kill] = []
        self.ends: Counter[int] = Counter()
        """Exit code → how many runs ended with it by themselves."""
        self._alive: dict[str, subprocess.Popen[str]] = {}

    def kill(self, number: int, calls: int) -> None:
        """So many kills, spread over the calls that the whole work takes."""
        for turn in range(TRIES * number):
            if len(self.kills) == number:
                return
            place = "early" if any(self.ends[code] for code in SETTLED) else PLACES[turn % len(PLACES)]
            if self._turn(place, self.dice.randint(1, max(2, 2 * calls // number))) and len(self.kills) % 10 == 0:
                print(f"{len(self.kills)} of {number} kills", file=sys.stderr)

    def _turn(self, place: str, at: int) -> bool:
        """Everything runs until it is time to kill, or until a run has ended by itself."""
        self._start()
        victims = self.dice.choice([[name] for name in self._alive] + [list(self._alive)])
        trap = Trap(place, at, [self._alive[name] for name in victims], self.line, self.dice)
        trap.wait()
        self._bury(victims if trap.kill is not None else ())
        self.kills += [trap.kill] if trap.kill is not None else []
        return trap.kill is not None

    def finish(self, desk: Desk) -> None:
        """Every flow runs until it has nothing left to send. Exits where it never comes to that.

        A run ends with 5 where the line refused the sign-in twice for one call: it is started again like any other.
        """
        while self._alive:
            time.sleep(0.02)
            self._bury(())
        for _ in range(TRIES):
            codes = {desk.ask(f"run {name}", 4, 5, 6)["exit_code"] for name in self.flows}
            if codes <= set(SETTLED):
                return
        sys.exit(f"runs do not come to an end: {codes}")

    def _start(self) -> None:
        pipes: Any = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        for name in self.flows:
            if name not in self._alive:
                command = [str(Path(sys.executable).with_name("wherry")), "run", name]
                self._alive[name] = subprocess.Popen(command, cwd=self.folder, text=True, **pipes)

    def _bury(self, killed: Collection[str]) -> None:
        for name, process in list(self._alive.items()):
            if name in killed or process.poll() is not None:
                said, _ = process.communicate()
                with (self.folder / "runs.log").open("a", encoding="utf-8") as log:
                    log.write(f"{name}: {'killed' if name in killed else f'exit {process.returncode}'}\n{said}")
                self.ends[process.returncode] += name not in killed
                del self._alive[name]

    def close(self) -> None:
        """Nothing of ours goes on behind us."""
        for process in self._alive.values():
            process.kill()


class Trap:
    """Kills when it is time to."""

    def __init__(
        self, place: str, at: int, victims: Sequence[subprocess.Popen[str]], line: Line, dice: random.Random
    ) -> None:  # fmt: skip
        self.kill: Kill | None = None
        self._place, self._left, self._victims, self._line = place, at, victims, line
        self._lock, self._over = threading.Lock(), False
        self._timer = threading.Timer(dice.uniform(*EARLY if place == "early" else LATER), self._spring)
        if place == "early":
            self._timer.start()
        else:
            line.told = self._seen

    def wait(self) -> None:
        """Until it has sprung, or a victim has ended by itself."""
        while self.kill is None and not self._ended():
            time.sleep(0.01)
        with self._lock:
            self._over, self._line.told = True, lambda seen: None
        self._timer.cancel()

    def _ended(self) -> bool:
        return any(process.poll() is not None for process in self._victims)

    def _seen(self, seen: str) -> None:
        if seen == ("done" if self._place == "done" else "asked"):
            self._left -= 1
            if self._left == 0:
                self._timer.start() if self._place == "later" else self._spring()

    def _spring(self) -> None:
        with self._lock:
            if self._over or self._ended():
                return
            for process in self._victims:
                process.kill()
            flying = dict(self._line.flying)
            self.kill = Kill(self._place, len(flying), sum(flying.values()))


# -- the whole ---------------------------------------------------------------------------------------------------------


def project(told: argparse.Namespace) -> str:
    flows = FLOWS[told.flows]
    return PROJECT + "".join(
        FLOW.replace("NAME", name).replace("repeat", f'filter = "{only}"\nrepeat' if only else "repeat", 1)
        for name, only in flows.items()
    )  # fmt: skip


def play(told: argparse.Namespace, folder: Path) -> list[str]:
    """Whatever is not as it must be."""
    dice, books = random.Random(told.seed), QuickBooksSimulator(currency="GBP")
    line, desk = Line(books, dice), Desk(folder)
    taken(told.invoices, told.every, folder / "charges.csv")
    judge = Judge(books, said(folder / "charges.csv"))
    (folder / "wherry.toml").write_text(project(told), "utf-8")
    with serve(line) as url, contextlib.closing(Loop(folder, FLOWS[told.flows], line, dice)) as loop:
        os.environ["BOOKS_URL"] = url
        desk.does("connect books --no-browser")
        desk.does("workspace import online-retail charges.csv", 4)
        books.close_books(FIRST_DAY)
        began = time.monotonic()
        loop.kill(told.kills, 3 * len(judge.bills) // told.batch)
        loop.finish(desk)
        tell(books, loop, time.monotonic() - began)
        judged(judge, desk, loop, FIRST_DAY)
        books.close_books("")
        for name in loop.flows:
            desk.does(f"errors retry --class refused --flow {name} --yes", 4, 5, 6)
        loop.finish(desk)
        judged(judge, desk, loop, "")
    judge.history()
    judge.same("kills", len(loop.kills), told.kills)
    judge.same("a third of the kills with something in flight", 3 * len(struck(loop)) >= told.kills, True)
    return judge.wrong


def judged(judge: Judge, desk: Desk, loop: Loop, closed: str) -> None:
    """Prints what the target holds, and what is said of it."""
    judge.books.stage.release()
    judge.target(closed)
    judge.words(desk, loop.flows, closed)
    print(f"\nthe books are {f'closed up to {closed}' if closed else 'open'}")
    parts = {"source": judge.bills, "target": judge.found, "held": judge.held(closed), "skipped": judge.skipped}
    for name, bills in parts.items():
        print(f"  {name:10} {len(bills):6,} {text(pence(bills), 'GBP'):>14} GBP")
    for name in loop.flows:
        print(desk.does(f"reconcile {name}"), end="")
    number, began = next(iter(judge.bills)), time.monotonic()
    print(f"{desk.does(f'explain {number}').splitlines()[0]}   ({time.monotonic() - began:.2f} s)")


def struck(loop: Loop) -> list[Kill]:
    return [one for one in loop.kills if one.calls]


def tell(books: QuickBooksSimulator, loop: Loop, seconds: float) -> None:
    stats, flying = books.history.stats(), struck(loop)
    calls, things = sum(one.calls for one in flying), sum(one.things for one in flying)
    print(f"kills      {len(loop.kills)}: {counted(Counter(one.place for one in loop.kills))}")
    print(f"in flight  at {len(flying)} of them: {calls:,} calls with {things:,} documents, customers and items")
    print(f"faults     {counted(stats['faults'])}")
    print(f"runs       {counted({f'ended with {code}': n for code, n in loop.ends.items() if n})}")
    print(f"seconds    {seconds:.0f}")


def counted(found: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in sorted(found.items()))


def main(words: Sequence[str] | None = None) -> int:
    """1 on any difference, 2 without the file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--batch", type=int, default=10, help="documents in one call; 1: each in a call of its own")
    parser.add_argument("--flows", type=int, choices=FLOWS, default=1, help="2: invoices and credit notes side by side")
    parser.add_argument("--every", type=int, default=1, help="take one in so many of the file's invoices")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="make the project there, and leave it")
    parser.add_argument("--invoices", type=Path, default=DEFAULT)
    told = parser.parse_args(words)
    if not told.invoices.is_file():
        print(f'there is no file {told.invoices}; name one like the data set "Online Retail": --invoices FILE')
        return 2
    with contextlib.ExitStack() as stack:
        folder = told.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wherry-kills-")))
        folder.mkdir(parents=True, exist_ok=True)
        stack.enter_context(mock.patch.dict(os.environ, ENVIRON))
        os.environ["WHERRY__CONNECTIONS__BOOKS__BATCH"] = str(told.batch)
        if told.database == "postgresql":
            server = stack.enter_context(postgres.server(durable=True))
            os.environ["WHERRY__STORE__URL"] = stack.enter_context(postgres.database(server))()
        wrong = play(told, folder)
    print("".join(f"\nWRONG: {one}" for one in wrong[:MOST]))
    print(f"{len(wrong)} differences" if wrong else "each document once, equal to the penny")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
