"""The page for operators, carried out: its project file, its commands, against the stand-in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from wherry.cli import app
from wherry.simulator import serve
from wherry_netsuite.simulator import App, NetSuiteSimulator

PAGE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "connect-netsuite.md"
CHARGES = """InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
536365,85123A,HANGING HEART,6,13/02/2026 08:26,2.55,17850,United Kingdom
C536379,85123A,HANGING HEART,-1,14/02/2026 09:41,2.55,17850,United Kingdom
"""


def test_the_page_leads_to_invoices_in_the_books(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """b_001_83, b_003_05"""
    if not PAGE.is_file():
        pytest.skip("needs the page of the source tree")
    key = ec.generate_private_key(ec.SECP256R1())
    pem = serialization.Encoding.PEM
    none = serialization.NoEncryption()
    (tmp_path / "netsuite.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, none))
    public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    strict = NetSuiteSimulator(app=App("abc", {"custcertificate1": public}))
    told = re.search(r"^```toml\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert told is not None
    monkeypatch.setenv("BOOKS_CLIENT_ID", "abc")

    def does(*words: str) -> str:
        code = app.run(["-C", str(tmp_path), "--yes", *words])
        said = capsys.readouterr()
        assert code == 0, said.err
        return said.out

    with serve(strict.app()) as url:
        project = told[1].replace('account = "1234567"', f'account = "1234567"\nbase_url = "{url}"')
        project = project.replace('"required"', '"automatic"').replace('"triage"', '"create"')
        (tmp_path / "wherry.toml").write_text(project, "utf-8")
        (tmp_path / "charges.csv").write_text(CHARGES, "utf-8")
        assert "reaches NetSuite account 1234567, subsidiary 1" in does("connection", "test", "books")
        assert "12 posting accounts" in does("accounts", "import", "books")
        does("workspace", "import", "online-retail", str(tmp_path / "charges.csv"), "--currency", "USD")
        assert "1 invoice" in does("plan", "invoices")
        does("run", "invoices")
        does("run", "invoices")
        assert "They agree." in does("reconcile", "invoices")
    made = [entry.what for entry in strict.history.effects()]
    assert sorted(made) == ["creditMemo.created", "customer.created", "invoice.created", "serviceSaleItem.created"]
