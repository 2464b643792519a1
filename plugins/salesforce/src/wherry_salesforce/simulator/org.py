"""The stand-in's data: rows by object, their ids and stamps, and what the platform does by itself when one changes."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from wherry.simulator import Clock, Refusal, Reply

from ..objects import STAMP
from ..soql import long_id
from .facts import COMPUTED, PERSON, STAGES, STANDARD, WITH_CURRENCY, Object
from .soql import QUOTED, Condition, Malformed, Query, Row, fits, read, test_of

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
NUMBERS = frozenset({"double", "currency", "percent", "int"})


def refused(code: str, message: str, status: int = 400, fields: Iterable[str] = ()) -> Refusal:
    """An error as the API words it: a list with one entry."""
    body: dict[str, Any] = {"message": message, "errorCode": code}
    return Refusal(Reply(status, [{**body, "fields": list(fields)} if fields else body]))


class Org:
    """Rows of one org. Its caller keeps threads apart."""

    def __init__(self, clock: Clock, name: str, *, currencies: tuple[str, ...], record_types: tuple[str, ...],
                 person_accounts: bool) -> None:  # fmt: skip
        self.clock, self.currencies = clock, currencies
        self.objects = _objects(len(currencies) > 1, bool(record_types), person_accounts)
        self.rows: dict[str, dict[str, Row]] = {name: {} for name in self.objects}
        self.record_types: dict[str, str] = {}
        self._count = dict.fromkeys(self.objects, 0)
        self.data: dict[str, bytes] = {}
        self._lines: dict[str, dict[str, Row]] = {}
        self._hidden_until: dict[str, float] = {}
        self.late = 0.0
        """Seconds from the stamp of a new row to the end of the transaction that made it: before, nobody sees it."""
        told = {"OrganizationType": "Developer Edition", "IsSandbox": False, "InstanceName": "SIM1"}
        self.id = self.put("Organization", {"Name": name, "TimeZoneSidKey": "America/Chicago", **told})["Id"]
        ann = {"Username": "sync@acme.example", "FirstName": "Ann", "LastName": "Lee", "Name": "Ann Lee"}
        self.user = self.put("User", {**ann, "Email": "ann@acme.example", "IsActive": True})["Id"]
        for place, (label, closed, won, probability) in enumerate(STAGES, 1):
            named = {"ApiName": label, "MasterLabel": label, "IsActive": True, "SortOrder": place}
            self.put("OpportunityStage", {**named, "IsClosed": closed, "IsWon": won, "DefaultProbability": probability})
        for number, label in enumerate(record_types, 1):
            self.record_types[long_id("012" + _base62(number, 12))] = label

    # -- writing ------------------------------------------------------------------------------------------------------

    def put(self, object: str, fields: Row) -> Row:
        """A new row, as the platform makes it; nothing is checked."""
        shape = self.objects[object]
        self._count[object] += 1
        now = self.now()
        row: Row = dict.fromkeys(shape.fields)
        row.update({name: False for name, type in shape.fields.items() if type == "boolean"})
        row.update(Id=long_id(shape.prefix + _base62(self._count[object], 12)), CreatedDate=now)
        if "OwnerId" in row:
            row["OwnerId"] = self.user
        if "CurrencyIsoCode" in row:
            row["CurrencyIsoCode"] = self.currencies[0]
        row.update(fields)
        self.rows[object][row["Id"]] = row
        if self.late:
            self._hidden_until[row["Id"]] = self.clock.now() + self.late
        self._settle(object, row)
        return row

    def custom(self, name: str, prefix: str, **fields: str) -> None:
        """An object of the org's own."""
        stamps = {"Id": "id", "CreatedDate": "datetime", "LastModifiedDate": "datetime", STAMP: "datetime"}
        self.objects[name] = Object(name, prefix, {**stamps, "IsDeleted": "boolean", **fields})
        self.rows[name], self._count[name] = {}, 0

    def create(self, object: str, fields: Any) -> Row:
        """A new row as the API takes it. Raises Refusal."""
        shape = self.shape(object)
        self._check(shape, fields)
        missing = [name for name in shape.required if fields.get(name) in (None, "")]
        if missing:
            said = f"Required fields are missing: [{', '.join(missing)}]"
            raise refused("REQUIRED_FIELD_MISSING", said, 400, missing)
        if object == "ContentVersion":
            return self._version(fields)
        return self.put(object, fields)

    def update(self, object: str, id: str, fields: Any) -> Row:
        """Change a row as the API takes it. Raises Refusal."""
        self._check(self.shape(object), fields)
        row = self.find(object, id)
        row.update(fields)
        self._settle(object, row)
        return row

    def delete(self, object: str, id: str) -> None:
        """Into the recycle bin."""
        row = self.find(object, id)
        row["IsDeleted"] = True
        self._settle(object, row)

    def purge(self, object: str, id: str) -> None:
        """Out of the recycle bin: no query finds it any more."""
        del self.rows[object][id]

    def merge(self, object: str, survivor: str, loser: str) -> None:
        """Two records become one."""
        self.delete(object, loser)
        self.rows[object][loser]["MasterRecordId"] = survivor
        for name in ("Opportunity", "Case"):
            for row in self.rows[name].values():
                if row.get("AccountId") == loser:
                    row["AccountId"] = survivor
        self.touch(object, survivor)

    def touch(self, object: str, id: str) -> None:
        """Stamp a row with the moment."""
        now = self.now()
        self.rows[object][id].update(SystemModstamp=now, LastModifiedDate=now)

    def now(self) -> str:
        """The moment as rows have it: to the second."""
        return self.clock.date().strftime("%Y-%m-%dT%H:%M:%S.000+0000")

    def shape(self, object: str) -> Object:
        found = self.objects.get(object)
        if found is None:
            raise refused("NOT_FOUND", "The requested resource does not exist", 404)
        return found

    def find(self, object: str, id: str) -> Row:
        self.shape(object)
        row = self.rows[object].get(long_id(id))
        if row is None:
            raise refused("NOT_FOUND", "Provided external ID field does not exist or is not accessible", 404)
        if row.get("IsDeleted"):
            raise refused("ENTITY_IS_DELETED", "entity is deleted", 404)
        return row

    def _check(self, shape: Object, fields: Any) -> None:
        if not isinstance(fields, dict) or not fields:
            raise refused("JSON_PARSER_ERROR", "an object with fields is expected")
        unknown = [name for name in fields if name not in shape.fields and name != "attributes"]
        if unknown:
            raise refused("INVALID_FIELD", f"No such column '{unknown[0]}' on sobject of type {shape.name}")
        fixed = [name for name in fields if name in COMPUTED]
        if fixed:
            said = f"Unable to create/update fields: {', '.join(fixed)}."
            raise refused("INVALID_FIELD_FOR_INSERT_UPDATE", said, 400, fixed)
        fields.pop("attributes", None)
        for name, value in fields.items():
            type = shape.fields[name]
            fit: Any = str if type in QUOTED else int | Decimal if type in NUMBERS else str | bool
            if value is not None and not isinstance(value, fit):
                raise refused("JSON_PARSER_ERROR", f"Cannot deserialize the value of {name}")

    def _settle(self, object: str, row: Row) -> None:
        """What follows from a row's fields, and its stamp."""
        self.touch(object, row["Id"])
        if object == "Opportunity":
            stage = next((s for s in self.rows["OpportunityStage"].values() if s["ApiName"] == row["StageName"]), None)
            row["IsClosed"], row["IsWon"] = bool(stage and stage["IsClosed"]), bool(stage and stage["IsWon"])
        elif object == "OpportunityLineItem":
            self._price(row)
        elif object == "Case" and not row.get("CaseNumber"):
            row["CaseNumber"] = f"{self._count['Case']:08d}"

    def _price(self, line: Row) -> None:
        """A line's product comes with its price book entry; its total with quantity and price, and the deal's amount
        with all totals."""
        entry = self.rows["PricebookEntry"].get(line["PricebookEntryId"] or "")
        product = self.rows["Product2"].get(line["Product2Id"] or (entry or {}).get("Product2Id") or "")
        if product:
            line.update(Product2Id=product["Id"], ProductCode=product["ProductCode"])
        if line["UnitPrice"] is not None:
            line["TotalPrice"] = Decimal(line["Quantity"]) * Decimal(line["UnitPrice"])
        deal = self.rows["Opportunity"].get(line["OpportunityId"])
        if deal is None:
            return
        lines = self._lines.setdefault(deal["Id"], {})
        lines[line["Id"]] = line
        amount = sum((Decimal(row["TotalPrice"] or 0) for row in lines.values() if not row["IsDeleted"]), Decimal(0))
        deal["HasOpportunityLineItem"] = True
        if deal["Amount"] != amount:  # a roll-up moves the deal only when it comes to another amount
            deal["Amount"] = amount
            self.touch("Opportunity", deal["Id"])

    def _version(self, fields: Row) -> Row:
        """A new version of a document, or the first of a new one, which is linked where it is said to be published."""
        try:
            data = base64.b64decode(fields["VersionData"], validate=True)
        except (binascii.Error, ValueError):
            raise refused("JSON_PARSER_ERROR", "VersionData is not base64") from None
        title, _, extension = str(fields["PathOnClient"]).rpartition("/")[2].rpartition(".")
        told = {"Title": fields.get("Title") or title or extension, "FileExtension": extension if title else None,
                "ContentSize": len(data), "FileType": extension.upper() or "UNKNOWN"}  # fmt: skip
        document = fields.get("ContentDocumentId")
        if document is None:
            document = self.put("ContentDocument", told)["Id"]
            for place in filter(None, (self.user, fields.get("FirstPublishLocationId"))):
                self.put("ContentDocumentLink", {"ContentDocumentId": document, "LinkedEntityId": place})
        checksum = hashlib.md5(data, usedforsecurity=False).hexdigest()
        told_of_it = {"IsLatest": True, "ContentDocumentId": document, "VersionData": None, "Checksum": checksum}
        row = self.put("ContentVersion", {**fields, **told, **told_of_it})
        self.data[row["Id"]] = data
        self.find("ContentDocument", document).update(told, LatestPublishedVersionId=row["Id"])
        self.touch("ContentDocument", document)
        return row

    # -- asking -------------------------------------------------------------------------------------------------------

    def select(self, text: str, everything: bool) -> tuple[Query, list[Row]]:
        """The rows of a statement, in order. Raises Refusal."""
        try:
            query = read(text)
            return query, self._rows(query, everything)
        except Malformed as wrong:
            raise refused(wrong.code, str(wrong)) from None

    def _rows(self, query: Query, everything: bool) -> list[Row]:
        name = next((one for one in self.objects if one.lower() == query.object.lower()), None)
        if name is None:
            raise Malformed(f"sObject type '{query.object}' is not supported.", "INVALID_TYPE")
        query.object = name
        for field in [*query.fields, *(field for field, _ in query.order)]:
            self.type_of(name, field)
        if name == "ContentDocumentLink":
            _must_name_records(query)
        test = test_of(query.where, lambda row, field: _alike(self.value(name, row, field)),
                       lambda condition: self._wanted(name, condition, everything))  # fmt: skip
        now = self.clock.now()
        seen = [row for id, row in self.rows[name].items() if self._hidden_until.get(id, now) <= now]
        found = [row for row in seen if (everything or not row.get("IsDeleted")) and test(row)]
        for field, down in reversed(query.order):
            found.sort(key=lambda row: _sortable(self.value(name, row, field)), reverse=down)
        return found[: query.limit]

    def _wanted(self, object: str, condition: Condition, everything: bool) -> Any:
        """What a condition compares with, in the form that rows have it."""
        type = self.type_of(object, condition.field)
        if condition.inner is not None:
            (name,) = condition.inner.fields
            inner = self._rows(condition.inner, everything)
            return {_alike(self.value(condition.inner.object, row, name)) for row in inner}
        for kind, _ in condition.values:
            if not fits(kind, type):
                message = f"value of filter criterion for field '{condition.field}' must be of type {type}"
                raise Malformed(message, "INVALID_FIELD")
        values = [_alike(_as_held(value, type)) for _, value in condition.values]
        return set(values) if condition.operator == "in" else values[0]

    def type_of(self, object: str, path: str) -> str:
        """The type of a field, or of a parent's field. Raises Malformed."""
        *way, name = path.split(".")
        for step in way:
            parent = self.objects[object].parents.get(step)
            if parent is None:
                raise Malformed(f"Didn't understand relationship '{step}' in field path.", "INVALID_FIELD")
            object = parent
        found = self.objects[object].fields.get(name)
        if found is None:
            raise Malformed(f"No such column '{name}' on entity '{object}'.", "INVALID_FIELD")
        return found

    def value(self, object: str, row: Row | None, path: str) -> Any:
        """What a row, or a parent of it, holds."""
        *way, name = path.split(".")
        for step in way:
            parent = self.objects[object].parents[step]
            id = row[f"{step}Id"] if row is not None and f"{step}Id" in row else None
            object, row = parent, self.rows[parent].get(id) if id else None
        return None if row is None else row[name]


