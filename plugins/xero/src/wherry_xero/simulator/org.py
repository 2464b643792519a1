"""One organisation of the stand-in: its records, its rules, and what its documents book.

Facts: contracts/xero, API.md (what is unique, signs, lock dates, statuses). The wording of refusals is ours where the
contract has no sample of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from wherry.simulator import Stage

from ..texts import day, stamp_in
from . import seed
from .seed import Obj, guid

ZERO, CENT = Decimal(0), Decimal("0.01")
NAMES = ("Contacts", "Items", "Invoices", "CreditNotes", "ManualJournals")
SALES = {"Invoices": ("ACCREC", "InvoiceNumber", 1), "CreditNotes": ("ACCRECCREDIT", "CreditNoteNumber", -1)}
GONE = ("VOIDED", "DELETED")
_LENGTHS = {"Code": 30, "ContactNumber": 50, "AccountNumber": 50, "Name": 255, "InvoiceNumber": 255}


class Invalid(Exception):
    """What Xero would say of an element that it does not take."""


class Organisation:
    """``id`` is the organisation's, and its tenant's."""

    def __init__(self, stage: Stage, id: str, name: str, currency: str) -> None:
        self.stage, self.id, self.name, self.currency = stage, id, name, currency
        self.accounts = {row["Code"]: row for row in seed.accounts()}
        self.currencies = dict.fromkeys((currency, *seed.CURRENCIES))
        self.records: dict[str, dict[str, Obj]] = {name: {} for name in NAMES}
        self.postings: dict[str, list[tuple[str, Decimal]]] = {}
        """Id of a document → account's code and amount in the base currency, debits positive."""
        self.locked = ""
        self.cause = ""
        """The key of the call that is being carried out; empty while a person is at work."""
        self.unit_places = 4
        self._made = 0

    def write(self, name: str, body: Any, id: str = "", *, new: bool = False, dry: bool = False) -> Obj:
        """Create or change one record, or only try. Raises Invalid, and nothing is changed."""
        if not isinstance(body, dict):
            raise Invalid("The element is no object")
        key = id_name(name)
        told = {field: _value(field, value) for field, value in body.items() if value is not None}
        held = None if new else self.records[name].get(id or str(told.get(key) or ""))
        made = {**(held or {}), **told}
        postings = list(self._ruled(name, made, held))
        if held is None:
            self._made += 1
            made[key] = guid(NAMES.index(name) + 1, self._made)
        made["UpdatedDateUTC"] = self.stage.clock.now_ms()
        if dry:
            return made
        self.records[name][made[key]] = made
        self.postings[made[key]] = postings
        self._note(name, made, held)
        return made

    def _note(self, name: str, made: Obj, held: Obj | None) -> None:
        what = "voided" if held is not None and made.get("Status") in GONE else "updated" if held else "created"
        stamp = next(filter(None, (stamp_in(made.get(one)) for one in ("Url", "Reference", "ContactNumber"))), "")
        number = next((made[one] for one in ("InvoiceNumber", "CreditNoteNumber", "Name", "Code") if one in made), "")
        self.stage.effect(
            f"{name}.{what}", id=made[id_name(name)], name=str(number), total=str(made.get("Total", "")),
            date=str(made.get("Date", "")), stamp=stamp, cause=self.cause,
            code=str(made.get("Code", "")),
        )  # fmt: skip

    # -- rules ------------------------------------------------------------

    def _ruled(self, name: str, made: Obj, held: Obj | None) -> Iterator[tuple[str, Decimal]]:
        """Fills in what Xero works out; what the record books."""
        for field, longest in _LENGTHS.items():
            if len(str(made.get(field) or "")) > (50 if (name, field) == ("Items", "Name") else longest):
                raise Invalid(f"The {field} must not be more than {longest} characters long.")
        if name == "Contacts":
            return self._contact(made, held)
        if name == "Items":
            return self._item(made, held)
        self._stands(made, held)
        made.setdefault("Date", self.stage.clock.date().date().isoformat())
        for date in (made["Date"], (held or made)["Date"]):
            if date <= self.locked:
                raise Invalid("The document date cannot be on or before the period lock date.")
        made["DateString"] = f"{made['Date']}T00:00:00"
        return self._journal(made) if name == "ManualJournals" else self._sale(name, made, held)

    def _contact(self, made: Obj, held: Obj | None) -> Iterator[tuple[str, Decimal]]:
        made.setdefault("ContactStatus", "ACTIVE")
        if not made.get("Name"):
            raise Invalid("The contact name must be specified.")
        if self._has("Contacts", "Name", made, held, ContactStatus="ACTIVE"):
            raise Invalid(
                f"The contact name {made['Name']} is already assigned to another contact. The contact name must be "
                "unique across all active contacts."
            )
        if made.get("DefaultCurrency", self.currency) not in self.currencies:
            raise Invalid(f"The organisation does not use the currency {made['DefaultCurrency']}.")
        return iter(())

    def _item(self, made: Obj, held: Obj | None) -> Iterator[tuple[str, Decimal]]:
        if not made.get("Code"):
            raise Invalid("The Code field is required.")
        if self._has("Items", "Code", made, held):
            raise Invalid(f"Price List Item with Code '{made['Code']}' already exists")
        sold = {**((held or {}).get("SalesDetails") or {}), **(made.get("SalesDetails") or {})}
        if "UnitPrice" in sold:
            sold["UnitPrice"] = self._unit(_number(sold["UnitPrice"]))
        if "AccountCode" in sold:
            self._account(sold["AccountCode"])
        made |= {"SalesDetails": sold, "IsSold": True, "IsTrackedAsInventory": False}
        return iter(())

    def _has(self, name: str, field: str, made: Obj, held: Obj | None, **only: str) -> bool:
        wanted = str(made.get(field) or "").casefold()
        others = [one for one in self.records[name].values() if one is not held]
        return bool(wanted) and any(
            str(one.get(field) or "").casefold() == wanted and only.items() <= one.items() for one in others
        )

    def _stands(self, made: Obj, held: Obj | None) -> None:
        """Statuses: what is gone stays so, what is booked is voided and not deleted, what is paid is neither."""
        before, after = (held or {}).get("Status", "DRAFT"), made.setdefault("Status", "DRAFT")
        if before in GONE:
            raise Invalid("A document that was voided or deleted cannot be changed.")
        if before == "PAID":
            raise Invalid("This document cannot be edited as it has a payment or credit note allocated to it.")
        booked = before in ("AUTHORISED", "POSTED")
        allowed = (
            ("AUTHORISED", "POSTED", "VOIDED", "PAID") if booked else ("DRAFT", "SUBMITTED", "AUTHORISED", "POSTED")
        )
        if after not in (*allowed, *(() if booked or held is None else ("DELETED",))):
            raise Invalid(f"The status cannot become {after} from {before}.")

    def _journal(self, made: Obj) -> Iterator[tuple[str, Decimal]]:
        if not made.get("Narration"):
            raise Invalid("Narration is required.")
        made["LineAmountTypes"] = "NoTax"
        lines, booked = made.get("JournalLines") or [], []
        for line in lines:
            line["LineAmount"] = amount = _cents(_number(line.get("LineAmount")))
            account = self._account(line.get("AccountCode"))
            if account["Type"] == "BANK" or account["SystemAccount"] in ("DEBTORS", "CREDITORS"):
                raise Invalid(f"Account code '{account['Code']}' is not valid for a manual journal.")
            self._track(line)
            line |= {"AccountID": account["AccountID"], "TaxType": "NONE", "TaxAmount": ZERO, "IsBlank": False}
            booked.append((account["Code"], amount))
        debits, credits = (sum((a for _, a in booked if a * s > 0), ZERO) for s in (1, -1))
        if len(booked) < 2:
            raise Invalid("At least two journal lines are needed.")
        if debits + credits:
            raise Invalid(f"The total debits ({debits}) must equal total credits ({credits})")
        return iter(booked if made["Status"] == "POSTED" else ())

    def _sale(self, name: str, made: Obj, held: Obj | None) -> Iterator[tuple[str, Decimal]]:
        type, number, sign = SALES[name]
        if made.get("Type") != type:
            raise Invalid(f"Only documents of type {type} are known here.")
        contact = self.records["Contacts"].get(str((made.get("Contact") or {}).get("ContactID")))
        if contact is None or contact["ContactStatus"] != "ACTIVE":
            raise Invalid("The contact could not be found.")
        made["Contact"] = {"ContactID": contact["ContactID"], "Name": contact["Name"]}
        if made["Status"] not in GONE and self._has_live(name, number, made, held):
            raise Invalid("Invoice # must be unique." if name == "Invoices" else "Credit note # must be unique.")
        made.setdefault(number, f"{'INV' if sign > 0 else 'CN'}-{self._made + 1:04}")
        made.setdefault("CurrencyCode", self.currency)
        if made["CurrencyCode"] not in self.currencies:
            raise Invalid(f"The organisation does not use the currency {made['CurrencyCode']}.")
        made.setdefault("LineAmountTypes", "Exclusive")
        lines = made.get("LineItems") or []
        if not lines:
            raise Invalid("One or more line items must be specified.")
        net, tax = ZERO, ZERO
        for line in lines:
            self._line(line, made["LineAmountTypes"], booked=made["Status"] == "AUTHORISED")
            net, tax = net + line["LineAmount"], tax + line["TaxAmount"]
        made |= {"SubTotal": net, "TotalTax": tax, "Total": net + tax, "HasErrors": False}
        if net + tax < 0:
            raise Invalid("The document total must not be negative.")
        return iter(self._booked(made, sign) if made["Status"] in ("AUTHORISED", "PAID") else ())

    def _has_live(self, name: str, field: str, made: Obj, held: Obj | None) -> bool:
        return any(self._has(name, field, made, held, Status=state) for state in ("DRAFT", "AUTHORISED", "PAID"))

    def _booked(self, made: Obj, sign: int) -> list[tuple[str, Decimal]]:
        rate = _number(made.setdefault("CurrencyRate", Decimal(1)))
        lines = [(line["AccountCode"], -sign * _cents(line["LineAmount"] / rate)) for line in made["LineItems"]]
        tax = [(seed.TAX, -sign * _cents(made["TotalTax"] / rate))] if made["TotalTax"] else []
        return [(seed.RECEIVABLE, -sum((amount for _, amount in lines + tax), ZERO)), *lines, *tax]

    def _line(self, line: Obj, types: str, *, booked: bool) -> None:
        item = next((one for one in self.records["Items"].values() if one["Code"] == line.get("ItemCode")), None)
        if line.get("ItemCode") and item is None:
            raise Invalid(f"Item code '{line['ItemCode']}' is not valid")
        sold: Obj = {**item["SalesDetails"], "Name": item.get("Name", "")} if item else {}
        account, text = line.get("AccountCode") or sold.get("AccountCode"), line.get("Description")
        if not text and item is None:
            raise Invalid("Description must not be empty")
        if account is None and booked:
            raise Invalid("Account code must be specified.")
        named = text or sold.get("Name", "")
        line |= {"AccountCode": self._account(account)["Code"] if account else "", "Description": named}
        self._priced(line, sold)
        rate = seed.TAXES.get(str(line.setdefault("TaxType", "NONE")))
        if rate is None:
            raise Invalid(f"Tax type '{line['TaxType']}' is not valid")
        line["TaxAmount"] = ZERO if types == "NoTax" else _cents(
            _number(line.get("TaxAmount", line["LineAmount"] * rate[1] / 100))
        )  # fmt: skip
        self._track(line)

    def _priced(self, line: Obj, sold: Obj) -> None:
        quantity, unit, amount = (
            None if line.get(name) is None else _number(line[name]) for name in ("Quantity", "UnitAmount", "LineAmount")
        )
        quantity = Decimal(1) if quantity is None else quantity
        if unit is None:
            unit = sold.get("UnitPrice", ZERO) if amount is None else amount / quantity if quantity else ZERO
        elif amount is not None and _cents(quantity * self._unit(unit)) != amount:
            raise Invalid(f"The line total {amount} does not match the expected line total {_cents(quantity * unit)}")
        unit = self._unit(unit)
        line |= {
            "Quantity": quantity,
            "UnitAmount": unit,
            "LineAmount": _cents(quantity * unit if amount is None else amount),
        }

    def _unit(self, value: Decimal) -> Decimal:
        return value.quantize(Decimal(1).scaleb(-self.unit_places), ROUND_HALF_UP)

    def _account(self, code: Any) -> Obj:
        found = self.accounts.get(str(code))
        if found is None or found["Status"] != "ACTIVE":
            raise Invalid(f"Account code '{code}' is not a valid code for this document.")
        return found

    def _track(self, line: Obj) -> None:
        told = line.setdefault("Tracking", [])
        for one in told if isinstance(told, list) else [None]:
            told_of = one if isinstance(one, dict) else {}
            there = [option for c in seed.tracking() if c["Name"] == told_of.get("Name") for option in c["Options"]]
            if not any(option["Name"] == told_of.get("Option") for option in there):
                raise Invalid("The TrackingCategory or its Option is not valid.")
        if len(told) > 2:
            raise Invalid("A line can have at most two tracking categories.")

    # -- the books ------------------------------------------------------------

    def trial_balance(self, last: str) -> list[tuple[Obj, Decimal]]:
        """Account → what stands on it at the end of a day; what was earned in former years on the retained earnings."""
        sums: defaultdict[str, Decimal] = defaultdict(Decimal)
        for name in ("Invoices", "CreditNotes", "ManualJournals"):
            for id, one in self.records[name].items():
                for code, amount in self.postings[id] if one["Date"] <= last else ():
                    temporary = self.accounts[code]["Class"] in ("REVENUE", "EXPENSE")
                    sums[seed.RETAINED if temporary and one["Date"][:4] < last[:4] else code] += amount
        return [(self.accounts[code], amount) for code, amount in sorted(sums.items()) if amount]


def id_name(name: str) -> str:
    """The field of a kind's id."""
    return f"{name.removesuffix('s')}ID"


def _value(field: str, value: Any) -> Any:
    """A field as it is kept. Raises Invalid for what it cannot be."""
    if field in ("Date", "DueDate"):
        found = day(value) if isinstance(value, str) else None
        if found is None:
            raise Invalid(f"{field} is no date.")
        return found.isoformat()
    if field in ("LineItems", "JournalLines", "Phones", "Addresses"):
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise Invalid(f"{field} is no list of elements.")
        return [{name: inner for name, inner in one.items() if inner is not None} for one in value]
    if isinstance(value, dict) != (field in ("Contact", "SalesDetails", "PurchaseDetails")):
        raise Invalid(f"{field} is not of the right form.")
    return dict(value) if isinstance(value, dict) else value


def _number(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise Invalid("An amount is no number.")
    return Decimal(value)


def _cents(value: Decimal) -> Decimal:
    return value.quantize(CENT, ROUND_HALF_UP)
