"""What documents booked on accounts, read from QuickBooks' general ledger report.

Facts: a section for each account, its id in the section's heading; a row for each line of a transaction, whose id
stands with its type; columns are known by their key and come as they are asked for; a company with several currencies
has amounts at home under other keys, and leaves out those that it does not know without a word; a report that would
have more than 400,000 cells ends with a row that says so (Intuit's API reference on the report, and its limits).
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping

from msgspec import Struct
from wherry.accounting import HeldDocument, HeldPosting
from wherry.money import exact, parse

from . import accounts
from .client import Client, Obj, unreadable

REPORT = "reports/GeneralLedger"
_DAY = dt.timedelta(days=1)
_MOST_NAMED = 150
"""Accounts that one question names: with more of them the report is read whole."""
_CUT = "unable to display more data"


def documents(client: Client, codes: Collection[str], first: dt.date, last: dt.date) -> Iterator[HeldDocument]:
    """The transactions that booked on these accounts in these days, journal entries among them, each with what it
    booked there. Raises TryAgain for a report that cannot be read."""
    named = accounts.codes_of(accounts.rows(client))
    wanted = {id: code for id, code in named.items() if code in set(codes)}
    found: dict[tuple[str, ...], list[HeldPosting]] = defaultdict(list)
    for n, (row, account) in enumerate(_Report(client, wanted).rows(first, last)):
        if account in wanted and (line := _posting(row, wanted[account])) is not None:
            key = (row.id, row.kind, row.number, row.date) if row.id else ("", row.kind, row.number, row.date, str(n))
            found[key].append(line)
    for (id, kind, number, date, *_), lines in found.items():
        yield HeldDocument(
            id=id, kind=kind, number=number, date=dt.date.fromisoformat(date), postings=tuple(lines)
        )  # fmt: skip


class _Row(Struct, frozen=True):
    id: str
    kind: str
    number: str
    date: str
    debit: int
    credit: int


def _posting(row: _Row, code: str) -> HeldPosting | None:
    minor = row.debit - row.credit
    return HeldPosting(account=code, side="debit" if minor > 0 else "credit", minor=abs(minor)) if minor else None


class _Report:
    """The report of some days, in pieces where it is too long for one."""

    def __init__(self, client: Client, wanted: Mapping[str, str]) -> None:
        self._client, self._wanted, self._company = client, wanted, client.company()
        home = "_home" if self._company.multicurrency else ""
        self._sides = f"debt{home}_amt", f"credit{home}_amt"

    def rows(self, first: dt.date, last: dt.date) -> Iterator[tuple[_Row, str]]:
        """Each row with the id of its account."""
        answer = self._read(first, last)
        if not _cut(answer.get("Rows")):
            columns = self._columns(answer)
            currency = str((answer.get("Header") or {}).get("Currency") or self._company.currency)
            for cells, account in _cells(answer.get("Rows"), ""):
                if (row := self._row(cells, columns, currency)) is not None:
                    yield row, account
            return
        if first == last:
            raise unreadable(f"the general ledger of {first} has more rows than a report holds")
        middle = first + (last - first) // 2
        yield from self.rows(first, middle)
        yield from self.rows(middle + _DAY, last)

    def _read(self, first: dt.date, last: dt.date) -> Obj:
        some = {"account": ",".join(sorted(self._wanted))} if len(self._wanted) <= _MOST_NAMED else {}
        return self._client.get(
            REPORT, start_date=first.isoformat(), end_date=last.isoformat(), accounting_method="Accrual",
            columns=",".join(("tx_date", "txn_type", "doc_num", *self._sides)), **some,
        )  # fmt: skip

    def _columns(self, answer: Obj) -> dict[str, int]:
        told = (answer.get("Columns") or {}).get("Column") or ()
        found = {_key(column): n for n, column in enumerate(told)}
        missing = [name for name in ("tx_date", "txn_type", *self._sides) if name not in found]
        if missing and (answer.get("Rows") or {}).get("Row"):
            raise unreadable(f"a general ledger without the columns {', '.join(missing)}")
        return found

    def _row(self, cells: list[Obj], columns: Mapping[str, int], currency: str) -> _Row | None:
        """None for what is no transaction: opening balances and the like have no day."""
        by_key = {name: cells[n] if n < len(cells) else {} for name, n in columns.items()}
        date = str(by_key["tx_date"].get("value") or "")
        try:
            dt.date.fromisoformat(date)
            debit, credit = (_minor(by_key[side], currency) for side in self._sides)
        except ValueError as error:
            if not by_key["txn_type"].get("id"):
                return None
            raise unreadable(f"a row of the general ledger: {error}") from None
        kind, number = (str(by_key.get(name, {}).get("value") or "") for name in ("txn_type", "doc_num"))
        return _Row(str(by_key["txn_type"].get("id") or ""), kind, number, date, debit, credit)


def _key(column: Obj) -> str:
    """A column's key: of its metadata, else its type, as earlier versions had it."""
    told = {str(one.get("Name")): str(one.get("Value")) for one in column.get("MetaData") or ()}
    return told.get("ColKey") or str(column.get("ColType") or "")


def _minor(cell: Obj, currency: str) -> int:
    text = str(cell.get("value") or "").strip()
    return parse(exact(text), currency).minor if text else 0


def _cells(part: object, account: str) -> Iterator[tuple[list[Obj], str]]:
    """The rows wherever they stand, with the account of the section that they are in."""
    for row in (part.get("Row") or ()) if isinstance(part, dict) else ():
        if row.get("ColData"):
            yield row["ColData"], account
        heading = (row.get("Header") or {}).get("ColData") or [{}]
        yield from _cells(row.get("Rows"), str(heading[0].get("id") or account))


def _cut(part: object) -> bool:
    return any(_CUT in str(cell.get("value") or "").casefold() for cells, _ in _cells(part, "") for cell in cells[:1])
