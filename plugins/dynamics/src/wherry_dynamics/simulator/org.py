"""The stand-in's data: rows by table, their ids, stamps and versions, and what Dynamics does by itself."""

from __future__ import annotations

import base64
import binascii
import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from wherry.simulator import Clock, Refusal, Reply

from .facts import LOOKUPS, Table, standard
from .odata import Condition, Malformed, Query, Row, query_of, unknown

NUMBERS = frozenset({"Money", "Decimal"})
WHOLE = frozenset({"Integer", "BigInt", "Picklist", "State", "Status"})
COMPUTED = frozenset({"createdon", "modifiedon", "versionnumber", "filesize", "totalamount", "totallineitemamount",
                      "baseamount", "extendedamount", "exchangerate"})  # fmt: skip
"""What nobody writes; what is said of it is passed over."""
_CENT = Decimal("0.0001")


def refused(code: str, message: str, status: int = 400) -> Refusal:
    """An error as the Web API words it."""
    return Refusal(Reply(status, {"error": {"code": code, "message": message}}))


class Org:
    """Rows of one environment. Its caller keeps threads apart."""

    def __init__(self, clock: Clock, currencies: tuple[str, ...], tenant: str) -> None:
        self.clock, self.tables = clock, standard()
        self.rows: dict[str, dict[str, Row]] = {name: {} for name in self.tables}
        self.late = 0.0
        """Seconds from the stamp of a new row to the end of the transaction that made it: before, nobody sees it."""
        self._version, self._count, self._hidden_until = 4_700, 0, dict[str, float]()
        self._lines: dict[str, dict[str, Row]] = {}
        self.id = str(uuid.uuid5(uuid.NAMESPACE_DNS, tenant))
        ann = self.put("systemuser", {"fullname": "Ann Lee", "firstname": "Ann", "lastname": "Lee"})
        self.user = ann["systemuserid"]
        rates = {one: Decimal(1) if not n else Decimal("0.8") for n, one in enumerate(currencies)}
        self.currencies = {one: self.put("transactioncurrency", {
            "currencyname": one.title(), "isocurrencycode": one, "exchangerate": rate, "currencyprecision": 2,
        })["transactioncurrencyid"] for one, rate in rates.items()}  # fmt: skip

    # -- writing ------------------------------------------------------------------------------------------------------

    def put(self, name: str, fields: Mapping[str, Any], id: str = "") -> Row:
        """A new row, as Dynamics makes it; nothing is checked."""
        table = self.tables[name]
        id = id or str(fields.get(table.id) or self._next_id(name))
        row: Row = dict.fromkeys(table.api)
        row |= {one: False for one, type in table.columns.items() if type == "Boolean"}
        row |= {one: table.choices[one][0].value for one in ("statecode", "statuscode") if one in table.choices}
        row |= {table.id: id, "createdon": self.now()}
        if "ownerid" in table.lookups:
            self._lead(row, "ownerid", "systemuser", self.user)
        if "transactioncurrencyid" in table.lookups and self.rows["transactioncurrency"]:
            self._lead(row, "transactioncurrencyid", "transactioncurrency", next(iter(self.currencies.values())))
        if name == "opportunity":
            row["isrevenuesystemcalculated"] = True
        row |= fields
        self.rows[name][id] = row
        if self.late:
            self._hidden_until[id] = self.clock.now() + self.late
        self._settle(name, row)
        return row

    def change(self, name: str, id: str, fields: Mapping[str, Any]) -> Row:
        """Write some columns of a row."""
        row = self.find(name, id)
        row.update(fields)
        self._settle(name, row)
        return row

    def delete(self, name: str, id: str) -> None:
        """For good."""
        row = self.find(name, id)
        del self.rows[name][id]
        if name == "opportunityproduct":
            self._lines.get(row["_opportunityid_value"], {}).pop(id, None)
            self._total(row["_opportunityid_value"])

    def merge(self, name: str, survivor: str, loser: str) -> None:
        """Two rows become one: the other stays, inactive."""
        inactive = {"merged": True, "statecode": 1, "statuscode": 2}
        self.change(name, loser, inactive | self.lookups(name, {"masterid": survivor}))
        for row in (*self.rows["opportunity"].values(), *self.rows["incident"].values()):
            if row["_customerid_value"] == loser:
                row["_customerid_value"] = survivor
        self.touch(name, survivor)

    def touch(self, name: str, id: str) -> None:
        """Stamp a row with the moment, and give it its next version."""
        self._version += 1
        self.rows[name][id].update(modifiedon=self.now(), versionnumber=self._version)

    def now(self) -> str:
        """The moment as rows have it: to the second."""
        return self.clock.date().strftime("%Y-%m-%dT%H:%M:%SZ")

    def of_set(self, set: str) -> Table:
        found = next((one for one in self.tables.values() if one.set == set), None)
        if found is None:
            raise refused("0x80060888", f"Resource not found for the segment '{set}'.", 404)
        return found

    def find(self, name: str, id: str) -> Row:
        row = self.rows[name].get(id.lower())
        if row is None:
            raise refused("0x80040217", f"{name.title()} With Id = {id} Does Not Exist", 404)
        return row

    def lookups(self, name: str, fields: Mapping[str, Any]) -> Row:
        """Fields with lookups by their logical names, ``customerid=ID``, as rows have them."""
        made: Row = {}
        for key, value in fields.items():
            if key in self.tables[name].lookups:
                self._lead(made, key, self._whose(self.tables[name].lookups[key], value), value)
            else:
                made[key] = value
        return made

    def read_body(self, table: Table, body: Any) -> Row:
        """What a request writes, as rows have it. Raises Refusal."""
        if not isinstance(body, dict):
            raise refused("0x80048d19", "Error identified in Payload provided by the user for Entity")
        made: Row = {}
        for key, value in body.items():
            name, _, note = key.partition("@")
            if note == "odata.bind":
                self._bind(table, made, name, value)
            elif not note:
                made |= self._written(table, name, value)
        return {name: value for name, value in made.items() if name not in COMPUTED}

    def _next_id(self, name: str) -> str:
        """Ids that Dataverse gives out are in sequence, as SQL Server sorts them: their last group counts first."""
        self._count += 1
        return f"{str(uuid.uuid5(uuid.NAMESPACE_OID, name))[:24]}{self._count:012x}"

    def _bind(self, table: Table, made: Row, name: str, value: Any) -> None:
        leads = table.navigations().get(name)
        set, _, id = str(value).strip("/").partition("(")
        if leads is None:
            raise refused("0x80048d19", f"An undeclared property '{name}' which only has annotations was found")
        self.find(self.of_set(set).name, id.rstrip(")"))
        self._lead(made, leads[0], leads[1], id.rstrip(")").lower())

    def _written(self, table: Table, name: str, value: Any) -> Row:
        type = table.columns.get(name, "")
        if not type or type in LOOKUPS:
            said = f"The property '{name}' does not exist on type 'Microsoft.Dynamics.CRM.{table.name}'."
            raise refused("0x80048d19", f"Error identified in Payload provided by the user for {table.set}: {said}")
        fit: Any = int | Decimal if type in NUMBERS else int if type in WHOLE else bool if type == "Boolean" else str
        if value is not None and (not isinstance(value, fit) or isinstance(value, bool) != (type == "Boolean")):
            raise refused("0x80048d19", f"Cannot convert the literal '{value}' to the expected type of '{name}'.")
        return {name: value}

    def _lead(self, row: Row, lookup: str, table: str, id: str | None) -> None:
        row[f"_{lookup}_value"], row[f"_{lookup}_value@type"] = id, table if id else None

    def _whose(self, tables: list[str], id: str | None) -> str:
        return next((name for name in tables if id in self.rows.get(name, ())), tables[0])

    def _settle(self, name: str, row: Row) -> None:
        """What follows from a row's columns, and its stamp."""
        if name == "annotation" and row["documentbody"] is not None:
            self._attach(row)
        if name == "annotation":
            row["objecttypecode"] = row.get("_objectid_value@type")
        if name == "contact" and not row["fullname"]:
            row["fullname"] = " ".join(filter(None, (row["firstname"], row["lastname"])))
        if name == "opportunityproduct":
            self._price(row)
        self.touch(name, row[self.tables[name].id])
        self._base(name, row)
        if name == "opportunityproduct":
            self._lines.setdefault(row["_opportunityid_value"], {})[row["opportunityproductid"]] = row
            self._total(row["_opportunityid_value"])

    def _attach(self, row: Row) -> None:
        try:
            row["filesize"] = len(base64.b64decode(row["documentbody"], validate=True))
        except (binascii.Error, ValueError):
            raise refused("0x80040203", "documentbody is not base64") from None
        row["isdocument"] = True

    def _price(self, line: Row) -> None:
        product = self.rows["product"].get(line["_productid_value"] or "")
        line["isproductoverridden"] = product is None
        line["opportunityproductname"] = product["name"] if product else line["productdescription"]
        base = Decimal(line["quantity"] or 0) * Decimal(line["priceperunit"] or 0)
        off, tax = Decimal(line["manualdiscountamount"] or 0), Decimal(line["tax"] or 0)
        line.update(baseamount=base, extendedamount=base - off + tax)

    def _base(self, name: str, row: Row) -> None:
        """Money in the currency of the organisation, beside that of the row."""
        currency = self.rows["transactioncurrency"].get(row.get("_transactioncurrencyid_value") or "")
        if currency is None or "exchangerate" not in row:
            return
        row["exchangerate"] = currency["exchangerate"]
        for column in self.tables[name].columns:
            if column.endswith("_base"):
                amount = row[column.removesuffix("_base")]
                row[column] = None if amount is None else (Decimal(amount) / currency["exchangerate"]).quantize(_CENT)

    def _total(self, deal: str) -> None:
        """A roll-up moves the deal only when it comes to another amount."""
        row = self.rows["opportunity"].get(deal)
        total = sum((Decimal(line["extendedamount"]) for line in self._lines.get(deal, {}).values()), Decimal(0))
        if row is not None and row["totalamount"] != total:
            row.update(totalamount=total, totallineitemamount=total)
            if row["isrevenuesystemcalculated"]:
                row["estimatedvalue"] = total
            self._base("opportunity", row)
            self.touch("opportunity", deal)

    # -- asking -------------------------------------------------------------------------------------------------------

    def select(self, table: Table, query: Query, last: list[Any] | None) -> list[Row]:
        """The rows of a query behind the one that had these values of its order. Raises Refusal."""
        try:
            self.check(table, query)
            test = Condition(query.where, table.api, table.columns, table.name).test() if query.where else None
        except Malformed as wrong:
            raise refused("0x80060888", str(wrong)) from None
        now = self.clock.now()
        seen = [row for id, row in self.rows[table.name].items() if self._hidden_until.get(id, now) <= now]
        found = [row for row in seen if test is None or test(row)]
        order = query.order or [(table.id, False)]
        for name, down in reversed(order):
            found.sort(key=lambda row: _sortable(row[name]), reverse=down)
        if last is not None:
            found = [row for row in found if _behind(row, order, last)]
        return found

    def check(self, table: Table, query: Query) -> None:
        """Raises Malformed for a column or navigation that there is not."""
        for name in [*query.select, *(name for name, _ in query.order)]:
            if name not in table.api:
                raise unknown(name, table.name)
        for name, inner in query.expand.items():
            leads = table.navigations().get(name)
            if leads is None:
                raise unknown(name, table.name)
            self.check(self.tables[leads[1]], inner)

    def shown(self, table: Table, query: Query, row: Row, notes: bool) -> Row:
        """A row as an answer has it."""
        told: Row = {"@odata.etag": f'W/"{row["versionnumber"]}"'}
        for name in dict.fromkeys([*(query.select or (one for one in table.api if one != "documentbody")), table.id]):
            value = row[name]
            if notes and value is not None:
                told |= self._notes(table, name, row)
            told[name] = _exact(value) if table.api[name] in NUMBERS else value
        for name, inner in query.expand.items():
            lookup, target = table.navigations()[name]
            id = row[f"_{lookup}_value"] if row.get(f"_{lookup}_value@type") == target else None
            led = self.rows[target].get(id or "")
            told[name] = self.shown(self.tables[target], inner, led, notes) if led else None
        return told

    def _notes(self, table: Table, name: str, row: Row) -> Row:
        type, value = table.api[name], row[name]
        label: Any = None
        if type in LOOKUPS:
            target = row[f"{name}@type"]
            led = self.rows[target].get(value)
            label = led[self.tables[target].primary] if led else None
        elif type in ("Picklist", "State", "Status"):
            label = next((one.label for one in table.choices.get(name, ()) if one.value == value), None)
        elif type == "Boolean":
            label = "Yes" if value else "No"
        elif type in NUMBERS | {"Integer", "BigInt", "DateTime"}:
            label = f"{value:,.2f}" if type in NUMBERS else str(value)
        notes = {f"{name}@OData.Community.Display.V1.FormattedValue": label} if label is not None else {}
        if type in LOOKUPS:
            notes[f"{name}@Microsoft.Dynamics.CRM.lookuplogicalname"] = row[f"{name}@type"]
        return notes


def read_query(options: dict[str, str]) -> Query:
    """Raises Refusal."""
    try:
        return query_of(options)
    except (Malformed, ValueError) as wrong:
        raise refused("0x80060888", str(wrong)) from None


def place_of(row: Row, query: Query, table: Table) -> list[Any]:
    """What a page's link holds of its last row."""
    return [row[name] for name, _ in query.order or [(table.id, False)]]


def _behind(row: Row, order: list[tuple[str, bool]], last: list[Any]) -> bool:
    for (name, down), value in zip(order, last, strict=True):
        ours, theirs = _sortable(row[name]), _sortable(value)
        if ours != theirs:
            return (ours > theirs) != down
    return False


def _sortable(value: Any) -> tuple[bool, Any]:
    """Ids are in the order of SQL Server, whose last group counts first."""
    if isinstance(value, str) and len(value) == 36 and value.count("-") == 4:
        return True, value.split("-")[::-1]
    return value is not None, 0 if value is None else value.lower() if isinstance(value, str) else value


def _exact(value: Any) -> Any:
    """Amounts have four decimals at least."""
    if value is None:
        return None
    number = Decimal(value)
    return number.quantize(_CENT) if int(number.as_tuple().exponent) > -4 else number
