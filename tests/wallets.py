"""Wallet transactions on their way into QuickBooks: a project on a served stand-in, with its accounts table."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from wherry.clock import SystemClock
from wherry.simulator import serve
from wherry_quickbooks.simulator import OAuthApp, QuickBooksSimulator

from tests.shop import SECRET, Shop

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
ACCOUNTS = """category,debit,credit
payout,Operating expenses,Digital assets
fee,Network fees,Digital assets
gain,Digital assets,Realised gains
loss,Realised losses,Digital assets
"""
CHART = {"Digital assets": "Other Current Asset", "Operating expenses": "Expense", "Network fees": "Expense",
         "Realised gains": "Income", "Realised losses": "Expense"}  # fmt: skip
COLUMNS = ("date", "amount", "category", "partition", "reference", "description", "gain")


class Wallets(Shop):
    """The project's folder, its books, and what is typed."""

    def moved(self, *rows: tuple[Any, ...]) -> None:
        """Ledger transactions reach the platform: (date, amount, category, wallet, reference, description, gain)."""
        path = self.folder / "transactions.csv"
        lines = [",".join(COLUMNS), *(",".join(str(cell) for cell in (*row, *[""] * 7)[:7]) for row in rows)]
        path.write_text("\n".join(lines) + "\n", "utf-8")
        self.does("workspace import ledger_transaction transactions.csv")

    def journals(self) -> list[dict[str, Any]]:
        """The journal entries in the books, by number."""
        return sorted(self.books.objects("JournalEntry"), key=lambda one: one["DocNumber"])

    def balances(self) -> dict[str, Decimal]:
        """Account → what stands on it through journal entries, debits positive."""
        found: dict[str, Decimal] = {}
        for entry in self.journals():
            for line in entry["Line"]:
                told = line["JournalEntryLineDetail"]
                sign = 1 if told["PostingType"] == "Debit" else -1
                name = told["AccountRef"]["name"]
                found[name] = found.get(name, Decimal(0)) + sign * Decimal(str(line["Amount"]))
        return found


@contextlib.contextmanager
def wallets(folder: Path, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Wallets]:
    """A treasury that is connected, with nothing on the platform and nothing in the books."""
    books = QuickBooksSimulator(oauth=OAuthApp(client_id="shop", client_secret=SECRET), currency="USD", limits="none")
    patch.setattr(SystemClock, "sleep", lambda self, seconds: None)
    patch.setenv("WHERRY_ACTOR", "anna")
    (folder / "tables").mkdir()
    (folder / "wherry.toml").write_text(PROJECT, "utf-8")
    (folder / "tables" / "accounts.csv").write_text(ACCOUNTS, "utf-8")
    for name, type in CHART.items():
        books.write("Account", {"Name": name, "AccountType": type})
    with serve(books.app()) as url:
        for name, value in {"URL": url, "CLIENT_ID": "shop", "CLIENT_SECRET": SECRET}.items():
            patch.setenv(f"BOOKS_{name}", value)
        made = Wallets(folder, books, capsys)
        made.does("connect books --no-browser")
        yield made
