"""A run that is killed at any commit, restarted, and judged by what the platform then holds.

Points are found, not listed: every commit goes through the store, and the store says when (write-protocol.md, section 4).
The plan of a failing case is in its message: the number of the commit and the place in it.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from wherry_hubspot import demo
from wherry_hubspot.simulator import HubSpotSimulator

from wherry import answers, overview
from wherry.hub import Hub
from wherry.store import Store, audit, ledger

from .conftest import TOKEN, OpenHub

POINTS = 10
"""How many of the points are tried, spread over the run; WHERRY_KILL_ALL=1 tries every one."""
KILLED = 86
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["wherry.hub", "wherry_hubspot.plugin", "wherry_workspace.plugin", "rapidfuzz"])


def _run(folder: Path, environ: dict[str, str], kill: tuple[int, str] | None, counted: Any) -> None:
    """One process of an operator: run the flow, die at the wanted place of the n-th commit."""
    seen: Counter[str] = Counter()

    def pause(place: str) -> None:
        seen[place] += 1
        counted.value = seen["before"]
        if kill == (seen[place], place):
            os._exit(KILLED)

    hub = Hub.open(folder, environ=environ)
    hub.store.database.pause = pause
    report = hub.run("won-deals")
    os._exit(report.exit_code)


def _process(folder: Path, environ: dict[str, str], kill: tuple[int, str] | None) -> tuple[int | None, int]:
    counted = _CONTEXT.Value("i", 0)
    process = _CONTEXT.Process(target=_run, args=(folder, environ, kill, counted))
    process.start()
    process.join(60)
    return process.exitcode, counted.value


def _fresh(folder: Path) -> None:
    shutil.rmtree(folder / ".wherry", ignore_errors=True)


def _held(store: Store) -> dict[str, list[dict[str, Any]]]:
    with store.documents("workspace") as documents:
        return {kind: [body["fields"] for _, body in documents.each(kind)] for kind in ("project", "customer", "product", "file")}


def _comparable(held: dict[str, list[dict[str, Any]]]) -> dict[str, Counter[str]]:
    return {kind: Counter(str(body.get("name")) for body in bodies) for kind, bodies in held.items()}


def _points(commits: int) -> list[tuple[int, str]]:
    """Inside and after every commit; *before* one is the same as after the one before it."""
    points = [(number, place) for number in range(1, commits + 1) for place in ("inside", "after")]
    if os.environ.get("WHERRY_KILL_ALL"):
        return points
    return sorted(set(random.Random(2026).sample(points, min(POINTS, len(points)))))


def test_a_run_killed_at_any_commit_loses_nothing_and_writes_nothing_twice(
    folder: Path, environ: dict[str, str], crm: HubSpotSimulator, crm_url: str, open_hub: OpenHub
) -> None:
    """case_A1, case_A4, case_A25, I1, I2, I5, I17"""
    demo.fill(crm_url, TOKEN)
    code, commits = _process(folder, environ, None)
    assert code == 4
    assert commits > 8
    expected = _comparable(_held(open_hub().store))
    for number, place in _points(commits):
        _fresh(folder)
        code, _ = _process(folder, environ, (number, place))
        assert code == KILLED, f"kill {place} commit {number} did not happen"
        code, _ = _process(folder, environ, None)
        assert code == 4, f"the run after kill {place} commit {number} ended with {code}"
        hub = Hub.open(folder, environ=environ)
        assert _comparable(_held(hub.store)) == expected, f"kill {place} commit {number}"
        _judge(hub)
        hub.close()


def _judge(hub: Hub) -> None:
    """The books of the hub itself: one fate each, counts add up, the dead run is told, the audit chain is whole."""
    with hub.store.read() as tx:
        fates = ledger.count_seen(tx, "won-deals")["deal"]
        assert sum(fates.values()) == 40
        assert audit.verify(tx) == ""
    states = Counter(run["state"] for run in overview.runs(hub, limit=10))
    assert states["running"] == 0
    assert len(answers.questions(hub)) == 1


def test_two_processes_at_once_make_one_run_and_one_refusal(
    folder: Path, environ: dict[str, str], crm: HubSpotSimulator, crm_url: str
) -> None:
    """case_A15, case_A16"""
    demo.fill(crm_url, TOKEN)
    crm.faults.add("delay", path="/crm/objects/.*/deals", seconds=2)
    counted = _CONTEXT.Value("i", 0)
    pair = [_CONTEXT.Process(target=_run_or_busy, args=(folder, environ)) for _ in range(2)]
    for process in pair:
        process.start()
    for process in pair:
        process.join(60)
    assert sorted(process.exitcode or 0 for process in pair) == [4, 9]
    del counted


def _run_or_busy(folder: Path, environ: dict[str, str]) -> None:
    from wherry.errors import Busy

    try:
        os._exit(Hub.open(folder, environ=environ).run("won-deals").exit_code)
    except Busy as busy:
        os._exit(busy.exit_code)
