"""QuickBooks Online's default field maps and match rules, as data. A flow may replace or drop every single line.

Products and customers are known to a platform before they come to the books, so what nothing matches is asked about.
The chart of accounts is the books' own: accounts that are new there are made.
"""

from __future__ import annotations

from typing import Any

TYPES = {"Inventory": "product", "NonInventory": "part", "Service": "service", "Group": "product"}
"""``Item.Type`` → ours. What is bought and sold without being counted is used up in the work: parts."""


def product_type(value: str | None) -> str:
    """The type of a product from ``Item.Type``; a product where QuickBooks says nothing or something new."""
    return TYPES.get(str(value or "").strip(), "product")


MAPS: dict[str, dict[str, Any]] = {
    "product": {
        "product": {
            "root": True,
            "key": "id(product.id)",
            "label": "product.Name",
            "fields": {
                "name": "first(product.Name, product.Sku, join(' ', 'Item', product.id))",
                "sku": "default(product.Sku, '')",
                "type": "quickbooks_product_type(product.Type)",
                "price": "decimal(product.UnitPrice)",
                "description": "default(product.Description, '')",
            },
        },
    },
    "customer": {
        "customer": {
            "root": True,
            "key": "id(customer.id)",
            "label": "customer.DisplayName",
            "fields": {
                "name": "first(customer.DisplayName, customer.CompanyName, join(' ', 'Customer', customer.id))",
                "number": "default(customer.AcctNum, '')",
                "website": "default(customer.WebAddr_URI, '')",
                "email": "default(customer.PrimaryEmailAddr_Address, '')",
                "phone": "default(customer.PrimaryPhone_FreeFormNumber, '')",
                "description": "default(customer.Notes, '')",
                "currency": "default(customer.CurrencyRef_value, '')",
                "street": "default(join(', ', customer.BillAddr_Line1, customer.BillAddr_Line2, "
                "customer.BillAddr_Line3, customer.BillAddr_Line4, customer.BillAddr_Line5), '')",
                "city": "default(customer.BillAddr_City, '')",
                "region": "default(customer.BillAddr_CountrySubDivisionCode, '')",
                "postal_code": "default(customer.BillAddr_PostalCode, '')",
                "country": "default(customer.BillAddr_Country, '')",
            },
        },
    },
    "account": {
        "account": {
            "root": True,
            "key": "id(account.id)",
            "label": "account.FullyQualifiedName",
            "fields": {
                "code": "first(account.AcctNum, account.id)",
                "name": "first(account.FullyQualifiedName, account.Name, join(' ', 'Account', account.id))",
                "type": "default(account.AccountType, '')",
                "active": "default(yes_no(account.Active), yes_no('true'))",
                "currency": "default(account.CurrencyRef_value, '')",
                "parent": "default(account.ParentRef_value, '')",
                "custom": {
                    "quickbooks_id": "account.id",
                    "subtype": "account.AccountSubType",
                    "classification": "account.Classification",
                },
            },
        },
    },
}

MATCH: dict[str, dict[str, Any]] = {
    "product": {"order": ["link", "sku", "name"], "unmatched": "triage"},
    "customer": {"order": ["link", "reference", "name"], "unmatched": "triage"},
    "account": {"order": ["link", "name"], "unmatched": "create"},
}
"""A customer's number is his account number in QuickBooks, where one is kept."""
