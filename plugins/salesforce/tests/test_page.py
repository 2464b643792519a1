"""The page ``connect-salesforce`` as its reader follows it against the stand-in, and what goes wrong on the way."""

from __future__ import annotations

import json
import re
import shlex
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from wherry.simulator import serve
from wherry.testing.commands import Commands
from wherry_salesforce.simulator import SalesforceSimulator
from wherry_salesforce.simulator.options import simulator

PAGE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "connect-salesforce.md"
BLOCK = re.compile(r"^```(toml|console salesforce)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECRET = "sim-secret"
Runs = Callable[..., tuple[int, Any]]


@pytest.fixture
def sim() -> SalesforceSimulator:
    return simulator({"deals": "12"})


@pytest.fixture
def runs(sim: SalesforceSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Iterator[Runs]:
    """Runs a command in the folder: its exit code, and what it tells as JSON."""
    monkeypatch.setenv("SALESFORCE_CLIENT_ID", "sim-client")
    monkeypatch.setenv("SALESFORCE_CLIENT_SECRET", SECRET)
    with serve(sim.app()) as url:
        (tmp_path / "wherry.toml").write_text(project(url))

        typed = Commands(tmp_path, capsys)

        def run(*words: str) -> tuple[int, Any]:
            said = typed.type(shlex.join([*words, "--yes", "--output", "json"]))
            assert SECRET not in said + typed.err
            return typed.code, json.loads(said or typed.err)

        yield run


def project(url: str, kind: str = "client") -> str:
    blocks = [text for about, text in BLOCK.findall(PAGE.read_text("utf-8")) if about == "toml"]
    return (
        (blocks[0] + blocks[1])
        .replace("https://acme.my.salesforce.com", url)
        .replace('kind = "client"', f'kind = "{kind}"')
    )


def calls(sim: SalesforceSimulator) -> Counter[str]:
    found = Counter(entry.what.replace("/services/data/v{api}", "") for entry in sim.history.requests())
    return found


def test_the_page_works_from_top_to_bottom(sim: SalesforceSimulator, runs: Runs) -> None:
    """b_001_07 b_001_08 b_001_58 b_001_59 b_001_66 b_001_68 b_001_70: the run makes three calls for a dozen deals, and
    nothing is written to Salesforce."""
    for about, block in BLOCK.findall(PAGE.read_text("utf-8")):
        for line in block.splitlines() if about != "toml" else ():
            words = shlex.split(line.removeprefix("$ wherry "))
            before = calls(sim)
            code, told = runs(*words)
            assert code == 0, told
            if words[0] == "run":
                run, made = told["data"], calls(sim) - before
    assert run["items"] == {
        "customer": {"created": 4}, "file": {"created": 1}, "product": {"created": 3}, "project": {"created": 6},
    }  # fmt: skip
    assert made == {"GET /query": 1, "POST /composite": 1, "GET /sobjects/ContentVersion/{id}/VersionData": 1}
    assert [entry.what for entry in sim.history.effects()] == ["token.issued"], "one session for all commands"


def test_a_user_who_consents_signs_in_by_code_and_pkce_and_out_at_salesforce(
    sim: SalesforceSimulator, runs: Runs, tmp_path: Path
) -> None:
    """b_001_60 b_001_62"""
    file = tmp_path / "wherry.toml"
    file.write_text(file.read_text().replace('kind = "client"', 'kind = "oauth2"'))
    assert runs("connection", "test", "crm")[0] == 5
    sim.oauth.app.rotates = True
    assert runs("connect", "crm")[0] == 0
    assert runs("connection", "rotate", "crm")[0] == 0
    sim.oauth.end()
    assert runs("run", "won-deals")[0] == 0
    assert runs("connection", "disconnect", "crm")[0] == 0
    assert [entry.what for entry in sim.history.effects("token.revoked")] == ["token.revoked"]
    assert runs("run", "won-deals")[0] == 5


def test_a_session_that_ended_is_begun_anew_by_the_app_itself(sim: SalesforceSimulator, runs: Runs) -> None:
    assert runs("run", "won-deals")[0] == 0
    sim.oauth.end()
    assert runs("run", "won-deals")[0] == 0
    assert calls(sim)["POST /services/oauth2/token"] == 2


def test_an_app_that_may_not_sign_in_by_itself_says_why(
    sim: SalesforceSimulator, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert runs("connect", "crm")[0] == 0
    monkeypatch.setenv("SALESFORCE_CLIENT_SECRET", "another")
    code, told = runs("connection", "test", "crm")
    assert (code, told["error"]["code"]) == (5, "WHERRY-5044"), "a session of the former secret is not used"
    assert "invalid client credentials" in told["error"]["message"]
    monkeypatch.setenv("SALESFORCE_CLIENT_SECRET", SECRET)
    sim.oauth.app.run_as = False
    assert "no client credentials user" in runs("connection", "rotate", "crm")[1]["error"]["message"]
    sim.oauth.app.run_as = True
    assert runs("connection", "disconnect", "crm")[0] == 0


def test_the_general_login_host_is_no_org(runs: Runs, tmp_path: Path) -> None:
    (tmp_path / "wherry.toml").write_text(project("https://login.salesforce.com"))
    code, told = runs("config", "check")
    assert (code, "My Domain" in json.dumps(told)) == (2, True)


def test_a_project_is_written_once_and_its_files_keep_coming(sim: SalesforceSimulator, runs: Runs) -> None:
    """b_001_14 b_001_15 b_001_54 b_001_69: a new version of a file is copied beside the old one; what changed
    at the deal is left until somebody asks for it."""
    runs("run", "won-deals")
    (first, *_) = sim.org.rows["Opportunity"]
    document = next(iter(sim.org.rows["ContentDocument"]))
    sim.add("ContentVersion", PathOnClient="plan.txt", VersionData="bmV3", ContentDocumentId=document)
    sim.change("Opportunity", first, Name="renamed")
    code, told = runs("run", "won-deals")
    assert (code, told["data"]["items"]) == (0, {"file": {"created": 1}})
    code, told = runs("resync", "won-deals", first)
    assert (code, told["data"]["items"].get("project")) == (0, {"updated": 1}), told


def test_accounts_products_cases_and_sites_have_default_maps_as_well(
    sim: SalesforceSimulator, runs: Runs, tmp_path: Path
) -> None:
    """b_001_06 b_001_08 b_001_09 b_001_10 b_001_65"""
    account = next(iter(sim.org.rows["Account"]))
    sim.org.custom("Site__c", "a00", Name="string", Account__c="reference")
    sim.add("Site__c", Name="Jetty", Account__c=account)
    sim.add("Case", Subject="Broken", AccountId=account, Priority="High")
    file = tmp_path / "wherry.toml"
    site = 'location = { object = "Site__c", account = "Account__c" }\n'
    flow = '[flows.rest]\nsource = "crm"\nsink = "platform"\nkinds = ["company", "product", "ticket", "location"]\n'
    file.write_text(file.read_text().replace('plugin = "salesforce"\n', f'plugin = "salesforce"\n{site}') + flow)
    assert runs("map", "show", "rest")[0] == 0
    code, told = runs("run", "rest")
    made = {kind: fates["created"] for kind, fates in told["data"]["items"].items()}
    assert (code, made) == (0, {"customer": 4, "product": 3, "ticket": 1, "location": 1})


def test_a_place_for_locations_that_is_not_there_is_named_with_what_to_do(runs: Runs, tmp_path: Path) -> None:
    """b_001_06"""
    file = tmp_path / "wherry.toml"
    site = 'plugin = "salesforce"\nlocation = { object = "Sight__c" }\n'
    file.write_text(file.read_text().replace('plugin = "salesforce"\n', site))
    told = runs("connection", "discover", "crm")[1]["data"]["kinds"]
    assert "no object Sight__c" in told["location"]["problem"]
    assert "problem" not in told["deal"]
    code, failed = runs("connection", "discover", "crm", "--kind", "location")
    assert (code, failed["error"]["code"], failed["error"]["connection"]) == (5, "WHERRY-5763", "crm")
    assert "wherry connection discover crm --kind location" in failed["error"]["fix"]
