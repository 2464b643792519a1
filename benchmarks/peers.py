"""Ours beside its peers on one source: what `wherry run` costs, and what others take for the same, or for less.

The peers and the way they are measured are those of the shared bench folder (its README): each run is a command of its
own, timed from start to exit, and runs take turns, so that a drift of the machine falls on everyone. Peers whose
environments are not there are left out; ``--setup`` makes them. Needs that folder; the source is ``source.py``.

    python benchmarks/peers.py w1 w3 [--deals 10000] [--runs 3] [--peers httpx,singer,dlt] [--cases a,b,c,d] [--setup]

w1: a full sync of deals, w2: under a limit and with latency, w3: nothing new. Ours carries more than the others: links,
companies, line items, matching, and what is needed never to write twice; "same records" are peers that read the same.
w4: matching, w5: grouping, start: saying the version (``rounds.py``; ``--deals`` are items of w4 and hundreds of lines
of w5). Prints the medians and writes ``results.json`` beside this file: workload → figure → ours, each peer, floor, and
ours as a multiple of each.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import rounds
import source
import sync

HERE = Path(__file__).resolve().parent
BENCH, RESULTS = source.SHARED / "bench", HERE / "results.json"
ENVIRONMENTS = ("server", "httpx", "singer", "target-jsonl", "dlt", "data")
"""What the peers that are measured by default need."""
PEERS = "httpx+raw>sqlite-json,httpx+struct>sqlite-cols,httpx,singer-tap,singer>target-jsonl,dlt>filesystem,dlt>sqlite"
SAME_PEERS = ("singer>target-jsonl", "dlt>filesystem", "dlt>sqlite")
SAME = ", same records"
"""Of a peer that reads what ours reads: deals with their links, companies and line items."""
FLOORS = {"w1": "httpx+raw>sqlite-json", "w3": "httpx"}
FIGURES = ("wall_s", "cpu_s", "rss_mb", "requests", "s429", "x_floor", "f1", "recall_at_99")
OURS = f"BENCH_TOKEN=bench {Path(sys.executable).parent / 'wherry'} -C {{out}} run deals >/dev/null"
MADE = f"{sys.executable} {__file__} --project {{base}} {{out}} && {OURS}"
FREE = MADE.replace(" && ", " --free && ")
"""Where nothing is limited: ours would keep to HubSpot's limit by itself."""


def machine() -> dict[str, Any]:
    """On what the figures were measured."""
    return {"machine": platform.platform(), "cpus": os.cpu_count(), "python": platform.python_version()}


def project(base: str, folder: Path, free: bool) -> None:
    """The project file that is measured: deals with company, line items and eighteen further fields."""
    fields = "\n".join(f'{name} = "deal.{name}"' for name in sync.FIELDS)
    text = sync.PROJECT.format(base=base, stages=json.dumps(sync.STAGES), fields=fields)
    (folder / "wherry.toml").write_text(text if free else text.replace("limit = 1000\n", ""))


