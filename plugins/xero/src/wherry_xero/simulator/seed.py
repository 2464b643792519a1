"""What an organisation of the stand-in has from the start: a small chart, tax rates, tracking, currencies."""

from __future__ import annotations

from typing import Any

Obj = dict[str, Any]

RECEIVABLE, TAX, RETAINED = "610", "820", "960"
CURRENCIES = ("GBP", "USD", "EUR", "NZD", "JPY")
_CHART = (
    ("090", "Business Bank Account", "BANK", "ASSET", ""),
    ("200", "Sales", "REVENUE", "REVENUE", ""),
    ("260", "Other Revenue", "REVENUE", "REVENUE", ""),
    ("310", "Cost of Goods Sold", "DIRECTCOSTS", "EXPENSE", ""),
    ("425", "Freight & Courier", "EXPENSE", "EXPENSE", ""),
    ("469", "Rent", "EXPENSE", "EXPENSE", ""),
    ("470", "Old Rent", "EXPENSE", "EXPENSE", ""),
    (RECEIVABLE, "Accounts Receivable", "CURRENT", "ASSET", "DEBTORS"),
    ("630", "Inventory", "CURRENT", "ASSET", ""),
    ("800", "Accounts Payable", "CURRLIAB", "LIABILITY", "CREDITORS"),
    (TAX, "VAT", "CURRLIAB", "LIABILITY", "GST"),
    (RETAINED, "Retained Earnings", "EQUITY", "EQUITY", "RETAINEDEARNINGS"),
    ("970", "Owner A Share Capital", "EQUITY", "EQUITY", ""),
)
TAXES = {"OUTPUT2": ("20% (VAT on Income)", 20), "RROUTPUT": ("5% (VAT on Income)", 5), "NONE": ("No VAT", 0),
         "ZERORATEDOUTPUT": ("Zero Rated Income", 0), "INPUT2": ("20% (VAT on Expenses)", 20)}  # fmt: skip


def guid(kind: int, n: int) -> str:
    """An id, the same on every machine."""
    return f"{kind:08x}-0000-4000-8000-{n:012x}"


def accounts() -> list[Obj]:
    """The chart; 470 is archived."""
    return [
        {
            "AccountID": guid(0xAC, n), "Code": code, "Name": name, "Type": type, "Class": group, "TaxType": "NONE",
            "Status": "ARCHIVED" if code == "470" else "ACTIVE", "SystemAccount": system,
            "EnablePaymentsToAccount": False, "UpdatedDateUTC": "/Date(1546300800000+0000)/",
        }
        for n, (code, name, type, group, system) in enumerate(_CHART, start=1)
    ]  # fmt: skip


def tax_rates() -> list[Obj]:
    """Rates for sales, and one for expenses."""
    return [
        {
            "Name": name, "TaxType": type, "Status": "ACTIVE", "ReportTaxType": "OUTPUT", "DisplayTaxRate": rate,
            "EffectiveRate": rate, "CanApplyToRevenue": type != "INPUT2", "CanApplyToExpenses": type == "INPUT2",
            "TaxComponents": [{"Name": "VAT", "Rate": rate, "IsCompound": False, "IsNonRecoverable": False}],
        }
        for type, (name, rate) in TAXES.items()
    ]  # fmt: skip


def tracking() -> list[Obj]:
    """Two categories, as many as can be active."""
    told = {"Region": ("North", "South", "Old North"), "Department": ("Yard", "Office")}
    return [
        {
            "TrackingCategoryID": guid(0x7C, n), "Name": name, "Status": "ACTIVE",
            "Options": [
                {"TrackingOptionID": guid(0x70 + n, m), "Name": option,
                 "Status": "ARCHIVED" if option.startswith("Old") else "ACTIVE"}
                for m, option in enumerate(options)
            ],
        }
        for n, (name, options) in enumerate(told.items())
    ]  # fmt: skip
