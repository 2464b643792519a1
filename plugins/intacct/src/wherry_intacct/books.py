"""What is read of a company before anything is written to it: its chart of accounts, and the table of taxes.

Facts: an account is of the balance sheet or the income statement, its normal balance debit or credit; its REQUIRE flags
name the dimensions that a posting must have (API.md). What is a bank account, a receivable or a payable the contract
does not tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec import Struct
from wherry.accounting import ChartAccount
from wherry.posting.accounts import Chart
from wherry.posting.tables import tax_codes

from .client import Client, Row
from .settings import IntacctSettings

if TYPE_CHECKING:
    from wherry.roles import Services

TYPES = {
    ("balancesheet", "debit"): "asset", ("balancesheet", "credit"): "liability",
    ("incomestatement", "debit"): "expense", ("incomestatement", "credit"): "income",
}  # fmt: skip
REQUIRED = {
    "REQUIRELOC": "location", "REQUIREDEPT": "department", "REQUIREPROJECT": "project", "REQUIRECUSTOMER": "customer",
    "REQUIREVENDOR": "vendor", "REQUIREEMPLOYEE": "employee", "REQUIREITEM": "item", "REQUIRECLASS": "class",
}  # fmt: skip
"""A flag of an account → the dimension that its postings must have."""
_FIELDS = ("ACCOUNTNO", "TITLE", "ACCOUNTTYPE", "NORMALBALANCE", "STATUS", *REQUIRED)


class Books(Struct, frozen=True):
    """A company, as far as writing to it needs to know it. ``sales`` is the number of what AR lines are booked to."""

    settings: IntacctSettings
    chart: Chart
    required: Mapping[str, frozenset[str]]
    """The number of an account → the dimensions that its postings must have."""
    taxes: Mapping[Decimal | None, str]
    sales: str = ""

    @property
    def home(self) -> str:
        """The base currency."""
        return self.settings.currency


def read_books(client: Client, settings: IntacctSettings, services: Services) -> Books:
    """Reads the chart. Raises ConfigError for another company, and for settings that it does not fit."""
    rows = list(client.each("GLACCOUNT", _FIELDS))
    chart = Chart(map(_account, rows), "Sage Intacct")
    taxes = tax_codes(settings.tax_table, services.table(settings.tax_table), "detail")
    required = {
        row["ACCOUNTNO"]: frozenset(word for flag, word in REQUIRED.items() if row.get(flag) == "true") for row in rows
    }  # fmt: skip
    sold_to = chart.sold_to(settings.sales_account, "sales_account")
    return Books(settings, chart, required, taxes, sold_to.code if sold_to else "")


def chart_of(client: Client) -> Iterator[ChartAccount]:
    """The chart of accounts, inactive ones too."""
    return map(_account, client.each("GLACCOUNT", _FIELDS))


def _account(row: Row) -> ChartAccount:
    kind = TYPES.get((row.get("ACCOUNTTYPE", "").casefold(), row.get("NORMALBALANCE", "").casefold()), "other")
    return ChartAccount(
        id=row["ACCOUNTNO"], code=row["ACCOUNTNO"], name=row.get("TITLE", ""), type=kind,
        active=row.get("STATUS", "active") == "active",
    )  # fmt: skip
