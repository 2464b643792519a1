"""A treasury whose wallet movements go into books as journals, on a served stand-in; commands typed in this process.

``Treasury`` is a shop with another project, and with a chart whose accounts have numbers.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from wherry.clock import SystemClock
from wherry.simulator import serve
from wherry_quickbooks.simulator import OAuthApp, QuickBooksSimulator

from .shop import Shop

SECRET = "canary-treasury-secret-4"
PROJECT = """
version = 1
[project]
name = "treasury"
timezone = "America/New_York"
currency = "USD"
[plugins]
enabled = ["workspace", "quickbooks"]
[connections.platform]
plugin = "workspace"
[connections.books]
plugin = "quickbooks"
base_url = "${BOOKS_URL}"
environment = "simulator"
auth = { kind = "oauth2", client_id = { env = "BOOKS_CLIENT_ID" }, client_secret = { env = "BOOKS_CLIENT_SECRET" } }
[flows.wallet-journals]
source = "platform"
sink = "books"
kinds = ["ledger-transaction"]
document = "journal"
accounts = "tables/accounts.csv"
group = "week"
week_start = "monday"
books_from = 2026-01-01
gains = true
approval = "required"
late = "next-period"
"""
MOVES = "id,date,amount,category,partition,reference,gain"
ACCOUNTS = """category,debit,credit
storage,1205,4010
switching,1205,4020
gain,1205,4090
loss,4090,1205
"""
CHART = {
    "1205": ("Storage clearing", "Other Current Asset"),
    "4010": ("Storage income", "Income"),
    "4020": ("Switching income", "Income"),
    "4090": ("Realised gains", "Income"),
    "0400": ("Old freight", "Income"),
}


class Treasury(Shop):
    """The project's folder, its books, and what is typed."""

    def account(self, number: str) -> dict[str, Any]:
        """The account with that number."""
        [held] = [one for one in self.books.objects("Account") if one.get("AcctNum") == number]
        return held

    def changed(self, number: str, **fields: Any) -> None:
        """A person changes an account in the books."""
        held = self.account(number)
        self.books.write("Account", {**held, **fields}, "update")

    def moves(self, *rows: str) -> None:
        """Movements happen on the platform; each a row of the columns ``MOVES``."""
        (self.folder / "moves.csv").write_text("\n".join([MOVES, *rows]) + "\n", "utf-8")
        self.does("workspace import ledger-transaction moves.csv")

    def mapped(self, text: str = ACCOUNTS) -> None:
        """The bookkeeper fills the table in."""
        path = self.folder / "tables" / "accounts.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")

    def enters(self, number: str, amount: str, debit: str, credit: str) -> str:
        """A person enters a journal entry by hand; its id."""
        lines = [
            {"DetailType": "JournalEntryLineDetail", "Amount": float(amount),
             "JournalEntryLineDetail": {"PostingType": side, "AccountRef": {"value": self.account(code)["Id"]}}}
            for side, code in (("Debit", debit), ("Credit", credit))
        ]  # fmt: skip
        told = {"TxnDate": "2026-01-11", "DocNumber": number, "Line": lines}
        return str(self.books.write("JournalEntry", told)["Id"])

    def entries(self) -> list[dict[str, Any]]:
        """The journal entries in the books."""
        return self.books.objects("JournalEntry")

    def number(self, number: str) -> dict[str, Any]:
        """The entry of that number in the books."""
        [held] = [one for one in self.entries() if one["DocNumber"] == number]
        return held

    def edited(self, number: str, **fields: Any) -> None:
        """A person changes an entry in the books."""
        held = self.number(number)
        self.books.write(
            "JournalEntry", {"Id": held["Id"], "SyncToken": held["SyncToken"], "sparse": True, **fields}, "update"
        )


def _with_numbers(books: QuickBooksSimulator) -> None:
    """The company shows the numbers of its accounts."""
    company = books.company()
    shown = {**company.preferences["AccountingInfoPrefs"], "UseAccountNumbers": True}
    company.put("Preferences", {**company.preferences, "AccountingInfoPrefs": shown}, "Update")


@contextlib.contextmanager
def treasury(folder: Path, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Treasury]:
    """A treasury that is connected, with a chart of accounts, nothing on the platform, and no entry in the books."""
    books = QuickBooksSimulator(oauth=OAuthApp(client_id="treasury", client_secret=SECRET), limits="none")
    _with_numbers(books)
    for number, (name, kind) in CHART.items():
        books.write("Account", {"Name": name, "AcctNum": number, "AccountType": kind})
    patch.setattr(SystemClock, "sleep", lambda self, seconds: None)
    patch.setenv("WHERRY_ACTOR", "anna")
    (folder / "wherry.toml").write_text(PROJECT, "utf-8")
    with serve(books.app()) as url:
        for name, value in {"URL": url, "CLIENT_ID": "treasury", "CLIENT_SECRET": SECRET}.items():
            patch.setenv(f"BOOKS_{name}", value)
        made = Treasury(folder, books, capsys)
        made.does("connect books --no-browser")
        yield made
