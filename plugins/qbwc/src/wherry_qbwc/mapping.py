"""QuickBooks Desktop's default field maps and match rules, as data. A flow may replace or drop every single line."""

from __future__ import annotations

from typing import Any

TYPES = {"Service": "service", "NonInventory": "part", "Inventory": "product", "InventoryAssembly": "product"}
"""The sort of an item → ours."""


def product_type(value: str | None) -> str:
    """The type of a product from the sort of its item; a product where it is another."""
    return TYPES.get(str(value or "").strip(), "product")


MAPS: dict[str, dict[str, Any]] = {
    "product": {
        "product": {
            "root": True,
            "key": "id(product.id)",
            "label": "product.FullName",
            "fields": {
                "name": "first(product.FullName, product.Name)",
                "sku": "default(product.ManufacturerPartNumber, '')",
                "type": "qbwc_product_type(product.Type)",
                "price": "decimal(first(product.SalesOrPurchase_Price, product.SalesAndPurchase_SalesPrice, "
                "product.SalesPrice))",
                "description": "default(first(product.SalesOrPurchase_Desc, product.SalesAndPurchase_SalesDesc, "
                "product.SalesDesc), '')",
            },
        },
    },
    "customer": {
        "customer": {
            "root": True,
            "key": "id(customer.id)",
            "label": "customer.FullName",
            "fields": {
                "name": "first(customer.FullName, customer.CompanyName)",
                "number": "default(customer.AccountNumber, '')",
                "email": "default(customer.Email, '')",
                "phone": "default(customer.Phone, '')",
                "street": "default(join(', ', customer.BillAddress_Addr1, customer.BillAddress_Addr2, "
                "customer.BillAddress_Addr3), '')",
                "city": "default(customer.BillAddress_City, '')",
                "region": "default(customer.BillAddress_State, '')",
                "postal_code": "default(customer.BillAddress_PostalCode, '')",
                "country": "default(customer.BillAddress_Country, '')",
            },
        },
    },
    "account": {
        "account": {
            "root": True,
            "key": "id(account.id)",
            "label": "account.FullName",
            "fields": {
                "code": "first(account.AccountNumber, account.id)",
                "name": "first(account.FullName, account.Name)",
                "type": "default(account.AccountType, '')",
                "active": "default(yes_no(account.IsActive), yes_no('true'))",
                "parent": "default(account.ParentRef_ListID, '')",
            },
        },
    },
}

MATCH: dict[str, dict[str, Any]] = {
    "product": {"order": ["link", "sku", "name"], "unmatched": "triage"},
    "customer": {"order": ["link", "reference", "name"], "unmatched": "triage"},
    "account": {"order": ["link", "name"], "unmatched": "create"},
}
"""Products and customers are known to a platform before they come to the books: what nothing matches is asked about."""
