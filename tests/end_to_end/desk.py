"""What the tests of whole runs share: a small CRM, a clock that never really waits, and what a run left behind."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send
from wherry.hub import Hub, Report
from wherry.runs.job import Options
from wherry.store import ledger, registry
from wherry_hubspot.simulator import HubSpotSimulator

COMPANY, LINE = 5, 20
"""HubSpot's association numbers: deal to its primary company, line item to its deal."""
KINDS = ("project", "customer", "product", "file")


class RestlessClock:
    """``roles.Clock``: follows the machine, and whoever sleeps finds the time gone by at once."""

    def __init__(self) -> None:
        self._lock, self._ahead = threading.Lock(), 0.0

    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC) + dt.timedelta(seconds=self._ahead)

    def monotonic(self) -> float:
        return time.monotonic() + self._ahead

    def sleep(self, seconds: float) -> None:
        self.advance(max(0.0, seconds))

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._ahead += seconds


class Watch:
    """An application that tells of each request before it is answered: where tests change the CRM in mid-run."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.before: Callable[[str, str], None] = lambda method, path: None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.before(scope["method"], scope["path"])
        await self._app(scope, receive, send)


class Crm:
    """The simulator as people use the CRM behind it: companies, products, deals with their lines."""

    def __init__(self, sim: HubSpotSimulator, url: str, watch: Watch) -> None:
        self.sim, self.url, self.watch = sim, url, watch

    def company(self, name: str) -> str:
        return self.sim.create("companies", name=name)[0]

    def product(self, name: str, sku: str = "") -> str:
        return self.sim.create("products", name=name, hs_sku=sku)[0]

    def deal(self, name: str, *, company: str = "", lines: tuple[str, ...] = (), stage: str = "closedwon",
             amount: str = "100.00", currency: str = "USD", **more: str) -> str:  # fmt: skip
        [deal] = self.sim.create("deals", dealname=name, pipeline="default", dealstage=stage, amount=amount,
                                 deal_currency_code=currency, closedate="2026-02-03T12:00:00Z", **more)  # fmt: skip
        if company:
            self.sim.link("deals", deal, "companies", company, COMPANY)
        for line in lines:
            [made] = self.sim.create("line_items", name=line, quantity="1", price=amount)
            self.sim.link("line_items", made, "deals", deal, LINE)
        return deal

    def change(self, kind: str, record: str, **properties: str) -> None:
        with self.sim.stage.lock:
            self.sim.portal.change(self.sim.record(kind, record), properties)

    def archive(self, kind: str, record: str) -> None:
        with self.sim.stage.lock:
            self.sim.portal.archive(self.sim.record(kind, record))

    def merge(self, survivor: str, loser: str) -> None:
        with self.sim.stage.lock:
            self.sim.portal.merge(self.sim.record("deals", survivor), self.sim.record("deals", loser))

    def stock(self, deals: int = 8) -> list[str]:
        """Two companies, two products that match by SKU or name, one line that matches nothing, and open deals."""
        north, south = self.company("North Pier"), self.company("South Pier")
        self.product("Fender 600", "FEN-600")
        self.product("Bollard", "BOL-1")
        made = [
            self.deal(
                f"Deal {n}", company=(north, south)[n % 2], lines=(("fender  600", "Bollard"), ("Bollard",))[n % 2]
            )
            for n in range(deals)
        ]
        made.append(self.deal("Asking", company=north, lines=("Fendor 600 mm",)))
        self.sim.create("deals", 5, dealname="Open {n}", pipeline="default", dealstage="qualifiedtobuy", amount="7")
        return made


class Desk:
    """An operator's table: every call opens the project anew, as a command does."""

    def __init__(self, folder: Path, environ: dict[str, str], crm: Crm, clock: RestlessClock) -> None:
        self.folder, self.environ, self.crm, self.clock = folder, environ, crm, clock
        self.overrides: dict[str, Any] = {}

    def open(self) -> Hub:
        return Hub.open(self.folder, environ=self.environ, overrides=self.overrides, clock=self.clock)

    def run(self, flow: str = "won-deals", **options: Any) -> Report:
        with self.open() as hub:
            return hub.run(flow, Options(**options))

    def ask(self, question: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        with self.open() as hub:
            return question(hub, *arguments, **named)

    def rewrite(self, *changes: tuple[str, str]) -> None:
        path = self.folder / "wherry.toml"
        text = path.read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path.write_text(text)

    def held(self, kind: str) -> dict[str, dict[str, Any]]:
        return self.ask(lambda hub: held(hub, kind))

    def image(self) -> dict[str, Any]:
        return self.ask(image)

    def seen(self, flow: str = "won-deals", kind: str = "deal") -> dict[str, int]:
        """Fate → number, over the newest version of every record that was seen."""

        def count(hub: Hub) -> dict[str, int]:
            with hub.store.read() as tx:
                return dict(ledger.count_seen(tx, flow, kind).get(kind, {}))

        return self.ask(count)

    def mark(self, flow: str = "won-deals", kind: str = "deal") -> str:
        def look(hub: Hub) -> str:
            with hub.store.read() as tx:
                found = registry.mark(tx, flow, kind)
            return found.mark if found else ""

        return self.ask(look)


def held(hub: Hub, kind: str) -> dict[str, dict[str, Any]]:
    with hub.store.documents("workspace") as documents:
        return {id: body["fields"] for id, body in documents.each(kind)}


def image(hub: Hub) -> dict[str, Any]:
    """All that stands in the platform and waits in the ledger, by names instead of numbers: comparable between runs."""
    bodies = {kind: held(hub, kind) for kind in KINDS}
    named = {kind: {id: str(body["name"]) for id, body in each.items()} for kind, each in bodies.items()}
    with hub.store.read() as tx:
        waiting = Counter((item.state, item.entity, item.label) for item in ledger.open_items(tx, limit=100_000))
        fates = ledger.count_seen(tx, "won-deals")
    return {
        **{kind: Counter(_spelled(body, named) for body in each.values()) for kind, each in bodies.items()},
        "waiting": waiting, "fates": {kind: dict(counts) for kind, counts in fates.items()},
    }  # fmt: skip


def _spelled(body: Mapping[str, Any], named: Mapping[str, Mapping[str, str]]) -> str:
    known = {id: name for names in named.values() for id, name in names.items()}

    def spell(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: spell(inner) for key, inner in sorted(value.items()) if key not in ("source", "blob")}
        if isinstance(value, list):
            return [spell(inner) for inner in value]
        return known.get(value, value) if isinstance(value, str) else value

    return str(spell(dict(body)))


def total(fates: Mapping[str, int]) -> int:
    return sum(fates.values())


def notices(report: Report) -> dict[str, str]:
    """Record → what an operator is told of it."""
    return {notice.record: notice.what for notice in report.data["notices"]}
