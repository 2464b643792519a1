"""What an account of the stand-in has from the start: a small chart, the months of some years, tax codes."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

RECEIVABLE, TAX = "119", "127"
TAXES = {"11": Decimal(20), "12": Decimal(0), "13": Decimal("8.25")}
"""The internal id of a tax code → its rate in percent."""
_YEARS = (2025, 2028)
_CHART = (
    ("100", "1000", "Checking", "Bank"),
    (RECEIVABLE, "1100", "Accounts Receivable", "AcctRec"),
    ("120", "1500", "Equipment", "FixedAsset"),
    ("125", "2000", "Accounts Payable", "AcctPay"),
    (TAX, "2200", "Sales Tax Payable", "OthCurrLiab"),
    ("130", "3000", "Retained Earnings", "Equity"),
    ("54", "4000", "Sales", "Income"),
    ("55", "4010", "Services", "Income"),
    ("60", "5000", "Cost of Goods Sold", "COGS"),
    ("65", "6000", "Rent", "Expense"),
    ("66", "6100", "Freight", "Expense"),
    ("70", "", "Clearing", "OthCurrAsset"),
    ("90", "9000", "Statistics", "Stat"),
    ("91", "6900", "All expenses", "Expense"),
    ("92", "6950", "Old rent", "Expense"),
)


def accounts() -> Iterator[dict[str, Any]]:
    """The chart: 6900 is a heading, 6950 inactive."""
    for id, number, name, kind in _CHART:
        yield {
            "id": id, "acctnumber": number or None, "accountsearchdisplayname": f"{number} {name}".strip(),
            "fullname": name, "accttype": kind, "isinactive": "T" if id == "92" else "F",
            "issummary": "T" if id == "91" else "F", "parent": "91" if id == "92" else None, "currency": "1",
            "eliminate": "F",
        }  # fmt: skip


def periods() -> list[dict[str, Any]]:
    """Years and their months, all open."""
    found: list[dict[str, Any]] = []
    for year in range(*_YEARS):
        found.append(_period(len(found) + 1, f"FY {year}", f"{year}-01-01", f"{year}-12-31", "T"))
        for month in range(1, 13):
            first, last = f"{year}-{month:02}-01", f"{year}-{month:02}-{calendar.monthrange(year, month)[1]}"
            found.append(_period(len(found) + 1, f"{calendar.month_abbr[month]} {year}", first, last, "F"))
    return sorted(found, key=lambda one: (one["isyear"], one["startdate"]))


def _period(id: int, name: str, first: str, last: str, year: str) -> dict[str, Any]:
    return {"id": str(id), "periodname": name, "startdate": first, "enddate": last, "isyear": year, "isquarter": "F",
            "isadjust": "F", "closed": "F", "alllocked": "F"}  # fmt: skip
