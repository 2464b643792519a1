"""How good and how fast product matching is, on a set whose true matches are known.

    python benchmarks/matching.py [--data DIR] [--seeded N] [--made-up-only]

DIR holds abt.csv and buy.csv (``|`` between the columns, with a name) and gt.csv (pairs of row numbers); it is sought
beside the checkout when left out. Each side is matched against the other. Beside the plain run, everything is matched
once more with its true counterpart taken away: whatever links then, links wrongly.
``--seeded N`` adds a made-up catalogue of N products whose names come back damaged. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wherry.matching import ListingCatalogue, RuleMatcher, product_key
from wherry.records import Draft, Link, Listed

GOAL_FIRST_THREE, GOAL_PRECISION = 0.95, 0.995
Truth = dict[int, int]


def rows(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return [row["name"] for row in csv.DictReader(file, delimiter="|")]


def pairs(path: Path) -> Truth:
    with path.open(encoding="utf-8", newline="") as file:
        return {int(left): int(right) for left, right in list(csv.reader(file, delimiter="|"))[1:]}


def draft(name: str) -> Draft:
    return Draft(entity="product", key=product_key(name=name), body={"name": name})


def catalogue(names: Sequence[str], without: int = -1) -> ListingCatalogue:
    return ListingCatalogue(Listed(str(n), name) for n, name in enumerate(names) if n != without)


def first_three(held: ListingCatalogue, asked: Sequence[str], truth: Truth) -> dict[str, Any]:
    """Share of the true matches that stand first, and among the first three."""
    held.nearest("warm up")
    started, first, three = time.process_time(), 0, 0
    for n, target in truth.items():
        ids = [candidate.id for candidate in held.nearest(asked[n], limit=3)]
        first += ids[:1] == [str(target)]
        three += str(target) in ids
    spent = time.process_time() - started
    return {
        "asked": len(truth),
        "first": round(first / len(truth), 4),
        "first_three": round(three / len(truth), 4),
        "cpu_ms_each": round(1000 * spent / len(truth), 3),
    }


def linked(held: ListingCatalogue, asked: Sequence[str], truth: Truth, order: Sequence[str]) -> dict[str, Any]:
    """What links without a person, and how much of it is right."""
    matcher = RuleMatcher.from_settings(order, "skip")
    decisions = matcher.match([draft(asked[n]) for n in truth], held)
    links = [
        (decision.target, target)
        for decision, target in zip(decisions, truth.values(), strict=True)
        if isinstance(decision, Link)
    ]
    right = sum(found == str(target) for found, target in links)
    return {"links": len(links), "right": right, "precision": round(right / len(links), 4) if links else None}


class Without:
    """A catalogue with one target taken away: what stays asks as before, so the index is built once."""

    def __init__(self, held: ListingCatalogue, target: str) -> None:
        self.held, self.target = held, target

    def by_sku(self, sku: str) -> list[Listed]:
        return [listed for listed in self.held.by_sku(sku) if listed.id != self.target]

    def by_name(self, name: str) -> list[Listed]:
        return [listed for listed in self.held.by_name(name) if listed.id != self.target]

    def nearest(self, name: str, sku: str = "", limit: int = 5) -> list[Any]:
        near = self.held.nearest(name, sku, limit + 1)
        return [candidate for candidate in near if candidate.id != self.target][:limit]

    def keys_of(self, target: str) -> Sequence[str]:
        return self.held.keys_of(target)


def wrong_without_counterpart(held: ListingCatalogue, asked: Sequence[str], truth: Truth, order: Sequence[str]) -> int:
    matcher = RuleMatcher.from_settings(order, "skip")
    decisions = (matcher.match([draft(asked[n])], Without(held, str(target)))[0] for n, target in truth.items())
    return sum(isinstance(decision, Link) for decision in decisions)


def side(names: Sequence[str], asked: Sequence[str], truth: Truth) -> dict[str, Any]:
    started = time.process_time()
    held = catalogue(names)
    held.nearest("")
    built = time.process_time() - started
    with_fuzzy = ("sku", "name", "fuzzy")
    return {
        "products": len(names),
        "index_cpu_s": round(built, 3),
        "nearest": first_three(held, asked, truth),
        "default": linked(held, asked, truth, ("sku", "name")),
        "fuzzy": linked(held, asked, truth, with_fuzzy),
        "fuzzy_wrong_without_counterpart": wrong_without_counterpart(held, asked, truth, with_fuzzy),
    }


def seeded(count: int, asked: int = 1000, seed: int = 7) -> tuple[list[str], list[str], Truth]:
    """Made-up product names, some of them asked for with a letter missing, words swapped or left out."""
    rng = random.Random(seed)
    syllables = [a + b + c for a in "bdfgklmnprst" for b in "aeiou" for c in ("", "l", "n", "r", "s", "t")]
    stock = ["".join(rng.sample(syllables, rng.randint(1, 3))) for _ in range(600)]
    names = []
    for _ in range(count):
        model = "".join(rng.sample("ABCDEFGHKLMNPRSTUVWX", 2)) + str(rng.randrange(10, 100000))
        size = f"{rng.choice((5, 10, 12, 16, 20, 25, 50, 100))} {rng.choice(('mm', 'm', 'W', 'V'))}"
        names.append(f"{' '.join(rng.sample(stock, rng.randint(2, 4)))} {size} {model}")
    truth = dict(enumerate(rng.sample(range(count), min(asked, count))))
    return names, [damaged(rng, names[target]) for target in truth.values()], truth


def damaged(rng: random.Random, name: str) -> str:
    words = name.split()
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(words))
        kind = rng.randrange(3)
        if kind == 0 and len(words[at]) > 3:
            cut = rng.randrange(1, len(words[at]) - 1)
            words[at] = words[at][:cut] + words[at][cut + 1 :]
        elif kind == 1:
            words.insert(rng.randrange(len(words)), words.pop(at))
        elif len(words) > 3 and words[at].isalpha():
            words.pop(at)
    return " ".join(words)


def report(folder: Path | None, made_up: int) -> dict[str, Any]:
    sides: dict[str, Any] = {}
    if folder is not None:
        left, right, truth = rows(folder / "abt.csv"), rows(folder / "buy.csv"), pairs(folder / "gt.csv")
        sides["abt against buy"] = side(right, left, truth)
        sides["buy against abt"] = side(left, right, {target: n for n, target in truth.items()})
    if made_up:
        sides[f"seeded {made_up}"] = side(*seeded(made_up))
    precisions = [s[rules]["precision"] for s in sides.values() for rules in ("default", "fuzzy") if s[rules]["links"]]
    return {
        "goals": {"first_three": GOAL_FIRST_THREE, "precision": GOAL_PRECISION},
        "first_three": min(s["nearest"]["first_three"] for s in sides.values()),
        "precision": min(precisions, default=None),
        "sides": sides,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def shared_folder() -> Path | None:
    root = Path(os.environ.get("WHERRY_SHARED") or Path(__file__).resolve().parents[2] / "shared")
    folder = root / "data" / "matching"
    return folder if folder.is_dir() else None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=shared_folder())
    parser.add_argument("--seeded", type=int, default=0)
    parser.add_argument("--made-up-only", action="store_true", help="leave the data out")
    options = parser.parse_args()
    if options.made_up_only:
        options.data = None
    if options.data is None and not options.seeded:
        parser.error("no data found: give --data DIR or --seeded N")
    print(json.dumps(report(options.data, options.seeded), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
