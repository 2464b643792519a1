"""One company: its objects, the indexes over them, what changed when, and the ledger behind."""

import zoneinfo
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, get_args

from wherry.simulator import Stage

from . import seed
from .answers import QboFault
from .kinds import CLASSIFICATIONS, INDEXED, KINDS, SHARED_NAMES, SUBTYPES, TXN, Kind
from .ledger import Ledger, today
from .values import ZERO, Obj, ref, stamp, stamp_ms

Tax = Literal["none", "us-automatic", "us-manual", "uk"]
Chart = Literal["small", "full"]
COMPUTED = {"Revenue": ZERO, "Expense": ZERO}
FIRST = {TXN: 144, "person": 57, "Item": 18, "Account": 200}
"""Pools of ids start apart, so that a customer's id taken for an item's leads nowhere."""
NOTHING: defaultdict[str, dict[str, None]] = defaultdict(dict)
CREDIT_SIDE = frozenset({"Liability", "Equity"})


@dataclass(frozen=True, slots=True)
class Change:
    """One object written or gone, for change data capture and webhooks."""

    kind: str
    id: str
    operation: str
    at: float


class Company:
    """State of one realm. Stored objects are never changed in place: a write puts a new one in their stead."""

    def __init__(
        self, stage: Stage, realm: str, *, tax: Tax, currency: str, multicurrency: bool, timezone: str,
        chart: Chart = "small", name: str = "",
    ) -> None:  # fmt: skip
        if tax not in seed.TAX_CODES:
            raise ValueError(f"unknown tax mode {tax!r}; known: {', '.join(seed.TAX_CODES)}")
        if chart not in get_args(Chart):
            raise ValueError(f"unknown chart {chart!r}; known: {', '.join(get_args(Chart))}")
        self.stage, self.realm = stage, realm
        self.tax, self.currency, self.multicurrency, self.chart = tax, currency, multicurrency, chart
        self.zone = zoneinfo.ZoneInfo(timezone)
        self.ledger = Ledger()
        self.warn_duplicates = True
        self.closed_code = "6200"
        self.objects: dict[str, dict[str, Obj]] = {kind: {} for kind in KINDS}
        self.modified: dict[tuple[str, str], float] = {}
        self.changes: list[Change] = []
        self.stock: dict[tuple[str, str], dict[str, Decimal]] = {}
        self.sold: defaultdict[str, Decimal] = defaultdict(Decimal)
        self._index: dict[tuple[str, str], defaultdict[str, dict[str, None]]] = {}
        self._last: defaultdict[str, int] = defaultdict(lambda: 100, FIRST)
        self._fill(name or f"Company {realm}")

    def _fill(self, name: str) -> None:
        for account in seed.accounts(self.chart):
            self.put("Account", self.typed_account(account), "")
        lists = {
            "Term": seed.terms(),
            "TaxCode": seed.tax_codes(self.tax),
            "TaxRate": seed.tax_rates(self.tax),
            "TaxAgency": seed.tax_agencies(self.tax),
            "Preferences": [seed.preferences(self.tax, self.currency, self.multicurrency, self.chart)],
            "CompanyInfo": [seed.company_info(self.realm, name, self.currency)],
        }
        for kind, objects in lists.items():
            for body in objects:
                self.put(kind, body, "")
        self.changes.clear()

    @property
    def us(self) -> bool:
        """Whether lines take TAX and NON alone."""
        return self.tax != "uk"

    @property
    def today(self) -> str:
        """The date in the company's zone."""
        return today(self.stage.clock.now(), self.zone)

    @property
    def time(self) -> str:
        """Now, as answers tell it."""
        return stamp_ms(self.stage.clock.now_ms())

    @property
    def preferences(self) -> Obj:
        """The one Preferences object."""
        return self.objects["Preferences"]["1"]

    # Reading

    def find(self, kind: str, key: str) -> Obj | None:
        """An object, or None."""
        return self.objects[kind].get(key)

    def needed(self, kind: str, key: str) -> Obj:
        """An object; 610 when there is none."""
        found = self.objects[kind].get(key)
        if found is None:
            raise QboFault("610", f"Object Not Found : {kind} {key} does not exist or was deleted")
        return found

    def having(self, kind: str, field: str, value: str) -> Iterator[Obj]:
        """Objects by an indexed field, whatever the case of its letters."""
        ids = self._index.get((kind, field), NOTHING).get(value.casefold(), {})
        return (self.objects[kind][key] for key in tuple(ids))

    def account(self, part: str) -> Obj:
        """The account that plays a part (see `seed.ACCOUNTS`)."""
        return self.objects["Account"][seed.ACCOUNTS[part][0]]

    def receivable(self, currency: str) -> Obj:
        """The A/R account of a currency; it comes into being when it is first needed."""
        if currency == self.currency:
            return self.account("receivable")
        name = f"Accounts Receivable (A/R) - {currency}"
        found = next(self.having("Account", "Name", name), None)
        return found or self.put("Account", self.typed_account(self._foreign(name, currency)), "")

    def _foreign(self, name: str, currency: str) -> Obj:
        number = self.next_id(KINDS["Account"])
        return {
            "Id": number,
            "Name": name,
            "AccountType": "Accounts Receivable",
            "Active": True,
            "CurrencyRef": ref(currency),
        }

    def currencies(self) -> set[str]:
        """The home currency and those that were added."""
        added = self.objects["CompanyCurrency"].values() if self.multicurrency else ()
        return {self.currency, *(c["Code"] for c in added if c.get("Active", True))}

    # References

    def resolve(self, kind: str, key: str, where: str) -> str:
        """The name of what a request refers to; raises what QuickBooks answers when it may not."""
        if kind == "Any":
            return ""
        if kind == "Currency":
            return self._currency(key, where)
        if kind in ("TaxCode", "TxnTaxCode"):
            return self._tax_code(kind, key, where)
        found = self.objects[kind].get(key)
        if found is None:
            raise QboFault("2500", f"Invalid Reference Id : {where} names {kind} {key}, which does not exist", where)
        if found.get("Active") is False:
            code = "6250" if kind == "Customer" else "610"
            raise QboFault(code, f"{where}: {kind} {key} has been made inactive", where)
        return str(found.get("FullyQualifiedName") or found.get("DisplayName") or found.get("Name") or "")

    def _currency(self, code: str, where: str) -> str:
        if code not in self.currencies():
            raise QboFault("2220", f"{where}: {code} is not a currency of this company", where)
        return ""

    def _tax_code(self, kind: str, key: str, where: str) -> str:
        """Lines of American companies know TAX and NON, whole documents know the codes behind them."""
        known = self.find("TaxCode", key)
        if self.us and (key in ("TAX", "NON")) != (kind == "TaxCode"):
            raise QboFault("6100" if kind == "TaxCode" else "6160", f"{where}: {key} may not stand here", where)
        if known is None or not known["Active"]:
            raise QboFault("2500", f"Invalid Reference Id : {where} names tax code {key}", where)
        return "" if self.us else str(known["Name"])

    # Writing

    def next_id(self, kind: Kind) -> str:
        """A new id: transactions draw from one pool, customers and vendors from another."""
        pool = TXN if kind.group == TXN else "person" if kind.name in SHARED_NAMES else kind.name
        self._last[pool] += 1
        return str(self._last[pool])

    def put(self, kind: str, body: Obj, operation: str = "Create", **detail: Any) -> Obj:
        """Store an object: stamps, token and indexes; `operation` empty leaves no trace in the history."""
        now = self.stage.clock.now()
        key, old = str(body["Id"]), self.objects[kind].get(str(body["Id"]))
        created = old["MetaData"]["CreateTime"] if old else stamp(int(now))
        token = str(int(old["SyncToken"]) + 1) if old else "0"
        meta = {"CreateTime": created, "LastUpdatedTime": stamp(int(now))}
        head = {"domain": "QBO", "sparse": False, "Id": key, "SyncToken": token, "MetaData": meta}
        stored = {**head, **{name: value for name, value in body.items() if name not in head}}
        self._indexed(kind, old, stored)
        self.objects[kind][key] = stored
        self.modified[kind, key] = now
        if operation:
            self._note(kind, stored, operation, detail)
        return stored

    def remove(self, kind: str, body: Obj, **detail: Any) -> None:
        """Delete an object for good; what it booked goes with it."""
        key = str(body["Id"])
        self._indexed(kind, body, {})
        del self.objects[kind][key]
        self.modified.pop((kind, key))
        self.book(kind, key, (), {})
        self._note(kind, body, "Delete", detail)

    def book(self, kind: str, key: str, postings: Any, moved: dict[str, Decimal]) -> None:
        """Replace what a document booked and which quantities it took from stock."""
        self.ledger.book((kind, key), postings)
        for item, quantity in self.stock.pop((kind, key), {}).items():
            self.sold[item] -= quantity
        for item, quantity in moved.items():
            self.sold[item] += quantity
        if moved:
            self.stock[kind, key] = moved

    def _indexed(self, kind: str, old: Obj | None, new: Obj) -> None:
        for field in INDEXED:
            before, after = (old or {}).get(field), new.get(field)
            if before == after:
                continue
            table = self._index.setdefault((kind, field), defaultdict(dict))
            if before:
                table[before.casefold()].pop(str((old or {})["Id"]), None)
            if after:
                table[after.casefold()][str(new["Id"])] = None

    def _note(self, kind: str, body: Obj, operation: str, detail: dict[str, Any]) -> None:
        self.changes.append(Change(kind, body["Id"], operation, self.stage.clock.now()))
        self.stage.effect(f"{kind}.{PAST[operation]}", **self._told(body), **detail)

    def _told(self, body: Obj) -> dict[str, Any]:
        """What the history tells of an object: plain text, so that it can be read as JSON."""
        party = (body.get("CustomerRef") or {}).get("value", "")
        return {
            "realm": self.realm,
            "id": body["Id"],
            "sync_token": body["SyncToken"],
            "name": body.get("DocNumber") or body.get("DisplayName") or body.get("Name") or "",
            "note": body.get("PrivateNote") or body.get("Notes") or "",
            "date": body.get("TxnDate", ""),
            "party": party,
            "total": str(body.get("TotalAmt", "")),
        }

    # Showing

    def shown(self, kind: str, body: Obj) -> Obj:
        """An object as answers carry it, with the balances of this moment."""
        if kind == "Account":
            return self._shown_account(body)
        if kind in ("Customer", "Vendor"):
            owed = self.ledger.parties[f"{kind}:{body['Id']}"]
            balance = owed if kind == "Customer" else -owed
            extra = {"BalanceWithJobs": balance} if kind == "Customer" else {}
            return {**body, "Balance": balance, **extra}
        if kind == "Item" and "QtyOnHand" in body:
            return {**body, "QtyOnHand": body["QtyOnHand"] - self.sold[body["Id"]]}
        return body

    def _shown_account(self, body: Obj) -> Obj:
        side = body["Classification"]
        balance = self.ledger.balances[body["Id"]]
        balance = COMPUTED.get(side, -balance if side in CREDIT_SIDE else balance)
        shown = {**body, "CurrentBalance": balance, "CurrentBalanceWithSubAccounts": balance}
        if not self.preferences["AccountingInfoPrefs"]["UseAccountNumbers"]:
            shown.pop("AcctNum", None)
        return shown

    def typed_account(self, body: Obj) -> Obj:
        """An account with what follows from its type."""
        kind = body["AccountType"]
        defaults = {
            "FullyQualifiedName": body["Name"],
            "SubAccount": False,
            "Active": True,
            "CurrencyRef": ref(self.currency),
        }
        subtype = body.get("AccountSubType") or SUBTYPES[kind][0]
        return {**defaults, **body, "AccountSubType": subtype, "Classification": CLASSIFICATIONS[kind]}


PAST = {"Create": "created", "Update": "updated", "Delete": "deleted", "Void": "voided"}
