"""A shop's invoices on their way into a company file: a served project, its runs, and the Web Connector's sessions."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
from wherry.hub import Hub
from wherry.testing.clock import FakeClock
from wherry.web import host
from wherry.web.app import App, Site
from wherry.web.server import Listening, WebServer, listen
from wherry_qbwc import passwords
from wherry_qbwc.simulator import Outcome, QbwcSimulator
from wherry_qbwc.simulator.calling import Caller
from wherry_workspace.charge_import import import_charges
from wherry_workspace.layouts import ONLINE_RETAIL

NAME = "books"
PROJECT = """
version = 1
[project]
name = "shop"
timezone = "Europe/London"
currency = "GBP"
[plugins]
enabled = ["workspace", "qbwc"]
[connections.platform]
plugin = "workspace"
[connections.books]
plugin = "qbwc"
{more}
[flows.invoices]
source = "platform"
sink = "books"
kinds = ["invoice"]
document = "{document}"
when = {{ status = "invoiced" }}
repeat = "always"
books_from = 2010-12-01
approval = "automatic"
[flows.invoices.match.customer]
order = ["link", "reference"]
unmatched = "create"
[flows.invoices.match.product]
order = ["link", "sku", "name"]
unmatched = "create"
"""
CHARGES = """InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
536365,1001,Oak bench,6,01/12/2010 08:26,2.55,17850,United Kingdom
536365,1002,Tin lantern,8,01/12/2010 08:26,2.75,17850,United Kingdom
536366,1003,Hand warmer,6,01/12/2010 08:28,1.85,17850,United Kingdom
536367,1001,Oak bench,32,02/12/2010 08:34,2.55,13047,United Kingdom
536368,1002,Tin lantern,2,02/12/2010 08:45,2.75,,United Kingdom
"""
TOTALS = {"536365": Decimal("37.30"), "536366": Decimal("11.10"), "536367": Decimal("81.60")}


class Shop:
    """The project, its hub as it is now, and the computer that QuickBooks runs on."""

    def __init__(self, folder: Path, desktop: QbwcSimulator, clock: FakeClock) -> None:
        self.folder, self.desktop, self.clock = folder, desktop, clock
        self.user = self.password = self.url = ""
        self.hub: Hub
        self.http = httpx.Client(timeout=60)
        self._served = contextlib.ExitStack()

    def start(self) -> None:
        """The process begins: the hub, and its web host."""
        self.hub = self._served.enter_context(Hub.open(self.folder, environ={}, clock=self.clock))
        self.url = self._served.enter_context(served(self.hub))

    def stop(self) -> None:
        """The process ends: its store alone is left. What its threads wait for never comes."""
        for one in threading.enumerate():
            if one.name == f"qbwc-{NAME}":
                if (work := getattr(one, "_target", None)) is not None:
                    work.__self__._wire.end()
                one.join(10)
        self._served.close()

    def restart(self) -> None:
        self.stop()
        self.start()

    def set_up(self) -> None:
        """Somebody made a password for the Web Connector."""
        access, self.password = passwords.rotated(passwords.new(NAME), "2026-01-01T00:00:00.000Z")
        with self.hub.store.documents("qbwc") as documents:
            passwords.save(documents, NAME, access)
        self.user = access.user

    def imports(self, charges: str = CHARGES) -> None:
        path = self.folder / "charges.csv"
        path.write_text(charges, "utf-8")
        with self.hub.store.documents("workspace") as documents:
            import_charges(documents, ONLINE_RETAIL, path, "GBP", now=self.clock.now())

    def memo(self, number: str, memo: str) -> None:
        """Somebody changes an invoice on the platform."""
        self.clock.advance(1)
        with self.hub.store.documents("workspace") as documents:
            [(id, held)] = [one for one in documents.each("invoice") if one[1]["fields"]["number"] == number]
            held["fields"]["memo"] = memo
            documents.put("invoice", [(id, held)])

    def run(self) -> dict[str, Any]:
        """``wherry run invoices``: its summary."""
        report = self.hub.run("invoices")
        return dict(report.data)

    def session(self, caller: Caller | None = None, **told: Any) -> Outcome:
        """The Web Connector updates, once what an earlier session left has ended. ``caller``: by which its calls go."""
        self.clock.advance(200)
        connector = self.desktop.connect(
            f"{self.url}/hooks/qbwc/{NAME}", self.user, self.password, http=self.http, wait=lambda seconds: None, **told
        )
        connector.caller = caller or connector.caller
        return connector.session()

    def waiting(self) -> dict[str, int]:
        """State → number of items that are not done."""
        from wherry.store import ledger

        with self.hub.store.read() as tx:
            return {state: sum(told.values()) for state, told in ledger.count_open(tx, "invoices").items()}

    def written(self, kind: str = "SalesOrder") -> list[dict[str, Any]]:
        """The documents in the company file."""
        return self.desktop.records(kind)

    def totals(self, kind: str = "SalesOrder") -> dict[str, Decimal]:
        """Number → total. Two of a number are a duplicate."""
        return once(self.written(kind))


def once(rows: list[dict[str, Any]]) -> dict[str, Decimal]:
    """Number → total of documents, of which no two have one number."""
    numbers = [row["RefNumber"] for row in rows]
    assert len(set(numbers)) == len(numbers), f"written twice: {numbers}"
    return {row["RefNumber"]: Decimal(row["TotalAmount"]) for row in rows}


@contextlib.contextmanager
def served(hub: Hub) -> Iterator[str]:
    """The project on a port of its own: its address."""
    where = Listening(port=0)
    app = App(hub, host.collect(hub), Site(names=where.admitted()))
    with listen(where) as listener:
        server = WebServer(app, where)
        thread = threading.Thread(target=server.serve_on, args=(listener,), daemon=True)
        thread.start()
        try:
            yield f"http://localhost:{listener.getsockname()[1]}"
        finally:
            server.stop()
            thread.join()


@contextlib.contextmanager
def shop(folder: Path, *, document: str = "sales-order", more: str = "", **desktop: Any) -> Iterator[Shop]:
    """A shop with four invoices, three of which have a customer; the Web Connector was here once."""
    (folder / "wherry.toml").write_text(PROJECT.format(document=document, more=more), "utf-8")
    made = Shop(folder, QbwcSimulator(**desktop), FakeClock())
    made.start()
    try:
        made.set_up()
        made.imports()
        yield made
    finally:
        made.stop()
        made.http.close()
