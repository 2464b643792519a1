"""What stands in the books of Sage Intacct: balances, and journal entries with their lines.

Facts: ``get_accountbalancesbydimensions`` tells balance and movement of a range of accounts between two days, debits
positive; GLBATCH tells the module that an entry comes from, 2.GL those of journals; amounts of GLENTRY have no sign
(Sage's reference).
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator

from wherry.accounting import Balance, HeldEntry, HeldLine, Side
from wherry.money import parse
from wherry.posting.texts import clean

from .amounts import number
from .books import Books
from .client import Client, Row
from .documents import FORMS
from .queries import dated
from .texts import is_stamp, iso
from .xml import unreadable

_BATCH = FORMS["GLBATCH"]
JOURNALS, POSTED = "2.GL", "Posted"


def balances(client: Client, books: Books, first: dt.date | None, last: dt.date) -> list[Balance]:
    """What stands on each account at the end of ``last``; with ``first`` what moved from that day on."""
    codes = sorted(account.code for account in books.chart.accounts)
    if not codes:
        return []
    rows = client.balances((codes[0], codes[-1]), first or last.replace(day=1), last)
    found: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        found[row.get("glaccountno", "")] += _minor(row.get("endbalance" if first is None else "periodbalance"), books)
    if sum(found.values()):
        raise unreadable("a trial balance whose sides differ")
    names = {account.code: account.name for account in books.chart.accounts}
    told = [
        Balance(code, names.get(code, code), max(minor, 0), max(-minor, 0), books.home)
        for code, minor in found.items()
        if minor
    ]
    return sorted(told, key=lambda one: one.code)


def entries(client: Client, books: Books, first: dt.date | None, last: dt.date) -> Iterator[HeldEntry]:
    """The journal entries of these days, whoever made them. A draft, or what was declined, books nothing."""
    where = dated("BATCH_DATE", first.isoformat() if first else None, last.isoformat())
    heads = [one for one in client.each("GLBATCH", _BATCH.fields, where) if one.get("MODULE") == JOURNALS]
    lines: defaultdict[str, list[Row]] = defaultdict(list)
    for row in client.each(_BATCH.lines, (_BATCH.parent, *_BATCH.line_fields), where) if heads else ():
        lines[row.get(_BATCH.parent, "")].append(row)
    for head in heads:
        yield _entry(head, lines[head["RECORDNO"]], books)


def _entry(head: Row, lines: list[Row], books: Books) -> HeldEntry:
    day = iso(head.get("BATCH_DATE"))
    if not day:
        raise unreadable(f"the date of journal entry {head.get('RECORDNO')}")
    currency = next((one["CURRENCY"] for one in lines if one.get("CURRENCY")), books.home)
    stamp = next((one["DOCUMENT"] for one in lines if is_stamp(one.get("DOCUMENT", ""))), "")
    made = [_line(one, currency, books) for one in lines] if head.get("STATE") == POSTED else []
    return HeldEntry(
        id=head["RECORDNO"], number=clean(head.get("REFERENCENO")), date=dt.date.fromisoformat(day), currency=currency,
        note=clean(head.get("BATCH_TITLE")), stamp=stamp, lines=[line for line in made if line.minor or line.home],
    )  # fmt: skip


def _line(row: Row, currency: str, books: Books) -> HeldLine:
    side: Side = "debit" if row.get("TR_TYPE") == "1" else "credit"
    return HeldLine(
        account=row.get("ACCOUNTNO", ""), side=side, minor=abs(_minor(row.get("TRX_AMOUNT"), books, currency)),
        home=abs(_minor(row.get("AMOUNT"), books)), party=row.get("CUSTOMERID", ""),
    )  # fmt: skip


def _minor(value: str | None, books: Books, currency: str = "") -> int:
    try:
        return parse(number(value), currency or books.home).minor
    except ValueError as error:
        raise unreadable(f"an amount: {error}") from None
