"""Journal entries as QuickBooks holds them, whoever made them: what a tie-out compares with what was sent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from msgspec import Struct
from wherry.accounting import Side
from wherry.money import parse, rounded

from . import accounts
from .client import Client, Obj, quoted, unreadable
from .names import stamp_of, unstamped
from .taxes import ZERO


class ListedLine(Struct, frozen=True, kw_only=True):
    """One line: ``minor`` in the entry's currency (0 for what QuickBooks books beside it), ``home`` in the books' own.
    ``party`` is a customer's or vendor's id in the target."""

    account: str
    """The code of the account."""
    side: Side
    minor: int
    home: int
    party: str = ""
    description: str = ""


class ListedEntry(Struct, frozen=True, kw_only=True):
    """An entry of the target. ``stamp`` is Wherry's own sign in its note, empty for an entry that Wherry did not make.

    ``debit`` is the sum of one side, minor units of ``currency``.
    """

    id: str
    number: str
    date: dt.date
    currency: str
    debit: int
    note: str
    stamp: str
    token: str
    lines: tuple[ListedLine, ...]


def listed(client: Client, first: dt.date | None, last: dt.date) -> Iterator[ListedEntry]:
    """The entries dated from ``first`` (None: from the beginning) to ``last``, by id."""
    home = client.company().currency
    chart = accounts.rows(client)
    codes, exchange = accounts.codes_of(chart), accounts.exchange_account(chart)
    since = f"TxnDate >= {quoted(first.isoformat())} and " if first else ""
    for row in client.query("JournalEntry", f"{since}TxnDate <= {quoted(last.isoformat())}"):
        yield _entry(row, codes, home, exchange)


def _entry(row: Obj, codes: Mapping[str, str], home: str, exchange: str) -> ListedEntry:
    currency = str((row.get("CurrencyRef") or {}).get("value") or home)
    rate = Decimal(row.get("ExchangeRate") or 1) if currency != home else Decimal(1)
    lines = tuple(
        _line(line, codes, (currency, rate, home))
        for line in row.get("Line") or ()
        if line.get("JournalEntryLineDetail")
    )
    return ListedEntry(
        id=str(row["Id"]), number=str(row.get("DocNumber") or ""), date=_date(row), currency=currency,
        debit=sum(line.minor for line in lines if line.side == "debit"), note=unstamped(row.get("PrivateNote")),
        stamp=stamp_of(row.get("PrivateNote")), token=str(row.get("SyncToken") or ""),
        lines=(*lines, *_rounding(lines, exchange)),
    )  # fmt: skip


def _rounding(lines: Sequence[ListedLine], account: str) -> Iterator[ListedLine]:
    """What QuickBooks books beside the lines: they are rounded one by one at home, and may not come out even."""
    left = sum(line.home if line.side == "credit" else -line.home for line in lines)
    if left:
        yield ListedLine(account=account, side="debit" if left > 0 else "credit", minor=0, home=abs(left))


def _date(row: Obj) -> dt.date:
    try:
        return dt.date.fromisoformat(str(row.get("TxnDate"))[:10])
    except ValueError:
        raise unreadable(f"the date of journal entry {row['Id']}") from None


def _line(line: Obj, codes: Mapping[str, str], money: tuple[str, Decimal, str]) -> ListedLine:
    currency, rate, home = money
    detail, amount = line["JournalEntryLineDetail"], Decimal(line.get("Amount") or ZERO)
    account = str((detail.get("AccountRef") or {}).get("value") or "")
    return ListedLine(
        account=codes.get(account, account), side="credit" if detail.get("PostingType") == "Credit" else "debit",
        minor=_minor(amount, currency), home=rounded(amount * rate, home)[0].minor,
        party=str(((detail.get("Entity") or {}).get("EntityRef") or {}).get("value") or ""),
        description=str(line.get("Description") or ""),
    )  # fmt: skip


def _minor(amount: Decimal, currency: str) -> int:
    try:
        return parse(amount, currency).minor
    except ValueError as error:
        raise unreadable(f"an amount of a journal entry: {error}") from None
