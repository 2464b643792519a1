"""The page ``connect-dynamics`` as its reader follows it against the stand-in, and what goes wrong on the way."""

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
from wherry_dynamics.simulator import DATA, DynamicsSimulator
from wherry_dynamics.simulator.options import simulator

PAGE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "connect-dynamics.md"
BLOCK = re.compile(r"^```(toml|console dynamics)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECRET = "sim-secret"
Runs = Callable[..., tuple[int, Any]]


@pytest.fixture
def sim() -> DynamicsSimulator:
    return simulator({"deals": "12"})


@pytest.fixture
def runs(sim: DynamicsSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Iterator[Runs]:
    """Runs a command in the folder: its exit code, and what it tells as JSON."""
    monkeypatch.setenv("DYNAMICS_CLIENT_ID", "sim-client")
    monkeypatch.setenv("DYNAMICS_CLIENT_SECRET", SECRET)
    with serve(sim.app()) as url:
        blocks = [text for about, text in BLOCK.findall(PAGE.read_text("utf-8")) if about == "toml"]
        told = (blocks[0] + blocks[1]).replace("https://acme.crm.dynamics.com", url)
        (tmp_path / "wherry.toml").write_text(told.replace("acme.onmicrosoft.com", "sim-tenant"))

        typed = Commands(tmp_path, capsys)

        def run(*words: str) -> tuple[int, Any]:
            said = typed.type(shlex.join([*words, "--yes", "--output", "json"]))
            assert SECRET not in said + typed.err
            return typed.code, json.loads(said or typed.err)

        yield run


def rewrite(folder: Path, *changes: tuple[str, str]) -> None:
    file = folder / "wherry.toml"
    for old, new in changes:
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new))


def calls(sim: DynamicsSimulator) -> Counter[str]:
    return Counter(entry.what.replace(DATA, "") for entry in sim.history.requests())


def test_the_page_works_from_top_to_bottom(sim: DynamicsSimulator, runs: Runs) -> None:
    """b_001_76: nothing is written to Dynamics."""
    for about, block in BLOCK.findall(PAGE.read_text("utf-8")):
        for line in block.splitlines() if about != "toml" else ():
            words = shlex.split(line.removeprefix("$ wherry "))
            before = calls(sim)
            code, told = runs(*words)
            assert code == 0, told
            if words[0] == "run":
                run, made = told["data"], calls(sim) - before
    assert run["items"] == {
        "customer": {"created": 4}, "file": {"created": 1}, "product": {"created": 4}, "project": {"created": 6},
    }  # fmt: skip
    assert made == {
        "GET /opportunities": 1, "GET /accounts": 1, "GET /opportunityproducts": 1, "GET /annotations": 1,
        "POST /InitializeAnnotationBlocksDownload": 1, "POST /DownloadBlock": 1,
    }  # fmt: skip
    assert [entry.what for entry in sim.history.effects()] == ["token.issued"], "one token for all commands"


def test_a_user_who_consents_signs_in_by_code_and_pkce(sim: DynamicsSimulator, runs: Runs, tmp_path: Path) -> None:
    """The refresh token is another one after each use."""
    assert runs("connection", "test", "crm")[0] == 0, "the app signs in by itself"
    rewrite(tmp_path, ('kind = "client"', 'kind = "oauth2"'))
    assert runs("connection", "test", "crm")[0] == 5, "its token is none of a user's"
    assert runs("connect", "crm")[0] == 0
    assert runs("connection", "rotate", "crm")[0] == 0
    sim.entra.end()
    code, told = runs("run", "won-deals")
    assert (code, told["data"]["items"]["project"]) == (0, {"created": 6})
    assert runs("connection", "disconnect", "crm")[0] == 0
    assert runs("run", "won-deals")[0] == 5


def test_stand_ins_of_two_tenants_are_two_organisations() -> None:
    """And one that is begun again is the same as before."""
    here, again, there = (simulator({"deals": "0", "tenant": name}).org.id for name in ("here", "here", "there"))
    assert here == again != there


