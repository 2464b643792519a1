"""The workspace in a project, through the real command line: what an operator types and what comes out."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from wherry.cli.app import run as wherry

PROJECT = """
version = 1
[project]
name = "acme"
timezone = "America/Chicago"
currency = "USD"
[plugins]
enabled = ["workspace"]
[connections.platform]
plugin = "workspace"
"""


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    (tmp_path / "wherry.toml").write_text(PROJECT)

    def run(*words: str, rc: int = 0) -> str:
        code = wherry(["-C", str(tmp_path), "workspace" if words[0] != "audit" else words[0],
                       *(words if words[0] != "audit" else words[1:])])  # fmt: skip
        said = capsys.readouterr()
        assert code == rc, said
        return said.out + (said.err if rc else "")

    return run


def test_a_file_goes_in_is_worked_on_and_comes_out(run: Any, tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("name;number\nAcme;17\n=Bolt;18\n")
    (tmp_path / "p.csv").write_text("name,customer,amount,currency\nFence,Acme,1250.5,USD\n")
    run("import", "customer", str(tmp_path / "c.csv"))
    run("import", "project", str(tmp_path / "p.csv"))
    run("edit", "project", "P-1001", "stage=won", "amount=99")
    assert json.loads(run("count", "--output", "json"))["data"]["customer"] == 2
    assert "C-1001  Acme" in run("show", "project", "P-1001")
    listed = json.loads(run("list", "project", "--output", "json"))
    assert listed["schema"] == "wherry.workspace.list/1"
    assert listed["data"]["items"][0]["amount"] == {"minor": 9900, "currency": "USD"}
    assert run("list", "customer", "--output", "csv").splitlines()[2].startswith("C-1002,'=Bolt,18,")
    run("export", "--to", str(tmp_path / "out"))
    with (tmp_path / "out" / "project.csv").open(newline="", encoding="utf-8") as handle:
        [row] = csv.DictReader(handle)
    assert (row["amount"], row["amount_currency"], row["stage"], row["customer"]) == ("99.00", "USD", "won", "C-1001")
    log = [
        (entry["action"], entry["object"])
        for entry in json.loads(run("audit", "list", "--output", "json"))["data"]["items"]
    ]
    assert [entry for entry in log if entry[0].startswith("workspace.")] == [
        ("workspace.edit", "project/P-1001"), ("workspace.import", "project"), ("workspace.import", "customer"),
    ]  # fmt: skip


def test_mistakes_end_with_their_own_exit_code_and_a_way_out(run: Any, tmp_path: Path) -> None:
    assert "did you mean 'project'" in run("list", "projcet", rc=3)
    assert "no project 'P-1'" in run("show", "project", "P-1", rc=3)
    assert "there is no file" in run("import", "customer", str(tmp_path / "none.csv"), rc=3)
    (tmp_path / "c.csv").write_text("name,numbr\nAcme,17\n")
    assert "did you mean 'number'" in run("import", "customer", str(tmp_path / "c.csv"), rc=2)
    (tmp_path / "c.csv").write_text("name,number\nAcme,17\n,18\n")
    assert "row 3  name: is required" in run("import", "customer", str(tmp_path / "c.csv"), rc=4)
    assert "no customers" in run("list", "customer")
    run("import", "customer", str(tmp_path / "c.csv"), "--skip-bad", rc=4)
    assert "did you mean 'city'" in run("edit", "customer", "C-1001", "cty=Reno", rc=2)
    assert "no connection books" in run("count", "--connection", "books", rc=3)


def test_wallet_transactions_come_in_by_the_command_line(run: Any, tmp_path: Path) -> None:
    """b_004_04: days are cut in the project's zone, what is under one cent is told, a bad row ends with exit code 4."""
    path = tmp_path / "w.csv"
    path.write_text(
        "Wallet;Date;Asset;Amount;Fiat Value;Category;Reference\n"
        'Hot;2026-02-01T05:30:00Z;ETH;0,5;"1.250,50";staking;T-1\n'
        "Hot;31.01.2026 23:59;USDC;1;0,0042;fees;T-2\nHot;32.01.2026;USDC;1;5;fees;T-3\n"
    )
    told = run("import", "wallet", str(path), rc=4)
    assert "every number of the file fits --numbers 1.234,50" in told
    assert "every day of the file fits --days day-month-year" in told
    spelling = ("--numbers", "1.234,50", "--days", "day-month-year")
    assert "nothing was imported, as 1 row is bad" in run("import", "wallet", str(path), *spelling, rc=4)
    said = run("import", "wallet", str(path), *spelling, "--skip-bad", rc=4)
    assert "2 created, 0 updated, 0 unchanged, 1 left out" in said
    assert "1 of them under the smallest coin, 0.0042 USD in all" in said
    assert "row 4  date: '32.01.2026' is not a day or moment as in day-month-year" in said
    listed = json.loads(run("list", "ledger-transaction", "--output", "json"))["data"]["items"]
    assert [(one["date"], one["amount"]) for one in listed] == [
        ("2026-01-31", {"minor": 125050, "currency": "USD"}), ("2026-01-31", {"minor": 0, "currency": "USD"}),
    ]  # fmt: skip
    report = json.loads(run("import", "ledger-transaction", str(path), *spelling, "--output", "json", rc=4))["data"]
    assert (report["creates"], report["unchanged"], report["small_totals"]) == (0, 2, {"USD": "0.0042"})
    assert "is for wallet transactions" in run("import", "customer", str(path), "--days", "year-month-day", rc=2)
    assert "is not a time zone" in run("import", "wallet", str(path), "--clock", "Mars", rc=2)
