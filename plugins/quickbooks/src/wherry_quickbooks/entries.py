"""Journal entries as QuickBooks holds them, whoever made them: what a tie-out compares with what was sent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from wherry.accounting import HeldEntry, HeldLine
from wherry.money import parse, rounded
from wherry.posting.bodies import ZERO

from . import accounts
from .client import Client, Obj, quoted, unreadable
from .names import stamp_of, unstamped


def listed(client: Client, first: dt.date | None, last: dt.date) -> Iterator[HeldEntry]:
    """The entries dated from ``first`` (None: from the beginning) to ``last``, by id."""
    home = client.company().currency
    chart = accounts.rows(client)
    codes, exchange = accounts.codes_of(chart), accounts.exchange_account(chart)
    since = f"TxnDate >= {quoted(first.isoformat())} and " if first else ""
    for row in client.query("JournalEntry", f"{since}TxnDate <= {quoted(last.isoformat())}"):
        yield _entry(row, codes, home, exchange)


def _entry(row: Obj, codes: Mapping[str, str], home: str, exchange: str) -> HeldEntry:
    currency = str((row.get("CurrencyRef") or {}).get("value") or home)
    rate = Decimal(row.get("ExchangeRate") or 1) if currency != home else Decimal(1)
    lines = tuple(
        _line(line, codes, (currency, rate, home))
        for line in row.get("Line") or ()
        if line.get("JournalEntryLineDetail")
    )
    return HeldEntry(
        id=str(row["Id"]), number=str(row.get("DocNumber") or ""), date=_date(row), currency=currency,
        note=unstamped(row.get("PrivateNote")),
        stamp=stamp_of(row.get("PrivateNote")),
        lines=(*lines, *_rounding(lines, exchange)),
    )  # fmt: skip


def _rounding(lines: Sequence[HeldLine], account: str) -> Iterator[HeldLine]:
    """What QuickBooks books beside the lines: they are rounded one by one at home, and may not come out even."""
    left = sum(line.home if line.side == "credit" else -line.home for line in lines)
    if left:
        yield HeldLine(account=account, side="debit" if left > 0 else "credit", minor=0, home=abs(left))


def _date(row: Obj) -> dt.date:
    try:
        return dt.date.fromisoformat(str(row.get("TxnDate"))[:10])
    except ValueError:
        raise unreadable(f"the date of journal entry {row['Id']}") from None


def _line(line: Obj, codes: Mapping[str, str], money: tuple[str, Decimal, str]) -> HeldLine:
    currency, rate, home = money
    detail, amount = line["JournalEntryLineDetail"], Decimal(line.get("Amount") or ZERO)
    account = str((detail.get("AccountRef") or {}).get("value") or "")
    return HeldLine(
        account=codes.get(account, account), side="credit" if detail.get("PostingType") == "Credit" else "debit",
        minor=_minor(amount, currency), home=rounded(amount * rate, home)[0].minor,
        party=str(((detail.get("Entity") or {}).get("EntityRef") or {}).get("value") or ""),
    )  # fmt: skip


def _minor(amount: Decimal, currency: str) -> int:
    try:
        return parse(amount, currency).minor
    except ValueError as error:
        raise unreadable(f"an amount of a journal entry: {error}") from None
