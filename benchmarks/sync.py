"""W1: a full sync of deals with company, line items and history, no latency, everything created; then nothing changed.

Prints one JSON line for each size: CPU per 1,000 records, peak memory, requests made against the least possible.
Usage: sync.py [--deals 10000 100000] [--runs 3] [--database sqlite postgresql]. CPU and memory are the kernel's figures
of the syncing process alone; the source and a database's server run beside it and are not charged.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import math
import os
import platform
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PROJECT = """
version = 1
[project]
name = "bench"
timezone = "UTC"
currency = "USD"
[plugins]
enabled = ["hubspot", "workspace"]
[connections.crm]
plugin = "hubspot"
api = "legacy"
base_url = "{base}"
limit = 1000
auth = {{ kind = "token", token = {{ env = "BENCH_TOKEN" }} }}
[connections.platform]
plugin = "workspace"
[flows.deals]
source = "crm"
sink = "platform"
kinds = ["deal"]
files = false
pipelines = [{{ id = "default", stages = {stages} }}]
[flows.deals.map.project.custom]
{fields}
"""
STAGES = ["appointmentscheduled", "qualifiedtobuy", "presentationscheduled", "decisionmakerboughtin", "contractsent",
          "closedwon", "closedlost"]  # fmt: skip
FIELDS = ["amount_in_home_currency", "days_to_close", "dealtype", "hs_acv", "hs_analytics_source",
          "hs_forecast_amount",
          "hs_is_closed", "hs_next_step", "hs_priority", "hs_projected_amount", "hs_tcv", "hubspot_team_id",
          "num_associated_contacts", "num_notes", "billing_region", "project_code", "po_number",
          "legacy_ref"]  # fmt: skip


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def child(folder: Path) -> None:
    """The measured process: one run, its figures as JSON."""
    from wherry.hub import Hub
    from wherry.runs.job import Options

    before = resource.getrusage(resource.RUSAGE_SELF)
    with Hub.open(folder) as hub:
        report = hub.run("deals")
        after = resource.getrusage(resource.RUSAGE_SELF)
        in_service = statistics.median(spent(hub) for _ in range(5))
        reread = spent(hub, Options(changed_since=dt.datetime(2000, 1, 1, tzinfo=dt.UTC)))
        wrong = misplaced(hub, report.data["fates"].get("deal", {}).get("created", 0))
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({
        "cpu": cpu, "peak_mb": after.ru_maxrss / 1024, "import_mb": before.ru_maxrss / 1024,
        "fates": report.data["fates"],
        "requests": report.data["requests"], "by": report.data["requests_by"],
        "error": str(report.error or ""), "in_service": in_service, "reread": reread, "wrong": wrong,
    }))  # fmt: skip


def misplaced(hub: Any, deals: int) -> int:
    """How many of the deals that were created have not become what the stand-in made of them: a project of their name,
    with the customer that is their company and the lines that are theirs."""
    with hub.wiring.store.documents("workspace") as kept:
        companies = {id: number_of(body) for id, body in kept.each("customer")} if deals else {}
        projects = kept.each("project") if deals else ()
        return deals - sum(is_right(body, companies, max(1, deals * 3 // 10)) for _, body in projects)


def number_of(body: dict[str, Any]) -> int:
    """The number, from 0, of the record that a thing was made from: the stand-in's ids go up from a round one."""
    return (int(next(iter(body["origin"]["written"])).removeprefix("id:")) - 1) % 10_000_000_000


def is_right(body: dict[str, Any], companies: dict[str, int], there: int) -> bool:
    n, fields = number_of(body), body["fields"]
    lines = [(int(line["source"]) - 1) % 10_000_000_000 for line in fields["lines"]]
    named = str(fields["name"]).endswith(f" rollout {n}")
    return named and companies[fields["customer"]] == n % there and lines == [2 * n, 2 * n + 1]


