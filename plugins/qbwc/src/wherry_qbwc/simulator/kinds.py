"""What is in a company file: lists, which of them share their names, and what refers to what."""

from __future__ import annotations

ITEMS = ("ItemService", "ItemNonInventory", "ItemSalesTax")
PEOPLE = ("Customer", "Vendor", "Employee", "OtherName")
"""One list of names: a customer cannot be called what a vendor is called."""
POOLS: dict[str, tuple[str, ...]] = {**dict.fromkeys(PEOPLE, PEOPLE), **dict.fromkeys(ITEMS, ITEMS)}
LISTS = (*PEOPLE, *ITEMS, "Account", "Class", "StandardTerms", "SalesTaxCode", "Currency", "Template", "SalesRep",
         "ShipMethod", "CustomerMsg", "CustomerType", "JobType", "PaymentMethod", "PriceLevel")  # fmt: skip
QUERIED: dict[str, tuple[str, ...]] = {
    "CustomerQuery": ("Customer",),
    "ItemServiceQuery": ("ItemService",),
    "ItemNonInventoryQuery": ("ItemNonInventory",),
    "ItemQuery": ("ItemService", "ItemNonInventory", "ItemSalesTax"),
    "AccountQuery": ("Account",),
    "ClassQuery": ("Class",),
    "CurrencyQuery": ("Currency",),
    "SalesTaxCodeQuery": ("SalesTaxCode",),
    "ItemSalesTaxQuery": ("ItemSalesTax",),
}
SALES = ("SalesOrder", "Invoice", "Estimate", "CreditMemo")
TXNS = (*SALES, "JournalEntry")
ORDERS = "SalesOrder"
"""Only Premier and Enterprise have them."""
SPOKEN = {"ItemService": "Item", "ItemNonInventory": "Item", "ItemSalesTax": "Item"}
_ACCOUNT = ("Account",)
REFERS: dict[str, tuple[str, ...]] = {
    "CustomerRef": ("Customer",), "EntityRef": PEOPLE, "ItemRef": ITEMS[:2], "ItemSalesTaxRef": ("ItemSalesTax",),
    "AccountRef": _ACCOUNT, "IncomeAccountRef": _ACCOUNT, "ExpenseAccountRef": _ACCOUNT, "ARAccountRef": _ACCOUNT,
    "OverrideItemAccountRef": _ACCOUNT, "ClassRef": ("Class",), "TermsRef": ("StandardTerms",),
    "SalesTaxCodeRef": ("SalesTaxCode",), "CustomerSalesTaxCodeRef": ("SalesTaxCode",), "CurrencyRef": ("Currency",),
    "TemplateRef": ("Template",), "SalesRepRef": ("SalesRep",), "ShipMethodRef": ("ShipMethod",),
    "CustomerMsgRef": ("CustomerMsg",), "CustomerTypeRef": ("CustomerType",), "JobTypeRef": ("JobType",),
    "PreferredPaymentMethodRef": ("PaymentMethod",), "PriceLevelRef": ("PriceLevel",), "PrefVendorRef": ("Vendor",),
}  # fmt: skip
LINE = {"SalesOrder": "SalesOrderLine", "Invoice": "InvoiceLine", "Estimate": "EstimateLine",
        "CreditMemo": "CreditMemoLine"}  # fmt: skip
LEVELS = 5
