"""What stands in the books, as the ledger orchestration of the site tells it: balances, and journal entries.

It is asked for the lines of the general ledger of some days, ledger type AA. Without a first day it may sum them up by
account. Each line has ``Account`` (BU.OBJ.SUB), ``Amount`` (signed) and, where it is one line, ``GLDate``,
``DocumentNumber``, ``DocumentType``, ``Explanation`` and our key. How days are compared by the dataservice is not
known, so the tables are not asked for this.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from wherry.accounting import Balance, HeldEntry, HeldLine
from wherry.money import parse
from wherry.posting.entries import number_in
from wherry.posting.texts import clean

from .books import Books
from .client import Client, Obj, unreadable
from .documents import Said, body_of
from .faults import is_refusal
from .kinds import KINDS, Kind
from .texts import day, number, said_day, stamp_in

ROWS = "Lines"
_ASKED = Kind("", "", (), {"company": "Company", "first": "FromDate", "last": "ThruDate"})


def balances(
    client: Client, books: Books, names: Mapping[str, str], first: dt.date | None, last: dt.date
) -> list[Balance]:
    """What stands on each account at the end of ``last``; with ``first`` what moved from that day on."""
    total: defaultdict[str, int] = defaultdict(int)
    for row in _rows(client, books, first, last):
        total[_account(row)] += _minor(row, books)
    told = [(code, minor) for code, minor in sorted(total.items()) if minor]
    return [Balance(code, names.get(code, code), max(minor, 0), max(-minor, 0), books.home) for code, minor in told]


def entries(client: Client, books: Books, first: dt.date | None, last: dt.date) -> Iterator[HeldEntry]:
    """The journal entries of these days, whoever made them."""
    groups: defaultdict[str, list[Obj]] = defaultdict(list)
    kind = books.kinds.get("journal_entry") or KINDS["journal_entry"]
    for row in _rows(client, books, first or dt.date(1900, 1, 1), last):
        groups["/".join(clean(row.get(name)) for name in kind.id)].append(row)
    for id, rows in groups.items():
        date = day(rows[0].get("GLDate"), books.settings.dates, books.settings.zone)
        if date is None or not id.strip("/"):
            raise unreadable("a line of the ledger without document or day")
        note = clean(rows[0].get("Explanation"))
        stamps = {stamp for row in rows if (stamp := stamp_in(row.get(kind.inputs["reference"])))}
        yield HeldEntry(
            id=id, number=number_in(note), date=date, currency=books.home, note=note, at_home=True,
            stamp=stamps.pop() if len(stamps) == 1 else "", lines=list(_lines(rows, books)),
        )  # fmt: skip


def _rows(client: Client, books: Books, first: dt.date | None, last: dt.date) -> list[Obj]:
    settings = books.settings
    days = {name: said_day(date.isoformat(), settings.dates, settings.zone)
            for name, date in (("first", first), ("last", last)) if date}  # fmt: skip
    asked = Said({"company": settings.company, **days}, [])
    body = client.run(str(settings.ledger), body_of(asked, _ASKED, settings))
    rows = body.get(ROWS)
    if is_refusal(body) or body.get("jde__status") == "ERROR" or not isinstance(rows, list):
        raise unreadable(f"{settings.ledger} gives no {ROWS}")
    if not all(isinstance(row, dict) for row in rows):
        raise unreadable(f"{ROWS} of {settings.ledger} are no lines")
    return rows


def _lines(rows: list[Obj], books: Books) -> Iterator[HeldLine]:
    for row in rows:
        if minor := _minor(row, books):
            side: Any = "debit" if minor > 0 else "credit"
            yield HeldLine(account=_account(row), side=side, minor=abs(minor), home=abs(minor))


def _account(row: Obj) -> str:
    return ".".join(part for part in (clean(one) for one in clean(row.get("Account")).split(".")) if part)


def _minor(row: Obj, books: Books) -> int:
    try:
        return parse(number(row.get("Amount")), books.home).minor
    except (ArithmeticError, ValueError) as error:
        raise unreadable(f"an amount: {error}") from None
