"""Three ways to one balance: the hub's ledger, the target's books, and plain-text ledgers that read the exported files.

A month of wallet transactions and the real invoices of a shop are booked as journals into QuickBooks' offline stand-in,
tied out, and exported for Beancount and hledger. Prints the balances side by side and exits with 1 on any difference.
Programs that are not installed are named and left out. Invoices are read from ``--invoices`` (the UCI data set "Online
Retail", CSV); without that file they are left out.
Usage: tieout.py [--movements 2000] [--invoices FILE] [--rows 4000]
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import datetime as dt
import io
import json
import os
import random
import shlex
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from wherry.accounting import Entry
from wherry.bookkeeping import trail
from wherry.books import plaintext
from wherry.books.fields import Chart
from wherry.cli import app
from wherry.clock import SystemClock
from wherry.hub import Hub
from wherry.money import text
from wherry.simulator import serve
from wherry.testing import plain_ledgers
from wherry_quickbooks.simulator import OAuthApp, QuickBooksSimulator
from wherry_workspace.movements import RECEIVABLE

BOOKS = """
version = 1
[project]
name = "bench"
timezone = "Europe/London"
currency = "GBP"
[plugins]
enabled = ["workspace", "quickbooks"]
[connections.platform]
plugin = "workspace"
[connections.books]
plugin = "quickbooks"
base_url = "${BOOKS_URL}"
environment = "simulator"
"""
"""A project of a shop whose books are a stand-in; how it signs in comes behind."""
PROJECT = (
    BOOKS
    + """
auth = { kind = "oauth2", client_id = { env = "BOOKS_CLIENT_ID" }, client_secret = { env = "BOOKS_CLIENT_SECRET" } }
[flows.wallets]
source = "platform"
sink = "books"
kinds = ["ledger-transaction"]
document = "journal"
accounts = "tables/wallets.csv"
group = "day"
gains = true
approval = "required"
[flows.invoices]
source = "platform"
sink = "books"
kinds = ["invoice"]
document = "journal"
accounts = "tables/invoices.csv"
group = "week"
approval = "required"
"""
)
CHART = {
    "Digital assets": "Other Current Asset", "Debtors control": "Other Current Asset", "Shop sales": "Income",
    "Token sales": "Income", "Realised gains": "Income", "Operating expenses": "Expense", "Network fees": "Expense",
    "Realised losses": "Expense",
}  # fmt: skip
"""Account → its type in the target; accounts go by their names."""
WALLETS = """category,debit,credit
payout,Operating expenses,Digital assets
fee,Network fees,Digital assets
sale,Digital assets,Token sales
gain,Digital assets,Realised gains
loss,Realised losses,Digital assets
"""
COLUMNS = ("date", "amount", "category", "partition", "reference", "description", "gain")
DEFAULT = Path(__file__).resolve().parents[2] / "shared" / "data" / "invoices" / "online_retail.csv"


class Desk:
    """Commands typed in this process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def does(self, line: str, *codes: int) -> str:
        """What it prints. Exits where its exit code is another than 0 and ``codes``."""
        said, errors = io.StringIO(), io.StringIO()
        with contextlib.chdir(self.folder), contextlib.redirect_stdout(said), contextlib.redirect_stderr(errors):
            code = app.run(shlex.split(line))
        if code not in (0, *codes):
            sys.exit(f"wherry {line}: exit {code}\n{said.getvalue()}{errors.getvalue()}")
        return said.getvalue()

    def ask(self, line: str, *codes: int) -> Any:
        return json.loads(self.does(f"{line} --output json", *codes))["data"]


def movements(number: int) -> Iterator[tuple[str, ...]]:
    """A month of wallet transactions, the same each time; some under one cent."""
    dice = random.Random(4)
    for n in range(number):
        day = dt.date(2026, 1, 1) + dt.timedelta(days=dice.randrange(31))
        minor = dice.choice((0, dice.randrange(1, 100), dice.randrange(1, 10**6)))
        category = dice.choice(("payout", "fee", "sale"))
        gain = f"{text(dice.randrange(-5000, 5000), 'GBP')} GBP" if category == "payout" and n % 3 == 0 else ""
        wallet = dice.choice(("hot", "cold", "payroll"))
        yield day.isoformat(), f"{text(minor, 'GBP')} GBP", category, wallet, f"W-{n}", f"Transaction {n}", gain


