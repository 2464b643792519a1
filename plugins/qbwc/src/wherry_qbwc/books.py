"""What encoding needs to know of the company file: read before a session's first write, from what is kept here."""

from __future__ import annotations

import difflib
from collections.abc import Container, Iterator, Mapping
from decimal import Decimal
from typing import Any

from msgspec import Struct, field
from wherry.errors import ConfigError
from wherry.money import exact
from wherry.posting.bodies import refusal
from wherry.posting.tables import tax_codes
from wherry.records import Item
from wherry.roles import Services

from . import company, mirror
from .company import Company
from .settings import QbwcSettings
from .taxtable import Taxes, TaxItem

Row = dict[str, Any]
Lists = Mapping[str, list[mirror.Entry]]
TAXES = frozenset({"ItemSalesTaxRet", "ItemSalesTaxGroupRet"})
"""Items that are a tax."""
SOLD = frozenset({"ItemServiceRet", "ItemNonInventoryRet", "ItemInventoryRet", "ItemInventoryAssemblyRet",
                  "ItemOtherChargeRet"})  # fmt: skip
"""Items that can stand on a line of a sale; the list holds discounts, subtotals and payments as well."""


class PostingAccount(Struct, frozen=True):
    """An account of the chart. ``type`` is QuickBooks' own word: ``AccountsReceivable``. ``currency`` is QuickBooks'
    name of it, empty where the file keeps one only."""

    id: str
    name: str
    type: str
    number: str = ""
    active: bool = True
    currency: str = ""


class Books(Struct, frozen=True, kw_only=True):
    """A company file and what the operator wants of it."""

    company: Company
    settings: QbwcSettings
    income: str = ""
    """ListID of the account that new items sell to; empty where there is none."""
    accounts: tuple[PostingAccount, ...] = field(default=())
    taxes: Taxes = field(default_factory=Taxes)
    classes: Mapping[str, str] = field(default_factory=dict)
    """Full name → ListID, of classes that are active."""
    currencies: Mapping[str, str] = field(default_factory=dict)
    """Code → QuickBooks' name of it; empty where the file keeps one only."""
    customers: Mapping[str, str] = field(default_factory=dict)
    """ListID → QuickBooks' name of his currency; empty where the file keeps one only."""

    @property
    def currency(self) -> str:
        """The code of the file's own currency; empty where neither QuickBooks nor the operator tells it."""
        told = {name.casefold(): code for code, name in self.currencies.items()}
        return told.get(self.company.home.casefold(), "") or self.settings.currency

    def account(self, code: str, item: Item, place: str) -> PostingAccount:
        """The account of a number, a full name or an id. Raises Rejected where there is none, or it is inactive."""
        wanted = code.casefold()
        found = [one for one in self.accounts if wanted in (word.casefold() for word in (one.number, one.name, one.id))]
        if not found:
            raise refusal(
                item, f"QuickBooks has no account {code}", place,
                "add the account there, or map it to another; it is read anew at the next session", "WHERRY-4852",
            )  # fmt: skip
        if not found[0].active:
            raise refusal(
                item, f"account {code} ({found[0].name}) is inactive in QuickBooks", place,
                "make it active there, or map it to another account", "WHERRY-4853",
            )  # fmt: skip
        return found[0]

    def misplaced(self, dimension: str, word: str) -> tuple[str, str]:
        """Why a line cannot be at this class, and what to do; both empty where it can."""
        if dimension != "class":
            why = f"has the {dimension} {word}, which QuickBooks Desktop does not take on lines"
            return why, f"leave the {dimension} out of the table of accounts"
        if not self.company.classes:
            why = f"has the class {word}, but the company file does not track classes"
            return why, "switch class tracking on in QuickBooks and update again, or leave the class out"
        if self.class_id(word):
            return "", ""
        near = difflib.get_close_matches(word.casefold(), [name.casefold() for name in self.classes], 3)
        hint = f"; near it: {', '.join(name for name in self.classes if name.casefold() in near)}" if near else ""
        why = f"has the class {word}, which QuickBooks does not have{hint}"
        return why, "add it in QuickBooks, or correct it; a new one is known after the next session"

    def class_id(self, word: str) -> str:
        """The id of an active class by its full name, or by its own name where only one is called so."""
        wanted = word.strip().casefold()
        whole = [id for name, id in self.classes.items() if name.casefold() == wanted]
        last = [id for name, id in self.classes.items() if name.rpartition(":")[2].casefold() == wanted]
        return (whole or (last if len(last) == 1 else [""]))[0]


