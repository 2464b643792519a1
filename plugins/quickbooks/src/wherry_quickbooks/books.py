"""What is read of a company before anything is written to it: its chart of accounts and its tax codes."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec import Struct
from wherry.errors import ConfigError, Rejected
from wherry.money import exact
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
            raise held(
                item, f"account {word} could mean {told}", field,
                "name the account by its full name in the map or in the table of accounts", "WHERRY-4738",
            )  # fmt: skip
        raise self._unknown(word, item, field)

    def _unknown(self, word: str, item: Item, field: str) -> Rejected:
        gone = self._inactive.get(word.strip().casefold())
        if gone is not None:
            return held(
                item, f"account {word} ({gone.name.partition(DELETED)[0]}) is inactive in QuickBooks", field,
                "make the account active again in QuickBooks, or name another in the table of accounts", "WHERRY-4770",
            )  # fmt: skip
        near = self.near(word)
        hint = f"; near it: {', '.join(near)}" if near else ""
        return held(
            item, f"QuickBooks has no active account {word}{hint}", field,
            "add the account in QuickBooks, or correct the account in the map or in the table of accounts",
            "WHERRY-4738",
        )  # fmt: skip


def _stripped(word: str, padded: list[PostingAccount], item: Item, field: str) -> Rejected:
    told = " or ".join(f"{account.number} ({account.name})" for account in padded)
    return held(
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


class TaxTable(Struct, frozen=True):
    """Tax rate (percent) → the id of QuickBooks' tax code, as the operator's table at ``path`` has it.

    ``blank`` is the code of lines without a rate, where the table has a row without one.
    """

    path: str
    codes: dict[Decimal, str]
    blank: str = ""


class Books(Struct, frozen=True):
    """A company, as far as writing to it needs to know it. ``income`` is the id of the account that items sell to.

    ``classes`` and ``departments`` are None where the company does not track them.
    """

    company: Company
    chart: Chart
    taxes: TaxTable
    income: str
    item_type: str
    name_taken: str
    classes: Places | None = None
    departments: Places | None = None


def held(item: Item, message: str, field: str, fix: str, code: str) -> Rejected:
    """The error for an item that cannot be said in QuickBooks' words; nothing of it was sent."""
    name = item.label or str(item.body.get("number") or item.body.get("name") or item.key)
    return Rejected(
        f"{item.entity.replace('_', ' ')} {name}: {message}", fix=fix, code=code,
        item=item.stamp, entity=item.entity, key=item.key, field=field,
    )  # fmt: skip


def read_books(client: Client, settings: QuickBooksSettings, services: Services) -> Books:
    """Read company, chart and tax codes. Raises ConfigError for settings that name what the company has not."""
    company = client.company()
    rows = list(client.query("Account", EVERY))
    rows_of_table = services.table(settings.tax_table)
    codes = list(client.query("TaxCode")) if rows_of_table else []
    return Books(
        company, Chart(rows), _tax_table(settings.tax_table, rows_of_table, codes), _income(rows, settings),
        settings.item_type, settings.name_taken,
        Places(client.query("Class")) if company.classes else None,
        Places(client.query("Department")) if company.departments else None,
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


def _tax_table(path: str, rows: list[dict[str, str]], codes: list[Obj]) -> TaxTable:
    if rows and not rows[0].keys() >= {"rate", "code"}:
        raise _wrong(
            path, 1, f"its columns are {', '.join(rows[0])}", "name them rate,code, with a comma between cells"
        )
    found: dict[Decimal, str] = {}
    blank = ""
    for line, (rate, code) in enumerate(_pairs(path, rows, codes), start=2):
        if rate is None:
            blank = code
        elif found.setdefault(rate, code) != code:
            raise _wrong(path, line, f"the rate {rate} has two codes", "keep one row for each rate")
    return TaxTable(path, found, blank)


def _pairs(path: str, rows: list[dict[str, str]], codes: list[Obj]) -> Iterator[tuple[Decimal | None, str]]:
    for line, row in enumerate(rows, start=2):
        yield _rate(path, line, row.get("rate", "")), _code(path, line, row.get("code", ""), codes)


def _rate(path: str, line: int, text: str) -> Decimal | None:
    text = text.strip().removesuffix("%").strip()
    if not text:
        return None
    try:
        return exact(text)
    except ValueError:
        raise _wrong(path, line, f"the rate {text!r} is no number", "write percent, such as 20 or 8.25") from None


def _code(path: str, line: int, text: str, codes: list[Obj]) -> str:
    """The id of a code that the table gives by id or by name; an id counts first."""
    word = text.strip().casefold()
    for field in ("Id", "Name"):
        for code in codes:
            if word and str(code.get(field) or "").casefold() == word:
                return str(code["Id"])
    known = ", ".join(f"{code['Id']} ({code.get('Name', '')})" for code in codes[:12])
    raise _wrong(path, line, f"QuickBooks has no tax code {text!r}", f"use one of: {known}")


def _wrong(path: str, line: int, what: str, fix: str) -> ConfigError:
    return ConfigError(f"{path}, line {line}: {what}", fix=fix, code="WHERRY-2731", file=path, line=line)
