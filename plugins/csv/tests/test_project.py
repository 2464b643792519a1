"""Folders at both ends of a project, through the real command line: rows become journals in files, each once."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from wherry.cli.app import run as wherry

PROJECT = """
version = 1
[project]
name = "treasury"
timezone = "America/New_York"
currency = "USD"
[plugins]
enabled = ["csv"]
[connections.wallets]
plugin = "csv"
folder = "in"
quiet = 0
[connections.wallets.records.transaction]
files = "wallet*.csv"
id = "id"
[connections.wallets.records.customer]
files = "customer*.csv"
id = "number"
[connections.books]
plugin = "csv"
folder = "out"
[flows.customers]
source = "wallets"
sink = "books"
kinds = ["customer"]
approval = "automatic"
repeat = "always"
[flows.wallet-journals]
source = "wallets"
sink = "books"
kinds = ["transaction"]
document = "journal"
accounts = "tables/accounts.csv"
group = "month"
books_from = 2026-01-01
approval = "automatic"
"""
WALLET = """id,date,amount,currency,debit,credit,category,wallet,description
T-1,2026-01-05,100.00,USD,1000,4000,,W1,mined
T-2,2026-01-06,2.50,USD,,,fees,W1,=gas
T-3,2026-02-06,3.00,USD,,,fees,W1,gas
"""


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    for name in ("in", "out", "tables"):
        (tmp_path / name).mkdir()
    (tmp_path / "wherry.toml").write_text(PROJECT)
    (tmp_path / "tables" / "accounts.csv").write_text("category,debit,credit\nfees,6000,1000\n")
    chart = "code,name,type,currency\n1000,Wallet,bank,USD\n4000,Income,income,USD\n6000,Fees,expense,USD\n"
    (tmp_path / "out" / "accounts.csv").write_text(chart)

    def run(*words: str, rc: int = 0) -> Any:
        code = wherry(["-C", str(tmp_path), *words, "--output", "json"])
        said = capsys.readouterr()
        assert code == rc, said
        return json.loads(said.out)["data"] if said.out else None

    return run


def journals(tmp_path: Path) -> dict[str, dict[str, Decimal]]:
    """Day → account → sum, of every journal file in the folder."""
    found: dict[str, dict[str, Decimal]] = {}
    for path in sorted((tmp_path / "out").glob("journal_entry-*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as stream:
            for row in csv.DictReader(stream):
                day = found.setdefault(row["Date"], {})
                total = Decimal(row["Debit"] or 0) - Decimal(row["Credit"] or 0)
                day[row["Account"]] = day.get(row["Account"], Decimal(0)) + total
    return found


def test_transactions_of_a_file_become_balanced_journals_in_files_each_once(run: Any, tmp_path: Path) -> None:
    """b_000_08 b_004_01 b_004_15: from a wallet's CSV to files for any system."""
    (tmp_path / "in" / "wallet1.csv").write_text(WALLET)
    run("run", "wallet-journals")
    expected = {
        "2026-01-31": {"1000": Decimal("97.50"), "4000": Decimal("-100.00"), "6000": Decimal("2.50")},
        "2026-02-28": {"1000": Decimal("-3.00"), "6000": Decimal("3.00")},
    }
    assert journals(tmp_path) == expected
    before = sorted(path.name for path in (tmp_path / "out").iterdir())
    run("run", "wallet-journals")
    (tmp_path / "in" / "wallet1.csv").touch()
    run("run", "wallet-journals")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == before


def test_a_row_that_was_deleted_after_it_was_booked_counts_as_what_was_booked(run: Any, tmp_path: Path) -> None:
    """I9: it counted as nothing, and in every period."""
    wallet = tmp_path / "in" / "wallet1.csv"
    wallet.write_text(WALLET)
    run("run", "wallet-journals")
    wallet.write_text(WALLET.replace("T-2,2026-01-06,2.50,USD,,,fees,W1,=gas\n", ""))
    for period, minor in (("2026-01", 102_50), ("2026-02", 3_00)):
        source = run("reconcile", "wallet-journals", "--period", period)["source"]
        assert (source["source"], source["sums"]) == ({"USD": minor}, {"posted": {"USD": minor}})


