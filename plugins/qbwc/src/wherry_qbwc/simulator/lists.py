"""Adding and changing entries of lists: customers, items, accounts."""

from __future__ import annotations

from .company import Company, Record
from .kinds import LEVELS, REFERS
from .refusals import Status
from .values import Obj, money

NOT_SOLD = ("AccountsReceivable", "AccountsPayable", "NonPosting")


class Lists:
    """Writes to the lists of one company; `told` goes to the history with every change."""

    def __init__(self, company: Company, told: Obj) -> None:
        self.company, self.told = company, told

    def add(self, kind: str, told: Obj) -> Record:
        """Raises Status."""
        body = self._prepared(kind, {"IsActive": "true", **told}, {}, "")
        return self.company.add(kind, body, **self.told)

    def change(self, kind: str, told: Obj) -> Record:
        """Raises Status, 3200 for an old edit sequence."""
        record = self.company.needed(told["ListID"], kind)
        current(record, told)
        new = {name: value for name, value in told.items() if name not in ("ListID", "EditSequence")}
        self.company.change(record, self._prepared(kind, new, record.body, record.id), **self.told)
        return record

    def _prepared(self, kind: str, told: Obj, old: Obj, own: str) -> Obj:
        body = merged(old, self._resolved(kind, told))
        self._name(kind, body, own)
        self._level(kind, body, own)
        if kind.startswith("Item"):
            self._item(kind, body)
        if kind == "Account":
            self._account(body, own)
        return body

    def _resolved(self, kind: str, told: Obj) -> Obj:
        found: Obj = {}
        for name, value in told.items():
            if name == "ParentRef":
                found[name] = self.company.reference(name, value, kind, (kind,))
            elif name in REFERS:
                found[name] = self.company.reference(name, value, kind)
            else:
                found[name] = self._resolved(kind, value) if isinstance(value, dict) else value
        return found

    def _name(self, kind: str, body: Obj, own: str) -> None:
        name = str(body.get("Name", "")).strip()
        if not name:
            raise Status(3150, f'A required element "Name" of the {kind} is empty.')
        if ":" in name:
            raise Status(3080, f'The string "{name}" in the field "Name" contains a colon.')
        body["Name"] = name
        parent = (body.get("ParentRef") or {}).get("ListID", "")
        if next(self.company.rivals(kind, name, parent, own), None):
            raise Status(3100, f'The name "{name}" of the list element is already in use.')

    def _level(self, kind: str, body: Obj, own: str) -> None:
        level, above = 1, body.get("ParentRef")
        while above:
            level += 1
            if above["ListID"] == own or level > LEVELS:
                raise Status(3130, f"The parent of this {kind} cannot be used: it is below itself, or too deep.")
            above = self.company.records[above["ListID"]].body.get("ParentRef")

    def _item(self, kind: str, body: Obj) -> None:
        if "SalesOrPurchase" not in body and "SalesAndPurchase" not in body:
            raise Status(3150, f'The {kind} needs "SalesOrPurchase" or "SalesAndPurchase".')
        side = body.get("SalesOrPurchase") or body["SalesAndPurchase"]
        for field in ("AccountRef", "IncomeAccountRef", "ExpenseAccountRef"):
            if ref := side.get(field):
                self._posts(self.company.records[ref["ListID"]], kind)
        if not any(side.get(field) for field in ("AccountRef", "IncomeAccountRef")):
            raise Status(3270, f"There is no account for the {kind} to post to.")

    def _posts(self, account: Record, kind: str) -> None:
        if account.body["AccountType"] in NOT_SOLD:
            raise Status(3280, f'The account "{account.name}" is of a type that cannot be used with a {kind}.')

    def _account(self, body: Obj, own: str) -> None:
        if "AccountType" not in body:
            raise Status(3150, 'A required element "AccountType" is missing.')
        number = body.get("AccountNumber")
        others = self.company.of("Account")
        if number and any(one.body.get("AccountNumber") == number and one.id != own for one in others):
            raise Status(3100, f'The account number "{number}" is already in use.')


def current(record: Record, told: Obj) -> None:
    """Raises Status 3200 unless the edit sequence is the record's own."""
    if told["EditSequence"] != str(record.edit):
        raise Status(3200, f'The provided edit sequence "{told["EditSequence"]}" is out-of-date.')


def merged(old: Obj, new: Obj) -> Obj:
    """What holds after a change: what is not named stays, what is empty goes."""
    body = dict(old)
    for name, value in new.items():
        if value is None or value == "" or value == {}:
            body.pop(name, None)
        elif isinstance(value, dict) and isinstance(body.get(name), dict) and "ListID" not in value:
            body[name] = merged(body[name], value)
        else:
            body[name] = value
    return body


def price_of(company: Company, item: Record) -> str:
    """The price an item is sold at when nobody says one."""
    side = item.body.get("SalesOrPurchase") or item.body.get("SalesAndPurchase") or {}
    return str(money(str(side.get("Price") or side.get("SalesPrice") or "0")))
