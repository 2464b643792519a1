"""What goes wrong on the way from the CRM, and what stands afterwards: the same as if nothing had happened."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from wherry.operating import answers, connections, overview
from wherry.simulator import serve
from wherry_hubspot.simulator import HubSpotSimulator, OAuthApp

from ..projects import WON_DEALS
from .conftest import TOKEN
from .desk import Crm, Desk, RestlessClock, Watch, total

DEALS = 14
FAULTS: dict[str, list[dict[str, Any]]] = {
    "a 429 storm": [{"kind": "status", "status": 429, "times": 3, "after": n} for n in (0, 3, 3, 3)],
    "a 429 with a wait": [{"kind": "status", "status": 429, "headers": {"Retry-After": "7"}, "times": 3, "after": 3}],
    "a page instead of data": [{"kind": "html", "after": n, "times": 2} for n in (1, 2, 2, 1)],
    "an empty body": [{"kind": "empty", "after": n, "times": 2} for n in (1, 2, 2, 1)],
    "a truncated body": [{"kind": "truncated", "after": n, "times": 2} for n in (1, 2, 2, 1)],
    "a dropped connection": [{"kind": "dropped", "after": n, "times": 2} for n in (1, 2, 2, 1)],
    "a body that never ends": [{"kind": "endless", "after": 2, "times": 2}],
    "a huge header": [{"kind": "header", "after": 2, "times": 2, "size": 300_000}],
    "a slow drip": [{"kind": "drip", "after": 6, "seconds": 0.0}],
    "server errors": [{"kind": "status", "status": s, "after": 1, "times": 2} for s in (500, 502, 503, 504, 521)],
}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What a run leaves behind that nothing disturbs."""
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "wherry.toml").write_text(WON_DEALS)
    sim = HubSpotSimulator(currency="USD")
    watch = Watch(sim.app())
    with serve(watch) as url:
        crm = Crm(sim, url, watch)
        crm.stock()
        desk = Desk(folder, {"HUBSPOT_URL": url, "HUBSPOT_TOKEN": TOKEN}, crm, RestlessClock())
        assert desk.run().exit_code == 4
        found = desk.image()
        assert found["project"].total() == 8, "an empty picture would be equal to every other"
        return found


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_on_the_way_changes_nothing_of_what_stands_afterwards(
    desk: Desk, small_crm: Crm, undisturbed: Any, fault: str
) -> None:
    """case_A9, case_A22, case_E7, case_E10, case_E11, I1, I2"""
    small_crm.stock()
    for script in FAULTS[fault]:
        small_crm.sim.faults.add(path="/crm/", **{key: script[key] for key in script})
    report = desk.run()
    assert report.exit_code == 4, report.error
    assert not len(small_crm.sim.faults), "every fault has happened"
    assert report.data["retried"] >= 1 or fault == "a slow drip"
    assert desk.image() == undisturbed
    assert total(report.data["fates"]["deal"]) == DEALS


@pytest.mark.parametrize("after", [0, 3, 6])
def test_a_server_that_stays_down_ends_the_run_for_later_and_the_next_one_completes_it(
    desk: Desk, small_crm: Crm, undisturbed: Any, after: int
) -> None:
    """case_E9, case_E10, I1, I5"""
    small_crm.stock()
    small_crm.sim.faults.add("status", path="/crm/", status=503, times=100_000, after=after)
    report = desk.run()
    assert report.exit_code == 6
    assert "again later" in f"{report.error.fix if report.error else ''}"
    assert len(small_crm.sim.history.requests("/crm/")) < 200, "an ailing vendor is not asked for ever"
    small_crm.sim.faults.clear()
    assert desk.run().exit_code == 4
    assert desk.image() == undisturbed


def test_a_file_server_that_is_down_holds_up_its_file_and_nothing_else(
    desk: Desk, small_crm: Crm, folder: Path
) -> None:
    """case_E10, b_001_53"""
    from .test_first_crossing import attach

    deal = small_crm.stock()[0]
    attach(small_crm.sim, small_crm.url, deal, "plan.txt", b"plan")
    small_crm.sim.faults.add("status", path="signed-url", status=503, times=100_000)
    report = desk.run()
    assert report.exit_code == 4
    assert (len(desk.held("project")), len(desk.held("file"))) == (8, 0)
    [queued] = desk.ask(overview.open_items, state="queued")
    assert queued["entity"] == "file"
    small_crm.sim.faults.clear()
    assert desk.run().exit_code == 4
    [file] = desk.held("file").values()
    assert file["name"] == "plan.txt"
    assert desk.held("project")[file["project"]]["name"] == "Deal 0"
    assert desk.ask(overview.open_items, state="queued") == []


