"""Which product is meant, in a large catalogue of near twins: exact keys first, then the nearest name.

    python benchmarks/twins.py [--products 100000] [--items 10000] [--dir FOLDER]

The set is made by the shared bench folder, with its truth: items whose SKUs are written otherwise, whose names are
misspelt, shortened and mixed up, and some that the catalogue does not hold. From which score on a name is believed is
learnt on one half of the items and judged on the other. Needs that folder, or one it has filled (``--dir``). Prints
one JSON object: seconds of CPU, peak memory, and of the nearest names the best F1, and the share that is found where 99
of 100 have to be right.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import source
from wherry.matching import ListingCatalogue
from wherry.records import Listed

MAKER = (
    "import sys; sys.path.insert(0, sys.argv[1]); import w4_data;"
    "w4_data.main(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))"
)
GOALS = {"f1": 0.95, "recall_at_99": 0.70, "seconds": 2.5, "peak_mb": 200}
THRESHOLDS = [step / 200 for step in range(60, 201)]
Guess = tuple[str, float, str]
"""The nearest target, its score, and the true one; empty where there is none."""


def make(folder: str, products: int, items: int) -> None:
    asked = [str(source.SHARED / "bench"), folder, str(products), str(items)]
    subprocess.run([sys.executable, "-c", MAKER, *asked], check=True, stdout=subprocess.DEVNULL)


def read(folder: str) -> Iterator[list[dict[str, str]]]:
    """The catalogue, then what comes in."""
    for name in ("catalogue.csv", "incoming.csv"):
        with (Path(folder) / name).open(encoding="utf-8", newline="") as file:
            yield list(csv.DictReader(file))


def timed(spent: dict[str, float], step: str, work: Callable[[], Any]) -> Any:
    began = time.process_time()
    done = work()
    spent[step] = round(time.process_time() - began, 2)
    return done


def exact(held: ListingCatalogue, item: dict[str, str]) -> str:
    """The one target whose SKU, or name, is equal."""
    found = held.by_sku(item["sku"]) if item["sku"].strip() else []
    found = found if len(found) == 1 else held.by_name(item["name"])
    return found[0].id if len(found) == 1 else ""


def nearest(held: ListingCatalogue, item: dict[str, str]) -> Guess:
    near = held.nearest(item["name"], item["sku"].strip(), 1)
    return (near[0].id, near[0].score, item["truth"]) if near else ("", 0.0, item["truth"])


def scored(guesses: Sequence[Guess], least: float) -> tuple[float, float, float]:
    """F1, precision and recall of believing what scores at least so much."""
    right = sum(target == truth for target, score, truth in guesses if score >= least)
    believed, there = sum(score >= least for _, score, _ in guesses), sum(bool(truth) for _, _, truth in guesses)
    precision, recall = right / max(1, believed), right / max(1, there)
    return 2 * precision * recall / max(1e-9, precision + recall), precision, recall


def judged(guesses: Sequence[Guess]) -> dict[str, float]:
    learnt, rest = guesses[::2], guesses[1::2]
    best = max(THRESHOLDS, key=lambda least: scored(learnt, least)[0])
    strict = next((least for least in THRESHOLDS if scored(learnt, least)[1] >= 0.99), 1.0)
    return {
        "f1": round(scored(rest, best)[0], 4), "threshold": best,
        "recall_at_99": round(scored(rest, strict)[2], 4), "precision_at_99": round(scored(rest, strict)[1], 4),
    }  # fmt: skip


def report(folder: str) -> dict[str, Any]:
    catalogue, incoming = read(folder)
    spent: dict[str, float] = {}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    rows = (Listed(row["id"], row["name"], sku=row["sku"]) for row in catalogue)
    held: ListingCatalogue = timed(spent, "catalogue", lambda: ListingCatalogue(rows))
    hits: list[str] = timed(spent, "exact", lambda: [exact(held, item) for item in incoming])
    wrong = sum(bool(hit) and hit != item["truth"] for hit, item in zip(hits, incoming, strict=True))
    timed(spent, "index", lambda: held.nearest(""))
    left = [item for hit, item in zip(hits, incoming, strict=True) if not hit]
    guesses: list[Guess] = timed(spent, "nearest", lambda: [nearest(held, item) for item in left])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {
        "goals": GOALS, "products": len(catalogue), "items": len(incoming),
        "exact": len(hits) - len(left), "exact_wrong": wrong,
        "cpu_s": {**spent, "all": round(sum(spent.values()), 2)}, "peak_mb": peak, "before_mb": before,
        **judged(guesses),
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--products", type=int, default=100_000)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--dir", help="with the catalogue.csv and incoming.csv that the shared bench folder has made")
    options = parser.parse_args()
    if not options.dir and not (source.SHARED / "bench").is_dir():
        parser.error("needs the shared bench folder")
    with tempfile.TemporaryDirectory() as folder:
        if not options.dir:
            make(folder, options.products, options.items)
        print(json.dumps(report(options.dir or folder)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