def book_wallets(desk: Desk, number: int) -> None:
    with (desk.folder / "wallets.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([COLUMNS, *movements(number)])
    desk.does("workspace import ledger_transaction wallets.csv")
    desk.does("run wallets")
    desk.does("approve wallets --all --yes")


def book_invoices(desk: Desk, source: Path, rows: int) -> None:
    """The first rows of the file, whole invoices; every category that it brings is mapped to sales."""
    with source.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        read = list(csv.reader(file))[: rows + 1 if rows else None]
    while rows and len(read) > 2 and read[-1][0] == read[-2][0]:
        read.pop()  # the last invoice may be cut
    if rows:
        read.pop()
    with (desk.folder / "charges.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(read)
    desk.does("workspace import online-retail charges.csv", 4)
    table = desk.folder / "tables" / "invoices.csv"
    for _ in range(9):
        found = desk.ask("run invoices", 4)["books"]
        missing = sorted({one["detail"].split('"')[1] for one in found["left_out"] if '"' in one["detail"]})
        if not found["blocked"]:
            break
        with table.open("a", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([name, *_accounts_of(name)] for name in missing)
    desk.does("approve invoices --all --yes")


def _accounts_of(category: str) -> tuple[str, str]:
    """What a customer owes, and what was sold; of what is given back the sides change over by themselves."""
    name = "Debtors control" if category == RECEIVABLE else "Shop sales"
    return name, name


# -- three sides -------------------------------------------------------------------------------------------------------


def sides(desk: Desk, flow: str, period: str) -> dict[str, Counter[str]]:
    """Side → account → minor units: the hub's entries, what the target's trial balance moved in the same days, and each
    program that is here. Exits where it does not tie out."""
    found = desk.ask(f"reconcile {flow} --period {period}", 4)
    if not found["passes"]:
        sys.exit(desk.does(f"reconcile {flow} --period {period}", 4))
    with Hub.open(desk.folder) as hub, hub.store.read() as tx:
        entries = [one.entry for one in trail.known(tx, hub.wiring.flow(flow)) if one.is_posted]
        chart = hub.bookkeeper.chart(trail.known(tx, hub.wiring.flow(flow))[0].route.sink)
        accounts = {one.code: one for one in chart}
    moved = {row["account"]: row["closing"] - row["opening"] for row in found["accounts"]}
    told = {"hub": _net(entries), "target": Counter(moved)}
    for program, read in plain_ledgers.installed().items():
        form, folder = plain_ledgers.FORMS[program], desk.folder / f"{flow}-{program}"
        again = "--reexport-since 2000-01-01" if program == "ledger" else ""
        desk.does(f"journal export {flow} --profile {form} --to {folder} {again}")
        names = {name: code for code, name in plaintext.account_names(form, entries, Chart(accounts)).items()}
        told[program] = Counter()
        for file in sorted(folder.iterdir()):
            for (name, _), minor in read(file).items():
                told[program][names[name]] += minor
    return told


def _net(entries: list[Entry]) -> Counter[str]:
    sums: Counter[str] = Counter()
    for line in (line for entry in entries for line in entry.lines):
        sums[line.account] += line.minor if line.side == "debit" else -line.minor
    return sums


def compared(flow: str, told: Mapping[str, Counter[str]]) -> bool:
    """Prints the sides; whether all are equal."""
    accounts = sorted({account for side in told.values() for account, minor in side.items() if minor})
    print(f"\n{flow}")
    print("  " + "ACCOUNT".ljust(28) + "".join(name.upper().rjust(18) for name in told))
    good = bool(accounts)
    for account in accounts:
        row = [side[account] for side in told.values()]
        good &= len(set(row)) == 1
        cells = "".join(text(minor, "GBP").rjust(18) for minor in row)
        print("  " + account.ljust(28) + cells + ("" if len(set(row)) == 1 else "   <-"))
    print("  " + ("equal to the penny" if good else "NOT EQUAL") + f", {len(accounts)} accounts")
    return good


def main() -> int:
    """1 on any difference."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--movements", type=int, default=2000)
    parser.add_argument("--invoices", type=Path, default=DEFAULT)
    parser.add_argument("--rows", type=int, default=4000, help="rows of the invoices' file; 0: all")
    told = parser.parse_args()
    SystemClock.sleep = lambda self, seconds: None  # type: ignore[method-assign]  # the stand-in is served here
    books = QuickBooksSimulator(oauth=OAuthApp(client_id="tieout", client_secret="tieout-secret"), currency="GBP",
                                limits="none")  # fmt: skip
    for name, kind in CHART.items():
        books.write("Account", {"Name": name, "AccountType": kind})
    with tempfile.TemporaryDirectory() as place, serve(books.app()) as url:
        desk = Desk(Path(place))
        os.environ.update(BOOKS_URL=url, BOOKS_CLIENT_ID="tieout", BOOKS_CLIENT_SECRET="tieout-secret")
        (desk.folder / "tables").mkdir()
        (desk.folder / "wherry.toml").write_text(PROJECT, "utf-8")
        (desk.folder / "tables" / "wallets.csv").write_text(WALLETS, "utf-8")
        (desk.folder / "tables" / "invoices.csv").write_text("category,debit,credit\n", "utf-8")
        desk.does("connect books --no-browser")
        return 0 if all(list(_both(desk, told))) else 1


def _both(desk: Desk, told: argparse.Namespace) -> Iterator[bool]:
    missing = sorted({"beancount", "hledger", "ledger"} - set(plain_ledgers.installed()))
    if missing:
        print(f"not installed here, and left out: {', '.join(missing)}")
    start = time.monotonic()
    book_wallets(desk, told.movements)
    yield compared(f"{told.movements} wallet transactions", sides(desk, "wallets", "2026-01"))
    if not told.invoices.is_file():
        print(f"\ninvoices left out: there is no file {told.invoices}")
        return
    book_invoices(desk, told.invoices, told.rows)
    yield compared(f"invoices of {told.invoices.name}", sides(desk, "invoices", "2010"))
    print(f"\n{time.monotonic() - start:.1f} s")


if __name__ == "__main__":
    sys.exit(main())
