"""What encoding needs to know of the company file: read before a session's first write, from what is kept here."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field
from wherry.errors import ConfigError, Rejected
from wherry.records import Item
from wherry.roles import Services

from . import company, mirror
from .company import Company
from .settings import QbwcSettings


class PostingAccount(Struct, frozen=True):
    """An account of the chart. ``type`` is QuickBooks' own word: ``AccountsReceivable``."""

    id: str
    name: str
    type: str
    number: str = ""
    active: bool = True


class Books(Struct, frozen=True, kw_only=True):
    """A company file and what the operator wants of it."""

    company: Company
    settings: QbwcSettings
    income: str = ""
    """ListID of the account that new items sell to; empty where there is none."""
    accounts: tuple[PostingAccount, ...] = field(default=())

    def account(self, code: str, item: Item, place: str) -> PostingAccount:
        """The account of a number, a full name or an id. Raises Rejected where there is none, or it is inactive."""
        wanted = code.casefold()
        found = [one for one in self.accounts if wanted in (word.casefold() for word in (one.number, one.name, one.id))]
        if not found:
            raise held(
                item, f"QuickBooks has no account {code}", place,
                "add the account there, or map it to another; it is read anew at the next session", "WHERRY-4852",
            )  # fmt: skip
        if not found[0].active:
            raise held(
                item, f"account {code} ({found[0].name}) is inactive in QuickBooks", place,
                "make it active there, or map it to another account", "WHERRY-4853",
            )  # fmt: skip
        return found[0]


def read_books(connection: str, settings: QbwcSettings, services: Services) -> Books:
    """The company file as it was in the latest session. Raises TryAgain before the first, ConfigError for an income
    account that is not there."""
    found = company.known(services.documents, connection)
    with services.documents() as documents:
        accounts = tuple(_account(one.row) for one in mirror.entries(documents, connection, "account"))
    return Books(company=found, settings=settings, accounts=accounts, income=_income(accounts, settings, connection))


def _account(row: dict[str, Any]) -> PostingAccount:
    return PostingAccount(
        str(row["ListID"]), str(row.get("FullName") or row.get("Name") or ""), str(row.get("AccountType") or ""),
        str(row.get("AccountNumber") or ""), row.get("IsActive") != "false",
    )  # fmt: skip


def _income(accounts: tuple[PostingAccount, ...], settings: QbwcSettings, connection: str) -> str:
    usable = [one for one in accounts if one.active and one.type in ("Income", "OtherIncome")]
    wanted = settings.income_account.casefold()
    if not wanted:
        return next((one.id for one in usable if one.type == "Income"), "")
    found = next((one.id for one in usable if wanted in (one.number.casefold(), one.name.casefold())), "")
    if not found and accounts:
        raise ConfigError(
            f"connections.{connection}.income_account: QuickBooks has no active income account "
            f"{settings.income_account!r}",
            fix="write the number or the full name of an income account as QuickBooks shows it", code="WHERRY-2855",
            key=f"connections.{connection}.income_account",
        )  # fmt: skip
    return found


def held(item: Item, why: str, field: str, fix: str, code: str) -> Rejected:
    """An item that is not sent as it is."""
    return Rejected(f"{item.entity} {item.label or item.key}: {why}", fix=fix, code=code, item=item.stamp, field=field)
