"""8,800 real opportunities, some of them in each run of the tests: loaded through the API, judged by their own file."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from wherry.simulator import serve
from wherry.store import ledger
from wherry_hubspot.simulator import HubSpotSimulator

from ..projects import WON_DEALS
from .conftest import TOKEN
from .desk import Crm, Desk, RestlessClock, Watch, total


class Truth:
    """What the CSV says of its first rows."""

    def __init__(self, shared: Path, limit: int) -> None:
        with (shared / "data" / "crm" / "sales_pipeline.csv").open(newline="", encoding="utf-8") as handle:
            self.rows = list(csv.DictReader(handle))[:limit]
        self.won = [row for row in self.rows if row["deal_stage"] == "Won"]
        self.customers = {row["account"] for row in self.won}
        self.cents = sum(int(row["close_value"]) * 100 for row in self.won)


def load(shared: Path, url: str, limit: int) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(shared / "tools" / "load_crm.py"), "--base", url, "--token", TOKEN, "--limit", str(limit)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    loaded: dict[str, Any] = json.loads(done.stdout)
    return loaded


def table(folder: Path, shared: Path, limit: int) -> Iterator[Desk]:
    folder.mkdir(exist_ok=True)
    (folder / "wherry.toml").write_text(WON_DEALS)
    sim = HubSpotSimulator(currency="USD")
    watch = Watch(sim.app())
    with serve(watch) as url:
        loaded = load(shared, url, limit)
        assert loaded["won"]["projects"] == len(Truth(shared, limit).won)
        crm = Crm(sim, url, watch)
        yield Desk(folder, {"HUBSPOT_URL": url, "HUBSPOT_TOKEN": TOKEN}, crm, RestlessClock())


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory, shared: Path) -> Iterator[Desk]:
    yield from table(tmp_path_factory.mktemp("large"), shared, 1500)


def judge(desk: Desk, truth: Truth) -> None:
    """Everything stands once, with every cent, and every deal has one fate."""
    projects, customers, products = (desk.held(kind) for kind in ("project", "customer", "product"))
    assert len(projects) == len(truth.won)
    assert Counter(body["name"] for body in projects.values()) == Counter(
        f"{row['opportunity_id']} {row['product']}" for row in truth.won
    )
    assert {body["name"] for body in customers.values()} == truth.customers
    assert len(products) == 7
    lines = [line for body in projects.values() for line in body["lines"]]
    assert len(lines) == len(truth.won)
    assert all(line["product"] in products for line in lines)
    assert sum(body["amount"]["minor"] for body in projects.values()) == truth.cents
    assert sum(line["amount"]["minor"] for line in lines) == truth.cents
    fates = desk.seen()
    assert total(fates) == len(truth.rows)
    assert (fates["created"], fates["skipped"]) == (len(truth.won), len(truth.rows) - len(truth.won))


def test_real_won_deals_become_projects_to_the_cent_and_a_second_run_writes_nothing(large: Desk, shared: Path) -> None:
    """I1, I2, I8, b_001_06, b_001_14"""
    truth = Truth(shared, 1500)
    report = large.run()
    assert report.exit_code == 0, report.error
    assert total(report.data["fates"]["deal"]) == 1500
    judge(large, truth)
    before, requests = large.image(), report.data["requests"]
    again = large.run()
    assert again.exit_code == 0
    assert again.data["items"] == {}
    assert large.image() == {**before, "fates": large.image()["fates"]}
    assert total(large.seen()) == 1500
    assert again.data["requests"] < requests


def test_gtxpro_is_linked_by_its_normalised_name_and_says_so(large: Desk, shared: Path) -> None:
    """b_001_70"""
    if not large.held("project"):
        large.run()

    def told(hub: Any) -> list[str]:
        with hub.store.read() as tx:
            return [event.reason for event in ledger.events(tx, flow="won-deals", limit=100_000)
                    if event.entity == "product" and event.fate == "linked"]  # fmt: skip

    reasons = large.ask(told)
    assert [reason for reason in reasons if '"GTXPro"' in reason and '"GTX Pro"' in reason], reasons
    product = next(id for id, body in large.held("product").items() if body["name"] == "GTX Pro")
    meant = [line for body in large.held("project").values() for line in body["lines"] if line["name"] == "GTXPro"]
    assert len(meant) == sum(row["product"] == "GTXPro" for row in Truth(shared, 1500).won)
    assert {line["product"] for line in meant} == {product}


def test_the_same_stands_on_postgresql(tmp_path: Path, shared: Path, postgres_url: str) -> None:
    """I1, I2, I8"""
    truth = Truth(shared, 400)
    for desk in table(tmp_path / "acme", shared, 400):
        desk.overrides = {"store.url": postgres_url}
        assert desk.run().exit_code == 0
        judge(desk, truth)
        assert desk.run().data["items"] == {}
