"""Hooks that a run calls, on a real project: observers hear of it in order, a plugin's engine is taken."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from wherry import hookimpl
from wherry.hub import Hub
from wherry.operating import approvals, scheduler
from wherry.simulator import Clock, serve
from wherry_hubspot.simulator import HubSpotSimulator

from .drained import books

PROJECT = """
version = 1
[project]
name = "acme"
currency = "USD"
[plugins]
enabled = ["hubspot", "workspace"]
[connections.crm]
plugin = "hubspot"
base_url = "${HUBSPOT_URL}"
auth = { kind = "token", token = { env = "HUBSPOT_TOKEN" } }
[connections.platform]
plugin = "workspace"
[flows.catalogue]
source = "crm"
sink = "platform"
kinds = ["product"]
repeat = "always"
"""


class Observer:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, Any]] = []
        self.runs: list[str] = []

    def counted(self, kind: str = "invoice") -> dict[str, int]:
        """Fate → number of the records that batches settled."""
        return dict(sum((Counter(told.get(kind, {})) for what, told in self.heard if what == "settled"), Counter()))

    @hookimpl
    def wherry_run_started(self, flow: str, run: str) -> None:
        self.heard.append(("started", flow))

    @hookimpl
    def wherry_batch_settled(self, flow: str, run: str, fates: Mapping[str, Mapping[str, int]]) -> None:
        self.heard.append(("settled", {kind: dict(counts) for kind, counts in fates.items()}))
        self.runs.append(run)

    @hookimpl
    def wherry_run_finished(self, flow: str, run: str, summary: Mapping[str, Any]) -> None:
        self.heard.append(("finished", summary["fates"]))

    @hookimpl
    def wherry_access_lost(self, connection: str, reason: str) -> None:
        self.heard.append(("access lost", connection))


class Deaf(Observer):
    """Fails at every notice."""

    @hookimpl
    def wherry_batch_settled(self, flow: str, run: str, fates: Mapping[str, Mapping[str, int]]) -> None:
        raise RuntimeError("I do not listen")


class Printer(Observer):
    """Prints, and ends no line."""

    @hookimpl
    def wherry_batch_settled(self, flow: str, run: str, fates: Mapping[str, Mapping[str, int]]) -> None:
        sys.stdout.write("and here ")
        sys.stdout.write("it ends")


class Engine:
    """Runs nothing."""


class EngineMaker:
    @hookimpl
    def wherry_engine(self, name: str) -> Any | None:
        return Engine() if name == "steam" else None


@pytest.fixture
def crm() -> HubSpotSimulator:
    made = HubSpotSimulator(tokens={"hooks-canary-1"})
    made.create("products", 3, name="Product {n}")
    return made


@pytest.fixture
def hub(crm: HubSpotSimulator, tmp_path: Path) -> Iterator[Hub]:
    (tmp_path / "wherry.toml").write_text(PROJECT)
    with serve(crm.app()) as url:
        with Hub.open(tmp_path, environ={"HUBSPOT_URL": url, "HUBSPOT_TOKEN": "hooks-canary-1"}) as opened:
            yield opened


def enter(hub: Hub, plugin: object) -> None:
    """As if it were enabled last."""
    hub.plugins._loaded.relay.register(plugin, "observer")


def test_an_observer_hears_of_a_run_its_batches_and_its_end(hub: Hub) -> None:
    observer = Observer()
    enter(hub, observer)
    hub.run("catalogue")
    created = {"product": {"created": 3}}
    assert observer.heard[0] == ("started", "catalogue")
    assert ("settled", created) in observer.heard
    assert observer.heard[-1] == ("finished", created)


def test_an_observer_hears_of_what_was_sent_by_a_persons_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with books(tmp_path, f"sqlite:///{tmp_path / 'store' / 'wherry.db'}", monkeypatch) as desk:
        desk.flows["invoices"] = 'approval = "required"'
        desk.bills(2)
        prepared = desk.run().data["run"]
        with desk.open() as hub:
            enter(hub, observer := Observer())
            approvals.approve(hub, "invoices")
        assert observer.counted() == {"created": 2}
        assert set(observer.runs) == {prepared}


def test_a_failing_observer_stops_nothing_and_is_noted(hub: Hub) -> None:
    enter(hub, Deaf())
    assert hub.run("catalogue").exit_code == 0
    assert [problem.hook for problem in hub.plugins.problems] == ["wherry_batch_settled"]


def test_an_observer_hears_that_a_sign_in_was_lost(hub: Hub, crm: HubSpotSimulator) -> None:
    observer = Observer()
    enter(hub, observer)
    crm.faults.add("expired", times=1_000)
    assert hub.run("catalogue").exit_code == 5
    assert ("access lost", "crm") in observer.heard


def test_a_plugins_engine_is_taken_by_its_name(hub: Hub) -> None:
    enter(hub, EngineMaker())
    assert isinstance(scheduler.engine(hub, "steam", lambda flow, report: None), Engine)


def test_a_flow_that_two_others_wait_for_runs_once_in_a_call_and_is_told_once(
    crm: HubSpotSimulator, tmp_path: Path
) -> None:
    """b_001_30"""
    flow = '\n[flows.{}]\nsource = "crm"\nsink = "platform"\nkinds = ["product"]\nafter = {}\n'
    more = [("left", ["catalogue"]), ("right", ["catalogue"]), ("top", ["left", "right"])]
    (tmp_path / "wherry.toml").write_text(PROJECT + "".join(flow.format(*one) for one in more))
    environ = {"HUBSPOT_TOKEN": "hooks-canary-1"}
    with serve(crm.app()) as url, Hub.open(tmp_path, environ={**environ, "HUBSPOT_URL": url}) as hub:
        enter(hub, observer := Observer())
        told = hub.run("top").data
        assert [flow for what, flow in observer.heard if what == "started"] == [
            "catalogue", "left", "right", "top"
        ]  # fmt: skip
        assert [[one["flow"] for one in side["before"]] for side in told["before"]] == [["catalogue"], []]
        assert hub.run("left").data["before"][0]["run"] != told["before"][0]["before"][0]["run"], "another call"


def test_what_is_printed_without_the_end_of_a_line_is_told_too(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    enter(hub, Printer())
    hub.run("catalogue")
    assert "and here it ends" in capsys.readouterr().err


@pytest.mark.parametrize("change", [('source = "crm"', 'source = "live"'), ('sink = "platform"', 'sink = "shelf"')])
def test_a_flow_that_is_put_between_other_connections_is_refused_and_leaves_nothing_out(
    crm: HubSpotSimulator, tmp_path: Path, change: tuple[str, str]
) -> None:
    """I1: its mark says that all was read, but elsewhere; so does what it has seen."""
    clock = Clock()
    clock.advance(-86_400)
    live = HubSpotSimulator(tokens={"hooks-canary-1"}, portal_id=7, clock=clock)
    live.create("products", 3, name="Live {n}")
    clock.advance(86_400)
    more = PROJECT.split("[connections.platform]")[0].partition("[connections.crm]")[2].replace("HUBSPOT_URL", "LIVE")
    project = f'{PROJECT}\n[connections.live]{more}\n[connections.shelf]\nplugin = "csv"\nfolder = "out"\n'
    project = project.replace('"workspace"]', '"workspace", "csv"]')
    (tmp_path / "out").mkdir()
    with serve(crm.app()) as url, serve(live.app()) as other:
        environ = {"HUBSPOT_URL": url, "LIVE": other, "HUBSPOT_TOKEN": "hooks-canary-1"}

        def run(text: str) -> Any:
            (tmp_path / "wherry.toml").write_text(text)
            with Hub.open(tmp_path, environ=environ) as hub:
                return hub.run("catalogue" if "[flows.catalogue]" in text else "other")

        assert run(project).data["items"] == {"product": {"created": 3}}
        changed = run(project.replace(*change))
        assert (changed.exit_code, changed.error.code, changed.data["items"]) == (7, "WHERRY-7035", {})
        named = run(project.replace(*change).replace("[flows.catalogue]", "[flows.other]"))
        assert named.data["items"]["product"]["created"] == 3
        assert run(project).data["items"] == {}, "put back, it goes on"
