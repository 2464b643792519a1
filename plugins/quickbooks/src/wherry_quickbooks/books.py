"""What is read of a company before anything is written to it: its chart of accounts and its tax codes."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec import Struct
from wherry.books.rates import Rates, read_rates
from wherry.errors import ConfigError, Rejected
from wherry.posting.bodies import refusal
from wherry.posting.tables import tax_codes
from wherry.records import Item

from .client import EVERY, Client, Company, Obj
from .settings import QuickBooksSettings

if TYPE_CHECKING:
    from wherry.roles import Services

RECEIVABLE, PAYABLE = "Accounts Receivable", "Accounts Payable"
DELETED = " (deleted"
"""What QuickBooks puts behind the name of an account that was made inactive."""
_DISCOUNTS = "DiscountsRefundsGiven"


class PostingAccount(Struct, frozen=True):
    """One account of the chart; ``number`` is empty where the company keeps no account numbers."""

    id: str
    name: str
    number: str
    type: str
    currency: str


class Chart:
    """The accounts, found by id, number, name or full name, whatever the case of letters. Inactive ones are known for
    what they are, and never posted to."""

    def __init__(self, rows: Iterable[Obj]) -> None:
        self._found: defaultdict[str, dict[str, PostingAccount]] = defaultdict(dict)
        self._inactive: dict[str, PostingAccount] = {}
        self._padded: defaultdict[str, dict[str, PostingAccount]] = defaultdict(dict)
        for row in rows:
            self._note(row)

    def _note(self, row: Obj) -> None:
        account = PostingAccount(
            str(row["Id"]), str(row.get("FullyQualifiedName") or row.get("Name") or ""),
            str(row.get("AcctNum") or ""), str(row.get("AccountType") or ""),
            str((row.get("CurrencyRef") or {}).get("value") or ""),
        )  # fmt: skip
        words = {account.id, account.number, account.name, str(row.get("Name") or "")} - {""}
        if row.get("Active") is False:
            self._inactive.update({word.partition(DELETED)[0].casefold(): account for word in words})
            return
        for word in words:
            self._found[word.casefold()][account.id] = account
        if account.number.isdecimal():
            self._padded[account.number.lstrip("0")][account.id] = account

    def find(self, word: str) -> list[PostingAccount]:
        """The accounts that a word could mean."""
        return list(self._found.get(word.strip().casefold(), {}).values())

    def near(self, word: str) -> list[str]:
        """Words of the chart that look like this one."""
        return difflib.get_close_matches(word.casefold(), self._found, 3)

    def padded(self, word: str) -> list[PostingAccount]:
        """The accounts whose number is the word but for zeros in front, which spreadsheets take away."""
        plain = word.strip()
        found = self._padded.get(plain.lstrip("0"), {}) if plain.isdecimal() else {}
        return [account for account in found.values() if account.number != plain]

    def account(self, word: str, item: Item, field: str) -> PostingAccount:
        """The one account that a word means. Raises Rejected where there is none, or more than one."""
        found, padded = self.find(word), self.padded(word)
        by_number = [account for account in found if account.number == word.strip()]
        if padded and not by_number:
            # What has the word as its id may be another account than the one that was meant.
            raise _stripped(word, padded, item, field)
        if len(found) == 1:
            return found[0]
        if found:
            told = " and ".join(f"{account.name} (id {account.id})" for account in found)
            raise refusal(
                item, f"account {word} could mean {told}", field,
                "name the account by its full name in the map or in the table of accounts", "WHERRY-4738",
            )  # fmt: skip
        raise self._unknown(word, item, field)

    def _unknown(self, word: str, item: Item, field: str) -> Rejected:
        gone = self._inactive.get(word.strip().casefold())
        if gone is not None:
            return refusal(
                item, f"account {word} ({gone.name.partition(DELETED)[0]}) is inactive in QuickBooks", field,
                "make the account active again in QuickBooks, or name another in the table of accounts", "WHERRY-4770",
            )  # fmt: skip
        near = self.near(word)
        hint = f"; near it: {', '.join(near)}" if near else ""
        return refusal(
            item, f"QuickBooks has no active account {word}{hint}", field,
            "add the account in QuickBooks, or correct the account in the map or in the table of accounts",
            "WHERRY-4738",
        )  # fmt: skip


def _stripped(word: str, padded: list[PostingAccount], item: Item, field: str) -> Rejected:
    told = " or ".join(f"{account.number} ({account.name})" for account in padded)
    return refusal(
        item, f"QuickBooks has no account {word}, but it has {told}: a spreadsheet may have taken its zeros", field,
        f"write {padded[0].number} in the table of accounts, its column as text", "WHERRY-4771",
    )  # fmt: skip


class Places:
    """The classes, or the departments, of a company: found by id, name or full name, whatever the case of letters."""

    def __init__(self, rows: Iterable[Obj]) -> None:
        self._found: defaultdict[str, set[str]] = defaultdict(set)
        for row in rows:
            for word in {str(row.get(name) or "") for name in ("Id", "Name", "FullyQualifiedName")} - {""}:
                self._found[word.casefold()].add(str(row["Id"]))

    def find(self, word: str) -> list[str]:
        """The ids that a word could mean."""
        return sorted(self._found.get(word.strip().casefold(), ()))

    def near(self, word: str) -> list[str]:
        """Words of the list that look like this one."""
        return difflib.get_close_matches(word.casefold(), self._found, 3)


class Books(Struct, frozen=True):
    """A company, as far as writing to it needs to know it. ``taxes`` are the ids of tax codes by rate (percent), as
    the operator's ``tax_table`` has them; ``income`` is the id of the account that items sell to.

    ``classes`` and ``departments`` are None where the company does not track them. ``rates`` are those of the
    operator's ``rate_table``, for documents in other currencies.
    """

    company: Company
    chart: Chart
    tax_table: str
    taxes: Mapping[Decimal | None, str]
    income: str
    item_type: str
    name_taken: str
    classes: Places | None = None
    departments: Places | None = None
    rate_table: str = ""
    rates: Rates = Rates()


def read_books(client: Client, settings: QuickBooksSettings, services: Services) -> Books:
    """Read company, chart and tax codes. Raises ConfigError for settings that name what the company has not."""
    company = client.company()
    rows = list(client.query("Account", EVERY))
    table = services.table(settings.tax_table)
    codes = list(client.query("TaxCode")) if table else []
    taxes = tax_codes(settings.tax_table, table, code_of=lambda word: _code(word, codes))
    rates = services.folder / settings.rate_table
    return Books(
        company, Chart(rows), settings.tax_table, taxes, _income(rows, settings), settings.item_type,
        settings.name_taken,
        Places(client.query("Class")) if company.classes else None,
        Places(client.query("Department")) if company.departments else None,
        settings.rate_table,
        read_rates(rates, settings.rate_table) if company.multicurrency and rates.is_file() else Rates(),
    )  # fmt: skip


def _income(rows: list[Obj], settings: QuickBooksSettings) -> str:
    sold = [row for row in rows if row.get("AccountType") == "Income" and row.get("Active") is not False]
    sold.sort(key=lambda row: (len(row["Id"]), row["Id"]))
    if settings.income_account is None:
        return next((str(row["Id"]) for row in sold if row.get("AccountSubType") != _DISCOUNTS), "")
    found = Chart(sold).find(settings.income_account)
    if len(found) == 1:
        return found[0].id
    names = ", ".join(str(row.get("FullyQualifiedName") or row.get("Name")) for row in sold[:10])
    raise ConfigError(
        f"income_account = {settings.income_account!r} is {'more than one' if found else 'no'} income account of the "
        "QuickBooks company",
        fix=f"name one of: {names}" if names else "add an income account in QuickBooks",
        code="WHERRY-2730", key="income_account",
    )  # fmt: skip


def _code(word: str, codes: list[Obj]) -> str:
    """The id of a code that the table gives by id or by name; an id counts first."""
    for field in ("Id", "Name"):
        for code in codes:
            if str(code.get(field) or "").casefold() == word.casefold():
                return str(code["Id"])
    known = ", ".join(f"{code['Id']} ({code.get('Name', '')})" for code in codes[:12])
    raise ValueError(f"is no tax code of QuickBooks, which has: {known}")
