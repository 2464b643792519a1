"""Sales tax and currencies of a document, as the company file works them out.

What nobody says is taxable: a line takes its item's code, else the taxable one, and a document the first item of tax.
A customer's currency is that of every document for him.
"""

from __future__ import annotations

from decimal import Decimal

from .company import Company, Record
from .values import Obj, amount, cents, money


def taxed(company: Company, body: Obj, lines: list[Obj]) -> Decimal:
    """The tax of a document, whose codes are filled in."""
    body.setdefault("ItemSalesTaxRef", {"ListID": next(company.of("ItemSalesTax")).id})
    customer = company.records[body["CustomerRef"]["ListID"]]
    whole = _taxable(company, body.get("CustomerSalesTaxCodeRef") or customer.body.get("SalesTaxCodeRef"))
    base = sum((money(line["Amount"]) for line in lines if _owes(company, line)), Decimal(0)) if whole else Decimal(0)
    rate = money(company.records[body["ItemSalesTaxRef"]["ListID"]].body.get("TaxRate", ""))
    tax = cents(base * rate / 100)
    body["SalesTaxPercentage"], body["SalesTaxTotal"] = str(rate), amount(tax)
    return tax


def _owes(company: Company, line: Obj) -> bool:
    if "ItemRef" not in line or "Amount" not in line:
        return False
    item = company.records[line["ItemRef"]["ListID"]]
    return _taxable(company, line.get("SalesTaxCodeRef") or item.body.get("SalesTaxCodeRef"))


def _taxable(company: Company, ref: Obj | None) -> bool:
    return ref is None or company.records[ref["ListID"]].body["IsTaxable"] == "true"


def denominated(company: Company, body: Obj) -> None:
    """A document gets its customer's currency, and the rate of its list where nobody says one."""
    customer = company.records[body["CustomerRef"]["ListID"]]
    currency = _currency(company, customer.body.get("CurrencyRef"))
    if currency is not None:
        body["CurrencyRef"] = {"ListID": currency.id}
        body.setdefault("ExchangeRate", currency.body.get("ExchangeRate", "1"))


def _currency(company: Company, ref: Obj | None) -> Record | None:
    return company.records[ref["ListID"]] if ref else company.named(company.currency, ("Currency",))
