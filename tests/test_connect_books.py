"""Connecting to accounting: the company comes back on the redirect alone, and is what is written to from then on."""

from __future__ import annotations

import contextlib
import json
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from wherry.cli import app
from wherry.hub import Hub
from wherry.signin import FIELD, Tokens
from wherry.simulator import serve
from wherry.testing.clock import hurried
from wherry.testing.commands import Commands
from wherry_quickbooks.simulator import OAuthApp, QuickBooksSimulator

from .projects import INVOICES

FIRST, SECOND = "9130347596842384", "9130347596849999"
SECRET = "canary-books-secret-5"


@pytest.fixture
def books() -> QuickBooksSimulator:
    app_of_ours = OAuthApp(client_id="books-client", client_secret=SECRET, rotate_every=0, revoke_family=True)
    return QuickBooksSimulator(oauth=app_of_ours, companies=(FIRST, SECOND), currency="GBP", tax="uk", limits="none")


@pytest.fixture
def url(books: QuickBooksSimulator) -> Iterator[str]:
    with serve(books.app()) as served:
        yield served


@pytest.fixture
def folder(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in {"URL": url, "CLIENT_ID": "books-client", "CLIENT_SECRET": SECRET}.items():
        monkeypatch.setenv(f"BOOKS_{name}", value)
    hurried(monkeypatch)
    (tmp_path / "wherry.toml").write_text(INVOICES)
    return tmp_path


@pytest.fixture
def ask(folder: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    return lambda *words, code=0: Commands(folder, capsys).told(shlex.join(words), code)


def kept(folder: Path) -> Tokens | None:
    with Hub.open(folder) as hub:
        text = hub.wiring.vault.get("books", FIELD)
    return None if text is None else msgspec.json.decode(text, type=Tokens)


def test_the_company_of_the_redirect_is_connected_and_stays_after_renewals(ask, folder, books):
    data = ask("connect", "books", "--no-browser")["data"]
    assert data["account_id"] == FIRST
    assert ask("connection", "test", "books")["data"]["account_id"] == FIRST
    for _ in range(2):
        ask("connection", "rotate", "books")
    tokens = kept(folder)
    assert tokens is not None
    assert tokens.extra == {"realmId": FIRST}
    assert ask("connection", "test", "books")["data"]["account_id"] == FIRST


def test_without_a_sign_in_the_command_that_signs_in_is_named(ask):
    error = ask("connection", "test", "books", code=5)["error"]
    assert "wherry connect books" in error["fix"]


def test_another_company_is_refused_and_the_one_at_hand_is_still_reached(ask, folder, books):
    """case_E6, I12: one app, two companies"""
    ask("connect", "books")
    before = kept(folder)
    books.oauth.consents_to = SECOND
    error = ask("connect", "books", code=7)["error"]
    assert (error["code"], SECOND in error["message"]) == ("WHERRY-7030", True)
    assert kept(folder) == before
    assert ask("connection", "test", "books")["data"]["account_id"] == FIRST


def test_a_connection_that_was_given_another_name_is_signed_in_to_and_adopted(ask, folder):
    """A company is known under the old name until then, and adopting it has to reach it."""
    ask("connect", "books")
    run = ask("run", "invoices")["data"]["run"]
    path = folder / "wherry.toml"
    path.write_text(
        path.read_text().replace("[connections.books]", "[connections.ledger]").replace('"books"', '"ledger"')
    )
    assert "wherry connect ledger" in ask("connection", "adopt", "ledger", code=5)["error"]["fix"]
    assert ask("connect", "ledger", code=2)["error"]["fix"].startswith("wherry connection adopt ledger,")
    assert "connection adopt ledger" in ask("runs", "undo", run, "--yes", code=3)["error"]["fix"]
    assert ask("connection", "adopt", "ledger")["data"]["was"] == "books"
    assert ask("connection", "test", "ledger")["data"]["account_id"] == FIRST


def test_a_company_told_on_the_redirect_but_not_consented_to_is_not_let_in(ask, folder, books):
    """The address is in a person's hands: what it says of the company counts only if the tokens open it."""
    books.faults.add("html", path="/connect/oauth2")
    link = ask("connect", "books", code=4)["data"]["link"]
    answer = httpx.URL(httpx.get(link).headers["location"]).copy_merge_params({"realmId": SECOND})
    ask("connect", "books", "--answer", str(answer), code=5)
    assert kept(folder) is None


def test_disconnecting_tells_the_vendor_and_runs_name_the_way_back(ask, folder, books):
    ask("connect", "books")
    assert ask("connection", "disconnect", "books", "--yes")["data"]["vendor"] == "ended the sign-in"
    assert [effect.detail for effect in books.history.effects("token.revoked")] == [{"realm": FIRST}]
    assert kept(folder) is None
    assert "wherry connect books" in json.dumps(ask("run", "invoices", code=5))


@pytest.mark.parametrize("status", [401, 200])
def test_a_sign_in_that_intuit_takes_no_more_names_the_connection_and_the_command(ask, books, status):
    """A fault may come with a good status: it is of the connection that was asked, and no other's."""
    ask("connect", "books")
    fault = {"fault": {"error": [{"message": "AuthenticationFailed", "code": "3200"}], "type": "AUTHENTICATION"}}
    books.faults.add("status", path="/company/", status=status, body=fault, times=2)
    error = ask("connection", "test", "books", code=5)["error"]
    assert (error["code"], error["connection"]) == ("WHERRY-5751", "books")
    assert error["fix"].endswith("wherry connect books")


def test_an_administrator_is_said_to_be_needed(folder, capsys):
    """b_001_78"""
    assert app.run(["-C", str(folder), "connect", "books"]) == 0
    assert "only an administrator of the account can sign in" in capsys.readouterr().out


def test_the_vendor_itself_sends_browsers_to_a_registered_address_only(folder, ask):
    text = INVOICES.replace('base_url = "${BOOKS_URL}"\n', "").replace('"simulator"', '"production"')
    (folder / "wherry.toml").write_text(text)
    assert ask("connect", "books", code=2)["error"]["code"] == "WHERRY-2114"
    data = ask("connect", "books", "--redirect", "https://shop.example/connected", code=4)["data"]
    link = httpx.URL(data["link"])
    assert (link.host, link.path) == ("appcenter.intuit.com", "/connect/oauth2")
    assert link.params["scope"] == "com.intuit.quickbooks.accounting"
    assert link.params["redirect_uri"] == "https://shop.example/connected"


def test_the_stand_in_of_the_command_line_is_connected_to_as_it_comes(folder, ask, monkeypatch):
    """Two terminals: one runs the stand-in, the other connects and tests."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "wherry.cli", "simulate", "quickbooks", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as stand_in:
        try:
            assert stand_in.stdout is not None
            assert f"http://127.0.0.1:{port}" in stand_in.stdout.readline()
            monkeypatch.setenv("BOOKS_URL", f"http://127.0.0.1:{port}")
            _until_it_listens(port)
            assert ask("connect", "books", "--no-browser")["data"]["account_id"] == FIRST
            assert ask("connection", "test", "books")["data"]["account_id"] == FIRST
        finally:
            stand_in.terminate()


def _until_it_listens(port: int) -> None:
    for _ in range(500):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise AssertionError("the stand-in did not start")


def test_a_connection_that_is_written_to_is_tested_as_a_sink_too(ask, folder):
    """What only writing needs is told before a run; a connection that is only read is not asked for it."""
    ask("connect", "books", "--no-browser")
    whole = INVOICES.replace(
        'environment = "simulator"\n', 'environment = "simulator"\nincome_account = "no such one"\n'
    )
    (folder / "wherry.toml").write_text(whole)
    assert "income_account" in ask("connection", "test", "books", code=2)["error"]["message"]
    reads = '[flows.back]\nsource = "books"\nsink = "platform"\nkinds = ["customer"]\n'
    (folder / "wherry.toml").write_text(whole.partition("[flows.invoices]")[0] + reads)
    assert ask("connection", "test", "books")["data"]["account_id"] == FIRST
