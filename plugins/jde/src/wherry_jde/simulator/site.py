"""The site behind the stand-in: one company's tables, and what the orchestrations of the template do to them.

It is built from the page of the template, as a consultant would build it, and knows nothing of the sink.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from wherry.simulator import Stage

Obj = dict[str, Any]
Row = dict[str, Any]
Inputs = Obj

DAYS = {"iso": "%Y-%m-%d", "user": "%m/%d/%Y"}
_ORDER = ("CustomerPO", "Company", "SoldTo", "OrderDate", "Number", "DueDate", "Remark", "Currency", "Total",
          "GridData", "BranchPlant")  # fmt: skip
_BY_NUMBER = ("CustomerPO", "Company", "OrderNumber", "OrderType")
_ORDER_LINE = ("ItemNumber", "Quantity", "UnitPrice", "ExtendedAmount", "Description")
_JOURNAL = ("BatchReference", "Company", "GLDate", "Explanation", "Total", "Lines")
_CUSTOMER = ("LongAddressNumber", "AlphaName", "Number", "Email", "Phone", "AddressLine1", "City", "State",
             "PostalCode", "Country", "Currency", "Company")  # fmt: skip
_ITEM = ("ItemNumber", "Description", "SearchText", "Price", "Company")


class Refused(Exception):
    """A business error: a code and a title, as a form shows them."""

    def __init__(self, code: str, title: str) -> None:
        super().__init__(title)
        self.code, self.title = code, title


class Site:
    """Tables by name, each a list of rows, column → value. ``cause`` is "" while a person works in a browser. ``dates``
    is how its orchestrations take days: ``iso``, as the ``user`` writes them, or ``epoch`` (milliseconds)."""

    def __init__(self, stage: Stage, company: str, currency: str, decimals: str, dates: str) -> None:
        self.stage, self.company, self.decimals, self.dates = stage, company, decimals, dates
        self.closed, self.cause = "", "call"
        self.tables: dict[str, list[Row]] = {
            "F0010": [{"CO": company, "NAME": "Model Company".ljust(30), "CRCD": currency}],
            "F0901": [_account(n, *told) for n, told in enumerate(_CHART, start=5100)],
            "F0101": [
                {"AN8": 4242, "ALPH": "Harbour Supplies".ljust(40), "ALKY": " " * 20, "AT1": "C  "},
                {"AN8": 4243, "ALPH": "Northern Freight".ljust(40), "ALKY": "GL-1001".ljust(20), "AT1": "C  "},
                {"AN8": 6001, "ALPH": "A Supplier".ljust(40), "ALKY": " " * 20, "AT1": "V  "},
            ],
            "F4101": [{"LITM": "220".ljust(25), "DSC1": "Touring Bike".ljust(30), "DSC2": " " * 30, "STKT": "S"}],
            "F4201": [],
            "F0911": [],
        }
        self.doing: dict[str, tuple[tuple[str, ...], Callable[[Inputs], Obj]]] = {
            "HUB_AddCustomer": (_CUSTOMER, self._add_customer),
            "HUB_FindCustomer": (("LongAddressNumber", "Company"), self._finder("F0101", "ALKY", "LongAddressNumber")),
            "HUB_AddItem": (_ITEM, self._add_item),
            "HUB_FindItem": (("ItemNumber", "Company"), self._finder("F4101", "LITM", "ItemNumber")),
            "HUB_AddSalesOrder": (_ORDER, lambda inputs: self._add_order(inputs, "SO")),
            "HUB_FindSalesOrder": (_BY_NUMBER, lambda inputs: self._find_order(inputs, "SO")),
            "HUB_CancelSalesOrder": (_BY_NUMBER, lambda inputs: self._cancel_order(inputs, "SO")),
            "HUB_AddCreditOrder": (_ORDER, lambda inputs: self._add_order(inputs, "CO")),
            "HUB_FindCreditOrder": (_BY_NUMBER, lambda inputs: self._find_order(inputs, "CO")),
            "HUB_CancelCreditOrder": (_BY_NUMBER, lambda inputs: self._cancel_order(inputs, "CO")),
            "HUB_AddJournalEntry": (_JOURNAL, self._add_journal),
            "HUB_FindJournalEntry": (("BatchReference", "Company"), self._find_journal),
            "HUB_ReadLedger": (("Company", "FromDate", "ThruDate"), self._read_ledger),
        }
        self._numbers = 88120

    # -- what orchestrations do ---------------------------------------------------------------------------------------

    def _add_customer(self, inputs: Inputs) -> Obj:
        name, key = _need(inputs, "AlphaName"), _fits(inputs, "LongAddressNumber", 20)
        row: Row = {"AN8": self._next(), "ALPH": name, "ALKY": key, "AT1": "C", "inputs": dict(inputs)}
        self.tables["F0101"].append(row)
        self._effect("customer", "created", str(row["AN8"]), row["ALPH"], row["ALKY"])
        return {"AddressNumber": str(row["AN8"]), "LongAddressNumber": row["ALKY"]}

    def _add_item(self, inputs: Inputs) -> Obj:
        code = _fits(inputs, "ItemNumber", 25)
        if any(_same(row["LITM"], code) for row in self.tables["F4101"]):
            raise Refused("0002", "Item Number already exists")
        row: Row = {"LITM": code, "DSC1": _need(inputs, "Description"), "DSC2": "", "STKT": "S", "inputs": dict(inputs)}
        self.tables["F4101"].append(row)
        self._effect("product", "created", code, row["DSC1"], code)
        return {"ItemNumber": code}

    def _add_order(self, inputs: Inputs, type: str) -> Obj:
        self._in_company(inputs)
        date, lines = self._open_day(_need(inputs, "OrderDate")), inputs.get("GridData")
        if not any(_same(row["AN8"], _need(inputs, "SoldTo")) for row in self.tables["F0101"]):
            raise Refused("0267", "Address Number invalid: Sold To")
        if not isinstance(lines, list) or not lines:
            raise Refused("4002", "No lines entered")
        for line in lines:
            if not any(_same(row["LITM"], _need(line, "ItemNumber")) for row in self.tables["F4101"]):
                raise Refused("0267", f"Item Number invalid: {line['ItemNumber']}")
        total = sum((self._number(line, "ExtendedAmount") for line in lines), Decimal(0))
        row = {
            "DOCO": self._next(), "DCTO": type, "VR01": _fits(inputs, "CustomerPO", 25), "AN8": inputs["SoldTo"],
            "TRDJ": julian(date), "OTOT": total, "inputs": dict(inputs), "lines": lines,
        }  # fmt: skip
        self.tables["F4201"].append(row)
        kind = "invoice" if type == "SO" else "credit_memo"
        told = {"total": format(total, "f"), "date": date.isoformat()}
        self._effect(kind, "created", f"{row['DOCO']}/{type}", inputs.get("Number", ""), row["VR01"], **told)
        return {"OrderNumber": str(row["DOCO"]), "OrderType": type, "CustomerPO": row["VR01"]}

    def _add_journal(self, inputs: Inputs) -> Obj:
        self._in_company(inputs)
        date, lines = self._open_day(_need(inputs, "GLDate")), inputs.get("Lines")
        if not isinstance(lines, list) or not lines:
            raise Refused("0028", "No detail lines entered")
        amounts = [self._number(line, "Amount") for line in lines]
        if sum(amounts):
            raise Refused("0027", "Amounts do not balance")
        accounts = [self._account(_need(line, "Account")) for line in lines]
        doc, key = str(self._next()), _fits(inputs, "BatchReference", 30)
        for line, amount, account in zip(lines, amounts, accounts, strict=True):
            self.tables["F0911"].append({
                "CO": self.company, "DOC": doc, "DCT": "JE", "DGJ": julian(date), "AID": account["AID"],
                "account": line["Account"], "AA": amount, "LT": "AA", "EXA": _fits(inputs, "Explanation", 30),
                "EXR": key, "inputs": dict(inputs),
            })  # fmt: skip
        total = sum((one for one in amounts if one > 0), Decimal(0))
        told = {"total": format(total, "f"), "date": date.isoformat()}
        self._effect("journal_entry", "created", f"{doc}/JE", inputs.get("Explanation", ""), key, **told)
        return {"BatchNumber": str(self._next()), "DocumentNumber": doc, "DocumentType": "JE", "BatchReference": key}

    # -- what orchestrations find -------------------------------------------------------------------------------------

    def _finder(self, table: str, column: str, sign: str, type: str = "") -> Callable[[Inputs], Obj]:
        """Gives back the key, and what has it, under the names of the inputs."""

        def find(inputs: Inputs) -> Obj:
            key = _need(inputs, sign)
            rows = [row for row in self.tables[table] if _same(row[column], key) and row.get("DCTO", type) == type]
            return {
                sign: key,
                "Found": [{**_numbered(row), **row.get("inputs", {}), sign: row[column]} for row in rows],
            }

        return find

    def _find_order(self, inputs: Inputs, type: str) -> Obj:
        """By key, or by number."""
        column, sign = ("DOCO", "OrderNumber") if inputs.get("OrderNumber") else ("VR01", "CustomerPO")
        found = self._finder("F4201", column, sign, type)(inputs)
        for one in found["Found"]:
            row = self._order(one["OrderNumber"], type)
            one |= {"CustomerPO": row["VR01"], "OrderNumber": str(row["DOCO"]), "CanceledBy": row.get("canceled", "")}
        return found

    def _order(self, number: str, type: str) -> Row:
        for row in self.tables["F4201"]:
            if _same(row["DOCO"], str(number)) and row["DCTO"] == type:
                return row
        raise Refused("4101", f"Order Number invalid: {number}")

    def _cancel_order(self, inputs: Inputs, type: str) -> Obj:
        self._in_company(inputs)
        row, key = self._order(_need(inputs, "OrderNumber"), type), _fits(inputs, "CustomerPO", 25)
        done = {"OrderNumber": str(row["DOCO"]), "OrderType": type, "CustomerPO": key}
        if row.get("canceled"):
            return done
        if row.get("shipped"):
            raise Refused("4110", "Order is shipped already")
        self._open_day(_need(row["inputs"], "OrderDate"))
        row["canceled"] = key
        kind = "invoice" if type == "SO" else "credit_memo"
        self._effect(kind, "voided", f"{row['DOCO']}/{type}", row["inputs"].get("Number", ""), key,
                     date=self._day(row["inputs"]["OrderDate"]).isoformat())  # fmt: skip
        return done

    def _find_journal(self, inputs: Inputs) -> Obj:
        key = _need(inputs, "BatchReference")
        first = {row["DOC"]: row for row in reversed(self.tables["F0911"]) if _same(row["EXR"], key)}
        plain = ("BatchReference", "GLDate", "Explanation", "Total", "Lines")
        found = [
            {"DocumentNumber": doc, "DocumentType": "JE", **{name: row["inputs"].get(name, "") for name in plain}}
            for doc, row in first.items()
        ]
        return {"BatchReference": key, "Found": found}

    def _read_ledger(self, inputs: Inputs) -> Obj:
        last, first = julian(self._day(_need(inputs, "ThruDate"))), inputs.get("FromDate")
        rows = [row for row in self.tables["F0911"] if row["DGJ"] <= last]
        if first is not None:
            rows = [row for row in rows if row["DGJ"] >= julian(self._day(first))]
        return {"Lines": [
            {"Account": row["account"], "Amount": format(row["AA"], "f"), "GLDate": str(row["DGJ"]),
             "DocumentNumber": row["DOC"], "DocumentType": row["DCT"], "Explanation": row["EXA"],
             "BatchReference": row["EXR"].ljust(30)}
            for row in rows
        ]}  # fmt: skip

    # -- parts --------------------------------------------------------------------------------------------------------

    def _next(self) -> int:
        self._numbers += 1
        return self._numbers

    def _effect(self, kind: str, what: str, id: str, name: str, stamp: str, **told: str) -> None:
        detail = {"total": "", "date": "", **told}
        self.stage.effect(f"{kind}.{what}", id=id, name=name, stamp=stamp.lower(), cause=self.cause, **detail)

    def _in_company(self, inputs: Inputs) -> None:
        if inputs.get("Company") != self.company:
            raise Refused("0081", f"Company invalid: {inputs.get('Company')}")

    def _open_day(self, told: str) -> dt.date:
        date = self._day(told)
        if date.isoformat() <= self.closed:
            raise Refused("0026", "G/L Date is before the current period")
        return date

    def _day(self, told: str) -> dt.date:
        try:
            if self.dates == "epoch":
                return dt.datetime.fromtimestamp(int(told) // 1000, dt.UTC).date()
            return dt.datetime.strptime(f"{told} +0000", f"{DAYS[self.dates]} %z").date()
        except ValueError:
            raise Refused("0004", f"{told} is no date") from None

    def _account(self, word: str) -> Row:
        for row in self.tables["F0901"]:
            if ".".join(part for name in ("MCU", "OBJ", "SUB") if (part := str(row[name]).strip())) == word:
                if row["PEC"].strip():
                    raise Refused("0029", f"Account is not for posting: {word}")
                return row
        raise Refused("018A", "Error: Account Number Invalid")

    def _number(self, line: Inputs, name: str) -> Decimal:
        try:
            return Decimal(str(line.get(name, "")).replace(self.decimals, "."))
        except InvalidOperation:
            raise Refused("0025", f"{name} is no number") from None


def _numbered(row: Row) -> Obj:
    """The outputs that an order, a customer or an item is known by."""
    if "DOCO" in row:
        return {"OrderNumber": str(row["DOCO"]), "OrderType": row["DCTO"]}
    return {"AddressNumber": str(row["AN8"])} if "AN8" in row else {}


def _account(number: int, unit: str, object: str, name: str, edit: str = " ") -> Row:
    return {"AID": f"{number:08}", "CO": "00001", "MCU": unit.rjust(12), "OBJ": object.ljust(6), "SUB": " " * 8,
            "DL01": name.ljust(30), "PEC": edit, "LDA": "6"}  # fmt: skip


_CHART: Sequence[tuple[str, ...]] = (
    ("1", "1000", "Assets", "N"), ("1", "1110", "Bank"), ("1", "1210", "Trade accounts receivable"),
    ("1", "1310", "Rental fleet"), ("1", "1390", "Accumulated depreciation"), ("1", "4110", "Accounts payable"),
    ("1", "5010", "Revenue"), ("1", "5020", "Discounts"), ("1", "6110", "Depreciation"),
    ("1", "9999", "Old account", "I"),
)  # fmt: skip


def _need(inputs: Inputs, name: str) -> str:
    told = inputs.get(name)
    if not isinstance(told, str) or not told.strip():
        raise Refused("0001", f"{name} is missing, or is no text")
    return told.strip()


def _fits(inputs: Inputs, name: str, letters: int) -> str:
    told = _need(inputs, name)
    if len(told) > letters:
        raise Refused("0003", f"{name} is too long: {letters} characters")
    return told


def _same(held: Any, told: str) -> bool:
    return str(held).strip() == told.strip()


def julian(date: dt.date) -> int:
    """CYYDDD."""
    return (date.year - 1900) * 1000 + date.timetuple().tm_yday
