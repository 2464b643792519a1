"""The company file as books: its chart of accounts, its balances, and the journal entries that stand in it.

Facts: balances of a trial balance are those at the end of its last day; income and expense begin anew with each fiscal
year, and what they came to before stands in the retained earnings.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from wherry.accounting import Balance, ChartAccount, HeldDocument, HeldEntry, HeldLine, HeldPosting, Side
from wherry.books.years import year_of, years
from wherry.errors import ConfigError, ContractBroken
from wherry.money import exact, parse, rounded

from . import statements
from .books import Books
from .journals import NON_POSTING, PAYABLE, RECEIVABLE, SIDES
from .names import plain, stamp_of
from .statements import Question, Rows
from .words.replies import many

TYPES = {
    "Bank": "bank", RECEIVABLE: "receivable", "OtherCurrentAsset": "asset", "FixedAsset": "asset",
    "OtherAsset": "asset", PAYABLE: "payable", "CreditCard": "liability", "OtherCurrentLiability": "liability",
    "LongTermLiability": "liability", "Equity": "equity", "Income": "income", "OtherIncome": "income",
    "CostOfGoodsSold": "expense", "Expense": "expense", "OtherExpense": "expense",
}  # fmt: skip
"""QuickBooks' account type → the canonical one."""
RETAINED, EXCHANGE = "RetainedEarnings", "ExchangeGainLoss"
_TEMPORARY = frozenset({"Income", "OtherIncome", "CostOfGoodsSold", "Expense", "OtherExpense"})
_NUMBERED = " · "
_DAY = dt.timedelta(days=1)
Row = dict[str, Any]


# -- the chart ---------------------------------------------------------------------------------------------------------


def chart(rows: Iterable[Row], books: Books) -> Iterator[ChartAccount]:
    """The accounts, inactive ones too. ``currency`` is the only one that an account takes, and empty for the file's
    own, other than of receivables and payables."""
    for row in rows:
        kind = str(row.get("AccountType") or "")
        currency = code_of((row.get("CurrencyRef") or {}).get("FullName"), books)
        own = currency == books.currency and kind not in (RECEIVABLE, PAYABLE)
        yield ChartAccount(
            id=str(row["ListID"]), code=code(row), name=str(row.get("Name") or ""), type=TYPES.get(kind, "other"),
            posting=kind != NON_POSTING, active=row.get("IsActive") != "false", currency="" if own else currency,
            parent=str((row.get("ParentRef") or {}).get("ListID") or ""),
        )  # fmt: skip


def code(row: Row) -> str:
    """An account's number, or its full name where it has none."""
    return str(row.get("AccountNumber") or row.get("FullName") or row.get("Name") or "")


def special(rows: Iterable[Row], kind: str) -> str:
    """The code of the account that QuickBooks itself keeps for something; empty where there is none."""
    return next((code(row) for row in rows if row.get("SpecialAccountType") == kind), "")


def code_of(name: object, books: Books) -> str:
    """The code of a currency by QuickBooks' name of it."""
    return next((code for code, called in books.currencies.items() if called == name), "")


# -- balances ----------------------------------------------------------------------------------------------------------


def days(first: dt.date | None, last: dt.date, year_from: int) -> list[Question]:
    """The balances that have to be known for those at the end of ``last``, or for what moved since ``first``."""
    if first is None:
        return [statements.balance(last)]
    ends = [end for _, end in years(first, last, year_from)]
    return [statements.balance(day) for day in (first - _DAY, *ends)]


def balances(
    told: dict[dt.date, Rows], rows: Sequence[Row], books: Books, first: dt.date | None, last: dt.date
) -> list[Balance]:
    """Balances by code at the end of ``last``, or what moved since ``first``; accounts at zero are left out."""
    at = {day: _standing(found, rows, books) for day, found in told.items()}
    total = Counter(at[last]) if first is None else _moved(at, rows, books, first, last)
    names = {code(row): str(row.get("FullName") or "") for row in rows}
    found = [
        Balance(account, names.get(account, account), max(minor, 0), max(-minor, 0), home(books))
        for account, minor in total.items()
        if minor
    ]
    return sorted(found, key=lambda one: one.code)


def _moved(
    at: dict[dt.date, Counter[str]], rows: Sequence[Row], books: Books, first: dt.date, last: dt.date
) -> Counter[str]:
    """Year by year, since each begins with income and expense at nothing."""
    total: Counter[str] = Counter()
    kept = special(rows, RETAINED)
    temporary = {code(row) for row in rows if row.get("AccountType") in _TEMPORARY}
    for start, end in years(first, last, books.company.year_from):
        total.update(at[end])
        new_year = start == year_of(start, books.company.year_from)
        for account, minor in at[start - _DAY].items():
            total[kept if new_year and account in temporary else account] -= minor
    return total


