"""The page for operators, carried out: its project file, its commands, against the stand-in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from wherry.simulator import serve
from wherry.testing.commands import Commands
from wherry_xero.simulator import App, XeroSimulator

PAGE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "connect-xero.md"
CHARGES = """InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
536365,85123A,HANGING HEART,6,13/02/2026 08:26,2.55,17850,United Kingdom
C536379,85123A,HANGING HEART,-1,14/02/2026 09:41,2.55,17850,United Kingdom
"""


@pytest.mark.parametrize("kind", ["oauth2", "client"])
def test_the_page_leads_to_invoices_in_the_books(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Signed in by a person, or as a custom connection."""
    if not PAGE.is_file():
        pytest.skip("needs the page of the source tree")
    strict = XeroSimulator(app=App("abc", "s3cret", custom=kind == "client"), limits="real")
    text = PAGE.read_text("utf-8")
    told = re.search(r"^```toml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    other = re.search(r"^```text\n(\[connections.books.auth\]\n.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert told is not None
    assert other is not None
    monkeypatch.setenv("BOOKS_CLIENT_ID", "abc")
    monkeypatch.setenv("BOOKS_CLIENT_SECRET", "s3cret")

    does = Commands(tmp_path, capsys).does
    with serve(strict.app()) as url:
        project = told[1].replace('plugin = "xero"', f'plugin = "xero"\nbase_url = "{url}"')
        if kind == "client":
            project = re.sub(r"\[connections.books.auth\]\n(?:.+\n)+", other[1], project)
        project = project.replace('"required"', '"automatic"').replace('"triage"', '"create"')
        (tmp_path / "wherry.toml").write_text(project, "utf-8")
        (tmp_path / "charges.csv").write_text(CHARGES, "utf-8")
        if kind == "oauth2":
            assert "books is connected to Demo Company (UK)" in does("connect books --no-browser")
        assert "reaches Demo Company (UK)" in does("connection test books")
        if kind == "client":
            return
        assert "12 posting accounts" in does("accounts import books")
        does("workspace import online-retail charges.csv --currency GBP")
        assert "1 invoice" in does("plan invoices")
        does("run invoices")
        does("run invoices")
        assert "They agree." in does("reconcile invoices")
    made = [entry.what for entry in strict.history.effects() if not entry.what.startswith("token")]
    assert sorted(made) == ["Contacts.created", "CreditNotes.created", "Invoices.created", "Items.created"]
