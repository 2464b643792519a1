"""The kit's suite for sources, on items and accounts: what every source must keep to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from wherry.roles import Services
from wherry.simulator import Clock, serve
from wherry.testing.services import SECRET, SharedClock, services
from wherry.testing.sources import SourceSuite, Trial
from wherry_quickbooks import client, walk
from wherry_quickbooks.client import Client
from wherry_quickbooks.settings import QuickBooksSettings
from wherry_quickbooks.simulator import QuickBooksSimulator
from wherry_quickbooks.source import QuickBooksSource
from wherry_quickbooks.walk import LAG

REALM = "123146000000001"
PAGE, OVERLAP = 50, 6
"""They stand for Intuit's thousand, and for the hundred that two pages share."""


@pytest.fixture
def simulator() -> QuickBooksSimulator:
    clock = Clock("2026-03-31T17:00:00+00:00")
    return QuickBooksSimulator(clock=clock, companies=(REALM,), tokens={SECRET})


@pytest.fixture
def url(simulator: QuickBooksSimulator) -> Iterator[str]:
    with serve(simulator.app()) as url:
        yield url


@pytest.fixture
def kit(simulator: QuickBooksSimulator, tmp_path: Path) -> Iterator[Services]:
    with services(tmp_path, clock=SharedClock(simulator.clock)) as made:
        yield made


@pytest.fixture
def make(kit: Services, url: str) -> Callable[[], QuickBooksSource]:
    said = {"base_url": url, "environment": "simulator", "realm": REALM}
    settings = QuickBooksSettings.model_validate({**said, "auth": {"kind": "token", "token": {"env": "BOOKS_TOKEN"}}})
    return lambda: QuickBooksSource(Client(kit, settings), settings)


class _Suite(SourceSuite):
    kind: ClassVar[str]
    entity: ClassVar[str]
    fields: ClassVar[tuple[str, ...]]
    given: ClassVar[dict[str, Any]]
    told: ClassVar[tuple[str, ...]] = ("Description", "Name", "UnitPrice")

    @pytest.fixture(autouse=True)
    def small_pages(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(client, "PAGE", PAGE)
        monkeypatch.setattr(walk, "PAGE", PAGE)
        monkeypatch.setattr(walk, "OVERLAP", OVERLAP)
        monkeypatch.setattr(Client.page, "__defaults__", (PAGE,))

    @pytest.fixture
    def trial(self, simulator: QuickBooksSimulator, make: Callable[[], QuickBooksSource]) -> Trial:
        seen = iter(range(1_000_000))
        company = simulator.company()

        def create(count: int) -> Sequence[str]:
            bodies = [{"Name": f"{self.entity} {next(seen)}", **self.given} for _ in range(count)]
            return [str(simulator.write(self.entity, body)["Id"]) for body in bodies]

        def change(name: str) -> None:
            with simulator.stage.lock:
                old = company.objects[self.entity][name]
                company.put(self.entity, {**old, self.fields[0]: f"at {simulator.clock.now()}"}, "Update")

        def put(name: str, **fields: Any) -> None:
            with simulator.stage.lock:
                company.put(self.entity, {**company.objects[self.entity][name], **fields}, "Update")

        def write(name: str, text: str) -> str:
            put(name, Description=text)
            return text

        def holds(name: str) -> dict[str, Any]:
            body = company.objects[self.entity][name]
            return {field: body[field] for field in self.told if field in body}

        with simulator.stage.lock:
            company.objects[self.entity].clear()
        return Trial(
            make=make, kind=self.kind, fields=self.fields, create=create, change=change,
            wait=simulator.clock.advance, clock=SharedClock(simulator.clock), page=PAGE, overlap=LAG,
            faults=simulator.faults, secret=SECRET, stage=simulator.stage, write=write, holds=holds,
            remove=(lambda name: put(name, Active=False)) if self.kind == "product" else None,
        )  # fmt: skip


class TestProducts(_Suite):
    kind, entity = "product", "Item"
    fields = ("Description", "Name", "Sku", "UnitPrice", "Type")
    given: ClassVar = {"Type": "Service", "IncomeAccountRef": {"value": "79"}, "UnitPrice": 12.5}


class TestAccounts(_Suite):
    kind, entity = "account", "Account"
    fields = ("Description", "Name", "AccountType", "Active")
    given: ClassVar = {"AccountType": "Expense"}
