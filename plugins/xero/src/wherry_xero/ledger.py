"""What stands in Xero's books: the trial balance, and the manual journals.

Facts: the report's rows name the account's id; its third and fourth amounts are those of the financial year to date, in
which income and expense begin at nothing (API.md; that the others are carried over is general knowledge). Xero books no
closing: what was earned before stands in the retained earnings of the report. Lists are filtered by days with
``DateTime(y,m,d)`` (general knowledge).
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from wherry.accounting import Balance, HeldEntry, HeldLine
from wherry.books.years import year_of, years
from wherry.money import parse
from wherry.posting.entries import number_in
from wherry.posting.texts import clean

from .books import Books
from .client import Client, Obj, unreadable
from .facts import lines_of
from .texts import day, stamp_in, when

_REPORT = "Reports/TrialBalance"
_TEMPORARY = frozenset({"income", "expense"})
_DAY = dt.timedelta(days=1)
_COLUMNS = (3, 4)
"""Where in a row the year's debit and credit stand."""

Standing = dict[str, int]
"""Account id → minor units of the base currency, debits positive."""


def balances(client: Client, books: Books, first: dt.date | None, last: dt.date) -> list[Balance]:
    """What stands on each account at the end of ``last``; with ``first`` what moved from that day on."""
    found = _standing(client, books, last) if first is None else _moved(client, books, first, last)
    names = {id: (one.code, one.name) for id, one in books.chart.by_id.items()}
    told = [
        Balance(*names.get(id, (id, id)), max(minor, 0), max(-minor, 0), books.home)
        for id, minor in found.items()
        if minor
    ]
    return sorted(told, key=lambda one: one.code)


def _moved(client: Client, books: Books, first: dt.date, last: dt.date) -> Standing:
    """Year by year, since each begins with income and expense at nothing. What that carries to the retained earnings
    between two years is no movement, and cancels out: it is taken as it stands on the first day."""
    total: defaultdict[str, int] = defaultdict(int)
    for start, end in years(first, last, books.year_from):
        for id, minor in _standing(client, books, end).items():
            total[id] += minor
        fresh = start == year_of(start, books.year_from)
        for id, minor in _standing(client, books, start - _DAY).items():
            account = books.chart.by_id.get(id)
            temporary = fresh and account is not None and account.type in _TEMPORARY
            total[books.retained if temporary else id] -= minor
    return dict(total)


def _standing(client: Client, books: Books, last: dt.date) -> Standing:
    body = client.get(_REPORT, date=last.isoformat())
    reports = body.get("Reports")
    if not isinstance(reports, list) or not reports or not isinstance(reports[0], dict):
        raise unreadable("it is no trial balance")
    found: defaultdict[str, int] = defaultdict(int)
    for cells in _rows(reports[0]):
        debit, credit = (_minor(cells, column, books.home) for column in _COLUMNS)
        found[_account(cells)] += debit - credit
    if sum(found.values()):
        raise unreadable("a trial balance whose sides differ")
    return dict(found)


def _rows(part: Mapping[str, Any]) -> Iterator[list[Obj]]:
    for row in part.get("Rows") or ():
        if row.get("RowType") == "Row" and len(row.get("Cells") or ()) > max(_COLUMNS):
            yield row["Cells"]
        yield from _rows(row)


def _account(cells: list[Obj]) -> str:
    told = [one.get("Value") for one in cells[0].get("Attributes") or () if one.get("Id") == "account"]
    return str(told[0] if told else cells[0].get("Value") or "")


def _minor(cells: list[Obj], column: int, home: str) -> int:
    text = str(cells[column].get("Value") or "").strip()
    return _parsed(text, home) if text else 0


def entries(client: Client, books: Books, first: dt.date | None, last: dt.date) -> Iterator[HeldEntry]:
    """The manual journals of these days, whoever made them. One that was voided, or waits as a draft, books nothing."""
    where = f"Date<={when(last)}" if first is None else f"Date>={when(first)} AND Date<={when(last)}"
    for row in client.each("ManualJournals", where=where):
        date, text = day(row.get("Date")), clean(row.get("Narration"))
        if date is None:
            raise unreadable(f"the date of manual journal {row.get('ManualJournalID')}")
        yield HeldEntry(
            id=str(row["ManualJournalID"]), number=number_in(text), date=date, currency=books.home, note=text,
            stamp=stamp_in(row.get("Url")), lines=list(_lines(row, books)) if row.get("Status") == "POSTED" else [],
            at_home=True,
        )  # fmt: skip


def _lines(row: Obj, books: Books) -> Iterator[HeldLine]:
    for line in lines_of(row, "JournalLines"):
        minor = _parsed(line.get("LineAmount"), books.home)
        if minor:
            yield HeldLine(
                account=clean(line.get("AccountCode")), side="debit" if minor > 0 else "credit", minor=abs(minor),
                home=abs(minor),
            )  # fmt: skip


def _parsed(value: Any, home: str) -> int:
    try:
        return parse(Decimal(str(value or 0)), home).minor
    except (ArithmeticError, ValueError) as error:
        raise unreadable(f"an amount: {error}") from None
