"""What a company of the stand-in has from the start: a small chart, definitions, tax details, rates."""

from __future__ import annotations

from decimal import Decimal

RECEIVABLE, SALES, TAX = "1200", "4000", "2200"
JOURNALS = ("GJ", "APJ", "ARJ")
DIMENSIONS = {
    "REQUIRELOC": "LOCATION", "REQUIREDEPT": "DEPARTMENT", "REQUIREPROJECT": "PROJECT", "REQUIREVENDOR": "VENDOR",
    "REQUIREEMPLOYEE": "EMPLOYEE", "REQUIREITEM": "ITEM", "REQUIRECLASS": "CLASS", "REQUIRECUSTOMER": "CUSTOMER",
}  # fmt: skip
"""A flag of an account → the dimension that what is booked on it must have."""
DEFINITIONS = {"Sales Order": "", "Sales Invoice": "invoice", "Sales Credit Memo": "credit"}
"""The name of a definition → what it books."""
TERMS = {"Net 30": 30, "Due on receipt": 0}
TAXES = {"Standard": Decimal(20), "Reduced": Decimal(5)}
RATES = {"EUR": Decimal("1.1000"), "GBP": Decimal("1.2500")}
"""What the daily rate type has."""
_CHART = (
    ("1000", "Checking", "balancesheet", "debit", ""),
    (RECEIVABLE, "Accounts receivable", "balancesheet", "debit", ""),
    ("1500", "Equipment", "balancesheet", "debit", ""),
    ("2000", "Accounts payable", "balancesheet", "credit", ""),
    (TAX, "Sales tax payable", "balancesheet", "credit", ""),
    ("3000", "Retained earnings", "balancesheet", "credit", ""),
    (SALES, "Sales", "incomestatement", "credit", ""),
    ("4010", "Services", "incomestatement", "credit", ""),
    ("6000", "Rent", "incomestatement", "debit", ""),
    ("6100", "Freight", "incomestatement", "debit", "REQUIREDEPT"),
    ("6950", "Old rent", "incomestatement", "debit", "inactive"),
)


def accounts() -> list[dict[str, str]]:
    """6100 wants a department, 6950 is inactive."""
    return [
        {
            "RECORDNO": str(n), "ACCOUNTNO": code, "TITLE": title, "ACCOUNTTYPE": kind, "NORMALBALANCE": side,
            "STATUS": "inactive" if more == "inactive" else "active",
            **({more: "true"} if more.startswith("REQUIRE") else {}),
        }
        for n, (code, title, kind, side, more) in enumerate(_CHART, start=1)
    ]  # fmt: skip
