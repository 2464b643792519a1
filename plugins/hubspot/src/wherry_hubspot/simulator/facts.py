"""Facts about HubSpot's own object types, properties, associations and limits, as tables.

Sources: the CRM object, associations, pipelines and usage guides on developers.hubspot.com, and the
association type numbers in HubSpot's public Python client (`AssociationType`).
"""

from dataclasses import dataclass

MODIFIED = "hs_lastmodifieddate"
CREATED = "createdate"
ID = "hs_object_id"
MERGED = "hs_merged_object_ids"


@dataclass(frozen=True, slots=True)
class Kind:
    """One object type; `scope` is what reading it asks of a token."""

    name: str
    type_id: str
    singular: str
    defaults: tuple[str, ...] = ()
    created: str = "hs_createdate"
    modified: str = MODIFIED
    scope: str = ""

    @property
    def standing(self) -> tuple[str, ...]:
        """Properties every answer carries."""
        return (self.created, self.modified, ID)


def _kind(name: str, type_id: str, singular: str, defaults: str, scope: str = "", **more: str) -> Kind:
    return Kind(name, type_id, singular, tuple(defaults.split()), scope=scope, **more)


KINDS = (
    _kind(
        "contacts",
        "0-1",
        "contact",
        "email firstname lastname",
        "crm.objects.contacts.read",
        created=CREATED,
        modified="lastmodifieddate",
    ),
    _kind("companies", "0-2", "company", "name domain", "crm.objects.companies.read", created=CREATED),
    _kind(
        "deals",
        "0-3",
        "deal",
        "amount closedate dealname dealstage pipeline",
        "crm.objects.deals.read",
        created=CREATED,
    ),
    _kind(
        "tickets",
        "0-5",
        "ticket",
        "content hs_pipeline hs_pipeline_stage hs_ticket_priority subject",
        "tickets",
        created=CREATED,
    ),
    _kind("products", "0-7", "product", "description name price", "e-commerce", created=CREATED),
    _kind(
        "line_items",
        "0-8",
        "line_item",
        "name quantity price amount",
        "crm.objects.line_items.read",
        created=CREATED,
    ),
    _kind("quotes", "0-14", "quote", "hs_title hs_expiration_date hs_status", "crm.objects.quotes.read"),
    _kind("tasks", "0-27", "task", "", "crm.objects.contacts.read"),
    _kind("notes", "0-46", "note", "", "crm.objects.contacts.read"),
    _kind("meetings", "0-47", "meeting", "", "crm.objects.contacts.read"),
    _kind("calls", "0-48", "call", "", "crm.objects.contacts.read"),
    _kind("emails", "0-49", "email", "", "crm.objects.contacts.read"),
)

# By type of value; a star marks a property whose values are unique.
PROPERTIES: dict[str, dict[str, str]] = {
    "contacts": {
        "string": "*email firstname lastname phone company jobtitle city country address zip website",
        "enumeration": "lifecyclestage hubspot_owner_id",
    },
    "companies": {
        "string": "name domain description country city state zip address address2 phone website founded_year timezone",
        "enumeration": "industry lifecyclestage type hubspot_owner_id",
        "number": "numberofemployees annualrevenue",
    },
    "deals": {
        "string": "dealname description closed_won_reason closed_lost_reason hs_next_step",
        "number": "amount hs_deal_stage_probability amount_in_home_currency",
        "enumeration": "dealstage pipeline deal_currency_code dealtype hubspot_owner_id hs_priority",
        "datetime": "closedate",
        "bool": "hs_is_closed hs_is_closed_won",
    },
    "tickets": {
        "string": "subject content",
        "enumeration": "hs_pipeline hs_pipeline_stage hs_ticket_priority hs_ticket_category hubspot_owner_id"
        " source_type",
        "datetime": "closed_date",
    },
    "products": {
        "string": "name description hs_sku hs_url hs_recurring_billing_period",
        "number": "price hs_cost_of_goods_sold tax",
        "enumeration": "hs_product_type recurringbillingfrequency",
    },
    "line_items": {
        "string": "name hs_sku description hs_recurring_billing_period",
        "number": "quantity price amount hs_product_id discount hs_discount_percentage tax"
        " hs_total_discount hs_position_on_quote hs_cost_of_goods_sold",
        "enumeration": "hs_line_item_currency_code recurringbillingfrequency",
    },
    "quotes": {
        "string": "hs_title",
        "date": "hs_expiration_date",
        "enumeration": "hs_status",
        "number": "hs_quote_amount",
    },
    "tasks": {
        "datetime": "hs_timestamp",
        "enumeration": "hubspot_owner_id hs_task_status",
        "string": "hs_attachment_ids hs_task_subject hs_task_body",
    },
    "notes": {
        "datetime": "hs_timestamp",
        "enumeration": "hubspot_owner_id",
        "string": "hs_attachment_ids hs_note_body",
    },
    "meetings": {
        "datetime": "hs_timestamp",
        "enumeration": "hubspot_owner_id",
        "string": "hs_attachment_ids hs_meeting_title hs_meeting_body",
    },
    "calls": {
        "datetime": "hs_timestamp",
        "enumeration": "hubspot_owner_id",
        "string": "hs_attachment_ids hs_call_title hs_call_body",
        "number": "hs_call_duration",
    },
    "emails": {
        "datetime": "hs_timestamp",
        "enumeration": "hubspot_owner_id hs_email_direction hs_email_status",
        "string": "hs_attachment_ids hs_email_subject hs_email_text hs_email_headers",
    },
}

