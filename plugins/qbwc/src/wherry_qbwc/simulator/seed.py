"""What a company file holds from the start: a small chart of accounts, terms, tax codes, and a few names and items."""

from __future__ import annotations

from .company import Company
from .values import Obj

ACCOUNTS = (
    ("10100", "Checking", "Bank"),
    ("11000", "Accounts Receivable", "AccountsReceivable"),
    ("12000", "Undeposited Funds", "OtherCurrentAsset"),
    ("20000", "Accounts Payable", "AccountsPayable"),
    ("25500", "Sales Tax Payable", "OtherCurrentLiability"),
    ("30000", "Opening Balance Equity", "Equity"),
    ("32000", "Retained Earnings", "Equity"),
    ("40100", "Services Income", "Income"),
    ("40200", "Product Income", "Income"),
    ("50100", "Cost of Goods Sold", "CostOfGoodsSold"),
    ("60100", "Bank Service Charges", "Expense"),
    ("90100", "Sales Orders", "NonPosting"),
    ("90200", "Estimates", "NonPosting"),
)
ITEMS = (("ItemService", "Installation", "125.00", "40100"), ("ItemService", "Consulting", "150.00", "40100"),
         ("ItemNonInventory", "Panel", "99.95", "40200"))  # fmt: skip
PLAIN = {
    "StandardTerms": ("Due on receipt", "Net 15", "Net 30"),
    "Class": ("New Construction", "Remodel"),
    "CustomerMsg": ("Thank you for your business.",),
    "PaymentMethod": ("Check", "Cash"),
    "Vendor": ("Holly Heating and Electric",),
}
CUSTOMERS = ("Abercrombie, Kristy", "Baker, Chris", "Cook, Brian")
CURRENCIES = {"US Dollar": ("USD", "1"), "Euro": ("EUR", "1.25"), "British Pound Sterling": ("GBP", "1.5"),
              "Canadian Dollar": ("CAD", "0.8"), "Australian Dollar": ("AUD", "0.75")}  # fmt: skip
"""Name → code, and what one is worth at home."""
EXCHANGE = "Exchange Gain or Loss"
SPECIAL = {"Accounts Receivable": "AccountsReceivable", "Accounts Payable": "AccountsPayable",
           "Sales Tax Payable": "SalesTaxPayable", "Retained Earnings": "RetainedEarnings",
           "Opening Balance Equity": "OpeningBalanceEquity", "Undeposited Funds": "UndepositedFunds"}  # fmt: skip
TAXES = (("San Tomas", "7.75"), ("Out of State", "0.0"))
"""Items of sales tax, the first of them for who has no other."""


def entry(name: str, **body: object) -> Obj:
    """The body of an entry of a list."""
    return {"Name": name, "IsActive": "true", **body}


def base(company: Company) -> None:
    """What no company file is without."""
    for number, name, kind in ACCOUNTS:
        special = {"SpecialAccountType": SPECIAL[name]} if name in SPECIAL else {}
        company.add("Account", entry(name, AccountType=kind, AccountNumber=number, **special))
    for code, taxable in (("Tax", "true"), ("Non", "false")):
        company.add("SalesTaxCode", entry(code, IsTaxable=taxable))
    for kind, names in PLAIN.items():
        for name in names:
            company.add(kind, entry(name))
    for name, rate in TAXES if company.sales_tax else ():
        company.add("ItemSalesTax", entry(name, TaxRate=rate))
    if company.multicurrency:
        gain = {"AccountNumber": "70100", "SpecialAccountType": "ExchangeGainLoss"}
        company.add("Account", entry(EXCHANGE, AccountType="OtherExpense", **gain))
        for name, (code, rate) in CURRENCIES.items():
            company.add("Currency", entry(name, CurrencyCode=code, ExchangeRate=rate))


def sample(company: Company) -> None:
    """A few customers, a job and items."""
    customers = [company.add("Customer", entry(name, CompanyName=name)) for name in CUSTOMERS]
    company.add("Customer", entry("Family Room", ParentRef={"ListID": customers[0].id}))
    for kind, name, price, number in ITEMS:
        account = next(one for one in company.of("Account") if one.body["AccountNumber"] == number)
        side = {"Desc": name, "Price": price, "AccountRef": {"ListID": account.id}}
        company.add(kind, entry(name, SalesOrPurchase=side))
