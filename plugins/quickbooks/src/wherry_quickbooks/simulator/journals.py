"""Journal entries: balanced, at least two lines, a customer on receivables and a vendor on payables."""

from decimal import Decimal

from .answers import QboFault
from .company import Company
from .ledger import Posting
from .sales import Home, Prepared, exchange_rate
from .values import ZERO, Obj, exact, ref, rounded

NEEDS_PARTY = {"Accounts Receivable": "Customer", "Accounts Payable": "Vendor"}


class Journal:
    """One journal entry while it is being judged."""

    def __init__(self, company: Company, body: Obj) -> None:
        self.company, self.body = company, dict(body)
        self.currency = str((body.get("CurrencyRef") or {}).get("value") or company.currency)
        self.rate = exchange_rate(company, body, self.currency)

    def prepared(self) -> Prepared:
        """Judge the entry; raises QboFault."""
        lines = [self._line(n, line) for n, line in enumerate(self.body["Line"])]
        if len(lines) < 2:
            raise QboFault("2250", "A journal entry needs at least two lines", "Line")
        self._one_party(lines)
        debits, credits = (self._side(lines, side) for side in ("Debit", "Credit"))
        if debits != credits:
            raise QboFault("2300", f"Debits of {debits} and credits of {credits} differ", "Line")
        self.body |= {"Line": lines, "TotalAmt": debits, "CurrencyRef": ref(self.currency), "TxnTaxDetail": {}}
        self.body.setdefault("Adjustment", False)
        if self.currency != self.company.currency:
            self.body["ExchangeRate"] = self.rate
        return Prepared(self.body, self._postings(lines), {})

    def _line(self, number: int, line: Obj) -> Obj:
        if line.get("DetailType") != "JournalEntryLineDetail":
            code = "2170" if line.get("DetailType") else "2020"
            raise QboFault(code, "DetailType of a journal entry's line is JournalEntryLineDetail", "DetailType")
        detail = line.get("JournalEntryLineDetail") or {}
        if "PostingType" not in detail:
            raise QboFault("2260", "PostingType must be Debit or Credit", "PostingType")
        if "AccountRef" not in detail:
            raise QboFault("6440", "A line of a journal entry needs an AccountRef", "AccountRef")
        self._taxed(detail)
        amount = self._amount(line)
        self._account(detail)
        return {**line, "Id": line.get("Id") or str(number), "Amount": amount}

    def _amount(self, line: Obj) -> Decimal:
        amount: Decimal | None = line.get("Amount")
        if amount is None:
            raise QboFault("2020", "Required parameter Line.Amount is missing in the request", "Amount")
        if amount < 0:
            raise QboFault("2290", f"Amount {amount} is negative: change the side instead", "Amount")
        if not amount or not exact(amount, self.currency):
            raise QboFault("2140", f"Amount {amount} must be positive and without fractions of a cent", "Amount")
        return rounded(amount, self.currency)

    def _taxed(self, detail: Obj) -> None:
        if "TaxCodeRef" not in detail:
            return
        if "TaxApplicableOn" not in detail:
            raise QboFault(
                "2270", "TaxApplicableOn must be Sales or Purchase where a tax code is set", "TaxApplicableOn"
            )
        if "TaxAmount" not in detail:
            raise QboFault("2280", "TaxAmount is required where a tax code is set", "TaxAmount")

    def _account(self, detail: Obj) -> None:
        account = self.company.needed("Account", detail["AccountRef"]["value"])
        kind = NEEDS_PARTY.get(account["AccountType"])
        if kind is None:
            return
        entity = detail.get("Entity") or {}
        key = (entity.get("EntityRef") or {}).get("value", "")
        if entity.get("Type") != kind or not key:
            told = f"A line on {account['AccountType']} needs a {kind.lower()} in its name field"
            raise QboFault("6000", told, "Entity")
        self.company.resolve(kind, key, "Entity.EntityRef")
        spoken = {(thing.get("CurrencyRef") or {}).get("value") or self.company.currency for thing in
                  (account, self.company.needed(kind, key))}  # fmt: skip
        if spoken != {self.currency}:
            raise QboFault("6000", f"Account, {kind.lower()} and entry must all be in {self.currency}", "CurrencyRef")

    def _one_party(self, lines: list[Obj]) -> None:
        """Receivables and payables, or two customers, do not mix in one entry."""
        parties = {self._party(line["JournalEntryLineDetail"]) for line in lines} - {""}
        if len(parties) > 1:
            raise QboFault("6000", "Only one customer or vendor may stand in an entry on A/R or A/P", "Entity")

    def _party(self, detail: Obj) -> str:
        kind = NEEDS_PARTY.get(self.company.objects["Account"][detail["AccountRef"]["value"]]["AccountType"])
        return f"{kind}:{detail['Entity']['EntityRef']['value']}" if kind else ""

    def _tax(self, detail: Obj) -> Decimal:
        extra = self.body.get("GlobalTaxCalculation", "TaxExcluded") == "TaxExcluded"
        amount: Decimal = detail.get("TaxAmount", ZERO)
        return rounded(amount, self.currency) if extra else ZERO

    def _side(self, lines: list[Obj], side: str) -> Decimal:
        told = [line for line in lines if line["JournalEntryLineDetail"]["PostingType"] == side]
        return sum((line["Amount"] + self._tax(line["JournalEntryLineDetail"]) for line in told), ZERO)

    def _postings(self, lines: list[Obj]) -> list[Posting]:
        home = Home(self.company, self.rate, self.body["TxnDate"])
        for line in lines:
            detail = line["JournalEntryLineDetail"]
            sign = 1 if detail["PostingType"] == "Debit" else -1
            home.add(detail["AccountRef"]["value"], sign * line["Amount"], self._party(detail))
            home.add(self.company.account("tax")["Id"], sign * self._tax(detail))
        return home.closed()
