"""What objects may carry, as tables, and the check of a request against them.

A line names fields as ``Name:type``. Types: ``s`` text (``s21`` at most 21 signs), ``d`` decimal, ``i`` whole number,
``b`` boolean, ``D`` date, ``=A|B`` one of, ``>Kind`` a reference, ``Shape`` an object, ``[Shape]`` a list of them,
``*`` anything. A ``-`` in front: QuickBooks writes the field itself, what a request says of it is ignored.
Facts: Intuit's XSDs for names and types, the API reference for lengths.
"""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from .answers import QboFault
from .values import Obj, ref

Resolve = Callable[[str, str, str], str]
"""(kind, id, where) → the name to show; raises when the object may not be referred to."""

_ENTITY = "Id:s SyncToken:s sparse:b -domain:s -status:s -MetaData:* CustomField:[CustomField] -AttachableRef:*"
_PERSON = """
    DisplayName:s500 Title:s16 GivenName:s100 MiddleName:s100 FamilyName:s100 Suffix:s16 CompanyName:s100
    PrintOnCheckName:s110 Active:b PrimaryPhone:Phone AlternatePhone:Phone Mobile:Phone Fax:Phone
    PrimaryEmailAddr:Email WebAddr:Web BillAddr:Address ShipAddr:Address OtherAddr:[Address] OtherContactInfo:*
    Notes:s2000 CurrencyRef:>Currency AcctNum:s100 DefaultTaxCodeRef:>Any -Balance:d -FullyQualifiedName:s
    -V4IDPseudonym:s -Organization:b -UserId:s
"""
_TXN = """
    DocNumber:s21 TxnDate:D DepartmentRef:>Department CurrencyRef:>Currency ExchangeRate:d PrivateNote:s4000
    TxnStatus:s LinkedTxn:[LinkedTxn] Line:[Line] TxnTaxDetail:TxnTaxDetail -TxnSource:s -RecurDataRef:*
    TransactionLocationType:s GlobalTaxCalculation:=TaxInclusive|TaxExcluded|NotApplicable -TotalAmt:d -HomeTotalAmt:d
"""
_SALE = """
    AutoDocNumber:b CustomerRef:>Customer CustomerMemo:Memo BillAddr:Address ShipAddr:Address FreeFormAddress:b
    ShipFromAddr:Address ClassRef:>Class SalesTermRef:>Term DueDate:D ShipMethodRef:>Any ShipDate:D TrackingNum:s31
    ApplyTaxAfterDiscount:b TemplateRef:>Any PrintStatus:=NotSet|NeedToPrint|PrintComplete
    EmailStatus:=NotSet|NeedToSend|EmailSent BillEmail:Email BillEmailCc:Email BillEmailBcc:Email -Balance:d
    -HomeBalance:d DepositToAccountRef:>Account PaymentMethodRef:>Any PaymentRefNum:s21 DeliveryInfo:*
    TaxExemptionRef:>Any -ARAccountRef:>Account
"""
_INVOICE = """
    AllowIPNPayment:b AllowOnlinePayment:b AllowOnlineCreditCardPayment:b AllowOnlineACHPayment:b Deposit:d
    -InvoiceLink:s -EInvoiceStatus:s -ECloudStatusTimeStamp:s -LessCIS:d
"""
_ITEM = """
    Name:s100 Sku:s100 Description:s4000 Active:b SubItem:b ParentRef:>Item -Level:i -FullyQualifiedName:s Taxable:b
    SalesTaxIncluded:b UnitPrice:d RatePercent:d Type:=Service|NonInventory|Inventory|Category|Group
    IncomeAccountRef:>Account PurchaseDesc:s1000 PurchaseTaxIncluded:b PurchaseCost:d ExpenseAccountRef:>Account
    AssetAccountRef:>Account PrefVendorRef:>Vendor -AvgCost:d TrackQtyOnHand:b QtyOnHand:d ReorderPoint:d InvStartDate:D
    SalesTaxCodeRef:>Any PurchaseTaxCodeRef:>Any ClassRef:>Class AbatementRate:d ReverseChargeRate:d ServiceType:s
    ItemCategoryType:s TaxClassificationRef:>Any ManPartNum:s -SpecialItem:b -UQCId:s -UQCDisplayText:s
"""
_ACCOUNT = """
    Name:s100 SubAccount:b ParentRef:>Account Description:s100 -FullyQualifiedName:s AccountAlias:s TxnLocationType:s
    Active:b -Classification:s AccountType:s AccountSubType:s AcctNum:s20 -CurrentBalance:d
    -CurrentBalanceWithSubAccounts:d CurrencyRef:>Currency TaxCodeRef:>Any OpeningBalance:d OpeningBalanceDate:D
"""

