"""W6 under a vendor's limits: invoices into QuickBooks Online's stand-in at Intuit's real numbers, in batches.

Intuit takes 40 batches a minute, ten calls in a second and 500 in a minute. The stand-in is a process of its own that
refuses what goes beyond; invoices of three lines, their customers and products are all new there. Prints one JSON line:
batches made against the least that carry all of it, seconds of the whole command against the floor, calls refused.
Most of the time nobody does anything.
Usage: limited.py [--invoices 3000] [--batch 30]
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import sync
from tieout import BOOKS

WHERRY = str(Path(sys.executable).parent / "wherry")
PROJECT = (
    BOOKS
    + """
realm = "9130347596842384"
auth = { kind = "token", token = { env = "BENCH_TOKEN" } }
[flows.invoices]
source = "platform"
sink = "books"
kinds = ["invoice"]
document = "invoice"
when = { status = "invoiced" }
books_from = 2010-12-01
"""
)
COLUMNS = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")
CUSTOMERS, PRODUCTS, LINES = 200, 300, 3
BATCHES, WINDOW = 40, 60.0


def charges(invoices: int) -> list[tuple[str, ...]]:
    """Lines of invoices, the same each time."""
    return [
        (str(536_365 + n), f"S{1_000 + product}", f"Thing {product}", str(1 + n % 8), f"{1 + n % 28:02d}/12/2010 08:26",
         f"{1 + product % 7}.{10 + product % 80}", str(17_000 + n % CUSTOMERS), "United Kingdom")
        for n in range(invoices) for product in ((n * LINES + line) % PRODUCTS for line in range(LINES))
    ]  # fmt: skip


def typed(folder: Path, *words: str) -> str:
    """What the command prints."""
    return subprocess.run([WHERRY, "-C", str(folder), *words], stdout=subprocess.PIPE, text=True, check=True).stdout


def measured(base: str, folder: Path, invoices: int, batch: int) -> dict[str, Any]:
    os.environ |= {"BOOKS_URL": base, "BENCH_TOKEN": "bench", "WHERRY__CONNECTIONS__BOOKS__BATCH": str(batch)}
    (folder / "wherry.toml").write_text(PROJECT)
    with (folder / "charges.csv").open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *charges(invoices)])
    typed(folder, "workspace", "import", "online-retail", str(folder / "charges.csv"))
    begun = time.monotonic()
    found = json.loads(typed(folder, "run", "invoices", "--output", "json"))["data"]
    seconds = time.monotonic() - begun
    assert found["items"]["invoice"] == {"created": invoices}, found["items"]
    least = math.ceil((invoices + min(invoices, CUSTOMERS) + min(invoices * LINES, PRODUCTS)) / batch)
    floor = (math.ceil(least / BATCHES) - 1) * WINDOW
    made = sum(number for call, number in found["requests_by"].items() if call.endswith("/batch"))
    return {
        "invoices": invoices, "batch": batch, "batches": made, "least_batches": least, "calls": found["requests"],
        "refused": found["refused_calls"], "seconds": round(seconds, 1), "floor_seconds": floor,
        "to_floor": round(seconds / floor, 3) if floor else None,
    }  # fmt: skip


def served(base: str) -> None:
    """Returns when the stand-in answers."""
    for _ in range(100):
        try:
            urllib.request.urlopen(base).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--invoices", type=int, default=3_000)
    parser.add_argument("--batch", type=int, default=30)
    told, port = parser.parse_args(), str(sync.free_port())
    print(json.dumps({"machine": platform.platform(), "cpus": os.cpu_count(), "python": platform.python_version()}))
    stand_in = [WHERRY, "simulate", "quickbooks", "--port", port, "--set", "currency=GBP", "--set", "limits=real"]
    process = subprocess.Popen(stand_in, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        served(f"http://127.0.0.1:{port}/")
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(measured(f"http://127.0.0.1:{port}", Path(folder), told.invoices, told.batch)))
    finally:
        process.terminate()


if __name__ == "__main__":
    main()
