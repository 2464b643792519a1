"""Every benchmark, one after the other: prints what each prints, and keeps the figures in ``results.json`` beside it.

    python benchmarks/everything.py [--quick]

Workload → what its script printed, or its figures beside those of the peers where the shared bench folder is there.
``--quick`` takes the smallest sizes: to see that all of them run, not for figures.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import peers

HERE = Path(__file__).resolve().parent
SCRIPTS: dict[str, tuple[Sequence[str], Sequence[str]]] = {
    "w4 matching.py": (["--seeded", "2000"], ["--seeded", "200", "--made-up-only"]),
    "w4_twins twins.py": ([], ["--products", "2000", "--items", "300"]),
    "w5 books.py": ([], ["--movements", "2000", "--runs", "1"]),
    "w6 writing.py": ([], ["--items", "100", "--runs", "1", "--database", "sqlite"]),
    "w6_limited limited.py": ([], ["--invoices", "100"]),
    "w7 sharing.py": ([], ["--processes", "2", "--calls", "100"]),
    "starting starting.py": ([], ["--plugins", "5", "--runs", "1"]),
    "soap soap.py": ([], ["--exchanges", "20"]),
    "sync sync.py": ([], ["--deals", "200"]),
}
"""Workload and script → what it is told for figures, and for a quick look."""

SHARED = {"twins.py"}
"""What needs the shared bench folder."""


def printed(script: str, told: Sequence[str]) -> Any:
    """What a script printed: one JSON object, or one on each line."""
    done = subprocess.run([sys.executable, str(HERE / script), *told], stdout=subprocess.PIPE, text=True, check=True)
    print(done.stdout, flush=True)
    try:
        return json.loads(done.stdout)
    except ValueError:
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    found = peers.machine()
    for name, sizes in SCRIPTS.items():
        workload, script = name.split()
        if script in SHARED and not (peers.BENCH / "bench.py").exists():
            continue
        print(f"== {name}", flush=True)
        found[workload] = printed(script, sizes[quick])
        peers.RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    if (peers.BENCH / "bench.py").exists():
        few = ["w1", "--deals", "200", "--runs", "1", "--peers", "none"]
        all_of_them = ["w1", "w2", "w3", "w4", "w5", "start"]
        subprocess.run([sys.executable, str(HERE / "peers.py"), *(few if quick else all_of_them)], check=True)


if __name__ == "__main__":
    main()