FIELD_TYPES = {
    "string": "text",
    "number": "number",
    "datetime": "date",
    "date": "date",
    "enumeration": "select",
    "bool": "booleancheckbox",
}


@dataclass(frozen=True, slots=True)
class Tie:
    """One association type read in one direction; `back` is its number read in the other."""

    type_id: int
    back: int
    label: str | None = None
    category: str = "HUBSPOT_DEFINED"

    @property
    def mirrored(self) -> "Tie":
        """The same association seen from its other end."""
        return Tie(self.back, self.type_id, self.label, self.category)


PRIMARY = "Primary"

# from, to, number forth and back of the plain association, then of the primary one where there is one.
ASSOCIATIONS: tuple[tuple[str, str, int, int, int, int], ...] = (
    ("contacts", "companies", 279, 280, 1, 2),
    ("deals", "companies", 341, 342, 5, 6),
    ("tickets", "companies", 339, 340, 26, 25),
    ("deals", "contacts", 3, 4, 0, 0),
    ("contacts", "tickets", 15, 16, 0, 0),
    ("deals", "line_items", 19, 20, 0, 0),
    ("deals", "tickets", 27, 28, 0, 0),
    ("deals", "quotes", 63, 64, 0, 0),
    ("quotes", "line_items", 67, 68, 0, 0),
    ("quotes", "contacts", 69, 70, 0, 0),
    ("quotes", "companies", 71, 72, 0, 0),
    ("companies", "calls", 181, 182, 0, 0),
    ("companies", "emails", 185, 186, 0, 0),
    ("companies", "meetings", 187, 188, 0, 0),
    ("companies", "notes", 189, 190, 0, 0),
    ("companies", "tasks", 191, 192, 0, 0),
    ("contacts", "calls", 193, 194, 0, 0),
    ("contacts", "emails", 197, 198, 0, 0),
    ("contacts", "meetings", 199, 200, 0, 0),
    ("contacts", "notes", 201, 202, 0, 0),
    ("contacts", "tasks", 203, 204, 0, 0),
    ("deals", "calls", 205, 206, 0, 0),
    ("deals", "emails", 209, 210, 0, 0),
    ("deals", "meetings", 211, 212, 0, 0),
    ("deals", "notes", 213, 214, 0, 0),
    ("deals", "tasks", 215, 216, 0, 0),
    ("tickets", "calls", 219, 220, 0, 0),
    ("tickets", "emails", 223, 224, 0, 0),
    ("tickets", "meetings", 225, 226, 0, 0),
    ("tickets", "notes", 227, 228, 0, 0),
    ("tickets", "tasks", 229, 230, 0, 0),
)

# pipeline id, label, stages: (id, label, metadata)
DEFAULT_PIPELINES: dict[str, tuple[str, str, tuple[tuple[str, str, dict[str, str]], ...]]] = {
    "deals": (
        "default",
        "Sales Pipeline",
        (
            ("appointmentscheduled", "Appointment Scheduled", {"probability": "0.2"}),
            ("qualifiedtobuy", "Qualified To Buy", {"probability": "0.4"}),
            ("presentationscheduled", "Presentation Scheduled", {"probability": "0.6"}),
            ("decisionmakerboughtin", "Decision Maker Bought-In", {"probability": "0.8"}),
            ("contractsent", "Contract Sent", {"probability": "0.9"}),
            ("closedwon", "Closed Won", {"probability": "1.0"}),
            ("closedlost", "Closed Lost", {"probability": "0.0"}),
        ),
    ),
    "tickets": (
        "0",
        "Support Pipeline",
        (
            ("1", "New", {"ticketState": "OPEN"}),
            ("2", "Waiting on contact", {"ticketState": "OPEN"}),
            ("3", "Waiting on us", {"ticketState": "OPEN"}),
            ("4", "Closed", {"ticketState": "CLOSED"}),
        ),
    ),
}

# Which properties name the pipeline and the stage of a record.
STAGED = {"deals": ("pipeline", "dealstage"), "tickets": ("hs_pipeline", "hs_pipeline_stage")}

TEN_SECONDS = 10.0
SEARCHES_PER_SECOND = 5
# calls in ten seconds, calls a day (None: no daily limit)
TIERS: dict[str, tuple[int, int | None]] = {
    "free": (100, 250_000),
    "pro": (190, 625_000),
    "enterprise": (190, 1_000_000),
    "oauth": (110, None),
}

LIST_MAX = 100
LIST_MAX_WITH_HISTORY = 50
SEARCH_MAX = 200
SEARCH_CAP = 10_000
SEARCH_BODY_MAX = 3_000
BATCH_MAX = 100
LINKS_READ_MAX = 1_000
LINKS_WRITE_MAX = 2_000
