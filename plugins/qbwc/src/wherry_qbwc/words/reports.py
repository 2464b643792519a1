"""Reports in qbXML, whose values stand in attributes: accounts, or lines of transactions, and their two sides.

Facts: a row names its account by the full name (RowData); columns tell by their title or type what they are; subtotals
and the total are rows of their own (Intuit's qbXML 13.0, ReportRet). A column may be left out of a row that has nothing
to say in it.
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree
from msgspec import Struct

from .replies import broken, tree

SIDES = ("debit", "credit")


class ReportRow(Struct, frozen=True):
    """An account by its full name; amounts as QuickBooks writes them, empty for nothing. A total has no account."""

    account: str
    debit: str
    credit: str


def trial_balance(text: str | bytes) -> tuple[list[ReportRow], ReportRow | None]:
    """The rows of accounts, and the total where there is one. Raises ContractBroken for what is no such report."""
    report = tree(text).find(".//ReportRet")
    if report is None:
        raise broken("it holds no report")
    columns = _columns(report)
    rows = [_row(one, columns) for one in report.iterfind("ReportData/DataRow")]
    totals = [_row(one, columns) for one in report.iterfind("ReportData/TotalRow")]
    return [one for one in rows if one.account], totals[-1] if totals else None


class DetailRow(Struct, frozen=True):
    """A line of a transaction as a report of details tells it; ``account`` as it is shown there."""

    id: str
    kind: str
    number: str
    date: str
    account: str
    debit: str
    credit: str


DETAILS = ("TxnID", "TxnType", "RefNumber", "Date", "Account", "Debit", "Credit")
"""The columns to ask for."""


def details(text: str | bytes) -> list[DetailRow]:
    """The lines of transactions. Raises ContractBroken for what is no such report."""
    report = tree(text).find(".//ReportRet")
    if report is None:
        raise broken("it holds no report")
    columns = {(one.findtext("ColType") or "").strip(): one.get("colID", "") for one in report.iterfind("ColDesc")}
    if missing := [name for name in DETAILS if name not in columns]:
        raise broken(f"its report has no columns for {', '.join(missing)}")
    found = []
    for told in report.iterfind("ReportData/DataRow"):
        values = {one.get("colID", ""): one.get("value", "").strip() for one in told.iterfind("ColData")}
        cells = (values.get(columns[name], "") for name in DETAILS[:-2])
        sides = (values.get(columns[name], "").replace(",", "") for name in DETAILS[-2:])
        found.append(DetailRow(*cells, *sides))
    return found


def _columns(report: etree._Element) -> dict[str, str]:
    """Side → the id of its column."""
    found = {side: one.get("colID", "") for one in report.iterfind("ColDesc") for side in _sides(one)}
    if set(found) != set(SIDES):
        raise broken("its report has no columns for debit and credit")
    return found


def _sides(column: etree._Element) -> Iterator[str]:
    titles = [one.get("value", "") for one in column.iterfind("ColTitle")]
    words = {word.strip().casefold() for word in (*titles, column.findtext("ColType") or "")}
    return (side for side in SIDES if side in words)


def _row(told: etree._Element, columns: dict[str, str]) -> ReportRow:
    data = told.find("RowData")
    account = data.get("value", "") if data is not None and data.get("rowType") == "account" else ""
    values = {one.get("colID", ""): one.get("value", "") for one in told.iterfind("ColData")}
    return ReportRow(account, *(values.get(columns[side], "").replace(",", "").strip() for side in SIDES))