def _objects(currencies: bool, record_types: bool, person_accounts: bool) -> dict[str, Object]:
    made = dict(STANDARD)
    more: dict[str, dict[str, str]] = {name: {"CurrencyIsoCode": "picklist"} for name in WITH_CURRENCY if currencies}
    if record_types:
        more.setdefault("Opportunity", {})["RecordTypeId"] = "reference"
    if person_accounts:
        more.setdefault("Account", {}).update(PERSON)
    for name, fields in more.items():
        made[name] = replace(made[name], fields={**made[name].fields, **fields})
    return made


def _must_name_records(query: Query) -> None:
    named = ("ContentDocumentId", "LinkedEntityId")
    if not any(one.field in named and one.operator in ("=", "in") for one in query.conditions()):
        raise Malformed(
            "Implementation restriction: ContentDocumentLink requires a filter by a single Id on ContentDocumentId or "
            "LinkedEntityId using the equals operator or multiple Id's using the IN operator."
        )


def _alike(value: Any) -> Any:
    """Texts compare without case; moments and ids of 18 characters have none that counts."""
    return value.lower() if isinstance(value, str) else value


def _as_held(value: Any, type: str) -> Any:
    if type in ("id", "reference") and isinstance(value, str):
        if len(value) not in (15, 18):
            raise Malformed(f"invalid ID field: {value}", "INVALID_QUERY_FILTER_OPERATOR")
        return long_id(value)
    if type == "datetime" and isinstance(value, str):
        whole, _, _ = value.replace("Z", "").partition("+")
        return f"{whole.partition('.')[0]}.{(whole.partition('.')[2] or '0').ljust(3, '0')[:3]}+0000"
    return value


def _sortable(value: Any) -> tuple[bool, Any]:
    return value is not None, _alike(value) if value is not None else 0


def _base62(number: int, width: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 62)
        text = _DIGITS[digit] + text
    return text.rjust(width, "0")
