"""A treasury whose wallet movements go into books as journals, on a served stand-in; commands typed in this process.

``Treasury`` is a shop with another project. Its chart goes by numbers (``treasury``) or by names (``named_treasury``).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from wherry.testing.clock import hurried
from wherry_quickbooks.simulator import OAuthApp, QuickBooksSimulator

from .shop import Shop, kept, kept_in
from .staging import Stage, stages

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


NAMED_ACCOUNTS = """category,debit,credit
payout,Operating expenses,Digital assets
fee,Network fees,Digital assets
gain,Digital assets,Realised gains
loss,Realised losses,Digital assets
"""
NAMED_CHART = {
    "Digital assets": "Other Current Asset", "Operating expenses": "Expense", "Network fees": "Expense",
    "Realised gains": "Income", "Realised losses": "Expense",
}  # fmt: skip
COLUMNS = ("date", "amount", "category", "partition", "reference", "description", "gain")


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

    def wallet(self, columns: str, *rows: str) -> None:
        """A file of a wallet is imported, with columns of its own."""
        (self.folder / "wallet.csv").write_text("\n".join([columns, *rows]) + "\n", "utf-8")
        self.does("workspace import wallet wallet.csv")

    def moved(self, *rows: tuple[Any, ...]) -> None:
        """Ledger transactions without an id: (date, amount, category, wallet, reference, description, gain)."""
        lines = [",".join(COLUMNS), *(",".join(str(cell) for cell in (*row, *[""] * 7)[:7]) for row in rows)]
        (self.folder / "transactions.csv").write_text("\n".join(lines) + "\n", "utf-8")
        self.does("workspace import ledger_transaction transactions.csv")

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

    def journals(self) -> list[dict[str, Any]]:
        """The journal entries in the books, by number."""
        return sorted(self.entries(), key=lambda one: one["DocNumber"])

    def balances(self) -> dict[str, Decimal]:
        """Account → what stands on it through journal entries, debits positive."""
        found: dict[str, Decimal] = {}
        for entry in self.entries():
            for line in entry["Line"]:
                told = line["JournalEntryLineDetail"]
                sign = 1 if told["PostingType"] == "Debit" else -1
                name = told["AccountRef"]["name"]
                found[name] = found.get(name, Decimal(0)) + sign * Decimal(str(line["Amount"]))
        return found

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


def _numbered() -> QuickBooksSimulator:
    books = QuickBooksSimulator(oauth=OAuthApp(client_id="treasury", client_secret=SECRET), limits="none")
    _with_numbers(books)
    for number, (name, kind) in CHART.items():
        books.write("Account", {"Name": name, "AcctNum": number, "AccountType": kind})
    return books


def _named() -> QuickBooksSimulator:
    app = OAuthApp(client_id="treasury", client_secret=SECRET)
    books = QuickBooksSimulator(oauth=app, currency="USD", limits="none")
    for name, kind in NAMED_CHART.items():
        books.write("Account", {"Name": name, "AccountType": kind})
    return books


@contextlib.contextmanager
def treasury(
    folder: Path, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *, store: str = ""
) -> Iterator[Treasury]:
    """A treasury that is connected, with a chart of accounts, nothing on the platform, and no entry in the books.

    ``store`` is the address of its store; a file of its own where left out.
    """
    with stages.taken("treasury", _numbered) as stage, _connected(folder, patch, capsys, stage, store) as made:
        yield made


@contextlib.contextmanager
def named_treasury(
    folder: Path, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *, store: str = ""
) -> Iterator[Treasury]:
    """The same with accounts that have no numbers, and with the table of accounts filled in."""
    with stages.taken("named treasury", _named) as stage, _connected(folder, patch, capsys, stage, store) as made:
        made.mapped(NAMED_ACCOUNTS)
        yield made


@contextlib.contextmanager
def _connected(
    folder: Path, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], stage: Stage[QuickBooksSimulator],
    store: str,
) -> Iterator[Treasury]:  # fmt: skip
    hurried(patch)
    patch.setenv("WHERRY_ACTOR", "anna")
    (folder / "wherry.toml").write_text(kept_in(store, PROJECT), "utf-8")
    for name, value in {"URL": stage.url, "CLIENT_ID": "treasury", "CLIENT_SECRET": SECRET}.items():
        patch.setenv(f"BOOKS_{name}", value)
    made = Treasury(folder, stage.sim, capsys, kept(stage, store))
    made.once("connected", lambda: made.does("connect books --no-browser"))
    yield made
