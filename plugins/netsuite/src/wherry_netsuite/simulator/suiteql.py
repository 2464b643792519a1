"""SuiteQL over the records of an account: a copy of them as tables, asked by SQLite.

Facts: column names come back in lower case, every value is text or missing, only SELECT (API.md). Of the functions
``TO_CHAR`` and ``TO_DATE`` are there, with dates of the form ``YYYY-MM-DD``; sums are exact.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from .account import Account
from .shapes import SHAPES, Fault, Obj

_TABLES = {
    "account": "id INTEGER, acctnumber, accountsearchdisplayname, fullname, accttype, isinactive, issummary, "
               "parent INTEGER, currency INTEGER, eliminate",
    "accountingperiod": "id INTEGER, periodname, startdate, enddate, isyear, isquarter, isadjust, closed, alllocked",
    "subsidiary": "id INTEGER, name, isinactive",
    "customer": "id INTEGER, entityid, companyname, altname, accountnumber, externalid, email, phone, isinactive",
    "item": "id INTEGER, itemid, displayname, itemtype, externalid, upccode, isinactive",
    "transaction": "id INTEGER, tranid, trandate, type, externalid, entity INTEGER, memo, currency INTEGER, "
                   "foreigntotal, posting",
    "transactionline": "id INTEGER, [transaction] INTEGER, subsidiary INTEGER, entity INTEGER, foreignamount",
    "transactionaccountingline": "[transaction] INTEGER, transactionline INTEGER, account INTEGER, "
                                 "accountingbook INTEGER, posting, debit, credit, amount",
}  # fmt: skip
_LITERAL = re.compile(r"('(?:[^']|'')*')")


class _Sum:
    def __init__(self) -> None:
        self.total: Decimal | None = None

    def step(self, value: Any) -> None:
        if value is not None:
            self.total = (self.total or Decimal(0)) + Decimal(value)

    def finalize(self) -> str | None:
        return None if self.total is None else str(self.total)


class SuiteQL:
    """Answers statements about an account. The copy is made anew when something has changed."""

    def __init__(self, account: Account) -> None:
        self._account, self._made = account, -1
        self._tables = sqlite3.connect(":memory:", check_same_thread=False)

    def run(self, statement: str, limit: int, offset: int) -> tuple[list[Obj], int]:
        """The rows of a page, and how many there are in all. Raises Fault for what is no question."""
        if not re.match(r"\s*select\b", statement, re.IGNORECASE):
            raise _wrong("only SELECT is taken")
        self._copy()
        parts = _LITERAL.split(statement)
        spoken = "".join(part if n % 2 else re.sub(r"\btransaction\b", "[transaction]", part, flags=re.IGNORECASE)
                         for n, part in enumerate(parts))  # fmt: skip
        try:
            answer = self._tables.execute(spoken)
            names = [column[0].lower() for column in answer.description or ()]
            rows = answer.fetchall()
        except (sqlite3.Error, sqlite3.Warning, ValueError, ArithmeticError) as error:
            raise _wrong(str(error)) from None
        page = rows[offset : offset + limit]
        told = [{name: str(value) for name, value in zip(names, row, strict=True) if value is not None} for row in page]
        return [{"links": [], **row} for row in told], len(rows)

    def _copy(self) -> None:
        if self._made == self._account.changes:
            return
        self._tables.close()
        self._tables = sqlite3.connect(":memory:", check_same_thread=False)
        self._tables.create_function("TO_CHAR", 2, lambda value, form: value)
        self._tables.create_function("TO_DATE", 2, lambda value, form: value)
        self._tables.create_aggregate("SUM", 1, _Sum)  # type: ignore[arg-type]
        for table, columns in _TABLES.items():
            self._tables.execute(f"CREATE TABLE [{table}] ({columns})")
            names = [column.split()[0].strip("[]") for column in columns.split(", ")]
            rows = [[row.get(name) for name in names] for row in self._rows(table)]
            self._tables.executemany(f"INSERT INTO [{table}] VALUES ({', '.join('?' * len(names))})", rows)
        self._made = self._account.changes

    def _rows(self, table: str) -> Iterator[Obj]:
        account = self._account
        if table == "account":
            yield from account.accounts.values()
        elif table == "accountingperiod":
            yield from account.periods
        elif table == "subsidiary":
            yield from ({"id": id, "name": f"Company {id}", "isinactive": "F"} for id in account.subsidiaries)
        elif table in ("customer", "item"):
            type = {"customer": "customer", "item": "serviceSaleItem"}[table]
            yield from ({**_lower(one), "itemtype": "Service", "isinactive": "T" if one.get("isInactive") else "F"}
                        for one in account.records[type].values())  # fmt: skip
        else:
            yield from self._transactions(table)

    def _transactions(self, table: str) -> Iterator[Obj]:
        for type, shape in SHAPES.items():
            for one in self._account.records[type].values() if shape.code else ():
                rate = Decimal(one.get("exchangeRate") or 1)
                if table == "transaction":
                    posts = "T" if self._account.postings[one["id"]] else "F"
                    total = str(one.get("total", "")) or None
                    yield {**_lower(one), "type": shape.code, "posting": posts, "foreigntotal": total}
                for line in self._account.postings[one["id"]]:
                    base = (line["amount"] * rate).quantize(Decimal("0.01"))
                    yield from [_posted(table, one, line, base)] if table != "transaction" else []


def _posted(table: str, one: Obj, line: Obj, base: Decimal) -> Obj:
    if table == "transactionline":
        part = (one.get("subsidiary") or {}).get("id", "1")
        return {"id": line["line"], "transaction": one["id"], "subsidiary": part, "entity": line["entity"],
                "foreignamount": str(line["amount"])}  # fmt: skip
    sides = {"debit": str(base) if base > 0 else None, "credit": str(-base) if base < 0 else None}
    return {"transaction": one["id"], "transactionline": line["line"], "account": line["account"], **sides,
            "accountingbook": "1", "posting": "T", "amount": str(base)}  # fmt: skip


def _lower(record: Obj) -> Obj:
    """Fields under the names of columns; references by their id."""
    told = {name.lower(): value.get("id") if isinstance(value, dict) else value for name, value in record.items()}
    return {name: value for name, value in told.items() if isinstance(value, str)}


def _wrong(why: str) -> Fault:
    return Fault("INVALID_PARAMETER", f"Invalid search query. Detailed unprocessed description follows. {why}")
