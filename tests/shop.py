"""A shop whose invoices go into QuickBooks: a project on a served stand-in, and commands typed in this process."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest
from wherry.testing.clock import hurried
from wherry.testing.commands import Commands
from wherry_quickbooks.simulator import OAuthApp, QuickBooksSimulator

from .projects import INVOICES
from .staging import Stage, stages

SECRET = "canary-shop-secret-9"
CHARGES = """InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
536365,1001,Oak bench,6,01/12/2010 08:26,2.55,17850,United Kingdom
536365,1002,Tin lantern,8,01/12/2010 08:26,2.75,17850,United Kingdom
536366,1003,Hand warmer,6,01/12/2010 08:28,1.85,17850,United Kingdom
536367,1001,Oak bench,32,02/12/2010 08:34,2.55,13047,United Kingdom
536368,1002,Tin lantern,2,02/12/2010 08:45,2.75,,United Kingdom
"""


class Shop(Commands):
    """The project's folder, its books, and what is typed."""

    def __init__(
        self, folder: Path, books: QuickBooksSimulator, capsys: pytest.CaptureFixture[str],
        stage: Stage[QuickBooksSimulator] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(folder, capsys)
        self.books, self._stage = books, stage

    def once(self, step: str, do: FunctionType) -> None:
        """Do it, or have what came of it when another test did it."""
        if self._stage is None:
            do()
        else:
            self._stage.once(step, self.folder, do)

    def number(self, number: str) -> dict[str, Any]:
        """The invoice of that number in the books."""
        [held] = [one for one in self.books.objects("Invoice") if one["DocNumber"] == number]
        return held

    def edited(self, number: str, **fields: Any) -> None:
        """A person changes an invoice in the books."""
        held = self.number(number)
        told = {"Id": held["Id"], "SyncToken": held["SyncToken"], "sparse": True, **fields}
        self.books.write("Invoice", told, "update")

    def entered(self, number: str, amount: str = "11.10") -> str:
        """A person enters an invoice of that number by hand; its id."""
        customer = self.books.write("Customer", {"DisplayName": "Counter sales"})
        income = next(one for one in self.books.objects("Account") if one["AccountType"] == "Income")
        sale = {"Name": "Sale", "Type": "Service", "IncomeAccountRef": {"value": income["Id"]}}
        item = self.books.write("Item", sale)
        line = {"DetailType": "SalesItemLineDetail", "Amount": float(amount),
                "SalesItemLineDetail": {"ItemRef": {"value": item["Id"]}}}  # fmt: skip
        told = {"DocNumber": number, "CustomerRef": {"value": customer["Id"]}, "Line": [line], "TxnDate": "2010-12-01"}
        return str(self.books.write("Invoice", told)["Id"])


def kept_in(store: str, project: str) -> str:
    """The project file with the address of its store."""
    first = "[connections.platform]"
    return project.replace(first, f'[store]\nurl = "{store}"\n{first}') if store else project


def kept(stage: Stage[QuickBooksSimulator], store: str) -> Stage[QuickBooksSimulator] | None:
    """The stage, where the store is among the files that it keeps."""
    return None if store.startswith("postgres") else stage


@contextlib.contextmanager
def shop(
    folder: Path, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *, store: str = "", more: str = ""
) -> Iterator[Shop]:
    """A shop that is connected, with four invoices on the platform and none in the books.

    ``store`` is the address of its store, a file of its own where left out; ``more`` are further tables of its project.
    """
    hurried(patch)
    patch.setenv("WHERRY_ACTOR", "anna")
    (folder / "wherry.toml").write_text(kept_in(store, INVOICES) + more, "utf-8")
    (folder / "charges.csv").write_text(CHARGES, "utf-8")
    with stages.taken("shop", _books) as stage:
        for name, value in {"URL": stage.url, "CLIENT_ID": "shop", "CLIENT_SECRET": SECRET}.items():
            patch.setenv(f"BOOKS_{name}", value)
        made = Shop(folder, stage.sim, capsys, kept(stage, store))
        made.once("connected", lambda: _connected(made))
        yield made


def _books() -> QuickBooksSimulator:
    return QuickBooksSimulator(oauth=OAuthApp(client_id="shop", client_secret=SECRET), currency="GBP", limits="none")


def _connected(made: Shop) -> None:
    made.does("connect books --no-browser")
    made.does("workspace import online-retail charges.csv")