def test_a_folder_that_takes_no_file_is_not_the_doing_of_the_files_source(
    desk: Desk, small_crm: Crm, folder: Path
) -> None:
    """case_G19, I1: a disk that was full named the plugin, and told people to report it"""
    from .test_first_crossing import attach

    attach(small_crm.sim, small_crm.url, small_crm.stock()[0], "plan.txt", b"plan")
    files = folder / ".wherry" / "files"
    files.parent.mkdir()
    files.write_bytes(b"")
    report = desk.run()
    assert report.error is not None
    assert (report.error.code, "Not a directory" in report.error.message) == ("WHERRY-2315", True)
    files.unlink()
    assert desk.run().exit_code == 4
    assert [file["name"] for file in desk.held("file").values()] == ["plan.txt"]


def test_a_token_that_is_no_longer_accepted_keeps_everything_and_the_run_after_a_new_one_goes_on(
    desk: Desk, small_crm: Crm, undisturbed: Any
) -> None:
    """case_E5, I1"""
    small_crm.stock()
    assert desk.run().exit_code == 4
    small_crm.sim.gate.tokens, small_crm.sim.gate._any = {"pat-new-0001"}, False
    late = small_crm.deal("Late", lines=("Bollard",))
    report = desk.run()
    assert report.exit_code == 5
    [row] = [row for row in desk.ask(connections.listed) if row["connection"] == "crm"]
    assert row["state"] == "reconnect"
    assert desk.image() == undisturbed, "what waits is kept"
    desk.environ["HUBSPOT_TOKEN"] = "pat-new-0001"
    report = desk.run()
    assert report.exit_code == 4
    assert [row["state"] for row in desk.ask(connections.listed)] == ["ok", "ok"]
    assert "Late" in {body["name"] for body in desk.held("project").values()}, late


def test_a_401_in_mid_run_is_no_empty_answer(desk: Desk, small_crm: Crm, undisturbed: Any) -> None:
    """case_B11, case_E5"""
    small_crm.stock()
    small_crm.sim.faults.add("expired", path="line_items", times=100)
    assert desk.run().exit_code == 5
    assert desk.held("project") == {}
    small_crm.sim.faults.clear()
    assert desk.run().exit_code == 4
    assert desk.image() == undisturbed


OAUTH = (
    'auth = { kind = "oauth2", client_id = "client", client_secret = { env = "HUBSPOT_SECRET" }, '
    'refresh_token = { env = "HUBSPOT_REFRESH" } }'
)
SCOPES = ("oauth", "crm.objects.deals.read", "crm.objects.companies.read", "crm.objects.line_items.read",
          "crm.objects.owners.read", "e-commerce", "files", "tickets", "crm.objects.contacts.read",
          "crm.schemas.deals.read", "crm.schemas.companies.read", "crm.schemas.line_items.read")  # fmt: skip


@pytest.mark.parametrize("place", ["/objects/2026-03/deals$", "companies/batch", "line_items/batch"])
def test_a_token_that_runs_out_in_mid_run_is_renewed_once(folder: Path, undisturbed: Any, place: str) -> None:
    """case_E1, case_E2, I15"""
    import re

    sim = HubSpotSimulator(currency="USD", oauth=OAuthApp(rotate=True, revoke_family=True, scopes=SCOPES))
    _, refresh = sim.oauth.sign_in(SCOPES)
    watch = Watch(sim.app())
    with ExitStack() as stack:
        crm = Crm(sim, stack.enter_context(serve(watch)), watch)
        crm.stock()
        environ = {"HUBSPOT_URL": crm.url, "HUBSPOT_SECRET": "secret", "HUBSPOT_REFRESH": refresh}
        desk = Desk(folder, environ, crm, RestlessClock())
        desk.rewrite(('auth = { kind = "token", token = { env = "HUBSPOT_TOKEN" } }', OAUTH))
        jumps = [1801.0]

        def expire(method: str, path: str) -> None:
            if jumps and re.search(place, path):
                sim.clock.advance(jumps.pop())

        watch.before = expire
        report = desk.run()
        assert report.exit_code == 4, report.error
        assert not jumps
        issued = sim.history.effects("token.issued")
        assert len(issued) == 2, "the first one, and one renewal however many calls found it out"
        assert desk.image() == undisturbed


def test_answers_given_while_the_crm_is_down_are_settled_all_the_same(desk: Desk, small_crm: Crm) -> None:
    """b_001_74"""
    small_crm.stock()
    desk.run()
    small_crm.sim.faults.add("dropped", times=100_000)
    settled = desk.ask(answers.create, 1).settled
    assert settled == {"product": {"created": 1}, "project": {"created": 1}}
    assert len(desk.held("project")) == 9