TABLES: dict[str, str] = {
    "Address": "Id:s Line1:s500 Line2:s500 Line3:s500 Line4:s500 Line5:s500 City:s255 Country:s255 CountryCode:s255 "
    "County:s CountrySubDivisionCode:s255 PostalCode:s30 PostalCodeSuffix:s Lat:s Long:s Tag:s Note:s",
    "Phone": "Id:s DeviceType:s CountryCode:s AreaCode:s ExchangeCode:s Extension:s FreeFormNumber:s30 Default:b Tag:s",
    "Email": "Id:s Address:s100 Default:b Tag:s",
    "Web": "Id:s URI:s1000 Default:b Tag:s",
    "Memo": "value:s1000 id:s",
    "CustomField": "DefinitionId:s Name:s Type:s StringValue:s31 BooleanValue:b DateValue:D NumberValue:d",
    "LinkedTxn": "TxnId:s TxnType:s TxnLineId:s",
    "Party": "Type:=Customer|Vendor|Employee|Other EntityRef:>Any",
    "Line": "Id:s LineNum:i Description:s4000 Amount:d DetailType:s LinkedTxn:[LinkedTxn] CustomField:[CustomField] "
    "SalesItemLineDetail:SalesItemLineDetail JournalEntryLineDetail:JournalEntryLineDetail "
    "DiscountLineDetail:DiscountLineDetail DescriptionLineDetail:DescriptionLineDetail "
    "SubTotalLineDetail:* GroupLineDetail:* TaxLineDetail:TaxLineDetail",
    "SalesItemLineDetail": "ItemRef:>Item ClassRef:>Class UnitPrice:d RatePercent:d Qty:d ItemAccountRef:>Account "
    "TaxCodeRef:>TaxCode ServiceDate:D TaxInclusiveAmt:d DiscountRate:d DiscountAmt:d MarkupInfo:* PriceLevelRef:>Any "
    "TaxClassificationRef:>Any",
    "DiscountLineDetail": "PercentBased:b DiscountPercent:d DiscountAccountRef:>Account ServiceDate:D ClassRef:>Class "
    "TaxCodeRef:>TaxCode DiscountRef:>Any",
    "DescriptionLineDetail": "ServiceDate:D TaxCodeRef:>TaxCode",
    "JournalEntryLineDetail": "PostingType:=Debit|Credit Entity:Party AccountRef:>Account ClassRef:>Class "
    "DepartmentRef:>Department TaxCodeRef:>TaxCode TaxRateRef:>TaxRate TaxApplicableOn:=Sales|Purchase TaxAmount:d "
    "TaxInclusiveAmt:d BillableStatus:=Billable|NotBillable|HasBeenBilled JournalCodeRef:>Any",
    "TxnTaxDetail": "DefaultTaxCodeRef:>Any TxnTaxCodeRef:>TxnTaxCode TotalTax:d -TaxReviewStatus:s TaxLine:[Line] "
    "UseAutomatedSalesTax:b",
    "TaxLineDetail": "TaxRateRef:>TaxRate PercentBased:b TaxPercent:d NetAmountTaxable:d TaxInclusiveAmount:d "
    "OverrideDeltaAmount:d ServiceDate:D",
    "Customer": f"{_ENTITY} {_PERSON} Taxable:b Job:b BillWithParent:b ParentRef:>Customer -Level:i "
    "CustomerTypeRef:>Any SalesTermRef:>Term PaymentMethodRef:>Any -BalanceWithJobs:d PreferredDeliveryMethod:s "
    "ResaleNum:s16 ARAccountRef:>Any OpenBalanceDate:D TaxExemptionReasonId:s PrimaryTaxIdentifier:s "
    "SecondaryTaxIdentifier:s BusinessNumber:s GSTIN:s GSTRegistrationType:s -IsProject:b -ClientEntityId:s "
    "ContactName:s -OverDueBalance:d -Source:s RootCustomerRef:>Any",
    "Vendor": f"{_ENTITY} {_PERSON} TermRef:>Term Vendor1099:b TaxIdentifier:s TaxReportingBasis:s "
    "APAccountRef:>Account BusinessNumber:s GSTIN:s GSTRegistrationType:s HasTPAR:b -Source:s BillRate:d CostRate:d "
    "VendorPaymentBankDetail:*",
    "Item": f"{_ENTITY} {_ITEM}",
    "Account": f"{_ENTITY} {_ACCOUNT}",
    "Invoice": f"{_ENTITY} {_TXN} {_SALE} {_INVOICE}",
    "Estimate": f"{_ENTITY} {_TXN} {_SALE} ExpirationDate:D AcceptedBy:s AcceptedDate:D",
    "CreditMemo": f"{_ENTITY} {_TXN} {_SALE} -RemainingCredit:d InvoiceRef:>Any",
    "SalesReceipt": f"{_ENTITY} {_TXN} {_SALE} PaymentType:s CreditCardPayment:*",
    "JournalEntry": f"{_ENTITY} {_TXN} Adjustment:b -HomeCurrencyAdjustment:b -EnteredInHomeCurrency:b",
    "Class": f"{_ENTITY} Name:s100 SubClass:b ParentRef:>Class -FullyQualifiedName:s Active:b",
    "Department": f"{_ENTITY} Name:s100 SubDepartment:b ParentRef:>Department -FullyQualifiedName:s Active:b",
    "Term": f"{_ENTITY} Name:s31 Active:b -Type:s DiscountPercent:d DueDays:i DiscountDays:i DayOfMonthDue:i "
    "DueNextMonthDays:i DiscountDayOfMonth:i",
    "TaxCode": f"{_ENTITY} Name:s Description:s Active:b Hidden:b Taxable:b TaxGroup:b SalesTaxRateList:* "
    "PurchaseTaxRateList:*",
    "TaxRate": f"{_ENTITY} Name:s Description:s Active:b RateValue:d AgencyRef:>TaxAgency EffectiveTaxRate:* "
    "SpecialTaxType:s DisplayType:s",
    "TaxAgency": f"{_ENTITY} DisplayName:s TaxTrackedOnPurchases:b TaxTrackedOnSales:b TaxRegistrationNumber:s",
    "Preferences": f"{_ENTITY} AccountingInfoPrefs:* ProductAndServicesPrefs:* SalesFormsPrefs:* EmailMessagesPrefs:* "
    "VendorAndPurchasesPrefs:* TimeTrackingPrefs:* TaxPrefs:* CurrencyPrefs:* ReportPrefs:* OtherPrefs:*",
    "CompanyInfo": f"{_ENTITY} CompanyName:s LegalName:s CompanyAddr:Address LegalAddr:Address Email:Email WebAddr:Web "
    "PrimaryPhone:Phone CompanyStartDate:D FiscalYearStartMonth:s Country:s SupportedLanguages:s DefaultTimeZone:s "
    "NameValue:* CustomerCommunicationAddr:Address",
    "CompanyCurrency": f"{_ENTITY} Code:s3 Name:s Active:b",
    "ExchangeRate": "SyncToken:s sparse:b -domain:s -MetaData:* SourceCurrencyCode:s3 TargetCurrencyCode:s3 "
    "Rate:d AsOfDate:D",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field: `kind` is its type's sign, `arg` what follows it."""

    kind: str
    arg: str
    ignored: bool


def _fields(table: str) -> dict[str, Field]:
    fields: dict[str, Field] = {}
    for part in table.split():
        name, _, kind = part.partition(":")
        sign = kind[0] if kind[0] in "=>[" or not kind[0].isupper() else kind if kind == "D" else "{"
        arg = kind if sign == "{" else kind[1:].rstrip("]")
        fields[name.lstrip("-")] = Field(sign, arg, name.startswith("-"))
    return fields


SHAPES: dict[str, dict[str, Field]] = {name: _fields(table) for name, table in TABLES.items()}
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def checked(shape: str, body: Any, resolve: Resolve, where: str = "") -> Obj:
    """What a request says in a shape, typed: None stands for a field that was sent blank.

    Raises QboFault 2010 for a property the shape has not, and the code of what is wrong with a value.
    """
    if not isinstance(body, Mapping):
        raise QboFault("2010", f"{where or shape} must be an object", where)
    fields, told = SHAPES[shape], {}
    for name, value in body.items():
        field = fields.get(name)
        if field is None:
            raise QboFault("2010", f"Property name {where}{name} is not known in {shape}", name)
        if not field.ignored:
            told[name] = None if value is None or value == "" else _value(field, value, resolve, f"{where}{name}")
    return told


def whole(shape: str, body: Any, resolve: Resolve, where: str = "") -> Obj:
    """Like `checked`, without the fields that were sent blank."""
    return {name: value for name, value in checked(shape, body, resolve, where).items() if value is not None}


def _value(field: Field, value: Any, resolve: Resolve, where: str) -> Any:
    if field.kind == ">":
        return _reference(field.arg, value, resolve, where)
    if field.kind == "{":
        return whole(field.arg, value, resolve, f"{where}.") or (None if value else {})
    if field.kind == "[":
        if not isinstance(value, list):
            raise QboFault("2010", f"{where} must be a list", where)
        return [whole(field.arg, part, resolve, f"{where}[{n}].") for n, part in enumerate(value)]
    return SCALARS[field.kind](field.arg, value, where)


def _reference(kind: str, value: Any, resolve: Resolve, where: str) -> Obj | None:
    if not isinstance(value, Mapping):
        raise QboFault("2010", f"{where} must be a reference with a value", where)
    key = str(value.get("value") or "")
    # Some clients send references they never filled.
    return ref(key, resolve(kind, key, where)) if key else None


def _text(limit: str, value: Any, where: str) -> str:
    if not isinstance(value, str | Decimal):
        raise QboFault("2010", f"{where} must be text", where)
    text = str(value)
    if limit and len(text) > int(limit):
        raise QboFault("2050", f"{where}: Min:0 Max:{limit} supported. Supplied length:{len(text)}", where)
    return text


def _decimal(_: str, value: Any, where: str) -> Decimal:
    try:
        number = Decimal(value) if isinstance(value, str | Decimal) else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or number.adjusted() > 15 or number.adjusted() < -15:
        raise QboFault("2100", f"{where} is not a decimal number", where)
    return number


def _integer(_: str, value: Any, where: str) -> int:
    number = _decimal("", value, where)
    if number != int(number):
        raise QboFault("2080", f"{where} is not a whole number", where)
    return int(number)


def _boolean(_: str, value: Any, where: str) -> bool:
    if value in (True, "true", "True"):
        return True
    if value in (False, "false", "False"):
        return False
    raise QboFault("2230", f"{where} is neither true nor false", where)


def _date(_: str, value: Any, where: str) -> str:
    text = value[:10] if isinstance(value, str) else ""
    try:
        dt.date.fromisoformat(text if _DATE.fullmatch(text) else "")
    except ValueError:
        raise QboFault("2060", f"{where} is not a date", where) from None
    return text


def _one_of(allowed: str, value: Any, where: str) -> str:
    if value not in allowed.split("|"):
        raise QboFault("2170", f"{where} must be one of {allowed.replace('|', ', ')}", where)
    return str(value)


def _anything(_: str, value: Any, where: str) -> Any:
    return value


SCALARS: dict[str, Callable[[str, Any, str], Any]] = {
    "s": _text,
    "d": _decimal,
    "i": _integer,
    "b": _boolean,
    "D": _date,
    "=": _one_of,
    "*": _anything,
}
