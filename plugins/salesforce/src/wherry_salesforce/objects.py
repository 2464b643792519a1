"""Salesforce's objects as record kinds: what is asked for, and how a row becomes a record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Raw, Struct
from wherry.crm import PROBLEM
from wherry.decoding import decoder
from wherry.records import Record
from wherry.rows import Row, nested, text

from .client import stamp_ms
from .settings import Location

OBJECTS = {
    "deal": "Opportunity",
    "company": "Account",
    "product": "Product2",
    "ticket": "Case",
    "owner": "User",
    "line_item": "OpportunityLineItem",
}
"""Record kind → the object that it is; locations are one of the org's own."""

STAMP, PIPELINE = "SystemModstamp", "pipeline"
NO_TYPE = "default"
"""The one pipeline of an org without record types, and that of deals that have none."""
MASTER = "012000000000000AAA"
OWN: dict[str, dict[str, str]] = {
    "deal": {PIPELINE: "record type", PROBLEM: "why there is no company"},
    "ticket": {PROBLEM: "why there is no company"},
    "line_item": {"product_name": "the product's name", "sku": "the product's stock keeping unit, else its code"},
    "location": {PROBLEM: "why there is no company"},
}
"""Fields that this plugin makes, by kind, with what they say."""
ALWAYS = {
    "deal": ("AccountId", "OwnerId", "RecordTypeId"),
    "company": ("OwnerId",),
    "ticket": ("AccountId", "OwnerId"),
    "line_item": ("OpportunityId", "SortOrder"),
}
"""What a record says of its place and of others, whatever the map needs."""
OPTIONAL = {
    "deal": ("CurrencyIsoCode", "RecordTypeId"),
    "line_item": ("CurrencyIsoCode",),
    "product": ("CurrencyIsoCode", "StockKeepingUnit"),
    "company": (
        "CurrencyIsoCode", "IsPersonAccount", "PersonEmail", "PersonMailingStreet", "PersonMailingCity",
        "PersonMailingState", "PersonMailingPostalCode", "PersonMailingCountry",
    ),
}  # fmt: skip
"""Standard fields that only some orgs have: several currencies, record types, person accounts. Left out elsewhere."""


class View(Struct, frozen=True):
    """A kind as it is asked for: its object, and the fields of it that this user sees."""

    kind: str
    object: str
    known: frozenset[str]
    location: Location | None = None
    currency: str = ""
    """That of all records of an org that names none with them."""

    def columns(self, fields: Iterable[str]) -> list[str]:
        """What to select for these fields of the map."""
        if self.location is not None:
            own = [*self.location.named.values(), *filter(None, [self.location.account])]
            return ["Id", STAMP, *own]
        return ["Id", STAMP, *self.names(fields)]

    def names(self, fields: Iterable[str]) -> list[str]:
        """The fields without our own ones and those that this org does not have."""
        wanted = (*self.seen(ALWAYS.get(self.kind, ())), *fields)
        left_out = {*OWN.get(self.kind, ()), *(set(OPTIONAL.get(self.kind, ())) - self.known), "id"}
        return [name for name in dict.fromkeys(wanted) if name not in left_out]

    def seen(self, names: Iterable[str]) -> list[str]:
        """Those that the user sees of what we want for ourselves: nobody has to grant what no map names."""
        return [name for name in names if name in self.known]

    def record(self, row: Row) -> Record:
        """The record of a row. What moves without a change of any field, the stamp, is not among its fields."""
        fields = {name: raw for name, raw in row.items() if name not in _NO_FIELD}
        if self.location is not None:
            fields = _located(row, self.location)
        elif self.kind == "deal":
            fields[PIPELINE] = _pipeline(fields.get("RecordTypeId"))
            if self.currency and "CurrencyIsoCode" not in fields:
                fields["CurrencyIsoCode"] = Raw(_encode(self.currency))
        return Record(kind=self.kind, id=text(row["Id"]), version=text(row[STAMP]), payload=_encode(fields))

    def gone(self, row: Row) -> Record:
        """The head of a row from the recycle bin: deleted, or merged into another."""
        into = text(row.get("MasterRecordId"))
        made = Record(
            kind=self.kind, id=text(row["Id"]), version=text(row[STAMP]), gone="merged" if into else "deleted"
        )
        made.merged_into = into
        return made


_NO_FIELD = frozenset({STAMP, "attributes", "IsDeleted", "MasterRecordId"})
_encode = msgspec.json.Encoder().encode


def ms_of(row: Row) -> int:
    """When a row changed, in ms."""
    return stamp_ms(text(row[STAMP]))


def _pipeline(raw: Raw | None) -> Raw:
    found = text(raw)
    return Raw(_encode(found if found and found != MASTER else NO_TYPE))


def _located(row: Row, location: Location) -> Row:
    """Under the names of our own fields, and the account as other kinds name it."""
    found = {"Id": row["Id"], **{name: row[field] for name, field in location.named.items()}}
    return {**found, "AccountId": row[location.account]} if location.account else found


class Names(Struct):
    """What a record says of others. Read apart: a whole payload is opened when it is mapped."""

    AccountId: str | None = None
    OwnerId: str | None = None
    OpportunityId: str | None = None


def names_in(record: Record) -> Names:
    return decoder(Names).decode(record.payload)  # type: ignore[no-any-return]


PARENT = "Product2"
SKUS = ("StockKeepingUnit", "ProductCode")
OF_A_LINE = ("Id", STAMP, "Name", *SKUS)
"""What is read of a line's product whatever the map needs."""


def line_columns(view: View, fields: Iterable[str], product: View, wanted: Sequence[str]) -> list[str]:
    """What to select of line items: their product comes along, and costs no call."""
    names = product.names((*product.seen(OF_A_LINE), *wanted))
    return [*view.columns(fields), *(f"{PARENT}.{name}" for name in dict.fromkeys(names))]


def line_of(view: View, row: Row, product: View, wanted: Sequence[str] | None) -> tuple[str, Record]:
    """The id of the deal that a line belongs to, and the line. With ``wanted`` its product is a relative of it."""
    parent, own = nested(row.get(PARENT)), {name: raw for name, raw in row.items() if name != PARENT}
    if parent is None:
        return text(row["OpportunityId"]), view.record(own)
    own["product_name"] = parent["Name"]
    own["sku"] = next((parent[name] for name in SKUS if text(parent.get(name))), Raw(b"null"))
    line = view.record(own)
    if wanted is not None:
        kept = {name: parent[name] for name in ("Id", STAMP, *product.names(wanted)) if name in parent}
        line.relatives["product"] = [product.record(kept)]
    return text(row["OpportunityId"]), line
