"""What a new company holds before anybody wrote to it: accounts, tax codes, terms, preferences."""

from decimal import Decimal
from typing import NamedTuple

from . import charts
from .values import Obj, ref

ACCOUNTS: dict[str, tuple[str, str, str]] = {
    "receivable": ("84", "Accounts Receivable (A/R)", "Accounts Receivable"),
    "payable": ("33", "Accounts Payable (A/P)", "Accounts Payable"),
    "bank": ("35", "Checking", "Bank"),
    "undeposited": ("4", "Undeposited Funds", "Other Current Asset"),
    "inventory": ("81", "Inventory Asset", "Other Current Asset"),
    "sales": ("79", "Sales of Product Income", "Income"),
    "services": ("1", "Services", "Income"),
    "discounts": ("86", "Discounts given", "Income"),
    "cogs": ("80", "Cost of Goods Sold", "Cost of Goods Sold"),
    "expense": ("8", "Office Expenses", "Expense"),
    "equity": ("34", "Opening Balance Equity", "Equity"),
    "retained": ("2", "Retained Earnings", "Equity"),
    "tax": ("89", "Sales Tax Payable", "Other Current Liability"),
    "exchange": ("90", "Exchange Gain or Loss", "Other Expense"),
}
"""Part it plays → id, name, type. Ids are scattered, as in a real company."""
_SUBTYPES = {
    "undeposited": "UndepositedFunds",
    "inventory": "Inventory",
    "services": "ServiceFeeIncome",
    "discounts": "DiscountsRefundsGiven",
    "expense": "OfficeGeneralAdministrativeExpenses",
    "retained": "RetainedEarnings",
    "tax": "SalesTaxPayable",
    "exchange": "ExchangeGainOrLoss",
}
TERMS = {"1": ("Due on receipt", 0), "2": ("Net 15", 15), "3": ("Net 30", 30)}
COUNTRIES = {"USD": "US", "GBP": "GB", "EUR": "DE", "CAD": "CA", "AUD": "AU"}


class Code(NamedTuple):
    """A tax code and the one rate behind it, in percent; None for a code that stands for no rate."""

    id: str
    name: str
    rate: str | None
    taxable: bool = True


TAX_CODES: dict[str, tuple[Code, ...]] = {
    "none": (Code("TAX", "TAX", None), Code("NON", "NON", None, False)),
    "us-automatic": (Code("TAX", "TAX", None), Code("NON", "NON", None, False), Code("2", "Texas", "8.25")),
    "us-manual": (
        Code("TAX", "TAX", None),
        Code("NON", "NON", None, False),
        Code("2", "California", "8"),
        Code("3", "Tucson", "9.1"),
    ),
    "uk": (
        Code("2", "20.0% S", "20"),
        Code("3", "5.0% R", "5"),
        Code("4", "0.0% Z", "0"),
        Code("5", "Exempt", "0"),
        Code("6", "No VAT", "0", False),
    ),
}
AGENCIES = {
    "us-automatic": "Texas Comptroller",
    "us-manual": "Board of Equalization",
    "uk": "HM Revenue & Customs (VAT)",
}


def accounts(chart: str) -> list[Obj]:
    """The chart of accounts: ``small`` without numbers, or ``full``."""
    usual: list[Obj] = [
        {"Id": number, "Name": name, "AccountType": kind, "AccountSubType": _SUBTYPES.get(part, ""), "Active": True}
        for part, (number, name, kind) in ACCOUNTS.items()
    ]
    if chart == "small":
        return usual
    numbered = [{**body, "AcctNum": charts.NUMBERS[part]} for part, body in zip(ACCOUNTS, usual, strict=True)]
    return [*numbered, *charts.further()]


def terms() -> list[Obj]:
    """Payment terms."""
    return [
        {"Id": key, "Name": name, "Active": True, "Type": "STANDARD", "DueDays": days, "DiscountDays": 0}
        for key, (name, days) in TERMS.items()
    ]


def tax_codes(mode: str) -> list[Obj]:
    """Tax codes; the rate of code n has id n + 10."""
    return [_tax_code(code) for code in TAX_CODES[mode]]


def _tax_code(code: Code) -> Obj:
    body: Obj = {"Id": code.id, "Name": code.name, "Description": code.name, "Active": True, "Hidden": False}
    body |= {"Taxable": code.taxable, "TaxGroup": code.rate is not None}
    if code.rate is not None:
        detail = {"TaxRateRef": ref(rate_id(code.id), code.name), "TaxTypeApplicable": "TaxOnAmount", "TaxOrder": 0}
        body["SalesTaxRateList"] = {"TaxRateDetail": [detail]}
    return body


def tax_rates(mode: str) -> list[Obj]:
    """Tax rates."""
    return [
        {
            "Id": rate_id(code.id),
            "Name": code.name,
            "Description": code.name,
            "Active": True,
            "RateValue": Decimal(code.rate),
            "AgencyRef": ref("1"),
            "SpecialTaxType": "NONE",
            "DisplayType": "ReadOnly",
        }
        for code in TAX_CODES[mode]
        if code.rate is not None
    ]


def tax_agencies(mode: str) -> list[Obj]:
    """Who is paid."""
    name = AGENCIES.get(mode)
    body: Obj = {"Id": "1", "DisplayName": name, "TaxTrackedOnPurchases": mode == "uk", "TaxTrackedOnSales": True}
    return [body] if name else []


def rate_id(code_id: str) -> str:
    """The id of the rate behind a tax code."""
    return str(int(code_id) + 10)


def preferences(mode: str, currency: str, multicurrency: bool, chart: str) -> Obj:
    """Settings of the company, as far as integrations look at them."""
    return {
        "Id": "1",
        "AccountingInfoPrefs": {
            "UseAccountNumbers": chart != "small",
            "TrackDepartments": True,
            "ClassTrackingPerTxn": False,
            "ClassTrackingPerTxnLine": True,
            "FirstMonthOfFiscalYear": "January",
            "CustomerTerminology": "Customers",
        },
        "SalesFormsPrefs": {
            "CustomTxnNumbers": True,
            "AllowDeposit": False,
            "AllowDiscount": True,
            "AllowEstimates": True,
        },
        "TaxPrefs": {"UsingSalesTax": mode != "none", "PartnerTaxEnabled": mode == "us-automatic"},
        "CurrencyPrefs": {"MultiCurrencyEnabled": multicurrency, "HomeCurrency": ref(currency)},
        "ReportPrefs": {"ReportBasis": "Accrual", "CalcAgingReportFromTxnDate": False},
    }


def company_info(realm: str, name: str, currency: str) -> Obj:
    """Name and seat."""
    return {
        "Id": "1",
        "CompanyName": name,
        "LegalName": name,
        "CompanyAddr": {"Id": "1", "Line1": "1 Quay Street", "City": "Harbour", "PostalCode": "00001"},
        "CompanyStartDate": "2009-01-01",
        "FiscalYearStartMonth": "January",
        "Country": COUNTRIES.get(currency, "US"),
        "Email": {"Address": f"books-{realm}@example.com"},
        "SupportedLanguages": "en",
        "NameValue": [{"Name": "OfferingSku", "Value": "QuickBooks Online Plus"}],
    }