class _Names:
    """Codes of accounts by the names that reports show: the full name, with or without numbers in front of its parts,
    or the last part alone."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._full: dict[str, str] = {}
        self._numbers: dict[str, str] = {}
        self._last: defaultdict[str, set[str]] = defaultdict(set)
        for row in rows:
            name = str(row.get("FullName") or "").casefold()
            self._full[name] = self._numbers[str(row.get("AccountNumber") or "")] = code(row)
            self._last[name.rpartition(":")[2]].add(code(row))

    def code(self, shown: str) -> str:
        """The code, or what is shown where it is none that is known."""
        name = shown.casefold()
        number, _, after = name.rpartition(":")[2].rpartition(_NUMBERED)
        bare = ":".join(part.rpartition(_NUMBERED)[2] for part in name.split(":"))
        last = self._last[after] if len(self._last[after]) == 1 else ()
        return self._full.get(name) or self._full.get(bare) or (number and self._numbers.get(number)) or next(
            iter(last), shown)  # fmt: skip


def _standing(found: Rows, rows: Sequence[Row], books: Books) -> Counter[str]:
    """What stands on each account, debits positive. Raises ContractBroken for rows that miss their total."""
    names = _Names(rows)
    at: Counter[str] = Counter()
    sides, totals = (0, 0), None
    for row in found:
        debit, credit = (_minor(row[side], books) for side in ("debit", "credit"))
        if not row["account"]:
            totals = (debit, credit)
            continue
        at[names.code(str(row["account"]))] += debit - credit
        sides = (sides[0] + debit, sides[1] + credit)
    if totals not in (None, sides):
        raise ContractBroken(
            f"the rows of QuickBooks' trial balance come to {sides[0]} and {sides[1]} minor units, its total is "
            f"{totals[0]} and {totals[1]}",
            fix="report this: the form of the report is not the one that is known; nothing was compared",
            code="WHERRY-1855",
        )  # fmt: skip
    return at


def documents(found: Rows, codes: Collection[str], rows: Sequence[Row], books: Books) -> Iterator[HeldDocument]:
    """The transactions that booked on these accounts, journal entries among them, each with what it booked there."""
    names, by_id = _Names(rows), defaultdict[tuple[str, ...], list[HeldPosting]](list)
    for n, row in enumerate(found):
        minor = _minor(row["debit"], books) - _minor(row["credit"], books)
        account = names.code(str(row["account"])) if row["account"] else ""
        if minor and account in codes and row["date"]:
            key = (row["id"] or f"? {n}", row["kind"], row["number"], row["date"][:10])
            side: Side = "debit" if minor > 0 else "credit"
            by_id[key].append(HeldPosting(account=account, side=side, minor=abs(minor)))
    for (id, kind, number, date), lines in by_id.items():
        yield HeldDocument(
            id=id, kind=kind, number=number, date=dt.date.fromisoformat(date), postings=tuple(lines)
        )  # fmt: skip


def home(books: Books) -> str:
    """The currency that balances are in. Raises ConfigError where nobody tells it."""
    if books.currency:
        return books.currency
    raise ConfigError(
        "QuickBooks does not tell which currency its company file is kept in, so balances cannot be compared",
        fix="set currency of the connection to it, such as currency = \"USD\"", code="WHERRY-2857", key="currency",
    )  # fmt: skip


def _minor(text: str, books: Books) -> int:
    return parse(exact(text), home(books)).minor if text else 0


# -- journal entries ---------------------------------------------------------------------------------------------------


def listed(found: Rows, rows: Sequence[Row], books: Books) -> Iterator[HeldEntry]:
    """Journal entries as they were told, whoever made them."""
    codes = {str(row["ListID"]): code(row) for row in rows}
    return (_entry(one, codes, books, special(rows, EXCHANGE)) for one in found)


def _entry(row: Row, codes: dict[str, str], books: Books, exchange: str) -> HeldEntry:
    lines = tuple(_lines(row, codes, books))
    memos = [str(line.get("Memo") or "") for name in SIDES.values() for line in many(row, name)]
    return HeldEntry(
        id=str(row["TxnID"]), number=str(row.get("RefNumber") or ""), date=dt.date.fromisoformat(row["TxnDate"][:10]),
        currency=code_of((row.get("CurrencyRef") or {}).get("FullName"), books) or home(books),
        note=plain(next(iter(memos), "")),
        stamp=next((found for memo in memos if (found := stamp_of(memo))), ""),
        lines=(*lines, *_rounding(lines, exchange)),
    )  # fmt: skip


def _lines(row: Row, codes: dict[str, str], books: Books) -> Iterator[HeldLine]:
    own = home(books)
    currency = code_of((row.get("CurrencyRef") or {}).get("FullName"), books) or own
    rate = exact(str(row.get("ExchangeRate") or 1)) if currency != own else exact("1")
    for side, name in SIDES.items():
        for line in many(row, name):
            worth = exact(str(line.get("Amount") or 0))
            account = str((line.get("AccountRef") or {}).get("ListID") or "")
            if worth:
                yield HeldLine(
                    account=codes.get(account, account), side="debit" if side == "debit" else "credit",
                    minor=parse(worth, currency).minor, home=rounded(worth * rate, own)[0].minor,
                    party=str((line.get("EntityRef") or {}).get("ListID") or ""),
                )  # fmt: skip


def _rounding(lines: Sequence[HeldLine], account: str) -> Iterator[HeldLine]:
    """What QuickBooks books beside the lines: they are rounded one by one at home, and may not come out even."""
    left = sum(line.home if line.side == "credit" else -line.home for line in lines)
    if left:
        yield HeldLine(account=account, side="debit" if left > 0 else "credit", minor=0, home=abs(left))
