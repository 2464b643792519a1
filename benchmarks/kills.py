"""kill -9 of ``wherry run``, again and again, over real invoices and a line on which everything goes wrong.

A shop's invoices (the UCI data set "Online Retail", CSV) are carried into QuickBooks' offline stand-in. Every call is
on its way for a while, and some end badly: answers get lost, writes come late or never, the stand-in is throttled or
out of order. ``wherry run`` is a process of its own that is killed: when a call with documents was seen and not carried
out yet (``asked``), when it was carried out and not answered yet (``done``), a moment after such a call (``later``), or
soon after its start (``early``). Then it is let finish.

Judged by the file and by the stand-in's append-only history and objects, never by our tables: each document once, to
the penny, whatever was skipped or is held listed and totalled; and ``wherry reconcile`` has to say the same. The books
are closed for the first day, whose documents are held until they are opened again. Exits with 1 on any difference.

Usage: kills.py [--kills 50] [--database sqlite|postgresql] [--batch 10] [--flows 1|2] [--share 1] [--seed 1]
                [--invoices FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import csv
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from starlette.types import Message, Receive, Scope, Send
from wherry.money import text
from wherry.simulator import serve
from wherry.testing import postgres
from wherry_quickbooks.simulator import QuickBooksSimulator

PROJECT = """
version = 1
[project]
name = "shop"
timezone = "Europe/London"
currency = "GBP"
[plugins]
enabled = ["workspace", "quickbooks"]
[connections.platform]
plugin = "workspace"
[connections.books]
plugin = "quickbooks"
base_url = "${BOOKS_URL}"
environment = "simulator"
auth = { kind = "oauth2", client_id = { env = "BOOKS_CLIENT_ID" }, client_secret = { env = "BOOKS_CLIENT_SECRET" } }
"""
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
DEFAULT = Path(__file__).resolve().parents[2] / "shared" / "data" / "invoices" / "online_retail.csv"
FIRST_DAY = "2010-12-01"
DOCUMENTS = ("Invoice", "CreditMemo")
KINDS = (*DOCUMENTS, "Customer", "Item")
PLACES = ("asked", "done", "later", "early")
TROUBLED = 0.12
"""Share of the calls that end badly."""
TROUBLES: tuple[dict[str, Any], ...] = (
    {"kind": "lost"}, {"kind": "lost"}, {"kind": "late"}, {"kind": "late"}, {"kind": "dropped"}, {"kind": "truncated"},
    {"kind": "status", "status": 500}, {"kind": "status", "status": 500, "committed": True},
    {"kind": "status", "status": 503}, {"kind": "status", "status": 429, "headers": {"retry-after": "1"}},
    {"kind": "expired"}, {"kind": "html", "committed": True}, {"kind": "empty"},
)  # fmt: skip
SLOW = (0.05, 0.3)
"""Seconds that a call and its answer are on their way together."""
SETTLED = 0, 4
"""Exit codes of a run that has nothing left to send."""
TRIES, LONGEST = 40, 1800
"""How often a run may end before everything has arrived, and how long one may take."""


# -- the line to the stand-in ------------------------------------------------------------------------------------------


class Kill(NamedTuple):
    """One kill: where, and how many calls and documents were on their way at that moment."""

    place: str
    calls: int
    documents: int


class Line:
    """What lies between us and the stand-in: it takes its time, and now and then something goes wrong on it."""

    def __init__(self, books: QuickBooksSimulator, dice: random.Random) -> None:
        self._books, self._app, self._dice = books, books.app(), dice
        self.flying: dict[int, int] = {}
        """Call → how many documents it carries."""
        self.spring: Callable[[str], object] = lambda place: None
        """Told when a call with documents was seen (``asked``), and when it was carried out (``done``)."""
        self.calls = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _whole(receive)
        self.calls += 1
        number, documents = self.calls, carried(str(scope["path"]), body)
        if documents:
            self.flying[number] = documents
        try:
            await self._pass_on(scope, body, send, bool(documents))
        finally:
            self.flying.pop(number, None)

    async def _pass_on(self, scope: Scope, body: bytes, send: Send, carries: bool) -> None:
        there = self._dice.uniform(*SLOW)
        back = there * self._dice.random()
        if carries:
            self.spring("asked")
        await asyncio.sleep(there - back)
        self._books.stage.release() if self._dice.random() < TROUBLED else None
        if self._dice.random() < TROUBLED and scope["method"] == "POST" and "/company/" in scope["path"]:
            self._books.faults.add(path="/company/", **self._dice.choice(TROUBLES))
        await self._app(scope, _once(body), _Slow(send, back, lambda: carries and self.spring("done")).send)


class _Slow:
    """An answer that takes its time. Has what the stand-in looks for in the server's own, to cut a connection."""

    def __init__(self, send: Send, seconds: float, before: Callable[[], object]) -> None:
        self._send, self._seconds, self._before = send, seconds, before
        self._server: Any = getattr(send, "__self__", None)
        self._begun = False

    @property
    def transport(self) -> Any:
        return getattr(self._server, "transport", None)

    @property
    def disconnected(self) -> bool:
        return bool(getattr(self._server, "disconnected", False))

    async def send(self, message: Message) -> None:
        if not self._begun:
            self._begun = True
            self._before()
            await asyncio.sleep(self._seconds)
        await self._send(message)


