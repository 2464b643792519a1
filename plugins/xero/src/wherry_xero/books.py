"""What is read of an organisation before anything is written to it: whose it is, its chart, its lock dates, its tax
rates, tracking categories and currencies.

Facts: nothing can be dated on or before a lock date; system accounts and bank accounts take no manual journals; two
tracking categories may be active (API.md).
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from wherry.accounting import ChartAccount
from wherry.errors import ConfigError
from wherry.posting.accounts import Chart
from wherry.posting.tables import tax_codes

from .client import Client, Obj, unreadable
from .settings import XeroSettings
from .texts import day

if TYPE_CHECKING:
    from wherry.roles import Services

TYPES = {
    "BANK": "bank", "CURRENT": "asset", "INVENTORY": "asset", "FIXED": "asset", "NONCURRENT": "asset",
    "PREPAYMENT": "asset", "CURRLIAB": "liability", "LIABILITY": "liability", "TERMLIAB": "liability",
    "PAYG": "liability", "EQUITY": "equity", "REVENUE": "income", "SALES": "income", "OTHERINCOME": "income",
    "DIRECTCOSTS": "expense", "EXPENSE": "expense", "OVERHEADS": "expense", "DEPRECIATN": "expense",
}  # fmt: skip
"""Xero's type of an account → the canonical one."""
CONTROL = {"DEBTORS": "receivable", "CREDITORS": "payable"}
BARRED = ("bank", "receivable", "payable")
MOST_CATEGORIES = 2


class Category(Struct, frozen=True):
    """A tracking category: its name, and its options by their names in small letters."""

    name: str
    options: Mapping[str, str]


class Books(Struct, frozen=True):
    """An organisation, as far as writing to it needs to know it."""

    settings: XeroSettings
    id: str
    name: str
    home: str
    headers: Mapping[str, str]
    chart: Chart
    locked: dt.date | None
    currencies: frozenset[str]
    taxes: Mapping[Decimal | None, str]
    """Tax rate (percent) → tax type, by the operator's table; None: of lines without one."""
    rates: Mapping[Decimal, tuple[str, ...]]
    """The same by the organisation itself, which may have several of a rate."""
    categories: Mapping[str, Category]
    sales: str = ""
    """The code of the account that new items sell to."""
    retained: str = ""
    """The id of the account of retained earnings."""
    year_from: int = 1
    """The month in which the financial year begins."""


def read_books(client: Client, settings: XeroSettings, services: Services) -> Books:
    """Six calls. Raises ConfigError for settings that the organisation does not fit."""
    told, listed = organisation(client), client.rows("Accounts")
    accounts = Chart(map(_account, listed), "Xero", _barred)
    sold_to = accounts.sold_to(settings.sales_account, "sales_account")
    retained = next((str(row["AccountID"]) for row in listed if row.get("SystemAccount") == "RETAINEDEARNINGS"), "")
    table = tax_codes(settings.tax_table, services.table(settings.tax_table), "type")
    return Books(
        settings=settings, id=str(told["OrganisationID"]), name=str(told.get("Name") or ""), headers=client.headers,
        home=str(told.get("BaseCurrency") or ""), chart=accounts, locked=locked(told),
        currencies=frozenset(str(row.get("Code")) for row in client.rows("Currencies")),
        taxes=table, rates=_rates(client.rows("TaxRates"), table, settings.tax_table),
        categories=_categories(client.rows("TrackingCategories"), settings), sales=sold_to.code if sold_to else "",
        retained=retained, year_from=int(told.get("FinancialYearEndMonth") or 12) % 12 + 1,
    )  # fmt: skip


def organisation(client: Client) -> Obj:
    """The one organisation of the tenant."""
    rows = client.rows("Organisation")
    if len(rows) != 1 or not rows[0].get("OrganisationID") or not rows[0].get("BaseCurrency"):
        raise unreadable("it names no single organisation")
    return rows[0]


def locked(told: Obj) -> dt.date | None:
    """The later of both lock dates: what the connection's user may do beyond the first one is not known."""
    dates = [found for name in ("PeriodLockDate", "EndOfYearLockDate") if (found := day(told.get(name)))]
    return max(dates, default=None)


def chart(client: Client) -> Iterator[ChartAccount]:
    """The chart of accounts, archived ones too."""
    return map(_account, client.rows("Accounts"))


def _account(row: Obj) -> ChartAccount:
    name = str(row.get("Name") or "")
    kind = CONTROL.get(str(row.get("SystemAccount") or "")) or TYPES.get(str(row.get("Type")), "other")
    return ChartAccount(
        id=str(row["AccountID"]), code=str(row.get("Code") or "") or name, name=name, type=kind,
        active=row.get("Status", "ACTIVE") == "ACTIVE", currency=str(row.get("CurrencyCode") or ""),
    )  # fmt: skip


def _barred(account: ChartAccount) -> str:
    if not account.active:
        return "archived"
    told = f"a {account.type} account, which takes no manual journals: set clearing on the flow"
    return told if account.type in BARRED else ""


def _rates(rows: list[Obj], table: Mapping[Decimal | None, str], path: str) -> dict[Decimal, tuple[str, ...]]:
    """The rates for sales, by percent. Raises ConfigError for a type of the table that is none of the organisation."""
    good = [row for row in rows if row.get("Status") == "ACTIVE" and row.get("CanApplyToRevenue") is True]
    known = {str(row.get("TaxType")): Decimal(row.get("EffectiveRate") or 0) for row in good}
    if wrong := sorted(set(table.values()) - known.keys()):
        raise ConfigError(
            f"{path} names {', '.join(wrong)}, which Xero does not have for sales", file=path,
            fix=f"name some of: {', '.join(sorted(known)) or 'none there'}", code="WHERRY-2575",
        )  # fmt: skip
    found: defaultdict[Decimal, list[str]] = defaultdict(list)
    for word, rate in known.items():
        found[rate].append(word)
    return {rate: tuple(words) for rate, words in found.items()}


def _categories(rows: list[Obj], settings: XeroSettings) -> dict[str, Category]:
    """Dimension of a line → category. Raises ConfigError for a category that is named and not there."""
    there = {name.casefold(): Category(name, _options(row)) for row in rows if (name := _active(row))}
    wanted = {**{name: name for name in there}, **settings.tracking}
    if wrong := [word for word in settings.tracking.values() if word.casefold() not in there]:
        names = ", ".join(one.name for one in there.values())
        raise ConfigError(
            f"tracking names {', '.join(wrong)}, which is no active tracking category in Xero",
            fix=f"name one of: {names}" if names else "add a tracking category in Xero, or leave tracking out",
            code="WHERRY-2576", key="tracking",
        )  # fmt: skip
    return {dimension.casefold(): there[word.casefold()] for dimension, word in wanted.items()}


def _options(row: Obj) -> dict[str, str]:
    return {name.casefold(): name for one in row.get("Options") or () if (name := _active(one))}


def _active(row: Any) -> str:
    """The name of what is active; empty of what is not."""
    told = isinstance(row, dict) and row.get("Status", "ACTIVE") == "ACTIVE"
    return str(row.get("Name") or "") if told else ""
