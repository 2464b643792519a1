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
    "SalesTaxCode": ("Tax", "Non"),
    "Class": ("New Construction", "Remodel"),
    "CustomerMsg": ("Thank you for your business.",),
    "PaymentMethod": ("Check", "Cash"),
    "Vendor": ("Holly Heating and Electric",),
}
CUSTOMERS = ("Abercrombie, Kristy", "Baker, Chris", "Cook, Brian")
CURRENCIES = ("US Dollar", "Euro", "British Pound Sterling", "Canadian Dollar", "Australian Dollar")


def entry(name: str, **body: object) -> Obj:
    """The body of an entry of a list."""
    return {"Name": name, "IsActive": "true", **body}


def base(company: Company) -> None:
    """What no company file is without."""
    for number, name, kind in ACCOUNTS:
        company.add("Account", entry(name, AccountType=kind, AccountNumber=number))
    for kind, names in PLAIN.items():
        for name in names:
            company.add(kind, entry(name))
    if company.multicurrency:
        for name in CURRENCIES:
            company.add("Currency", entry(name))


def sample(company: Company) -> None:
    """A few customers, a job and items."""
    customers = [company.add("Customer", entry(name, CompanyName=name)) for name in CUSTOMERS]
    company.add("Customer", entry("Family Room", ParentRef={"ListID": customers[0].id}))
    for kind, name, price, number in ITEMS:
        account = next(one for one in company.of("Account") if one.body["AccountNumber"] == number)
        side = {"Desc": name, "Price": price, "AccountRef": {"ListID": account.id}}
        company.add(kind, entry(name, SalesOrPurchase=side))