def test_a_tenant_signs_in_at_its_own_place_for_its_own_environment(runs: Runs, tmp_path: Path) -> None:
    text = (tmp_path / "wherry.toml").read_text().replace("sim-tenant", "acme.onmicrosoft.com")
    text = re.sub(r'base_url = ".*"', 'base_url = "https://acme.crm4.dynamics.com"', text)
    (tmp_path / "wherry.toml").write_text(text.replace('kind = "client"', 'kind = "oauth2"'))
    _, told = runs("connect", "crm", "--scopes", "show")
    assert told["data"]["scopes"] == ["https://acme.crm4.dynamics.com/user_impersonation", "offline_access"]
    assert "https://login.microsoftonline.com/acme.onmicrosoft.com/oauth2/v2.0/authorize?" in json.dumps(
        runs("connect", "crm", "--no-browser")[1]
    )


def test_what_entra_and_the_environment_do_not_take_is_told_in_their_words(
    sim: DynamicsSimulator, runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(code: str, words: str) -> None:
        found, said = runs("connection", "test", "crm")
        assert (found, said["error"]["code"]) == (5, code), said
        assert words in said["error"]["message"] + said["error"]["fix"]

    monkeypatch.setenv("DYNAMICS_CLIENT_SECRET", "another")
    told("WHERRY-5044", "AADSTS7000215")
    monkeypatch.setenv("DYNAMICS_CLIENT_SECRET", SECRET)
    rewrite(tmp_path, ("sim-tenant", "another.onmicrosoft.com"))
    told("WHERRY-5044", "AADSTS90002")
    rewrite(tmp_path, ("another.onmicrosoft.com", "sim-tenant"))
    sim.member = False
    told("WHERRY-5722", "Application users")
    sim.member = True
    sim.hidden.add("opportunity")
    code, said = runs("run", "won-deals")
    assert (code, said["error"]["code"], "prvReadOpportunity" in said["error"]["message"]) == (5, "WHERRY-5723", True)
    for wrong in ("https://acme.crm.dynamics.com/main.aspx", "acme"):
        (tmp_path / "other").mkdir(exist_ok=True)
        text = (tmp_path / "wherry.toml").read_text()
        (tmp_path / "other" / "wherry.toml").write_text(re.sub(r'base_url = ".*"', f'base_url = "{wrong}"', text))
        assert runs("-C", str(tmp_path / "other"), "config", "check")[0] == 2


def test_a_table_that_the_environment_does_not_have_leaves_the_others_to_be_discovered(
    sim: DynamicsSimulator, runs: Runs
) -> None:
    del sim.org.tables["incident"]
    code, told = runs("connection", "discover", "crm")
    kinds = told["data"]["kinds"]
    assert (code, kinds["ticket"]["problem"][:26]) == (0, "there is no table incident")
    assert kinds["deal"]["pipelines"]


def test_a_project_is_written_once_and_its_files_keep_coming(sim: DynamicsSimulator, runs: Runs) -> None:
    """A file that took the place of another is copied beside it; a deal whose line changed is looked at again."""
    runs("run", "won-deals")
    (first, *_), (note, *_) = sim.org.rows["opportunity"], sim.org.rows["annotation"]
    sim.change("annotation", note, documentbody="YW5vdGhlciBwbGFu")
    sim.change("opportunity", first, name="renamed")
    code, told = runs("run", "won-deals")
    assert (code, told["data"]["items"]) == (0, {"file": {"created": 1}})
    code, told = runs("resync", "won-deals", first)
    assert (code, told["data"]["items"].get("project")) == (0, {"updated": 1}), told


def test_accounts_products_cases_and_sites_have_default_maps_as_well(
    sim: DynamicsSimulator, runs: Runs, tmp_path: Path
) -> None:
    account = next(iter(sim.org.rows["account"]))
    sim.custom("new_site", "new_name", "new_name:String", "new_accountid:account")
    sim.add("new_site", new_name="Jetty", new_accountid=account)
    sim.add("incident", title="Broken", customerid=account, prioritycode=1)
    site = 'location = { table = "new_site", account = "new_accountid" }\n'
    rewrite(tmp_path, ('plugin = "dynamics"\n', f'plugin = "dynamics"\n{site}'))
    flow = '[flows.rest]\nsource = "crm"\nsink = "platform"\nkinds = ["company", "product", "ticket", "location"]\n'
    (tmp_path / "wherry.toml").write_text((tmp_path / "wherry.toml").read_text() + flow)
    code, told = runs("run", "rest")
    made = {kind: fates["created"] for kind, fates in told["data"]["items"].items()}
    assert (code, made) == (0, {"customer": 4, "product": 3, "ticket": 1, "location": 1})
    _, told = runs("workspace", "list", "ticket")
    assert '"High"' in json.dumps(told)
