"""Invoices, estimates, credit memos and sales receipts: their rules, totals and bookings."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from .answers import QboFault
from .company import Company
from .kinds import KINDS
from .ledger import Posting
from .taxes import Taxed, tax
from .values import ZERO, Obj, exact, ref, rounded

DETAILS = frozenset({"SalesItemLineDetail", "DiscountLineDetail", "DescriptionOnly", "SubTotalLineDetail"})
UNSPOKEN = frozenset({"GroupLineDetail"})


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document ready to be stored: the object, what it books, and what it takes from stock."""

    body: Obj
    postings: list[Posting]
    moved: dict[str, Decimal]


class Sale:
    """One sales document while it is being judged."""

    def __init__(self, company: Company, kind: str, body: Obj) -> None:
        self.company, self.kind, self.body = company, kind, dict(body)
        self.customer = self._customer()
        self.currency = self._currency()
        self.rate = exchange_rate(company, self.body, self.currency)

    def prepared(self) -> Prepared:
        """Judge the document; raises QboFault."""
        lines = [self._line(n, line) for n, line in enumerate(self.body["Line"], 1) if not _subtotal(line)]
        if not lines:
            raise QboFault("2250", "Required parameter Line is missing in the request", "Line")
        sold = [line for line in lines if line["DetailType"] == "SalesItemLineDetail"]
        taxed = tax(self.company, self.body, sold, self.currency)
        for line, net in zip(sold, taxed.nets, strict=True):
            if net != line["Amount"]:
                line["SalesItemLineDetail"].setdefault("TaxInclusiveAmt", line["Amount"])
                line["Amount"] = net
        discount = self._discounted(lines, sum(taxed.nets, ZERO))
        self._total(lines, taxed, discount)
        return Prepared(self.body, self._postings(sold, lines, taxed), self._moved(sold))

    # Head

    def _customer(self) -> Obj | None:
        told = self.body.get("CustomerRef")
        return self.company.needed("Customer", told["value"]) if told else None

    def _currency(self) -> str:
        """A document speaks its customer's currency."""
        own = ((self.customer or {}).get("CurrencyRef") or {}).get("value") or self.company.currency
        told = (self.body.get("CurrencyRef") or {}).get("value") or own
        if told != own:
            raise QboFault("6000", f"The customer's currency is {own}, the transaction's is {told}", "CurrencyRef")
        self.body["CurrencyRef"] = ref(told)
        return str(told)

    # Lines

    def _line(self, number: int, line: Obj) -> Obj:
        kind = line.get("DetailType")
        if kind in UNSPOKEN:
            raise QboFault("5030", f"{kind} is not supported here", "DetailType")
        if kind not in DETAILS:
            code = "2170" if kind else "2020"
            raise QboFault(code, f"Line.DetailType must be one of {', '.join(sorted(DETAILS))}", "DetailType")
        line = {**line, "Id": line.get("Id") or str(number), "LineNum": number}
        if kind == "SalesItemLineDetail":
            line["SalesItemLineDetail"] = dict(line.get("SalesItemLineDetail") or {})
            self._amount(line, self._item(line))
        return line

    def _item(self, line: Obj) -> Obj:
        item = line["SalesItemLineDetail"].get("ItemRef")
        if not item:
            raise QboFault("6440", "A line of SalesItemLineDetail needs an ItemRef", "ItemRef")
        found = self.company.needed("Item", item["value"])
        if found["Type"] == "Category":
            raise QboFault("6000", "A category cannot be sold", "ItemRef")
        start = found.get("InvStartDate", "")
        if self.kind != "Estimate" and start > self.body["TxnDate"]:
            raise QboFault("6270", f"Item {item['value']} is counted from {start} on", "TxnDate")
        return found

    def _amount(self, line: Obj, item: Obj) -> None:
        """Amount is quantity times price; either may be left out, the amount may not."""
        detail = line["SalesItemLineDetail"]
        if "Amount" not in line:
            raise QboFault("2020", "Required parameter Line.Amount is missing in the request", "Amount")
        amount: Decimal = line["Amount"]
        if not exact(amount, self.currency):
            raise QboFault("2140", f"Amount {amount} has more decimals than {self.currency}", "Amount")
        quantity, price = detail.get("Qty"), detail.get("UnitPrice")
        said = (amount, detail.get("TaxInclusiveAmt"))
        if quantity is not None and price is not None and rounded(quantity * price, self.currency) not in said:
            told = f"Amount is not equal to UnitPrice * Qty. Supplied value:{amount}"
            raise QboFault("6070", told, "Amount")
        if self.company.us and "TaxCodeRef" not in detail:
            taxed = self.company.tax != "none" and item.get("Taxable", False)
            detail["TaxCodeRef"] = ref("TAX" if taxed else "NON")
        line["Amount"] = rounded(amount, self.currency)

    def _discounted(self, lines: list[Obj], subtotal: Decimal) -> Decimal:
        total = ZERO
        for line in lines:
            if line["DetailType"] == "DiscountLineDetail":
                detail = line["DiscountLineDetail"] = dict(line.get("DiscountLineDetail") or {})
                if detail.get("PercentBased"):
                    line["Amount"] = rounded(subtotal * detail.get("DiscountPercent", ZERO) / 100, self.currency)
                account = self.company.account("discounts")
                detail.setdefault("DiscountAccountRef", ref(account["Id"], account["Name"]))
                total += line.get("Amount", ZERO)
        return total

    # Totals

    def _total(self, lines: list[Obj], taxed: Taxed, discount: Decimal) -> None:
        subtotal = sum(taxed.nets, ZERO)
        total = rounded(subtotal + taxed.total - discount, self.currency)
        if total < 0:
            raise QboFault("6000", "The total of a transaction must be zero or more", "TotalAmt")
        own = {"Amount": rounded(subtotal, self.currency), "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {}}
        self.body |= {"Line": [*lines, own], "TxnTaxDetail": taxed.detail, "TotalAmt": total}
        if self.currency != self.company.currency:
            self.body |= {"ExchangeRate": self.rate, "HomeTotalAmt": rounded(total * self.rate, self.company.currency)}
        if not self.company.us:
            self.body.setdefault("GlobalTaxCalculation", "TaxExcluded")
        if self.kind in ("Invoice", "CreditMemo", "SalesReceipt"):
            self.body["Balance"] = ZERO if self.kind == "SalesReceipt" else total
        if self.kind == "CreditMemo":
            self.body["RemainingCredit"] = total
        self.body |= {name: self.body.get(name, "NotSet") for name in ("PrintStatus", "EmailStatus")}
        self._dates()

    def _dates(self) -> None:
        if self.kind == "Estimate":
            self.body.setdefault("TxnStatus", "Pending")
        if self.kind != "Invoice" or "DueDate" in self.body:
            return
        term = self.company.find("Term", (self.body.get("SalesTermRef") or {}).get("value", ""))
        days = dt.timedelta(days=(term or {}).get("DueDays", 30))
        self.body["DueDate"] = (dt.date.fromisoformat(self.body["TxnDate"]) + days).isoformat()

    # Bookings

    def _postings(self, sold: list[Obj], lines: list[Obj], taxed: Taxed) -> list[Posting]:
        if self.kind == "Estimate":
            return []
        home = Home(self.company, self.rate, self.body["TxnDate"], -1 if self.kind == "CreditMemo" else 1)
        home.add(self._debtor(), self.body["TotalAmt"], self._party())
        for line in sold:
            home.add(self._income(line), -line["Amount"])
            home.cost(self.company.objects["Item"][line["SalesItemLineDetail"]["ItemRef"]["value"]], line)
        for line in lines:
            if line["DetailType"] == "DiscountLineDetail":
                home.add(line["DiscountLineDetail"]["DiscountAccountRef"]["value"], line.get("Amount", ZERO))
        home.add(self.company.account("tax")["Id"], -taxed.total)
        return home.closed()

    def _party(self) -> str:
        return f"Customer:{self.body['CustomerRef']['value']}" if self.customer and self.kind != "SalesReceipt" else ""

    def _debtor(self) -> str:
        if self.kind != "SalesReceipt":
            return str(self.company.receivable(self.currency)["Id"])
        told = self.body.get("DepositToAccountRef")
        return str(told["value"] if told else self.company.account("undeposited")["Id"])

    def _income(self, line: Obj) -> str:
        detail = line["SalesItemLineDetail"]
        item = self.company.objects["Item"][detail["ItemRef"]["value"]]
        account = item.get("IncomeAccountRef") or ref(self.company.account("services")["Id"])
        return str(account["value"])

    def _moved(self, sold: list[Obj]) -> dict[str, Decimal]:
        """Quantities of counted items that leave the stock; a credit memo brings them back."""
        moved: dict[str, Decimal] = {}
        for line in sold if self.kind != "Estimate" else ():
            detail = line["SalesItemLineDetail"]
            key = detail["ItemRef"]["value"]
            if self.company.objects["Item"][key]["Type"] == "Inventory":
                sign = -1 if self.kind == "CreditMemo" else 1
                moved[key] = moved.get(key, ZERO) + sign * detail.get("Qty", ZERO)
        return moved


class Home:
    """Bookings in the home currency; what rounding the parts leaves goes to exchange gain or loss."""

    def __init__(self, company: Company, rate: Decimal, date: str, sign: int = 1) -> None:
        self._company, self._rate, self._date, self._sign = company, rate, date, sign
        self._postings: list[Posting] = []

    def add(self, account: str, amount: Decimal, party: str = "") -> None:
        """Book an amount of the document's currency: positive is debit."""
        home = rounded(amount * self._rate * self._sign, self._company.currency)
        self._postings.append(Posting(account, home, self._date, party))

    def cost(self, item: Obj, line: Obj) -> None:
        """Book what a counted item cost from stock to cost of goods sold."""
        if item["Type"] == "Inventory":
            spent = item.get("PurchaseCost", ZERO) * line["SalesItemLineDetail"].get("Qty", ZERO) * self._sign
            amount = rounded(spent, self._company.currency)
            self._postings.append(Posting(item["ExpenseAccountRef"]["value"], amount, self._date))
            self._postings.append(Posting(item["AssetAccountRef"]["value"], -amount, self._date))

    def closed(self) -> list[Posting]:
        """All bookings, balanced."""
        residue = sum((p.amount for p in self._postings), ZERO)
        if residue and self._rate != 1:
            account = self._company.account("exchange")["Id"]
            self._postings.append(Posting(account, -residue, self._date))
        return self._postings


def exchange_rate(company: Company, body: Obj, currency: str) -> Decimal:
    """Home units for one unit of the document's currency: as sent, else as stored, else one."""
    if currency == company.currency:
        return Decimal(1)
    stored = company.find("ExchangeRate", currency)
    rate: Decimal = body.get("ExchangeRate") or (stored or {}).get("Rate") or Decimal(1)
    return rate


def voided(company: Company, kind: str, body: Obj) -> Obj:
    """A document with its amounts taken out; number, customer and lines stay."""
    assert "void" in KINDS[kind].operations
    note = body.get("PrivateNote", "")
    lines = [_zeroed(line) for line in body["Line"]]
    totals: Obj = {name: ZERO for name in ("TotalAmt", "Balance", "RemainingCredit", "HomeTotalAmt") if name in body}
    told = note if note.startswith("Voided") else f"Voided - {note}" if note else "Voided"
    return {**body, **totals, "Line": lines, "PrivateNote": told, "TxnTaxDetail": {"TotalTax": ZERO}}


def _zeroed(line: Obj) -> Obj:
    detail = line.get("SalesItemLineDetail")
    zero = {"SalesItemLineDetail": {**detail, "Qty": ZERO}} if detail else {}
    return {**line, **zero, "Amount": ZERO}


def _subtotal(line: Obj) -> bool:
    return line.get("DetailType") == "SubTotalLineDetail"
