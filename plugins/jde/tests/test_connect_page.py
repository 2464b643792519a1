"""The page for operators, carried out: its project file, its commands, against the stand-in."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from wherry.cli import app
from wherry.simulator import serve
from wherry.testing.clock import hurried
from wherry_jde.simulator import JdeSimulator

PAGE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "connect-jde.md"
CHARGES = """InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
536365,220,TOURING BIKE,6,13/02/2026 08:26,2.55,17850,United Kingdom
536366,220,TOURING BIKE,1,14/02/2026 09:41,2.55,17850,United Kingdom
C536367,220,TOURING BIKE,-2,15/02/2026 09:41,2.55,17850,United Kingdom
"""
HALF_DONE = {"jde__status": "ERROR", "errors": [{"TITLE": "Attachment failed"}]}
"""What an orchestration answers that has entered the order, goes on after an error, and gives no number."""
Does = Callable[..., str]


@pytest.fixture
def sim() -> JdeSimulator:
    return JdeSimulator(password="s3cret")


def project(text: str) -> str:
    told = re.search(r"^```toml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert told is not None
    return told[1].replace("JPD920", "JDV920").replace('"required"', '"automatic"')


@pytest.fixture
def does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Does:
    monkeypatch.setenv("BOOKS_PASSWORD", "s3cret")
    hurried(monkeypatch, wall=True)
    (tmp_path / "charges.csv").write_text(CHARGES, "utf-8")

    def command(*words: str, ends: int = 0) -> str:
        code = app.run(["-C", str(tmp_path), "--yes", *words])
        said = capsys.readouterr()
        assert code == ends, said.err
        return said.out + said.err

    return command


def page() -> str:
    if not PAGE.is_file():
        pytest.skip("needs the page of the source tree")
    return PAGE.read_text("utf-8")


def test_the_page_leads_to_orders_in_the_books(sim: JdeSimulator, tmp_path: Path, does: Does) -> None:
    """b_003_06, b_003_11"""
    with serve(sim.app()) as url:
        text = project(page()).replace("https://ais.example.com:9300", url)
        (tmp_path / "wherry.toml").write_text(text, "utf-8")
        assert "reaches Model Company (JDV920/00001)" in does("connection", "test", "books")
        assert "8 posting accounts" in does("accounts", "import", "books")
        does("workspace", "import", "online-retail", str(tmp_path / "charges.csv"), "--currency", "USD")
        assert "3 invoices" in does("plan", "invoices")
        sim.faults.add("status", status=200, committed=True, path="HUB_AddSalesOrder", body=HALF_DONE)
        does("run", "invoices")
        does("run", "invoices")
        assert "They agree." in does("reconcile", "invoices")
    made = [entry.what for entry in sim.history.effects()]
    assert made == ["customer.created", "invoice.created", "invoice.created", "credit_memo.created"]
    assert sim.site.tables["F4201"][0]["inputs"]["BranchPlant"] == "30"
    assert sim.sessions == {}, "every command has given its session back"


def test_what_was_lost_waits_for_a_person_where_nothing_can_be_found(
    sim: JdeSimulator, tmp_path: Path, does: Does
) -> None:
    """case_A26"""
    with serve(sim.app()) as url:
        text = project(page()).replace("https://ais.example.com:9300", url)
        text = re.sub('void = "HUB_.*"', 'find = ""', text).replace(
            "[connections.books.orchestrations.customer]", '[connections.books.orchestrations.customer]\nfind = ""'
        ).replace("[connections.books.orchestrations.journal_entry]\n", "")  # fmt: skip
        (tmp_path / "wherry.toml").write_text(text, "utf-8")
        does("workspace", "import", "online-retail", str(tmp_path / "charges.csv"), "--currency", "USD")
        sim.faults.add("lost", path="HUB_AddSalesOrder")
        sim.faults.add("status", status=200, committed=True, path="HUB_AddSalesOrder", body=HALF_DONE)
        does("run", "invoices", ends=4)
        does("run", "invoices", ends=4)
        assert len(sim.history.effects("invoice.created")) == 2, "none went twice"
        numbers = re.findall(r"^ +(E-\d+)", does("errors", "list"), re.MULTILINE)
        shown = [does("errors", "show", number) for number in numbers]
        assert ["Attachment failed" in one for one in shown] == [False, True]
        for one in shown:
            assert all(choice in one for choice in ("--link ID", "--send-again", "--abandon"))
        for number, row in zip(numbers, sim.site.tables["F4201"], strict=False):
            does("errors", "resolve", number, "--link", f"{row['DOCO']}/SO")
        does("run", "invoices")
    assert len(sim.history.effects("invoice.created")) == 2


def test_what_jd_edwards_refused_goes_again_with_its_record_once_that_was_mended_there(
    sim: JdeSimulator, tmp_path: Path, does: Does
) -> None:
    """Its words are no answer to what nobody asked again."""
    with serve(sim.app()) as url:
        (tmp_path / "wherry.toml").write_text(project(page()).replace("https://ais.example.com:9300", url), "utf-8")
        does("workspace", "import", "online-retail", str(tmp_path / "charges.csv"), "--currency", "USD")
        sim.faults.add("status", status=500, path="HUB_AddSalesOrder", body={"status": "ERROR", **HALF_DONE}, times=2)
        assert "JD Edwards refused it: Attachment failed" in does("run", "invoices", ends=4)
        for record in ("INV-1001", "INV-1002"):
            assert "would be refused" not in does("resync", "invoices", record, ends=4 if record == "INV-1001" else 0)
    assert len(sim.history.effects("invoice.created")) == 2
