"""W7: several processes on one machine share one account's budget of calls, as flows that cron starts do.

The stand-in refuses what goes beyond its limit in a rolling window, and says nothing of it in its headers, so that all
there is to go by is what the processes tell each other. Prints one JSON line: how many calls were refused, the time
against the ideal, and how far apart the first and the last process ended. With ``--alone`` each process keeps to the
limit by itself, as it would without a common budget.
Usage: sharing.py [--processes 8] [--calls 150] [--limit 100] [--seconds 2] [--alone]
"""

from __future__ import annotations

import argparse
import bisect
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from wherry.testing.loopback import Reply, loopback


class Vendor:
    """Counts in a rolling window, and refuses."""

    def __init__(self, limit: int, seconds: float) -> None:
        self._limit, self._seconds, self._lock = limit, seconds, threading.Lock()
        self.times: list[float] = []
        self.refused = 0

    def answer(self, seen: object) -> Reply:
        with self._lock:
            now = time.monotonic()
            if len(self.times) - bisect.bisect_right(self.times, now - self._seconds) >= self._limit:
                self.refused += 1
                return Reply(429, {}, {"Retry-After": str(self._seconds)})
            self.times.append(now)
            return Reply(body={})


def child(url: str, folder: str, calls: int, limit: int, seconds: float) -> None:
    """One flow: its calls, and when the last was answered."""
    from wherry.http import Http, Limit, Profile

    profile = Profile(base_url=url, limits={"": Limit(limit, seconds)})
    with Http(profile, account="one", budgets=Path(folder) if folder else None) as http:
        for number in range(calls):
            http.read("GET", f"/{number}")
    print(time.monotonic())


def measured(options: argparse.Namespace, folder: str) -> dict[str, Any]:
    vendor = Vendor(options.limit, options.seconds)
    with loopback(vendor.answer) as server:
        started = [
            subprocess.Popen(
                [sys.executable, __file__, "--child", server.url, folder, "--calls", str(options.calls),
                 "--limit", str(options.limit), "--seconds", str(options.seconds)],
                stdout=subprocess.PIPE, text=True,
            )
            for _ in range(options.processes)
        ]  # fmt: skip
        ends = sorted(float(one.communicate()[0]) for one in started)
    made = options.processes * options.calls
    assert len(vendor.times) == made, "a call was lost"
    begun, ideal = vendor.times[0], (math.ceil(made / options.limit) - 1) * options.seconds
    return {
        "processes": options.processes, "calls": made, "shared": bool(folder), "refused": vendor.refused,
        "refused_share": round(vendor.refused / (made + vendor.refused), 4),
        "time_to_ideal": round((ends[-1] - begun) / ideal, 3),
        "first_to_last_end": round((ends[0] - begun) / (ends[-1] - begun), 3),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--calls", type=int, default=150)
    parser.add_argument("--limit", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--alone", action="store_true")
    parser.add_argument("--child", nargs=2)
    options = parser.parse_args()
    if options.child:
        child(*options.child, options.calls, options.limit, options.seconds)
        return
    print(json.dumps({"machine": platform.platform(), "cpus": os.cpu_count(), "python": platform.python_version()}))
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measured(options, "" if options.alone else folder)))


if __name__ == "__main__":
    main()
