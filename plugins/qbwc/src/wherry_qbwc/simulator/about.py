"""What the program and the company file say of themselves."""

from __future__ import annotations

from .company import Company
from .values import Obj

_PRODUCTS = {
    "pro": "QuickBooks Pro 2021",
    "premier": "QuickBooks Premier Edition 2021",
    "enterprise": "QuickBooks Enterprise Solutions 21.0",
}
VERSIONS = ("1.0", "1.1", "2.0", "2.1", "3.0", "4.0", "4.1", "5.0", "6.0", "7.0", "8.0", "9.0", "10.0", "11.0", "12.0",
            "13.0", "14.0", "15.0", "16.0")  # fmt: skip


def host(company: Company) -> Obj:
    """The HostRet: product, version and the versions of qbXML it understands."""
    return {
        "ProductName": _PRODUCTS[company.edition],
        "MajorVersion": "31",
        "MinorVersion": "0",
        "Country": "US",
        "SupportedQBXMLVersion": list(VERSIONS),
        "IsAutomaticLogin": "false",
        "QBFileMode": "SingleUser",
    }


def itself(company: Company, owners: list[str]) -> Obj:
    """The CompanyRet, with the private data of the owners that were named."""
    wanted = {owner.casefold() for owner in owners}
    extras = [
        {"OwnerID": owner, "DataExtName": name, "DataExtType": "STR255TYPE", "DataExtValue": value}
        for owner, values in company.extras.items()
        if owner.casefold() in wanted
        for name, value in values.items()
    ]
    return {
        "IsSampleCompany": "false",
        "CompanyName": company.name[:59],
        "LegalCompanyName": company.name[:59],
        "Address": {"Addr1": "1735 County Road", "City": "Bayshore", "State": "CA", "PostalCode": "94326"},
        "FirstMonthFiscalYear": "January",
        "FirstMonthIncomeTaxYear": "January",
        "TaxForm": "OtherOrNone",
        **({"DataExtRet": extras} if extras else {}),
    }


def preferences(company: Company) -> Obj:
    """The PreferencesRet."""
    accounting = {
        "IsUsingAccountNumbers": "true",
        "IsRequiringAccounts": "true",
        "IsUsingClassTracking": "true",
        "IsUsingAuditTrail": "true",
        "IsAssigningJournalEntryNumbers": "false",
    }
    if company.closing:
        accounting["ClosingDate"] = company.closing
    currencies: Obj = {"IsMultiCurrencyOn": "true" if company.multicurrency else "false"}
    if company.multicurrency and (home := company.named(company.currency, ("Currency",))):
        currencies["HomeCurrencyRef"] = company.shown_reference({"ListID": home.id})
    estimating = ("IsUsingEstimates", "IsUsingProgressInvoicing", "IsPrintingItemsWithZeroAmounts")
    taxing = {"SalesTaxPreferences": _taxing(company)} if company.sales_tax else {}
    return {
        "AccountingPreferences": accounting,
        "JobsAndEstimatesPreferences": dict.fromkeys(estimating, "true"),
        "MultiCurrencyPreferences": currencies,
        "ReportsPreferences": {"AgingReportBasis": "AgeFromDueDate", "SummaryReportBasis": "Accrual"},
        "SalesAndCustomersPreferences": {"IsTrackingReimbursedExpensesAsIncome": "false",
                                         "IsAutoApplyingPayments": "true"},
        **taxing,
        "CurrentAppAccessRights": {"IsAutomaticLoginAllowed": "true", "IsPersonalDataAccessAllowed": "false"},
    }  # fmt: skip


def _taxing(company: Company) -> Obj:
    item, (taxable, free) = next(company.of("ItemSalesTax")), company.of("SalesTaxCode")
    refs = {"DefaultItemSalesTaxRef": item, "DefaultTaxableSalesTaxCodeRef": taxable,
            "DefaultNonTaxableSalesTaxCodeRef": free}  # fmt: skip
    return {"PaySalesTax": "Monthly"} | {
        name: company.shown_reference({"ListID": one.id}) for name, one in refs.items()
    }
