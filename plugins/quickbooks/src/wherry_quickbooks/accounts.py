"""The chart of accounts in Wherry's words. QuickBooks has no header accounts: a parent can be posted to as well.

Facts: AcctNum is there only where the company keeps account numbers; an account made inactive has ``(deleted)`` behind
its name (Intuit's API reference on Account).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from wherry.accounting import ChartAccount

from .books import DELETED, PAYABLE, RECEIVABLE
from .client import EVERY, Client, Obj

TYPES = {
    "Bank": "bank",
    RECEIVABLE: "receivable",
    "Other Current Asset": "asset",
    "Fixed Asset": "asset",
    "Other Asset": "asset",
    PAYABLE: "payable",
    "Credit Card": "liability",
    "Other Current Liability": "liability",
    "Long Term Liability": "liability",
    "Equity": "equity",
    "Income": "income",
    "Other Income": "income",
    "Cost of Goods Sold": "expense",
    "Expense": "expense",
    "Other Expense": "expense",
}
"""QuickBooks' account type → the canonical one."""
NON_POSTING = "Non-Posting"
_EXCHANGE = "ExchangeGainOrLoss"
"""The detail type of the account on which QuickBooks books what rates and their rounding leave."""
_OWN_CURRENCY_ONLY = frozenset({RECEIVABLE, PAYABLE})


def rows(client: Client) -> list[Obj]:
    """All accounts, inactive ones too."""
    return list(client.query("Account", EVERY))


def chart(found: Iterable[Obj], home: str) -> Iterator[ChartAccount]:
    """The accounts as they are. ``currency`` is the only one that an account takes: of one kept in the ``home``
    currency it is empty, unless it is for receivables or payables."""
    found = list(found)
    codes = codes_of(found)
    for row in found:
        kind, currency = str(row.get("AccountType") or ""), str((row.get("CurrencyRef") or {}).get("value") or "")
        yield ChartAccount(
            id=str(row["Id"]), code=codes[str(row["Id"])], name=_undeleted(str(row.get("Name") or "")),
            type=TYPES.get(kind, "other"), posting=kind != NON_POSTING, active=row.get("Active") is not False,
            currency=currency if currency != home or kind in _OWN_CURRENCY_ONLY else "",
            parent=str((row.get("ParentRef") or {}).get("value") or ""),
        )  # fmt: skip


def exchange_account(found: Sequence[Obj]) -> str:
    """The code of the account for exchange gains and losses, which a company has that keeps several currencies."""
    codes = codes_of(found)
    mine = (row for row in found if row.get("AccountSubType") == _EXCHANGE and row.get("Active") is not False)
    return next((codes[str(row["Id"])] for row in mine), "")


def codes_of(found: Sequence[Obj]) -> dict[str, str]:
    """Id → number, or full name where an account has no number. An inactive one goes by the name that it had, unless
    an active one has it now."""
    taken = {_name(row).casefold() for row in found if row.get("Active") is not False}
    return {str(row["Id"]): str(row.get("AcctNum") or "") or _free(_name(row), taken) for row in found}


def _name(row: Obj) -> str:
    return str(row.get("FullyQualifiedName") or row.get("Name") or "")


def _free(name: str, taken: set[str]) -> str:
    plain = _undeleted(name)
    return name if plain.casefold() in taken else plain


def _undeleted(name: str) -> str:
    return name.partition(DELETED)[0]
