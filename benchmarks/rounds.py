"""Whole commands beside those of their peers, in turns: matching (W4), grouping (W5) and what it takes to start.

Each is measured from start to exit by the shared bench folder, so reading the files and imports count for everybody;
peers whose environments are not there are left out. Called by ``peers.py``.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import source
import twins

HERE, BENCH = Path(__file__).resolve().parent, source.SHARED / "bench"
Commands = dict[str, list[str]]
"""Who it is → the command; ours is ``wherry``, and each peer's begins with a program of its environment."""

MATCHERS = ("exact", "duckdb-jw", "trigram-rf", "rf-cdist", "tfidf")
"""Of ``w4.py``; ``exact`` finds nothing that is written otherwise, and is the floor of the time."""
GROUPERS = ("python-int", "python-decimal", "polars-stream", "duckdb")
STARTS = {"dlt": "dlt", "meltano": "meltano", "airbyte": "airbyte-cdk"}


def matching(folder: Path, programs: Path, size: int) -> Commands:
    """Items against ten times as many products; the set of ``w4_data.py``, with its truth."""
    twins.make(str(folder), 10 * size, size)
    peer = [str(programs / "data" / "bin" / "python"), str(BENCH / "w4.py")]
    ours = [sys.executable, str(HERE / "twins.py"), "--dir", str(folder)]
    return {"wherry": ours, **{name: [*peer, name, "--dir", str(folder)] for name in MATCHERS}}


def grouping(folder: Path, programs: Path, size: int) -> Commands:
    """A hundred times as many ledger lines, summed up by day; the file of ``w5.py gen``."""
    lines = 100 * size
    told = ["--lines", str(lines), "--dir", str(folder)]
    subprocess.run([sys.executable, str(BENCH / "w5.py"), "gen", *told], check=True, stdout=subprocess.DEVNULL)
    peer = [str(programs / "data" / "bin" / "python"), str(BENCH / "w5.py")]
    ours = [sys.executable, str(HERE / "books.py"), "--lines", str(folder / f"lines-{lines}.csv")]
    return {"wherry": ours, **{name: [*peer, name, *told] for name in GROUPERS}}


def starting(folder: Path, programs: Path, size: int) -> Commands:
    """What it takes to say which version it is."""
    ours = [str(Path(sys.executable).parent / "wherry"), "--version"]
    tap = [str(programs / "singer" / "bin" / "python"), str(BENCH / "peers" / "tap_fakecrm.py"), "--version"]
    rest = {name: [str(programs / name / "bin" / program), "--version"] for name, program in STARTS.items()}
    bare = [str(programs / "httpx" / "bin" / "python"), "-c", "pass"]
    return {"wherry": ours, "python": bare, "singer-tap": tap, **rest}


Workload = Callable[[Path, Path, int], Commands]
WORKLOADS: Mapping[str, tuple[Workload, str]] = {
    "w4": (matching, "exact"), "w5": (grouping, "python-int"), "start": (starting, "python"),
}  # fmt: skip
"""What makes the commands, and who of them does the least that can be done."""


def measured(library: Any, workload: str, size: int, runs: int) -> dict[str, dict[str, Any]]:
    """Who → figure → median. The first round is not counted: it may have to compile and to read the disk."""
    with tempfile.TemporaryDirectory() as folder:
        commands = WORKLOADS[workload][0](Path(folder), library.VENVS, size)
        there = {name: command for name, command in commands.items() if Path(command[0]).exists()}
        found: dict[str, list[dict[str, Any]]] = {name: [] for name in there}
        for _ in range(runs + 1):
            for name, command in there.items():
                found[name].append(library.run(command))
    rows = {name: median(rows[1:]) for name, rows in found.items()}
    shown(workload, rows)
    return rows


def median(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    if any(row["rc"] for row in rows):
        return {"valid": False}
    figures = {name: statistics.median(row[name] for row in rows) for name in ("wall_s", "cpu_s", "rss_mb")}
    return figures | told(rows[0]["report"])


def told(report: Any) -> dict[str, float]:
    """How well names were matched: the same in each round."""
    if not isinstance(report, dict) or "f1" not in report:
        return {}
    strict = report.get("at_99_precision") or {}
    return {"f1": report["f1"], "recall_at_99": report.get("recall_at_99", strict.get("recall", 0.0))}


def shown(workload: str, rows: Mapping[str, Mapping[str, Any]]) -> None:
    print(f"\n{workload}: medians")
    for name, row in rows.items():
        print(f"  {name:16}", "  ".join(f"{figure} {value:.3f}" for figure, value in row.items()), flush=True)
