"""The benchmarks in their quick form: only what is counted can fail here, never what is timed."""

from __future__ import annotations

import importlib
import math
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from wherry.testing.clock import hurried

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
DEALS = 250


@pytest.fixture
def script(shared: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A script of the benchmarks as a module. They read the stand-in of the shared bench folder."""
    if not (shared / "bench" / "fakecrm.py").is_file():
        pytest.skip(f"needs the stand-in in {shared / 'bench'}")
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


@pytest.mark.parametrize("name", sorted(path.stem for path in BENCHMARKS.glob("*.py")))
def test_every_script_still_finds_what_it_measures(script: Any, name: str) -> None:
    assert script(name).__doc__


def test_a_full_sync_makes_the_least_calls_and_one_with_nothing_new_a_single_search(
    script: Any,
) -> None:
    sync = script("sync")
    found = sync.workload(DEALS, 1)
    assert (found["deals"], found["refused"]) == (DEALS, 0)
    assert found["requests"] == found["least_requests"] == math.ceil(DEALS / 100) + 1 + math.ceil(DEALS / 50) + 4
    assert found["unchanged_reads"] == 1


def test_ours_is_set_beside_each_peer_and_what_did_not_end_well_gives_no_figure(script: Any) -> None:
    peers = script("peers")
    row = dict.fromkeys(peers.FIGURES, 4.0)
    rows = {"wherry": row, "dlt": {**row, "cpu_s": 2.0}, "tap": {**row, "cpu_s": 0.0}, "fell": {"valid": False}}
    found = peers.compared(rows, "dlt")["cpu_s"]
    assert found == {"ours": 4.0, "peers": {"dlt": 2.0, "tap": 0.0}, "floor": 2.0, "ratio": {"dlt": 2.0}}
    assert set(peers.compared({"wherry": {"valid": False}, "dlt": row}, "")) == {"error"}


def test_whole_commands_are_measured_in_turns_and_only_those_that_are_there(
    script: Any, shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = script("rounds")
    monkeypatch.syspath_prepend(str(shared / "bench"))
    library = importlib.import_module("benchlib")
    monkeypatch.setattr(library, "VENVS", tmp_path)
    monkeypatch.setattr(library, "SCRATCH", tmp_path)
    fell = tmp_path / "dlt" / "bin" / "dlt"
    fell.parent.mkdir(parents=True)
    fell.write_text("#!/bin/sh\nexit 3\n")
    fell.chmod(0o700)
    found = rounds.measured(library, "start", 1, 1)
    assert found["dlt"] == {"valid": False}
    assert set(found) == {"wherry", "dlt"}
    assert set(found["wherry"]) == {"wall_s", "cpu_s", "rss_mb"}
    assert found["wherry"]["rss_mb"] > 1


CHARGES = """InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
1,A,LANTERN,6,01/12/2010 08:26,2.55,17850,United Kingdom
2,A,LANTERN,2,02/12/2010 08:26,2.55,17850,United Kingdom
2,B,KETTLE,1,02/12/2010 08:26,4.95,17850,United Kingdom
C3,B,KETTLE,-1,02/12/2010 09:10,4.95,13047,United Kingdom
4,C,DOORMAT,3,03/12/2010 10:00,7.95,13047,United Kingdom
5,C,DOORMAT,1,03/12/2010 10:05,7.95,,United Kingdom
"""
SOON = "15"
"""By this seed the first run is killed at its second call, the next at its first."""


def test_a_run_that_is_killed_with_a_call_on_its_way_leaves_each_document_once_to_the_penny(
    script: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """I2, I3, I9, case_A2, b_003_15: ``make kills`` in little, on a line without faults"""
    (tmp_path / "five.csv").write_text(CHARGES)
    kills = script("kills")
    line = script("kills_line")
    monkeypatch.setattr(line, "TROUBLED", 0.0)
    monkeypatch.setattr(line, "SLOW", (0.02, 0.05))
    monkeypatch.setattr(kills, "QuickBooksSimulator", partial(kills.QuickBooksSimulator, limits="none"))
    hurried(monkeypatch)
    told = ["--kills", "2", "--batch", "3", "--seed", SOON, "--invoices", str(tmp_path / "five.csv")]
    assert kills.main(told) == 0
    said = capsys.readouterr().out
    assert said.startswith("kills      2: ")
    assert "  target          4          44.25 GBP" in said
    assert "  1   15.30 GBP   refused, must be corrected: 1 (record INV-1001)" in said
    assert "  1   7.95 GBP   no customer location, so no GL number" in said


@pytest.mark.parametrize(("manner", "group"), [("one by one", 1), ("groups of 10", 10), ("in groups", 120)])
def test_a_group_of_documents_costs_two_durable_commits(script: Any, manner: str, group: int) -> None:
    """write-protocol.md, section 3.6: and the few that begin and end a drain."""
    items, begins_and_ends = 240, 5
    found = script("writing").one("sqlite", str, items, 1, manner)
    assert found["protocol_commits_per_group"] <= 2 + begins_and_ends / (items / group)
