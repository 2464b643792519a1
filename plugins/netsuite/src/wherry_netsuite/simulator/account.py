"""One NetSuite account: its records, its rules, and what its transactions book.

Facts: contracts/netsuite, API.md (external ids, journal entries, sales orders). The wording of refusals is ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from wherry.simulator import Stage

from . import seed
from .shapes import SHAPES, Fault, Obj, read

ZERO = Decimal(0)
CENT = Decimal("0.01")
CONTROL = ("AcctRec", "AcctPay")
_IDS = (
    ("customer", ("entityId", "UNIQUE_CUST_ID_REQD", "A customer record with this ID already exists")),
    ("serviceSaleItem", ("itemId", "DUP_ITEM", "An item with this name already exists")),
)


class Account:
    """``subsidiaries`` are their ids; none of an account that has one company."""

    def __init__(self, stage: Stage, id: str, subsidiaries: tuple[str, ...]) -> None:
        self.stage, self.id, self.subsidiaries = stage, id, subsidiaries
        self.accounts = {row["id"]: row for row in seed.accounts()}
        self.periods = seed.periods()
        self.taxes: dict[str, Decimal] = dict(seed.TAXES)
        self.records: dict[str, dict[str, Obj]] = {name: {} for name in SHAPES}
        self.postings: dict[str, list[Obj]] = {}
        self.changes = 0
        """Counts what was changed, for whoever keeps a copy."""
        self.cause = ""
        """What stands for the bytes of the call that is being carried out; empty while a person is at work."""
        self._next = 1000

    # -- finding ------------------------------------------------------------

    def find(self, type: str, key: str) -> Obj | None:
        """A record by its id or ``eid:KEY``, whatever the case of the key's letters."""
        if not key.startswith("eid:"):
            return self.records[type].get(key)
        wanted = key.removeprefix("eid:").casefold()
        return next(
            (one for one in self.records[type].values() if (one.get("externalId") or "").casefold() == wanted), None
        )

    def needed(self, type: str, key: str) -> Obj:
        """The same. Raises Fault."""
        found = self.find(type, key)
        if found is None:
            detail = "The record instance does not exist. Provide a valid record instance ID."
            raise Fault("NONEXISTENT_ID", detail, 404)
        return found

    # -- writing ------------------------------------------------------------

    def put(self, type: str, key: str, body: Any, replace: str, strict: bool) -> Obj:
        """Create or update by external id."""
        held = self.find(type, key)
        if held is not None:
            return self.change(type, held["id"], body, replace, strict)
        return self.make(type, {**_object(body), "externalId": key.removeprefix("eid:")}, strict)

    def make(self, type: str, body: Any, strict: bool = True) -> Obj:
        """A new record. Raises Fault, and nothing is changed."""
        made = read(SHAPES[type], _object(body), strict)
        self._unique(type, made, "")
        return self._keep(type, {"id": str(self._next), **made}, "created")

    def change(self, type: str, id: str, body: Any, replace: str = "", strict: bool = True) -> Obj:
        """Fields of a body over those that are there; lines are added, or with ``replace`` put in their place."""
        held, told = self.needed(type, id), read(SHAPES[type], _object(body), strict)
        name = SHAPES[type].sublist
        if name in told and name not in replace.split(","):
            told[name] = [*held.get(name, ()), *told[name]]
        self._unique(type, told, held["id"])
        made = {field: value for field, value in {**held, **told}.items() if value is not None}
        return held if made == held else self._keep(type, made, "updated", held)

    def _keep(self, type: str, made: Obj, what: str, before: Obj | None = None) -> Obj:
        made = {name: value for name, value in made.items() if value is not None}
        postings = self._ruled(type, made, before)
        if made == before:
            return made
        self._next += what == "created"
        self.changes += 1
        self.records[type][made["id"]] = made
        self.postings[made["id"]] = postings
        self.stage.effect(
            f"{type}.{what}", id=made["id"], external=made.get("externalId", ""), date=made.get("tranDate", ""),
            name=str(made.get("tranId") or made.get("companyName") or made.get("displayName") or ""),
            memo=made.get("memo", ""), total=str(made.get("total", "")), cause=self.cause,
        )  # fmt: skip
        return made

    def _unique(self, type: str, told: Obj, id: str) -> None:
        """Transactions share one name space of external ids; IDs of customers and items are unique."""
        family = [name for name in SHAPES if SHAPES[name].code] if SHAPES[type].code else [type]
        others = [one for name in family for one in self.records[name].values() if one["id"] != id]
        pairs = [("externalId", "DUP_RCRD", "This record already exists")]
        pairs += [one for of, one in _IDS if of == type]
        for field, code, detail in pairs:
            wanted = (told.get(field) or "").casefold()
            if wanted and any((one.get(field) or "").casefold() == wanted for one in others):
                raise Fault(code, f"{detail}.", path=field)

    # -- rules ------------------------------------------------------------

    def _ruled(self, type: str, made: Obj, before: Obj | None) -> list[Obj]:
        """Fills in what NetSuite works out; what the record books. Raises Fault."""
        for field in ("subsidiary", "entity", "incomeAccount"):
            if isinstance(made.get(field), dict):
                made[field] = {"id": self._referred(field, made[field], field)["id"]}
        if type == "customer":
            self._required(made, "companyName", "Company Name")
            made.setdefault("entityId", f"CUST{made['id']}")
            return []
        if type == "serviceSaleItem":
            self._required(made, "itemId", "Item Name/Number")
            self._required(made, "incomeAccount", "Income Account")
            return []
        made.setdefault("tranDate", self.stage.clock.date().date().isoformat())
        made.setdefault("tranId", f"{SHAPES[type].code.upper()}{made['id']}")
        lines = list(self._journal(made) if type == "journalEntry" else self._sale(type, made))
        if type != "salesOrder":
            for day in {made["tranDate"], (before or made).get("tranDate", made["tranDate"])}:
                self._open(day)
            return [{**line, "line": n} for n, line in enumerate(lines)]
        return []

    def _required(self, made: Obj, field: str, label: str) -> None:
        if not made.get(field):
            raise Fault(
                "USER_ERROR", f"Error while accessing a resource. Please enter value(s) for: {label}.", path=field
            )

    def _referred(self, field: str, ref: Mapping[str, str], path: str) -> Obj:
        """What a reference leads to. Raises Fault where it leads nowhere."""
        type = {"entity": "customer", "item": "serviceSaleItem"}.get(field)
        found: Obj | None
        if type is not None:
            found = self.find(type, ref.get("id") or f"eid:{ref.get('externalId', '')}")
        elif field in ("account", "incomeAccount"):
            found = self.accounts.get(ref.get("id", ""))
        elif field == "subsidiary":
            found = {"id": ref["id"]} if ref.get("id") in self.subsidiaries else None
        else:
            found = dict(ref)
        if found is None:
            detail = f"Invalid Field Value {ref.get('id') or ref.get('externalId')} for the following field: {field}."
            raise Fault("INVALID_KEY_OR_REF", detail, path=path)
        return found

    def _open(self, day: str) -> None:
        period = next((one for one in self.periods if one["startdate"] <= day <= one["enddate"]), None)
        if period is None or "T" in (period["closed"], period["alllocked"]):
            detail = "The transaction date falls in a closed period. Open the period or change the date."
            raise Fault("USER_ERROR", f"Error while accessing a resource. {detail}", path="tranDate")

    def _journal(self, made: Obj) -> Iterator[Obj]:
        lines, sums = made.get("line") or [], {"debit": ZERO, "credit": ZERO}
        if self.subsidiaries:
            self._required(made, "subsidiary", "Subsidiary")
        for n, line in enumerate(lines):
            sides = [side for side in sums if line.get(side)]
            if len(sides) != 1 or line[sides[0]] < 0 or _cents(line[sides[0]]) != line[sides[0]]:
                raise Fault("USER_ERROR", "A line has exactly one of debit and credit.", path=f"line.items[{n}]")
            account = self._referred("account", line.get("account") or {}, f"line.items[{n}].account")
            self._postable(account, line, f"line.items[{n}]")
            sums[sides[0]] += line[sides[0]]
            line["line"] = Decimal(n + 1)
            signed = line[sides[0]] if sides[0] == "debit" else -line[sides[0]]
            yield {"account": account["id"], "amount": signed, "entity": (line.get("entity") or {}).get("id")}
        if len(lines) < 2 or sums["debit"] != sums["credit"]:
            raise Fault("USER_ERROR", "The amounts in a journal entry must balance.", path="line")

    def _postable(self, account: Obj, line: Obj, path: str) -> None:
        if account["isinactive"] == "T" or account["issummary"] == "T":
            raise Fault("INVALID_KEY_OR_REF", f"Account {account['acctnumber']} cannot be posted to.", path=path)
        if account["accttype"] in CONTROL and not line.get("entity"):
            raise Fault("USER_ERROR", "Please enter value(s) for: Name.", path=f"{path}.entity")
        if line.get("entity"):
            self._referred("entity", line["entity"], f"{path}.entity")

    def _sale(self, type: str, made: Obj) -> Iterator[Obj]:
        self._required(made, "entity", "Customer")
        sign, total, tax = (-1 if type == "creditMemo" else 1), ZERO, ZERO
        booked = []
        for n, line in enumerate(made.get("item") or []):
            item = self._referred("item", line.get("item") or {}, f"item.items[{n}].item")
            line["item"] = {"id": item["id"]}
            line.setdefault("quantity", Decimal(1))
            line.setdefault("rate", item.get("rate") or ZERO)
            line.setdefault("amount", _cents(line["quantity"] * line["rate"]))
            line["line"] = Decimal(n + 1)
            total += line["amount"]
            tax += self._tax(line, n)
            booked.append({"account": item["incomeAccount"]["id"], "amount": -sign * line["amount"], "entity": None})
        if not booked:
            raise Fault("USER_ERROR", "You must enter at least one line item for this transaction.", path="item")
        made["total"] = total + tax
        if made["total"] < 0:
            raise Fault("USER_ERROR", "The total of this transaction may not be negative.", path="item")
        yield {"account": seed.RECEIVABLE, "amount": sign * made["total"], "entity": made["entity"]["id"]}
        yield from booked
        if tax:
            yield {"account": seed.TAX, "amount": -sign * tax, "entity": None}

    def _tax(self, line: Obj, n: int) -> Decimal:
        code = (line.get("taxCode") or {}).get("id")
        if code is None:
            return ZERO
        if code not in self.taxes:
            raise Fault("INVALID_KEY_OR_REF", f"Invalid tax code {code}.", path=f"item.items[{n}].taxCode")
        return _cents(line["amount"] * self.taxes[code] / 100)

    def close(self, until: str) -> None:
        """Closes the periods that begin up to a day; empty opens them all."""
        for period in self.periods:
            period["closed"] = "T" if period["startdate"] <= until else "F"
        self.changes += 1


def _object(body: Any) -> Obj:
    if not isinstance(body, dict):
        raise Fault("INVALID_CONTENT", "Invalid content in the request body. It is no object.")
    return body


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)
