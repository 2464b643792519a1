"""What it costs never to write twice: documents from the queue to their links, into a target that answers at once.

The target lives in this process and does nothing, so that all time is the protocol's own; every commit is durable
(SQLite with synchronous FULL, PostgreSQL with fsync). Beside it, in the same run, what people write without a
protocol: post, then remember. Prints one JSON line for each store and manner: items a second (the median of the runs),
durable commits a group, CPU an item, the peak of memory so far, and with ``--profile`` where the CPU goes.
Usage: writing.py [--items 2000] [--runs 5] [--database sqlite postgresql] [--manner "groups of 10"] [--profile]
"""

from __future__ import annotations

import argparse
import cProfile
import json
import math
import os
import platform
import pstats
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import sqlalchemy as sa
from sync import emptied
from wherry import collecting
from wherry.clock import SystemClock
from wherry.protocol.drain import drain
from wherry.protocol.flight import Target
from wherry.protocol.restored import LOOKED, flow_on
from wherry.protocol.steps import Lane, Step, fill
from wherry.protocol.writing import settle
from wherry.records import Call, Create, Draft, Item, Ref, Reply
from wherry.store import Store, calls, ledger
from wherry.store.ledger import LinkRow, Route
from wherry.store.tables import links
from wherry.testing import postgres
from wherry.testing.target_sink import AskingSink

ROUTE = Route(1, 2)
MANNERS: dict[str, tuple[int, int]] = {
    "one by one": (1, 1), "groups of 10": (10, 1), "ten at once": (1, 10), "in groups": (30, 4),
}  # fmt: skip
"""Items to a call, and calls at once. What leaves together is a group: ten are a target's batch of ten, or ten calls
beside each other (write-protocol.md, section 3.6)."""
_SLICE = 1_000
"""So many documents are made and queued at a time, so that memory stays the same however many there are."""
KNOWN = {Ref("customer", "id:1"): "T-1", Ref("product", "id:1"): "T-2"}
AREAS = {
    "sqlite3": "the database itself", "psycopg": "the database itself", "sqlalchemy": "SQLAlchemy",
    "wherry/store": "rows to and from the store", "protocol/drain.py": "drain", "protocol/flight.py": "drain",
    "protocol/writing.py": "settling", "protocol/rows.py": "settling", "protocol/steps.py": "settling",
    "protocol/boundary.py": "drain", "target_sink.py": "the sink's words", "wherry/money.py": "the sink's words",
    "msgspec": "JSON", "threading": "threads", "concurrent": "threads", "wherry/threads.py": "threads",
    "writing.py": "the target that answers at once",
}  # fmt: skip
"""Part of a file's path → whose work it is; the first that fits."""


class Echo:
    """``Http`` of a target that answers at once: everything is done as it was asked for."""

    def __init__(self) -> None:
        self._made = 0

    def send(self, call: Call) -> Reply:
        """The answer of the kit's target to a create, or to a batch of them."""
        asked = msgspec.json.decode(call.body)
        if call.path != "batch":
            return Reply(status=201, body=msgspec.json.encode({"thing": self._thing(asked)}))
        results = [
            {"key": one["key"], "status": 201, "thing": self._thing(one["thing"])} for one in asked["operations"]
        ]
        return Reply(status=200, body=msgspec.json.encode({"results": results}))

    def _thing(self, sent: dict[str, Any]) -> dict[str, Any]:
        self._made += 1
        return {**sent, "id": f"X-{self._made}", "version": "1", "status": "open"}

    def read(self, method: str, path: str, *, expect: type[Any]) -> Any:
        """Whose books these are."""
        return SimpleNamespace(data=msgspec.convert({"id": "T-1", "name": "Echo"}, expect))


def _money(minor: int) -> dict[str, Any]:
    return {"minor": minor, "currency": "GBP"}


_LINE = {
    "product": {"entity": "product", "key": "id:1"}, "description": "Sleeper, oak", "quantity": "2",
    "amount": _money(1_250),
}  # fmt: skip
_ALIKE = {"customer": {"entity": "customer", "key": "id:1"}, "total": _money(3_750), "lines": [_LINE] * 3, "memo": ""}