async def _whole(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body


def _once(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def carried(path: str, body: bytes) -> int:
    """How many documents, customers and items a call would write."""
    with contextlib.suppress(ValueError, AttributeError):
        if path.endswith("/batch"):
            return sum(kind in item for item in json.loads(body)["BatchItemRequest"] for kind in KINDS)
        return int(path.rpartition("/")[2] in {kind.lower() for kind in KINDS})
    return 0


# -- what the file says ------------------------------------------------------------------------------------------------


class Bill(NamedTuple):
    """An invoice as its charges in the file come to, below zero for a credit note."""

    date: str
    customer: str
    pence: int
    lines: int


def taken(source: Path, every: int, to: Path) -> None:
    """Copies one invoice in so many, with all its charges."""
    numbers: dict[str, int] = {}
    with source.open(newline="", encoding="utf-8-sig", errors="replace") as file, to.open("w", newline="") as copy:
        rows, out = csv.reader(file), csv.writer(copy)
        out.writerow(next(rows))
        out.writerows(row for row in rows if numbers.setdefault(row[0], len(numbers)) % every == 0)


def said(path: Path) -> dict[str, Bill]:
    """Number → what its charges come to, by the simplest arithmetic. A row that is cut off counts for nothing."""
    found: dict[str, Bill] = {}
    with path.open(newline="", encoding="utf-8") as file:
        for row in (row for row in csv.DictReader(file) if None not in row.values()):
            pence = Decimal(row["Quantity"]) * Decimal(row["UnitPrice"]) * 100
            day, month, year = row["InvoiceDate"].split()[0].split("/")
            before = found.get(row["InvoiceNo"], Bill("", "", 0, 0))
            found[row["InvoiceNo"]] = Bill(f"{year}-{month}-{day}", row["CustomerID"], before.pence + int(pence),
                                           before.lines + 1)  # fmt: skip
    return found


def pence(bills: Mapping[str, Bill]) -> int:
    return sum(one.pence for one in bills.values())


# -- the project and its commands --------------------------------------------------------------------------------------


class Shop:
    """The project's folder, and what is typed in it. Every command is a process of its own."""

    def __init__(self, folder: Path, told: argparse.Namespace, url: str, store: str) -> None:
        self.folder, self.flows = folder, FLOWS[told.flows]
        self.environ = {**os.environ, "BOOKS_URL": url, "BOOKS_CLIENT_ID": "kills", "BOOKS_CLIENT_SECRET": "kills-app",
                        "WHERRY__CONNECTIONS__BOOKS__BATCH": str(told.batch)}  # fmt: skip
        self.environ |= {"WHERRY__STORE__URL": store} if store else {}
        flows = [FLOW.replace("NAME", name) if not only else
                 FLOW.replace("NAME", name).replace("repeat", f'filter = "{only}"\nrepeat', 1)
                 for name, only in self.flows.items()]  # fmt: skip
        (folder / "wherry.toml").write_text(PROJECT + "".join(flows), "utf-8")

    def starts(self, *words: str) -> subprocess.Popen[str]:
        command = [str(Path(sys.executable).with_name("wherry")), *words]
        return subprocess.Popen(command, cwd=self.folder, env=self.environ, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip

    def does(self, *words: str, codes: Sequence[int] = (0,)) -> str:
        """What it prints. Exits where its exit code is another."""
        process = self.starts(*words)
        out, errors = process.communicate(timeout=LONGEST)
        if process.returncode not in codes:
            sys.exit(f"wherry {' '.join(words)}: exit {process.returncode}\n{out}{errors}")
        return out

    def ask(self, *words: str, codes: Sequence[int] = (0,)) -> Any:
        return json.loads(self.does("--output", "json", "--quiet", *words, codes=codes))["data"]


# -- the loop ----------------------------------------------------------------------------------------------------------


class Loop:
    """Runs that are killed and started again; those that are not killed go on beside."""

    def __init__(self, shop: Shop, line: Line, dice: random.Random) -> None:
        self.shop, self.line, self.dice = shop, line, dice
        self.kills: list[Kill] = []
        self.ends: Counter[int] = Counter()
        """Exit code → how many runs ended with it by themselves."""
        self._alive: dict[str, subprocess.Popen[str]] = {}

    def turn(self, place: str, at: int) -> None:
        """Everything runs until the ``at``-th call with documents is there, or until a run has ended by itself."""
        self._start()
        victims = self.dice.choice([[name] for name in self._alive] + [list(self._alive)])
        killed, lock, left = threading.Event(), threading.Lock(), [at]

        def kill() -> None:
            with lock:
                if killed.is_set() or any(self._alive[name].poll() is not None for name in victims):
                    return
                for name in victims:
                    self._alive[name].kill()
                flying = dict(self.line.flying)
                self.kills.append(Kill(place, len(flying), sum(flying.values())))
                killed.set()

        timer = threading.Timer(self.dice.uniform(0.2, 3.0) if place == "early" else self.dice.uniform(0, 1.5), kill)

        def spring(seen: str) -> None:
            if seen == ("done" if place == "done" else "asked"):
                left[0] -= 1
                if left[0] == 0:
                    timer.start() if place == "later" else kill()

        if place == "early":
            timer.start()
        else:
            self.line.spring = spring
        while not killed.wait(0.02) and all(self._alive[name].poll() is None for name in victims):
            pass
        self.line.spring = lambda seen: None
        timer.cancel()
        with lock:
            self._bury(victims if killed.is_set() else ())

    def _start(self) -> None:
        for name in self.shop.flows:
            if name not in self._alive:
                self._alive[name] = self.shop.starts("run", name)

    def _bury(self, killed: Sequence[str]) -> None:
        for name, process in list(self._alive.items()):
            if name in killed or process.poll() is not None:
                with (self.shop.folder / "runs.log").open("a", encoding="utf-8") as log:
                    log.writelines(["\n", *process.communicate()])
                self.ends[process.returncode] += name not in killed
                del self._alive[name]

    def finish(self) -> None:
        """Every flow runs until it has nothing left to send. Exits where it never comes to that."""
        for _ in range(TRIES):
            self._start()
            codes = [process.wait(LONGEST) for process in self._alive.values()]
            self._bury(())
            if set(codes) <= set(SETTLED):
                return
        sys.exit(f"runs do not come to an end: {dict(self.ends)}")


def kill(loop: Loop, number: int, calls: int) -> None:
    """So many kills, spread over the calls that the whole work takes."""
    for turn in range(TRIES * number):
        if len(loop.kills) == number:
            return
        place = "early" if loop.ends[0] + loop.ends[4] else PLACES[turn % len(PLACES)]
        loop.turn(place, loop.dice.randint(1, max(6, 2 * calls // number)))
        if len(loop.kills) % 10 == 0:
            print(f"{len(loop.kills)} of {number} kills", file=sys.stderr)


# -- what the target says ----------------------------------------------------------------------------------------------


class Judge:
    """Compares the file with the stand-in's history and objects, and what Wherry says with both."""

    def __init__(self, books: QuickBooksSimulator, bills: Mapping[str, Bill]) -> None:
        self._books, self._bills = books, bills
        self.skipped = {number: one for number, one in bills.items() if not one.customer}
        self.wrong: list[str] = []

    def due(self, after: str) -> dict[str, Bill]:
        """What the target is to hold of what is dated after a day."""
        return {number: one for number, one in self._bills.items() if one.customer and one.date > after}

    def held(self, until: str) -> dict[str, Bill]:
        return {number: one for number, one in self._bills.items() if one.customer and one.date <= until}

    def target(self, closed: str) -> None:
        """Everything that is due is there once, with every penny, line, day and customer; nothing else is."""
        due = self.due(closed)
        customers = {one["Id"]: one["DisplayName"] for one in self._books.objects("Customer")}
        found: dict[str, Bill] = {}
        for kind, sign in zip(DOCUMENTS, (1, -1), strict=True):
            for one in self._books.objects(kind):
                lines = [line for line in one["Line"] if line["DetailType"] == "SalesItemLineDetail"]
                number, total = one["DocNumber"], sum(line["Amount"] for line in lines)
                self.same(f"{kind} {number}: its total", one["TotalAmt"], total)
                self.same(f"{kind} {number}: there already", number in found, False)
                found[number] = Bill(one["TxnDate"], customers[one["CustomerRef"]["value"]],
                                               sign * int(one["TotalAmt"] * 100), len(lines))  # fmt: skip
        for number in sorted({*due, *found}):
            self.same(f"document {number}", found.get(number), due.get(number))

    def history(self) -> None:
        """Nothing was ever made twice, changed or taken away."""
        for kind in KINDS:
            made = Counter(one.detail["name"].casefold() for one in self._books.history.effects(f"{kind}.created"))
            for name in (name for name, often in made.items() if often > 1):
                self.same(f"{kind} {name}: how often it was made", made[name], 1)
            for what in ("updated", "voided", "deleted"):
                self.same(f"{kind}: {what}", len(self._books.history.effects(f"{kind}.{what}")), 0)

    def words(self, shop: Shop, closed: str) -> None:
        """What ``reconcile`` and ``errors list`` say is what the file and the target say."""
        told: Counter[str] = Counter()
        counts: Counter[str] = Counter()
        for name in shop.flows:
            found = shop.ask("reconcile", name)
            self.same(f"reconcile {name}", (found["agrees"], found["asked"], found["differences"]), (True, True, []))
            counts.update(found["counts"])
            told.update({state: sums.get("GBP", 0) for state, sums in found["sums"].items()})
            told["source"] += found["source"].get("GBP", 0)
            told["listed as skipped"] += sum(one["sums"].get("GBP", 0) for one in found["left_out"].values())
            counts["listed as skipped"] += sum(len(one["records"]) for one in found["left_out"].values())
        listed = shop.ask("errors", "list", "--all")["items"]
        told["listed as held"], counts["listed as held"] = sum(one["amount"] or 0 for one in listed), len(listed)
        parts = {"posted": self.due(closed), "held": self.held(closed), "skipped": self.skipped}
        parts |= {f"listed as {state}": parts[state] for state in ("held", "skipped")}
        for state, bills in parts.items():
            self.same(f"{state}: number", counts[state], len(bills))
            self.same(f"{state}: pence", told[state], pence(bills))
        self.same("source: pence", told["source"], pence(self._bills))

    def same(self, what: str, found: object, wanted: object) -> None:
        if found != wanted:
            self.wrong.append(f"{what}: {found} instead of {wanted}")


# -- the whole ---------------------------------------------------------------------------------------------------------


def play(told: argparse.Namespace, folder: Path, store: str) -> list[str]:
    """Whatever is not as it must be."""
    dice = random.Random(told.seed)
    books = QuickBooksSimulator(currency="GBP")
    line = Line(books, dice)
    taken(told.invoices, told.every, folder / "charges.csv")
    bills = said(folder / "charges.csv")
    judge = Judge(books, bills)
    with serve(line) as url:
        shop = Shop(folder, told, url, store)
        shop.does("connect", "books", "--no-browser")
        shop.does("workspace", "import", "online-retail", "charges.csv", codes=(0, 4))
        books.close_books(FIRST_DAY)
        loop = Loop(shop, line, dice)
        began = time.monotonic()
        kill(loop, told.kills, 3 * len(bills) // told.batch)
        loop.finish()
        books.stage.release()
        judge.target(FIRST_DAY)
        judge.words(shop, FIRST_DAY)
        took = time.monotonic() - began
        tell(told, books, loop, judge, FIRST_DAY, took)
        books.close_books("")
        for name in shop.flows:
            shop.does("errors", "retry", "--class", "refused", "--flow", name, "--yes", codes=(0, 4, 6))
        loop.finish()
        judge.target("")
        judge.history()
        judge.words(shop, "")
    return judge.wrong


def tell(told: argparse.Namespace, books: QuickBooksSimulator, loop: Loop, judge: Judge, closed: str,
         took: float) -> None:  # fmt: skip
    struck = [one for one in loop.kills if one.calls]
    print(f"kills      {len(loop.kills)}: {dict(Counter(one.place for one in loop.kills))}")
    print(
        f"in flight  at {len(struck)} of them: {sum(one.calls for one in struck)} calls with "
        f"{sum(one.documents for one in struck)} documents, customers and items"
    )
    print(f"faults     {books.history.stats()['faults']}, {books.history.stats()['too_many']} calls too many")
    print(f"ended by itself {dict(loop.ends)}")
    due, held = judge.due(closed), judge.held(closed)
    for name, bills in (("source", judge._bills), ("target", due), ("held", held), ("skipped", judge.skipped)):
        print(f"{name:10} {len(bills):6} {text(pence(bills), 'GBP'):>14} GBP")
    print(f"{took:.0f} s")


def main() -> int:
    """1 on any difference."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--batch", type=int, default=10, help="documents in one call; 1: each in a call of its own")
    parser.add_argument("--flows", type=int, choices=FLOWS, default=1, help="2: invoices and credit notes side by side")
    parser.add_argument("--every", type=int, default=1, help="one in so many of the file's invoices")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="make the project there, and leave it")
    parser.add_argument("--invoices", type=Path, default=DEFAULT)
    told = parser.parse_args()
    if not told.invoices.is_file():
        print(f'there is no file {told.invoices}; name one like the data set "Online Retail" with --invoices')
        return 2
    with contextlib.ExitStack() as stack:
        folder = told.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wherry-kills-")))
        folder.mkdir(parents=True, exist_ok=True)
        store = ""
        if told.database == "postgresql":
            store = stack.enter_context(postgres.database(stack.enter_context(postgres.server(durable=True))))()
        wrong = play(told, folder, store)
    for one in wrong[:50]:
        print(f"WRONG: {one}")
    print(f"{len(wrong)} differences" if wrong else "each document once, equal to the penny")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
