"""What stands in NetSuite's books: balances, journal entries, and what other documents booked, asked for by SuiteQL.

Facts: a line's amounts in the base currency stand in ``transactionaccountingline`` for each accounting book, those in
the document's own currency in ``transactionline``, debits positive (general knowledge of NetSuite's record catalogue;
the contract's subset does not have these tables).
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterator
from decimal import Decimal
from itertools import groupby
from typing import Any

from wherry.accounting import Balance, HeldDocument, HeldEntry, HeldLine, HeldPosting, Side
from wherry.money import parse
from wherry.posting.texts import clean

from .books import Books
from .client import Client, Obj, quoted, unreadable
from .documents import KINDS
from .facts import code_of
from .texts import is_stamp

_FROM = (
    "FROM transactionaccountingline tal JOIN transaction t ON t.id = tal.transaction "
    "JOIN transactionline tl ON tl.transaction = tal.transaction AND tl.id = tal.transactionline "
    "WHERE tal.posting = 'T'"
)
_LINES = (
    "SELECT t.id, t.tranid, TO_CHAR(t.trandate, 'YYYY-MM-DD') AS trandate, t.type, t.externalid, t.memo, "
    "tl.id AS line, tl.entity, {abroad}tal.account, tal.debit, tal.credit "
)
JOURNAL = KINDS["journal_entry"].code


def balances(client: Client, books: Books, first: dt.date | None, last: dt.date) -> list[Balance]:
    """What was booked on each account up to the end of ``last``, with ``first`` from that day on. Nothing is carried
    over: NetSuite works out the retained earnings for its reports, and books none."""
    columns = "SELECT tal.account, SUM(tal.debit) AS debit, SUM(tal.credit) AS credit "
    rows = client.query(f"{columns}{_where(books, first, last)} GROUP BY tal.account ORDER BY tal.account")
    accounts = {account.id: account for account in books.chart.accounts}
    home, found = books.settings.home, []
    for row in rows:
        id, minor = str(row.get("account")), _minor(row.get("debit"), home) - _minor(row.get("credit"), home)
        account = accounts.get(id)
        names = (account.code, account.name) if account else (id, id)
        found += [Balance(*names, max(minor, 0), max(-minor, 0), home)] if minor else []
    return sorted(found, key=lambda one: one.code)


def entries(client: Client, books: Books, first: dt.date | None, last: dt.date) -> Iterator[HeldEntry]:
    """The journal entries of these days, whoever made them, by id."""
    where = f"{_where(books, first, last)} AND t.type = {quoted(JOURNAL)}"
    for id, rows in _by_document(client.query(f"{_columns(books)}{where} ORDER BY t.id, tl.id")):
        head, stamp = rows[0], str(rows[0].get("externalid") or "")
        currency = code_of(str(head.get("currency") or ""), books)
        lines = [_line(row, books, currency) for row in rows]
        yield HeldEntry(
            id=id, number=clean(head.get("tranid")), date=_day(head), currency=currency, note=clean(head.get("memo")),
            stamp=stamp if is_stamp(stamp) else "", lines=[line for line in lines if line.minor or line.home],
        )  # fmt: skip


def documents(
    client: Client, books: Books, codes: Collection[str], first: dt.date, last: dt.date
) -> Iterator[HeldDocument]:  # fmt: skip
    """What is no journal entry and booked on these accounts in these days."""
    wanted = {account.id: account.code for account in books.chart.accounts if account.code in set(codes)}
    if not wanted:
        return
    some = f"tal.account IN ({', '.join(wanted)}) AND t.type <> {quoted(JOURNAL)}"
    where = f"{_where(books, first, last)} AND {some}"
    for id, rows in _by_document(client.query(f"{_columns(books)}{where} ORDER BY t.id, tl.id")):
        sums: defaultdict[str, int] = defaultdict(int)
        for row in rows:
            sums[wanted[str(row["account"])]] += _signed(row, books.settings.home)
        postings = [
            HeldPosting(account=code, side=_side(minor), minor=abs(minor)) for code, minor in sums.items() if minor
        ]
        yield HeldDocument(
            id=id, kind=str(rows[0].get("type") or ""), number=clean(rows[0].get("tranid")), date=_day(rows[0]),
            postings=postings,
        )  # fmt: skip


def _columns(books: Books) -> str:
    """An account that keeps one currency alone has no columns of others."""
    return _LINES.format(abroad="t.currency, tl.foreignamount, " if any(books.settings.currencies.values()) else "")


def _where(books: Books, first: dt.date | None, last: dt.date) -> str:
    where, book = _FROM, books.settings.accounting_book
    where += f" AND tal.accountingbook = {book}" if book else ""
    where += f" AND tl.subsidiary = {books.settings.subsidiary}" if books.settings.subsidiary else ""
    where += f" AND t.trandate >= TO_DATE('{first.isoformat()}', 'YYYY-MM-DD')" if first else ""
    return f"{where} AND t.trandate <= TO_DATE('{last.isoformat()}', 'YYYY-MM-DD')"


def _by_document(rows: list[Obj]) -> Iterator[tuple[str, list[Obj]]]:
    for id, group in groupby(rows, lambda row: str(row["id"])):
        yield id, list(group)


def _line(row: Obj, books: Books, currency: str) -> HeldLine:
    home = _signed(row, books.settings.home)
    foreign = row.get("foreignamount")
    minor = home if foreign is None or currency == books.settings.home else _minor(foreign, currency)
    account = next((one.code for one in books.chart.accounts if one.id == str(row["account"])), str(row["account"]))
    return HeldLine(
        account=account, side=_side(home or minor), minor=abs(minor), home=abs(home), party=str(row.get("entity") or "")
    )


def _side(minor: int) -> Side:
    return "debit" if minor > 0 else "credit"


def _signed(row: Obj, home: str) -> int:
    return _minor(row.get("debit"), home) - _minor(row.get("credit"), home)


def _minor(value: Any, currency: str) -> int:
    try:
        return parse(Decimal(str(value)), currency).minor if value not in (None, "") else 0
    except (ArithmeticError, ValueError) as error:
        raise unreadable(f"an amount: {error}") from None


def _day(row: Obj) -> dt.date:
    try:
        return dt.date.fromisoformat(str(row.get("trandate")))
    except ValueError:
        raise unreadable(f"the date of transaction {row.get('id')}") from None
