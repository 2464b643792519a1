"""Dataverse's tables as record kinds: what is asked for, and how a row becomes a record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Raw, Struct
from wherry.crm import PROBLEM
from wherry.decoding import decoder
from wherry.records import Record
from wherry.rows import Row, nested, text

from .client import LABEL, TARGET, seconds_of

TABLES = {
    "deal": "opportunity", "company": "account", "product": "product", "ticket": "incident", "owner": "systemuser",
    "line_item": "opportunityproduct", "contact": "contact",
}  # fmt: skip
"""Record kind → its table; locations are a table of the environment's own. Contacts come as companies."""
STAMP, ETAG, PIPELINE, CURRENCY = "modifiedon", "@odata.etag", "pipeline", "currency"
ONE = "default"
"""The one pipeline: which state and status reasons an opportunity may have holds for all of them."""
LOOKUPS = frozenset({"LookupType", "CustomerType", "OwnerType"})
LABELLED = LOOKUPS | {"PicklistType", "StateType", "StatusType", "BooleanType", "MultiSelectPicklistType"}
ENDINGS = {LABEL: "name", TARGET: "type"}
"""Annotation → what Dataverse itself adds to a column's name for it."""
OWN: dict[str, dict[str, str]] = {
    "deal": {PIPELINE: "always default", CURRENCY: "the currency's ISO code", PROBLEM: "why there is no company"},
    "ticket": {PROBLEM: "why there is no company"},
    "line_item": {"product_name": "the product's name, or that of a write-in", "sku": "the product's number"},
    "location": {PROBLEM: "why there is no company"},
}
"""Fields that this plugin makes, by kind, with what they say."""
ALWAYS = {
    "deal": ("customerid", "ownerid"),
    "company": ("ownerid", "merged", "masterid"),
    "ticket": ("customerid", "ownerid"),
    "line_item": ("opportunityid", "productid", "productdescription", "lineitemnumber"),
}
"""What a record says of its place and of others, whatever the map needs."""
ISO = "transactioncurrencyid"
_NO_FIELD = frozenset({STAMP, "versionnumber"})
_encode = msgspec.json.Encoder().encode


class View(Struct, frozen=True):
    """A kind as it is asked for: its entity set, and the columns with their types."""

    kind: str
    set: str
    id: str
    types: dict[str, str]
    located: dict[str, str] = {}
    """Our own field → the column, of a location."""
    account: str = ""
    """The lookup of a location's account."""
    names: dict[str, str] = {}
    """What keys of answers are called, as far as they were met."""

    def columns(self, fields: Iterable[str]) -> list[str]:
        """What to select for these fields of the map."""
        wanted = (*self.seen(ALWAYS.get(self.kind, ())), *self.located.values(), self.account, *fields)
        bases = dict.fromkeys(filter(None, map(self.base, wanted)))
        return [self.id, STAMP, *(self.column(name) for name in bases if name not in (self.id, STAMP))]

    def base(self, field: str) -> str:
        """The column that tells a field: itself, or the one whose label or target it is; empty for our own."""
        if field in self.types:
            return field
        base = field[:-4]
        fits = LABELLED if field.endswith("name") else LOOKUPS if field.endswith("type") else frozenset[str]()
        return base if self.types.get(base) in fits else ""

    def column(self, name: str) -> str:
        """As queries name it."""
        return f"_{name}_value" if self.types[name] in LOOKUPS else name

    def expand(self, fields: Iterable[str]) -> str:
        """What comes along with each row: the currency's code, which the row itself names by an id."""
        return f"{ISO}($select=isocurrencycode)" if self.kind == "deal" and CURRENCY in fields else ""

    def seen(self, names: Iterable[str]) -> list[str]:
        """Those that there are of what we want for ourselves."""
        return [name for name in names if name in self.types]

    def fields(self, row: Row) -> Row:
        """The fields of a row under their logical names, with labels and targets beside lookups and choices."""
        fields: Row = {}
        for told, raw in row.items():
            name = self.names.get(told)
            if name is None:
                name = self.names[told] = self._field(told)
            if name:
                fields[name] = raw
        return fields

    def _field(self, told: str) -> str:
        """What a key of an answer is called in a map; empty for what is no field."""
        column, _, note = told.partition("@")
        name = column[1:-6] if column.startswith("_") and column.endswith("_value") else column
        if name not in self.types or name in _NO_FIELD or (name == column and self.types[name] in LOOKUPS):
            return ""  # a lookup under its bare name is the row that came along
        if not note:
            return name
        field = name + ENDINGS.get(note, "")
        # A column of that name, which somebody made, counts before what we would say there.
        return field if self.types[name] in LABELLED and field not in self.types else ""

    def record(self, row: Row) -> Record:
        """The record of a row. What moves without a change of any field, stamp and version, is not among its fields."""
        fields = self.fields(row)
        if self.kind == "deal":
            fields[PIPELINE] = Raw(_encode(ONE))
            if (currency := nested(row.get(ISO))) is not None:
                fields[CURRENCY] = currency["isocurrencycode"]
        if self.located:
            fields = _located(self, fields)
        into = text(row.get("_masterid_value")) if text(row.get("merged")) == "True" else ""
        kind = "company" if self.kind == "contact" else self.kind
        if kind != self.kind:
            fields["name"] = fields.get("fullname", Raw(b"null"))
        made = Record(kind=kind, id=text(row[self.id]), version=version_of(row), payload=_encode(fields))
        if into:
            made.gone, made.merged_into = "merged", into
        return made


def version_of(row: Row) -> str:
    """The row's version by its ETag, ``W/"4711"``: two changes within a second are two versions."""
    return text(row.get(ETAG)).removeprefix("W/").strip('"') or text(row.get(STAMP))


def stamp_of(row: Row) -> int:
    """When a row changed, in seconds."""
    return seconds_of(text(row[STAMP]))


def _located(view: View, fields: Row) -> Row:
    """Under the names of our own fields, and the account as other kinds name it."""
    found = {name: fields[column] for name, column in view.located.items() if column in fields}
    type = fields.get(f"{view.account}type", Raw(b'"account"'))
    return {**found, "customerid": fields.get(view.account, Raw(b"null")), "customeridtype": type}


class Names(Struct):
    """What a record says of others. Read apart: a whole payload is opened when it is mapped."""

    customerid: str | None = None
    customeridtype: str | None = None
    ownerid: str | None = None
    owneridtype: str | None = None


def names_in(record: Record) -> Names:
    return decoder(Names).decode(record.payload)  # type: ignore[no-any-return]


PARENT = "productid"
OF_A_LINE = ("name", "productnumber")
"""What is read of a line's product whatever the map needs."""


def line_expand(product: View, wanted: Sequence[str]) -> str:
    """The line's product comes along, and costs no call."""
    return f"{PARENT}($select={','.join(product.columns((*product.seen(OF_A_LINE), *wanted)))})"


def line_of(view: View, row: Row, product: View, wanted: Sequence[str] | None) -> tuple[str, Record]:
    """The id of the deal that a line belongs to, and the line. With ``wanted`` its product is a relative of it."""
    parent = nested(row.get(PARENT))
    line = view.record(row)
    null = Raw(b"null")
    told = parent if parent is not None else {"name": row.get("productdescription", null)}
    own = {**decoder(Row).decode(line.payload), "product_name": told.get("name", null)}
    line.payload = _encode({**own, "sku": told.get("productnumber", null)})
    if wanted is not None:
        line.relatives["product"] = [product.record(parent)] if parent is not None else []
    return text(row["_opportunityid_value"]), line
