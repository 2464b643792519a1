"""The page for operators, carried out: its project file, its commands, against the stand-in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from wherry.cli import app
from wherry.simulator import serve
from wherry_intacct.simulator import IntacctSimulator, Login

PAGE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "connect-intacct.md"
LOGIN = Login("acme_sender", "canary-sender-71c2", "xml_gateway", "canary-user-71c3")
CHARGES = """InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
536365,85123A,HANGING HEART,6,13/02/2026 08:26,2.55,17850,United Kingdom
C536379,85123A,HANGING HEART,-1,14/02/2026 09:41,2.55,17850,United Kingdom
"""


class Page(NamedTuple):
    """The page's project in a folder of its own; ``does`` is a command that ends with this exit code."""

    folder: Path
    books: IntacctSimulator
    does: Callable[..., str]

    def setting(self, before: str, after: str) -> None:
        file = self.folder / "wherry.toml"
        assert before in file.read_text("utf-8")
        file.write_text(file.read_text("utf-8").replace(before, after), "utf-8")


@pytest.fixture
def page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Page]:  # fmt: skip
    if not PAGE.is_file():
        pytest.skip("needs the page of the source tree")
    strict = IntacctSimulator(company="acme", login=LOGIN)
    told = re.search(r"^```toml\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert told is not None
    monkeypatch.setenv("BOOKS_SENDER_PASSWORD", LOGIN.sender_password)
    monkeypatch.setenv("BOOKS_PASSWORD", LOGIN.password)

    def does(*words: str, code: int = 0) -> str:
        assert app.run(["-C", str(tmp_path), "--yes", *words]) == code
        said = capsys.readouterr()
        assert "canary" not in said.out + said.err
        return said.out + said.err

    with serve(strict.app()) as url:
        (tmp_path / "wherry.toml").write_text(told[1], "utf-8")
        made = Page(tmp_path, strict, does)
        made.setting('company = "acme"', f'company = "acme"\nbase_url = "{url}"')
        yield made


def test_the_page_leads_to_invoices_in_the_books(page: Page) -> None:
    """b_001_83, b_003_04"""
    page.setting('"required"', '"automatic"')
    page.setting('"triage"', '"create"')
    (page.folder / "charges.csv").write_text(CHARGES, "utf-8")
    assert "reaches Sage Intacct company acme" in page.does("connection", "test", "books")
    assert "10 posting accounts" in page.does("accounts", "import", "books")
    page.does("workspace", "import", "online-retail", str(page.folder / "charges.csv"), "--currency", "USD")
    assert "1 invoice" in page.does("plan", "invoices")
    page.does("run", "invoices")
    page.does("run", "invoices")
    assert "They agree." in page.does("reconcile", "invoices")
    made = [entry.what for entry in page.books.history.effects()]
    assert sorted(made) == ["ARADJUSTMENT.created", "ARINVOICE.created", "CUSTOMER.created", "ITEM.created"]
    kept = b"".join(path.read_bytes() for path in page.folder.rglob("*") if path.is_file())
    assert b"canary" not in kept, "no request is stored with its credentials"


def test_a_password_that_was_changed_pauses_the_flow_and_says_what_to_do(page: Page) -> None:
    page.does("connection", "test", "books")
    page.books.login = Login(LOGIN.sender, LOGIN.sender_password, LOGIN.user, "canary-changed-71c4")
    page.books.forget()
    said = page.does("connection", "test", "books", code=5)
    assert "WHERRY-5711" in said
    assert "Web Services authorizations" in said
    page.books.login = Login(LOGIN.sender, "canary-changed-71c5", LOGIN.user, LOGIN.password)
    assert "WHERRY-5710" in page.does("connection", "test", "books", code=5)


def test_a_lost_answer_is_told_with_the_moment_from_which_it_is_looked_for(page: Page) -> None:
    """Nobody has asked for the wait but what was sent, which may still arrive."""
    page.setting('"required"', '"automatic"')
    page.setting('"triage"', '"create"')
    (page.folder / "charges.csv").write_text(CHARGES, "utf-8")
    page.does("workspace", "import", "online-retail", str(page.folder / "charges.csv"), "--currency", "USD")
    page.books.faults.add("lost", path="na12", after=6)
    said = page.does("run", "invoices", code=6)
    assert "WHERRY-6063" in said
    assert "may still arrive" in said
