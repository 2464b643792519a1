"""Taking records back: a void keeps the number, a deletion leaves a trace for the deleted-queries."""

from __future__ import annotations

from .company import Company, Record
from .refusals import Status
from .sales import offered
from .values import Obj, moment

NOTHING = "0.00"


class Taking:
    """Voids and deletions in one company; `told` goes to the history with every change."""

    def __init__(self, company: Company, told: Obj) -> None:
        self.company, self.told = company, told

    def void(self, told: Obj) -> Obj:
        """The answer of a TxnVoid. Raises Status."""
        record = self.company.needed(told["TxnID"], told["TxnVoidType"])
        self.company.open_until(record.body["TxnDate"])
        if record.void:
            raise Status(3185, f"The {record.kind} cannot be voided: it is void.")
        record.void = True
        memo = f"VOID: {record.body.get('Memo', '')}".strip()
        body = {**record.body, "Memo": memo, "TotalAmount": NOTHING, "Subtotal": NOTHING, "SalesTaxTotal": NOTHING}
        if record.kind == "JournalEntry":
            body = {name: value for name, value in body.items() if name not in ("Memo", "Subtotal", "SalesTaxTotal")}
        lines = [(name, {**line, "Amount": NOTHING} if "Amount" in line else line) for name, line in record.lines]
        self.company.change(record, body, lines, what="void", **self.told)
        stamps = {"TimeCreated": moment(record.created), "TimeModified": moment(record.modified)}
        return {"TxnVoidType": record.kind, "TxnID": record.id, **stamps, **_number(record)}

    def delete(self, told: Obj) -> Obj:
        """The answer of a TxnDel. Raises Status."""
        offered(self.company, told["TxnDelType"])
        record = self.company.needed(told["TxnID"], told["TxnDelType"])
        self.company.open_until(record.body["TxnDate"])
        self.company.remove(record, **self.told)
        at = moment(self.company.deleted[-1].at)
        return {"TxnDelType": record.kind, "TxnID": record.id, "TimeDeleted": at, **_number(record)}

    def delete_entry(self, told: Obj) -> Obj:
        """The answer of a ListDel; an entry that is in use cannot go. Raises Status."""
        record = self.company.needed(told["ListID"], told["ListDelType"])
        if self.company.used(record.id):
            raise Status(3160, f'The {record.kind} "{record.name}" cannot be deleted: it is in use.')
        name = self.company.full_name(record)
        self.company.remove(record, **self.told)
        at = moment(self.company.deleted[-1].at)
        return {"ListDelType": record.kind, "ListID": record.id, "TimeDeleted": at, "FullName": name}


def _number(record: Record) -> Obj:
    number = record.body.get("RefNumber")
    return {"RefNumber": number} if number else {}
