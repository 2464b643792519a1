"""What is read of an account before anything is written to it: its chart, its closed periods, its tax table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec import Struct
from wherry.accounting import ChartAccount
from wherry.errors import ConfigError, Rejected
from wherry.posting.accounts import Chart
from wherry.posting.tables import tax_codes

from .client import Client, Obj, another_account, unreadable
from .settings import NetSuiteSettings

if TYPE_CHECKING:
    from wherry.roles import Services

TYPES = {
    "Bank": "bank", "AcctRec": "receivable", "UnbilledRec": "asset", "OthCurrAsset": "asset", "FixedAsset": "asset",
    "OthAsset": "asset", "DeferExpense": "asset", "AcctPay": "payable", "CredCard": "liability",
    "OthCurrLiab": "liability", "LongTermLiab": "liability", "DeferRevenue": "liability", "Equity": "equity",
    "Income": "income", "OthIncome": "income", "COGS": "expense", "Expense": "expense", "OthExpense": "expense",
}  # fmt: skip
"""NetSuite's account type → the canonical one."""
UNPOSTED = frozenset({"NonPosting", "Stat"})
_ACCOUNTS = "id, acctnumber, accountsearchdisplayname, fullname, accttype, isinactive, issummary, parent"
_PERIODS = (
    "SELECT id, TO_CHAR(startdate, 'YYYY-MM-DD') AS startdate, TO_CHAR(enddate, 'YYYY-MM-DD') AS enddate, closed, "
    "alllocked FROM accountingperiod WHERE isyear = 'F' AND isquarter = 'F' AND isadjust = 'F' ORDER BY startdate, id"
)


class Books(Struct, frozen=True):
    """An account, as far as writing to it needs to know it. ``taxes`` are the internal ids of tax codes by rate,
    ``income`` is the id of what new items sell to."""

    settings: NetSuiteSettings
    account: str
    chart: Chart
    closed: dt.date | None
    taxes: dict[Decimal | None, str]
    income: str = ""


def read_books(client: Client, settings: NetSuiteSettings, services: Services) -> Books:
    """Read chart and periods. Raises ConfigError for another account or subsidiary than those that are named."""
    accounts = Chart(chart(client), "NetSuite")
    if client.account != settings.account:
        raise another_account(client.account, settings.account)
    _must_know(settings.subsidiary, client, services)
    taxes = tax_codes(settings.tax_table, services.table(settings.tax_table), code_of=_internal_id)
    try:
        closed = closed_until(client)
    except Rejected as error:  # NetSuite does not let this role see its periods: it refuses by itself what is closed
        services.log.warning("closed periods are not known", reason=error.message)
        closed = None
    sold_to = accounts.sold_to(settings.income_account, "income_account")
    return Books(settings, client.account, accounts, closed, taxes, sold_to.id if sold_to else "")


def _must_know(part: str | None, client: Client, services: Services) -> None:
    """A connection is bound to its subsidiary for good: not to one that there is not."""
    if part is None:
        return
    try:
        rows = client.query("SELECT id, name FROM subsidiary ORDER BY id")
    except Rejected as error:  # NetSuite does not let this role see them: it refuses by itself what is written to none
        services.log.warning("subsidiaries are not known", reason=error.message)
        return
    known = {str(row["id"]): str(row.get("name") or "") for row in rows}
    if part not in known:
        there = ", ".join(f"{id} ({name})" for id, name in list(known.items())[:10])
        raise ConfigError(
            f"NetSuite has no subsidiary with the internal id {part} that this connection may see",
            fix=f"name one of: {there}" if there else "leave subsidiary out: the account has none",
            code="WHERRY-2796", key="subsidiary",
        )  # fmt: skip


def chart(client: Client) -> Iterator[ChartAccount]:
    """The chart of accounts: headings and inactive ones too. Their currencies are left to NetSuite."""
    for row in client.each(_ACCOUNTS, "account"):
        kind = str(row.get("accttype") or "")
        name = str(row.get("fullname") or row.get("accountsearchdisplayname") or "")
        yield ChartAccount(
            id=str(row["id"]), code=str(row.get("acctnumber") or "") or name, name=name, type=TYPES.get(kind, "other"),
            posting=kind not in UNPOSTED and row.get("issummary") != "T", active=row.get("isinactive") != "T",
            parent=str(row.get("parent") or ""),
        )  # fmt: skip


def closed_until(client: Client) -> dt.date | None:
    """The last day of the closed or locked periods before the first open one; None where that is the first of all."""
    last = None
    for row in client.query(_PERIODS):
        if "T" not in (row.get("closed"), row.get("alllocked")):
            break
        last = _day(row, "enddate")
    return last


def _day(row: Obj, name: str) -> dt.date:
    try:
        return dt.date.fromisoformat(str(row[name]))
    except (KeyError, ValueError):
        raise unreadable(f"an accounting period without {name}") from None


def _internal_id(word: str) -> str:
    if word.isdecimal():
        return word
    raise ValueError("is no internal id of a tax code, which has digits only")