def invoice(number: int) -> Draft:
    """A document with three lines, a customer and a product."""
    body = {"number": f"INV-{number}", "date": "2026-07-01", **_ALIKE}
    return Draft(entity="invoice", key=f"id:{number}", body=body, label=f"INV-{number}", root=True, refs=tuple(KNOWN))


class Bench:
    """A store with so many documents in the queue of a target."""

    def __init__(self, url: str, folder: Path, items: int, batch: int, width: int) -> None:
        self.store = Store(url, SystemClock(), folder / "files")
        self.sink = AskingSink(Echo(), "query", batch=batch)  # type: ignore[arg-type]
        self.sink.width = width
        self.lane = Lane(flow="bench", run="bench", route=ROUTE, sink=self.sink, plugin="bench", identity="a>b")
        self.items, self.group, self.folder = items, batch * width, folder
        self.commits = 0
        self._begin()

    def _begin(self) -> None:
        now = self.store.now()
        with self.store.write() as tx:
            ledger.put_links(tx, ROUTE, [LinkRow(ref.entity, ref.key, id, "created") for ref, id in KNOWN.items()])
            calls.put_note(tx, LOOKED + flow_on("bench", ROUTE.source, ROUTE.sink), now)
        self.store.database.pause = self._count

    def _count(self, place: str) -> None:
        self.commits += place == "after"

    def queue(self) -> None:
        """What runs leave for the drain."""
        for numbers in self._slices(_SLICE):
            drafts = [invoice(number) for number in numbers]
            steps = [Step(draft=one, record_kind="invoice", record_id=one.key, decision=Create()) for one in drafts]
            with self.store.write() as tx:
                settle(tx, self.lane, steps, self.store.now())

    def _slices(self, size: int) -> Iterator[range]:
        return (range(start, min(start + size, self.items)) for start in range(0, self.items, size))

    def protocol(self) -> None:
        """The drain, until the queue is empty, with the collector at the pace of a run."""
        target = Target(
            name="bench", sink_id=ROUTE.sink, account="T-1", sink=self.sink, store=self.store,
            lane=lambda source: self.lane, beside=self.folder / "calls-sent",
        )  # fmt: skip
        with collecting.seldom():
            drain(target)

    def naive(self) -> None:
        """Post, then remember: a crash between the two writes everything of the group a second time."""
        for numbers in self._slices(self.group):
            made = [self._item(invoice(number), number) for number in numbers]
            by_stamp, rows = {item.stamp: item for item in made}, []
            for call in self.sink.encode(made):
                answers = self.sink.decode(call, [by_stamp[stamp] for stamp in call.items], self.sink.http.send(call))
                rows += [LinkRow("invoice", by_stamp[s].key, one.target, "created") for s, one in answers.items()]
            with self.store.write() as tx:
                ledger.put_links(tx, ROUTE, rows)

    def _item(self, draft: Draft, number: int) -> Item:
        return Item(entity="invoice", key=draft.key, body=fill(draft.body, draft.refs, KNOWN), stamp=f"{number:026d}")

    def written(self) -> int:
        """How many documents are linked."""
        with self.store.read() as tx:
            return int(tx.value(sa.select(sa.func.count()).where(links.c.entity == "invoice")) or 0)


class Figures(msgspec.Struct):
    """One run."""

    seconds: float
    cpu: float
    commits: int


def measured(bench: Bench, work: Callable[[], None]) -> Figures:
    """Do the work and see what it took."""
    bench.commits, wall, cpu = 0, time.perf_counter(), time.process_time()
    work()
    found = Figures(time.perf_counter() - wall, time.process_time() - cpu, bench.commits)
    assert bench.written() == bench.items, f"{bench.written()} of {bench.items} documents were written"
    return found


@contextmanager
def opened(database: str, clean: Callable[[], str], items: int, manner: str) -> Iterator[Bench]:
    """A bench on an empty store."""
    folder = Path(tempfile.mkdtemp(prefix="wherry-bench-"))
    batch, width = MANNERS[manner]
    bench = Bench(clean() or f"sqlite:///{folder / 'wherry.db'}", folder, items, batch, width)
    try:
        yield bench
    finally:
        bench.store.close()
        shutil.rmtree(folder, ignore_errors=True)


