"""The template: for each entity the orchestrations that a site builds, and what their inputs and outputs are called.

All of it can be called otherwise in the settings. Where the key of a write stands: ``F4201.VR01`` of orders has 25
letters, ``F0911.EXR`` of journals 30 (contracts/jde), the long address number 20 (general knowledge).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct, field

Names = Mapping[str, str]
_NONE: Names = MappingProxyType({})


class Kind(Struct, frozen=True):
    """One entity. ``inputs`` and ``line_inputs`` are what its fields are called; an empty name is not sent. ``id`` are
    the outputs that together are its number in JD Edwards, ``key`` the letters of our key that there is room for."""

    run: str
    find: str
    id: tuple[str, ...]
    inputs: Names
    key: int = 0
    lines: str = ""
    line_inputs: Names = field(default_factory=lambda: _NONE)
    columns: Names = field(default_factory=lambda: _NONE)
    """Of a table that can be asked in place of a find orchestration: output → column."""
    void: str = ""
    """The orchestration that cancels one, given its number; empty where people do."""


_ORDER_LINE = {
    "product": "ItemNumber", "quantity": "Quantity", "rate": "UnitPrice", "amount": "ExtendedAmount",
    "description": "Description",
}  # fmt: skip
_ORDER = {
    "reference": "CustomerPO", "company": "Company", "customer": "SoldTo", "date": "OrderDate", "number": "Number",
    "due_date": "DueDate", "memo": "Remark", "currency": "Currency", "total": "Total",
}  # fmt: skip
_ORDER_TABLE = {"CustomerPO": "VR01", "OrderNumber": "DOCO", "OrderType": "DCTO", "SoldTo": "AN8"}
KINDS: Mapping[str, Kind] = {
    "customer": Kind(
        "HUB_AddCustomer", "HUB_FindCustomer", ("AddressNumber",),
        {
            "reference": "LongAddressNumber", "name": "AlphaName", "number": "Number", "email": "Email",
            "phone": "Phone", "street": "AddressLine1", "city": "City", "region": "State",
            "postal_code": "PostalCode", "country": "Country", "currency": "Currency",
        }, 20, columns={"LongAddressNumber": "ALKY", "AddressNumber": "AN8", "AlphaName": "ALPH"},
    ),
    "product": Kind(
        "HUB_AddItem", "HUB_FindItem", ("ItemNumber",),
        {"reference": "ItemNumber", "name": "Description", "description": "SearchText", "price": "Price"},
        columns={"ItemNumber": "LITM", "Description": "DSC1"},
    ),
    "invoice": Kind(
        "HUB_AddSalesOrder", "HUB_FindSalesOrder", ("OrderNumber", "OrderType"), _ORDER, 25, "GridData", _ORDER_LINE,
        _ORDER_TABLE,
    ),
    "credit_memo": Kind(
        "HUB_AddCreditOrder", "HUB_FindCreditOrder", ("OrderNumber", "OrderType"), _ORDER, 25, "GridData",
        _ORDER_LINE, _ORDER_TABLE,
    ),
    "journal_entry": Kind(
        "HUB_AddJournalEntry", "HUB_FindJournalEntry", ("DocumentNumber", "DocumentType"),
        {"reference": "BatchReference", "company": "Company", "date": "GLDate", "explanation": "Explanation",
         "total": "Total"}, 26, "Lines", {"account": "Account", "amount": "Amount", "description": "Remark"},
        {"BatchReference": "EXR", "DocumentNumber": "DOC", "DocumentType": "DCT"},
    ),
}  # fmt: skip
"""Entity → its template."""
TABLES = {"customer": "F0101", "product": "F4101", "invoice": "F4201", "credit_memo": "F4201", "journal_entry": "F0911"}
"""The table that can be asked for each, by the dataservice."""
USUAL = ("customer", "invoice", "credit_memo", "journal_entry")
"""What is written where the settings do not say it: items are made in JD Edwards."""
HEADER = {
    "customer": ("reference", "name", "number", "email", "phone", "street", "city", "region", "postal_code", "country",
                 "currency", "description", "website", "company"),
    "product": ("reference", "name", "description", "price", "currency", "unit", "type", "company"),
    "journal_entry": ("reference", "company", "date", "explanation", "number", "memo", "total"),
}  # fmt: skip
ORDERS = ("invoice", "credit_memo")
ORDER_FIELDS = ("reference", "company", "customer", "date", "due_date", "number", "memo", "currency", "total")
ORDER_LINE_FIELDS = ("product", "quantity", "rate", "amount", "description")
JOURNAL_LINE_FIELDS = ("account", "amount", "description", "customer")
CANCELED = "CanceledBy"
"""The output of a find orchestration that has the key of the call that cancelled it, or another word where a person
did; blank while it stands."""
DIMENSION = "dimensions."
"""What the name of a line's dimension begins with among ``line_inputs``, as in ``dimensions.class``."""


def fields_of(entity: str) -> tuple[str, ...]:
    """What an input can be told of the head."""
    return HEADER.get(entity, ORDER_FIELDS)


def line_fields_of(entity: str) -> tuple[str, ...]:
    """What an input can be told of a line; a dimension comes on top."""
    return JOURNAL_LINE_FIELDS if entity == "journal_entry" else ORDER_LINE_FIELDS
