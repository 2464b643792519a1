"""Movements become entries: grouping alone, and the whole way through the store. Exact to the cent, or it fails.

``alone`` is the grouping by itself: movements come in pages, are left out, categorised, grouped by day, week and month.
``store`` is a project whose wallet transactions, one CSV file, are booked into a folder of files: a first run (read,
mapped, entered into the subledger, gathered, queued), a run with nothing new, posting, and a run with one new movement
after that. Each is a process of its own. Medians; seconds of the clock, CPU of the process alone, peak memory.
Usage: books.py [--movements 100000] [--runs 3] [--groups day week month] [--store URL] [--alone]
       books.py --lines FILE
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import json
import os
import platform
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any

from wherry.accounting import Mapped, Movement, MovementLine
from wherry.books import grouping
from wherry.books.periods import Calendar
from wherry.hub import Hub
from wherry.operating import approvals

FIRST = dt.date(2026, 1, 1)
DAYS, WALLETS = 90, 8
CATEGORIES = {"payout": "6100", "fee": "6200", "storage": "4010", "switching": "4020", "refund": "4090", "rent": "6300"}
CASH = "1205"
PROJECT = """
version = 1
[project]
name = "bench"
timezone = "UTC"
currency = "USD"
[plugins]
enabled = ["csv"]
{store}
[connections.wallets]
plugin = "csv"
folder = "in"
quiet = 0
page_size = 5000
[connections.wallets.records.transaction]
files = "*.csv"
id = "Id"
decimal = "."
[connections.books]
plugin = "csv"
folder = "out"
[flows.ledger]
source = "wallets"
sink = "books"
kinds = ["transaction"]
document = "journal"
accounts = "tables/accounts.csv"
group = "{group}"
books_from = 2026-01-01
approval = "required"
late = "correct"
"""
Row = tuple[int, dt.date, str, int, str]
"""Id, day, wallet, minor units, category."""


def rows(number: int) -> Iterator[Row]:
    """The same ones each time; one in a hundred is too small to be booked."""
    said = random.Random(4)
    names = sorted(CATEGORIES)
    for id in range(1, number + 1):
        minor = 0 if said.random() < 0.01 else said.randint(1, 5_000_000)
        day = FIRST + dt.timedelta(days=said.randrange(DAYS))
        yield id, day, f"W{said.randrange(WALLETS)}", minor, said.choice(names)


def balances(number: int) -> Counter[str]:
    """Account → what the movements come to, debits above zero: by the simplest arithmetic."""
    found: Counter[str] = Counter()
    for _, _, _, minor, category in rows(number):
        found[CATEGORIES[category]] += minor
        found[CASH] -= minor
    return found


def table() -> list[Mapped]:
    return [Mapped(category=name, debit=code, credit=CASH) for name, code in CATEGORIES.items()]


# -- grouping alone ----------------------------------------------------------------------------------------------------


def movement(row: Row) -> Movement:
    id, day, wallet, minor, category = row
    lines = tuple(MovementLine(side=side, minor=minor, category=category) for side in ("debit", "credit"))
    return Movement(id=id, key=f"id:{id}", date=day, currency="USD", lines=lines, partition=wallet, reference=f"T{id}",
                    description=category)  # fmt: skip


def alone(number: int, group: str) -> dict[str, Any]:
    """The measured process: movements come in pages and are not kept. What it takes to make them is not charged."""
    calendar, table_, left = Calendar(), table(), 0

    def booked() -> Iterator[Movement]:
        nonlocal left
        for page in pages(number):
            large, small = grouping.sub_cent(page)
            kept, missing = grouping.categorise(large, table_)
            assert not missing
            left += sum(len(one.members) for one in small)
            yield from kept

    before, parts = peak_mb(), [time.process_time()]
    deque(pages(number), maxlen=0)
    parts.append(time.process_time())
    entries = grouping.entries(booked(), lambda day: calendar.bucket_of(day, group))  # type: ignore[arg-type]
    parts.append(time.process_time())
    after = peak_mb()
    assert left + sum(len(one.members) for one in entries) == number
    check(entries_of((line.account, line.side, line.minor) for entry in entries for line in entry.lines), number)
    cpu = parts[2] - parts[1] - (parts[1] - parts[0])
    return {"lines": 2 * number, "cpu": cpu, "entries": len(entries), "above_imports_mb": after - before}


def pages(number: int, size: int = 5000) -> Iterator[list[Movement]]:
    each = rows(number)
    while page := [movement(row) for row in islice(each, size)]:
        yield page


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def median_alone(number: int, group: str, runs: int) -> dict[str, Any]:
    command = [sys.executable, __file__, "--movements", str(number), "--groups", group, "--child-alone"]
    found = [json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout) for _ in range(runs)]
    return {key: round(statistics.median(one[key] for one in found), 2) for key in found[0]}


def of_file(path: Path) -> dict[str, Any]:
    """The measured process: the ledger lines of the shared bench folder's ``w5.py gen``, read and grouped by day."""
    calendar, before, began = Calendar(), peak_mb(), time.process_time()
    with path.open(encoding="utf-8", newline="") as file:
        entries = grouping.entries(documents(file), lambda day: calendar.bucket_of(day, "day"))
    cpu, after = time.process_time() - began, peak_mb()
    truth = json.loads(path.with_name(f"{path.name}.truth").read_text("utf-8"))
    debits, credits = (
        sum(line.minor for entry in entries for line in entry.lines if line.side == side)
        for side in ("debit", "credit")
    )
    if not debits == credits == truth["total_cents"]:
        raise SystemExit(f"not exact: {debits} and {credits} instead of {truth['total_cents']}")
    lines = sum(len(entry.lines) for entry in entries)
    return {"lines": truth["lines"], "cpu": round(cpu, 2), "entries": len(entries), "entry_lines": lines,
            "above_imports_mb": round(after - before, 1)}  # fmt: skip


