"""The trial balance, read from QuickBooks' own report, to the cent.

Facts: balances of the report are those at the end of its last day; income and expense begin anew with each fiscal year,
and what they came to before stands in the retained earnings (Intuit's help on the report and on closing a year). Rows
name the account's id; amounts are decimal text; the last row adds up (the report's sample in Intuit's API reference).
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping

from msgspec import Struct
from wherry.books.years import year_of, years
from wherry.errors import ContractBroken
from wherry.money import exact, parse
from wherry.roles import Balance

from . import accounts
from .client import Client, Obj, unreadable

REPORT = "reports/TrialBalance"
MONEY = "Money"
_DAY = dt.timedelta(days=1)
_TEMPORARY = frozenset({"income", "expense"})
_RETAINED = "RetainedEarnings"

Standing = dict[str, int]
"""Account id → minor units of the home currency, debits positive. An account without an id goes by its name."""


def trial_balance(client: Client, first: dt.date | None, last: dt.date) -> list[Balance]:
    """Balances at the end of ``last``; with ``first`` what moved from that day on, both ends included.

    Raises TryAgain for a report that cannot be read, ContractBroken for one whose rows do not come to its total.
    """
    report = _Report(client)
    found = report.at(last) if first is None else report.moved(first, last)
    return report.told(found)


class _Report:
    """The report at the ends of days, each read once."""

    def __init__(self, client: Client) -> None:
        self._client, self._company = client, client.company()
        rows = accounts.rows(client)
        self._codes = accounts.codes_of(rows)
        self._names = {str(row["Id"]): str(row.get("FullyQualifiedName") or row.get("Name") or "") for row in rows}
        self._temporary = {str(row["Id"]) for row in rows if accounts.TYPES.get(row["AccountType"]) in _TEMPORARY}
        self._retained = next((str(row["Id"]) for row in rows if row.get("AccountSubType") == _RETAINED), "")
        self._read: dict[dt.date, Standing] = {}

    def at(self, last: dt.date) -> Standing:
        """Every balance at the end of a day."""
        if last not in self._read:
            answer = self._client.get(
                REPORT, start_date=year_of(last, self._company.year_from).isoformat(), end_date=last.isoformat(),
                accounting_method="Accrual",
            )  # fmt: skip
            self._read[last] = standing(answer, self._company.currency)
        return self._read[last]

    def moved(self, first: dt.date, last: dt.date) -> Standing:
        """What was booked from ``first`` to ``last``: year by year, since each begins with income and expense at 0."""
        total: defaultdict[str, int] = defaultdict(int)
        for start, end in years(first, last, self._company.year_from):
            for account, minor in self.at(end).items():
                total[account] += minor
            for account, minor in self._opening(start).items():
                total[account] -= minor
        return {account: minor for account, minor in total.items() if minor}

    def _opening(self, start: dt.date) -> Standing:
        """Balances as ``start`` begins: on the first day of a fiscal year with the last one's result carried over."""
        before = self.at(start - _DAY)
        if start != year_of(start, self._company.year_from):
            return before
        kept: defaultdict[str, int] = defaultdict(int)
        for account, minor in before.items():
            kept[self._retained if account in self._temporary else account] += minor
        return kept

    def told(self, found: Mapping[str, int]) -> list[Balance]:
        """Balances by code; accounts that stand at zero are left out."""
        rows = [
            Balance(
                self._codes.get(account, account), self._names.get(account, account), max(minor, 0), max(-minor, 0),
                self._company.currency,
            )
            for account, minor in found.items()
            if minor
        ]  # fmt: skip
        return sorted(rows, key=lambda row: row.code)


# -- reading the report ------------------------------------------------------------


class _Columns(Struct, frozen=True):
    """Where in a row the two sides stand."""

    debit: int
    credit: int


def standing(answer: Obj, home: str) -> Standing:
    """The rows of a report. Raises TryAgain for what cannot be read, ContractBroken for rows that miss the total."""
    columns = _columns(answer)
    currency = str((answer.get("Header") or {}).get("Currency") or home)
    found: defaultdict[str, int] = defaultdict(int)
    sides, totals = [0, 0], None
    for cells, is_total in _rows(answer.get("Rows")):
        debit, credit = (_minor(cells, column, currency) for column in (columns.debit, columns.credit))
        if is_total:
            totals = [debit, credit]
            continue
        found[str(cells[0].get("id") or cells[0].get("value") or "")] += debit - credit
        sides = [sides[0] + debit, sides[1] + credit]
    if totals is not None and totals != sides:
        raise ContractBroken(
            f"the rows of QuickBooks' trial balance come to {sides[0]} and {sides[1]} minor units of {currency}, "
            f"its total is {totals[0]} and {totals[1]}",
            fix="report this: the form of the report is not the one that is known; nothing was compared",
            code="WHERRY-1770",
        )  # fmt: skip
    return dict(found)


def _columns(answer: Obj) -> _Columns:
    told = (answer.get("Columns") or {}).get("Column") or ()
    money = [n for n, column in enumerate(told) if column.get("ColType") == MONEY]
    if len(money) != 2:
        raise unreadable(f"a trial balance with {len(money)} columns of amounts")
    return _Columns(*money)


def _rows(part: object) -> Iterator[tuple[list[Obj], bool]]:
    """The rows of accounts wherever they stand, and the grand total. Subtotals of sections are passed over."""
    for row in (part.get("Row") or ()) if isinstance(part, dict) else ():
        if row.get("ColData"):
            yield row["ColData"], False
        header = (row.get("Header") or {}).get("ColData")
        if header and header[0].get("id"):
            # An account with accounts below it may stand as the heading of its own section.
            yield header, False
        yield from _rows(row.get("Rows"))
        if row.get("group") == "GrandTotal" and (row.get("Summary") or {}).get("ColData"):
            yield row["Summary"]["ColData"], True


def _minor(cells: list[Obj], column: int, currency: str) -> int:
    text = str(cells[column].get("value") or "").strip() if column < len(cells) else ""
    try:
        return parse(exact(text), currency).minor if text else 0
    except ValueError as error:
        raise unreadable(f"an amount of the trial balance: {error}") from None
