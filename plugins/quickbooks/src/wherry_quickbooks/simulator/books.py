"""Writing to a company: create, full and sparse update, delete, void. All rules hold before anything is stored."""

from typing import Any

from .answers import QboFault
from .company import Company
from .journals import Journal
from .kinds import TXN, Kind
from .names import named, opening
from .sales import Prepared, Sale, voided
from .shapes import SHAPES, checked
from .values import Obj

NOT_KEPT = frozenset({"sparse", "Id", "SyncToken"})


class Books:
    """The write operations of one company. `requestid` only goes into the history."""

    def __init__(self, company: Company) -> None:
        self.company = company

    def write(
        self, kind: Kind, operation: str, body: Any, *, requestid: str = "", allow_duplicate: bool = False
    ) -> Obj:
        """Do one operation and give back what the answer carries under the entity's name."""
        if not isinstance(body, dict):
            raise QboFault("2010", "The body must be an object")
        if operation == "create" and body.get("Id") and "update" in kind.operations:
            operation = "update"
        if operation not in kind.operations and not (operation == "create" and kind.name in SINGLE):
            raise QboFault("500", f"Operation {operation} is not supported for {kind.name}")
        trace = {"requestid": requestid} if requestid else {}
        if kind.name in SINGLE:
            return self._single(kind, body, trace)
        if operation in ENDS:
            return ENDS[operation](self, kind, self._current(kind, body), trace)
        told = checked(kind.name, body, self.company.resolve)
        old = self._current(kind, body) if operation == "update" else None
        return self._save(kind, told, old, trace, allow_duplicate)

    # The object at hand

    def _current(self, kind: Kind, body: Obj) -> Obj:
        """The object an update means, which must be the newest the caller has seen."""
        for name in ("Id", "SyncToken"):
            if body.get(name) in (None, ""):
                raise QboFault("2020", f"Required parameter {name} is missing in the request", name)
        old = self.company.needed(kind.name, str(body["Id"]))
        if str(body["SyncToken"]) != old["SyncToken"]:
            raise QboFault("5010", "Stale Object Error : the object was changed since it was read")
        return old

    def _merged(self, kind: Kind, told: Obj, old: Obj | None) -> Obj:
        """A sparse update changes what it names, a full one blanks what it leaves out."""
        sparse = bool(told.get("sparse"))
        told = {name: value for name, value in told.items() if name not in NOT_KEPT}
        base = old or {}
        kept = base if sparse else {n: v for n, v in base.items() if _own(kind, n)}
        merged = {**kept, **told}
        return {name: value for name, value in merged.items() if value is not None}

    def _save(self, kind: Kind, told: Obj, old: Obj | None, trace: Obj, allow_duplicate: bool) -> Obj:
        body = self._merged(kind, told, old)
        for field in kind.required:
            if body.get(field) in (None, []):
                raise QboFault("2020", f"Required parameter {field} is missing in the request", field)
        operation = "Update" if old else "Create"
        if kind.group != TXN:
            body = named(self.company, kind.name, body, old)
            body["Id"] = old["Id"] if old else self.company.next_id(kind)
            if not old and (postings := opening(self.company, kind.name, body)):
                self.company.book(kind.name, body["Id"], postings, {})
            return self._stored(kind, body, operation, trace)
        return self._document(kind, body, old, operation, trace, allow_duplicate)

    def _document(self, kind: Kind, body: Obj, old: Obj | None, operation: str, trace: Obj, allow: bool) -> Obj:
        body.setdefault("TxnDate", self.company.today)
        self._open(body["TxnDate"], (old or body)["TxnDate"])
        self._numbered(kind, body, old, allow)
        ready = self._judged(kind, body)
        key = old["Id"] if old else self.company.next_id(kind)
        self.company.book(kind.name, key, ready.postings, ready.moved)
        return self._stored(kind, {**ready.body, "Id": key}, operation, trace)

    def _judged(self, kind: Kind, body: Obj) -> Prepared:
        whole = Journal(self.company, body) if kind.name == "JournalEntry" else Sale(self.company, kind.name, body)
        return whole.prepared()

    def _stored(self, kind: Kind, body: Obj, operation: str, trace: Obj) -> Obj:
        return self.company.shown(kind.name, self.company.put(kind.name, body, operation, **trace))

    def _delete(self, kind: Kind, old: Obj, trace: Obj) -> Obj:
        if kind.group == TXN:
            self._open(old["TxnDate"])
        self.company.remove(kind.name, old, **trace)
        return {"domain": "QBO", "status": "Deleted", "Id": old["Id"]}

    def _void(self, kind: Kind, old: Obj, trace: Obj) -> Obj:
        self._open(old["TxnDate"])
        self.company.book(kind.name, old["Id"], (), {})
        return self._stored(kind, voided(self.company, kind.name, old), "Void", trace)

    # Rules of every transaction

    def _open(self, *dates: str) -> None:
        """No date of a document may lie in closed books."""
        closed = str(self.company.preferences["AccountingInfoPrefs"].get("BookCloseDate") or "")
        if any(date <= closed for date in dates):
            code = self.company.closed_code
            told = f"The account period has closed: the books are closed up to {closed}"
            # Some companies answer a closed period with the number of a stale object.
            message = "Account Period Closed, Cannot Update Through Services" if code == "5010" else ""
            raise QboFault(code, told, message=message)

    def _numbered(self, kind: Kind, body: Obj, old: Obj | None, allow: bool) -> None:
        number = body.get("DocNumber")
        if not number:
            if not self.company.preferences["SalesFormsPrefs"]["CustomTxnNumbers"] or kind.name == "JournalEntry":
                body["DocNumber"] = self._next_number(kind)
            return
        same = [other["Id"] for other in self.company.having(kind.name, "DocNumber", number)]
        taken = [key for key in same if key != (old or {}).get("Id")]
        if taken and self.company.warn_duplicates and not allow:
            told = f"This number has already been used. DocNumber={number} is assigned to TxnType={kind.name}"
            raise QboFault("6140", f"Duplicate Document Number Error : {told} with TxnId={taken[0]}", "DocNumber")

    def _next_number(self, kind: Kind) -> str:
        number = 1001 + len(self.company.objects[kind.name])
        while next(self.company.having(kind.name, "DocNumber", str(number)), None):
            number += 1
        return str(number)

    # Objects of which there is one

    def _single(self, kind: Kind, body: Obj, trace: Obj) -> Obj:
        return SINGLE[kind.name](self, kind, body, trace)

    def _preferences(self, kind: Kind, body: Obj, trace: Obj) -> Obj:
        told = checked(kind.name, body, self.company.resolve)
        old = self._current(kind, {"Id": "1", **body})
        groups = {name: {**old.get(name, {}), **value} for name, value in told.items() if isinstance(value, dict)}
        return self._stored(kind, {**old, **groups}, "Update", trace)

    def _rate(self, kind: Kind, body: Obj, trace: Obj) -> Obj:
        told = checked(kind.name, body, self.company.resolve)
        code = told.get("SourceCurrencyCode")
        if not code or code not in self.company.currencies():
            raise QboFault("2220", f"{code} is not a currency of this company", "SourceCurrencyCode")
        if not told.get("Rate"):
            raise QboFault("2020", "Required parameter Rate is missing in the request", "Rate")
        kept = {name: value for name, value in told.items() if name not in NOT_KEPT and value is not None}
        date = {"AsOfDate": self.company.today, "TargetCurrencyCode": self.company.currency}
        return without_id(self._stored(kind, {**date, **kept, "Id": code}, "Update", trace))


ENDS = {"delete": Books._delete, "void": Books._void}
SINGLE = {"Preferences": Books._preferences, "ExchangeRate": Books._rate}


def without_id(body: Obj) -> Obj:
    """An exchange rate has no id of its own."""
    return {name: value for name, value in body.items() if name != "Id"}


def _own(kind: Kind, name: str) -> bool:
    field = SHAPES[kind.name].get(name)
    return name == "Active" or (field is not None and field.ignored)
