"""The page for operators, carried out: its project file, its commands, against the stand-in."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from wherry.simulator import serve
from wherry.testing.commands import Commands
from wherry_netsuite.simulator import App, NetSuiteSimulator

PAGE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "connect-netsuite.md"
CHARGES = """InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
536365,85123A,HANGING HEART,6,13/02/2026 08:26,2.55,17850,United Kingdom
C536379,85123A,HANGING HEART,-1,14/02/2026 09:41,2.55,17850,United Kingdom
"""


class Page(Commands):
    """The page's project in a folder of its own."""

    books: NetSuiteSimulator
    key: str


@pytest.fixture
def page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Page]:  # fmt: skip
    if not PAGE.is_file():
        pytest.skip("needs the page of the source tree")
    key = ec.generate_private_key(ec.SECP256R1())
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    (tmp_path / "netsuite.pem").write_text(private, "utf-8")
    public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    strict = NetSuiteSimulator(app=App("abc", {"custcertificate1": public}))
    told = re.search(r"^```toml\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert told is not None
    monkeypatch.setenv("BOOKS_CLIENT_ID", "abc")

    with serve(strict.app()) as url:
        (tmp_path / "wherry.toml").write_text(told[1], "utf-8")
        made = Page(tmp_path, capsys)
        made.books, made.key = strict, private
        made.setting('account = "1234567"', f'account = "1234567"\nbase_url = "{url}"')
        yield made


def test_the_page_leads_to_invoices_in_the_books(page: Page) -> None:
    """b_001_83, b_003_05"""
    page.setting('"required"', '"automatic"')
    page.setting('"triage"', '"create"')
    (page.folder / "charges.csv").write_text(CHARGES, "utf-8")
    assert "reaches NetSuite account 1234567, subsidiary 1" in page.does("connection test books")
    assert "12 posting accounts" in page.does("accounts import books")
    page.does("workspace import online-retail charges.csv --currency USD")
    assert "1 invoice" in page.does("plan invoices")
    page.does("run invoices")
    page.does("run invoices")
    assert "They agree." in page.does("reconcile invoices")
    made = [entry.what for entry in page.books.history.effects()]
    assert sorted(made) == ["creditMemo.created", "customer.created", "invoice.created", "serviceSaleItem.created"]


def test_what_is_only_written_to_leads_to_its_plan_and_not_to_what_it_cannot_tell(page: Page) -> None:
    assert page.does("connection test books").endswith(" plan invoices\n")
    page.does("connection discover books", code=3)


def test_disconnecting_an_app_that_signs_in_by_itself_says_whether_its_flows_go_on(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.does("connection test books")
    said = page.does("connection disconnect books --yes")
    assert "connections.books.auth.client_secret, which is read from file" in said
    assert "until that is taken away it signs in again by itself, and these flows go on: invoices" in said
    assert said.endswith("flow pause invoices\n")
    page.does("run invoices")
    page.setting('{ file = "netsuite.pem" }', "{ stored = true }")
    monkeypatch.setattr("sys.stdin", io.StringIO(page.key))
    page.does("connection set-secret books")
    page.does("connection test books")
    said = page.does("connection disconnect books --yes")
    assert "until somebody signs in again, these flows do not run: invoices" in said
    assert said.endswith("connection set-secret books\n")
    page.does("run invoices", code=5)