def one(database: str, clean: Callable[[], str], items: int, runs: int, manner: str) -> dict[str, Any]:
    """A manner on a store, with the protocol and without, in turns."""
    found: dict[str, list[Figures]] = {"protocol": [], "naive": []}
    for _ in range(runs):
        with opened(database, clean, items, manner) as bench:
            found["naive"].append(measured(bench, bench.naive))
        with opened(database, clean, items, manner) as bench:
            bench.queue()
            found["protocol"].append(measured(bench, bench.protocol))
    middle = {name: {key: statistics.median(getattr(run, key) for run in each) for key in Figures.__struct_fields__}
              for name, each in found.items()}  # fmt: skip
    batch, width = MANNERS[manner]
    told: dict[str, Any] = {"database": database, "manner": manner, "batch": batch, "width": width, "items": items}
    for name, figures in middle.items():
        told[f"{name}_per_second"] = round(items / figures["seconds"])
        told[f"{name}_commits_per_group"] = round(figures["commits"] / math.ceil(items / (batch * width)), 2)
        told[f"{name}_cpu_us_per_item"] = round(figures["cpu"] / items * 1e6)
    told["own_cpu_us_per_item"] = told["protocol_cpu_us_per_item"] - told["naive_cpu_us_per_item"]
    told["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return told


# -- where the CPU goes ------------------------------------------------------------------------------------------------


def profiled(database: str, clean: Callable[[], str], items: int, manner: str) -> dict[str, Any]:
    """Share of each area in the drain's time without waiting, and the functions that take the most."""
    profile = cProfile.Profile(time.process_time)
    with opened(database, clean, items, manner) as bench:
        bench.queue()
        profile.enable()
        bench.protocol()
        profile.disable()
    areas: Counter[str] = Counter()
    functions: list[tuple[float, str]] = []
    for (path, _, name), (_, number, own, _, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        areas[_area(f"{path}:{name}")] += own
        functions.append((own, f"{Path(path).name}:{name} ×{round(number / items, 1)}"))
    whole = sum(areas.values())
    shares = {area: f"{own / whole:.0%}" for area, own in areas.most_common() if own / whole >= 0.01}
    return {"database": database, "manner": manner, "shares": shares,
            "most": [f"{own / whole:.1%} {name}" for own, name in sorted(functions, reverse=True)[:12]]}  # fmt: skip


def _area(where: str) -> str:
    return next((area for part, area in AREAS.items() if part in where), "other")


# -- the command -------------------------------------------------------------------------------------------------------


def fsync_ms(folder: Path) -> float:
    """What this machine's disk takes to make one small write durable: the least that a commit can cost."""
    with (folder / "probe").open("wb") as file:
        began = time.perf_counter()
        for _ in range(100):
            file.write(b"x" * 512)
            file.flush()
            os.fsync(file.fileno())
    return (time.perf_counter() - began) * 10


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=2_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--database", nargs="+", choices=["sqlite", "postgresql"], default=["sqlite", "postgresql"])
    parser.add_argument("--manner", nargs="+", choices=list(MANNERS), default=list(MANNERS))
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        disk = round(fsync_ms(Path(folder)), 2)
    print(json.dumps({"machine": platform.platform(), "cpus": os.cpu_count(), "fsync_ms": disk}))
    for database in options.database:
        try:
            with emptied(database) as clean:
                for manner in options.manner:
                    items = options.items if math.prod(MANNERS[manner]) > 1 else max(1, options.items // 4)
                    print(json.dumps(one(database, clean, items, options.runs, manner)), flush=True)
                    if options.profile:
                        print(json.dumps(profiled(database, clean, items, manner), ensure_ascii=False), flush=True)
        except postgres.NoServer as why:
            print(json.dumps({"database": database, "left_out": str(why)}))


if __name__ == "__main__":
    main(sys.argv[1:])
