"""What of QuickBooks' lists is read as records: names of kinds and fields, and one field out of an object.

A field of a nested object is named by its path with an underscore: ``BillAddr_City``, ``ParentRef_value``. Facts:
Intuit's XML schema (Finance.xsd, IntuitNamesTypes.xsd); what a company of one country alone has is left out.
"""

from __future__ import annotations

from typing import Any

import msgspec
from wherry.roles import FieldInfo

ENTITIES = {"product": "Item", "customer": "Customer", "account": "Account"}
"""Record kind → QuickBooks' name of the list."""
CATEGORY = "Category"
"""Items of this type are headings over items: nothing that could be sold, and no record."""
KEEPS_INACTIVE = frozenset({"account"})
"""Kinds whose inactive entries stay records: an account that is closed still holds what was booked on it, and its
``Active`` says so. Inactive products and customers have left the lists that people choose from: they are archived."""

_META = "SyncToken MetaData_CreateTime MetaData_LastUpdatedTime Active CurrencyRef_value CurrencyRef_name"
_ADDRESS = "Line1 Line2 Line3 Line4 Line5 City CountrySubDivisionCode PostalCode Country"
_NAMES = {
    "product": f"{_META} Name Sku Description FullyQualifiedName Type SubItem Level Taxable SalesTaxIncluded UnitPrice "
    "PurchaseDesc PurchaseCost PurchaseTaxIncluded TrackQtyOnHand QtyOnHand ReorderPoint InvStartDate Source",
    "customer": f"{_META} DisplayName FullyQualifiedName CompanyName Title GivenName MiddleName FamilyName Suffix "
    "PrintOnCheckName Notes Job Level BillWithParent IsProject Taxable AcctNum ResaleNum Balance BalanceWithJobs "
    "PreferredDeliveryMethod PrimaryEmailAddr_Address PrimaryPhone_FreeFormNumber AlternatePhone_FreeFormNumber "
    "Mobile_FreeFormNumber Fax_FreeFormNumber WebAddr_URI PrimaryTaxIdentifier BusinessNumber "
    + " ".join(f"{place}_{part}" for place in ("BillAddr", "ShipAddr") for part in _ADDRESS.split()),
    "account": f"{_META} Name FullyQualifiedName Description AcctNum AccountType AccountSubType Classification "
    "SubAccount CurrentBalance CurrentBalanceWithSubAccounts",
}
_REFS = {
    "product": "ParentRef IncomeAccountRef ExpenseAccountRef AssetAccountRef PrefVendorRef SalesTaxCodeRef "
    "PurchaseTaxCodeRef TaxClassificationRef ClassRef",
    "customer": "ParentRef SalesTermRef PaymentMethodRef CustomerTypeRef DefaultTaxCodeRef ARAccountRef",
    "account": "ParentRef TaxCodeRef",
}
FIELDS: dict[str, tuple[str, ...]] = {
    kind: (*names.split(), *(f"{ref}_{part}" for ref in _REFS[kind].split() for part in ("value", "name")))
    for kind, names in _NAMES.items()
}
"""Record kind → the fields that a map may use."""

_YES_NO = frozenset({
    "Active", "SubItem", "Taxable", "SalesTaxIncluded", "PurchaseTaxIncluded", "TrackQtyOnHand", "Job",
    "BillWithParent", "IsProject", "SubAccount",
})  # fmt: skip
_NUMBERS = frozenset({
    "UnitPrice", "PurchaseCost", "QtyOnHand", "ReorderPoint", "Level", "Balance", "BalanceWithJobs", "CurrentBalance",
    "CurrentBalanceWithSubAccounts",
})  # fmt: skip
_encode = msgspec.json.Encoder(decimal_format="number", order="sorted").encode


def described(kind: str) -> tuple[FieldInfo, ...]:
    """The fields of a kind, for people who write maps."""
    return tuple(FieldInfo(name, name.replace("_", " "), _type(name), ENTITIES[kind]) for name in FIELDS[kind])


def _type(name: str) -> str:
    if name.endswith("Time"):
        return "datetime"
    if name == "InvStartDate":
        return "date"
    return "bool" if name in _YES_NO else "number" if name in _NUMBERS else "string"


def value_of(row: dict[str, Any], name: str) -> Any:
    """One field of an object; None where it is not there."""
    value: Any = row
    for part in name.split("_"):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def payload(row: dict[str, Any], fields: tuple[str, ...]) -> bytes:
    """The fields asked for as JSON, in order of name: equal objects give equal bytes. Numbers keep all digits."""
    return _encode({name: value_of(row, name) for name in fields if name != "id"})
