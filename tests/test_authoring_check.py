"""The quality scale: every rule can be told, sees what it is for, and the tier is what its rules come to."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import BaseModel, Field
from wherry.authoring import checking, live, suites
from wherry.authoring.checking import ENOUGH, Judged, Quality, badge, check, covered
from wherry.authoring.inspecting import INSPECTED
from wherry.authoring.making import make
from wherry.authoring.scale import RULES, TIERS
from wherry.authoring.subject import Subject, subject
from wherry.authoring.verdicts import Verdict
from wherry.cli import app
from wherry.errors import ConfigError, ContractBroken, Guarded, NotFound
from wherry.hookspecs import Manifest
from wherry.hub import Hub
from wherry.plugins import Installed
from wherry.settings import ConnectionSettings
from wherry.simulator import serve
from wherry.testing.clock import hurried
from wherry_quickbooks.simulator import QuickBooksSimulator

ROOT = Path(__file__).resolve().parents[1]
KIT = ROOT / "core" / "wherry" / "testing"
OURS = sorted(folder.name for folder in (ROOT / "plugins").iterdir() if (folder / "pyproject.toml").is_file())
PYPROJECT = """
[project]
name = "wherry-made"
version = "1.0"
readme = "README.md"
dependencies = ["wherry>=0.1,<0.2"]
[project.entry-points."wherry.plugins"]
made = "wherry_made.plugin"
"""
PAGE = "# wherry-made\n\n## Set-up\n\n## Settings\n\n## Limits\n\n## Removal\n"
SOURCE = """
from wherry.errors import Rejected
from wherry.http import Profile

def profile(settings: object) -> Profile:
    return Profile(base_url=settings.base_url, classify=told)

def told(answer: object) -> Rejected:
    return Rejected("no", fix="ask again", code="MADE-1")

def wherry_simulator(system: str) -> None:
    raise Rejected("no", fix="ask again", code="MADE-2")