def documents(file: Iterable[str]) -> Iterator[Movement]:
    """Date, document, account, D or C, amount: the lines of a document stand together."""
    sides: dict[str, Any] = {"D": "debit", "C": "credit"}
    for doc, some in groupby(islice(csv.reader(file), 1, None), itemgetter(1)):
        lines = list(some)
        made = [MovementLine(side=sides[side], minor=int(amount.replace(".", "")), account=account)
                for _, _, account, side, amount in lines]  # fmt: skip
        yield Movement(
            id=int(doc), key=f"doc/{doc}", date=dt.date.fromisoformat(lines[0][0]), currency="USD", lines=tuple(made)
        )


def entries_of(lines: Iterator[tuple[str, str, int]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for account, side, minor in lines:
        found[account] += minor if side == "debit" else -minor
    return found


def check(found: Mapping[str, int], number: int) -> None:
    """Raises SystemExit on a difference of one cent."""
    if dict(found) != {account: minor for account, minor in balances(number).items() if minor}:
        raise SystemExit(f"not exact: {found} instead of {balances(number)}")


# -- the whole way -----------------------------------------------------------------------------------------------------


def project(folder: Path, number: int, group: str, store: str) -> None:
    for name in ("in", "out", "tables"):
        (folder / name).mkdir()
    url = f'[store]\nurl = "{store}"' if store else ""
    (folder / "wherry.toml").write_text(PROJECT.format(group=group, store=url), "utf-8")
    lines = [f"{name},{code},{CASH}" for name, code in CATEGORIES.items()]
    (folder / "tables" / "accounts.csv").write_text("\n".join(["category,debit,credit", *lines]) + "\n", "utf-8")
    write(folder / "in" / "a.csv", rows(number))


def write(path: Path, some: Iterator[Row]) -> None:
    said = (f"{id},{day},{minor // 100}.{minor % 100:02},USD,{category},{wallet},T{id}"
            for id, day, wallet, minor, category in some)  # fmt: skip
    path.write_text("\n".join(["Id,date,amount,currency,category,wallet,reference", *said]) + "\n", "utf-8")


def child(folder: Path, what: str) -> None:
    """The measured process: one step, its figures as JSON."""
    with Hub.open(folder) as hub:
        hub.wiring.wire("ledger", "bench")
        began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
        found = posted(hub) if what == "post" else hub.run("ledger").data
        took, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    told = found.get("books", {})
    sums = entries_of((line["account"], line["side"], line["minor"]) for one in told.get("entries", ())
                      for line in one["lines"])  # fmt: skip
    print(json.dumps({"seconds": took, "cpu": cpu, "peak_mb": after.ru_maxrss / 1024, "sums": sums,
                      "entries": len(told.get("entries", ())), "error": str(found.get("error") or "")}))  # fmt: skip


def posted(hub: Hub) -> dict[str, Any]:
    """Everything that waits is approved and leaves."""
    ids = [int(row["id"][2:]) for row in approvals.waiting(hub, "ledger")["items"]]
    error = approvals.approve(hub, "ledger", ids).error
    return {"error": error}


def step(folder: Path, what: str) -> dict[str, Any]:
    done = subprocess.run([sys.executable, __file__, "--child", str(folder), "--step", what], capture_output=True,
                          text=True, check=False)  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if found["error"]:
        raise SystemExit(f"{what}: {found['error']}")
    return found


def whole(number: int, group: str, store: str) -> dict[str, dict[str, Any]]:
    folder = Path(tempfile.mkdtemp(prefix="wherry-bench-"))
    try:
        project(folder, number, group, store)
        found = {"first": step(folder, "run"), "unchanged": step(folder, "run")}
        for one in found.values():
            check(one.pop("sums"), number)
        found["post"] = step(folder, "post")
        write(folder / "in" / "b.csv", iter([(number + 1, FIRST, "W1", 100, "payout")]))
        found["one more"] = step(folder, "run")
        for name in ("post", "one more"):
            del found[name]["sums"]
        return found
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--movements", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--groups", nargs="+", default=["day", "week", "month"])
    parser.add_argument("--store", default="", help="address of an empty database; a file where left out")
    parser.add_argument("--alone", action="store_true", help="leave the store out")
    parser.add_argument("--lines", type=Path, help="group the lines of this file, and nothing else")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--child-alone", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--step", default="run", help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.child:
        child(told.child, told.step)
        return
    if told.lines:
        print(json.dumps(of_file(told.lines)))
        return
    if told.child_alone:
        print(json.dumps(alone(told.movements, told.groups[0])))
        return
    machine = {
        "cpu": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "python": sys.version.split()[0],
    }
    print(json.dumps({"movements": told.movements, "runs": told.runs, "machine": machine}))
    for group in told.groups:
        print(json.dumps({"grouping alone": group, **median_alone(told.movements, group, told.runs)}), flush=True)
    if not told.alone:
        for group in told.groups[:1]:
            for name, figures in medians([whole(told.movements, group, told.store) for _ in range(told.runs)]).items():
                print(json.dumps({"through the store": group, "step": name, **figures}), flush=True)


def medians(found: list[dict[str, dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    numbers = ("seconds", "cpu", "peak_mb", "entries")
    return {name: {key: round(statistics.median(one[name][key] for one in found), 2) for key in numbers}
            for name in found[0]}  # fmt: skip


if __name__ == "__main__":
    main()