def spent(hub: Any, options: Any = None) -> float:
    """CPU of one more run in the same process, which finds nothing new."""
    before = time.process_time()
    hub.run("deals", options)
    return time.process_time() - before


def measured(folder: Path, store: str) -> dict[str, Any]:
    told = {"BENCH_TOKEN": "bench", **({"WHERRY__STORE__URL": store} if store else {})}
    done = subprocess.run([sys.executable, __file__, "--child", str(folder)], capture_output=True, text=True,
                          env={**os.environ, **told}, check=False)  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr)
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if figures["error"]:
        raise SystemExit(figures["error"])
    return figures


def least(deals: int) -> int:
    """Heads by list in hundreds, which tells the links; 3/10 companies and 2 lines a deal in hundreds; account,
    pipelines, fields and owners once."""
    return sum(math.ceil(number / 100) for number in (deals, deals * 3 // 10, deals * 2)) + 4


def one(base: str, deals: int, clean: Callable[[], str]) -> dict[str, Any]:
    folder = Path(tempfile.mkdtemp(prefix="wherry-bench-"))
    try:
        fields = "\n".join(f'{name} = "deal.{name}"' for name in FIELDS)
        (folder / "wherry.toml").write_text(PROJECT.format(base=base, stages=json.dumps(STAGES), fields=fields))
        store = clean()
        first, again = measured(folder, store), measured(folder, store)
        assert first["fates"] == {"deal": {"created": deals}}, first["fates"]
        assert first["wrong"] == 0, f"{first['wrong']} projects are not what their deals are"
        return {"created": first, "unchanged": again}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def emptied(database: str) -> Iterator[Callable[[], str]]:
    """What empties the store and gives its URL; empty for a file of its own. Raises postgres.NoServer."""
    if database == "sqlite":
        yield str
        return
    from wherry.testing import postgres  # not in the measured process, which imports this file, too

    with postgres.server(durable=True) as url, postgres.database(url) as clean:
        yield clean


def workload(deals: int, runs: int, database: str = "sqlite", clean: Callable[[], str] = str) -> dict[str, Any]:
    port = free_port()
    source = subprocess.Popen(
        [sys.executable, str(HERE / "source.py"), str(port), str(deals)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert source.stdout is not None
        assert source.stdout.readline().strip() == "ready"
        base = f"http://127.0.0.1:{port}"
        found = [one(base, deals, clean) for _ in range(runs)]
        with urllib.request.urlopen(f"{base}/__stats") as answer:
            refused = json.load(answer)["status_429"]
    finally:
        source.terminate()
    middle = lambda name, key: statistics.median(run[name][key] for run in found)  # noqa: E731
    return {
        "workload": "W1", "database": database, "deals": deals, "runs": runs,
        "cpu_ms_per_1000": round(middle("created", "cpu") * 1e6 / deals, 1),
        "unchanged_cpu_ms_per_1000": round(middle("unchanged", "cpu") * 1e6 / deals, 1),
        "peak_mb": round(middle("created", "peak_mb"), 1), "imports_mb": round(middle("created", "import_mb"), 1),
        "reread_cpu_ms_per_1000": round(middle("unchanged", "reread") * 1e6 / deals, 1),
        "requests": found[0]["created"]["requests"], "least_requests": least(deals), "refused": refused,
        "in_service_cpu_ms": round(middle("unchanged", "in_service") * 1e3, 1),
        "unchanged_reads": sum(number for call, number in found[0]["unchanged"]["by"].items() if "objects" in call),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deals", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--database", nargs="+", choices=["sqlite", "postgresql"], default=["sqlite"])
    parser.add_argument("--child", type=Path)
    options = parser.parse_args()
    if options.child:
        child(options.child)
        return
    print(json.dumps({"machine": platform.platform(), "cpus": os.cpu_count(), "python": platform.python_version()}))
    for database in options.database:
        with emptied(database) as clean:
            for deals in options.deals:
                print(json.dumps(workload(deals, options.runs, database, clean)), flush=True)


if __name__ == "__main__":
    main()