"""


class Described(ConnectionSettings):
    key: str = Field("", description="The key.")


Made = Callable[..., Subject]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """A plugin in a folder, as it should be but for what is said."""

    def made(
        *, source: str = SOURCE, page: str = PAGE, model: type[BaseModel] = Described, api: str = ">=0.1,<0.2",
        pyproject: str = PYPROJECT, typed: bool = True, roles: tuple[str, ...] = ("source", "simulator"),
    ) -> Subject:  # fmt: skip
        package = tmp_path / "src" / "wherry_made"
        package.mkdir(parents=True, exist_ok=True)
        (package / "source.py").write_text(source)
        (package / "__init__.py").write_text("")
        (package / "py.typed").write_text("") if typed else (package / "py.typed").unlink(missing_ok=True)
        (tmp_path / "README.md").write_text(page)
        (tmp_path / "pyproject.toml").write_text(pyproject)
        manifest = Manifest(system="made", title="Made", roles=roles, hosts=("made.example",))
        return Subject(Installed("made", "wherry-made", "1.0", api=api), manifest, model, package)

    return made


# -- the scale ---------------------------------------------------------------------------------------------------------


def test_every_rule_can_be_told_in_one_way() -> None:
    for rule in RULES:
        ways = [rule.id in INSPECTED, bool(rule.proofs or rule.declared), rule.id in ("kit-green", "branch-coverage")]
        assert ways.count(True) == 1, rule.id
    assert set(INSPECTED) <= {rule.id for rule in RULES}
    assert len({rule.id for rule in RULES}) == len(RULES)


def test_every_proof_of_a_rule_is_a_check_that_the_kit_has() -> None:
    """A word that no check has any more would make the rule unmeasurable for ever."""
    names = {node.name for path in KIT.glob("*.py") for node in ast.walk(ast.parse(path.read_text("utf-8")))
             if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}  # fmt: skip
    for rule in RULES:
        for role, words in rule.proofs.items():
            assert any(word in name for word in words for name in names), f"{rule.id} for a {role}"


def test_the_page_has_every_rule_where_the_command_points() -> None:
    page = (ROOT / "docs" / "reference" / "quality.md").read_text("utf-8")
    assert [rule.id for rule in RULES if f"### {rule.id}\n" not in page] == []


def test_the_tier_is_the_highest_with_nothing_missing_below_it() -> None:
    def quality(missing: str) -> Quality:
        judged = [Judged(rule, Verdict("missed" if rule.id == missing else "met", "")) for rule in RULES]
        return Quality(plugin="made", distribution="d", version="1", judged=judged)

    last = {tier: [rule.id for rule in RULES if rule.tier == tier][-1] for tier in TIERS[1:]}
    assert [quality(rule).tier for rule in last.values()] == ["none", "bronze", "silver", "gold"]
    assert (quality("").tier, quality("").next, quality("").missing()) == ("platinum", None, [])
    assert [one.rule.id for one in quality(last["gold"]).missing()] == [last["gold"]]


# -- looking -----------------------------------------------------------------------------------------------------------


def test_a_plugin_as_it_should_be_meets_what_can_be_seen(made: Made) -> None:
    verdicts = {name: tell(made()) for name, tell in INSPECTED.items() if name != "installs-alone"}
    assert {name: one.evidence for name, one in verdicts.items() if one.outcome != "met"} == {}


class Bare(ConnectionSettings):
    key: str = ""


class Closed(BaseModel):
    key: str = Field("", description="The key.")


WRONG = [
    ("settings-described", {"model": Bare}, "key"),
    ("error-classes", {"source": SOURCE + "\ndef f() -> None:\n    raise RuntimeError('no')\n"}, "RuntimeError"),
    ("error-classes", {"source": SOURCE.replace(', code="MADE-2"', "")}, "without code"),
    ("error-classes", {"source": SOURCE.replace('fix="ask again", code="MADE-1"', 'code="MADE-1"')}, "without fix"),
    ("base-url", {"model": Closed}, "no base_url"),
    ("base-url", {"source": SOURCE.replace("settings.base_url", "'https://made.example'")}, "fixed address"),
    ("docs-page", {"page": "# wherry-made\n\n## Set-up\n"}, "settings, limits"),
    ("docs-page", {"pyproject": PYPROJECT.replace('readme = "README.md"', "")}, "names no readme"),
    ("removal-steps", {"page": "# wherry-made\n"}, "no heading"),
    ("simulator", {"roles": ("source",)}, "does not name the role"),
    ("simulator", {"source": SOURCE.replace("wherry_simulator", "other")}, "no wherry_simulator"),
    ("diagnostics", {"source": SOURCE.replace(", classify=told", "")}, "nothing reads"),
    ("diagnostics", {"source": SOURCE + "\nprint(1)\n"}, "prints"),
    ("strict-types", {"source": SOURCE + "\ndef f(a):\n    return a\n"}, "f"),
    ("strict-types", {"typed": False}, "py.typed"),
    ("installs-alone", {"api": ">=0.1"}, "open"),
    ("installs-alone", {"api": ""}, "open"),
]


@pytest.mark.parametrize(("rule", "changed", "said"), WRONG, ids=[f"{rule}-{said}" for rule, _, said in WRONG])
def test_a_rule_sees_what_it_is_for(made: Made, rule: str, changed: dict[str, str], said: str) -> None:
    verdict = INSPECTED[rule](made(**changed))
    assert verdict.outcome == "missed"
    assert said in verdict.evidence


def test_what_is_missed_is_told_with_file_and_line(made: Made) -> None:
    source = SOURCE + "\ndef f() -> None:\n    raise RuntimeError('no')\n"
    assert INSPECTED["error-classes"](made(source=source)).at == f"src/wherry_made/source.py:{source.count(chr(10))}"


def test_what_stands_in_for_the_system_may_do_as_it_likes(made: Made, tmp_path: Path) -> None:
    one = made()
    (tmp_path / "src" / "wherry_made" / "simulator.py").write_text("def f(a):\n    raise RuntimeError(print(a))\n")
    assert [INSPECTED[rule](one).outcome for rule in ("error-classes", "diagnostics", "strict-types")] == ["met"] * 3


def test_a_rule_is_not_asked_of_those_that_it_is_not_for(made: Made) -> None:
    quality = check(made(roles=("matcher",)), run=False)
    told = {one.rule.id: one.verdict.outcome for one in quality.judged}
    assert {told[name] for name in ("base-url", "safe-write", "vendor-sdk", "settings-described")} == {"not asked"}


def test_who_makes_a_client_reaches_a_network_though_no_host_is_the_vendors(made: Made) -> None:
    """A server that everybody has of his own, signed in to by user and password: Tryton is such a system."""
    subject = made()
    subject.manifest = Manifest(system="made", title="Made", roles=("source", "simulator"))
    told = {one.rule.id: one.verdict.outcome for one in check(subject, run=False).judged}
    assert told["base-url"] == "met"
    subject = made(source="")
    subject.manifest = Manifest(system="made", title="Made", roles=("source", "simulator"))
    told = {one.rule.id: one.verdict.outcome for one in check(subject, run=False).judged}
    assert told["base-url"] == "not asked"


# -- running -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def matcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Subject:
    """A generated matcher: the quickest whole plugin there is."""
    make("field-match", "matcher", tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "src"), *sys.path]))
    manifest = Manifest(system="field-match", title="Field Match", roles=("matcher",))
    return Subject(Installed("field-match", "wherry-field-match", "0.1.0", api=">=0.1,<0.2"), manifest, None,
                  tmp_path / "src" / "wherry_field_match")  # fmt: skip


def test_the_kit_is_run_and_what_it_finds_is_told_by_rule(matcher: Subject) -> None:
    ran = suites.run(matcher)
    assert suites.green(ran, frozenset({"matcher"})).outcome == "met"
    assert suites.green(ran, frozenset({"matcher", "sink"})).evidence == "no suite of the kit ran for its sink"


def test_a_check_that_fails_keeps_the_plugin_from_bronze_and_is_named(matcher: Subject) -> None:
    path = matcher.package / "matcher.py"
    text = path.read_text("utf-8")
    broken = text.replace("in zip(drafts, decided, strict=True)", "in zip(drafts[1:], decided[1:], strict=True)")
    assert broken != text
    path.write_text(broken, "utf-8")
    quality = check(matcher)
    green = next(one.verdict for one in quality.judged if one.rule.id == "kit-green")
    assert (quality.tier, green.outcome) == ("none", "missed")
    assert "test_there_is_one_decision_a_draft" in {one.name for one in quality.guarantees if one.outcome == "failed"}


def test_the_suites_of_our_own_plugins_are_found_with_their_roles() -> None:
    found = {name: set().union(*suites.suites(subject(name)).values()) for name in OURS}
    assert {name: roles for name, roles in found.items() if not roles} == {}
    assert {"source", "sink"} <= found["quickbooks"]


@pytest.mark.parametrize("name", OURS)
def test_no_rule_that_can_be_seen_speaks_against_the_tier_a_plugin_of_ours_carries(name: str) -> None:
    """The rest is checked by ``make tiers``, which runs the kit."""
    one = subject(name)
    carried = one.declared["tier"]
    below = TIERS[: TIERS.index(carried) + 1]
    missed = [(judged.rule.id, judged.verdict.evidence) for judged in check(one, run=False).judged
              if judged.rule.tier in below and judged.verdict.outcome == "missed"]  # fmt: skip
    assert missed == []
    assert f"**Quality:** {carried}" in (ROOT / "plugins" / name / "README.md").read_text("utf-8")


# -- coverage and badge ------------------------------------------------------------------------------------------------


def report(statements: int, done: int, *, branches: bool = True) -> bytes:
    summary = {"num_statements": statements, "covered_lines": done, "num_branches": 0, "covered_branches": 0,
               "percent_covered": 100 * done / statements}  # fmt: skip
    files = {
        "src/wherry_made/source.py": {"summary": summary},
        "other.py": {"summary": {**summary, "covered_lines": 0}},
    }
    return json.dumps({"meta": {"branch_coverage": branches}, "files": files}).encode()


def test_branches_are_counted_over_all_tests_of_the_plugin(matcher: Subject) -> None:
    (matcher.root or Path()).joinpath("tests", "test_contract.py").unlink()
    found = covered(matcher, suites.measured(matcher))
    assert re.match(r"\d+\.\d % of lines and branches; least in src/wherry_field_match/", found.evidence)


@pytest.mark.parametrize(("done", "outcome"), [(89, "missed"), (90, "met")])
def test_ninety_percent_of_the_package_are_enough(made: Made, done: int, outcome: str) -> None:
    assert ENOUGH == 90
    assert covered(made(), report(100, done)).outcome == outcome


def test_coverage_without_branches_or_of_something_else_measures_nothing(made: Made) -> None:
    assert covered(made(), report(100, 100, branches=False)).outcome == "not measured"
    assert covered(made(), b"").outcome == "not measured"
    with pytest.raises(ConfigError, match="no report of coverage"):
        covered(made(), b"[]")


def test_the_badge_says_simulated_until_a_vendors_own_system_was_asked(made: Made) -> None:
    one = made()
    quality = check(one, run=False)
    assert badge(one, quality)["proved"] == "simulated"
    assert badge(one, quality, {"real": False})["proved"] == "simulated"
    assert badge(one, quality, {"real": True})["proved"] == "live"


def test_the_badge_changes_with_the_package_and_not_by_lying_in_it(made: Made) -> None:
    one = made()
    first = badge(one, check(one, run=False))
    (one.package / checking.BADGE).write_text(json.dumps(first))
    assert badge(one, check(one, run=False))["hashes"] == first["hashes"]
    (one.package / "source.py").write_text("")
    assert badge(one, check(one, run=False))["hashes"]["package"] != first["hashes"]["package"]


# -- the command -------------------------------------------------------------------------------------------------------


def test_the_command_prints_each_rule_and_what_is_missing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "badges" / "csv.json"
    assert app.run(["plugin", "check", "csv", "--no-run", "--badge", str(path)]) == 0
    text = capsys.readouterr().out
    assert [rule.id for rule in RULES if not re.search(rf"^  [✓✗?–] {rule.id} ", text, re.MULTILINE)] == []
    assert "docs/reference/quality.md#kit-green" in text
    assert json.loads(path.read_text("utf-8"))["schema"] == "wherry.badge/1"


def test_below_the_wanted_tier_the_command_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["plugin", "check", "csv", "--no-run", "--at-least", "platinum", "--output", "json"]) == 7
    assert json.loads(capsys.readouterr().out)["data"]["tier"] == "none"


def test_a_folder_that_is_no_plugin_and_a_name_that_is_none_are_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not the folder of a plugin"):
        subject(str(tmp_path))
    with pytest.raises(NotFound):
        subject("no-such-plugin")


def test_a_plugin_that_is_not_installed_yet_is_told_how_to_be(tmp_path: Path) -> None:
    make("field-book", "mapper", tmp_path)
    with pytest.raises(NotFound) as caught:
        subject(str(tmp_path))
    assert caught.value.fix == f"pip install -e '{tmp_path}[testing]'"


@pytest.mark.parametrize(
    ("came", "said"),
    [
        (subprocess.CompletedProcess([], 2, "E   ModuleNotFoundError: No module named 'gone'\n1 error", ""), "'gone'"),
        (subprocess.CompletedProcess([], 1, "No module named pytest", ""), "left no report"),
        (subprocess.TimeoutExpired([], 600), "did not end within 600 seconds"),
    ],
)
def test_tests_that_cannot_be_run_are_no_verdict(
    matcher: Subject, monkeypatch: pytest.MonkeyPatch, came: object, said: str
) -> None:
    def run(*_: object, **__: object) -> object:
        if isinstance(came, Exception):
            raise came
        return came

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(ContractBroken, match=f"cannot be run: .*{said}"):
        suites.run(matcher)


def test_the_folder_of_a_plugin_does_as_well_as_its_name() -> None:
    assert subject(str(ROOT / "plugins" / "csv")).name == "csv"
    assert "quality" in tomllib.loads((ROOT / "plugins" / "csv" / "pyproject.toml").read_text())["tool"]["wherry"]


def test_the_badge_in_the_package_is_shown_with_the_plugin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    package = tmp_path / "wherry_shown"
    package.mkdir()
    (package / "__init__.py").write_text("")
    said = {"tier": "gold", "proved": "live", "date": "2026-01-05", "kit": "0.1.0", "version": "1.0"}
    (package / "badge.json").write_text(json.dumps(said))
    source = "from wherry.hookspecs import Manifest, hookimpl\n@hookimpl\ndef wherry_manifest():\n"
    (package / "plugin.py").write_text(f"{source}    return Manifest(system='shown', title='Shown')\n")
    info = tmp_path / "wherry_shown-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: wherry-shown\nVersion: 1.0\nRequires-Dist: wherry\n")
    (info / "entry_points.txt").write_text("[wherry.plugins]\nshown = wherry_shown.plugin\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert app.run(["plugin", "info", "shown"]) == 0
    assert "gold (live), 2026-01-05, version 1.0, kit 0.1.0" in capsys.readouterr().out


# -- live --------------------------------------------------------------------------------------------------------------

PROJECT = """
version = 1
[project]
name = "acme"
timezone = "UTC"
currency = "USD"
[plugins]
enabled = ["quickbooks"]
[connections.books]
plugin = "quickbooks"
environment = "{environment}"
realm = "123146000000001"
auth = {{ kind = "token", token = {{ env = "BOOKS_TOKEN" }} }}
{url}
"""


def project(folder: Path, environment: str, url: str = "") -> Hub:
    url = f'base_url = "{url}"' if url else ""
    (folder / "wherry.toml").write_text(PROJECT.format(environment=environment, url=url))
    return Hub.open(folder, environ={"BOOKS_TOKEN": "live-canary-19c4"})


def test_in_a_test_company_a_marked_document_is_written_read_back_and_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurried(monkeypatch)
    books = QuickBooksSimulator(companies=("123146000000001",), limits="none")
    with serve(books.app()) as url, project(tmp_path, "simulator", url) as hub:
        told = live.tried(hub, "books", "quickbooks", sure=False)
    assert {step["what"]: step["outcome"] for step in told["steps"] if step["outcome"] != "met"} == {}
    assert [step["what"] for step in told["steps"]][-3:] == ["write one journal_entry", "read it back", "take it back"]
    assert told["real"] is False
    assert len(books.stage.history.effects()) == 2, "an entry, and the one that takes it back"


@pytest.mark.parametrize("sure", [False, True])
def test_books_are_never_written_to_whatever_the_operator_says(tmp_path: Path, sure: bool) -> None:
    with project(tmp_path, "production") as hub, pytest.raises(Guarded, match='its environment is "production"'):
        live.tried(hub, "books", "quickbooks", sure)


@pytest.mark.parametrize("sure", [False, True])
def test_books_are_never_written_to_through_an_address_on_this_machine_either(tmp_path: Path, sure: bool) -> None:
    books = QuickBooksSimulator(companies=("123146000000001",), limits="none")
    with (
        serve(books.app()) as url,
        project(tmp_path, "production", url) as hub,
        pytest.raises(Guarded, match='its environment is "production"'),
    ):
        live.tried(hub, "books", "quickbooks", sure)
    assert books.stage.history.entries == [], "nothing was asked, even"


def test_a_connection_of_another_plugin_is_not_tried(tmp_path: Path) -> None:
    with project(tmp_path, "sandbox") as hub, pytest.raises(ConfigError, match="is of the plugin quickbooks"):
        live.tried(hub, "books", "csv", sure=True)