def harness() -> Any:
    """The shared harness, with a source that also answers what a connector asks before it reads."""
    sys.path.insert(0, str(BENCH))
    import bench  # type: ignore[import-not-found]
    import benchlib  # type: ignore[import-not-found]

    class Source(benchlib.Crm):  # type: ignore[misc, name-defined]
        def __init__(self, deals: int, port: int) -> None:
            self.base = f"http://127.0.0.1:{port}"
            command = [benchlib.py("server"), str(HERE / "source.py"), str(port), str(deals)]
            self.p = subprocess.Popen(command, stdout=subprocess.PIPE)
            assert self.p.stdout is not None
            self.p.stdout.readline()
            self.info = {"counts": {"deals": deals, "companies": deals * 3 // 10, "line_items": deals * 2}}

    bench.Crm, bench.W2["d"] = Source, {"latency_ms": 200, "rate": "100/10"}
    bench.PEERS["w1"] |= {name + SAME: same(bench, bench.PEERS["w1"][name]) for name in SAME_PEERS}
    os.environ |= {"WHERRY_W1": FREE, "WHERRY_W2": MADE, "WHERRY_W3_PRIME": MADE, "WHERRY_W3": OURS}
    return bench


def same(bench: Any, command: str) -> str:
    """A peer's command for W1, told to read all three lists with their links."""
    if command.startswith(bench.D):
        return f"{command} {bench.G}"
    wider = '"types": "deals,companies,line_items", "assoc": "companies,line_items"'
    return f'sed -i \'s/"types": "deals"/{wider}/\' {{out}}/tap.json && {command}'


def there(bench: Any, workload: str, wanted: str) -> list[str]:
    """The peers that were asked for and whose environments are made."""
    names = [name for name in bench.PEERS[workload] if any(name.startswith(one) for one in wanted.split(","))]
    needs = {"singer>target-jsonl": ("singer", "target-jsonl"), "singer>target-sqlite": ("singer", "target-sqlite")}
    own = lambda name: (name.partition(">")[0].partition("-")[0].partition("+")[0],)  # noqa: E731
    kinds = {name: needs.get(name.removesuffix(SAME), own(name)) for name in names}
    return [name for name, made in kinds.items() if all(Path(bench.py(one)).exists() for one in made)]


def measured(bench: Any, workload: str, told: argparse.Namespace) -> dict[str, Any]:
    """Every figure of one workload, by the harness; of w2 case by case."""
    if workload in rounds.WORKLOADS:
        rows = rounds.measured(sys.modules["benchlib"], workload, told.deals, told.runs)
        return compared(rows, rounds.WORKLOADS[workload][1])
    peers, kept = there(bench, workload, told.peers), RESULTS.with_suffix(f".{workload}.json")
    port, names = str(sync.free_port()), ",".join([*peers, "wherry"])
    sys.argv = ["bench.py", workload, "--runs", str(told.runs), "--deals", str(told.deals), "--port", port,
                "--peers", names, "--cases", told.cases, "--results", str(kept)]  # fmt: skip
    bench.main()
    found: dict[str, Any] = json.loads(kept.read_text())
    kept.unlink()
    cases = {case: compared(rows, FLOORS.get(workload, "")) for case, rows in found.items()}
    return cases.get("-", cases)


def compared(rows: dict[str, Any], floor: str) -> dict[str, Any]:
    """Figure → ours, each peer's, the floor's, and ours divided by each."""
    valid = {name: row for name, row in rows.items() if row.get("valid", True)}
    ours = valid.pop("wherry", None)
    if ours is None:
        return {"error": "ours did not end well, or landed something else: no figure"}
    found: dict[str, Any] = {}
    for figure in (name for name in FIGURES if name in ours):
        peers = {name: row[figure] for name, row in valid.items() if figure in row}
        times = {name: round(ours[figure] / value, 2) for name, value in peers.items() if value}
        found[figure] = {"ours": ours[figure], "peers": peers, "floor": peers.get(floor), "ratio": times}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workloads", nargs="*", default=["w1", "w3"], metavar="w1|w2|w3|w4|w5|start")
    parser.add_argument("--deals", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--peers", default=PEERS)
    parser.add_argument("--cases", default="a,b,c,d")
    parser.add_argument("--setup", action="store_true")
    parser.add_argument("--project", nargs=2, metavar=("BASE", "FOLDER"), help=argparse.SUPPRESS)
    parser.add_argument("--free", action="store_true", help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.project:
        return project(told.project[0], Path(told.project[1]), told.free)
    if told.setup:
        subprocess.run(["bash", str(BENCH / "setup.sh"), *ENVIRONMENTS], check=True)
    if not (BENCH / "bench.py").exists():
        raise SystemExit(f"nothing to measure beside: {BENCH} is not there; WHERRY_SHARED names another place")
    bench = harness()
    found = {workload: measured(bench, workload, told) for workload in told.workloads}
    before = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    RESULTS.write_text(json.dumps({**before, **machine(), **found}, indent=1) + "\n")
    return None


if __name__ == "__main__":
    main()
