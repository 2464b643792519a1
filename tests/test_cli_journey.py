"""What an operator does, from the demonstration to the last answer: screens, envelopes and exit codes, end to end."""

from __future__ import annotations

import io
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from wherry import demo as demonstration
from wherry.cli import app
from wherry.hub import Hub
from wherry.store import registry
from wherry.testing.clock import hurried
from wherry.testing.commands import logging_as_it_was

from .warm import warm

Wherry = Callable[..., int]
Answer = Callable[..., dict[str, Any]]
INTERNAL = ("fate", "item", "stamp")
"""Words of the code that operators never meet (architecture.md, section 12)."""


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    with logging_as_it_was():
        yield


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """One demonstration, run as an operator runs it; its stand-in has gone. What is pasted is pasted there."""
    place = tmp_path_factory.mktemp("demo")
    done = warm.python("-m", "wherry.cli", "demo", cwd=place)
    shutil.copytree(place / ".demo" / "acme", place / "as-it-was")
    return place / ".demo" / "acme", done


@pytest.fixture
def folder(shown: tuple[Path, object], tmp_path: Path) -> Path:
    return shutil.copytree(shown[0].parents[1] / "as-it-was", tmp_path / "acme")


@pytest.fixture
def wherry(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Wherry:
    hurried(monkeypatch)
    return lambda *arguments: app.run(["-C", str(folder), *arguments])


@pytest.fixture
def answer(wherry: Wherry, capsys: pytest.CaptureFixture[str]) -> Answer:
    """A command's envelope, after its exit code was checked."""

    def ask(*arguments: str, code: int = 0) -> dict[str, Any]:
        capsys.readouterr()
        assert wherry(*arguments, "--output", "json") == code
        envelope: dict[str, Any] = json.loads(capsys.readouterr().out)
        assert envelope["schema"].startswith("wherry.")
        assert envelope["schema"].endswith("/1")
        return envelope

    return ask


@pytest.fixture
def live(folder: Path) -> Iterator[str]:
    """The stand-in of the demonstration is there again, as it was."""
    name, sample = demonstration.sample()
    with demonstration.stand_in(name) as url:
        sample.fill(url, "demo-token")
        demonstration.write_environment(folder, url)
        yield url


# -- the demonstration -------------------------------------------------------------------------------------------------


def test_the_demonstration_ends_with_what_happened_and_commands_that_work_when_pasted(
    shown: tuple[Path, subprocess.CompletedProcess[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, done = shown
    assert done.returncode == 0, done.stdout + done.stderr
    for word in ("15 projects", "11 customers", "15 products", "7 files copied", "One question waits", str(folder)):
        assert word in done.stdout
    assert 'best candidate: I-1001 "Cylindrical Fender 600"' in done.stdout
    pasted = [line.strip() for line in done.stdout.partition("Paste these:")[2].splitlines() if line.strip()]
    assert len(pasted) == 5
    again = subprocess.run(pasted[0], shell=True, cwd="/", capture_output=True, text=True, check=False, timeout=60)
    assert again.returncode == 0, pasted[0] + again.stderr
    monkeypatch.chdir("/")
    for line in pasted[1:]:  # as a shell takes them apart
        name, *words = shlex.split(line)
        assert shutil.which(name)
        assert app.run(words) == 0, line


def test_answering_the_question_settles_what_waited_and_can_be_taken_back(answer: Answer) -> None:
    """b_001_33: the command returns when everything that depended on the answer is settled."""
    [question] = answer("triage", "list")["data"]["items"]
    best = question["candidates"][0]
    assert {"id", "name", "score", "why"} <= set(best)
    settled = answer("triage", "match", question["id"], best["id"])["data"]
    assert settled["settled"]["project"] == {"created": 3}
    assert settled["open_questions"] == 0
    assert answer("status")["data"]["for_a_person"] == 0
    assert answer("workspace", "count")["data"]["project"] == 18
    undone = answer("triage", "undo", question["id"])
    assert undone["data"]["question"]["state"] == "open"
    assert any("resync won-deals" in command for command in undone["next"])


def test_ignoring_keeps_the_reason_and_a_second_answer_is_refused(wherry: Wherry, answer: Answer) -> None:
    answer("triage", "ignore", "T-1", "--reason", "not ours")
    assert answer("triage", "show", "T-1")["data"]["reason"] == "not ours"
    assert wherry("triage", "create", "T-1") == 7


def test_a_demonstration_never_touches_a_folder_that_it_did_not_make(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    assert app.run(["demo", "--folder", str(tmp_path)]) == 7
    assert (tmp_path / "mine.txt").read_text() == "precious"
    assert "was not made by a demonstration" in capsys.readouterr().err


def test_a_demonstration_that_does_not_stand_says_what_differs_and_is_exit_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, sample = demonstration.sample()
    monkeypatch.setattr(sample, "EXPECTED", {**sample.EXPECTED, "project": 19})
    assert app.run(["demo", "--folder", str(tmp_path / "d")]) == 1
    assert "project: 18 instead of 19" in capsys.readouterr().out


def test_a_second_demonstration_in_its_own_folder_makes_nothing_twice(
    folder: Path, wherry: Wherry, capsys: pytest.CaptureFixture[str]
) -> None:
    assert wherry("triage", "match", "T-1", "I-1001") == 0
    capsys.readouterr()
    assert app.run(["demo", "--folder", str(folder), "--output", "json"]) == 0
    data = json.loads(capsys.readouterr().out)["data"]
    assert data["there"]["project"] == 18
    assert data["runs"][-1]["fates"]["deal"].get("created", 0) == 0


def test_a_system_that_nobody_shows_is_exit_3(capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["demo", "nope"]) == 3


# -- every command -----------------------------------------------------------------------------------------------------

LOOKING = [
    ("status", 4), ("flow list", 0), ("flow show won-deals", 0), ("runs list", 0), ("runs show", 0),
    ("runs show --refused", 0), ("triage list", 0), ("triage show T-1", 0), ("audit list", 0), ("audit verify", 0),
    ("config check", 0), ("config show", 0), ("config show --origin", 0), ("schedule list", 0), ("connection list", 0),
    ("connection test platform", 0), ("connection discover platform", 0), ("plugin list", 0),
    ("plugin list --broken", 0), ("plugin info workspace", 0), ("version", 0), ("db upgrade", 0),
    ("completion bash", 0), ("map show won-deals", 0), ("schedule run --once", 0), ("workspace count", 0),
]  # fmt: skip


@pytest.mark.parametrize(("command", "code"), LOOKING)
def test_every_looking_command_answers_in_words_and_in_an_envelope_and_asks_nobody_outside(
    command: str, code: int, wherry: Wherry, answer: Answer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert wherry(*command.split()) == code
    text = capsys.readouterr().out
    assert text.strip()
    assert not [word for word in INTERNAL if word in text.lower().split()]
    envelope = answer(*command.split(), code=code)
    assert set(envelope) == {"schema", "data", "warnings", "next"}


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("run nope", 3), ("plan nope", 3), ("flow show nope", 3), ("flow pause nope", 3), ("runs show nope", 3),
        ("runs list --flow nope", 3), ("triage show T-99", 3), ("triage match T-1 nope", 3), ("triage show x", 3),
        ("connection test nope", 3), ("plugin info nope", 3), ("workspace show project nope", 3),
        ("simulate nope", 2), ("resync won-deals", 2), ("run", 2), ("triage", 2), ("config show --nope", 2),
        ("schedule run --once --engine nope", 2), ("db copy ftp://backups", 2),
        ("db copy postgresql://u@x@h/d", 2), ("db copy postgresql://u:hush@h/d", 2),
    ],
)  # fmt: skip
def test_what_does_not_exist_is_3_and_what_is_typed_wrong_is_2(command: str, code: int, wherry: Wherry) -> None:
    assert wherry(*command.split()) == code


def test_csv_and_ndjson_are_for_every_list(wherry: Wherry, capsys: pytest.CaptureFixture[str]) -> None:
    assert wherry("runs", "list", "--output", "csv") == 0
    assert capsys.readouterr().out.startswith("id,flow,")
    assert wherry("audit", "list", "--output", "ndjson", "--limit", "2") == 0
    assert [set(json.loads(line)) >= {"actor", "action"} for line in capsys.readouterr().out.splitlines()] == [
        True,
        True,
    ]


def test_a_list_goes_on_from_its_cursor(answer: Answer) -> None:
    everything = [row["id"] for row in answer("audit", "list")["data"]["items"]]
    first = answer("audit", "list", "--limit", "3")["data"]
    rest = answer("audit", "list", "--cursor", first["cursor"])["data"]
    assert [row["id"] for row in first["items"] + rest["items"]] == everything


def test_a_sorted_list_goes_on_in_its_order(answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = answer("runs", "list", "--sort", "started", "--limit", "2")["data"]
    assert runs["cursor"] == runs["items"][0]["id"]  # the oldest of the page: older ones come next
    told = [
        {"id": f"T-{n}", "waiting": waits, "state": "open", "candidates": []} for n, waits in ((1, 2), (2, 1), (3, 9))
    ]
    monkeypatch.setattr("wherry.operating.answers.questions", lambda *_, **__: told)
    found, cursor = [], ""
    while not found or cursor:
        page = answer("triage", "list", "--sort", "-waiting", "--limit", "1", "--cursor", cursor)["data"]
        found, cursor = [*found, *(row["id"] for row in page["items"])], page["cursor"]
    assert found == ["T-3", "T-1", "T-2"]


def test_since_and_sort_are_kept(answer: Answer) -> None:
    assert answer("runs", "list", "--since", "2999-01-01")["data"]["items"] == []
    started = [row["started_at"] for row in answer("runs", "list", "--sort", "started")["data"]["items"]]
    assert started == sorted(started)


# -- running -----------------------------------------------------------------------------------------------------------


def test_a_run_carries_its_counts_and_its_requests(live: str, answer: Answer, folder: Path) -> None:
    shutil.rmtree(folder / ".wherry")
    data = answer("run", "won-deals", code=4)["data"]
    assert sum(data["fates"]["deal"].values()) == 40
    assert data["items"]["project"] == {"created": 15, "waiting": 3}
    assert isinstance(data["requests"], int)
    assert data["before"][0]["fates"]["product"] == {"created": 15}
    again = answer("run", "won-deals", code=4)["data"]
    assert again["fates"]["deal"].get("created", 0) == 0


def test_a_plan_writes_nothing_and_its_run_is_the_one_that_was_shown(
    live: str, answer: Answer, wherry: Wherry, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(folder / ".wherry")
    assert wherry("plan", "won-deals") == 0
    assert "! first    catalogue never ran: it goes first" in capsys.readouterr().out
    assert wherry("plan", "catalogue") == 0
    text = capsys.readouterr().out
    assert "+ create   15 products" in " ".join(text.split("\n")).replace("  + create    ", "  + create   ")
    assert "Nothing was written." in text
    assert wherry("plan", "catalogue", "--exit-code", "--out", str(folder / "plan.json")) == 8
    assert wherry("plan", "catalogue", "--out", str(folder / "nowhere" / "plan.json")) == 2, "no bug of ours"
    plan = json.loads((folder / "plan.json").read_text())
    assert answer("workspace", "count")["data"]["product"] == 0
    answer("run", "catalogue", "--plan", plan["plan"])
    assert answer("plan", "won-deals")["data"]["never_ran"] == []
    assert wherry("plan", "catalogue", "--exit-code") == 0
    assert wherry("run", "catalogue", "--plan", plan["plan"]) == 7


def test_a_paused_flow_refuses_to_run_before_anything_is_asked_and_activating_ends_it(
    live: str, answer: Answer
) -> None:
    runs = len(answer("runs", "list")["data"]["items"])
    answer("flow", "pause", "won-deals", "--reason", "month close")
    assert answer("run", "won-deals", code=7)["error"]["message"].endswith("month close")
    assert len(answer("runs", "list")["data"]["items"]) == runs
    answer("flow", "activate", "won-deals")
    answer("run", "won-deals", code=4)


def test_a_source_that_is_down_is_exit_6_and_says_what_became_of_the_run(
    answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurried(monkeypatch)
    told = answer("run", "catalogue", code=6)
    assert told["error"]["code"].startswith("WHERRY-6")
    assert told["data"]["run"]


def test_a_resync_shows_what_was_edited_here_and_keeps_it_unless_told(
    live: str, wherry: Wherry, answer: Answer, capsys: pytest.CaptureFixture[str]
) -> None:
    """b_001_69: the difference comes first; local edits stay unless they are to be overwritten."""
    wherry("workspace", "edit", "project", "P-1001", "name=Berth four")
    record = answer("workspace", "show", "project", "P-1001")["data"]
    capsys.readouterr()
    assert wherry("resync", "won-deals", "9000000001", "--yes") == 4
    assert "kept" in capsys.readouterr().err
    assert answer("workspace", "show", "project", "P-1001")["data"]["fields"]["name"] == "Berth four"
    assert wherry("resync", "won-deals", "9000000001", "--yes", "--overwrite-local") == 4
    assert 'name  "Berth four" → "Berth 4 fenders"' in capsys.readouterr().err
    assert answer("workspace", "show", "project", "P-1001")["data"]["fields"]["name"] != record["fields"]["name"]


def test_a_record_that_is_not_there_is_exit_3(live: str, wherry: Wherry) -> None:
    assert wherry("plan", "won-deals", "--record", "77") == 3
    assert wherry("run", "won-deals", "--record", "77") == 3
    assert wherry("resync", "won-deals", "77", "--yes") == 3
    assert wherry("map", "preview", "won-deals", "--record", "77") == 3


def test_a_sweep_is_not_promised_to_a_run_of_single_records(live: str, wherry: Wherry) -> None:
    for only in (("--record", "9000000001"), ("--limit", "1"), ("--changed-since", "2026-01-01")):
        assert wherry("run", "won-deals", "--sweep", *only) == 2


def test_the_schedule_runs_what_is_active_and_due(live: str, wherry: Wherry, answer: Answer, folder: Path) -> None:
    text = (folder / "wherry.toml").read_text()
    (folder / "wherry.toml").write_text(text.replace('every = "1h"', 'every = "1m"'))
    answer("flow", "activate", "won-deals")
    shutil.rmtree(folder / ".wherry")
    answer("flow", "activate", "won-deals")
    ran = answer("schedule", "run", "--once", code=4)["data"]["items"]
    assert [row["flow"] for row in ran] == ["won-deals"]
    assert answer("runs", "list")["data"]["items"][0]["cause"] == "schedule"


def test_the_doctor_names_what_is_wrong_and_what_to_do(answer: Answer, folder: Path) -> None:
    (folder / ".env").unlink()
    data = answer("doctor", code=2)["data"]
    states = {check["what"]: check["state"] for check in data["checks"]}
    assert states["store"] == "ok"
    assert states["connection crm"] == "fail"
    assert all(check["fix"] for check in data["checks"] if check["state"] == "fail")


def test_a_secret_comes_from_standard_input_and_never_shows(
    folder: Path, wherry: Wherry, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (folder / "wherry.toml").read_text()
    (folder / "wherry.toml").write_text(text.replace('{ env = "WHERRY_DEMO_TOKEN" }', "{ stored = true }"))
    monkeypatch.setattr(sys, "stdin", io.StringIO("canary-4c1d-token\n"))
    assert wherry("connection", "set-secret", "crm") == 0
    assert wherry("config", "show", "--origin") == 0
    assert wherry("audit", "list") == 0
    told = capsys.readouterr()
    assert "canary-4c1d" not in told.out + told.err
    assert b"canary-4c1d" not in (folder / ".wherry" / "wherry.db").read_bytes()


def test_secrets_are_encrypted_under_a_new_key_by_one_command(
    folder: Path, answer: Answer, wherry: Wherry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """case_G13: what the old key held reads on once that is gone; a key of the environment is its owner's to change."""
    text = (folder / "wherry.toml").read_text()
    (folder / "wherry.toml").write_text(text.replace('{ env = "WHERRY_DEMO_TOKEN" }', "{ stored = true }"))
    monkeypatch.setattr(sys, "stdin", io.StringIO("canary-4c1d-token\n"))
    assert wherry("connection", "set-secret", "crm") == 0
    file = folder / ".wherry" / "key"
    old = file.read_text()
    told = answer("connection", "rekey", "--new-key")["data"]
    moved = answer("connection", "rekey")["data"]
    assert (moved["key"], moved["moved"], len(moved["retired"])) == (told["key"], 1, 1)
    new, kept = file.read_text().splitlines()
    assert (f"{kept}\n", file.stat().st_mode & 0o077) == (old, 0)
    file.write_text(new)
    assert answer("connection", "rekey")["data"] == told
    file.write_text(old)
    assert wherry("connection", "rekey") == 2
    monkeypatch.setenv("WHERRY_KEY", f"{new},{kept}")
    assert wherry("connection", "rekey", "--new-key") == 2
    assert answer("connection", "rekey")["data"]["moved"] == 0


def test_an_edited_audit_log_is_noticed(folder: Path, wherry: Wherry) -> None:
    import sqlite3

    with sqlite3.connect(folder / ".wherry" / "wherry.db") as connection:
        connection.execute("UPDATE audit SET actor = 'nobody' WHERE id = 2")
    assert wherry("audit", "verify") == 7


# -- init --------------------------------------------------------------------------------------------------------------


def test_init_writes_a_template_that_is_in_order_and_never_writes_over_a_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("HUBSPOT_TOKEN", raising=False)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "new"
    assert app.run(["init", "new", "--no-input"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[-3:] == ["Next: cd new", "      wherry doctor", "      wherry plan won-deals"]
    assert said[1].startswith("the CRM is HubSpot; for Salesforce: --template crm --from salesforce --yes")
    written = (folder / "wherry.toml").read_text()
    assert ".env" in (folder / ".gitignore").read_text()
    assert app.run(["-C", str(folder), "config", "check"]) == 0
    (folder / "wherry.toml").write_text(written + "# mine\n")
    assert app.run(["init", str(folder), "--no-input"]) == 7
    assert "# mine" in (folder / "wherry.toml").read_text()
    assert app.run(["init", str(folder), "--no-input", "--yes"]) == 0
    assert "# mine" not in (folder / "wherry.toml").read_text()
    assert app.run(["init", str(folder), "--template", "crm", "--from", "salesforce", "--yes"]) == 0
    assert 'plugin = "salesforce"' in (folder / "wherry.toml").read_text()
    assert app.run(["init", str(folder), "--template", "crm", "--from", "ledgerly", "--yes"]) == 2


def test_init_asks_tests_lists_pipelines_and_writes_what_was_chosen(
    live: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    said = ["hubspot workspace", "env", "CRM_TOKEN", "acme", "Europe/Olso", "Europe/Oslo", "kroner", "nok", "default",
            "closedwon", "January", "2026-01-01"]  # fmt: skip
    monkeypatch.setattr(sys, "stdin", Terminal("\n".join(said) + "\n"))
    monkeypatch.setenv("CRM_TOKEN", "demo-token")
    monkeypatch.setenv("HUBSPOT_URL", live)
    folder = tmp_path / "asked"
    assert app.run(["init", str(folder)]) == 0
    told = capsys.readouterr().err
    assert "hubspot reaches" in told
    assert "closedwon   Closed Won   won" in told
    assert "did you mean Europe/Oslo?" in told
    assert "'kroner' is no currency" in told
    assert "'January' is not a date" in told
    text = (folder / "wherry.toml").read_text()
    for line in ('currency = "NOK"', 'stages = ["closedwon"]', "changed_since = 2026-01-01", 'env = "CRM_TOKEN"'):
        assert line in text
    assert "demo-token" not in text
    assert app.run(["-C", str(folder), "run", "won-deals"]) == 4


def test_a_template_lists_the_pipelines_where_the_token_is_at_hand(
    live: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HUBSPOT_TOKEN", "demo-token")
    monkeypatch.setenv("HUBSPOT_URL", live)
    assert app.run(["init", str(tmp_path / "listed"), "--no-input"]) == 0
    assert "pipeline default   Sales Pipeline" in capsys.readouterr().err


def test_the_demo_template_names_the_stand_in_to_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["init", str(tmp_path / "d"), "--template", "demo"]) == 0
    assert "simulate" in capsys.readouterr().out
    assert app.run(["-C", str(tmp_path / "d"), "config", "check"]) == 0


# -- what an operator reads --------------------------------------------------------------------------------------------


def _edited(folder: Path, *pairs: tuple[str, str], more: str = "") -> None:
    text = (folder / "wherry.toml").read_text()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    (folder / "wherry.toml").write_text(text + more)


def test_a_plan_says_what_changes_from_what_to_what_and_names_the_new_ones(
    live: str, folder: Path, wherry: Wherry, capsys: pytest.CaptureFixture[str]
) -> None:
    wherry("workspace", "edit", "product", "I-1001", "name=Fender")
    capsys.readouterr()
    more = '\n[flows.catalogue.map.product]\ndescription = "text(product.name)"\n'
    _edited(folder, more=more)
    assert wherry("plan", "catalogue") == 0
    told = capsys.readouterr().out
    assert '~ change product I-1002 "Cast Bollard 50 t": description' in told
    assert '→ "Cast Bollard 50 t"' in told
    shutil.rmtree(folder / ".wherry")
    assert wherry("plan", "catalogue") == 0
    told = capsys.readouterr().out
    assert 'product "Cylindrical Fender 600"' in told
    assert "and 12 more" in told


def test_the_lines_of_a_plan_add_up_to_what_was_read(
    live: str, folder: Path, wherry: Wherry, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(folder / ".wherry")
    assert wherry("run", "won-deals") == 4
    capsys.readouterr()
    assert wherry("plan", "won-deals") == 0
    told = capsys.readouterr().out
    found = re.search(r"  read +(\d+) deals: (.*)", told)
    assert found is not None
    said = {word: int(number) for number, _, word in (part.partition(" ") for part in found[2].split(" · "))}
    assert sum(said.values()) == int(found[1])
    assert f"= same     {said['unchanged']} deals" in told


def test_refused_records_are_named_with_their_reason_before_what_was_skipped(
    live: str, folder: Path, wherry: Wherry, answer: Answer, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(folder / ".wherry")
    _edited(folder, more='\n[flows.won-deals.map.project]\nclose_date = "date(deal.dealname)"\n')
    assert wherry("plan", "won-deals") == 0
    told = capsys.readouterr().out
    assert told.index("! refused") < told.index("= skip")
    assert wherry("run", "won-deals") == 4
    told = capsys.readouterr().out
    assert told.index("! deal 9000000001: project.close_date ") < told.index("is not part of this flow")
    assert "fix  " in told
    assert answer("run", "won-deals", code=4)["data"]["refused"][0]["record"].startswith("deal 90")


def test_a_record_that_was_skipped_or_stayed_as_it_was_has_its_story_too(
    live: str, folder: Path, wherry: Wherry, answer: Answer, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(folder / ".wherry")
    answer("run", "won-deals", code=4)
    assert wherry("runs", "show", "--record", "9000000024") == 0
    told = capsys.readouterr().out
    assert "won-deals   deal 9000000024   skipped: stage Closed Lost is not a trigger stage" in told
    assert "since    20" in told
    answer("run", "won-deals", code=4)
    run = answer("runs", "list")["data"]["items"][0]["id"]
    [stands] = answer("runs", "show", run, "--record", "9000000001")["data"]["record"]
    assert (stands["fate"] in ("created", "unchanged"), stands["target"]) == (True, "P-1001")
    assert {row["flow"] for row in answer("runs", "show", "--record", "9000000001")["data"]["record"]} == {
        "catalogue", "won-deals"
    }  # fmt: skip
    assert wherry("runs", "show", "--record", "77") == 3
    assert wherry("runs", "show", run, "--record", "77") == 3


def test_a_resync_of_a_field_that_is_not_there_names_the_nearest(
    live: str, wherry: Wherry, capsys: pytest.CaptureFixture[str]
) -> None:
    assert wherry("resync", "won-deals", "9000000001", "--fields", "nmae", "--yes") == 2
    assert "did you mean name?" in capsys.readouterr().err
    assert wherry("resync", "won-deals", "9000000001", "--fields", "name,custom.company_problem", "--yes") == 4


@pytest.mark.parametrize(
    ("old", "new", "more", "told"),
    [
        ("{ project = ", "{ projekt = ", "", "did you mean project?"),
        ('kinds = ["deal"]', 'kinds = ["dael"]', "", "no records of kind dael"),
        ('"sku", "name"]', '"sku", "nmae"]', "", 'did you mean "name"?'),
        ("", "", '\n[flows.won-deals.map.project]\nname = "nope(deal.dealname)"\n', "no transform 'nope'"),
        ("", "", '\n[flows.won-deals.match.prodct]\nunmatched = "skip"\n', "did you mean product?"),
        ('enabled = ["hubspot",', 'enabled = ["hubspott",', "", "'hubspott' is not installed"),
    ],
)
def test_config_check_finds_what_would_stop_a_flow_without_asking_anybody(
    old: str, new: str, more: str, told: str, folder: Path, wherry: Wherry, capsys: pytest.CaptureFixture[str]
) -> None:
    _edited(folder, (old, new), more=more)
    assert wherry("config", "check") == 2
    err = capsys.readouterr().err
    assert told in err
    assert "docs/reference/errors.md#wherry-2" in err


def test_config_check_says_what_it_could_not_check(folder: Path, answer: Answer) -> None:
    unchecked = answer("config", "check")["data"]["not_checked"]
    assert any("pipelines and stages of won-deals" in what for what in unchecked)
    (folder / ".env").unlink()
    assert any("WHERRY_DEMO_TOKEN is not set" in what for what in answer("config", "check")["data"]["not_checked"])


def test_a_run_that_was_stopped_says_why_wherever_it_is_shown(
    wherry: Wherry, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hurried(monkeypatch)
    assert wherry("run", "catalogue") == 6
    told = capsys.readouterr()
    assert "nothing new" not in told.out
    assert told.err.count("crm does not answer, trying again") == 1
    assert wherry("runs", "show") == 0
    told = capsys.readouterr()
    assert "error WHERRY-6" in told.out
    assert "fix      " in told.out
    wherry("status")
    [row] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("catalogue")]
    assert "127.0.0.1" in row


def test_status_is_exit_5_when_a_connection_needs_a_new_sign_in(folder: Path, wherry: Wherry, answer: Answer) -> None:
    with Hub.open(folder) as hub, hub.store.write() as tx:
        row = registry.connection(tx, "crm")
        assert row is not None
        registry.update_connection(tx, row.id, state="reconnect", reason="the token was refused")
    assert wherry("status") == 5
    assert "wherry" in answer("status", code=5)["next"][0]


def test_every_question_shows_its_state_and_taking_an_answer_back_says_what_stays(
    wherry: Wherry, answer: Answer, capsys: pytest.CaptureFixture[str]
) -> None:
    wherry("triage", "create", "T-1")
    capsys.readouterr()
    wherry("triage", "list", "--state", "all")
    assert "answered: I-1016 by" in capsys.readouterr().out
    undone = answer("triage", "undo", "T-1")["data"]
    assert (undone["was"], undone["orphan"]) == ("created", "I-1016")
    answer("triage", "ignore", "T-1", "--reason", "not ours")
    [row] = answer("triage", "list", "--state", "ignored")["data"]["items"]
    assert (row["state"], row["reason"]) == ("ignored", "not ours")
    assert answer("triage", "list", "--state", "answered")["data"]["items"] == []
    capsys.readouterr()
    wherry("triage", "undo", "T-1")
    assert "is open again; it was ignored: not ours" in capsys.readouterr().out
    wherry("triage", "list", "--state", "all")
    assert "  open   asked " in capsys.readouterr().out


def test_discovery_shows_only_what_was_asked_for(
    live: str, wherry: Wherry, answer: Answer, capsys: pytest.CaptureFixture[str]
) -> None:
    wherry("connection", "discover", "crm", "pipelines")
    told = capsys.readouterr().out
    assert "ticket   1 pipeline\n" in told
    assert "closedwon" not in told
    assert "company" not in told
    wherry("connection", "discover", "crm", "stages")
    assert "closedwon   Closed Won   won" in capsys.readouterr().out
    assert set(answer("connection", "discover", "crm", "fields")["data"]["kinds"]["deal"]) == {"fields"}


def test_values_are_read_as_people_write_them(live: str, wherry: Wherry, capsys: pytest.CaptureFixture[str]) -> None:
    wherry("map", "preview", "won-deals", "--record", "9000000001")
    told = capsys.readouterr().out
    assert "19,020.00 NOK" in told
    assert "with 2 line items: 9000000001, 9000000002" in told
    assert "{" not in told
    wherry("flow", "show", "won-deals")
    told = capsys.readouterr().out
    assert "pipeline default" in told
    assert "stages won" in told
    wherry("config", "show", "--origin")
    assert "with WHERRY_DEMO_URL of .env" in capsys.readouterr().out


def test_a_schedule_that_runs_too_often_is_only_a_warning_where_connections_are_looked_after(
    folder: Path, wherry: Wherry, capsys: pytest.CaptureFixture[str]
) -> None:
    _edited(folder, ('every = "1h"', 'every = "1m"'), more='\n[subscription]\ntier = "free"\n')
    assert wherry("flow", "list") == 2
    capsys.readouterr()
    assert wherry("connection", "list") == 0
    assert "runs more often" in capsys.readouterr().err