def test_a_junk_row_is_listed_and_the_rest_is_booked(run: Any, tmp_path: Path) -> None:
    """case_D14"""
    (tmp_path / "in" / "wallet1.csv").write_text(WALLET + "T-4,2026-02-06\n")
    run("run", "wallet-journals", rc=4)
    assert set(journals(tmp_path)) == {"2026-01-31", "2026-02-28"}
    said = json.dumps(run("errors", "list", rc=0))
    assert "row 5 of wallet1.csv has 2 cells" in said


def test_customers_are_carried_over_and_a_change_is_another_file_about_the_same(run: Any, tmp_path: Path) -> None:
    source = tmp_path / "in" / "customers.csv"
    source.write_text("number,name,city\n17,Acme,Reno\n18,=Bolt,NY\n")
    run("run", "customers")
    source.write_text("number,name,city\n17,Acme,Boise\n18,=Bolt,NY\n")
    run("run", "customers")
    rows = []
    for path in sorted((tmp_path / "out").glob("customer-17-*.csv"), key=lambda path: path.stat().st_mtime_ns):
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows += [(row["action"], row["id"], row["city"]) for row in csv.DictReader(stream)]
    assert rows == [("create", "Acme", "Reno"), ("update", "Acme", "Boise")]
    assert len(list((tmp_path / "out").glob("customer-18-*.csv"))) == 1


def test_a_folder_that_took_the_place_of_another_is_not_written_to(run: Any, tmp_path: Path) -> None:
    """I12: right data in the wrong company."""
    (tmp_path / "in" / "customers.csv").write_text("number,name\n17,Acme\n")
    run("run", "customers")
    (tmp_path / "out").rename(tmp_path / "old")
    (tmp_path / "out").mkdir()
    (tmp_path / "in" / "customers.csv").write_text("number,name\n17,Acme\n19,Cole\n")
    run("run", "customers", rc=7)
    assert list((tmp_path / "out").glob("*.csv")) == []


def test_a_movement_that_could_not_be_read_can_be_tried_again(run: Callable[..., Any], tmp_path: Path) -> None:
    """Its place is the subledger, which no connection is bound to."""
    place = tmp_path / "in" / "wallet.csv"
    place.write_text(WALLET.replace("2026-02-06", "06/02/2026"))
    run("run", "wallet-journals", rc=4)
    [again] = run("errors", "retry", "E-1", rc=4)["items"]
    assert again["state"] == "refused"
    place.write_text(WALLET)
    run("errors", "retry", "E-1")
    assert list(journals(tmp_path)) == ["2026-01-31", "2026-02-28"]


def test_rows_that_no_column_told_apart_come_in_once_another_does_and_are_refused_no_longer(
    run: Callable[..., Any], tmp_path: Path
) -> None:
    """I1: of such a file nothing was carried over, so that nothing is carried over once more."""
    project, place = (tmp_path / "wherry.toml").read_text(), tmp_path / "in" / "wallet.csv"
    place.write_text(WALLET)
    (tmp_path / "wherry.toml").write_text(project.replace('id = "id"', 'id = "ident"'))
    assert run("run", "wallet-journals", rc=4)["fates"] == {"transaction": {"refused": 3}}
    (tmp_path / "wherry.toml").write_text(project)
    run("run", "wallet-journals")
    assert list(journals(tmp_path)) == ["2026-01-31", "2026-02-28"]
    assert run("errors", "list")["items"] == []
    place.write_text(WALLET + ",2026-03-06,3.00,USD,,,fees,W1,gas\n")
    run("run", "wallet-journals", rc=4)
    place.write_text(WALLET + "T-4,2026-03-06,3.00,USD,,,fees,W1,gas\n")
    run("run", "wallet-journals")
    assert run("errors", "list")["items"] == []
