"""Sales orders, invoices, estimates and credit memos: references, lines and their arithmetic, tax and totals."""

from __future__ import annotations

from decimal import Decimal

from .company import Company, Record
from .kinds import LINE, ORDERS, REFERS
from .lists import current, merged, price_of
from .refusals import Status, not_enabled, not_found, unsaved
from .taxing import denominated, taxed
from .values import CENT, Obj, amount, cents, money, price

NEW = "-1"
"""The TxnLineID of a line that a change adds."""


class Sales:
    """Writes to the sales of one company; `told` goes to the history with every change."""

    def __init__(self, company: Company, told: Obj) -> None:
        self.company, self.told = company, told

    def add(self, kind: str, told: Obj) -> Record:
        """Raises Status."""
        offered(self.company, kind)
        element = f"{LINE[kind]}Add"
        head = {name: value for name, value in told.items() if name != element}
        body = merged({}, self._resolved(kind, head))
        body.setdefault("TxnDate", self.company.today())
        body.setdefault("RefNumber", self._next(kind))
        lines = [self._line(kind, {}, one) for one in told.get(element, [])]
        self._judge(kind, body, lines)
        return self.company.add(kind, body, [(LINE[kind], one) for one in lines], **self.told)

    def change(self, kind: str, told: Obj) -> Record:
        """Lines that are left out are removed, unless none is named. Raises Status."""
        offered(self.company, kind)
        record = self.company.needed(told["TxnID"], kind)
        current(record, told)
        self.company.open_until(record.body["TxnDate"])
        if record.void:
            raise Status(3170, f"The {kind} cannot be modified: it is void.")
        element = f"{LINE[kind]}Mod"
        head = {name: value for name, value in told.items() if name not in (element, "TxnID", "EditSequence")}
        body = merged(record.body, self._resolved(kind, head))
        lines = [one for _, one in record.lines]
        if element in told:
            old = {one["TxnLineID"]: one for one in lines}
            lines = [self._changed(kind, old, one) for one in told[element]]
        self._judge(kind, body, lines)
        self.company.change(record, body, [(LINE[kind], one) for one in lines], **self.told)
        return record

    def _judge(self, kind: str, body: Obj, lines: list[Obj]) -> None:
        if "CustomerRef" not in body:
            raise Status(3150, f'A required element "CustomerRef" of the {kind} is empty.')
        usable(self.company, body["CustomerRef"])
        self.company.open_until(body["TxnDate"])
        if not lines:
            raise unsaved(kind, "The transaction is empty.")
        if body.get("ExchangeRate") and not self.company.multicurrency:
            raise not_enabled()
        body.setdefault("DueDate", body["TxnDate"])
        total = sum((money(line.get("Amount", "")) for line in lines), Decimal(0))
        if total < 0:
            raise unsaved(kind, "Transaction amount must be positive.")
        if self.company.multicurrency:
            denominated(self.company, body)
        body["Subtotal"] = amount(total)
        tax = taxed(self.company, body, lines) if self.company.sales_tax else Decimal(0)
        body["TotalAmount"] = amount(total + tax)

    def _changed(self, kind: str, old: dict[str, Obj], told: Obj) -> Obj:
        key = told["TxnLineID"]
        new = {name: value for name, value in told.items() if name != "TxnLineID"}
        if key == NEW:
            return self._line(kind, {}, new)
        if key not in old:
            raise not_found(key)
        return self._line(kind, old[key], new)

    def _line(self, kind: str, old: Obj, told: Obj) -> Obj:
        # A price that is said anew makes the old amount void, and the other way round.
        stale = {"Amount"} if {"Rate", "Quantity", "RatePercent", "ItemRef"} & set(told) else set()
        stale |= {"Rate"} if "Amount" in told else set()
        kept = {name: value for name, value in old.items() if name not in stale}
        line = merged(kept, self._resolved(f"{kind} line", told))
        line["TxnLineID"] = old.get("TxnLineID") or self.company.line_id()
        if "ItemRef" in line:
            usable(self.company, line["ItemRef"])
            self._priced(kind, line)
        elif {"Quantity", "Rate", "Amount"} & set(line):
            raise Status(3290, f"There is an invalid item line in the {kind}: it has an amount and no item.")
        return line

    def _priced(self, kind: str, line: Obj) -> None:
        item = self.company.records[line["ItemRef"]["ListID"]]
        if "Desc" not in line and (said := (item.body.get("SalesOrPurchase") or {}).get("Desc")):
            line["Desc"] = said
        many = money(line["Quantity"]) if "Quantity" in line else Decimal(1)
        if "Rate" not in line and "Amount" in line:
            line["Amount"] = amount(money(line["Amount"]))
            line["Rate"] = price(money(line["Amount"]) / many if many else Decimal(0))
            return
        line.setdefault("Rate", price_of(self.company, item))
        line["Rate"] = price(money(line["Rate"]))
        worth = cents(many * money(line["Rate"]))
        if "Amount" in line and abs(money(line["Amount"]) - worth) >= CENT:
            raise Status(3210, f'The "Amount" {line["Amount"]} of a {kind} line is not its quantity times its rate.')
        line["Amount"] = amount(worth)

    def _resolved(self, where: str, told: Obj) -> Obj:
        return {name: self.company.reference(name, value, where) if name in REFERS else value
                for name, value in told.items()}  # fmt: skip

    def _next(self, kind: str) -> str:
        taken = [one.body.get("RefNumber", "") for one in self.company.of(kind)]
        return str(max((int(one) for one in taken if one.isdigit()), default=0) + 1)


def offered(company: Company, kind: str) -> None:
    """Raises Status 3250 for sales orders in an edition that has none."""
    if kind == ORDERS and company.edition == "pro":
        raise not_enabled()


def usable(company: Company, ref: Obj) -> None:
    """Raises Status 3300 for an entry that was made inactive."""
    record = company.records[ref["ListID"]]
    if not record.active:
        raise Status(3300, f'The list element "{company.full_name(record)}" is inactive and cannot be used.')
