"""One company: its records, its rules, and what its documents book.

Facts: contracts/intacct, API.md. The wording of refusals is ours, and so is the number of most.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from wherry.simulator import Stage

from ..texts import american, iso
from . import seed
from .shapes import COLUMNS, Obj, Refused, named, ordered, required, several

ZERO, CENT = Decimal(0), Decimal("0.01")
Row = dict[str, str]
PLACES = ("location", "department", "project", "class", "vendor", "employee")


class Company:
    """``entities`` are their location IDs; none of a company that has one. ``currencies`` begin with the base one."""

    def __init__(self, stage: Stage, id: str, entities: Sequence[str], currencies: Sequence[str]) -> None:
        self.stage, self.id, self.entities, self.currencies = stage, id, tuple(entities), tuple(currencies)
        self.tables: dict[str, dict[str, Row]] = {name: {} for name in COLUMNS}
        self.tables["GLACCOUNT"] = {row["RECORDNO"]: row for row in seed.accounts()}
        self.closed = ""
        """The last closed day, ISO 8601."""
        self.cause = ""
        """The control ID of the function that is carried out; empty while a person is at work."""
        self.entity = ""
        """The entity of the session."""
        self._next = 1000

    # -- finding and keeping ------------------------------------------------------------

    def find(self, object: str, **fields: str) -> Row | None:
        """The record with these fields."""
        rows = self.tables[object].values()
        return next((one for one in rows if all(one.get(name) == value for name, value in fields.items())), None)

    def lines(self, object: str, parent: str, key: str) -> list[Row]:
        """The lines of a record, in order."""
        return [one for one in self.tables[object].values() if one[parent] == key]

    def _number(self) -> str:
        self._next += 1
        return str(self._next)

    def _keep(self, object: str, row: Row, what: str, **told: str) -> None:
        self.tables[object][row["RECORDNO"]] = row
        shown = {"id": row["RECORDNO"], "name": "", "date": "", "total": "", "stamp": "", "memo": "", **told}
        self.stage.effect(f"{object}.{what}", **shown, cause=self.cause)

    def _replace(self, object: str, parent: str, key: str, rows: list[Row]) -> None:
        """The lines of a record; those that go on keep their numbers."""
        old = [one["RECORDNO"] for one in self.lines(object, parent, key)]
        for number in old:
            del self.tables[object][number]
        for n, row in enumerate(rows):
            id = old[n] if n < len(old) else self._number()
            self.tables[object][id] = {"RECORDNO": id, parent: key, **row}

    # -- lists ------------------------------------------------------------

    def create(self, object: str, body: Obj) -> Row:
        """What is answered for a new record. Raises Refused."""
        if object == "GLBATCH":
            return self._batch(named(object, body), None)
        row = self._listed(object, body, {})
        own = {"CUSTOMER": "CUSTOMERID", "ITEM": "ITEMID"}[object]
        row["RECORDNO"] = self._number()
        row.setdefault("STATUS", "active")
        if object == "CUSTOMER":
            row.setdefault(own, f"C-{row['RECORDNO']}")
        required(row, own, "NAME", *(("ITEMTYPE",) if object == "ITEM" else ()))
        if self.find(object, **{own: row[own]}):
            raise Refused(f"Another {object.title()} with the given value {own} already exists")
        self._keep(object, row, "created", name=row["NAME"], id=_known_by(object, row))
        return {name: row[name] for name in ("RECORDNO", own)}

    def update(self, object: str, body: Obj) -> Row:
        """What is answered for a change. Raises Refused."""
        keys = {name: str(body[name]) for name in ("RECORDNO", "CUSTOMERID") if body.get(name)}
        held = self.find(object, **keys) if keys else None
        if held is None:
            raise Refused(f"{object.title()} {' '.join(keys.values())[:40]} does not exist")
        if object == "GLBATCH":
            return self._batch(named(object, body), held)
        row = {**held, **self._listed(object, body, held)}
        self._keep(object, row, "updated", name=row["NAME"], id=_known_by(object, row))
        return {"RECORDNO": held["RECORDNO"]}

    def _listed(self, object: str, body: Obj, held: Row) -> Row:
        if object not in ("CUSTOMER", "ITEM"):
            raise Refused(f"Object definition {object[:40]} not found")
        told = dict(named(object, body))
        contact = told.pop("DISPLAYCONTACT", None)
        if object == "CUSTOMER" and not held:
            required(contact if isinstance(contact, dict) else {}, "PRINTAS")
        flat = {name: plain_text(value, name) for name, value in told.items()}
        for name, value in named("DISPLAYCONTACT", contact or {}).items():
            if not isinstance(value, dict):
                flat[f"DISPLAYCONTACT.{name}"] = plain_text(value, name)
        if flat.get("BASEPRICE"):
            amount(flat["BASEPRICE"])
        if held and object == "ITEM":
            required(body, "RECORDNO", "NAME")
        return flat

    # -- journal entries ------------------------------------------------------------

    def _batch(self, body: Obj, held: Row | None) -> Row:
        required(body, "BATCH_DATE", "BATCH_TITLE", *(() if held else ("JOURNAL",)))
        if body.get("JOURNAL", seed.JOURNALS[0]) not in seed.JOURNALS:
            raise Refused(f"Invalid journal '{str(body['JOURNAL'])[:24]}' specified.")
        day = iso(body["BATCH_DATE"])
        if not day:
            raise Refused("BATCH_DATE is no date of the form mm/dd/yyyy.")
        self._open(day, iso(held["BATCH_DATE"]) if held else None)
        entries = [self._entry(named("GLENTRY", one)) for one in several(body.get("ENTRIES"), "GLENTRY")]
        sums = sum((Decimal(one["AMOUNT"]) * int(one["TR_TYPE"]) for one in entries), ZERO)
        if len(entries) < 2 or sums:
            raise Refused("Transactions do not balance: debits and credits of an entry must be equal.", "BL03000130")
        row = held or {"RECORDNO": self._number(), "MODULE": "2.GL"}
        row = {**row, **{name: plain_text(value, name) for name, value in body.items() if name != "ENTRIES"}}
        row.setdefault("STATE", "Posted")
        self._post(row, entries)
        debits = sum((Decimal(one["TRX_AMOUNT"]) for one in entries if one["TR_TYPE"] == "1"), ZERO)
        self._keep(
            "GLBATCH", row, "updated" if held else "created", name=row.get("REFERENCENO", ""), date=day,
            total=str(debits), stamp=entries[0].get("DOCUMENT", ""), memo=row["BATCH_TITLE"],
        )  # fmt: skip
        return {"RECORDNO": row["RECORDNO"]}

    def _post(self, batch: Row, entries: list[Row]) -> None:
        shown = {"BATCH_DATE": batch["BATCH_DATE"], "BATCHTITLE": batch["BATCH_TITLE"]}
        self._replace("GLENTRY", "BATCHNO", batch["RECORDNO"], [{**shown, **one} for one in entries])

    def _entry(self, body: Obj) -> Row:
        required(body, "ACCOUNTNO", "TR_TYPE", "TRX_AMOUNT")
        row = {name: plain_text(value, name) for name, value in body.items()}
        account, worth = self._account(row["ACCOUNTNO"]), amount(row["TRX_AMOUNT"])
        if row["TR_TYPE"] not in ("1", "-1") or worth <= 0:
            raise Refused("A line has TR_TYPE 1 or -1, and an amount above zero.")
        if self.entities and not self.entity:
            required(row, "LOCATION")
        _dimensioned(account, row)
        self._place(row.get("LOCATION", ""))
        if row.get("CUSTOMERID"):
            self._customer(row["CUSTOMERID"])
        rate = self._rate(row, "CURRENCY", "EXCHANGE_RATE", "EXCH_RATE_TYPE_ID")
        return {**row, "TRX_AMOUNT": str(worth), "AMOUNT": str(cents(worth * rate))}

    def _rate(self, row: Row, currency: str, rate: str, type: str) -> Decimal:
        """What the currency of a line is worth; fills it in."""
        told = row.setdefault(currency, self.currencies[0])
        if told not in self.currencies:
            raise Refused(f"Currency {told[:10]} is not valid for this company.")
        if told == self.currencies[0]:
            return Decimal(1)
        if not (row.get(rate) or row.get(type)):
            raise Refused("An exchange rate or its type is required.")
        worth = amount(row[rate], Decimal("0.0001")) if row.get(rate) else seed.RATES.get(told, Decimal(1))
        row[rate] = str(worth)
        return worth

    def _account(self, number: Any) -> Row:
        found = self.find("GLACCOUNT", ACCOUNTNO=str(number))
        if found is None or found["STATUS"] != "active":
            raise Refused(f"Invalid GL account number '{str(number)[:24]}' specified.")
        return found

    def _customer(self, id: Any) -> Row:
        found = self.find("CUSTOMER", CUSTOMERID=str(id))
        if found is None:
            raise Refused(f"Invalid customer '{str(id)[:24]}' specified.")
        return found

    def _place(self, location: str) -> None:
        if location and self.entities and location not in self.entities:
            raise Refused(f"Invalid location '{location[:24]}' specified.")

    def _open(self, *days: str | None) -> None:
        if any(day and day <= self.closed for day in days):
            raise Refused(f"The books are closed for {min(filter(None, days))}. Open the period first.")

    # -- Accounts Receivable ------------------------------------------------------------

    def receivable(self, function: str, body: Obj) -> str:
        """``create_invoice``, ``update_aradjustment`` and the like; the key of the record. Raises Refused."""
        ordered(function, body)
        credit = function.endswith("aradjustment")
        object, own = ("ARADJUSTMENT", "adjustmentno") if credit else ("ARINVOICE", "invoiceno")
        held = self._held(object, body) if function.startswith("update") else None
        if held is None:
            required(body, "customerid", "datecreated")
            if not (credit or body.get("datedue") or body.get("termname")):
                raise Refused("Required field datedue or termname is missing.")
        head = self._head(body, held)
        self._open(iso({**(held or {}), **head}["WHENCREATED"]), iso(held["WHENCREATED"]) if held else None)
        number = str(body.get(own) or (held or {}).get("RECORDID") or "")
        if number and any(one["RECORDID"] == number and one is not held for one in self.tables[object].values()):
            raise Refused(f"The number {number[:40]} already exists for another document")
        row = {**(held or {"RECORDNO": self._number()}), **head}
        lines, tax = self._ar_lines(body, function, row["RECORDNO"], f"{object}ITEM")
        total = sum((Decimal(one["TRX_AMOUNT"]) for one in lines), ZERO) + tax
        if not credit and total < 0:
            raise Refused("The total of an invoice may not be negative.")
        row |= {"RECORDID": number or f"INV{row['RECORDNO']}", "TRX_TOTALENTERED": str(total),
                "TOTALENTERED": str(total), "TOTALDUE": str(total), "STATE": row.get("STATE", "Posted")}  # fmt: skip
        self._replace(f"{object}ITEM", "RECORDKEY", row["RECORDNO"], lines)
        booked = [(one["ACCOUNTNO"], -Decimal(one["TRX_AMOUNT"])) for one in lines]
        self._book(row, [(seed.RECEIVABLE, total), *booked, (seed.TAX, -tax)], "4.AR")
        self._keep(
            object, row, "updated" if held else "created", name=row["RECORDID"], date=iso(row["WHENCREATED"]),
            total=str(abs(total)), stamp=row.get("EXTERNALID", ""), memo=row.get("DESCRIPTION", ""),
        )  # fmt: skip
        return row["RECORDNO"]

    def _held(self, object: str, body: Obj) -> Row:
        held = self.tables[object].get(str(body.get("@key", "")))
        if held is None or held.get("STATE") == "Reversed":
            raise Refused(f"Record {str(body.get('@key'))[:24]} does not exist, or was reversed.")
        return held

    def _head(self, body: Obj, held: Row | None) -> Row:
        told = {"customerid": "CUSTOMERID", "description": "DESCRIPTION", "externalid": "EXTERNALID",
                "currency": "CURRENCY"}  # fmt: skip
        row = {there: plain_text(body[ours], ours) for ours, there in told.items() if ours in body}
        for ours, there in (("datecreated", "WHENCREATED"), ("datedue", "WHENDUE")):
            if ours in body:
                row[there] = _day(body[ours])
        if "termname" in body:
            if body["termname"] not in seed.TERMS:
                raise Refused(f"Invalid term '{str(body['termname'])[:24]}' specified.")
            begin = dt.date.fromisoformat(iso(row.get("WHENCREATED") or (held or {}).get("WHENCREATED")))
            row["WHENDUE"] = american((begin + dt.timedelta(days=seed.TERMS[str(body["termname"])])).isoformat())
        if body.get("action") == "Draft":
            row["STATE"] = "Draft"
        self._customer({**(held or {}), **row}.get("CUSTOMERID"))
        rate = {**row, "rate": "", "type": str(body.get("exchratetype", ""))}
        self._rate(rate, "CURRENCY", "rate", "type")
        return {**row, "CURRENCY": rate["CURRENCY"]} if held is None or "currency" in body else row

    def _ar_lines(self, body: Obj, function: str, key: str, object: str) -> tuple[list[Row], Decimal]:
        inside: Any = next((body[name] for name in body if name.endswith("items")), {})
        rows = list(self.lines(object, "RECORDKEY", key))
        tax = sum((Decimal(one.get("TAX") or 0) for one in rows), ZERO)
        for name, one in numbered(inside, "lineitem", len(rows)):
            ordered("lineitem", one)
            row = self._ar_line(one)
            old = rows[name] if name < len(rows) else {}
            tax += Decimal(row.get("TAX") or 0) - (Decimal(old.get("TAX") or 0) if "TAX" in row else ZERO)
            rows[name:] = [{**old, **row}, *rows[name + 1 :]]
        if not rows:
            raise Refused("At least one line is required.")
        return [{name: value for name, value in row.items() if name != "RECORDNO"} for row in rows], tax

    def _ar_line(self, body: Obj) -> Row:
        account = self._account(body.get("glaccountno"))
        if self.entities and not self.entity:
            required(body, "locationid")
        self._place(str(body.get("locationid", "")))
        row = {"ACCOUNTNO": str(body["glaccountno"]), "TRX_AMOUNT": str(amount(body.get("amount")))}
        for ours, there in (("memo", "ENTRYDESCRIPTION"), ("itemid", "ITEMID")):
            if ours in body:
                row[there] = plain_text(body[ours], ours)
        row |= {f"{name.upper()}ID": str(body[f"{name}id"]) for name in PLACES if f"{name}id" in body}
        if isinstance(body.get("taxentries"), dict):
            entry = several(body["taxentries"], "taxentry")[0]
            if entry.get("detailid") not in seed.TAXES:
                raise Refused(f"Invalid tax detail '{str(entry.get('detailid'))[:24]}' specified.")
            row["TAX"] = str(amount(entry.get("trx_tax")))
        _dimensioned(account, {**row, "CUSTOMERID": "that of the document"})
        return row

    def reverse(self, body: Obj) -> str:
        """``reverse_invoice``. Raises Refused."""
        ordered("reverse_invoice", body)
        held = self._held("ARINVOICE", body)
        self._open(iso(_day(body.get("datereversed"))))
        row = {**held, "STATE": "Reversed"}
        self._book(row, [], "4.AR")
        self._keep("ARINVOICE", row, "voided", name=row["RECORDID"], date=iso(row["WHENCREATED"]),
                   stamp=row.get("EXTERNALID", ""))  # fmt: skip
        return row["RECORDNO"]

    def _book(self, row: Row, sums: list[tuple[str, Decimal]], module: str) -> None:
        """The journal entry of a document, in place of what it booked before."""
        id = f"9{row['RECORDNO']}"
        batch = {"RECORDNO": id, "BATCH_DATE": row["WHENCREATED"], "BATCH_TITLE": "Booked by a document",
                 "STATE": "Draft" if row.get("STATE") == "Draft" else "Posted", "MODULE": module}  # fmt: skip
        rate = seed.RATES.get(row["CURRENCY"], Decimal(1)) if row["CURRENCY"] != self.currencies[0] else Decimal(1)
        entries = [
            {"ACCOUNTNO": account, "TR_TYPE": "1" if worth > 0 else "-1", "TRX_AMOUNT": str(abs(worth)),
             "AMOUNT": str(cents(abs(worth) * rate)), "CURRENCY": row["CURRENCY"]}
            for account, worth in sums if worth
        ]  # fmt: skip
        self.tables["GLBATCH"][id] = batch
        self._post(batch, entries)

    # -- balances ------------------------------------------------------------

    def balances(self, body: Obj) -> Iterator[Row]:
        """``get_accountbalancesbydimensions``: what stands on accounts, and what moved."""
        first, last = iso(_day(body.get("startdate"))), iso(_day(body.get("enddate")))
        required(body, "startaccountno", "endaccountno")
        for account in sorted(self.tables["GLACCOUNT"].values(), key=lambda one: one["ACCOUNTNO"]):
            code = account["ACCOUNTNO"]
            if str(body["startaccountno"]) <= code <= str(body["endaccountno"]):
                told = list(self._moves(code))
                before = sum((worth for day, worth in told if day < first), ZERO)
                moved = sum((worth for day, worth in told if first <= day <= last), ZERO)
                if before or moved or (told and body.get("showzerowithactivity") == "true"):
                    yield {"glaccountno": code, "startbalance": str(before), "periodbalance": str(moved),
                           "endbalance": str(before + moved), "currency": self.currencies[0]}  # fmt: skip

    def _moves(self, code: str) -> Iterator[tuple[str, Decimal]]:
        for one in self.tables["GLENTRY"].values():
            batch = self.tables["GLBATCH"][one["BATCHNO"]]
            if one["ACCOUNTNO"] == code and batch["STATE"] == "Posted":
                yield iso(one["BATCH_DATE"]), Decimal(one["AMOUNT"]) * int(one["TR_TYPE"])


def _dimensioned(account: Row, line: Row) -> None:
    for flag, name in seed.DIMENSIONS.items():
        if account.get(flag) == "true" and not (line.get(name) or line.get(f"{name}ID")):
            raise Refused(f"Account {account['ACCOUNTNO']} requires a {name.title()}.")


def _known_by(object: str, row: Row) -> str:
    return row["CUSTOMERID"] if object == "CUSTOMER" else f"{row['RECORDNO']}/{row['ITEMID']}"


def numbered(inside: Any, name: str, there: int) -> Iterator[tuple[int, Obj]]:
    """Lines with their places: those that are changed by number, new ones behind."""
    if not isinstance(inside, dict):
        return
    for one in several(inside, f"update{name}"):
        number = str(one.get("@line_num", ""))
        if not number.isdecimal() or not 1 <= int(number) <= there:
            raise Refused(f"Line {number[:10]} does not exist.")
        yield int(number) - 1, one
    for n, one in enumerate(several(inside, name)):
        yield there + n, one


def plain_text(value: Any, name: str) -> str:
    """The text of an element. Raises Refused for one that has elements in it."""
    if not isinstance(value, str):
        raise Refused(f"{name} is no text.")
    return value


def _day(value: Any) -> str:
    try:
        return american(dt.date(*(int(value[part]) for part in ("year", "month", "day"))).isoformat())
    except (TypeError, KeyError, ValueError):
        raise Refused("A date has year, month and day.") from None


def amount(value: Any, step: Decimal | None = CENT) -> Decimal:
    """A number, rounded as Sage Intacct rounds amounts. Raises Refused."""
    try:
        told = Decimal(str(value))
    except InvalidOperation:
        raise Refused(f"'{str(value)[:24]}' is not a valid amount.") from None
    if not told.is_finite() or abs(told) > 10**15:
        raise Refused(f"'{str(value)[:24]}' is not a valid amount.")
    return told if step is None else told.quantize(step, ROUND_HALF_UP)


def cents(value: Decimal) -> Decimal:
    """Rounded to two decimals."""
    return value.quantize(CENT, ROUND_HALF_UP)
