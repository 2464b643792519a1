"""What is read of an account before anything is written to it: its chart, its closed periods, its tax table."""

from __future__ import annotations

import datetime as dt
import difflib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec import Struct
from wherry.accounting import ChartAccount
from wherry.errors import ConfigError, Rejected
from wherry.money import exact
from wherry.records import Item

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


class Chart:
    """The accounts, found by number, full name or id, whatever the case of letters. Inactive ones and headers are
    known for what they are, and never posted to."""

    def __init__(self, accounts: Iterable[ChartAccount]) -> None:
        self._found: defaultdict[str, dict[str, ChartAccount]] = defaultdict(dict)
        self.accounts = list(accounts)
        for account in self.accounts:
            for word in {account.id, account.code, account.name} - {""}:
                self._found[word.casefold()][account.id] = account

    def find(self, word: str) -> list[ChartAccount]:
        """The accounts that a word could mean; one whose number it is comes before one whose id it is."""
        found = list(self._found.get(word.strip().casefold(), {}).values())
        return [account for account in found if account.code == word.strip()] or found

    def account(self, word: str, item: Item, field: str) -> ChartAccount:
        """The one account that a word means. Raises Rejected where there is none that can be posted to."""
        found = self.find(word)
        if len(found) == 1 and found[0].active and found[0].posting:
            return found[0]
        near = difflib.get_close_matches(word.casefold(), self._found, 3)
        hint = f"; near it: {', '.join(near)}" if near else ""
        why = f"NetSuite has no account {word}{hint}"
        if found:
            told = " and ".join(f"{account.name} (id {account.id})" for account in found)
            state = "a heading, or one without postings" if found[0].active else "inactive"
            why = f"account {word} could mean {told}" if len(found) > 1 else f"account {word} ({told}) is {state}"
        raise held(
            item, why, field, "correct the account in NetSuite, in the map or in the table of accounts; then try it "
            "again", "WHERRY-4791",
        )  # fmt: skip


class TaxTable(Struct, frozen=True):
    """Tax rate (percent) → the internal id of a tax code; the rate None is that of lines without one."""

    path: str
    codes: dict[Decimal | None, str]


class Books(Struct, frozen=True):
    """An account, as far as writing to it needs to know it. ``income`` is the id of what new items sell to."""

    settings: NetSuiteSettings
    account: str
    chart: Chart
    closed: dt.date | None
    taxes: TaxTable
    income: str = ""


def held(item: Item, message: str, field: str, fix: str, code: str) -> Rejected:
    """The error for an item that cannot be said in NetSuite's words; nothing of it was sent."""
    name = item.label or str(item.body.get("number") or item.body.get("name") or item.key)
    return Rejected(
        f"{item.entity.replace('_', ' ')} {name}: {message}", fix=fix, code=code,
        item=item.stamp, entity=item.entity, key=item.key, field=field,
    )  # fmt: skip


def read_books(client: Client, settings: NetSuiteSettings, services: Services) -> Books:
    """Read chart and periods. Raises ConfigError for another account or subsidiary than those that are named."""
    accounts = Chart(chart(client))
    if client.account != settings.account:
        raise another_account(client.account, settings.account)
    _must_know(settings.subsidiary, client, services)
    taxes = TaxTable(settings.tax_table, dict(_codes(settings.tax_table, services.table(settings.tax_table))))
    try:
        closed = closed_until(client)
    except Rejected as error:  # NetSuite does not let this role see its periods: it refuses by itself what is closed
        services.log.warning("closed periods are not known", reason=error.message)
        closed = None
    return Books(settings, client.account, accounts, closed, taxes, _income(accounts, settings))


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


def _income(accounts: Chart, settings: NetSuiteSettings) -> str:
    sold = [one for one in accounts.accounts if one.type == "income" and one.active and one.posting]
    if settings.income_account is None:
        return next((one.id for one in sold), "")
    found = [one for one in accounts.find(settings.income_account) if one in sold]
    if len(found) == 1:
        return found[0].id
    names = ", ".join(f"{one.code} ({one.name})" for one in sold[:10])
    count = "more than one" if found else "no"
    raise ConfigError(
        f"income_account = {settings.income_account!r} is {count} income account in NetSuite",
        fix=f"name one of: {names}" if names else "add an income account in NetSuite",
        code="WHERRY-2792", key="income_account",
    )  # fmt: skip


def _codes(path: str, rows: list[dict[str, str]]) -> Iterator[tuple[Decimal | None, str]]:
    for line, row in enumerate(rows, start=2):
        rate, code = str(row.get("rate") or "").strip().removesuffix("%").strip(), str(row.get("code") or "").strip()
        try:
            if not code.isdecimal():
                raise ValueError
            yield (exact(rate) if rate else None), code
        except ValueError:
            raise ConfigError(
                f"{path}, line {line}: it is no tax rate with the internal id of a tax code",
                fix="write the columns rate,code: percent, such as 20 or 8.25, and the digits of the id",
                code="WHERRY-2793", file=path, line=line,
            ) from None  # fmt: skip