def read_books(connection: str, settings: QbwcSettings, services: Services) -> Books:
    """The company file as it was in the latest session. Raises TryAgain before the first, ConfigError for an income
    account that is not there, or a table of taxes that cannot be read."""
    found = company.known(services.documents, connection)
    with services.documents() as documents:
        lists = {kind: list(mirror.entries(documents, connection, kind)) for kind in found.lists}
    return made(found, settings, lists, services.table(settings.tax_table), connection)


def made(found: Company, settings: QbwcSettings, lists: Lists, taxes: list[dict[str, str]], connection: str) -> Books:
    """The books, of lists by their kind and the rows of the operator's table of taxes."""
    accounts = tuple(_account(one.row) for one in lists["account"])
    several = found.multicurrency
    return Books(
        company=found, settings=settings, accounts=accounts, income=_income(accounts, settings, connection),
        taxes=_taxes(found, settings, lists, taxes),
        classes={_full(row): str(row["ListID"]) for row in _active(lists, "class")},
        currencies={str(row["CurrencyCode"]): str(row["Name"]) for row in _active(lists, "currency")
                    if row.get("CurrencyCode")},
        customers={str(one.row["ListID"]): _currency(one.row) or found.home for one in lists["customer"]}
        if several else {},
    )  # fmt: skip


def _active(lists: Lists, kind: str, elements: Container[str] = ()) -> Iterator[Row]:
    """The rows of a list that may be chosen: all, or those of some elements."""
    for one in lists.get(kind, ()):
        if one.row.get("IsActive") != "false" and (not elements or one.kind in elements):
            yield one.row


def _full(row: Row) -> str:
    return str(row.get("FullName") or row.get("Name") or "")


def _currency(row: Row) -> str:
    return str((row.get("CurrencyRef") or {}).get("FullName") or "")


def _account(row: Row) -> PostingAccount:
    return PostingAccount(
        str(row["ListID"]), _full(row), str(row.get("AccountType") or ""), str(row.get("AccountNumber") or ""),
        row.get("IsActive") != "false", _currency(row),
    )  # fmt: skip


def _taxes(found: Company, settings: QbwcSettings, lists: Lists, rows: list[dict[str, str]]) -> Taxes:
    items = (TaxItem(str(row["ListID"]), _full(row), _percent(row)) for row in _active(lists, "item", TAXES))
    return Taxes(
        path=settings.tax_table, table=tax_codes(settings.tax_table, rows),
        items={one.name.casefold(): one for one in items},
        codes={_full(row).casefold(): str(row["ListID"]) for row in _active(lists, "tax_code")},
        taxable=found.taxable, free=found.untaxed, by_line=found.country not in ("", "US"),
    )  # fmt: skip


def _percent(row: Row) -> Decimal | None:
    return exact(str(row["TaxRate"])) if row.get("TaxRate") else None


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


def class_of(item: Item, books: Books, n: int, line: Row) -> str:
    """The id of a line's class. Raises Rejected for one that there is not, and for another dimension."""
    told = {name: str(word).strip() for name, word in (line.get("dimensions") or {}).items() if str(word).strip()}
    for name, word in told.items():
        why, fix = books.misplaced(name, word)
        if why:
            raise refusal(
                item, f"line {n + 1} {why}", f"lines[{n}].dimensions", f"{fix}; then try it again", "WHERRY-4359"
            )
    return books.class_id(told["class"]) if told else ""
