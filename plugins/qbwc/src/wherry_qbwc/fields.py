"""What of a company file's lists can be read: names of fields, that of a nested one its path with an underscore.

Facts: Intuit's schema of answers, qbxml160.xsd (CustomerRet, AccountRet, and the items that are sold). What repeats,
such as contacts and notes, is no field; numbers of credit cards are nobody's business.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from wherry.records import FieldInfo

_HEAD = "ListID TimeCreated TimeModified EditSequence Name FullName IsActive Sublevel"
_STREET = "Addr1 Addr2 Addr3 Addr4 Addr5"
_ADDRESS = f"{_STREET} City State PostalCode Country Note"
_REFS = {
    "customer": "ClassRef ParentRef CustomerTypeRef TermsRef SalesRepRef SalesTaxCodeRef ItemSalesTaxRef "
    "PreferredPaymentMethodRef JobTypeRef PriceLevelRef CurrencyRef",
    "product": "ClassRef ParentRef UnitOfMeasureSetRef SalesTaxCodeRef SalesOrPurchase_AccountRef "
    "SalesAndPurchase_IncomeAccountRef SalesAndPurchase_PurchaseTaxCodeRef SalesAndPurchase_ExpenseAccountRef "
    "SalesAndPurchase_PrefVendorRef IncomeAccountRef PurchaseTaxCodeRef COGSAccountRef PrefVendorRef AssetAccountRef",
    "account": "ParentRef SalesTaxCodeRef CurrencyRef",
}
_NAMES = {
    "customer": f"{_HEAD} CompanyName Salutation FirstName MiddleName LastName Suffix JobTitle PrintAs Phone Mobile "
    "Pager AltPhone Fax Email Cc Contact AltContact Balance TotalBalance SalesTaxCountry ResaleNumber AccountNumber "
    "CreditLimit JobStatus JobStartDate JobProjectedEndDate JobEndDate JobDesc Notes IsStatementWithParent "
    "DeliveryMethod PreferredDeliveryMethod ExternalGUID TaxRegistrationNumber "
    + " ".join(
        f"{place}_{part}" for place, parts in (
            ("BillAddress", _ADDRESS), ("BillAddressBlock", _STREET), ("ShipAddress", _ADDRESS),
            ("ShipAddressBlock", _STREET)) for part in parts.split()
    ),
    "product": f"{_HEAD} Type BarCodeValue ManufacturerPartNumber IsTaxIncluded ExternalGUID SalesOrPurchase_Desc "
    "SalesOrPurchase_Price SalesOrPurchase_PricePercent SalesAndPurchase_SalesDesc SalesAndPurchase_SalesPrice "
    "SalesAndPurchase_PurchaseDesc SalesAndPurchase_PurchaseCost SalesDesc SalesPrice PurchaseDesc PurchaseCost "
    "ReorderPoint BuildPoint Max QuantityOnHand AverageCost QuantityOnOrder QuantityOnSalesOrder SpecialItemType",
    "account": f"{_HEAD} AccountType DetailAccountType SpecialAccountType IsTaxAccount AccountNumber BankNumber "
    "LastCheckNumber Desc Balance TotalBalance TaxLineInfoRet_TaxLineID TaxLineInfoRet_TaxLineName "
    "CashFlowClassification",
}  # fmt: skip
NAMES: Mapping[str, tuple[str, ...]] = {
    kind: (*names.split(), *(f"{ref}_{part}" for ref in _REFS[kind].split() for part in ("ListID", "FullName")))
    for kind, names in _NAMES.items()
}
"""Record kind → the fields that a map may use."""


def described(kind: str, rows: Iterable[dict[str, Any]]) -> tuple[FieldInfo, ...]:
    """The fields of a kind for people who write maps, and what this company's own entries have beside them."""
    known = dict.fromkeys(NAMES[kind])
    known |= dict.fromkeys(sorted({name for row in rows for name in _paths(row)} - set(known)))
    return tuple(FieldInfo(name, name.replace("_", " "), "string", kind) for name in known)


def _paths(row: Mapping[str, Any]) -> Iterator[str]:
    for name, value in row.items():
        if isinstance(value, dict):
            yield from (f"{name}_{inner}" for inner in _paths(value) if name != "CreditCardInfo")
        elif not isinstance(value, list):
            yield name


def value_of(row: dict[str, Any], name: str) -> Any:
    """One field; None where it is not there."""
    value: Any = row
    for part in name.split("_"):
        value = value.get(part) if isinstance(value, dict) else None
    return value
