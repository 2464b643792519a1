"""A first run of a whole project: how many calls it makes, and what the run after it makes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from math import ceil
from pathlib import Path
from typing import Any

import pytest
from wherry.hub import Hub
from wherry.simulator import Clock, serve
from wherry.testing.clock import hurried
from wherry_hubspot.simulator import HubSpotSimulator

PROJECT = """
version = 1
[project]
name = "acme"
timezone = "America/Chicago"
currency = "USD"
[plugins]
enabled = ["hubspot", "workspace"]
[connections.crm]
plugin = "hubspot"
base_url = "${HUBSPOT_URL}"
auth = { kind = "token", token = { env = "HUBSPOT_TOKEN" } }
[connections.platform]
plugin = "workspace"
[flows.won-deals]
source = "crm"
sink = "platform"
kinds = ["deal"]
pipelines = [{ id = "default", stages = ["closedwon"] }]
repeat = { project = "once", file = "always" }
"""
WON, LOST, LINES, COMPANIES = 1_045, 255, 2, 147
PRIMARY, LINE_TO_DEAL, NOTE_TO_DEAL = 5, 20, 214


@pytest.fixture
def crm() -> HubSpotSimulator:
    return HubSpotSimulator(currency="USD")


@pytest.fixture
def run(
    crm: HubSpotSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], tuple[dict[str, Any], Counter[str]]]]:
    """Runs the flow: what it reports, and the calls that it made, by method and path."""
    hurried(monkeypatch)
    (tmp_path / "wherry.toml").write_text(PROJECT)
    with serve(crm.app()) as url:
        hub = Hub.open(tmp_path, environ={"HUBSPOT_URL": url, "HUBSPOT_TOKEN": "pat-na1-canary-5f2e"})

        def once() -> tuple[dict[str, Any], Counter[str]]:
            before = len(crm.history.requests())
            data = hub.run("won-deals").data
            return data, Counter(f"{e.what.split()[0]} {e.path}" for e in crm.history.requests()[before:])

        yield once
        hub.close()


def fill(crm: HubSpotSimulator) -> list[str]:
    """Won and lost deals, each with a company and two lines of three products; the ids of the won ones."""
    companies = crm.create("companies", COMPANIES, name="Company {n}")
    won = crm.create("deals", WON, dealname="Won {n}", amount="10", dealstage="closedwon")
    lost = crm.create("deals", LOST, dealname="Lost {n}", amount="10", dealstage="closedlost")
    for number, deal in enumerate([*won, *lost]):
        crm.link("deals", deal, "companies", companies[number % COMPANIES], PRIMARY)
    lines = crm.create("line_items", LINES * (WON + LOST), name="Crane", quantity="1", price="5")
    for number, line in enumerate(lines):
        crm.link("line_items", line, "deals", [*won, *lost][number // LINES], LINE_TO_DEAL)
    return won


def test_a_first_run_makes_the_least_possible_calls(crm: HubSpotSimulator, run: Any) -> None:
    """b_001_06, b_001_08: relatives of the won deals only, every call full, and none for links: the list tells them."""
    fill(crm)
    data, calls = run()
    assert sum(data["fates"]["deal"].values()) == WON + LOST
    assert data["items"]["project"] == {"created": WON}
    assert data["items"]["customer"] == {"created": COMPANIES}
    objects = "/crm/objects/2026-03"
    activities = ("notes", "emails", "calls", "meetings", "tasks")
    assert calls == {
        "GET /account-info/2026-03/details": 1,
        "GET /crm/pipelines/2026-03/deals": 1,
        "GET /crm/properties/2026-03/deals": 1,
        f"GET {objects}/deals": ceil((WON + LOST) / 100),
        f"POST {objects}/companies/batch/read": ceil(COMPANIES / 100),
        f"POST {objects}/line_items/batch/read": ceil(WON * LINES / 100),
        **{f"POST {objects}/{kind}/search": 1 for kind in activities},
    }


def test_the_run_after_it_is_one_search_for_each_type(crm: HubSpotSimulator, run: Any) -> None:
    """b_001_14: a no-change check within the index lag, for the deals and for what carries files."""
    deals = fill(crm)
    file = crm.files.add("plan.pdf", b"plan")
    (note,) = crm.create("notes", 1, hs_attachment_ids=file.id)
    crm.link("notes", note, "deals", deals[3], NOTE_TO_DEAL)
    first, _ = run()
    assert first["items"]["file"] == {"created": 1}
    run()
    data, calls = run()
    assert data["items"] == {}
    assert {call: n for call, n in calls.items() if "account-info" not in call} == {
        f"POST /crm/objects/2026-03/{kind}/search": 1
        for kind in ("deals", "notes", "emails", "calls", "meetings", "tasks")
    }


def test_tickets_of_another_pipeline_are_read_from_their_start_once_they_are_wanted(tmp_path: Path) -> None:
    """I1: they have not changed since the mark, which says that all was read of another pipeline. That those of a third
    are fewer is what was asked for, and no sign of a source that shows too little."""
    clock = Clock()
    clock.advance(-86_400)
    crm = HubSpotSimulator(currency="USD", clock=clock)
    crm.create("tickets", 12, subject="Ticket {n}", hs_pipeline="0", hs_pipeline_stage="1")
    clock.advance(86_400)
    project = PROJECT.partition("[flows.won-deals]")[0]
    flow = '[flows.tickets]\nsource = "crm"\nsink = "platform"\nkinds = ["ticket"]\n'
    with serve(crm.app()) as url:
        environ, found = {"HUBSPOT_URL": url, "HUBSPOT_TOKEN": "pat-na1-canary-5f2e"}, []
        for pipeline in ('"9"', '"0"', '"0"', '"7"'):
            wanted = project.replace('plugin = "hubspot"\n', f'plugin = "hubspot"\nticket_pipeline = {pipeline}\n')
            (tmp_path / "wherry.toml").write_text(wanted + flow)
            with Hub.open(tmp_path, environ=environ) as hub:
                data = hub.run("tickets").data
                found.append((data["items"], data["exit_code"]))
    assert found == [({}, 0), ({"ticket": {"created": 12}}, 0), ({}, 0), ({}, 0)]
