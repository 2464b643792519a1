"""HubSpot's object types as record kinds: their names, the fields every map may use, and how a record is made."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Raw, Struct
from wherry.decoding import decoder
from wherry.records import Record

from .client import MODIFIED, stamp_ms
from .shapes import CrmObject

TYPES = {
    "deal": "deals",
    "company": "companies",
    "product": "products",
    "ticket": "tickets",
    "line_item": "line_items",
}
"""Record kind → HubSpot's name of the object type in paths."""

MERGED, OWNER, PRODUCT_ID, POSITION = (
    "hs_merged_object_ids",
    "hubspot_owner_id",
    "hs_product_id",
    "hs_position_on_quote",
)
PROBLEM = "company_problem"
"""Our own field of a deal or ticket: why no company was chosen for it. Only there when there is something to tell."""
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


class Head(Struct):
    """A record with its modified stamp: the text HubSpot gave, and ms."""

    id: str
    properties: Raw
    stamp: str
    ms: int
    merged: str = ""
    stage: str = ""


def head_of(found: CrmObject) -> Head:
    """The head of a record; the stamp is the property where it was sent, else ``updatedAt``."""
    props = decoder(_Props).decode(found.properties)
    stamp = props.hs_lastmodifieddate or found.updatedAt
    return Head(
        found.id, found.properties, stamp, stamp_ms(stamp), props.hs_merged_object_ids or "", props.dealstage or ""
    )


def record_of(kind: str, head: Head) -> Record:
    """A record from what HubSpot sent; its properties stay bytes until somebody looks at them."""
    merged = tuple(part for part in head.merged.split(";") if part) if head.merged else ()
    return Record(kind=kind, id=head.id, version=head.stamp, payload=bytes(head.properties), merged_ids=merged)
