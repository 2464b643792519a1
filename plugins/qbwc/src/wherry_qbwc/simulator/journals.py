"""Journal entries, under the rules of the desktop editions."""

from __future__ import annotations

from decimal import Decimal

from .company import Company, Record
from .kinds import REFERS
from .lists import current, merged
from .reading import ORDERED
from .refusals import Status, not_enabled, not_found, unsaved
from .sales import NEW, usable
from .values import Obj, amount, money

DEBIT, CREDIT = "JournalDebitLine", "JournalCreditLine"
KIND = "JournalEntry"
PARTY = {"AccountsReceivable": ("Customer", "a customer"), "AccountsPayable": ("Vendor", "a vendor")}
_FOREIGN = ("CurrencyRef", "ExchangeRate", "IsAmountsEnteredInHomeCurrency", "IsHomeCurrencyAdjustment")
Line = tuple[str, Obj]


class Journals:
    """Writes to the journal of one company; `told` goes to the history with every change."""

    def __init__(self, company: Company, told: Obj) -> None:
        self.company, self.told = company, told

    def add(self, told: Obj) -> Record:
        """Raises Status."""
        head = {name: value for name, value in told.items() if name != ORDERED}
        body = merged({"IsAdjustment": "false"}, self._resolved(head))
        body.setdefault("TxnDate", self.company.today())
        lines = [(side, self._line({}, line)) for side, line in told.get(ORDERED, [])]
        self._judge(body, lines)
        return self.company.add(KIND, body, lines, **self.told)

    def change(self, told: Obj) -> Record:
        """Lines that are left out are removed, unless none is named. Raises Status."""
        record = self.company.needed(told["TxnID"], KIND)
        current(record, told)
        self.company.open_until(record.body["TxnDate"])
        head = {n: value for n, value in told.items() if n not in ("JournalLineMod", "TxnID", "EditSequence")}
        body, lines = merged(record.body, self._resolved(head)), record.lines
        if "JournalLineMod" in told:
            old = {line["TxnLineID"]: (side, line) for side, line in lines}
            lines = [self._changed(old, one) for one in told["JournalLineMod"]]
        self._judge(body, lines)
        self.company.change(record, body, lines, **self.told)
        return record

    def _changed(self, old: dict[str, Line], told: Obj) -> Line:
        key, said = told["TxnLineID"], told.get("JournalLineType")
        new = {name: value for name, value in told.items() if name not in ("TxnLineID", "JournalLineType")}
        if key != NEW and key not in old:
            raise not_found(key)
        side, line = old.get(key, ("", {}))
        side = f"Journal{said}Line" if said else side
        if not side:
            raise Status(3150, 'A required element "JournalLineType" of a new line is missing.')
        return side, self._line(line, new)

    def _line(self, old: Obj, told: Obj) -> Obj:
        line = merged(old, self._resolved({name: value for name, value in told.items() if name != "TxnLineID"}))
        line["TxnLineID"] = old.get("TxnLineID") or self.company.line_id()
        if "AccountRef" not in line or "Amount" not in line:
            raise unsaved(KIND, "You must choose an account and enter an amount on every line.")
        if money(line["Amount"]) < 0:
            raise Status(3040, f'There was an error when converting the amount value "{line["Amount"]}".')
        line["Amount"] = amount(money(line["Amount"]))
        return line

    def _judge(self, body: Obj, lines: list[Line]) -> None:
        self.company.open_until(body["TxnDate"])
        if any(name in body for name in _FOREIGN) and not self.company.multicurrency:
            raise not_enabled()
        if not lines:
            raise unsaved(KIND, "The transaction is empty.")
        debits, credits = (_side(lines, side) for side in (DEBIT, CREDIT))
        if debits != credits:
            raise unsaved(KIND, "The transaction is not in balance. Make sure the amounts in the debit column equal "
                                "the amounts in the credit column.")  # fmt: skip
        parties = [line for _, line in lines if self._party(line)]
        if len(parties) > 1:
            raise unsaved(KIND, "You cannot use more than one accounts receivable or accounts payable line.")
        body["TotalAmount"] = amount(debits)

    def _party(self, line: Obj) -> bool:
        """Whether a line is on receivables or payables, which want a name. Raises Status."""
        account = self.company.records[line["AccountRef"]["ListID"]]
        entity = line.get("EntityRef")
        if entity:
            usable(self.company, entity)
        if account.body["AccountType"] == "NonPosting":
            raise unsaved(KIND, f'You cannot post to the account "{account.name}".')
        wanted = PARTY.get(account.body["AccountType"])
        if wanted is None:
            return False
        kind, word = wanted
        if entity is None or self.company.records[entity["ListID"]].kind != kind:
            raise unsaved(KIND, f"When you use the account {account.name}, you must choose {word} in the name field.")
        return True

    def _resolved(self, told: Obj) -> Obj:
        return {name: self.company.reference(name, value, KIND) if name in REFERS else value
                for name, value in told.items()}  # fmt: skip


def _side(lines: list[Line], wanted: str) -> Decimal:
    return sum((money(line["Amount"]) for side, line in lines if side == wanted), Decimal(0))
