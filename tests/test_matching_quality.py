"""Matching measured on two shops' products with known matches, by the benchmark that operators may run themselves."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("WHERRY_SHARED") or ROOT.parent / "shared") / "data" / "matching"


def measured(*arguments: str, by: str = "matching.py") -> dict[str, Any]:
    command = [sys.executable, str(ROOT / "benchmarks" / by), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the shared product data with known matches")
def test_the_true_match_is_among_the_first_three_and_what_links_by_itself_is_right() -> None:
    found = measured("--data", str(SHARED))
    assert found["first_three"] >= 0.95
    assert found["precision"] >= 0.995
    for side in found["sides"].values():
        assert side["fuzzy"]["links"] > side["default"]["links"] > 0
        assert side["fuzzy_wrong_without_counterpart"] == 0


def test_damaged_names_of_a_made_up_catalogue_are_found_and_linked_rightly() -> None:
    side = measured("--made-up-only", "--seeded", "3000")["sides"]["seeded 3000"]
    assert side["nearest"]["first_three"] >= 0.95
    assert side["fuzzy"]["precision"] >= 0.995
    assert side["fuzzy_wrong_without_counterpart"] <= side["fuzzy"]["links"] * 0.005


@pytest.mark.skipif(not (SHARED.parents[1] / "bench").is_dir(), reason="needs the shared bench folder")
def test_near_twins_are_told_apart_and_what_the_catalogue_does_not_hold_scores_low() -> None:
    found = measured("--products", "4000", "--items", "800", by="twins.py")
    assert found["exact_wrong"] == 0
    assert found["f1"] >= 0.95
    assert found["precision_at_99"] >= 0.98
    assert found["recall_at_99"] >= 0.70
