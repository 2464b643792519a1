"""HubSpot's object types as record kinds: their names, the fields every map may use, and how a record is made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Raw, Struct
from wherry.crm import PROBLEM
from wherry.decoding import decoder
from wherry.records import Record

from .client import MODIFIED, Filter, stamp_ms
from .shapes import CrmObject, Ends

TYPES = {
    "deal": "deals",
    "company": "companies",
    "product": "products",
    "ticket": "tickets",
    "line_item": "line_items",
}
"""Record kind → HubSpot's name of the object type in paths."""

MERGED, OWNER = "hs_merged_object_ids", "hubspot_owner_id"
PRODUCT_ID, POSITION = "hs_product_id", "hs_position_on_quote"
HAS_MERGED: Filter = {"propertyName": MERGED, "operator": "HAS_PROPERTY"}
OURS = frozenset({PROBLEM, "id"})

ALWAYS = {"deal": (MODIFIED, MERGED, OWNER), "company": (MODIFIED, MERGED), "ticket": (MODIFIED, OWNER)}
"""What is read with every head of a kind, whatever the map needs."""

_STANDARD = {
    "deal": "dealname amount dealstage pipeline closedate createdate deal_currency_code dealtype description"
    " hs_is_closed hs_is_closed_won hs_deal_stage_probability hs_priority hs_next_step amount_in_home_currency",
    "company": "name domain description country city state zip address address2 phone website industry"
    " numberofemployees annualrevenue lifecyclestage type timezone founded_year createdate hubspot_owner_id",
    "product": "name price description hs_sku hs_product_type hs_cost_of_goods_sold hs_url createdate"
    " recurringbillingfrequency hs_recurring_billing_period tax",
    "ticket": "subject content hs_pipeline hs_pipeline_stage hs_ticket_priority hs_ticket_category createdate"
    " closed_date source_type",
    "line_item": "name quantity price amount hs_sku hs_product_id description discount hs_discount_percentage tax"
    " hs_total_discount hs_line_item_currency_code recurringbillingfrequency hs_recurring_billing_period"
    " hs_position_on_quote hs_cost_of_goods_sold createdate",
}
STANDARD = {
    kind: frozenset((*names.split(), *ALWAYS.get(kind, ()), *OURS, MODIFIED, "hs_object_id"))
    for kind, names in _STANDARD.items()
}
"""Fields that every account has: HubSpot's own default properties, which nobody can remove."""


def properties_for(kind: str, fields: Iterable[str]) -> tuple[str, ...]:
    """The properties to ask for, each once: the map's, without our own, and what is always read."""
    return tuple(dict.fromkeys(n for n in (*fields, *ALWAYS.get(kind, ())) if n not in OURS)) or (MODIFIED,)


class _Props(Struct):
    """What reading itself needs of a record's properties."""

    hs_lastmodifieddate: str | None = None
    hs_merged_object_ids: str | None = None
    dealstage: str | None = None


class Names(Struct):
    """What a line says of its place and of its product. Read apart: whole payloads of lines are opened when they are
    mapped, some records at a time."""

    hs_product_id: Any = None
    hs_position_on_quote: Any = None


def names_in(record: Record) -> Names:
    return decoder(Names).decode(record.payload)  # type: ignore[no-any-return]


class Head(Struct):
    """A record with its modified stamp as HubSpot gave it."""

    id: str
    properties: Raw
    stamp: str
    merged: str = ""
    stage: str = ""
    associations: Raw | None = None
    linked: Sequence[str] = ()
    _ms: int | None = None

    @property
    def ms(self) -> int:
        """The stamp in ms: of relatives nobody asks for it."""
        if self._ms is None:
            self._ms = stamp_ms(self.stamp)
        return self._ms


class Linked(Record):
    """A record whose list told what it is associated with, for the object types of ``linked``; read when it is asked
    for, since most records of a list may have been seen before."""

    associations: bytes = b"{}"
    linked: Sequence[str] = ()
    _links: dict[str, tuple[str, ...]] | None = None

    @property
    def links(self) -> dict[str, tuple[str, ...]]:
        """Object type → ids. What is not there has to be asked for."""
        if self._links is None:
            self._links = links_in(self.associations, self.linked)
        return self._links


def head_of(found: CrmObject, linked: Sequence[str] = ()) -> Head:
    """The head of a record; the stamp is the property where it was sent, else ``updatedAt``. ``linked`` are the object
    types that a list was asked to tell the associations with."""
    props = decoder(_Props).decode(found.properties)
    stamp = props.hs_lastmodifieddate or found.updatedAt
    return Head(
        found.id, found.properties, stamp, props.hs_merged_object_ids or "", props.dealstage or "",
        found.associations if linked else None, linked,
    )  # fmt: skip


_TOLD, _NO_ENDS = dict[str, Ends], Ends()


def links_in(associations: bytes, linked: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Object type → ids, of the types that were told whole: a list tells a first page, and nothing where nothing is."""
    found: dict[str, Ends] = decoder(_TOLD).decode(associations)
    pages = [(to, found.get(to) or found.get(to.replace("_", " ")) or _NO_ENDS) for to in linked]
    return {to: (*{end.id: None for end in page.results},) for to, page in pages if not page.after}


def record_of(kind: str, head: Head) -> Record:
    """A record from what HubSpot sent; its properties stay bytes until somebody looks at them."""
    merged = tuple(part for part in head.merged.split(";") if part) if head.merged else ()
    payload = bytes(head.properties)
    if head.associations is None:
        return Record(kind=kind, id=head.id, version=head.stamp, payload=payload, merged_ids=merged)
    return Linked(
        kind=kind, id=head.id, version=head.stamp, payload=payload, merged_ids=merged,
        associations=bytes(head.associations), linked=head.linked,
    )  # fmt: skip
