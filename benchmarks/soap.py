"""What a session of the Web Connector costs on our side: its own time for an exchange, and for refusing attacks.

An exchange is sendRequestXML and receiveResponseXML of one sales order, over loopback HTTP to the host that ``wherry
serve`` runs. Measured twice: with the whole loop behind it (a project with that many invoices, whose drain encodes,
commits, stores the answer, decodes and settles, against a company file that executes what it gets; the time that this
takes is not counted), and with ready text behind it, which is the endpoint and the host alone. It stands beside the
tenths of a second that QuickBooks takes for each. Attacks are refused in this process, their memory in a process of
their own, by Linux's count. Prints one JSON line a measurement; fails where a goal is missed.
Usage: soap.py [--exchanges 1000]
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import structlog
from lxml import etree

RIG = Path(__file__).parents[1] / "plugins" / "qbwc" / "tests"
QUICKBOOKS, REFUSED_IN, REFUSED_WITH = 200.0, 100.0, 50.0
"""Milliseconds that QuickBooks takes for a document at best; milliseconds and megabytes that a refusal may take."""
ORDER = '<?xml version="1.0"?><?qbxml version="13.0"?><QBXML>' + "<SalesOrderLineAdd>10.00</SalesOrderLineAdd>" * 20
ANSWER = (
    '<QBXML><SalesOrderAddRs statusCode="0" statusSeverity="Info">'
    + "<SalesOrderLineRet>10.00</SalesOrderLineRet>" * 40
)


@functools.cache
def rig(name: str) -> ModuleType:
    """A module of the plugin's tests."""
    spec = importlib.util.spec_from_file_location(name, RIG / f"{name}.py")
    if spec is None or spec.loader is None:
        raise RuntimeError(f"{RIG} has no {name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def called(http: httpx.Client, address: str, operation: str, *given: tuple[str, str]) -> etree._Element:
    """The result element of one call, written and read by hand."""
    web = rig("web_rig")
    body = web.wrapped(operation, *given).encode()
    headers = {"content-type": "text/xml; charset=utf-8", "soapaction": f'"{web.TNS}{operation}"'}
    answer = http.post(address, content=body, headers=headers).raise_for_status()
    (found,) = etree.fromstring(answer.content)[-1][0]
    return found


def exchanges(number: int) -> dict[str, Any]:
    """Medians of one whole session, in milliseconds."""
    took, used = [], time.process_time()
    answer = ANSWER.replace("&", "&amp;").replace("<", "&lt;")
    with tempfile.TemporaryDirectory() as folder, rig("web_rig").at_work(Path(folder)) as site, httpx.Client() as http:
        site.script(*[ORDER] * number)
        signed = called(http, site.address, "authenticate", ("strUserName", site.user), ("strPassword", site.password))
        ticket = ("ticket", signed[0].text or "")
        for _ in range(number):
            began = time.perf_counter()
            version = (("qbXMLMajorVers", "16"), ("qbXMLMinorVers", "0"))
            assert called(http, site.address, "sendRequestXML", ticket, *version).text == ORDER
            percent = called(http, site.address, "receiveResponseXML", ticket, ("response", answer)).text
            took.append((time.perf_counter() - began) * 1000)
        assert percent == "100"
    cpu = (time.process_time() - used) * 1000 / number
    return {
        "what": "exchange", "exchanges": number, "median_ms": round(statistics.median(took), 2),
        "p95_ms": round(statistics.quantiles(took, n=20)[-1], 2), "cpu_ms_both_sides": round(cpu, 2),
        "of_quickbooks": f"{statistics.median(took) / QUICKBOOKS:.1%}",
    }  # fmt: skip


class Timed(httpx.Client):
    """The Web Connector's client: what each of its calls took, in milliseconds, by the operation."""

    def __init__(self) -> None:
        super().__init__(timeout=60)
        self.calls: list[tuple[str, float, bool]] = []

    def send(self, request: httpx.Request, **more: Any) -> httpx.Response:
        """The same, timed. Noted as well is whether a sales order was handed out."""
        began = time.perf_counter()
        response = super().send(request, **more)
        took = (time.perf_counter() - began) * 1000
        operation = request.headers.get("soapaction", "").strip('"').rpartition("/")[2]
        self.calls.append((operation, took, b"SalesOrderAddRq" in response.content))
        return response

    def exchanges(self) -> list[float]:
        """Both calls of every sales order."""
        pairs = zip(self.calls, self.calls[1:], strict=False)
        return [one[1] + two[1] for one, two in pairs if one[2] and two[0] == "receiveResponseXML"]


def charges(number: int) -> str:
    """So many invoices of three lines each, for fifty customers and forty items, in the layout of the real ones."""
    head = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
    rows = [
        f"{500000 + n},S{(n + k) % 40},Item {(n + k) % 40},{k + 1},01/12/2010 08:26,{2 + k}.55,{17000 + n % 50},France"
        for n in range(number)
        for k in range(3)
    ]
    return "\n".join([head, *rows]) + "\n"


def loop(number: int) -> dict[str, Any]:
    """One session that takes so many sales orders, each once and to the penny."""
    work = rig("work_rig")
    with tempfile.TemporaryDirectory() as folder, work.shop(Path(folder), sample=False) as shop:
        shop.session()
        shop.imports(charges(number))
        shop.run()
        shop.http = timed = Timed()
        began, used = time.perf_counter(), time.process_time()
        outcome = shop.session()
        seconds, cpu = time.perf_counter() - began, time.process_time() - used
        timed.close()
        totals = {name: worth for name, worth in shop.totals().items() if name not in work.TOTALS}
    took = timed.exchanges()
    assert (outcome.how, len(took), len(totals)) == ("done", number + len(work.TOTALS), number), outcome
    assert set(totals.values()) == {Decimal("23.30")}
    return {
        "what": "whole loop", "exchanges": number, "median_ms": round(statistics.median(took), 2),
        "p95_ms": round(statistics.quantiles(took, n=20)[-1], 2), "session_s": round(seconds, 1),
        "cpu_ms_both_sides": round(cpu * 1000 / number, 2),
        "of_quickbooks": f"{statistics.median(took) / QUICKBOOKS:.1%}",
    }  # fmt: skip


def most_memory(*, anew: bool = False) -> float:
    """The most megabytes that this process has held at once, or that it holds now where counting begins anew."""
    if anew:
        Path("/proc/self/clear_refs").write_text("5")
    (line,) = (one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def refused(body: bytes) -> dict[str, Any]:
    """How long one attack takes to refuse, the best of three, and how much memory it adds to this process."""
    from wherry.errors import Guarded
    from wherry_qbwc.soap import messages, words

    headers = {"content-type": "text/xml", "soapaction": f"{words.TNS}serverVersion"}
    before, took, code = most_memory(anew=True), [], ""
    for _ in range(3):
        began = time.perf_counter()
        try:
            messages.read(headers, body)
        except Guarded as error:
            took.append((time.perf_counter() - began) * 1000)
            code = error.code
    more = most_memory() - before
    return {"bytes": len(body), "ms": round(min(took), 2), "more_mb": round(more, 1), "code": code}


def attacks() -> Iterator[dict[str, Any]]:
    """Every attack in a process of its own, which has never held another."""
    for name, body in rig("attack_bodies").ATTACKS.items():
        with tempfile.NamedTemporaryFile() as file:
            file.write(body)
            file.flush()
            command = [sys.executable, __file__, "--attack", file.name]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
        yield {"what": name, **json.loads(done.stdout)}


def missed(one: dict[str, Any]) -> bool:
    """Whether a measurement is not what it should be; a slow machine is told, not excused."""
    if one["what"] in ("exchange", "whole loop"):
        return bool(one["median_ms"] > QUICKBOOKS / 10)
    return bool(one["ms"] > REFUSED_IN or one["more_mb"] > REFUSED_WITH)


def main() -> int:
    parser = argparse.ArgumentParser(description="What the endpoint of the Web Connector costs.")
    parser.add_argument("--exchanges", type=int, default=1000)
    parser.add_argument("--attack", type=Path, help="a file with one attack: measure that alone")
    given = parser.parse_args()
    if given.attack:
        print(json.dumps(refused(given.attack.read_bytes())))
        return 0
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    machine = {"cpus": os.cpu_count(), "python": platform.python_version(), "platform": platform.platform()}
    print(json.dumps({"machine": machine}))
    found = []
    for one in (loop(given.exchanges), exchanges(given.exchanges), *attacks()):
        print(json.dumps(one), flush=True)
        found.append(one)
    return 1 if any(map(missed, found)) else 0


if __name__ == "__main__":
    sys.exit(main())
